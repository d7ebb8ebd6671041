"""A hostile program is refused with its line and column, in bounded time and memory; nothing of it runs."""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_texts import languages, mutated, outcome
from hostile_qasm import GOOD, programs

import hybridge as hb

SECONDS, BYTES = 5, 2**30
# Each program alone within these limits, all in one process; one line of JSON for each.
READER = f"""
import json, resource, signal, sys
import hybridge as hb
hb.from_qasm("OPENQASM 2.0;"), hb.from_qasm3("")
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + {BYTES}, used + {BYTES}))
for name, text in json.load(sys.stdin).items():
    signal.setitimer(signal.ITIMER_PROF, {SECONDS})  # of the processor
    try:
        found = repr((hb.from_qasm3 if text.startswith("OPENQASM 3.0;\\ninc") else hb.from_qasm)(text))
    except BaseException as error:
        found = [type(error).__name__, vars(error).get("line"), vars(error).get("column"), str(error)]
    signal.setitimer(signal.ITIMER_PROF, 0)
    print(json.dumps([name, found]), flush=True)
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """name -> what reading it came to; read where a canary would be left, if code could run."""
    folder = tmp_path_factory.mktemp("hostile")
    found = subprocess.run(
        [sys.executable, "-c", READER],
        input=json.dumps(programs()),
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=600,
    )
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    read = {name: what for name, what in lines}
    read["canary"] = [path.name for path in folder.iterdir()]
    read["end"] = found.stderr[-300:] or str(found.returncode)
    return read


def test_there_are_programs_enough():
    assert len(programs()) >= 150


def test_every_hostile_program_is_refused_with_its_line_and_column(outcomes):
    wrong = {}
    for name, text in programs().items():
        what = outcomes.get(name, f"the process ended: {outcomes['end']}")
        if not isinstance(what, list) or what[0] != "FormatError":
            wrong[name] = what
            continue
        _, line, column, message = what
        lines = text.split("\n")
        inside = 1 <= line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1
        if not inside or f"line {line}, column {column}" not in message or len(message) > 400:
            wrong[name] = what
    assert wrong == {}


def test_nothing_of_a_program_runs(outcomes):
    assert outcomes["canary"] == []


def test_the_program_that_the_cut_ones_come_from_is_good():
    assert len(hb.from_qasm(GOOD).entries) == 4


def test_a_long_program_on_many_qubits_is_read():
    text = "OPENQASM 2.0; qreg q[5000]; " + "CX q[17], q[4999]; U(0, 0, pi) q[3]; barrier q[0], q[1];" * 3000
    assert len(hb.from_qasm(text).entries) == 9000


PLACES = {
    "OPENQASM 2.0;\nqreg q[1]\nh q;": (3, 1),
    'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\n  rx(1/0) q[0];': (4, 7),
    'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\nh q[7];': (4, 5),
    "OPENQASM 2.0;\n\n  include 'x.inc';": (3, 11),
    "OPENQASM 2.0; ?": (1, 15),
}


@pytest.mark.parametrize("text", PLACES)
def test_the_place_is_that_of_the_fault(text):
    with pytest.raises(hb.FormatError) as caught:
        hb.from_qasm(text)
    assert (caught.value.line, caught.value.column) == PLACES[text]


@pytest.mark.parametrize("name, language", languages().items(), ids=list(languages()))
def test_random_mutations_are_read_or_refused(name, language):
    rng = random.Random(20)
    found = {outcome(language, mutated(rng.choice(language.texts), rng, language.pieces)) for _ in range(600)}
    assert found == {"read", "refused"}


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "marked.qasm").write_bytes(b"\xef\xbb\xbfOPENQASM 2.0;\r\nqreg q[1];\r\nU(0,0,0) q[0];\r\n")
    assert len(hb.from_qasm(tmp_path / "marked.qasm").entries) == 1


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "bytes.qasm").write_bytes(b"OPENQASM 2.0;\n\xff\xfe")
    for source in (
        None,
        3,
        b"OPENQASM 2.0;",
        ["h"],
        tmp_path,
        tmp_path / "none.qasm",
        tmp_path / "bytes.qasm",
    ):
        with pytest.raises(hb.FormatError):
            hb.from_qasm(source)


FORBIDDEN = {
    "eval",
    "exec",
    "__import__",
    "import_module",
    "pickle",
    "marshal",
    "shelve",
    "literal_eval",
}


def words_of(source: str) -> set[str]:
    """Every name and attribute in the code of a module."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        names |= {value for _, value in ast.iter_fields(node) if isinstance(value, str)}
    return names


def test_no_reader_can_run_what_it_reads():
    folder = Path(hb.__file__).parent / "io"
    used = {path.name: words_of(path.read_text()) & FORBIDDEN for path in folder.glob("*.py")}
    assert len(used) > 10 and not any(used.values())
    assert words_of("x = eval('1')") & FORBIDDEN == {"eval"}
