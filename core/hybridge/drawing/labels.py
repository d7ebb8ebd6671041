"""The words of a drawing: what it writes for operations, their numbers, and measurements."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.circuit import Measurement
from hybridge.errors import CircuitError
from hybridge.observables.qubit import MatrixObservable
from hybridge.operations.derived import uncontrolled
from hybridge.operations.pauli import Sentence
from hybridge.operations.table import Constant, Operation
from hybridge.phasespace.counted import Clicks, NumberProjector
from hybridge.phasespace.polynomial import Polynomial

# Rows of several wires that stay the same when these are exchanged; of all others the order is drawn.
SYMMETRIC = frozenset(
    {"SWAP", "ISWAP", "SISWAP", "PSWAP", "FermionicSWAP", "IsingXX", "IsingYY", "IsingZZ", "IsingXY"}
    | {"I", "GlobalPhase", "MultiRZ", "CPhaseShift00", "Barrier", "Snapshot"}
    | {"TwoModeSqueezing", "ControlledPhase", "CrossKerr"}
)

MOST_NUMBERS = 4  # of one operation that are written out: the entries of a GaussianState are more

_MEASUREMENTS = {
    "expval": "<{}>",
    "var": "Var[{}]",
    "probs": "Probs[{}]",
    "sample": "Sample[{}]",
    "counts": "Counts[{}]",
}
_OF_WIRES = {
    "probs": "Probs",
    "sample": "Sample",
    "counts": "Counts",
    "state": "State",
    "density_matrix": "DensityMatrix",
    "gaussian": "Gaussian",
    "heterodyne": "Heterodyne",
}


class Box(NamedTuple):
    """What is drawn for an operation: the text of its targets; the values of its controls (first wires)."""

    text: str
    controls: tuple[int, ...]
    ordered: bool  # whether exchanging its targets would make another operation


class Number(NamedTuple):
    """One parameter: its values (B,), and whether the user gave an array."""

    values: np.ndarray
    batched: bool


def check_decimals(decimals: int | None) -> None:
    """Raise CircuitError unless it is a whole number >= 0, or None for no numbers."""
    if decimals is not None and (not isinstance(decimals, int) or decimals < 0):
        raise CircuitError(f"decimals must be a whole number >= 0, or None for no numbers; got {decimals!r}")


class Labels:
    """The labels of one drawing, numbers with `decimals` places (None: without numbers).

    Arrays among the constants are called M0, M1, ... as they appear, equal arrays by one name.
    """

    def __init__(self, decimals: int | None = 2):
        self.decimals = decimals
        self._names: dict[Constant, str] = {}

    def operation(self, row: Operation, numbers: Sequence[Number]) -> Box:
        """The box of a row with these numbers."""
        core, controls = _core(row)
        root = _root(core)
        inside = [] if self.decimals is None else [self._number(n) for n in numbers]
        if len(inside) > MOST_NUMBERS:
            inside[1:] = ["…"]
        for constant in root.constants:
            if isinstance(constant, Constant):
                inside.append(self._matrix(constant))
            elif not root.label:  # a label of its own tells of the other constants what is worth telling
                inside += map(str, constant if isinstance(constant, tuple) else (constant,))
        text = core.label or core.name
        return Box(f"{text}({','.join(inside)})" if inside else text, controls, root.name not in SYMMETRIC)

    def measurement(self, m: Measurement) -> str:
        """'<Z@Z>', 'Probs', ..."""
        if m.observable is None:
            return _OF_WIRES[m.kind]
        return _MEASUREMENTS[m.kind].format(self._observable(m.observable))

    def _number(self, number: Number) -> str:
        first = self._plain(number.values[0])
        if not number.batched:
            return first
        return f"[{first},…]" if len(number.values) > 1 else f"[{first}]"

    def _plain(self, value: float) -> str:
        return f"{value:z.{self.decimals}f}"  # z: no negative zero

    def _matrix(self, constant: Constant) -> str:
        return self._names.setdefault(constant, f"M{len(self._names)}")

    def _observable(self, observable: Any) -> str:
        if isinstance(observable, Sentence):
            words = [(c, [(wire, s) for wire, s in w]) for w, c in observable.terms.items()]
            return self._sum(words, "@", "I", "𝓗")
        if isinstance(observable, Polynomial):
            named = observable.terms if observable.number is None else observable.number
            terms = [(c, [(mode, _powers(*powers)) for mode, *powers in m]) for m, c in named.items()]
            return self._sum(terms, "@", "", "PolyXP")
        if isinstance(observable, Clicks):
            return "click"
        if isinstance(observable, NumberProjector):
            photons = ",".join(map(str, observable.photons))
            return f"|{photons}⟩⟨{photons}|"
        if isinstance(observable, MatrixObservable) and observable.name == "Hermitian":
            return f"𝓗({self._matrix(Constant(observable.local))})"
        if isinstance(observable, MatrixObservable) and observable.diagonal is not None:
            return "m" if observable.diagonal.tolist() == [0, 1] else "f(m)"
        return str(observable.name)

    def _sum(
        self, terms: Sequence[tuple[Any, list[tuple[Hashable, str]]]], times: str, one: str, short: str
    ) -> str:
        """A sum of products, without its wires; by its short name where the wires would be missed."""
        if len(terms) > 1 and len({wire for _, factors in terms for wire, _ in factors}) > 1:
            return short
        text = ""
        for c, factors in terms:
            product = times.join(s for _, s in factors) or one
            if self.decimals is not None and (c != 1 or not product):
                product = f"{self._plain(c)}*{product}" if product else self._plain(c)
            sign = "+" if text and product and not product.startswith("-") else ""
            text += sign + product
        return text or short


def _core(row: Operation) -> tuple[Operation, tuple[int, ...]]:
    """The row under control, and the control values: of CNOT, X and (1,); of Adjoint(CRX), itself and (1,).

    An adjoint or a power of a controlled row has the label of its target, and the controls of what it is
    made from.
    """
    core, values = uncontrolled(row)
    made_from = _made_from(core)
    if values or made_from is None:
        return core, values
    return core, _core(made_from)[1]


def _made_from(row: Operation) -> Operation | None:
    """What an adjoint, a power or a controlled row was derived from."""
    arguments = row.origin[1] if row.origin else ()
    return next((a for a in arguments if isinstance(a, Operation)), None)


def _root(row: Operation) -> Operation:
    """The row of the table at the bottom of adjoints, powers and controls, which has the constants."""
    core = uncontrolled(row)[0]
    if core is not row:
        return _root(core)
    made_from = _made_from(row)
    return row if made_from is None else _root(made_from)


def _powers(*powers: int) -> str:
    letters = zip("n" if len(powers) == 1 else "xp", powers, strict=True)
    return "*".join(letter + (f"^{k}" if k > 1 else "") for letter, k in letters if k)
