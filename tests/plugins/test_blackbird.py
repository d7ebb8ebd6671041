"""Blackbird text and SF's programs, both ways; what is malformed is refused where it stands."""

from __future__ import annotations

import inspect
import random
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hybridge as hb
from hybridge.circuit import Circuit, Instruction
from hybridge.errors import FormatError
from hybridge.io.expression import value
from hybridge.io.imported import Entry, ImportedCircuit
from hybridge.operations.table import FAMILIES, ROWS, Operation
from hybridge_strawberryfields import backends, blackbird_table
from hybridge_strawberryfields.formats import Blackbird
from hybridge_strawberryfields.program_format import Programs

sf = backends.sf
TEXT, PROGRAM = Blackbird(), Programs()
TEXT.name, PROGRAM.name = "blackbird", "strawberryfields"
GAUSSIAN = {op.row for op in blackbird_table.NUMBERS.values() if ROWS[op.row].definition is not None}


def examples() -> list[Operation]:
    """Every row of light that the table of operations has."""
    found = [row for row in ROWS.values() if row.domain == "cv"]
    for family in FAMILIES.values():
        if family.domain == "cv":
            found += [family.of(n, *constants) for n, constants in family.examples]
    lacking = ("PostselectHeterodyne", "GaussianState")  # a complex number; numbers that are entries
    return [row for row in found if not (row.name in lacking and row.params)]


WRITTEN = [
    row
    for row in examples()
    if row.num_wires == 1 or row.name not in ("FockStateVector", "FockDensityMatrix")
]


def entries_of(circuit: Circuit, numbers: np.ndarray) -> list[Entry]:
    used, found = 0, []
    for row, wires in circuit.instructions:
        own = tuple(float(v) for v in numbers[used : used + row.arity])
        used += row.arity
        found.append(Entry(row, wires, own))
    return found


@pytest.mark.parametrize("row", WRITTEN, ids=lambda row: f"{row.name}{row.num_wires}")
@pytest.mark.parametrize("form", [TEXT, PROGRAM], ids=lambda form: form.name)
def test_every_row_comes_back(row, form):
    """As itself, or as rows of the same unitary, state or channel."""
    wires = tuple(range(row.num_wires))[::-1]
    made = Circuit((Instruction(row, wires),), (), tuple(range(row.num_wires)))
    numbers = np.linspace(0.21, 0.47, row.arity)
    found = form.read(form.write(made, numbers))
    direct = ImportedCircuit(tuple(entries_of(made, numbers)), made.wires)
    if len(found.entries) == 1 and found.entries[0].operation.name == row.name:
        (entry,) = found.entries
        assert entry.wires == wires and np.allclose(entry.numbers, numbers, rtol=1e-15, atol=0)
        # SF finds the scale of a graph to 1e-13
        for mine, theirs in zip(entry.operation.constants, row.constants, strict=True):
            assert np.allclose(
                getattr(mine, "array", mine), getattr(theirs, "array", theirs), rtol=0, atol=1e-12
            )
        return
    assert_same_state(found, direct)


def assert_same_state(found: ImportedCircuit, expected: ImportedCircuit) -> None:
    """Means and second moments, displaced light going in; of what is not Gaussian, photon numbers."""
    n = expected.num_wires
    gaussian = all(e.operation.gaussian for e in expected.entries)

    def measured(imported: ImportedCircuit) -> Any:
        def circuit() -> Any:
            for w in range(n):
                hb.Displacement(0.02 + 0.1 * gaussian * w, 0.4 * w, wires=w)
            imported()
            quadratures = [q(w) for q in (hb.QuadX, hb.QuadP) for w in range(n)]
            seconds = [hb.expval(a @ b) for a in quadratures for b in quadratures if not a.wires == b.wires]
            squares = [hb.var(q) for q in quadratures]
            return [
                *(hb.expval(q) for q in quadratures),
                *seconds,
                *squares,
                *([] if gaussian else [hb.probs(wires=0)]),
            ]

        device = (
            hb.device("default.gaussian", wires=n)
            if gaussian
            else hb.device("default.fock", wires=n, cutoff_dim=8)
        )
        return np.hstack(hb.qnode(device)(circuit)())

    np.testing.assert_allclose(measured(found), measured(expected), rtol=0, atol=1e-12)


@st.composite
def circuits(draw: Any) -> tuple[Circuit, np.ndarray]:
    rows = [row for row in WRITTEN if row.name in GAUSSIAN and row.name != "SymmetricMachZehnder"]
    steps, numbers = [], []
    for row in draw(st.lists(st.sampled_from(rows), min_size=1, max_size=6)):
        wires = tuple(draw(st.permutations(range(3)))[: row.num_wires])
        steps.append(Instruction(row, wires))
        numbers += [draw(st.floats(0.01, 0.6)) for _ in range(row.arity)]
    return Circuit(tuple(steps), (), (0, 1, 2)), np.array(numbers)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(circuits())
