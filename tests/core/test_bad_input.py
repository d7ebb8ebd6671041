"""Bad input gets a clear error of the tree, at once, and nothing is lost."""

import numpy as np
import pytest

import hybridge as hb
from hybridge.plugin import Capabilities


def qubit(function, wires=2, **options):
    return hb.QNode(function, hb.device("default.qubit", wires=wires, **options))


def cv(function, wires=2, **options):
    return hb.QNode(function, hb.device("default.gaussian", wires=wires, **options))


def z():
    return hb.expval(hb.Z(0))


def then(*operations, measure=z):
    def f():
        for operation in operations:
            operation()
        return measure()

    return f


def rx(value):
    return lambda: hb.RX(value, wires=0)


CIRCUITS = {
    "NaN": (then(rx(np.nan)), "nan; parameters must be finite"),
    "infinite": (then(rx(np.inf)), "inf; parameters must be finite"),
    "infinities that cancel": (then(rx(np.inf), rx(-np.inf)), "must be finite"),
    "NaN in a batch": (then(rx(np.array([0.1, np.nan]))), "must be finite"),
    "complex": (then(rx(0.1 + 1j)), "real number; got complex"),
    "text": (then(rx("0.3")), "real number; got str '0.3'"),
    "None": (then(rx(None)), "real number; got NoneType"),
    "matrix of parameters": (then(rx(np.eye(2))), "one length; got shapes"),
    "batches of two lengths": (then(rx(np.ones(2)), rx(np.ones(3))), "one length; got shapes"),
    "empty batch": (then(rx(np.ones(0))), "at least one entry"),
    "unknown wire": (then(lambda: hb.X(7)), r"wire 7 is not on device 'default.qubit'; its wires: \[0, 1\]"),
    "unknown measured wire": (then(measure=lambda: hb.expval(hb.Z("q"))), "wire 'q' is not on device"),
    "negative wire": (then(lambda: hb.X(-1)), "wire -1 is not on device"),
    "repeated wire": (then(lambda: hb.CNOT([1, 1])), "CNOT acts on a wire twice"),
    "repeated measured wire": (then(measure=lambda: hb.probs([0, 0])), "names a wire twice"),
    "unhashable wire": (then(lambda: hb.X([[0]])), "wire label must be hashable"),
    "too few wires": (then(lambda: hb.CNOT(0)), r"CNOT\(wires\) takes 0 parameters and acts on 2 wires"),
    "too many parameters": (
        then(lambda: hb.RX(1, 2, wires=0)),
        "takes 1 parameter and acts on 1 wire; got 2",
    ),
    "no wires": (then(lambda: hb.RX()), "needs wires"),
    "unknown keyword": (then(lambda: hb.RX(theta=0.1, wires=0)), "unexpected argument 'theta'"),
    "nothing returned": (then(measure=lambda: None), "returned None; return measurements"),
    "an empty tuple returned": (then(measure=tuple), r"returned \(\); return measurements"),
    "a number returned": (then(measure=lambda: 3.0), "returned 3.0, which is not a measurement"),
    "an observable returned": (then(measure=lambda: hb.Z(0)), r"did you mean hb.expval\(Z"),
    "a gate measured": (then(measure=lambda: hb.expval(hb.RX(0.1, wires=0))), "needs an observable"),
    "a non-Hermitian product": (then(measure=lambda: hb.expval(hb.X(0) @ hb.Y(0))), "Hermitian observable"),
    "op and wires": (then(measure=lambda: hb.sample(hb.Z(0), wires=0)), "not both"),
    "samples without shots": (then(measure=lambda: hb.sample(wires=0)), "needs shots"),
    "counts without shots": (then(measure=lambda: hb.counts()), "needs shots"),
    "a late preparation": (then(lambda: hb.X(0), lambda: hb.BasisState([1], wires=[0])), "must come first"),
    "a non-unitary matrix": (then(lambda: hb.QubitUnitary(np.ones((2, 2)), wires=0)), "unitary"),
    "an unnormalised ket": (then(lambda: hb.StatePrep([1, 1], wires=0)), "normal"),
    "a NaN ket": (then(lambda: hb.StatePrep([np.nan, 1], wires=0)), "NaN|finite|normal"),
    "a non-Hermitian matrix": (
        then(measure=lambda: hb.expval(hb.Hermitian([[0, 1], [0, 0]], wires=0))),
        "differs from its adjoint",
    ),
    "a NaN observable": (then(measure=lambda: hb.expval(hb.Hermitian(np.full((2, 2), np.nan), 0))), "NaN"),
    "a matrix of the wrong size": (then(measure=lambda: hb.expval(hb.Hermitian(np.eye(4), 0))), r"\(2, 2\)"),
    "an empty Hamiltonian": (then(measure=lambda: hb.expval(hb.Hamiltonian([], []))), "at least one"),
    "a complex coefficient": (then(measure=lambda: hb.expval(1j * hb.Z(0))), "Hermitian observable"),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_a_circuit_that_makes_no_sense(name):
    function, message = CIRCUITS[name]
    circuit = qubit(function)
    with pytest.raises(hb.CircuitError, match=message):
        circuit()
    assert qubit(then(rx(0.0)))() == 1.0  # nothing is left behind


def test_an_operation_outside_a_circuit():
    with pytest.raises(
        hb.CircuitError, match=r"RX\(0.3, wires=0\) was called outside a circuit.*RX.matrix\(phi\)"
    ):
        hb.RX(0.3, wires=0)
    with pytest.raises(hb.CircuitError, match="outside a circuit"):
        hb.Displacement(0.1, 0.2, wires=0)
    assert repr(hb.X(0)) == "X(wires=0)"  # an observable too


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (
            qubit(then(lambda: hb.Displacement(0.1, 0.0, wires=0))),
            "CV operation Displacement.*default.gaussian",
        ),
        (
            cv(then(lambda: hb.RX(0.1, wires=0), measure=lambda: hb.expval(hb.QuadX(0)))),
            "qubit operation RX.*qiskit.aer",
        ),
        (qubit(then(measure=lambda: hb.expval(hb.NumberOperator(0)))), "CV observable.*default.gaussian"),
        (cv(then()), "qubit observable.*default.qubit"),
        (
            cv(then(lambda: hb.Kerr(0.1, wires=0), measure=lambda: hb.expval(hb.QuadX(0)))),
            "Kerr; default.fock",
        ),
        (cv(then(measure=hb.state)), r"state\(\).*default.fock"),
        (qubit(then(lambda: hb.QubitDensityMatrix(np.eye(2) / 2, wires=0))), "mixed state.*qiskit.aer"),
    ],
)
def test_a_circuit_the_device_cannot_run_names_one_that_can(circuit, message):
    with pytest.raises(hb.UnsupportedCircuit, match=message):
        circuit()


