"""The preparations of qubit states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.operations import constants, synthesis
from hybridge.operations.matrices import number
from hybridge.operations.qubit_gates import X
from hybridge.operations.table import Constant, Family, Operation, step


def _check_basis(num_wires: int, state: Any) -> tuple[tuple[int, ...]]:
    if isinstance(state, (int, np.integer)) and not isinstance(state, (bool, np.bool_)) and num_wires != 1:
        if not 0 <= state < 2**num_wires:
            raise CircuitError(
                f"BasisState on {num_wires} wires takes a number of 0..{2**num_wires - 1}; got {state!r}"
            )
        state = [int(b) for b in f"{int(state):0{num_wires}b}"[:num_wires]]
    return (constants.bits("BasisState", "bits", state, num_wires),)


def _basis_state(num_wires: int, bits: tuple[int, ...]) -> Operation:
    def definition() -> np.ndarray:
        out = np.zeros(2**num_wires, dtype=complex)
        out[number(bits)] = 1
        return out

    return Operation(
        "BasisState",
        "qubit",
        num_wires,
        kind="state",
        definition=definition,
        decomposition=lambda *wires: [step(X, w) for w, bit in zip(wires, bits, strict=True) if bit],
        constants=(bits,),
        formula=BasisState.formula,
        label="|" + "".join(map(str, bits)) + "⟩",
    )


BasisState: Family = Family(
    "BasisState",
    "qubit",
    ("state",),
    (),
    _basis_state,
    _check_basis,
    formula="the basis state of these bits, one for each wire (or the number they write)",
    examples=[(1, ([1],)), (3, ([0, 1, 1],)), (3, (5,))],
)


def _check_ket(num_wires: int, state: Any, pad_with: Any, normalize: Any) -> tuple[Constant]:
    subject, size = f"StatePrep on {num_wires} wires", 2**num_wires
    ket = constants.array(subject, "state", state)
    short = ket.ndim == 1 and len(ket) < size
    if short and pad_with is not None:
        filling = constants.array(subject, "pad_with", pad_with)
        ket = np.concatenate([ket, np.full(size - len(ket), filling)])
    elif ket.shape != (size,):
        raise CircuitError(
            f"{subject} needs a state of shape {(size,)}; got {ket.shape}"
            + ("; pad_with=0 fills up a shorter one" if short else "")
        )
    norm = np.linalg.norm(ket)
    if normalize and norm:
        ket = ket / norm
    return (constants.normalised(subject, "state", ket, "normalize=True divides by it" if norm else ""),)


def _check_mottonen(num_wires: int, state_vector: Any) -> tuple[Constant]:
    subject = f"MottonenStatePreparation on {num_wires} wires"
    ket = constants.array(subject, "state_vector", state_vector, (2**num_wires,))
    return (constants.normalised(subject, "state_vector", ket),)


def _state_prep(num_wires: int, constant: Constant) -> Operation:
    ket = constant.array
    return Operation(
        "StatePrep",
        "qubit",
        num_wires,
        kind="state",
        definition=lambda: ket,
        decomposition=lambda *wires: [step(MottonenStatePreparation.of(num_wires, ket), wires)],
        constants=(constant,),
        formula=StatePrep.formula,
        label="|ψ⟩",
    )


_IRREGULAR = np.cos(1.7 * np.arange(8.0) ** 2 + 1j)
_EXAMPLE_KETS: Sequence[tuple[int, tuple[Any, ...]]] = [
    (1, ([0.6, -0.8j],)),
    (2, ([0, 0, 0, 1j],)),
    (3, (_IRREGULAR / np.linalg.norm(_IRREGULAR),)),
]

StatePrep: Family = Family(
    "StatePrep",
    "qubit",
    ("state", "wires", "pad_with", "normalize"),
    (),
    _state_prep,
    _check_ket,
    defaults={"pad_with": None, "normalize": False},
    formula="the ket state (2^k,) of norm 1; pad_with fills up a shorter one, normalize divides by its norm",
    examples=[*_EXAMPLE_KETS, (2, ([3, 4j], 0, True))],
)


def _mottonen(num_wires: int, constant: Constant) -> Operation:
    # no matrix: its columns but the first are whatever the circuit makes of them, and 4^n numbers
    return Operation(
        "MottonenStatePreparation",
        "qubit",
        num_wires,
        decomposition=lambda *wires: synthesis.ket(constant.array, wires),
        constants=(constant,),
        formula=MottonenStatePreparation.formula,
        label="|ψ⟩",
    )


MottonenStatePreparation: Family = Family(
    "MottonenStatePreparation",
    "qubit",
    ("state_vector",),
    (),
    _mottonen,
    _check_mottonen,
    formula="a gate that takes |0...0> to the ket state_vector (2^k,), its phase included",
    examples=_EXAMPLE_KETS,
)


def _check_density(num_wires: int, rho: Any) -> tuple[Constant]:
    subject = f"QubitDensityMatrix on {num_wires} wires"
    matrix = constants.array(subject, "rho", rho, (2**num_wires,) * 2)
    return (constants.density(subject, "rho", matrix),)


def _density(num_wires: int, constant: Constant) -> Operation:
    return Operation(
        "QubitDensityMatrix",
        "qubit",
        num_wires,
        kind="state",
        definition=lambda: constant.array,
        mixed=True,
        constants=(constant,),
        formula=QubitDensityMatrix.formula,
        label="ρ",
    )


QubitDensityMatrix: Family = Family(
    "QubitDensityMatrix",
    "qubit",
    ("rho",),
    (),
    _density,
    _check_density,
    formula="the density matrix rho (2^k, 2^k): Hermitian, positive, of trace 1",
    examples=[(1, ([[0.7, 0.2j], [-0.2j, 0.3]],)), (2, (np.diag([0.5, 0.25, 0.25, 0.0]),))],
)
