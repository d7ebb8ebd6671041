"""The circuits in hybridge, through its public functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from operator import matmul
from typing import Any

import numpy as np

import hybridge as hb
from benchmarks.circuits import SHOTS, Problem, Term
from benchmarks.rows_samples import Ready
from hybridge import numpy as hnp
from hybridge.plugin import Capabilities

VERSION = f"hybridge {hb.__version__}"
BARE = "hybridge, the device alone"  # its rows prepared beforehand
PAULIS = {"X": hb.X, "Y": hb.Y, "Z": hb.Z}


class Idle(hb.Device):
    """Takes circuits and returns a state made beforehand: what a call costs with it is the hub's own."""

    capabilities = Capabilities("qubit", None, frozenset({"state"}))

    def run(self, tasks: Any) -> list[np.ndarray]:
        return [READY for _ in tasks]


READY = np.eye(1, 4, dtype=complex)


def node(problem: Problem, device: hb.Device | None = None, static: bool = False) -> hb.QNode:
    """The problem as a QNode of an array of parameters: (P,) or (P, batch)."""
    steps = []
    for gate in problem.gates:
        fixed = [*([] if gate.angle is None else [gate.angle]), *([gate.word] if gate.word else [])]
        steps.append((getattr(hb, gate.name), gate.slot, fixed, gate.wires))
    observable = _observable(problem.terms)

    def circuit(x: Any) -> Any:
        for apply, slot, fixed, wires in steps:
            if slot is None:
                apply(*fixed, wires=wires)
            else:
                apply(x[slot], *fixed, wires=wires)
        return hb.expval(observable)

    return hb.QNode(circuit, device or hb.device("default.qubit", wires=problem.wires), static=static)


def _observable(terms: tuple[Term, ...]) -> Any:
    words = [
        reduce(matmul, [PAULIS[letter](wire) for letter, wire in zip(term.word, term.wires, strict=True)])
        for term in terms
    ]
    coefficients = [term.coefficient for term in terms]
    return words[0] if coefficients == [1.0] else hb.Hamiltonian(coefficients, words)


def _value(problem: Problem, static: bool) -> Callable[[], Any]:
    circuit, x = node(problem, static=static), problem.params
    return lambda: circuit(x)


def _gradient(problem: Problem, static: bool) -> Callable[[], Any]:
    slopes, x = hb.grad(node(problem, static=static)), problem.params
    return lambda: slopes(x)


def _both(problem: Problem, static: bool) -> Callable[[], Any]:
    both, x = hb.value_and_grad(node(problem, static=static)), problem.params
    return lambda: both(x)


def _values(problem: Problem, static: bool) -> Callable[[], Any]:
    circuit, x = node(problem, static=static), problem.params.T.copy()
    return lambda: circuit(x)


def _gradients(problem: Problem, static: bool) -> Callable[[], Any]:
    circuit, x = node(problem, static=static), problem.params.T.copy()
    slopes = hb.grad(lambda x: hnp.sum(circuit(x)))
    return lambda: slopes(x).T


def _mapped(problem: Problem, static: bool) -> Callable[[], Any]:
    circuit, rows = node(problem, static=static), problem.params
    return lambda: circuit.map(rows)


def _mapped_gradients(problem: Problem, static: bool) -> Callable[[], Any]:
    circuit, rows = node(problem, static=static), problem.params
    both = hb.value_and_grad(lambda x: hnp.sum(circuit.map(x)))
    return lambda: both(rows)[1]


def _bare(problem: Problem) -> Callable[[], Any]:
    plan, rows = node(problem).plan(problem.params[0]), problem.params
    return lambda: plan.run_flat(rows, None)[:, 0]


def _bare_gradient(problem: Problem) -> Callable[[], Any]:
    plan, rows, one = node(problem).plan(problem.params), problem.params[None], np.ones((1, 1))
    return lambda: plan.value_and_vjp(rows, one)[1][0]


def _bare_gradients(problem: Problem) -> Callable[[], Any]:
    plan, rows = node(problem).plan(problem.params[0]), problem.params
    ones = np.ones((len(rows), 1))
    return lambda: plan.value_and_vjp(rows, ones)[1]


def _samples(ready: Ready, static: bool) -> Callable[[], Any]:
    return _drawn(ready, hb.sample, static)


def _counts(ready: Ready, static: bool) -> Callable[[], Any]:
    return _drawn(ready, hb.counts, static)


def _drawn(ready: Ready, measured: Callable[[], Any], static: bool) -> Callable[[], Any]:
    device = hb.device("default.qubit", wires=ready.wires, shots=ready.shots, seed=1)

    @hb.qnode(device, static=static)
    def circuit() -> Any:
        hb.StatePrep(ready.state, wires=range(ready.wires))
        return measured()

    return circuit


def _hub(problem: Problem) -> Callable[[], Any]:
    circuit, x = node(problem, Idle(wires=problem.wires)), problem.params
    return lambda: circuit(x)


def _mixed(problem: Problem, static: bool) -> hb.QNode:
    return node(problem, hb.device("default.mixed", wires=problem.wires), static)


def _noisy_value(problem: Problem, static: bool) -> Callable[[], Any]:
    circuit, x = _mixed(problem, static), problem.params
    return lambda: circuit(x)


def _noisy_values(problem: Problem, static: bool) -> Callable[[], Any]:
    circuit, x = _mixed(problem, static), problem.params.T.copy()
    return lambda: circuit(x)


def _noisy_gradient(problem: Problem, static: bool) -> Callable[[], Any]:
    slopes, x = hb.grad(_mixed(problem, static)), problem.params
    return lambda: slopes(x)


def _on_aer(problem: Problem, ask: Callable[[Any], Any], shots: int | None) -> Callable[[], Any] | str:
    try:
        device = hb.device("qiskit.aer", wires=problem.wires, shots=shots)
    except hb.MissingDependency as error:
        return str(error)
    asked, x = ask(node(problem, device)), problem.params
    return lambda: asked(x)


def _itself(circuit: hb.QNode) -> hb.QNode:
    return circuit


def twice(make: Callable[..., Callable[[], Any]]) -> dict[str, Callable[[Any], Callable[[], Any]]]:
    """Recorded at each call, and once."""
    return {"hybridge": partial(make, static=False), "hybridge static": partial(make, static=True)}


RUNS = {
    "value": twice(_value),
    "gradient": twice(_gradient),
    "value and gradient": twice(_both),
    "values": twice(_values),
    "gradients": twice(_gradients),
    "gradient of a node": {BARE: _bare_gradient},
    "mapped values": {**twice(_mapped), BARE: _bare},
    "mapped gradients": {**twice(_mapped_gradients), BARE: _bare_gradients},
    "samples": twice(_samples),
    "counts": twice(_counts),
    "hub": {"hybridge, the hub's own part": _hub},
    "gradient on Aer": {"hybridge": partial(_on_aer, ask=hb.grad, shots=None)},
    "sampled gradient on Aer": {"hybridge": partial(_on_aer, ask=hb.grad, shots=SHOTS)},
    "value on Aer": {"hybridge": partial(_on_aer, ask=_itself, shots=None)},
    "noisy value": twice(_noisy_value),
    "noisy values": twice(_noisy_values),
    "noisy gradient": twice(_noisy_gradient),
}
