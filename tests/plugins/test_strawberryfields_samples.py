"""Shots on the devices of Strawberry Fields are distributed as those of SF's own engine, where that has them.

SF draws from numpy's global random numbers, seeded here. A false alarm has a probability of 1e-7 each.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scipy import stats

import hybridge as hb
from hybridge_strawberryfields import backends

sf = backends.sf
ops = sf.ops
ALPHA = 1e-7
SHOTS, FEW = 20_000, 200  # ours, and the engine's
OPTIONS: dict[str, dict[str, Any]] = {"gaussian": {}, "fock": {"cutoff_dim": 14}, "bosonic": {}}


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    before = np.random.get_state()
    np.random.seed(11)
    yield
    np.random.set_state(before)


def light() -> None:
    hb.Squeezing(0.4, 0.3, wires=0)
    hb.Displacement(0.5, 0.7, wires=1)
    hb.Beamsplitter(0.6, 0.4, wires=[0, 1])
    hb.LossChannel(0.8, wires=1)


def same(q: Any) -> None:
    ops.Sgate(0.4, 0.3) | q[0]
    ops.Dgate(0.5, 0.7) | q[1]
    ops.BSgate(0.6, 0.4) | (q[0], q[1])
    ops.LossChannel(0.8) | q[1]


def engine(backend: str, measured: Callable[[Any], None], runs: int, shots: int = 1) -> np.ndarray:
    """(runs * shots, k) outcomes of SF."""
    program = sf.Program(2)
    with program.context as q:
        same(q)
        measured(q)
    made = sf.Engine(backend, backend_options=OPTIONS[backend])
    found = []
    for _ in range(runs):
        found.append(np.asarray(made.run(program, shots=shots).samples))
        made.reset()
    return np.concatenate(found)


def drawn(backend: str, measure: Callable[[], Any]) -> np.ndarray:
    def circuit() -> Any:
        light()
        return measure()

    options = {"cutoff_dim": 14, **OPTIONS[backend]}
    return hb.qnode(hb.device(f"strawberryfields.{backend}", wires=2, shots=SHOTS, seed=3, **options))(
        circuit
    )()


def alike(found: np.ndarray, expected: np.ndarray) -> None:
    """Two samples of whole numbers: a chi-square test of their table, rare ones together."""
    top = 4
    table = [
        np.bincount(np.minimum(v.ravel().astype(int), top), minlength=top + 1) for v in (found, expected)
    ]
    table = np.array(table)
    assert stats.chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue > ALPHA


@pytest.mark.parametrize(("backend", "runs", "shots"), [("gaussian", 1, FEW), ("fock", FEW, 1)])
def test_photon_numbers(backend, runs, shots):
    """Of one mode, and whether both modes have as many."""
    with warnings.catch_warnings():  # several shots at once of SF leave the state as it was, it says
        warnings.filterwarnings("ignore", "Cannot simulate non-Gaussian states", UserWarning)
        found = engine(backend, lambda q: ops.MeasureFock() | (q[0], q[1]), runs, shots)
    mine = drawn(backend, lambda: hb.sample(wires=[0, 1]))
    for function in (lambda n: n[:, 0], lambda n: n[:, 1], lambda n: np.abs(n[:, 0] - n[:, 1])):
        alike(function(mine), function(found))


@pytest.mark.parametrize("backend", ["gaussian", "fock", "bosonic"])
@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_homodyne_outcomes(backend, angle):
    runs = 40 if backend == "fock" else FEW  # 0.1 s each there
    found = engine(backend, lambda q: ops.MeasureHomodyne(angle) | q[1], runs)[:, 0].real
    mine = drawn(backend, lambda: hb.sample(hb.QuadOperator(angle, wires=1)))
    assert stats.ks_2samp(mine, found).pvalue > ALPHA


@pytest.mark.parametrize("backend", ["gaussian", "bosonic"])
def test_heterodyne_outcomes(backend):
    found = engine(backend, lambda q: ops.MeasureHeterodyne() | q[0], FEW)[:, 0]
    mine = drawn(backend, lambda: hb.sample_heterodyne(wires=0))[:, 0]
    for part in ("real", "imag"):
        assert stats.ks_2samp(getattr(mine, part), getattr(found, part)).pvalue > ALPHA


@pytest.mark.parametrize("backend", list(OPTIONS))
def test_clicks_are_photons(backend):
    """SF's own threshold detectors take 47 s to compile; theirs is whether a photon is there."""
    clicks = drawn(backend, lambda: hb.sample(hb.Click([0, 1])))
    photons = drawn(backend, lambda: hb.sample(wires=[0, 1]))
    alike(clicks, (photons > 0).all(axis=1))


@pytest.mark.parametrize("backend", list(OPTIONS))
def test_outcomes_of_several_modes_belong_together(backend):
    """Twin beams: x1 - x2 and p1 + p2 are quiet, photon numbers are equal."""

    def twins(measure: Any) -> np.ndarray:
        def circuit() -> Any:
            hb.TwoModeSqueezing(0.5, 0.0, wires=[1, 0])
            return measure()

        options = {"cutoff_dim": 24}
        return hb.qnode(hb.device(f"strawberryfields.{backend}", wires=2, shots=2000, seed=5, **options))(
            circuit
        )()

    x = np.stack(twins(lambda: (hb.sample(hb.QuadX(0)), hb.sample(hb.QuadX(1)))), axis=1)
    # the variance of 2000 numbers is known to 1 / sqrt(1000), 5.4 of which are exceeded once in 1e7
    assert abs(np.var(x[:, 0] - x[:, 1]) / (2 * np.exp(-1.0)) - 1) < 0.18
    n = twins(lambda: hb.sample(wires=[0, 1]))
    np.testing.assert_array_equal(n[:, 0], n[:, 1])


@pytest.mark.parametrize("backend", list(OPTIONS))
def test_selected_homodyne_outcomes_leave_what_the_engine_leaves(backend):
    """SF selects by a squeezed state, of 2e-4, and on its Fock simulator by a truncated one."""
    program = sf.Program(2)
    with program.context as q:
        same(q)
        ops.MeasureHomodyne(0.4, select=0.3) | q[1]
    state = (
        sf.Engine(backend, backend_options={"cutoff_dim": 30} if backend == "fock" else {}).run(program).state
    )

    def circuit() -> Any:
        light()
        hb.PostselectHomodyne(0.3, 0.4, wires=1)
        return hb.expval(hb.QuadX(0)), hb.var(hb.QuadX(0)), hb.expval(hb.QuadP(0)), hb.var(hb.QuadP(0))

    found = hb.qnode(hb.device(f"strawberryfields.{backend}", wires=2, cutoff_dim=30))(circuit)()
    expected = [*state.quad_expectation(0, 0.0), *state.quad_expectation(0, np.pi / 2)]
    np.testing.assert_allclose(found, np.real(expected), rtol=0, atol=1e-3 if backend == "fock" else 1e-6)


def test_selected_photon_numbers_leave_what_the_engine_leaves():
    program = sf.Program(2)
    with program.context as q:
        same(q)
        ops.MeasureFock(select=[1]) | q[1]
    state = sf.Engine("fock", backend_options={"cutoff_dim": 20}).run(program).state

    def circuit() -> Any:
        light()
        hb.PostselectPhotons([1], wires=1)
        return hb.probs(wires=[0, 1])

    found = hb.qnode(hb.device("strawberryfields.fock", wires=2, cutoff_dim=20))(circuit)()
    np.testing.assert_allclose(found, state.all_fock_probs().ravel(), rtol=0, atol=1e-9)
