"""The circuits in hybridge, called with tensors of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

import hybridge as hb
from benchmarks.circuits import Problem
from benchmarks.in_hybridge import node

VERSION = f"torch {torch.__version__}"
torch.set_num_threads(1)


def _derivative(circuit: Callable[[torch.Tensor], torch.Tensor], problem: Problem) -> Callable[[], Any]:
    """Of the sum of what the circuit gives, in its tensor, by backward()."""
    x = torch.tensor(problem.params, requires_grad=True)

    def run() -> Any:
        x.grad = None
        circuit(x).backward()
        return x.grad.numpy()

    return run


def _gradient(problem: Problem, static: bool) -> Callable[[], Any]:
    return _derivative(node(problem, static=static), problem)


def _mapped_gradients(problem: Problem, static: bool) -> Callable[[], Any]:
    circuit: hb.QNode = node(problem, static=static)
    return _derivative(lambda x: circuit.map(x).sum(), problem)


def _twice(make: Callable[..., Callable[[], Any]]) -> dict[str, Callable[[Any], Callable[[], Any]]]:
    """Recorded at each call, and once."""
    return {
        "hybridge, torch": partial(make, static=False),
        "hybridge static, torch": partial(make, static=True),
    }


RUNS = {"gradient of a node": _twice(_gradient), "mapped gradients": _twice(_mapped_gradients)}