def test_forty_qubits_are_refused_with_the_memory_they_need():
    with pytest.raises(hb.UnsupportedCircuit, match=r"40 wires: they need 16 TiB of memory, .* is available"):
        qubit(then(rx(0.1)), wires=40)()


@pytest.mark.parametrize("shots", [0, -5, 2.5, True, "many"])
def test_shots_are_whole_numbers(shots):
    with pytest.raises(hb.CircuitError, match="shots must be a whole number"):
        hb.device("default.qubit", wires=1, shots=shots)


@pytest.mark.parametrize("wires", [0, -1, True, [0, 0], ["a", "b", "a"]])
def test_wires_are_a_number_or_distinct_labels(wires):
    with pytest.raises(hb.CircuitError, match="wires must"):
        hb.device("default.qubit", wires=wires)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"diff_method": "backprop"}, "diff_method 'backprop' is not known; choose from 'best'"),
        ({"interface": "torchy"}, "interface 'torchy' is not known"),
        ({"shots": -1}, "shots must be"),
    ],
)
def test_a_node_made_wrongly(arguments, message):
    with pytest.raises(hb.CircuitError, match=message):
        hb.QNode(z, hb.device("default.qubit", wires=1), **arguments)
    with pytest.raises(hb.CircuitError, match="needs a device"):
        hb.QNode(z, 3)
    with pytest.raises(hb.CircuitError, match="needs a circuit function"):
        hb.QNode("z", hb.device("default.qubit", wires=1))


class Faulty(hb.Device):
    """Returns whatever it is told to."""

    capabilities = Capabilities("qubit", None, frozenset({"state"}))
    result: object = None

    def run(self, tasks):
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        ([np.ones((1, 3))], hb.PluginError, r"run returned shape \(1, 3\) instead of \(1, 2\)"),
        ([np.ones((2, 2))], hb.PluginError, r"shape \(2, 2\) instead of \(1, 2\)"),
        ([np.full((1, 2), np.nan)], hb.PluginError, "NaN or infinite"),
        ([np.array([[np.inf, 1j]])], hb.PluginError, "NaN or infinite"),
        ([np.array([[1, 0]], dtype=np.complex64)], hb.PluginError, "dtype complex64 instead of"),
        ([np.array([[1, 0]], dtype=np.longdouble)], hb.PluginError, "dtype .* instead of"),
        ([[[1, 0]]], hb.PluginError, "run returned list"),
        ([np.array([["a", "b"]])], hb.PluginError, "dtype"),
        ([], hb.PluginError, "one array per task"),
        (None, hb.PluginError, "one array per task, 1; got NoneType"),
        (OSError("the line is dead"), hb.JobFailed, "OSError: the line is dead"),
    ],
)
def test_a_device_that_returns_nonsense_is_stopped_at_the_border(result, error, message):
    device = Faulty(wires=1)
    device.result = result
    with pytest.raises(error, match=message):
        hb.QNode(then(rx(0.1)), device)()


def test_exceptions_of_the_users_own_function_pass_and_leave_no_recording_open():
    def f():
        hb.X(0)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        qubit(f)()
    with pytest.raises(hb.CircuitError, match="outside a circuit"):
        hb.RX(0.1, wires=0)
