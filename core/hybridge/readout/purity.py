"""Whether a circuit on modes leaves a pure state pure."""

from __future__ import annotations

from typing import Any

from hybridge.circuit import Circuit


def stays_pure(circuit: Circuit) -> bool:
    """Whether a pure state stays pure: no mixed row, and no mode prepared anew after it met others."""
    touched: set[Any] = set()
    for operation, wires in circuit.instructions:
        if operation.kind == "marker":
            continue
        if operation.mixed or (operation.kind == "state" and touched & set(wires)):
            return False
        if operation.kind == "outcome":  # its modes are in the vacuum again
            touched -= set(wires)
        else:
            touched |= set(wires)
    return True
