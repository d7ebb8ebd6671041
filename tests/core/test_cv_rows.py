"""The rows of continuous-variable operations agree, column against column, and with the book."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from scipy.linalg import eigh_tridiagonal, expm

import hybridge as hb
from hybridge.errors import CircuitError
from hybridge.operations.spectrum import Hyperbolic, Power, Spectrum, Trig
from hybridge.operations.table import FAMILIES, ROWS, Affine, Operation
from hybridge.phasespace.polynomial import Polynomial
from hybridge.recording import recording

FAMILY_ROWS = [
    f.of(k, *constants) for f in FAMILIES.values() if f.domain == "cv" for k, constants in f.examples
]
CV = [r for r in ROWS.values() if r.domain == "cv" and r.kind != "marker"] + FAMILY_ROWS
EXPECTED = """Rotation Squeezing Displacement QuadraticPhase Beamsplitter TwoModeSqueezing ControlledPhase
ControlledAddition InterferometerUnitary Kerr CrossKerr CubicPhase CoherentState SqueezedState
DisplacedSqueezedState ThermalState GaussianState FockState FockStateVector FockDensityMatrix CatState
LossChannel ThermalLossChannel MeasurementBasedSqueezing PassiveChannel PositionDisplacement
MomentumDisplacement Fourier MachZehnder SymmetricMachZehnder VacuumState GaussianTransform GraphEmbed
BipartiteGraphEmbed GKPState PostselectHomodyne PostselectHeterodyne PostselectPhotons
PostselectClick""".split()

GATES = [r for r in CV if r.kind == "gate"]
STATES = [r for r in CV if r.kind == "state"]
GAUSSIAN_GATES = [r for r in GATES if r.gaussian]
CHANNELS = [r for r in CV if r.kind == "channel"]
GAUSSIAN_STATES = [r for r in STATES if r.gaussian]

# drawn from [0, 1]; the other parameters from [-1, 1]
POSITIVE = {"nbar", "T", "p", "epsilon", "eta_anc", "r_anc"}


def draw(operation: Operation, seed: int = 0, shape: tuple[int, ...] = ()) -> list[np.ndarray]:
    rng = np.random.default_rng([seed, len(operation.name)])
    return [
        np.asarray(rng.uniform(0.0 if name in POSITIVE else -1.0, 1.0, shape)) for name in operation.params
    ]


def numbers(operation: Operation, seed: int = 0) -> list[float]:
    return [float(v) for v in draw(operation, seed)]


def omega(k: int) -> np.ndarray:
    return np.block([[np.zeros((k, k)), np.eye(k)], [-np.eye(k), np.zeros((k, k))]])


def of_rows(rows: list[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", rows, ids=[f"{r.name}-{i}" for i, r in enumerate(rows)])


def test_every_promised_row_is_there():
    assert set(EXPECTED) <= {*ROWS, *FAMILIES}
    assert {r.name for r in CV} >= set(EXPECTED)
    assert all(FAMILIES[f].examples for f in EXPECTED if f in FAMILIES)


@of_rows(CV)
class TestEveryRow:
    def test_has_the_columns_its_kind_needs(self, operation):
        assert operation.formula
        if operation.kind == "outcome":  # Gaussian detectors project on states that have a ket too
            assert operation.fock is not None
        else:
            assert (operation.definition is None) != (operation.fock is None)
        # not every symplectic matrix is the exponential of one Hamiltonian
        by_matrix = {"GaussianTransform", "GraphEmbed", "BipartiteGraphEmbed"}
        generated = operation.kind == "gate" and operation.name not in by_matrix
        assert (operation.hamiltonian is not None) == generated

    def test_is_a_value_and_pickles_to_itself(self, operation):
        assert pickle.loads(pickle.dumps(operation)) is operation
        assert hash(operation) == hash(pickle.loads(pickle.dumps(operation)))
        assert repr(operation) == operation.name

    def test_takes_any_labels_as_wires(self, operation):
        wires = ["a", ("b", 1), -3][: operation.num_wires]
        with recording() as tape:
            operation(*numbers(operation), wires=wires)
        assert [a.wires for a in tape] == [tuple(wires)] and tape[0].operation is operation
        if operation.decomposition:
            used = {w for s in operation.decomposition(*wires) for w in s.wires}
            assert used == set(wires)

    def test_gives_plain_finite_numbers_of_its_shape(self, operation):
        k = operation.num_wires
        if operation.kind == "outcome":
            found = operation.fock(4, *numbers(operation))
            assert found.shape == (4,) * (k * (1 + operation.mixed)) and np.isfinite(found).all()
            if operation.definition is not None:
                P, N, y = operation.definition(*numbers(operation))
                assert P.shape == (len(y), 2 * k) and N.shape == (len(y), len(y))
        elif operation.gaussian:
            shapes = {"gate": [(2 * k, 2 * k), (2 * k,)], "state": [(2 * k,), (2 * k, 2 * k)]}
            wanted = shapes.get(operation.kind, [(2 * k, 2 * k), (2 * k,), (2 * k, 2 * k)])
            parts = operation.definition(*numbers(operation))
            assert [part.shape for part in parts] == wanted
            assert all(part.dtype == float and np.isfinite(part).all() for part in parts)
        else:
            found = operation.fock(4, *numbers(operation))
            assert found.shape in ((4,) * k, (4,) * (2 * k))
            assert found.dtype == complex and np.isfinite(found).all()

    def test_broadcasts_over_leading_axes(self, operation):
        if not operation.params:
            return
        if operation.gaussian:
            both = operation.definition
        else:
            both = lambda *params: (operation.fock(5, *params),)
        batch = draw(operation, shape=(2, 3))
        for part, whole in enumerate(both(*batch)):
            assert whole.shape[:2] == (2, 3)
            for at in np.ndindex(2, 3):
                single = both(*(float(v[at]) for v in batch))[part]
                np.testing.assert_allclose(whole[at], single, atol=1e-13)
        column, line = batch[0][:, :1], [v[:1] for v in batch[1:]]
        assert all(part.shape[: 1 + bool(line)] == (2, 3)[: 1 + bool(line)] for part in both(column, *line))


# ---- Gaussian gates


@of_rows(GAUSSIAN_GATES)
class TestGaussianGates:
    def test_are_symplectic(self, operation):
        S, _ = operation.definition(*numbers(operation))
        form = omega(operation.num_wires)
        np.testing.assert_allclose(S @ form @ S.T, form, atol=1e-13)

    def test_are_what_their_hamiltonian_generates(self, operation):
        """U^dagger r U for U = exp(i H): r moves with velocity -i [H, r] = 2 Omega^T dH/dr for unit time."""
        if operation.hamiltonian is None:
            return
        k, params = operation.num_wires, numbers(operation)
        hamiltonian = operation.hamiltonian(*params)
        assert isinstance(hamiltonian, Polynomial) and hamiltonian.hermitian and hamiltonian.degree <= 2
        hessian, slope = np.zeros((2 * k, 2 * k)), np.zeros(2 * k)
        for monomial, c in hamiltonian.terms.items():
            indices = [mode + k * kind for mode, a, b in monomial for kind in [0] * a + [1] * b]
            if len(indices) == 1:
                slope[indices[0]] += c
            elif len(indices) == 2:
                hessian[tuple(indices)] += c
                hessian[tuple(indices[::-1])] += c
        velocity = np.zeros((2 * k + 1, 2 * k + 1))
        velocity[:-1] = 2 * omega(k).T @ np.column_stack([hessian, slope])
        moved = expm(velocity)
        S, d = operation.definition(*params)
        np.testing.assert_allclose(moved[:-1, :-1], S, atol=1e-12)
        np.testing.assert_allclose(moved[:-1, -1], d, atol=1e-12)


def affine_definition(operation: Operation, params: list[float]) -> np.ndarray:
    """r -> S r + d as one (2k + 1, 2k + 1) matrix."""
    S, d = operation.definition(*params)
    size = len(d)
    whole = np.eye(size + 1)
    whole[:size, :size], whole[:size, size] = S, d
    return whole


def composed(operation: Operation, params: list[float]) -> np.ndarray:
    """The steps of the decomposition, one after the other, as one affine map."""
    k = operation.num_wires
    named = dict(zip(operation.params, params, strict=True))
    total = np.eye(2 * k + 1)
    for part, wires, values in operation.decomposition(*range(k)):
        given = [named[v.name] * v.scale + v.offset if isinstance(v, Affine) else v for v in values]
        at = [*wires, *(k + w for w in wires), 2 * k]
        wide = np.eye(2 * k + 1)
        wide[np.ix_(at, at)] = affine_definition(part, given)
        total = wide @ total
    return total


@of_rows([r for r in GAUSSIAN_GATES if r.decomposition])
def test_decompositions_compose_to_the_definition(operation):
    params = numbers(operation)
    np.testing.assert_allclose(composed(operation, params), affine_definition(operation, params), atol=1e-12)


@pytest.mark.parametrize("k", range(1, 6))
def test_meshes_are_their_interferometer(k):
    rng = np.random.default_rng(k)
    unitary = np.linalg.qr(rng.normal(size=(k, k)) + 1j * rng.normal(size=(k, k)))[0]
    for u in (unitary, np.eye(k), np.eye(k)[::-1]):
        row = hb.InterferometerUnitary.of(k, u)
        np.testing.assert_allclose(composed(row, []), affine_definition(row, []), atol=1e-12)


@of_rows([r for r in GATES if r.exponent])
def test_exponents_negate_to_the_inverse_and_scale_to_powers(operation):
    params = numbers(operation)
    scaled = lambda z: [
        z * v if p in operation.exponent else v for p, v in zip(operation.params, params, strict=True)
    ]
    for z in (-1.0, 2.0, 0.5):
        difference = operation.hamiltonian(*scaled(z)) - z * operation.hamiltonian(*params)
        assert all(abs(c) < 1e-14 for c in difference.terms.values())
    if operation.gaussian:
        once, back, twice = (affine_definition(operation, scaled(z)) for z in (1.0, -1.0, 2.0))
        np.testing.assert_allclose(back @ once, np.eye(len(once)), atol=1e-13)
        np.testing.assert_allclose(once @ once, twice, atol=1e-13)


@of_rows([r for r in GATES if r.inverse])
def test_inverses_undo_the_gate(operation):
    wires = tuple(range(operation.num_wires))
    total = affine_definition(operation, [])
    for part, at, params in operation.inverse(*wires):
        assert at == wires
        total = affine_definition(part, list(params)) @ total
    np.testing.assert_allclose(total, np.eye(len(total)), atol=1e-13)


def test_every_gate_has_an_adjoint():
    assert all(r.exponent or r.inverse or r.decomposition for r in GATES)


# ---- spectra


def basis(spectrum: Spectrum, t: np.ndarray) -> np.ndarray:
    """The functions the spectrum names at points t (N,), and the constant: (N, functions)."""
    one = [np.ones_like(t)]
    if isinstance(spectrum, Trig):
        return np.column_stack(one + [f(w * t) for w in spectrum for f in (np.cos, np.sin)])
    if isinstance(spectrum, Hyperbolic):
        orders = range(1, spectrum.degree + 1)
        return np.column_stack(one + [f(k * t) for k in orders for f in (np.cosh, np.sinh)])
    assert isinstance(spectrum, Power)
    return np.column_stack([t**k for k in range(spectrum.degree + 1)])


def residual(functions: np.ndarray, values: np.ndarray) -> float:
    """How far the values (N, entries) are from the span of the functions (N, F); N is larger than F."""
    fit = np.linalg.lstsq(functions, values, rcond=None)[0]
    return float(np.abs(functions @ fit - values).max())


SPECTRA = [
    (r, i) for r in CV if r.definition for i, spectrum in enumerate(r.spectrum) if spectrum is not None
]


@pytest.mark.parametrize(("operation", "slot"), SPECTRA, ids=[f"{r.name}-{r.params[i]}" for r, i in SPECTRA])
def test_definitions_lie_in_the_space_their_spectrum_claims(operation, slot):
    t = np.random.default_rng(slot).uniform(-1.5, 1.5, 24)
    params: list = numbers(operation, seed=1)
    params[slot] = t
    degree_one, degree_two = [], []
    for part in operation.definition(*params):
        square = part.ndim == 3 and operation.kind == "state"  # a covariance is of degree 2
        (degree_two if square else degree_one).append(part.reshape(len(t), -1))
    spectrum = operation.spectrum[slot]
    values = np.hstack(degree_one)
    assert residual(basis(spectrum, t), values) < 1e-12
    if degree_two:
        second = np.hstack(degree_two)
        assert residual(basis(spectrum.power(2), t), second) < 1e-11
        values = np.hstack([values, second])
    assert residual(np.ones((len(t), 1)), values) > 1e-2, "the parameter does nothing"


def test_rows_without_an_exact_rule_claim_none():
    claimed = {r.name for r in CV if r.params and None in r.spectrum}
    channels = {"LossChannel", "ThermalLossChannel", "MeasurementBasedSqueezing"}
    assert claimed == {"Kerr", "CrossKerr", "CubicPhase", "CatState", "GKPState"} | channels


# ---- the book's signs (CV conventions of Strawberry Fields and PennyLane, hbar = 2)

C, S_, CH, SH = math.cos(0.4), math.sin(0.4), math.cosh(0.3), math.sinh(0.3)
BOOK = [  # row, parameters, input (x..., p...), output
    ("Rotation", (0.4,), [1, 0], [C, S_]),
    ("Squeezing", (0.3, 0.0), [1, 1], [math.exp(-0.3), math.exp(0.3)]),
    ("Squeezing", (0.3, 0.4), [1, 0], [CH - C * SH, -S_ * SH]),
    ("Displacement", (0.3, 0.4), [0, 0], [0.6 * C, 0.6 * S_]),
    ("QuadraticPhase", (0.3,), [1, 0], [1, 0.3]),
    ("Beamsplitter", (0.4, 0.0), [1, 0, 0, 0], [C, S_, 0, 0]),
    ("Beamsplitter", (math.pi / 2, 0.4), [1, 0, 0, 0], [0, C, 0, S_]),
    ("Beamsplitter", (math.pi / 2, 0.4), [0, 1, 0, 0], [-C, 0, S_, 0]),
    ("TwoModeSqueezing", (0.3, 0.0), [1, 0, 0, 1], [CH, SH, -SH, CH]),
    ("TwoModeSqueezing", (0.3, 0.4), [1, 0, 0, 0], [CH, C * SH, 0, S_ * SH]),
    ("ControlledAddition", (0.3,), [1, 0, 0, 1], [1, 0.3, -0.3, 1]),
    ("ControlledPhase", (0.3,), [1, 2, 0, 0], [1, 2, 0.6, 0.3]),
]


@pytest.mark.parametrize(("name", "params", "before", "after"), BOOK)
def test_gates_move_phase_space_as_the_book_says(name, params, before, after):
    S, d = ROWS[name].definition(*params)
    np.testing.assert_allclose(S @ before + d, after, atol=1e-12)


def test_interferometers_multiply_amplitudes_by_their_unitary():
    u = FAMILY_ROWS[2].constants[0].array
    amplitudes = np.array([0.3 + 0.1j, -0.2, 0.5j])[: len(u)]
    S, _ = hb.InterferometerUnitary.of(len(u), u).definition()
    moved = S @ np.concatenate([amplitudes.real, amplitudes.imag])
    np.testing.assert_allclose(moved[: len(u)] + 1j * moved[len(u) :], u @ amplitudes, atol=1e-13)


def test_two_mode_squeezing_correlates_positions():
    S, _ = hb.TwoModeSqueezing.definition(0.3, 0.0)
    assert (S @ S.T)[0, 1] == pytest.approx(math.sinh(0.6))


# ---- states


@of_rows(GAUSSIAN_STATES)
def test_gaussian_states_obey_the_uncertainty_relation_and_say_if_mixed(operation):
    _, V = operation.definition(*numbers(operation))
    np.testing.assert_allclose(V, V.T, atol=1e-14)
    assert np.linalg.eigvalsh(V + 1j * omega(operation.num_wires))[0] > -1e-12
    assert operation.mixed == (np.linalg.det(V) > 1 + 1e-9)


@of_rows([r for r in STATES if r.decomposition])
def test_states_are_their_gates_on_the_vacuum(operation):
    params = numbers(operation)
    mean, V = operation.definition(*params)
    total = composed(operation, params)
    np.testing.assert_allclose(total[:-1, -1], mean, atol=1e-13)
    np.testing.assert_allclose(total[:-1, :-1] @ total[:-1, :-1].T, V, atol=1e-13)


def test_thermal_states_hold_nbar_photons():
    mean, V = hb.ThermalState.definition(0.7)
    assert (np.trace(V) + mean @ mean) / 4 - 0.5 == pytest.approx(0.7)


@of_rows([r for r in STATES if r.fock])
def test_fock_states_have_norm_one_and_say_if_mixed(operation):
    k = operation.num_wires
    cutoff = 120 if k == 1 else 12
    found = operation.fock(cutoff, *numbers(operation))
    if found.ndim == k:
        assert np.linalg.norm(found) == pytest.approx(1.0, abs=1e-9) and not operation.mixed
    else:
        rho = found.reshape(cutoff**k, cutoff**k)
        assert np.trace(rho) == pytest.approx(1.0)
        assert operation.mixed == (np.trace(rho @ rho).real < 1 - 1e-9)


def test_fock_constants_land_where_they_belong():
    assert np.argwhere(hb.FockState.of(2, [1, 3]).fock(5)).tolist() == [[1, 3]]
    ket = np.arange(6).reshape(2, 3) / np.sqrt(55)
    np.testing.assert_array_equal(hb.FockStateVector.of(2, ket).fock(4)[:2, :3], ket)
    rho = np.zeros((4, 4))
    rho[1, 1] = 1  # wires[0] most significant: |0>|1>
    assert np.argwhere(hb.FockDensityMatrix.of(2, rho).fock(3)).tolist() == [[0, 1, 0, 1]]


def test_constants_larger_than_the_cutoff_are_cut_only_where_empty():
    assert hb.FockStateVector.of(1, [0, 1, 0, 0]).fock(2).tolist() == [0, 1]
    for row in (
        hb.FockState.of(1, 2),
        hb.FockStateVector.of(1, [0, 0, 1]),
        hb.FockDensityMatrix.of(1, np.eye(3) / 3),
    ):
        with pytest.raises(CircuitError, match="cutoff_dim >= 3; got 2"):
            row.fock(2)


def coherent(alpha: complex, cutoff: int) -> np.ndarray:
    n = np.arange(cutoff)
    return np.exp(-(abs(alpha) ** 2) / 2) * alpha**n / np.sqrt([float(math.factorial(k)) for k in n])


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0, 1.7, -0.5, 2.0])
@pytest.mark.parametrize("a", [0.2, 1.3, -0.8])
def test_cats_are_superpositions_of_coherent_states(a, p):
    alpha = a * np.exp(0.4j)
    cat = coherent(alpha, 25) + np.exp(1j * np.pi * p) * coherent(-alpha, 25)
    found = hb.CatState.fock(25, a, 0.4, p)
    # p and p + 2 are one state; the row may differ from the formula by a sign
    assert abs(np.vdot(found, cat / np.linalg.norm(cat))) == pytest.approx(1.0, abs=1e-12)
    if 0 <= p < 2:
        np.testing.assert_allclose(found, cat / np.linalg.norm(cat), atol=1e-12)


def test_small_odd_cats_are_one_photon():
    np.testing.assert_allclose(np.abs(hb.CatState.fock(4, 1e-9, 0.0, 1.0)), [0, 1, 0, 0], atol=1e-12)
    assert hb.CatState.fock(3, 0.0, 0.0, 0.0).tolist() == [1, 0, 0]
    with pytest.raises(CircuitError, match="zero vector"):
        hb.CatState.fock(4, 0.0, 0.0, 1.0)


# ---- gates that are not Gaussian


@pytest.mark.parametrize("name", ["Kerr", "CrossKerr"])
def test_kerr_gates_are_the_exponential_of_their_hamiltonian(name):
    k, cutoff = ROWS[name].num_wires, 5
    hamiltonian = ROWS[name].hamiltonian(0.3)
    phases = hamiltonian.photon_polynomial(dict(enumerate(np.indices((cutoff,) * k))))
    found = ROWS[name].fock(cutoff, 0.3).reshape(cutoff**k, cutoff**k)
    np.testing.assert_allclose(found, np.diag(np.exp(1j * phases).ravel()), atol=1e-13)


@pytest.mark.parametrize(("gamma", "cutoff"), [(0.1, 12), (-0.7, 9), (1.5, 5), (0.0, 3), (0.4, 1)])
def test_cubic_phase_has_the_elements_of_the_untruncated_operator(gamma, cutoff):
    """Against f(x) from the eigenvectors of x in a space so large that its end does not matter."""
    x, vectors = eigh_tridiagonal(np.zeros(2500), np.sqrt(np.arange(1.0, 2500)))
    hamiltonian = hb.CubicPhase.hamiltonian(gamma).evaluate({0: (x, np.zeros_like(x))})
    corner = vectors[:cutoff]
    expected = (corner * np.exp(1j * hamiltonian)) @ corner.T
    np.testing.assert_allclose(hb.CubicPhase.fock(cutoff, gamma), expected, atol=1e-11)


def test_cubic_phase_bends_momentum_by_position_squared():
    """p -> p + gamma x^2: on the vacuum <p> = gamma."""
    ket = hb.CubicPhase.fock(60, 0.05)[:, 0]
    raise_ = np.sqrt(np.arange(1, 60))
    assert -2 * np.sum(raise_ * ket[1:].conj() * ket[:-1]).imag == pytest.approx(0.05, abs=1e-9)


# ---- channels


@of_rows(CHANNELS)
@pytest.mark.parametrize("seed", range(3))
def test_channels_are_completely_positive(operation, seed):
    params = [abs(v) for v in numbers(operation, seed)]
    X, _, Y = operation.definition(*params)
    form = omega(operation.num_wires)
    assert np.linalg.eigvalsh(Y + 1j * form - 1j * X @ form @ X.T)[0] > -1e-12 and operation.mixed


@of_rows([r for r in CHANNELS if r.params])
def test_channels_have_the_slopes_of_their_definitions(operation):
    params, h = np.array([abs(v) for v in numbers(operation, 5)]), 1e-6
    for k, slope in enumerate(operation.slope(*params)):
        there, back = params + h * np.eye(len(params))[k], params - h * np.eye(len(params))[k]
        pairs = zip(operation.definition(*there), operation.definition(*back), slope, strict=True)
        for up, down, found in pairs:
            np.testing.assert_allclose((up - down) / (2 * h), found, atol=1e-7)


@pytest.mark.parametrize("T", [0.0, 0.3, 1.0])
def test_loss_is_a_channel(T):
    X, d, Y = hb.LossChannel.definition(T)
    form = omega(1)
    assert np.linalg.eigvalsh(Y + 1j * form - 1j * X @ form @ X.T)[0] > -1e-12
    np.testing.assert_allclose(X @ X.T + Y, np.eye(2), atol=1e-15)  # the vacuum stays
    np.testing.assert_allclose(X, math.sqrt(T) * np.eye(2))
    assert not d.any() and hb.LossChannel.mixed


def test_negative_transmission_is_an_error():
    with pytest.raises(CircuitError, match="0 <= T <= 1"):
        hb.LossChannel.definition(-0.1)


# ---- constants

ARRAYS = [
    (hb.InterferometerUnitary, 2, [np.eye(2, dtype=complex)]),
    (hb.GaussianState, 1, [np.diag([2.0, 2.0]), np.array([1.0, 2.0])]),
    (hb.FockStateVector, 1, [np.array([0.6, 0.8])]),
    (hb.FockDensityMatrix, 1, [np.diag([0.5, 0.5])]),
    (hb.FockState, 2, [np.array([1, 2])]),
]


@pytest.mark.parametrize(("family", "k", "constants"), ARRAYS, ids=[f.name for f, _, _ in ARRAYS])
def test_constants_are_copied_and_equal_constants_are_one_row(family, k, constants):
    row = family.of(k, *constants)
    assert family.of(k, *(c.copy() for c in constants)) is row
    look = row.definition if row.gaussian else lambda: (row.fock(4),)
    before = [part.copy() for part in look()]
    for c in constants:
        c[...] = 7
    for part, kept in zip(look(), before, strict=True):
        np.testing.assert_array_equal(part, kept)


MISTAKES = [
    (hb.InterferometerUnitary, 2, [np.ones((2, 2))], "unitary U; U.dagger U differs from the identity by"),
    (hb.InterferometerUnitary, 2, [np.eye(3)], r"U of shape \(2, 2\); got \(3, 3\)"),
    (hb.InterferometerUnitary, 2, [np.full((2, 2), np.nan)], "finite U"),
    (hb.InterferometerUnitary, 1, ["u"], "array U of numbers"),
    (hb.InterferometerUnitary, 2, [[[1], [1, 2]]], "array U of numbers"),
    (hb.GaussianState, 1, [np.array([[1, 0.5], [0.1, 2]]), np.zeros(2)], "symmetric V"),
    (hb.GaussianState, 1, [np.eye(4), np.zeros(2)], r"V of shape \(2, 2\)"),
    (hb.GaussianState, 1, [np.eye(2) / 2, np.zeros(2)], "uncertainty relation"),
    (hb.GaussianState, 1, [np.diag([-1.0, -1.0]), np.zeros(2)], "uncertainty relation"),
    (hb.GaussianState, 1, [np.eye(2), np.zeros(3)], r"r of shape \(2,\)"),
    (hb.GaussianState, 1, [1j * np.eye(2), np.zeros(2)], "array V of real numbers"),
    (hb.FockState, 1, [-1], "whole photon numbers >= 0"),
    (hb.FockState, 1, [1.5], "whole photon numbers >= 0"),
    (hb.FockState, 2, [1], "on 2 wires"),
    (hb.FockStateVector, 1, [[1, 1]], "norm 1; got norm 1.414"),
    (hb.FockStateVector, 2, [[1, 0]], "as many axes"),
    (hb.FockStateVector, 1, [[]], "as many axes"),
    (hb.FockStateVector, 1, [[np.inf, 0]], "finite ket"),
    (hb.FockDensityMatrix, 1, [np.eye(2)], "trace 1; got trace 2"),
    (hb.FockDensityMatrix, 1, [[[1, 0.5], [0, 0]]], "Hermitian"),
    (hb.FockDensityMatrix, 1, [np.diag([1.5, -0.5])], "negative eigenvalues"),
    (hb.FockDensityMatrix, 2, [np.eye(3) / 3], "square matrix of D.2 rows"),
    (hb.FockDensityMatrix, 2, [np.zeros((2, 2, 2, 2))], "all kets first"),
]


@pytest.mark.parametrize(("family", "k", "constants", "message"), MISTAKES)
def test_constants_that_make_no_sense_are_named(family, k, constants, message):
    with pytest.raises(CircuitError, match=message):
        family.of(k, *constants)


def test_traced_constants_are_named():
    import autograd

    def build(theta):
        with pytest.raises(CircuitError, match="not a parameter that is differentiated"):
            hb.GaussianState.of(1, theta, np.zeros(2))
        return 0.0 * theta[0, 0]

    autograd.grad(build)(np.eye(2))
