"""The kit's items for light fail on every planted fault of a detector or a conditioned state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from hybridge.conformance import FockConformance, GaussianConformance, items
from hybridge.errors import HybridgeError
from hybridge.phasespace.gaussian import GaussianModes
from hybridge.readout.cv import ModeReadout
from hybridge_default import fock_engine, gaussian_conditioned
from hybridge_default.gaussian_readings import Patterns


class Built(GaussianConformance):
    device = "default.gaussian"


class Counted(FockConformance):
    device = "default.fock"


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


def backwards(right: Any) -> Any:
    def pullback(self: Any, mean: np.ndarray, cov: np.ndarray, cotangent: np.ndarray) -> Any:
        table = cotangent.reshape(-1, *(2,) * (mean.shape[1] // 2))
        return right(
            self, mean, cov, table.transpose(0, *range(table.ndim - 1, 0, -1)).reshape(cotangent.shape)
        )

    return pullback


def patterns(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Any], Any]:
    def broken(right: Any) -> Any:
        def columns(self: Any, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
            k = mean.shape[1] // 2
            return change(right(self, mean, cov).reshape(-1, *(2,) * k)).reshape(-1, 2**k)

        return columns

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
        Patterns,
        "columns",
        patterns(lambda v: v.transpose(0, *range(v.ndim - 1, 0, -1))),
        ("test_click_patterns",),
    ),
    Fault(
        "dark and click exchanged",
        Patterns,
        "columns",
        patterns(lambda v: np.flip(v, axis=tuple(range(1, v.ndim)))),
        ("test_click_patterns",),
    ),
    Fault(
        "slopes of patterns, last wire first",
        Patterns,
        "pullback",
        backwards,
        ("test_gradient_of_clicks",),
    ),
    Fault(
        "each detector with shots of its own",
        ModeReadout,
        "_photon_shots",
        drawn_apart,
        ("test_detectors_share_their_shots",),
    ),
]


def named(name: str, kit: type = Built, part: str = "") -> list[Any]:
    """The items of one method, or those of them whose arguments begin with `part`."""
    return [item for item in items(kit) if item.name.startswith(f"{name}[{part}" if part else name)]


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


# ---- post-selection -----------------------------------------------------------------------------------


def kept_light(right: Any) -> Any:
    """The detected modes are left as they were."""

    def select(state: Any, at: Any, P: Any, N: Any, y: Any) -> Any:
        G, inverse, off = gaussian_conditioned._gain(state, at, P, N, y)
        K = G @ inverse
        return state[0] + (K @ off[..., None])[..., 0], state[1] - K @ np.swapaxes(G, 1, 2)

    return select


GAUSSIAN = {
    "detected modes are not emptied": (kept_light, "test_detected_modes_are_empty"),
    "the outcome with the wrong sign": (
        lambda right: lambda s, at, P, N, y: right(s, at, P, N, -y),
        "test_state_given_an_outcome",
    ),
    "x and p of the detector exchanged": (
        lambda right: lambda s, at, P, N, y: right(s, at, P[..., ::-1], N, y),
        "test_state_given_an_outcome",
    ),
    "heterodyne as sharp as homodyne": (
        lambda right: lambda s, at, P, N, y: right(s, at, P, 0.5 * N, y),
        "test_state_given_an_outcome",
    ),
    "the outcome does nothing but empty": (
        lambda right: lambda s, at, P, N, y: gaussian_conditioned._prepared(s, at, 0 * at, np.eye(len(at))),
        "test_state_given_an_outcome",
    ),
}


def not_normalised(right: Any) -> Any:
    def select(state: Any, tensor: Any, wires: Any, n: int) -> Any:
        found, weight = right(state, tensor, wires, n)
        power = 0.5 if state.ndim == n + 1 else 1.0
        return found * weight.reshape(-1, *(1,) * (found.ndim - 1)) ** power, weight

    return select


def weightless(right: Any) -> Any:
    def select(state: Any, tensor: Any, wires: Any, n: int) -> Any:
        found, weight = right(state, tensor, wires, n)
        return np.nan_to_num(found), weight + 1

    return select


FOCK = {
    "not normalised": (not_normalised, "test_counting_one_twin_heralds_the_other", "1"),
    "a bra that is not conjugated": (
        lambda right: lambda s, tensor, wires, n: right(s, tensor.conj(), wires, n),
        "test_state_given_an_outcome",
        "alpha",
    ),
    "wires turned round": (
        lambda right: lambda s, tensor, wires, n: right(s, tensor, wires[::-1], n),
        "test_state_given_an_outcome",
        "photons of two",
    ),
    "outcomes that do not come": (weightless, "test_outcomes_that_do_not_come_are_errors", "one photon"),
}


def caught(chosen: list[Any]) -> int:
    assert chosen
    found = 0
    for item in chosen:
        try:
            item.run()
        except (AssertionError, pytest.fail.Exception, HybridgeError):
            found += 1
    return found


@pytest.mark.parametrize("name", GAUSSIAN)
def test_a_planted_fault_of_a_gaussian_outcome_is_caught(monkeypatch, name):
    broken, method = GAUSSIAN[name]
    chosen = [item for item in named(method) if "photons" not in item.name and "click" not in item.name]
    assert caught(chosen[:8]) == 0
    table = gaussian_conditioned.FORWARD
    monkeypatch.setitem(table, "outcome", broken(table["outcome"]))
    assert caught(chosen)


@pytest.mark.parametrize("name", FOCK)
def test_a_planted_fault_of_a_counted_outcome_is_caught(monkeypatch, name):
    broken, method, part = FOCK[name]
    chosen = named(method, Counted, part)[:1]
    assert caught(chosen) == 0
    monkeypatch.setattr(fock_engine, "selected", broken(fock_engine.selected))
    assert caught(chosen)
