"""The Strawberry Fields devices step into none of SF's traps, and share nothing between runs."""

from __future__ import annotations

import itertools
import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sf_circuits import (
    FOCK_GATES,
    NUM_MODES,
    aligned,
    circuit,
    correlated,
    density,
    fock,
    gaussian,
    moments,
    numbers,
    placed,
    run,
)

import hybridge as hb
from hybridge.device import Task
from hybridge.errors import CircuitError, UnsupportedCircuit
from hybridge.operations.table import FAMILIES, ROWS
from hybridge.registry import device as make
from hybridge_strawberryfields import BOSONIC, FOCK, GAUSSIAN, backends, translate
from hybridge_strawberryfields import fock as fock_device

sf = backends.sf

PURE = [
    (hb.CoherentState, (3,)),
    (hb.SqueezedState, (1,)),
    (hb.FockState.of(1, 1), (0,)),
    (hb.CatState, (2,)),
    (hb.Beamsplitter, (2, 0)),
    (hb.TwoModeSqueezing, (3, 0)),
    (hb.ControlledPhase, (1, 0)),
]
MIXTURE = [
    (hb.Squeezing, (1,)),
    (hb.Beamsplitter, (1, 0)),
    (hb.ThermalState, (0,)),
    (hb.QuadraticPhase, (1,)),
]


def test_preparations_do_not_make_a_density_matrix():
    made, params = circuit(PURE, "state", 4), numbers(PURE)
    device = fock(8, 4)
    run(device, made, params)  # numba compiles
    tracemalloc.start()
    found = run(device, made, params)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.shape == (1, 8**4)
    assert peak < 16 * 8**8 / 50  # SF's density matrix would take 268 MB
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-3)


def test_a_mode_prepared_anew_leaves_no_ket():
    with pytest.raises(
        UnsupportedCircuit, match="this circuit to a ket: it is mixed; ask for density_matrix"
    ):
        run(fock(5, 2), circuit(MIXTURE, "state", 2), numbers(MIXTURE))


def test_two_mode_gates_whose_second_mode_is_0():
    for operation in (hb.Beamsplitter, hb.TwoModeSqueezing, hb.ControlledAddition, hb.ControlledPhase):
        items = [(hb.Displacement, (1,)), (hb.Squeezing, (2,)), (operation, (1, 0)), (operation, (2, 0))]
        params = numbers(items, scale=0.2)
        kets = run(fock(12), circuit(items, "state"), params).reshape((12,) * NUM_MODES)
        mean, _ = moments(items, params[0])
        lower = np.diag(np.sqrt(np.arange(1, 12)), 1)
        for mode in range(NUM_MODES):
            lowered = np.moveaxis(np.tensordot(lower, kets, (1, mode)), 0, mode)
            amplitude = np.vdot(kets, lowered)
            expected = (mean[mode] + 1j * mean[NUM_MODES + mode]) / 2
            assert amplitude == pytest.approx(expected, abs=1e-6), (operation, mode)


def test_displaced_squeezed_states_of_little_squeezing():
    cutoff = 20
    for r in (0.0, 1e-7, 1e-3):
        params = np.array([[0.4, 0.3, r, 0.9]])
        found = run(fock(cutoff, 1), circuit([(hb.DisplacedSqueezedState, (0,))], "state", 1), params)[0]
        expected = density(hb.DisplacedSqueezedState, params[0], cutoff)
        np.testing.assert_allclose(np.outer(found, found.conj()), expected, rtol=0, atol=1e-12)


def test_small_quadratic_phases_keep_their_digits():
    for s in (1e-4, -2e-8, 1e-12):
        items = [(hb.Displacement, (0,)), (hb.QuadraticPhase, (0,))]
        params = np.array([[0.5, 0.2, s]])
        mean, cov = moments(items, params[0], 1)
        found = run(make("strawberryfields.gaussian", wires=1), circuit(items, "gaussian", 1), params)[0]
        np.testing.assert_allclose(found, [*mean, *cov.ravel()], rtol=0, atol=1e-15)


def test_small_odd_cats_keep_their_digits():
    for a in (1e-3, 1e-9, -0.7, 1.2):
        for p in (1.0, 0.0, 0.3):
            params = np.array([[a, 0.4, p]])
            found = run(fock(16, 1), circuit([(hb.CatState, (0,))], "state", 1), params)[0]
            np.testing.assert_allclose(found, hb.CatState.fock(16, a, 0.4, p), rtol=0, atol=1e-12)


