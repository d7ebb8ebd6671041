"""Plans: lowering is affine and exact, caches are bounded, a batch is one job, split only for memory."""

import numpy as np
import pytest

import hybridge as hb
from hybridge import memory, plans
from hybridge.plugin import Capabilities


class Small(hb.Device):
    """A device with four gates, no global phase, that returns states: everything else is the core's work."""

    capabilities = Capabilities("qubit", frozenset({"RY", "RZ", "CNOT"}), frozenset({"state"}))

    def compile(self, circuit):
        assert {op.name for op, _ in circuit.instructions} <= {"RY", "RZ", "CNOT"}
        return hb.device("default.qubit").compile(circuit._replace(measurements=(hb.state(),)))

    def run(self, tasks):
        return hb.device("default.qubit").run(tasks)


class Bits(Small):
    """The same as hardware would have it: shots of bits only."""

    capabilities = Capabilities(
        "qubit", frozenset({"RY", "RZ", "CNOT"}), frozenset({"sample"}), exact=False, shots=True
    )

    def run(self, tasks):
        out = []
        exact = super().run([t._replace(program=t.program[0]) for t in tasks])
        for task, states in zip(tasks, exact, strict=True):
            rng = np.random.default_rng(task.seed)
            p = np.abs(states) ** 2
            index = np.array([rng.choice(p.shape[1], size=task.shots, p=row / row.sum()) for row in p])
            n = p.shape[1].bit_length() - 1
            bits = (index[..., None] >> np.arange(n)[::-1]) & 1
            out.append(bits[..., task.program[1]].reshape(len(p), -1).astype(np.uint8))
        return out

    def compile(self, circuit):
        return super().compile(circuit), list(circuit.measurements[0].wires)


def everything(x):
    hb.H(0)
    hb.Rot(x[0], x[1], x[2], wires=1)
    hb.CRX(x[3], wires=[1, 0])
    hb.adjoint(hb.SingleExcitation)(x[4], wires=[0, 2])
    hb.ctrl(hb.PhaseShift, control=[0, 1], control_values=[1, 0])(x[5], wires=2)
    hb.Toffoli([2, 0, 1])
    hb.ISWAP([1, 2])
    hb.S(2)
    hb.QubitUnitary(np.linalg.qr(np.arange(16).reshape(4, 4) + np.eye(4) * 1j)[0], wires=[2, 0])


X = np.array([0.3, -0.7, 1.1, 0.5, 0.9, -0.4])


def test_a_device_with_three_gates_gives_the_same_state_including_its_phase():
    def f(x):
        everything(x)
        return hb.state(), hb.expval(hb.Z(0) @ hb.Y(2))

    full, small = (hb.QNode(f, d) for d in (hb.device("default.qubit", wires=3), Small(wires=3)))
    for x in (X, X[:, None] * np.array([1.0, 2.0])):
        assert np.allclose(small(x)[0], full(x)[0], atol=1e-12)
        assert np.allclose(small(x)[1], full(x)[1], atol=1e-12)


def test_its_gradients_go_through_the_affine_map():
    def f(x):
        everything(x)
        return hb.expval(hb.Z(0) @ hb.Y(2))

    full, small = (hb.QNode(f, d) for d in (hb.device("default.qubit", wires=3), Small(wires=3)))
    assert np.allclose(hb.grad(small)(X), hb.grad(full)(X), atol=1e-11)


MEASURES = [
    lambda: hb.expval(hb.X(0) @ hb.Y(1) + 0.5 * hb.Z(2) - hb.X(2)),
    lambda: hb.var(hb.Y(0) + hb.Z(0)),
    lambda: hb.expval(hb.Hermitian([[1, 0.5j], [-0.5j, -2]], wires=2)),
    lambda: hb.probs(wires=[2, 0]),
    lambda: hb.probs(op=hb.X(1)),
]


@pytest.mark.parametrize("k", range(len(MEASURES)))
def test_a_device_that_only_samples_bits_measures_everything(k):
    """Five standard errors of the run; false alarm below 1e-6 each, the seed is fixed."""

    def f(x):
        everything(x)
        return MEASURES[k]()

    exact = hb.QNode(f, hb.device("default.qubit", wires=3))
    found = hb.compare(exact, [exact.device, Bits(wires=3, shots=20_000, seed=4)], args=(X,), gradient=False)
    assert found.agree and found.rows[1].deviation > 0, str(found)


def test_qubit_wise_commuting_words_share_their_shots():
    device = Bits(wires=3, shots=10, seed=1)

    @hb.qnode(device)
    def f():
        hb.H(0)
        return (
            hb.expval(hb.Z(0) + hb.Z(1) @ hb.Z(2) + hb.X(0) @ hb.Z(1)),
            hb.var(hb.X(0)),
            hb.expval(hb.Y(2)),
        )

    with hb.Tracker(device) as tracker:
        f()
    assert tracker.totals == {"jobs": 1, "executions": 2, "shots": 20}  # ZZZ and XZY


