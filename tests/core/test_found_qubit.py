"""Faults that a hostile tester found on the qubit side; each claim failed once."""

import collections
import copy
import multiprocessing
import pickle
import time

import numpy as np
import pytest
from scipy.sparse import csr_array

import hybridge as hb


def node(function, wires=2, **options):
    return hb.QNode(function, hb.device("default.qubit", wires=wires, **options))


def tilted(measure):
    """RX(0.3) on wire 0 and RY(1.1) on wire 1, then `measure()`."""

    def f():
        hb.RX(0.3, wires=0)
        hb.RY(1.1, wires=1)
        return measure()

    return f


ZERO, ONE = np.cos(0.15) ** 2, np.sin(0.15) ** 2  # of Z on wire 0
UP, DOWN = np.cos(0.55) ** 2, np.sin(0.55) ** 2  # of Z on wire 1

# --- probabilities of an observable, and plans of circuits that look alike ---

BASES = {
    "Z(0) @ Z(1)": (lambda: hb.Z(0) @ hb.Z(1), np.kron([ZERO, ONE], [UP, DOWN])),
    "Z(1) @ Z(0)": (lambda: hb.Z(1) @ hb.Z(0), np.kron([UP, DOWN], [ZERO, ONE])),
    "X(0) + Z(1)": (lambda: hb.X(0) + hb.Z(1), np.kron([0.5, 0.5], [UP, DOWN])),
    "Z(1) + X(0)": (lambda: hb.Z(1) + hb.X(0), np.kron([UP, DOWN], [0.5, 0.5])),
    "Z(0) @ I(1)": (lambda: hb.Z(0) @ hb.I(1), np.kron([ZERO, ONE], [UP, DOWN])),
    "Z(1)": (lambda: hb.Z(1), np.array([UP, DOWN])),
}


@pytest.mark.parametrize("shots", [None, 20000])
def test_probabilities_of_an_observable_are_in_the_order_of_its_wires(shots):
    device = hb.device("default.qubit", wires=2, shots=shots, seed=1)  # one plan cache for all of them
    for name, (observable, expected) in BASES.items():
        found = hb.QNode(tilted(lambda op=observable: hb.probs(op=op())), device)()
        assert found.shape == expected.shape, name
        assert np.allclose(found, expected, atol=0.02 if shots else 1e-12), name


def test_equal_observables_on_different_wires_have_plans_of_their_own():
    device = hb.device("default.qubit")  # infers the wires
    for wire, expected in ((0, [0, 1]), (5, [0, 0, 1, 0]), (0, [0, 1])):

        def f(wire=wire):
            hb.X(0)
            return hb.expval(hb.I(wire)), hb.probs()

        assert hb.QNode(f, device)()[1].tolist() == expected


def test_a_shared_observable_cannot_be_changed():
    with pytest.raises(AttributeError):
        hb.Z(0).as_observable().terms.clear()
    assert node(lambda: hb.expval(hb.Z(0)))() == 1


# --- coefficients that are differentiated ---

TRACED = {  # of the observable in the coefficient a = 2, where <Z> = cos 0.3 and <X> = 0
    "on the left": (lambda a: a * hb.Z(0) + hb.X(0), np.cos(0.3)),
    "of a product": (lambda a: a * (hb.Z(0) @ hb.Z(0)), 1.0),
    "of a Hadamard": (lambda a: a * hb.H(0), np.cos(0.3) / np.sqrt(2)),
    "added": (lambda a: a + hb.Z(0), 1.0),
    "added to": (lambda a: hb.Z(0) + a, 1.0),
    "subtracted from": (lambda a: a - hb.Z(0), 1.0),
    "subtracted": (lambda a: hb.Z(0) - a, -1.0),
    "squared": (lambda a: (a * hb.Z(0) + hb.X(0)) ** 2, 4.0),
    "summed": (lambda a: sum(a * hb.Z(i) for i in range(2)), np.cos(0.3) + np.cos(1.1)),
    "cancelled": (lambda a: a * hb.Z(0) - a * hb.Z(0) + hb.X(0), 0.0),
}


def test_coefficients_of_observables_have_derivatives_wherever_they_stand():
    for name, (observable, slope) in TRACED.items():

        def f(a, observable=observable):
            return tilted(lambda: hb.expval(observable(a)))()

        assert np.isclose(hb.grad(node(f))(2.0), slope), name


@pytest.mark.parametrize("measure", [hb.var, lambda op: hb.probs(op=op), hb.sample, hb.counts])
def test_only_expval_takes_coefficients_that_are_differentiated(measure):
    with pytest.raises(hb.GradientError, match="is not linear in it"):
        hb.grad(node(lambda a: measure(a * hb.X(0))))(2.0)


