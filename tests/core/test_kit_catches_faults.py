"""The conformance kit fails on every planted fault, and on nothing else."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from hybridge.circuit import Circuit, Instruction
from hybridge.conformance import FockConformance, GaussianConformance, QubitConformance, items
from hybridge.conformance.reference import jacobian
from hybridge.device import Device, Task
from hybridge.errors import PluginError
from hybridge.operations.derived import controlled
from hybridge.operations.table import FAMILIES, ROWS, Operation
from hybridge.readout.qubit_states import PureStates
from hybridge_default.fock import DefaultFock
from hybridge_default.gaussian import DefaultGaussian
from hybridge_default.qubit_numpy import PlainQubit, evolved

# ---- devices that claim more than default.qubit, so that there is more to get wrong --------------

# every row that leaves a ket a ket, as state vectors can run
PURE = frozenset(
    {row.name for row in ROWS.values() if row.domain == "qubit" and not row.mixed and row.definition}
    | {family.name for family in FAMILIES.values() if family.domain == "qubit"}
) - {"QubitDensityMatrix", "PauliError", "QubitChannel", "MottonenStatePreparation", "Barrier", "Snapshot"}


class Native(PlainQubit):
    """default.qubit that returns expval, var and probs itself, and their derivatives."""

    name = "native.qubit"
    capabilities = replace(
        PlainQubit.capabilities,
        measurements=frozenset({"state", "expval", "var", "probs"}),
        observables=frozenset({"pauli", "matrix"}),
        operations=PURE,
        vjp=True,
    )

    def compile(self, circuit: Circuit) -> Any:
        return circuit, super().compile(circuit)

    def run(self, tasks: Any) -> list[np.ndarray]:
        return [self.measured(t.program[0], evolved(t.program[1], t.params)) for t in tasks]

    def measured(self, circuit: Circuit, states: np.ndarray) -> np.ndarray:
        return np.hstack([self.column(m, PureStates(states)) for m in circuit.measurements])

    def column(self, m: Any, states: PureStates) -> np.ndarray:
        if m.kind == "state":
            return states.states
        if m.kind == "probs":
            return states.probs(m.wires)
        return {"expval": states.expval, "var": states.var}[m.kind](m.observable)[:, None]

    def vjp(self, task: Task, cotangent: np.ndarray) -> np.ndarray:
        rows = []
        for row, g in zip(task.params, cotangent, strict=True):
            slopes = (
                jacobian(lambda p: self.run([task._replace(params=p[None])])[0][0], row) if len(row) else row
            )
            rows.append(g @ slopes if len(row) else row)
        return np.array(rows).real


class Sampling(PlainQubit):
    """default.qubit that draws the bits itself, and has no exact results."""

    name = "sampling.qubit"
    capabilities = replace(
        PlainQubit.capabilities, measurements=frozenset({"sample"}), operations=PURE, exact=False
    )

    def compile(self, circuit: Circuit) -> Any:
        return circuit, super().compile(circuit)

    def run(self, tasks: Any) -> list[np.ndarray]:
        return [np.hstack([self.bits(t, m.wires) for m in t.program[0].measurements]) for t in tasks]

    def bits(self, task: Task, wires: tuple[int, ...]) -> np.ndarray:
        states, n = evolved(task.program[1], task.params), task.program[1].n
        rng = np.random.default_rng(self.seed_of(task))
        drawn = np.array([self.draw(rng, np.abs(state) ** 2, task.shots or 0) for state in states])
        bits = (drawn[..., None] >> (n - 1 - np.array(wires))) & 1
        return bits.astype(np.uint8).reshape(len(states), -1)

    def seed_of(self, task: Task) -> int | None:
        return task.seed

    def draw(self, rng: np.random.Generator, chances: np.ndarray, shots: int) -> np.ndarray:
        return rng.choice(len(chances), size=shots, p=chances / chances.sum())


# ---- how faults are planted ----------------------------------------------------------------------

KITS = {
    PlainQubit: QubitConformance,
    Native: QubitConformance,
    Sampling: QubitConformance,
    DefaultGaussian: GaussianConformance,
    DefaultFock: FockConformance,
}


class Planted:
    """Hooks around a device: its circuit, its numbers, its answer."""

    def compile(self, circuit: Circuit) -> Any:
        return circuit, super().compile(self.circuit(circuit))  # type: ignore[misc]

    def run(self, tasks: Any) -> list[np.ndarray]:
        inner = [t._replace(program=t.program[1], params=self.numbers(t.program[0], t.params)) for t in tasks]
        found = super().run(inner)  # type: ignore[misc]
        return [self.answer(t.program[0], t.params, f) for t, f in zip(tasks, found, strict=True)]

    def circuit(self, circuit: Circuit) -> Circuit:
        return circuit

    def numbers(self, circuit: Circuit, params: np.ndarray) -> np.ndarray:
        return params

    def answer(self, circuit: Circuit, params: np.ndarray, found: np.ndarray) -> np.ndarray:
        return found


class Fault(NamedTuple):
    """A device, what is wrong with it, and the items of the kit that are there to find it."""

    name: str
    base: type[Device]
    hooks: dict[str, Any]
    found_by: str  # how their names begin

    def __str__(self) -> str:
        return self.name

    def device(self) -> type[Device]:
        planted = () if self.base in (Native, Sampling) else (Planted,)
        made = type(
            f"Faulty {self.name}",
            (*planted, self.base),
            {"name": "faulty.device", "__module__": __name__, **self.hooks},
        )
        globals()[made.__name__] = made  # so that it can be pickled
        return made


def instructions(
    change: Callable[[Operation, tuple[int, ...], int], tuple[Operation, tuple[int, ...]]],
) -> dict[str, Any]:
    """A fault in how operations are placed: (row, wires, number of wires) -> (row, wires)."""

    def circuit(self: Any, given: Circuit) -> Circuit:
        n = len(given.wires)
        changed = [Instruction(*change(row, wires, n)) for row, wires in given.instructions]
        return given._replace(instructions=tuple(changed))

    return {"circuit": circuit}


def parameters(name: str, change: Callable[..., Any]) -> dict[str, Any]:
    """A fault in the numbers of one row."""

    def numbers(self: Any, given: Circuit, params: np.ndarray) -> np.ndarray:
        params, used = params.copy(), 0
        for row, _ in given.instructions:
            if row.name == name:
                params[:, used : used + row.arity] = np.transpose(
                    change(*params[:, used : used + row.arity].T)
                )
            used += row.arity
        return params

    return {"numbers": numbers}


def answers(change: Callable[[np.ndarray, int], np.ndarray]) -> dict[str, Any]:
    """A fault in what is returned: (rows, number of wires) -> rows."""
    return {"answer": lambda self, circuit, params, found: change(found, len(circuit.wires))}


def redefined(name: str, **columns: Any) -> dict[str, Any]:
    """One row with another definition."""
    return instructions(
        lambda row, wires, n: (replace(row, **columns), wires) if row.name == name else (row, wires)
    )


def _swap_pair(row: Operation, wires: tuple[int, ...], n: int) -> Any:
    return row, wires[::-1] if len(wires) == 2 else wires


def _second_wire_0(row: Operation, wires: tuple[int, ...], n: int) -> Any:
    return row, wires[::-1] if len(wires) == 2 and wires[1] == 0 else wires


def _only(name: str) -> Callable[..., Any]:
    return lambda row, wires, n: (row, wires[::-1] if row.name == name else wires)


def _undone(word: str) -> Callable[..., Any]:
    """Derived rows whose name has this word are replaced by what they were derived from."""
    return lambda row, wires, n: (
        (row.origin[1][1], wires) if word in row.name and row.origin else (row, wires)
    )


def _all_ones(row: Operation, wires: tuple[int, ...], n: int) -> Any:
    if row.name.startswith("C["):
        core, values = row.origin[1][1:]  # type: ignore[index]
        return controlled(core, (1,) * len(values)), wires
    return row, wires


def _controls_of_family(row: Operation, wires: tuple[int, ...], n: int) -> Any:
    return (FAMILIES["MultiControlledX"].of(row.num_wires) if row.name == "MultiControlledX" else row), wires


def _of_constants(name: str, change: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    """A family's array is taken wrongly."""

    def take(row: Operation, wires: tuple[int, ...], n: int) -> Any:
        if row.name != name:
            return row, wires
        first, *rest = row.constants
        return FAMILIES[name].of(
            row.num_wires, change(first.array), *(getattr(c, "array", c) for c in rest)
        ), wires

    return instructions(take)


