"""The rows of what is hybridge's own beside a device: a call, a gradient on Qiskit Aer."""

from __future__ import annotations

from functools import partial

from benchmarks.circuits import four_gates, hea
from benchmarks.comparison import Comparison, Goal, Part, anything

ROWS = [
    Comparison(
        "hub",
        "call of 4 gates, on a device that does nothing",
        (Part("hub", four_gates, agree=anything),),
        (Goal("default.qubit of PennyLane", "hybridge, the hub's own part", 20, 40),),
    ),
    Comparison(
        "hub",
        "gradient on Qiskit Aer, 4 qubits, 16 parameters",
        (Part("gradient on Aer", partial(hea, 4, layers=2)),),
        (Goal("Aer by hand", "hybridge", 0.5, 0.8),),
    ),
]
