"""The conformance kit fails on every fault planted into channels, and on nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planted_faults import KITS, Fault, answers, failures, instructions, kit, parameters, redefined

from hybridge.conformance import QubitConformance
from hybridge.operations.table import FAMILIES, ROWS
from hybridge_default.mixed import DefaultMixed
from hybridge_default.mixed_numpy import PlainMixed

KITS |= {PlainMixed: QubitConformance, DefaultMixed: QubitConformance}

ON_STATES = "test_channel_on_a_mixed_state"


def _dropped(row, wires, n):
    return (
        (FAMILIES["I"].of(row.num_wires), wires) if row.kind == "channel" and row.arity == 0 else (row, wires)
    )


def _turned(definition):
    """The Kraus operators in Heisenberg's picture: the channel only of what is unital."""
    return lambda *numbers: np.asarray(definition(*numbers)).conj().swapaxes(-1, -2)


def _conjugate(row, wires, n):
    """A constant channel of the conjugate matrices."""
    if row.name != "QubitChannel":
        return row, wires
    return replace(row, definition=lambda: row.definition().conj()), wires


def _both(self, task, cotangent):
    """Values and derivatives, through the hooks."""
    return DefaultMixed.value_and_vjp(self, task._replace(program=task.program[1]), cotangent)


def _slopeless(self, task, cotangent):
    """Derivatives of the numbers of channels are lost."""
    (values, found), start = _both(self, task, cotangent), 0
    for row, _ in task.program[0].instructions:
        if row.kind == "channel":
            found[:, start : start + row.arity] = 0
        start += row.arity
    return values, found


COMPILED = {
    "differentiates": lambda self, program: DefaultMixed.differentiates(self, program[1]),
    "value_and_vjp": _both,
}


def _undrawn(self, given):
    """Constant channels are left out of circuits that are drawn from."""
    if given.measurements[0].kind not in ("sample", "counts"):
        return given
    kept = tuple(i for i in given.instructions if i.operation.kind != "channel" or i.operation.arity)
    return given._replace(instructions=kept)


FAULTS = [
    (
        "depolarizing by Qiskit's number",
        PlainMixed,
        parameters("DepolarizingChannel", lambda p: [3 * p / 4]),
        ON_STATES,
    ),
    ("the square root of p", PlainMixed, parameters("BitFlip", lambda p: [np.sqrt(p)]), ON_STATES),
    ("phase flips by half", PlainMixed, parameters("PhaseFlip", lambda p: [p / 2]), ON_STATES),
    (
        "damping upwards",
        PlainMixed,
        redefined("AmplitudeDamping", definition=_turned(ROWS["AmplitudeDamping"].definition)),
        ON_STATES,
    ),
    (
        "phase damping as a phase flip",
        PlainMixed,
        redefined("PhaseDamping", definition=ROWS["PhaseFlip"].definition),
        ON_STATES,
    ),
    (
        "numbers of a damping swapped",
        PlainMixed,
        parameters("GeneralizedAmplitudeDamping", lambda g, p: [p, g]),
        ON_STATES,
    ),
    (
        "p of a damping turned round",
        PlainMixed,
        parameters("GeneralizedAmplitudeDamping", lambda g, p: [g, 1 - p]),
        ON_STATES,
    ),
    ("resets swapped", PlainMixed, parameters("ResetError", lambda p, q: [q, p]), ON_STATES),
    (
        "t1 and t2 swapped",
        PlainMixed,
        parameters("ThermalRelaxationError", lambda pe, a, b, tg: [pe, b, a, tg]),
        ON_STATES,
    ),
    (
        "the ground state is hot",
        PlainMixed,
        parameters("ThermalRelaxationError", lambda pe, a, b, t: [1 - pe, a, b, t]),
        ON_STATES,
    ),
    (
        "wires of words reversed",
        PlainMixed,
        instructions(lambda row, w, n: (row, w[::-1] if row.name == "PauliError" else w)),
        ON_STATES,
    ),
    ("Kraus operators conjugate", PlainMixed, instructions(_conjugate), ON_STATES),
    ("constant channels dropped", PlainMixed, instructions(_dropped), ON_STATES),
    (
        "every row is the first",
        PlainMixed,
        {"numbers": lambda self, circuit, params: np.repeat(params[:1], len(params), axis=0)},
        "test_channels_of_a_batch",
    ),
    (
        "damping to the end left out",
        PlainMixed,
        parameters("AmplitudeDamping", lambda g: [np.where(g == 1, 0, g)]),
        "test_channels_at_their_ends",
    ),
    ("density matrices transposed", PlainMixed, answers(lambda found, n: found.conj()), ON_STATES),
    (
        "channels have no slope",
        DefaultMixed,
        COMPILED | {"value_and_vjp": _slopeless},
        "test_gradient_of_a_channel",
    ),
    (
        "channels only where nothing is drawn",
        DefaultMixed,
        COMPILED | {"circuit": _undrawn},
        "test_samples_behind_a_channel",
    ),
]
PLANTED = [Fault(name, base, hooks, found_by) for name, base, hooks, found_by in FAULTS]


@pytest.mark.parametrize("fault", PLANTED, ids=str)
def test_a_fault_in_channels_is_caught(fault):
    assert next(failures(kit(fault.device(), fault.base), fault.found_by), None) is not None


@pytest.mark.parametrize("base", (PlainMixed, DefaultMixed))
def test_the_hooks_alone_are_no_fault_in_channels(base):
    hooks = COMPILED if base is DefaultMixed else {}
    owner = kit(Fault("no fault", base, hooks, "").device(), base)
    for beginning in sorted({fault.found_by for fault in PLANTED}):
        assert [(name, str(error)) for name, error in failures(owner, beginning)] == []
