"""Strawberry Fields is imported when it is needed, as it is, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.integrate

from hybridge.errors import MissingDependency
from hybridge_strawberryfields import backends, sdk

sf = backends.sf


def fresh(code: str) -> str:
    """What a fresh interpreter prints; warnings are errors there."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_plugin_is_imported_without_its_sdk():
    code = "import sys, hybridge_strawberryfields; print(*{'strawberryfields', 'scipy'} & {*sys.modules})"
    assert fresh(code) == ""


def test_the_import_leaves_nothing_behind():
    code = """
import importlib.util, sys, warnings, scipy.integrate
real = importlib.util.find_spec("pkg_resources") is not None
before, written, filters = "simps" in vars(scipy.integrate), warnings.formatwarning, list(warnings.filters)
from hybridge_strawberryfields import import_strawberryfields
sf = import_strawberryfields()
assert import_strawberryfields() is sf and sf.Engine
assert ("simps" in vars(scipy.integrate)) == before
assert "tensorflow" not in sys.modules
assert real or "pkg_resources" not in sys.modules
assert warnings.formatwarning is written and warnings.filters == filters
print("clean")
"""
    assert fresh(code) == "clean"


def test_names_are_put_back_only_where_absent_and_only_meanwhile(monkeypatch):
    monkeypatch.setattr(sdk.importlib.util, "find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "pkg_resources", raising=False)
    monkeypatch.delattr(scipy.integrate, "simps", raising=False)
    with sdk._gone_names():
        assert scipy.integrate.simps is sdk.simps
        assert sys.modules["pkg_resources"].resource_filename
    assert "simps" not in vars(scipy.integrate) and "pkg_resources" not in sys.modules
    real = types.ModuleType("pkg_resources")
    monkeypatch.setitem(sys.modules, "pkg_resources", real)
    monkeypatch.setattr(scipy.integrate, "simps", len, raising=False)
    with sdk._gone_names():
        assert scipy.integrate.simps is len and sys.modules["pkg_resources"] is real
    assert scipy.integrate.simps is len and sys.modules["pkg_resources"] is real


def test_the_import_works_after_a_failed_one():
    code = """
import scipy.integrate
try:
    import strawberryfields
except (ImportError, DeprecationWarning):
    pass
from hybridge.registry import device
print(device("strawberryfields.gaussian", wires=1))
"""
    assert fresh(code) == "<strawberryfields.gaussian wires=1 shots=None>"


@pytest.fixture
def failing(monkeypatch) -> Iterator[Any]:
    def fail_with(error: Exception) -> None:
        def import_module(name: str) -> None:
            raise error

        monkeypatch.setattr(sdk.importlib, "import_module", import_module)

    yield fail_with
    monkeypatch.undo()


def test_failed_imports_say_what_to_install(failing):
    failing(Exception("Could not deserialize ATN with version 3 (expected 4)."))
    with pytest.raises(
        MissingDependency, match=r"pip install antlr4-python3-runtime==4.9.2; the one installed is newer"
    ):
        sdk.import_strawberryfields()
    failing(ModuleNotFoundError("No module named 'xcc'", name="xcc"))
    with pytest.raises(MissingDependency, match=r"needs 'xcc'; pip install 'hybridge\[strawberryfields\]'"):
        sdk.import_strawberryfields()
    failing(RuntimeError("something else"))
    with pytest.raises(RuntimeError, match="something else"):
        sdk.import_strawberryfields()


def test_the_stand_ins_do_what_sf_asks_of_them():
    x = np.linspace(0, 1, 11)
    assert sdk.simps(x**2, x) == pytest.approx(1 / 3)
    path = sdk._pkg_resources().resource_filename("strawberryfields.apps", "data/sample.py")
    assert path.endswith("strawberryfields/apps/data/sample.py")
