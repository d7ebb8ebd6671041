"""Several plans of one device as one job."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybridge.border import asked, check_count
from hybridge.execution import Plan
from hybridge.readout.allotment import Lot, in_order, parted
from hybridge.readout.noise import Estimate, check_spread
from hybridge.readout.reader import Answers
from hybridge.tracker import notify

Run = tuple[Plan, np.ndarray]  # a plan at rows of its own


def run_together(runs: Sequence[Run], shots: int | None, apart: int = 0) -> list[np.ndarray]:
    """`run_flat` of plans of one device, in one job where they fit into memory.

    Runs whose shots go by weight share them among themselves; the first `apart` have those of their own.
    """
    if len(runs) < 2:
        return [plan.run_flat(rows, shots) for plan, rows in runs]
    answers = zip(runs, _answered(runs, shots, apart), strict=True)
    return [
        in_order([plan.flat(piece) for piece in found], [piece.places for piece in found])
        for (plan, _), found in answers
    ]


def estimate_together(
    runs: Sequence[Run], shots: int | Sequence[int] | None, apart: int = 0
) -> list[list[Estimate]]:
    """The values of plans of one device and how sure they are, as of `run_together`, in pieces of the rows.

    `shots` may be given for each run. Raises CircuitError for a single shot, which has no spread.
    """
    for n in shots if isinstance(shots, Sequence) else [shots]:
        if n is not None:
            check_spread(n)
    answers = zip(runs, _answered(runs, shots, apart), strict=True)
    return [[plan.estimate(piece) for piece in found] for (plan, _), found in answers]


def _answered(runs: Sequence[Run], shots: int | Sequence[int] | None, apart: int) -> list[list[Answers]]:
    lots = _allotted(runs, shots, apart)
    most = max(shots) if isinstance(shots, Sequence) else shots
    if len(runs) < 2 or any(len(plan.chunks(rows, most)) > 1 for plan, rows in runs):
        return [plan.answers(own) for (plan, _), own in zip(runs, lots, strict=True)]
    device = runs[0][0].device
    tasks = [[t for lot in own for t in plan.tasks(lot)] for (plan, _), own in zip(runs, lots, strict=True)]
    whole = [task for own in tasks for task in own]
    arrays = asked(device, device.run, whole)
    check_count(device, whole, arrays)
    found, start = [], 0
    for (plan, _), asked_for, own in zip(runs, tasks, lots, strict=True):
        answers = list(arrays[start : start + len(asked_for)])
        plan.check_returned(asked_for, answers)
        found.append(plan.collected(answers, own))
        start += len(asked_for)
    notify(device, whole, arrays)
    return found


def _allotted(runs: Sequence[Run], shots: int | Sequence[int] | None, apart: int) -> list[list[Lot]]:
    """The lots of each run; rows whose shots go by weight share those of all such rows, but of the first
    `apart` runs, each with its own.

    `shots` are those of each setting of each row, or for each run its own.
    """
    each = shots if isinstance(shots, Sequence) else [shots] * len(runs)
    totals: list[np.ndarray | None] = [None] * len(runs)
    weighed = [
        (k, plan.row_weights(len(rows)), n * plan.num_settings * len(rows))
        for k, ((plan, rows), n) in enumerate(zip(runs, each, strict=True))
        if n and plan.num_settings
    ]
    shared = [(k, weights, total) for k, weights, total in weighed if weights is not None]
    alone = [[own] for own in shared if own[0] < apart]
    for group in [*alone, [own for own in shared if own[0] >= apart]]:
        if not group:
            continue
        places, weights, sizes = zip(*group, strict=True)
        found = parted(sum(sizes), np.concatenate(weights))
        for k, own in zip(places, np.split(found, np.cumsum(list(map(len, weights)))[:-1]), strict=True):
            totals[k] = own
    return [plan.lots(rows, n, t) for (plan, rows), n, t in zip(runs, each, totals, strict=True)]
