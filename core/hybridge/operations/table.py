"""The table of operations: one row defines an operation completely; everything else is tested against it.

Columns a row may fill, by domain and kind:

kind      | qubit `definition(*params)`            | CV `definition(*params)`, order (x1.., p1..), hbar = 2
----------|----------------------------------------|----------------------------------------------------------
gate      | unitary (..., 2^k, 2^k)                | symplectic S (..., 2k, 2k), shift d (..., 2k): S r + d
state     | ket (2^k,) or density matrix (2^k, 2^k)| mean (..., 2k) and covariance (..., 2k, 2k); vacuum: 0, 1
channel   | Kraus operators (..., m, 2^k, 2^k)     | X, d and Y: mean -> X mean + d, V -> X V X^T + Y
outcome   | -                                      | P, N and y: P r, with noise N, was found to be y
marker    | None: Barrier, Snapshot                |
measure   | None: a wire into a classical bit      |
conditional | None: its constants say what acts    |

A leading axis on the parameters is a leading axis on the definition. Non-Gaussian CV rows have no
`definition` but `fock(cutoff, *params)`: (cutoff,)*k for a ket, (cutoff,)*2k for an operator or density
matrix (outputs first). Every CV gate also gives `hamiltonian(*params)`, a Polynomial H in (x, p) with U =
exp(i H).

Where the spectrum does not say how the definition depends on a parameter, `slope(*params)`, or
`slope(cutoff, *params)` beside `fock`, gives the derivative of the definition for each parameter: a tuple of
tuples of arrays.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from hybridge.arithmetic import left_arithmetic
from hybridge.errors import CircuitError
from hybridge.operations.pauli import Sentence, word
from hybridge.operations.spectrum import Spectrum, Trig
from hybridge.recording import recorder, withdraw

Wires = tuple[Hashable, ...]


class Affine(NamedTuple):
    """scale * (the parameter of this name) + offset; radians where the parameter is an angle."""

    name: str
    scale: float = 1.0
    offset: float = 0.0


class Step(NamedTuple):
    """One operation of a decomposition; each parameter a number or Affine in the parent's parameters."""

    operation: Operation
    wires: Wires
    params: tuple[float | Affine, ...] = ()


def step(operation: Operation, wires: Any, *params: float | str | tuple[Any, ...]) -> Step:
    """A Step from short forms: a number, 'phi', ('phi', scale) or ('phi', scale, offset)."""
    full = tuple(
        Affine(p) if isinstance(p, str) else Affine(*p) if isinstance(p, tuple) else float(p) for p in params
    )
    return Step(operation, as_wires(wires), full)


def as_wires(wires: Any) -> Wires:
    """Wires as a tuple of labels: one label (a string is one label) or an iterable of labels."""
    if isinstance(wires, np.ndarray):
        wires = wires.tolist()
    if isinstance(wires, tuple):
        return wires
    if isinstance(wires, (str, bytes)) or not isinstance(wires, Iterable):
        return (wires,)
    return tuple(wires)


class Constant:
    """An array that is part of a circuit's structure: copied, read-only, hashed by content."""

    __slots__ = ("_hash", "array")

    def __init__(self, value: Any, dtype: Any = None):
        self.array = np.array(value, dtype=dtype)
        self.array.flags.writeable = False
        # of 16 MB all bytes take 14 ms; equality looks at every entry anyway
        some = self.array.reshape(-1)[:: 1 + self.array.size // 2**12]
        self._hash = hash((self.array.shape, self.array.dtype.str, some.tobytes()))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Constant)
            and self._hash == other._hash
            and self.array.dtype == other.array.dtype
            and np.array_equal(self.array, other.array)
        )

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return Constant, (np.array(self.array),)

    def __repr__(self) -> str:
        return np.array2string(self.array, precision=4, threshold=16, separator=", ")


