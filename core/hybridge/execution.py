"""Plans: circuits compiled for a device, and run as one vendor job for a batch."""

from __future__ import annotations

import copy
import math
from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from hybridge import memory
from hybridge.allowed import Allowed
from hybridge.border import NOT_FINITE, asked, check_count, fault
from hybridge.circuit import Circuit, Measurement
from hybridge.compilation import AffineMap, lower, numbered
from hybridge.device import Device, Task
from hybridge.errors import PluginError, UnsupportedCircuit
from hybridge.gradients.choose import Conditions, rule_parts
from hybridge.gradients.hadamard import hadamard_tests
from hybridge.gradients.method import BEST, Method
from hybridge.gradients.part import Part
from hybridge.noise.readout_errors import ReadoutError
from hybridge.operations.measuring import Bit
from hybridge.postselection import Selection
from hybridge.readout.allotment import Lot, in_order, lots, parted
from hybridge.readout.answered import own_columns, own_places
from hybridge.readout.misread import numbered_errors
from hybridge.readout.noise import Estimate, Noise
from hybridge.readout.plan import readout
from hybridge.readout.reader import Answers, columns, more_columns
from hybridge.tracker import notify
from hybridge.undifferentiated import infinite_slope, no_own_derivatives

FLOAT = np.dtype(float)
MAX_SHARES = 64  # plans kept of those that differ in how their rows share shots
SMALL = 2**26  # 64 MiB: not worth asking the system how much is free


