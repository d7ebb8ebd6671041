"""Count what a device is asked to do."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hybridge.device import Device, Task
from hybridge.errors import DeviceError

COUNTED = ("jobs", "executions", "shots")


_listeners: weakref.WeakKeyDictionary[Device, list[Tracker]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()
_counting: list[Tracker] = []  # those of any device: empty nearly always, and told so in 20 ns


class Tracker:
    """Counts the jobs, executions and shots of a device while its block runs, in whatever thread.

    `totals`, `history` (a list each) and `latest` have the keys jobs (calls of the device), executions
    (parameter rows times settings) and shots (over all executions). `latest` has results too: the arrays
    that the device returned in its latest job; those of earlier jobs are not kept, as they may be states.
    A value and the device's own derivatives are a job each, even where it gives both at once.
    After each job `callback(totals, history, latest)` is called, by the thread that made the job. With
    `persistent` the totals go on in the next block. Trackers nest, and count the same jobs. Raises
    DeviceError unless given a device, and where a tracker is entered that is counting already.

    >>> import hybridge as hb
    >>> dev = hb.device("default.qubit", wires=1)
    >>> @hb.qnode(dev)
    ... def circuit(x):
    ...     hb.RX(x, wires=0)
    ...     return hb.expval(hb.Z(0))
    >>> with hb.Tracker(dev) as tracker:
    ...     slope = hb.grad(circuit)(0.3)
    >>> tracker.totals["executions"], tracker.totals["jobs"]
    (2, 2)
    """

    def __init__(self, device: Device, callback: Callable[..., None] | None = None, persistent: bool = False):
        if not isinstance(device, Device):
            raise DeviceError(f"a Tracker needs a device, such as circuit.device; got {device!r}")
        self.device, self.callback, self.persistent = device, callback, persistent
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget everything counted so far."""
        with self._lock:
            self.totals: dict[str, int] = dict.fromkeys(COUNTED, 0)
            self.history: dict[str, list[int]] = {key: [] for key in COUNTED}
            self.latest: dict[str, Any] = {}

    def __enter__(self) -> Tracker:
        with _lock:
            listening = _listeners.setdefault(self.device, [])
            if self in listening:
                raise DeviceError("this Tracker is counting already; make one for each block")
            if not self.persistent:
                self.reset()
            listening.append(self)
            _counting.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        with _lock:
            listening = _listeners[self.device]
            listening.remove(self)
            _counting.remove(self)
            if not listening:
                del _listeners[self.device]

    def _count(self, latest: dict[str, Any]) -> None:
        with self._lock:
            self.latest = latest
            for key in COUNTED:
                self.history[key].append(latest[key])
                self.totals[key] += latest[key]


def notify(device: Device, tasks: Sequence[Task], results: Sequence[np.ndarray]) -> None:
    """Tell the trackers of this device what it did; all have counted before the first callback is called."""
    if _counting:
        with _lock:
            listening = list(_listeners.get(device, ()))
        latest = {
            "jobs": 1,
            "executions": sum(len(t.params) for t in tasks),
            "shots": sum(len(t.params) * (t.shots or 0) for t in tasks),
            "results": list(results),
        }
        for tracker in listening:
            tracker._count(latest)
        for tracker in listening:
            if tracker.callback:
                tracker.callback(tracker.totals, tracker.history, latest)
