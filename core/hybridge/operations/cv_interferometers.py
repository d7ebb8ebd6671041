"""Mach-Zehnder interferometers: two modes, two balanced beamsplitters and two phases."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybridge.operations.cv_gates import Beamsplitter, Pair, Rotation, passive_hamiltonian
from hybridge.operations.spectrum import Trig
from hybridge.operations.table import row, step


def _passive(u: np.ndarray) -> Pair:
    """a -> u a, u (..., 2, 2)."""
    S = np.concatenate(
        [np.concatenate([u.real, -u.imag], axis=-1), np.concatenate([u.imag, u.real], axis=-1)], axis=-2
    )
    return S, np.zeros(S.shape[:-1])


def _matrix(a: Any, b: Any, c: Any, d: Any) -> np.ndarray:
    return np.stack([np.stack([a, b], axis=-1), np.stack([c, d], axis=-1)], axis=-2) / 2


def _mach_zehnder(phi_in: Any, phi_ex: Any) -> np.ndarray:
    inner, outer = np.broadcast_arrays(np.exp(1j * np.asarray(phi_in)), np.exp(1j * np.asarray(phi_ex)))
    return _matrix((inner - 1) * outer, 1j * (1 + inner), 1j * (1 + inner) * outer, 1 - inner)


def _symmetric(phi_in: Any, phi_ex: Any) -> np.ndarray:
    u, v = np.broadcast_arrays(np.exp(1j * np.asarray(phi_in)), np.exp(1j * np.asarray(phi_ex)))
    return _matrix(-1j * (u - v), u + v, u + v, 1j * (u - v))


MachZehnder = row(
    "MachZehnder",
    "cv",
    2,
    ("phi_in", "phi_ex"),
    definition=lambda phi_in, phi_ex: _passive(_mach_zehnder(phi_in, phi_ex)),
    hamiltonian=lambda phi_in, phi_ex: passive_hamiltonian(_mach_zehnder(phi_in, phi_ex)),
    spectrum=(Trig(1), Trig(1)),
    decomposition=lambda *wires: [
        step(Rotation, wires[:1], "phi_ex"),
        step(Beamsplitter, wires, np.pi / 4, np.pi / 2),
        step(Rotation, wires[:1], "phi_in"),
        step(Beamsplitter, wires, np.pi / 4, np.pi / 2),
    ],
    formula="R1(phi_ex), then BS(pi/4, pi/2), R1(phi_in), BS(pi/4, pi/2)",
    label="MZ",
)

SymmetricMachZehnder = row(
    "SymmetricMachZehnder",
    "cv",
    2,
    ("phi_in", "phi_ex"),
    definition=lambda phi_in, phi_ex: _passive(_symmetric(phi_in, phi_ex)),
    hamiltonian=lambda phi_in, phi_ex: passive_hamiltonian(_symmetric(phi_in, phi_ex)),
    spectrum=(Trig(1), Trig(1)),
    decomposition=lambda *wires: [
        step(Beamsplitter, wires, np.pi / 4, np.pi / 2),
        step(Rotation, wires[:1], ("phi_in", 1.0, -np.pi / 2)),
        step(Rotation, wires[1:], ("phi_ex", 1.0, -np.pi / 2)),
        step(Beamsplitter, wires, np.pi / 4, np.pi / 2),
    ],
    formula="BS(pi/4, pi/2), then R1(phi_in - pi/2) and R2(phi_ex - pi/2), BS(pi/4, pi/2)",
    label="sMZ",
)
