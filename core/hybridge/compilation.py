"""Lower a circuit to what a device claims, every parameter staying affine in the user's."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from hybridge.circuit import Circuit, Instruction, Measurement, measured_wires
from hybridge.device import Capabilities, Device
from hybridge.errors import CircuitError, UnsupportedCircuit
from hybridge.operations.derived import uncontrolled
from hybridge.operations.table import Affine, Operation, Wires
from hybridge.registry import registry

OF_DOMAIN = {"heterodyne": "cv"}  # kinds of measurement that only devices of this domain have
NOUNS = {"qubit": "qubit", "cv": "CV"}


class AffineMap(NamedTuple):
    """lowered[:, j] = scale[j] * rows[:, slot[j]] + offset[j]; a constant has scale 0 and slot -1."""

    slot: np.ndarray
    scale: np.ndarray
    offset: np.ndarray

    @property
    def identity(self) -> bool:
        """Whether the lowered parameters are the user's own."""
        n = len(self.slot)
        return bool(
            (self.slot == np.arange(n)).all() and (self.scale == 1).all() and (self.offset == 0).all()
        )

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """(batch, P) -> (batch, lowered P)."""
        if rows.shape[1] == 0:
            return np.broadcast_to(self.offset, (len(rows), len(self.offset)))
        return rows[:, self.slot] * self.scale + self.offset

    def pullback(self, cotangent: np.ndarray, num_slots: int) -> np.ndarray:
        """(batch, lowered P) -> (batch, P): the chain rule."""
        out = np.zeros((len(cotangent), num_slots))
        live = self.slot >= 0
        np.add.at(out.T, self.slot[live], (cotangent * self.scale).T[live])
        return out


class Lowered(NamedTuple):
    """A circuit a device can compile, and how its parameters follow from the user's.

    `phases` are the global phases phi of exp(-i phi) a device without GlobalPhase leaves out, one a column:
    they matter to state() alone, and the core puts them back there.
    """

    circuit: Circuit
    affine: AffineMap
    phases: AffineMap


def runs(capabilities: Capabilities, operation: Operation) -> bool:
    """Whether a device with these capabilities runs the row as it is."""
    if operation.domain != capabilities.domain or operation.kind == "marker":
        return False
    if operation.kind in MID_CIRCUIT:
        return MID_CIRCUIT[operation.kind](capabilities, operation)
    widest = capabilities.max_gate_wires
    wide = widest is not None and operation.num_wires > widest
    if wide and operation.kind == "gate" and not operation.dense and not _runs_wide(capabilities, operation):
        return False
    if capabilities.operations is not None:
        return operation.name in capabilities.operations
    if operation.kind == "channel" and operation.domain == "qubit":
        return "density_matrix" in capabilities.measurements
    if operation.definition is not None:
        return True
    return operation.fock is not None and "gaussian" not in capabilities.measurements


def _measures(capabilities: Capabilities, operation: Operation) -> bool:
    _, reset, _ = operation.constants  # what is selected is the core's to read
    return {"measure", *(["reset"] if reset else [])} <= capabilities.mid_circuit


def _decides(capabilities: Capabilities, operation: Operation) -> bool:
    base = operation.constants[0]
    assert isinstance(base, Operation)
    return "conditional" in capabilities.mid_circuit and runs(capabilities, base)


# what a device does inside a circuit it says beside the rows it runs
def _selects(capabilities: Capabilities, operation: Operation) -> bool:
    if capabilities.operations is not None:
        return operation.name in capabilities.operations
    gaussian = operation.definition is not None or "gaussian" not in capabilities.measurements
    return "outcome" in capabilities.mid_circuit and gaussian


MID_CIRCUIT: dict[str, Callable[[Capabilities, Operation], bool]] = {
    "measure": _measures,
    "conditional": _decides,
    "outcome": _selects,
}


