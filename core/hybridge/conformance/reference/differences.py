"""Derivatives by central differences of order 8: what exact rules are measured against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STEP = 0.01
# Fornberg, Math. Comp. 51, 699 (1988), table 1: the error is h^8 f^(9) / 630, 1e-13 for frequencies up to 4
WEIGHTS = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
SECOND = {0: -205 / 72, 1: 8 / 5, 2: -1 / 5, 3: 8 / 315, 4: -1 / 560}

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
    """d^2 function / d point^2, (*value, n, n), from second derivatives along e_i and e_i + e_j.

    >>> hessian(lambda x: x[0] ** 2 * x[1] + x[1] ** 2, np.array([1.0, 2.0])).round(9).tolist()
    [[4.0, 2.0], [2.0, 2.0]]
    """
    point = np.asarray(point, dtype=float)
    axes = np.eye(len(point))

    def along(direction: np.ndarray) -> np.ndarray:
        values = {i: np.asarray(function(point + i * step * direction)) for i in range(-4, 5)}
        return np.sum([SECOND[abs(i)] * value for i, value in values.items()], axis=0) / step**2

    single = [along(e) for e in axes]
    rows = [
        [
            single[i] if i == j else (along(axes[i] + axes[j]) - single[i] - single[j]) / 2
            for j in range(len(axes))
        ]
        for i in range(len(axes))
    ]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))
