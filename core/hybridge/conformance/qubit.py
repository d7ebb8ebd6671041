"""The kit for qubit devices."""

from hybridge.conformance.channels import ChannelConformance
from hybridge.conformance.midcircuit import MidCircuitConformance
from hybridge.conformance.noisy import NoisyQubits
from hybridge.conformance.qubit_derivatives import QubitDerivatives
from hybridge.conformance.qubit_measurements import QubitMeasurements
from hybridge.conformance.qubit_rows import QubitRows
from hybridge.conformance.qubit_shots import QubitShots


class QubitConformance(
    QubitShots,
    QubitDerivatives,
    QubitMeasurements,
    QubitRows,
    ChannelConformance,
    MidCircuitConformance,
    NoisyQubits,
):
    """The kit's items for a qubit device: `class TestMine(QubitConformance): device = "minimal.qubit"`."""
