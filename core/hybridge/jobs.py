"""Several plans of one device as one job."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybridge.border import asked, check_count
from hybridge.execution import Plan
from hybridge.readout.noise import Estimate, check_spread
from hybridge.readout.reader import Answers
from hybridge.tracker import notify

Run = tuple[Plan, np.ndarray]  # a plan at rows of its own


def run_together(runs: Sequence[Run], shots: int | None) -> list[np.ndarray]:
    """`run_flat` of plans of one device, in one job where they fit into memory."""
    if len(runs) < 2:
        return [plan.run_flat(rows, shots) for plan, rows in runs]
    answers = zip(runs, _answered(runs, shots), strict=True)
    return [np.concatenate([plan.flat(piece) for piece in found]) for (plan, _), found in answers]


def estimate_together(runs: Sequence[Run], shots: int | None) -> list[list[Estimate]]:
    """The values of plans of one device and how sure they are, from the same job.

    In pieces of the rows, nearly always one. Raises CircuitError for a single shot, which has no spread.
    """
    if shots:
        check_spread(shots)
    answers = zip(runs, _answered(runs, shots), strict=True)
    return [[plan.estimate(piece) for piece in found] for (plan, _), found in answers]


def _answered(runs: Sequence[Run], shots: int | None) -> list[list[Answers]]:
    if len(runs) < 2 or any(len(plan.chunks(rows, shots)) > 1 for plan, rows in runs):
        return [plan.answers(rows, shots) for plan, rows in runs]
    device = runs[0][0].device
    tasks = [plan.tasks(rows, shots) for plan, rows in runs]
    whole = [task for own in tasks for task in own]
    arrays = asked(device, device.run, whole)
    check_count(device, whole, arrays)
    found, start = [], 0
    for (plan, rows), own in zip(runs, tasks, strict=True):
        answers = list(arrays[start : start + len(own)])
        plan.check_returned(own, answers)
        found.append([plan.collected(answers, rows, shots)])
        start += len(own)
    notify(device, whole, arrays)
    return found
