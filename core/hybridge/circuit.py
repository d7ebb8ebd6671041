"""Circuits without numbers, and the measurements a circuit function returns."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from hybridge.errors import CircuitError, GradientError
from hybridge.observables.measured import measured_bits
from hybridge.operations.measuring import Bit
from hybridge.operations.table import Applied, Operation, Wires, as_wires


class Instruction(NamedTuple):
    """An operation on wires; its parameters are the circuit's next slots, implied and never stored."""

    operation: Operation
    wires: Wires


class Kept(NamedTuple):
    """The detail of a measurement whose wires, or the first of them, hold bits that must read `outcomes`.

    An expectation value counts the others as 0; `weight`: the ones that are left as 1, read in the setting of
    the observable. A sample of an observable has NaN for what is dropped; counts leave it out.
    """

    outcomes: tuple[int, ...]
    weight: bool = False
    all_outcomes: bool = False


class Measurement(NamedTuple):
    """What is read at the end: kind, observable or None, wires or None for all, a detail of the kind."""

    kind: str
    observable: Any = None
    wires: Wires | None = None
    detail: Hashable = None

    def __repr__(self) -> str:
        inside = (
            self.observable
            if self.observable is not None
            else f"wires={list(self.wires)}"
            if self.wires
            else ""
        )
        return f"{self.kind}({inside})"


class Combination(NamedTuple):
    """An expectation value with traced coefficients: their library sums coefficient * measurement."""

    measurements: tuple[Measurement, ...]
    coefficients: tuple[Any, ...]


class Circuit(NamedTuple):
    """Instructions and measurements over `wires`, first wire most significant; hashable, number-free.

    The circuit of a Plan's program is lowered: its wires are 0..n-1, its operations those the device claims.
    """

    instructions: tuple[Instruction, ...]
    measurements: tuple[Measurement, ...]
    wires: Wires

    @property
    def num_slots(self) -> int:
        """How many numbers the circuit takes: P of a (batch, P) array."""
        return sum(len(operation.params) for operation, _ in self.instructions)

    @property
    def slots(self) -> list[tuple[int, str]]:
        """For each slot: the index of its instruction and the parameter's name there."""
        return [(i, p) for i, (operation, _) in enumerate(self.instructions) for p in operation.params]


def _observable(thing: Any, measure: str) -> Any:
    convert = getattr(thing, "as_observable", None)
    found = convert() if convert else None
    if found is None:
        what = repr(thing) if isinstance(thing, Applied) else f"{type(thing).__name__} {thing!r}"
        raise CircuitError(
            f"{measure} needs an observable such as hb.Z(0) or hb.NumberOperator(0); got {what}"
        )
    if not found.hermitian:
        raise CircuitError(f"{measure} needs a Hermitian observable; {found!r} is not")
    if getattr(found, "traced", False) and measure != "expval":
        raise GradientError(
            "a coefficient of an observable",
            f"{measure}({found!r}) is not linear in it",
            "differentiate expval(O), or expval(O @ O) - expval(O)**2 for a variance",
        )
    return found


def _some_wires(wires: Any, measure: str) -> Wires:
    found = as_wires(wires)
    if not found:
        what = "name them" if measure == "density_matrix" else "leave wires out to measure all"
        raise CircuitError(f"{measure} needs at least one wire; got {wires!r}; {what}")
    return found


def expval(op: Any) -> Measurement | Combination:
    """The expectation value of an observable: a 0-d float, (batch,) when broadcast.

    Coefficients traced by a differentiable library are allowed in sums of Pauli words.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=2))
    ... def circuit(x):
    ...     hb.RX(x, wires=0)
    ...     return hb.expval(hb.Z(0) @ hb.Z(1))
    >>> round(float(circuit(0.0)), 6)
    1.0
    """
    observable = _observable(op, "expval")
    if getattr(observable, "traced", False):
        parts = observable.split()
        return Combination(
            tuple(Measurement("expval", part) for _, part in parts), tuple(c for c, _ in parts)
        )
    return Measurement("expval", observable)


