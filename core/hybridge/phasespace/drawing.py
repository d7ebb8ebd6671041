"""Drawing photon numbers from tables of probabilities."""

from __future__ import annotations

import numpy as np


def draw_numbers(table: np.ndarray, shots: int, rng: np.random.Generator) -> np.ndarray:
    """Indices drawn from each row of table (B, C1, ..., Ck), normalised: (B, shots, k) int64.

    >>> draw_numbers(np.array([[[0.0, 0.0], [2.0, 0.0]]]), 2, np.random.default_rng(0)).tolist()
    [[[1, 0], [1, 0]]]
    """
    # rounding may leave -1e-20
    cumulative = np.cumsum(np.clip(table.reshape(len(table), -1), 0, None), axis=1)
    total = cumulative[:, -1:]
    levels = np.minimum(rng.random((len(table), shots)) * total, np.nextafter(total, 0))
    drawn = [np.searchsorted(row, level, side="right") for row, level in zip(cumulative, levels, strict=True)]
    numbers = np.unravel_index(drawn, table.shape[1:])
    return np.stack(numbers, axis=-1).astype(np.int64)
