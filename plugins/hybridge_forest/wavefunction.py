"""forest.wavefunction: exact states from a QVM, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hybridge.plugin import Circuit, Device, Task
from hybridge_forest import WAVEFUNCTION
from hybridge_forest.program import QuilProgram
from hybridge_forest.qvm import Connection
from hybridge_forest.translate import translate


class ForestWavefunction(Device):
    """Exact states from a QVM: one request for each row, whose numbers a program reads from its memory.

    url      of the QVM; None: that of Forest's settings, http://127.0.0.1:5000 if they have none
    timeout  seconds that an answer may take
    """

    capabilities = WAVEFUNCTION

    def __init__(
        self,
        wires: Any = None,
        shots: int | None = None,
        seed: int | None = None,
        *,
        url: str | None = None,
        timeout: float = 30.0,
    ):
        super().__init__(wires, shots, seed)
        self._qvm = Connection(self.name, url, timeout)

    def compile(self, circuit: Circuit) -> QuilProgram:
        """The circuit's Quil program; its text is `.quil`."""
        gates = tuple(translate(circuit.instructions))
        return QuilProgram(len(circuit.wires), circuit.num_slots, len(circuit.measurements), gates)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """For each task its states, (batch, 2^n) complex, wire 0 most significant; once per measurement."""
        return [np.hstack([self._states(*task[:2])] * task.program.num_states) for task in tasks]

    def _states(self, program: QuilProgram, params: np.ndarray) -> np.ndarray:
        rows = [self._qvm.wavefunction(program.bound(row), program.num_wires) for row in params.tolist()]
        return turned(np.array(rows).reshape(len(params), -1), program.num_wires)

    def memory(self, num_wires: int) -> int:
        """Bytes one row needs at its peak: the SDK gives 16 octets an amplitude as a list of numbers."""
        return (16 * 8 + 4 * 16) * 2**num_wires


def turned(amplitudes: np.ndarray, num_wires: int) -> np.ndarray:
    """(batch, 2^n) with qubit 0 least significant -> with wire 0 most significant."""
    tensor = amplitudes.reshape(-1, *(2,) * num_wires)
    return tensor.transpose(0, *range(num_wires, 0, -1)).reshape(len(tensor), 2**num_wires)
