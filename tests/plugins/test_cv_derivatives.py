"""The derivatives that default.gaussian and default.fock give, against differences and the shift rule."""

import numpy as np
import pytest

import hybridge as hb
from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.device import Task
from hybridge.gradients.definition import definition_slope
from hybridge.operations.table import FAMILIES, ROWS
from hybridge.phasespace.moments import moment
from hybridge.phasespace.polynomial import Polynomial, momentum, photon_number, position
from hybridge_default.fock import DefaultFock
from hybridge_default.fock_engine import keeps_photons
from hybridge_default.gaussian import DefaultGaussian

GAUSSIAN = [row for row in ROWS.values() if row.domain == "cv" and row.definition is not None and row.params]
NON_GAUSSIAN = [row for row in ROWS.values() if row.domain == "cv" and row.fock is not None and row.params]
POWERS = [hb.adjoint(hb.CubicPhase), hb.pow(hb.Kerr, -0.3), hb.pow(hb.CrossKerr, 2)]
DERIVED = [hb.adjoint(hb.Squeezing), hb.pow(hb.Squeezing, 0.5), hb.pow(hb.TwoModeSqueezing, 2)]


def differences(f, x, h=2e-3):
    """Sixth-order central differences of an array-valued f, (*value, *x)."""
    weights = {1: 45, 2: -9, 3: 1}
    e = np.eye(x.size) * h
    parts = [sum(w * (f(x + k * d) - f(x - k * d)) for k, w in weights.items()) / (60 * h) for d in e]
    return np.stack(parts, axis=-1)


def numbers(row, rng, rows=1):
    return rng.uniform(0.2, 0.8, (rows, len(row.params)))


@pytest.mark.parametrize("row", [*GAUSSIAN, *DERIVED], ids=repr)
def test_the_derivative_of_a_definition_is_exact(row):
    values = numbers(row, np.random.default_rng(0), 3)
    for k in range(len(row.params)):
        found = definition_slope(row, k, values)
        for i, at in enumerate(values):
            for j, slope in enumerate(found):
                want = differences(lambda x, j=j: np.asarray(row.definition(*x)[j]), at, 5e-4)[..., k]
                assert np.abs(slope[i] - want).max() < 1e-11 * max(1, np.abs(want).max())


@pytest.mark.parametrize("row", [*NON_GAUSSIAN, *POWERS], ids=repr)
def test_the_derivative_in_the_number_basis_is_exact(row):
    C, values = 4, numbers(row, np.random.default_rng(0), 3)
    for k in range(len(row.params)):
        (found,) = definition_slope(row, k, values, C)
        for i, at in enumerate(values):
            assert np.abs(found[i] - differences(lambda x: row.fock(C, *x), at)[..., k]).max() < 1e-9


def test_cats_have_derivatives_where_they_vanish_and_change_sign():
    def projector(x):
        ket = hb.CatState.fock(5, *x)
        return np.outer(ket, ket.conj())

    for at in ([0.0, 0.3, 0.0], [0.0, 0.3, 0.4], [0.5, 0.3, 1.0], [-0.4, 0.1, 2.7]):
        ket = hb.CatState.fock(5, *at)
        for k in range(3):
            (slope,) = definition_slope(hb.CatState, k, np.array([at]), 5)
            half = np.outer(slope[0], ket.conj())
            want = differences(projector, np.array(at))[..., k]
            assert np.abs(half + half.conj().T - want).max() < 1e-10


def test_transmission_zero_has_no_derivative():
    @hb.qnode(hb.device("default.gaussian", wires=1))
    def circuit(T):
        hb.CoherentState(0.5, 0.0, wires=0)
        hb.LossChannel(T, wires=0)
        return hb.expval(hb.QuadX(0))

    assert hb.grad(circuit)(0.25) == pytest.approx(1.0)  # of sqrt(T)
    with pytest.raises(hb.GradientError, match="no derivative at T = 0"):
        hb.grad(circuit)(0.0)


# ---- moments ------------------------------------------------------------------------------------------

