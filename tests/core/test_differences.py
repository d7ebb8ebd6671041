"""Finite differences and simultaneous perturbation: their rules, their steps, their noise, their cost."""

import pickle

import numpy as np
import pytest

import hybridge as hb
from hybridge.gradients.finite import STARTS, finite_rule, noise_of, stencil
from hybridge.gradients.spsa import rademacher

ORDERS = [(s, p) for s in STARTS for p in range(1, 9) if s != "center" or p % 2 == 0]
X = np.array([0.3, -0.7, 1.1, 0.5])


def chain(x):
    """Four numbers, one of them twice, no symmetry."""
    for k in range(4):
        hb.RX(x[k], wires=k % 2)
        hb.RY(0.4 - 0.2 * k, wires=k % 2)
        hb.CNOT([k % 2, (k + 1) % 2])
    hb.RY(x[0], wires=1)
    return hb.expval(hb.Z(0) @ hb.X(1) + 0.5 * hb.Y(1))


def node(method, device=None, shots=None, **options):
    taken = device or hb.device("default.qubit", wires=2, shots=shots, seed=7)
    return hb.QNode(chain, taken, method, gradient_kwargs=options)


EXACT = hb.grad(node("parameter-shift"))(X)


# ---- the rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("strategy", "order"), ORDERS)
def test_differences_are_exact_up_to_their_order_and_no_further(strategy, order):
    rule = stencil(order, strategy)
    powers = np.arange(order + 2)
    slopes = rule.weights @ rule.steps[:, None] ** powers  # of t^k at 0
    assert np.allclose(slopes[:-1], powers[:-1] == 1, atol=1e-8)
    assert abs(slopes[-1]) > 0.5
    sides = {"center": -rule.steps[::-1], "forward": np.abs(rule.steps), "backward": -np.abs(rule.steps)}
    assert np.array_equal(rule.steps, sides[strategy])


def test_differences_of_low_order_are_the_known_ones():
    assert np.allclose(stencil(4, "center").weights, [1 / 12, -2 / 3, 2 / 3, -1 / 12])
    assert np.allclose(stencil(2, "forward").weights, [-1.5, 2, -0.5])
    assert np.allclose(stencil(3, "backward").weights, [-1 / 3, 1.5, -3, 11 / 6])


@pytest.mark.parametrize("noise", [noise_of(None), noise_of(None, 1.2e-7), noise_of(100), noise_of(10**6)])
@pytest.mark.parametrize(("strategy", "order"), ORDERS)
def test_the_step_balances_bias_and_noise(strategy, order, noise):
    rule = stencil(order, strategy)
    best = rule.best_step(order, noise)

    def bound(h):
        bias = abs(rule.weights @ rule.steps ** (order + 1)) / np.prod(np.arange(1.0, order + 2))
        return bias * h**order + noise * np.linalg.norm(rule.weights) / h

    assert bound(best) < min(bound(0.9 * best), bound(1.1 * best))
    found = finite_rule(noise, approx_order=order, strategy=strategy)
    assert np.allclose(found.shifts, best * rule.steps)


def test_the_step_of_central_differences_with_shots():
    for shots in (10, 1000, 10**6):
        assert finite_rule(noise_of(shots)).shifts[1] == pytest.approx((3 / np.sqrt(2 * shots)) ** (1 / 3))
    assert noise_of(10**12, 1e-3) == 1e-3  # a device in single precision has no better values with shots


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
@pytest.mark.parametrize(("strategy", "order"), ORDERS)
def test_derivatives_are_right_to_the_error_of_the_step(strategy, order, dtype):
    """Ten times the balance of bias and rounding, where derivatives of every order are about 1."""
    device = hb.device("default.qubit", wires=2, dtype=dtype)
    rule = stencil(order, strategy)
    bound = 10 * device.precision * rule.gain / rule.best_step(order, device.precision)
    circuit = node("finite-diff", device=device, approx_order=order, strategy=strategy)
    assert np.abs(hb.grad(circuit)(X) - EXACT).max() < bound < (2e-6 if dtype == "complex128" else 2e-2)


def test_the_precision_of_devices():
    assert hb.device("default.qubit", wires=1).precision == np.finfo(np.float64).eps
    assert hb.device("default.qubit", wires=1, dtype="complex64").precision == np.finfo(np.float32).eps
    assert hb.device("default.gaussian", wires=1).precision == np.finfo(np.float64).eps