@dataclass(frozen=True, eq=False, repr=False)
class Operation:
    """One row of the table. Immutable; identity is equality; pickles by name or by how it was derived.

    `exponent` names the parameters in which the logarithm of the operation is linear: negating them gives the
    adjoint, scaling them by z gives the power z. `decomposition(*wires)` returns Steps; where a gate has no
    `definition`, it defines the gate. `inverse` (another way to give the adjoint) is "self" or, like it, a
    function of the wires. `origin` is (function, arguments) for a row derived from others.
    """

    name: str
    domain: str
    num_wires: int
    params: tuple[str, ...] = ()
    kind: str = "gate"
    definition: Callable[..., Any] | None = None
    fock: Callable[..., np.ndarray] | None = None
    hamiltonian: Callable[..., Any] | None = None
    spectrum: tuple[Spectrum | None, ...] = ()
    slope: Callable[..., Any] | None = None  # what the spectrum cannot give: see above
    decomposition: Callable[..., Sequence[Step]] | None = None
    exponent: tuple[str, ...] = ()
    inverse: str | Callable[..., Sequence[Step]] | None = None
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # least and greatest values
    check: Callable[[np.ndarray], None] | None = None  # of numbers (B, P): CircuitError for senseless ones
    pauli: Mapping[str, float] | None = None  # set where the gate is an observable too: {"X": 1}
    mixed: bool = False  # leaves a pure state mixed
    dense: bool = False  # its constants are its matrix: applying it costs no more than was given
    constants: tuple[Hashable, ...] = ()
    origin: tuple[Callable[..., Any], tuple[Any, ...]] | None = None
    formula: str = ""  # the definition in words, for the generated page of operations
    label: str = ""  # what a drawing shows; the name where empty
    instead: str = ""  # what does the same, and has a shift rule where this has none
    arity: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if not self.spectrum:
            object.__setattr__(self, "spectrum", (None,) * len(self.params))
        if len(self.spectrum) != len(self.params) or not set(self.exponent) <= set(self.params):
            raise CircuitError(
                f"row {self.name}: spectrum and exponent must speak of the parameters {self.params}"
            )
        object.__setattr__(self, "arity", len(self.params))

    @property
    def gaussian(self) -> bool:
        """Whether it maps Gaussian states to Gaussian states."""
        return self.domain == "cv" and self.definition is not None

    def matrix(self, *params: float) -> np.ndarray:
        """The definition of a qubit gate: (2^k, 2^k), the first wire most significant."""
        if self.domain != "qubit" or self.kind != "gate":
            raise CircuitError(f"{self.name} is not a qubit gate and has no matrix")
        if self.definition is None:
            raise CircuitError(f"{self.name} is defined by its decomposition and has no matrix of its own")
        return self.definition(*params)

    def __call__(self, *args: Any, wires: Any = None, **named: Any) -> Applied:
        """Apply to `wires` inside a circuit: `RX(phi, wires=0)`, `RX(phi, 0)`, `CNOT([0, 1])`.

        Raises CircuitError on the wrong number of parameters or wires, and outside a circuit.
        """
        if named:
            args, wires = self._bind(args, wires, named)
        elif wires is None:
            if not args:
                raise CircuitError(f"{self._signature()} needs wires")
            args, wires = args[:-1], args[-1]
        kind = type(wires)
        if kind is int:
            wires = (wires,)
        elif kind is list:
            wires = tuple(wires)
        elif kind is not tuple:
            wires = as_wires(wires)
        if len(args) != self.arity or len(wires) != self.num_wires:
            raise self._wrong_arity(args, wires)
        applied = object.__new__(Applied)  # a tenth less than by __init__
        applied.operation, applied.params, applied.wires = self, args, wires
        tape = recorder.tape
        if tape is not None:
            tape.append(applied)
        elif self.pauli is None:
            raise CircuitError(
                f"{applied!r} was called outside a circuit; "
                "call it inside a function decorated with @hb.qnode"
                + (
                    f" ({self.name}.matrix({', '.join(self.params)}) gives its matrix)"
                    if self.domain == "qubit"
                    else ""
                )
            )
        return applied

    def _bind(self, args: tuple[Any, ...], wires: Any, named: dict[str, Any]) -> tuple[tuple[Any, ...], Any]:
        unknown = set(named) - set(self.params[len(args) :])
        if unknown:
            raise CircuitError(f"{self._signature()} got an unexpected argument {sorted(unknown)[0]!r}")
        if wires is None:
            if not args:
                raise CircuitError(f"{self._signature()} needs wires")
            args, wires = args[:-1], args[-1]
        rest = self.params[len(args) :]
        return (*args, *(named[p] for p in rest if p in named)), wires

    def _signature(self) -> str:
        return f"{self.name}({', '.join((*self.params, 'wires'))})"

    def _wrong_arity(self, args: tuple[Any, ...], wires: Wires) -> CircuitError:
        def count(number: int, noun: str) -> str:
            return f"{number} {noun}{'' if number == 1 else 's'}"

        return CircuitError(
            f"{self._signature()} takes {count(len(self.params), 'parameter')} and acts on "
            f"{count(self.num_wires, 'wire')}; got {count(len(args), 'parameter')} and wires {wires!r}"
        )

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return self.origin or (_row, (self.name,))


