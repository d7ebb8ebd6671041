"""The kit's items for light fail on every planted fault of a detector or a conditioned state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from hybridge.conformance import GaussianConformance, items
from hybridge.phasespace.gaussian import GaussianModes
from hybridge.readout.cv import ModeReadout


class Built(GaussianConformance):
    device = "default.gaussian"


class Fault(NamedTuple):
    """What is put in place of a method, made from it, and the items that must fail."""

    name: str
    owner: type
    method: str
    broken: Callable[[Any], Any]
    caught: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


def outcomes(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], Any]:
    """Heterodyne outcomes (B, S, k) changed, homodyne ones left."""

    def broken(right: Any) -> Any:
        def sample(self: Any, settings: Any, shots: int, rng: Any) -> np.ndarray:
            found = right(self, settings, shots, rng)
            return change(found) if np.iscomplexobj(found) else found

        return sample

    return broken


def patterns(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], Any]:
    def broken(right: Any) -> Any:
        def probs(self: Any, modes: Any) -> np.ndarray:
            k = len(modes)
            return change(right(self, modes).reshape(-1, *(2,) * k)).reshape(-1, 2**k)

        return probs

    return broken


def drawn_apart(right: Any) -> Any:
    def shots(self: Any, answers: Any, wires: Any) -> np.ndarray:
        answers._made.pop("photons", None)
        answers.seed += 1
        return right(self, answers, wires)

    return shots


def shuffled(found: np.ndarray) -> np.ndarray:
    mixed = found.copy()
    mixed[..., -1] = np.roll(found[..., -1], 1, axis=1)
    return mixed


FAULTS = [
    Fault(
        "heterodyne without the noise of the second quadrature",
        GaussianModes,
        "sample_quadratures",
        outcomes(
            lambda v: v.mean(axis=1, keepdims=True) + (v - v.mean(axis=1, keepdims=True)) * np.sqrt(0.5)
        ),
        ("test_heterodyne_samples",),
    ),
    Fault(
        "x + i p without the half",
        GaussianModes,
        "sample_quadratures",
        outcomes(lambda v: 2 * v),
        ("test_heterodyne_samples", "test_heterodyne_of_a_batch"),
    ),
    Fault(
        "p with the wrong sign",
        GaussianModes,
        "sample_quadratures",
        outcomes(np.conj),
        ("test_heterodyne_samples", "test_heterodyne_of_a_batch"),
    ),
    Fault(
        "modes drawn apart",
        GaussianModes,
        "sample_quadratures",
        outcomes(shuffled),
        ("test_heterodyne_samples", "test_heterodyne_beside_homodyne"),
    ),
    Fault(
        "rows that share their random numbers",
        GaussianModes,
        "sample_quadratures",
        outcomes(lambda v: np.concatenate([v[:2], v[1:-1]]) if len(v) == 3 else v),
        ("test_heterodyne_of_a_batch",),
    ),
    Fault(
        "patterns of clicks, last wire first",
        GaussianModes,
        "click_probs",
        patterns(lambda v: v.transpose(0, *range(v.ndim - 1, 0, -1))),
        ("test_click_patterns",),
    ),
    Fault(
        "dark and click exchanged",
        GaussianModes,
        "click_probs",
        patterns(lambda v: np.flip(v, axis=tuple(range(1, v.ndim)))),
        ("test_click_patterns",),
    ),
    Fault(
        "each detector with shots of its own",
        ModeReadout,
        "_photon_shots",
        drawn_apart,
        ("test_detectors_share_their_shots",),
    ),
]


def named(name: str) -> list[Any]:
    return [item for item in items(Built) if item.name.partition("[")[0] == name]


@pytest.mark.parametrize(
    ("fault", "name"), [(f, n) for f in FAULTS for n in f.caught], ids=lambda v: str(v).replace(" ", "-")
)
def test_a_planted_fault_is_caught(monkeypatch, fault, name):
    monkeypatch.setattr(fault.owner, fault.method, fault.broken(getattr(fault.owner, fault.method)))
    caught = 0
    for item in named(name):
        try:
            item.run()
        except AssertionError:
            caught += 1
    assert caught


@pytest.mark.parametrize("name", sorted({n for f in FAULTS for n in f.caught}))
def test_nothing_is_caught_where_nothing_is_wrong(name):
    assert named(name)
    for item in named(name):
        item.run()
