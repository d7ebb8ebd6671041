"""All second derivatives of a call at plain rows, from one job."""

from __future__ import annotations

import numpy as np

from hybridge.gradients.method import EXACT
from hybridge.gradients.part import Part
from hybridge.gradients.second import hessian_rule, known
from hybridge.interfaces.called import Call
from hybridge.interfaces.slopes import columns_of, full_jacobian

SWEEP = 4  # runs that a device's own derivatives take, as default.qubit's do


def hessian(rows: np.ndarray, call: Call, slots: tuple[int, ...]) -> np.ndarray | None:
    """d^2 value / d slots d slots, (B, columns, S, S), symmetric; None where the rule of the rule must do.

    By runs at shifted numbers, each pair of slots once, or by the device's own derivatives at numbers of
    which one is shifted: whichever is fewer runs, of which a derivative counts as SWEEP. What falls back to
    differences takes those of the device's derivatives.
    """
    if not slots:
        return np.zeros((len(rows), columns_of(call), 0, 0))
    if call.method.name not in EXACT or call.method.options:
        return None
    plan = call.plan
    parts = plan.rule(slots, call.method, call.shots)  # raises where a method has no derivatives here
    own = plan.named, slots, call.method, plan.conditions(call.shots)
    made_of = known(*own)
    sweeps = columns_of(call) * sum(len(part.shifts) for part in parts)
    if call.direct and (made_of is None or SWEEP * sweeps < made_of.num_points):
        found = sum(_by_sweeps(rows, call, slots, part) for part in parts)
        return (found + np.swapaxes(found, 2, 3)) / 2
    rule = hessian_rule(*own)
    if rule is None:
        return None
    shared = plan.of_part(Part(rule.shifted(np.zeros((1, rows.shape[1])))[0], rule.sizes[:, None]))
    values = shared.run_flat(rule.shifted(rows).reshape(-1, rows.shape[1]), call.shots)
    found = rule.summed(values.reshape(len(rows), rule.num_points, -1))
    if call.shots is None:
        return found
    moves = np.array([plan.conditions(call.shots).spread(of_slot) for of_slot in rule.moves])
    return found * np.einsum("ic,jc->cij", moves, moves)  # noise does not vanish by itself


def _by_sweeps(rows: np.ndarray, call: Call, slots: tuple[int, ...], part: Part) -> np.ndarray:
    """The first derivatives in all slots, (B, columns, S, S), differentiated by the part in each slot."""
    count, columns = len(part.shifts), columns_of(call)
    if not count:  # nothing measured depends on these numbers
        return np.zeros((len(rows), columns, len(slots), len(slots)))
    shifted = part.points(rows).reshape(-1, rows.shape[1])
    slopes = full_jacobian(shifted, call, slots).reshape(len(rows), count, columns, len(slots))
    if part.scale is not None:  # what a number does at a point where it is scaled
        slopes = slopes * part.scale[None, :, None, list(slots)]
    weights = part.weights if part.weights.ndim == 3 else np.repeat(part.weights[:, :, None], columns, axis=2)
    return np.einsum("rsc,brct->bcst", weights, slopes)