class Plan:
    """A circuit compiled for a device: immutable but for what it caches; `run` takes the numbers.

    `circuit` is the user's on wires 0..n-1, `named` on the wires of the user, whose names errors tell;
    `programs` are what the device compiled, one per setting it must measure in.
    """

    def __init__(
        self,
        circuit: Circuit,
        named: Circuit,
        device: Device,
        sampled: bool,
        selection: Selection | None = None,
        errors: Sequence[ReadoutError] = (),
    ):
        self.circuit, self.named, self.device, self.sampled = circuit, named, device, sampled
        self.selection = selection  # where the user's values are quotients of the plan's
        self._errors = errors
        # a circuit that a device measures on its way has no wires for the bits, which `named` has
        wires = named.wires[: len(circuit.wires)]
        self._readout = readout(circuit, device, sampled, numbered_errors(errors, wires))
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
        kept = sum(isinstance(w, Bit) for w in named.wires[: len(circuit.wires)])
        inside = f", {kept} of them for what is measured inside the circuit" if kept else ""
        self._demand(f"{len(circuit.wires)} wires{inside}", self._memory, memory.available())
        self.programs: tuple[Any, ...] = tuple(device.compile(c) for c in self.lowered)
        self._compiled = tuple(zip(self.programs, self.affine, strict=True))
        self._rules: dict[Hashable, tuple[Part, ...]] = {}
        self._widths: dict[tuple[int, int | None], int] = {}
        # where shots go by weight: what rows get of them, in proportion, over and over; None: as many each
        self.shares: tuple[float, ...] | None = None
        self._weighted: dict[tuple[float, ...], Plan] = {}
        self._allowed = Allowed(circuit)
        self.checks = self._allowed.looks  # whether `check` looks at anything
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

    def check(self, rows: np.ndarray) -> None:
        """Raise CircuitError for numbers of the user's, (batch, P), that an operation does not allow."""
        self._allowed.check(rows)

    @cached_property
    def _own_columns(self) -> np.ndarray | None:
        own = self._readout.own and len(self.lowered) == 1
        answered = self.lowered[0].measurements if own else ()
        return own_columns(self.circuit, answered, self._columns)

    def _own_places(self) -> list[int | slice] | None:
        if self.sampled or self._own_columns is None or self._phases is not None:
            return None
        return own_places(self.circuit, self._own_columns, self._columns)

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
        """One row of the values of the user's measurement i, which is a counts(), as a dict."""
        if self.selection is not None:
            return self.selection.tallied(self._readout.readers, i, row)
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
            raise no_own_derivatives(self.device, self.sampled, self.named, self.circuit, self.lowered)
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
                once,
                weights[None],
                Plan(numbered(c, self.device), c, self.device, self.sampled, errors=self._errors),
                tests.fold,
            )
            for c, weights in tests.circuits
        )

    def weighted(self, shares: tuple[float, ...] = (1.0,)) -> Plan:
        """The same plan, whose rows and settings take shots by weight, the rows in these proportions."""
        found = self._weighted.get(shares)
        if found is None:
            found = copy.copy(self)
            found.shares = shares
            if len(self._weighted) >= MAX_SHARES:
                self._weighted.clear()
            self._weighted[shares] = found
        return found

    def of_part(self, part: Part) -> Plan:
        """The plan of a part's runs. Where shots go by weight, each run's is that of its weights."""
        plan: Plan = self if part.plan is None else part.plan
        if self.shares is None:
            return plan
        sizes = np.linalg.norm(part.weights.reshape(len(part.weights), -1), axis=1)
        return plan.weighted(tuple(np.multiply.outer(self.shares, sizes).ravel().tolist()))

    def run(self, rows: np.ndarray, shots: int | None) -> list[np.ndarray]:
        """The measurements' values: rows (B, P) -> [(B, *shape)], all rows and settings in one job."""
        if self._places is not None and self._memory * len(rows) < SMALL:  # nearly always; 4 us sooner
            array = self._answer(rows)
            return [array[:, place] for place in self._places]
        found = self.answers(self._own_lots(rows, shots))
        parts = [[r.compute(answers) for r in self._readout.readers] for answers in found]
        places = [answers.places for answers in found]
        return [in_order(values, places) for values in zip(*parts, strict=True)]

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
        """What is measured and how sure it is; of post-selection what its quotients are made of."""
        readers, sampled = self._readout.readers, answers.shots is not None
        return Estimate(
            answers.places,
            [r.compute(answers) for r in readers],
            [r.noise and r.noise(answers) if sampled else Noise(()) for r in readers],
        )

    def row_weights(self, count: int) -> np.ndarray | None:
        """In which proportion so many rows take shots; None: as many each."""
        if self.shares is None:
            return None
        spread = sum(s.weight for s in self._readout.settings if s.weight is not None)
        return np.resize(np.array(self.shares), count) * max(spread, 1e-300)

    @property
    def num_settings(self) -> int:
        """How many settings take shots of their own."""
        return len(self._readout.settings)

    def lots(self, rows: np.ndarray, shots: int | None, totals: np.ndarray | None = None) -> list[Lot]:
        """The rows by the shots they take, in pieces that fit into memory: nearly always one.

        Each setting takes `shots`, or what weight gives it of the row's `totals` (B,) over all settings.
        """
        weights = tuple(s.weight for s in self._readout.settings)
        return list(lots(rows, weights, shots, totals, self.chunks))

    def _own_lots(self, rows: np.ndarray, shots: int | None) -> list[Lot]:
        weights = None if shots is None else self.row_weights(len(rows))
        if shots is None or weights is None or not self.num_settings:
            return self.lots(rows, shots)
        return self.lots(rows, shots, parted(shots * self.num_settings * len(rows), weights))

    def tasks(self, lot: Lot) -> list[Task]:
        """One for each program. Raises CircuitError for sampling a state that there is not."""
        if lot.shots is not None and self.checks:  # differences as wide as noise needs may leave the states
            self.check(lot.rows)
        seed, found = self.device.next_seed, []
        for i, (program, affine) in enumerate(self._compiled):
            params = lot.rows if affine is None else affine(lot.rows)
            if lot.shots is None:
                found.append(Task(program, params))
                continue
            of_program = [n for n, s in zip(lot.shots, self._readout.settings, strict=True) if s.circuit == i]
            found.append(Task(program, params, max(of_program, default=1), seed()))
        return found

    def answers(self, lots: Sequence[Lot]) -> list[Answers]:
        """What the device returns of each lot, from one job."""
        tasks = [task for lot in lots for task in self.tasks(lot)]
        return self.collected(self._submit(tasks) if tasks else [], lots)

    def value_and_vjp(self, rows: np.ndarray, cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The values (B, columns), and cotangent (B, columns) -> (B, P), from the device at once.

        None in place of the latter where they do not fit into memory at once, or a slope is infinite: `vjp`
        knows whether anybody asks for that one. Trackers count them as two jobs, as they would be on a device
        that has the values from `run` alone.
        """
        if len(self.chunks(rows, None, derivatives=True)) > 1:
            return self.run_flat(rows, None), None
        task, own = self._pulled_back(rows, cotangent)
        values, found = asked(self.device, self.device.value_and_vjp, task, own)
        self.check_returned([task], [values])
        notify(self.device, [task], [values])
        pulled, infinite = self._pulled(task, found)
        own = values if self._in_order else values[:, self._own_columns]
        return own, None if infinite else pulled

    def vjp(self, rows: np.ndarray, cotangent: np.ndarray, slots: Sequence[int] | None = None) -> np.ndarray:
        """cotangent (B, columns) -> (B, P) by the device's own derivatives, right in these slots (None: all).

        Raises GradientError for an infinite slope in one of them.
        """
        chunks = self.chunks(rows, None, derivatives=True)
        if len(chunks) > 1:
            starts = np.cumsum([len(c) for c in chunks])[:-1]
            pairs = zip(chunks, np.split(cotangent, starts), strict=True)
            return np.concatenate([self.vjp(*pair, slots) for pair in pairs])
        task, own = self._pulled_back(rows, cotangent)
        found, infinite = self._pulled(task, self.device.vjp(task, own))
        if not infinite:
            return found
        steep = np.flatnonzero(~np.isfinite(found).all(axis=0)).tolist()
        for slot in steep if slots is None else set(steep).intersection(slots):
            raise infinite_slope(self.named, slot, rows)
        return np.where(np.isfinite(found), found, 0.0)

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

    def _pulled(self, task: Task, found: Any) -> tuple[np.ndarray, bool]:
        """What a device gives as the derivatives (B, lowered P), checked, as (B, P); whether some are
        infinite."""
        notify(self.device, [task], [found])
        batch, width = task.params.shape
        wrong = fault(found, batch, width)
        infinite = wrong == NOT_FINITE and not np.isnan(found).any()
        if wrong and not infinite:
            what = f"for {self.lowered[0].measurements}; expected {task.params.shape}"
            raise PluginError(self.device.name, f"vjp returned {wrong} {what}")
        affine = self.affine[0]
        return found if affine is None else affine.pullback(found, self.num_slots), infinite

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
        for i, (task, array) in enumerate(zip(tasks, arrays, strict=True)):
            at = i % len(self.lowered)
            width = self._widths.get((at, task.shots))
            if width is None:
                width = self._widths[at, task.shots] = self._width(self.lowered[at], task.shots)
            more = sum(more_columns(m, len(self.circuit.wires)) for m in self.lowered[at].measurements)
            wrong = fault(array, len(task.params), width, more)
            if wrong:
                asked = self.lowered[at].measurements
                raise PluginError(self.device.name, f"run returned {wrong} for {asked}")

    def collected(self, arrays: Sequence[np.ndarray], lots: Sequence[Lot]) -> list[Answers]:
        """The arrays of the lots' tasks, lot by lot."""
        found, width = [], len(self.programs)
        for k, lot in enumerate(lots):
            own = arrays[k * width : (k + 1) * width]
            seed = 0 if lot.shots is None else self.device.next_seed()
            if self._phases is not None:  # state() is the first circuit's; the others ignore a phase
                phase = np.exp(-1j * self._phases(lot.rows).sum(axis=1))
                own = [self._turned(own[0], phase), *own[1:]]
            found.append(Answers(self._readout, own, lot, seed, self.device.cutoff_dim or 0))
        return found

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
