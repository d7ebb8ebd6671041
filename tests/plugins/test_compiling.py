"""numba keeps compiled kernels on disk; an upgraded installation must never run those of the old one."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

from hybridge_default import (
    compiling,
    gaussian_kernels,
    mixed_kernels,
    qubit_kernels,
    qubit_sampling,
    qubit_steps,
)
from hybridge_default.compiling import sources

KERNELS = {
    "qubit": (
        *(qubit_kernels.forward, qubit_kernels.backward, qubit_steps.step),
        *(qubit_sampling.pick, qubit_sampling.merge),
    ),
    "mixed": (mixed_kernels.forward, mixed_kernels.backward),
    "gaussian": (gaussian_kernels.forward, gaussian_kernels.backward, gaussian_kernels.states),
}
FILES = [
    *(("qubit", name) for name in ("compiling.py", "qubit_simd.py", "qubit_layout.py", "qubit_gates.py")),
    *(("mixed", name) for name in ("compiling.py", "qubit_simd.py", "mixed_layout.py", "mixed_gates.py")),
    *(("gaussian", name) for name in ("compiling.py", "gaussian_layout.py", "gaussian_forms.py")),
]


@pytest.mark.parametrize("engine", KERNELS)
def test_every_kernel_closes_over_the_digest_of_its_engine(engine):
    """numba looks at the date of a function's own file alone, and at what the function closes over."""
    for kernel in KERNELS[engine]:
        assert sources(engine) in [cell.cell_contents for cell in kernel.py_func.__closure__]


@pytest.mark.parametrize(("engine", "name"), FILES)
def test_the_digest_tells_a_change_of_any_file_of_the_engine(engine, name, tmp_path):
    copied = tmp_path / "hybridge_default"
    shutil.copytree(Path(compiling.__file__).parent, copied, ignore=shutil.ignore_patterns("__pycache__"))
    assert sources(engine, copied) == sources(engine)
    with (copied / name).open("a") as file:
        file.write("# upgraded\n")
    assert sources(engine, copied) != sources(engine)


def test_no_two_functions_that_kernels_call_have_one_name():
    """Kernels of several processes are linked by these names: of one name, the first would serve for all."""
    modules = [module for name, module in sys.modules.items() if name.startswith("hybridge_default.")]
    called = {
        id(made): made.py_func
        for module in modules
        for made in vars(module).values()
        if issubclass(type(made), Dispatcher) and not made.targetoptions.get("forceinline")
    }
    names = Counter((function.__module__, function.__qualname__) for function in called.values())
    assert len(names) > 50 and [name for name, times in names.items() if times > 1] == []
