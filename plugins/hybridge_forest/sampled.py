"""forest.qvm: shots from a QVM, drawn from one state where all shots share it, else run one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import QUBIT_CHANNELS, Circuit, Device, DeviceError, Task
from hybridge_forest import QVM
from hybridge_forest.program import QuilProgram, moves
from hybridge_forest.quilc import UNCOMPILED, Compiler, bound, pairs_of
from hybridge_forest.qvm import Connection, Noise, Shots
from hybridge_forest.shotwise import ShotProgram, shotwise, unitary
from hybridge_forest.translate import translate


class StateProgram(NamedTuple):
    """A program whose state all shots share, and the wires that are read of it."""

    program: QuilProgram
    columns: tuple[int, ...]

    def native(self) -> str:
        """The program as Quil text."""
        return self.program.quil


class LatticeProgram(NamedTuple):
    """A program compiled to a lattice, and which bits of `ro` are asked for."""

    quil: str
    columns: tuple[int, ...]

    def native(self) -> str:
        """The program as Quil text, in the lattice's own gates."""
        return self.quil

    def bound(self, row: Sequence[float]) -> str:
        """The text with a row of numbers in `theta`."""
        return bound(self.quil, moves(row))


class ForestQVM(Device):
    """Shots from a QVM.

    Of a circuit of gates the QVM is asked for the state, once, and the shots are drawn here. With channels,
    noise, measurements inside the circuit or what depends on them, the QVM runs it anew for each shot.

    url                of the QVM; None: that of Forest's settings, http://127.0.0.1:5000 if they have none
    timeout            seconds that an answer may take
    gate_noise         probabilities of X, Y and Z on each qubit of a Quil gate, after it
    measurement_noise  probabilities of X, Y and Z on a qubit before it is measured
    lattice            "9q-square", or pairs of qubits that have gates: quilc compiles circuits to it
    quilc_url          of quilc; None: that of Forest's settings, tcp://127.0.0.1:5555 if they have none
    """

    capabilities = QVM

    def __init__(
        self,
        wires: Any = None,
        shots: int | None = None,
        seed: int | None = None,
        *,
        url: str | None = None,
        timeout: float = 30.0,
        gate_noise: Sequence[float] | None = None,
        measurement_noise: Sequence[float] | None = None,
        lattice: str | Sequence[tuple[int, int]] | None = None,
        quilc_url: str | None = None,
    ):
        self._quilc = None
        if lattice is not None:
            self._quilc = Compiler(self.name, quilc_url, timeout, pairs_of(lattice))
            # channels would be compiled as the identities that stand for them
            compiled = (QVM.operations or frozenset()) - QUBIT_CHANNELS - UNCOMPILED
            size = self._quilc.num_qubits
            self.capabilities = replace(QVM, operations=compiled, max_wires=size)  # type: ignore[misc]
        elif quilc_url is not None:
            raise DeviceError(
                "quilc_url is of use with a lattice only; give lattice='9q-square', or none of both"
            )
        super().__init__(wires, shots, seed)
        self._gate_noise = _noise("gate_noise", gate_noise)
        self._measurement_noise = _noise("measurement_noise", measurement_noise)
        self._qvm = Connection(self.name, url, timeout)

    def compile(self, circuit: Circuit) -> StateProgram | ShotProgram | LatticeProgram:
        """The circuit's Quil program; its text is `.native()`."""
        if self._quilc is not None:
            written = shotwise(circuit)
            return LatticeProgram(self._quilc.compiled(written.quil), written.columns)
        if not unitary(circuit) or self._gate_noise or self._measurement_noise:
            return shotwise(circuit)
        gates = tuple(translate(circuit.instructions))
        wires: tuple[Any, ...] = tuple(wire for m in circuit.measurements for wire in m.wires or ())
        return StateProgram(QuilProgram(len(circuit.wires), circuit.num_slots, 1, gates), wires)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """For each task its bits, (batch, shots * wires), shot by shot."""
        return [self._bits(task) for task in tasks]

    def _bits(self, task: Task) -> np.ndarray:
        seeds = np.random.SeedSequence(task.seed).generate_state(len(task.params)).tolist()
        draw = self._drawn if isinstance(task.program, StateProgram) else self._shot_by_shot
        shots, rows = task.shots or 0, zip(task.params.tolist(), seeds, strict=True)
        found = [draw(task.program, row, shots, seed) for row, seed in rows]
        return np.array(found, np.uint8).reshape(len(found), shots * len(task.program.columns))

    def _drawn(self, asked: StateProgram, row: Sequence[float], shots: int, seed: int) -> np.ndarray:
        """Bits (shots, wires) of the state of this row: one request, whatever the shots."""
        program, wires = asked
        weights = np.abs(self._qvm.wavefunction(program.bound(row), program.num_wires)) ** 2
        cumulative = np.cumsum(weights)
        drawn = np.random.default_rng(seed).random(shots) * cumulative[-1]
        # rounding may bring a number to the sum itself: nothing is beyond the last outcome that is possible
        last = np.searchsorted(cumulative, cumulative[-1], side="left")
        outcomes = np.minimum(np.searchsorted(cumulative, drawn, side="right"), last)
        return outcomes[:, None] >> np.array(wires) & 1  # qubit 0 is least significant

    def _shot_by_shot(
        self, program: ShotProgram | LatticeProgram, row: Sequence[float], shots: int, seed: int
    ) -> np.ndarray:
        """Bits (shots, columns): one request, in which the QVM runs the program so many times."""
        asked = Shots(
            program.bound(row), shots, program.columns, seed, self._gate_noise, self._measurement_noise
        )
        return self._qvm.shots(asked)

    def memory(self, num_wires: int) -> int:
        """Bytes one row needs at its peak: the SDK gives 16 octets an amplitude as a list of numbers."""
        return (16 * 8 + 4 * 16) * 2**num_wires


def _noise(option: str, given: Sequence[float] | None) -> Noise | None:
    """Three probabilities, or None. Raises DeviceError."""
    if given is None:
        return None
    try:
        x, y, z = (float(p) for p in given)
    except (TypeError, ValueError):
        x, y, z = -1.0, 0.0, 0.0
    if not (min(x, y, z) >= 0 and x + y + z <= 1):
        raise DeviceError(
            f"{option} is three probabilities, of X, Y and Z, at most 1 together; got {given!r}"
        )
    return x, y, z
