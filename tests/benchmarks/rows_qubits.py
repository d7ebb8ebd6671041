"""The rows of default.qubit: calls, forward runs, gradients, Hamiltonians, batches."""

from __future__ import annotations

from functools import partial

from benchmarks.circuits import Problem, four_gates, hea, qaoa, qft, ring, scattered, ucc
from benchmarks.comparison import FASTEST, Comparison, Goal, Part

RECORDED, STATIC = "hybridge", "hybridge static"


def _goals(fastest: tuple[float, float], lightning: tuple[float, float] | None) -> tuple[Goal, ...]:
    """Recorded and static, against the fastest peer and, where the goal names it, lightning."""
    against = {FASTEST: fastest, **({"lightning": lightning} if lightning else {})}
    return tuple(Goal(peer, ours, *goal) for ours in (RECORDED, STATIC) for peer, goal in against.items())


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
    tuple(
        Goal(peer, ours, *goal)
        for ours in (RECORDED, STATIC)
        for peer, goal in {"lightning": (40, 90), "qulacs": (1.5, 3)}.items()
    ),
)
# qubits -> floor and aim against the fastest peer, and against lightning
FORWARD = {
    **{wires: ((5, 10), (40, 56)) for wires in (4, 8, 10, 12)},
    16: ((3, 5), None),
    18: ((1.7, 2.5), None),
    20: ((1.7, 2.5), None),
    24: ((3, 5), None),
}
FAMILIES = {"QAOA": qaoa, "UCC": ucc, "QFT": qft, "random": scattered}
FAMILY_GOALS = {10: (2, 4), 16: (1.5, 3), 20: (1.3, 2)}
GRADIENT = {
    **{wires: ((FASTEST, 8, 15), ("lightning", 30, 30)) for wires in (4, 8, 12)},
    16: (("lightning", 3.5, 7),),
    20: (("lightning", 4.5, 7),),
}


def _forward(name: str, problem: partial[Problem], goals: tuple[Goal, ...]) -> Comparison:
    return Comparison("forward", f"forward, {name}", (Part("value", problem),), goals)


def _gradient(wires: int) -> Comparison:
    problem = partial(hea, wires)
    goals = [Goal(peer, RECORDED, floor, aim) for peer, floor, aim in GRADIENT[wires]]
    goals.append(Goal(RECORDED, "hybridge, one value", 4.5, 3.5, at_most=True))
    parts = (Part("gradient", problem), Part("value", problem, ", one value", alone=True))
    return Comparison("gradient", f"gradient, HEA, {wires} qubits", parts, tuple(goals))


def _hamiltonian(wires: int) -> Comparison:
    several = Part("value", partial(hea, wires, terms=ring(wires)))
    one = Part("value", partial(hea, wires), ", <Z>", alone=True)
    goal = Goal(RECORDED, "hybridge, <Z>", 1.25, 1.1, at_most=True)
    return Comparison(
        "hamiltonian", f"forward, HEA, Hamiltonian of {2 * wires} terms", (several, one), (goal,)
    )


def _batch(kind: str, floor: float, aim: float) -> Comparison:
    work = f"256 {kind}, HEA, 8 qubits"
    return Comparison(
        "batch", work, (Part(kind, partial(hea, 8, batch=256)),), (Goal(FASTEST, RECORDED, floor, aim),)
    )


ROWS = [
    CALL,
    VALUE_AND_GRADIENT,
    *(_forward(f"HEA, {w} qubits", partial(hea, w), _goals(*goals)) for w, goals in FORWARD.items()),
    *(
        _forward(f"{name}, {wires} qubits", partial(family, wires), (Goal(FASTEST, RECORDED, *goal),))
        for name, family in FAMILIES.items()
        for wires, goal in FAMILY_GOALS.items()
    ),
    *(_gradient(wires) for wires in GRADIENT),
    *(_hamiltonian(wires) for wires in (8, 12, 16, 20)),
    _batch("values", 10, 18),
    _batch("gradients", 15, 26),
]
