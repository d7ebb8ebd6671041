"""The rows of what is hybridge's own beside a device: a call, array libraries, a gradient on Qiskit Aer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from benchmarks.circuits import SHOTS, four_gates, hea
from benchmarks.comparison import Comparison, Goal, Part, anything

BARE = "hybridge, the device alone"
TORCH = ("hybridge, torch", "hybridge static, torch")
JAX = ("hybridge, jax.jit", "hybridge static, jax.jit")


def within_noise(results: Mapping[str, Any]) -> None:
    """Derivatives from shots differ by less than six standard errors, each at most 1 / sqrt(2 SHOTS)."""
    first, *others = (np.asarray(values) for values in results.values())
    assert all(np.abs(values - first).max() < 6 / np.sqrt(SHOTS) for values in others)


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
        (Goal("hybridge", "Aer by hand", 1.5, 1.0, at_most=True),),
    ),
    Comparison(
        "hub",
        "gradient from 1000 shots on Qiskit Aer, 4 qubits, 16 parameters",
        (Part("sampled gradient on Aer", partial(hea, 4, layers=2), agree=within_noise),),
        (Goal("hybridge", "Aer by hand", 1.3, 1.0, at_most=True),),
    ),
    Comparison(
        "hub",
        "value on Qiskit Aer, 4 qubits, 16 parameters",
        (Part("value on Aer", partial(hea, 4, layers=2)),),
        tuple(Goal("hybridge", by, 1.5, 1.2, at_most=True) for by in ("Aer by hand", "Aer, bound before")),
    ),
]
