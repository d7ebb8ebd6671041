"""How much memory this process may still take, in bytes."""

from __future__ import annotations

import os
from pathlib import Path


def available() -> int:
    """The least of: memory free on the machine, what the process's limits and its control group leave."""
    return min(_machine(), _address_space(), _control_group())


def _machine() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 2**62


def _address_space() -> int:
    try:
        import resource  # not on Windows
    except ImportError:
        return 2**62
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return 2**62 if soft == resource.RLIM_INFINITY else soft


def _control_group() -> int:
    root = Path("/sys/fs/cgroup")
    try:
        limit = (root / "memory.max").read_text().strip()
        return 2**62 if limit == "max" else int(limit) - int((root / "memory.current").read_text())
    except (OSError, ValueError):
        return 2**62


def human(size: float) -> str:
    """A size in bytes as people write it: '16 TiB'; '2^1006 B' where no unit helps."""
    if size >= 2**80:
        return f"2^{int(size).bit_length() - 1} B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if size < 1024 or unit == "PiB":
            return f"{size:.4g} {unit}"
        size /= 1024
    return ""
