"""The rows of a new process: the import, and the first call with kernels cached or never compiled."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import NamedTuple

from benchmarks.comparison import Found, Line, Settings
from benchmarks.timing import Timing, timing

IMPORT = "import time, {0}; print(time.process_time())"
# CPU seconds of the whole process up to the first value and gradient
FIRST = """
import time
import numpy as np
import hybridge as hb

@hb.qnode(hb.device("default.qubit", wires=4))
def circuit(x):
    for k in range(4):
        hb.RY(x[k], wires=k)
        hb.CNOT(wires=[k, (k + 1) % 4])
    return hb.expval(hb.Z(0))

x = np.full(4, 0.1)
circuit(x), hb.grad(circuit)(x)
print(time.process_time())
"""


def _seconds(script: str, environment: Mapping[str, str]) -> float:
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, **environment})
    return float(done.stdout)


class Import(NamedTuple):
    """`import hybridge` beside `import autograd.numpy`, each in new processes, in turn."""

    group: str = "start"
    work: str = "import hybridge"

    def measure(self, settings: Settings) -> Found:
        samples: dict[str, list[float]] = {"hybridge": [], "autograd.numpy": []}
        with tempfile.TemporaryDirectory() as folder:
            # compiled code is kept, as it is for every user, even where the environment says not to write any
            environment = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": folder}
            for _ in range(1 + settings.effort.rounds):
                for module, times in samples.items():
                    times.append(_seconds(IMPORT.format(module), environment))
        timings = {name: timing(times[1:]) for name, times in samples.items()}  # the first round compiled
        ours, theirs = timings["hybridge"], timings["autograd.numpy"]
        ratio, spread = ours.seconds / theirs.seconds, max(ours.spread, theirs.spread)
        names = ("import hybridge", "import autograd.numpy")
        bounds = (2, 1.4, True)
        line = Line(self.group, self.work, *names, ratio, spread, *bounds, ours.seconds, theirs.seconds)
        return Found([line], timings, {})


class FirstCall(NamedTuple):
    """CPU seconds of a new process, `import hybridge` included, to its first value and gradient."""

    group: str = "start"
    work: str = "first call in a new process"

    def measure(self, settings: Settings) -> Found:
        with tempfile.TemporaryDirectory() as folder:
            environment = {"NUMBA_CACHE_DIR": folder}
            never = _seconds(FIRST, environment)
            cached = timing([_seconds(FIRST, environment) for _ in range(3)])
        timings = {"kernels cached": cached, "kernels never compiled": Timing(never, 0.0, 1)}
        goals = {"kernels cached": (1.0, 0.75), "kernels never compiled": (20, 10)}
        lines = [
            Line(
                self.group,
                self.work,
                name,
                "CPU seconds",
                t.seconds,
                t.spread,
                *goals[name],
                True,
                t.seconds,
                None,
            )
            for name, t in timings.items()
        ]
        return Found(lines, timings, {})


ROWS = [Import(), FirstCall()]