class Applied:
    """An operation applied to wires, with its numbers; what calling an Operation returns.

    X, Y, Z, H and I are observables too: used in arithmetic or in a measurement, the gate comes off the
    recording.
    """

    __slots__ = ("operation", "params", "wires")

    def __init__(self, operation: Operation, params: tuple[Any, ...], wires: Wires):
        self.operation = operation
        self.params = params
        self.wires = wires

    def __repr__(self) -> str:
        numbers = [f"{p:.6g}" if isinstance(p, float) else repr(p) for p in self.params]
        wires = repr(self.wires[0]) if len(self.wires) == 1 else repr(list(self.wires))
        return f"{self.operation.name}({', '.join([*numbers, f'wires={wires}'])})"

    def as_observable(self) -> Sentence | None:
        """This Pauli or Hadamard as an observable, taken off the recording; None for any other operation."""
        letters = self.operation.pauli
        if letters is None:
            return None
        withdraw(self)
        try:
            return _sentence(self.operation, self.wires)
        except TypeError:
            raise CircuitError(
                f"{self.operation.name}: a wire label must be hashable; got {list(self.wires)!r}"
            ) from None

    def _observable(self) -> Sentence:
        found = self.as_observable()
        if found is None:
            raise CircuitError(f"{self!r} is not an observable; X, Y, Z, H, I and hb.Hermitian are")
        return found

    __array_ufunc__ = left_arithmetic

    def __add__(self, other: Any) -> Any:
        return self._observable() + other

    def __radd__(self, other: Any) -> Any:
        return other + self._observable()

    def __sub__(self, other: Any) -> Any:
        return self._observable() - other

    def __rsub__(self, other: Any) -> Any:
        return other - self._observable()

    def __matmul__(self, other: Any) -> Any:
        return self._observable() @ other

    def __mul__(self, other: Any) -> Any:
        return self._observable() * other

    def __rmul__(self, other: Any) -> Any:
        return other * self._observable()

    def __truediv__(self, other: Any) -> Any:
        return self._observable() / other

    def __neg__(self) -> Any:
        return -self._observable()

    def __pow__(self, exponent: Any) -> Any:
        return self._observable() ** exponent


@lru_cache(maxsize=4096)  # 4 us less for each Z(0) of each call
def _sentence(operation: Operation, wires: Wires) -> Sentence:
    letters = operation.pauli or {}
    return Sentence({word([(w, s) for w in wires]): c for s, c in letters.items()}, wires)


ROWS: dict[str, Operation] = {}
FAMILIES: dict[str, Family] = {}


def row(name: str, *args: Any, **columns: Any) -> Operation:
    """Make a row and enter it in the table under its name."""
    if name in ROWS or name in FAMILIES:
        raise CircuitError(f"the table already has a row {name!r}")
    ROWS[name] = Operation(name, *args, **columns)
    return ROWS[name]


def fixed_gate(name: str, matrix: Any, **columns: Any) -> Operation:
    """A row of a qubit gate without parameters."""
    constant = np.array(matrix, dtype=complex)
    constant.flags.writeable = False
    return row(name, "qubit", len(constant).bit_length() - 1, definition=lambda: constant, **columns)


