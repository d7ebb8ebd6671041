"""Threads of our own that share out a task: they run kernels that release the GIL."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

import numpy as np

from hybridge.plugin import DeviceError

VARIABLE = "HYBRIDGE_NUM_THREADS"


def default_threads() -> int:
    """As many as HYBRIDGE_NUM_THREADS says, else as there are cores for this process."""
    written = os.environ.get(VARIABLE)
    if written is None:
        return _cores()
    if not written.strip().isdecimal() or int(written) < 1:
        raise DeviceError(f"{VARIABLE} must be a whole number >= 1; got {written!r}; unset it for every core")
    return int(written)


def checked_threads(threads: Any) -> int | None:
    """threads as an int >= 1, or None for what the size of a circuit asks for."""
    if threads is None:
        return None
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise DeviceError(
            f"threads must be a whole number >= 1, or None for one below 18 wires and {VARIABLE}, "
            f"or every core, from there on; got {threads!r}"
        )
    return int(threads)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


class _Work:
    """Parts 0..count-1 of a task, each taken by the thread that comes first."""

    def __init__(self, part: Callable[[int], None], count: int):
        self._part, self._count = part, count
        self._taken = self._ended = 0
        self._lock, self._done = Lock(), Event()
        self._error: BaseException | None = None

    def take(self) -> None:
        """Do parts as long as there are some."""
        while True:
            with self._lock:
                part = self._taken
                self._taken += 1
            if part >= self._count:
                return
            try:
                self._part(part)
            except BaseException as error:
                self._error = error
            with self._lock:
                self._ended += 1
                if self._ended == self._count:
                    self._done.set()

    def wait(self) -> None:
        """Until every part is done; the error of one of them is raised."""
        self._done.wait()
        if self._error is not None:
            raise self._error


class _Pool:
    """Threads that wait for work as long as the process lives; more are started as they are asked for."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[_Work] = SimpleQueue()
        self._size, self._lock = 0, Lock()

    def help(self, work: _Work, helpers: int) -> None:
        with self._lock:
            for i in range(self._size, helpers):
                Thread(target=self._serve, name=f"hybridge-{i}", daemon=True).start()
            self._size = max(self._size, helpers)
        for _ in range(helpers):
            self._queue.put(work)

    def _serve(self) -> None:
        while True:
            self._queue.get().take()


_pool = _Pool()


def _forget() -> None:
    global _pool
    _pool = _Pool()  # a fork has none of its parent's threads


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget)


def share(part: Callable[[int], None], count: int, threads: int) -> None:
    """part(0), ..., part(count - 1), in any order, by so many threads, of which the caller is one."""
    helpers = min(threads, count) - 1
    if helpers < 1:
        for i in range(count):
            part(i)
        return
    work = _Work(part, count)
    _pool.help(work, helpers)
    work.take()
    work.wait()
