"""Write docs/operations.md from the table of operations: `make docs`."""

from __future__ import annotations

from pathlib import Path

import hybridge  # noqa: F401  fills the table
from hybridge.operations.table import FAMILIES, ROWS

PAGE = Path(__file__).with_name("operations.md")
DOMAINS = {"qubit": "Qubits", "cv": "Modes of light"}
HEADER = """# Operations

Written by `make docs` from the table in `core/hybridge/operations`: change the rows, not this page.
Conventions (radians, hbar = 2, wire 0 most significant) are those of docs/conventions.md.
"""


def section(domain: str) -> str:
    """One table for the rows of a domain, one line each; families last."""
    rows = [
        (row.name, ", ".join((*row.params, "wires")), str(row.num_wires), row.kind, row.formula)
        for row in ROWS.values()
        if row.domain == domain
    ] + [
        (family.name, ", ".join(family.arguments), "any or by argument", "family", family.formula)
        for family in FAMILIES.values()
        if family.domain == domain
    ]
    lines = [("name", "arguments", "wires", "kind", "definition"), ("---",) * 5, *rows]
    return f"## {DOMAINS[domain]}\n\n" + "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


if __name__ == "__main__":
    PAGE.write_text("\n".join([HEADER, *(f"{section(domain)}\n" for domain in DOMAINS)]))
    print(f"wrote {PAGE.name}: {len(ROWS)} rows and {len(FAMILIES)} families")
