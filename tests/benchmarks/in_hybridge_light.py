"""The circuits of light in hybridge, through its public functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import hybridge as hb
from benchmarks.circuits_light import Light
from benchmarks.in_hybridge import twice


def node(light: Light, static: bool = False) -> hb.QNode:
    """The circuit as a QNode of an array of parameters: default.gaussian or, with a cutoff, default.fock."""
    steps = [(getattr(hb, gate.name), gate.slots, gate.modes) for gate in light.gates]
    if light.everywhere:  # sum of (x^2 + p^2) / 4 - 1/2, as hbar = 2
        square = np.diag([-light.modes / 2, *[0.25] * (2 * light.modes)])
        observable = hb.PolyXP(square, wires=range(light.modes))
    else:
        observable = hb.NumberOperator(0)

    def circuit(x: Any) -> Any:
        for apply, slots, modes in steps:
            apply(*[x[k] for k in slots], wires=modes)
        return hb.expval(observable)

    if light.cutoff is None:
        return hb.QNode(circuit, hb.device("default.gaussian", wires=light.modes), static=static)
    return hb.QNode(
        circuit, hb.device("default.fock", wires=light.modes, cutoff_dim=light.cutoff), static=static
    )


def _value(light: Light, static: bool) -> Callable[[], Any]:
    circuit, x = node(light, static), light.params
    return lambda: circuit(x)


def _gradient(light: Light, static: bool) -> Callable[[], Any]:
    slopes, x = hb.grad(node(light, static)), light.params
    return lambda: slopes(x)


RUNS = {"photons": twice(_value), "gradient of photons": twice(_gradient)}
