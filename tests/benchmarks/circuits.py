"""The circuits that are compared, each written once as a list of gates, whatever the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Gate(NamedTuple):
    """A gate as hybridge names it, its wires, and its angle: a fixed one, or the parameter in a slot."""

    name: str
    wires: tuple[int, ...]
    slot: int | None = None
    angle: float | None = None
    word: str = ""  # of PauliRot

    def theta(self, params: np.ndarray) -> float:
        return params[self.slot] if self.slot is not None else self.angle


class Term(NamedTuple):
    """coefficient times a Pauli word, letter k on wire k of `wires`."""

    coefficient: float
    word: str
    wires: tuple[int, ...]


class Problem(NamedTuple):
    """Gates from |0...0>, the Pauli sum whose expectation is asked for, and parameters (P,) or (batch, P)."""

    wires: int
    gates: tuple[Gate, ...]
    terms: tuple[Term, ...]
    params: np.ndarray


SHOTS = 1000  # of a sampled gradient
Z0 = (Term(1.0, "Z", (0,)),)


def ring(wires: int) -> tuple[Term, ...]:
    """2n terms: ZZ between neighbours, X on each wire."""
    pairs = [Term(1.0, "ZZ", (w, (w + 1) % wires)) for w in range(wires)]
    return (*pairs, *(Term(0.5, "X", (w,)) for w in range(wires)))


def _problem(
    wires: int, gates: Iterator[Gate], terms: tuple[Term, ...] = Z0, batch: int | None = None
) -> Problem:
    """The problem of these gates, at seeded parameters between 0 and 1."""
    found = tuple(gates)
    slots = 1 + max((g.slot for g in found if g.slot is not None), default=-1)
    shape = (slots,) if batch is None else (batch, slots)
    return Problem(wires, found, terms, np.random.default_rng(1).uniform(0, 1, shape))


def four_gates() -> Problem:
    """RX, RY, CNOT, RZ on two qubits."""
    gates = [Gate("RX", (0,), 0), Gate("RY", (1,), 1), Gate("CNOT", (0, 1)), Gate("RZ", (1,), 2)]
    return _problem(2, iter(gates))


def hea(wires: int, batch: int | None = None, terms: tuple[Term, ...] = Z0, layers: int = 4) -> Problem:
    """The hardware-efficient ansatz: per layer RY and RZ on each qubit, then a ring of CNOT."""

    def gates() -> Iterator[Gate]:
        for layer in range(layers):
            for w in range(wires):
                slot = 2 * (layer * wires + w)
                yield Gate("RY", (w,), slot)
                yield Gate("RZ", (w,), slot + 1)
            for w in range(wires):
                yield Gate("CNOT", (w, (w + 1) % wires))

    return _problem(wires, gates(), terms, batch)


def noisy(wires: int, layers: int = 4, batch: int | None = None) -> Problem:
    """The ansatz with depolarizing noise after every rotation and damping after every CNOT."""

    def gates() -> Iterator[Gate]:
        for layer in range(layers):
            for w in range(wires):
                slot = 2 * (layer * wires + w)
                for name, own in (("RY", slot), ("RZ", slot + 1)):
                    yield Gate(name, (w,), own)
                    yield Gate("DepolarizingChannel", (w,), angle=0.01)
            for w in range(wires):
                pair = (w, (w + 1) % wires)
                yield Gate("CNOT", pair)
                for wire in pair:
                    yield Gate("AmplitudeDamping", (wire,), angle=0.02)

    return _problem(wires, gates(), batch=batch)


def qaoa(wires: int, layers: int = 4) -> Problem:
    """MaxCut on the Moebius ladder, a 3-regular graph with an even number of vertices."""
    edges = [(w, (w + 1) % wires) for w in range(wires)] + [(w, w + wires // 2) for w in range(wires // 2)]

    def gates() -> Iterator[Gate]:
        for w in range(wires):
            yield Gate("H", (w,))
        for layer in range(layers):
            for edge in edges:
                yield Gate("IsingZZ", edge, 2 * layer)
            for w in range(wires):
                yield Gate("RX", (w,), 2 * layer + 1)

    return _problem(wires, gates(), tuple(Term(0.5, "ZZ", edge) for edge in edges))


def ucc(wires: int, layers: int = 2) -> Problem:
    """Excitations from a half filling, as in unitary coupled clusters: single ones, then double ones."""
    half = wires // 2

    def gates() -> Iterator[Gate]:
        for w in range(half):
            yield Gate("X", (w,))
        slot = 0
        for layer in range(layers):
            for w in range(half):
                yield Gate("SingleExcitation", (w, half + (w + layer) % half), slot)
                slot += 1
            for w in range(half - 1):
                a = half + (w + layer) % (half - 1)
                yield Gate("DoubleExcitation", (w, w + 1, a, a + 1), slot)
                slot += 1

    return _problem(wires, gates())


def qft(wires: int) -> Problem:
    """A product state, then the quantum Fourier transform: H, controlled phases between all, swaps."""

    def gates() -> Iterator[Gate]:
        for w in range(wires):
            yield Gate("RY", (w,), w)
        for w in range(wires):
            yield Gate("H", (w,))
            for other in range(w + 1, wires):
                yield Gate("ControlledPhaseShift", (other, w), angle=np.pi / 2 ** (other - w))
        for w in range(wires // 2):
            yield Gate("SWAP", (w, wires - 1 - w))

    return _problem(wires, gates())


# name -> number of wires; PauliRot has two or three
SCATTERED = {
    **{"H": 1, "RX": 1, "RY": 1, "RZ": 1, "T": 1},
    **{"CNOT": 2, "CZ": 2, "SWAP": 2, "CRX": 2, "CRY": 2, "CRZ": 2, "IsingXX": 2, "PauliRot": 0},
}


def scattered(wires: int, each: int = 8) -> Problem:
    """Random gates on random wires, controlled rotations and rotations about Pauli words among them."""
    rng = np.random.default_rng(7)

    def gates() -> Iterator[Gate]:
        slot = 0
        for w in range(wires):
            yield Gate("H", (w,))
        for _ in range(each * wires):
            name = str(rng.choice(list(SCATTERED)))
            count = SCATTERED[name] or int(rng.integers(2, 4))
            chosen = tuple(int(w) for w in rng.permutation(wires)[:count])
            word = "".join(rng.choice(list("XYZ"), count)) if name == "PauliRot" else ""
            turned = name.startswith(("R", "CR", "Ising", "Pauli"))
            yield Gate(name, chosen, slot if turned else None, None, word)
            slot += turned

    return _problem(wires, gates())
