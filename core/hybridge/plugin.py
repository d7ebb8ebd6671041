"""The one door for plugins: everything a plugin imports from hybridge, re-exported."""

from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.device import Capabilities, Device, Task
from hybridge.errors import (
    CircuitError,
    DeviceError,
    FormatError,
    GradientError,
    JobFailed,
    MissingDependency,
    PluginError,
    UnsupportedCircuit,
)
from hybridge.gradients.definition import definition_slope
from hybridge.hookspecs import hookimpl
from hybridge.io import conditions, expression
from hybridge.io.format import Format
from hybridge.io.formulas import PYTHON, formula
from hybridge.io.gates import powered
from hybridge.io.imported import Entry, ImportedCircuit, Measured
from hybridge.io.qasm_gates import MORE as STANDARD_GATES
from hybridge.io.qasm_gates import standard_names
from hybridge.io.qasm_reader import standard_gate
from hybridge.io.steps import PlainStep, bits_read, measured_places, plain_steps
from hybridge.io.tokens import Token, Tokens, shown
from hybridge.memory import available, human
from hybridge.noise.insertion import noisy
from hybridge.noise.model import NoiseModel
from hybridge.observables.qubit import Hermitian as hermitian
from hybridge.operations.derived import adjoint_row, controlled, power, uncontrolled
from hybridge.operations.measuring import Bit, condition, measured
from hybridge.operations.pauli import Sentence, word
from hybridge.operations.qubit_channels import QUBIT_CHANNELS
from hybridge.operations.spectrum import Hyperbolic, Power, Spectrum, Trig
from hybridge.operations.table import FAMILIES, ROWS, Family, Operation
from hybridge.phasespace.clicks import click_probs, click_pullback
from hybridge.phasespace.counted import Clicks
from hybridge.phasespace.cutoff import check_cutoff
from hybridge.phasespace.fock import FockModes, warn_of_leak
from hybridge.phasespace.fock import applied as fock_applied
from hybridge.phasespace.fock import weighted as fock_weighted
from hybridge.phasespace.fockreadings import Reading as FockReading
from hybridge.phasespace.fockreadings import cotangent as fock_cotangent
from hybridge.phasespace.fockreadings import reading as fock_reading
from hybridge.phasespace.gaussian import GaussianModes
from hybridge.phasespace.moments import Moment, QuadraticMean, moment
from hybridge.phasespace.numberbasis import channel as fock_channel
from hybridge.phasespace.numberbasis import density as fock_density
from hybridge.phasespace.numberbasis import gate as fock_gate
from hybridge.phasespace.numberbasis import ket as fock_ket
from hybridge.phasespace.numberbasis import sectors as fock_sectors
from hybridge.phasespace.numberslopes import channel_pullback as fock_channel_pullback
from hybridge.phasespace.numberslopes import channel_slope as fock_channel_slope
from hybridge.phasespace.numberslopes import density_slope as fock_density_slope
from hybridge.phasespace.numberslopes import gate_slope as fock_gate_slope
from hybridge.phasespace.numberslopes import ket_slope as fock_ket_slope
from hybridge.phasespace.polynomial import Polynomial
from hybridge.phasespace.recursion import Pullback
from hybridge.phasespace.recursion import pullback as fock_pullback

__all__ = [
    "FAMILIES",
    "PYTHON",
    "QUBIT_CHANNELS",
    "ROWS",
    "STANDARD_GATES",
    "Bit",
    "Capabilities",
    "Circuit",
    "CircuitError",
    "Clicks",
    "Device",
    "DeviceError",
    "Entry",
    "Family",
    "FockModes",
    "FockReading",
    "Format",
    "FormatError",
    "GaussianModes",
    "GradientError",
    "Hyperbolic",
    "ImportedCircuit",
    "Instruction",
    "JobFailed",
    "Measured",
    "Measurement",
    "MissingDependency",
    "Moment",
    "NoiseModel",
    "Operation",
    "PlainStep",
    "PluginError",
    "Polynomial",
    "Power",
    "Pullback",
    "QuadraticMean",
    "Sentence",
    "Spectrum",
    "Task",
    "Token",
    "Tokens",
    "Trig",
    "UnsupportedCircuit",
    "adjoint_row",
    "available",
    "bits_read",
    "check_cutoff",
    "click_probs",
    "click_pullback",
    "condition",
    "conditions",
    "controlled",
    "definition_slope",
    "expression",
    "fock_applied",
    "fock_channel",
    "fock_channel_pullback",
    "fock_channel_slope",
    "fock_cotangent",
    "fock_density",
    "fock_density_slope",
    "fock_gate",
    "fock_gate_slope",
    "fock_ket",
    "fock_ket_slope",
    "fock_pullback",
    "fock_reading",
    "fock_sectors",
    "fock_weighted",
    "formula",
    "hermitian",
    "hookimpl",
    "human",
    "measured",
    "measured_places",
    "moment",
    "noisy",
    "plain_steps",
    "power",
    "powered",
    "shown",
    "standard_gate",
    "standard_names",
    "uncontrolled",
    "warn_of_leak",
    "word",
]
