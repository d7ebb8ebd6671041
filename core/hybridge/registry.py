"""Find plugins; list devices and make them by name. A plugin is a name until it is used."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from hybridge import hookspecs
from hybridge.device import Capabilities, Device
from hybridge.errors import DeviceError, HybridgeError, MissingDependency, PluginError, UnknownDevice
from hybridge.listing import aligned
from hybridge.noise.model import NoiseModel

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "hybridge.plugins"
NOUNS = {"qubit": "qubits", "cv": "modes"}
OWNER = "hybridge"  # the distribution whose plugins keep their names, whoever else claims them


class Registration(NamedTuple):
    """One device as its plugin offers it: nothing of its SDK is imported yet."""

    name: str
    location: str  # "module:Class"
    capabilities: Capabilities
    requires: tuple[str, ...] = ()  # top-level modules of the SDK
    extra: str | None = None
    note: str = ""  # what else a user must know to install the SDK, such as a limit on Python's version

    def missing(self) -> MissingDependency | None:
        """The error naming the first module of the SDK that is not installed, with its pip line; or None."""
        absent = next((m for m in self.requires if not _is_installed(m)), None)
        return None if absent is None else MissingDependency(self.name, absent, self.extra, self.note)


class FormatRegistration(NamedTuple):
    """One format as its plugin offers it: its class is imported when something is read or written."""

    name: str
    location: str  # "module:Class"
    requires: tuple[str, ...] = ()
    extra: str | None = None
    note: str = ""
    plugin: str = OWNER

    def missing(self) -> MissingDependency | None:
        """The error naming the first module that is not installed, with its pip line; or None."""
        absent = next((m for m in self.requires if not _is_installed(m)), None)
        what = f"format {self.name!r}"
        return None if absent is None else MissingDependency(self.name, absent, self.extra, self.note, what)


# what the core reads and writes by itself
OWN_FORMATS = (
    FormatRegistration("json", "hybridge.io.json_:Json"),
    FormatRegistration("qasm", "hybridge.io.qasm2:Qasm2"),
    FormatRegistration("qasm3", "hybridge.io.qasm3:Qasm3"),
)


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:  # its parent package is not here
        return False
    except ValueError:  # a stand-in without a spec, put in sys.modules by hand
        return True


class Registry:
    """The entry points of the group, loaded one by one when a name asks for them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._points: dict[str, list[EntryPoint]] | None = None
        self._loaded: set[str] = set()
        self.devices: dict[str, Registration] = {}
        self.formats: dict[str, FormatRegistration] = {f.name: f for f in OWN_FORMATS}
        self.failures: dict[str, str] = {}  # plugin or device: reason
        self.format_failures: dict[str, str] = {}

    def points(self) -> dict[str, list[EntryPoint]]:
        """Entry points by name. Read once: reading every package's metadata takes 10 ms."""
        from importlib.metadata import entry_points  # takes 20 ms to import, a tenth of all of hybridge

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
        """Import one plugin and collect what it registers; a broken one is noted and hurts nobody else."""
        with self._lock:
            if plugin in self._loaded or plugin not in self.points():
                return
            self._loaded.add(plugin)
            try:
                offered: dict[str, Registration] = {}
                formats: dict[str, FormatRegistration] = {}
                manager = pluggy.PluginManager("hybridge")
                manager.add_hookspecs(hookspecs)
                manager.register(self._claimant(plugin).load(), plugin)
                manager.hook.register_devices(register=_collector(plugin, offered))
                manager.hook.register_formats(register=_format_collector(plugin, formats, self.formats))
                manager.check_pending()
                if not offered and not formats:
                    reason = "registers no device and no format: no hookimpl register_devices that does"
                    raise PluginError(plugin, reason)
                self.devices.update(offered)
                self.formats.update(formats)
            except KeyboardInterrupt:  # the user's, most likely: nothing is known of the plugin yet
                self._loaded.discard(plugin)
                raise
            except BaseException as error:  # SystemExit, or a panic in Rust, must not end the user's process
                self.failures[plugin] = in_one_line(error)

    def _claimant(self, plugin: str) -> EntryPoint:
        """The one entry point of this name: hybridge's own before a stranger's; of strangers, none."""
        points = self.points()[plugin]
        own = [p for p in points if p.dist is not None and p.dist.name == OWNER]
        for other in points if own else ():
            if other not in own:
                self.failures[_source(other)] = f"claims the name {plugin!r}, which is {OWNER}'s own"
        if len(own or points) > 1:
            raise PluginError(plugin, f"claimed by {' and by '.join(map(_source, points))}; uninstall one")
        return (own or points)[0]

    def load_all(self) -> None:
        for plugin in self.points():
            self.load(plugin)

    def able(self, can: Callable[[Capabilities], bool]) -> str:
        """A clause naming the devices whose capabilities pass, for an error message: 'default.fock can'."""
        self.load_all()
        names = sorted(r.name for r in self.devices.values() if can(r.capabilities))
        return f"{', '.join(names)} can" if names else ""

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


