"""Rules of a noise model: which channel acts where, after which gates or in which moments."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.noise.channels import Channel
from hybridge.operations.table import FAMILIES, ROWS, Family, Operation, Wires

ALL = "all"


@dataclass(frozen=True)
class Gates:
    """Gates by name, None for all (a global phase is none); `but` those that are not meant.

    `sizes` are the numbers of wires that gates of these names act on, as far as they are fixed; `num_wires`
    narrows the choice to gates on so many.
    """

    names: tuple[str, ...] | None
    but: tuple[str, ...] = ()
    num_wires: int | None = None
    sizes: tuple[int | None, ...] = ()

    def match(self, row: Operation) -> bool:
        """Whether an operation of the user's is one of them."""
        if self.num_wires is not None and row.num_wires != self.num_wires:
            return False
        if self.names is not None:
            return row.name in self.names
        return row.kind == "gate" and row.name != "GlobalPhase" and row.name not in self.but

    def __str__(self) -> str:
        named = "every gate" if self.names is None else ", ".join(self.names)
        on = "" if self.num_wires is None else f" of {self.num_wires} wire{'s' * (self.num_wires != 1)}"
        return f"{named}{on}{' but ' * bool(self.but)}{', '.join(self.but)}"


@dataclass(frozen=True)
class Places:
    """Wires on which a one-wire channel acts, and the wires of gates in their order; None: anywhere."""

    labels: tuple[Hashable, ...] | None = None
    ordered: tuple[Wires, ...] = ()

    @property
    def anywhere(self) -> bool:
        return self.labels is None

    def of_gate(self, channel: Channel, wires: Wires) -> Iterator[Wires]:
        """On which wires the channel acts after a gate on these."""
        placed = self.labels is None or wires in self.ordered
        if channel.num_wires > 1:
            if placed and len(wires) == channel.num_wires:
                yield wires
        else:
            yield from ((w,) for w in wires if placed or w in (self.labels or ()))

    def has(self, wire: Hashable) -> bool:
        """Whether a channel that belongs to no gate acts on this wire."""
        return self.labels is None or wire in self.labels

    def __str__(self) -> str:
        if self.labels is None:
            return ""
        listed = ", ".join(map(repr, (*self.labels, *self.ordered)))
        return f" on wires [{listed}]"


@dataclass(frozen=True)
class Rule:
    """The channel acts `when`: "after" these gates, when a wire is "idle", or before "measurement"."""

    when: str
    channel: Channel
    places: Places
    gates: Gates | None = None

    def __str__(self) -> str:
        moment = {"after": f"after {self.gates}", "idle": "idle", "measurement": "before measurement"}
        return f"{moment[self.when]}: {self.channel}{self.places}"


@dataclass(frozen=True)
class Known:
    """Gates, and where they act, of which a model speaks."""

    gates: Gates
    places: Places

    def has(self, row: Operation, wires: Wires) -> bool:
        """Whether this gate on these wires is one of them."""
        labels, ordered = self.places.labels, self.places.ordered
        there = labels is None or wires in ordered or (bool(labels) and all(w in labels for w in wires))
        return there and self.gates.match(row)

    def __str__(self) -> str:
        return f"only {self.gates}{self.places}"


def gates_of(gates: Any, num_wires: Any, but: Any) -> Gates:
    """The user's choice of gates; CircuitError for names that no row has."""
    if num_wires is not None and (
        isinstance(num_wires, bool) or not isinstance(num_wires, (int, np.integer)) or num_wires < 1
    ):
        raise CircuitError(
            f"num_wires is of the gates that are meant, a whole number >= 1; got {num_wires!r}"
        )
    number = None if num_wires is None else int(num_wires)
    left_out = tuple(name for name, _ in _named(but)) if but else ()
    if isinstance(gates, str) and gates == ALL:
        return Gates(None, left_out, number)
    if left_out:
        raise CircuitError(f"but={but!r} leaves gates out of 'all' gates; name those that are meant alone")
    named = _named(gates)
    if not named:
        raise CircuitError("after needs at least one gate: a name, a row, a list of them, or 'all'")
    sizes = tuple(dict.fromkeys(size for _, size in named))
    return Gates(tuple(dict.fromkeys(name for name, _ in named)), (), number, sizes)