def _bits_reversed(found: np.ndarray, n: int) -> np.ndarray:
    return found.reshape(len(found), *(2,) * n).transpose(0, *range(n, 0, -1)).reshape(len(found), -1)


def _without_phase(found: np.ndarray, n: int) -> np.ndarray:
    largest = found[np.arange(len(found)), np.abs(found).argmax(axis=1)][:, None]
    return found * np.abs(largest) / largest


def _cached_result(self: Any, circuit: Circuit, params: np.ndarray, found: np.ndarray) -> np.ndarray:
    return self.__dict__.setdefault("kept", {}).setdefault((circuit.instructions, found.shape), found)


def _cached_program(self: Any, given: Circuit) -> Circuit:
    names = tuple((row.name, wires) for row, wires in given.instructions)
    return self.__dict__.setdefault("kept", {}).setdefault((names, given.wires, given.measurements), given)


def _one_buffer(self: Any, circuit: Circuit, params: np.ndarray, found: np.ndarray) -> np.ndarray:
    buffer = self.__dict__.setdefault("buffers", {}).setdefault(
        (found.shape, found.dtype.str), np.empty_like(found)
    )
    buffer[...] = found
    time.sleep(0.001)  # another thread's turn
    return buffer


def _reseeding(self: Any, circuit: Circuit, params: np.ndarray, found: np.ndarray) -> np.ndarray:
    np.random.seed(0)
    return found


