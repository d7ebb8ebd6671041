"""Who is compared: the module that writes our circuits for each simulator, where that is installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from hybridge import MissingDependency

OURS = ("in_hybridge", "in_hybridge_light")
# the module for a peer -> the packages it needs
MODULES = {
    "in_torch": ("torch",),
    "in_jax": ("jax",),
    "in_pennylane": ("pennylane", "pennylane_lightning"),
    "in_qulacs": ("qulacs",),
    "in_aer": ("qiskit", "qiskit_aer"),
    "in_tensorcircuit": ("tensorcircuit", "jax"),
    "in_piquasso": ("piquasso",),
    "in_strawberryfields": ("strawberryfields",),
}


class Peers(NamedTuple):
    """Our modules, those of the peers that could be imported, and why the others could not."""

    ours: tuple[ModuleType, ...]
    theirs: tuple[ModuleType, ...]
    missing: dict[str, str]

    def runs(
        self, kind: str, problem: Any, patience: float, alone: bool = False
    ) -> tuple[dict[str, Callable[[], Any]], dict[str, str]]:
        """The works of this kind by label, and what is left out with its reason.

        A module has `RUNS`, kind -> label -> what makes the work of a problem, or says why it does not; and
        `SECONDS`, kind -> seconds to compile a gate, where it compiles circuits.
        """
        found: dict[str, Callable[[], Any]] = {}
        left_out: dict[str, str] = {}
        for module in self.ours if alone else (*self.ours, *self.theirs):
            for label, make in module.RUNS.get(kind, {}).items():
                seconds = vars(module).get("SECONDS", {}).get(kind, 0.0)
                if seconds and seconds * len(problem.gates) > patience:
                    seconds *= len(problem.gates)
                    left_out[label] = f"compiles for about {seconds:.0f} s, longer than {patience:g} s"
                    continue
                made = make(problem)
                if isinstance(made, str):
                    left_out[label] = made
                else:
                    found[label] = made
        return found, left_out


def installed(names: Sequence[str] = tuple(MODULES)) -> Peers:
    """The peers of these modules; one without its packages is named in `missing`."""
    modules, missing = [], {}
    for name in names:
        try:
            modules.append(importlib.import_module(f"benchmarks.{name}"))
        except (ModuleNotFoundError, MissingDependency) as error:
            if isinstance(error, ModuleNotFoundError) and error.name not in MODULES[name]:
                raise
            missing[name.removeprefix("in_")] = f"{MODULES[name][0]} is not installed"
    ours = tuple(importlib.import_module(f"benchmarks.{name}") for name in OURS)
    return Peers(ours, tuple(modules), missing)
