"""A plugin is a name until it is used, and a broken one hurts nobody else."""

from __future__ import annotations

import importlib
import sys
import textwrap
import types

import pytest

from hybridge import registry as registry_module
from hybridge.device import Device
from hybridge.errors import CircuitError, DeviceError, MissingDependency, PluginError, UnknownDevice
from hybridge.registry import GROUP, Registry, device, devices

HOOK = """
from hybridge.plugin import Capabilities, hookimpl
CAPABILITIES = Capabilities("qubit", None, frozenset({"state"}))
@hookimpl
def register_devices(register):
"""
DEVICE = """
from hybridge.plugin import Device
class Toy(Device):
    capabilities = None
    def __init__(self, wires=None, shots=None, seed=None, *, depth=1, colour=None):
        from PLUGIN import CAPABILITIES
        type(self).capabilities = CAPABILITIES
        super().__init__(wires, shots, seed)
        self.depth = depth
    def run(self, tasks):
        return []
"""


def hook(line: str) -> str:
    """A plugin's source whose hook does this."""
    return HOOK + textwrap.indent(line, "    ")


def offers(name: str, location: str = "PLUGIN_device:Toy", more: str = "") -> str:
    return hook(f"register({name!r}, {location!r}, capabilities=CAPABILITIES{more})")


@pytest.fixture
def install(tmp_path, monkeypatch):
    """install(plugin, source, device source): put a distribution with that one entry point on the path.

    In the sources PLUGIN is the module's name. The registry of this test sees those and the real ones.
    """
    monkeypatch.setattr(registry_module, "registry", Registry())
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def put(plugin: str, source: str, device_source: str = DEVICE, distribution: str = "") -> None:
        distribution = distribution or f"toy_{plugin}"
        for name, text in {distribution: source, f"{distribution}_device": device_source}.items():
            (tmp_path / f"{name}.py").write_text(text.replace("PLUGIN", distribution))
        info = tmp_path / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{plugin} = {distribution}\n")
        importlib.invalidate_caches()

    yield put
    for module in set(sys.modules) - before:
        if module.startswith("toy_"):
            del sys.modules[module]


@pytest.fixture
def status():
    """status(name): the line of `devices()` about it."""
    return lambda name: {d.name: d.status for d in devices()}[name]


# what is wrong: (the plugin's source, part of the reason given)
BROKEN_PLUGINS = {
    "ImportError": ("import no_such_sdk_at_all", "ModuleNotFoundError: No module named 'no_such_sdk_at_all'"),
    "SyntaxError": ("def register_devices(:", "SyntaxError: invalid syntax (toy_broken.py, line 1)"),
    "SystemExit": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "BaseException": ("class Panic(BaseException): pass\nraise Panic('in Rust')", "Panic: in Rust"),
    "error without words": ("raise RuntimeError", "RuntimeError"),
    "many lines": ("raise RuntimeError('first\\nsecond')", "RuntimeError: first second"),
    "SystemExit in the hook": (hook("raise SystemExit"), "SystemExit"),
    "wrong hook signature": (
        "from hybridge.plugin import hookimpl\n@hookimpl\ndef register_devices(registrar): pass",
        "Argument(s) {'registrar'} are declared in the hookimpl but can not be found in the hookspec",
    ),
    "misspelled hook": (
        "from hybridge.plugin import hookimpl\n@hookimpl\ndef register_device(register): pass",
        "unknown hook 'register_device'",
    ),
    "no hook": ("", "registers no device"),
    "hook without hookimpl": ("def register_devices(register): pass", "registers no device"),
    "wrong prefix": (offers("default.qubit"), "device 'default.qubit' must be named 'broken.something'"),
    "no prefix": (offers("broken"), "device 'broken' must be named 'broken.something'"),
    "name not a string": (hook("register(3, 'm:C', capabilities=CAPABILITIES)"), "device 3 must be named"),
    "the same name twice": (
        offers("broken.toy") + "; register('broken.toy', 'm:C', capabilities=CAPABILITIES)",
        "device 'broken.toy' is registered twice",
    ),
    "wrong capabilities": (
        hook("register('broken.toy', 'm:C', capabilities={'domain': 'qubit'})"),
        "capabilities of 'broken.toy' must be Capabilities, not dict",
    ),
    "no capabilities": (hook("register('broken.toy', 'm:C')"), "missing 1 required keyword-only argument"),
    "no class": (
        offers("broken.toy", "toy_broken_device"),
        "must be 'module:Class', not 'toy_broken_device'",
    ),
    "requires a string": (
        offers("broken.toy", more=", requires='sdk'"),
        "must be a list of names, not 'sdk'",
    ),
}


