"""Derivatives of light: every row's parameter, every observable, by rules, devices and differences."""

import numpy as np
import pytest

import hybridge as hb
from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.gradients.light import space
from hybridge.gradients.shift import shift_rule
from hybridge.operations.spectrum import Power, Trig
from hybridge.operations.table import ROWS

GAUSSIAN = [row for row in ROWS.values() if row.domain == "cv" and row.definition is not None and row.params]
# what is selected is divided by its probability: no rule
RULED = [row for row in GAUSSIAN if None not in row.spectrum and row.kind != "outcome"]
WEIGHTS = {1: 45, 2: -9, 3: 1}  # of sixth-order central differences


def differences(f, x, h=2e-3):
    """The Jacobian of an array-valued f at x, to 1e-10."""
    parts = [
        sum(w * (f(x + k * d) - f(x - k * d)) for k, w in WEIGHTS.items()) / (60 * h)
        for d in np.eye(len(x)) * h
    ]
    return np.stack(parts, axis=-1)


def jacobian(device, function, v, method="parameter-shift"):
    """The Jacobian of a circuit, all its measurements side by side."""
    node = hb.QNode(function, device, diff_method=method)
    found = hb.jacobian(lambda v: hb.numpy.hstack([hb.numpy.ravel(y) for y in node(v)]))(v)
    return np.asarray(found)


def values(device, function):
    node = hb.QNode(function, device)
    return lambda v: np.hstack([np.ravel(y) for y in node(v)])


# ---- polynomials in x and p behind Gaussian gates -------------------------------------------------------

Q = np.array([0.1, 0.2, 0.3, 0, 0.1])
OBSERVABLES = (
    hb.QuadX(0),
    hb.QuadOperator(0.4, 1),
    hb.NumberOperator(0),
    hb.NumberOperator(1) ** 2,
    hb.TensorN([0, 1]),
    hb.QuadX(0) ** 3 + hb.QuadP(1) @ hb.QuadX(0),
    hb.PolyXP(np.outer(Q, Q) + np.diag([0, 0.3, 0.1, 0.2, 0.4]), wires=[0, 1]),
)


def polynomials():
    return (*map(hb.expval, OBSERVABLES), *map(hb.var, OBSERVABLES))


def around(row):
    """The row in a circuit in which each of its parameters matters to each observable."""

    def circuit(v):
        if row.kind != "state":
            hb.SqueezedState(0.2, 0.3, wires=0)
            hb.CoherentState(0.3, 0.5, wires=1)
        row(*v, wires=list(range(row.num_wires)))
        hb.Beamsplitter(0.4, 0.7, wires=[0, 1])
        hb.Displacement(0.2, 0.1, wires=0)
        return polynomials()

    return circuit