def test_a_matrix_with_a_coefficient_that_is_differentiated_says_what_would_work():
    matrix = hb.Hermitian(np.diag([1, 2]), wires=0)
    for observable in (
        lambda a: a * matrix,
        lambda a: matrix * a,
        lambda a: a * hb.Z(1) + matrix,
        lambda a: matrix - a * hb.Z(1),
        lambda a: hb.Hamiltonian([a, 1.0], [hb.Z(0), matrix]),
    ):
        with pytest.raises(hb.GradientError, match="add them up outside the circuit"):
            hb.grad(node(lambda a, observable=observable: hb.expval(observable(a))))(2.0)


def test_where_between_results_is_differentiated():
    np_ = hb.numpy

    def f(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0))

    circuit = node(f)
    chosen = lambda x: np_.where(circuit(x) > 0.5, circuit(x) ** 2, circuit(x))
    assert np.isclose(hb.jacobian(chosen)(0.3), -2 * np.cos(0.3) * np.sin(0.3))
    assert np.isclose(hb.grad(chosen)(1.5), -np.sin(1.5))


ARGNUMS = {
    "a": "whole numbers",
    1.5: "whole numbers",
    None: "whole numbers",
    (0, 0): "twice",
    (0, -2): "twice",
}


def test_argnums_that_make_no_sense_say_so():
    product = lambda x, y: x * y
    for argnums, reason in ARGNUMS.items():
        with pytest.raises(hb.GradientError, match=reason):
            hb.grad(product, argnums=argnums)(2.0, 3.0)
    assert hb.grad(product, argnums=np.int64(1))(2.0, 3.0) == 2
    assert hb.grad(product, argnums=-1)(2.0, 3.0) == 2


# --- bad input ---

BAD = {
    "NaN coefficient": (lambda: hb.expval(np.nan * hb.Z(0)), "must be finite; got nan"),
    "infinite coefficient": (
        lambda: hb.expval(hb.Hamiltonian([np.inf], [hb.Z(0)])),
        "must be finite; got inf",
    ),
    "infinite multiple of a matrix": (
        lambda: hb.expval(np.inf * hb.Hermitian(np.eye(2), 0)),
        "must be finite",
    ),
    "coefficient that is text": (lambda: hb.expval("a" * hb.Z(0)), "scaled by a number, not by 'a'"),
    "coefficient None": (lambda: hb.expval(hb.Hamiltonian([None], [hb.Z(0)])), "not by None"),
    "numbers for lists": (lambda: hb.expval(hb.Hamiltonian(1.0, hb.Z(0))), "got float and Applied"),
    "NaN in a sparse matrix": (
        lambda: hb.expval(hb.SparseHamiltonian(csr_array(np.diag([np.nan, 1])), 0)),
        "NaN or infinite",
    ),
    "text as a matrix": (lambda: hb.expval(hb.Hermitian("abc", 0)), "needs an array A of numbers"),
    "ragged matrix": (lambda: hb.expval(hb.Hermitian([[1, 2], [3]], 0)), "needs an array A of numbers"),
    "ragged ket": (lambda: hb.expval(hb.Projector([[1], [1, 2]], 0)), "needs an array state of numbers"),
    "unhashable wire of a matrix": (lambda: hb.expval(hb.Hermitian(np.eye(2), [[0]])), "must be hashable"),
    "unhashable wire of a Pauli": (lambda: hb.expval(hb.Z([[0]])), "must be hashable"),
    "no wires to measure": (lambda: hb.probs(wires=[]), "at least one wire"),
    "no wires of a density matrix": (lambda: hb.density_matrix([]), "at least one wire"),
    "an int beyond floats": (lambda: hb.RX(10**400, 0), "must be a real number; got int"),
    "ragged parameter": (lambda: hb.RX([[1, 2], [3]], 0), "ragged"),
    "dense matrix of 30 wires": (lambda: sum(hb.Z(i) for i in range(30)).matrix(), "at most 12 wires"),
}


def test_bad_input_gets_an_error_of_the_tree():
    for name, (measure, reason) in BAD.items():
        with pytest.raises(hb.CircuitError) as found:
            node(lambda measure=measure: [measure(), hb.expval(hb.Z(0))][1])()
        assert reason in str(found.value), (name, str(found.value))


DEVICES = {
    "negative seed": ({"seed": -1}, "seed must be a whole number >= 0"),
    "seed that is text": ({"seed": "1"}, "seed must be a whole number >= 0"),
    "unhashable wires": ({"wires": [[0]]}, "a wire label must be hashable"),
    "a billion wires": ({"wires": 10**9}, "37.25 GiB of memory"),
}


def test_devices_that_make_no_sense_are_not_a_fault_of_their_plugin():
    for name, (options, reason) in DEVICES.items():
        with pytest.raises(hb.CircuitError) as found:
            hb.device("default.qubit", **options)
        assert reason in str(found.value), name