@pytest.mark.parametrize("source, reason", BROKEN_PLUGINS.values(), ids=BROKEN_PLUGINS)
def test_a_broken_plugin_hurts_nobody_else(install, status, source, reason):
    install("broken", source)
    install("sound", offers("sound.toy"))
    assert isinstance(device("sound.toy", wires=2), Device)
    assert reason in status("broken.*")
    assert status("broken.*").startswith("failed to load: ")
    assert "\n" not in status("broken.*")
    assert status("sound.toy") == "installed"
    with pytest.raises(UnknownDevice) as caught:
        device("broken.toy")
    assert reason in caught.value.failures["broken"]
    assert reason in str(caught.value)
    assert "sound.toy" in caught.value.known
    assert isinstance(device("sound.toy"), Device)


# what is wrong: (the device's source, part of the reason given)
BROKEN_DEVICES = {
    "module missing": ("raise ModuleNotFoundError('no sdk')", "ModuleNotFoundError: no sdk"),
    "class missing": ("", "AttributeError: module 'toy_broken_device' has no attribute 'Toy'"),
    "not a Device": ("class Toy: pass", "toy_broken_device:Toy is not a Device"),
    "not a class": ("Toy = 3", "toy_broken_device:Toy is not a Device"),
    "SyntaxError": ("class Toy(:", "SyntaxError"),
    "SystemExit": ("raise SystemExit(1)", "SystemExit: 1"),
    "BaseException": ("class Panic(BaseException): pass\nraise Panic", "Panic"),
    "its own error": ("from hybridge.plugin import DeviceError\nraise DeviceError('no key')", "no key"),
}


@pytest.mark.parametrize("source, reason", BROKEN_DEVICES.values(), ids=BROKEN_DEVICES)
def test_a_broken_device_is_a_plugin_error_and_is_listed_from_then_on(install, status, source, reason):
    install("broken", offers("broken.toy"), source)
    install("fine", offers("fine.toy"))
    assert status("broken.toy") == "installed"  # as far as one can tell without importing it
    for _ in range(2):
        with pytest.raises(PluginError, match="broken") as caught:
            device("broken.toy")
        assert reason in caught.value.reason
    assert reason in status("broken.toy")
    assert status("fine.toy") == "installed"
    assert isinstance(device("fine.toy"), Device)


# what is wrong: (the device's source, part of the reason given)
UNMAKEABLE = {
    "abstract": (DEVICE.split("    def run")[0], "abstract"),
    "constructor raises": (
        DEVICE.replace("self.depth = depth", "raise OSError('no server')"),
        "OSError: no server",
    ),
    "constructor exits": (DEVICE.replace("self.depth = depth", "raise SystemExit(2)"), "SystemExit: 2"),
    "no capabilities": (DEVICE.replace("type(self).capabilities = CAPABILITIES", ""), "AttributeError"),
}


@pytest.mark.parametrize("source, reason", UNMAKEABLE.values(), ids=UNMAKEABLE)
def test_a_device_that_cannot_be_made_is_a_plugin_error(install, source, reason):
    install("broken", offers("broken.toy"), source)
    with pytest.raises(PluginError, match=r"'broken.toy' could not be made") as caught:
        device("broken.toy")
    assert reason in caught.value.reason
    assert caught.value.__cause__ is not None


