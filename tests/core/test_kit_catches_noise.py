"""The conformance kit fails on every fault planted into what a noise model becomes, and on nothing else."""

from __future__ import annotations

import pytest
from planted_faults import KITS, Fault, Sampling, failures, instructions, kit

from hybridge.conformance import GaussianConformance, QubitConformance
from hybridge.noise import insertion
from hybridge.noise.insertion import _Insertion
from hybridge.noise.rules import Places
from hybridge.operations.table import FAMILIES
from hybridge.readout.drawn import Distribution
from hybridge.readout.misread import Misread
from hybridge_default.gaussian_numpy import PlainGaussian
from hybridge_default.mixed_numpy import PlainMixed

KITS |= {PlainMixed: QubitConformance, PlainGaussian: GaussianConformance}
MODEL, SLOPES, READOUT = "test_noise_model", "test_gradient_under_noise", "test_readout_errors["


def _dropped(row, wires, n):
    lost = row.name == "QubitChannel"
    return (FAMILIES["I"].of(row.num_wires), wires) if lost else (row, wires)


def _reversed(row, wires, n):
    return row, wires[::-1] if row.name == "QubitChannel" else wires


# a device's own: what it does with rows of constants
DEVICES = (
    Fault("channels of constants dropped", PlainMixed, instructions(_dropped), MODEL),
    Fault("wires of channels reversed", PlainMixed, instructions(_reversed), MODEL),
)


@pytest.mark.parametrize("fault", DEVICES, ids=str)
def test_a_fault_of_a_device_is_caught(fault):
    assert next(failures(kit(fault.device(), fault.base), fault.found_by), None) is not None


def _unordered(self, channel, wires):
    return ((w,) for w in wires) if channel.num_wires == 1 else iter([wires])


def _late(self, instruction):
    """Noise before the gate that it is to follow."""
    for rule in self.rules["after"]:
        self._after(rule, instruction.operation, instruction.wires)
    self._write(instruction, instruction.wires)


def _forgets(self, channel, wires, times):
    """Of several channels on the same wires the last only."""
    at = self.last.get(wires[0])
    entry = None if at is None else self.out[at]
    if isinstance(entry, insertion._Noise) and entry.wires == wires:
        entry.channels.clear()
    ADD(self, channel, wires, times)


def _turned(self, wires):
    """1 as 0 as often as 0 as 1, and the reverse."""
    return [e._replace(table=e.table[::-1, ::-1]) for e in self._errors if e.wires[0] in wires]


def _twice(self, drawn, wires, rng):
    return DRAW(self, DRAW(self, drawn, wires, rng), wires, rng)


ADD = _Insertion._noise
DRAW = Misread.shots
# the core's: for each what is put in place of what, on which device, and who sees it
CORE = [
    ("wires of rules ignored", Places, "of_gate", _unordered, PlainMixed, MODEL),
    ("noise before gates", _Insertion, "add", _late, PlainMixed, MODEL),
    ("the last channel only", _Insertion, "_noise", _forgets, PlainMixed, MODEL),
    ("nothing at the end", _Insertion, "end", lambda self: None, PlainMixed, MODEL),
    ("nothing at the end, of modes", _Insertion, "end", lambda self: None, PlainGaussian, "test_losses"),
    ("idle wires rest", _Insertion, "_wait", lambda self, w, m: None, PlainMixed, "test_noise_of_idle_wires"),
    (
        "exact values as they are",
        Misread,
        "distribution",
        lambda self, p, wires: Distribution(p, wires),
        PlainMixed,
        READOUT,
    ),
    ("errors the other way round", Misread, "_among", _turned, PlainMixed, READOUT),
    ("bits misread twice", Misread, "shots", _twice, Sampling, READOUT),
    (
        "a device's own values",
        Misread,
        "touches",
        lambda self, wires: len(list(wires)) > 1 and not self._wires.isdisjoint(wires),
        PlainMixed,
        READOUT,
    ),
]


@pytest.mark.parametrize(
    ("name", "owner", "method", "fault", "base", "found_by"), CORE, ids=[c[0] for c in CORE]
)
def test_a_fault_of_the_core_is_caught(monkeypatch, name, owner, method, fault, base, found_by):
    monkeypatch.setattr(owner, method, fault)
    assert next(failures(kit(base, base), found_by), None) is not None


@pytest.mark.parametrize("base", (PlainMixed, PlainGaussian, Sampling))
def test_the_hooks_alone_are_no_fault_under_noise(base):
    owner = kit(base, base)
    for beginning in (MODEL, SLOPES, READOUT, "test_losses", "test_noise_of", "test_readout_errors_of"):
        assert [(name, str(error)) for name, error in failures(owner, beginning)] == []
