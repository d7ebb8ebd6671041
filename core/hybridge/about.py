"""What is installed here: versions, read from package metadata without any import, and the devices."""

from __future__ import annotations

import platform
import re
from typing import Any, NamedTuple

from hybridge.listing import aligned
from hybridge.registry import Devices, devices

# extras that say how hybridge is worked on, or that repeat others
NOT_AN_SDK = {"all", "docs", "test"}


class About(NamedTuple):
    """What `about()` returns; printing it shows tables. versions: package -> version, or 'not installed'."""

    versions: dict[str, str]
    devices: Devices

    def __repr__(self) -> str:
        return f"{aligned(self.versions.items())}\n\n{self.devices!r}"

    def __rich__(self) -> Any:
        """The same for `rich.print`, as two tables."""
        from rich.console import Group  # rich takes 30 ms to import: only where it is used

        return Group(_rich_table(["package", "version"], self.versions.items()), rich_devices(self.devices))


def about() -> About:
    """Versions of Python, hybridge, its dependencies and the SDKs, and the table of devices; imports no SDK.

    >>> import hybridge as hb
    >>> [name for name in ("Python", "hybridge", "numpy") if name in hb.about().versions]
    ['Python', 'hybridge', 'numpy']
    """
    return About(
        {"Python": platform.python_version(), "hybridge": _version("hybridge"), **_needs()}, devices()
    )


def _needs() -> dict[str, str]:
    """Every distribution that hybridge or one of its extras asks for, with the version installed."""
    from importlib.metadata import requires  # takes 20 ms to import, a tenth of all of hybridge

    needs = {}
    for line in requires("hybridge") or ():  # 'numpy>=1.26' or 'torch>=2.2; extra == "torch"'
        extra = re.search(r"extra\s*==\s*['\"](.+?)['\"]", line)
        name = re.match(r"[\w.-]+", line)
        if name and (extra is None or extra[1] not in NOT_AN_SDK):
            needs[name[0]] = _version(name[0])
    return needs


def _version(distribution: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def rich_devices(found: Devices) -> Any:
    """The devices as a rich Table, those ready to use in green."""
    rows = [(*d[:-1], f"[green]{d.status}[/]" if d.installed else _plain(d.status)) for d in found]
    return _rich_table(Devices.HEADER, rows)


def _plain(text: str) -> str:
    from rich.markup import escape  # a pip line has [brackets] of its own

    return escape(text)


def _rich_table(header: Any, rows: Any) -> Any:
    from rich.table import Table

    table = Table(*header)
    for row in rows:
        table.add_row(*row)
    return table
