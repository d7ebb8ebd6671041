"""The rows of what is hybridge's own beside a device: a call, array libraries, a gradient on Qiskit Aer."""

from __future__ import annotations

from functools import partial

from benchmarks.circuits import four_gates, hea
from benchmarks.comparison import Comparison, Goal, Part, anything

BARE = "hybridge, the device alone"
TORCH = ("hybridge, torch", "hybridge static, torch")
JAX = ("hybridge, jax.jit", "hybridge static, jax.jit")

ROWS = [
    Comparison(
        "hub",
        "call of 4 gates, on a device that does nothing",
        (Part("hub", four_gates, agree=anything),),
        (Goal("default.qubit of PennyLane", "hybridge, the hub's own part", 20, 40),),
    ),
    Comparison(
        "hub",
        "gradient of a node in array libraries, 4 qubits, 32 parameters",
        (Part("gradient of a node", partial(hea, 4)),),
        (
            *(Goal(ours, BARE, 100, 75, at_most=True, difference=True) for ours in TORCH),
            *(Goal(ours, BARE, 150, 75, at_most=True, difference=True) for ours in JAX),
        ),
    ),
    Comparison(
        "hub",
        "gradient of 256 rows in array libraries, 8 qubits",
        (Part("mapped gradients", partial(hea, 8, batch=256)),),
        tuple(Goal(ours, BARE, 2, 1.5, at_most=True) for ours in (*TORCH, *JAX)),
    ),
    Comparison(
        "hub",
        "gradient on Qiskit Aer, 4 qubits, 16 parameters",
        (Part("gradient on Aer", partial(hea, 4, layers=2)),),
        (Goal("Aer by hand", "hybridge", 0.5, 0.8),),
    ),
]
