"""The device pennylane.device: one tape per row, all of them in one call of PennyLane."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pennylane as qml

from hybridge.plugin import Circuit, Device, DeviceError, JobFailed, Measurement, Task
from hybridge_pennylane import DEVICE
from hybridge_pennylane.alone import ALONE
from hybridge_pennylane.claims import WIRES, claims
from hybridge_pennylane.translate import MEASURE, Step, steps

HUB = ("wires", "shots", "seed")  # hybridge's own, and so no options of a device
DTYPES = (
    "c_dtype",
    "r_dtype",
)  # options that say how exact results are, as Lightning's and the old interface's
# what a device may take besides its wires: left without a seed it draws one from numpy's global generator;
# a tape says its shots, and a device of PennyLane's old interface that has a number of its own is a warning
ASKED: tuple[dict[str, int | None], ...] = ({"seed": 0, "shots": None}, {"seed": 0}, {"shots": None})
BROKEN = (qml.exceptions.DeviceError, ImportError, RuntimeError, TypeError, ValueError)
COMPLEX = ("state", "density_matrix")


class Program(NamedTuple):
    """A circuit for every row of numbers."""

    num_wires: int
    num_slots: int
    prepared: list[Any]
    steps: list[Step]
    measurements: tuple[Measurement, ...]

    def tape(self, numbers: Sequence[float], shots: int | None) -> Any:
        """PennyLane's script at a row (P,)."""
        every = list(range(self.num_wires))
        measured = [MEASURE[m.kind](m, every) for m in self.measurements]
        return qml.tape.QuantumScript([*self.prepared, *(s.at(numbers) for s in self.steps)], measured, shots)

    def native(self) -> str:
        """The circuit as PennyLane draws it, at the numbers 0.1, 0.2, ..."""
        with ALONE:
            return qml.drawer.tape_text(
                self.tape([0.1 * (i + 1) for i in range(self.num_slots)], None), decimals=1
            )


class PennyLaneDevice(Device):
    """A device of PennyLane, or of one of its plugins. Options:

    device          its name, "default.qubit" if none is given: what `pennylane.device` takes
    device_options  its own options, by name

    What it claims is asked of PennyLane's device, see claims.py: channels run where it lists them, exact
    results come from devices that give any. A seed is refused where it takes none.
    """

    capabilities = DEVICE
    name = "pennylane.device"

    def __init__(
        self,
        wires: Any = None,
        shots: int | None = None,
        seed: int | None = None,
        *,
        device: str = "default.qubit",
        device_options: Mapping[str, Any] | None = None,
    ):
        super().__init__(wires, shots, seed)
        if device_options is not None and not isinstance(device_options, Mapping):
            raise DeviceError(f"device_options is a mapping of names to values; got {device_options!r}")
        self._device, self._options = device, dict(device_options or {})
        for name in HUB:
            if name in self._options:
                raise DeviceError(
                    f"{name} is no device_option; give hb.device('pennylane.device', {name}=...)"
                )
        for dtype in (self._options[name] for name in DTYPES if name in self._options):
            try:
                self.precision = float(np.finfo(dtype).eps)
            except (TypeError, ValueError) as error:
                raise DeviceError(f"{dtype!r} is no type of numbers for PennyLane's {device!r}") from error
        taken = next((more for more in ASKED if self._takes(more)), {})
        self._silent, self._seeded = {name: None for name in taken if name == "shots"}, "seed" in taken
        with ALONE:
            self.capabilities = claims(self._made(WIRES))  # type: ignore[misc]
        if seed is not None and not self._seeded:
            raise DeviceError(f"PennyLane's device {device!r} takes no seed; leave seed out")

    def _takes(self, more: Mapping[str, int | None]) -> bool:
        """Whether PennyLane's device has these options by name, and may be made with them."""
        try:
            made = qml.device(self._device, wires=WIRES, **self._options, **more)
        except BROKEN:
            return False
        own = made.target_device if isinstance(made, qml.devices.LegacyDeviceFacade) else made
        return set(more) <= set(inspect.signature(type(own).__init__).parameters)

    def _made(self, num_wires: int, seeds: Sequence[int] = (0,)) -> Any:
        """PennyLane's device for a job."""
        more = {"seed": int(np.random.SeedSequence(seeds).generate_state(1)[0])} if self._seeded else {}
        try:
            return qml.device(self._device, wires=num_wires, **self._options, **self._silent, **more)
        except BROKEN as error:
            said = " ".join(str(error).split())
            raise DeviceError(
                f"PennyLane cannot make its device {self._device!r} with {self._options} on {num_wires} "
                f"wires: {said}; pennylane.about() lists what is installed"
            ) from error

    def compile(self, circuit: Circuit) -> Program:
        """The circuit's operations; `program.native()` is PennyLane's own drawing of it."""
        with ALONE:
            prepared, found = steps(circuit.instructions)
        return Program(len(circuit.wires), circuit.num_slots, prepared, found, circuit.measurements)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """ONE call of PennyLane for all tasks and rows."""
        if not any(len(t.params) for t in tasks):
            return [np.zeros((0, 0)) for _ in tasks]
        seeds = [self.next_seed() if t.seed is None else t.seed for t in tasks if t.shots is not None]
        with ALONE:
            tapes = [t.program.tape(row, t.shots) for t in tasks for row in t.params.tolist()]
            device = self._made(max(t.program.num_wires for t in tasks), seeds)
            try:
                results = iter(qml.execute(tapes, device, diff_method=None, cache=None))
            except qml.exceptions.DeviceError as error:
                raise JobFailed(self.name, str(error)) from error
        return [self._read(task, [next(results) for _ in task.params]) for task in tasks]

    def _read(self, task: Task, rows: Sequence[Any]) -> np.ndarray:
        """(batch, columns): the measurements side by side."""
        measurements = task.program.measurements
        dtype = complex if any(m.kind in COMPLEX for m in measurements) else float
        if all(m.kind == "sample" for m in measurements):
            dtype = np.uint8  # type: ignore[assignment]
        found = [row if len(measurements) > 1 else (row,) for row in rows]
        plain = [[_plain(m, v) for m, v in zip(measurements, row, strict=True)] for row in found]
        flat = [np.concatenate([v.reshape(-1) for v in row]) for row in plain]
        return np.array(flat).astype(dtype)

    def memory(self, num_wires: int) -> int:
        """Bytes of a row at its peak on a simulator of kets, or of density matrices."""
        return 3 * 16 * 2 ** (num_wires * (2 if "BitFlip" in (self.capabilities.operations or ()) else 1))


def _plain(m: Measurement, value: Any) -> np.ndarray:
    """A result as an array; default.mixed gives real ones as complex numbers."""
    return np.asarray(value) if m.kind in COMPLEX else np.real(np.asarray(value))
