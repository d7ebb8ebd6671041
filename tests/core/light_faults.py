"""Faults of devices of light: in their gates, their moments, and their kets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from planted_faults import (
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

from hybridge.circuit import Circuit, Instruction
from hybridge.operations.table import ROWS, Operation


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
    ("modes of two-mode gates swapped", instructions(swap_pair)),
    ("modes swapped where the second is 0", instructions(second_wire_0)),
    ("modes of ControlledAddition swapped", instructions(only("ControlledAddition"))),
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
    ("adjoint dropped", instructions(undone("Adjoint("))),
    ("powers dropped", instructions(undone("**"))),
    ("interferometer transposed", of_constants("InterferometerUnitary", np.transpose)),
    ("U conjugated", of_constants("InterferometerUnitary", np.conj)),
    ("batch rows shuffled", answers(lambda found, n: found[::-1])),
    ("a stale result", {"answer": cached_result}),
    ("a stale program", {"circuit": cached_program}),
    ("a preparation that keeps what was there", {"circuit": _keeping}),
]
GAUSSIAN = [
    ("order x1, p1, x2, p2", answers(_interleaved)),
    ("hbar = 1 in the covariance", answers(_scaled(1.0, 0.5))),
    ("hbar = 1 in the mean", answers(_scaled(np.sqrt(0.5), 1.0))),
    ("mean lost", answers(_scaled(0.0, 1.0))),
    ("no noise with the loss", redefined("LossChannel", definition=_lossless)),
    ("GaussianState in the order x1, p1", of_constants("GaussianState", lambda V: V[::-1, ::-1])),
    ("a warning at every run", {"answer": warning}),
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
    ("photons of FockState in the wrong modes", instructions(only("FockState"))),
]
