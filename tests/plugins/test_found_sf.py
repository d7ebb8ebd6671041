"""Faults looked for in the Strawberry Fields devices through nodes, and those found, as claims."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hybridge as hb

SF = {"strawberryfields.gaussian": {}, "strawberryfields.fock": {"cutoff_dim": 20}}
FOCK = "strawberryfields.fock"


def node(name: str, body: Callable[..., Any], wires: Any = 2, **options: Any) -> hb.QNode:
    return hb.qnode(hb.device(name, wires=wires, **{**SF[name], **options}))(body)


def test_a_ket_that_leaks_is_warned_of():
    def displaced():
        hb.Displacement(1.5, 0.0, wires=0)
        return hb.state()

    with pytest.warns(hb.TruncationWarning, match=r"^0\.0023 of the norm lies beyond cutoff_dim=8"):
        node(FOCK, displaced, wires=1, cutoff_dim=8)()


@pytest.mark.parametrize("observable", [hb.NumberOperator(0), hb.QuadX(0), hb.QuadX(0) @ hb.QuadX(1)])
def test_a_state_of_which_nothing_is_left_is_not_sampled(observable):
    def emptied():
        hb.Displacement(1e3, 0.0, wires=0)
        return hb.sample(observable)

    with (
        pytest.warns(hb.TruncationWarning),
        pytest.raises(hb.DeviceError, match="nothing of the state is left"),
    ):
        node(FOCK, emptied, cutoff_dim=5, shots=4, seed=1)()


@pytest.mark.parametrize("name", SF)
def test_half_of_twin_beams_is_thermal(name):
    """SF takes the half of a pure state for pure."""

    def half(r):
        hb.TwoModeSqueezing(r, 0.0, wires=[1, 0])
        return hb.probs(wires=[1]), hb.density_matrix([0]), hb.expval(hb.FockStateProjector([2, 2], [1, 0]))

    ratio = np.tanh(0.4) ** 2
    thermal = (1 - ratio) * ratio ** np.arange(20)
    p, rho, both = node(name, half, cutoff_dim=20)(0.4)
    assert np.allclose(p, thermal, atol=1e-10) and np.allclose(rho, np.diag(thermal), atol=1e-10)
    assert np.isclose(both, thermal[2], atol=1e-10)


@pytest.mark.parametrize("name", SF)
def test_a_preparation_on_the_way_ends_correlations(name):
    def renewed():
        hb.TwoModeSqueezing(0.4, 0.0, wires=[0, 1])
        hb.CoherentState(0.2, 0.0, wires=0)
        return hb.expval(hb.QuadX(0) @ hb.QuadX(1)), hb.expval(hb.NumberOperator(1)), hb.var(hb.QuadX(0))

    assert np.allclose(node(name, renewed)(), [0.0, np.sinh(0.4) ** 2, 1.0], atol=1e-8)


@pytest.mark.parametrize("name", SF)
@pytest.mark.parametrize("r", [0.0, 1e-12, 1e-7, 1e-3])
def test_a_faintly_squeezed_state_keeps_its_digits(name, r):
    """SF's own preparation is wrong by 2e-11 / r."""

    def faint(r):
        hb.DisplacedSqueezedState(0.3, 0.1, r, 0.2, wires=0)
        return hb.expval(hb.NumberOperator(0)), hb.expval(hb.QuadX(0))

    assert np.allclose(node(name, faint, wires=1)(r), [0.09 + np.sinh(r) ** 2, 0.6 * np.cos(0.1)], atol=1e-9)


def test_sampled_devices_agree_in_a_comparison():
    """Options with shots of their own were a TypeError."""

    def model(a, r):
        hb.Displacement(a, 0.2, wires=1)
        hb.Squeezing(r, 0.2, wires=0)
        hb.Beamsplitter(0.5, 0.3, wires=[1, 0])
        hb.LossChannel(0.8, wires=0)
        return hb.expval(hb.NumberOperator(0)), hb.var(hb.QuadX(1))

    devices = [(name, {**options, "shots": 1000, "seed": i}) for i, (name, options) in enumerate(SF.items())]
    devices = ["default.gaussian", *devices]
    found = hb.compare(node("strawberryfields.gaussian", model), devices, args=(0.3, 0.2), gradient=False)
    assert found.agree, str(found)
