"""How the constants that users give are checked: finite arrays, bits, unitaries, kets and density matrices.

`subject`, "QubitUnitary on 2 wires" say, is what an error names. Each check raises CircuitError.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.operations.table import Constant

TOLERANCE = 1e-8  # how far from unitary, normalised, symmetric ... a constant may be


def array(
    subject: str, argument: str, value: Any, shape: Sequence[int] | None = None, dtype: type = complex
) -> np.ndarray:
    """A finite copy of the user's array, complex or float."""
    what, kinds = ("numbers", "biufcO") if dtype is complex else ("real numbers", "biufO")
    try:
        found = np.array(value)
        if found.dtype.kind not in kinds:
            raise TypeError(f"it holds {found.dtype}")
        found = found.astype(dtype, copy=False)
    except (TypeError, ValueError, RuntimeError) as reason:
        raise CircuitError(
            f"{subject} needs an array {argument} of {what}; it is part of the circuit's structure, not a "
            f"parameter that is differentiated; got {type(value).__name__} ({reason})"
        ) from reason
    if not np.isfinite(found).all():
        raise CircuitError(f"{subject} needs a finite {argument}; it has entries that are NaN or infinite")
    if shape is not None and found.shape != tuple(shape):
        raise CircuitError(f"{subject} needs {argument} of shape {tuple(shape)}; got {found.shape}")
    return found


def bits(subject: str, noun: str, value: Any, length: int) -> tuple[int, ...]:
    """Zeros and ones, one per wire."""
    given = value.tolist() if isinstance(value, np.ndarray) else value
    entries = list(given) if isinstance(given, Iterable) else [given]
    if any(not isinstance(b, (bool, int, float, np.number, np.bool_)) or b not in (0, 1) for b in entries):
        raise CircuitError(f"{subject} needs {noun} of zeros and ones; got {value!r}")
    if len(entries) != length:
        raise CircuitError(
            f"{subject} needs {length} {noun}, one for each wire; got {len(entries)}: {value!r}"
        )
    return tuple(int(b) for b in entries)


def unitary(subject: str, argument: str, value: Any, size: int) -> Constant:
    """A unitary matrix (size, size)."""
    matrix = array(subject, argument, value, (size, size))
    error = float(np.abs(matrix.conj().T @ matrix - np.eye(size)).max())
    if error > TOLERANCE:
        raise CircuitError(
            f"{subject} needs a unitary {argument}; {argument}^dagger {argument} differs from the identity "
            f"by {error:.2g} (scipy.linalg.polar gives the nearest unitary)"
        )
    return Constant(matrix)


def normalised(subject: str, argument: str, ket: np.ndarray, remedy: str = "") -> Constant:
    """A ket of norm 1, of any shape."""
    norm = float(np.linalg.norm(ket))
    if abs(norm - 1) > TOLERANCE:
        raise CircuitError(
            f"{subject} needs a {argument} of norm 1; got norm {norm:.10g}{remedy and '; ' + remedy}"
        )
    return Constant(ket)


def density(subject: str, argument: str, matrix: np.ndarray) -> Constant:
    """A Hermitian matrix of trace 1 without negative eigenvalues."""
    error = float(np.abs(matrix - matrix.conj().T).max())
    if error > TOLERANCE:
        raise CircuitError(
            f"{subject} needs a Hermitian {argument}; it differs from its adjoint by {error:.2g}"
        )
    trace = float(matrix.trace().real)
    if abs(trace - 1) > TOLERANCE:
        raise CircuitError(f"{subject} needs a {argument} of trace 1; got trace {trace:.10g}")
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    if lowest < -TOLERANCE:
        raise CircuitError(
            f"{subject} needs a {argument} without negative eigenvalues; the lowest is {lowest:.2g}"
        )
    return Constant(matrix)
