"""default.gaussian and default.fock do what the rows say: checked by exponentials, and by each other."""

import pickle
from math import factorial

import numpy as np
import pytest
from scipy.linalg import logm
from scipy.sparse import csr_array, diags_array, eye_array, kron
from scipy.sparse.linalg import expm_multiply

import hybridge as hb
import hybridge_default.fock
from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.device import Task
from hybridge.errors import CircuitError, UnsupportedCircuit
from hybridge.operations.table import ROWS
from hybridge.phasespace.fock import FockModes
from hybridge.phasespace.gaussian import GaussianModes
from hybridge.phasespace.polynomial import momentum, photon_number, position
from hybridge_default.fock import DefaultFock
from hybridge_default.gaussian import DefaultGaussian


def circuit(instructions, kind, wires, measured=None):
    return Circuit(
        tuple(Instruction(*i) for i in instructions),
        (Measurement(kind, wires=measured),),
        tuple(range(wires)),
    )


def run(device, instructions, kind, params, wires, measured=None):
    program = device.compile(circuit(instructions, kind, wires, measured))
    return device.run([Task(program, np.atleast_2d(np.asarray(params, float)))])[0]


def gaussian(instructions, params, wires, cutoff=10):
    found = run(DefaultGaussian(cutoff_dim=cutoff), instructions, "gaussian", params, wires)
    size = 2 * wires
    return GaussianModes(found[:, :size], found[:, size:].reshape(-1, size, size), cutoff)


def kets(instructions, params, wires, cutoff):
    found = run(DefaultFock(cutoff_dim=cutoff), instructions, "state", params, wires)
    return FockModes(kets=found.reshape(-1, *(cutoff,) * wires))


def density(instructions, params, wires, cutoff):
    found = run(DefaultFock(cutoff_dim=cutoff), instructions, "density_matrix", params, wires)
    return FockModes(density=found.reshape(-1, *(cutoff,) * (2 * wires)))


# ---- the oracle: sparse exponentials, 26 levels per mode ------------------------------------------

D = 26
LOWER = diags_array(np.sqrt(np.arange(1.0, D)), offsets=1).astype(complex)
A = [csr_array(kron(LOWER, eye_array(D))), csr_array(kron(eye_array(D), LOWER))]


def dag(m):
    return m.conj().T


X, P, N = [a + dag(a) for a in A], [-1j * (a - dag(a)) for a in A], [dag(a) @ a for a in A]


def balanced():
    return np.array([[1, 1j], [1j, 1]]) / np.sqrt(2)


def passive(modes, matrices):
    """The generator of a -> u a, u the product of the matrices, the last first."""
    log = logm(np.linalg.multi_dot(matrices))
    pairs = [(i, j) for i in range(2) for j in range(2)]
    return sum(log[i, j] * dag(A[modes[i]]) @ A[modes[j]] for i, j in pairs)


GENERATORS = {  # name: (parameters, generator on modes i, j), from the formulas of the rows
    "Rotation": ((0.7,), lambda i, j, t: 1j * t * N[i]),
    "Squeezing": (
        (0.2, 0.5),
        lambda i, j, r, f: r / 2 * (np.exp(-1j * f) * A[i] @ A[i] - np.exp(1j * f) * dag(A[i] @ A[i])),
    ),
    "Displacement": (
        (0.3, 0.4),
        lambda i, j, a, f: a * (np.exp(1j * f) * dag(A[i]) - np.exp(-1j * f) * A[i]),
    ),
    "QuadraticPhase": ((0.2,), lambda i, j, s: 1j * s / 4 * X[i] @ X[i]),
    "Beamsplitter": (
        (0.6, 0.5),
        lambda i, j, t, f: t * (np.exp(1j * f) * A[i] @ dag(A[j]) - np.exp(-1j * f) * dag(A[i]) @ A[j]),
    ),
    "TwoModeSqueezing": (
        (0.2, 0.5),
        lambda i, j, r, f: r * (np.exp(1j * f) * dag(A[i] @ A[j]) - np.exp(-1j * f) * A[i] @ A[j]),
    ),
    "ControlledAddition": ((0.2,), lambda i, j, s: -0.5j * s * X[i] @ P[j]),
    "ControlledPhase": ((0.2,), lambda i, j, s: 0.5j * s * X[i] @ X[j]),
    "PositionDisplacement": ((0.3,), lambda i, j, x: -0.5j * x * P[i]),
    "MomentumDisplacement": ((-0.3,), lambda i, j, p: 0.5j * p * X[i]),
    "Fourier": ((), lambda i, j: 0.5j * np.pi * N[i]),
    "MachZehnder": (
        (0.6, -0.4),
        lambda i, j, inner, outer: passive(
            [i, j],
            [balanced(), np.diag([np.exp(1j * inner), 1]), balanced(), np.diag([np.exp(1j * outer), 1])],
        ),
    ),
    "SymmetricMachZehnder": (
        (0.6, -0.4),
        lambda i, j, inner, outer: passive(
            [i, j], [balanced(), np.diag(-1j * np.exp([1j * inner, 1j * outer])), balanced()]
        ),
    ),
    "Kerr": ((0.3,), lambda i, j, k: 1j * k * N[i] @ N[i]),
    "CrossKerr": ((0.4,), lambda i, j, k: 1j * k * N[i] @ N[j]),
    "CubicPhase": ((0.03,), lambda i, j, g: 1j * g / 6 * X[i] @ X[i] @ X[i]),
}
START = (("Displacement", (0,)), ("Squeezing", (1,)), ("Beamsplitter", (1, 0)), ("Kerr", (0,)))


