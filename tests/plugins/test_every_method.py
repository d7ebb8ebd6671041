"""The whole table of operations, differentiated by every method on every device that can: all agree.

All agree to 1e-8, differences of order 8 included, whose own error is below 1e-10. Nothing is drawn: the
directions of SPSA are a complete set.
"""

from collections import Counter
from functools import cache
from importlib.util import find_spec
from itertools import islice
from typing import NamedTuple

import numpy as np
import pytest
from every_method import WAYS, assert_agree, assert_alive, every_method

import hybridge as hb
from hybridge.conformance.qubit_circuits import prepare, scramble
from hybridge.conformance.qubit_derivatives import VARIED
from hybridge.conformance.rows import PLACEMENTS, Example
from hybridge.operations.spectrum import Trig

EXACT = 1e-8

# ---- qubits -------------------------------------------------------------------------------------------

WIRES = 4
DERIVED = [
    Example(repr(row), row, numbers)
    for row, numbers in (
        (hb.adjoint(hb.U3), (0.4, -1.2, 0.7)),
        (hb.adjoint(hb.SingleExcitation), (0.9,)),
        (hb.pow(hb.CRX, -0.7), (1.3,)),
        (hb.pow(hb.U2, 2), (0.5, 1.1)),
    )
]
TURNED = [  # under control, and time evolution: made inside a circuit
    ("ctrl(Rot)", lambda x: hb.ctrl(hb.Rot, control=3, control_values=[0])(*x, wires=1), (0.8, -0.5, 1.4)),
    ("ctrl(PhaseShift)", lambda x: hb.ctrl(hb.PhaseShift, control=[2, 0])(*x, wires=3), (1.1,)),
    ("ctrl(MultiRZ)", lambda x: hb.ctrl(hb.MultiRZ, control=0)(*x, wires=[3, 1, 2]), (-0.9,)),
    ("evolve", lambda x: hb.evolve(hb.X(0) @ hb.Y(1) + 0.3 * hb.Z(1) - 0.8 * hb.Z(2), *x), (0.7,)),
    ("evolve of words that commute", lambda x: hb.evolve(hb.X(0) @ hb.X(1) + 0.4 * hb.X(3), *x), (-0.6,)),
    ("wide rotation", lambda x: hb.PauliRot(*x, "XYZX", wires=[3, 1, 0, 2]), (1.2,)),
]


class Gate(NamedTuple):
    """Something with numbers to apply; `alive`: whether anything can depend on them."""

    name: str
    apply: object
    numbers: tuple[float, ...]
    alive: bool


def placed(example):
    wires = PLACEMENTS[1](example.operation.num_wires, WIRES)
    return Gate(
        str(example),
        lambda x: example.operation(*x, wires=wires),
        example.numbers,
        all(spectrum != Trig() for spectrum in example.operation.spectrum),
    )


GATES = [placed(e) for e in (*VARIED, *DERIVED)] + [Gate(*t, True) for t in TURNED]
PER_CIRCUIT = 5
CHAINS = [GATES[i : i + PER_CIRCUIT] for i in range(0, len(GATES), PER_CIRCUIT)]


def _hermitian(size):
    rng = np.random.default_rng(size)
    a = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return (a + a.conj().T) / size


LINEAR = {
    "word": lambda: hb.expval(hb.Z(0) @ hb.X(1) @ hb.Y(3)),
    "sum": lambda: hb.expval(0.3 * hb.X(0) + hb.Z(2) @ hb.Y(0) - 0.7 * hb.Z(3) + 0.2 * hb.I(1)),
    "Hermitian": lambda: hb.expval(hb.Hermitian(_hermitian(4), wires=[3, 1])),
    "projector": lambda: hb.expval(hb.Projector([0, 1], wires=[2, 0])),
    "probs": lambda: hb.probs(wires=[3, 0, 1]),
}
QUADRATIC = {
    "var of a word": lambda: hb.var(hb.Z(0) @ hb.X(1)),
    "var of a sum": lambda: hb.var(hb.Z(0) @ hb.Y(3) + 0.5 * hb.X(1) - 0.4 * hb.Z(3)),
    "var of a matrix": lambda: hb.var(hb.Hermitian(_hermitian(2), wires=2)),
}
TURNED_BASIS = {"probs of a word": lambda: hb.probs(op=hb.X(1) @ hb.Y(2))}
MEASURED = {"linear": LINEAR, "quadratic": QUADRATIC, "in another basis": TURNED_BASIS}


