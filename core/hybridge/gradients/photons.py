"""How many photons reach a gate at most, between which numbers there is coherence, and what follows for it.

Where the light has at most N photons, exp(i t n) takes a state to frequencies 1..N in t and no others; the
other gates that make no photons are polynomials of degree N in the elements of S, acting twice. This holds
for every observable and whatever comes after. A Fock space cut at C has at most C - 1 photons in a mode.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from math import inf
from typing import Any, NamedTuple, cast

import numpy as np

from hybridge.circuit import Circuit, Measurement, measured_wires
from hybridge.operations.spectrum import Trig
from hybridge.operations.table import Constant, Operation, Wires
from hybridge.phasespace.polynomial import Polynomial

# Coherence, of a state or of an observable: none between photon numbers; none between their totals; any.
DIAGONAL, SHARP, ANY = range(3)
LARGEST = 2**20  # pairs of photon numbers; beyond, a rule of so many rows is of no use to anyone


class Light(NamedTuple):
    """Modes that met: the most photons in all of them together, and the coherence of their state."""

    wires: frozenset[Hashable]
    photons: float
    coherence: int


def photon_space(
    circuit: Circuit, at: int, name: str, m: Measurement, truncated: bool, cutoff: float = inf
) -> Trig | None:
    """The frequencies of an expectation value in this parameter, for a finite number of photons; else None.

    `truncated`: whether norm may be lost; `cutoff`: of a device that keeps photon numbers below it only.
    """
    operation, wires = circuit.instructions[at]
    if operation.kind != "gate" or _keeps(operation) == ANY:
        return None
    groups = dict(zip(wires, _before(circuit)[at], strict=True))
    there = set(groups.values())
    polynomial = _number_form(operation)
    total = min(sum(g.photons for g in there), len(wires) * (cutoff - 1))
    if total == inf and polynomial is None:
        return None
    seen = _behind(circuit, m, truncated)[at]
    sides = max(_within(g.coherence, g.wires, wires) for g in there), _within(*seen, wires)
    coherence = min(sides)
    if polynomial is not None:
        return Trig() if coherence == DIAGONAL else _differences(polynomial, wires, groups, cutoff)
    k = operation.params.index(name)
    spectrum = operation.spectrum[k]
    if not isinstance(spectrum, Trig) or len(spectrum) != 1:
        return None
    if _mixes(operation, k):
        return Trig(*(w for w in spectrum.power(int(2 * total)) if coherence == ANY or _even(w, spectrum[0])))
    if _turns(operation, k):
        # phases m t before the gate and n t after it, for what is coherent there
        return spectrum.power(int(min(total, cutoff - 1)) * sum(side != DIAGONAL for side in sides))
    return None


def _even(w: float, unit: float) -> bool:
    return round(w / unit) % 2 == 0


def _differences(
    polynomial: Polynomial, wires: Wires, groups: dict[Hashable, Light], cutoff: float
) -> Trig | None:
    """The differences of the values of a polynomial in photon numbers, over all numbers that may be there."""
    most = [min(groups[w].photons, cutoff - 1) for w in wires]
    if inf in most:
        return None
    numbers = np.indices([int(n) + 1 for n in most]).reshape(len(wires), -1)
    for group in {groups[w] for w in wires}:
        own = [i for i, w in enumerate(wires) if w in group.wires]
        numbers = numbers[:, numbers[own].sum(axis=0) <= group.photons]
    values = np.unique(np.round(polynomial.photon_polynomial(dict(enumerate(numbers))), 9))
    if len(values) ** 2 > LARGEST:
        return None
    gaps = np.unique(np.round(np.abs(np.subtract.outer(values, values)), 9))
    return Trig(*(w for w in gaps.tolist() if w > 0))


# ---- rows ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _number_form(operation: Operation) -> Polynomial | None:
    """The G of a gate exp(i t G) of one parameter t, where G is a polynomial in photon numbers."""
    if len(operation.params) != 1 or operation.exponent != operation.params or not operation.hamiltonian:
        return None
    found = operation.hamiltonian(1.0)
    return found if isinstance(found, Polynomial) and found.number is not None else None


@lru_cache(maxsize=512)
def _keeps(operation: Operation) -> int:
    """The coherence of what a row makes of the vacuum, or of a diagonal state, if it makes no photons."""
    if _number_form(operation) is not None:
        return DIAGONAL
    if operation.definition is None or operation.kind == "state":
        return ANY
    X, d, *Y = operation.definition(*_points(operation).T)
    noise = Y[0] if Y else 0.0
    lasting = np.abs(X @ np.swapaxes(X, -1, -2) + noise - np.eye(X.shape[-1])).max() < 1e-12
    if not lasting or np.abs(d).max() > 1e-12:
        return ANY
    return DIAGONAL if operation.num_wires == 1 else SHARP  # on one mode it is a rotation, or a loss


def _points(operation: Operation) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.1, 0.9, (3, len(operation.params)))


@lru_cache(maxsize=512)
def _mixes(operation: Operation, k: int) -> bool:
    """Whether every element of S is a cosine or a sine of the parameter, without a constant."""
    spectrum = operation.spectrum[k]
    assert isinstance(spectrum, Trig) and operation.definition is not None
    there = _points(operation)
    opposite = there.copy()
    opposite[:, k] += np.pi / spectrum[0]
    S, negative = (operation.definition(*points.T)[0] for points in (there, opposite))
    return bool(np.abs(S + negative).max() < 1e-12)


@lru_cache(maxsize=512)
def _turns(operation: Operation, k: int) -> bool:
    """Whether the parameter is an angle by which a mode of two is turned back before and forth after."""
    spectrum = operation.spectrum[k]
    assert isinstance(spectrum, Trig) and operation.definition is not None
    if operation.num_wires != 2:
        return False
    there = _points(operation)
    start = there.copy()
    start[:, k] = 0
    E, E0 = (
        S[:, :2, :2] + 1j * S[:, 2:, :2]
        for S in (operation.definition(*points.T)[0] for points in (there, start))
    )
    turn = np.exp(1j * spectrum[0] * there[:, k])
    one = np.ones_like(turn)
    rotated = lambda t: E0 * np.stack([one, 1 / t, t, one], axis=1).reshape(-1, 2, 2)
    return bool(min(np.abs(E - rotated(t)).max() for t in (turn, 1 / turn)) < 1e-12)


# ---- states before, and observables behind ------------------------------------------------------------


def _pattern(pairs: np.ndarray) -> tuple[float, int]:
    """Most photons and coherence of a state with these elements <m| |n>: pairs (2, k, E)."""
    totals = pairs.sum(axis=1)
    most = float(totals.max(initial=0))
    if (pairs[0] == pairs[1]).all():
        return most, DIAGONAL
    return most, SHARP if (totals[0] == totals[1]).all() else ANY


def _of_ket(row: Operation) -> tuple[float, int]:
    filled = np.array(np.nonzero(cast(Constant, row.constants[0]).array))
    left, right = np.indices((filled.shape[1],) * 2).reshape(2, -1)
    return _pattern(np.stack([filled[:, left], filled[:, right]]))


def _of_matrix(row: Operation) -> tuple[float, int]:
    rho = cast(Constant, row.constants[0]).array
    levels = round(len(rho) ** (1 / row.num_wires))
    filled = np.nonzero(rho)
    return _pattern(np.stack([np.unravel_index(side, (levels,) * row.num_wires) for side in filled]))


# what is prepared: most photons and coherence; of all other rows nothing is known
PREPARED: dict[str, Callable[[Operation], tuple[float, int]]] = {
    "FockState": lambda row: (float(sum(cast(tuple[int, ...], row.constants[0]))), DIAGONAL),
    "FockStateVector": _of_ket,
    "FockDensityMatrix": _of_matrix,
    "ThermalState": lambda row: (inf, DIAGONAL),
}


@lru_cache(maxsize=512)
def _prepared(row: Operation) -> tuple[float, int]:
    return PREPARED[row.name](row) if row.name in PREPARED else (inf, ANY)


@lru_cache(maxsize=256)
def _before(circuit: Circuit) -> tuple[tuple[Light, ...], ...]:
    """The light on each wire of each instruction that it meets: all modes begin in the vacuum."""
    groups = {w: Light(frozenset((w,)), 0, DIAGONAL) for w in circuit.wires}
    found = []
    for operation, wires in circuit.instructions:
        found.append(tuple(groups[w] for w in wires))
        if operation.kind == "marker":
            continue
        if operation.kind == "state":
            for w in wires:
                for other in groups[w].wires - {w}:
                    groups[other] = groups[other]._replace(wires=groups[other].wires - {w})
            made: Light | None = Light(frozenset(wires), *_prepared(operation))
        else:
            made = _met(operation, set(found[-1]))
        if made is not None:
            groups.update(dict.fromkeys(made.wires, made))
    return tuple(found)


def _met(operation: Operation, there: set[Light]) -> Light | None:
    """What a gate or a channel makes of the light on its wires; None where it leaves all that is known."""
    keeps = _keeps(operation)
    if keeps == DIAGONAL:
        return None
    wires = frozenset[Hashable]().union(*(g.wires for g in there))
    if keeps == ANY:
        return Light(wires, inf, ANY)
    return Light(wires, sum(g.photons for g in there), max(keeps, *(g.coherence for g in there)))


@lru_cache(maxsize=256)
def _behind(circuit: Circuit, m: Measurement, truncated: bool) -> tuple[tuple[int, frozenset[Hashable]], ...]:
    """The coherence that a measurement can see of the light behind each instruction, and on which wires.

    Where norm may be lost, a gate is seen wherever it is: what it loses is missing everywhere.
    """
    observable: Any = m.observable
    number = not isinstance(observable, Polynomial) or observable.number is not None
    coherence, found = DIAGONAL if number else ANY, []
    seen = frozenset((not truncated and measured_wires([m])) or circuit.wires)
    for operation, wires in reversed(circuit.instructions):
        found.append((coherence, seen))
        if operation.kind == "marker" or seen.isdisjoint(wires):
            continue
        if operation.kind == "state":
            seen = seen.difference(wires)
            if coherence == SHARP:
                coherence = max(SHARP, _prepared(operation)[1])
        else:
            seen = seen.union(wires)
            coherence = max(coherence, _keeps(operation))
    return tuple(reversed(found))


def _within(coherence: int, wires: frozenset[Hashable], gate: Wires) -> int:
    """The coherence on a gate's wires alone: a total that other modes share may differ there."""
    return ANY if coherence == SHARP and not wires <= set(gate) else coherence
