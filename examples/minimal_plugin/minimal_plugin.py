"""minimal.qubit: a complete exact qubit device; operations run straight from the rows that define them."""

from collections.abc import Sequence

import numpy as np

from hybridge.plugin import Capabilities, Device, Operation, Task, hookimpl

# operations=None: every qubit row there is. run gives states; the core reads every measurement from them.
CAPABILITIES = Capabilities(domain="qubit", operations=None, measurements=frozenset({"state"}), max_wires=20)


@hookimpl
def register_devices(register):
    """Offer the device. An SDK's modules would be named in `requires` and imported in a file of their own."""
    register("minimal.qubit", "minimal_plugin:Minimal", capabilities=CAPABILITIES)


class Minimal(Device):
    """State vectors in numpy. What comes here is lowered by the core: claimed rows on wires 0..n-1."""

    capabilities = CAPABILITIES

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """For each task the states of its rows of numbers: (batch, 2^n), wire 0 most significant."""
        return [states(task) for task in tasks]


def states(task: Task) -> np.ndarray:
    """All rows at once: one axis for the batch, then one axis of length 2 for each wire."""
    n, batch, slot = len(task.program.wires), len(task.params), 0
    amplitudes = np.zeros((batch, *(2,) * n), dtype=complex)
    amplitudes[(slice(None), *(0,) * n)] = 1
    for operation, wires in task.program.instructions:  # its parameters are the next columns
        numbers = task.params[:, slot : slot + len(operation.params)].T
        slot += len(operation.params)
        amplitudes = applied(matrix(operation, numbers), amplitudes, [1 + w for w in wires])
    return amplitudes.reshape(batch, 2**n)


def matrix(operation: Operation, numbers: np.ndarray) -> np.ndarray:
    """(2^k, 2^k), or one for each row; a state is prepared by a matrix that has its ket for |0..0>."""
    found = np.asarray(operation.definition(*numbers))
    return found if operation.kind == "gate" else found[:, None] * (np.arange(len(found)) == 0)


def applied(gate: np.ndarray, amplitudes: np.ndarray, axes: list[int]) -> np.ndarray:
    """The matrix on these axes, its first wire most significant."""
    front = range(1, len(axes) + 1)
    moved = np.moveaxis(amplitudes, axes, front)
    product = gate @ moved.reshape(len(moved), 2 ** len(axes), 2 ** (moved.ndim - 1 - len(axes)))
    return np.moveaxis(product.reshape(moved.shape), front, axes)
