"""Derivatives by central differences of order 8: what exact rules are measured against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STEP = 0.03
# Fornberg, Math. Comp. 51, 699 (1988), table 1: the error is h^8 f^(9) / 630, 1e-9 for frequencies up to 4
WEIGHTS = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}

Vectorial = Callable[[np.ndarray], np.ndarray]


def jacobian(function: Vectorial, point: np.ndarray, step: float = STEP) -> np.ndarray:
    """d function / d point, (*value, n), of a function of points (n,).

    >>> jacobian(lambda x: np.sin(x), np.array([0.0, 1.0])).round(9).tolist()
    [[1.0, 0.0], [0.0, 0.540302306]]
    """
    point = np.asarray(point, dtype=float)
    columns = []
    for k in range(len(point)):
        direction = step * np.eye(len(point))[k]
        differences = (
            w * (np.asarray(function(point + i * direction)) - np.asarray(function(point - i * direction)))
            for i, w in WEIGHTS.items()
        )
        columns.append(sum(differences) / step)
    return np.stack(columns, axis=-1)


def hessian(function: Vectorial, point: np.ndarray, step: float = STEP) -> np.ndarray:
    """d^2 function / d point^2, (*value, n, n)."""
    return jacobian(lambda x: jacobian(function, x, step), point, step)
