"""A circuit as one `sf.Program` with a free parameter per slot, compiled once into calls of a simulator.

Conventions. Rows and SF's operations agree on the meaning, sign and order of every parameter (hbar = 2,
radians) and on the order (x1..xk, p1..pk) of a GaussianState over the wires given. Settled here: a density
matrix has a mode's ket and bra index side by side in SF; and a GaussianState is never decomposed by SF,
which loses the sign of the squeezing on the way and prepares diag(2, .5) as diag(.5, 2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import Circuit, CircuitError, Operation
from hybridge_strawberryfields.backends import gaussian_tensor
from hybridge_strawberryfields.blackbird_writer import template
from hybridge_strawberryfields.sdk import import_strawberryfields

sf = import_strawberryfields()
ops = sf.ops

# row -> the SF operations it is, in order, each on all its wires; called with its parameters
OPERATIONS: dict[str, Callable[..., list[Any]]] = {
    "Rotation": lambda phi: [ops.Rgate(phi)],
    "Squeezing": lambda r, phi: [ops.Sgate(r, phi)],
    "Displacement": lambda a, phi: [ops.Dgate(a, phi)],
    "QuadraticPhase": lambda s: [ops.Pgate(s)],
    "Beamsplitter": lambda theta, phi: [ops.BSgate(theta, phi)],
    "TwoModeSqueezing": lambda r, phi: [ops.S2gate(r, phi)],
    "ControlledAddition": lambda s: [ops.CXgate(s)],
    "ControlledPhase": lambda s: [ops.CZgate(s)],
    "Kerr": lambda kappa: [ops.Kgate(kappa)],
    "CrossKerr": lambda kappa: [ops.CKgate(kappa)],
    "CubicPhase": lambda gamma: [ops.Vgate(gamma)],
    "CoherentState": lambda a, phi: [ops.Coherent(a, phi)],
    "SqueezedState": lambda r, phi: [ops.Squeezed(r, phi)],
    # not DisplacedSqueezed: a 1e-10 in a denominator makes the Fock simulator's wrong by 2e-11 / r
    "DisplacedSqueezedState": lambda a, phi_a, r, phi_r: [ops.Squeezed(r, phi_r), ops.Dgate(a, phi_a)],
    "ThermalState": lambda nbar: [ops.Thermal(nbar)],
    "CatState": lambda a, phi, p: [ops.Catstate(a, phi, p)],
    "VacuumState": lambda: [ops.Vacuum()],
    "GKPState": lambda theta, phi, epsilon: [ops.GKP([theta, phi], epsilon)],
    "LossChannel": lambda T: [ops.LossChannel(T)],
    "ThermalLossChannel": lambda T, nbar: [ops.ThermalLossChannel(T, nbar)],
    "MeasurementBasedSqueezing": lambda r, phi, r_anc, eta_anc: [ops.MSgate(r, phi, r_anc, eta_anc)],
    "MachZehnder": lambda phi_in, phi_ex: [ops.MZgate(phi_in, phi_ex)],
}
# the rows of constants only: the same on the Gaussian simulator ...
GAUSSIAN_CONSTANTS: dict[str, Callable[[Operation], list[Any]]] = {
    "InterferometerUnitary": lambda row: [
        ops.PassiveChannel(_arrays(row)[0])
    ],  # one product, not a mesh of n^2 gates
    "PassiveChannel": lambda row: [ops.PassiveChannel(_arrays(row)[0])],
    "GaussianState": lambda row: [_gaussian(*_arrays(row))],
}
# ... and on the Fock simulator, of this cutoff
FOCK_CONSTANTS: dict[str, Callable[[Operation, int], list[Any]]] = {
    "InterferometerUnitary": lambda row, cutoff: [ops.Interferometer(_arrays(row)[0])],
    "GaussianState": lambda row, cutoff: [_gaussian_in_fock_space(row, cutoff)],
    "FockState": lambda row, cutoff: [ops.Ket(row.fock(cutoff))],
    "FockStateVector": lambda row, cutoff: [ops.Ket(row.fock(cutoff))],
    "FockDensityMatrix": lambda row, cutoff: [_density(row, cutoff)],
}


def _arrays(row: Operation) -> list[np.ndarray]:
    return [constant.array for constant in row.constants]


def _gaussian(v: np.ndarray, r: np.ndarray) -> Any:
    return ops.Gaussian(v * sf.hbar / 2, r * math.sqrt(sf.hbar / 2), decomp=False)


def _gaussian_in_fock_space(row: Operation, cutoff: int) -> Any:
    """The exact amplitudes below the cutoff; a sequence of gates would lose norm on its way."""
    v, r = _arrays(row)
    return (ops.DensityMatrix if row.mixed else ops.Ket)(gaussian_tensor(r, v, cutoff, row.mixed))


def _density(row: Operation, cutoff: int) -> Any:
    """As a ket where it is the matrix of one, so that a circuit that stays pure has a ket to return."""
    rho, n = row.fock(cutoff), row.num_wires
    if not row.mixed:
        return ops.Ket(np.linalg.eigh(rho.reshape((cutoff**n,) * 2))[1][:, -1].reshape((cutoff,) * n))
    return ops.DensityMatrix(rho.transpose([axis for mode in range(n) for axis in (mode, n + mode)]))


class GaussianOfNumbers(ops.Preparation):
    """A GaussianState whose entries are numbers of the circuit: SF's own takes arrays of known numbers."""

    def __init__(self, row: Operation, numbers: Sequence[Any]):
        super().__init__(list(numbers))
        self.row, self.ns = row, row.num_wires