def test_circuits_come_back_number_for_number(made):
    circuit, numbers = made
    expected = entries_of(circuit, numbers)
    for form in (TEXT, PROGRAM):
        assert list(form.read(form.write(circuit, numbers)).entries) == expected


def test_the_vendors_parser_reads_what_is_written_and_runs_it_alike():
    def model(v):
        hb.Squeezing(v[0], 0.2, wires=1)
        hb.Displacement(v[1], 0.3, wires=0)
        hb.InterferometerUnitary(np.array([[1, 1j], [1j, 1]]) / np.sqrt(2), wires=[0, 1])
        hb.ThermalState(0.2, wires=2)
        hb.LossChannel(v[2], wires=2)
        hb.Beamsplitter(0.3, 0.2, wires=[2, 1])
        return hb.probs(wires=[0])

    point = np.array([0.3, 0.4, 0.7])
    node = hb.qnode(hb.device("strawberryfields.gaussian", wires=3))(model)
    program = hb.to_strawberryfields(node)(point)
    state = sf.Engine("gaussian").run(sf.io.loads(_without_measurements(hb.to_blackbird(node)(point)))).state
    imported = hb.from_strawberryfields(program)
    assert [m.kind for m in imported.measurements] == ["sample"]
    found = hb.qnode(node.device)(lambda: [imported(), hb.expval(hb.NumberOperator(0))][1])()
    assert np.isclose(found, state.mean_photon(0)[0], atol=1e-12)


def _without_measurements(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("Measure"))


TEMPLATE = """name some_program
version 1.0
target gaussian (shots=10)
# parameters are free, also in formulas
float array S[2, 2] =
    1.5, 0
    0, 0.6666666666666666

float beta = 0.25
GaussianTransform(S) | 2
Sgate(2*{r} - beta, phi=pi/4) | 0
Dgate({a}, sqrt(2)*{r}) | 1
BSgate() | [0, 1]
Fock(2) | 3
GKP([0.3, {a}], epsilon=0.2) | 3
MeasureX | 0
MeasureHomodyne(0.5) | 1
MeasureHD() | 2
"""


def test_parameters_stay_free_and_are_differentiated():
    imported = hb.from_blackbird(TEMPLATE.split("Fock")[0])
    assert imported.parameters == ("r", "a")

    def model(r, a):
        imported(r, a=a)
        return hb.expval(hb.NumberOperator(0))

    def same(r, a):
        hb.Squeezing(2 * r - 0.25, np.pi / 4, wires=0)
        hb.Displacement(a, np.sqrt(2) * r, wires=1)
        hb.Beamsplitter(np.pi / 4, 0.0, wires=[0, 1])
        return hb.expval(hb.NumberOperator(0))

    found, expected = (
        hb.grad(hb.qnode(hb.device("default.gaussian", wires=3))(f), argnums=(0, 1))(0.3, 0.4)
        for f in (model, same)
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_programs_keep_their_parameters():
    program = sf.Program(2)
    r, a = program.params("r", "a")
    with program.context as q:
        sf.ops.Sgate(2 * r - 0.25, sf.math.cos(a)) | q[1]
        sf.ops.Sgate(0.3, 0.1).H | q[0]
        sf.ops.MeasureHeterodyne() | q[0]
    found = hb.from_strawberryfields(program)
    assert set(found.parameters) == {"r", "a"} and found.entries[1].numbers == (-0.3, 0.1)
    values = {"r": 0.4, "a": 0.5}
    assert np.allclose([value(n, values) for n in found.entries[0].numbers], [0.55, np.cos(0.5)])
    assert [m.kind for m in found.measurements] == ["heterodyne"]


def test_selected_outcomes_are_read():
    imported = hb.from_blackbird(
        "MeasureHomodyne(0.4, select=0.3) | 0\nMeasureFock(select=[1, 0]) | [2, 1]\nRgate(1) | 0"
    )
    assert [e.operation.name for e in imported.entries] == [
        "PostselectHomodyne",
        "PostselectPhotons",
        "Rotation",
    ]
    assert imported.entries[0].numbers == (0.3, 0.4) and imported.entries[1].operation.constants == ((1, 0),)


def test_measurements_are_said():
    imported = hb.from_blackbird(TEMPLATE)
    assert [m.kind for m in imported.measurements] == ["sample", "sample", "heterodyne"]
    assert imported.measurements[1].observable.settings == {1: pytest.approx(0.5)}


BAD = {
    'include "x.xbb"': (1, 1, "other files are not read"),
    "name p\nfor int i in 0:3\n    Vac | i": (2, 1, "loops are not read"),
    "Sgate(0.3 | 0": (1, 11, r"'\)' should stand here"),
    "Vac | 0\n  Sgate(1e999) | 0": (2, 9, "finite"),
    "Foo(1) | 0": (1, 1, "no operation of Strawberry Fields that is read here is named 'Foo'"),
    "Sgate(q0) | 0": (1, 7, "no number or function is named 'q0'"),
    "Sgate(0.1) | 0 0": (1, 16, "should stand here"),
    "float array A[2, 2] =\n    1, 2\n    3, {x}\n": (3, 8, "a number should stand here"),
    "float array A[2, 2] =\n    1, 2\n    3\n": (1, 13, "of one length"),
    "complex array A[1, 1] =\n    1e999j\n": (2, 5, "must be finite"),
    "Sgate({0}) | 1": (1, 7, "braces hold the name of a parameter"),
    "Sgate(__import__('os')) | 0": (1, 7, "no number or function"),
    "Sgate(0.1, 0.2, 0.3) | 0": (1, 1, "takes 2 parameters; got 3"),
    "Rgate() | 0": (1, 1, "needs its parameter 'theta'"),
    "Rgate(phi=1) | 0": (1, 1, "has a parameter 'phi' that is not read"),
    "BSgate() | [0, 0]": (1, 13, "a mode is named twice"),
    "BSgate() | 0": (1, 1, "acts on 2 modes; got 1"),
    "Vac | 99999999": (1, 7, "at most"),
    "MeasureFock() | 0\nRgate(1) | 0": (2, 1, "after a measurement"),
    "MeasureHeterodyne(select=0.3) | 0": (1, 1, "that selects an outcome is not read"),
    "MeasureFock(dark_counts=0.3) | 0": (1, 1, "dark_counts is not read"),
    "float x = 1\nfloat x = 2": (2, 7, "declared twice"),
    "Rgate(" + "(" * 100 + "1" + ")" * 100 + ") | 0": (1, 72, "nests more than"),
    "Rgate(1/0) | 0": (1, 8, "not a finite number"),
    "Interferometer(3) | [0, 1]": (1, 1, "takes an array"),
    "Sgate(\u00a7) | 0": (1, 7, "cannot stand here"),
}


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_read_is_refused_with_its_place(text):
    line, column, reason = BAD[text]
    with pytest.raises(FormatError, match=reason) as caught:
        hb.from_blackbird(text)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_mutated_texts_are_read_or_refused():
    """In bounded time, and by nothing but a FormatError that says where."""
    rng = random.Random(5)
    pieces = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        "|",
        "=",
        "\n",
        "e",
        "j",
        "9" * 50,
        "-",
        "*",
        "#",
        "'",
        " ",
        "\x00",
        "array",
    ]
    begun = time.process_time()
    for _ in range(300):
        text = TEMPLATE
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(text))
            text = text[:at] + rng.choice(pieces) + text[at + rng.randint(0, 3) :]
        try:
            hb.from_blackbird(text)
        except FormatError as error:
            assert error.line is not None and error.column is not None
    assert time.process_time() - begun < 60  # a guard against a hang, not a speed