def _warning(self: Any, circuit: Circuit, params: np.ndarray, found: np.ndarray) -> np.ndarray:
    warnings.warn("chatter", UserWarning, stacklevel=1)
    return found


def _refusing(self: Any, given: Circuit) -> Circuit:
    if any(row.name == "ECR" for row, _ in given.instructions):
        raise NotImplementedError("ECR")
    return given


def _unpicklable(self: Any, *args: Any, **options: Any) -> None:
    PlainQubit.__init__(self, *args, **options)
    self.handler = lambda: None


def _shared_numbers(self: Any, circuit: Circuit, params: np.ndarray) -> np.ndarray:
    self.current = params.copy()
    time.sleep(0.002)  # another thread's turn
    return self.current


QUBIT = [
    ("wires in reversed order", instructions(lambda row, wires, n: (row, tuple(n - 1 - w for w in wires)))),
    ("wires of two-wire gates swapped", instructions(_swap_pair)),
    ("wires swapped where the second is 0", instructions(_second_wire_0)),
    ("wires of CRY swapped", instructions(_only("CRY"))),
    ("wires of SingleExcitation swapped", instructions(_only("SingleExcitation"))),
    (
        "wires of three-wire gates reversed",
        instructions(lambda row, w, n: (row, w[::-1] if len(w) == 3 else w)),
    ),
    ("wires sorted", instructions(lambda row, wires, n: (row, tuple(sorted(wires))))),
    ("sign of RX", parameters("RX", lambda phi: [-phi])),
    ("sign of PhaseShift", parameters("PhaseShift", lambda phi: [-phi])),
    ("sign of GlobalPhase", parameters("GlobalPhase", lambda phi: [-phi])),
    ("sign of PSWAP", parameters("PSWAP", lambda phi: [-phi])),
    ("half the angle of CRZ", parameters("CRZ", lambda phi: [phi / 2])),
    ("degrees for IsingXY", parameters("IsingXY", lambda phi: [np.degrees(phi)])),
    ("parameters of Rot swapped", parameters("Rot", lambda phi, theta, omega: [omega, theta, phi])),
    ("parameters of U3 turned round", parameters("U3", lambda theta, phi, delta: [phi, delta, theta])),
    ("parameters of CRot swapped", parameters("CRot", lambda phi, theta, omega: [phi, omega, theta])),
    ("ISWAP without i", redefined("ISWAP", definition=ROWS["SWAP"].definition)),
    (
        "CPhaseShift10 as CPhaseShift01",
        redefined("CPhaseShift10", definition=ROWS["CPhaseShift01"].definition),
    ),
    ("SX as RX(pi/2): a phase less", redefined("SX", definition=lambda: ROWS["RX"].matrix(np.pi / 2))),
    ("CZ as CNOT", redefined("CZ", definition=ROWS["CNOT"].definition)),
    ("adjoint dropped", instructions(_undone("Adjoint("))),
    ("powers dropped", instructions(_undone("**"))),
    ("control values dropped", instructions(_all_ones)),
    ("control values of MultiControlledX dropped", instructions(_controls_of_family)),
    ("U transposed", _of_constants("QubitUnitary", np.transpose)),
    (
        "ket with its bits reversed",
        _of_constants("StatePrep", lambda v: _bits_reversed(v[None], len(v).bit_length() - 1)[0]),
    ),
    (
        "preparations on the first wires",
        instructions(lambda r, w, n: (r, tuple(range(len(w))) if r.kind == "state" else w)),
    ),
    ("bits of the state reversed", answers(_bits_reversed)),
    ("state conjugated", answers(lambda found, n: found.conj())),
    ("global phase dropped", answers(_without_phase)),
    ("single precision", answers(lambda found, n: found.astype(np.complex64).astype(complex))),
    ("real part only", answers(lambda found, n: found.real.astype(complex))),
    ("batch rows shuffled", answers(lambda found, n: found[::-1])),
    ("every row the first", {"numbers": lambda self, circuit, params: np.tile(params[:1], (len(params), 1))}),
    ("a stale result", {"answer": _cached_result}),
    ("a stale program", {"circuit": _cached_program}),
    ("numbers shared between threads", {"numbers": _shared_numbers, "answer": _one_buffer}),
    ("the global seed set", {"answer": _reseeding}),
    ("a warning at every run", {"answer": _warning}),
    ("a claimed row that it cannot run", {"circuit": _refusing}),
    ("no pickle", {"__init__": _unpicklable}),
]


