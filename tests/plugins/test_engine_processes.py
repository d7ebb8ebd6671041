"""default.qubit among processes, threads, installations and limits of memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import hybridge as hb
import hybridge_default

MODEL = """
import hybridge as hb

def circuit(x, n=3):
    for w in range(n):
        hb.RX(x + 0.1 * w, wires=w)
    for w in range(n - 1):
        hb.CNOT([w, w + 1])
    return hb.expval(hb.Z(n - 1) + 0.5 * hb.X(0) @ hb.Y(1))

dev = hb.device("default.qubit", wires=3)
f = hb.QNode(circuit, dev)
"""
exec(MODEL, model := {})
VALUE, SLOPE = float(model["f"](0.3)), float(hb.grad(model["f"])(0.3))


def run(code, **environment):
    """What a fresh interpreter prints, after the model."""
    command = [sys.executable, "-B", "-c", MODEL + code]
    known = {k: v for k, v in {**os.environ, **environment}.items() if v is not None}
    done = subprocess.run(command, capture_output=True, text=True, env=known)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_numba_is_imported_by_the_first_simulation_and_no_sooner():
    assert (
        run(
            "import pickle, sys\n"
            "f.plan(0.3), f.circuit(0.3), hb.draw(f)(0.3), hb.specs(f)(0.3), hb.devices()\n"
            "pickle.loads(pickle.dumps(f)).plan(0.3)\n"
            "before = 'numba' in sys.modules\n"
            "f(0.3)\n"
            "print(before, 'numba' in sys.modules)\n"
        )
        == "False True"
    )


# ---- threads and forks ----------------------------------------------------------------------------------


def test_threads_at_once_give_the_same_numbers_as_one():
    """The same node and others of their own, values and derivatives, to the last bit."""
    x = np.linspace(0.1, 1.3, 12)

    def work(node):
        return [(node(x).tobytes(), hb.grad(lambda y: hb.numpy.sum(node(y)))(x).tobytes()) for _ in range(10)]

    shared, found = model["f"], {}
    expected = work(shared)
    assert len(set(expected)) == 1

    def target(key):
        own = hb.QNode(model["circuit"], hb.device("default.qubit", wires=3))
        found[key] = work(shared if key % 2 else own)

    threads = [threading.Thread(target=target, args=(key,)) for key in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == dict.fromkeys(range(4), expected)


def test_threads_may_both_be_the_first_to_simulate():
    found = run(
        "import threading\n"
        "gate, found = threading.Barrier(2), []\n"
        "def work():\n"
        "    own = hb.QNode(circuit, hb.device('default.qubit', wires=3))\n"
        "    gate.wait()\n"
        "    found.append(float(own(0.3)))\n"
        "threads = [threading.Thread(target=work) for _ in range(2)]\n"
        "[t.start() for t in threads], [t.join() for t in threads]\n"
        "print(*found)\n"
    )
    assert list(map(float, found.split())) == [VALUE, VALUE]


FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@FORK
def test_a_process_forked_after_use_simulates_too():
    found = run(
        "import os\n"
        "a = f(0.3), hb.grad(f)(0.3)\n"
        "pid = os.fork()\n"
        "if pid == 0: os._exit(0 if (f(0.3), hb.grad(f)(0.3)) == a else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), f(0.3) == a[0])\n"
    )
    assert found == "0 True"


@FORK
def test_a_pool_of_forked_processes_simulates():
    found = run(
        "import multiprocessing\n"
        "def slope(x): return float(hb.grad(f)(x))\n"
        "f(0.3)\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool: print(*pool.map(slope, [0.3] * 6))\n"
    )
    assert list(map(float, found.split())) == [SLOPE] * 6


def test_a_node_pickled_into_another_process_gives_the_same():
    found = run(
        "import pickle, subprocess, sys\n"
        "f(0.3)\n"  # what is pickled has been used
        "again = pickle.loads(pickle.dumps(dev))\n"
        "print(float(hb.QNode(circuit, again)(0.3)), 'numba' in str(pickle.dumps(dev)))\n"
    )
    assert found == f"{VALUE} False"


# ---- installations --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The plugin copied to where nothing can be kept: a file stands where its cache would be, and for HOME.

    Permissions would not do: the user may be root, whom they do not bind.
    """
    folder = tmp_path_factory.mktemp("installed")
    source = Path(hybridge_default.__file__).parent
    shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / source.name / "__pycache__").write_text("")
    (folder / "home").write_text("")
    return folder


