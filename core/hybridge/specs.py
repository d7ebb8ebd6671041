"""What a circuit costs: its operations, its depth, and the circuits of one gradient."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hybridge.circuit import Circuit
from hybridge.errors import CircuitError
from hybridge.execution import Plan
from hybridge.gradient_plan import plan_of
from hybridge.gradients.method import Method
from hybridge.interfaces.choose import values_of
from hybridge.interfaces.rows import as_rows
from hybridge.listing import aligned
from hybridge.qnode import QNode

LEVELS = ("user", "device")
WORDS = {
    "parameter-shift": "shift rule",
    "finite-diff": "finite differences",
    "hadamard": "Hadamard tests",
    "spsa": "random directions",
}


@dataclass(frozen=True, repr=False)
class Specs:
    """What `specs` returns; it prints as a table.

    At level "device" operations and parameters are those of all programs together, depth is that of the
    deepest.

    device, shots, diff_method   the QNode's; shots None for exact results
    level                        "user" (the circuit as written) or "device" (the programs it becomes)
    programs                     how many circuits the device runs for one set of numbers
    num_wires                    of the device, or of the circuit where the device has none given
    num_operations               without Barrier and Snapshot
    by_name, by_num_wires        how many operations of each name, and on each number of wires
    depth                        the longest chain of operations that share wires
    num_parameters               numbers the operations take
    measurements                 in words
    gradient_circuits            programs times parameter points of one gradient in all parameters, its value
                                 included; None where there is no exact rule
    gradient_jobs                runs of the device for them: 1 by a rule, 2 with its own derivatives; None
                                 likewise
    gradient_method              "device" (its own derivatives), "shift rule", "Hadamard tests", "finite
                                 differences" or "random directions"; where there is no rule, why
    """

    device: str
    shots: int | None
    diff_method: str | None
    level: str
    programs: int
    num_wires: int
    num_operations: int
    by_name: dict[str, int] = field(hash=False)
    by_num_wires: dict[int, int] = field(hash=False)
    depth: int
    num_parameters: int
    measurements: tuple[str, ...]
    gradient_circuits: int | None
    gradient_jobs: int | None
    gradient_method: str

    def __repr__(self) -> str:
        return aligned(self._lines())

    def _lines(self) -> Iterator[tuple[str, str]]:
        yield "device", self.device
        yield "shots", "exact" if self.shots is None else str(self.shots)
        yield "level", self.level
        if self.level == "device":
            yield "programs", str(self.programs)
        yield "wires", str(self.num_wires)
        yield "operations", str(self.num_operations)
        for name, count in self.by_name.items():
            yield f"  {name}", str(count)
        for size, count in self.by_num_wires.items():
            yield f"  on {size} wire{'' if size == 1 else 's'}", str(count)
        yield "depth", str(self.depth)
        yield "parameters", str(self.num_parameters)
        yield "measurements", ", ".join(self.measurements)
        yield "diff_method", str(self.diff_method)
        if self.gradient_circuits is None:
            yield "gradient", self.gradient_method
        else:
            counted = f"circuits: {self.gradient_circuits}, jobs: {self.gradient_jobs}"
            yield "gradient", f"{counted}, by {self.gradient_method}"


def specs(qnode: QNode, level: str = "user") -> Callable[..., Specs]:
    """A function of the qnode's arguments that returns the Specs of its circuit; no job is run.

    `level` "user" counts the circuit as written, "device" what the device is given for it. Raises
    CircuitError for another level, UnsupportedCircuit for a circuit that the device cannot run.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=2))
    ... def circuit(x):
    ...     hb.RX(x, wires=0)
    ...     hb.CNOT([0, 1])
    ...     return hb.expval(hb.Z(1))
    >>> found = hb.specs(circuit)(0.3)
    >>> found.num_operations, found.depth, found.by_name
    (2, 2, {'CNOT': 1, 'RX': 1})
    >>> found.gradient_circuits, found.gradient_jobs, found.gradient_method
    (2, 2, 'device')
    """
    if not isinstance(qnode, QNode):
        raise CircuitError(f"specs takes a QNode, a function decorated with @hb.qnode; got {qnode!r}")
    if level not in LEVELS:
        raise CircuitError(f"specs has no level {level!r}; choose from {', '.join(map(repr, LEVELS))}")

    @functools.wraps(qnode.function)
    def counted(*args: Any, **kwargs: Any) -> Specs:
        written = qnode.circuit(*args, **kwargs)
        plan = qnode.plan(*args, **kwargs)
        batch = len(as_rows(values_of(qnode.record(*args, **kwargs).numbers))[0])
        circuits = [written] if level == "user" else plan.lowered
        done = [(row, wires) for c in circuits for row, wires in c.instructions if row.kind != "marker"]
        rows_run, jobs, method = _gradient(plan, qnode.method, qnode.shots, batch)
        return Specs(
            device=qnode.device.name,
            shots=qnode.shots,
            diff_method=qnode.diff_method,
            level=level,
            programs=len(plan.programs),
            num_wires=len(written.wires),
            num_operations=len(done),
            by_name=dict(sorted(Counter(row.name for row, _ in done).items())),
            by_num_wires=dict(sorted(Counter(len(wires) for _, wires in done).items())),
            depth=max(map(_depth, circuits)),
            num_parameters=sum(c.num_slots for c in circuits),
            measurements=tuple(repr(m) for c in circuits for m in c.measurements),
            gradient_circuits=rows_run,
            gradient_jobs=jobs,
            gradient_method=method,
        )

    return counted


def _depth(circuit: Circuit) -> int:
    reached: dict[Hashable, int] = {}
    for operation, wires in circuit.instructions:
        if operation.kind != "marker":
            reached.update(dict.fromkeys(wires, 1 + max((reached.get(w, 0) for w in wires), default=0)))
    return max(reached.values(), default=0)


def _gradient(
    plan: Plan, method: Method, shots: int | None, batch: int
) -> tuple[int | None, int | None, str]:
    """Circuits, jobs and method of the value and its derivatives in all parameters, at `batch` points."""
    if not plan.num_slots:
        return None, None, "the circuit has no parameters"
    found = plan_of(plan, method, shots, batch)
    if found.error is not None:
        return None, None, found.error
    words = " and ".join(WORDS.get(name, name) for name in found.methods)
    return found.circuits, found.jobs, words or "nothing: no parameter matters"