def _column(kind: str, change: Callable[..., np.ndarray]) -> dict[str, Any]:
    """A fault in one kind of measurement of Native."""

    def column(self: Any, m: Any, states: PureStates) -> np.ndarray:
        right = Native.column(self, m, states)
        return change(right, m, states) if m.kind == kind else right

    return {"column": column}


def _constant_lost(right: np.ndarray, m: Any, states: PureStates) -> np.ndarray:
    return right - getattr(m.observable, "terms", {}).get((), 0.0)


def _first_factor(right: np.ndarray, m: Any, states: PureStates) -> np.ndarray:
    terms = getattr(m.observable, "terms", None)
    if terms is None:
        return right
    return states.expval(type(m.observable)({w[:1]: c for w, c in terms.items()}))[:, None]


def _ys_negated(right: np.ndarray, m: Any, states: PureStates) -> np.ndarray:
    return Native.column(None, m, PureStates(states.states.conj()))  # type: ignore[arg-type]


NATIVE = [
    ("expectation values halved", _column("expval", lambda right, m, s: right / 2)),
    ("the constant term lost", _column("expval", _constant_lost)),
    ("only the first factor of a product", _column("expval", _first_factor)),
    ("Y with the other sign", _column("expval", _ys_negated)),
    (
        "the second moment for the variance",
        _column("var", lambda right, m, s: right + s.expval(m.observable)[:, None] ** 2),
    ),
    ("the standard deviation for the variance", _column("var", lambda right, m, s: np.sqrt(np.abs(right)))),
    ("expval for var: one cache entry", _column("var", lambda right, m, s: s.expval(m.observable)[:, None])),
    ("probabilities with their bits reversed", _column("probs", lambda right, m, s: s.probs(m.wires[::-1]))),
    ("probabilities of sorted wires", _column("probs", lambda right, m, s: s.probs(tuple(sorted(m.wires))))),
    ("probabilities not renormalised", _column("probs", lambda right, m, s: right * 0.999)),
    ("amplitudes for probabilities", _column("probs", lambda right, m, s: np.sqrt(right))),
    (
        "columns of several measurements in the wrong order",
        {
            "measured": lambda self, c, s: np.hstack(
                [self.column(m, PureStates(s)) for m in c.measurements[::-1]]
            )
        },
    ),
    ("vjp with the other sign", {"vjp": lambda self, task, g: -Native.vjp(self, task, g)}),
    (
        "vjp of the first row for all",
        {"vjp": lambda self, task, g: np.tile(Native.vjp(self, task, g)[:1], (len(g), 1))},
    ),
]

