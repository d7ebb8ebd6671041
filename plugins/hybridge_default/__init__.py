"""The built-in simulators: default.qubit, default.gaussian, default.fock."""

from hybridge.plugin import Capabilities, hookimpl
from hybridge_default.cv_capabilities import FOCK, GAUSSIAN

QUBIT = Capabilities(
    domain="qubit",
    operations=None,
    measurements=frozenset({"state"}),
    max_gate_wires=6,  # the definition of a wider gate is a matrix larger than its decomposition is long
)


@hookimpl
def register_devices(register):
    register("default.qubit", "hybridge_default.qubit:DefaultQubit", capabilities=QUBIT)
    register("default.gaussian", "hybridge_default.gaussian:DefaultGaussian", capabilities=GAUSSIAN)
    register("default.fock", "hybridge_default.fock:DefaultFock", capabilities=FOCK)