def test_a_users_mistake_in_making_a_device_stays_what_it_is(install):
    install("sound", offers("sound.toy"))
    with pytest.raises(CircuitError, match="shots must be"):
        device("sound.toy", shots=0)


def test_a_repaired_device_is_no_longer_listed_as_broken(install, status, tmp_path):
    install("broken", offers("broken.toy"), "raise ImportError('not yet')")
    with pytest.raises(PluginError):
        device("broken.toy")
    (tmp_path / "toy_broken_device.py").write_text(DEVICE.replace("PLUGIN", "toy_broken") + "# repaired\n")
    importlib.invalidate_caches()
    assert isinstance(device("broken.toy"), Device)
    assert status("broken.toy") == "installed"


def test_an_interrupted_load_is_neither_swallowed_nor_remembered(install, monkeypatch):
    install("slow", offers("slow.toy"))
    point = registry_module.registry.points()["slow"][0]  # an SDK may have put another EntryPoint in place
    with monkeypatch.context() as interrupted:
        interrupted.setattr(type(point), "load", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            device("slow.toy")
    assert isinstance(device("slow.toy"), Device)


def _interrupt(self):
    raise KeyboardInterrupt


def test_two_distributions_claiming_one_name_are_both_refused(install, status):
    install("twin", offers("twin.toy"), distribution="toy_one")
    install("twin", offers("twin.toy"), distribution="toy_two")
    install("sound", offers("sound.toy"))
    assert isinstance(device("sound.toy"), Device)
    for source in ("toy_one (toy_one)", "toy_two (toy_two)", "uninstall one"):
        assert source in status("twin.*")
    with pytest.raises(UnknownDevice, match="claimed by"):
        device("twin.toy")
    assert not {"toy_one", "toy_two"} & set(sys.modules)


def test_a_stranger_cannot_take_the_name_of_hybridges_own_plugin(install, status):
    install("default", offers("default.stolen"), distribution="toy_thief")
    reason = status("toy_thief (toy_thief)")
    assert "claims the name 'default'" in reason
    assert "default.stolen" not in [d.name for d in devices()]
    assert "toy_thief" not in sys.modules


def test_one_plugin_listed_twice_is_one_plugin(install, tmp_path):
    install("sound", offers("sound.toy"))
    again = tmp_path / "toy_again-1.0.dist-info"  # an editable install beside its own source tree
    again.mkdir()
    (again / "METADATA").write_text("Metadata-Version: 2.1\nName: toy_again\nVersion: 1.0\n")
    (again / "entry_points.txt").write_text(f"[{GROUP}]\nsound = toy_sound\n")
    importlib.invalidate_caches()
    assert isinstance(device("sound.toy"), Device)


def test_a_name_loads_its_own_plugin_only(install):
    install("first", offers("first.toy"))
    install("second", offers("second.toy"))
    device("first.toy")
    assert "toy_first" in sys.modules
    assert not {"toy_second", "toy_second_device"} & set(sys.modules)


def test_listing_imports_no_device(install):
    install("sound", offers("sound.toy"))
    assert "sound.toy" in [d.name for d in devices()]
    assert "toy_sound_device" not in sys.modules


@pytest.mark.parametrize("wrong, meant", [("sound.tyo", "sound.toy"), ("sond.toy", "sound.toy")])
def test_a_wrong_name_gets_a_suggestion(install, wrong, meant):
    install("sound", offers("sound.toy"))
    with pytest.raises(UnknownDevice, match=f"no device named '{wrong}'.*did you mean '{meant}'") as caught:
        device(wrong)
    assert isinstance(caught.value, LookupError)


@pytest.mark.parametrize("name", [None, 3, Device, ("sound.toy",)])
def test_a_name_that_is_no_string_is_refused(name):
    with pytest.raises(DeviceError, match="named by a string"):
        device(name)


# what the plugin says of its SDK: the pip line a user gets
PIP_LINES = {
    ", requires=['no_sdk'], extra='qiskit'": "pip install 'hybridge[qiskit]'",
    ", requires=['no_sdk']": "pip install no_sdk",
    ", requires=['sys', 'no_sdk'], extra='x', note='not on 3.13'": "pip install 'hybridge[x]'; not on 3.13",
    ", requires=['no_sdk.inner']": "pip install no_sdk.inner",
}


@pytest.mark.parametrize("more, line", PIP_LINES.items())
def test_a_missing_sdk_is_an_error_that_names_the_line_to_install_it(install, status, more, line):
    install("needy", offers("needy.toy", more=more), "raise AssertionError('must not be imported')")
    assert status("needy.toy") == line
    with pytest.raises(MissingDependency, match=r"device 'needy.toy' needs 'no_sdk") as caught:
        device("needy.toy")
    assert str(caught.value).endswith(line)
    assert isinstance(caught.value, ImportError)


def test_an_installed_sdk_is_not_missing(install, status):
    install("needy", offers("needy.toy", more=", requires=['numpy', 'json']"))
    assert status("needy.toy") == "installed"


def test_a_stand_in_for_an_sdk_counts_as_installed(install, status, monkeypatch):
    stand_in = types.ModuleType("no_sdk")
    stand_in.__spec__ = None
    monkeypatch.setitem(sys.modules, "no_sdk", stand_in)
    install("needy", offers("needy.toy", more=", requires=['no_sdk']"))
    assert status("needy.toy") == "installed"


def test_options_reach_the_device(install):
    install("sound", offers("sound.toy"))
    made = device("sound.toy", wires=3, shots=10, seed=1, depth=4)
    assert (made.depth, made.wires, made.shots, made.seed, made.name) == (4, (0, 1, 2), 10, 1, "sound.toy")


def test_an_unknown_option_is_refused_with_the_list_of_options(install):
    install("sound", offers("sound.toy"))
    with pytest.raises(
        DeviceError, match=r"no option 'dept'; its options: depth=1, colour=None; did you mean 'depth'"
    ):
        device("sound.toy", dept=4)


def test_a_missing_option_is_named(install):
    install("sound", offers("sound.toy"), DEVICE.replace("depth=1", "depth"))
    with pytest.raises(DeviceError, match=r"needs the option 'depth'; its options: depth, colour=None"):
        device("sound.toy")
    assert device("sound.toy", depth=2).depth == 2


CLAIMS = {
    "Capabilities('qubit', None, frozenset())": ("qubit", "any number of wires", "exact, shots"),
    "Capabilities('qubit', None, frozenset(), max_wires=30, exact=False)": ("qubit", "<= 30 wires", "shots"),
    "Capabilities('cv', None, frozenset(), max_wires=8, shots=False)": ("cv", "<= 8 modes", "exact"),
    "Capabilities('cv', None, frozenset())": ("cv", "any number of modes", "exact, shots"),
}


@pytest.mark.parametrize("claims, shown", CLAIMS.items())
def test_a_line_of_the_list_says_what_the_device_takes_and_gives(install, claims, shown):
    install("sound", hook(f"register('sound.toy', 'PLUGIN_device:Toy', capabilities={claims})"))
    line = next(d for d in devices() if d.name == "sound.toy")
    assert (line.domain, line.wires, line.results) == shown
    assert line.installed


def test_the_list_prints_as_a_table(install):
    install("sound", offers("sound.toy"))
    install("broken", "raise RuntimeError('licence file missing')")
    header, *lines = repr(devices()).split("\n")
    assert header.split("  ")[0] == "device"
    assert len(lines) == len(devices())
    assert [d.name for d in devices()] == sorted(d.name for d in devices())
    column = header.index("status")
    shown = {line.split()[0]: line[column:] for line in lines}
    assert shown["sound.toy"] == "installed"
    assert shown["broken.*"] == "failed to load: RuntimeError: licence file missing"
