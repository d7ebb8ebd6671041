"""hb.minimize finds minima by every method, gives x back as it was, and says what it cannot do."""

from __future__ import annotations

import subprocess
import sys

import numpy
import pytest
from scipy.optimize import Bounds

import hybridge as hb
from hybridge import numpy as np
from hybridge.optimize.methods import SCIPY

DEVICE = hb.device("default.qubit", wires=2)
X0 = {"a": 0.3, "b": numpy.array([0.2, 0.5])}


@hb.qnode(DEVICE)
def circuit(x):
    hb.RX(x["a"], wires=0)
    hb.CRX(x["b"][0], wires=[0, 1])
    hb.RY(x["b"][1], wires=1)
    return hb.expval(hb.Z(0) @ hb.Z(1))


def bowl(x):
    return (x["a"] - 1.0) ** 2 + np.sum((x["b"] - np.array([0.5, -0.5])) ** 2)


SETTINGS = {
    "gradient-descent": {"stepsize": 0.3},
    "momentum": {"stepsize": 0.1, "momentum": 0.5},
    "nesterov": {"stepsize": 0.1, "momentum": 0.5},
    "adagrad": {"stepsize": 0.5},
    "rmsprop": {"stepsize": 0.02},
    "adam": {"stepsize": 0.1},
    "rotosolve": {"frequencies": 1},
    "spsa": {"seed": 1, "a": 0.5},
}


@pytest.mark.parametrize("method", SCIPY)
def test_every_method_of_scipy_finds_the_bottom_of_a_bowl(method):
    found = hb.minimize(bowl, X0, method)
    assert found.success and found.method == method
    assert found.fun == pytest.approx(0.0, abs=1e-4) and found.fun == bowl(found.x)
    assert found.x["a"] == pytest.approx(1.0, abs=1e-2) and found.x["b"].shape == (2,)
    assert found.history[0] == bowl(X0) and len(found.history) == found.steps + 1
    assert found.nfev > 1


@pytest.mark.parametrize("method", SETTINGS)
def test_every_optimizer_goes_down_a_circuit(method):
    found = hb.minimize(circuit, X0, method, steps=150, options=SETTINGS[method])
    assert found.success and found.method == method and found.steps == 150
    assert found.fun == pytest.approx(-1.0, abs=1e-2) and found.fun == circuit(found.x)
    assert found.history[0] == circuit(X0) and found.history[-1] == found.fun


@pytest.mark.parametrize("method", ["BFGS", "bfgs", "L-BFGS-B", "trust-exact", "rotosolve", "COBYQA"])
def test_the_ground_state_is_found(method):
    found = hb.minimize(circuit, X0, method)
    assert found.fun == pytest.approx(-1.0, abs=1e-6)


def test_gradients_cost_one_call_and_no_differences_are_taken():
    found = hb.minimize(circuit, X0, "BFGS")
    with hb.Tracker(DEVICE) as tracker:
        again = hb.minimize(circuit, X0, "BFGS")
    assert again.nfev == found.nfev
    assert tracker.totals["executions"] == 2 * found.nfev  # a value and its own derivative each
    assert hb.minimize(circuit, X0, "adam", steps=7).nfev == 8  # the last value has no gradient


def test_an_optimizer_of_the_user_s_goes_on_from_its_state():
    optimizer = hb.Adam(0.1)
    first = hb.minimize(circuit, X0, optimizer, steps=5)
    second = hb.minimize(circuit, first.x, optimizer, steps=5)
    assert optimizer.state.steps == 10
    assert second.fun == hb.minimize(circuit, X0, "adam", steps=10, options={"stepsize": 0.1}).fun


@pytest.mark.parametrize("method", ["BFGS", "adam", "Nelder-Mead"])
def test_x_is_shaped_like_x0(method):
    def far(x):
        leaves, _ = hb.pytree.flatten(x)
        return sum(np.sum((leaf - 1) ** 2) for leaf in leaves)

    for x0 in (0.5, numpy.array([[0.5]], dtype="float32"), numpy.array(0.5), numpy.float64(0.5)):
        found = hb.minimize(far, x0, method, steps=3)
        assert type(found.x) is type(x0) and numpy.shape(found.x) == numpy.shape(x0)
        assert numpy.asarray(found.x).dtype == numpy.asarray(x0).dtype
    first, (second,) = hb.minimize(far, [0.5, (0.25,)], method, steps=3).x
    assert far([first, second]) < far([0.5, 0.25])