x, p, n = [[f(m) for m in range(3)] for f in (position, momentum, photon_number)]
POLYNOMIALS = {
    "constant": 0 * x[0] + 2.0,
    "linear": x[0] - 2 * p[2] + 1.0,
    "photons": n[1],
    "quadratic": x[0] @ x[2] + 0.5 * (x[1] @ p[1] + p[1] @ x[1]) - n[0] + p[2],
    "photons squared": n[0] @ n[0],
    "coincidence": n[0] @ n[2],
    "cubic": x[0] ** 3 - x[1] @ p[0] @ p[2] + n[1],
}


def random_states(rng, batch=2, modes=3):
    A = rng.normal(size=(batch, 2 * modes, 2 * modes))
    return rng.normal(size=(batch, 2 * modes)), A @ np.swapaxes(A, 1, 2) / 4 + np.eye(2 * modes)


@pytest.mark.parametrize("kind", ["expval", "var"])
@pytest.mark.parametrize("name", POLYNOMIALS)
def test_moments_and_their_slopes(name, kind):
    mean, cov = random_states(np.random.default_rng(1))
    found = moment(kind, POLYNOMIALS[name], [0, 1, 2])
    square = moment("expval", POLYNOMIALS[name] @ POLYNOMIALS[name], [0, 1, 2]).value(mean, cov)
    average = moment("expval", POLYNOMIALS[name], [0, 1, 2]).value(mean, cov)
    want = average if kind == "expval" else square - average**2
    assert np.allclose(found.value(mean, cov), want, rtol=1e-12, atol=1e-12)
    by_mean, by_cov = found.slopes(mean, cov)
    rng = np.random.default_rng(2)
    for _ in range(3):
        dm, dV = rng.normal(size=6), rng.normal(size=(6, 6))
        dV = dV + dV.T
        along = lambda t, dm=dm, dV=dV: found.value(mean + t[0] * dm, cov + t[0] * dV)
        want = differences(along, np.zeros(1))[:, 0]
        assert np.allclose(by_mean @ dm + (by_cov * dV).sum(axis=(1, 2)), want, rtol=1e-9, atol=1e-9)


def test_modes_may_come_in_any_order():
    mean, cov = random_states(np.random.default_rng(3))
    f = POLYNOMIALS["cubic"]
    index = [2, 0, 1, 5, 3, 4]
    turned = moment("expval", f, [2, 0, 1]).value(mean[:, index], cov[:, index][:, :, index])
    assert np.allclose(turned, moment("expval", f, [0, 1, 2]).value(mean, cov), rtol=1e-13)


# ---- circuits -----------------------------------------------------------------------------------------

MEASURED = (
    Measurement("expval", n[2]),
    Measurement("var", n[0]),
    Measurement("expval", n[0] @ n[1]),
    Measurement("var", x[1] @ p[2]),
    Measurement("expval", POLYNOMIALS["cubic"]),
    Measurement("probs", None, (2, 0)),
    Measurement("expval", hb.FockStateProjector([1, 2], wires=[0, 1])),
    Measurement("var", hb.FockStateProjector([0], wires=[2])),
    Measurement("expval", n[2]),  # again
)


def random_circuit(rng, length, measured, wires=3):
    """Rows of every kind on permuted wires; preparations and losses come anywhere."""
    mix = FAMILIES["InterferometerUnitary"].of(2, np.array([[1, 1j], [1j, 1]]) / np.sqrt(2))
    rows = [*GAUSSIAN, mix]
    chosen = [rows[i] for i in rng.integers(len(rows), size=length)]
    on = [tuple(rng.permutation(wires)[: row.num_wires].tolist()) for row in chosen]
    instructions = tuple(Instruction(row, at) for row, at in zip(chosen, on, strict=True))
    params = rng.uniform(0.2, 0.6, (2, sum(len(row.params) for row in chosen)))
    return Circuit(instructions, measured, tuple(range(wires))), params


