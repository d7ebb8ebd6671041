"""`import hybridge` is cheap: no SDK, no ML library, nothing much beyond autograd's numpy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# top-level modules that must stay out until something asks for them
HEAVY = {
    "SDKs": {"qiskit", "qiskit_aer", "pyquil", "qcs_sdk", "strawberryfields", "thewalrus"},
    "ML libraries": {"torch", "jax", "jaxlib", "tensorflow"},
    "numerics": {"numba", "scipy", "sympy"},
    "presentation": {"matplotlib", "rich", "typer"},
}
ROUNDS = 7


def run(code: str, **environment: str) -> str:
    """What a fresh interpreter prints; warnings are errors there too."""
    command = [sys.executable, "-W", "error", "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    assert found.returncode == 0, found.stderr
    return found.stdout


def loaded(code: str) -> set[str]:
    """The top-level modules loaded once `code` has run, beyond those the interpreter itself starts with."""
    report = "print('|'.join({m.split('.')[0] for m in sys.modules} - before))"
    return set(run(f"import sys; before = {{*sys.modules}}\n{code}\n{report}").strip().split("|"))


@pytest.mark.parametrize("kind", HEAVY)
@pytest.mark.parametrize(
    "code",
    ["import hybridge", "import hybridge.registry\nhybridge.registry.devices()", "import hybridge.about"],
    ids=["import", "list devices", "about"],
)
def test_nothing_heavy_is_imported(code, kind):
    assert loaded(code) & HEAVY[kind] == set()


def test_a_heavy_import_would_be_seen():
    assert "scipy" in loaded("import scipy")


def test_importing_reads_no_entry_points():
    # reading every package's metadata takes 10 ms
    assert run("import hybridge.registry as r; print(r.registry._points)").strip() == "None"


def test_importing_takes_less_than_twice_what_autograd_numpy_takes(tmp_path):
    # compiled code is kept, as it is for every user, even where the environment says not to write any
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    code = "import time; start = time.process_time()\nimport {}\nprint(time.process_time() - start)"
    times: dict[str, list[float]] = {"hybridge": [], "autograd.numpy": []}
    for _ in range(ROUNDS):  # in turn, so that whatever else the machine does hits both
        for module, seconds in times.items():
            seconds.append(float(run(code.format(module), **compiled)))
    assert min(times["hybridge"]) < 2 * min(times["autograd.numpy"]), times
