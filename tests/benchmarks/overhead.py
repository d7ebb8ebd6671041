"""What hybridge costs beside what it drives: a call, a gradient on Aer, the import.

`make bench` runs this in an environment with PennyLane and writes build/bench.json. No figure is asserted: a
shared machine is too noisy for that; a ratio below its floor is marked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))
from timing import Timing, interleaved

import hybridge as hb
from hybridge.plugin import Capabilities


class Line(NamedTuple):
    """One comparison: `ratio` is how many times less ours takes than the peer's, to be at least `floor`."""

    work: str
    peer: str
    ours: Timing
    theirs: Timing
    floor: float
    aim: float

    @property
    def ratio(self) -> float:
        return self.theirs.seconds / self.ours.seconds


class Idle(hb.Device):
    """Takes circuits and returns a state made beforehand: what a call costs with it is the hub's own."""

    capabilities = Capabilities("qubit", None, frozenset({"state"}))

    def run(self, tasks: Any) -> list[np.ndarray]:
        return [READY for _ in tasks]


READY = np.eye(1, 4, dtype=complex)


def four_gates(a: float, b: float, c: float) -> Any:
    hb.RX(a, wires=0)
    hb.RY(b, wires=1)
    hb.CNOT(wires=[0, 1])
    hb.RZ(c, wires=1)
    return hb.expval(hb.Z(0))


def calls() -> tuple[list[Line], float]:
    """A recorded call of four gates beside PennyLane's, and the hub's own part of it in microseconds."""
    whole = hb.QNode(four_gates, hb.device("default.qubit", wires=2))
    hub = hb.QNode(four_gates, Idle(wires=2))
    works: dict[str, Callable[[], object]] = {
        "ours": lambda: whole(0.1, 0.2, 0.3),
        "hub": lambda: hub(0.1, 0.2, 0.3),
    }
    try:
        import pennylane as qml
    except ImportError:
        print("PennyLane is not installed: its lines are left out")
        return [], interleaved(works)["hub"].seconds * 1e6

    @qml.qnode(qml.device("default.qubit", wires=2), interface=None)
    def theirs(a: float, b: float, c: float) -> Any:
        qml.RX(a, wires=0)
        qml.RY(b, wires=1)
        qml.CNOT(wires=[0, 1])
        qml.RZ(c, wires=1)
        return qml.expval(qml.PauliZ(0))

    works["theirs"] = lambda: theirs(0.1, 0.2, 0.3)
    assert abs(theirs(0.1, 0.2, 0.3) - whole(0.1, 0.2, 0.3)) < 1e-12
    found = interleaved(works)
    name = f"PennyLane {qml.__version__} default.qubit, whole call"
    return [
        Line("4-gate call, the hub's own part", name, found["hub"], found["theirs"], 20, 40),
        Line("4-gate call, default.qubit included", name, found["ours"], found["theirs"], 5, 20),
    ], found["hub"].seconds * 1e6


