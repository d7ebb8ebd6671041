"""Which Pauli letters an observable has on each wire, pulled back through a qubit gate or channel.

An observable is known by the letters that its words may have on each wire: "" (none: it does not act there),
"X", "Y" or "Z", or "XYZ" (any). All that have these letters form an algebra, so a square has the same ones.
What a gate makes of them, U^dagger A U, or a channel, sum_i K_i^dagger A K_i, is found from its matrices at
generic numbers: these sums are analytic, so a coefficient that vanishes there vanishes everywhere.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache, reduce
from itertools import product

import numpy as np

from hybridge.circuit import Kept, Measurement
from hybridge.operations.pauli import MATRICES, Sentence
from hybridge.operations.table import Affine, Operation, Wires

ANY = "XYZ"
MAX_WIRES = 4  # U^dagger A U of all words A on so many wires takes milliseconds
MAX_DIAGONAL_WIRES = 8  # a matrix of so many is looked at for entries off its diagonal
SMALL = 1e-10  # coefficients below are rounding
POINTS = 3  # generic values of each number

_PAULIS = np.array([MATRICES[s] for s in "IXYZ"])


def measured_letters(m: Measurement, wires: Wires) -> dict[Hashable, str]:
    """The letters of what is measured; of all wires of the circuit where it names none."""
    if isinstance(m.detail, Kept):
        return dict.fromkeys(m.wires or (), "Z") | measured_letters(m._replace(detail=None), wires)
    o = m.observable
    if m.kind == "probs" and o is None:
        return dict.fromkeys(wires if m.wires is None else m.wires, "Z")
    if o is None:
        return dict.fromkeys(wires if m.wires is None else m.wires, ANY)
    if isinstance(o, Sentence):
        found: dict[Hashable, str] = {}
        for word in o.terms:
            for wire, letter in word:
                found[wire] = letter if found.get(wire, letter) == letter else ANY
        # probabilities are of all its wires, in a basis that the words may leave open
        return dict.fromkeys(o.wires, ANY) | found if m.kind == "probs" else found
    if o.bits is not None or o.diagonal is not None:
        return dict.fromkeys(o.wires, "Z")
    if len(o.wires) > MAX_WIRES or m.kind == "probs":
        return dict.fromkeys(o.wires, ANY)
    return dict(zip(o.wires, _letters(o.dense[None], len(o.wires)), strict=True))


def pulled_letters(operation: Operation, seen: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """The letters on the gate's wires before it, from those after it, and which of its parameters are still.

    A parameter is still where no observable with these letters changes with it. A gate too wide for its
    matrix is pulled through step by step, and without steps it leaves any letters and nothing still.
    """
    if operation.kind == "state":  # the wires are prepared anew: of what came before, nothing is seen there
        return ("",) * operation.num_wires, (False,) * operation.arity
    if set(seen) == {ANY} or (operation.dense and operation.num_wires > MAX_WIRES):
        # all observables stay all observables; and a large matrix is not taken apart, or kept, for this
        return (ANY,) * operation.num_wires, (False,) * operation.arity
    return _pulled(operation, seen)


@lru_cache(maxsize=4096)
def _pulled(operation: Operation, seen: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    if operation.kind == "gate" and any(
        s is None and p not in operation.exponent
        for p, s in zip(operation.params, operation.spectrum, strict=True)
    ):
        return (ANY,) * operation.num_wires, (False,) * operation.arity  # a power on branches: not analytic
    if operation.definition is None or operation.num_wires > MAX_WIRES:
        if set(seen) <= {"", "Z"} and _is_diagonal(operation):
            return seen, (True,) * operation.arity
        return _by_steps(operation, seen)
    words = [
        reduce(np.kron, (MATRICES[s] for s in word), np.eye(1, dtype=complex))
        for word in product(*("I" + letters for letters in seen))
    ]
    found = np.array([operation.definition(*values) for values in _points(operation)])
    kraus = found[:, None] if operation.kind == "channel" else found[:, None, None]  # point, word, operator
    moved = (kraus.conj().swapaxes(-1, -2) @ np.array(words)[:, None] @ kraus).sum(axis=2)
    size = moved.shape[-1]
    still = []
    for i in range(operation.arity):  # the points after the first POINTS differ from the first in one number
        start = POINTS + i * POINTS
        still.append(bool(np.abs(moved[start : start + POINTS] - moved[0]).max() < SMALL))
    return _letters(moved.reshape(-1, size, size), operation.num_wires), tuple(still)


def _is_diagonal(operation: Operation) -> bool:
    if operation.definition is None or operation.num_wires > MAX_DIAGONAL_WIRES:
        return False
    matrix = operation.definition(*_points(operation)[0])
    return bool(np.abs(matrix - np.diag(np.diag(matrix))).max() < SMALL)


def _points(operation: Operation) -> np.ndarray:
    """Generic numbers: some in all parameters, then for each parameter some that differ in it alone."""
    rng = np.random.default_rng(7)
    low, high = np.array([_range(operation, p) for p in operation.params]).reshape(-1, 2).T
    first = rng.uniform(low, high, (POINTS, operation.arity))
    each = np.tile(first[0], (operation.arity, POINTS, 1))
    for i in range(operation.arity):
        each[i, :, i] = rng.uniform(low[i], high[i], POINTS)
    return np.concatenate([first, each.reshape(operation.arity * POINTS, operation.arity)])


def _range(operation: Operation, parameter: str) -> tuple[float, float]:
    """Where a parameter is generic; a channel's are allowed there together, be they chances or times."""
    if operation.kind != "channel":
        return 0.2, 2.9
    return (0.05, 0.9 / operation.arity) if operation.bounds[parameter][1] <= 1 else (1.0, 1.9)


def _letters(matrices: np.ndarray, num_wires: int) -> tuple[str, ...]:
    """For each wire the letters of the words in these matrices (m, 2^k, 2^k), "XYZ" for several."""
    found = matrices.reshape(-1, *(2,) * (2 * num_wires))
    for left in range(num_wires, 0, -1):  # tr(P M) wire by wire: its axes make way for one of 4 letters
        found = np.tensordot(found, _PAULIS, axes=((1, 1 + left), (2, 1)))
    there = (np.abs(found) > SMALL * 2**num_wires).any(axis=0)
    letters = []
    for wire in range(num_wires):
        others = tuple(w for w in range(num_wires) if w != wire)
        named = "".join(s for s, has in zip("IXYZ", there.any(axis=others), strict=True) if has and s != "I")
        letters.append(named if len(named) < 2 else ANY)
    return tuple(letters)


def _by_steps(operation: Operation, seen: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    count = operation.num_wires
    if operation.decomposition is None:
        return (ANY,) * count, (False,) * operation.arity
    known: dict[Hashable, str] = dict(enumerate(seen))
    still = dict.fromkeys(operation.params, True)
    for inner, wires, numbers in reversed(operation.decomposition(*range(count))):
        after = tuple(known.get(w, "") for w in wires)
        if not any(after):
            continue
        before, unmoved = pulled_letters(inner, after)
        known.update(zip(wires, before, strict=True))
        for p, at_rest in zip(numbers, unmoved, strict=True):
            if isinstance(p, Affine) and p.scale and not at_rest:
                still[p.name] = False
    return tuple(known[w] for w in range(count)), tuple(still.values())
