"""The one door for plugins: everything a plugin imports from hybridge, re-exported."""

from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.device import Capabilities, Device, Task
from hybridge.errors import CircuitError, DeviceError, JobFailed, MissingDependency, PluginError, UnsupportedCircuit
from hybridge.hookspecs import hookimpl
from hybridge.operations.pauli import Sentence
from hybridge.operations.table import FAMILIES, ROWS, Family, Operation

__all__ = [
    "FAMILIES",
    "ROWS",
    "Capabilities",
    "Circuit",
    "CircuitError",
    "Device",
    "DeviceError",
    "Family",
    "Instruction",
    "JobFailed",
    "Measurement",
    "MissingDependency",
    "Operation",
    "PluginError",
    "Sentence",
    "Task",
    "UnsupportedCircuit",
    "hookimpl",
]