def oracle(steps):
    ket = np.zeros(D * D, dtype=complex)
    ket[0] = 1
    for name, wires in steps:
        values, generator = GENERATORS[name]
        ket = expm_multiply(csr_array(generator(wires[0], wires[-1], *values)), ket)
    return ket.reshape(D, D)


@pytest.mark.parametrize("wires", [(0, 1), (1, 0)])
@pytest.mark.parametrize("name", GENERATORS)
def test_a_gate_is_the_exponential_of_its_generator_on_any_wires(name, wires):
    row = ROWS[name]
    steps = (*START, (name, wires[: row.num_wires]))
    instructions = [(ROWS[step], at) for step, at in steps]
    params = np.concatenate([GENERATORS[step][0] for step, _ in steps])
    C = 16
    found, want = kets(instructions, params, 2, C).kets[0], oracle(steps)[:C, :C]
    phase = np.vdot(want, found)
    assert np.abs(found - want * phase / abs(phase)).max() < 2e-6


def test_default_fock_knows_every_row_that_is_tested_here():
    gates = {row.name for row in ROWS.values() if row.domain == "cv" and row.kind == "gate"}
    assert gates == set(GENERATORS)


# ---- the two devices agree ------------------------------------------

GAUSSIAN_GATES = [row for name in GENERATORS if (row := ROWS[name]).definition is not None]
STATES = [hb.CoherentState, hb.SqueezedState, hb.DisplacedSqueezedState]


def random_circuit(rng, wires, rows, length):
    """Generic instructions on permuted wires, and parameters so small that few photons are made."""
    instructions = [
        (rows[i], tuple(rng.permutation(wires)[: rows[i].num_wires].tolist()))
        for i in rng.integers(len(rows), size=length)
    ]
    return instructions, rng.uniform(-0.25, 0.25, size=(2, sum(len(row.params) for row, _ in instructions)))


def assert_agree(exact, cut, wires, error):
    x = [f(m) for f in (position, momentum) for m in range(wires)]
    for i, r in enumerate(x):
        assert np.abs(exact.expval(r) - cut.expval(r)).max() < error
        for s in x[i:]:
            product = (r @ s + s @ r) / 2
            assert np.abs(exact.expval(product) - cut.expval(product)).max() < error
    assert np.abs(exact.var(photon_number(0)) - cut.var(photon_number(0))).max() < 10 * error
    for modes in ((wires - 1, 0), (0,)):
        k, C = len(modes), cut.cutoff
        low = cut.probs(modes).reshape(-1, *(C,) * k)[(slice(None), *(slice(exact.cutoff),) * k)]
        assert np.abs(exact.probs(modes) - low.reshape(len(low), -1)).max() < error
        rho = cut.density_matrix(modes).reshape(-1, *(C,) * 2 * k)[
            (slice(None), *(slice(exact.cutoff),) * 2 * k)
        ]
        size = exact.cutoff**k
        assert np.abs(exact.density_matrix(modes) - rho.reshape(-1, size, size)).max() < error


