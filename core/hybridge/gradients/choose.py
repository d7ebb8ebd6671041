"""Which rule differentiates which parameter, for which measurements; it never differences unless told to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hybridge.circuit import Circuit, Measurement
from hybridge.errors import GradientError
from hybridge.gradients.finite import finite_part, finite_rule, noise_of
from hybridge.gradients.frequencies import generate_shift_rule
from hybridge.gradients.light import space as light_space
from hybridge.gradients.method import BEST, Method
from hybridge.gradients.part import Part
from hybridge.gradients.reach import Reach, moves, reach
from hybridge.gradients.shift import Shifts, Space, joined, shift_rule
from hybridge.gradients.spsa import spsa_part
from hybridge.operations.spectrum import Chance, Trig
from hybridge.operations.table import Operation

DIFFERENTIABLE = ("expval", "var", "probs")
DIFFERENCES = {"finite-diff": finite_part, "spsa": spsa_part}
REMEDY = (
    "use fallback='finite-diff' for what has no rule, diff_method='finite-diff' for all, "
    "or a device with derivatives of its own"
)


class Conditions(NamedTuple):
    """What a rule must know of the runs it is for.

    shots      of each run, None for exact results
    cutoff     of a device whose Fock space is truncated, None for all others
    precision  of the device's exact results
    columns    how many numbers each measurement gives
    """

    shots: int | None
    cutoff: int | None
    precision: float
    columns: tuple[int, ...]

    @property
    def noise(self) -> float:
        """The standard deviation of one value, at most."""
        return noise_of(self.shots, self.precision)

    def spread(self, of: Sequence[float] | np.ndarray) -> np.ndarray:
        """A number of each measurement, for each of its columns."""
        return np.repeat(np.asarray(of, dtype=float), self.columns)


class Chosen(NamedTuple):
    """The rule of one slot, for some of the measurements (their indices), and why it is this one."""

    method: str
    rule: Shifts
    measured: frozenset[int]
    reason: str
    space: Space | None = None  # in which the rule is exact


class Choice(NamedTuple):
    """How one slot is differentiated: no measurement in two rules, those in none do not depend on it.

    `still` says why, for one of them.
    """

    rules: tuple[Chosen, ...]
    still: str | None


def rule_parts(
    circuit: Circuit,
    slots: Sequence[int],
    method: Method,
    conditions: Conditions,
    measured: Sequence[int] | None = None,
) -> tuple[Part, ...]:
    """The rule for these slots of the user's circuit, right for the measurements `measured` (None: all).

    Raises GradientError naming the parameter and the ways out, where there is no exact rule.
    """
    if method.name is None:
        raise GradientError(
            "any parameter",
            "the QNode was made with diff_method=None",
            "leave diff_method out, or pass 'best'",
        )
    needed = needed_of(circuit, measured)
    if method.name in DIFFERENCES:
        return (_differences(circuit, slots, method, conditions, needed),)
    rules = [
        (k, rule, _mask(rule, found, conditions, needed))
        for k, found in enumerate(choices(circuit, slots, method, conditions, needed))
        for rule in found.rules
    ]
    total = sum(len(chosen.rule.shifts) for _, chosen, _ in rules)
    masked = any(mask is not None for _, _, mask in rules)
    shifts, weights = np.zeros((total, circuit.num_slots)), np.zeros((total, len(slots)))
    counted = np.ones((total, sum(conditions.columns) if masked else 1))
    bounded = any(chosen.rule.scale is not None for _, chosen, _ in rules)
    scale = np.ones_like(shifts) if bounded else None
    start = 0
    for k, chosen, mask in rules:
        rule = chosen.rule
        stop = start + len(rule.shifts)
        shifts[start:stop, slots[k]] = rule.shifts
        weights[start:stop, k] = rule.weights
        if scale is not None and rule.scale is not None:
            scale[start:stop, _scaled_together(circuit, slots[k], chosen.space)] = rule.scale[:, None]
        if mask is not None:
            counted[start:stop] = mask
        start = stop
    return (Part(shifts, weights[:, :, None] * counted[:, None, :] if masked else weights, scale=scale),)


def _scaled_together(circuit: Circuit, slot: int, space: Space | None) -> list[int]:
    """The slot, and those that make way for it where their sum is bounded."""
    spectrum = None if space is None else space.spectrum
    if not isinstance(spectrum, Chance) or not spectrum.among:
        return [slot]
    at, name = circuit.slots[slot]
    params = circuit.instructions[at].operation.params
    return [slot + params.index(other) - params.index(name) for other in spectrum.among]


def _mask(rule: Chosen, found: Choice, conditions: Conditions, needed: Sequence[int]) -> np.ndarray | None:
    """The columns that a rule is for, 1 or 0 each; None where it may stand for all that are needed.

    A rule gives 0 by itself for what does not depend on the parameter, so only noise makes a mask there.
    """
    noisy = conditions.shots is not None and not rule.measured.issuperset(needed)
    if len(found.rules) == 1 and not noisy:
        return None
    return conditions.spread([i in rule.measured for i in range(len(conditions.columns))])


def _differences(
    circuit: Circuit, slots: Sequence[int], method: Method, conditions: Conditions, needed: Sequence[int]
) -> Part:
    """The differences of the slots that move something; they are no more in the others' places."""
    moved = moves(circuit, slots, needed)
    live = np.flatnonzero(moved.any(axis=1)).tolist()
    assert method.name is not None
    part = DIFFERENCES[method.name](method, [slots[k] for k in live], circuit.num_slots, conditions.noise)
    weights = np.zeros((len(part.shifts), len(slots)))
    weights[:, live] = part.weights
    if conditions.shots is None or moved[:, list(needed)].all():
        return part._replace(weights=weights)
    counted = np.array([conditions.spread(row) for row in moved])
    return part._replace(weights=weights[:, :, None] * counted)


