"""Count what a device is asked to do."""

from __future__ import annotations

import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.device import Device, Task


class Execution(NamedTuple):
    """One job as a tracker sees it."""

    num_tasks: int
    tasks: Sequence[Task]
    results: Sequence[np.ndarray]


_listeners: weakref.WeakKeyDictionary[Device, list[Tracker]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


class Tracker:
    """Counts the jobs, executions and shots of a device while its block runs.

    `totals`, `history` and `latest` have the keys jobs (calls of the device), executions (parameter rows times
    settings), shots (over all executions) and results. `callback(totals, history, latest)` is called after each job; with
    `persistent` the totals go on in the next block.

    >>> import hybridge as hb
    >>> dev = hb.device("default.qubit", wires=1)
    >>> @hb.qnode(dev)
    ... def circuit(x):
    ...     hb.RX(x, wires=0)
    ...     return hb.expval(hb.Z(0))
    >>> with hb.Tracker(dev) as tracker:
    ...     slope = hb.grad(circuit)(0.3)
    >>> tracker.totals["executions"], tracker.totals["jobs"]
    (3, 2)
    """

    def __init__(self, device: Device, callback: Callable[..., None] | None = None, persistent: bool = False):
        self.device, self.callback, self.persistent = device, callback, persistent
        self.reset()

    def reset(self) -> None:
        """Forget everything counted so far."""
        self.totals: dict[str, int] = {"jobs": 0, "executions": 0, "shots": 0}
        self.history: defaultdict[str, list[Any]] = defaultdict(list)
        self.latest: dict[str, Any] = {}

    def __enter__(self) -> Tracker:
        if not self.persistent:
            self.reset()
        with _lock:
            _listeners.setdefault(self.device, []).append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        with _lock:
            listening = _listeners[self.device]
            listening.remove(self)
            if not listening:
                del _listeners[self.device]

    def _count(self, execution: Execution) -> None:
        rows = sum(len(t.params) for t in execution.tasks)
        shots = sum(len(t.params) * (t.shots or 0) for t in execution.tasks)
        self.latest = {"jobs": 1, "executions": rows, "shots": shots, "results": list(execution.results)}
        for key, value in self.latest.items():
            self.history[key].append(value)
            if key in self.totals:
                self.totals[key] += value
        if self.callback:
            self.callback(self.totals, self.history, self.latest)


def notify(device: Device, execution: Execution) -> None:
    """Tell the trackers of this device what it did."""
    if _listeners:  # nearly always empty, and this line is on the path of every call
        with _lock:
            listening = list(_listeners.get(device, ()))
        for tracker in listening:
            tracker._count(execution)
