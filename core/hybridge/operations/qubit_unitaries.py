"""The qubit gates that users give as unitary matrices."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.operations import constants, synthesis
from hybridge.operations.matrices import controlled, diagonal
from hybridge.operations.table import Constant, Family, Operation, Step, step


def _check_unitary(num_wires: int, U: Any) -> tuple[Constant]:
    return (constants.unitary(f"QubitUnitary on {num_wires} wires", "U", U, 2**num_wires),)


def _qubit_unitary(num_wires: int, constant: Constant) -> Operation:
    matrix = constant.array
    return Operation(
        "QubitUnitary",
        "qubit",
        num_wires,
        definition=lambda: matrix,
        dense=True,
        inverse=lambda *wires: [step(QubitUnitary.of(num_wires, matrix.conj().T), wires)],
        decomposition=lambda *wires: synthesis.unitary(matrix, wires),
        constants=(constant,),
        formula=QubitUnitary.formula,
        label="U",
    )


def _example(dimension: int) -> np.ndarray:
    """A fixed unitary without symmetry: rows orthogonalised from cosines."""
    grid = np.arange(dimension**2).reshape(dimension, dimension)
    return np.linalg.qr(np.cos(1.7 * grid**2) + 1j * np.cos(0.3 + grid**3 % 7))[0]


QubitUnitary: Family = Family(
    "QubitUnitary",
    "qubit",
    ("U",),
    (),
    _qubit_unitary,
    _check_unitary,
    formula="the unitary matrix U (2^k, 2^k)",
    examples=[(1, (_example(2),)), (2, (_example(4),)), (3, (_example(8),))],
)


def _check_diagonal(num_wires: int, D: Any) -> tuple[Constant]:
    subject = f"DiagonalQubitUnitary on {num_wires} wires"
    entries = constants.array(subject, "D", D, (2**num_wires,))
    error = float(np.abs(np.abs(entries) - 1).max())
    if error > constants.TOLERANCE:
        raise CircuitError(
            f"{subject} needs entries of magnitude 1; one is off by {error:.2g} (D / abs(D) would be unitary)"
        )
    return (Constant(entries),)


def _diagonal_unitary(num_wires: int, constant: Constant) -> Operation:
    entries = constant.array
    return Operation(
        "DiagonalQubitUnitary",
        "qubit",
        num_wires,
        definition=lambda: diagonal(entries),
        inverse=lambda *wires: [step(DiagonalQubitUnitary.of(num_wires, entries.conj()), wires)],
        decomposition=lambda *wires: synthesis.diagonal(np.angle(entries), wires),
        constants=(constant,),
        formula=DiagonalQubitUnitary.formula,
        label="D",
    )


DiagonalQubitUnitary: Family = Family(
    "DiagonalQubitUnitary",
    "qubit",
    ("D",),
    (),
    _diagonal_unitary,
    _check_diagonal,
    formula="diag(D), D of shape (2^k,) and magnitude 1",
    examples=[(1, (np.exp([0.3j, -1.1j]),)), (3, (np.exp(1j * np.cos(np.arange(8.0) ** 2)),))],
)


def _check_controlled_unitary(
    num_wires: int, U: Any, control_values: Any
) -> tuple[Constant, tuple[int, ...]]:
    subject = f"ControlledQubitUnitary on {num_wires} wires"
    side = np.shape(U)[0] if np.ndim(U) == 2 else 0
    targets = side.bit_length() - 1
    if side != 2 ** max(targets, 0) or not 0 <= targets <= num_wires:
        raise CircuitError(
            f"{subject}, controls first, needs a matrix of shape (2^k, 2^k) for its last k wires, "
            f"k <= {num_wires}; got {np.shape(U)}"
        )
    controls = num_wires - targets
    values = [1] * controls if control_values is None else control_values
    checked = constants.bits(subject, "control_values", values, controls)
    return constants.unitary(subject, "U", U, side), checked


def _controlled_unitary(num_wires: int, constant: Constant, values: tuple[int, ...]) -> Operation:
    matrix, n = constant.array, len(values)

    def decomposition(*wires: Hashable) -> list[Step]:
        controls, targets = wires[:n], wires[n:]
        return synthesis.where(values, controls, synthesis.controlled_unitary(matrix, controls, targets))

    return Operation(
        "ControlledQubitUnitary",
        "qubit",
        num_wires,
        definition=lambda: controlled(matrix, values),
        dense=len(values) <= 2,  # each control doubles the matrix
        inverse=lambda *wires: [step(ControlledQubitUnitary.of(num_wires, matrix.conj().T, values), wires)],
        decomposition=decomposition,
        constants=(constant, values),
        formula=ControlledQubitUnitary.formula,
        label="U",
    )


ControlledQubitUnitary: Family = Family(
    "ControlledQubitUnitary",
    "qubit",
    ("U", "wires", "control_values"),
    (),
    _controlled_unitary,
    _check_controlled_unitary,
    defaults={"control_values": None},
    formula="U on the last wires where the first read control_values (default: all ones)",
    examples=[
        (2, (_example(2),)),
        (3, (_example(4), [0])),
        (4, (_example(2), [1, 0, 1])),
        (7, (_example(2),)),
    ],
)