def without_a_home(installed, **environment):
    path = os.pathsep.join([str(installed), *filter(None, sys.path)])
    home = str(installed / "home")
    return {
        "PYTHONPATH": path, "HOME": home, "XDG_CACHE_HOME": home, "NUMBA_CACHE_DIR": None, **environment
    }  # fmt: skip


DRAW = """
import numpy as np
from hybridge_default.qubit_sampling import count, merge

drawn = count(np.array([[0.0, 1.0] * 8]), 4, 3, 1)
print(drawn.sum(), len(merge.stats.cache_hits), len(merge.stats.cache_misses), bool(merge.stats.cache_path))
"""
SOURCES = """
from hybridge_default import compiling, qubit_kernels, qubit_sampling

digest = compiling.sources("qubit")
for kernel in (qubit_kernels.forward, qubit_kernels.backward, qubit_sampling.pick, qubit_sampling.merge):
    assert digest in [cell.cell_contents for cell in kernel.py_func.__closure__]
print(digest, bool(qubit_kernels.forward.stats.cache_path), qubit_kernels.__file__)
"""


def test_a_read_only_installation_compiles_without_keeping(installed):
    files, environment = sorted(installed.rglob("*")), without_a_home(installed)
    _, hits, _, kept = run(DRAW, **environment).split()
    assert (hits, kept) == ("0", "False")
    _, kept, where = run(SOURCES, **environment).split()
    assert (kept, Path(where).parent) == ("False", installed / "hybridge_default")
    assert sorted(installed.rglob("*")) == files


def test_kernels_are_kept_where_numba_is_told(installed, tmp_path):
    environment = without_a_home(installed, NUMBA_CACHE_DIR=str(tmp_path / "kept"))
    first, again = (run(DRAW, **environment).split() for _ in range(2))
    assert first[1:] == ["0", "1", "True"] and again[1:] == ["1", "0", "True"] and first[0] == again[0]
    assert list((tmp_path / "kept").rglob("*merge*.nbc"))
    assert run(SOURCES, **environment).split()[1] == "True"


def test_kept_kernels_are_not_used_once_a_source_has_changed(installed, tmp_path):
    """Whichever it is, and though the file has its old date and length, as installers may leave it."""
    environment = without_a_home(installed, NUMBA_CACHE_DIR=str(tmp_path / "kept"))
    before, digest = run(DRAW, **environment).split(), run(SOURCES, **environment).split()[0]
    source = installed / "hybridge_default" / "qubit_layout.py"
    dates = (source.stat().st_atime, source.stat().st_mtime)
    source.write_text(source.read_text().replace("real", "Real", 1))
    os.utime(source, dates)
    assert run(SOURCES, **environment).split()[0] != digest
    assert before[1:3] == run(DRAW, **environment).split()[1:3] == ["0", "1"]


# ---- memory ---------------------------------------------------------------------------------------------

STATES = {  # work: peak in states of 16 bytes an entry
    "f(0.3)": ("hb.expval(hb.Z(0) + 0.3 * hb.X(1) @ hb.Y(2))", 1),
    "g(0.3)": ("hb.expval(hb.Hermitian([[1, 2], [2, 1]], wires=3))", 1),
    "h(0.3)": ("hb.probs(wires=[0, 5])", 1),
    "v(0.3)": ("hb.var(hb.Z(0))", 2),
    "hb.grad(f)(0.3)": ("hb.expval(hb.Z(0) + 0.3 * hb.X(1) @ hb.Y(2))", 3),
}


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is counted in other units elsewhere")
@pytest.mark.parametrize("work", STATES)
def test_the_peak_of_memory_is_that_of_the_states(work):
    """One for a value, two for a variance, at most three for a gradient, and a tenth of one besides."""
    measure, states = STATES[work]
    name = "f" if "grad" in work else work[0]
    ratio = run(
        "import resource\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "def node(n):\n"
        "    def of(x):\n"
        "        circuit(x, n)\n"
        "        hb.IsingXY(x, wires=[0, n - 1])\n"
        f"        return {measure}\n"
        "    return hb.QNode(of, hb.device('default.qubit', wires=n))\n"
        f"{name} = node(18)\n"  # the kernels of large states
        f"{work}\n"
        f"{name}, before = node(21), peak()\n"
        f"{work}\n"
        "print((peak() - before) / (16 * 2**21))\n"
    )
    assert float(ratio) < states + 0.1
