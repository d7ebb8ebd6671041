"""Which rule differentiates which parameter; it never differences unless told to."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from hybridge.circuit import Circuit, Measurement, measured_wires
from hybridge.errors import GradientError
from hybridge.gradients.finite import DOUBLE, finite_part, finite_rule, noise_of
from hybridge.gradients.method import Method
from hybridge.gradients.part import Part
from hybridge.gradients.shift import Shifts, shift_rule
from hybridge.gradients.spsa import spsa_part
from hybridge.operations.spectrum import Spectrum

DIFFERENTIABLE = ("expval", "var", "probs")
DIFFERENCES = {"finite-diff": finite_part, "spsa": spsa_part}


def rule_parts(
    circuit: Circuit,
    slots: Sequence[int],
    method: Method,
    shots: int | None,
    truncated: bool,
    measured: Sequence[int] | None = None,
    precision: float = DOUBLE,
) -> tuple[Part, ...]:
    """The rule for these slots of the user's circuit, right for the measurements `measured` (None: all).

    `precision` is that of the device's exact results.

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
            return exact_rule(circuit, slot, truncated)
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


def exact_rule(circuit: Circuit, slot: int, truncated: bool = False) -> Shifts:
    """The exact rule of one slot for all the circuit's measurements; GradientError where there is none."""
    return shift_rule(*function_space(circuit, slot), truncated)


def function_space(circuit: Circuit, slot: int) -> tuple[Spectrum, int]:
    """Spectrum and degree: the circuit's measured values, in this slot, lie in spectrum.power(degree).

    Raises GradientError, naming the parameter, where they are in no such space.
    """
    at, name = circuit.slots[slot]
    operation, wires = circuit.instructions[at]
    described = f"parameter {name!r} of {operation.name} on wires {list(wires)!r}"
    remedy = "use diff_method='finite-diff', or a device with derivatives of its own"
    spectrum = operation.spectrum[operation.params.index(name)]
    if spectrum is None:
        raise GradientError(described, f"{operation.name} has no shift rule in it", remedy)
    degree = 1
    for m in circuit.measurements:
        if operation.domain == "cv":
            _check_gaussian_after(circuit, at, m, described, remedy)
        degree = max(degree, _degree(m, operation.domain, described, remedy))
    return spectrum, degree


def _degree(m: Measurement, domain: str, described: str, remedy: str) -> int:
    """The degree of the measured value in functions of the row's spectrum."""
    factor = 2 if m.kind == "var" else 1
    if domain == "qubit":
        return factor
    degree = None if m.observable is None else m.observable.degree
    if degree is None:
        raise GradientError(described, f"{m!r} is not polynomial in x and p", remedy)
    return factor * max(degree, 1)


def _check_gaussian_after(circuit: Circuit, at: int, m: Measurement, described: str, remedy: str) -> None:
    """The rule holds only if no non-Gaussian gate lies between the parameter and the measured modes."""
    instructions = circuit.instructions
    reached: set[Hashable] = set(instructions[at].wires)
    between = []
    for j in range(at + 1, len(instructions)):
        operation, wires = instructions[j]
        if operation.kind == "marker" or not reached & set(wires):
            continue
        if operation.kind == "state":
            reached -= set(wires)
            continue
        reached |= set(wires)
        if not operation.gaussian:
            between.append(j)
    seen: set[Hashable] = set(measured_wires([m]) or circuit.wires)
    for j in range(len(instructions) - 1, at, -1):
        operation, wires = instructions[j]
        if operation.kind == "marker" or not seen & set(wires):
            continue
        if j in between:
            raise GradientError(
                described,
                f"the non-Gaussian {operation.name} on wires {list(wires)!r} follows before {m!r}",
                remedy,
            )
        seen = seen - set(wires) if operation.kind == "state" else seen | set(wires)
