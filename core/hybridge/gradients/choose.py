"""Which rule differentiates which parameter; it never differences unless told to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybridge.circuit import Circuit, Measurement
from hybridge.errors import GradientError
from hybridge.gradients.finite import DOUBLE, finite_part, finite_rule, noise_of
from hybridge.gradients.light import space as light_space
from hybridge.gradients.method import Method
from hybridge.gradients.part import Part
from hybridge.gradients.shift import Shifts, Space, joined, shift_rule
from hybridge.gradients.spsa import spsa_part

DIFFERENTIABLE = ("expval", "var", "probs")
DIFFERENCES = {"finite-diff": finite_part, "spsa": spsa_part}


def rule_parts(
    circuit: Circuit,
    slots: Sequence[int],
    method: Method,
    shots: int | None,
    cutoff: int | None,
    measured: Sequence[int] | None = None,
    precision: float = DOUBLE,
) -> tuple[Part, ...]:
    """The rule for these slots of the user's circuit, right for the measurements `measured` (None: all).

    `cutoff` is that of a device whose Fock space is truncated, None for all others; `precision` that of the
    device's exact results.

    Raises GradientError naming the parameter and the ways out, where there is no exact rule.
    """
    if method.name is None:
        raise GradientError(
            "any parameter",
            "the QNode was made with diff_method=None",
            "leave diff_method out, or pass 'best'",
        )
    for m in circuit.measurements:
        if m.kind not in DIFFERENTIABLE:
            raise GradientError(
                "any parameter", f"{m!r} is not differentiable", "return expval, var or probs"
            )
    noise = noise_of(shots, precision)
    if method.name in DIFFERENCES:
        return (DIFFERENCES[method.name](method, slots, circuit.num_slots, noise),)
    if measured is not None:
        circuit = circuit._replace(measurements=tuple(circuit.measurements[i] for i in measured))

    def pick(slot: int) -> Shifts:
        try:
            return exact_rule(circuit, slot, cutoff)
        except GradientError:
            if method.fallback is None:
                raise
            return finite_rule(noise)

    rules = [pick(slot) for slot in slots]
    total = sum(len(r.shifts) for r in rules)
    shifts, weights = np.zeros((total, circuit.num_slots)), np.zeros((total, len(slots)))
    start = 0
    for k, (slot, r) in enumerate(zip(slots, rules, strict=True)):
        stop = start + len(r.shifts)
        shifts[start:stop, slot] = r.shifts
        weights[start:stop, k] = r.weights
        start = stop
    return (Part(shifts, weights),)


def exact_rule(circuit: Circuit, slot: int, cutoff: int | None = None) -> Shifts:
    """The exact rule of one slot for all the circuit's measurements; GradientError where there is none.

    `cutoff` is that of a device whose Fock space is truncated, None for all others.
    """
    return shift_rule(*function_space(circuit, slot, cutoff), cutoff is not None)


def function_space(circuit: Circuit, slot: int, cutoff: int | None = None) -> Space:
    """The circuit's measured values, in this slot, lie in spectrum.power(degree).

    Raises GradientError, naming the parameter, where they are in no such space.
    """
    at, name = circuit.slots[slot]
    operation, wires = circuit.instructions[at]
    of_one = light_space if operation.domain == "cv" else _qubit_space
    found: list[Space] = []
    for m in dict.fromkeys(circuit.measurements):
        space = of_one(circuit, slot, m, cutoff)
        if isinstance(space, str):
            described = f"parameter {name!r} of {operation.name} on wires {list(wires)!r}"
            remedy = "use diff_method='finite-diff', or a device with derivatives of its own"
            raise GradientError(described, space, remedy)
        found.append(space)
    return joined(found)


def _qubit_space(circuit: Circuit, slot: int, m: Measurement, cutoff: int | None) -> Space | str:
    """The space does not depend on what is measured, but a variance is quadratic in the state."""
    at, name = circuit.slots[slot]
    operation = circuit.instructions[at].operation
    spectrum = operation.spectrum[operation.params.index(name)]
    if spectrum is None:
        return f"{operation.name} has no shift rule in it"
    return Space(spectrum, 2 if m.kind == "var" else 1)
