"""The error tree. Each error carries its facts as attributes and builds its message from them.

HybridgeError
|- CircuitError(ValueError)             the circuit as written makes no sense
|  `- FormatError                       what cannot be read from a format, or written in it
|- DeviceError
|  |- UnknownDevice(LookupError)        no plugin offers that name
|  |- MissingDependency(ImportError)    the plugin is here, its SDK is not
|  |- UnsupportedCircuit(ValueError)    a sensible circuit, but not for this device
|  `- JobFailed(RuntimeError)           the device was asked and did not deliver
|- GradientError(TypeError)             no exact derivative by the method asked for
|- OptimizationError(ValueError)        a cost, a start or a setting that nothing can be optimized with
`- PluginError                          a plugin broke its side of the contract

TruncationWarning(UserWarning)          a Fock space was cut where the state still had norm
NoiseWarning(UserWarning)               differences so short that noise is all they show
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


class HybridgeError(Exception):
    """Root of everything hybridge raises on purpose; it pickles, so it comes back from another process."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args), self.__dict__


def _rebuilt(kind: type[HybridgeError], args: tuple[Any, ...]) -> HybridgeError:
    error = kind.__new__(kind)  # without __init__, which takes facts where args hold the message
    error.args = args
    return error


class CircuitError(HybridgeError, ValueError):
    """The circuit as written makes no sense on any device."""


class FormatError(CircuitError):
    """What cannot be read from a format, or written in it. Attributes: format, reason, line, column.

    `line` and `column` count from 1 and say where in a text; None where there is no text.
    """

    def __init__(self, format: str, reason: str, line: int | None = None, column: int | None = None):
        self.format, self.reason, self.line, self.column = format, reason, line, column
        place = "" if line is None else f", line {line}, column {column}"
        super().__init__(f"format {format!r}{place}: {reason}")


class DeviceError(HybridgeError):
    """Something about one device."""


class UnknownDevice(DeviceError, LookupError):
    """No plugin offers this name. Attributes: name, known, failures {plugin: reason}."""

    def __init__(self, name: str, known: Iterable[str] = (), failures: Mapping[str, str] | None = None):
        self.name, self.known, self.failures = name, sorted(known), dict(failures or {})
        lines = [f"no device named {name!r}; installed: {', '.join(self.known) or 'none'}"]
        close = difflib.get_close_matches(str(name), self.known, n=1, cutoff=0.5)
        if close:
            lines[0] += f"; did you mean {close[0]!r}?"
        lines += [f"  plugin {plugin!r} failed to load: {reason}" for plugin, reason in self.failures.items()]
        super().__init__("\n".join(lines))


class MissingDependency(DeviceError, ImportError):
    """What was asked for is here, a package it needs is not. Attributes: device, package, extra.

    `device` is its name; `what` stands in its place in the message where no device needs the package.
    """

    def __init__(
        self, device: str, package: str, extra: str | None = None, note: str = "", what: str | None = None
    ):
        self.device, self.package, self.extra = device, package, extra
        target = f"'hybridge[{extra}]'" if extra else package
        named = what or f"device {device!r}"
        super().__init__(f"{named} needs {package!r}; pip install {target}{note and '; ' + note}")


class UnsupportedCircuit(DeviceError, ValueError):
    """A sensible circuit, but not for this device. Attributes: device, what, remedy."""

    def __init__(self, device: str, what: str, remedy: str = ""):
        self.device, self.what, self.remedy = device, what, remedy
        super().__init__(f"device {device!r} cannot run {what}{remedy and '; ' + remedy}")


class JobFailed(DeviceError, RuntimeError):
    """The device was asked and did not deliver. Attributes: device, reason."""

    def __init__(self, device: str, reason: str):
        self.device, self.reason = device, reason
        super().__init__(f"device {device!r} failed: {reason}")


class GradientError(HybridgeError, TypeError):
    """No exact derivative by the method asked for. Attributes: parameter, reason, remedy."""

    def __init__(self, parameter: str, reason: str, remedy: str = ""):
        self.parameter, self.reason, self.remedy = parameter, reason, remedy
        super().__init__(f"no exact derivative for {parameter}: {reason}{remedy and '; ' + remedy}")


class OptimizationError(HybridgeError, ValueError):
    """A cost, a start or a setting with which nothing can be optimized."""


class PluginError(HybridgeError):
    """A plugin broke its side of the contract. Attributes: plugin, reason."""

    def __init__(self, plugin: str, reason: str):
        self.plugin, self.reason = plugin, reason
        super().__init__(f"plugin {plugin!r}: {reason}")


class TruncationWarning(UserWarning):
    """Part of the norm lies beyond cutoff_dim: results are as inexact as that number says."""


class NoiseWarning(UserWarning):
    """Finite differences over a step so short that the noise of the values is all they show."""