def test_squeezing_of_a_gaussian_state_keeps_its_sign():
    state = hb.GaussianState.of(1, np.diag([2.0, 0.5]), np.array([0.3, -0.2]))
    found = run(fock(9, 2), circuit([(state, (1,))], "state", 2), np.empty((1, 0)))[0].reshape(9, 9)
    expected = density(state, (), 9)
    np.testing.assert_allclose(np.outer(found[0], found[0].conj()), expected, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(found[1:], 0)


def test_pure_density_matrices_are_kets():
    ket = np.array([0.6, 0.0, 0.8j])
    items = [(hb.FockDensityMatrix.of(1, np.outer(ket, ket.conj())), (1,)), (hb.Beamsplitter, (1, 0))]
    params = np.array([[0.4, 0.3]])
    same = [(hb.FockStateVector.of(1, ket), (1,)), (hb.Beamsplitter, (1, 0))]
    found, expected = (run(fock(5, 2), circuit(i, "state", 2), params)[0] for i in (items, same))
    np.testing.assert_allclose(aligned(found, expected), expected, rtol=0, atol=1e-12)


def test_constants_are_fitted_to_the_cutoff_or_refused():
    for family, constants in (
        (hb.FockState, (3,)),
        (hb.FockStateVector, (np.array([0.6, 0.0, 0.0, 0.8]),)),
        (hb.FockDensityMatrix, (np.diag([0.5, 0.0, 0.0, 0.5]),)),
    ):
        made = circuit([(family.of(1, *constants), (1,))], "density_matrix", 2)
        for cutoff in (4, 6):
            found = run(fock(cutoff, 2), made, np.empty((1, 0)))
            assert found.reshape((cutoff**2,) * 2).trace() == pytest.approx(1)
        with pytest.raises(CircuitError, match="needs cutoff_dim >= 4"):
            fock(3, 2).compile(made)


def test_numbers_that_make_no_sense_are_refused():
    for operation, values, text in (
        (
            hb.ThermalState,
            [[0.2], [-0.3]],
            r"ThermalState\(nbar\) needs a mean photon number nbar >= 0; got -0.3",
        ),
        (hb.LossChannel, [[0.2], [1.5]], r"LossChannel\(T\) needs a transmission 0 <= T <= 1; got 1.5"),
        (hb.LossChannel, [[-0.5]], r"got -0.5"),
    ):
        for device, kind in ((gaussian(), "gaussian"), (fock(4), "density_matrix")):
            with pytest.raises(CircuitError, match=text):
                run(device, circuit([(operation, (1,))], kind), np.array(values))
    with pytest.raises(CircuitError, match="is the zero vector"):
        run(fock(4), circuit([(hb.CatState, (1,))], "state"), np.array([[0.0, 0.2, 1.0]]))


def test_gate_matrices_are_not_kept_at_large_cutoffs():
    items = [(hb.Beamsplitter, (1, 0)), (hb.TwoModeSqueezing, (0, 1)), (hb.CrossKerr, (0, 1))]
    for cutoff in (15, 20):
        run(fock(cutoff, 2), circuit(items, "state", 2), numbers(items, batch=2))
        assert [f.cache_info().currsize for f in backends.REMEMBERING] == [0] * len(backends.REMEMBERING)
    run(fock(4, 2), circuit(items, "state", 2), numbers(items))
    assert sum(f.cache_info().currsize for f in backends.REMEMBERING) == 3  # where they are small they are


def test_they_are_not_kept_between_rows_where_they_are_larger_still(monkeypatch):
    calls = []
    monkeypatch.setattr(fock_device, "forget_matrices", lambda: calls.append(None))
    items = [(hb.Squeezing, (0,))]
    for cutoff, expected in ((14, 0), (15, 1), (19, 1), (20, 4)):
        calls.clear()
        run(fock(cutoff, 1), circuit(items, "state", 1), numbers(items, batch=3))
        assert len(calls) == expected


def test_rows_are_independent_and_runs_repeat():
    gaussian_items = [item for item in placed(GAUSSIAN.operations, "gate", "state", "channel")]
    for device, items, kind, n in (
        (gaussian(), gaussian_items, "gaussian", 3),
        (fock(5, 4), PURE, "state", 4),
        (fock(4, 2), MIXTURE, "density_matrix", 2),
    ):
        recipe, params = device.compile(circuit(items, kind, n)), numbers(items, batch=4)
        together, again = (device.run([Task(recipe, params)])[0] for _ in range(2))
        alone = device.run([Task(recipe, params[i : i + 1]) for i in (2, 0, 3, 1)])
        np.testing.assert_array_equal(together, again)
        np.testing.assert_array_equal(together[[2, 0, 3, 1]], np.concatenate(alone))
        assert device.run([Task(recipe, params[:0])])[0].shape == (0, together.shape[1])


def test_hbar_of_the_vendor_does_not_matter(monkeypatch):
    gaussian_items = [(correlated(), (2, 0, 1)), *placed(GAUSSIAN.operations, "gate")]
    fock_items = [(hb.CubicPhase, (0,)), (hb.GaussianState.of(1, np.diag([2.0, 0.5]), np.ones(2)), (1,))]
    cases = [(gaussian(), circuit(gaussian_items, "gaussian"), numbers(gaussian_items))]
    cases += [(fock(5, 2), circuit(fock_items, "state", 2), numbers(fock_items))]
    for device, made, params in cases:
        expected = run(device, made, params)
        monkeypatch.setattr(sf, "hbar", 0.7)
        np.testing.assert_allclose(run(device, made, params), expected, rtol=0, atol=1e-12)
        assert sf.hbar == 0.7
        monkeypatch.setattr(sf, "hbar", 2)


def test_the_global_random_state_is_untouched():
    before = np.random.get_state()[1].copy()
    run(fock(4, 2), circuit(MIXTURE, "density_matrix", 2), numbers(MIXTURE))
    run(gaussian(), circuit([(hb.Squeezing, (0,))], "gaussian"), numbers([(hb.Squeezing, (0,))]))
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_gates_are_given_plain_floats():
    recipe = gaussian().compile(circuit([(hb.TwoModeSqueezing, (2, 0))], "gaussian"))
    assert {type(x) for x in itertools.chain(*recipe.numbers(np.array([[0.3, 0.1]])))} == {float}


def test_calls_give_what_the_engine_gives():
    items = [
        item for item in FOCK_GATES if item[0].arity and item[1][-1] != 0 and item[0].name != "QuadraticPhase"
    ]
    params = numbers(items, scale=0.1)
    program = fock(7).compile(circuit(items, "state"))
    engine = sf.Engine("fock", backend_options={"cutoff_dim": 7})
    result = engine.run(program.recipe.program, args={f"p{k}": float(x) for k, x in enumerate(params[0])})
    expected = result.state.ket().ravel()
    np.testing.assert_allclose(fock(7).run([Task(program, params)])[0][0], expected, rtol=0, atol=1e-12)

    items = placed(GAUSSIAN.operations, "gate")
    params = numbers(items, scale=0.1)
    recipe = gaussian().compile(circuit(items, "gaussian"))
    result = sf.Engine("gaussian").run(
        recipe.program, args={f"p{k}": float(x) for k, x in enumerate(params[0])}
    )
    expected = [*result.state.means(), *result.state.cov().ravel()]
    np.testing.assert_allclose(gaussian().run([Task(recipe, params)])[0][0], expected, rtol=0, atol=1e-12)


def test_threads_do_not_disturb_each_other():
    items = [(correlated(), (2, 0, 1)), *placed(GAUSSIAN.operations, "gate")]
    made, params = circuit(items, "gaussian"), numbers(items, batch=6)
    expected = run(gaussian(), made, params)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda row: run(gaussian(), made, row[None])[0], params))
    np.testing.assert_array_equal(found, expected)


