"""Find plugins; list devices and make them by name. A plugin is a name until it is used."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import threading
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple

import pluggy

from hybridge import hookspecs
from hybridge.device import Capabilities, Device
from hybridge.errors import DeviceError, HybridgeError, MissingDependency, PluginError, UnknownDevice

GROUP = "hybridge.plugins"


class Registration(NamedTuple):
    """One device as its plugin offers it: nothing of its SDK is imported yet."""

    name: str
    location: str  # "module:Class"
    capabilities: Capabilities
    requires: tuple[str, ...] = ()  # top-level modules of the SDK
    extra: str | None = None

    def missing(self) -> str | None:
        """The first module of the SDK that is not installed, or None."""
        return next((m for m in self.requires if importlib.util.find_spec(m) is None), None)


class Registry:
    """The entry points of the group, loaded one by one when a name asks for them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._points: dict[str, list[EntryPoint]] | None = None
        self._loaded: set[str] = set()
        self.devices: dict[str, Registration] = {}
        self.failures: dict[str, str] = {}  # plugin or device: reason

    def points(self) -> dict[str, list[EntryPoint]]:
        """Entry points by name. Read once: reading every package's metadata takes 10 ms."""
        with self._lock:
            if self._points is None:
                found: dict[str, list[EntryPoint]] = {}
                for point in entry_points(group=GROUP):
                    same = found.setdefault(point.name, [])
                    if all(p.value != point.value for p in same):  # an editable install may be listed twice
                        same.append(point)
                self._points = found
            return self._points

    def load(self, plugin: str) -> None:
        """Import one plugin and collect what it registers; a broken one is noted in `failures` and hurts nobody else."""
        with self._lock:
            if plugin in self._loaded or plugin not in self.points():
                return
            self._loaded.add(plugin)
            points = self.points()[plugin]
            try:
                if len(points) > 1:
                    raise PluginError(plugin, f"offered by {' and '.join(p.value for p in points)}; uninstall one")
                manager = pluggy.PluginManager("hybridge")
                manager.add_hookspecs(hookspecs)
                manager.register(points[0].load(), plugin)
                offered: dict[str, Registration] = {}
                manager.hook.register_devices(register=_collector(plugin, offered))
                manager.check_pending()
                self.devices.update(offered)
            except (Exception, SystemExit) as error:  # a plugin must not be able to end the user's process
                self.failures[plugin] = f"{type(error).__name__}({', '.join(map(repr, error.args))})"

    def load_all(self) -> None:
        for plugin in self.points():
            self.load(plugin)

    def find(self, name: str) -> Registration:
        """The registration of `name`; UnknownDevice names what there is and what failed to load."""
        if not isinstance(name, str):
            raise DeviceError(f"a device is named by a string such as 'default.qubit'; got {name!r}")
        self.load(name.split(".")[0])
        if name not in self.devices:
            self.load_all()
        if name not in self.devices:
            raise UnknownDevice(name, self.devices, self.failures)
        return self.devices[name]


def _collector(plugin: str, offered: dict[str, Registration]) -> Any:
    def register(
        name: str,
        location: str,
        *,
        capabilities: Capabilities,
        requires: Iterable[str] = (),
        extra: str | None = None,
    ) -> None:
        if name.split(".")[0] != plugin or "." not in name:
            raise PluginError(plugin, f"device {name!r} must be named '{plugin}.something'")
        if not isinstance(capabilities, Capabilities):
            raise PluginError(plugin, f"capabilities of {name!r} must be Capabilities, not {type(capabilities).__name__}")
        offered[name] = Registration(name, location, capabilities, tuple(requires), extra)

    return register


registry = Registry()


def device(name: str, wires: Any = None, shots: int | None = None, seed: int | None = None, **options: Any) -> Device:
    """Make a device by name: `device("default.qubit", wires=2, shots=None, seed=None, **options)`.

    wires: a number, labels, or None to infer them from each circuit. shots: None for exact results. seed: fixes
    the sequence of samples. Raises UnknownDevice, MissingDependency, PluginError, and DeviceError for options
    the device does not have.

    >>> import hybridge as hb
    >>> hb.device("default.qubit", wires=2)
    <default.qubit wires=2 shots=None>
    """
    found = registry.find(name)
    missing = found.missing()
    if missing:
        raise MissingDependency(name, missing, found.extra)
    plugin = name.split(".")[0]
    module, _, attribute = found.location.partition(":")
    try:
        cls = getattr(importlib.import_module(module), attribute)
    except HybridgeError:
        raise
    except (Exception, SystemExit) as error:
        registry.failures[name] = f"{type(error).__name__}: {error}"
        raise PluginError(plugin, f"device {name!r} could not be loaded: {registry.failures[name]}") from error
    if not (isinstance(cls, type) and issubclass(cls, Device)):
        raise PluginError(plugin, f"{found.location} is not a Device")
    _check_options(name, cls, options)
    made = cls.__new__(cls)
    made.name = name  # before __init__, whose messages use it; one class may serve several names
    made.__init__(wires=wires, shots=shots, seed=seed, **options)  # type: ignore[misc]
    return made


def _check_options(name: str, cls: type[Device], options: dict[str, Any]) -> None:
    signature = inspect.signature(cls.__init__).parameters
    known = {k: p for k, p in signature.items() if p.kind is p.KEYWORD_ONLY}
    listing = ", ".join(k if p.default is p.empty else f"{k}={p.default!r}" for k, p in known.items()) or "none"
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise DeviceError(f"device {name!r} has no option {unknown[0]!r}; its options: {listing}")
    absent = [k for k, p in known.items() if p.default is p.empty and k not in options]
    if absent:
        raise DeviceError(f"device {name!r} needs the option {absent[0]!r}; its options: {listing}")


class DeviceInfo(NamedTuple):
    """A line of `devices()`: status is 'installed', the pip line that installs it, or the reason it failed to load."""

    name: str
    domain: str
    wires: str
    exact: bool
    shots: bool
    status: str


def devices() -> list[DeviceInfo]:
    """Every device of every plugin, sorted by name, those that cannot be used with the reason; imports no SDK."""
    registry.load_all()
    lines = [_info(r) for r in registry.devices.values()]
    failed = [(p, reason) for p, reason in registry.failures.items() if p not in registry.devices]
    lines += [DeviceInfo(f"{p}.*", "", "", False, False, f"failed to load: {reason}") for p, reason in failed]
    return sorted(lines)


def _info(r: Registration) -> DeviceInfo:
    missing = r.missing()
    if missing:
        status = f"pip install 'hybridge[{r.extra}]'" if r.extra else f"pip install {missing}"
    elif r.name in registry.failures:
        status = f"failed to load: {registry.failures[r.name]}"
    else:
        status = "installed"
    c = r.capabilities
    noun = "modes" if c.domain == "cv" else "wires"
    limit = f"<= {c.max_wires} {noun}" if c.max_wires else f"any number of {noun}"
    return DeviceInfo(r.name, c.domain, limit, c.exact, c.shots, status)