def test_programs_that_cannot_be_read_are_refused(monkeypatch):
    with pytest.raises(FormatError, match=r"a strawberryfields\.Program is read; got str"):
        hb.from_strawberryfields("text")
    program = sf.Program(2)
    with program.context as q:
        sf.ops.MeasureX | q[0]
        sf.ops.Dgate(q[0].par) | q[1]
    with pytest.raises(FormatError, match="is not read"):
        hb.from_strawberryfields(program)
    monkeypatch.setattr(sf, "hbar", 1)
    with pytest.raises(FormatError, match=r"sf\.hbar is 1"):
        hb.from_strawberryfields(sf.Program(1))


def test_what_the_format_lacks_is_refused():
    pair = hb.FockStateVector.of(2, np.diag([0.6, 0.8]))
    made = Circuit((Instruction(pair, (0, 1)),), (), (0, 1))
    with pytest.raises(FormatError, match="FockStateVector cannot be written"):
        TEXT.write(made, np.array([]))


def test_programs_show_their_own_text():
    def model(v):
        hb.CatState(v[0], 0.2, 0.0, wires=0)
        hb.Beamsplitter(v[1], 0.3, wires=[0, 1])
        return hb.expval(hb.NumberOperator(0))

    for name in ("strawberryfields.bosonic", "strawberryfields.fock"):
        device = hb.device(name, wires=2, cutoff_dim=5)
        circuit = hb.qnode(device)(model).circuit(np.array([0.3, 0.4]))
        text = device.compile(circuit).native()
        assert "Catstate({p0}, {p1}, {p2}) | 0\nBSgate({p3}, {p4}) | [0, 1]" in text
        assert hb.from_blackbird(text).parameters == ("p0", "p1", "p2", "p3", "p4")


def test_the_table_has_the_vendors_names_and_defaults():
    for name, op in (*blackbird_table.NUMBERS.items(), *blackbird_table.ARRAYS.items()):
        signature = list(inspect.signature(getattr(sf.ops, name).__init__).parameters.values())[1:]
        own = signature[: len(op.params)]
        assert tuple(p.name for p in own) == op.params, name
        defaults = [np.nan if p.default is p.empty else p.default for p in own]
        given = op.defaults if name in blackbird_table.NUMBERS else (np.nan, *op.defaults)
        np.testing.assert_allclose(np.array(defaults, float), np.array(given, float))
