"""default.gaussian: Gaussian circuits of any size, by their means and covariances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from hybridge.plugin import Circuit, Device, Operation, Task, UnsupportedCircuit
from hybridge_default.cutoff import check_cutoff
from hybridge_default.cv_capabilities import GAUSSIAN


class Step(NamedTuple):
    """One operation: the columns of its parameters, and the entries of the mean it acts on (x, then p)."""

    operation: Operation
    columns: slice
    entries: np.ndarray


class Program(NamedTuple):
    """A compiled circuit; repeats counts the measurements, each of which is the whole mean and covariance."""

    steps: tuple[Step, ...]
    num_wires: int
    repeats: int


class DefaultGaussian(Device):
    """Means (B, 2n) and covariances (B, 2n, 2n), hbar = 2, order (x1..xn, p1..pn); exact.

    cutoff_dim  photon numbers below it appear in probabilities; nothing else depends on it
    """

    capabilities = GAUSSIAN
    name = "default.gaussian"

    def __init__(
        self, wires: Any = None, shots: int | None = None, seed: int | None = None, *, cutoff_dim: int = 10
    ):
        super().__init__(wires, shots, seed)
        self.cutoff_dim = check_cutoff(cutoff_dim)

    def compile(self, circuit: Circuit) -> Program:
        n, used = len(circuit.wires), 0
        steps: list[Step] = []
        for operation, labels in circuit.instructions:
            wires = cast(tuple[int, ...], labels)
            columns = slice(used, used + len(operation.params))
            used = columns.stop
            if operation.definition is None:
                raise UnsupportedCircuit(
                    self.name, f"{operation.name}: it is not Gaussian", "default.fock can"
                )
            steps.append(Step(operation, columns, np.array([*wires, *(n + w for w in wires)])))
        return Program(tuple(steps), n, len(circuit.measurements))

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        return [_run(task) for task in tasks]

    def memory(self, num_wires: int) -> int:
        """Bytes one row needs: the covariance, a copy while a gate is applied, and the result."""
        return 8 * 3 * (2 * num_wires) * (2 * num_wires + 1)


def _run(task: Task) -> np.ndarray:
    program: Program = task.program
    B, n = len(task.params), program.num_wires
    mean, cov = np.zeros((B, 2 * n)), np.tile(np.eye(2 * n), (B, 1, 1))
    for operation, columns, index in program.steps:
        assert operation.definition is not None
        values = operation.definition(*task.params[:, columns].T)
        APPLY[operation.kind](mean, cov, index, *values)
    return np.tile(np.concatenate([mean, cov.reshape(B, -1)], axis=1), program.repeats)


def _gate(mean: np.ndarray, cov: np.ndarray, index: np.ndarray, S: np.ndarray, d: np.ndarray) -> None:
    mean[:, index] = (S @ mean[:, index, None])[..., 0] + d
    cov[:, index] = S @ cov[:, index]
    cov[:, :, index] = cov[:, :, index] @ np.swapaxes(S, -1, -2)


def _channel(
    mean: np.ndarray, cov: np.ndarray, index: np.ndarray, X: np.ndarray, d: np.ndarray, Y: np.ndarray
) -> None:
    _gate(mean, cov, index, X, d)
    cov[:, index[:, None], index] += Y


def _state(
    mean: np.ndarray, cov: np.ndarray, index: np.ndarray, new: np.ndarray, new_cov: np.ndarray
) -> None:
    mean[:, index] = new
    cov[:, index] = 0  # the old state of these modes is traced out, and its correlations with it
    cov[:, :, index] = 0
    cov[:, index[:, None], index] = new_cov


APPLY: dict[str, Callable[..., None]] = {"gate": _gate, "channel": _channel, "state": _state}
