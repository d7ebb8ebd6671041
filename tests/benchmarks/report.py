"""What is shown and kept of a run: a table on the screen, and build/bench.json, merged row by row."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.comparison import Found, Line

UNITS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6))
COLUMNS = ("work", "ours", "peer", "ratio", "goal", "aim", "spread", "ours takes", "peer takes")


def time_of(seconds: float | None) -> str:
    """Seconds with three digits and the unit that suits them.

    >>> time_of(0.00123)
    '1.23 ms'
    """
    if seconds is None:
        return ""
    unit, size = next((u for u in UNITS if seconds >= u[1]), UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


def table(lines: Iterable[Line]) -> Table:
    """The lines with their goals; red is short of the floor, green reaches the aim."""
    made = Table(title="one thread, process CPU time, median of interleaved rounds", title_justify="left")
    for column in COLUMNS:
        made.add_column(column, justify="left" if column in ("work", "ours", "peer") else "right")
    before = ""
    for line in lines:
        style = "green" if line.meets(line.aim) else "" if line.meets(line.floor) else "bold red"
        sign, mark = ("<=", ">=")[not line.at_most], "" if line.meets(line.floor) else " SHORT"
        made.add_row(
            line.work if line.work != before else "",
            line.ours,
            line.peer,
            f"{line.ratio:.3g}{mark}",
            f"{sign} {line.floor:g}",
            f"{line.aim:g}",
            f"{line.spread:.0%}",
            time_of(line.ours_s),
            time_of(line.peer_s),
            style=style,
        )
        before = line.work
    return made


def cycles_table(cycles: Mapping[str, list[float]]) -> Table:
    """A row for each kernel, a column for each bit it may act on."""
    made = Table(title="cycles per amplitude, by target bit", title_justify="left")
    made.add_column("kernel")
    for bit in range(max(map(len, cycles.values()))):
        made.add_column(str(bit), justify="right")
    for kernel, counts in cycles.items():
        made.add_row(kernel, *(f"{count:.2f}" for count in counts))
    return made


def show(found: Mapping[str, Found], missing: Mapping[str, str]) -> None:
    """The table, then what was left out and why."""
    console = Console(width=170)
    console.print(table(line for one in found.values() for line in one.lines))
    for one in found.values():
        if one.cycles:
            console.print(cycles_table(one.cycles))
    for name, why in missing.items():
        console.print(f"left out: {name}, {why}")
    where: dict[str, list[str]] = {}
    for work, one in found.items():
        for name, why in one.left_out.items():
            where.setdefault(f"{name}, {why}", []).append(work)
    for what, works in where.items():
        console.print(f"left out: {what} ({'; '.join(works)})")


def machine() -> dict[str, Any]:
    """The facts a ratio depends on."""
    cpu = platform.processor()
    described = Path("/proc/cpuinfo")
    if described.exists():
        names = [
            x.split(":")[1].strip() for x in described.read_text().splitlines() if x.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def merge(
    path: Path, found: Mapping[str, Found], versions: Mapping[str, str], missing: Mapping[str, str]
) -> None:
    """Put what was measured into the file; rows measured before stay, with their date, if on this machine."""
    kept: dict[str, Any] = {"machine": machine(), "rows": [], "cycles": {}}
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if isinstance(before, dict) and before.get("machine") == kept["machine"]:
        kept |= before
    measured = datetime.now(UTC).isoformat(timespec="seconds")
    rows = [row for row in kept["rows"] if row["work"] not in found]
    for one in found.values():
        timings = {label: t._asdict() for label, t in one.timings.items()}
        kept["cycles"].update(one.cycles)
        for line in one.lines:
            extra = {"measured": measured, "timings": timings, "left_out": {**missing, **one.left_out}}
            rows.append({**line._asdict(), **extra, "versions": dict(versions)})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**kept, "rows": rows}, indent=1) + "\n", encoding="utf-8")
