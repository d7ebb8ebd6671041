"""Import Strawberry Fields 0.23 beside a SciPy and a setuptools it predates.

At import it needs two names that are gone: `scipy.integrate.simps` (since SciPy 1.14) and `pkg_resources`
(since setuptools 82; and a fresh environment has had no setuptools since Python 3.12). Where absent, they
are put there while it is imported and taken away again.

One of its utilities imports TensorFlow where that is installed: 5 s more, and lines on stderr, for two
functions that extract a program's unitary or channel as its tensors. Where the process has not imported
TensorFlow, it is not imported for that. Nothing else of the process is changed.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import threading
import types
import warnings
from collections.abc import Iterator
from typing import Any

import scipy.integrate

from hybridge.plugin import MissingDependency

_importing = threading.RLock()


def import_strawberryfields() -> types.ModuleType:
    """The module `strawberryfields`; 3 s the first time.

    Raises MissingDependency where it is not installed, and where a newer ANTLR runtime keeps it from loading.
    """
    with _importing, _gone_names(), _without_tensorflow(), _quiet():
        try:
            return importlib.import_module("strawberryfields")
        except ModuleNotFoundError as error:
            absent = error.name or "strawberryfields"
            raise MissingDependency("strawberryfields", absent, "strawberryfields") from error
        except Exception as error:
            # its parser tables are of ANTLR 4.9; a later runtime "could not deserialize ATN with version 3"
            if "ATN" not in str(error):
                raise
            runtime = "antlr4-python3-runtime==4.9.2"
            raise MissingDependency("strawberryfields", runtime, note="the one installed is newer") from error


def simps(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """SciPy's old name and order of arguments; `simpson` takes x by keyword only."""
    return scipy.integrate.simpson(y, x=x, dx=dx, axis=axis)


def _pkg_resources() -> types.ModuleType:
    """A stand-in with the one function SF asks for."""

    def resource_filename(package: str, path: str) -> str:
        folder = os.path.dirname(importlib.import_module(package).__file__ or "")
        return os.path.join(folder, *path.split("/"))

    stub = types.ModuleType("pkg_resources")
    vars(stub)["resource_filename"] = resource_filename
    return stub


@contextlib.contextmanager
def _gone_names() -> Iterator[None]:
    integrate = vars(scipy.integrate)
    lacks_simps = "simps" not in integrate
    # the real one where it can be found: older numba and llvmlite import it in earnest
    lacks_pkg = "pkg_resources" not in sys.modules and importlib.util.find_spec("pkg_resources") is None
    if lacks_simps:
        integrate["simps"] = simps
    if lacks_pkg:
        sys.modules["pkg_resources"] = _pkg_resources()
    try:
        yield
    finally:
        if lacks_simps:
            del integrate["simps"]
        if lacks_pkg:
            del sys.modules["pkg_resources"]


@contextlib.contextmanager
def _without_tensorflow() -> Iterator[None]:
    if "tensorflow" in sys.modules:
        yield
        return
    sys.modules["tensorflow"] = None  # importing it raises ModuleNotFoundError
    try:
        yield
    finally:
        del sys.modules["tensorflow"]


# what SF and its dependencies say while they are imported
SAID = (
    ("module 'sre_", DeprecationWarning),  # lark-parser
    (".*pkg_resources", UserWarning),  # setuptools 80 and 81
    (".*pkg_resources", DeprecationWarning),  # earlier ones
    (".*invalid escape sequence", DeprecationWarning),  # docstrings, where they are not compiled yet
    (".*invalid escape sequence", SyntaxWarning),  # the same since Python 3.12
)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    written = warnings.formatwarning  # SF replaces it for the whole process
    try:
        with warnings.catch_warnings():
            for message, category in SAID:
                warnings.filterwarnings("ignore", message, category)
            yield
    finally:
        warnings.formatwarning = written