def test_exact_results_of_a_sampler_are_refused_and_shots_of_an_exact_device():
    with pytest.raises(hb.UnsupportedCircuit, match="samples only; use shots=1000"):
        hb.QNode(lambda: hb.expval(hb.Z(0)), Bits(wires=1))()

    class Exact(Small):
        capabilities = Capabilities("qubit", None, frozenset({"state"}), shots=False)

    with pytest.raises(hb.UnsupportedCircuit, match="exact results only; use shots=None"):
        hb.QNode(lambda: hb.expval(hb.Z(0)), Exact(wires=1, shots=5))()


def test_plans_are_dropped_least_recently_used(monkeypatch):
    monkeypatch.setattr(plans, "MAX_PLANS", 8)
    device = hb.device("default.qubit", wires=1)

    @hb.qnode(device)
    def f(depth):
        for _ in range(depth):
            hb.X(0)
        return hb.expval(hb.Z(0))

    cache = plans.plans_of(device)
    for depth in [*range(12), 0, 11]:
        assert f(depth) == (-1) ** depth
    assert len(cache) == 8
    kept = cache.get(*structure(f, 11), False)
    for depth in range(20, 27):
        f(depth)
        assert cache.get(*structure(f, 11), False) is kept


def structure(node, *args):
    recorded = node.record(*args)
    return recorded.instructions, recorded.measurements


def test_a_batch_is_split_only_where_memory_asks_for_it(monkeypatch):
    device = hb.device("default.qubit", wires=3)
    tasks = []
    run = device.run
    device.run = lambda t: tasks.append([len(x.params) for x in t]) or run(t)

    @hb.qnode(device)
    def f(x):
        hb.RX(x, wires=0)
        return hb.expval(hb.Z(0)), hb.probs(wires=0)

    xs = np.linspace(0, 1, 50)
    whole = f(xs)
    device.memory = lambda wires: 2**22 - 16 * 3  # beside three numbers
    monkeypatch.setattr(memory, "available", lambda: 2**27)
    device._plans = None
    split = hb.QNode(f.function, device)
    plans._caches.pop(device)
    split = hb.QNode(f.function, device)
    result = split(xs)
    assert tasks == [[50], [16, 16, 16, 2]]  # one job all the same
    assert all(np.array_equal(a, b) for a, b in zip(whole, result, strict=True))


def test_memory_is_what_the_machine_and_its_limits_leave():
    assert 2**20 < memory.available() < 2**62
    assert [memory.human(x) for x in (1, 2048, 3 * 2**44)] == ["1 B", "2 KiB", "48 TiB"]


def test_numpy_of_hybridge_is_autograds():
    import autograd.numpy

    from hybridge import numpy as hnp

    assert hnp.sin is autograd.numpy.sin and hnp.linalg is autograd.numpy.linalg
    assert hb.grad(lambda x: hnp.sin(x) * hnp.sum(hnp.array([x, 2 * x])))(0.5) == pytest.approx(
        3 * (np.sin(0.5) + 0.5 * np.cos(0.5))
    )
    missing = {n for n in dir(np) if not n.startswith("_")} & set(vars(autograd.numpy)) - set(dir(hnp))
    assert not missing


def test_wide_operations_need_no_wide_matrices():
    """16 wires: as dense matrices of 2^16 by 2^16 any of these would take 64 GiB."""
    wide = 16
    ket = np.zeros(2**wide)
    ket[0b1010], ket[1] = 0.6, 0.8

    def f(x):
        hb.StatePrep(ket, wires=range(wide))
        hb.MultiRZ(x, wires=range(wide))
        hb.PauliRot(x, "X" * wide, wires=range(wide))
        hb.MultiControlledX(wires=range(wide))
        hb.GlobalPhase(x, wires=range(wide))
        hb.I(wires=range(wide))
        hb.ctrl(hb.RX, control=range(wide - 1))(x, wires=wide - 1)
        return hb.expval(hb.Z(wide - 1)), hb.probs(wires=[wide - 1])

    mean, p = hb.QNode(f, hb.device("default.qubit", wires=wide))(0.3)
    flipped = 0.64 * np.sin(0.15) ** 2  # |1..10>, from |0..01>: the one state whose controls are all on
    expected = (0.36 - 0.64) * np.cos(0.3) - flipped * (1 + np.cos(0.3))
    assert mean == pytest.approx(expected) and p[0] - p[1] == pytest.approx(mean)


def test_a_matrix_the_user_gave_is_applied_as_it_is():
    u = np.linalg.qr(np.random.default_rng(3).normal(size=(256, 256)))[0]

    @hb.qnode(hb.device("default.qubit", wires=9))
    def f():
        hb.X(8)
        hb.QubitUnitary(u, wires=range(8))
        hb.ControlledQubitUnitary(u.T, wires=[8, *range(8)])
        return hb.probs(wires=range(9))

    assert [op.name for op, _ in f.plan().lowered[0].instructions] == [
        "X",
        "QubitUnitary",
        "ControlledQubitUnitary",
    ]
    assert f()[1] == pytest.approx(1)
