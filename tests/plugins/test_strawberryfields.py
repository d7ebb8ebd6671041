"""The Strawberry Fields devices do what the rows say, and step into none of SF's traps."""

from __future__ import annotations

import itertools
import math
import pickle
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
from hybridge.circuit import Circuit, Instruction, Measurement
from hybridge.device import Device, Task
from hybridge.errors import CircuitError, MissingDependency, UnsupportedCircuit
from hybridge.operations import cv
from hybridge.operations.table import FAMILIES, ROWS, Operation
from hybridge.phasespace.gaussian import GaussianModes
from hybridge.registry import device as make
from hybridge_strawberryfields import FOCK, GAUSSIAN, backends, sdk, translate
from scipy.sparse.linalg import expm_multiply

sf = backends.sf
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
    """(batch, P) positive and moderate, so that they suit angles, squeezing, photon numbers and transmissions."""
    slots = sum(operation.arity for operation, _ in items)
    return np.random.default_rng(slots).uniform(0.4 * scale, scale, size=(batch, slots))


def run(device: Device, made: Circuit, params: np.ndarray) -> np.ndarray:
    return device.run([Task(device.compile(made), params)])[0]


def gaussian() -> Device:
    return make("strawberryfields.gaussian", wires=NUM_MODES)


def fock(cutoff: int, wires: int = NUM_MODES) -> Device:
    return make("strawberryfields.fock", wires=wires, cutoff_dim=cutoff)


# ---- what the rows say: Gaussian ------------------------------------------------------------------------------------


def correlated(n: int = NUM_MODES) -> Operation:
    """A Gaussian state of n modes, nothing symmetric about it."""
    rng = np.random.default_rng(5)
    A = rng.normal(size=(2 * n, 2 * n)) / 3
    return cv.GaussianState.of(n, np.eye(2 * n) * 1.1 + A @ A.T, rng.normal(size=2 * n))


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


@pytest.mark.parametrize(("operation", "wires"), placed(GAUSSIAN.operations, "gate", "state", "channel"))
def test_gaussian_rows_on_a_correlated_state(operation, wires):
    items = [(correlated(), (1, 2, 0)), (operation, wires)]
    params = numbers(items, batch=3)
    assert_moments(run(gaussian(), circuit(items, "gaussian"), params), items, params)


def test_all_gaussian_rows_in_one_circuit():
    items = [(correlated(), (2, 0, 1)), *placed(GAUSSIAN.operations, "gate", "channel")]
    params = numbers(items, batch=2)
    assert_moments(run(gaussian(), circuit(items, "gaussian"), params), items, params)


def test_negative_parameters_keep_their_meaning():
    gates = [item for item in placed(GAUSSIAN.operations, "gate") if item[0].arity]
    params = -numbers(gates, batch=1)
    assert_moments(run(gaussian(), circuit(gates, "gaussian"), params), gates, params)


def test_several_measurements_stand_side_by_side():
    made = circuit([(cv.Squeezing, (1,))], "gaussian")._replace(measurements=(Measurement("gaussian"),) * 2)
    found = run(gaussian(), made, np.array([[0.3, 0.2]]))
    assert found.shape == (1, 84)
    np.testing.assert_array_equal(found[:, :42], found[:, 42:])


# ---- what the rows say: Fock space ----------------------------------------------------------------------------------

ROOM = 34  # photon numbers of the evaluator; 40 changes nothing by 1e-11


def hamiltonian(operation: Operation, params: Sequence[float], size: int) -> Any:
    """The row's H as a matrix on truncated modes; Weyl order: x^a p^b = sum_k C(a, k) x^k p^b x^(a-k) / 2^a."""
    lower = sparse.diags_array(np.sqrt(np.arange(1, size)), offsets=1)
    x, p = lower + lower.T, -1j * (lower - lower.T)

    def power(matrix: Any, k: int) -> Any:
        return math.prod([matrix] * k, start=sparse.eye_array(size, dtype=complex))

    def product(factors: Sequence[Any]) -> Any:
        return math.prod(factors, start=sparse.eye_array(size, dtype=complex))

    assert operation.hamiltonian is not None
    total = sparse.csr_array((size**operation.num_wires,) * 2, dtype=complex)
    for monomial, coefficient in operation.hamiltonian(*params).terms.items():
        exponents = {mode: (a, b) for mode, a, b in monomial}
        term = sparse.eye_array(1)
        for mode in range(operation.num_wires):
            a, b = exponents.get(mode, (0, 0))
            weyl = sum(
                math.comb(a, k) / 2**a * product([*[x] * k, *[p] * b, *[x] * (a - k)]) for k in range(a + 1)
            )
            term = sparse.kron(term, weyl)
        total = total + coefficient * term
    return total.tocsr()
