"""The built-in simulators: default.qubit, default.mixed, default.gaussian, default.fock."""

from dataclasses import replace
from importlib.util import find_spec

from hybridge.plugin import Capabilities, hookimpl
from hybridge_default.cv_capabilities import FOCK, GAUSSIAN, PLAIN_GAUSSIAN

PLAIN_QUBIT = Capabilities(
    domain="qubit",
    operations=None,
    measurements=frozenset({"state"}),
    max_gate_wires=6,  # the definition of a wider gate is a matrix larger than its decomposition is long
    conventions="in plain numpy, as numba is not installed",
)
QUBIT = replace(
    PLAIN_QUBIT,
    measurements=frozenset({"state", "expval", "var", "probs", "sample", "counts"}),
    observables=frozenset({"pauli", "matrix"}),
    vjp=True,
    mid_circuit=frozenset({"measure", "reset", "conditional"}),
    wide_gates=frozenset({"controlled", "MultiRZ", "PauliRot", "PCPhase", "DiagonalQubitUnitary"}),
    conventions="",
)
PLAIN_MIXED = replace(
    PLAIN_QUBIT,
    measurements=frozenset({"density_matrix"}),
    max_gate_wires=3,  # a matrix on density matrices has the square of the entries
)
MIXED = replace(
    PLAIN_MIXED,
    measurements=frozenset({"density_matrix", "expval", "var", "probs", "sample", "counts"}),
    observables=frozenset({"pauli", "matrix"}),
    vjp=True,
    conventions="",
)


@hookimpl
def register_devices(register):
    if find_spec("numba") is not None:  # looked for, not imported
        register("default.qubit", "hybridge_default.qubit:DefaultQubit", capabilities=QUBIT)
        register("default.mixed", "hybridge_default.mixed:DefaultMixed", capabilities=MIXED)
        register("default.gaussian", "hybridge_default.gaussian:DefaultGaussian", capabilities=GAUSSIAN)
    else:
        plain = "hybridge_default.gaussian_numpy:PlainGaussian"
        register("default.qubit", "hybridge_default.qubit_numpy:PlainQubit", capabilities=PLAIN_QUBIT)
        register("default.mixed", "hybridge_default.mixed_numpy:PlainMixed", capabilities=PLAIN_MIXED)
        register("default.gaussian", plain, capabilities=PLAIN_GAUSSIAN)
    register("default.fock", "hybridge_default.fock:DefaultFock", capabilities=FOCK)
