"""The layers hold: a file imports only what stands left of it, and a plugin uses its one door."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE, PLUGINS = ROOT / "core" / "hybridge", ROOT / "plugins"

# Lowest first. Modules and packages of core/hybridge; those on one line do not import each other.
LAYERS = (
    ("arithmetic", "errors", "listing", "memory", "numbers", "numpy", "pytree"),
    ("recording",),
    ("phasespace",),
    ("operations",),
    ("observables",),
    ("circuit",),
    ("allowed", "gradients"),
    ("noise",),
    ("device",),
    ("hookspecs", "io", "tracker"),
    ("plugin",),
    ("registry",),
    ("border", "compilation", "deferral"),
    ("readout",),
    ("postselection", "undifferentiated"),
    ("execution",),
    ("jobs", "plans"),
    ("recorded",),
    ("interfaces",),
    ("static",),
    ("mapped",),
    ("qnode",),
    ("layer",),
    ("jax", "keras", "torch"),  # layers and functions for the networks of these libraries
    ("flax",),
    ("fidelity", "gradient_plan", "points", "slots"),
    ("geometry", "standard_errors"),
    ("about", "drawing", "formats", "optimize", "snapshots", "specs", "templates", "transforms"),
    ("compare",),
    ("conformance",),
    ("__init__",),  # the public names: `import hybridge`
    ("cli",),
    ("__main__",),
)
RANK = {unit: rank for rank, layer in enumerate(LAYERS) for unit in layer}

# What the core may import from outside: package -> the modules that may, None for all of them.
FOREIGN = {
    "numpy": None,
    "scipy": None,
    "pluggy": {"hookspecs", "registry"},
    "autograd": {
        "numpy",
        "interfaces.arguments",
        "interfaces.autograd_",
        "interfaces.autograd_boxes",
        "interfaces.derivatives",
        "interfaces.each_row",
        "interfaces.entries",
    },
    "torch": {"interfaces.torch_", "interfaces.torch_entries", "interfaces.torch_functions", "torch"},
    "jax": {"interfaces.jax_", "interfaces.jax_primitives", "interfaces.jax_derivatives", "jax", "flax"},
    "flax": {"flax"},
    "tensorflow": {
        "interfaces.tensorflow_",
        "interfaces.tensorflow_entries",
        "interfaces.tensorflow_node",
    },
    "keras": {"keras"},
    "matplotlib": {"drawing", "optimize.plot"},
    "rich": {"about", "cli", "compare", "optimize.progress"},
    "typer": {"cli"},
    "pytest": {"conformance"},
    "hypothesis": {"conformance"},
}
# What a plugin may import besides hybridge.plugin, itself, numpy and the standard library.
SDKS = {
    "hybridge_default": {"numba", "llvmlite", "scipy"},
    "hybridge_qiskit": {"qiskit", "qiskit_aer", "qiskit_ibm_runtime"},
    "hybridge_forest": {"pyquil", "qcs_sdk", "quil", "msgpack", "zmq", "scipy"},
    "hybridge_strawberryfields": {"strawberryfields", "thewalrus", "scipy", "sympy"},
    "hybridge_cirq": {"cirq", "sympy"},
    "hybridge_pennylane": {"pennylane"},
}
VENDORS = re.compile(
    r"qiskit|\bibm|rigetti|pyquil|quilc|qvm|forest|xanadu|strawberry|thewalrus|pennylane|cirq\b", re.I
)


def modules(folder: Path) -> dict[str, Path]:
    """Dotted name below `folder` -> file; a package is `a.__init__`."""
    return {".".join(p.relative_to(folder).with_suffix("").parts): p for p in sorted(folder.rglob("*.py"))}


def imports(module: str, source: str, package: str = "hybridge") -> Iterator[str]:
    """Every absolute name a module imports, wherever in the file; `from a import b` gives 'a.b'."""
    here = [package, *module.split(".")]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = here[: len(here) - node.level] if node.level else []
            prefix = ".".join([*origin, *([node.module] if node.module else [])])
            yield from (f"{prefix}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                yield node.args[0].value


def unit(module: str) -> str:
    """The entry of LAYERS a core module belongs to: its first part."""
    return module.split(".")[0]


def core_violations(module: str, source: str) -> list[str]:
    """What a core module imports though it must not; nothing is known of one without a layer."""
    found = []
    for name in imports(module, source) if unit(module) in RANK else ():
        top, *rest = name.split(".")
        if top == "hybridge":
            # a name that is no module of ours is a public name, taken from hybridge/__init__.py
            used = rest[0] if rest and rest[0] in RANK else "__init__"
            if used != unit(module) and RANK[used] >= RANK[unit(module)]:
                found.append(f"{module} imports {name}: {used!r} is not left of {unit(module)!r}")
        elif top not in sys.stdlib_module_names:
            allowed = FOREIGN.get(top, set())
            if allowed is not None and not {module, unit(module)} & allowed:
                found.append(f"{module} imports {name}")
    return found


def plugin_violations(plugin: str, module: str, source: str) -> list[str]:
    """What a plugin's module imports though it must not."""
    allowed = {plugin, "numpy"} | (SDKS[plugin] if module != "__init__" else set())
    found = []
    for name in imports(module, source, plugin):
        top = name.split(".")[0]
        if top == "hybridge":
            if not f"{name}.".startswith("hybridge.plugin."):
                found.append(f"{plugin}.{module} imports {name}")
        elif top not in allowed and top not in sys.stdlib_module_names:
            found.append(f"{plugin}.{module} imports {name}")
    return found


