"""Exact circuits for kets, unitaries and multi-controlled gates, out of one-qubit gates, CNOT and Toffoli.

Every circuit is exact including its global phase. Angles are in radians and may be Affine in a parameter;
they stay so. Kets and matrices are indexed with the first wire most significant. Rows are looked up by name
when a circuit is made, because the rows' own decompositions are made here.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from hybridge.operations.table import FAMILIES, ROWS, Affine, Step, as_wires

Angle = float | Affine

_GRAY_CONTROLS = 4  # up to here 2^n rotations and CNOTs are fewer gates than the circuit of linear size
_NEGLIGIBLE = 1e-14  # radians: a rotation this small is left out


def gate(name: str, wires: Any, *angles: Angle) -> Step:
    """A step with the row of this name."""
    return Step(ROWS[name], as_wires(wires), angles)


def phase(angle: Angle) -> Step:
    """The step that multiplies by exp(i angle), on no wire."""
    return Step(FAMILIES["GlobalPhase"].of(0), (), (scaled(angle, -1),))


def scaled(angle: Angle, factor: float) -> Angle:
    """factor * angle."""
    if isinstance(angle, Affine):
        return Affine(angle.name, factor * angle.scale, factor * angle.offset)
    return factor * float(angle)


def where(values: Sequence[int], controls: Sequence[Hashable], steps: Sequence[Step]) -> list[Step]:
    """Steps controlled on ones, made to be controlled on these bits."""
    flips = [gate("X", wire) for wire, bit in zip(controls, values, strict=True) if not bit]
    return [*flips, *steps, *flips]


def eigenphases(unitary: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Angles (d,) in (-pi, pi] and V (d, d) with unitary = V diag(exp(i angles)) V^dagger, V unitary."""
    from scipy.linalg import schur  # scipy takes longer to import than hybridge itself

    # the triangle is diagonal for a normal matrix; eig's V need not be unitary
    triangle, vectors = schur(unitary, output="complex")
    angles = np.angle(np.diag(triangle))
    angles[angles < -np.pi + 1e-9] = np.pi  # rounding must not choose the branch of (-1)^z
    return angles, vectors


def uniform_rotation(
    axis: str, controls: Sequence[Hashable], target: Hashable, angles: Any, unit: Angle = 1.0
) -> list[Step]:
    """R(angles[a] * unit) on the target where the controls read a; axis "RY" or "RZ", angles (2^k,).

    2^k rotations and CNOTs in Gray code order: Moettoenen et al., quant-ph/0407010, eq. (3) and figure 2.
    """
    k = len(controls)
    spectrum = np.asarray(angles, dtype=float).reshape((2,) * k)
    for bit in range(k):
        zero, one = spectrum.take(0, bit), spectrum.take(1, bit)
        spectrum = np.stack([zero + one, zero - one], axis=bit) / 2
    flat = spectrum.reshape(-1)
    if np.abs(flat).max() < _NEGLIGIBLE:
        return []
    steps: list[Step] = []
    for i in range(2**k):
        code, following = i ^ (i >> 1), (i + 1) ^ (i + 1 >> 1)
        if abs(flat[code]) >= _NEGLIGIBLE:
            steps.append(gate(axis, target, scaled(unit, float(flat[code]))))
        if k:
            flipped = min((code ^ following).bit_length() - 1, k - 1)
            steps.append(gate("CNOT", (controls[k - 1 - flipped], target)))
    return steps


def diagonal(phases: np.ndarray, wires: Sequence[Hashable]) -> list[Step]:
    """diag(exp(i phases)), phases (2^n,)."""
    if not wires:
        return [phase(float(phases[0]))] if abs(phases[0]) >= _NEGLIGIBLE else []
    zero, one = phases[0::2], phases[1::2]
    rotations = uniform_rotation("RZ", wires[:-1], wires[-1], one - zero)
    return rotations + diagonal((zero + one) / 2, wires[:-1])


def ket(amplitudes: np.ndarray, wires: Sequence[Hashable]) -> list[Step]:
    """|0..0> -> the normalised ket (2^n,), its global phase included.

    Moettoenen et al., quant-ph/0407010, section 3, run backwards: magnitudes by RY, then all phases at once.
    """
    steps: list[Step] = []
    weights = np.abs(amplitudes) ** 2
    for i, wire in enumerate(wires):
        zero, one = np.sqrt(weights.reshape(2**i, 2, -1).sum(axis=2)).T
        steps += uniform_rotation("RY", wires[:i], wire, 2 * np.arctan2(one, zero))
    return steps + diagonal(np.where(weights > 0, np.angle(amplitudes), 0.0), wires)


def one_qubit(unitary: np.ndarray, wire: Hashable) -> list[Step]:
    """A (2, 2) unitary as RZ RY RZ and a global phase."""
    half = np.angle(np.linalg.det(unitary)) / 2
    (_, _), (below, corner) = unitary * np.exp(-1j * half)  # in SU(2)
    theta = 2 * np.arctan2(abs(below), abs(corner))
    total = 2 * np.angle(corner) if abs(corner) > _NEGLIGIBLE else 0.0
    difference = 2 * np.angle(below) if abs(below) > _NEGLIGIBLE else 0.0
    angles = [("RZ", (total - difference) / 2), ("RY", theta), ("RZ", (total + difference) / 2)]
    steps = [gate(name, wire, float(angle)) for name, angle in angles if abs(angle) >= _NEGLIGIBLE]
    return steps + ([phase(float(half))] if abs(half) >= _NEGLIGIBLE else [])


