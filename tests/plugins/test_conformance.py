"""The conformance kit on every device that is installed."""

from hybridge.conformance import QubitConformance
class TestDefaultQubit(QubitConformance):
    device = "default.qubit"
