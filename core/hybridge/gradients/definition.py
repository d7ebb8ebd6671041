"""The exact derivative of what defines a CV row, in each of its parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybridge.errors import GradientError
from hybridge.gradients.shift import shift_rule
from hybridge.operations.table import Affine, Operation

Arrays = tuple[np.ndarray, ...]


def definition_slope(
    operation: Operation, index: int, values: np.ndarray, cutoff: int | None = None
) -> Arrays:
    """d definition / d params[index] at each row of values (B, P): arrays like the definition's.

    With a cutoff, of a row that has no definition: (d fock / d params[index],). By the row's own `slope`,
    else by a shift rule, exact because the elements of S and d lie in the space that the spectrum names, and
    those of a state's covariance in its square, else by the one row it decomposes into. Raises GradientError
    where the derivative is not finite, and where none of them is there.
    """
    if operation.slope is not None and (cutoff is not None or operation.fock is None):
        before = () if cutoff is None else (cutoff,)
        return operation.slope(*before, *values.T)[index]
    spectrum = operation.spectrum[index]
    if operation.definition is not None and spectrum is not None:
        rule = shift_rule(spectrum, 2 if operation.kind == "state" else 1)
        shifted = np.repeat(values[None], len(rule.shifts), axis=0)
        shifted[:, :, index] += rule.shifts[:, None]
        found = operation.definition(*shifted.reshape(-1, values.shape[1]).T)
        return tuple(
            np.tensordot(rule.weights, v.reshape(*shifted.shape[:2], *v.shape[1:]), 1) for v in found
        )
    steps = (
        operation.decomposition(*range(operation.num_wires)) if operation.decomposition is not None else ()
    )
    if len(steps) != 1:
        reason = f"{operation.name} has no derivative of its definition"
        raise GradientError(f"parameter {operation.params[index]!r}", reason, "use diff_method='finite-diff'")
    inner, _, numbers = steps[0]
    below = np.stack([_inner(p, operation.params, values) for p in numbers], axis=1)
    parts = [
        tuple(p.scale * v for v in definition_slope(inner, i, below, cutoff))
        for i, p in enumerate(numbers)
        if isinstance(p, Affine) and p.name == operation.params[index]
    ]
    return tuple(sum(same[1:], same[0]) for same in zip(*parts, strict=True))


def _inner(p: float | Affine, names: Sequence[str], values: np.ndarray) -> np.ndarray:
    if not isinstance(p, Affine):
        return np.full(len(values), p)
    return p.scale * values[:, names.index(p.name)] + p.offset
