"""default.gaussian's kernels against its numpy engine, which runs every row by its definition."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybridge as hb
import hybridge_default.gaussian
from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.device import Task
from hybridge.errors import CircuitError, DeviceError
from hybridge.operations.table import FAMILIES, ROWS
from hybridge.phasespace.polynomial import momentum, photon_number, position
from hybridge_default.cv_capabilities import GAUSSIAN as CLAIMS
from hybridge_default.cv_capabilities import PLAIN_GAUSSIAN
from hybridge_default.fock import DefaultFock
from hybridge_default.gaussian import DefaultGaussian
from hybridge_default.gaussian_forms import form
from hybridge_default.gaussian_numpy import LayeredProgram, PlainGaussian
from hybridge_default.gaussian_program import Program

# circuits with outcomes have a program of their own
GAUSSIAN = [
    row
    for row in ROWS.values()
    if row.domain == "cv" and row.definition is not None and row.kind != "outcome"
]
WITHOUT_PARAMETERS = [
    FAMILIES[name].of(wires, *constants)
    for name in ("InterferometerUnitary", "GaussianState")
    for wires, constants in FAMILIES[name].examples
]
DERIVED = [hb.adjoint(hb.Squeezing), hb.adjoint(hb.Displacement), hb.pow(hb.TwoModeSqueezing, 2)]
x, p, n = [[f(m) for m in range(4)] for f in (position, momentum, photon_number)]
READ = [
    Measurement("expval", n[2]),
    Measurement("expval", x[3] - 2 * p[0] + 1.0),
    Measurement("var", n[1]),
    Measurement("expval", n[0] + n[1] + n[2] + n[3]),
    Measurement("expval", x[0] @ x[2] + 0.5 * (x[1] @ p[1] + p[1] @ x[1]) - n[3]),
    Measurement("expval", n[0] @ n[3]),
    Measurement("var", x[2] @ p[3]),
    Measurement("probs", None, (3, 1)),
    Measurement("expval", hb.FockStateProjector([2, 0], wires=[1, 2])),
    Measurement("var", hb.FockStateProjector([1], wires=[0])),
    Measurement("gaussian"),
]


def both(circuit):
    fast, plain = DefaultGaussian(cutoff_dim=4), PlainGaussian(cutoff_dim=4)
    return (fast, fast.compile(circuit)), (plain, plain.compile(circuit))


# covariances with squares of functions that amplitudes have: these rows run by their definition
UNFORMED = [hb.MeasurementBasedSqueezing]


@pytest.mark.parametrize("row", UNFORMED, ids=repr)
def test_rows_of_no_form_run_by_their_definition(row):
    circuit = Circuit((Instruction(row, (0,)),), (Measurement("gaussian"),), (0,))
    params = np.random.default_rng(0).uniform(0.05, 0.95, (3, len(row.params)))
    assert form(row) is None
    found, want = (d.run([Task(c, params)])[0] for d, c in both(circuit))
    assert np.allclose(found, want, rtol=1e-14, atol=1e-14)


FORMED = [row for row in [*GAUSSIAN, *WITHOUT_PARAMETERS, *DERIVED] if row not in UNFORMED]


@pytest.mark.parametrize("row", FORMED, ids=repr)
def test_every_gaussian_row_is_made_in_the_kernels(row):
    assert form(row) is not None
    wires = tuple(range(row.num_wires))
    circuit = Circuit((Instruction(row, wires[::-1]),), (Measurement("gaussian"),), wires)
    params = np.random.default_rng(0).uniform(0.05, 0.95, (3, len(row.params)))
    (fast, program), (plain, layers) = both(circuit)
    assert isinstance(program, Program)
    found, want = (d.run([Task(c, params)])[0] for d, c in ((fast, program), (plain, layers)))
    assert np.allclose(found, want, rtol=1e-14, atol=1e-14)


@st.composite
def circuits(draw):
    """Any rows on any of four wires in any order, what is read, and parameters for a few rows of a batch."""
    rows = draw(st.lists(st.sampled_from([*GAUSSIAN, *WITHOUT_PARAMETERS, *DERIVED]), max_size=12))
    on = [tuple(draw(st.permutations(range(4)))[: row.num_wires]) for row in rows]
    measured = tuple(draw(st.lists(st.sampled_from(READ), min_size=1, max_size=4)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    params = rng.uniform(0.1, 0.7, (draw(st.integers(1, 3)), sum(len(row.params) for row in rows)))
    instructions = tuple(Instruction(row, at) for row, at in zip(rows, on, strict=True))
    return Circuit(instructions, measured, (0, 1, 2, 3)), params


@settings(deadline=None, max_examples=150)
@given(circuits())
def test_the_engines_agree_in_values_and_derivatives(made):
    circuit, params = made
    (fast, program), (plain, layers) = both(circuit)
    value, want = fast.run([Task(program, params)])[0], plain.run([Task(layers, params)])[0]
    assert value.shape == want.shape
    scale = 1 + np.abs(want).max()
    assert np.abs(value - want).max() < 1e-12 * scale
    cotangent = np.random.default_rng(0).normal(size=want.shape)
    found = fast.vjp(Task(program, params), cotangent)
    want = plain.vjp(Task(layers, params), cotangent)
    assert np.abs(found - want).max(initial=0) < 1e-12 * (scale + np.abs(want).max(initial=0))
    for i, row in enumerate(params):  # a batch is its rows
        alone = fast.run([Task(program, row[None])])[0]
        assert np.abs(alone[0] - value[i]).max() < 1e-14 * scale
        pulled = fast.vjp(Task(program, row[None]), cotangent[i : i + 1])
        assert np.abs(pulled[0] - found[i]).max(initial=0) < 1e-13 * (scale + np.abs(want).max(initial=0))


@pytest.mark.parametrize("wires", [5, 40])
def test_covariances_of_many_modes_agree(wires):
    """With rows on one, two and three modes, in every order of them."""
    rng = np.random.default_rng(wires)
    rows = [*GAUSSIAN, WITHOUT_PARAMETERS[2], WITHOUT_PARAMETERS[-1]]
    assert {row.num_wires for row in rows} == {1, 2, 3}
    chosen = [rows[i] for i in rng.integers(len(rows), size=6 * wires)]
    on = [tuple(rng.permutation(wires)[: row.num_wires].tolist()) for row in chosen]
    instructions = tuple(Instruction(row, at) for row, at in zip(chosen, on, strict=True))
    params = rng.uniform(0.1, 0.4, (2, sum(len(row.params) for row in chosen)))
    (fast, program), (plain, layers) = both(
        Circuit(instructions, (Measurement("gaussian"),), tuple(range(wires)))
    )
    value, want = fast.run([Task(program, params)])[0], plain.run([Task(layers, params)])[0]
    assert np.abs(value - want).max() < 1e-11 * np.abs(want).max()


def test_a_derivative_that_does_not_fit_is_refused(monkeypatch):
    """A value needs no room for each gate, so it is there all the same."""
    instructions = (Instruction(ROWS["Squeezing"], (0,)),) * 20
    device = DefaultGaussian()
    task = Task(device.compile(Circuit(instructions, (READ[0],), (0, 1, 2))), np.zeros((1, 40)))
    assert task.program.uses == ()  # nothing reaches mode 2
    task = task._replace(program=device.compile(Circuit(instructions, (Measurement("var", n[0]),), (0,))))
    monkeypatch.setattr(hybridge_default.gaussian, "ALWAYS_ROOM", 0)
    monkeypatch.setattr(hybridge_default.gaussian, "available", lambda: 600)
    wanted = r"derivative of 20 operations read in 2 quadratures needs 640 B.*, 600 B.* are free"
    with pytest.raises(DeviceError, match=wanted):
        device.vjp(task, np.ones((1, 1)))
    assert device.run([task])[0] == pytest.approx(0)


def test_two_threads_at_once_give_the_same_numbers():
    rng = np.random.default_rng(3)
    rows = [GAUSSIAN[i] for i in rng.integers(len(GAUSSIAN), size=60)]
    on = [tuple(rng.permutation(4)[: row.num_wires].tolist()) for row in rows]
    instructions = tuple(Instruction(row, at) for row, at in zip(rows, on, strict=True))
    params = rng.uniform(0.1, 0.3, (200, sum(len(row.params) for row in rows)))
    device = DefaultGaussian()
    program = device.compile(Circuit(instructions, (READ[0], READ[4]), (0, 1, 2, 3)))
    task = Task(program, params)
    work = lambda _: (device.run([task])[0], device.vjp(task, np.ones((200, 2))))
    alone = work(0)
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(work, range(8)):
            assert all(np.array_equal(a, b) for a, b in zip(found, alone, strict=True))


def test_a_definition_of_no_form_is_run_by_the_numpy_engine():
    """exp of half a squeezing is no polynomial in cosh(r) and sinh(r)."""

    @hb.qnode(hb.device("default.gaussian", wires=1))
    def circuit(r):
        hb.pow(hb.Squeezing, 0.5)(r, 0.3, wires=0)
        return hb.expval(hb.NumberOperator(0))

    half = hb.pow(hb.Squeezing, 0.5)
    assert form(half) is None
    program = DefaultGaussian().compile(
        Circuit((Instruction(half, (0,)),), (Measurement("expval", n[0]),), (0,))
    )
    assert isinstance(program, LayeredProgram)
    assert circuit(0.8) == pytest.approx(np.sinh(0.4) ** 2, rel=1e-13)
    assert hb.grad(circuit)(0.8) == pytest.approx(np.sinh(0.8) / 2, rel=1e-12)


def test_losses_outside_their_bounds_are_the_rows_own_errors():
    circuit = Circuit((Instruction(ROWS["LossChannel"], (0,)),), (Measurement("expval", n[0]),), (0,))
    for device in (DefaultGaussian(), PlainGaussian()):
        with pytest.raises(CircuitError, match=r"transmission 0 <= T <= 1; got -0\.1"):
            device.run([Task(device.compile(circuit), np.array([[-0.1]]))])
        assert device.run([Task(device.compile(circuit), np.array([[0.0]]))])[0] == 0


ENGINES = [DefaultGaussian, PlainGaussian, DefaultFock]
STRONG = {  # the operation, its numbers, what is measured
    "Squeezing(r=400, phi=0.1)": ("Squeezing", (400.0, 0.1), ("photons", "spread", "probs")),
    "Squeezing(r=800, phi=0.1)": ("Squeezing", (800.0, 0.1), ("photons", "spread", "probs")),
    "TwoModeSqueezing(r=360, phi=0.1)": ("TwoModeSqueezing", (360.0, 0.1), ("photons", "spread")),
}
MEASURES = {
    "photons": Measurement("expval", n[0]),
    "spread": Measurement("var", n[1]),
    "probs": Measurement("probs", None, (0, 1)),
}


@pytest.mark.filterwarnings("ignore::hybridge.errors.TruncationWarning")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("strong", STRONG)
def test_light_too_strong_for_floats_is_the_fault_of_the_parameter(strong, engine):
    """It was blamed on the device: "plugin 'default.gaussian': run returned NaN or infinite values"."""
    name, numbers, measured = STRONG[strong]
    row, device = ROWS[name], engine(cutoff_dim=3)
    instructions = (
        Instruction(ROWS["Squeezing"], (1,)),
        Instruction(row, (0, 1)[: row.num_wires]),
        Instruction(ROWS["Beamsplitter"], (1, 0)),
    )
    strong_row = [0.3, 0.2, *numbers, 0.5, 0.7]
    weak_row = [0.3, 0.2, 0.1, 0.1, 0.5, 0.7]
    for what in measured:
        program = device.compile(Circuit(instructions, (MEASURES[what],), (0, 1)))
        assert np.isfinite(device.run([Task(program, np.array([weak_row]))])[0]).all()
        for rows in ([strong_row], [weak_row, strong_row]):
            task = Task(program, np.array(rows))
            with pytest.raises(CircuitError, match=f"{re.escape(strong)} .* use smaller parameters"):
                device.run([task])
            with pytest.raises(CircuitError, match=re.escape(strong)):
                device.vjp(task, np.ones((len(rows), 9 if what == "probs" else 1)))


def test_gates_that_do_not_reach_what_is_measured_are_left_out():
    rows = [(ROWS["Squeezing"], (0,)), (ROWS["Beamsplitter"], (0, 1)), (ROWS["Squeezing"], (2,))]
    rows += [(ROWS["CoherentState"], (0,)), (ROWS["Rotation"], (1,))]
    circuit = Circuit(tuple(Instruction(*row) for row in rows), (Measurement("expval", n[0]),), (0, 1, 2))
    program = DefaultGaussian().compile(circuit)
    assert [use.operation.name for use in program.uses] == ["CoherentState"]


def test_the_listing_says_which_engine_it_is():
    assert "numpy" not in CLAIMS.conventions and "in plain numpy" in PLAIN_GAUSSIAN.conventions
    assert DefaultGaussian.capabilities is CLAIMS and PlainGaussian.capabilities is PLAIN_GAUSSIAN


def test_without_numba_default_gaussian_is_the_plain_engine():
    script = (
        "import importlib.util as u, sys\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'numba' else find(name, *a)\n"
        "import hybridge as hb\n"
        "dev = hb.device('default.gaussian', wires=1)\n"
        "f = hb.QNode(lambda r: (hb.Squeezing(r, 0.1, wires=0), hb.expval(hb.NumberOperator(0)))[1], dev)\n"
        "assert abs(hb.grad(f)(0.3) - 0.63665358214824) < 1e-12\n"
        "assert 'numba' not in sys.modules\n"
        "print(type(f.device).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ})
    assert done.stdout.strip() == "PlainGaussian", done.stderr
