"""DEFGATEs of a Quil program as hybridge's rows: by matrix, permutation and Pauli sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.linalg import expm

from hybridge.plugin import FAMILIES, CircuitError

MAX_WIRES = 6
PAULIS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def defined(definition: Any, numbers: Sequence[Any]) -> Any:
    """The row of a DEFGATE with these numbers, which must be known. Raises CircuitError."""
    name, given = definition.name, definition.parameters
    if any(not isinstance(n, (int, float)) for n in numbers):
        raise CircuitError(f"{name}, a matrix that depends on a parameter, is not read")
    if len(given) != len(numbers):
        raise CircuitError(f"{name} with {len(numbers)} numbers is not read; it takes {len(given)}")
    size = _size(definition.specification)
    k = size.bit_length() - 1
    if k > MAX_WIRES or 2**k != size:
        raise CircuitError(f"{name}, whose matrix has {size} rows, is not read; at most {2**MAX_WIRES} are")
    values = {p.name: complex(n) for p, n in zip(given, numbers, strict=True)}
    try:
        with np.errstate(all="ignore"):  # what is not finite is refused as a matrix
            return FAMILIES["QubitUnitary"].of(k, _matrix(definition.specification, values))
    except (CircuitError, ValueError, IndexError) as error:
        raise CircuitError(f"{name}: {error}") from error


def _size(specification: Any) -> int:
    """How many rows the matrix has."""
    if specification.is_permutation():
        return len(specification.to_permutation())
    if specification.is_pauli_sum():
        return 2 ** min(len(specification.to_pauli_sum().arguments), MAX_WIRES + 1)
    return len(specification.to_matrix())


def _matrix(specification: Any, values: Mapping[str, complex]) -> np.ndarray:
    if specification.is_permutation():
        order = specification.to_permutation()
        return np.eye(len(order), dtype=complex)[:, order]
    if specification.is_pauli_sum():
        total = specification.to_pauli_sum()
        exponent = np.zeros((2 ** len(total.arguments),) * 2, dtype=complex)
        for term in total.terms:
            letters = {argument: str(letter).rpartition(".")[2] for letter, argument in term.arguments}
            product = np.eye(1)
            for argument in total.arguments:
                product = np.kron(product, PAULIS[letters.get(argument, "I")])
            exponent += term.expression.evaluate(values, {}) * product
        return expm(-1j * exponent)
    cells = specification.to_matrix()
    return np.array([[cell.evaluate(values, {}) for cell in row] for row in cells], dtype=complex)