@pytest.mark.parametrize(
    "measured", [MEASURED, (Measurement("gaussian"),), (MEASURED[1], Measurement("gaussian"))]
)
@pytest.mark.parametrize("seed", range(6))
def test_random_circuits_are_differentiated_row_by_row(seed, measured):
    rng = np.random.default_rng(seed)
    circuit, params = random_circuit(rng, 14, measured)
    device = DefaultGaussian(cutoff_dim=3)
    program = device.compile(circuit)
    value = lambda rows: device.run([Task(program, np.atleast_2d(rows))])[0]
    cotangent = rng.normal(size=value(params).shape)
    found = device.vjp(Task(program, params), cotangent)
    assert found.shape == params.shape
    for i, row in enumerate(params):
        want = cotangent[i] @ differences(lambda at: value(at)[0], row)
        assert np.allclose(found[i], want, rtol=1e-8, atol=1e-8 * np.abs(want).max())
        assert np.allclose(
            found[i], device.vjp(Task(program, row[None]), cotangent[i : i + 1])[0], rtol=1e-12
        )


@pytest.mark.parametrize("seed", range(4))
def test_what_is_measured_alone_is_read_off_the_whole_state(seed):
    """Gates that do not reach the measured modes are left out; that changes nothing."""
    circuit, params = random_circuit(np.random.default_rng(50 + seed), 16, MEASURED, wires=4)
    device = DefaultGaussian()
    whole = device.run(
        [Task(device.compile(circuit._replace(measurements=(Measurement("gaussian"),))), params)]
    )[0]
    mean, cov = whole[:, :8], whole[:, 8:].reshape(-1, 8, 8)
    for m in (m for m in MEASURED if isinstance(m.observable, Polynomial)):
        alone = device.run([Task(device.compile(circuit._replace(measurements=(m,))), params)])[0]
        want = moment(m.kind, m.observable, range(4)).value(mean, cov)
        assert np.allclose(alone[:, 0], want, rtol=1e-11, atol=1e-12)


def ansatz(v):
    hb.ThermalState(0.3, wires="c")
    hb.Displacement(v[0], v[1], wires="b")
    hb.Squeezing(v[2], v[3], wires="a")
    hb.Beamsplitter(v[4], v[5], wires=["c", "a"])
    hb.TwoModeSqueezing(v[6], v[1], wires=["b", "a"])  # v[1] again
    hb.adjoint(hb.Rotation)(v[3], wires="a")
    hb.CoherentState(v[0], v[5], wires="c")
    hb.ControlledAddition(v[7], wires=["c", "b"])
    return (
        hb.expval(hb.NumberOperator("b")),
        hb.var(hb.NumberOperator("a")),
        hb.expval(hb.TensorN(["c", "b"])),
    )


V = np.array([0.4, 0.3, 0.2, 0.7, 0.5, 0.9, 0.25, -0.3])


def test_best_asks_the_device_and_agrees_with_the_shift_rule():
    device = hb.device("default.gaussian", wires=["a", "b", "c"])
    best, shift = hb.QNode(ansatz, device), hb.QNode(ansatz, device, diff_method="parameter-shift")
    cost = lambda circuit: lambda v: sum(c * y for c, y in zip((1.0, -0.5, 2.0), circuit(v), strict=True))
    best(V)
    with hb.Tracker(device) as tracker:
        found = hb.grad(cost(best))(V)
    assert tracker.totals["executions"] == 2 and tracker.totals["jobs"] == 2  # the value, and one sweep
    assert np.allclose(found, hb.grad(cost(shift))(V), rtol=1e-9, atol=1e-9)


def test_second_derivatives_are_those_of_the_shift_rule():
    device = hb.device("default.gaussian", wires=["a", "b", "c"])
    first = lambda method: lambda v: hb.QNode(ansatz, device, diff_method=method)(v)[0]
    assert np.allclose(hb.hessian(first("best"))(V), hb.hessian(first("parameter-shift"))(V), atol=1e-8)


