"""Post-selection: what is left of the runs, its derivatives, and what cannot be selected."""

import jax
import numpy as np
import pytest
import torch

import hybridge as hb

DEVICE = hb.device("default.qubit", wires=3)


def node(function, device=DEVICE, **options):
    return hb.QNode(function, device, **options)


def selecting(x):
    hb.RY(x[0], wires=0)
    hb.CNOT([0, 1])
    hb.RX(x[1], wires=1)
    hb.RY(0.4, wires=0)
    hb.measure(0, postselect=1)
    hb.RX(x[0], wires=0)
    return hb.expval(hb.Z(0) + 0.5 * hb.X(1)), hb.var(hb.Y(1) @ hb.X(0)), hb.probs(wires=[1, 0])


AT = np.array([0.7, 1.1])


@pytest.mark.parametrize("method", ["best", "device", "parameter-shift", "hadamard", "finite-diff"])
@pytest.mark.parametrize("static", [False, True])
def test_what_is_selected_is_differentiated_as_a_quotient(method, static):
    measured = (lambda x: (selecting(x)[0], selecting(x)[2])) if method == "hadamard" else selecting
    found = node(measured, hb.device("default.qubit", wires=4), diff_method=method, static=static)
    exact, h = node(measured), 1e-6
    flat = lambda x: np.concatenate([np.ravel(v) for v in exact(x)])
    differences = np.stack([(flat(AT + h * e) - flat(AT - h * e)) / (2 * h) for e in np.eye(2)], axis=1)
    slopes = np.concatenate([np.reshape(v, (-1, 2)) for v in hb.jacobian(found)(AT)])
    assert np.allclose(slopes, differences, atol=1e-6 if method == "finite-diff" else 1e-8)


def test_second_derivatives_of_what_is_selected():
    one = node(lambda x: selecting(x)[0], DEVICE)
    h, slope = 1e-5, hb.grad(one)
    differences = np.stack([(slope(AT + h * e) - slope(AT - h * e)) / (2 * h) for e in np.eye(2)])
    assert np.allclose(hb.hessian(one)(AT), differences, atol=1e-6)


def test_sampled_gradients_of_what_is_selected():
    """Quotients of means of 40000 shots: a slope of 0.6 within 0.1 is far beyond 5 standard deviations."""
    sampled = node(selecting, hb.device("default.qubit", wires=3, shots=40_000, seed=2))
    exact = hb.jacobian(node(selecting))(AT)
    assert all(np.allclose(a, b, atol=0.1) for a, b in zip(hb.jacobian(sampled)(AT), exact, strict=True))


def test_a_batch_of_what_is_selected_is_its_rows():
    rows = np.stack([AT, AT + 0.3, AT - 0.9], axis=1)
    together, alone = node(selecting)(rows), [node(selecting)(x) for x in rows.T]
    for k, found in enumerate(together):
        assert np.allclose(found, [values[k] for values in alone])


def test_a_word_is_the_mean_of_the_shots_that_are_left():
    """It is within -1 and 1, however few are left, beside words that are read in other settings."""

    def circuit():
        hb.RY(0.5, wires=0)
        hb.CNOT([0, 1])
        hb.measure(0, postselect=1)
        return hb.expval(hb.Y(2)), hb.expval(hb.Z(1)), hb.expval(hb.X(2) - hb.Z(1))

    for seed in range(20):
        y, z, both = node(circuit, hb.device("default.qubit", wires=3, shots=200, seed=seed))()
        assert abs(y) <= 1 and z == -1 and 0 <= both <= 2


def _then(result):
    def circuit():
        hb.H(0)
        outcome = hb.measure(0, postselect=1)
        return result(outcome)

    return circuit


SELECTING = {
    "probabilities of a selected outcome": (_then(lambda m: hb.probs(m)), None, "selected and known"),
    "samples of a batch": (
        lambda: (hb.RX(np.ones(2), wires=0), hb.measure(0, postselect=1), hb.sample(wires=1))[2],
        10,
        "ask for counts",
    ),
    "both outcomes of one wire": (
        lambda: (hb.H(0), hb.measure(0, postselect=0), hb.measure(0, postselect=1), hb.expval(hb.Z(1)))[3],
        None,
        "leaves nothing",
    ),
}


@pytest.mark.parametrize("name", SELECTING)
def test_what_cannot_be_selected_is_refused(name):
    function, shots, message = SELECTING[name]
    with pytest.raises(hb.CircuitError, match=message):
        node(function, hb.device("default.qubit", wires=2, shots=shots, seed=1))()


def generic(x):
    hb.RY(x, wires=0)
    hb.CNOT([0, 1])
    hb.RY(0.7, wires=1)
    hb.RX(0.3, wires=0)
    hb.measure(0, postselect=1)
    outcome = hb.measure(1)
    hb.RX(0.5, wires=1)
    several = hb.expval(hb.X(1) + 0.5 * hb.Y(1) + 2 * hb.Z(1))
    return several, hb.probs(wires=1), hb.var(hb.Y(1)), hb.expval(2 * outcome + 1), hb.var(outcome)


def test_standard_errors_of_what_is_selected_are_as_wide_as_its_values_spread():
    """Of 2000 repetitions: how far values are off, in errors, has the mean square 1 within what chance allows
    once in 10^6, and three tenths for the few shots that are left."""
    rows, sampled = 2000, hb.device("default.qubit", wires=2, shots=1000, seed=5)
    values, errors = hb.with_error(node(generic, sampled))(np.full(rows, 0.9))
    for value, error, exact in zip(values, errors, node(generic)(0.9), strict=True):
        off = (value - exact) / error
        assert off.shape == (rows, *np.shape(exact))
        assert (np.abs((off**2).mean(axis=0) - 1) < 0.3 + 5.5 * np.sqrt(2 / rows)).all()
    value, error = hb.with_error(node(generic, sampled))(0.9)
    assert [np.shape(e) for e in error] == [np.shape(v) for v in value]
    assert not any(np.any(e) for e in hb.with_error(node(generic))(0.9).error)


