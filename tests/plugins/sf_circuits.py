"""Circuits for the Strawberry Fields devices, and what the rows' own definitions make of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import expm_multiply

import hybridge as hb
from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.device import Device, Task
from hybridge.operations.table import FAMILIES, ROWS, Operation
from hybridge.phasespace.gaussian import GaussianModes
from hybridge.registry import device as make
from hybridge_strawberryfields import FOCK

NUM_MODES = 3
# places for a row of k wires: out of order, far apart, and ending in mode 0
PLACES = {1: [(2,), (0,)], 2: [(2, 0), (1, 0), (0, 2), (2, 1)], 3: [(2, 0, 1)]}
Items = Sequence[tuple[Operation, tuple[int, ...]]]


def rows(name: str) -> list[Operation]:
    """The row of this name, or the family's examples."""
    if name not in FAMILIES:
        return [ROWS[name]]
    return [FAMILIES[name].of(num_wires, *constants) for num_wires, constants in FAMILIES[name].examples]


def placed(names: frozenset[str], *kinds: str) -> list[tuple[Operation, tuple[int, ...]]]:
    found = [r for name in sorted(names) for r in rows(name) if r.kind in kinds]
    return [(r, wires) for r in found for wires in PLACES[r.num_wires]]


def circuit(items: Items, kind: str, n: int = NUM_MODES) -> Circuit:
    return Circuit(tuple(Instruction(*item) for item in items), (Measurement(kind),), tuple(range(n)))


def numbers(items: Items, batch: int = 1, scale: float = 0.3) -> np.ndarray:
    """(batch, P) positive and moderate: they suit angles, squeezing, photon numbers and transmissions."""
    slots = sum(operation.arity for operation, _ in items)
    return np.random.default_rng(slots).uniform(0.4 * scale, scale, size=(batch, slots))


def run(device: Device, made: Circuit, params: np.ndarray) -> np.ndarray:
    return device.run([Task(device.compile(made), params)])[0]


def gaussian() -> Device:
    return make("strawberryfields.gaussian", wires=NUM_MODES)


def fock(cutoff: int, wires: int = NUM_MODES) -> Device:
    return make("strawberryfields.fock", wires=wires, cutoff_dim=cutoff)


def correlated(n: int = NUM_MODES) -> Operation:
    """A Gaussian state of n modes, nothing symmetric about it."""
    rng = np.random.default_rng(5)
    A = rng.normal(size=(2 * n, 2 * n)) / 3
    return hb.GaussianState.of(n, np.eye(2 * n) * 1.1 + A @ A.T, rng.normal(size=2 * n))


def moments(items: Items, params: np.ndarray, n: int = NUM_MODES) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of one row of numbers, by the rows' definitions."""
    mean, cov, used = np.zeros(2 * n), np.eye(2 * n), 0
    for operation, wires in items:
        own = params[used : used + operation.arity]
        used += operation.arity
        at = [*wires, *(n + w for w in wires)]
        found = operation.definition(*own)  # type: ignore[misc]
        if operation.kind == "state":
            cov[at, :] = cov[:, at] = 0
            mean[at], cov[np.ix_(at, at)] = found
            continue
        X, Y = np.eye(2 * n), np.zeros((2 * n, 2 * n))
        X[np.ix_(at, at)] = found[0]
        if operation.kind == "channel":
            Y[np.ix_(at, at)] = found[2]
        mean, cov = X @ mean, X @ cov @ X.T + Y
        mean[at] += found[1]
    return mean, cov


def assert_moments(found: np.ndarray, items: Items, params: np.ndarray, n: int = NUM_MODES) -> None:
    for row, own in zip(found, params, strict=True):
        mean, cov = moments(items, own, n)
        # entries are of order 10 and a few dozen products deep
        np.testing.assert_allclose(row[: 2 * n], mean, rtol=0, atol=1e-12)
        np.testing.assert_allclose(row[2 * n :].reshape(cov.shape), cov, rtol=0, atol=1e-12)


ROOM = 34  # photon numbers of the evaluator; 40 changes nothing by 1e-11


def hamiltonian(operation: Operation, params: Sequence[float], size: int) -> Any:
    """The row's H on truncated modes; Weyl order: x^a p^b = sum_k C(a, k) x^k p^b x^(a-k) / 2^a."""
    lower = np.diag(np.sqrt(np.arange(1, size)), 1).astype(complex)
    x, p = lower + lower.T, -1j * (lower - lower.T)
    power = np.linalg.matrix_power

    def weyl(a: int, b: int) -> np.ndarray:
        return sum(math.comb(a, k) / 2**a * power(x, k) @ power(p, b) @ power(x, a - k) for k in range(a + 1))

    assert operation.hamiltonian is not None
    total: Any = 0
    for monomial, coefficient in operation.hamiltonian(*params).terms.items():
        exponents = {mode: (a, b) for mode, a, b in monomial}
        factors = [weyl(*exponents.get(mode, (0, 0))) for mode in range(operation.num_wires)]
        total = total + coefficient * reduce(sparse.kron, map(sparse.csr_array, factors))
    return sparse.csr_array(total)


def evolved(
    ket: np.ndarray, operation: Operation, params: Sequence[float], wires: Sequence[int]
) -> np.ndarray:
    """exp(i H) on some modes of a ket whose axes have room enough; by the row's Hamiltonian alone."""
    k, size = operation.num_wires, ket.shape[0]
    front = np.moveaxis(ket, wires, range(k)).reshape(size**k, -1)
    H = hamiltonian(operation, params, size)
    after = expm_multiply(1j * H, front, traceA=1j * H.trace())
    return np.moveaxis(after.reshape(ket.shape), range(k), wires)


def few_photons(cutoff: int, levels: int, seed: int = 3) -> np.ndarray:
    """An entangled ket of three modes with photon numbers below `levels`, nothing symmetric about it."""
    rng = np.random.default_rng(seed)
    some = rng.normal(size=(levels,) * NUM_MODES) + 1j * rng.normal(size=(levels,) * NUM_MODES)
    return np.pad(some / np.linalg.norm(some), [(0, cutoff - levels)] * NUM_MODES)


def prepared(ket: np.ndarray, levels: int) -> Operation:
    return hb.FockStateVector.of(NUM_MODES, ket[(slice(levels),) * NUM_MODES])


def complete(cutoff: int, n: int = NUM_MODES) -> np.ndarray:
    """Where the total photon number is below the cutoff: there a gate's amplitudes miss nothing beyond it."""
    return np.indices((cutoff,) * n).sum(axis=0) < cutoff


def aligned(ket: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return ket * np.exp(-1j * np.angle(np.vdot(reference, ket)))


FOCK_GATES = [(r, wires) for r, wires in placed(FOCK.operations, "gate") if r.name != "CubicPhase"]


def density(operation: Operation, params: Sequence[float], cutoff: int) -> np.ndarray:
    """A state row's density matrix (C^k, C^k), by its definition."""
    k = operation.num_wires
    if operation.gaussian:
        mean, cov = operation.definition(*params)  # type: ignore[misc]
        return GaussianModes(np.array([mean]), np.array([cov]), cutoff).density_matrix(range(k))[0]
    tensor = operation.fock(cutoff, *params)  # type: ignore[misc]
    if tensor.ndim == 2 * k:
        return tensor.reshape((cutoff**k,) * 2)
    return np.outer(tensor, tensor.conj())
