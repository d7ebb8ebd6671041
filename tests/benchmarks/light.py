"""What the gradient of all parameters costs beside one value, on the devices of light.

`make bench` prints a line for each circuit; the goal is 4 times a value or less. No figure is asserted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from timing import interleaved

import hybridge as hb

GOAL = 4


def mesh(modes: int) -> Callable[..., Any]:
    """Two layers of squeezers and of beamsplitters between neighbours; the photons of mode 0."""

    def circuit(r: Any, theta: Any, phi: Any) -> Any:
        for layer in range(2):
            for mode in range(modes):
                hb.Squeezing(r, 0.1, wires=mode)
            for mode in range(layer % 2, modes - 1, 2):
                hb.Beamsplitter(theta, phi, wires=[mode, mode + 1])
        return hb.expval(hb.NumberOperator(0))

    return circuit


def everywhere(modes: int) -> Callable[..., Any]:
    """The same, with the photons of all modes."""

    def circuit(r: Any, theta: Any, phi: Any) -> Any:
        mesh(modes)(r, theta, phi)
        square = np.diag([-modes / 2, *[0.25] * (2 * modes)])
        return hb.expval(hb.PolyXP(square, wires=range(modes)))

    return circuit


def network(modes: int) -> Callable[..., Any]:
    """Two layers of a neural network of light: every kind of gate, Kerr and cubic phases among them."""

    def circuit(r: Any, theta: Any, phi: Any) -> Any:
        for _ in range(2):
            for mode in range(modes):
                hb.Displacement(r, phi, wires=mode)
                hb.Squeezing(r, phi, wires=mode)
                hb.Rotation(theta, wires=mode)
                hb.Kerr(theta, wires=mode)
                hb.CubicPhase(0.1 * r, wires=mode)
            for mode in range(modes - 1):
                hb.Beamsplitter(theta, phi, wires=[mode, mode + 1])
        return hb.expval(hb.NumberOperator(0))

    return circuit


WORKS: dict[str, tuple[Callable[..., Any], hb.Device]] = {
    "default.gaussian, 32 modes, <n_0>": (mesh(32), hb.device("default.gaussian", wires=32)),
    "default.gaussian, 128 modes, <n_0>": (mesh(128), hb.device("default.gaussian", wires=128)),
    "default.gaussian, 32 modes, all photons": (everywhere(32), hb.device("default.gaussian", wires=32)),
    "default.fock, 3 modes below 10 photons": (
        network(3),
        hb.device("default.fock", wires=3, cutoff_dim=10),
    ),
    "default.fock, 3 modes below 20 photons": (
        network(3),
        hb.device("default.fock", wires=3, cutoff_dim=20),
    ),
}


def main() -> None:
    for name, (circuit, device) in WORKS.items():
        node = hb.QNode(circuit, device)
        plan = node.plan(0.05, 0.3, 0.2)
        rows = np.random.default_rng(0).uniform(0.02, 0.05, (1, plan.num_slots))
        found = interleaved(
            {
                "recorded": lambda node=node: node(0.05, 0.3, 0.2),
                "value": lambda plan=plan, rows=rows: plan.run(rows, None),
                "gradient": lambda plan=plan, rows=rows: plan.vjp(rows, np.ones((1, 1))),
            },
            rounds=5,
            budget=0.1,
        )
        ratio = found["gradient"].seconds / found["value"].seconds
        parts = ", ".join(f"{part} {timing.seconds * 1e6:.0f} us" for part, timing in found.items())
        above = "" if ratio <= GOAL else " ABOVE"
        print(
            f"{name}, {plan.num_slots} parameters: {parts}; gradient / value {ratio:.2f} (goal {GOAL}){above}"
        )


if __name__ == "__main__":
    main()
