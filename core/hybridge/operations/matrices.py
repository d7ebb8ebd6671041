"""How rows write their matrices: from numbers, or from arrays of numbers whose axes then come first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

DENSE_WIRES = 10  # a (2^n, 2^n) matrix is diagonalised up to here


def number(bits: Sequence[int]) -> int:
    """The number these bits write, the first most significant; 0 for none."""
    return int("".join(map(str, bits)) or "0", 2)


def sparse(dimension: int, entries: Mapping[tuple[int, int], Any]) -> np.ndarray:
    """(..., d, d) complex with these entries, each (...), and zero elsewhere."""
    lead = np.broadcast_shapes(*(np.shape(v) for v in entries.values()))
    out = np.zeros((*lead, dimension, dimension), complex)
    for (i, j), value in entries.items():
        out[..., i, j] = value
    return out


def dense(*entries: Any) -> np.ndarray:
    """A real vector (..., n), or a matrix (..., n, m) from rows given as lists; the entries broadcast."""
    size = (len(entries), len(entries[0])) if isinstance(entries[0], list) else (len(entries),)
    flat = [entry for line in entries for entry in line] if len(size) == 2 else entries
    lead = np.broadcast_shapes(*(entry.shape for entry in flat if isinstance(entry, np.ndarray)))
    out = np.empty((*lead, len(flat)))
    for i, entry in enumerate(flat):
        out[..., i] = entry
    return out.reshape(*lead, *size)


def diagonal(entries: np.ndarray) -> np.ndarray:
    """(..., d) -> (..., d, d)."""
    out = np.zeros((*entries.shape, entries.shape[-1]), complex)
    places = np.arange(entries.shape[-1])
    out[..., places, places] = entries
    return out


def phases(phi: Any, signs: Any) -> np.ndarray:
    """diag(exp(i phi signs)): (...) -> (..., d, d)."""
    return diagonal(np.exp(1j * np.multiply.outer(np.asarray(phi, dtype=float), signs)))


def rotation(phi: Any, involution: np.ndarray) -> np.ndarray:
    """exp(-i phi/2 P) for P^2 = 1: (...) -> (..., d, d)."""
    half = np.asarray(phi, dtype=float)[..., None, None] / 2
    return np.cos(half) * np.eye(len(involution)) - 1j * np.sin(half) * involution


def controlled(matrix: np.ndarray, values: Sequence[int] = (1,)) -> np.ndarray:
    """(..., d, d) -> (..., 2^n d, 2^n d), applied where the first n wires read `values`."""
    d = matrix.shape[-1]
    size, start = d << len(values), d * number(values)
    out = np.zeros((*matrix.shape[:-2], size, size), complex)
    out[..., range(size), range(size)] = 1
    out[..., start : start + d, start : start + d] = matrix
    return out
