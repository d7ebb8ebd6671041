"""default.gaussian without numba: layers of equal rows in numpy; every Gaussian row runs by its definition.

The quadratures r_i that the measurements need are taken back through the circuit, where each gate is r -> S r
+ d: O(gates) for an observable of few modes, and gates that do not reach it are left out. The derivative of
every parameter follows in one sweep forward again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from hybridge.plugin import (
    Circuit,
    Device,
    Operation,
    Task,
    UnsupportedCircuit,
    check_cutoff,
    definition_slope,
)
from hybridge_default.cv_capabilities import PLAIN_GAUSSIAN
from hybridge_default.cv_overflow import finite
from hybridge_default.gaussian_conditioned import (
    ConditionedProgram,
    conditioned,
    conditioned_run,
    conditioned_vjp,
    selects,
)
from hybridge_default.gaussian_readings import Placed, placed

Arrays = tuple[np.ndarray, ...]


class Uses(NamedTuple):
    """All uses of one operation in a circuit: columns (G, P) of their parameters."""

    operation: Operation
    columns: np.ndarray


class Layer(NamedTuple):
    """Uses of one operation, side by side: which, and the quadratures (G, 2k) they act on, x then p."""

    row: int
    which: slice
    entries: np.ndarray


class LayeredProgram(NamedTuple):
    """A compiled circuit: layers in order, the quadratures (R,) that are read and what is read from them."""

    uses: tuple[Uses, ...]
    layers: tuple[Layer, ...]
    num_wires: int
    quadratures: np.ndarray
    readings: tuple[Placed, ...]

    def columns_of(self) -> Iterator[tuple[Operation, np.ndarray]]:
        """The operations and the columns of their parameters."""
        return ((operation, row) for operation, columns in self.uses for row in columns)


class PlainGaussian(Device):
    """What default.gaussian is where numba is not installed; its options are those of DefaultGaussian."""

    capabilities = PLAIN_GAUSSIAN
    name = "default.gaussian"

    def __init__(
        self, wires: Any = None, shots: int | None = None, seed: int | None = None, *, cutoff_dim: int = 10
    ):
        super().__init__(wires, shots, seed)
        self.cutoff_dim = check_cutoff(cutoff_dim)

    def compile(self, circuit: Circuit) -> LayeredProgram | ConditionedProgram:
        check_gaussian(circuit, self.name)
        if selects(circuit):
            return conditioned(circuit, self.cutoff_dim)
        return layered(circuit, self.cutoff_dim)

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        return [
            finite(ENGINES[type(program)][0](program, params), self.name, program.columns_of(), params)
            for program, params, *_ in tasks
        ]

    def vjp(self, task: Task, cotangent: np.ndarray) -> np.ndarray:
        program, params, *_ = task
        vjp = ENGINES[type(program)][1]
        return finite(vjp(program, params, cotangent), self.name, program.columns_of(), params)

    def memory(self, num_wires: int) -> int:
        return state_bytes(num_wires)


def state_bytes(num_wires: int) -> int:
    """Bytes one row needs: the covariance, the quadratures taken back, a product, and the result."""
    return 8 * 3 * (2 * num_wires) * (2 * num_wires + 1)


def check_gaussian(circuit: Circuit, device: str) -> None:
    """UnsupportedCircuit where a row is not Gaussian."""
    for operation, _ in circuit.instructions:
        if operation.definition is None:
            raise UnsupportedCircuit(device, f"{operation.name}: it is not Gaussian", "default.fock can")


# ---- compiling ----------------------------------------------------------------------------------------


def layered(circuit: Circuit, cutoff: int) -> LayeredProgram:
    """The program of a lowered circuit."""
    n = len(circuit.wires)
    quadratures, readings = placed(circuit.measurements, n, cutoff)
    uses, layers = _layers(circuit, quadratures[: len(quadratures) // 2].tolist())
    return LayeredProgram(uses, layers, n, quadratures, readings)


def _layers(circuit: Circuit, modes: Sequence[int]) -> tuple[tuple[Uses, ...], tuple[Layer, ...]]:
    """The operations that reach `modes`, each as early as its wires allow, equal ones together.

    One numpy call then serves a whole layer: at 128 modes that is 30 times fewer calls.
    """
    n, slot, depth = len(circuit.wires), 0, dict.fromkeys(range(len(circuit.wires)), 0)
    slots: list[int] = []
    for operation, _ in circuit.instructions:
        slots.append(slot)
        slot += len(operation.params)
    reached, kept = set(modes), []
    for i in range(len(circuit.instructions) - 1, -1, -1):
        operation, labels = circuit.instructions[i]
        wires = cast(tuple[int, ...], labels)
        if reached.isdisjoint(wires):
            continue
        kept.append(i)
        reached = reached - set(wires) if operation.kind == "state" else reached | set(wires)
    groups: dict[tuple[int, Operation], list[int]] = {}
    for i in reversed(kept):
        operation, labels = circuit.instructions[i]
        wires = cast(tuple[int, ...], labels)
        level = max(depth[w] for w in wires)
        depth.update(dict.fromkeys(wires, level + 1))
        groups.setdefault((level, operation), []).append(i)
    rows: dict[Operation, list[int]] = {}
    layers = []
    for (_, operation), members in sorted(groups.items(), key=lambda group: group[0][0]):
        placed = rows.setdefault(operation, [])
        wires_of = [cast(tuple[int, ...], circuit.instructions[i].wires) for i in members]
        entries = np.array([[*wires, *(n + w for w in wires)] for wires in wires_of])
        layers.append(
            Layer(list(rows).index(operation), slice(len(placed), len(placed) + len(members)), entries)
        )
        placed.extend(members)
    uses = tuple(
        Uses(
            operation, np.array([range(slots[i], slots[i] + len(operation.params)) for i in members], np.intp)
        )
        for operation, members in rows.items()
    )
    return uses, tuple(layers)


# ---- running ------------------------------------------------------------------------------------------

RANKS = {"gate": (2, 1), "channel": (2, 1, 2), "state": (1, 2)}  # of the arrays in a definition


def _definitions(uses: Uses, params: np.ndarray) -> Arrays:
    """The definition of every use at every row, arrays (B, G, ...); B = 1 where it has no parameters."""
    operation, columns = uses
    assert operation.definition is not None
    values = params[:, columns].reshape(len(params) * len(columns), len(operation.params))
    rows = len(params) if operation.params else 1
    return tuple(
        np.broadcast_to(v, (rows * len(columns), *v.shape[v.ndim - rank :])).reshape(
            rows, len(columns), *v.shape[v.ndim - rank :]
        )
        for v, rank in zip(operation.definition(*values.T), RANKS[operation.kind], strict=True)
    )


class Taken(NamedTuple):
    """Quadratures taken back: mean (B, R), cov (B, R, R); what they were before each layer, last first.

    `first` (B, 2n, R) is what they are in terms of the vacuum's, a column each.
    """

    mean: np.ndarray
    cov: np.ndarray
    first: np.ndarray
    parts: list[np.ndarray]


def _take_back(program: LayeredProgram, params: np.ndarray, definitions: Sequence[Arrays]) -> Taken:
    B, n, R = len(params), program.num_wires, len(program.quadratures)
    L, mean, cov = np.zeros((B, 2 * n, R)), np.zeros((B, R)), np.zeros((B, R, R))
    L[:, program.quadratures, range(R)] = 1
    parts = []
    for row, which, entries in reversed(program.layers):
        part = L[:, entries]  # (B, G, 2k, R)
        arrays = [v[:, which] for v in definitions[row]]
        L[:, entries] = BACK[program.uses[row].operation.kind](part, mean, cov, *arrays)
        parts.append(part)
    cov += np.swapaxes(L, 1, 2) @ L
    return Taken(mean, cov, L, parts)


def _gate_back(
    part: np.ndarray, mean: np.ndarray, cov: np.ndarray, S: np.ndarray, d: np.ndarray
) -> np.ndarray:
    if d.any():
        mean += (d[:, :, None, :] @ part)[:, :, 0].sum(axis=1)
    return np.swapaxes(S, 2, 3) @ part


def _channel_back(
    part: np.ndarray, mean: np.ndarray, cov: np.ndarray, X: np.ndarray, d: np.ndarray, Y: np.ndarray
) -> np.ndarray:
    cov += (np.swapaxes(part, 2, 3) @ Y @ part).sum(axis=1)
    return _gate_back(part, mean, cov, X, d)


def _state_back(
    part: np.ndarray, mean: np.ndarray, cov: np.ndarray, new: np.ndarray, new_cov: np.ndarray
) -> np.ndarray:
    mean += (new[:, :, None, :] @ part)[:, :, 0].sum(axis=1)
    cov += (np.swapaxes(part, 2, 3) @ new_cov @ part).sum(axis=1)
    return np.zeros_like(part)  # what these modes were before has no part in it


BACK: dict[str, Callable[..., np.ndarray]] = {
    "gate": _gate_back,
    "channel": _channel_back,
    "state": _state_back,
}


@np.errstate(over="ignore", invalid="ignore")  # `finite` says what made it so
def layered_run(program: LayeredProgram, params: np.ndarray) -> np.ndarray:
    """params (B, P) -> (B, columns)."""
    definitions = [_definitions(uses, params) for uses in program.uses]
    mean, cov, _, _ = _take_back(program, params, definitions)
    read = [r.reading.columns(mean[:, r.at], cov[:, r.at[:, None], r.at]) for r in program.readings]
    return np.concatenate(read, axis=1)


# ---- derivatives --------------------------------------------------------------------------------------


@np.errstate(over="ignore", invalid="ignore")
def layered_vjp(program: LayeredProgram, params: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
    """cotangent (B, columns) -> (B, P): the sweep back, then one forward for the cotangents of all of it."""
    definitions = [_definitions(uses, params) for uses in program.uses]
    mean, cov, first, parts = _take_back(program, params, definitions)
    by_mean, by_cov, start = np.zeros(mean.shape), np.zeros(cov.shape), 0
    for reading, at in program.readings:
        stop, block = start + reading.width, (slice(None), at[:, None], at)
        pulled = reading.pullback(mean[:, at], cov[block], cotangent[:, start:stop])
        by_mean[:, at] += pulled[0]
        by_cov[block] += pulled[1]
        start = stop
    by_first = 2 * first @ by_cov
    found: list[list[Arrays]] = [[] for _ in program.uses]
    for (row, which, entries), part in zip(program.layers, reversed(parts), strict=True):
        arrays = [v[:, which] for v in definitions[row]]
        forward = FORWARD[program.uses[row].operation.kind]
        by_part, by_arrays = forward(part, by_first[:, entries], by_mean, by_cov, *arrays)
        by_first[:, entries] = by_part
        found[row].append(by_arrays)
    out = np.zeros(params.shape)
    for (operation, columns), layers in zip(program.uses, found, strict=True):
        if not operation.params:
            continue
        by_definition = [np.concatenate(same, axis=1) for same in zip(*layers, strict=True)]
        values = params[:, columns].reshape(len(params) * len(columns), len(operation.params))
        for k in range(len(operation.params)):
            slopes = definition_slope(operation, k, values)
            pairs = zip(by_definition, slopes, strict=True)
            out[:, columns[:, k]] = sum(_dots(bar, slope.reshape(bar.shape)) for bar, slope in pairs)
    return out


def _dots(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """sum of a * b over all axes but the first two: (B, G)."""
    return (a * b).sum(axis=tuple(range(2, a.ndim)))


def _gate_forward(
    part: np.ndarray,
    by_new: np.ndarray,
    by_mean: np.ndarray,
    by_cov: np.ndarray,
    S: np.ndarray,
    d: np.ndarray,
) -> tuple[np.ndarray, Arrays]:
    """The cotangents of `part` and of S and d, from that of S^T part."""
    by_part = S @ by_new + d[..., None] * by_mean[:, None, None]
    return by_part, (part @ np.swapaxes(by_new, 2, 3), _along(part, by_mean))


def _channel_forward(
    part: np.ndarray,
    by_new: np.ndarray,
    by_mean: np.ndarray,
    by_cov: np.ndarray,
    X: np.ndarray,
    d: np.ndarray,
    Y: np.ndarray,
) -> tuple[np.ndarray, Arrays]:
    by_part, by_gate = _gate_forward(part, by_new, by_mean, by_cov, X, d)
    weighted = part @ by_cov[:, None]
    return by_part + 2 * Y @ weighted, (*by_gate, weighted @ np.swapaxes(part, 2, 3))


def _state_forward(
    part: np.ndarray,
    by_new: np.ndarray,
    by_mean: np.ndarray,
    by_cov: np.ndarray,
    new: np.ndarray,
    new_cov: np.ndarray,
) -> tuple[np.ndarray, Arrays]:
    weighted = part @ by_cov[:, None]
    by_part = new[..., None] * by_mean[:, None, None] + 2 * new_cov @ weighted
    return by_part, (_along(part, by_mean), weighted @ np.swapaxes(part, 2, 3))


def _along(part: np.ndarray, by_mean: np.ndarray) -> np.ndarray:
    return (part @ by_mean[:, None, :, None])[..., 0]


FORWARD: dict[str, Callable[..., tuple[np.ndarray, Arrays]]] = {
    "gate": _gate_forward,
    "channel": _channel_forward,
    "state": _state_forward,
}


# what runs a program of each kind, and what differentiates it
ENGINES: dict[type, tuple[Callable[..., np.ndarray], Callable[..., np.ndarray]]] = {
    LayeredProgram: (layered_run, layered_vjp),
    ConditionedProgram: (conditioned_run, conditioned_vjp),
}
