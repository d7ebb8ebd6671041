"""A QNode at several points: those of one structure are one job of the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hybridge.interfaces.rows import as_rows
from hybridge.qnode import QNode
from hybridge.recorded import alike


def results_at(node: QNode, points: Sequence[Sequence[Any]], kwargs: Mapping[str, Any]) -> list[Any]:
    """[node(*args, **kwargs) for args in points], plain numbers, in as many jobs as there are structures."""
    recorded = [node.record(*args, **kwargs) for args in points]
    rows = [as_rows(r.numbers) for r in recorded]
    if any(batched for _, batched in rows):  # a point is a batch of its own
        return [node(*args, **kwargs) for args in points]
    found: list[Any] = [None] * len(points)
    for places in alike(recorded):
        plan = node.plan_of(recorded[places[0]])
        together = np.concatenate([rows[k][0] for k in places])
        plan.check(together)
        values = plan.run(together, node.shots)
        for i, k in enumerate(places):
            found[k] = recorded[k].results(plan, [v[i] for v in values], False)
    return found
