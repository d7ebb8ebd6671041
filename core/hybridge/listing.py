"""Tables as plain text: columns aligned, two spaces apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def aligned(rows: Iterable[Sequence[str]]) -> str:
    """One line per row (all of the same length), columns padded to their widest cell.

    >>> print(aligned([("name", "wires"), ("default.qubit", "any")]))
    name           wires
    default.qubit  any
    """
    table = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in table
    )
