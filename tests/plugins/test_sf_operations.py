"""Every operation of Strawberry Fields has a row with its numbers, or the page says what stands for it."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest

import hybridge as hb
from hybridge.operations.table import ROWS
from hybridge.phasespace.fock import FockModes
from hybridge.phasespace.gaussian import GaussianModes
from hybridge.phasespace.mixture import MixtureModes
from hybridge_strawberryfields import BOSONIC, GAUSSIAN, backends
from hybridge_strawberryfields.blackbird_table import ARRAYS, MEASURES, NUMBERS, SPECIAL

sf = backends.sf
PAGE = (Path(__file__).parents[2] / "docs" / "devices" / "strawberryfields.md").read_text()
ABSTRACT = {
    *("Operation", "Preparation", "Measurement", "Decomposition", "Transformation", "Channel", "Gate"),
    "MetaOperation",
}
# without a row: what stands for them is in the page's table
TOLD = {"Bosonic", "Ggate", "All", "_Delete", "_New_modes"}
SPELLED = {"_Delete": "Del", "_New_modes": "New"}
CUTOFF = 12
OPTIONS = {"gaussian": {}, "bosonic": {}, "fock": {"cutoff_dim": CUTOFF}}
# faults of SF's, each with a test of its own; its bosonic cats can only come first
FAULTY = {("gaussian", "ThermalLossChannel"), ("fock", "DisplacedSqueezed"), ("bosonic", "Catstate")}
POINTS = {"Fock": (2,), "Catstate": (0.4, 0.3, 0.6), "MSgate": (0.1, 0.7, 1.2, 0.8)}
OBSERVABLES = (
    *(hb.QuadX(0), hb.QuadP(0), hb.QuadX(1), hb.QuadP(1), hb.NumberOperator(0), hb.NumberOperator(1)),
    *(hb.QuadX(0) @ hb.QuadP(1), hb.QuadX(0) ** 2, hb.QuadP(1) ** 2, hb.QuadOperator(0.7, 1) ** 2),
)


def test_every_operation_has_a_row_or_is_told():
    names = {name for name, of in vars(sf.ops).items() if inspect.isclass(of) and _own(of)}
    rows = {*NUMBERS, *ARRAYS, *SPECIAL, *MEASURES}
    assert names - ABSTRACT - rows == TOLD
    for name in TOLD:
        assert f"`{SPELLED.get(name, name)}" in PAGE, name


def _own(of: type) -> bool:
    return issubclass(of, sf.ops.Operation)


def _runs_on() -> list[tuple[str, str]]:
    """SF's operations of numbers, and the simulators that SF runs them on."""
    found = []
    for backend in OPTIONS:
        compiler = getattr(sf.compilers, backend.capitalize())()
        known = compiler.primitives | set(compiler.decompositions)
        found += [(backend, name) for name in NUMBERS if name in known and (backend, name) not in FAULTY]
    return found


@pytest.mark.parametrize(("backend", "name"), _runs_on())
def test_its_numbers_are_those_of_the_vendors_engine(backend, name):
    """On a correlated state, SF called by its own door."""
    row = ROWS[NUMBERS[name].row]
    point = POINTS.get(name, (0.15, 0.4, 0.2, 0.5)[: row.arity])
    wires = (0, 1)[: row.num_wires]

    @hb.qnode(hb.device(f"strawberryfields.{backend}", wires=2, **OPTIONS[backend]))
    def node():
        hb.Squeezing(0.1, 0.3, wires=0)
        hb.Displacement(0.2, -0.4, wires=1)
        hb.Beamsplitter(0.4, 0.9, wires=[0, 1])
        row(*point, wires=wires)
        return [hb.expval(of) for of in OBSERVABLES]

    program = sf.Program(2)
    with program.context as q:
        sf.ops.Sgate(0.1, 0.3) | q[0]
        sf.ops.Dgate(0.2, -0.4) | q[1]
        sf.ops.BSgate(0.4, 0.9) | (q[0], q[1])
        getattr(sf.ops, name)(*point) | tuple(q[w] for w in wires)
    state = sf.Engine(backend, backend_options=OPTIONS[backend]).run(program).state
    modes = STATES[backend](state)
    expected = [modes.expval(of)[0] for of in OBSERVABLES]
    np.testing.assert_allclose(node(), expected, rtol=0, atol=1e-9)