def test_best_differentiates_losses_that_no_rule_can():
    def lossy(T, a):
        hb.Displacement(a, 0.3, wires=0)
        hb.LossChannel(T, wires=0)
        return hb.expval(hb.NumberOperator(0))

    device = hb.device("default.gaussian", wires=1)
    assert hb.grad(hb.QNode(lossy, device), argnums=(0, 1))(0.6, 0.7) == pytest.approx(
        (0.49, 0.84), rel=1e-13
    )
    with pytest.raises(hb.GradientError, match="LossChannel has no shift rule"):
        hb.grad(hb.QNode(lossy, device, diff_method="parameter-shift"))(0.6, 0.7)


@pytest.mark.parametrize("name", ["default.gaussian", "default.fock"])
def test_probabilities_have_derivatives_where_a_pure_state_begins_to_mix(name):
    """At T = 1, where dp_n/dT = n p_n - (n + 1) p_(n+1) is no derivative among pure states."""
    device = hb.device(name, wires=1, cutoff_dim=12)

    @hb.qnode(device)
    def lossy(T, r):
        hb.Squeezing(r, 0.3, wires=0)
        hb.LossChannel(T, wires=0)
        return hb.probs(wires=0)

    p = lossy(1.0, 0.25)
    n = np.arange(11)
    want = n * p[:-1] - (n + 1) * p[1:]
    assert np.allclose(hb.jacobian(lossy, argnums=0)(1.0, 0.25)[:-1], want, atol=1e-12)


def test_batches_are_differentiated_row_by_row():
    circuit = hb.QNode(
        lambda a, b: ansatz([a, b, *V[2:]])[0], hb.device("default.gaussian", wires=["a", "b", "c"])
    )
    many = np.array([0.1, 0.4, -0.3])
    total = hb.grad(lambda a, b: sum(circuit(a, b)), argnums=(0, 1))(many, 0.3)
    each = [hb.grad(circuit, argnums=(0, 1))(a, 0.3) for a in many]
    assert np.allclose(total[0], [a for a, _ in each]) and total[1] == pytest.approx(sum(b for _, b in each))


# ---- default.fock ---------------------------------------------------------------------------------------

READ = (
    Measurement("expval", n[2]),
    Measurement("var", n[0]),
    Measurement("expval", n[0] @ n[1] + x[1]),
    Measurement("var", x[1] @ p[2]),
    Measurement("expval", hb.FockStateProjector([1, 0], wires=[2, 0])),
    Measurement("var", hb.FockStateProjector([0, 1], wires=[1, 2])),
    Measurement("probs", None, (2, 0)),
    Measurement("expval", n[2]),  # again
)
PURE = [row for row in (*GAUSSIAN, *NON_GAUSSIAN, *POWERS) if row.kind == "gate"]
ANY = [row for row in (*GAUSSIAN, *NON_GAUSSIAN)]


def fock_circuit(rng, mixed):
    """Random rows on permuted wires, pure states prepared first, or anything anywhere; and parameters."""
    first = [hb.CatState, hb.DisplacedSqueezedState, hb.SqueezedState]
    rows = [*first, *(PURE[i] for i in rng.integers(len(PURE), size=7))]
    if mixed:
        rows = [first[0], *(PURE[i] for i in rng.integers(len(PURE), size=3))]
        rows += [ANY[i] for i in rng.integers(len(ANY), size=6)] + [hb.LossChannel]
    on = [tuple(rng.permutation(3)[: row.num_wires].tolist()) for row in rows]
    if not mixed:
        on[:3] = [(2,), (0,), (1,)]
    instructions = tuple(Instruction(row, at) for row, at in zip(rows, on, strict=True))
    return Circuit(instructions, READ, (0, 1, 2)), rng.uniform(
        0.2, 0.5, (2, sum(len(r.params) for r in rows))
    )


@pytest.mark.filterwarnings(
    "ignore::hybridge.errors.TruncationWarning"
)  # the simulation itself is differentiated
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_the_truncated_simulation_is_differentiated_exactly(seed, mixed):
    """At a cutoff so low that the untruncated derivative is far away."""
    rng = np.random.default_rng(seed)
    circuit, params = fock_circuit(rng, mixed)
    device = DefaultFock(cutoff_dim=3)
    program = device.compile(circuit)
    assert program.pure != mixed
    value = lambda rows: device.run([Task(program, np.atleast_2d(rows))])[0]
    cotangent = rng.normal(size=value(params).shape)
    found = device.vjp(Task(program, params), cotangent)
    assert found.shape == params.shape
    for i, row in enumerate(params):
        want = cotangent[i] @ differences(lambda at: value(at)[0], row)
        assert np.abs(found[i] - want).max() < 1e-9
        assert np.allclose(
            found[i], device.vjp(Task(program, row[None]), cotangent[i : i + 1])[0], rtol=1e-12
        )


