"""Readouts of qubit devices: natively what they claim, the rest from states, probabilities or bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from hybridge.circuit import Circuit, Kept, Measurement
from hybridge.device import Device
from hybridge.errors import CircuitError, UnsupportedCircuit
from hybridge.operations.pauli import Sentence
from hybridge.readout import tally
from hybridge.readout.drawn import MAX_NUMBER, Counts, Distribution, Drawn, Shots, all_bits
from hybridge.readout.kept import kept_value
from hybridge.readout.misread import Misread
from hybridge.readout.noise import Noise, Share, difference_noise, spread_noise
from hybridge.readout.qubit_states import MixedStates, PureStates
from hybridge.readout.reader import Answers, Reader, Readout, Setting, scalar
from hybridge.readout.settings import (
    Groups,
    Reading,
    expected_variance,
    gap,
    read_basis,
    read_observable,
    read_wires,
    read_word,
)
from hybridge.registry import registry


class Part(NamedTuple):
    """One term of an expectation value: its coefficient, the setting it is read in, and how."""

    coefficient: float
    group: int
    reading: Reading
    unit: float  # between its outcomes, those that are farthest apart


class QubitReadout:
    """Collects, for one circuit on one device, what to ask and how to read it."""

    def __init__(self, circuit: Circuit, device: Device, sampled: bool, misread: Misread):
        self.circuit, self.device, self.sampled, self.misread = circuit, device, sampled, misread
        self.kinds = device.capabilities.measurements
        self.n = len(circuit.wires)
        # what is measured on the way is run shot by shot: no state is asked for
        self.mixed = any(row.mixed and row.kind != "measure" for row, _ in circuit.instructions)
        self.requests: dict[Measurement, None] = {}  # of circuit 0: the circuit itself, unrotated
        self.groups = Groups()  # circuits 1, 2, ...: the circuit and a change of basis
        self.ordered: set[int] = set()  # groups whose shots are asked for one by one
        self.handed: set[int] = set()  # groups whose shots are handed out, one by one or as counts
        wanted = "density_matrix" if self.mixed or "state" not in self.kinds else "state"
        self.source = wanted if wanted in self.kinds else None

    def build(self) -> Readout:
        """The readout of the circuit's measurements; UnsupportedCircuit where the device cannot give one."""
        if self.mixed and self.kinds & {"state"} and "density_matrix" not in self.kinds:
            self._state_request()  # such a device could not prepare it, whatever is measured
        make = self._sampled if self.sampled else self._exact
        readers = tuple(make(m) for m in self.circuit.measurements)
        asked = [self.circuit._replace(measurements=tuple(self.requests))] if self.requests else []
        self.first_group = len(asked)
        for i in range(len(self.groups.settings)):
            instructions = (*self.circuit.instructions, *self.groups.rotations(i))
            asked.append(Circuit(instructions, (self._group_request(i),), self.circuit.wires))
        weights = [None if i in self.handed else v**0.5 for i, v in enumerate(self.groups.variances)]
        settings = (Setting(self.first_group + i, weight) for i, weight in enumerate(weights))
        own = not any(map(self._misread, self.circuit.measurements))
        return Readout(tuple(asked), readers, tuple(settings), own)

    def _group_request(self, i: int) -> Measurement:
        wires = tuple(self.groups.wires[i])
        wanted = ["probs"]
        if self.sampled:
            one_by_one = i in self.ordered or self.misread.touches(wires)
            wanted = ["sample", "counts", "probs"] if one_by_one else ["counts", "sample", "probs"]
        for kind in wanted:
            if kind in self.kinds and (kind != "counts" or len(wires) <= MAX_NUMBER):
                return Measurement(kind, None, wires)
        return self._state_request()

    def _state_request(self) -> Measurement:
        if self.source is None and self.mixed:
            able = registry.able(lambda c: c.domain == "qubit" and "density_matrix" in c.measurements)
            raise UnsupportedCircuit(self.device.name, "a mixed state: it returns kets only", able)
        if self.source is None:
            raise UnsupportedCircuit(
                self.device.name, "this measurement: it returns no state and no probabilities"
            )
        every = tuple(range(self.n))
        return Measurement(self.source, None, every if self.source == "density_matrix" else None)

    # ---- exact --------------------------------------------------------------------------------------------

    def _exact(self, m: Measurement) -> Reader:
        if m.kind in ("sample", "counts"):
            raise CircuitError(
                f"{m.kind} needs shots: hb.device(name, shots=1000), or circuit.on(device, shots=1000)"
            )
        misread = self._misread(m)
        native = None if misread else self._native(m)
        if native is not None:
            return self._answer(native, m)
        if m.kind == "state":
            raise UnsupportedCircuit(self.device.name, "state(): it returns no pure state of this circuit")
        rotated = m.kind == "probs" and m.observable is not None
        if not rotated and not misread and self.source is not None:
            return self._from_state(m)
        if m.kind == "density_matrix":
            raise UnsupportedCircuit(self.device.name, "density_matrix: it returns no state")
        return self._from_groups(m)

    def _misread(self, m: Measurement) -> bool:
        """Whether readout errors change it: of states they say nothing."""
        wires = self._wires(m) if m.observable is None else (*m.observable.wires, *(m.wires or ()))
        return m.kind not in ("state", "density_matrix") and self.misread.touches(wires)

    def _native(self, m: Measurement) -> Measurement | None:
        if m.kind not in self.kinds or (m.kind == "state" and self.mixed):
            return None
        if m.kind == "probs":
            return None if m.observable is not None else m._replace(wires=self._wires(m))
        if m.observable is not None:
            claimed = "pauli" if isinstance(m.observable, Sentence) else "matrix"
            return m if claimed in self.device.capabilities.observables else None
        return m

    def _wires(self, m: Measurement) -> tuple[Any, ...]:
        return m.wires if m.wires is not None else tuple(range(self.n))

    def _answer(self, request: Measurement, m: Measurement) -> Reader:
        self.requests[request] = None
        shape = self._shape(m)
        return Reader(shape, lambda answers: answers.get(0, request).reshape(answers.batch, *shape(None)))

    def _shape(self, m: Measurement) -> Callable[[int | None], tuple[int, ...]]:
        d = 2 ** len(self._wires(m))
        shapes = {"probs": (d,), "state": (d,), "density_matrix": (d, d)}
        return lambda _shots: shapes.get(m.kind, ())

    def _from_state(self, m: Measurement) -> Reader:
        request = self._state_request()
        self.requests[request] = None
        states = partial(self._states, 0, request)
        computes: dict[str, Callable[[Answers], np.ndarray]] = {
            "expval": lambda answers: states(answers).expval(m.observable),
            "var": lambda answers: states(answers).var(m.observable),
            "probs": lambda answers: states(answers).probs(self._wires(m)),
            "density_matrix": lambda answers: states(answers).density_matrix(self._wires(m)),
        }
        return Reader(self._shape(m), computes[m.kind])

    def _states(self, i: int, request: Measurement, answers: Answers) -> PureStates | MixedStates:
        def make() -> PureStates | MixedStates:
            found = answers.get(i, request)
            if request.kind == "state":
                return PureStates(found)
            return MixedStates(found.reshape(-1, 2**self.n, 2**self.n))

        return answers.once(("states", i), make)

    # ---- sampled, and exact from probabilities ------------------------------------------------------------

    def _sampled(self, m: Measurement) -> Reader:
        if m.kind in ("state", "density_matrix"):
            raise CircuitError(f"{m.kind} is exact and takes no shots; use shots=None")
        return self._from_groups(m)

    def _from_groups(self, m: Measurement) -> Reader:
        kept = m.detail if isinstance(m.detail, Kept) else None
        if m.kind == "expval" and kept is not None:
            whole = read_observable(m.observable)
            assert whole is not None  # a word, or a matrix
            only = kept_value(whole, m.wires or (), kept, 0.0)
            group = self._group(only, expected_variance(m.observable))
            alone = [Part(1.0, group, only, 1.0 if kept.weight else gap(m.observable))]
            return Reader(scalar, self._mean(alone, 0.0), noise=partial(self._mean_noise, alone))
        if m.kind == "expval":
            parts, constant = self._parts(m.observable)
            return Reader(scalar, self._mean(parts, constant), noise=partial(self._mean_noise, parts))
        if m.kind == "var":
            return self._variance(m.observable)
        if m.observable is None:
            reading: Reading | None = read_wires(self._wires(m))
        elif m.kind == "probs":
            reading = read_basis(m.observable, self._wires(m))
        else:
            reading = read_observable(m.observable)
        if reading is None:
            raise CircuitError(
                f"{m.kind} of {m.observable!r}: its words cannot be measured in one setting; "
                "ask for each word"
            )
        own = reading
        if kept is not None and m.observable is not None:
            reading = kept_value(reading, m.wires or (), kept, np.nan)
        i = self._group(reading)
        k, value = len(reading.wires), reading.value
        if m.kind == "probs":
            return Reader(
                lambda _shots: (2**k,),
                lambda answers: self._drawn(i, answers).probs(reading),
                noise=lambda answers: Noise((self._frequencies(i, reading, answers),)),
            )
        self.handed.add(i)
        if m.kind == "sample":
            again = i in self.ordered  # nobody gets what another has too
            self.ordered.add(i)
            dtype, width = (int, (k,)) if value is None else (float, ())
            return Reader(
                lambda shots: (int(shots or 0), *width),
                lambda answers: self._drawn(i, answers).values(reading).astype(dtype, copy=again),
            )
        listed = bool(m.detail) if kept is None else kept.all_outcomes
        selected: tuple[int, ...] = () if kept is None else kept.outcomes
        if value is None:
            size = k - len(selected)
            tallied: Callable[[np.ndarray], dict[Any, int]] = partial(
                tally.of_bits, width=size, every=listed, selected=selected
            )
        else:
            tallied = partial(tally.of_values, every=_outcomes(own) if listed else ())
        return Reader(
            lambda shots: (2, int(shots or 0)),
            lambda answers: self._drawn(i, answers).counts(reading),
            tallied,
        )

    def _group(self, reading: Reading, variance: float = 1.0) -> int:
        return self.groups.add(self.misread.together(reading), variance)

    def _drawn(self, i: int, answers: Answers) -> Any:
        """What was drawn in group i, or its exact distribution."""

        def make() -> Drawn | Distribution:
            wires, at = tuple(self.groups.wires[i]), self.first_group + i
            request, misread = self._group_request(i), self.misread.touches(wires)
            if request.kind == "sample":
                bits = answers.get(at, request)
                shots = Shots(bits.reshape(answers.batch, answers.shots_in(i), len(wires)), wires)
                return self.misread.shots(shots, wires, answers.rng(i, 1)) if misread else shots
            if request.kind == "counts":
                found = answers.get(at, request)
                half = found.shape[1] // 2  # outcomes, then their times
                counts = Counts(found[:, :half], found[:, half:], wires, answers.shots_in(i))
                if misread:
                    return self.misread.shots(counts.shuffled(answers.rng(i)), wires, answers.rng(i, 1))
                return counts.shuffled(answers.rng(i)) if i in self.ordered else counts
            exact = (
                answers.get(at, request)
                if request.kind == "probs"
                else self._states(at, request, answers).probs(wires)
            )
            distribution = self.misread.distribution(exact, wires) if misread else Distribution(exact, wires)
            if answers.shots is None:
                return distribution
            return distribution.draw(answers.shots_in(i), answers.rng(i))

        return answers.once(("group", i), make)

    def _parts(self, observable: Any) -> tuple[list[Part], float]:
        """What to read for an expectation value, and the constant that needs no reading."""
        if not isinstance(observable, Sentence):
            whole = read_observable(observable)
            assert whole is not None  # a matrix always has its eigenbasis
            group = self._group(whole, expected_variance(observable))
            return [Part(1.0, group, whole, gap(observable))], 0.0
        readings = [(c, read_word(w)) for w, c in observable.terms.items() if w]
        constant = sum(c for w, c in observable.terms.items() if not w)
        return [Part(c, self._group(r, abs(c) ** 2), r, 2.0) for c, r in readings], constant

    def _mean(self, parts: Sequence[Part], constant: float) -> Callable[[Answers], np.ndarray]:
        def compute(answers: Answers) -> np.ndarray:
            if answers.shots is not None:
                means = [share.mean for share in self._shares(parts, answers)]
            else:
                means = [p.coefficient * self._drawn(p.group, answers).mean(p.reading) for p in parts]
            return sum(means, np.full(answers.batch, float(constant)))

        return compute

    def _shares(self, parts: Sequence[Part], answers: Answers) -> list[Share]:
        """Of a mean: words read in one setting share its shots, so that their covariances count."""

        def make() -> list[Share]:
            together: dict[int, list[Part]] = {}
            for p in parts:
                together.setdefault(p.group, []).append(p)
            return [self._share(i, same, answers) for i, same in together.items()]

        return answers.once(("shares", id(parts)), make)

    def _share(self, group: int, parts: Sequence[Part], answers: Answers) -> Share:
        drawn = self._drawn(group, answers)
        values = [p.coefficient * drawn.values(p.reading) for p in parts]
        unit = max(abs(p.coefficient) * p.unit for p in parts)
        return Share(group, drawn.shots, sum(values[1:], values[0]), drawn.times, unit)

    def _mean_noise(self, parts: Sequence[Part], answers: Answers) -> Noise:
        return Noise(tuple(self._shares(parts, answers)))

    def _frequencies(self, group: int, reading: Reading, answers: Answers) -> Share:
        drawn = self._drawn(group, answers)
        numbers = drawn.numbers(reading.wires)
        return Share(group, drawn.shots, numbers, drawn.times, 1.0, 2 ** len(reading.wires))

    def _variance(self, observable: Any) -> Reader:
        """<(O - <O>)^2> from one setting where there is one, else <O^2> - <O>^2 word by word."""
        reading = read_observable(observable)
        if reading is None:
            squared, constant = self._parts(observable @ observable)
            parts, shift = self._parts(observable)
            square, mean = self._mean(squared, constant), self._mean(parts, shift)
            return Reader(
                scalar,
                lambda answers: square(answers) - mean(answers) ** 2,
                noise=lambda answers: difference_noise(
                    self._shares(squared, answers), self._shares(parts, answers), mean(answers)
                ),
            )
        i = self._group(reading, expected_variance(observable))
        whole = [Part(1.0, i, reading, gap(observable))]
        return Reader(
            scalar,
            lambda answers: (
                self._shares(whole, answers)[0].spread
                if answers.shots is not None
                else self._drawn(i, answers).var(reading)
            ),
            noise=lambda answers: spread_noise(self._shares(whole, answers)[0]),
        )


def _outcomes(reading: Reading) -> list[float]:
    """Every value a reading can give."""
    assert reading.value is not None  # asked of observables
    return np.unique(reading.value(all_bits(len(reading.wires))) + 0.0).tolist()
