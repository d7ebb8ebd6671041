"""A circuit as one parametrised Quil program."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pyquil import Program
from pyquil.quilbase import DefGate

from hybridge_forest.translate import Angle, Gate


@dataclass(frozen=True, eq=False)
class QuilProgram:
    """Gates whose angles read a row of `num_slots` numbers; made once, never changed by running."""

    num_wires: int
    num_slots: int
    num_states: int  # how often the state is asked for
    gates: tuple[Gate, ...]

    @property
    def quil(self) -> str:
        """The program as Quil text: qubit q is wire q, `theta[i]` is number i of a row, radians."""
        return self._head + self._body

    def native(self) -> str:
        """The program as Quil text."""
        return self.quil

    def bound(self, row: Sequence[float]) -> str:
        """The text with a row of numbers: written into `theta` at its beginning."""
        return "".join((self._head, *(f"{move}\n" for move in moves(row)), self._body))

    @cached_property
    def _head(self) -> str:
        """What is declared and defined. Made when first asked for: not every simulator needs text."""
        matrices = {name: matrix for name, matrix in map(named, self.gates) if matrix is not None}
        return declarations({"theta": ("REAL", self.num_slots)}, matrices)

    @cached_property
    def _body(self) -> str:
        """The gates. Every wire gets an `I`, because the QVM leaves out qubits that no instruction names."""
        lines = [f"I {q}" for q in range(self.num_wires)]
        lines += [written(gate) for gate in self.gates]
        return Program("\n".join(lines)).out()  # from text: MemoryReference times a number warns


def moves(row: Sequence[float]) -> list[str]:
    """The lines that write a row of numbers into `theta`."""
    return [f"MOVE theta[{i}] {float(x)!r}" for i, x in enumerate(row)]


def declarations(memory: Mapping[str, tuple[str, int]], matrices: Mapping[str, np.ndarray]) -> str:
    """Memory by name, with its type and length, and gates by name, with their matrices, as Quil."""
    declared = [f"DECLARE {name} {kind}[{length}]" for name, (kind, length) in memory.items() if length]
    return (Program("\n".join(declared)) + [DefGate(*item) for item in matrices.items()]).out()


def written(gate: Gate) -> str:
    """The gate's line of Quil."""
    return f"{named(gate)[0]}{_brackets(gate.angle)} {' '.join(map(str, gate.wires))}"


def _brackets(angle: Angle | None) -> str:
    """An angle as Quil writes it: nothing, a number, or a number times a declared one."""
    if angle is None:
        return ""
    if angle.slot is None:
        return f"({angle.scale!r})"
    return f"(theta[{angle.slot}])" if angle.scale == 1 else f"({angle.scale!r}*theta[{angle.slot}])"


def named(gate: Gate) -> tuple[str, np.ndarray | None]:
    """A gate's Quil name, and its matrix where it needs a DEFGATE: the name is then a hash of the content."""
    matrix = gate.matrix if gate.ket is None else preparing(gate.ket)
    if matrix is None:
        return gate.name, None
    return f"U_{digest(matrix)}", matrix


def digest(array: np.ndarray) -> str:
    """A name for the content of an array."""
    return hashlib.sha256(np.ascontiguousarray(array, dtype=complex).tobytes()).hexdigest()[:16]


def preparing(ket: np.ndarray) -> np.ndarray:
    """A unitary whose first column is `ket` (2^k,): a Householder reflection times a phase."""
    first = ket[0]
    phase = -first / abs(first) if first else 1.0
    mirror = -ket / phase  # with this sign of the phase nothing cancels where the ket is almost |0>
    mirror[0] += 1
    return phase * (np.eye(len(ket)) - 2 * np.outer(mirror, mirror.conj()) / np.vdot(mirror, mirror))