def var(op: Any) -> Measurement:
    """The variance of an observable: a 0-d float, (batch,) when broadcast."""
    return Measurement("var", _observable(op, "var"))


def probs(wires: Any = None, op: Any = None) -> Measurement:
    """Probabilities (2^k,) of the basis states of `wires` (default: all), wires[0] most significant.

    On a CV device: of the photon numbers, (cutoff,)*k flattened. With `op`: of the observable's wires in its
    order, in the basis that diagonalises it (Pauli words and Hermitian observables of one setting); of
    Click, which detectors click. Of a measured value, or a list of them: of the patterns of its bits.
    """
    if op is not None and wires is not None:
        raise CircuitError("probs takes wires or op, not both")
    bits = measured_bits(wires if op is None else op)
    if bits is not None:
        return Measurement("probs", None, bits)
    if op is None and hasattr(wires, "as_observable"):
        op, wires = wires, None
    if op is not None:
        observable = _observable(op, "probs")
        return Measurement("probs", observable, tuple(observable.wires))  # the wires are the order
    return Measurement("probs", None, None if wires is None else _some_wires(wires, "probs"))


def sample(op: Any = None, wires: Any = None) -> Measurement:
    """Single shots: of an observable (shots,) eigenvalues, of wires (shots, n) bits or photon numbers.

    Of a list of measured values (shots, n) bits.
    """
    return _of_op_or_wires("sample", op, wires, None)


def counts(op: Any = None, wires: Any = None, all_outcomes: bool = False) -> Measurement:
    """How often each outcome came: a plain dict {bitstring or eigenvalue: int}.

    With `all_outcomes` the outcomes that never came are listed with 0.
    """
    return _of_op_or_wires("counts", op, wires, bool(all_outcomes))


def _of_op_or_wires(kind: str, op: Any, wires: Any, detail: Hashable) -> Measurement:
    if op is not None and wires is not None:
        raise CircuitError(f"{kind} takes op or wires, not both")
    if op is not None:
        bits = measured_bits(op) if isinstance(op, (list, tuple)) else None
        if bits is not None:
            return Measurement(kind, None, bits, detail)
        return Measurement(kind, _observable(op, kind), None, detail)
    return Measurement(kind, None, None if wires is None else _some_wires(wires, kind), detail)


def sample_heterodyne(wires: Any = None) -> Measurement:
    """Single shots of heterodyne detection: complex (shots, k), alpha of each of `wires` (default: all).

    Both quadratures of a mode at once, with the noise of one vacuum more: alpha = (x + i p) / 2 has the
    density <alpha|rho|alpha> / pi. Joint over the modes, also with quadratures of others in the same circuit.

    >>> import numpy as np
    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.gaussian", wires=1, shots=4000, seed=1))
    ... def circuit():
    ...     hb.CoherentState(0.8, 0.3, wires=0)
    ...     return hb.sample_heterodyne(wires=0)
    >>> alpha = circuit()
    >>> alpha.shape, bool(abs(alpha.mean() - 0.8 * np.exp(0.3j)) < 0.1)
    ((4000, 1), True)
    """
    return Measurement("heterodyne", None, None if wires is None else _some_wires(wires, "sample_heterodyne"))


def state() -> Measurement:
    """The final state: complex (2^n,), wire 0 most significant; on a Fock device (cutoff^n,)."""
    return Measurement("state")


def density_matrix(wires: Any) -> Measurement:
    """The reduced density matrix of `wires`: complex (2^k, 2^k), wires[0] most significant."""
    return Measurement("density_matrix", None, _some_wires(wires, "density_matrix"))


def measured_wires(measurements: Sequence[Measurement]) -> list[Hashable]:
    """Every wire the measurements name, in order of appearance; bits are no wires."""
    named: dict[Hashable, None] = {}
    for m in measurements:
        named.update(dict.fromkeys(m.observable.wires if m.observable is not None else m.wires or ()))
    return [w for w in named if type(w) is not Bit]
