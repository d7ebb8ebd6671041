"""Every gradient method through every array library: the same first and second derivatives."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest

import hybridge as hb

X = np.array([1.3, 1.1, -0.7])
FINE = {"approx_order": 8}
METHODS = [
    ("best", {}),
    ("parameter-shift", {}),
    ("hadamard", {}),
    ("hadamard", {"mode": "direct"}),
    ("finite-diff", FINE),
]


def circuit(x):
    hb.RY(0.8, wires=1)
    hb.RX(x[0], wires=0)
    hb.CRot(x[1], x[2], x[0], wires=[0, 1])
    hb.RY(0.4, wires=0)
    return hb.probs(wires=[1, 0])


def node(method, **options):
    return hb.QNode(circuit, hb.device("default.qubit", wires=3), method, gradient_kwargs=options)


def by_autograd(f: Callable, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return hb.jacobian(f)(x), hb.hessian(f)(x)


def by_torch(f: Callable, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    torch = import_module("torch")
    jacobian = torch.autograd.functional.jacobian
    t = torch.tensor(x)
    return jacobian(f, t).numpy(), jacobian(lambda t: jacobian(f, t, create_graph=True), t).numpy()


def by_jax(f: Callable, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    jax = import_module("jax")
    with jax.enable_x64(True):
        at = jax.numpy.asarray(x)
        return np.asarray(jax.jit(jax.jacobian(f))(at)), np.asarray(jax.jacobian(jax.jacobian(f))(at))


def by_tensorflow(f: Callable, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tf = import_module("tensorflow")
    at = tf.Variable(x)
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape(persistent=True) as inner:
            values = f(at)
        first = inner.jacobian(values, at, experimental_use_pfor=False)
    second = outer.jacobian(first, at, experimental_use_pfor=False)
    return first.numpy(), second.numpy()


LIBRARIES = {"autograd": by_autograd, "torch": by_torch, "jax": by_jax, "tensorflow": by_tensorflow}
INSTALLED = [name for name in LIBRARIES if find_spec(name)]
FIRST, SECOND = by_autograd(node("best"), X)


@pytest.mark.parametrize("library", INSTALLED)
@pytest.mark.parametrize(("method", "options"), METHODS)
def test_a_method_is_the_same_in_every_library(library, method, options):
    first, second = LIBRARIES[library](node(method, **options), X)
    assert np.abs(FIRST).max() > 0.1 and np.abs(SECOND).max() > 0.1
    assert np.allclose(first, FIRST, rtol=0, atol=1e-10)
    assert np.allclose(second, SECOND, rtol=0, atol=1e-9)


@pytest.mark.parametrize("library", INSTALLED)
def test_directions_are_drawn_anew_in_every_library(library):
    """The mean of 60 draws of 8 directions within 5 standard errors; the same seed, the same draws."""

    def draws(seed, count):
        random = node("spsa", seed=seed, num_directions=8)
        return np.array([first_of(library)(random, X) for _ in range(count)])

    found = draws(1, 60)
    assert len({row.tobytes() for row in found}) > 30
    spread = np.sqrt(4 * np.sum(FIRST**2, axis=1, keepdims=True) / 8)  # x[0] turns two gates
    assert np.all(np.abs(found.mean(axis=0) - FIRST) < 5 * spread / np.sqrt(60))
    assert np.array_equal(found[:3], draws(1, 3))


def first_of(library):
    """One first derivative, compiled where the library compiles."""
    if library == "jax":
        jax = import_module("jax")
        compiled = {}

        def jitted(f, x):
            with jax.enable_x64(True):
                if f not in compiled:
                    compiled[f] = jax.jit(jax.jacobian(f))
                return np.asarray(compiled[f](jax.numpy.asarray(x)))

        return jitted
    if library == "torch":
        torch = import_module("torch")
        return lambda f, x: torch.autograd.functional.jacobian(f, torch.tensor(x)).numpy()
    if library == "tensorflow":
        return by_tensorflow_once
    return lambda f, x: hb.jacobian(f)(x)


def by_tensorflow_once(f: Callable, x: np.ndarray) -> np.ndarray:
    tf = import_module("tensorflow")
    at = tf.Variable(x)
    with tf.GradientTape(persistent=True) as tape:
        values = f(at)
    return tape.jacobian(values, at, experimental_use_pfor=False).numpy()