def test_tol_ends_an_optimizer_and_its_absence_from_steps_is_told():
    loose = hb.minimize(circuit, X0, "adam", steps=500, tol=1e-6, options={"stepsize": 0.1})
    assert loose.success and loose.steps < 500 and "changed by less than 1e-06" in loose.message
    strict = hb.minimize(circuit, X0, "adam", steps=5, tol=1e-6)
    assert not strict.success and "no step of 5" in strict.message


@pytest.mark.parametrize("method", ["BFGS", "Nelder-Mead", "Powell", "SLSQP", "L-BFGS-B", "CG", "adam"])
def test_steps_are_a_limit(method):
    assert hb.minimize(circuit, X0, method, steps=2).steps <= 2


@pytest.mark.parametrize("method", [*SCIPY, "adam", "spsa", "rotosolve"])
def test_the_callback_sees_every_step_and_may_end_them(method):
    seen = []

    def second(x, value):
        seen.append(value)
        assert bowl(x) == value and list(x) == ["a", "b"]
        return len(seen) == 2

    options = {"frequencies": 1} if method == "rotosolve" else {}
    found = hb.minimize(bowl, X0, method, callback=second, options=options)
    if method not in (
        "dogleg",
        "trust-ncg",
        "trust-krylov",
        "trust-exact",
        "Newton-CG",
        "BFGS",
        "CG",
        "SLSQP",
    ):
        assert len(seen) == 2 and found.message == "stopped by the callback"  # others need one step or two
    assert found.history.tolist() == [bowl(X0), *seen] and found.fun == seen[-1]


@pytest.mark.parametrize(
    "bounds", [(None, 0.4), [(None, 0.4), (0, 0.4), (-1, None)], Bounds(-1, [0.4, 0.4, 9])], ids=str
)
@pytest.mark.parametrize("method", [name for name, m in SCIPY.items() if m.bounded])
def test_bounds_are_kept(method, bounds):
    found = hb.minimize(bowl, {"a": 0.3, "b": numpy.array([0.2, 0.1])}, method, bounds=bounds)
    assert found.x["a"] == pytest.approx(0.4, abs=1e-3) and found.x["a"] <= 0.4 + 1e-9
    assert found.x["b"][0] == pytest.approx(0.4, abs=1e-3)


def test_a_gradient_of_the_user_s_is_asked():
    asked = []

    def slope(x):
        asked.append(x)
        return 2 * (x - 3.0)

    opaque = lambda x: float(x[0] - 3.0) ** 2
    found = hb.minimize(opaque, numpy.array([0.5]), "BFGS", grad_fn=slope)
    assert found.x == pytest.approx(3.0) and asked


def test_the_second_derivatives_are_exact():
    from hybridge.optimize.problem import Problem

    problem = Problem(circuit, (X0,))
    x, h = problem.start, 1e-4
    found = problem.hessian(x)
    differences = [
        (problem.gradient(x + h * e) - problem.gradient(x - h * e)) / (2 * h) for e in numpy.eye(3)
    ]
    numpy.testing.assert_allclose(found, differences, atol=1e-7)


def test_the_second_derivatives_of_a_circuit_are_one_job():
    from hybridge.optimize.problem import Problem

    @hb.qnode(hb.device("default.qubit", wires=2))
    def nested(w, y):
        hb.Rot(w["a"][0], w["b"], y[0][0], wires=0)
        hb.CRX(w["a"][1], wires=[0, 1])
        hb.RY(y[1], wires=1)
        return hb.expval(hb.Z(1) @ hb.X(0))

    args = ({"a": numpy.array([0.3, 0.8]), "b": 0.5}, [numpy.array([0.4]), 0.9])
    problem = Problem(nested, args, argnums=(1, 0))
    with hb.Tracker(nested.device) as tracker:
        found = problem.hessian(problem.start)
    assert tracker.totals["jobs"] == 1
    wrapped = Problem(lambda *args: nested(*args), args, argnums=(1, 0))
    numpy.testing.assert_allclose(found, wrapped.hessian(problem.start), atol=1e-12)


def test_a_sampled_cost_is_minimized():
    sampled = circuit.on("default.qubit", shots=2000, seed=5)
    found = hb.minimize(sampled, X0, "spsa", steps=120, options={"seed": 2, "a": 0.5})
    assert circuit(found.x) < -0.95


