"""Observables and measurements on default.qubit against matrices, exact and sampled."""

import numpy as np
import pytest
from scipy.sparse import csr_array

import hybridge as hb
from hybridge.operations.pauli import Sentence

RNG = np.random.default_rng(11)
A = RNG.normal(size=(4, 4)) + 1j * RNG.normal(size=(4, 4))
A = A + A.conj().T

OBSERVABLES = {
    "X": lambda: hb.X(0),
    "Y on the last wire": lambda: hb.Y(2),
    "Hadamard": lambda: hb.H(1),
    "word": lambda: hb.X(2) @ hb.Y(0),
    "sentence": lambda: 2 * hb.Z(0) @ hb.Z(1) - 0.5 * hb.X(2) + 0.25,
    "non-commuting": lambda: hb.X(0) + hb.Z(0) + hb.Y(1) @ hb.Z(2),
    "identity": lambda: hb.I(1),
    "scaled identity": lambda: 3 * hb.I(0),
    "square": lambda: (hb.X(0) + hb.Z(1)) ** 2,
    "duplicates": lambda: hb.Hamiltonian([1, 2, -0.5], [hb.X(0), hb.X(0), hb.Z(1) @ hb.X(0)]),
    "empty sum": lambda: hb.Z(0) - hb.Z(0),
    "Hermitian": lambda: hb.Hermitian(A, wires=[2, 0]),
    "Hermitian and Pauli": lambda: hb.Hermitian(A, wires=[2, 0]) + 2 * hb.Y(1),
    "product with a matrix": lambda: hb.Z(1) @ hb.Hermitian(A, wires=[2, 0]),
    "projector": lambda: hb.Projector([1, 0], wires=[2, 1]),
    "ket projector": lambda: hb.Projector([0.6, 0.8j], wires=1),
    "sparse": lambda: hb.SparseHamiltonian(csr_array(A), wires=[1, 2]),
}


def prepare():
    """A generic state: no symmetry between wires or amplitudes."""
    for wire, angles in enumerate([(0.4, 1.1), (0.9, -0.3), (1.7, 0.6)]):
        hb.RY(angles[0], wires=wire)
        hb.RZ(angles[1], wires=wire)
    hb.CNOT([0, 2])
    hb.CRX(0.7, wires=[2, 1])


def run(*measures, **options):
    def f():
        prepare()
        return tuple(m() for m in measures)

    return hb.QNode(f, hb.device("default.qubit", wires=3, **options))()


STATE = run(hb.state)[0]


def matrix(name):
    return OBSERVABLES[name]().as_observable().matrix(range(3))


@pytest.mark.parametrize("name", OBSERVABLES)
def test_exact_mean_and_variance_are_those_of_the_matrix(name):
    m = matrix(name)
    mean, square = (np.vdot(STATE, k @ STATE).real for k in (m, m @ m))
    got = run(lambda: hb.expval(OBSERVABLES[name]()), lambda: hb.var(OBSERVABLES[name]()))
    assert got == pytest.approx((mean, square - mean**2), abs=1e-12)


@pytest.mark.parametrize("name", OBSERVABLES)
def test_sampled_mean_and_variance_agree_within_five_sigma(name):
    """False alarm below 1e-6 each; the seed is fixed."""
    shots = 40_000
    m = matrix(name)
    mean, square, fourth = (np.vdot(STATE, np.linalg.matrix_power(m, k) @ STATE).real for k in (1, 2, 4))
    observable = OBSERVABLES[name]().as_observable()
    weights = observable.terms.values() if isinstance(observable, Sentence) else np.linalg.eigvalsh(m)
    spread = np.abs(list(weights)).sum()  # no reading of the observable is larger
    got = run(
        lambda: hb.expval(OBSERVABLES[name]()), lambda: hb.var(OBSERVABLES[name]()), shots=shots, seed=4
    )
    assert abs(got[0] - mean) <= 5 * spread / np.sqrt(shots) + 1e-9
    assert (
        abs(got[1] - (square - mean**2))
        <= 5 * (3 * spread**2 + np.sqrt(max(fourth, 0))) / np.sqrt(shots) + 1e-9
    )


def test_density_matrices_and_probabilities_are_marginals_of_the_state():
    rho = np.outer(STATE, STATE.conj()).reshape((2,) * 6)
    two = np.einsum("abcdbe->caed", rho).reshape(4, 4)  # wires [2, 0], wire 1 traced out
    got, p = run(lambda: hb.density_matrix([2, 0]), lambda: hb.probs([2, 0]))
    assert np.allclose(got, two, atol=1e-14) and np.allclose(p, np.diag(two).real, atol=1e-14)