@pytest.mark.filterwarnings("ignore::hybridge.errors.TruncationWarning")
@pytest.mark.parametrize(("wires", "cutoff"), [(2, 4), (3, 3), (4, 2)])
def test_gates_on_two_modes_are_differentiated_whatever_is_larger(wires, cutoff):
    """The matrix of a gate, or the state; and gates that keep their photons go a third way."""
    rng = np.random.default_rng(wires)
    mix = FAMILIES["InterferometerUnitary"].of(2, np.array([[1, 1j], [1j, 1]]) / np.sqrt(2))
    rows = [hb.Squeezing, hb.TwoModeSqueezing, hb.Beamsplitter, hb.adjoint(hb.Beamsplitter), mix]
    rows += [hb.ControlledPhase, hb.pow(hb.Beamsplitter, 0.5), hb.ControlledAddition, hb.CrossKerr]
    on = [tuple(rng.permutation(wires)[: row.num_wires].tolist()) for row in rows]
    instructions = tuple(Instruction(row, at) for row, at in zip(rows, on, strict=True))
    measured = (Measurement("expval", n[0] + 0.3 * x[1]), Measurement("probs", None, (1,)))
    device = DefaultFock(cutoff_dim=cutoff)
    program = device.compile(Circuit(instructions, measured, tuple(range(wires))))
    params = rng.uniform(0.2, 0.5, (2, sum(len(row.params) for row in rows)))
    params[1, 2] = 0.0  # a squeezer that does nothing keeps its photons, but its derivative does not
    value = lambda rows: device.run([Task(program, np.atleast_2d(rows))])[0]
    cotangent = rng.normal(size=value(params).shape)
    found = device.vjp(Task(program, params), cotangent)
    for i, row in enumerate(params):
        want = cotangent[i] @ differences(lambda at: value(at)[0], row)
        assert np.abs(found[i] - want).max() < 1e-9


def test_which_gates_keep_their_photons():
    mix = FAMILIES["InterferometerUnitary"].of(2, np.array([[1, 1j], [1j, 1]]) / np.sqrt(2))
    gates = [row for row in (*GAUSSIAN, *DERIVED, hb.adjoint(hb.Beamsplitter), mix) if row.kind == "gate"]
    kept = {row.name for row in gates if keeps_photons(row)}
    mach_zehnders = {"MachZehnder", "SymmetricMachZehnder"}
    passive = {"Rotation", "Beamsplitter", "Adjoint(Beamsplitter)", "InterferometerUnitary"}
    assert kept == passive | mach_zehnders


@pytest.mark.filterwarnings("ignore::hybridge.errors.TruncationWarning")
def test_rows_that_agree_are_differentiated_alike_whatever_the_blocks(monkeypatch):
    circuit, params = fock_circuit(np.random.default_rng(9), False)
    device = DefaultFock(cutoff_dim=3)
    program = device.compile(circuit)
    rows = params[[0, 0, 1]]
    cotangent = np.ones((3, device.run([Task(program, rows)])[0].shape[1]))
    found = device.vjp(Task(program, rows), cotangent)
    assert np.allclose(found[0], found[1], rtol=1e-12) and not np.allclose(found[0], found[2])
    monkeypatch.setattr("hybridge_default.fock.BLOCK", 1)
    monkeypatch.setattr("hybridge.phasespace.recursion.BLOCK", 1)
    assert np.allclose(device.vjp(Task(program, rows), cotangent), found, rtol=1e-12)
    monkeypatch.setattr("hybridge_default.fock.available", lambda: 10)
    with pytest.raises(hb.DeviceError, match="the derivative of 10 operations on 3 modes with cutoff_dim=3"):
        device.vjp(Task(program, rows), cotangent)


