"""The circuits in PennyLane: lightning.qubit with adjoint differentiation, default.qubit for batches."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import matmul
from typing import Any

import pennylane as qml
from pennylane import numpy as pnp

from benchmarks.circuits import Problem
from benchmarks.circuits_light import Light

VERSION = f"PennyLane {qml.__version__}"
NAMES = {"H": "Hadamard", "X": "PauliX"}


def _node(problem: Problem, device: str, diff_method: str, interface: str | None) -> Any:
    steps = []
    for gate in problem.gates:
        fixed = [*([] if gate.angle is None else [gate.angle]), *([gate.word] if gate.word else [])]
        steps.append((getattr(qml, NAMES.get(gate.name, gate.name)), gate.slot, fixed, gate.wires))
    words = [
        reduce(
            matmul,
            [getattr(qml, f"Pauli{p}")(w) for p, w in zip(term.word, term.wires, strict=True)],
        )
        for term in problem.terms
    ]
    coefficients = [term.coefficient for term in problem.terms]
    observable = words[0] if coefficients == [1.0] else qml.Hamiltonian(coefficients, words)

    def circuit(x: Any) -> Any:
        for apply, slot, fixed, wires in steps:
            if slot is None:
                apply(*fixed, wires=wires)
            else:
                apply(x[slot], *fixed, wires=wires)
        return qml.expval(observable)

    made = qml.device(device, wires=problem.wires)
    return qml.QNode(circuit, made, diff_method=diff_method, interface=interface)


def _lightning(problem: Problem, interface: str | None) -> Any:
    return _node(problem, "lightning.qubit", "adjoint", interface)


def _traced(problem: Problem) -> Any:
    return pnp.array(problem.params, requires_grad=True)


def _value(problem: Problem) -> Callable[[], Any]:
    circuit, x = _lightning(problem, None), problem.params
    return lambda: circuit(x)


def _gradient(problem: Problem) -> Callable[[], Any]:
    slopes, x = qml.grad(_lightning(problem, "autograd")), _traced(problem)
    return lambda: slopes(x)


def _both(problem: Problem) -> Callable[[], Any]:
    slopes, x = qml.grad(_lightning(problem, "autograd")), _traced(problem)

    def run() -> Any:
        gradient = slopes(x)
        return slopes.forward, gradient

    return run


def _values_default(problem: Problem) -> Callable[[], Any]:
    circuit, x = _node(problem, "default.qubit", "best", None), problem.params.T.copy()
    return lambda: circuit(x)


def _gradients_default(problem: Problem) -> Callable[[], Any]:
    circuit = _node(problem, "default.qubit", "backprop", "autograd")
    slopes, x = (
        qml.grad(lambda x: pnp.sum(circuit(x))),
        pnp.array(problem.params.T.copy(), requires_grad=True),
    )
    return lambda: slopes(x).T


def _values(problem: Problem) -> Callable[[], Any]:
    circuit, x = _lightning(problem, None), problem.params.T.copy()
    return lambda: circuit(x)


def _gradients(problem: Problem) -> Callable[[], Any]:
    slopes = qml.grad(_lightning(problem, "autograd"))
    rows = [pnp.array(x, requires_grad=True) for x in problem.params]
    return lambda: [slopes(x) for x in rows]


def _noisy_value(problem: Problem) -> Callable[[], Any]:
    circuit, x = _node(problem, "default.mixed", "best", None), problem.params
    return lambda: circuit(x)


def _noisy_values(problem: Problem) -> Callable[[], Any]:
    circuit, x = _node(problem, "default.mixed", "best", None), problem.params.T.copy()
    return lambda: circuit(x)


def _noisy_gradient(problem: Problem) -> Callable[[], Any]:
    slopes, x = qml.grad(_node(problem, "default.mixed", "backprop", "autograd")), _traced(problem)
    return lambda: slopes(x)


def _hub(problem: Problem) -> Callable[[], Any]:
    circuit, x = _node(problem, "default.qubit", "best", None), problem.params
    return lambda: circuit(x)


def _photons(light: Light) -> Callable[[], Any] | str:
    if light.modes > 32:
        return "a call takes seconds"
    x = light.params

    @qml.qnode(qml.device("default.gaussian", wires=light.modes), interface=None)
    def circuit(x: Any) -> Any:
        for name, modes, slots in light.gates:
            getattr(qml, name)(*(x[k] for k in slots), wires=modes)
        return qml.expval(qml.NumberOperator(0))

    return lambda: circuit(x)


RUNS = {
    "value": {"lightning": _value},
    "gradient": {"lightning": _gradient},
    "value and gradient": {"lightning": _both},
    "values": {"lightning": _values, "default.qubit of PennyLane": _values_default},
    "gradients": {"lightning": _gradients, "default.qubit of PennyLane": _gradients_default},
    "hub": {"default.qubit of PennyLane": _hub},
    "noisy value": {"default.mixed of PennyLane": _noisy_value},
    "noisy values": {"default.mixed of PennyLane": _noisy_values},
    "noisy gradient": {"default.mixed of PennyLane": _noisy_gradient},
    "photons": {"default.gaussian of PennyLane": _photons},
}