def test_probabilities_of_an_observable_are_of_its_eigenvectors():
    values, vectors = np.linalg.eigh(A)
    probabilities = run(lambda: hb.probs(op=hb.Hermitian(A, wires=[2, 0])))[0]
    embedded = hb.Hermitian(A, wires=[2, 0]).matrix(range(3))
    assert probabilities @ values == pytest.approx(np.vdot(STATE, embedded @ STATE).real)
    assert vectors.shape == (4, 4)


@pytest.mark.parametrize("name", ["word", "Hadamard", "non-commuting", "Hermitian", "projector", "sparse"])
def test_samples_are_eigenvalues(name):
    samples = run(lambda: hb.sample(OBSERVABLES[name]()), shots=200, seed=1)[0]
    values = np.linalg.eigvalsh(matrix(name))
    assert np.abs(samples[:, None] - values).min(axis=1).max() < 1e-12


def test_clashing_words_on_many_wires_cannot_be_sampled_at_once():
    def f():
        return hb.sample(sum((hb.X(w) for w in range(1, 8)), hb.Z(0) + hb.X(0)))

    with pytest.raises(hb.CircuitError, match="one setting"):
        hb.QNode(f, hb.device("default.qubit", wires=8, shots=5))()


def test_a_mixed_bag_of_measurements_is_consistent():
    z, p, x, rho, state = run(
        lambda: hb.expval(hb.Z(1)),
        lambda: hb.probs(wires=1),
        lambda: hb.var(hb.X(0)),
        lambda: hb.density_matrix(1),
        hb.state,
    )
    assert z == pytest.approx(p[0] - p[1]) and np.allclose(np.diag(rho).real, p)
    assert x == pytest.approx(1 - np.vdot(state, hb.X(0).as_observable().matrix(range(3)) @ state).real ** 2)


def test_arithmetic_obeys_the_pauli_algebra():
    x, y, z = (g(0).as_observable() for g in (hb.X, hb.Y, hb.Z))
    assert x @ y == 1j * z and y @ x == -1j * z and x @ x == hb.I(0).as_observable()
    assert (x + z) @ (x - z) == x @ x - x @ z + z @ x - z @ z
    assert 2 * x + x - 3 * x == 0 * z and -x / 2 == -0.5 * x and 1 - (x**2) == 0 * x
    assert hash(hb.Z(0) @ hb.Z(1)) == hash(hb.Z(1) @ hb.Z(0)) and (hb.Z(0) @ hb.Z(1)) == (hb.Z(1) @ hb.Z(0))
    two, half = np.float64(2), np.array(0.5)
    assert two * hb.Z(0) == 2 * z and half * hb.Z(0) == z / 2 and two + hb.Z(0) == z + 2 and two - z == 2 - z
    assert repr(two * hb.Hermitian(np.eye(2), wires=0)) == "Hermitian(wires=[0])"
    assert repr(2 * hb.Z(0) @ hb.Z(1) - hb.X("a")) == "2.0*Z(0)@Z(1) - 1.0*X('a')"


def test_a_traced_number_may_stand_on_either_side():
    @hb.qnode(hb.device("default.qubit", wires=1))
    def left(c):
        return hb.expval(c * hb.Z(0) + hb.Z(0) * c)

    assert hb.value_and_grad(left)(0.7) == pytest.approx((1.4, 2.0))


def test_traced_coefficients_are_differentiated_classically():
    @hb.qnode(hb.device("default.qubit", wires=2))
    def energy(c, x):
        hb.RX(x, wires=0)
        hb.RY(2 * x, wires=1)
        return hb.expval(hb.Hamiltonian(c, [hb.Z(0), hb.X(1), hb.Z(0) @ hb.X(1)]))

    c, x = np.array([0.5, -1.0, 2.0]), 0.3
    words = np.array([np.cos(x), np.sin(2 * x), np.cos(x) * np.sin(2 * x)])
    by_c, by_x = hb.grad(energy, argnums=(0, 1))(c, x)
    assert energy(c, x) == pytest.approx(c @ words) and by_c == pytest.approx(words)
    slopes = np.array(
        [-np.sin(x), 2 * np.cos(2 * x), -np.sin(x) * np.sin(2 * x) + 2 * np.cos(x) * np.cos(2 * x)]
    )
    assert by_x == pytest.approx(c @ slopes)