def _runs_wide(capabilities: Capabilities, operation: Operation) -> bool:
    core, values = uncontrolled(operation)
    named = "controlled" if values and core.num_wires == 1 else operation.name
    return named in capabilities.wide_gates


def reaches(capabilities: Capabilities, operation: Operation, wires: Wires) -> bool:
    """Whether a device runs the row as it is or after decomposition."""
    if operation.kind == "marker" or operation.name == "GlobalPhase" or runs(capabilities, operation):
        return True
    steps = operation.decomposition(*wires) if operation.decomposition is not None else None
    return steps is not None and all(reaches(capabilities, s.operation, s.wires) for s in steps)


def circuit_wires(
    instructions: Sequence[Instruction], measurements: Sequence[Measurement], device: Device
) -> Wires:
    """The device's wires; where it infers them the circuit's, sorted if all are ints, else as they appear.

    Raises CircuitError for a wire the device does not have and for one wire named twice in an operation.
    """
    named: dict[Hashable, None] = {}
    for operation, wires in instructions:
        if len(set(wires)) != len(wires):
            raise CircuitError(f"{operation.name} acts on a wire twice: wires {list(wires)!r}")
        named.update(dict.fromkeys(wires))
    for m in measurements:
        if m.wires is not None and len(set(m.wires)) != len(m.wires):
            raise CircuitError(f"{m.kind} names a wire twice: wires {list(m.wires)!r}")
    named.update(dict.fromkeys(measured_wires(measurements)))
    if device.wires is None:
        if not named:
            raise CircuitError(
                f"the circuit names no wire and device {device.name!r} has none given; pass wires="
            )
        labels = list(named)
        numbers = all(isinstance(w, int) for w in labels)
        return tuple(sorted(labels) if numbers else labels)  # type: ignore[type-var]
    for wire in named:
        if wire not in device.wires:
            raise CircuitError(
                f"wire {wire!r} is not on device {device.name!r}; its wires: {list(device.wires)!r}"
            )
    return device.wires


def check_domain(
    instructions: Sequence[Instruction], measurements: Sequence[Measurement], device: Device
) -> None:
    """Raise UnsupportedCircuit for a CV gate or observable on a qubit device, or the reverse."""
    own = device.capabilities.domain
    for operation, wires in instructions:
        if operation.domain != own and operation.kind != "marker":
            what = f"the {NOUNS[operation.domain]} operation {operation.name}: it is a {NOUNS[own]} device"
            can = partial(reaches, operation=operation, wires=wires)
            raise UnsupportedCircuit(device.name, what, registry.able(can))
    for m in measurements:
        domain = OF_DOMAIN.get(m.kind, own) if m.observable is None else m.observable.domain
        if domain != own:
            noun = "measurement" if m.observable is None else "observable"
            what = f"{m!r}, a {NOUNS[domain]} {noun}: it is a {NOUNS[own]} device"
            raise UnsupportedCircuit(device.name, what, registry.able(partial(_is_of, domain)))


def _is_of(domain: str, capabilities: Capabilities) -> bool:
    return capabilities.domain == domain


def check_preparations(instructions: Sequence[Instruction]) -> None:
    """Raise CircuitError where a qubit state is prepared on wires that gates have touched."""
    touched: set[Hashable] = set()
    for operation, wires in instructions:
        if operation.domain == "qubit" and operation.kind == "state" and touched & set(wires):
            raise CircuitError(
                f"{operation.name} on wires {list(wires)!r} comes after other operations there; "
                "a state preparation must come first on its wires "
                "(MottonenStatePreparation is a gate and may stand anywhere)"
            )
        if operation.kind != "marker":
            touched |= set(wires)


def check_channels(circuit: Circuit, device: Device, put_by: str = "the channels of its noise model") -> None:
    """Raise UnsupportedCircuit where a noise model put channels into it that the device cannot run."""
    for operation, wires in circuit.instructions:
        if operation.kind == "channel" and not reaches(device.capabilities, operation, wires):
            can = partial(reaches, operation=operation, wires=wires)
            what = f"{put_by}, such as {operation.name}"
            raise UnsupportedCircuit(device.name, what, registry.able(can))