def _named(gates: Any) -> list[tuple[str, int | None]]:
    """Names and numbers of wires of a gate, or of several."""
    several = isinstance(gates, Iterable) and not isinstance(gates, (str, Operation, Family))
    found = []
    for gate in gates if several else [gates]:
        row = gate
        if isinstance(gate, str):
            row = ROWS.get(gate) or FAMILIES.get(gate)
            if row is None:
                raise CircuitError(_unknown(gate))
        if not isinstance(row, (Operation, Family)):
            raise CircuitError(f"a gate is given by its name or as a row, such as hb.CNOT; got {gate!r}")
        if isinstance(row, Operation) and row.kind not in ("gate", "state"):
            raise CircuitError(f"noise acts after gates and preparations; {row.name} is a {row.kind}")
        found.append((row.name, row.num_wires if isinstance(row, Operation) else None))
    return found


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, [*ROWS, *FAMILIES], n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return (
        f"no gate has the name {name!r}{hint} (a derived one is given as a row, such as hb.adjoint(hb.S); "
        "the gates are those that the circuit function applies, before they are decomposed)"
    )


def places_of(wires: Any, channel: Channel, sizes: Sequence[int | None] | None) -> Places:
    """The user's `wires`: a label, a tuple (a gate's wires in order), or a list of both.

    `sizes` are those of the gates, None where the channel belongs to no gate. Raises CircuitError for wires
    on which nothing that is meant acts.
    """
    if wires is None:
        return Places()
    found = known_places(wires)
    labels, ordered = found.labels, found.ordered
    if sizes is None and ordered:
        raise CircuitError(f"this noise acts on single wires: wires={list(ordered[0])!r}; got {wires!r}")
    if channel.num_wires > 1 and labels:
        raise CircuitError(
            f"{channel} acts on {channel.num_wires} wires at once, those of a gate in their order: "
            f"wires=[(0, 1)]; got {wires!r}"
        )
    for placed in ordered:
        known = sizes and None not in sizes
        if len(set(placed)) != len(placed) or (known and len(placed) not in (sizes or ())):
            raise CircuitError(
                f"a tuple of wires is where a gate acts, in order: no gate that is meant acts on {placed!r}; "
                "single wires are a list"
            )
    return found


def known_places(wires: Any) -> Places:
    """Labels and tuples of them, as the user writes them."""
    several = isinstance(wires, Iterable) and not isinstance(wires, (str, bytes, tuple))
    given = [tuple(e) if isinstance(e, (list, np.ndarray)) else e for e in (wires if several else [wires])]
    given = [e.item() if isinstance(e, np.generic) else e for e in given]
    if not given:
        raise CircuitError("wires=[] names no wire; leave wires out for all of them")
    labels = tuple(dict.fromkeys(e for e in _hashable(given) if not isinstance(e, tuple)))
    return Places(labels, tuple(dict.fromkeys(e for e in given if isinstance(e, tuple))))


def _hashable(wires: Sequence[Any]) -> Sequence[Any]:
    for wire in wires:
        try:
            hash(wire)
        except TypeError:
            raise CircuitError(f"a wire label must be hashable; got {wire!r}") from None
    return wires


def check_sizes(channel: Channel, gates: Gates) -> None:
    """Raise CircuitError for a channel of several wires after gates that act on others."""
    wanted = {gates.num_wires} if gates.num_wires is not None else set(gates.sizes)
    if channel.num_wires > 1 and wanted and None not in wanted and wanted != {channel.num_wires}:
        raise CircuitError(
            f"{channel} acts on {channel.num_wires} wires, {gates} on "
            f"{', '.join(str(n) for n in wanted if n != channel.num_wires)}; a channel on one wire acts on "
            "each wire of a gate"
        )