_bits = Sampling.bits


def _each_wire_alone(self: Any, task: Task, wires: tuple[int, ...]) -> np.ndarray:
    bits = _bits(self, task, wires).reshape(len(task.params), task.shots or 0, len(wires))
    rng = np.random.default_rng(task.seed)
    return rng.permuted(bits, axis=1).reshape(len(task.params), -1)


def _same_for_every_row(self: Any, task: Task, wires: tuple[int, ...]) -> np.ndarray:
    return np.concatenate([_bits(self, task._replace(params=row[None]), wires) for row in task.params])


SAMPLING = [
    ("bits of a sample reversed", {"bits": lambda self, task, wires: _bits(self, task, wires[::-1])}),
    ("bits of sorted wires", {"bits": lambda self, task, wires: _bits(self, task, tuple(sorted(wires)))}),
    ("bits flipped", {"bits": lambda self, task, wires: 1 - _bits(self, task, wires)}),
    ("always the same seed", {"seed_of": lambda self, task: 0}),
    ("the seed ignored", {"seed_of": lambda self, task: None}),
    (
        "one shot repeated",
        {"draw": lambda self, rng, p, shots: np.repeat(Sampling.draw(self, rng, p, 1), shots)},
    ),
    (
        "a tenth of the shots drawn",
        {"draw": lambda s, r, p, k: np.resize(Sampling.draw(s, r, p, max(1, k // 10)), k)},
    ),
    (
        "the first task's shots for all",
        {"run": lambda self, tasks: Sampling.run(self, [t._replace(shots=tasks[0].shots) for t in tasks])},
    ),
    ("a hidden number of shots", {"draw": lambda self, rng, p, shots: Sampling.draw(self, rng, p, 100)}),
    (
        "a readout error of 3 %",
        {"draw": lambda s, r, p, k: Sampling.draw(s, r, 0.97 * p + 0.03 * p[::-1], k)},
    ),
    ("wires sampled one by one", {"bits": _each_wire_alone}),
    ("one stream for every row", {"bits": _same_for_every_row}),
    ("the likeliest outcome only", {"draw": lambda self, rng, p, shots: np.full(shots, p.argmax())}),
]


def _interleaved(found: np.ndarray, n: int) -> np.ndarray:
    """(x1, p1, x2, p2, ...) instead of (x1..xn, p1..pn)."""
    place = np.arange(2 * n).reshape(2, n).T.ravel()
    parts = []
    for one in np.split(found, found.shape[1] // (2 * n + 4 * n * n), axis=1):
        mean, cov = one[:, : 2 * n], one[:, 2 * n :].reshape(-1, 2 * n, 2 * n)
        parts += [mean[:, place], cov[:, place][:, :, place].reshape(len(one), -1)]
    return np.hstack(parts)


def _scaled(mean: float, cov: float) -> Callable[[np.ndarray, int], np.ndarray]:
    def change(found: np.ndarray, n: int) -> np.ndarray:
        width = 2 * n + 4 * n * n
        scale = np.where(np.arange(found.shape[1]) % width < 2 * n, mean, cov)
        return found * scale

    return change


def _keeping(self: Any, given: Circuit) -> Circuit:
    """A preparation on a used mode becomes a displacement of what is there."""
    seen: set[Any] = set()
    changed = []
    for row, wires in given.instructions:
        if row.name == "CoherentState" and set(wires) & seen:
            row = ROWS["Displacement"]
        changed.append(Instruction(row, wires))
        seen |= set(wires)
    return given._replace(instructions=tuple(changed))


def _lossless(T: Any) -> Any:
    X, d, Y = ROWS["LossChannel"].definition(T)  # type: ignore[misc]
    return X, d, 0 * Y


MODES = [
    ("modes in reversed order", instructions(lambda row, wires, n: (row, tuple(n - 1 - w for w in wires)))),
    ("modes of two-mode gates swapped", instructions(_swap_pair)),
    ("modes swapped where the second is 0", instructions(_second_wire_0)),
    ("modes of ControlledAddition swapped", instructions(_only("ControlledAddition"))),
    ("sign of Rotation", parameters("Rotation", lambda phi: [-phi])),
    ("sign of the phase of Displacement", parameters("Displacement", lambda a, phi: [a, -phi])),
    ("sign of the phase of Beamsplitter", parameters("Beamsplitter", lambda theta, phi: [theta, -phi])),
    ("sign of the phase of Squeezing", parameters("Squeezing", lambda r, phi: [r, -phi])),
    ("parameters of Squeezing swapped", parameters("Squeezing", lambda r, phi: [phi / 9, r])),
    ("parameters of Beamsplitter swapped", parameters("Beamsplitter", lambda theta, phi: [phi, theta])),
    (
        "parameters of DisplacedSqueezedState swapped",
        parameters("DisplacedSqueezedState", lambda a, b, c, d: [c, d, a, b]),
    ),
    ("sign of TwoModeSqueezing", parameters("TwoModeSqueezing", lambda r, phi: [-r, phi])),
    ("hbar of QuadraticPhase", parameters("QuadraticPhase", lambda s: [2 * s])),
    ("transmission of amplitudes", parameters("LossChannel", lambda T: [T**2])),
    ("twice the photons of ThermalState", parameters("ThermalState", lambda nbar: [2 * nbar])),
    ("adjoint dropped", instructions(_undone("Adjoint("))),
    ("powers dropped", instructions(_undone("**"))),
    ("interferometer transposed", _of_constants("InterferometerUnitary", np.transpose)),
    ("U conjugated", _of_constants("InterferometerUnitary", np.conj)),
    ("batch rows shuffled", answers(lambda found, n: found[::-1])),
    ("a stale result", {"answer": _cached_result}),
    ("a stale program", {"circuit": _cached_program}),
    ("a preparation that keeps what was there", {"circuit": _keeping}),
]
GAUSSIAN = [
    ("order x1, p1, x2, p2", answers(_interleaved)),
    ("hbar = 1 in the covariance", answers(_scaled(1.0, 0.5))),
    ("hbar = 1 in the mean", answers(_scaled(np.sqrt(0.5), 1.0))),
    ("mean lost", answers(_scaled(0.0, 1.0))),
    ("no noise with the loss", redefined("LossChannel", definition=_lossless)),
    ("GaussianState in the order x1, p1", _of_constants("GaussianState", lambda V: V[::-1, ::-1])),
    ("a warning at every run", {"answer": _warning}),
]


def _axes_reversed(found: np.ndarray, n: int) -> np.ndarray:
    """The modes of kets, or of both sides of density matrices, in reversed order; cutoffs of this kit's."""
    side = round(found.shape[1] ** (1 / n)) if n else 1
    if side**n != found.shape[1] or side not in (12, 24):
        return found
    return found.reshape(len(found), *(side,) * n).transpose(0, *range(n, 0, -1)).reshape(len(found), -1)


def _renormalised(found: np.ndarray, n: int) -> np.ndarray:
    """Kets of norm 1, whatever is lost."""
    size = found.shape[1]
    norm = np.linalg.norm(found, axis=1, keepdims=True)
    return found / norm if size in (4, 12, 16) else found


def _matrices_transposed(found: np.ndarray, n: int) -> np.ndarray:
    side = round(np.sqrt(found.shape[1]))
    if side not in (144, 576):
        return found
    return found.reshape(-1, side, side).transpose(0, 2, 1).reshape(len(found), -1)


def _ket_transposed(row: Operation, wires: tuple[int, ...], n: int) -> Any:
    return row, wires[::-1] if row.name == "FockStateVector" else wires


FOCK = [
    ("sign of Kerr", parameters("Kerr", lambda kappa: [-kappa])),
    ("half of CrossKerr", parameters("CrossKerr", lambda kappa: [kappa / 2])),
    ("hbar of CubicPhase", parameters("CubicPhase", lambda gamma: [gamma / 2])),
    ("sign of CubicPhase", parameters("CubicPhase", lambda gamma: [-gamma])),
    ("parity of CatState ignored", parameters("CatState", lambda a, phi, p: [a, phi, 0 * p])),
    ("axes of a ket reversed", answers(_axes_reversed)),
    ("density matrices transposed", answers(_matrices_transposed)),
    ("lost norm hidden", answers(_renormalised)),
    ("axes of FockStateVector swapped", instructions(_ket_transposed)),
    ("loss ignored", parameters("LossChannel", lambda T: [0 * T + 1])),
    ("photons of FockState in the wrong modes", instructions(_only("FockState"))),
]
# The items that find a fault, by its name or its last word; else it shows in every circuit.
FOUND_BY = {
    **{row: f"test_row[{row}" for row in (*ROWS, *FAMILIES)},
    "wires of CRY swapped": "test_row[CRY",
    "wires of SingleExcitation swapped": "test_row[SingleExcitation",
    "wires of three-wire gates reversed": "test_row[Toffoli",
    "sign of RX": "test_model",
    "parameters of Rot swapped": "test_row[Rot",
    "parameters of U3 turned round": "test_row[U3",
    "parameters of CRot swapped": "test_row[CRot",
    "ISWAP without i": "test_row[ISWAP",
    "CPhaseShift10 as CPhaseShift01": "test_row[CPhaseShift10",
    "SX as RX(pi/2): a phase less": "test_row[SX",
    "CZ as CNOT": "test_row[CZ",
    "adjoint dropped": "test_adjoint",
    "powers dropped": "test_power",
    "control values dropped": "test_ctrl",
    "control values of MultiControlledX dropped": "test_row[MultiControlledX",
    "ket with its bits reversed": "test_row[StatePrep",
    "preparations on the first wires": "test_preparations_beside",
    "global phase dropped": "test_the_state_has_its_phase",
    "batch rows shuffled": "test_a_batch_is_its_rows",
    "every row the first": "test_rows_of_a_batch",
    "a stale result": "test_results_do_not_depend",
    "a stale program": "test_constants_are_part",
    "numbers shared between threads": "test_two_threads",
    "the global seed set": "test_the_process",
    "a claimed row that it cannot run": "test_row[ECR",
    "no pickle": "test_a_device_is_pickled",
    "vjp with the other sign": "test_gradient",
    "vjp of the first row for all": "test_gradient_of_a_batch",
    "bits of sorted wires": "test_samples_of_wires",
    "always the same seed": "test_every_call_draws_anew",
    "the seed ignored": "test_the_seed_fixes",
    "a tenth of the shots drawn": "test_samples_have",
    "one shot repeated": "test_shots_differ",
    "a hidden number of shots": "test_as_many_samples",
    "the first task's shots for all": "test_tasks_of_a_job",
    "a readout error of 3 %": "test_samples_have",
    "wires sampled one by one": "test_shots_are_read_jointly",
    "one stream for every row": "test_samples_of_a_batch",
    "modes of ControlledAddition swapped": "test_cross_moments",
    "parameters of DisplacedSqueezedState swapped": "test_row[DisplacedSqueezedState",
    "transmission of amplitudes": "test_row[LossChannel",
    "U transposed": "test_row[QubitUnitary",
    "interferometer transposed": "test_row[InterferometerUnitary",
    "U conjugated": "test_row[InterferometerUnitary",
    "a preparation that keeps what was there": "test_preparing_a_mode_again",
    "no noise with the loss": "test_row[LossChannel",
    "GaussianState in the order x1, p1": "test_row[GaussianState",
    "parity of CatState ignored": "test_row[CatState",
    "axes of a ket reversed": "test_a_pure_state",
    "density matrices transposed": "test_a_mixed_state",
    "lost norm hidden": "test_too_low_a_cutoff",
    "axes of FockStateVector swapped": "test_state_vectors",
    "loss ignored": "test_row[LossChannel",
    "photons of FockState in the wrong modes": "test_row[FockState",
    "modes swapped where the second is 0": "test_cross_moments",
    "wires swapped where the second is 0": "test_row[CNOT",
    "sign of Rotation": "test_model",
    "sign of TwoModeSqueezing": "test_model",
}
FAULTS = [
    Fault(f"{title}: {name}", base, hooks, FOUND_BY.get(name) or FOUND_BY.get(name.split()[-1], "test_model"))
    for title, base, faults in (
        ("qubit", PlainQubit, QUBIT),
        ("native", Native, NATIVE),
        ("sampling", Sampling, SAMPLING),
        ("Gaussian", DefaultGaussian, [*MODES, *GAUSSIAN]),
        ("Fock", DefaultFock, [*MODES, *FOCK]),
    )
    for name, hooks in faults
]


# what finds the faults of a base must find nothing in it
BEGINNINGS = {
    base: sorted({fault.found_by for fault in FAULTS if fault.base is base})
    for base in (PlainQubit, DefaultGaussian, DefaultFock)
}


def kit(device: type[Device], base: type[Device]) -> type:
    return type("Kit", (KITS[base],), {"device": device})


def failures(owner: type, beginning: str = "test_") -> Iterator[tuple[str, BaseException]]:
    """Every item of this beginning that fails, and how."""
    for item in items(owner):
        if item.name.startswith(beginning):
            try:
                item.run()
            except (Exception, pytest.fail.Exception) as error:
                yield item.name, error


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_planted_fault_is_caught(fault):
    assert next(failures(kit(fault.device(), fault.base), fault.found_by), None) is not None


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("base", [Native, Sampling])
def test_nothing_is_caught_where_nothing_is_wrong(base, part):
    for item in list(items(kit(base, base)))[part::16]:  # a quarter of the kit, in four parts for the workers
        item.run()


@pytest.mark.parametrize("base, beginnings", BEGINNINGS.items())
def test_the_hooks_alone_are_no_fault(base, beginnings):
    owner = kit(Fault("none", base, {}, "").device(), base)
    for beginning in beginnings:
        assert [(name, str(error)) for name, error in failures(owner, beginning)] == []


def test_a_looser_tolerance_needs_its_reason():
    type("Fine", (QubitConformance,), {"tolerance": 1e-4, "reason": "single precision"})
    type("Tighter", (QubitConformance,), {"tolerance": 1e-10})
    for looser in ({"tolerance": 1e-4}, {"gradient_tolerance": 1e-2}, {"loose": {"RX": (1e-3, "")}}):
        with pytest.raises(PluginError, match="reason"):
            type("Loose", (QubitConformance,), looser)


@pytest.mark.parametrize(
    "owner, least", [(QubitConformance, 900), (GaussianConformance, 400), (FockConformance, 400)]
)
def test_the_kit_is_large_and_its_items_have_names(owner, least):
    names = [item.name for item in items(owner)]
    assert len(set(names)) == len(names) >= least
