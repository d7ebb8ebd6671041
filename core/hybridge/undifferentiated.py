"""Why a device's own derivatives do not serve a circuit or a number, and what would."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybridge.circuit import Circuit, Measurement
from hybridge.device import Device
from hybridge.errors import GradientError
from hybridge.gradients.choose import described
from hybridge.readout.answered import answered_as
from hybridge.registry import registry

RULES = "use diff_method='best', which takes the exact rule"


def no_own_derivatives(
    device: Device, sampled: bool, named: Circuit, circuit: Circuit, lowered: Sequence[Circuit]
) -> GradientError:
    """The error of a method that needs them: of the device, of shots, of a measurement, or of a gate.

    `circuit` is `named` on wires 0..n-1, `lowered` what the device was given for it.
    """
    name, domain = device.name, device.capabilities.domain
    if not device.capabilities.vjp:
        able = registry.able(lambda c: c.vjp and c.domain == domain)
        reason = f"device {name!r} has no derivatives of its own"
        return GradientError("any parameter", reason, f"{RULES}{able and '; '}{able}")
    if sampled:
        reason = f"device {name!r} has no derivatives of its own with shots: they are of exact results"
        return GradientError("any parameter", reason, f"{RULES}, or shots=None")
    returned = set(lowered[0].measurements) if len(lowered) == 1 else set[Measurement]()
    for said, m in zip(named.measurements, circuit.measurements, strict=True):
        if answered_as(m, circuit, returned) not in returned:
            reason = f"device {name!r} has no derivatives of its own of {said!r}, which the core computes"
            return GradientError("any parameter", reason, RULES)
    reason = f"device {name!r} has no derivatives of its own for this circuit"
    return GradientError("any parameter", reason, RULES)


def infinite_slope(named: Circuit, slot: int, rows: np.ndarray) -> GradientError:
    """The error of a slope that is infinite at one of the rows (B, P)."""
    _, name = named.slots[slot]
    given = ", ".join(f"{x:g}" for x in dict.fromkeys(rows[:, slot].tolist()))
    reason = f"the slope of a value in it is infinite at {name} = {given}"
    remedy = f"keep {name} off that, or differentiate in other numbers alone"
    return GradientError(described(named, slot), reason, remedy)