class Outcome(ops.Preparation):
    """A row that selects what a detector reads, at numbers of the circuit."""

    def __init__(self, row: Operation, numbers: Sequence[Any]):
        super().__init__(list(numbers))
        self.row, self.ns = row, row.num_wires


# not for SF to decompose: our simulators have them
WHOLE = frozenset(
    {
        "Pgate",
        "CXgate",
        "CZgate",
        "GaussianOfNumbers",
        "Outcome",
        "ThermalLossChannel",
        "MSgate",
        "PassiveChannel",
    }
)


class Target(NamedTuple):
    """A simulator: SF's compiler for it, the rows of constants."""

    compiler: Any
    constants: dict[str, Callable[..., list[Any]]]


TARGETS = {
    "gaussian": Target(sf.compilers.Gaussian, GAUSSIAN_CONSTANTS),
    "fock": Target(sf.compilers.Fock, FOCK_CONSTANTS),
    "bosonic": Target(sf.compilers.Bosonic, GAUSSIAN_CONSTANTS),
}


def _compiler(target: Target) -> Any:
    compiler = target.compiler()
    compiler.primitives = compiler.primitives | WHOLE
    compiler.decompositions = {k: v for k, v in compiler.decompositions.items() if k not in WHOLE}
    return compiler


# SF operation -> the simulator's method, and how many numbers of the operation it takes, before the modes;
# None: all
METHODS: dict[str, tuple[str, int | None]] = {
    "Rgate": ("rotation", 1),
    "Sgate": ("squeeze", 2),
    "Dgate": ("displacement", 2),
    "Pgate": ("quadratic_phase", 1),
    "BSgate": ("beamsplitter", 2),
    "S2gate": ("two_mode_squeeze", 2),
    "CXgate": ("controlled_addition", 1),
    "CZgate": ("controlled_phase", 1),
    "Kgate": ("kerr_interaction", 1),
    "CKgate": ("cross_kerr_interaction", 1),
    "Vgate": ("cubic_phase", 1),  # of gamma sqrt(hbar / 2), and hbar is 2
    "MZgate": ("mzgate", 2),
    "Vacuum": ("prepare_vacuum_state", 0),
    "Coherent": ("prepare_coherent_state", 2),
    "Squeezed": ("prepare_squeezed_state", 2),
    "Thermal": ("prepare_thermal_state", 1),
    "Catstate": ("prepare_cat_state", 3),
    "GKP": ("prepare_gkp_state", 3),
    "LossChannel": ("loss", 1),
    "ThermalLossChannel": ("thermal_loss", 2),
    "MSgate": ("squeeze_by_measurement", 4),
    "GaussianOfNumbers": ("prepare_gaussian_row", None),
    "Outcome": ("select_row", None),
}
# SF operation -> the simulator's method, and its arrays, before the list of modes
ARRAY_METHODS: dict[str, tuple[str, Callable[[Any], tuple[np.ndarray, ...]]]] = {
    "PassiveChannel": ("passive", lambda op: (op.p[0],)),
    "Gaussian": ("prepare_gaussian_state", lambda op: (op.p[1] / math.sqrt(sf.hbar / 2), op.p[0])),
    "Ket": ("prepare_ket_state", lambda op: (op.p[0],)),
    "DensityMatrix": ("prepare_dm_state", lambda op: (op.p[0],)),
}
# the simulator's method -> least and greatest that each of its numbers makes sense for; SF takes any
TRANSMISSION = (0.0, 1.0, "{} needs a transmission 0 <= T <= 1")
PHOTONS = (0.0, math.inf, "{} needs a mean photon number nbar >= 0")
LIMITS = {
    "prepare_thermal_state": ("ThermalState(nbar)", (PHOTONS,)),
    "loss": ("LossChannel(T)", (TRANSMISSION,)),
    "thermal_loss": ("ThermalLossChannel(T, nbar)", (TRANSMISSION, PHOTONS)),
}


class Call(NamedTuple):
    """`simulator.method(*arrays, *numbers[columns], *modes)`; one of the arrays may be a row."""

    method: str
    arrays: tuple[Any, ...]
    columns: slice
    modes: tuple[Any, ...]


class Number(NamedTuple):
    """scale * (the slot's column) + offset; a constant has slot -1 and scale 0."""

    slot: int
    scale: float
    offset: float