def test_with_shots_the_error_is_that_of_the_balanced_step():
    rule = finite_rule(noise_of(10_000), approx_order=4)
    error = np.linalg.norm(rule.weights) * np.linalg.norm([1, 0.5]) / 100  # of two words, in two settings
    circuit = node("finite-diff", shots=10_000, approx_order=4)
    assert np.abs(hb.grad(circuit)(X) - EXACT).max() < 5 * np.sqrt(2) * error  # x[0] twice; 1 in 10^6


def test_a_step_that_only_noise_survives_is_warned_of():
    sampled = node("finite-diff", shots=1000, h=1e-7)
    said = r"h=1e-07: values with a standard error near 0.03 give derivatives with one near 2e\+05; .* 0.41"
    with pytest.warns(hb.NoiseWarning, match=said):
        found = hb.grad(sampled)(X)
    assert np.abs(found).max() > 1e3  # taken all the same
    for quiet in (node("finite-diff", h=1e-7), node("finite-diff", shots=1000, h=0.1)):
        hb.grad(quiet)(X)


# ---- the cost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "options", "rows"),
    [
        ("finite-diff", {}, 2 * 5),
        ("finite-diff", {"approx_order": 4}, 4 * 5),
        ("finite-diff", {"strategy": "forward", "approx_order": 1}, 5 + 1),  # the unshifted point is shared
        ("finite-diff", {"strategy": "backward"}, 2 * 5 + 1),
        ("spsa", {"seed": 1}, 2),
        ("spsa", {"num_directions": 7}, 2 * 7),
        ("spsa", {"num_directions": 7, "strategy": "forward"}, 2 * 7 + 1),
    ],
)
def test_one_job_and_so_many_rows(method, options, rows):
    circuit = node(method, **options)
    circuit(X)
    with hb.Tracker(circuit.device) as tracker:
        hb.grad(circuit)(X)
    assert tracker.totals["jobs"] == 1 and tracker.totals["executions"] == 1 + rows


# ---- directions ---------------------------------------------------------------------------------------


def test_random_directions_are_right_on_average_and_vary_as_they_must():
    """From one direction df/dx_k has the variance of all other slots' derivatives, sum_i g_i^2 - g_k^2.

    The mean of 4000 within 5 standard errors, the variance within 5 of its own: 1 in 10^5.
    """
    draws = 4000
    circuit = node("spsa", seed=5, approx_order=4)
    found = np.array([hb.grad(circuit)(X) for _ in range(draws)])
    g = hb.grad(hb.QNode(apart, circuit.device))(X[[0, 1, 2, 3, 0]])
    spread = np.sum(g**2) - g[:4] ** 2
    spread[0] = 2 * (spread[0] - g[4] ** 2) + (g[0] + g[4]) ** 2  # x[0] turns two gates
    assert np.all(np.abs(found.mean(axis=0) - EXACT) < 5 * np.sqrt(spread / draws))
    assert np.allclose(found.var(axis=0), spread, rtol=5 * np.sqrt(2 / draws))


def apart(y):
    """The chain with a number for each gate."""
    for k in range(4):
        hb.RX(y[k], wires=k % 2)
        hb.RY(0.4 - 0.2 * k, wires=k % 2)
        hb.CNOT([k % 2, (k + 1) % 2])
    hb.RY(y[4], wires=1)
    return hb.expval(hb.Z(0) @ hb.X(1) + 0.5 * hb.Y(1))


def test_more_directions_vary_less():
    def variance(count):
        circuit = node("spsa", seed=2, num_directions=count)
        return np.var([hb.grad(circuit)(X) for _ in range(300)], axis=0).sum()

    assert variance(1) / variance(16) == pytest.approx(16, rel=0.4)  # 5 standard deviations


def test_a_seed_repeats_what_a_node_draws_and_every_derivative_draws_anew():
    def three(seed):
        circuit = node("spsa", seed=seed, num_directions=30)  # few might come twice
        return [hb.grad(circuit)(X) for _ in range(3)]

    assert np.array_equal(three(4), three(4)) and not np.array_equal(three(4), three(5))
    first, second, third = three(4)
    assert not np.allclose(first, second) and not np.allclose(second, third)
    nobody_seeded = node("spsa", num_directions=30)
    assert not np.allclose(hb.grad(nobody_seeded)(X), hb.grad(nobody_seeded)(X))


