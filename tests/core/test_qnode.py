"""A QNode: its calls, the shapes of its results, batches, shots, other devices."""

import pickle
import threading
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

import hybridge as hb

Pair = namedtuple("Pair", "z both")


@dataclass(frozen=True)
class Results:
    energy: object
    spread: object


def node(function, wires=2, **options):
    return hb.QNode(function, hb.device("default.qubit", wires=wires, **options))


def ansatz(x, y):
    hb.RX(x, wires=0)
    hb.CNOT(wires=[0, 1])
    hb.CRY(y, wires=[1, 0])


def model(x, y):
    ansatz(x, y)
    return hb.expval(hb.Z(0) @ hb.Z(1))


def by_hand(x, y):
    """<ZZ> of the model: P(00) = cos^2 x/2, and the |11> part rotated by y on wire 0."""
    return np.cos(x / 2) ** 2 + np.sin(x / 2) ** 2 * np.cos(y)


def test_value_is_the_textbook_one_and_a_float():
    value = node(model)(0.3, 0.4)
    assert np.shape(value) == () and isinstance(value, float)
    assert value == pytest.approx(by_hand(0.3, 0.4), abs=1e-14)


@pytest.mark.parametrize(
    ("measure", "shape"),
    [
        (lambda: hb.expval(hb.Z(0)), ()),
        (lambda: hb.var(hb.X(1)), ()),
        (lambda: hb.probs(), (4,)),
        (lambda: hb.probs(wires=1), (2,)),
        (lambda: hb.probs(op=hb.X(0) @ hb.Z(1)), (4,)),
        (lambda: hb.state(), (4,)),
        (lambda: hb.density_matrix(wires=1), (2, 2)),
    ],
)
def test_shapes_of_exact_results_single_and_batched(measure, shape):
    def f(x):
        ansatz(x, 0.4)
        return measure()

    circuit = node(f)
    assert np.shape(circuit(0.3)) == shape
    xs = np.array([0.3, 0.5, 0.7])
    batch = circuit(xs)
    assert batch.shape == (3, *shape)
    assert np.allclose(batch, [circuit(x) for x in xs], atol=1e-14)
    assert circuit(xs[:1]).shape == (1, *shape)  # a batch of one keeps its axis


@pytest.mark.parametrize(
    ("measure", "shape", "kind"),
    [
        (lambda: hb.expval(hb.Z(0)), (), "f"),
        (lambda: hb.var(hb.Z(0) + hb.X(1)), (), "f"),
        (lambda: hb.probs(wires=[1, 0]), (4,), "f"),
        (lambda: hb.sample(), (10, 2), "i"),
        (lambda: hb.sample(wires=1), (10, 1), "i"),
        (lambda: hb.sample(hb.X(0) @ hb.Z(1)), (10,), "f"),
    ],
)
def test_shapes_of_sampled_results_single_and_batched(measure, shape, kind):
    def f(x):
        ansatz(x, 0.4)
        return measure()

    circuit = node(f, shots=10, seed=1)
    for args, expected in ((0.3, shape), (np.array([0.3, 0.5]), (2, *shape))):
        result = np.asarray(circuit(args))
        assert result.shape == expected and result.dtype.kind == kind


def test_any_container_of_measurements_comes_back_in_kind():
    def f(x):
        ansatz(x, 0.1)
        z = hb.expval(hb.Z(0))
        return {"list": [z, z], "pair": Pair(z, (hb.probs(wires=0),)), "data": Results(z, hb.var(hb.Z(1)))}

    result = node(f)(0.3)
    assert isinstance(result["pair"], Pair) and isinstance(result["data"], Results)
    assert result["list"] == [result["pair"].z, result["data"].energy]
    assert result["pair"].both[0].shape == (2,)


def test_counts_have_plain_keys_and_all_outcomes_on_request():
    def f(x):
        ansatz(x, 0.0)
        return (
            hb.counts(),
            hb.counts(hb.Z(0) @ hb.Z(1)),
            hb.counts(hb.Z(0), all_outcomes=True),
            hb.counts(wires=[1, 0], all_outcomes=True),
        )

    bits, parity, every, listed = node(f, shots=20, seed=2)(0.0)
    assert bits == {"00": 20} and parity == {1.0: 20} and every == {-1.0: 0, 1.0: 20}
    assert listed == {"00": 20, "01": 0, "10": 0, "11": 0}
    assert all(type(k) is str for k in bits) and all(type(k) is float for k in parity)
    assert all(type(v) is int for d in (bits, parity, every, listed) for v in d.values())
    first, second = node(f, shots=20, seed=2)(np.array([0.0, np.pi]))[0]
    assert first == {"00": 20} and second == {"11": 20}


def test_samples_of_one_call_are_the_same_shots():
    def f():
        hb.H(0)
        hb.CNOT([0, 1])
        return hb.sample(wires=0), hb.sample(wires=1), hb.sample(hb.Z(0) @ hb.Z(1)), hb.expval(hb.Z(0))

    a, b, parity, mean = node(f, shots=50, seed=3)()
    assert (a == b).all() and (parity == 1).all()
    assert mean == pytest.approx(np.mean(1 - 2 * a))


def test_one_seed_one_sequence_of_samples():
    def f():
        hb.H(0)
        return hb.sample(wires=0)

    first, again = node(f, shots=64, seed=7), node(f, shots=64, seed=7)
    a, b = first(), first()
    assert (a == again()).all() and (b == again()).all()
    assert (a != b).any() and (a != node(f, shots=64, seed=8)()).any()