def _source(point: EntryPoint) -> str:
    return f"{point.dist.name if point.dist else 'an unnamed distribution'} ({point.value})"


def in_one_line(error: BaseException) -> str:
    """An error in one line. SyntaxError's text names file and line; a PluginError needs no type."""
    if isinstance(error, PluginError):
        return error.reason
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _collector(plugin: str, offered: dict[str, Registration]) -> Any:
    def register(
        name: str,
        location: str,
        *,
        capabilities: Capabilities,
        requires: Iterable[str] = (),
        extra: str | None = None,
        note: str = "",
    ) -> None:
        kind, claims = type(capabilities).__name__, isinstance(capabilities, Capabilities)
        faults = {
            f"device {name!r} must be named '{plugin}.something'": not str(name).startswith(f"{plugin}."),
            f"device {name!r} is registered twice": name in offered,
            f"location of {name!r} must be 'module:Class', not {location!r}": ":" not in str(location),
            f"capabilities of {name!r} must be Capabilities, not {kind}": not claims,
            f"requires of {name!r} must be a list of names, not {requires!r}": isinstance(requires, str),
        }
        for fault, found in faults.items():
            if found:
                raise PluginError(plugin, fault)
        offered[name] = Registration(name, location, capabilities, tuple(requires), extra, note)

    return register


def _format_collector(
    plugin: str, offered: dict[str, FormatRegistration], taken: Mapping[str, FormatRegistration]
) -> Any:
    def register(
        name: str, location: str, *, requires: Iterable[str] = (), extra: str | None = None, note: str = ""
    ) -> None:
        other = taken[name].plugin if name in taken else plugin
        faults = {
            f"format {name!r} must be named as a Python name may be": not str(name).isidentifier(),
            f"format {name!r} is registered twice": name in offered,
            f"format {name!r} is {other}'s already": other != plugin,
            f"location of {name!r} must be 'module:Class', not {location!r}": ":" not in str(location),
            f"requires of {name!r} must be a list of names, not {requires!r}": isinstance(requires, str),
        }
        for fault, found in faults.items():
            if found:
                raise PluginError(plugin, fault)
        offered[name] = FormatRegistration(name, location, tuple(requires), extra, note, plugin)

    return register


registry = Registry()


