"""Draw docs/performance.svg from build/bench.json: how many times as fast as the fastest peer, and the goals.

    make bench && .venv/bin/python docs/draw_performance.py

A work is a line; of several peers it shows the one over whom the lead is least.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

DOCS = Path(__file__).parent
# how ours is called -> its name in the legend, its mark
OURS = {"hybridge": ("recorded at each call", "o"), "hybridge static": ("static", "D")}
COLORS = {"call": "C3", "forward": "C0", "gradient": "C1", "batch": "C2", "samples": "C4", "light": "C5"}


def by_work(rows: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """work -> ours -> its line with the least ratio."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        if row["at_most"] or row["group"] not in COLORS or row["ours"] not in OURS:
            continue
        lines = found.setdefault(row["work"], {})
        lines[row["ours"]] = min(row, lines.get(row["ours"], row), key=lambda line: line["ratio"])
    order = list(COLORS)
    return dict(sorted(found.items(), key=lambda item: order.index(next(iter(item[1].values()))["group"])))


def draw(report: dict[str, Any], path: Path) -> None:
    works = by_work(report["rows"])
    figure = Figure(figsize=(9, 1.3 + 0.23 * len(works)), layout="constrained")
    axes = figure.subplots()
    shown: set[str] = set()
    for place, lines in enumerate(works.values()):
        first = next(iter(lines.values()))
        color = COLORS[first["group"]]
        for ours, line in lines.items():
            name, mark = OURS[ours]
            label = None if ours in shown else name
            fill = color if ours == "hybridge static" else "white"
            axes.plot(line["ratio"], place, mark, color=color, markerfacecolor=fill, label=label)
            shown.add(ours)
        axes.plot(first["floor"], place, "|", color="0.2", ms=11, label=None if place else "at least")
        axes.plot(first["aim"], place, "|", color="0.7", ms=11, label=None if place else "aim")
        peer = first["peer"].removesuffix(" (fastest)")
        axes.annotate(peer, (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=7)
    axes.set_xscale("log")
    axes.set_yticks(range(len(works)), list(works), fontsize=8)
    axes.set_ylim(len(works) - 0.4, -0.6)
    axes.axvline(1, color="0.8", lw=0.8, zorder=0)
    axes.grid(axis="x", color="0.93", zorder=0)
    axes.set_xlabel("CPU time of the peer at the right over hybridge's")
    measured = max(row["measured"] for row in report["rows"])[:10]
    axes.set_title(f"{report['machine']['cpu']}, one thread, {measured}", fontsize=9)
    figure.legend(fontsize=8, loc="outside lower center", ncols=4)
    with rc_context({"svg.hashsalt": "hybridge", "svg.fonttype": "none"}):  # the same bytes each time; text
        figure.savefig(path, metadata={"Date": None})
    # as an editor leaves a text file
    text = path.read_text(encoding="utf-8")
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS.parent / "build" / "bench.json"
    draw(json.loads(source.read_text(encoding="utf-8")), DOCS / "performance.svg")
    print(f"{DOCS / 'performance.svg'} written from {source}")