def test_the_devices_agree_and_the_rule_agrees_with_both():
    """Where the cutoff is high enough."""

    def f(v):
        hb.Displacement(v[0], v[1], wires=1)
        hb.Squeezing(v[2], v[3], wires=0)
        hb.Beamsplitter(v[4], v[5], wires=[1, 0])
        hb.LossChannel(0.8, wires=0)
        return hb.var(hb.NumberOperator(1))

    v = np.array([0.3, 0.2, 0.15, 0.4, 0.7, 0.1])
    fock, gaussian = hb.device("default.fock", wires=2, cutoff_dim=18), hb.device("default.gaussian", wires=2)
    best = hb.grad(hb.QNode(f, fock))(v)
    assert np.allclose(best, hb.grad(hb.QNode(f, gaussian))(v), atol=1e-8)
    assert np.allclose(best, hb.grad(hb.QNode(f, fock, diff_method="parameter-shift"))(v), atol=1e-7)


def test_best_on_a_fock_device_is_one_sweep_and_second_derivatives_need_a_rule():
    device = hb.device("default.fock", wires=1, cutoff_dim=14)

    @hb.qnode(device)
    def kerr(r, kappa):
        hb.Displacement(r, 0.0, wires=0)
        hb.Kerr(kappa, wires=0)
        return hb.expval(hb.QuadX(0))

    @hb.qnode(device)
    def squeezed(r):
        hb.Squeezing(r, 0.0, wires=0)
        return hb.probs(wires=0)

    exact = lambda r, k: 2 * r * np.exp(r**2 * (np.cos(2 * k) - 1)) * np.cos(k + r**2 * np.sin(2 * k))
    kerr(0.4, 0.3)
    with hb.Tracker(device) as tracker:
        found = hb.grad(kerr, argnums=(0, 1))(0.4, 0.3)
    assert tracker.totals["jobs"] == tracker.totals["executions"] == 2
    want = differences(lambda x: np.asarray(exact(*x)), np.array([0.4, 0.3]))
    assert np.allclose(found, want, atol=1e-9)
    twice = lambda k: differences(lambda x: np.asarray(exact(0.4, *x)), k)
    want = differences(twice, np.array([0.3]))[0, 0]
    assert hb.grad(hb.grad(kerr, argnums=1), argnums=1)(0.4, 0.3) == pytest.approx(want, abs=1e-8)
    with pytest.raises(hb.GradientError, match="parameter 'r' of Squeezing"):
        hb.jacobian(hb.jacobian(squeezed))(0.4)


def test_a_cutoff_too_low_is_said_whatever_is_measured():
    device = hb.device("default.fock", wires=1, cutoff_dim=4)
    for measure in (lambda: hb.expval(hb.QuadX(0)), lambda: hb.probs(wires=0)):
        lost = hb.QNode(lambda measure=measure: (hb.Displacement(1.2, 0.0, wires=0), measure())[1], device)
        with pytest.warns(hb.TruncationWarning, match=r"beyond cutoff_dim=4 on device 'default.fock'"):
            lost()


@pytest.mark.parametrize("name", ["default.gaussian", "default.fock"])
def test_probabilities_of_all_modes_are_differentiated_by_the_device(name):
    def f(r, t):
        hb.Squeezing(r, 0.1, wires=0)
        hb.Beamsplitter(t, 0.2, wires=[0, 1])
        return hb.expval(hb.NumberOperator(0)), hb.probs()

    device = hb.device(name, wires=2, cutoff_dim=8)
    unnamed = hb.QNode(f, device, diff_method="device")
    named = unnamed.update(function=lambda r, t: (f(r, t), hb.probs(wires=[0, 1]))[1])
    pairs = zip(hb.jacobian(unnamed, (0, 1))(0.1, 0.4)[1], hb.jacobian(named, (0, 1))(0.1, 0.4), strict=True)
    for one, other in pairs:
        assert np.abs(one).max() > 1e-3 and np.allclose(one, other, rtol=0, atol=1e-14)
