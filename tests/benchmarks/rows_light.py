"""The rows of default.gaussian and default.fock: photon numbers, and what the gradient costs beside one."""

from __future__ import annotations

from functools import partial

from benchmarks.circuits_light import Light, mesh, network
from benchmarks.comparison import FASTEST, Comparison, Goal, Part

OURS = ("hybridge", "hybridge static")
# modes -> floor and aim against the fastest peer, recording included
PHOTONS = {32: (30, 100), 128: (50, 150)}
GRADIENTS = {
    "default.gaussian, 32 modes, <n>": partial(mesh, 32),
    "default.gaussian, 128 modes, <n>": partial(mesh, 128),
    "default.gaussian, 32 modes, all photons": partial(mesh, 32, everywhere=True),
    "default.fock, 3 modes below 10 photons": partial(network, 3, 10),
    "default.fock, 3 modes below 20 photons": partial(network, 3, 20),
}


def _photons(modes: int, floor: float, aim: float) -> Comparison:
    part = Part("photons", partial(mesh, modes))
    return Comparison(
        "light",
        f"Gaussian <n>, {modes} modes",
        (part,),
        tuple(Goal(FASTEST, ours, floor, aim) for ours in OURS),
    )


def _gradient(name: str, light: partial[Light]) -> Comparison:
    parts = (
        Part("gradient of photons", light, alone=True),
        Part("photons", light, ", one value", alone=True),
    )
    goals = tuple(Goal(ours, f"{ours}, one value", 4, 2.5, at_most=True) for ours in OURS)
    return Comparison("light", f"gradient, {name}", parts, goals)


ROWS = [
    *(_photons(modes, *goal) for modes, goal in PHOTONS.items()),
    *(_gradient(name, light) for name, light in GRADIENTS.items()),
]
