"""Faults of devices of qubits: in their gates, their own measurements, and their shots."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from planted_faults import (
    PURE,
    Native,
    Sampling,
    answers,
    cached_program,
    cached_result,
    instructions,
    of_constants,
    only,
    parameters,
    redefined,
    second_wire_0,
    swap_pair,
    undone,
    warning,
)

from hybridge.circuit import Circuit
from hybridge.device import Task
from hybridge.operations.derived import controlled
from hybridge.operations.table import FAMILIES, ROWS, Operation
from hybridge.readout.qubit_states import PureStates
from hybridge_default.qubit_numpy import PlainQubit


def _all_ones(row: Operation, wires: tuple[int, ...], n: int) -> Any:
    if row.name.startswith("C["):
        core, values = row.origin[1][1:]  # type: ignore[index]
        return controlled(core, (1,) * len(values)), wires
    return row, wires


def _controls_of_family(row: Operation, wires: tuple[int, ...], n: int) -> Any:
    return (FAMILIES["MultiControlledX"].of(row.num_wires) if row.name == "MultiControlledX" else row), wires


def _bits_reversed(found: np.ndarray, n: int) -> np.ndarray:
    return found.reshape(len(found), *(2,) * n).transpose(0, *range(n, 0, -1)).reshape(len(found), -1)


def _without_phase(found: np.ndarray, n: int) -> np.ndarray:
    largest = found[np.arange(len(found)), np.abs(found).argmax(axis=1)][:, None]
    return found * np.abs(largest) / largest


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
    ("wires of two-wire gates swapped", instructions(swap_pair)),
    ("wires swapped where the second is 0", instructions(second_wire_0)),
    ("wires of CRY swapped", instructions(only("CRY"))),
    ("wires of SingleExcitation swapped", instructions(only("SingleExcitation"))),
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
    ("adjoint dropped", instructions(undone("Adjoint("))),
    ("powers dropped", instructions(undone("**"))),
    ("control values dropped", instructions(_all_ones)),
    ("control values of MultiControlledX dropped", instructions(_controls_of_family)),
    ("U transposed", of_constants("QubitUnitary", np.transpose)),
    (
        "ket with its bits reversed",
        of_constants("StatePrep", lambda v: _bits_reversed(v[None], len(v).bit_length() - 1)[0]),
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
    ("a stale result", {"answer": cached_result}),
    ("a stale program", {"circuit": cached_program}),
    ("numbers shared between threads", {"numbers": _shared_numbers, "answer": _one_buffer}),
    ("the global seed set", {"answer": _reseeding}),
    ("a warning at every run", {"answer": warning}),
    ("a claimed row that it cannot run", {"circuit": _refusing}),
    ("no pickle", {"__init__": _unpicklable}),
    ("a claim of no row", {"capabilities": replace(PlainQubit.capabilities, operations=PURE | {"CNTO"})}),
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