def test_recipes_are_pickled():
    for device, items, kind in ((gaussian(), MIXTURE[:3], "gaussian"), (fock(4), MIXTURE, "density_matrix")):
        recipe, params = device.compile(circuit(items, kind)), numbers(items)
        copy = pickle.loads(pickle.dumps(recipe))
        np.testing.assert_array_equal(
            device.run([Task(copy, params)])[0], device.run([Task(recipe, params)])[0]
        )


def test_a_density_matrix_too_large_is_refused():
    device = fock(20, 9)
    with pytest.raises(
        UnsupportedCircuit, match=r"density matrix of 9 modes with cutoff_dim=20; it needs .* are free"
    ):
        device.compile(circuit(MIXTURE, "density_matrix", 9))
    assert device.memory(9) > 16 * 20**9


def test_options_are_checked():
    for wrong in (0, -1, 2.5, True, "7", None):
        for name in ("strawberryfields.fock", "strawberryfields.gaussian"):
            with pytest.raises(CircuitError, match="cutoff_dim must be a whole number >= 1"):
                make(name, wires=1, cutoff_dim=wrong)
    assert gaussian().cutoff_dim == 10


def test_every_claimed_row_has_a_translation():
    claimed = {"fock": FOCK, "gaussian": GAUSSIAN, "bosonic": BOSONIC}
    for target, capabilities in claimed.items():
        constants = {name for name in capabilities.operations if name in FAMILIES}
        constants -= {"PostselectPhotons", "PostselectClick"}  # rows of outcomes are taken as they are
        assert set(translate.TARGETS[target].constants) == constants
    every = frozenset.union(*(capabilities.operations for capabilities in claimed.values()))
    rows = {name for name in every if name in ROWS and ROWS[name].kind != "outcome"}
    assert set(translate.OPERATIONS) == rows
    assert all((ROWS | FAMILIES)[name].domain == "cv" for name in every)
