"""The circuits of light in piquasso: built and run at each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import piquasso as pq

from benchmarks.circuits_light import Light

VERSION = f"piquasso {pq.__version__}"


def _photons(light: Light) -> Callable[[], Any]:
    x = light.params.tolist()

    def run() -> float:
        with pq.Program() as program:
            pq.Q(all) | pq.Vacuum()
            for name, modes, slots in light.gates:
                if name == "Squeezing":
                    pq.Q(*modes) | pq.Squeezing(r=x[slots[0]], phi=x[slots[1]])
                else:
                    pq.Q(*modes) | pq.Beamsplitter(theta=x[slots[0]], phi=x[slots[1]])
        state = pq.GaussianSimulator(d=light.modes).execute(program).state
        return state.mean_photon_number(modes=(0,))

    return run


RUNS = {"photons": {"piquasso": _photons}}