@pytest.mark.parametrize("seed", range(4))
def test_random_pure_circuits_agree(seed):
    instructions, params = random_circuit(np.random.default_rng(seed), 3, GAUSSIAN_GATES, 12)
    instructions = [(hb.DisplacedSqueezedState, (2,)), *instructions]
    params = np.concatenate([np.full((2, 4), 0.2), params], axis=1)
    assert_agree(gaussian(instructions, params, 3, 4), kets(instructions, params, 3, 18), 3, 1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_random_lossy_circuits_with_preparations_anywhere_agree(seed):
    rng = np.random.default_rng(100 + seed)
    rows = [*GAUSSIAN_GATES, *STATES]
    first, first_params = random_circuit(rng, 2, rows, 6)
    last, last_params = random_circuit(rng, 2, rows, 6)
    instructions = [(hb.ThermalState, (1,)), *first, (hb.LossChannel, (seed % 2,)), *last]
    fixed = np.array([[0.1], [0.2]])
    params = np.concatenate([fixed, first_params, fixed + 0.5, last_params], axis=1)
    assert_agree(gaussian(instructions, params, 2, 4), density(instructions, params, 2, 18), 2, 1e-4)


def test_interferometers_and_gaussian_states_on_many_wires_agree():
    rng = np.random.default_rng(3)
    U = np.linalg.qr(rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)))[0]
    M = rng.normal(size=(4, 4)) * 0.2
    noisy = hb.GaussianState.of(2, np.eye(4) + M @ M.T, np.array([0.2, 0.1, -0.3, 0.4]))
    mix = hb.InterferometerUnitary.of(2, np.array([[1, 1j], [1j, 1]]) / np.sqrt(2))
    instructions = [(noisy, (1, 0)), (mix, (1, 0))]
    assert_agree(gaussian(instructions, [[]], 2, 4), density(instructions, [[]], 2, 16), 2, 1e-5)
    squeezed = hb.GaussianState.of(2, np.diag([0.7, 1.2, 1 / 0.7, 1 / 1.2]), np.array([0.2, 0.1, -0.3, 0.4]))
    instructions = [(squeezed, (2, 0)), (hb.InterferometerUnitary.of(3, U), (1, 2, 0))]
    assert_agree(gaussian(instructions, [[]], 3, 4), kets(instructions, [[]], 3, 14), 3, 1e-5)


# ---- states ------------------------------------------


def test_states_are_prepared_on_the_wires_named():
    ket = np.array([[0.6, 0, 0], [0, 0, 0.8j]])
    state = kets([(hb.FockStateVector.of(2, ket), (2, 0)), (hb.FockState.of(1, 1), (1,))], [[]], 3, 4)
    want = np.zeros((4, 4, 4), dtype=complex)
    want[0, 1, 0], want[2, 1, 1] = 0.6, 0.8j
    assert np.abs(state.kets[0] - want).max() < 1e-15
    cat = kets([(hb.CatState, (0,))], [1.0, 0.0, 0.0], 1, 12)
    assert cat.probs([0])[0, 1::2].max() < 1e-15
    rank_one = np.array([[0.36, 0.48j], [-0.48j, 0.64]])
    assert (
        np.abs(
            kets([(hb.FockDensityMatrix.of(1, rank_one), (0,))], [[]], 1, 2).density_matrix([0])[0] - rank_one
        ).max()
        < 1e-15
    )
    mixture = np.diag([0.1, 0.2, 0.3, 0.4])
    mixed = density([(hb.FockDensityMatrix.of(2, mixture), (1, 0))], [[]], 2, 2)
    assert np.abs(mixed.density_matrix((1, 0))[0] - mixture).max() < 1e-15
    assert (
        np.abs(
            density([(hb.ThermalState, (0,))], [0.5], 1, 8).probs([0])[0] - (2 / 3) * 3.0 ** -np.arange(8)
        ).max()
        < 1e-15
    )


def test_a_state_prepared_in_the_middle_replaces_the_old_one_and_its_correlations():
    r = 0.5
    instructions = [(hb.TwoModeSqueezing, (0, 1)), (hb.CoherentState, (0,))]
    params = [r, 0.3, 0.4, 0.0]
    for state in (gaussian(instructions, params, 2), density(instructions, params, 2, 16)):
        assert state.expval(position(0) @ position(1))[0] == pytest.approx(0, abs=1e-8)
        assert state.expval(position(0))[0] == pytest.approx(0.8, abs=1e-8)
        assert state.expval(photon_number(1))[0] == pytest.approx(np.sinh(r) ** 2, abs=1e-6)
        assert np.trace(state.density_matrix([1])[0] @ state.density_matrix([1])[0]).real < 0.9
    with pytest.raises(UnsupportedCircuit, match="a mixed state as a ket; measure density_matrix"):
        kets(instructions, params, 2, 4)


# ---- truncation, batches, limits ------------------------------------------


