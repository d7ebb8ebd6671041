"""The pluggy hooks a plugin may implement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pluggy

hookspec = pluggy.HookspecMarker("hybridge")
hookimpl = pluggy.HookimplMarker("hybridge")


@hookspec
def register_devices(register: Callable[..., Any]) -> None:
    """Offer devices: call `register(name, "module:Class", capabilities=..., ...)` for each.

    `name` is "entry point.device"; the class is imported only when a device is made. `requires` names the
    top-level modules of the SDK, `extra` the extra of hybridge (or None) whose installation brings them,
    `note` (optional) what a user should know beside the pip line.
    """


@hookspec
def register_formats(register: Callable[..., Any]) -> None:
    """Offer formats: call `register(name, "module:Class", requires=(...), extra=..., note=...)` for each.

    The class is a hybridge.plugin.Format, imported when `hb.from_<name>` or `hb.to_<name>` is first called;
    the other arguments are those of register_devices.
    """
