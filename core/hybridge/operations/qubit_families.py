"""The qubit gates on any number of wires, from the identity to Pauli rotations."""

from __future__ import annotations

from collections.abc import Hashable
from functools import reduce
from itertools import pairwise
from math import pi
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.operations import constants, synthesis
from hybridge.operations.matrices import controlled, phases, rotation
from hybridge.operations.pauli import MATRICES
from hybridge.operations.qubit_entangling import CNOT
from hybridge.operations.qubit_gates import RX, RZ, H
from hybridge.operations.spectrum import Trig
from hybridge.operations.table import Affine, Family, Operation, Step, step


def _identity(num_wires: int) -> Operation:
    return Operation(
        "I",
        "qubit",
        num_wires,
        definition=lambda: np.eye(2**num_wires, dtype=complex),
        inverse="self",
        pauli={"I": 1.0},
        decomposition=lambda *wires: [],
        formula=I.formula,
    )


I: Family = Family(  # noqa: E741 - the name the field uses
    "I",
    "qubit",
    (),
    (),
    _identity,
    defaults={"wires": ()},
    formula="the identity",
    examples=[(1, ()), (2, ())],
)


def _global_phase(num_wires: int) -> Operation:
    return Operation(
        "GlobalPhase",
        "qubit",
        num_wires,
        ("phi",),
        definition=lambda phi: phases(phi, np.full(2**num_wires, -1.0)),
        spectrum=(Trig(),),
        exponent=("phi",),
        formula=GlobalPhase.formula,
    )


GlobalPhase: Family = Family(
    "GlobalPhase",
    "qubit",
    ("phi",),
    ("phi",),
    _global_phase,
    defaults={"wires": ()},
    formula="exp(-i phi), on any number of wires or none",
    examples=[(0, ()), (1, ()), (2, ())],
)


def _multi_rz(num_wires: int) -> Operation:
    if num_wires < 1:
        raise CircuitError("MultiRZ(theta, wires) acts on at least 1 wire; got none")
    parity = reduce(np.kron, [np.array([-0.5, 0.5])] + [np.array([1.0, -1.0])] * (num_wires - 1))

    def decomposition(*wires: Hashable) -> list[Step]:
        ladder = [step(CNOT, pair) for pair in pairwise(wires)]
        return [*ladder, step(RZ, wires[-1], "theta"), *reversed(ladder)]

    return Operation(
        "MultiRZ",
        "qubit",
        num_wires,
        ("theta",),
        definition=lambda theta: phases(theta, parity),
        spectrum=(Trig(1),),
        exponent=("theta",),
        decomposition=decomposition,
        formula=MultiRZ.formula,
    )


MultiRZ: Family = Family(
    "MultiRZ",
    "qubit",
    ("theta",),
    ("theta",),
    _multi_rz,
    formula="exp(-i theta/2 Z...Z)",
    examples=[(1, ()), (2, ()), (3, ())],
)


def _check_word(num_wires: int, pauli_word: Any) -> tuple[str]:
    if not isinstance(pauli_word, str) or set(pauli_word) - set("IXYZ"):
        raise CircuitError(f"PauliRot needs a word of the letters I, X, Y, Z; got {pauli_word!r}")
    if len(pauli_word) != num_wires:
        raise CircuitError(
            f"PauliRot needs one letter for each wire; got {pauli_word!r} for {num_wires} wires"
        )
    return (pauli_word,)


def _pauli_rot(num_wires: int, pauli_word: str) -> Operation:
    into = {"X": lambda w: step(H, w), "Y": lambda w: step(RX, w, pi / 2)}
    back = {"X": lambda w: step(H, w), "Y": lambda w: step(RX, w, -pi / 2)}

    def decomposition(*wires: Hashable) -> list[Step]:
        active = [(w, s) for w, s in zip(wires, pauli_word, strict=True) if s != "I"]
        if not active:
            return [step(GlobalPhase.of(0), (), ("theta", 0.5))]
        return [
            *(into[s](w) for w, s in active if s != "Z"),
            step(MultiRZ.of(len(active)), tuple(w for w, _ in active), "theta"),
            *(back[s](w) for w, s in active if s != "Z"),
        ]

    def definition(theta: Any) -> np.ndarray:
        return rotation(theta, reduce(np.kron, (MATRICES[s] for s in pauli_word), np.eye(1)))

    return Operation(
        "PauliRot",
        "qubit",
        num_wires,
        ("theta",),
        definition=definition,
        spectrum=(Trig(1) if set(pauli_word) - {"I"} else Trig(),),
        exponent=("theta",),
        decomposition=decomposition,
        constants=(pauli_word,),
        formula=PauliRot.formula,
        label=f"R{pauli_word}",
    )