def vendor_names(source: str) -> list[str]:
    """Vendors that a file's code names, in identifiers or strings; docstrings may, as examples."""
    tree = ast.parse(source)
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    words = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            words.append(node.value)
        elif not isinstance(node, ast.Constant):
            words += [value for _, value in ast.iter_fields(node) if isinstance(value, str)]
    return [w for w in words if VENDORS.search(w)]


def test_every_module_of_the_core_belongs_to_a_layer():
    homeless = sorted({unit(m) for m in modules(CORE)} - set(RANK))
    assert not homeless, f"give {homeless} a place in LAYERS, and in docs/architecture.md"


def test_a_layer_names_each_module_once():
    assert len(RANK) == sum(map(len, LAYERS))


def test_core_modules_import_only_from_their_left():
    assert [v for m, p in modules(CORE).items() for v in core_violations(m, p.read_text())] == []


def test_the_core_names_no_vendor():
    named = {m: vendor_names(p.read_text()) for m, p in modules(CORE).items()}
    assert {m: words for m, words in named.items() if words} == {}


def test_plugins_import_only_the_plugin_door_and_their_sdk():
    folders = [p for p in PLUGINS.iterdir() if any(p.glob("*.py"))]
    assert {p.name for p in folders} <= set(SDKS)
    found = [
        v
        for p in folders
        for m, file in modules(p).items()
        for v in plugin_violations(p.name, m, file.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    "module, source",
    [
        ("errors", "import hybridge.recording"),
        ("errors", "from hybridge import recording"),
        ("errors", "from hybridge.recording import record"),
        ("errors", "def late():\n    from hybridge.qnode import QNode"),
        (
            "circuit",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from hybridge.device import Device",
        ),
        ("operations.table", "from ..circuit import Circuit"),
        ("operations.table", "from .. import circuit"),
        ("device", "import importlib\nimportlib.import_module('hybridge.qnode')"),
        ("qnode", "import hybridge"),
        ("qnode", "from hybridge import RX"),
        ("drawing.text", "from hybridge.optimize import adam"),  # a neighbour
        ("gradients.shift", "import autograd.numpy as anp"),
        ("gradients.shift", "import torch"),
        ("interfaces.jax_", "import torch"),
        ("operations.qubit_gates", "import numba"),
        ("registry", "import qiskit"),
    ],
)
def test_a_planted_violation_in_the_core_is_caught(module, source):
    assert len(core_violations(module, source)) == 1


@pytest.mark.parametrize(
    "module, source",
    [
        (
            "operations.table",
            "from hybridge.operations.pauli import Sentence\nfrom . import spectrum\nimport numpy as np",
        ),
        ("qnode", "from hybridge import execution\nfrom hybridge.interfaces import autograd_"),
        ("interfaces.autograd_", "import autograd"),
        ("__init__", "from hybridge.qnode import QNode"),
        ("operations.__init__", "from .table import ROWS"),
        ("cli", "import hybridge as hb\nimport typer"),
    ],
)
def test_what_is_allowed_is_not_caught(module, source):
    assert core_violations(module, source) == []


@pytest.mark.parametrize(
    "module, source",
    [
        ("device", "from hybridge.circuit import Circuit"),
        ("device", "import hybridge"),
        ("device", "from hybridge import plugin_of_mine"),
        ("device", "import qiskit"),  # another plugin's SDK
        ("__init__", "import pyquil"),  # listing would import the SDK
        ("device", "from hybridge_default import kernels"),
    ],
)
def test_a_planted_violation_in_a_plugin_is_caught(module, source):
    assert len(plugin_violations("hybridge_forest", module, source)) == 1


def test_what_a_plugin_may_import_is_not_caught():
    door = "from hybridge.plugin import Device\nfrom hybridge import plugin"
    source = f"{door}\nimport pyquil.gates\nfrom . import translate"
    assert plugin_violations("hybridge_forest", "device", source) == []


def test_a_planted_vendor_name_is_caught():
    assert vendor_names("if name == 'qiskit.aer': pass") == ["qiskit.aer"]
    assert vendor_names("QiskitDevice = None") == ["QiskitDevice"]
    assert vendor_names('"""Such as qiskit.aer."""') == []
