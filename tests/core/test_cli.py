"""The command line: what it prints, and how it says what is wrong."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

import hybridge as hb
from hybridge import cli, registry
from hybridge.about import about
from hybridge.compare import Row
from hybridge.errors import UnknownDevice

NODES = """
import numpy
from model_parts import Node
answer = 42
circuit = Node(lambda x, y: None)
scalar = Node(lambda: None)
defaulted = Node(lambda x=0.5: None)
"""
PARTS = """
import hybridge as hb
class Node(hb.QNode):
    def __init__(self, function):
        self.__wrapped__ = function
"""

REAL_MODEL = """
import hybridge as hb
example_args = (0.3,)
@hb.qnode(hb.device("default.qubit", wires=1))
def circuit(x):
    hb.RX(x, wires=0)
    return hb.expval(hb.Z(0))
"""


class StandInQNode:
    """A class to recognise; the command line looks at a node's signature and nothing else."""

    def __call__(self, *args):
        raise AssertionError("the command line must not call a node itself")


class StandInComparison:
    rows = (Row("a.one", agrees=True), Row("absent.sdk", reason="not installed", missing=True))

    def table(self):
        return Table("device", "as a table")

    def __str__(self):
        return "device  as text"


@pytest.fixture
def calls(monkeypatch):
    """What hb.compare was called with; every device but a 'wrong.' one counts as known."""
    made = []

    def compare(model, devices, args=(), gradient=True, shots=None, seed=None):
        made.append({"devices": devices, "args": args, "gradient": gradient, "shots": shots, "seed": seed})
        return StandInComparison()

    def find(name):
        if name.startswith("wrong."):
            raise UnknownDevice(name, ["toy", "two"])
        return name

    monkeypatch.setattr(hb, "QNode", StandInQNode, raising=False)
    monkeypatch.setattr(hb, "compare", compare, raising=False)
    monkeypatch.setattr(hb, "draw", lambda node, level: lambda *args: f"0: --RX{args}--", raising=False)
    monkeypatch.setattr(cli.registry, "find", find)
    return made


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A folder with a model file that imports its neighbour."""
    (tmp_path / "model_parts.py").write_text(PARTS)
    file = tmp_path / "model.py"
    file.write_text(NODES)
    yield str(file)
    for module in {"model_parts", "hybridge_model_model"} & set(sys.modules):
        del sys.modules[module]


def run(*words: str, code: int = 0) -> str:
    """What the command prints; `code` is the exit code it must have."""
    done = CliRunner().invoke(cli.app, list(words), catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def refused(*words: str) -> str:
    """The one message of a command that must fail: no traceback, exit code 2."""
    message = run(*words, code=2)
    assert message.startswith("error: ")
    assert "Traceback" not in message
    return message.removeprefix("error: ").rstrip()


def test_devices_lists_every_device_in_plain_text_for_a_pipe():
    assert run("devices").rstrip() == repr(registry.devices())


def test_about_lists_versions_and_devices():
    printed = run("about")
    assert repr(registry.devices()) in printed
    for package in ("Python", "hybridge", "numpy", "autograd", "qiskit", "torch"):
        assert any(line.startswith(f"{package} ") for line in printed.split("\n"))


def test_about_says_what_is_installed_and_leaves_out_development_tools():
    versions = about().versions
    assert versions["numpy"] == np.__version__
    assert versions["Python"] == sys.version.split()[0]
    assert not {"pytest", "ruff"} & set(versions)


def test_what_is_not_installed_is_said_to_be_so(monkeypatch):
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["no_such_package>=1; extra == 'x'"])
    assert about().versions["no_such_package"] == "not installed"


@pytest.mark.parametrize("shown", [about, lambda: cli.rich_devices(registry.devices())])
def test_a_terminal_gets_tables(shown):
    console = Console(width=200, force_terminal=True)
    with console.capture() as capture:
        console.print(shown())
    for device in registry.devices():
        assert device.name in capture.get()
    assert "status" in capture.get()


def test_a_pip_line_keeps_its_brackets_in_a_terminal():
    line = registry.DeviceInfo("toy.one", "qubit", "<= 3 wires", "exact", "pip install 'hybridge[toy]'")
    console = Console(width=200, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(cli.rich_devices(registry.Devices([line])))
    assert line.status in capture.get()


def test_a_terminal_is_recognised(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "│" in run("devices")


@pytest.mark.parametrize("words", [[], ["devices"]])
def test_python_m_hybridge_lists_the_devices(words):
    command = [sys.executable, "-m", "hybridge", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.rstrip() == repr(registry.devices())


def test_no_command_shows_help():
    assert "compare" in run(code=2)


def test_compare_hands_over_what_it_is_given(calls, model):
    words = "--devices a.one,b.two --args [0.3,[1.0,2.0]] --shots 100 --no-gradient --seed 7".split()
    run("compare", f"{model}:circuit", *words)
    (call,) = calls
    x, y = call.pop("args")
    assert call == {"devices": ["a.one", "b.two"], "gradient": False, "shots": 100, "seed": 7}
    assert x == 0.3
    np.testing.assert_array_equal(y, np.array([1.0, 2.0]), strict=True)


def test_compare_has_defaults(calls, model):
    run("compare", f"{model}:scalar", "--devices", "a.one, b.two")
    assert calls == [
        {"devices": ["a.one", "b.two"], "args": (), "gradient": True, "shots": None, "seed": None}
    ]


def test_compare_prints_text_for_a_pipe_and_a_table_for_a_terminal(calls, model, monkeypatch):
    words = ("compare", f"{model}:scalar", "--devices", "a.one")
    assert run(*words) == "device  as text\n"
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "as a table" in run(*words)


@pytest.mark.parametrize("row", [Row("b.two", agrees=False), Row("b.two", reason="it broke")])
def test_devices_that_disagree_or_fail_are_exit_code_1(calls, model, monkeypatch, row):
    monkeypatch.setattr(StandInComparison, "rows", (*StandInComparison.rows, row))
    assert run("compare", f"{model}:scalar", "--devices", "a.one", code=1) == "device  as text\n"


def test_options_of_a_device_follow_its_name(calls, model):
    run("compare", f"{model}:scalar", "--devices", "a.one:cutoff_dim=8:method=exact,b.two:precise=true")
    assert calls[0]["devices"] == [
        ("a.one", {"cutoff_dim": 8, "method": "exact"}),
        ("b.two", {"precise": True}),
    ]


@pytest.mark.parametrize("text", ["[0.3, 2]", "0.3, 2"])
def test_arguments_need_no_outer_brackets(calls, model, text):
    run("compare", f"{model}:circuit", "--devices", "a.one", "--args", text)
    assert calls[0]["args"] == (0.3, 2)


def test_arguments_default_to_the_example_of_the_file(calls, model):
    with open(model, "a") as file:
        file.write("example_args = [0.1, 0.2]\n")
    run("compare", f"{model}:circuit", "--devices", "a.one")
    run("compare", f"{model}:circuit", "--devices", "a.one", "--args", "[0.5, 0.6]")
    assert [call["args"] for call in calls] == [(0.1, 0.2), (0.5, 0.6)]


def test_a_node_with_defaults_needs_no_arguments(calls, model):
    run("compare", f"{model}:defaulted", "--devices", "a.one")
    assert calls[0]["args"] == ()


def test_compare_runs_a_real_model(tmp_path):
    (tmp_path / "model.py").write_text(REAL_MODEL)
    printed = run("compare", f"{tmp_path / 'model.py'}:circuit", "--devices", "default.qubit")
    assert f"{np.cos(0.3):.6f}" in printed  # <Z> after RX(0.3)
    assert f"{-np.sin(0.3):.6f}" in printed


def test_draw_prints_the_drawing(calls, model):
    assert run("draw", f"{model}:circuit", "--args", "[0.3, 0.4]") == "0: --RX(0.3, 0.4)--\n"


# what is wrong: (the words after `compare`, MODEL standing for the file; the message)
MISTAKES = {
    "no file": ("nowhere.py:circuit", "no such file: nowhere.py"),
    "a folder": (".:circuit", ". is not a Python file"),
    "no name": ("MODEL", "name the node as FILE.py:NODE; got 'MODEL'"),
    "wrong name": (
        "MODEL:circus",
        "'circus' does not exist in MODEL; QNodes there: NODES; did you mean 'circuit'?",
    ),
    "not a node": (
        "MODEL:answer",
        "'answer' is not a QNode in MODEL; QNodes there: NODES",
    ),
    "no arguments": (
        "MODEL:circuit",
        "circuit(x, y) needs arguments; give them as --args '0.3, 0.4', "
        "or write example_args = (0.3, 0.4) in the file",
    ),
    "not JSON": (
        "MODEL:circuit --args x=3",
        "--args must be a JSON list such as '[0.3, 0.4]'; got 'x=3'",
    ),
    "unknown device": (
        "MODEL:scalar --devices wrong.one",
        "no device named 'wrong.one'; installed: toy, two",
    ),
    "half an option": (
        "MODEL:scalar --devices a.one:cutoff_dim",
        "write an option of a.one as name=value, such as cutoff_dim=8; got 'cutoff_dim'",
    ),
    "no device": (
        "MODEL:scalar --devices ,",
        "--devices names no device; `hybridge devices` lists them",
    ),
}


@pytest.mark.parametrize("words, message", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_one_line(calls, model, words, message):
    given = ["compare", *words.replace("MODEL", model).split()]
    given += [] if "--devices" in words else ["--devices", "a.one"]
    assert refused(*given) == message.replace("MODEL", model).replace("NODES", "circuit, scalar, defaulted")
    assert calls == []


# what the file does: the message
BROKEN_FILES = {
    "x = 1\nraise RuntimeError('no\\nluck')": "model.py, line 2 cannot be imported: RuntimeError: no luck",
    "def (": "model.py cannot be imported: SyntaxError: invalid syntax (model.py, line 1)",
    "raise SystemExit": "model.py, line 1 cannot be imported: SystemExit",
}


@pytest.mark.parametrize("source, message", BROKEN_FILES.items())
def test_a_file_that_cannot_be_imported_is_named_with_the_line(calls, tmp_path, source, message):
    file = tmp_path / "model.py"
    file.write_text(source)
    before = list(sys.path)
    assert message in refused("draw", f"{file}:circuit")
    assert sys.path == before


PROGRAM = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[1];\nh q[0];\nmeasure q[1] -> c[0];\n'


def test_convert_prints_a_circuit_in_another_format(tmp_path):
    file = tmp_path / "program.qasm"
    file.write_text(PROGRAM)
    printed = run("convert", str(file), "--to", "qasm3")
    assert "qubit[2] q;" in printed and "c[0] = measure q[1];" in printed
    (tmp_path / "again.json").write_text(run("convert", str(file), "--to", "json"))
    again = run("convert", str(tmp_path / "again.json"), "--from", "json", "--to", "qasm")
    assert again.strip() == PROGRAM.strip()


def test_convert_says_in_one_line_what_is_wrong(tmp_path):
    file = tmp_path / "program.qasm"
    file.write_text("OPENQASM 2.0;\nqreg q[1;")
    assert "line 2, column 9" in refused("convert", str(file), "--to", "json")
    assert "there is no format 'nothing'" in refused("convert", str(file), "--to", "nothing")
    assert "cannot be read" in refused("convert", str(tmp_path / "none"), "--to", "json")
