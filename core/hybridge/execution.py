"""Plans: circuits compiled for a device, and run as one vendor job for a batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from hybridge import memory
from hybridge.border import asked, check_count, fault
from hybridge.circuit import Circuit, Measurement
from hybridge.compilation import AffineMap, lower, numbered
from hybridge.device import Device, Task
from hybridge.errors import CircuitError, GradientError, PluginError, UnsupportedCircuit
from hybridge.gradients.choose import DIFFERENTIABLE, Conditions, rule_parts
from hybridge.gradients.hadamard import hadamard_tests
from hybridge.gradients.method import BEST, Method
from hybridge.gradients.part import Part
from hybridge.readout.noise import Estimate, Noise
from hybridge.readout.plan import readout
from hybridge.readout.reader import Answers, columns
from hybridge.tracker import notify

FLOAT = np.dtype(float)
SMALL = 2**26  # 64 MiB: not worth asking the system how much is free


class Plan:
    """A circuit compiled for a device: immutable but for what it caches; `run` takes the numbers.

    `circuit` is the user's on wires 0..n-1, `named` on the wires of the user, whose names errors tell;
    `programs` are what the device compiled, one per setting it must measure in.
    """

    def __init__(self, circuit: Circuit, named: Circuit, device: Device, sampled: bool):
        self.circuit, self.named, self.device, self.sampled = circuit, named, device, sampled
        self._readout = readout(circuit, device, sampled)
        self._shapes: dict[int | None, list[tuple[int, ...]]] = {}
        lowered = [lower(c, device) for c in self._readout.circuits]
        self.lowered: tuple[Circuit, ...] = tuple(low.circuit for low in lowered)
        wants_state = any(m.kind == "state" for m in circuit.measurements)
        self._phases = lowered[0].phases if wants_state and len(lowered[0].phases.slot) else None
        self.affine: tuple[AffineMap | None, ...] = tuple(
            None if low.affine.identity else low.affine for low in lowered
        )
        widest = max((self._width(c, None) for c in self.lowered), default=0)
        results = sum(math.prod(shape) for shape in self.shapes(None))
        # of one row, in bytes
        self._memory = device.memory(len(circuit.wires)) + 16 * max(widest, results)
        self._demand(f"{len(circuit.wires)} wires", self._memory, memory.available())
        self.programs: tuple[Any, ...] = tuple(device.compile(c) for c in self.lowered)
        self._compiled = tuple(zip(self.programs, self.affine, strict=True))
        self._rules: dict[Hashable, tuple[Part, ...]] = {}
        self._widths: dict[int | None, list[int]] = {}
        self._bounds, self._checks = self._row_bounds(), self._row_checks()
        self.checks = bool(self._bounds or self._checks)  # whether `check` looks at anything
        self._places = self._own_places()
        own = self._own_columns  # of an answer that is the user's measurements, no more and in their order
        self._in_order = own is not None and own.tolist() == list(range(widest))
        # whether the user's and the device's one column is an expectation value or a variance
        self.scalar = self._places == [0] and widest == 1
        self.one = self.scalar and self._memory < SMALL  # whether `number` gives its value at one row

    @property
    def num_slots(self) -> int:
        return self.circuit.num_slots

    def _demand(self, what: str, needed: int, free: int) -> None:
        if needed > free:
            sizes = f"they need {memory.human(needed)} of memory, {memory.human(free)} is available"
            raise UnsupportedCircuit(self.device.name, f"{what}: {sizes}")

    @cached_property
    def _vjp_bytes(self) -> int:
        """What the derivatives of one row take at their peak."""
        return self.device.vjp_memory(len(self.circuit.wires))

    @cached_property
    def _shot_bytes(self) -> int:
        """What one shot takes at its peak: where it was drawn, its bits as numbers and as bytes."""
        n = len(self.circuit.wires)
        wires = [len(m.wires) if m.wires is not None else n for c in self.lowered for m in c.measurements]
        return 16 + 8 * max(wires, default=0) + sum(wires)

    def _row_bounds(self) -> list[tuple[int, str, str, float, float]]:
        """Slot, operation, parameter, least and greatest value, where a row has bounds; mostly empty."""
        rows = [
            (slot, self.circuit.instructions[i].operation, p)
            for slot, (i, p) in enumerate(self.circuit.slots)
        ]
        return [(slot, row.name, p, *row.bounds[p]) for slot, row, p in rows if p in row.bounds]

    def _row_checks(self) -> list[tuple[slice, Callable[[np.ndarray], None]]]:
        """The slots of a row, and what checks the numbers there; mostly empty."""
        found, start = [], 0
        for operation, _ in self.circuit.instructions:
            stop = start + len(operation.params)
            if operation.check is not None:
                found.append((slice(start, stop), operation.check))
            start = stop
        return found

    def check(self, rows: np.ndarray) -> None:
        """Raise CircuitError for numbers of the user's, (batch, P), that a row does not allow."""
        for slots, check_row in self._checks:
            check_row(rows[:, slots])
        for slot, name, parameter, low, high in self._bounds:
            for value in rows[:, slot]:
                if not low <= value <= high:
                    allowed = (
                        f"{parameter} >= {low:g}"
                        if high == math.inf
                        else f"{low:g} <= {parameter} <= {high:g}"
                    )
                    raise CircuitError(f"{name} needs {allowed}; got {parameter} = {value:g}")

    @cached_property
    def _own_columns(self) -> np.ndarray | None:
        """For each of the user's columns the column of the device's answer that it is; None if one is not."""
        starts: dict[Measurement, int] = {}
        width = 0
        for m in self.lowered[0].measurements if len(self.lowered) == 1 else ():
            starts[m] = width
            width += self._columns(m)
        found: list[np.ndarray] = []
        for m in self.circuit.measurements:
            asked = m._replace(wires=self.circuit.wires) if m == Measurement("probs") else m
            if asked not in starts or asked.kind not in DIFFERENTIABLE:
                return None
            found.append(starts[asked] + np.arange(self._columns(asked)))
        return np.concatenate(found) if found else None

    def _own_places(self) -> list[int | slice] | None:
        """Where each of the user's measurements stands in the answer; None if one must be computed."""
        own, start = None if self.sampled else self._own_columns, 0
        if own is None or self._phases is not None:
            return None
        places: list[int | slice] = []
        for m in self.circuit.measurements:
            first, width = int(own[start]), self._columns(m)
            places.append(first if m.kind in ("expval", "var") else slice(first, first + width))
            start += width
        return places

    def _columns(self, m: Measurement) -> int:
        return columns(m, len(self.circuit.wires), None, self.device.cutoff_dim or 0)

    @cached_property
    def direct_vjp(self) -> bool:
        """Whether the device's own vjp gives the derivatives of what the user measures."""
        if not self.device.capabilities.vjp or self.sampled or self._own_columns is None:
            return False
        return self.device.differentiates(self.programs[0])

    def shapes(self, shots: int | None) -> list[tuple[int, ...]]:
        """The shape of each measurement's value, without the batch axis."""
        found = self._shapes.get(shots)
        if found is None:
            found = self._shapes[shots] = [r.shape(shots) for r in self._readout.readers]
        return found

    def counted(self, i: int, row: np.ndarray) -> dict[Any, int]:
        """One row of the values of measurement i, which is a counts(), as a dict."""
        make = self._readout.readers[i].counted
        assert make is not None  # of every counts()
        return make(row)

    def rule(
        self,
        slots: tuple[int, ...],
        method: Method = BEST,
        shots: int | None = None,
        measured: tuple[int, ...] | None = None,
    ) -> tuple[Part, ...]:
        """How the derivatives in these slots follow from runs at shifted numbers.

        `measured` are the measurements that it must be right for, None for all. GradientError where one of
        them has no rule.
        """
        if method.must_own and not self.direct_vjp:
            reason = f"device {self.device.name!r} has no derivatives of its own for this circuit"
            raise GradientError("any parameter", reason, "use diff_method='best'")
        key = (slots, method, shots, measured)
        found = None if method.random else self._rules.get(key)
        if found is None:
            if method.name == "hadamard":
                found = self._tested(slots, method, shots, measured)
            else:
                found = rule_parts(self.named, slots, method, self.conditions(shots), measured)
            if not method.random:
                self._rules[key] = found
        return found

    def conditions(self, shots: int | None) -> Conditions:
        """What the rules of this plan depend on besides the circuit."""
        cutoff = self.device.cutoff_dim if self.device.capabilities.truncated else None
        columns = tuple(math.prod(shape) for shape in self.shapes(shots))
        return Conditions(shots, cutoff, self.device.precision, columns)

    def _tested(
        self, slots: tuple[int, ...], method: Method, shots: int | None, measured: tuple[int, ...] | None
    ) -> tuple[Part, ...]:
        """The rule of Hadamard tests: plans of their own, each run once."""
        widths = [math.prod(shape) for shape in self.shapes(shots)]
        tests = hadamard_tests(self.named, slots, method, self.device.wires, widths, measured)
        once = np.zeros((1, self.num_slots))
        return tuple(
            Part(
                once, weights[None], Plan(numbered(c, self.device), c, self.device, self.sampled), tests.fold
            )
            for c, weights in tests.circuits
        )

    def run(self, rows: np.ndarray, shots: int | None) -> list[np.ndarray]:
        """The measurements' values: rows (B, P) -> [(B, *shape)], all rows and settings in one job."""
        if self._places is not None and self._memory * len(rows) < SMALL:  # nearly always; 4 us sooner
            array = self._answer(rows)
            return [array[:, place] for place in self._places]
        parts = [[r.compute(answers) for r in self._readout.readers] for answers in self.answers(rows, shots)]
        return parts[0] if len(parts) == 1 else _joined(parts)

    def run_flat(self, rows: np.ndarray, shots: int | None) -> np.ndarray:
        """rows (B, P) -> (B, columns): all measurements side by side."""
        if self._places is not None and self._memory * len(rows) < SMALL:
            array = self._answer(rows)
            return array if self._in_order else array[:, self._own_columns]
        return np.concatenate([v.reshape(len(rows), -1) for v in self.run(rows, shots)], axis=1)

    def number(self, rows: np.ndarray) -> np.float64:
        """The value of a circuit that is `one` expval or var, at one row (1, P): `run`, 2 us sooner."""
        program, affine = self._compiled[0]
        # the constructor of a named tuple takes 0.1 us more
        task = tuple.__new__(Task, (program, rows if affine is None else affine(rows), None, None))
        arrays = asked(self.device, self.device.run, [task])
        if type(arrays) is list and len(arrays) == 1:
            array = arrays[0]
            if type(array) is np.ndarray and array.shape == (1, 1) and array.dtype is FLOAT:
                value = array[0, 0]
                if math.isfinite(value):
                    notify(self.device, [task], arrays)
                    return value
        self.check_returned([task], arrays)
        notify(self.device, [task], arrays)
        return arrays[0].real[0, 0]

    def _answer(self, rows: np.ndarray) -> np.ndarray:
        """What the device returns of its one program, (B, columns) real."""
        program, affine = self._compiled[0]
        array = self._submit([Task(program, rows if affine is None else affine(rows))])[0]
        return array.real if array.dtype.kind == "c" else array

    def estimate(self, answers: Answers) -> Estimate:
        """The values, and how sure they are."""
        readers = self._readout.readers
        return Estimate(
            [r.compute(answers) for r in readers],
            [r.noise and r.noise(answers) if answers.shots else Noise(()) for r in readers],
        )

    def tasks(self, rows: np.ndarray, shots: int | None) -> list[Task]:
        """One for each program."""
        seed = self.device.next_seed
        return [
            Task(program, rows if affine is None else affine(rows), shots, seed() if shots else None)
            for program, affine in self._compiled
        ]

    def answers(self, rows: np.ndarray, shots: int | None) -> list[Answers]:
        chunks = self.chunks(rows, shots)
        tasks = [task for chunk in chunks for task in self.tasks(chunk, shots)]
        arrays = self._submit(tasks) if tasks else []
        if len(chunks) == 1:
            return [self.collected(arrays, rows, shots)]
        width = len(self.programs)
        return [self.collected(arrays[i * width : (i + 1) * width], c, shots) for i, c in enumerate(chunks)]

    def value_and_vjp(self, rows: np.ndarray, cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The values (B, columns), and cotangent (B, columns) -> (B, P), from the device at once.

        Trackers count them as two jobs, as they would be on a device that has the values from `run` alone.
        """
        if len(self.chunks(rows, None, derivatives=True)) > 1:
            return self.run_flat(rows, None), self.vjp(rows, cotangent)
        task, own = self._pulled_back(rows, cotangent)
        values, found = asked(self.device, self.device.value_and_vjp, task, own)
        self.check_returned([task], [values])
        notify(self.device, [task], [values])
        return values if self._in_order else values[:, self._own_columns], self._pulled(task, found)

    def vjp(self, rows: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
        """cotangent (B, columns) -> (B, P) by the device's own derivatives."""
        chunks = self.chunks(rows, None, derivatives=True)
        if len(chunks) > 1:
            starts = np.cumsum([len(c) for c in chunks])[:-1]
            pairs = zip(chunks, np.split(cotangent, starts), strict=True)
            return np.concatenate([self.vjp(*pair) for pair in pairs])
        task, own = self._pulled_back(rows, cotangent)
        return self._pulled(task, self.device.vjp(task, own))

    def _pulled_back(self, rows: np.ndarray, cotangent: np.ndarray) -> tuple[Task, np.ndarray]:
        """The task of these rows, and the cotangent (B, columns of the device)."""
        affine = self.affine[0]
        assert self._own_columns is not None  # direct_vjp has asked
        task = Task(self.programs[0], rows if affine is None else affine(rows))
        if not self._in_order:
            own = np.zeros((len(rows), self._width(self.lowered[0], None)))
            np.add.at(own.T, self._own_columns, cotangent.T)  # a measurement may be returned twice
            cotangent = own
        return task, cotangent

    def _pulled(self, task: Task, found: Any) -> np.ndarray:
        """What a device gives as the derivatives (B, lowered P), checked, as (B, P)."""
        notify(self.device, [task], [found])
        batch, width = task.params.shape
        wrong = fault(found, batch, width)
        if wrong:
            what = f"for {self.lowered[0].measurements}; expected {task.params.shape}"
            raise PluginError(self.device.name, f"vjp returned {wrong} {what}")
        affine = self.affine[0]
        return found if affine is None else affine.pullback(found, self.num_slots)

    def chunks(self, rows: np.ndarray, shots: int | None, derivatives: bool = False) -> list[np.ndarray]:
        """The rows in pieces that fit into memory; nearly always one. UnsupportedCircuit if not one fits."""
        needed = self._memory + self._shot_bytes * shots if shots else self._memory
        if derivatives:
            needed = max(needed, self._vjp_bytes)
        if needed * len(rows) < SMALL:
            return [rows]
        free = memory.available()
        if shots:
            self._demand(f"{shots} shots", needed, free)
        if derivatives:
            self._demand(f"derivatives on {len(self.circuit.wires)} wires", needed, free)
        fits = max(1, free // (2 * needed))
        return [rows[i : i + fits] for i in range(0, len(rows), fits)]

    def _submit(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        arrays = asked(self.device, self.device.run, tasks)
        self.check_returned(tasks, arrays)
        notify(self.device, tasks, arrays)
        return arrays

    def _width(self, circuit: Circuit, shots: int | None) -> int:
        """How many columns the device returns for one of the lowered circuits."""
        cutoff = self.device.cutoff_dim or 0
        return sum(columns(m, len(circuit.wires), shots, cutoff) for m in circuit.measurements)

    def check_returned(self, tasks: Sequence[Task], arrays: Any) -> None:
        """The border: what a plugin returns has the promised shape and is finite, else PluginError."""
        check_count(self.device, tasks, arrays)
        shots = tasks[0].shots
        widths = self._widths.get(shots)
        if widths is None:
            widths = self._widths[shots] = [self._width(c, shots) for c in self.lowered]
        for i, array in enumerate(arrays):
            wrong = fault(array, len(tasks[i].params), widths[i % len(widths)])
            if wrong:
                asked = self.lowered[i % len(widths)].measurements
                raise PluginError(self.device.name, f"run returned {wrong} for {asked}")

    def collected(self, arrays: Sequence[np.ndarray], rows: np.ndarray, shots: int | None) -> Answers:
        seed = self.device.next_seed() if shots else 0
        cutoff = self.device.cutoff_dim or 0
        if self._phases is not None:  # state() is the first circuit's; what else is measured ignores a phase
            phase = np.exp(-1j * self._phases(rows).sum(axis=1))
            arrays = [self._turned(arrays[0], phase), *arrays[1:]]
        return Answers(self._readout, arrays, len(rows), shots, seed, cutoff)

    def flat(self, answers: Answers) -> np.ndarray:
        """All measurements side by side, (B, columns)."""
        values = [r.compute(answers) for r in self._readout.readers]
        return np.concatenate([v.reshape(answers.batch, -1) for v in values], axis=1)

    def _turned(self, array: np.ndarray, phase: np.ndarray) -> np.ndarray:
        """The columns of the state times exp(-i phi), the global phase the device left out."""
        turned, start, circuit = array.copy(), 0, self.lowered[0]
        for m in circuit.measurements:
            stop = start + columns(m, len(circuit.wires), None, self.device.cutoff_dim or 0)
            if m.kind == "state":
                turned[:, start:stop] *= phase[:, None]
            start = stop
        return turned


def _joined(parts: Sequence[list[np.ndarray]]) -> list[np.ndarray]:
    """Chunks of a batch put together, measurement by measurement."""
    return [np.concatenate(values) for values in zip(*parts, strict=True)]