ORDER = np.array([0, 2, 1, 3])  # of (x1, p1, x2, p2)
STATES = {
    "gaussian": lambda state: GaussianModes(state.means()[None], state.cov()[None]),
    "bosonic": lambda state: MixtureModes(
        state.weights()[None], state.means()[None][:, :, ORDER], state.covs()[:1][:, ORDER[:, None], ORDER]
    ),
    "fock": lambda state: FockModes(density=state.dm().transpose(0, 2, 1, 3)[None]),
}


def test_the_page_says_which_numbers_have_no_rule():
    """On the simulators without derivatives of their own; of a GaussianState it is V."""
    found = {
        row.name: {p for p, spectrum in zip(row.params, row.spectrum, strict=True) if spectrum is None}
        for row in (ROWS[name] for name in BOSONIC.operations | GAUSSIAN.operations if name in ROWS)
    }
    assert {name: ruleless for name, ruleless in found.items() if ruleless} == {
        "LossChannel": {"T"},
        "ThermalLossChannel": {"T"},
        "MeasurementBasedSqueezing": {"r", "r_anc", "eta_anc"},
        "CatState": {"a", "p"},
        "GKPState": {"theta", "phi", "epsilon"},
    }

    @hb.qnode(hb.device("strawberryfields.gaussian", wires=1))
    def prepared(V, r):
        hb.GaussianState(V, r, wires=0)
        return hb.expval(hb.NumberOperator(0))

    plan = hb.gradient_plan(prepared, argnums=(0, 1))(1.3 * np.eye(2), np.zeros(2))
    assert {row.parameter[0] for row in plan.rows if row.method == "none"} == {"V"}
    assert {row.parameter[0] for row in plan.rows if row.method == "parameter-shift"} == {"r"}


def squeezed_once(y):
    """MSgate(r, phi, r_anc, eta_anc, avg=False) of wire 0, as the page has it, its ancilla read as y."""
    r, phi, r_anc, eta = 0.3, 0.7, 1.2, 0.8
    theta = np.arccos(np.exp(-r))
    hb.Rotation(-phi / 2, wires=0)
    hb.SqueezedState(r_anc, 0.0, wires=2)
    hb.Beamsplitter(theta, 0.0, wires=[0, 2])
    hb.LossChannel(eta, wires=2)
    hb.PostselectHomodyne(y, -np.pi / 2, wires=2)
    hb.Displacement(-np.tan(theta) * y / (2 * np.sqrt(eta)), np.pi / 2, wires=0)
    hb.Rotation(phi / 2, wires=0)


@pytest.mark.parametrize(
    "name", ["default.gaussian", "strawberryfields.gaussian", "strawberryfields.bosonic"]
)
def test_one_shot_of_squeezing_by_measurement_is_its_parts(name):
    """SF's detector has a resolution of 2e-4, which its numbers show."""
    program = sf.Program(2)
    with program.context as q:
        sf.ops.Dgate(0.5, 0.3) | q[0]
        sf.ops.BSgate(0.4, 0.2) | (q[0], q[1])
        sf.ops.MSgate(0.3, 0.7, 1.2, 0.8, avg=False) | q[0]
    result = sf.Engine("bosonic").run(program)
    y = float(np.squeeze(result.ancillae_samples[0][0]))

    @hb.qnode(hb.device(name, wires=3))
    def node():
        hb.Displacement(0.5, 0.3, wires=0)
        hb.Beamsplitter(0.4, 0.2, wires=[0, 1])
        squeezed_once(y)
        return [hb.expval(of) for of in OBSERVABLES]

    modes = STATES["bosonic"](result.state)
    expected = [modes.expval(of)[0] for of in OBSERVABLES]
    np.testing.assert_allclose(node(), expected, rtol=0, atol=1e-3)