TOO_LARGE = {
    "100 billion shots": (lambda: hb.expval(hb.Z(0)), 2, 10**11, "100000000000 shots: they need"),
    "100 billion samples": (hb.sample, 2, 10**11, "of memory"),
    "more shots than an index": (hb.counts, 2, 10**30, "of memory"),
    "the density matrix of 20 wires": (lambda: hb.density_matrix(range(20)), 20, None, "they need 16 TiB"),
    "2000 wires": (lambda: hb.expval(hb.Z(0)), 2000, None, "they need 2^2004 B"),
}


def test_what_does_not_fit_into_memory_is_refused_at_once():
    for name, (measure, wires, shots, reason) in TOO_LARGE.items():
        start = time.perf_counter()
        with pytest.raises(hb.UnsupportedCircuit, match="is available") as found:
            node(measure, wires, shots=shots)()
        assert reason in str(found.value), (name, str(found.value))
        assert time.perf_counter() - start < 1, name


def test_a_basis_state_is_projected_on_with_shots_on_any_number_of_wires():
    def f():
        hb.H(0)
        zeros = hb.Projector([0] * 16, wires=range(16))
        return hb.expval(zeros), hb.var(zeros), hb.sample(zeros), hb.counts(hb.Projector([1, 0], [0, 1]))

    mean, variance, values, counted = node(f, 16, shots=2000, seed=1)()
    assert abs(mean - 0.5) < 0.06 and np.isclose(variance, mean * (1 - mean))
    assert set(values) == {0.0, 1.0} and set(counted) == {0.0, 1.0} and sum(counted.values()) == 2000


# --- copies, pickles, processes, containers ---

ERRORS = (
    hb.CircuitError("x"),
    hb.UnknownDevice("a", ["b"]),
    hb.MissingDependency("d", "p", "extra"),
    hb.UnsupportedCircuit("d", "this", "that can"),
    hb.errors.JobFailed("d", "reason"),
    hb.GradientError("p", "reason", "remedy"),
    hb.PluginError("p", "reason"),
)


def test_errors_pickle_and_so_come_back_from_other_processes():
    for error in ERRORS:
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            assert type(again) is type(error) and str(again) == str(error) and vars(again) == vars(error)


def rotated(x):
    hb.RX(x, wires=0)
    return hb.expval(hb.Z(0))


decorated = hb.qnode(hb.device("default.qubit", wires=1))(rotated)
decorated.__qualname__ = decorated.__name__ = "decorated"


def test_nodes_are_copied_and_pickled():
    anonymous = node(rotated)
    for again in (copy.copy(anonymous), copy.deepcopy(anonymous), pickle.loads(pickle.dumps(anonymous))):
        assert np.isclose(again(0.3), np.cos(0.3)) and np.isclose(hb.grad(again)(0.3), -np.sin(0.3))
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    assert copy.deepcopy(node(lambda: hb.expval(hb.Z(0))))() == 1


def ask_for_what_there_is_not(name):
    hb.device(name)


def test_an_error_in_a_pool_does_not_break_the_pool():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with pytest.raises(hb.UnknownDevice):
            pool.apply_async(ask_for_what_there_is_not, ("nope.device",)).get(60)
        assert np.allclose(pool.map_async(decorated, [0.3, 0.4]).get(60), np.cos([0.3, 0.4]))


def test_results_come_in_every_kind_of_dict():
    def f():
        return collections.defaultdict(list, z=hb.expval(hb.Z(0)), x=[hb.expval(hb.X(0))])

    found = node(f)()
    assert type(found) is collections.defaultdict and found == {"z": 1, "x": [0]} and found["new"] == []


# --- every qubit device ---

# on qubits that nothing entangles, RY(0.5 + 0.3 w) on each wire w
READ = {
    "the last, and one before": (lambda: [hb.Z(5), hb.Z(3)], [5], [3]),
    "three of six": (lambda: [hb.Z(1), hb.Z(4), hb.Z(2)], [1], [4], [2]),
    "a pair and one of it": (lambda: [hb.Z(1) @ hb.Z(4), hb.Z(4)], [1, 4], [4]),
}


@pytest.mark.usefixtures("qvm")
@pytest.mark.parametrize(
    "name", [d.name for d in hb.devices() if d.installed and d.domain == "qubit" and "exact" in d.results]
)
def test_observables_of_qubits_apart_are_read_on_their_own_qubits(name):
    for observables, *wires in READ.values():

        def f(observables=observables):
            for w in range(6):
                hb.RY(0.5 + 0.3 * w, wires=w)
            return [hb.expval(o) for o in observables()] + [hb.var(o) for o in observables()]

        means = np.array([np.prod(np.cos(0.5 + 0.3 * np.array(on))) for on in wires])
        found = hb.QNode(f, hb.device(name, wires=6))()
        assert np.allclose(found, [*means, *(1 - means**2)]), wires
