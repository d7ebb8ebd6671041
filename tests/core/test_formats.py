"""Formats are found by name when they are used, through one hook."""

from __future__ import annotations

import importlib
import sys
import types
from types import SimpleNamespace

import pytest

import hybridge as hb
from hybridge import registry as registry_module
from hybridge.plugin import Entry, Format, ImportedCircuit, hookimpl

formats_module = importlib.import_module("hybridge.formats")  # the name of the package is the function


class Words(Format):
    """A format of its own: the letters of a text are gates on wire 0."""

    def read(self, source):
        return ImportedCircuit(tuple(Entry(hb.X if c == "x" else hb.Z, (0,)) for c in source), (0,))

    def write(self, circuit, numbers):
        return "".join(operation.name.lower() for operation, _ in circuit.instructions) + str(
            numbers.tolist()
        )


class Deaf(Format):
    """A format that is written only."""

    def write(self, circuit, numbers):
        return circuit.wires


WORDS, DEAF = "toy_formats:Words", "toy_formats:Deaf"


@pytest.fixture
def install(monkeypatch):
    """install(plugin=[(arguments, options), ...]): a registry of these plugins, offering these formats."""
    module = types.ModuleType("toy_formats")
    module.Words, module.Deaf = Words, Deaf
    monkeypatch.setitem(sys.modules, "toy_formats", module)

    def put(**plugins):
        registry = registry_module.Registry()
        registry._points = {name: [point(name, offers)] for name, offers in plugins.items()}
        monkeypatch.setattr(registry_module, "registry", registry)
        monkeypatch.setattr(formats_module, "registry", registry)
        formats_module._reader.cache_clear()
        formats_module._writer.cache_clear()
        return registry

    def point(name, offers):
        class Plugin:
            @hookimpl
            def register_formats(self, register):
                for arguments, options in offers:
                    register(*arguments, **options)

        return SimpleNamespace(name=name, value=name, dist=None, load=Plugin)

    return put


@hb.qnode(hb.device("default.qubit", wires=["a", "b"]))
def node(x):
    hb.X("a")
    hb.RX(x, wires="b")
    return hb.probs()


def test_a_format_of_a_plugin_reads_and_writes(install):
    install(toy=[(("words", WORDS), {})])

    def read():
        hb.from_words("xzx")()
        return hb.probs(wires=0)

    assert [o.name for o, _ in node.update(function=read).record().instructions] == ["X", "Z", "X"]
    assert hb.to_words(node)(0.5) == "xrx[0.5]"
    assert hb.to_words(node.circuit(0.5))(0.7) == hb.to_words(node.circuit(0.5))([0.7]) == "xrx[0.7]"
    assert {"from_words", "to_words"} <= set(dir(hb))


def test_a_direction_that_a_format_lacks_is_an_error_that_names_the_other(install):
    install(toy=[(("deaf", DEAF), {})])
    assert hb.to_deaf(node)(0.1) == ("a", "b")
    with pytest.raises(hb.FormatError, match="'deaf': it cannot be read; only written"):
        hb.from_deaf("")


def test_an_unknown_format_is_an_attribute_error_that_names_those_there_are(install):
    install(toy=[(("words", WORDS), {})])
    with pytest.raises(AttributeError, match=r"formats: .*words.*did you mean 'from_words'\?"):
        hb.from_word("x")
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        hb.no_such_name()


def test_any_other_name_loads_no_plugin(install):
    registry = install(toy=[(("words", WORDS), {})])
    assert not hasattr(hb, "something_else")
    assert not registry._loaded


def test_nothing_of_a_format_is_imported_until_it_is_used(install):
    install(toy=[(("late", "no_such_module:Late"), {}), (("words", WORDS), {})])
    assert ("words", "toy", "installed") in hb.formats()
    late = hb.from_late
    with pytest.raises(hb.PluginError, match="format 'late' could not be loaded: ModuleNotFoundError"):
        late("")
    assert "failed to load" in dict((f.name, f.status) for f in hb.formats())["late"]


def test_a_missing_sdk_is_named_with_its_extra(install):
    install(toy=[(("far", WORDS), {"requires": ("no_such_sdk",), "extra": "far"})])
    with pytest.raises(
        hb.MissingDependency, match=r"format 'far' needs 'no_such_sdk'; pip install .*\[far\]"
    ):
        hb.from_far("x")
    assert "pip install" in dict((f.name, f.status) for f in hb.formats())["far"]


FAULTS = {
    "must be named as a Python name may be": (("a b", WORDS), {}),
    "must be 'module:Class'": (("words", "toy_formats"), {}),
    "must be a list of names": (("words", WORDS), {"requires": "toy"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_registration_is_told_with_its_plugin(install, fault):
    registry = install(toy=[FAULTS[fault]])
    hb.formats()
    assert fault in registry.failures["toy"]


def test_the_first_plugin_to_offer_a_format_keeps_it(install):
    registry = install(one=[(("words", WORDS), {})], two=[(("words", DEAF), {})])
    assert ("words", "one", "installed") in hb.formats()
    assert registry.failures == {"two": "format 'words' is one's already"}


def test_a_format_that_is_no_format_is_a_plugin_error(install):
    install(toy=[(("odd", "json:JSONDecoder"), {})])
    with pytest.raises(hb.PluginError, match="json:JSONDecoder is not a Format"):
        hb.from_odd("")


@pytest.mark.parametrize(
    "write, message",
    [
        (lambda: hb.to_words(3)(), "takes a QNode, a Circuit or an observable; got 3"),
        (lambda: hb.to_words(node)([0.1, 0.2]), "writes one circuit; got arrays of numbers for 2"),
        (lambda: hb.to_words(node.circuit(0.1))(), "takes 1 numbers; got 0"),
        (lambda: hb.to_words(node)(float("nan")), "is nan"),
    ],
)
def test_what_cannot_be_written_is_refused(install, write, message):
    install(toy=[(("words", WORDS), {})])
    with pytest.raises(hb.CircuitError, match=message):
        write()
