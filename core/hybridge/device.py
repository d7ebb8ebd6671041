"""What a device is: `compile(circuit)` once, `run(tasks)` many times; and what it says of itself."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from hybridge import memory
from hybridge.circuit import Circuit
from hybridge.errors import CircuitError, DeviceError
from hybridge.noise.model import NoiseModel
from hybridge.operations.table import Wires, as_wires

MAX_NUMBERED = 2**20  # wires; a state of so many fits nowhere, and counting out 10^9 would fill the memory


@dataclass(frozen=True)
class Capabilities:
    """What a device claims; plain data, readable without its SDK. The core supplies the rest from it.

    domain        "qubit" or "cv"
    operations    names of the rows it runs; None: every row of its domain that has a definition, but channels
                  on qubits only where it returns density_matrix
    measurements  kinds `run` returns. Qubit: any of state, density_matrix, expval, var, probs, sample and
                  counts. CV: gaussian (mean and covariance), mixture (a sum of Gaussians) or state (ket) and
                  density_matrix, from which the core makes what is not claimed; and any of expval, var,
                  probs (of photon numbers), but beside a mixture.
    observables   for expval and var: any of "pauli" (a Sentence), "matrix" (every other qubit observable),
                  "polynomial" (in x and p), "projector" (a NumberProjector),
                  "click" (a Clicks, whether threshold detectors all click; of probs, which of them do)
    exact, shots  whether it serves shots=None, shots=n
    vjp           whether Device.vjp gives the derivatives of expval, var and probs where it claims them
    max_wires     most wires, None: no limit of its own
    max_gate_wires  gates on more wires are decomposed even if claimed, unless their constants are the matrix
    wide_gates      names of gates that run on any number of wires all the same; "controlled" stands for every
                    gate on one wire under any number of controls
    mid_circuit   what it does by itself in tasks with shots: any of "measure", "reset", "conditional"; for
                  the rest, and exactly, the core defers measurements to the end. CV, exactly too: "outcome",
                  the rows of that kind, which post-select
    truncated     a Fock space cut at cutoff_dim: norm may leak
    conventions   the vendor's differences that translate.py settles, in words
    """

    domain: str
    operations: frozenset[str] | None
    measurements: frozenset[str]
    observables: frozenset[str] = frozenset()
    exact: bool = True
    shots: bool = True
    vjp: bool = False
    max_wires: int | None = None
    max_gate_wires: int | None = None
    wide_gates: frozenset[str] = frozenset()
    mid_circuit: frozenset[str] = frozenset()
    truncated: bool = False
    conventions: str = ""


class Task(NamedTuple):
    """One program at many points: params (batch, P) float64; shots per row, None for exact; seed."""

    program: Any
    params: np.ndarray
    shots: int | None = None
    seed: int | None = None


class Device(ABC):
    """A backend. Subclasses set `capabilities` and write `run`, and `compile` where there is something to do.

    Options of a device are keyword-only arguments of its `__init__`, which calls `super().__init__(wires,
    shots, seed)`.
    """

    capabilities: ClassVar[Capabilities]
    name: str = ""
    _noise: NoiseModel | None = None
    cutoff_dim: int | None = (
        None  # photon numbers 0..cutoff_dim-1 in probs (and in the state, on a Fock device)
    )
    precision: float = float(np.finfo(float).eps)  # of exact results, relative; of one in single, float32's

    def __init__(self, wires: Any = None, shots: int | None = None, seed: int | None = None):
        self.wires: Wires | None = None if wires is None else _labels(wires)
        limit = self.capabilities.max_wires
        if limit is not None and self.wires is not None and len(self.wires) > limit:
            raise DeviceError(f"device {self.name!r} has at most {limit} wires; got {len(self.wires)}")
        self.name = self.name or type(self).__name__
        self.shots = check_shots(shots)
        self.seed = seed
        self._seeds = _seeds(seed)
        self._lock = threading.Lock()

    def compile(self, circuit: Circuit) -> Any:
        """The program for a lowered circuit: wires 0..n-1, claimed operations and measurements; cached."""
        return circuit

    @abstractmethod
    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """For each task a (batch, columns) array, the measurements side by side; ONE vendor job for all.

        Tasks may differ in their shots; a vendor whose jobs have one number takes a job for each number.

        expval, var: 1 column; probs 2^k; state 2^n complex; density_matrix 4^k complex, row-major; sample
        shots * wires (0 and 1, of any integer type), shot by shot; counts m = min(shots, 2^k) outcomes as
        numbers (int64, wires[0] most significant), then the m times that they came, 0 for entries to spare.
        CV: gaussian 2n + (2n)^2 (mean, covariance row-major); probs cutoff^k; state cutoff^n complex;
        density_matrix cutoff^(2n) complex, row-major as a (cutoff^n, cutoff^n) matrix; mixture (2n)^2 + K (1
        + 2n) complex: the covariance, then weight and mean of each of K Gaussians, zeros for those to spare.
        """

    def vjp(self, task: Task, cotangent: np.ndarray) -> np.ndarray:
        """cotangent (batch, columns) -> (batch, P): only where capabilities.vjp. An infinite slope is inf."""
        raise DeviceError(f"device {self.name!r} has no derivatives of its own")

    def value_and_vjp(self, task: Task, cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What `run` gives of the task, and `vjp`: for a device that has both from one pass to say so."""
        return self.run([task])[0], self.vjp(task, cotangent)

    def differentiates(self, program: Any) -> bool:
        """Whether `vjp` gives the derivatives of this program, where capabilities.vjp; the core's if not."""
        return True

    def measures_inside(self, num_wires: int, deferred: int) -> bool:
        """Whether it measures on the way what it could, where the circuit on so many wires, its measurements
        put off to the end, is on `deferred` ones: asked of devices that claim `mid_circuit`."""
        return True

    def memory(self, num_wires: int) -> int:
        """Bytes one row of a batch needs at its peak for so many wires, beside what `run` returns; 0 where
        that is not the limit."""
        return 0

    def vjp_memory(self, num_wires: int) -> int:
        """Bytes one row of a batch needs in `vjp`."""
        return self.memory(num_wires)

    def next_seed(self) -> int:
        """A fresh seed; the sequence is fixed by the device's own `seed`."""
        with self._lock:
            return int(self._seeds.integers(2**31 - 1))

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    @property
    def noise(self) -> NoiseModel | None:
        """The noise that the core adds to every circuit, None for none; a device has the same for life."""
        return self._noise

    def __repr__(self) -> str:
        wires = "inferred" if self.wires is None else len(self.wires)
        noisy = " noisy" if self._noise else ""
        return f"<{self.name} wires={wires} shots={self.shots}{noisy}>"