def needed_of(circuit: Circuit, measured: Sequence[int] | None) -> tuple[int, ...]:
    """The measurements that are needed. Raises GradientError for one that has no derivative at all."""
    needed = tuple(range(len(circuit.measurements)) if measured is None else measured)
    for i in needed:
        m = circuit.measurements[i]
        if m.kind not in DIFFERENTIABLE:
            raise GradientError(
                "any parameter", f"{m!r} is not differentiable", "return expval, var or probs"
            )
    return needed


def choices(
    circuit: Circuit, slots: Sequence[int], method: Method, conditions: Conditions, needed: Sequence[int]
) -> list[Choice]:
    """How each of these slots is differentiated, for the measurements `needed`.

    Where a larger space holds those of several measurements, its rule serves them all: it is no more runs.
    Raises GradientError where one of them has no rule and nothing to fall back to.
    """
    known = {i: reach(circuit, circuit.measurements[i]) for i in needed}
    where = circuit.slots
    return [_choice(circuit, slot, *where[slot], method, conditions, known) for slot in slots]


def _choice(
    circuit: Circuit,
    slot: int,
    at: int,
    name: str,
    method: Method,
    conditions: Conditions,
    known: dict[int, Reach],
) -> Choice:
    """The choice for one slot, the parameter `name` of instruction `at`."""
    operation = circuit.instructions[at].operation
    spaces: dict[int, Space] = {}
    without: dict[int, str] = {}
    still = None
    for i, reached in known.items():
        reason = reached.still[slot]
        if reason is not None:
            still = still or reason
            continue
        m = circuit.measurements[i]
        if operation.domain == "cv":
            found = light_space(circuit, slot, at, name, m, conditions.cutoff)
        else:
            found = _qubit_space(operation, name, m)
        if isinstance(found, Space):
            spaces[i] = found
        else:
            without[i] = found
    if without and method.fallback is None:
        raise GradientError(described(circuit, slot), next(iter(without.values())), REMEDY)
    rules = [
        Chosen(
            "parameter-shift",
            _rule(circuit, slot, operation, method, space, conditions),
            frozenset(of),
            f"exact: the values lie in {_short(repr(space.spectrum.power(space.degree)))}",
            space,
        )
        for space, of in _grouped(spaces)
    ]
    if without:
        reason = next(iter(without.values()))
        rules.append(Chosen("finite-diff", finite_rule(conditions.noise), frozenset(without), reason))
    return Choice(tuple(rules), still)


def _rule(
    circuit: Circuit, slot: int, operation: Operation, method: Method, space: Space, conditions: Conditions
) -> Shifts:
    """The rule of a space; where it is periodic, at the shifts that the user chose."""
    functions, chosen = space.spectrum.power(space.degree), method.shifts(operation.name)
    if chosen is None or not isinstance(functions, Trig) or not functions:
        return shift_rule(*space, conditions.cutoff is not None, conditions.shots is not None)
    try:
        weights, shifts = generate_shift_rule(functions, chosen).T
    except GradientError as error:
        raise GradientError(described(circuit, slot), error.reason, error.remedy) from error
    return Shifts(shifts, weights)


def _short(text: str) -> str:
    """A text of many frequencies without those in the middle."""
    names = text.split(", ")
    return text if len(names) <= 6 else ", ".join((*names[:2], "...", *names[-1:]))


def _grouped(spaces: dict[int, Space]) -> list[tuple[Space, list[int]]]:
    """The least spaces that hold those of all measurements; one, unless they are of several kinds."""
    groups: dict[object, list[int]] = {}
    for i, space in spaces.items():
        groups.setdefault(Trig if isinstance(space.spectrum, Trig) else space.spectrum, []).append(i)
    return [(joined([spaces[i] for i in of]), of) for of in groups.values()]


def described(circuit: Circuit, slot: int) -> str:
    """The slot in the words of the user's circuit."""
    at, name = circuit.slots[slot]
    operation, wires = circuit.instructions[at]
    return f"parameter {name!r} of {operation.name} on wires {list(wires)!r}"


def _qubit_space(operation: Operation, name: str, m: Measurement) -> Space | str:
    """The space does not depend on what is measured, but a variance is quadratic in the state."""
    spectrum = operation.spectrum[operation.params.index(name)]
    if spectrum is None:
        same = operation.instead and f"; {operation.instead}, does the same and has one"
        return f"{operation.name} has no shift rule in it{same}"
    return Space(spectrum, 2 if m.kind == "var" else 1)


def exact_rule(circuit: Circuit, slot: int, cutoff: int | None = None) -> Shifts:
    """The exact rule of one slot for all the circuit's measurements; GradientError where there is none.

    `cutoff` is that of a device whose Fock space is truncated, None for all others.
    """
    return shift_rule(*function_space(circuit, slot, cutoff), cutoff is not None)


def function_space(circuit: Circuit, slot: int, cutoff: int | None = None) -> Space:
    """The circuit's measured values, in this slot, lie in spectrum.power(degree).

    Raises GradientError, naming the parameter, where they are in no such space.
    """
    needed = range(len(circuit.measurements))
    conditions = Conditions(None, cutoff, 0.0, ())
    [found] = choices(circuit, [slot], BEST, conditions, needed)
    return joined([rule.space for rule in found.rules if rule.space is not None] or [Space(Trig())])
