"""The circuits in tensorcircuit-ng on jax: compiled once by jit, which is not timed, then called again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tensorcircuit as tc

from benchmarks.circuits import Gate, Problem

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")
tc.set_backend("jax")
tc.set_dtype("complex128")

VERSION = f"tensorcircuit-ng {tc.__version__}, jax {jax.__version__}"
# seconds of compilation for a gate, as measured: a problem beyond the patience of a run is left out
SECONDS = {"value": 0.05, "gradient": 0.2, "value and gradient": 0.2, "values": 0.05, "gradients": 0.2}
WIDEST = 12  # from there on it is behind by far, and compiles for minutes
NAMES = {"ControlledPhaseShift": "cphase", "IsingXX": "rxx", "IsingZZ": "rzz"}
PAULI = {"X": [[0, 1], [1, 0]], "Y": [[0, -1j], [1j, 0]], "Z": [[1, 0], [0, -1]]}


def _word(letters: str) -> np.ndarray:
    matrix = np.eye(1)
    for letter in letters:
        matrix = np.kron(matrix, PAULI[letter])
    return matrix


def _excitation(phi: Any, width: int) -> Any:
    low, high = (1, 2) if width == 2 else (3, 12)
    matrix = jnp.eye(2**width, dtype=complex)
    c, s = jnp.cos(phi / 2), jnp.sin(phi / 2)
    return matrix.at[low, low].set(c).at[low, high].set(-s).at[high, low].set(s).at[high, high].set(c)


def _apply(circuit: Any, gate: Gate, x: Any) -> None:
    if gate.name == "PauliRot":
        circuit.exp1(*gate.wires, unitary=_word(gate.word), theta=gate.theta(x) / 2)
    elif gate.name.endswith("Excitation"):
        circuit.any(*gate.wires, unitary=_excitation(gate.theta(x), len(gate.wires)))
    else:
        apply = getattr(circuit, NAMES.get(gate.name, gate.name.lower()))
        apply(*gate.wires, **({} if gate.theta(x) is None else {"theta": gate.theta(x)}))


def _function(problem: Problem) -> Callable[[Any], Any]:
    def value(x: Any) -> Any:
        circuit = tc.Circuit(problem.wires)
        for gate in problem.gates:
            _apply(circuit, gate, x)
        total = 0.0
        for term in problem.terms:
            places: dict[str, list[int]] = {"x": [], "y": [], "z": []}
            for letter, wire in zip(term.word, term.wires, strict=True):
                places[letter.lower()].append(wire)
            total += term.coefficient * jnp.real(circuit.expectation_ps(**places))
        return total

    return value


def _compiled(problem: Problem, wrap: Callable[[Any], Any]) -> Callable[[], Any] | str:
    if problem.wires > WIDEST:
        return f"far behind beyond {WIDEST} qubits"
    run, x = jax.jit(wrap(_function(problem))), jnp.array(problem.params)
    return lambda: jax.block_until_ready(run(x))


RUNS = {
    "value": {"tensorcircuit": lambda p: _compiled(p, lambda f: f)},
    "gradient": {"tensorcircuit": lambda p: _compiled(p, jax.grad)},
    "value and gradient": {"tensorcircuit": lambda p: _compiled(p, jax.value_and_grad)},
    "values": {"tensorcircuit": lambda p: _compiled(p, jax.vmap)},
    "gradients": {"tensorcircuit": lambda p: _compiled(p, lambda f: jax.vmap(jax.grad(f)))},
}