def unitary(matrix: np.ndarray, wires: Sequence[Hashable]) -> list[Step]:
    """A (2^n, 2^n) unitary by the quantum Shannon decomposition.

    Shende, Bullock, Markov, quant-ph/0406176, theorem 13.
    """
    if not wires:
        return diagonal(np.angle(matrix.reshape(1)), wires)
    if np.array_equal(matrix, np.diag(np.diag(matrix))):
        return diagonal(np.angle(np.diag(matrix)), wires)
    if len(wires) == 1:
        return one_qubit(matrix, wires[0])
    from scipy.linalg import cossin  # scipy takes longer to import than hybridge itself

    half = len(matrix) // 2
    left, angles, right = cossin(matrix, p=half, q=half, separate=True)
    rotation = uniform_rotation("RY", wires[1:], wires[0], 2 * angles)
    return [*_multiplexed(right, wires), *rotation, *_multiplexed(left, wires)]


def _multiplexed(pair: Sequence[np.ndarray], wires: Sequence[Hashable]) -> list[Step]:
    """One of two unitaries on wires[1:], chosen by wires[0]: zero = V D W, one = V D^dagger W."""
    zero, one = pair
    angles, v = eigenphases(zero @ one.conj().T)
    w = np.exp(0.5j * angles)[:, None] * (v.conj().T @ one)
    rotation = uniform_rotation("RZ", wires[1:], wires[0], -angles)
    return [*unitary(w, wires[1:]), *rotation, *unitary(v, wires[1:])]


def controlled_x(controls: Sequence[Hashable], target: Hashable, idle: Sequence[Hashable] = ()) -> list[Step]:
    """X on the target where all controls are 1; `idle` wires may be borrowed and are given back as they were.

    Barenco et al., quant-ph/9503016: lemma 7.2 with n - 2 idle wires, 7.3 with one (both linear in size);
    with none, quadratic.
    """
    n = len(controls)
    if n < 3:
        return [gate(("X", "CNOT", "Toffoli")[n], (*controls, target))]
    if len(idle) >= n - 2:
        chain = [*idle[: n - 2], target]
        links = [gate("Toffoli", (controls[i + 2], chain[i], chain[i + 1])) for i in range(n - 2)]
        bottom = gate("Toffoli", (controls[0], controls[1], chain[0]))
        inner = [*links[-2::-1], bottom, *links[:-1]]
        return [links[-1], *inner, links[-1], *inner]
    if idle:
        first, second = controls[: (n + 1) // 2], controls[(n + 1) // 2 :]
        ancilla = idle[0]
        once = [
            *controlled_x(first, ancilla, (*second, target)),
            *controlled_x((*second, ancilla), target, first),
        ]
        return once + once
    return [gate("H", target), *controlled_phase((*controls, target), np.pi), gate("H", target)]


def controlled_rotation(
    axis: str, controls: Sequence[Hashable], target: Hashable, angle: Angle
) -> list[Step]:
    """RX, RY or RZ on the target where all controls are 1: at most linear in the number of controls.

    Barenco et al., quant-ph/9503016, lemma 7.9.
    """
    n = len(controls)
    if n < 2:
        return [gate("C" * n + axis, (*controls, target), angle)]
    if axis == "RX":
        flip = gate("H", target)
        return [flip, *controlled_rotation("RZ", controls, target, angle), flip]
    if n <= _GRAY_CONTROLS:
        return uniform_rotation(axis, controls, target, [0.0] * (2**n - 1) + [1.0], angle)
    last = controls[-1]
    flips = controlled_x(controls[:-1], target, (last,))
    half, back = (gate("C" + axis, (last, target), scaled(angle, z)) for z in (0.5, -0.5))
    return [half, *flips, back, *flips]


def controlled_phase(wires: Sequence[Hashable], angle: Angle) -> list[Step]:
    """exp(i angle) where all wires are 1: quadratic in their number.

    Barenco et al., quant-ph/9503016, lemma 7.5.
    """
    n = len(wires)
    if n == 0:
        return [phase(angle)]
    if n < 3:
        return [gate(("PhaseShift", "ControlledPhaseShift")[n - 1], wires, angle)]
    # diag(1, e^{i a}) = e^{i a/2} RZ(a), and the phase is one on the controls
    return [
        *controlled_rotation("RZ", wires[:-1], wires[-1], angle),
        *controlled_phase(wires[:-1], scaled(angle, 0.5)),
    ]


def controlled_unitary(
    matrix: np.ndarray, controls: Sequence[Hashable], targets: Sequence[Hashable]
) -> list[Step]:
    """A (2^k, 2^k) unitary on the targets where all controls are 1: polynomial in the number of controls.

    The eigenbasis is entered and left unconditionally; only the rotations of the eigenphases are controlled.
    """
    angles, v = eigenphases(matrix)
    steps = unitary(v.conj().T, targets)
    for name, (operation, wires, params) in ((s.operation.name, s) for s in diagonal(angles, targets)):
        if name == "RZ":
            steps += controlled_rotation("RZ", controls, wires[0], params[0])
        elif name == "GlobalPhase":
            steps += controlled_phase(controls, scaled(params[0], -1))
        else:  # the CNOTs alone multiply to the identity
            steps.append(Step(operation, wires, params))
    return steps + unitary(v, targets)
