"""Simultaneous perturbation: differences along random directions, each of all parameters at once.

Along a direction d the difference is sum_i d_i df/dp_i, and divided by d_k it is df/dp_k plus terms that
vanish on average (Spall, IEEE Trans. Autom. Control 37, 332 (1992)). One direction costs as many rows as one
parameter costs finite differences, however many parameters there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.gradients.finite import finite_rule
from hybridge.gradients.method import Method
from hybridge.gradients.part import Part

Sampler = Callable[[Sequence[int], int, np.random.Generator], Any]


def rademacher(indices: Sequence[int], num_params: int, rng: np.random.Generator) -> np.ndarray:
    """A direction (num_params,): +1 or -1 with equal chance at `indices`, 0 elsewhere.

    >>> rademacher([0, 2], 3, np.random.default_rng(1))
    array([-1.,  0.,  1.])
    """
    found = np.zeros(num_params)
    found[list(indices)] = rng.choice([-1.0, 1.0], size=len(indices))
    return found


def spsa_part(method: Method, slots: Sequence[int], num_slots: int, noise: float) -> Part:
    """Differences along fresh directions, averaged: an unbiased estimate but for the bias of the differences.

    Entries of a direction that are 0 leave their parameter out of it. Raises CircuitError for directions that
    are none.
    """
    options = dict(method.options)
    rng, sampler = options.pop("seed"), options.pop("sampler", rademacher)
    count = options.pop("num_directions", 1)
    rule = finite_rule(noise, **options)
    drawn = np.array([_direction(sampler, slots, num_slots, rng) for _ in range(count)])
    each = drawn[:, list(slots)]
    inverse = np.divide(1.0, each, out=np.zeros_like(each), where=each != 0) / count
    moved = rule.shifts != 0
    shifts = (rule.shifts[moved][None, :, None] * drawn[:, None, :]).reshape(-1, num_slots)
    weights = (rule.weights[moved][None, :, None] * inverse[:, None, :]).reshape(-1, len(slots))
    if not moved.all():  # the unshifted point is every direction's
        shifts = np.concatenate([shifts, np.zeros((1, num_slots))])
        weights = np.concatenate([weights, rule.weights[~moved] * inverse.sum(axis=0)[None]])
    return Part(shifts, weights)


def _direction(
    sampler: Sampler, slots: Sequence[int], num_slots: int, rng: np.random.Generator
) -> np.ndarray:
    """A direction (num_slots,); what a sampler says beside the slots asked for does not count."""
    found = np.asarray(sampler(slots, num_slots, rng), dtype=float)
    if found.shape != (num_slots,) or not np.isfinite(found).all():
        raise CircuitError(
            f"sampler must return a direction of {num_slots} finite numbers; got {found.tolist()!r}"
        )
    kept = np.zeros(num_slots)
    kept[list(slots)] = found[list(slots)]
    return kept
