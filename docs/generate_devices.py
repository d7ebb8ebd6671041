"""Write docs/devices/README.md from what the devices claim and the options they take: `make docs`."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

from generate_operations import own_devices, table

from hybridge.device import Capabilities
from hybridge.registry import registry

PAGE = Path(__file__).parent / "devices" / "README.md"
HEADER = """# Devices

Written by `make docs` from what the devices claim of themselves: change that, not this page.
Which operations each runs is in [operations.md](../operations.md); what a vendor's user should know is on the
vendor's page: {pages}.

- *returns*: what the device gives by itself. From it the core makes every other measurement there is.
- *derivatives*: the device's own, for `diff_method="best"` and `"adjoint"`; without them by the core's rules.
- *inside*: what it does by itself of measurements inside a circuit, with shots; the core puts off the rest.
- *noise*: whether it runs channels, and so any `hb.NoiseModel`.
"""
TITLES = {"qubit": "Qubits", "cv": "Modes of light"}


def page() -> str:
    """The whole page."""
    pages = sorted(p.stem for p in PAGE.parent.glob("*.md") if p.name != PAGE.name)
    links = ", ".join(f"[{name}]({name}.md)" for name in pages)
    parts = [HEADER.format(pages=links)]
    for domain, title in TITLES.items():
        devices = own_devices(domain)
        header = ("device", "exact", "shots", "returns", "observables", "derivatives", "inside", "noise")
        rows = [(f"`{name}`", *claimed(claims)) for name, claims in devices.items()]
        conventions = "\n".join(filter(None, map(settled, devices.items())))
        parts += [f"## {title}", table([header, *rows]), "### Options", "\n".join(map(taken, devices))]
        parts += ["### Conventions that are settled for you", conventions]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def claimed(claims: Capabilities) -> tuple[str, ...]:
    """The cells of a device's line."""
    channel = "LossChannel" if claims.domain == "cv" else "QubitChannel"
    runs_all = claims.operations is None and (
        claims.domain == "cv" or "density_matrix" in claims.measurements
    )
    noisy = runs_all or channel in (claims.operations or ())
    return (
        said(claims.exact),
        said(claims.shots),
        ", ".join(sorted(claims.measurements)),
        ", ".join(sorted(claims.observables)) or "-",
        said(claims.vjp),
        ", ".join(sorted(claims.mid_circuit)) or "-",
        said(noisy),
    )


def said(yes: bool) -> str:
    return "yes" if yes else "no"


def taken(name: str) -> str:
    """A device's options and their defaults, read from its source: no SDK is imported."""
    module, _, kind = registry.devices[name].location.partition(":")
    found = find_spec(module)
    assert found is not None and found.origin is not None
    classes = {
        node.name: node
        for node in ast.parse(Path(found.origin).read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    return f"- `{name}`: {', '.join(options(classes, kind)) or 'none of its own'}"


def options(classes: dict[str, ast.ClassDef], kind: str) -> list[str]:
    """The keyword-only arguments of a class, or of the class in its file that it has its `__init__` from."""
    if kind not in classes:
        return []
    for node in classes[kind].body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            return [f"`{a.arg}`" if d is None else f"`{a.arg}={ast.unparse(d)}`" for a, d in pairs]
    bases = [base.id for base in classes[kind].bases if isinstance(base, ast.Name)]
    return next((found for base in bases if (found := options(classes, base))), [])


def settled(device: tuple[str, Capabilities]) -> str:
    name, claims = device
    return f"- `{name}`: {claims.conventions}." if claims.conventions else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote devices/{PAGE.name}: {len(registry.devices)} devices")