def test_wire_zero_is_the_most_significant_bit():
    def f():
        hb.X(0)
        hb.RY(0.4, wires=2)
        return hb.probs(), hb.probs(wires=[2, 0]), hb.state()

    full, swapped, state = node(f, wires=3)()
    assert full[0b100] == pytest.approx(np.cos(0.2) ** 2) and full[0b101] == pytest.approx(np.sin(0.2) ** 2)
    assert swapped == pytest.approx([0, np.cos(0.2) ** 2, 0, np.sin(0.2) ** 2])
    assert abs(state[0b100]) == pytest.approx(np.cos(0.2))


def test_wires_may_be_any_labels_and_may_be_inferred():
    def f():
        hb.X("b")
        hb.CNOT(["b", 7])
        return hb.probs(wires=["a", "b", 7])

    labelled = hb.QNode(f, hb.device("default.qubit", wires=["a", "b", 7]))
    inferred = hb.QNode(f, hb.device("default.qubit"))
    assert labelled()[0b011] == pytest.approx(1) and inferred()[0b011] == pytest.approx(1)

    def unordered():
        hb.X(5)
        hb.I(2)
        return hb.probs()

    assert hb.QNode(unordered, hb.device("default.qubit"))() == pytest.approx([0, 1, 0, 0])  # wires 2, 5


def test_paulis_are_gates_or_observables_as_they_are_used():
    def f():
        flip = hb.X(0)
        observable = 0.5 * hb.Z(0) @ hb.Z(1) - hb.Z(1)
        hb.X(1)
        unused = hb.X(0)
        assert (flip.operation, unused.operation) == (hb.X, hb.X)
        return hb.expval(observable), hb.expval(hb.Z(0))

    circuit = node(f)
    assert [op.name for op, _ in circuit.circuit().instructions] == ["X", "X", "X"]
    assert circuit() == pytest.approx((0.5 * -1 + 1, 1.0))


def test_a_model_moves_to_another_device_with_its_wires():
    exact = node(model)
    sampled = exact.on("default.qubit", shots=100_000, seed=5)
    assert sampled.shots == 100_000 and sampled.device.wires == (0, 1)
    assert sampled(0.3, 0.4) == pytest.approx(by_hand(0.3, 0.4), abs=5 / np.sqrt(100_000))
    override = hb.QNode(model, hb.device("default.qubit", wires=2), shots=10)
    assert override.shots == 10 and override.device.shots is None
    assert hb.QNode(model, hb.device("default.qubit", wires=2, shots=10), shots=None).shots is None


def test_a_nodes_structure_is_compiled_once():
    compiled = []
    device = hb.device("default.qubit", wires=2)
    original = device.compile
    device.compile = lambda circuit: compiled.append(circuit) or original(circuit)
    circuit = hb.QNode(model, device)
    for x in np.linspace(0, 1, 20):
        circuit(x, 0.2)
    hb.grad(circuit, argnums=(0, 1))(0.3, 0.2)
    assert len(compiled) == 1
    assert hash(compiled[0]) == hash(pickle.loads(pickle.dumps(compiled[0])))


def test_control_flow_on_parameters_makes_plans_of_its_own():
    def f(x, layers):
        for _ in range(layers):
            hb.RX(x, wires=0)
        if x > 1:
            hb.X(0)
        return hb.expval(hb.Z(0))

    circuit = node(f)
    assert circuit(0.2, 3) == pytest.approx(np.cos(0.6)) and circuit(1.1, 1) == pytest.approx(-np.cos(1.1))


def test_expval_and_var_of_one_observable_never_share_a_plan():
    device = hb.device("default.qubit", wires=1)
    a = hb.QNode(lambda: hb.expval(hb.Z(0)), device)
    b = hb.QNode(lambda: hb.var(hb.Z(0)), device)
    assert (a(), b()) == (1.0, 0.0)


def test_user_arrays_are_neither_changed_nor_kept():
    matrix = np.array([[0, 1], [1, 0]], dtype=complex)
    x = np.array([0.1, 0.2])
    x.flags.writeable = False

    def f(x):
        hb.QubitUnitary(matrix, wires=0)
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0))

    circuit = node(f)
    before = circuit(x)
    matrix[:] = np.eye(2)
    assert np.allclose(circuit(x), -before)  # the changed matrix is another circuit, not a stale one
    assert (matrix == np.eye(2)).all()


def test_threads_share_a_node_and_a_device():
    circuit = node(model)
    results: dict[int, list[float]] = {}

    def work(k):
        results[k] = [float(hb.grad(circuit)(0.1 * k + i, 0.2)) for i in range(10)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for k in range(8):
        assert results[k] == pytest.approx([float(hb.grad(circuit)(0.1 * k + i, 0.2)) for i in range(10)])


def test_devices_pickle_with_their_settings():
    device = pickle.loads(pickle.dumps(hb.device("default.qubit", wires=["a", "b"], shots=5, seed=3)))
    assert (device.wires, device.shots, device.name) == (("a", "b"), 5, "default.qubit")
    assert hb.QNode(lambda: hb.sample(wires=["b"]), device)().shape == (5, 1)


def test_recordings_nest():
    inner = node(lambda x: (hb.RX(x, wires=0), hb.expval(hb.Z(0)))[1])

    def outer(x):
        hb.RY(float(inner(x)), wires=1)
        return hb.expval(hb.Z(1))

    assert node(outer)(0.3) == pytest.approx(np.cos(np.cos(0.3)))