def test_a_node_with_directions_of_its_own_is_copied_and_pickled_with_them():
    circuit = node("spsa", seed=4, h=0.01)
    again = pickle.loads(pickle.dumps(circuit.method))
    assert again.name == "spsa" and again.option("h", None) == 0.01
    draws = circuit.method.option("seed", None).random(3)
    assert np.array_equal(again.option("seed", None).random(3), draws)
    assert hash(circuit.method) == hash(circuit.update(shots=10).method)


def test_directions_move_only_what_is_asked_for():
    circuit = node("spsa", seed=1)
    plan = circuit.plan(X)
    [part] = plan.rule((1, 3), circuit.method)
    assert np.array_equal(np.any(part.shifts, axis=0), np.isin(range(9), (1, 3)))
    assert part.weights.shape == (2, 2)
    assert plan.rule((1, 3), circuit.method)[0].shifts is not part.shifts


def test_a_sampler_chooses_the_directions():
    seen = []

    def along_one(indices, num_params, rng):
        seen.append((tuple(indices), num_params))
        direction = np.zeros(num_params)
        direction[list(indices)[len(seen) % len(indices)]] = 2.0
        return direction

    circuit = node("spsa", num_directions=5, sampler=along_one)
    assert np.allclose(5 * hb.grad(circuit)(X), EXACT, atol=1e-8)  # each number's turn comes once
    assert seen == 5 * [((0, 2, 4, 6, 8), 9)]
    assert set(rademacher([0, 2], 3, np.random.default_rng(0))) <= {-1.0, 0.0, 1.0}
    with pytest.raises(hb.CircuitError, match=r"a direction of 9 finite numbers; got 1.0"):
        hb.grad(node("spsa", sampler=lambda indices, num_params, rng: 1.0))(X)


@pytest.mark.parametrize("strategy", STARTS)
def test_second_derivatives_by_the_steps_of_first_ones(strategy):
    """Noise is divided by the square of the step, so they are worth a higher order."""
    exact = hb.hessian(node("parameter-shift"))(X)
    for order, within in ((2, 1e-3), (8, 1e-8)):
        circuit = node("finite-diff", strategy=strategy, approx_order=order)
        assert np.abs(hb.hessian(circuit)(X) - exact).max() < within


def test_light_and_batches_and_second_derivatives():
    @hb.qnode(hb.device("default.gaussian", wires=1), diff_method="finite-diff", gradient_kwargs={"h": 1e-3})
    def squeezed(r):
        hb.Squeezing(r, 0.0, wires=0)
        return hb.expval(hb.NumberOperator(0))

    assert hb.grad(squeezed)(0.5) == pytest.approx(np.sinh(1.0), rel=1e-6)
    assert hb.hessian(squeezed)(0.5) == pytest.approx(2 * np.cosh(1.0), rel=1e-5)
    at = np.array([0.1, 0.5])
    batched = hb.jacobian(squeezed)(at)
    assert np.allclose(batched, np.diag(np.sinh(2 * at)), rtol=1e-6)


# ---- what bad options get -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        ("finite-diff", {"h": 0}, "h of diff_method 'finite-diff' must be a number > 0; got 0"),
        ("finite-diff", {"h": np.inf}, "must be a number > 0"),
        ("finite-diff", {"approx_order": 1.5}, "approx_order .* must be a whole number >= 1; got 1.5"),
        ("finite-diff", {"strategy": "both"}, "strategy .* must be one of 'center', 'forward', 'backward'"),
        ("finite-diff", {"seed": 1}, "no option 'seed' in gradient_kwargs; it takes 'approx_order', 'h', 's"),
        ("spsa", {"num_directions": 0}, "num_directions .* whole number >= 1; got 0"),
        ("spsa", {"sampler": 3}, "sampler of diff_method 'spsa' must be a function; got 3"),
        ("spsa", {"seed": "x"}, "seed of diff_method 'spsa' must be .*; got 'x'"),
    ],
)
def test_what_a_node_says_of_bad_options(method, options, words):
    with pytest.raises(hb.CircuitError, match=words):
        node(method, **options)


def test_orders_that_cannot_be():
    with pytest.raises(hb.CircuitError, match="to both sides are of even orders; use 4, or strategy"):
        hb.grad(node("finite-diff", approx_order=3))(X)
    with pytest.raises(hb.CircuitError, match="approx_order may be at most 16; got 40"):
        hb.grad(node("spsa", approx_order=40))(X)