@dataclass(frozen=True, eq=False)
class Recipe:
    """A circuit ready to run at any numbers; `program` is what SF prints. Pickled as what it was made of."""

    circuit: Circuit
    target: str
    cutoff: int | None
    program: Any
    calls: tuple[Call, ...]
    affine: np.ndarray  # (numbers, 3): a Number per line

    def numbers(self, params: np.ndarray) -> list[list[float]]:
        """(batch, P) -> the calls' numbers of each row, as the plain floats that SF's caches want.

        Raises CircuitError for a number that SF would take but that makes no sense.
        """
        slot, scale, offset = self.affine.T
        padded = np.concatenate((params, np.zeros((len(params), 1))), axis=1)  # slot -1
        table = padded[:, slot.astype(np.intp)] * scale + offset
        for call in self.calls:
            if call.method in LIMITS:
                row, limits = LIMITS[call.method]
                for own in table[:, call.columns].tolist():
                    for number, (least, greatest, text) in zip(own, limits, strict=True):
                        if not least <= number <= greatest:
                            raise CircuitError(f"{text.format(row)}; got {number:g}")
        return table.tolist()

    def apply(self, numbers: list[float], simulator: Any) -> None:
        """Run one row on a simulator in its vacuum state."""
        for method, arrays, columns, modes in self.calls:
            getattr(simulator, method)(*arrays, *numbers[columns], *modes)

    def slots(self, cotangent: np.ndarray) -> np.ndarray:
        """(batch, numbers), of the calls' numbers -> (batch, P), of the circuit's."""
        slot, scale, _ = self.affine.T
        found = np.zeros((len(cotangent), self.circuit.num_slots + 1))
        np.add.at(found, (slice(None), slot.astype(np.intp)), cotangent * scale)
        return found[:, :-1]  # slot -1 are constants

    def native(self) -> str:
        """The circuit as Blackbird text, its numbers the free parameters {p0}, {p1}, ..."""
        return template(self.circuit)

    def __reduce__(self) -> tuple[Any, ...]:
        return translate, (self.circuit, self.target, self.cutoff)


def translate(circuit: Circuit, target: str, cutoff: int | None = None) -> Recipe:
    """The recipe of a lowered circuit, for one of TARGETS; "fock" has a cutoff.

    Raises CircuitError for a constant that names more photons than the cutoff allows.
    """
    program = sf.Program(len(circuit.wires))
    slots = [program.params(f"p{k}") for k in range(circuit.num_slots)]
    used = 0
    for operation, wires in circuit.instructions:
        params = slots[used : used + operation.arity]
        used += operation.arity
        for op in _sf_operations(operation, params, target, cutoff):
            program.append(
                op, wires
            )  # the `with program.context` of SF's manual is a global: not for threads
    compiled = program.compile(compiler=_compiler(TARGETS[target]), warn_connected=False)
    calls, numbers = _calls(compiled.circuit, {slot: k for k, slot in enumerate(slots)})
    return Recipe(
        circuit, target, cutoff, program, tuple(calls), np.array(numbers, dtype=float).reshape(-1, 3)
    )


def _sf_operations(operation: Operation, params: Sequence[Any], target: str, cutoff: int | None) -> list[Any]:
    if operation.kind == "outcome":
        return [Outcome(operation, params)]
    if operation.name == "GaussianState" and operation.params:
        return [GaussianOfNumbers(operation, params)]
    if operation.name in OPERATIONS:
        return OPERATIONS[operation.name](*params)
    of_cutoff = () if cutoff is None else (cutoff,)
    return TARGETS[target].constants[operation.name](operation, *of_cutoff)


def _calls(commands: Sequence[Any], slots: dict[Any, int]) -> tuple[list[Call], list[Number]]:
    """A compiled program's commands as calls, and the numbers these take."""
    calls: list[Call] = []
    numbers: list[Number] = []
    for command in commands:
        op, modes = command.op, tuple(reference.ind for reference in command.reg)
        name, start = type(op).__name__, len(numbers)
        if name in ARRAY_METHODS:
            method, arrays = ARRAY_METHODS[name]
            calls.append(Call(method, arrays(op), slice(start, start), (list(modes),)))
            continue
        method, count = METHODS[name]
        flat = [
            own for p in op.p for own in (p if isinstance(p, list) else [p])
        ]  # GKP has its angles in a list
        own = [Number(slots[p], 1.0, 0.0) if p in slots else Number(-1, 0.0, p) for p in flat[:count]]
        if isinstance(op, (GaussianOfNumbers, Outcome)):
            numbers += own
            calls.append(Call(method, (op.row,), slice(start, len(numbers)), (list(modes),)))
            continue
        if isinstance(op, ops.Gate) and op.dagger:  # SF's inverse: the first number negated
            own[0] = own[0]._replace(scale=-own[0].scale, offset=-own[0].offset)
        numbers += own
        calls.append(Call(method, (), slice(start, len(numbers)), modes))
    return calls, numbers
