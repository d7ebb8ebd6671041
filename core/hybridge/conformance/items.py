"""Items: one test method over a table is many, under pytest and without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any, NamedTuple

Table = Iterable[Any] | str  # its entries, or the name of the class's attribute that holds them
_TABLES = "conformance_tables"


def over(**tables: Table) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """One item for every combination of these arguments' values; `str(value)` names it."""

    def mark(method: Callable[..., None]) -> Callable[..., None]:
        setattr(method, _TABLES, tables)
        return method

    return mark


def tables_of(method: Callable[..., None], owner: type) -> dict[str, list[Any]]:
    """The tables a method runs over, entries in order."""
    found: dict[str, Table] = getattr(method, _TABLES, {})
    return {name: list(getattr(owner, t) if isinstance(t, str) else t) for name, t in found.items()}


class Item(NamedTuple):
    """One claim about a device: its name, and the call that fails where it does not hold."""

    name: str
    run: Callable[[], None]


def items(owner: type) -> Iterator[Item]:
    """Every item of a kit class, in the order of its methods; each runs on an instance of its own."""
    names = [name for c in reversed(owner.__mro__) for name in vars(c) if name.startswith("test_")]
    for name in dict.fromkeys(names):
        method = getattr(owner, name)
        tables = tables_of(method, owner)
        for values in product(*tables.values()):
            label = "-".join(map(str, values))
            chosen = dict(zip(tables, values, strict=True))
            yield Item(f"{name}[{label}]" if label else name, _bound(owner, name, chosen))


def _bound(owner: type, name: str, chosen: dict[str, Any]) -> Callable[[], None]:
    return lambda: getattr(owner(), name)(**chosen)
