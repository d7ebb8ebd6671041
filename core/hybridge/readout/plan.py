"""The readout of a circuit on a device, whatever its domain."""

from __future__ import annotations

from collections.abc import Sequence

from hybridge.circuit import Circuit
from hybridge.device import Device
from hybridge.readout.cv import ModeReadout
from hybridge.readout.misread import Misread, Table
from hybridge.readout.qubit import QubitReadout
from hybridge.readout.reader import Readout


def readout(circuit: Circuit, device: Device, sampled: bool, errors: Sequence[Table] = ()) -> Readout:
    """What to ask the device and how to read it; `circuit` and `errors` are on wires 0..n-1.

    Raises UnsupportedCircuit.
    """
    if device.capabilities.domain == "cv":  # whose readout errors are refused where the device is made
        return ModeReadout(circuit, device, sampled).build()
    return QubitReadout(circuit, device, sampled, Misread(errors)).build()