def device(
    name: str,
    wires: Any = None,
    shots: int | None = None,
    seed: int | None = None,
    noise_model: Any = None,
    **options: Any,
) -> Device:
    """Make a device by name: `device("default.qubit", wires=2, shots=None, seed=None, **options)`.

    wires: a number, labels, or None to infer them from each circuit. shots: None for exact results. seed:
    fixes the sequence of samples. noise_model: an hb.NoiseModel, which the core adds to every circuit; a
    device may take its vendor's own in its place. Raises UnknownDevice, MissingDependency, PluginError, and
    DeviceError for an option that the device does not have, or a noise model that is none.

    >>> import hybridge as hb
    >>> hb.device("default.qubit", wires=2)
    <default.qubit wires=2 shots=None>
    """
    found = registry.find(name)
    missing = found.missing()
    if missing:
        raise missing
    plugin = name.split(".")[0]
    cls = offered_class(found.location, Device, plugin, f"device {name!r}", name, registry.failures)
    if noise_model is not None and not isinstance(noise_model, NoiseModel):
        options = {**options, "noise_model": noise_model}  # the vendor's
    _check_options(name, cls, options)
    noise = noise_model if isinstance(noise_model, NoiseModel) else None
    _check_noise(name, found.capabilities, noise)
    try:
        made = cls.__new__(cls)
        made.name = name  # before __init__, whose messages use it; one class may serve several names
        made._noise = noise
        made.__init__(wires=wires, shots=shots, seed=seed, **options)
    except (HybridgeError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise PluginError(plugin, f"device {name!r} could not be made: {in_one_line(error)}") from error
    return made


def offered_class(
    location: str, kind: type, plugin: str, what: str, name: str, failures: dict[str, str]
) -> Any:
    """Import "module:Class", and with it the SDK; where that fails, PluginError, and `failures` says why."""
    module, _, attribute = location.partition(":")
    try:
        cls = getattr(importlib.import_module(module), attribute)
        if not (isinstance(cls, type) and issubclass(cls, kind)):
            raise PluginError(plugin, f"{location} is not a {kind.__name__}")
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        reason = failures[name] = in_one_line(error)
        raise PluginError(plugin, f"{what} could not be loaded: {reason}") from error
    failures.pop(name, None)
    return cls


def _check_options(name: str, cls: type[Device], options: dict[str, Any]) -> None:
    signature = inspect.signature(cls.__init__).parameters
    known = {k: p for k, p in signature.items() if p.kind is p.KEYWORD_ONLY}
    shown = (k if p.default is p.empty else f"{k}={p.default!r}" for k, p in known.items())
    listing = ", ".join(shown) or "none"
    unknown = sorted(set(options) - set(known))
    if unknown[:1] == ["noise_model"]:
        model = options["noise_model"]
        raise DeviceError(f"noise_model of device {name!r} is an hb.NoiseModel; got {model!r}")
    if unknown:
        close = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise DeviceError(f"device {name!r} has no option {unknown[0]!r}; its options: {listing}{hint}")
    absent = [k for k, p in known.items() if p.default is p.empty and k not in options]
    if absent:
        raise DeviceError(f"device {name!r} needs the option {absent[0]!r}; its options: {listing}")


def _check_noise(name: str, claims: Capabilities, noise: NoiseModel | None) -> None:
    other = noise.domains - {claims.domain} if noise is not None else ()
    for domain in other:
        raise DeviceError(
            f"device {name!r} is of {NOUNS[claims.domain]}; its noise model speaks of {NOUNS[domain]}"
        )


class DeviceInfo(NamedTuple):
    """A line of `devices()`."""

    name: str
    domain: str  # "qubit" or "cv"; empty where the plugin failed to load
    wires: str  # "any", "<= 30": how many wires (qubit) or modes (cv) it takes
    results: str  # "exact", "shots" or "exact, shots": what shots=None and shots=n it serves
    status: str  # "installed", the pip line that installs its SDK, or why it failed to load

    @property
    def installed(self) -> bool:
        """Whether it can be made, as far as one can tell without importing its SDK."""
        return self.status == "installed"


class Devices(list[DeviceInfo]):
    """What `devices()` returns: a list that prints as a table."""

    HEADER = ("device", "domain", "wires or modes", "results", "status")

    def __repr__(self) -> str:
        return aligned([self.HEADER, *self])


def devices() -> Devices:
    """Every device of every plugin, sorted by name; those that cannot be used say why. Imports no SDK.

    >>> import hybridge as hb
    >>> [(d.domain, d.status) for d in hb.devices() if d.name == "default.qubit"]
    [('qubit', 'installed')]
    """
    registry.load_all()
    known = dict(registry.devices)
    broken = [
        DeviceInfo(plugin if " " in plugin else f"{plugin}.*", "", "", "", f"failed to load: {reason}")
        for plugin, reason in list(registry.failures.items())
        if plugin not in known
    ]
    return Devices(sorted([*map(_info, known.values()), *broken]))


def _info(found: Registration) -> DeviceInfo:
    missing, failure, claims = found.missing(), registry.failures.get(found.name), found.capabilities
    if missing:
        status = str(missing).partition("; ")[2]  # the pip line, written in one place: the error
    else:
        status = f"failed to load: {failure}" if failure else "installed"
    noun = "modes" if claims.domain == "cv" else "wires"
    limit = f"any number of {noun}" if claims.max_wires is None else f"<= {claims.max_wires} {noun}"
    serves = ", ".join(word for word, served in (("exact", claims.exact), ("shots", claims.shots)) if served)
    return DeviceInfo(found.name, claims.domain, limit, serves, status)
