"""Channels with their numbers, and the rows of constants that several in a row on the same wires come to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from hybridge.allowed import Allowed
from hybridge.circuit import Circuit, Instruction
from hybridge.errors import CircuitError
from hybridge.operations.pauli import MATRICES
from hybridge.operations.qubit_channels import QubitChannel
from hybridge.operations.qubit_unitaries import QubitUnitary
from hybridge.operations.table import Family, Operation, Step, derive
from hybridge.recording import recording

MAX_WIRES = 3  # a superoperator on so many is a matrix (64, 64)
ROUNDING = 1e-14
KINDS = ("channel", "gate")
TRANSMISSIONS = ("LossChannel", "ThermalLossChannel")  # one T after another is the product, the rest equal


class Channel(NamedTuple):
    """A row that stands for noise, with its numbers: a channel, or a gate that acts by mistake."""

    operation: Operation
    numbers: tuple[float, ...] = ()

    @property
    def num_wires(self) -> int:
        return self.operation.num_wires

    def __repr__(self) -> str:
        given = [*map(repr, self.operation.constants), *(f"{x:g}" for x in self.numbers)]
        return f"{self.operation.name}({', '.join(given)})" if given else self.operation.name


Times = tuple[Channel, int]  # a channel, so many times in a row


def channel_of(thing: Any, arguments: Sequence[Any], sizes: Sequence[int]) -> Channel:
    """A row or a family and its arguments as a Channel; a family on one of these numbers of wires.

    Raises CircuitError for what is neither a channel nor a gate, and for numbers that it does not allow.
    """
    if not isinstance(thing, (Operation, Family)):
        raise CircuitError(f"a noise model takes a channel such as hb.DepolarizingChannel; got {thing!r}")
    applied = _applied(thing, arguments, [thing.num_wires] if isinstance(thing, Operation) else sizes)
    row = applied.operation
    if row.kind not in KINDS or (row.domain == "qubit" and row.definition is None):
        what = f"is a {row.kind}" if row.kind not in KINDS else "has no matrix"
        raise CircuitError(f"a noise model takes channels, and gates with a matrix; {row.name} {what}")
    if row.num_wires > MAX_WIRES:
        raise CircuitError(f"noise acts on at most {MAX_WIRES} wires at once; {row.name} on {row.num_wires}")
    numbers = tuple(_number(row, p, x) for p, x in zip(row.params, applied.params, strict=True))
    alone = Circuit((Instruction(row, applied.wires),), (), applied.wires)
    Allowed(alone).check(np.array([numbers], dtype=float))
    return Channel(row, numbers)


def _applied(thing: Any, arguments: Sequence[Any], sizes: Sequence[int]) -> Any:
    refused: CircuitError | None = None
    for size in sizes:
        try:
            with recording():
                return thing(*arguments, wires=tuple(range(size)))
        except CircuitError as error:
            refused = error
    assert refused is not None  # there is always a number of wires to try
    raise refused


def _number(row: Operation, name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if np.isnan(number) or isinstance(value, (bool, str)):
        raise CircuitError(f"{row.name} in a noise model needs a number {name}; got {value!r}")
    if np.isinf(number) and name not in row.bounds:
        raise CircuitError(f"{row.name} in a noise model needs a finite {name}; got {value!r}")
    return number


@lru_cache(maxsize=4096)
def rows_of(channels: tuple[Times, ...]) -> tuple[Operation, ...]:
    """The rows without numbers that do what these do, the first of them first; none if they do nothing.

    Of qubits it is one: a QubitChannel, or a QubitUnitary where no purity is lost.
    """
    if channels[0][0].operation.domain == "qubit":
        return _of_qubits(channels)
    return tuple(derive(_fixed, row, numbers) for row, numbers in _shortened(channels))


# ---- qubits -------------------------------------------------------------------------------------------


def _of_qubits(channels: tuple[Times, ...]) -> tuple[Operation, ...]:
    size = channels[0][0].num_wires
    powers = [np.linalg.matrix_power(_superoperator(_kraus(c)), times) for c, times in channels]
    whole: np.ndarray = reduce(lambda before, after: after @ before, powers)
    if np.abs(whole - np.eye(len(whole))).max() < ROUNDING:
        return ()
    alone = len(channels) == 1 and channels[0][1] == 1
    operators = _kraus(channels[0][0]) if alone else _operators(whole, size)
    operators = operators[np.abs(operators).max(axis=(1, 2)) > 0]
    if len(operators) == 1:
        return (QubitUnitary.of(size, operators[0]),)
    return (QubitChannel.of(size, list(operators)),)


def _kraus(channel: Channel) -> np.ndarray:
    """(m, d, d)"""
    row = channel.operation
    assert row.definition is not None  # channel_of has asked
    found = np.asarray(row.definition(*channel.numbers), dtype=complex)
    return found if row.kind == "channel" else found[None]


def _superoperator(kraus: np.ndarray) -> np.ndarray:
    """Of rho as a vector, row by row: (m, d, d) -> (d^2, d^2)."""
    d = kraus.shape[-1]
    return np.einsum("mik,mjl->ijkl", kraus, kraus.conj()).reshape(d * d, d * d)


def _operators(superoperator: np.ndarray, size: int) -> np.ndarray:
    """At most d^2 Kraus operators (m, d, d) of it; Pauli words where it is a mixture of those."""
    d = 2**size
    choi = superoperator.reshape(d, d, d, d).transpose(0, 2, 1, 3).reshape(d * d, d * d)
    words = np.array([reduce(np.kron, [MATRICES[s] for s in w]) for w in product("IXYZ", repeat=size)])
    basis = words.reshape(d * d, d * d).T / np.sqrt(d)
    chi = basis.conj().T @ choi @ basis
    if np.abs(chi - np.diag(np.diag(chi))).max() < ROUNDING:  # simulators know how to draw from them
        weights = np.clip(np.diag(chi).real / d, 0, None)
        return (np.sqrt(weights)[:, None, None] * words)[weights > ROUNDING**2]
    values, vectors = np.linalg.eigh(choi)
    kept = values > ROUNDING
    return np.sqrt(values[kept])[:, None, None] * vectors.T[kept].reshape(-1, d, d)


def misreading(table: np.ndarray) -> Operation:
    """The channel on one wire that keeps a bit, i, and is to keep j with probability table[i, j]."""
    flips = [np.sqrt(table[i, j]) * np.outer(*np.eye(2)[[j, i]]) for i, j in np.argwhere(table)]
    return QubitChannel.of(1, flips)


# ---- modes --------------------------------------------------------------------------------------------


def _shortened(channels: tuple[Times, ...]) -> list[Channel]:
    """The same channels, where losses follow each other as one."""
    found: list[Channel] = []
    for channel, times in channels:
        row, numbers = channel
        if row.name in TRANSMISSIONS:
            T, *rest = numbers
            if found and found[-1].operation is row and found[-1].numbers[1:] == tuple(rest):
                found[-1] = Channel(row, (found[-1].numbers[0] * T**times, *rest))
            else:
                found.append(Channel(row, (T**times, *rest)))
        else:
            found += [channel] * times
    return [c for c in found if not (c.operation.name in TRANSMISSIONS and c.numbers[0] == 1)]


def _fixed(row: Operation, numbers: tuple[float, ...]) -> Operation:
    """The row with these numbers in place of its parameters."""
    definition, fock, hamiltonian = row.definition, row.fock, row.hamiltonian
    return Operation(
        f"{row.name} of noise",
        row.domain,
        row.num_wires,
        kind=row.kind,
        definition=None if definition is None else lambda: definition(*numbers),
        fock=None if fock is None else lambda cutoff: fock(cutoff, *numbers),
        hamiltonian=None if hamiltonian is None else lambda: hamiltonian(*numbers),
        decomposition=lambda *wires: [Step(row, wires, numbers)],
        mixed=row.mixed,
        formula=f"{row.name}({', '.join(f'{x:g}' for x in numbers)})",
        label=row.label or row.name,
    )
