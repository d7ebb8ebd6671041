"""minimal.qubit passes the conformance kit for qubit devices."""

from hybridge.conformance import QubitConformance


class TestMinimal(QubitConformance):
    device = "minimal.qubit"