PauliRot: Family = Family(
    "PauliRot",
    "qubit",
    ("theta", "pauli_word"),
    ("theta",),
    _pauli_rot,
    _check_word,
    formula="exp(-i theta/2 P) for the Pauli word P, one letter of I, X, Y, Z for each wire",
    examples=[(1, ("Y",)), (3, ("XYZ",)), (3, ("ZIX",)), (2, ("II",))],
)


def _check_controls(num_wires: int, control_values: Any) -> tuple[tuple[int, ...]]:
    if num_wires < 1:
        raise CircuitError("MultiControlledX(wires) needs at least its target wire, the last one; got none")
    values = [1] * (num_wires - 1) if control_values is None else control_values
    return (constants.bits("MultiControlledX", "control_values", values, num_wires - 1),)


def _multi_controlled_x(num_wires: int, values: tuple[int, ...]) -> Operation:
    def decomposition(*wires: Hashable) -> list[Step]:
        controls = wires[:-1]
        return synthesis.where(values, controls, synthesis.controlled_x(controls, wires[-1]))

    return Operation(
        "MultiControlledX",
        "qubit",
        num_wires,
        definition=lambda: controlled(MATRICES["X"], values),
        inverse="self",
        decomposition=decomposition,
        constants=(values,),
        formula=MultiControlledX.formula,
        label="X",
    )


MultiControlledX: Family = Family(
    "MultiControlledX",
    "qubit",
    ("wires", "control_values"),
    (),
    _multi_controlled_x,
    _check_controls,
    defaults={"control_values": None},
    formula="X on the last wire where the others read control_values (default: all ones)",
    examples=[(1, ()), (2, ((0,),)), (3, ()), (4, ((1, 0, 1),)), (5, ()), (6, ((1, 1, 0, 1, 0),))],
)


def _check_dim(num_wires: int, dim: Any) -> tuple[int]:
    if (
        isinstance(dim, (bool, np.bool_))
        or not isinstance(dim, (int, np.integer))
        or not 0 <= dim <= 2**num_wires
    ):
        raise CircuitError(f"PCPhase on {num_wires} wires needs a dim of 0..{2**num_wires}; got {dim!r}")
    return (int(dim),)


def _pcphase(num_wires: int, dim: int) -> Operation:
    def definition(phi: Any) -> np.ndarray:
        return phases(phi, np.where(np.arange(2**num_wires) < dim, 1.0, -1.0))

    def decomposition(*wires: Hashable) -> list[Step]:
        steps = [step(GlobalPhase.of(0), (), "phi")]
        if dim == 2**num_wires:
            return [step(GlobalPhase.of(0), (), ("phi", -1))]
        # the numbers below dim, one block for each of its ones: the bits before it, 0 there, any bits after
        for length in range(1, num_wires + 1):
            prefix = dim >> (num_wires - length)
            if prefix & 1:
                bits = tuple(int(b) for b in f"{prefix ^ 1:0{length}b}")
                controls = wires[:length]
                steps += synthesis.where(
                    bits, controls, synthesis.controlled_phase(controls, Affine("phi", 2.0))
                )
        return steps

    return Operation(
        "PCPhase",
        "qubit",
        num_wires,
        ("phi",),
        definition=definition,
        spectrum=(Trig(2) if 0 < dim < 2**num_wires else Trig(),),
        exponent=("phi",),
        decomposition=decomposition,
        constants=(dim,),
        formula=PCPhase.formula,
    )


PCPhase: Family = Family(
    "PCPhase",
    "qubit",
    ("phi", "dim"),
    ("phi",),
    _pcphase,
    _check_dim,
    formula="exp(i phi) on the first dim basis states, exp(-i phi) on the others",
    examples=[(1, (1,)), (2, (3,)), (3, (5,)), (2, (0,)), (2, (4,))],
)

Identity = I
