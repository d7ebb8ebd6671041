"""The rows of default.qubit: calls, forward runs, gradients, Hamiltonians, batches."""

from __future__ import annotations

from functools import partial

from benchmarks.circuits import Problem, four_gates, hea, qaoa, qft, ring, scattered, ucc
from benchmarks.comparison import FASTEST, Comparison, Goal, Part

RECORDED, STATIC, BARE = "hybridge", "hybridge static", "hybridge, the device alone"


def _both(*goals: tuple[str, float, float]) -> tuple[Goal, ...]:
    """The goals recorded at each call, then static: against a peer, floor and aim."""
    return tuple(Goal(peer, ours, floor, aim) for ours in (RECORDED, STATIC) for peer, floor, aim in goals)


CALL = Comparison(
    "call",
    "call of 4 gates, 2 qubits",
    (Part("value", four_gates),),
    (
        Goal("lightning", RECORDED, 40, 100),
        Goal("lightning", STATIC, 40, 100),
        Goal("qulacs", STATIC, 1, 3),
        Goal("qulacs built anew", RECORDED, 1, 3),
    ),
)
VALUE_AND_GRADIENT = Comparison(
    "gradient",
    "value and gradient, 4 qubits, 32 parameters",
    (Part("value and gradient", partial(hea, 4)),),
    _both(("lightning", 40, 90), ("qulacs", 1.5, 3)),
)
# qubits -> peer, floor and aim
FORWARD = {
    **{wires: ((FASTEST, 5, 10), ("lightning", 40, 56)) for wires in (4, 8, 10, 12)},
    16: ((FASTEST, 3, 5),),
    18: ((FASTEST, 1.7, 2.5),),
    20: ((FASTEST, 1.7, 2.5),),
    24: ((FASTEST, 3, 5),),
}
FAMILIES = {"QAOA": qaoa, "UCC": ucc, "QFT": qft, "random": scattered}
FAMILY_GOALS = {10: (FASTEST, 2, 4), 16: (FASTEST, 1.5, 3), 20: (FASTEST, 1.3, 2)}
GRADIENT = {
    **{wires: ((FASTEST, 8, 15), ("lightning", 30, 30)) for wires in (4, 8, 12)},
    16: (("lightning", 3.5, 7),),
    20: (("lightning", 4.5, 7),),
}


def _forward(name: str, problem: partial[Problem], goals: tuple[Goal, ...]) -> Comparison:
    return Comparison("forward", f"forward, {name}", (Part("value", problem),), goals)


def _gradient(wires: int) -> Comparison:
    problem = partial(hea, wires)
    shares = [Goal(ours, f"{ours}, one value", 4.5, 3.5, at_most=True) for ours in (RECORDED, STATIC)]
    parts = (Part("gradient", problem), Part("value", problem, ", one value", alone=True))
    return Comparison(
        "gradient", f"gradient, HEA, {wires} qubits", parts, (*_both(*GRADIENT[wires]), *shares)
    )


def _hamiltonian(wires: int) -> Comparison:
    several = Part("value", partial(hea, wires, terms=ring(wires)))
    one = Part("value", partial(hea, wires), ", <Z>", alone=True)
    goals = tuple(Goal(ours, f"{ours}, <Z>", 1.25, 1.1, at_most=True) for ours in (RECORDED, STATIC))
    work = f"forward, HEA, {wires} qubits, Hamiltonian of {2 * wires} terms over <Z>"
    return Comparison("hamiltonian", work, (several, one), goals)


def _batch(kind: str, floor: float, aim: float) -> Comparison:
    part = Part(kind, partial(hea, 8, batch=256))
    return Comparison("batch", f"256 {kind}, HEA, 8 qubits", (part,), _both((FASTEST, floor, aim)))


def _mapped(kind: str) -> Comparison:
    part = Part(kind, partial(hea, 8, batch=256), alone=True)
    goals = tuple(Goal(ours, BARE, 2, 1.5, at_most=True) for ours in (RECORDED, STATIC))
    return Comparison("batch", f"256 rows, {kind}, HEA, 8 qubits, over the device alone", (part,), goals)


ROWS = [
    CALL,
    VALUE_AND_GRADIENT,
    *(_forward(f"HEA, {w} qubits", partial(hea, w), _both(*goals)) for w, goals in FORWARD.items()),
    *(
        _forward(f"{name}, {wires} qubits", partial(family, wires), _both(goal))
        for name, family in FAMILIES.items()
        for wires, goal in FAMILY_GOALS.items()
    ),
    *(_gradient(wires) for wires in GRADIENT),
    *(_hamiltonian(wires) for wires in (8, 12, 16, 20)),
    _batch("values", 10, 18),
    _batch("gradients", 15, 26),
    _mapped("mapped values"),
    _mapped("mapped gradients"),
]
