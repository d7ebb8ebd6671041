"""A comparison as a table on the screen."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from hybridge.compare.comparison import Comparison

SHOWN = 3  # entries of a vector that are printed


def table(comparison: Comparison) -> Table:
    """One row per device: value, expected error, gradient, deviations from the first, seconds, verdict."""
    shots = "exact" if comparison.shots is None else f"{comparison.shots} shots"
    made = Table(title=f"{comparison.model} ({shots})", title_justify="left")
    made.add_column("device", no_wrap=True)
    for column in ("value", "gradient", "deviation", "expected error", "gradient deviation", "seconds"):
        made.add_column(column, justify="right")
    made.add_column("agrees")
    for r in comparison.rows:
        if r.reason:
            made.add_row(r.device, "-", "-", "-", "-", "-", "-", escape(f"failed: {r.reason}"))
            continue
        assert r.value is not None and r.error is not None and r.seconds is not None
        made.add_row(
            r.device,
            _vector(r.value, ".6f"),
            "-" if r.gradient is None else _vector(r.gradient.ravel(), ".6f"),
            _number(r.deviation),
            _number(float(r.error.max(initial=0.0))),
            _number(r.gradient_deviation),
            f"{r.seconds:.3g}",
            escape(("yes" if r.agrees else "NO") + (r.gradient_reason and f"; {r.gradient_reason}")),
        )
    return made


def _vector(values: np.ndarray, form: str) -> str:
    shown = "\n".join(format(float(v) + 0.0, form) for v in values[:SHOWN])
    return shown if len(values) <= SHOWN else f"{shown}\n... {len(values)} in all"


def _number(x: float | None) -> str:
    return "-" if x is None else "0" if x == 0 else f"{x:.1e}"


def as_text(comparison: Comparison) -> str:
    """The table as plain text, wide enough for its reasons."""
    out = StringIO()
    Console(file=out, width=160, color_system=None).print(table(comparison))
    return out.getvalue()
