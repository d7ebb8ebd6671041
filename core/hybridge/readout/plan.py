"""The readout of a circuit on a device, whatever its domain."""

from __future__ import annotations

from hybridge.circuit import Circuit
from hybridge.device import Device
from hybridge.readout.cv import ModeReadout
from hybridge.readout.qubit import QubitReadout
from hybridge.readout.reader import Readout

_BY_DOMAIN: dict[str, type[QubitReadout] | type[ModeReadout]] = {"qubit": QubitReadout, "cv": ModeReadout}


def readout(circuit: Circuit, device: Device, sampled: bool) -> Readout:
    """What to ask the device and how to read it; `circuit` is on wires 0..n-1. Raises UnsupportedCircuit."""
    return _BY_DOMAIN[device.capabilities.domain](circuit, device, sampled).build()
