"""Readout errors: with which probabilities the bits of some wires are read as others."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.errors import CircuitError
from hybridge.operations import constants
from hybridge.operations.table import Constant, Wires, as_wires

MAX_WIRES = 6  # of a table (2^k, 2^k) that is read together


class ReadoutError(NamedTuple):
    """table[i][j] (2^k, 2^k) is the probability that outcome i of these wires is read as j.

    The first wire is most significant; None stands for every wire that has no error of its own, one by one.
    """

    wires: Wires | None
    table: Constant

    def __str__(self) -> str:
        on = "" if self.wires is None else f" on wires [{', '.join(map(repr, self.wires))}]"
        if len(self.table.array) > 2:
            return f"readout{on}: read together, {self.table.array.tolist()}"
        (_, p01), (p10, _) = self.table.array
        return f"readout{on}: 0 is read as 1 with {p01:g}, 1 as 0 with {p10:g}"


def of_wires(wires: Any) -> Wires:
    """Labels that differ; CircuitError for others."""
    labels = as_wires(wires)
    try:
        differ = len(set(labels)) == len(labels)
    except TypeError:
        raise CircuitError(f"a wire label must be hashable; got {list(labels)!r}") from None
    if not differ or not labels or len(labels) > 2**16:
        raise CircuitError(f"a readout error needs wires that differ; got {list(labels)!r}")
    return labels


def table_of(table: Any, num_wires: int) -> Constant:
    """A table (2^k, 2^k) of probabilities whose rows sum up to 1."""
    if num_wires > MAX_WIRES:
        raise CircuitError(f"at most {MAX_WIRES} wires are read together; got {num_wires}")
    subject = f"a readout error of {num_wires} wire{'s' * (num_wires != 1)}"
    found = constants.array(subject, "table", table, (2**num_wires,) * 2, float)
    if (found < 0).any() or (found > 1).any():
        raise CircuitError(f"{subject} needs probabilities; got {found.tolist()}")
    off = float(np.abs(found.sum(axis=1) - 1).max())
    if off > constants.TOLERANCE:
        raise CircuitError(
            f"{subject} needs a table whose rows, one for each true outcome, sum up to 1; one is off by "
            f"{off:.2g}"
        )
    return Constant(found / found.sum(axis=1, keepdims=True))


def errors_on(errors: Sequence[ReadoutError], wires: Sequence[Hashable]) -> tuple[ReadoutError, ...]:
    """Those of a circuit on these wires: each names its own, and those that change nothing are left out.

    Of wires that are read together, those that the circuit does not have are 0, and what is read there is
    not looked at.
    """
    return tuple(
        e for e in _named(errors, wires) if not np.array_equal(e.table.array, np.eye(len(e.table.array)))
    )


def _named(errors: Sequence[ReadoutError], wires: Sequence[Hashable]) -> Iterator[ReadoutError]:
    own = {w for e in errors if e.wires is not None for w in e.wires}
    for error in errors:
        if error.wires is None:
            yield from (ReadoutError((w,), error.table) for w in wires if w not in own)
            continue
        there = tuple(w for w in error.wires if w in wires)
        if there:
            yield ReadoutError(there, _without(error, [w in wires for w in error.wires]))


def _without(error: ReadoutError, there: Sequence[bool]) -> Constant:
    k = len(there)
    if all(there):
        return error.table
    true = tuple(slice(None) if kept else 0 for kept in there)
    tensor = error.table.array.reshape((2,) * 2 * k)[true]
    kept = sum(there)
    tensor = tensor.sum(axis=tuple(kept + i for i, stays in enumerate(there) if not stays))
    return Constant(tensor.reshape(2**kept, 2**kept))