def test_devices_are_compared_by_what_is_selected():
    """Values, with shots too; derivatives where they are exact."""
    pair = ["default.qubit", "default.mixed"]
    exactly = hb.compare(node(generic), pair, args=(0.9,))
    assert exactly.agree
    slope, error = hb.with_error(hb.jacobian(node(generic)))(0.9)
    assert not any(np.any(e) for e in error)
    np.testing.assert_allclose(slope[1], hb.jacobian(node(generic))(0.9)[1])
    drawn = [(name, {"shots": 2000, "seed": 3}) for name in pair]
    found = hb.compare(node(generic), drawn, args=(0.9,))
    assert found.agree and all("not estimated" in row.gradient_reason for row in found.rows)


def test_a_variance_at_its_greatest_is_not_certain():
    """Its first order vanishes there."""
    found = hb.with_error(node(selecting, hb.device("default.qubit", wires=3, shots=1000, seed=5)))
    _, error, _ = found(np.repeat(AT[:, None], 50, axis=1)).error
    assert node(selecting)(AT)[1] == pytest.approx(1.0) and (error > 0.005).all()


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        (lambda f: hb.with_error(hb.grad(f)), "standard error of a derivative of what post-selection leaves"),
        (lambda f: hb.with_error(lambda x: f), "with_error takes a QNode"),
        (
            lambda f: hb.with_error(f.update(function=lambda x: [f.function(x), hb.sample(hb.Z(0))])),
            "return expval, var or probs alone",
        ),
        (
            lambda f: lambda x: hb.ShotAdaptive(min_shots=10).step(f, x),
            "standard error of a derivative of what post-selection leaves",
        ),
    ],
)
def test_errors_that_are_not_known_of_what_is_selected_are_refused(asked, match):
    def function(x):
        hb.RX(x, wires=0)
        hb.CNOT([0, 1])
        hb.measure(0, postselect=1)
        return hb.expval(hb.Y(1))

    sampled = node(function, hb.device("default.qubit", wires=2, shots=10, seed=1))
    with pytest.raises((hb.CircuitError, hb.GradientError), match=match):
        asked(sampled)(0.8)


@pytest.mark.parametrize("shots", (None, 20_000))
def test_selection_reads_wires_that_are_misread_together(shots):
    """A readout table of two wires, of which the observable has one: it was a ValueError with shots."""
    table = [[0.7, 0.1, 0.1, 0.1], [0.05, 0.8, 0.05, 0.1], [0.2, 0, 0.8, 0], [0.1, 0.2, 0.3, 0.4]]
    model = hb.NoiseModel().readout_table(table, wires=[1, 2])

    def function():
        hb.RY(0.5, wires=0)
        hb.CNOT([0, 1])
        hb.RY(0.7, wires=2)
        hb.measure(0, postselect=1)
        return hb.expval(hb.Z(1))

    device = hb.device("default.qubit", wires=3, shots=shots, seed=1, noise_model=model)
    truth = np.kron([0, 1], np.array([np.cos(0.35), np.sin(0.35)]) ** 2)
    exact = truth @ np.array(table) @ [1, 1, -1, -1]
    kept = (shots or 0) * np.sin(0.25) ** 2
    assert abs(node(function, device)() - exact) < (5.5 / np.sqrt(kept) if shots else 1e-12)


@pytest.mark.parametrize("library", ["autograd", "torch", "jax"])
def test_nothing_left_is_an_error_in_every_library_and_nan_where_it_compiles(library):
    never = node(lambda x: (hb.RX(x, wires=1), hb.measure(0, postselect=1), hb.expval(hb.Z(1)))[2])
    run = {
        "autograd": lambda: hb.grad(never)(0.3),
        "torch": lambda: never(torch.tensor(0.3, requires_grad=True)),
        "jax": lambda: never(jax.numpy.array(0.3)),
    }[library]
    with pytest.raises(hb.CircuitError, match="leaves nothing"):
        run()
    if library == "jax":
        assert np.isnan(jax.jit(never)(0.3))


def test_hadamard_tests_with_shots_are_refused_for_what_is_selected():
    sampled = node(
        lambda x: (hb.RX(x, wires=0), hb.measure(0, postselect=0), hb.expval(hb.Z(1)))[2],
        hb.device("default.qubit", wires=3, shots=10, seed=1),
        diff_method="hadamard",
    )
    with pytest.raises(hb.GradientError, match="post-selection leaves"):
        hb.grad(sampled)(0.3)


def test_the_functions_of_a_library_transform_what_is_selected():
    one = node(lambda x: selecting(x)[0])
    exact = hb.grad(one)(AT)
    assert np.allclose(torch.func.grad(one)(torch.tensor(AT)), exact)
    assert np.allclose(jax.jit(jax.grad(one))(AT), exact, atol=1e-5)
    rows = np.stack([AT, AT + 0.1])
    alone = [one(x) for x in rows]
    assert np.allclose(torch.func.vmap(one)(torch.tensor(rows)), alone)
    assert np.allclose(jax.vmap(one)(rows), alone, atol=1e-5) and np.allclose(one.map(rows), alone)
