"""What a noise model makes of a circuit: the same circuit, with rows of constants between its operations."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from hybridge.circuit import Circuit, Instruction, Measurement, measured_wires
from hybridge.errors import CircuitError, UnsupportedCircuit
from hybridge.noise.channels import Channel, Times, misreading, rows_of
from hybridge.noise.model import NoiseModel
from hybridge.noise.readout_errors import ReadoutError
from hybridge.noise.rules import Rule
from hybridge.operations.measuring import Bit, condition, measured
from hybridge.operations.table import Operation, Wires

BUSY = frozenset({"gate", "state", "measure", "conditional"})  # kinds of what takes a moment


def noisy(circuit: Circuit, model: NoiseModel) -> Circuit:
    """The user's circuit with the model's channels in it; its numbers are those of `circuit`."""
    if model.known:
        check_known(circuit, model)
    if not model.rules:
        return circuit
    found = _Insertion(circuit, model)
    for instruction in circuit.instructions:
        found.add(instruction)
    found.end()
    return circuit._replace(instructions=tuple(found.instructions()))


def check_known(circuit: Circuit, model: NoiseModel) -> None:
    """Raise CircuitError for a gate of which the model says that it does not speak."""
    for row, wires in circuit.instructions:
        base = condition(row).base if row.kind == "conditional" else row
        gate = base.kind == "gate" and base.name != "GlobalPhase"
        if gate and not any(known.has(base, wires) for known in model.known):
            raise CircuitError(
                f"the noise model says nothing of {base.name} on wires {list(wires)!r}; it is of "
                f"{'; '.join(str(known).removeprefix('only ') for known in model.known)}"
            )


def used_wires(circuit: Circuit) -> list[Hashable]:
    """The wires that the circuit acts on or measures; the rest is |0>, also where it is read with others."""
    named = set(measured_wires(circuit.measurements))
    for _, wires in circuit.instructions:
        named.update(wires)
    everything = any(_of_all(m) for m in circuit.measurements)
    return [w for w in circuit.wires if everything or w in named]


def with_bits(
    errors: tuple[ReadoutError, ...], circuit: Circuit, device: str
) -> tuple[tuple[ReadoutError, ...], dict[Bit, Operation]]:
    """The readout errors, and those of the bits that the circuit measures on its way and reads at its end;
    and channels that misread the bits that decide what it does, as soon as they are measured.

    Raises UnsupportedCircuit for a measurement of a wire that is read together with others.
    """
    of_wire = {w: e for e in errors for w in e.wires or ()}
    rows = [row for row, _ in circuit.instructions if row.kind == "conditional"]
    deciding = {bit for row in rows for bit in condition(row).bits}
    at_end: list[ReadoutError] = []
    at_once: dict[Bit, Operation] = {}
    for row, wires in circuit.instructions:
        error = of_wire.get(wires[0]) if row.kind == "measure" else None
        if error is None:
            continue
        if len(error.wires or ()) > 1:
            what = f"a measurement inside of wire {wires[0]!r}, which its noise model reads with others"
            raise UnsupportedCircuit(device, what, "measure it at the end")
        bit = Bit(measured(row).bit)
        if bit.index in deciding:
            at_once[bit] = misreading(error.table.array)
        else:
            at_end.append(ReadoutError((bit,), error.table))
    return (*errors, *at_end), at_once


def _of_all(m: Measurement) -> bool:
    return m.observable is None and m.wires is None


class _Noise:
    """Channels in a row on the same wires."""

    def __init__(self, wires: Wires):
        self.wires = wires
        self.channels: list[Times] = []

    def add(self, channel: Channel, times: int) -> None:
        if self.channels and self.channels[-1][0] == channel:
            times += self.channels.pop()[1]
        self.channels.append((channel, times))


class _Insertion:
    """A circuit being written anew, operation by operation, as early as each can be."""

    def __init__(self, circuit: Circuit, model: NoiseModel):
        self.wires = used_wires(circuit)
        self.rules = {
            when: [r for r in model.rules if r.when == when] for when in ("after", "idle", "measurement")
        }
        self.out: list[Instruction | _Noise] = []
        self.free: dict[Hashable, int] = dict.fromkeys(
            circuit.wires, 0
        )  # the first moment after its last operation
        self.last: dict[Hashable, int] = {}  # where in `out` a wire was met last

    def add(self, instruction: Instruction) -> None:
        row, wires = instruction
        if row.kind == "marker":
            self._line_up(row, wires or tuple(self.wires))
            self._write(instruction, wires or tuple(self.wires))
            return
        if row.kind in BUSY and row.name != "GlobalPhase":
            moment = max((self.free[w] for w in wires), default=0)
            self._wait(wires, moment)
            for w in wires:
                self.free[w] = moment + 1
        if row.kind == "measure":
            self._each("measurement", wires)
        self._write(instruction, wires)
        base = condition(row).base if row.kind == "conditional" else row
        for rule in self.rules["after"]:
            self._after(rule, base, wires)

    def end(self) -> None:
        self._wait(self.wires, max(self.free.values(), default=0))
        self._each("measurement", self.wires)

    def instructions(self) -> list[Instruction]:
        found: list[Instruction] = []
        for entry in self.out:
            if isinstance(entry, Instruction):
                found.append(entry)
            else:
                found += [Instruction(row, entry.wires) for row in rows_of(tuple(entry.channels))]
        return found

    def _line_up(self, row: Operation, wires: Sequence[Hashable]) -> None:
        if row.name == "Barrier":
            moment = max((self.free[w] for w in wires), default=0)
            self._wait(wires, moment)
            self.free.update(dict.fromkeys(wires, moment))

    def _wait(self, wires: Sequence[Hashable], moment: int) -> None:
        """What idle wires go through until this moment."""
        for wire in wires:
            times = moment - self.free[wire]
            for rule in self.rules["idle"] if times else ():
                if rule.places.has(wire):
                    self._noise(rule.channel, (wire,), times)

    def _each(self, when: str, wires: Sequence[Hashable]) -> None:
        for wire in wires:
            for rule in self.rules[when]:
                if rule.places.has(wire):
                    self._noise(rule.channel, (wire,), 1)

    def _after(self, rule: Rule, row: Operation, wires: Wires) -> None:
        assert rule.gates is not None  # of every rule that is for after gates
        if rule.gates.match(row):
            for on in rule.places.of_gate(rule.channel, wires):
                self._noise(rule.channel, on, 1)

    def _noise(self, channel: Channel, wires: Wires, times: int) -> None:
        places = {self.last.get(w) for w in wires}
        at = places.pop() if len(places) == 1 else None
        entry = None if at is None else self.out[at]
        if not isinstance(entry, _Noise) or entry.wires != wires:
            entry = _Noise(wires)
            self._write(entry, wires)
        entry.add(channel, times)

    def _write(self, entry: Instruction | _Noise, wires: Sequence[Hashable]) -> None:
        self.last.update(dict.fromkeys(wires, len(self.out)))
        self.out.append(entry)