def _labels(wires: Any) -> Wires:
    """A number of wires as the labels 0, 1, ...; labels as they are, if they are hashable and differ."""
    if isinstance(wires, (bool, np.bool_)) or (isinstance(wires, (int, np.integer)) and wires < 1):
        raise CircuitError(f"wires must be a number of wires >= 1 or labels; got {wires!r}")
    if isinstance(wires, (int, np.integer)):
        if wires > MAX_NUMBERED:
            needed, free = memory.human(40 * int(wires)), memory.human(memory.available())
            raise CircuitError(
                f"wires={wires}: a device numbers at most {MAX_NUMBERED} by itself; "
                f"so many labels alone need {needed} of memory, {free} is available"
            )
        return tuple(range(int(wires)))
    labels = as_wires(wires)
    try:
        differ = len(set(labels)) == len(labels)
    except TypeError:
        raise CircuitError(f"a wire label must be hashable; got {list(labels)!r}") from None
    if not differ:
        raise CircuitError(f"wires must differ from one another; got {list(labels)!r}")
    return labels


def _seeds(seed: Any) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise CircuitError(f"seed must be a whole number >= 0, or None; got {seed!r}") from None


def check_shots(shots: Any) -> int | None:
    """shots as an int >= 1, or None for exact results."""
    if shots is None:
        return None
    if isinstance(shots, (bool, np.bool_)) or not isinstance(shots, (int, np.integer)) or shots < 1:
        raise CircuitError(f"shots must be a whole number >= 1, or None for exact results; got {shots!r}")
    return int(shots)