def aer_gradient() -> list[Line]:
    """All 16 derivatives of a 4-qubit circuit on Aer, exact, beside the hand-written parameter_binds job."""
    try:
        from qiskit import QuantumCircuit
        from qiskit.circuit import ParameterVector
        from qiskit.quantum_info import SparsePauliOp
        from qiskit_aer import AerSimulator
    except ImportError:
        print("Qiskit Aer is not installed: its line is left out")
        return []
    wires, layers = 4, 2
    x = np.random.default_rng(0).uniform(0, 1, 2 * wires * layers)

    @hb.qnode(hb.device("qiskit.aer", wires=wires))
    def circuit(x: Any) -> Any:
        k = 0
        for _ in range(layers):
            for w in range(wires):
                hb.RY(x[k], wires=w)
                hb.RZ(x[k + 1], wires=w)
                k += 2
            for w in range(wires):
                hb.CNOT(wires=[w, (w + 1) % wires])
        return hb.expval(hb.Z(0))

    p = ParameterVector("p", len(x))
    template = QuantumCircuit(wires)
    k = 0
    for _ in range(layers):
        for w in range(wires):
            template.ry(p[k], w)
            template.rz(p[k + 1], w)
            k += 2
        for w in range(wires):
            template.cx(w, (w + 1) % wires)
    template.save_expectation_value(SparsePauliOp("I" * (wires - 1) + "Z"), range(wires))
    simulator = AerSimulator(method="statevector", max_parallel_threads=1)

    def by_hand() -> np.ndarray:
        shifted = np.repeat(x[None], 2 * len(x), 0)
        shifted[np.arange(0, 2 * len(x), 2), np.arange(len(x))] += np.pi / 2
        shifted[np.arange(1, 2 * len(x), 2), np.arange(len(x))] -= np.pi / 2
        binds = {p[i]: shifted[:, i].tolist() for i in range(len(x))}
        result = simulator.run(template, parameter_binds=[binds], shots=1).result()
        values = np.array([r.data.expectation_value for r in result.results])
        return (values[0::2] - values[1::2]) / 2

    slopes = hb.grad(circuit)
    assert np.allclose(slopes(x), by_hand(), atol=1e-10)
    plan = circuit.plan(x)
    rule = plan.rule(tuple(range(len(x))), "best", None)
    shifted_rows = x + rule.shifts
    works = {
        "ours": lambda: rule.weights.T @ plan.run(shifted_rows, None)[0],
        "whole": lambda: slopes(x),
        "theirs": by_hand,
    }
    found = interleaved(works, budget=0.3)
    peer = "hand-written parameter_binds job"
    return [
        Line("16-parameter gradient on qiskit.aer, the job", peer, found["ours"], found["theirs"], 0.5, 0.9),
        Line(
            "16-parameter hb.grad, value and autograd included",
            peer,
            found["whole"],
            found["theirs"],
            0.5,
            0.8,
        ),
    ]


def imports(rounds: int = 7) -> Line:
    """`import hybridge` beside `import autograd.numpy`, each in a new process."""
    script = "import time, {0}; print(time.process_time())"
    # compiled code is kept, as it is for every user, even where the environment says not to write any
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": tempfile.mkdtemp()}
    samples: dict[str, list[float]] = {"hybridge": [], "autograd.numpy": []}
    for _ in range(1 + rounds):
        for module, times in samples.items():
            command = [sys.executable, "-c", script.format(module)]
            done = subprocess.run(command, capture_output=True, check=True, env=environment)
            times.append(float(done.stdout))
    warm = [times[1:] for times in samples.values()]  # the first round compiled
    ours, theirs = (Timing(min(t), (max(t) - min(t)) / min(t)) for t in warm)
    return Line("import hybridge", "import autograd.numpy", ours, theirs, 0.5, 0.7)


def main() -> None:
    lines, hub = calls()
    lines += aer_gradient()
    lines.append(imports())
    table = Table(
        title="ratios, one thread, process CPU time, median of interleaved rounds", title_justify="left"
    )
    for column in ("work", "ours", "peer", "theirs", "spread", "ratio", "floor", "aim"):
        table.add_column(column)
    for line in lines:
        short = "" if line.ratio >= line.floor else " BELOW"
        table.add_row(
            line.work,
            f"{line.ours.seconds * 1e6:.4g} us",
            line.peer,
            f"{line.theirs.seconds * 1e6:.4g} us",
            f"{max(line.ours.spread, line.theirs.spread):.0%}",
            f"{line.ratio:.3g}{short}",
            f"{line.floor:g}",
            f"{line.aim:g}",
        )
    Console(width=160).print(table)
    print(f"the hub's own part of a recorded 4-gate call: {hub:.1f} us (goal: under 20 us)")
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "build/bench.json")
    out.parent.mkdir(exist_ok=True)
    rows = [
        {
            "work": line.work,
            "peer": line.peer,
            "ours_s": line.ours.seconds,
            "peer_s": line.theirs.seconds,
            "ratio": line.ratio,
            "spread": max(line.ours.spread, line.theirs.spread),
            "floor": line.floor,
            "aim": line.aim,
        }
        for line in lines
    ]
    out.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"written to {out}")


if __name__ == "__main__":
    main()