@pytest.mark.parametrize("row", RULED, ids=repr)
def test_every_polynomial_of_every_row_has_the_derivative_the_device_finds(row):
    v = np.random.default_rng(1).uniform(0.2, 0.5, len(row.params))
    device = hb.device("default.gaussian", wires=2)
    found, own = (jacobian(device, around(row), v, method) for method in ("parameter-shift", "device"))
    assert np.allclose(found, own, rtol=1e-8, atol=1e-8)
    assert np.allclose(own, differences(values(device, around(row)), v), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("row", RULED, ids=repr)
def test_a_fock_device_has_the_derivatives_of_the_whole_space_to_within_its_leak(row):
    """By rule, and by itself, where the light is weak and the cutoff far above it."""
    v = np.random.default_rng(1).uniform(0.1, 0.2, len(row.params))
    device = hb.device("default.fock", wires=2, cutoff_dim=18 if row.mixed else 30)

    def circuit(v):
        row(*v, wires=list(range(row.num_wires)))
        hb.Beamsplitter(0.4, 0.7, wires=[0, 1])
        hb.Displacement(0.2, 0.1, wires=0)
        of_degree_two = [o for o in OBSERVABLES if o.degree <= 2]
        return (*map(hb.expval, of_degree_two), hb.var(hb.QuadX(1)), hb.expval(hb.TensorN([0, 1])))

    want = jacobian(hb.device("default.gaussian", wires=2), circuit, v, "device")
    for method in ("parameter-shift", "device"):
        assert np.allclose(jacobian(device, circuit, v, method), want, atol=1e-7)


def test_a_thermal_state_takes_a_row_for_each_power_of_the_covariance():
    """Its covariance is linear in nbar, so that a mean of degree K has degree K / 2 in it."""
    rows = {1: 0, 2: 2, 3: 2, 4: 3}
    assert {k: len(shift_rule(hb.ThermalState.spectrum[0], k).shifts) for k in rows} == rows
    assert shift_rule(Power(0)).shifts.shape == (0,)


# ---- few photons ----------------------------------------------------------------------------------------

NUMBERS = (
    lambda: hb.probs(wires=[1, 0]),
    lambda: hb.expval(hb.FockStateProjector([1, 2], wires=[0, 1])),
    lambda: hb.var(hb.FockStateProjector([1], wires=[1])),
    lambda: hb.expval(hb.NumberOperator(0)),
    lambda: hb.var(hb.NumberOperator(1)),
    lambda: hb.expval(hb.QuadX(0)),
    lambda: hb.var(hb.QuadX(0) @ hb.QuadP(1)),
)
KET = np.zeros((3, 2))
KET[0, 1], KET[2, 0] = 0.6, 0.8
STATES = {
    "numbers": lambda: hb.FockState([2, 1], wires=[0, 1]),
    "superposition": lambda: hb.FockStateVector(KET, wires=[0, 1]),
    "mixture": lambda: hb.FockDensityMatrix(np.diag([0.3, 0, 0.7]), wires=0),
    "squeezed": lambda: hb.SqueezedState(0.3, 0.2, wires=0),
}


def conserving(v):
    hb.Beamsplitter(v[0], v[1], wires=[0, 1])
    hb.Rotation(v[2], wires=0)
    hb.Kerr(v[3], wires=0)
    hb.CrossKerr(v[4], wires=[1, 0])
    hb.adjoint(hb.Beamsplitter)(v[5], v[6], wires=[1, 0])
    hb.pow(hb.Rotation, 0.5)(v[7], wires=1)
    hb.pow(hb.Kerr, 0.3)(v[8], wires=1)
    hb.Beamsplitter(v[9], 0.2, wires=[0, 1])


V = np.random.default_rng(0).uniform(0.2, 0.9, 10)


@pytest.mark.parametrize("state", ["numbers", "superposition", "mixture"])
@pytest.mark.parametrize("losses", [False, True])
@pytest.mark.parametrize("measured", NUMBERS)
def test_gates_that_keep_their_photons_have_exact_rules(measured, losses, state):
    device = hb.device("default.fock", wires=2, cutoff_dim=5)

    def circuit(v):
        STATES[state]()
        if losses:
            hb.LossChannel(0.8, wires=1)
        conserving(v)
        return (measured(),)

    found = jacobian(device, circuit, V)
    assert np.allclose(found, jacobian(device, circuit, V, "device"), atol=1e-9)
    assert np.allclose(found, differences(values(device, circuit), V), atol=1e-9)


@pytest.mark.filterwarnings("ignore::hybridge.errors.TruncationWarning")
@pytest.mark.parametrize("state", ["numbers", "squeezed"])
@pytest.mark.parametrize("measured", NUMBERS)
def test_a_cutoff_bounds_the_frequencies_whatever_follows(measured, state):
    """Of the truncated simulation itself, at a cutoff far too low for the light."""
    device = hb.device("default.fock", wires=2, cutoff_dim=4)

    def circuit(v):
        hb.CoherentState(0.7, 0.3, wires=1)
        STATES[state]() if state == "squeezed" else hb.FockState([2], wires=0)
        conserving(v)
        hb.CubicPhase(0.1, wires=0)
        hb.CubicPhase(0.1, wires=1)
        hb.Squeezing(0.2, 0.3, wires=0)
        return (measured(),)

    found = jacobian(device, circuit, V)
    assert np.allclose(found, jacobian(device, circuit, V, "device"), atol=1e-9)
    assert np.allclose(found, differences(values(device, circuit), V), atol=1e-9)


GATES = {  # of as many parameters, on as many wires
    hb.Beamsplitter: (2, 2),
    hb.adjoint(hb.Beamsplitter): (2, 2),
    hb.Rotation: (1, 1),
    hb.Kerr: (1, 1),
    hb.CrossKerr: (1, 2),
}
SUPERPOSED = np.array([0.6, 0.8j])
STARTS = (
    lambda w: hb.FockState([1 + w % 2], wires=w),
    lambda w: hb.FockStateVector(SUPERPOSED, wires=w),
    lambda w: hb.FockDensityMatrix(np.diag([0.3, 0.7]), wires=w),
    lambda w: None,
)


@pytest.mark.parametrize("seed", range(24))
def test_random_circuits_of_few_photons_have_the_derivatives_of_the_device(seed):
    """Three modes that share their photons, at a cutoff that holds them all."""
    rng = np.random.default_rng(seed)
    starts = [STARTS[i] for i in rng.integers(len(STARTS), size=3)]
    rows = [list(GATES)[i] for i in rng.choice(len(GATES), size=5, p=[0.35, 0.2, 0.15, 0.15, 0.15])]
    on = [rng.permutation(3)[: GATES[row][1]].tolist() for row in rows]
    again, lossy = rng.random(2) < 0.2
    a, b, c = rng.permutation(3).tolist()
    measured = (
        lambda: hb.expval(hb.NumberOperator(a) + hb.QuadX(b)),
        lambda: hb.var(hb.NumberOperator(a)),
        lambda: hb.expval(hb.FockStateProjector([1, 0], wires=[a, b])),
        lambda: hb.probs(wires=[a, c]),
        lambda: hb.var(hb.QuadP(a) @ hb.QuadX(c)),
    )[rng.integers(5)]

    def circuit(v):
        for w, start in enumerate(starts):
            start(w)
        numbers = iter([v[i] for i in range(len(v))])
        for k, (row, wires) in enumerate(zip(rows, on, strict=True)):
            row(*(next(numbers) for _ in range(GATES[row][0])), wires=wires)
            if k == 2 and again:
                hb.FockState([1], wires=a)
            if k == 3 and lossy:
                hb.LossChannel(0.8, wires=b)
        return (measured(),)

    v = rng.uniform(0.2, 1.2, sum(GATES[row][0] for row in rows))
    device = hb.device("default.fock", wires=3, cutoff_dim=6)
    assert np.allclose(jacobian(device, circuit, v), jacobian(device, circuit, v, "device"), atol=1e-9)


N0, N1 = hb.NumberOperator(0), hb.NumberOperator(1)
EVERY = Measurement("probs")


def frequencies(instructions, slot, measurement, cutoff=None):
    circuit = Circuit(tuple(Instruction(row, wires) for row, wires in instructions), (measurement,), (0, 1))
    found = space(circuit, slot, *circuit.slots[slot], measurement, cutoff)
    return found if isinstance(found, str) else found.spectrum.power(found.degree)


def fock(*photons):
    return hb.FockState.of(len(photons), list(photons))


def test_frequencies_of_three_photons():
    before = [(fock(2, 1), (0, 1))]
    split = [*before, (hb.Beamsplitter, (0, 1))]
    assert frequencies(split, 0, EVERY) == Trig(2, 4, 6)  # theta: twice a spin of N / 2
    assert frequencies(split, 1, EVERY) == Trig()  # a phase between numbers, which nobody sees
    assert frequencies(split, 0, Measurement("expval", N0)) == Trig(2)  # n is of degree 2
    assert frequencies(split, 0, Measurement("var", N0)) == Trig(2, 4)
    twice = [*split, (hb.Kerr, (0,)), (hb.Beamsplitter, (0, 1))]
    assert frequencies(twice, 1, EVERY) == Trig(1, 2, 3)
    assert frequencies(twice, 2, EVERY) == Trig(1, 3, 4, 5, 8, 9)  # differences of squares up to 3
    assert frequencies(twice, 3, EVERY) == Trig(2, 4, 6)
    assert frequencies(twice, 4, EVERY) == Trig(1, 2, 3)


@pytest.mark.parametrize("coherent", [False, True])
def test_a_total_that_a_third_mode_shares_is_not_that_of_two(coherent):
    """Behind other beamsplitters two of three modes may have coherence between their totals, in the state and
    in what is measured: odd multiples of the angle matter."""

    def circuit(v):
        if coherent:
            hb.FockStateVector([0.8, 0.6], wires=0)
            hb.FockStateVector([0.6, 0.0, 0.8j], wires=1)
        else:
            hb.FockState(2, wires=0)
            hb.FockState(1, wires=1)
        hb.Beamsplitter(0.5, 0.3, wires=[0, 1])
        hb.Beamsplitter(v[0], v[1], wires=[2, 1])
        hb.Beamsplitter(0.9, 1.1, wires=[1, 0])
        hb.Beamsplitter(0.6, 1.1, wires=[2, 1])
        return hb.probs(wires=1), hb.expval(hb.FockStateProjector([1, 0], wires=[0, 2]))

    device, v = hb.device("default.fock", wires=3, cutoff_dim=4), np.array([0.4, 0.7])
    found = jacobian(device, circuit, v)
    assert np.abs(found).max(axis=0).min() > 0.01
    assert np.allclose(found, jacobian(device, circuit, v, "adjoint"), atol=1e-12)


def test_what_numbers_alone_cannot_show_costs_nothing():
    turned = [(fock(1), (0,)), (hb.Rotation, (0,)), (hb.Kerr, (0,)), (hb.Displacement, (0,))]
    seen = Measurement("expval", hb.FockStateProjector([1], wires=0))
    assert frequencies(turned, 0, seen) == frequencies(turned, 1, seen) == Trig()  # |1> has no phase
    last = [(hb.Displacement, (0,)), (hb.Kerr, (0,)), (hb.Rotation, (0,))]
    assert frequencies(last, 2, seen) == frequencies(last, 3, seen) == Trig()


def test_preparing_anew_forgets_the_photons():
    lost = [(hb.Squeezing, (0,)), (hb.Beamsplitter, (0, 1)), (fock(1, 0), (0, 1)), (hb.Beamsplitter, (0, 1))]
    assert frequencies(lost, 4, EVERY) == Trig(2)
    kept = [(hb.Squeezing, (0,)), (hb.Beamsplitter, (0, 1)), (fock(1), (0,)), (hb.Beamsplitter, (0, 1))]
    assert "not polynomial" in frequencies(kept, 4, EVERY)
    assert frequencies(kept, 4, EVERY, 3) == Trig(2, 4, 6, 8)  # up to 4 (C - 1)
    assert frequencies([*kept, (hb.Kerr, (0,))], 4, Measurement("expval", hb.QuadX(0)), 3) == Trig(
        *range(1, 9)
    )


def test_reasons_are_told():
    seen = Measurement("expval", N0 + 0.5 * hb.QuadX(0))
    bright = [(hb.Displacement, (0,)), (hb.Rotation, (0,)), (hb.CubicPhase, (0,))]
    assert "non-Gaussian CubicPhase" in frequencies(bright, 2, seen)
    assert "CubicPhase has no shift rule" in frequencies(bright, 3, seen, 5)
    assert frequencies(bright, 2, seen, 5) == Trig(1, 2, 3, 4)


def test_the_phase_of_a_cat_turns_what_it_is():
    circuit = lambda v: (hb.CatState(0.6, v[0], 0.3, wires=0), polynomials())[1]
    device = hb.device("default.fock", wires=2, cutoff_dim=20)
    v = np.array([0.4])
    assert np.allclose(jacobian(device, circuit, v), jacobian(device, circuit, v, "device"), atol=1e-8)


@pytest.mark.parametrize("levels", [3, 6, 10, 20])
def test_rules_of_many_frequencies_take_two_rows_for_each(levels):
    """Differences of squares up to (C - 1)^2: 280 rows for the 140 of a Kerr gate on 20 levels."""
    squares = np.arange(levels) ** 2
    gaps = np.unique(np.abs(np.subtract.outer(squares, squares)))[1:]
    rule = shift_rule(Trig(*gaps.tolist()))
    assert len(rule.shifts) == 2 * len(gaps)
    waves = np.exp(1j * np.outer(gaps, rule.shifts)) @ rule.weights
    assert np.abs(waves - 1j * gaps).max() < 1e-9
