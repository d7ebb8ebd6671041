"""The benchmark measures what it says: simulators agree, lines have their fields, who is absent is named."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import hybridge as hb
from benchmarks import circuits, peers, report, rows_kernels, run
from benchmarks.circuits_light import mesh
from benchmarks.comparison import FASTEST, Comparison, Goal, Line, Part, Settings
from benchmarks.rows_samples import alike, moments, ready
from benchmarks.timing import Effort, interleaved, timing
from hybridge.plugin import Task
from test_docs import module_at

BRIEF = Effort(rounds=2, share=0.0, limit=0.0, fewest=2)
FIELDS = {"work", "peer", "ratio", "spread", "floor", "aim", "ours_s", "peer_s", "measured", "left_out"}
GOALS = (Goal(FASTEST, "hybridge", 2, 4),)
# what is compared -> the kind of work and the problem, of a size that takes no time
SMALL = {
    "four gates": ("value", circuits.four_gates),
    "HEA": ("value", partial(circuits.hea, 4)),
    "HEA, Hamiltonian": ("value", partial(circuits.hea, 4, terms=circuits.ring(4))),
    "QAOA": ("value", partial(circuits.qaoa, 4)),
    "UCC": ("value", partial(circuits.ucc, 4)),
    "QFT": ("value", partial(circuits.qft, 4)),
    "random": ("value", partial(circuits.scattered, 4)),
    "gradient": ("gradient", partial(circuits.hea, 4)),
    "value and gradient": ("value and gradient", partial(circuits.hea, 4)),
    "values": ("values", partial(circuits.hea, 4, batch=3)),
    "gradients": ("gradients", partial(circuits.hea, 4, batch=3)),
    "mapped values": ("mapped values", partial(circuits.hea, 4, batch=3)),
    "mapped gradients": ("mapped gradients", partial(circuits.hea, 4, batch=3)),
    "gradient of a node": ("gradient of a node", partial(circuits.hea, 4)),
    "gradient on Aer": ("gradient on Aer", partial(circuits.hea, 2, layers=1)),
    "value on Aer": ("value on Aer", partial(circuits.hea, 2, layers=1)),
    "noisy value": ("noisy value", partial(circuits.noisy, 3)),
    "noisy values": ("noisy values", partial(circuits.noisy, 3, batch=3)),
    "noisy gradient": ("noisy gradient", partial(circuits.noisy, 2, layers=1)),
    "photons": ("photons", partial(mesh, 4)),
}


@pytest.fixture(scope="module")
def settings():
    return Settings(peers.installed(), BRIEF, patience=0.0)


@pytest.mark.parametrize("name", SMALL)
def test_simulators_agree(name, settings):
    kind, problem = SMALL[name]
    found = Comparison("small", name, (Part(kind, problem),), GOALS).measure(settings)
    ours = [label for label in found.timings if label.startswith("hybridge")]
    assert ours
    assert len(found.lines) == (len(found.timings) > len(ours))  # a line where there is a peer


@pytest.mark.parametrize("kind", ["samples", "counts"])
def test_samples_are_alike(kind, settings):
    part = Part(kind, lambda: ready(4, 1000), agree=alike)
    found = Comparison("small", kind, (part,), ()).measure(settings)
    assert "hybridge" in found.timings


def test_samples_of_another_state_are_not_alike():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (10_000, 3))
    numbers = bits @ [4, 2, 1]
    counted = dict(enumerate(np.bincount(numbers).tolist()))
    alike({"bits": bits, "numbers": numbers, "counts": {format(k, "03b"): n for k, n in counted.items()}})
    assert moments(bits) == pytest.approx(moments(counted))
    with pytest.raises(AssertionError):
        alike({"bits": bits, "fewer ones": bits * bits[:, ::-1]})


def test_kernels_are_counted_in_cycles_for_every_bit(settings, monkeypatch):
    monkeypatch.setattr(rows_kernels, "REPEATS", 2)
    names = (rows_kernels.GENERIC, rows_kernels.ADJOINT)
    monkeypatch.setattr(rows_kernels, "KERNELS", {name: rows_kernels.KERNELS[name] for name in names})
    found = rows_kernels.Cycles(bits=2).measure(settings)
    assert {name: len(counts) for name, counts in found.cycles.items()} == dict.fromkeys(names, 2)
    assert [(line.ours, line.at_most) for line in found.lines] == [(rows_kernels.GENERIC, True)]


def test_a_repeated_program_applies_its_gate_again_and_again():
    device = hb.device("default.qubit", wires=2)
    plan = hb.QNode(lambda x: (hb.RX(x, wires=0), hb.expval(hb.Z(0)))[1], device).plan(0.1)
    task = Task(rows_kernels.repeated(plan.programs[0], 5), np.array([[0.1]]))
    assert device.run([task])[0] == pytest.approx(np.cos(0.5))
    assert device.vjp(task, np.ones((1, 1))) == pytest.approx(-5 * np.sin(0.5))


def test_a_disagreement_is_an_error(settings, monkeypatch):
    ours = settings.peers.ours[0]
    wrong = {"value": {**ours.RUNS["value"], "hybridge static": lambda problem: lambda: 2.0}}
    monkeypatch.setattr(ours, "RUNS", wrong)
    row = Comparison("small", "four gates", (Part("value", circuits.four_gates, alone=True),), ())
    with pytest.raises(AssertionError, match="hybridge and hybridge static differ by"):
        row.measure(settings)


def test_who_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(peers.MODULES, "in_nobody", ("nobody",))
    monkeypatch.setattr(peers.importlib, "import_module", _missing("nobody"))
    assert peers.installed(("in_nobody",)).missing == {"nobody": "nobody is not installed"}


def _missing(package):
    def import_module(name):
        if name == f"benchmarks.in_{package}":
            raise ModuleNotFoundError(name=package)
        return report

    return import_module


def test_a_long_compilation_is_left_out_by_name(settings, monkeypatch):
    monkeypatch.setattr(settings.peers.ours[0], "SECONDS", {"value": 100.0}, raising=False)
    _, left_out = settings.peers.runs("value", circuits.four_gates(), patience=10, alone=True)
    assert left_out["hybridge"] == "compiles for about 400 s, longer than 10 s"


def test_rows_are_chosen_by_group_or_words_of_their_names():
    works = [row.work for row in run.ROWS]
    assert len(works) == len(set(works))
    assert [row.work for row in run.chosen("")] == works
    assert {row.group for row in run.chosen("batch; hub")} == {"batch", "hub"}
    assert [row.work for row in run.chosen("forward, QFT, 16")] == ["forward, QFT, 16 qubits"]


def line(work: str, ratio: float, **changes) -> Line:
    return Line("small", work, "hybridge", "peer", ratio, 0.1, 2, 4, False, 1.0, ratio)._replace(**changes)


@pytest.mark.parametrize(
    "ratio, at_most, meets",
    [(1.9, False, False), (2.1, False, True), (1.9, True, True), (2.1, True, False)],
)
def test_a_line_meets_its_goal_from_the_right_side(ratio, at_most, meets):
    assert line("row", ratio, at_most=at_most).meets(2) is meets


def test_a_difference_is_in_microseconds():
    row = Comparison("small", "work", (), (Goal("slow", "quick", 250, 150, at_most=True, difference=True),))
    found = row._line(row.goals[0], {"slow": timing([3e-4] * 2), "quick": timing([1e-4] * 2)})
    assert (found.ours, found.peer, found.peer_s) == ("slow", "us above quick", None)
    assert found.ratio == pytest.approx(200) and found.meets(250) and not found.meets(150)


def test_parts_merge_into_the_file_row_by_row(tmp_path, settings):
    out = tmp_path / "build" / "bench.json"
    row = Comparison(
        "small", "four gates", (Part("value", circuits.four_gates),), (Goal("hybridge", "hybridge", 1, 1),)
    )
    found = row.measure(settings)
    for work, ratio in (("one", 1.0), ("two", 2.0), ("one", 3.0)):
        lines = [line(work, ratio)]
        report.merge(
            out, {work: found._replace(lines=lines)}, {"hybridge": "0"}, {"nobody": "is not installed"}
        )
    kept = json.loads(out.read_text())
    assert [(r["work"], r["ratio"]) for r in kept["rows"]] == [("two", 2.0), ("one", 3.0)]
    assert kept["machine"] == report.machine()
    for made in kept["rows"]:
        assert made.keys() >= FIELDS
        assert made["left_out"]["nobody"] == "is not installed"
    out.write_text(json.dumps({**kept, "machine": "another"}))
    report.merge(out, {"two": found._replace(lines=[line("two", 5.0)])}, {}, {})
    assert [r["work"] for r in json.loads(out.read_text())["rows"]] == [
        "two"
    ]  # another machine's rows are gone


def test_what_falls_short_is_marked(capsys, settings):
    row = Comparison("small", "four gates", (Part("value", circuits.four_gates),), ())
    found = row.measure(settings)._replace(
        lines=[line("row", 1.0), line("other", 3.0)], left_out={"x": "too slow"}
    )
    report.show({"row": found}, {"nobody": "is not installed"})
    shown = capsys.readouterr().out
    assert shown.count("SHORT") == 1
    assert "left out: nobody, is not installed" in shown
    assert "left out: x, too slow (row)" in shown


def test_timing_is_the_median_with_the_share_of_its_quartiles():
    assert timing([1.0, 2.0, 3.0, 4.0, 5.0]) == (3.0, 2 / 3, 5)


def test_a_slow_work_gets_no_more_than_the_fewest_rounds():
    calls = {"slow": 0, "quick": 0}

    def slow() -> None:
        calls["slow"] += 1
        sum(range(200_000))

    found = interleaved(
        {"slow": slow, "quick": lambda: None}, Effort(rounds=5, share=0.0, limit=1e-4, fewest=2)
    )
    assert found["slow"].rounds == 2
    assert found["quick"].rounds == 5


def test_parameters_are_seeded():
    assert np.array_equal(circuits.scattered(4).params, circuits.scattered(4).params)
    assert circuits.scattered(4).gates == circuits.scattered(4).gates


def test_the_figure_is_drawn_from_a_report(tmp_path):
    lines = [
        line("first", 3.0, group="forward", peer="qulacs (fastest)"),
        line("first", 5.0, group="forward", ours="hybridge static", peer="qulacs (fastest)"),
        line("first", 50.0, group="forward"),
        line("second", 9.0, group="call"),
        line("second", 2.0, group="call"),
        line("third", 2.0, group="gradient", at_most=True),
    ]
    rows = [{**each._asdict(), "measured": "2026-01-01T00:00:00"} for each in lines]
    drawing = module_at(Path(__file__).parents[1] / "docs" / "draw_performance.py")
    works = drawing.by_work(rows)
    assert {work: {ours: row["ratio"] for ours, row in found.items()} for work, found in works.items()} == {
        "second": {"hybridge": 2.0},
        "first": {"hybridge": 3.0, "hybridge static": 5.0},
    }
    figures = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for figure in figures:
        drawing.draw({"rows": rows, "machine": {"cpu": "a machine"}}, figure)
    assert figures[0].read_bytes() == figures[1].read_bytes()
    assert "qulacs" in figures[0].read_text(encoding="utf-8")
