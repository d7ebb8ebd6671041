"""The circuits in hybridge, called with arrays of JAX and compiled by it, which is not timed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.circuits import Problem
from benchmarks.in_hybridge import node

VERSION = f"jax {jax.__version__}"


def _gradient(problem: Problem, static: bool) -> Callable[[], Any]:
    """The value and the gradient, of which the second is compared."""
    both = jax.jit(jax.value_and_grad(node(problem, static=static)))
    return _in_double(lambda x: both(x)[1], problem)


def _mapped_gradients(problem: Problem, static: bool) -> Callable[[], Any]:
    return _in_double(jax.jit(jax.vmap(jax.grad(node(problem, static=static)))), problem)


def _in_double(compiled: Callable[[jax.Array], jax.Array], problem: Problem) -> Callable[[], Any]:
    """In float64, which JAX must be told: here alone, and not for all that runs in the process."""
    with jax.enable_x64(True):
        x = jnp.array(problem.params)

    def run() -> Any:
        with jax.enable_x64(True):
            return np.asarray(compiled(x))

    return run


def _twice(make: Callable[..., Callable[[], Any]]) -> dict[str, Callable[[Any], Callable[[], Any]]]:
    """Recorded when it is compiled, with a number of its own for each entry, and as a static circuit."""
    return {
        "hybridge, jax.jit": partial(make, static=False),
        "hybridge static, jax.jit": partial(make, static=True),
    }


RUNS = {"gradient of a node": _twice(_gradient), "mapped gradients": _twice(_mapped_gradients)}
