"""Write docs/operations.md from the table of operations and the devices' claims: `make docs`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import hybridge  # noqa: F401  fills the table
from hybridge.compilation import reaches, runs
from hybridge.device import Capabilities
from hybridge.operations.spectrum import Chance, Hyperbolic, Power, Spectrum, Trig
from hybridge.operations.table import FAMILIES, ROWS, Family, Operation
from hybridge.registry import OWNER, registry

PAGE = Path(__file__).with_name("operations.md")
KINDS = ("gate", "state", "channel", "outcome", "marker")
DOMAINS = {"qubit": "Qubits", "cv": "Modes of light"}
HEADER = """# Operations

Written by `make docs` from the table in `core/hybridge/operations` and from what the devices claim: change
those, not this page. Conventions (radians, hbar = 2, the first wire most significant) are those of
[conventions.md](conventions.md); a, b, c are an operation's wires in order.

- *parameters* are numbers of the circuit, differentiable where a spectrum is given; *constants*, in brackets,
  are part of its structure.
- *spectrum*: how an expectation value depends on each parameter, `T` trigonometric with these frequencies
  (`T()`: not at all), `H` hyperbolic, `P` polynomial, `C` polynomial in a
  probability, `-` without an exact rule; see [gradients.md](gradients.md).
- *parts*: whether a device without the operation gets it decomposed.
- Operations come by kind (gates, states, channels, outcomes, markers), and by name.
- For each device: `yes` where it runs the operation as it is, `parts` where the core decomposes it, `no`
  where it cannot.
"""


class Line(NamedTuple):
    """What the page says of a row, or of a family by its first example."""

    name: str
    arguments: str
    wires: str
    definition: str
    example: Operation


def lines(domain: str) -> list[Line]:
    """The domain's operations by kind, and by name."""
    rows = [
        Line(r.name, ", ".join(r.params), str(r.num_wires), r.formula, r)
        for r in ROWS.values()
        if r.domain == domain
    ]
    families = [family_line(f) for f in FAMILIES.values() if f.domain == domain]
    return sorted(rows + families, key=lambda line: (KINDS.index(line.example.kind), line.name.casefold()))


def family_line(family: Family) -> Line:
    num_wires, constants = family.examples[0]
    arguments = ", ".join(a if a in family.params else f"[{a}]" for a in family.signature)
    return Line(family.name, arguments, "any", family.formula, family.of(num_wires, *constants))


def spectrum(found: Spectrum | None) -> str:
    """T(0.5, 1), H(1), P(1), C(1), or - where there is none."""
    match found:
        case None:
            return "-"
        case Trig():
            return f"T({', '.join(f'{w:g}' for w in found)})"
        case Hyperbolic(degree):
            return f"H({degree})"
        case Power(degree):
            return f"P({degree})"
        case Chance(degree):
            return f"C({degree})"


def support(capabilities: Capabilities, row: Operation) -> str:
    """How a device runs a row."""
    if row.kind == "marker":
        return "yes"  # it is not run at all
    if row.mixed and capabilities.measurements <= {"state"}:
        return "no"  # there is no ket of what it leaves
    wires = tuple(range(row.num_wires))
    return "yes" if runs(capabilities, row) else "parts" if reaches(capabilities, row, wires) else "no"


def own_devices(domain: str) -> dict[str, Capabilities]:
    """The devices of hybridge's own plugins; what else is installed here is not the page's business."""
    registry.load_all()
    own = {
        name for name, points in registry.points().items() for p in points if p.dist and p.dist.name == OWNER
    }
    found = sorted(registry.devices.items())
    return {
        name: r.capabilities
        for name, r in found
        if r.capabilities.domain == domain and name.split(".")[0] in own
    }


def table(cells: Iterable[Sequence[str]]) -> str:
    """Rows of cells as a Markdown table, the first being its header."""
    header, *rest = ([cell.replace("|", "\\|") for cell in line] for line in cells)
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, ["---"] * len(header), *rest))


def section(domain: str) -> str:
    """A table for the operations of a domain, one line each."""
    devices = own_devices(domain)
    header = ("name", "parameters", "wires", "kind", "definition", "spectrum", "parts", *devices)
    body = [
        (
            f"`{line.name}`",
            line.arguments or "-",
            line.wires,
            line.example.kind,
            line.definition,
            ", ".join(map(spectrum, line.example.spectrum)) or "-",
            "yes" if line.example.decomposition is not None else "no",
            *(support(claims, line.example) for claims in devices.values()),
        )
        for line in lines(domain)
    ]
    return f"## {DOMAINS[domain]}\n\n{table([header, *body])}\n"


def page() -> str:
    """The whole page."""
    return "\n".join([HEADER, *map(section, DOMAINS)])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}: {len(ROWS)} rows and {len(FAMILIES)} families")