def numbered(named: Circuit, device: Device) -> Circuit:
    """The circuit on wires 0..n-1, in the order of its own. Raises UnsupportedCircuit for too many."""
    limit = device.capabilities.max_wires
    if limit is not None and len(named.wires) > limit:
        raise UnsupportedCircuit(device.name, f"{len(named.wires)} wires: it has at most {limit}")
    index = {wire: i for i, wire in enumerate(named.wires)}
    return Circuit(
        tuple(Instruction(operation, tuple(index[w] for w in on)) for operation, on in named.instructions),
        tuple(map_measurement(m, index) for m in named.measurements),
        tuple(range(len(named.wires))),
    )


def lower(circuit: Circuit, device: Device) -> Lowered:
    """A circuit on wires 0..n-1 in the operations the device claims.

    Raises UnsupportedCircuit naming the operation, the device, and the devices that can.
    """
    expansion = _Expansion(device)
    slot, touched = 0, set[Hashable]()
    for operation, wires in circuit.instructions:
        if operation.kind == "state" and touched & set(wires) and not runs(device.capabilities, operation):
            # its decomposition is gates on the vacuum, which these modes no longer hold
            what = f"{operation.name} on modes {list(wires)!r} that other operations have touched"
            raise UnsupportedCircuit(device.name, what, registry.able(partial(runs, operation=operation)))
        if operation.kind == "outcome":  # its modes are in the vacuum again
            touched -= set(wires)
        elif operation.kind != "marker":
            touched |= set(wires)
        own = [(slot + k, 1.0, 0.0) for k in range(len(operation.params))]
        slot += len(own)
        expansion.add(operation, wires, own)
    lowered = circuit._replace(instructions=tuple(expansion.instructions))
    return Lowered(lowered, _affine(expansion.numbers), _affine(expansion.phases))


def _affine(numbers: Sequence[tuple[int, float, float]]) -> AffineMap:
    columns = np.array(numbers, dtype=float).reshape(-1, 3)
    return AffineMap(columns[:, 0].astype(np.intp), columns[:, 1].copy(), columns[:, 2].copy())


def map_measurement(m: Measurement, index: dict[Hashable, int]) -> Measurement:
    """The measurement with its wires renamed."""
    return m._replace(
        observable=None if m.observable is None else m.observable.map_wires(index),
        wires=None if m.wires is None else tuple(index.get(w, w) for w in m.wires),  # bits stay
    )


class _Expansion:
    """What a circuit becomes, operation by operation."""

    def __init__(self, device: Device):
        self.device = device
        self.instructions: list[Instruction] = []
        self.numbers: list[tuple[int, float, float]] = []  # (slot or -1, scale, offset) of each lowered slot
        self.phases: list[tuple[int, float, float]] = []

    def add(self, operation: Operation, wires: Wires, own: Sequence[tuple[int, float, float]]) -> None:
        if runs(self.device.capabilities, operation):
            self.instructions.append(Instruction(operation, wires))
            self.numbers.extend(own)
        elif operation.name == "GlobalPhase":
            self.phases.extend(own)
        elif operation.kind != "marker":
            steps = operation.decomposition(*wires) if operation.decomposition is not None else None
            if steps is None:
                can = partial(reaches, operation=operation, wires=wires)
                raise UnsupportedCircuit(
                    self.device.name, f"the operation {operation.name}", registry.able(can)
                )
            for part in steps:
                params = [_compose(p, operation.params, own) for p in part.params]
                self.add(part.operation, part.wires, params)


def _compose(
    p: float | Affine, names: tuple[str, ...], own: Sequence[tuple[int, float, float]]
) -> tuple[int, float, float]:
    if not isinstance(p, Affine):
        return -1, 0.0, p
    slot, scale, offset = own[names.index(p.name)]
    return slot, p.scale * scale, p.scale * offset + p.offset
