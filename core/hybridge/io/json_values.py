"""Labels, constants and observables as JSON values, each kind under its own key."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.observables.qubit import Hermitian, MatrixObservable, Projector, diagonal
from hybridge.operations.measuring import Bit
from hybridge.operations.pauli import Sentence, word
from hybridge.operations.table import Constant
from hybridge.phasespace.counted import Clicks, NumberProjector
from hybridge.phasespace.polynomial import Polynomial

TYPES = {"b": bool, "i": np.int64, "f": float, "c": complex}
MAX_DIMENSION = 16


def write(value: Any) -> Any:
    """The value as JSON. Raises CircuitError for one of another kind."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return {"float": plain_float(value)}
    for kind, (key, written, _) in KINDS.items():
        if isinstance(value, kind):
            return {key: written(value)}
    raise CircuitError(f"{type(value).__name__} {value!r} cannot be written")


def read(written: Any) -> Any:
    """The value that `write` gave. Raises CircuitError, KeyError, TypeError, ValueError for another."""
    if written is None or isinstance(written, (bool, int, str)):
        return written
    ((key, inside),) = only_object(written).items()
    return plain_float(inside) if key == "float" else READ[key](inside)


def only_object(written: Any) -> dict[str, Any]:
    """The value, which must be an object."""
    if not isinstance(written, dict):
        raise CircuitError(f"an object should stand where {str(written)[:40]} does")
    return written


def plain_float(x: Any) -> float:
    """A finite number as a float."""
    if isinstance(x, bool) or not isinstance(x, (int, float)) or not math.isfinite(x):
        raise CircuitError(f"a number must be finite; got {str(x)[:40]}")
    return float(x)


def _write_array(value: Constant | np.ndarray) -> dict[str, Any]:
    array = np.asarray(value.array if isinstance(value, Constant) else value)
    flat = array.ravel()
    found = {"shape": list(array.shape), "type": array.dtype.kind, "real": flat.real.tolist()}
    return found | ({"imaginary": flat.imag.tolist()} if array.dtype.kind == "c" else {})


def read_array(inside: Any) -> np.ndarray:
    """An array of finite entries."""
    shape, kind = inside["shape"], TYPES[inside["type"]]
    if len(shape) > MAX_DIMENSION or any(type(n) is not int or n < 0 for n in shape):
        raise CircuitError("the shape of an array is of whole numbers")
    real = np.array([plain_float(x) if kind is not bool else x for x in inside["real"]])
    found: np.ndarray = real.astype(kind)
    if kind is complex:
        found.imag = [plain_float(x) for x in inside["imaginary"]]  # not a sum, in which -0 is lost
    return found.reshape(shape)


def _coefficient(c: Any) -> list[float]:
    number = complex(c)
    return [number.real, number.imag] if isinstance(c, complex) else [number.real]


def _read_coefficient(c: Any) -> float | complex:
    parts = [plain_float(x) for x in c]
    return parts[0] if len(parts) == 1 else complex(*parts)


def _write_sentence(value: Sentence) -> Any:
    terms = [[[[write(w), s] for w, s in key], _coefficient(c)] for key, c in value.terms.items()]
    return {"terms": terms, "wires": [write(w) for w in value.wires]}


def _read_sentence(inside: Any) -> Sentence:
    terms = {}
    for letters, c in inside["terms"]:
        if any(s not in ("X", "Y", "Z") for _, s in letters):
            raise CircuitError("the letters of a word are X, Y and Z")
        terms[word([(read(w), s) for w, s in letters])] = _read_coefficient(c)
    return Sentence(terms, [read(w) for w in inside["wires"]])


def _write_matrix(value: MatrixObservable) -> Any:
    wires = [write(w) for w in value.wires]
    if value.bits is not None:
        return {"bits": list(value.bits), "wires": wires}
    if value.diagonal is not None:
        return {"diagonal": value.diagonal.tolist(), "wires": wires}
    if value.name not in ("Hermitian", "Projector"):
        raise CircuitError(f"the observable {value.name} cannot be written")
    return {"name": value.name, "matrix": _write_array(value.dense), "wires": wires}


def _read_matrix(inside: Any) -> MatrixObservable:
    wires = tuple(read(w) for w in inside["wires"])
    if "bits" in inside:
        return Projector(inside["bits"], wires)
    if "diagonal" in inside:
        return diagonal([plain_float(x) for x in inside["diagonal"]], wires)
    return Hermitian(read_array(inside["matrix"]), wires)


def _write_polynomial(value: Polynomial) -> Any:
    terms = [[[[write(m), a, b] for m, a, b in key], _coefficient(c)] for key, c in value.terms.items()]
    return {"terms": terms, "wires": [write(w) for w in value.wires]}


def _read_polynomial(inside: Any) -> Polynomial:
    terms = {}
    for powers, c in inside["terms"]:
        if any(type(n) is not int or not 0 <= n <= 64 for _, *exponents in powers for n in exponents):
            raise CircuitError("the powers of x and p are whole numbers of 0 to 64")
        terms[tuple((read(m), a, b) for m, a, b in powers)] = _read_coefficient(c)
    return Polynomial(terms, [read(w) for w in inside["wires"]])


def _read_projector(inside: Any) -> NumberProjector:
    photons, wires = (tuple(read(x) for x in inside[key]) for key in ("photons", "wires"))
    if len(photons) != len(wires) or any(type(n) is not int or n < 0 for n in photons):
        raise CircuitError("a projector takes a number of photons for each mode")
    return NumberProjector(photons, wires)


def _tuple(inside: Any) -> tuple[Any, ...]:
    return tuple(read(x) for x in inside)


# kind -> its key, how it is written, how it is read
KINDS: dict[type, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = {
    tuple: ("tuple", lambda t: [write(x) for x in t], _tuple),
    complex: ("complex", lambda c: [c.real, c.imag], lambda c: complex(*map(plain_float, c))),
    Bit: ("bit", lambda b: b.index, lambda k: Bit(int(k))),
    Constant: ("array", _write_array, lambda a: Constant(read_array(a))),
    Sentence: ("pauli", _write_sentence, _read_sentence),
    MatrixObservable: ("matrix", _write_matrix, _read_matrix),
    Polynomial: ("polynomial", _write_polynomial, _read_polynomial),
    NumberProjector: (
        "photons",
        lambda p: {"photons": [write(n) for n in p.photons], "wires": [write(w) for w in p.wires]},
        _read_projector,
    ),
    Clicks: ("clicks", lambda c: [write(w) for w in c.wires], lambda wires: Clicks(_tuple(wires))),
}
READ = {key: function for key, _, function in KINDS.values()}