def test_what_leaves_the_cutoff_is_lost_norm():
    alpha, C = 1.5, 4
    state = kets([(hb.Displacement, (0,))], [alpha, 0.3], 1, C)
    inside = sum(np.exp(-(alpha**2)) * alpha ** (2 * k) / factorial(k) for k in range(C))
    assert state.leak()[0] == pytest.approx(1 - inside, abs=1e-14)
    amplitudes = [
        np.exp(-(alpha**2) / 2) * (alpha * np.exp(0.3j)) ** k / np.sqrt(factorial(k)) for k in range(C)
    ]
    assert np.abs(state.kets[0] - amplitudes).max() < 1e-14


MANY = [
    (hb.FockState.of(1, 1), (1,)),
    (hb.Displacement, (0,)),
    (hb.Beamsplitter, (1, 0)),
    (hb.LossChannel, (1,)),
    (hb.CoherentState, (0,)),
    (hb.Squeezing, (1,)),
]
PARAMS = np.array([[0.2, 0.1, 0.5, 0.3, 0.9, 0.1, 0.2, 0.1, 0.4]] * 4)
PARAMS[1, 2], PARAMS[2, 4], PARAMS[3] = 0.9, 0.6, PARAMS[3] * 0.5


def test_rows_are_independent():
    for device, kind, instructions, params in (
        (DefaultFock(cutoff_dim=5), "density_matrix", MANY, PARAMS),
        (DefaultFock(cutoff_dim=5), "state", MANY[:3], PARAMS[:, :4]),
        (DefaultGaussian(), "gaussian", MANY[1:], PARAMS),
    ):
        together = run(device, instructions, kind, params, 2)
        for i in range(4):
            assert np.abs(together[i] - run(device, instructions, kind, params[i], 2)[0]).max() < 1e-14
        assert np.abs(together[0] - together[1]).max() > 1e-3


def test_a_large_batch_goes_block_by_block(monkeypatch):
    device = DefaultFock(cutoff_dim=5)
    want = run(device, MANY, "density_matrix", PARAMS, 2)
    monkeypatch.setattr(hybridge_default.fock, "BLOCK", 1)
    assert np.abs(run(device, MANY, "density_matrix", PARAMS, 2) - want).max() < 1e-14


def test_circuits_without_numbers_have_a_row_for_each_row_asked():
    assert run(DefaultFock(cutoff_dim=3), [], "state", np.empty((2, 0)), 2).shape == (2, 9)
    assert run(DefaultGaussian(), [], "gaussian", np.empty((2, 0)), 2).shape == (2, 20)


def test_density_matrices_come_in_the_order_of_the_wires_asked():
    for instructions, params in ((MANY[:3], PARAMS[:, :4]), (MANY, PARAMS)):
        whole = density(instructions, params, 2, 4)
        for measured in ((1, 0), (0,), (1,)):
            found = run(DefaultFock(cutoff_dim=4), instructions, "density_matrix", params, 2, measured)
            assert np.abs(found - whole.density_matrix(measured).reshape(4, -1)).max() < 1e-14


def test_states_that_do_not_fit_are_refused(monkeypatch):
    monkeypatch.setattr(hybridge_default.fock, "available", lambda: 10**9)
    device = DefaultFock(cutoff_dim=12)
    assert device.memory(3) < 10**7 < 10**9 < device.memory(8)
    device.compile(circuit([(hb.Displacement, (0,))], "state", 5))
    with pytest.raises(UnsupportedCircuit, match=r"a ket of 8 modes with cutoff_dim=12; it needs .* free"):
        device.compile(circuit([], "state", 8))
    with pytest.raises(UnsupportedCircuit, match="a density matrix of 5 modes"):
        device.compile(circuit([(hb.LossChannel, (0,))], "density_matrix", 5))


def test_default_gaussian_refuses_what_is_not_gaussian():
    with pytest.raises(UnsupportedCircuit, match=r"cannot run Kerr: it is not Gaussian; default\.fock can"):
        DefaultGaussian().compile(circuit([(hb.Kerr, (0,))], "gaussian", 1))


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True, "5", None])
def test_a_cutoff_is_a_whole_number(wrong):
    for device in (DefaultGaussian, DefaultFock):
        with pytest.raises(CircuitError, match="cutoff_dim must be a whole number >= 1"):
            device(cutoff_dim=wrong)


def test_devices_and_programs_pickle():
    for device, kind in (
        (DefaultFock(cutoff_dim=4, seed=1), "density_matrix"),
        (DefaultGaussian(seed=1), "gaussian"),
    ):
        instructions = MANY[1:]
        program = device.compile(circuit(instructions, kind, 2))
        again, program_again = pickle.loads(pickle.dumps((device, program)))
        assert np.array_equal(
            again.run([Task(program_again, PARAMS)])[0], device.run([Task(program, PARAMS)])[0]
        )
        assert again.cutoff_dim == device.cutoff_dim