def chained(gates, measures):
    """A circuit function of all numbers of these gates, on a state without symmetry, and the numbers."""

    def circuit(x):
        prepare(range(WIRES))
        rest = iter(x)
        for gate in gates:
            gate.apply(list(islice(rest, len(gate.numbers))))
            hb.CNOT([0, 2])
            hb.RY(0.3, wires=1)
        scramble(range(WIRES))
        return [measure() for measure in measures.values()]

    names = [f"{gate.name} {k}" for gate in gates for k in range(len(gate.numbers))]
    alive = [gate.alive for gate in gates for _ in gate.numbers]
    return circuit, np.array([v for gate in gates for v in gate.numbers]), names, alive


QUBITS = {  # device: its SDK, and the methods that it must have for what is linear in the state
    "default.qubit": ("hybridge_default", set(WAYS)),
    "default.mixed": ("hybridge_default", set(WAYS)),
    "qiskit.aer": ("qiskit_aer", set(WAYS) - {"adjoint"}),
    "forest.numpy": ("pyquil", set(WAYS) - {"adjoint"}),
}
QUBIT_DEVICES = [name for name, (sdk, _) in QUBITS.items() if find_spec(sdk)]
WITHOUT = {  # kind of measurement: methods that have none, beside a device's own
    "linear": set(),
    "quadratic": {"hadamard", "hadamard direct"},
    "in another basis": {"adjoint"},  # a device turns no basis by itself
}


@cache
def qubit_device(name):
    return hb.device(name, wires=WIRES + 1)


@pytest.mark.parametrize("device", QUBIT_DEVICES)
@pytest.mark.parametrize("kind", MEASURED)
def test_every_method_on_every_row_of_qubits(device, kind):
    claimed, refused = Counter(), Counter()
    for gates in CHAINS:
        circuit, x, names, alive = chained(gates, MEASURED[kind])
        found = every_method(circuit, qubit_device(device), x)
        assert_agree(found, EXACT, names)
        assert_alive(found, alive, names, EXACT)
        claimed.update({way: x.size for way in found.jacobians})
        refused.update({way: x.size for way in found.refused})
    numbers = sum(len(gate.numbers) for gate in GATES)
    can = QUBITS[device][1] - WITHOUT[kind]
    assert numbers > 60 and claimed == dict.fromkeys(can, numbers)
    assert refused == dict.fromkeys(set(WAYS) - can, numbers)


SAMPLED = ("parameter-shift", "hadamard", "hadamard direct", "finite-diff")
SHOTS = 4000


@pytest.mark.parametrize("device", QUBIT_DEVICES)
def test_methods_with_shots(device):
    """Each within 5 standard errors: of weights w and values within +-1, sqrt(sum w^2 / shots)."""
    measures = {"word": LINEAR["word"], "probs": lambda: hb.probs(wires=[3, 0])}
    circuit, x, _, _ = chained(GATES[:4] + GATES[8:9], measures)
    exact = every_method(circuit, qubit_device(device), x, ["parameter-shift"]).jacobians["parameter-shift"]
    sampled = hb.device(device, wires=WIRES + 1, shots=SHOTS, seed=11)
    for name in SAMPLED:
        way = WAYS[name](x.size)
        options = {} if name == "finite-diff" else way.options  # the step that suits the shots
        node = hb.QNode(circuit, sampled, way.method, gradient_kwargs=options)
        found = np.concatenate([np.reshape(part, (-1, x.size)) for part in hb.jacobian(node)(x)])
        plan = node.plan(x)
        parts = plan.rule(tuple(range(plan.num_slots)), node.method, SHOTS)
        squares = [np.sum(p.weights**2, axis=0).reshape(plan.num_slots, -1).max(axis=1) for p in parts]
        bias = 0.05 if name == "finite-diff" else 0.0  # h^2 / 6, h = 0.32, of a third derivative below 2
        error = 5 * np.sqrt(np.max(sum(squares)) / SHOTS) + bias
        assert 0 < np.abs(found - exact).max() < error < 0.45, name