def rotation_gate(
    name: str, num_wires: int, definition: Callable[..., np.ndarray], *frequencies: float, **columns: Any
) -> Operation:
    """A row of a qubit gate exp(-i phi G), its one parameter an angle of these frequencies."""
    columns = {"params": ("phi",), "exponent": ("phi",), "spectrum": (Trig(*frequencies),), **columns}
    return row(name, "qubit", num_wires, definition=definition, **columns)


def _row(name: str) -> Operation:
    return ROWS[name]


_derived: weakref.WeakValueDictionary[Hashable, Operation] = weakref.WeakValueDictionary()
_deriving = threading.RLock()


def derive(function: Callable[..., Operation], *arguments: Hashable) -> Operation:
    """`function(*arguments)`, made once: the same arguments give the identical row."""
    key = (function, arguments)
    found = _derived.get(key)
    if found is None:
        with _deriving:
            found = _derived.get(key)
            if found is None:
                found = function(*arguments)
                object.__setattr__(found, "origin", (derive, (function, *arguments)))
                _derived[key] = found
    return found


class Family:
    """Rows that differ in constants or in the number of wires: `PauliRot(theta, "XY", wires)`.

    `signature` names the call's arguments in order, "wires" last unless it stands elsewhere; those in
    `params` are numbers of the circuit, the others are constants of its structure. `make(num_wires,
    *constants)` returns the row; `freeze(num_wires, **constants)` checks the user's constants and returns
    them hashable, in the order `make` takes them. `defaults` are of constants, and of "wires" where a call
    may name none. `numbered(num_wires, *constants)`: a call makes their entries numbers of the circuit, and
    this gives the row and the numbers; `of` gives the row of constants all the same.
    """

    def __init__(
        self,
        name: str,
        domain: str,
        signature: tuple[str, ...],
        params: tuple[str, ...],
        make: Callable[..., Operation],
        freeze: Callable[..., tuple[Hashable, ...]] | None = None,
        defaults: Mapping[str, Any] | None = None,
        formula: str = "",
        examples: Sequence[tuple[int, tuple[Any, ...]]] = (),
        numbered: Callable[..., tuple[Operation, Sequence[Any]]] | None = None,
    ):
        self.name, self.domain, self.params = name, domain, params
        self.arguments = signature if "wires" in signature else (*signature, "wires")
        self.signature = tuple(a for a in self.arguments if a != "wires")
        self._make, self._freeze, self.defaults = make, freeze, dict(defaults or {})
        self._numbered = numbered
        self.formula = formula
        self.examples = tuple(examples)  # (num_wires, user's constants) from which tests draw rows
        self.constants = tuple(s for s in self.signature if s not in params)
        if name in ROWS or name in FAMILIES:
            raise CircuitError(f"the table already has a row {name!r}")
        FAMILIES[name] = self

    def of(self, num_wires: int, *constants: Any) -> Operation:
        """The row for these constants, given in the order of the signature."""
        named = dict(zip(self.constants, constants, strict=False))
        missing = {c: self.defaults[c] for c in self.constants if c not in named}
        frozen = self._freeze(num_wires, **named, **missing) if self._freeze else tuple(constants)
        return derive(self._make, num_wires, *frozen)

    def __call__(self, *args: Any, **named: Any) -> Applied:
        """Apply to `wires` inside a circuit; arguments in the order of the signature, or by name."""
        names = self.arguments
        values = {**self.defaults, **dict(zip(names, args, strict=False)), **named}
        if len(args) > len(names) or set(values) != set(names) or set(named) & set(names[: len(args)]):
            raise CircuitError(
                f"{self.name}({', '.join(names)}) got arguments {args!r}"
                + (f" and {sorted(named)}" if named else "")
            )
        wires = as_wires(values["wires"])
        given = [values[c] for c in self.constants]
        if self._numbered is not None:
            operation, numbers = self._numbered(len(wires), *given)
            return operation(*numbers, wires=wires)
        operation = self.of(len(wires), *given)
        return operation(*(values[p] for p in self.params), wires=wires)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return _family, (self.name,)


def _family(name: str) -> Family:
    return FAMILIES[name]
