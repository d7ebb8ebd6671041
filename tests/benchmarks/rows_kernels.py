"""The kernels of default.qubit by themselves: cycles per amplitude for every bit a gate may act on.

One gate is compiled, and its record repeated in the program, so that nothing is fused and the call around it
does not count. A cycle is a quarter of an integer multiplication (3) and an exclusive or (1) that wait for
those before, on x86 processors since 2011; it is timed in turn with the kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numba import njit

import hybridge as hb
from benchmarks.comparison import Found, Line, Settings
from benchmarks.timing import Effort, interleaved
from hybridge.plugin import Task
from hybridge_default.qubit_layout import NUM_GATES, NUM_OUTER, NUM_RUNS, PER_GATE, SWEEP, SWEEPS_AT

WIRES = 12  # 64 KiB of amplitudes
REPEATS = 256
STEPS, LATENCY = 100_000, 4
GENERIC, ADJOINT = "generic 1-qubit", "generic 1-qubit, undone on two states with its derivative"


@njit
def _chain(number: int) -> int:
    state = number
    for _ in range(STEPS):
        state = (state * number) ^ 5
    return state


class Kernel(NamedTuple):
    """The gate on a wire, of a parameter; the others it needs are the wires after it, in a ring."""

    gate: Callable[[Any, int], Any]
    goal: tuple[float, float] | None = None
    backward: bool = False


def _next(wire: int, count: int) -> list[int]:
    return [(wire + k) % WIRES for k in range(count)]


KERNELS = {
    GENERIC: Kernel(lambda x, w: hb.Rot(x, 0.2, x, wires=w), (1.3, 1.1)),
    "real 1-qubit (RY)": Kernel(lambda x, w: hb.RY(x, wires=w)),
    "diagonal (RZ)": Kernel(lambda x, w: hb.RZ(x, wires=w)),
    "CNOT, this its target": Kernel(lambda x, w: hb.CNOT(wires=_next(w, 2)[::-1])),
    "controlled RX, this its target": Kernel(lambda x, w: hb.CRX(x, wires=_next(w, 2)[::-1])),
    "2-qubit (IsingXY)": Kernel(lambda x, w: hb.IsingXY(x, wires=_next(w, 2))),
    "2-qubit unitary": Kernel(lambda x, w: hb.QubitUnitary(UNITARY, wires=_next(w, 2))),
    "Pauli rotation XYZ": Kernel(lambda x, w: hb.PauliRot(x, "XYZ", wires=_next(w, 3))),
    ADJOINT: Kernel(lambda x, w: hb.Rot(x, 0.2, x, wires=w), backward=True),
}
UNITARY = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)) + 0j)[0]


def repeated(program: Any, times: int) -> Any:
    """The program of one sweep with its gates so many times over."""
    ints = program.ints
    sweep = int(ints[ints[SWEEPS_AT]])
    count, begin = (
        ints[sweep + NUM_GATES],
        sweep + len(SWEEP) + ints[sweep + NUM_OUTER] + ints[sweep + NUM_RUNS],
    )
    head, gates = ints[sweep:begin].copy(), ints[begin : begin + PER_GATE * count]
    head[NUM_GATES] = times * count
    made = np.concatenate([ints, [len(ints) + 1], head, np.tile(gates, times)])
    made[SWEEPS_AT] = len(ints)
    return program._replace(ints=made)


def _works(kernel: Kernel, bit: int) -> dict[str, Callable[[], Any]]:
    """The program with the gate on this bit, and with its derivative where that is asked for."""
    device = hb.device("default.qubit", wires=WIRES)
    wire = WIRES - 1 - bit

    def circuit(x: Any) -> Any:
        kernel.gate(x, wire)
        return hb.expval(hb.Z(0))

    plan = hb.QNode(circuit, device).plan(0.3)
    rows = np.full((1, plan.lowered[0].num_slots), 0.3)
    task = Task(repeated(plan.programs[0], REPEATS), rows)
    found: dict[str, Callable[[], Any]] = {"forward": partial(device.run, [task])}
    if kernel.backward:
        found["backward"] = partial(device.vjp, task, np.ones((1, 1)))
    return found


class Cycles(NamedTuple):
    """Cycles per amplitude of each kernel on each bit, as a table of their own and the mean of the first."""

    group: str = "kernels"
    work: str = "kernels, cycles per amplitude"
    bits: int = WIRES

    def measure(self, settings: Settings) -> Found:
        effort = Effort(min(settings.effort.rounds, 5), min(settings.effort.share, 0.005))
        cycles: dict[str, list[float]] = {}
        timings, lines = {}, []
        for name, kernel in KERNELS.items():
            cycles[name] = []
            for bit in range(self.bits):
                works = {**_works(kernel, bit), "chain": partial(_chain, 3)}
                found = interleaved(works, effort)
                timings[f"{name}, bit {bit}"] = found["backward" if kernel.backward else "forward"]
                seconds = timings[f"{name}, bit {bit}"].seconds
                seconds -= found["forward"].seconds if kernel.backward else 0
                cycle = found["chain"].seconds / STEPS / LATENCY
                cycles[name].append(seconds / cycle / REPEATS / 2**WIRES)
            if kernel.goal:
                worst = int(np.argmax(cycles[name]))
                spread = timings[f"{name}, bit {worst}"].spread
                peer, count = f"cycles per amplitude, worst at bit {worst}", cycles[name][worst]
                ours_s = timings[f"{name}, bit {worst}"].seconds
                lines.append(
                    Line(self.group, self.work, name, peer, count, spread, *kernel.goal, True, ours_s, None)
                )
        return Found(lines, timings, {}, cycles)


ROWS = [Cycles()]