@pytest.mark.parametrize(
    "x0, method, options, told",
    [
        (1, "BFGS", {}, "int 1; .*floats"),
        (numpy.array([1, 2]), "adam", {}, "an array of int64"),
        (1j, "BFGS", {}, "complex"),
        (numpy.nan, "COBYLA", {}, "not finite"),
        ({}, "BFGS", {}, "nothing to optimize"),
        (0.5, "BGFS", {}, "no method 'BGFS'; did you mean 'BFGS'"),
        (0.5, "adams", {}, "did you mean 'adam'"),
        (0.5, 7, {}, "no method 7"),
        (0.5, hb.Adam, {}, "no method <class"),
        (0.5, "BFGS", {"steps": 0}, "steps must be a whole number >= 1; got 0"),
        (0.5, "BFGS", {"steps": 2.5}, "steps must be"),
        (0.5, "adam", {"tol": -1.0}, "tol must be a number > 0"),
        (0.5, "BFGS", {"bounds": (0, 1)}, "'BFGS' takes no bounds; those that do are 'Nelder-Mead'"),
        (0.5, "adam", {"bounds": (0, 1)}, "'adam' takes no bounds"),
        (0.5, "L-BFGS-B", {"bounds": (1, 2)}, r"outside the bounds: 0.5 is not in \[1, 2\]"),
        (0.5, "L-BFGS-B", {"bounds": [(1, 2)] * 3}, "a pair for each of the 1 numbers"),
        (0.5, "L-BFGS-B", {"bounds": "wide"}, "bounds must be"),
        (0.5, "L-BFGS-B", {"bounds": 3}, "bounds must be"),
        (0.5, "adam", {"options": {"rate": 0.1}}, "'adam' has no option 'rate'; it has stepsize, beta1"),
        (0.5, "adam", {"options": {"stepsize": -1.0}}, "Adam needs stepsize > 0"),
        (0.5, hb.Adam(0.1), {"options": {"stepsize": 0.2}}, "Adam has its settings already"),
    ],
)
def test_what_makes_no_sense_is_told(x0, method, options, told):
    with pytest.raises(hb.OptimizationError, match=told):
        hb.minimize(lambda x: np.sum(np.cos(x)), x0, method, **options)


@pytest.mark.parametrize("method", ["BFGS", "COBYLA", "adam", "spsa", "rotosolve"])
@pytest.mark.parametrize(
    "cost, told",
    [
        (lambda x: np.nan * x, r"the cost is nan at 0\.\d+; it must be finite"),
        (lambda x: np.inf * (x + 1), "the cost is inf"),
        (lambda x: np.array([1.0, 2.0]) * x, r"one number.* \(2,\)|shapes \[\(2,\)\]"),
        (lambda x: None, "the cost must be a real number; got NoneType|returned nothing"),
    ],
    ids=["nan", "inf", "vector", "nothing"],
)
def test_a_cost_that_is_not_one_finite_number_is_told(method, cost, told):
    options = {"frequencies": 1} if method == "rotosolve" else {}
    with pytest.raises((hb.OptimizationError, hb.GradientError), match=told):
        hb.minimize(cost, 0.5, method, options=options)


def test_a_cost_without_a_gradient_is_told_the_methods_that_need_none():
    opaque = lambda x: float(x) ** 2
    with pytest.raises(hb.OptimizationError, match="cannot be differentiated"):
        hb.minimize(opaque, 0.5)
    assert hb.minimize(opaque, 0.5, "COBYLA").fun == pytest.approx(0.0, abs=1e-6)


def test_the_history_plots():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    found = hb.minimize(bowl, X0)
    axes = found.plot()
    (line,) = axes.get_lines()
    assert line.get_ydata().tolist() == found.history.tolist() and line.get_label() == "BFGS"
    assert found.plot(axes) is axes and len(axes.get_lines()) == 2
    pyplot.close(axes.figure)


def test_a_plot_without_matplotlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "hybridge.optimize.plot", raising=False)
    with pytest.raises(
        hb.MissingDependency, match=r"^a plot of the history needs 'matplotlib'; .*hybridge\[plot\]"
    ):
        hb.minimize(bowl, X0).plot()


def test_the_bar_goes_to_the_error_stream(capsys):
    for method, steps in (("adam", 3), ("BFGS", None)):
        found = hb.minimize(bowl, X0, method, steps=steps, progress=True)
        printed = capsys.readouterr()
        assert printed.out == "" and method in printed.err and f"{found.steps}/" in printed.err
    hb.minimize(bowl, X0)
    assert capsys.readouterr().err == ""


def test_the_result_prints_as_a_table():
    shown = repr(hb.minimize(bowl, X0)).splitlines()
    assert [line.split()[0] for line in shown] == [
        "x",
        "fun",
        "success",
        "message",
        "nfev",
        "steps",
        "method",
    ]


def test_optimizers_come_without_scipy_rich_and_matplotlib():
    code = "import hybridge as hb, sys; hb.Adam().step(lambda x: x**2, 1.0); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"scipy", "rich", "matplotlib"} & set(loaded)
