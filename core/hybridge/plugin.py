"""The one door for plugins: everything a plugin imports from hybridge, re-exported."""

from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.device import Capabilities, Device, Task
from hybridge.errors import (
    CircuitError,
    DeviceError,
    JobFailed,
    MissingDependency,
    PluginError,
    UnsupportedCircuit,
)
from hybridge.hookspecs import hookimpl
from hybridge.memory import available, human
from hybridge.operations.pauli import Sentence
from hybridge.operations.table import FAMILIES, ROWS, Family, Operation
from hybridge.phasespace.fock import FockModes
from hybridge.phasespace.gaussian import GaussianModes
from hybridge.phasespace.numberbasis import channel as fock_channel
from hybridge.phasespace.numberbasis import density as fock_density
from hybridge.phasespace.numberbasis import gate as fock_gate
from hybridge.phasespace.numberbasis import ket as fock_ket

__all__ = [
    "FAMILIES",
    "ROWS",
    "Capabilities",
    "Circuit",
    "CircuitError",
    "Device",
    "DeviceError",
    "Family",
    "FockModes",
    "GaussianModes",
    "Instruction",
    "JobFailed",
    "Measurement",
    "MissingDependency",
    "Operation",
    "PluginError",
    "Sentence",
    "Task",
    "UnsupportedCircuit",
    "available",
    "fock_channel",
    "fock_density",
    "fock_gate",
    "fock_ket",
    "hookimpl",
    "human",
]
