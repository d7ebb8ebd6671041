"""The circuits of light in Strawberry Fields: built and run at each call on its Gaussian backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.circuits_light import Light
from hybridge_strawberryfields.sdk import import_strawberryfields  # beside a newer SciPy it needs help

sf = import_strawberryfields()

VERSION = f"Strawberry Fields {sf.__version__}"


def _photons(light: Light) -> Callable[[], Any]:
    x = light.params
    gates = {"Squeezing": sf.ops.Sgate, "Beamsplitter": sf.ops.BSgate}

    def run() -> float:
        program = sf.Program(light.modes)
        with program.context as modes:
            for name, places, slots in light.gates:
                gates[name](*(x[k] for k in slots)) | [modes[i] for i in places]
        return sf.Engine("gaussian").run(program).state.mean_photon(0)[0]

    return run


RUNS = {"photons": {"Strawberry Fields": _photons}}
