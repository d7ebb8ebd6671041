"""Gates as texts call them: single rows, gates defined in the text, and what modifiers make of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from hybridge.errors import CircuitError
from hybridge.io.expression import Expression, Number, value
from hybridge.io.imported import Entry
from hybridge.operations.derived import adjoint_row, controlled, power
from hybridge.operations.qubit_unitaries import QubitUnitary
from hybridge.operations.table import Operation

MAX_OPERATIONS = 400_000  # that the gates of a text may come to, beyond those it writes out
MAX_NESTING = 64  # of definitions that use one another
MAX_DENSE = 6  # wires of a matrix that is made to be taken to a fractional power

Wires = tuple[int, ...]


class Gate(ABC):
    """What a text may apply: `params` names, on `num_wires` wires; `size` operations, `nesting` levels."""

    params: tuple[str, ...]
    num_wires: int
    size: int = 1
    nesting: int = 0

    @abstractmethod
    def entries(self, numbers: Sequence[Number], wires: Wires) -> Iterator[Entry]:
        """The operations of this gate with these numbers. Raises CircuitError where one does not exist."""


class Single(Gate):
    """A row of the table."""

    def __init__(self, row: Operation):
        self.row, self.params, self.num_wires = row, row.params, row.num_wires

    def entries(self, numbers: Sequence[Number], wires: Wires) -> Iterator[Entry]:
        yield Entry(self.row, wires, tuple(numbers))


class Use(NamedTuple):
    """A gate in the body of a definition; numbers in its parameters, wires counted in its own."""

    gate: Gate
    numbers: tuple[Number, ...]
    wires: Wires


def _steps(use: Use) -> int:
    """The steps of its formulas, which are computed each time."""
    return sum(len(n.steps) for n in use.numbers if isinstance(n, Expression))


class Defined(Gate):
    """A gate that a text defines by others. Raises CircuitError where it comes to too much."""

    def __init__(self, name: str, params: tuple[str, ...], num_wires: int, body: Sequence[Use]):
        self.params, self.num_wires, self.body = params, num_wires, tuple(body)
        self.size = 1 + sum(use.gate.size + _steps(use) // 4 for use in body)
        self.nesting = 1 + max((use.gate.nesting for use in body), default=0)
        check_size(name, self)

    def entries(self, numbers: Sequence[Number], wires: Wires) -> Iterator[Entry]:
        named = dict(zip(self.params, numbers, strict=True))
        for use in self.body:
            yield from use.gate.entries(
                [value(n, named) for n in use.numbers], tuple([wires[w] for w in use.wires])
            )


class Controlled(Gate):
    """A gate where the wires before its own read `values`."""

    def __init__(self, inner: Gate, values: tuple[int, ...]):
        self.inner, self.values = inner, values
        self.params, self.num_wires = inner.params, inner.num_wires + len(values)
        self.size, self.nesting = inner.size, inner.nesting + 1

    def entries(self, numbers: Sequence[Number], wires: Wires) -> Iterator[Entry]:
        controls = wires[: len(self.values)]
        for e in self.inner.entries(numbers, wires[len(self.values) :]):
            yield Entry(controlled(e.operation, self.values), (*controls, *e.wires), e.numbers)


class Powered(Gate):
    """A gate to a power: repeated or undone where that is whole, else its principal root."""

    def __init__(self, inner: Gate, exponent: float):
        self.inner, self.exponent = inner, exponent
        self.params, self.num_wires, self.nesting = inner.params, inner.num_wires, inner.nesting + 1
        times = max(1, abs(int(exponent))) if float(exponent).is_integer() else 1
        self.size = inner.size * times
        check_size("pow", self)

    def entries(self, numbers: Sequence[Number], wires: Wires) -> Iterator[Entry]:
        return powered(list(self.inner.entries(numbers, wires)), wires, self.exponent)


def powered(once: Sequence[Entry], wires: Wires, exponent: float) -> Iterator[Entry]:
    """What these operations on these wires do, to a power. Raises CircuitError where it is not known."""
    if len(once) == 1:
        yield once[0]._replace(operation=power(once[0].operation, exponent))
    elif float(exponent).is_integer():
        if exponent < 0:
            once = [e._replace(operation=adjoint_row(e.operation)) for e in reversed(once)]
        for _ in range(abs(int(exponent))):
            yield from once
    else:
        yield Entry(power(QubitUnitary.of(len(wires), _matrix(once, wires)), exponent), wires)


def check_size(name: str, gate: Gate) -> None:
    """Raise CircuitError for a gate that comes to too many operations, or is nested too deep."""
    if gate.size > MAX_OPERATIONS:
        raise CircuitError(
            f"{name} comes to {_many(gate.size)} operations; at most {MAX_OPERATIONS} are read"
        )
    if gate.nesting > MAX_NESTING:
        raise CircuitError(f"{name} is nested more than {MAX_NESTING} definitions deep")


def _many(number: int) -> str:
    return str(number) if number < 10**9 else "more than 10^9"


def _matrix(entries: Sequence[Entry], wires: Wires) -> np.ndarray:
    """The product of the entries' matrices on these wires: (2^k, 2^k)."""
    k = len(wires)
    if k > MAX_DENSE or any(isinstance(n, Expression) for e in entries for n in e.numbers):
        raise CircuitError(
            "a fractional power of a gate that is defined by others is read where it has plain numbers, "
            f"and at most {MAX_DENSE} wires"
        )
    return reduce(lambda total, e: _applied(e, total, wires), entries, np.eye(2**k, dtype=complex))


def _applied(entry: Entry, total: np.ndarray, wires: Wires) -> np.ndarray:
    k, axes = len(wires), [wires.index(w) for w in entry.wires]
    gate = entry.operation.matrix(*entry.numbers)  # type: ignore[arg-type]
    tensor = np.moveaxis(total.reshape((2,) * k + (-1,)), axes, range(len(axes)))
    shape = tensor.shape
    tensor = (gate @ tensor.reshape(len(gate), -1)).reshape(shape)
    return np.moveaxis(tensor, range(len(axes)), axes).reshape(2**k, 2**k)
