"""CV circuits with more photon numbers than the device has: gates are exponentials of their Hamiltonians."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache, reduce
from typing import Any

import numpy as np

from hybridge.circuit import Circuit
from hybridge.conformance.reference.channels import CHANNELS
from hybridge.conformance.reference.gaussian import clicks, number_density
from hybridge.conformance.reference.ordered import Product, ordered
from hybridge.conformance.reference.outcomes import bras
from hybridge.operations.table import Affine, Operation
from hybridge.phasespace.counted import Clicks, NumberProjector

MARGIN = 5  # photon numbers beyond the space in which a Hamiltonian acts
ZERO = 1e-13  # probability under which a ket of a mixture is dropped


@lru_cache(maxsize=4096)
def operator(terms: frozenset[tuple[Product, complex]], modes: tuple[Hashable, ...], size: int) -> Any:
    """A sum of ordered products as a sparse matrix (size^k, size^k); its last rows are cut short."""
    from scipy import sparse  # takes longer to import than all of hybridge

    a = sparse.diags(np.sqrt(np.arange(1.0, size)), 1)
    letters = {"x": a + a.T, "p": -1j * (a - a.T)}
    total = sparse.csr_array((size ** len(modes),) * 2, dtype=complex)
    for factors, c in terms:
        wide = sparse.eye(1, dtype=complex)
        for mode in modes:
            own = (letters[letter] for m, letter in factors if m == mode)
            wide = sparse.kron(wide, reduce(lambda left, right: left @ right, own, sparse.eye(size)))
        total = total + c * wide
    return total.tocsr()


@lru_cache(maxsize=64)
def spectrum(terms: frozenset[tuple[Product, complex]], k: int, size: int) -> tuple[np.ndarray, Any]:
    """The energies (E,) of a Hamiltonian on k modes with room for more photons; its states below the size.

    They are the columns of a sparse matrix (size^k, E): most Hamiltonians conserve something, and fall into
    small blocks.
    """
    from scipy import sparse  # takes longer to import than all of hybridge

    larger = size + MARGIN
    matrix = operator(terms, tuple(range(k)), larger)
    hamiltonian = ((matrix + matrix.conj().T) / 2).tocsr()  # the cut breaks the symmetry of its last rows
    labels = sparse.csgraph.connected_components(abs(hamiltonian), directed=False)[1]
    lengths = np.bincount(labels)
    order, ends = np.argsort(labels, kind="stable"), np.cumsum(lengths)
    arranged = hamiltonian[order][:, order]
    blocks = [arranged[e - n : e, e - n : e].toarray() for e, n in zip(ends, lengths, strict=True)]
    energies, states = zip(*map(np.linalg.eigh, blocks), strict=True)
    place = np.argsort(order)[(np.indices((larger,) * k) < size).all(axis=0).ravel()]
    return np.concatenate(energies), sparse.block_diag([*map(sparse.csr_array, states)], format="csr")[place]


def _matrix(observable: Any, modes: Sequence[Hashable], size: int) -> Any:
    return operator(frozenset(ordered(observable).terms.items()), tuple(modes), size)


class FockState:
    """The final state as a mixture of kets, (size,)*n + (how many,), read below `cutoff`."""

    def __init__(self, circuit: Circuit, numbers: Sequence[float], cutoff: int, size: int):
        self.order, self.cutoff, self.size = circuit.wires, cutoff, size
        self.kets = np.zeros((size,) * len(self.order) + (1,), dtype=complex)
        self.kets[(0,) * self.kets.ndim] = 1
        used = 0
        for operation, wires in circuit.instructions:
            own = tuple(float(v) for v in numbers[used : used + operation.arity])
            used += operation.arity
            if operation.kind != "marker":
                getattr(self, f"_{operation.kind}")(operation, own, wires)

    def _applied(self, matrix: np.ndarray, wires: Sequence[Hashable], kets: np.ndarray) -> np.ndarray:
        axes = [self.order.index(w) for w in wires]
        front = np.moveaxis(kets, axes, range(len(axes)))
        out = (matrix @ front.reshape(matrix.shape[1], -1)).reshape(front.shape)
        return np.moveaxis(out, range(len(axes)), axes)

    def _gate(self, operation: Operation, numbers: tuple[float, ...], wires: Sequence[Hashable]) -> None:
        """exp(i H) on every ket, with room for more photons; the row's own elements if not Gaussian."""
        k = operation.num_wires
        if operation.fock is not None:
            matrix = operation.fock(self.size, *numbers).reshape((self.size**k,) * 2)
            self.kets = self._applied(matrix, wires, self.kets)
            return
        if operation.hamiltonian is None:
            self._parts(operation, numbers, wires)
            return
        terms = ordered(operation.hamiltonian(*numbers)).terms
        scale = max((abs(c) for c in terms.values()), default=0.0) or 1.0
        energies, states = spectrum(frozenset((p, c / scale) for p, c in terms.items()), k, self.size)
        axes = [self.order.index(w) for w in wires]
        front = np.moveaxis(self.kets, axes, range(k))
        found = states.conj().T @ front.reshape(self.size**k, -1)
        found = states @ (np.exp(1j * scale * energies)[:, None] * found)
        self.kets = np.moveaxis(found.reshape(front.shape), range(k), axes)

    def _parts(self, operation: Operation, numbers: tuple[float, ...], wires: Sequence[Hashable]) -> None:
        given = dict(zip(operation.params, numbers, strict=True))
        assert operation.decomposition is not None
        for part, on, params in operation.decomposition(*wires):
            values = [p.scale * given[p.name] + p.offset if isinstance(p, Affine) else p for p in params]
            getattr(self, f"_{part.kind}")(part, tuple(values), on)

    def _channel(self, operation: Operation, numbers: tuple[float, ...], wires: Sequence[Hashable]) -> None:
        if operation.name not in CHANNELS:
            self._parts(operation, numbers, wires)
            return
        for kraus in CHANNELS[operation.name](*numbers, size=self.size):
            self._mix([self._applied(k, wires, self.kets) for k in kraus])

    def _state(self, operation: Operation, numbers: tuple[float, ...], wires: Sequence[Hashable]) -> None:
        """Trace out what is on these modes, then put each ket of the new mixture beside each that is left."""
        axes = [self.order.index(w) for w in wires]
        k, n = len(axes), len(self.order)
        front = np.moveaxis(self.kets, axes, range(k)).reshape(self.size**k, self.size ** (n - k), -1)
        left = _fewest(np.concatenate(front, axis=1))
        fresh = mixture(operation, numbers, self.size)
        both = fresh[:, None, :, None] * left[None, :, None, :]
        shape = (self.size,) * n + (-1,)
        self.kets = np.moveaxis(both.reshape(shape), range(k), axes)

    def _outcome(self, operation: Operation, numbers: tuple[float, ...], wires: Sequence[Hashable]) -> None:
        """Project the modes on every bra of the outcome, leave them empty, and normalise what is left."""
        k, n, axes = operation.num_wires, len(self.order), [self.order.index(w) for w in wires]
        front = np.moveaxis(self.kets, axes, range(k)).reshape(self.size**k, -1)
        left = []
        for bra in bras(operation.name, numbers, operation.constants, self.size):
            whole = np.zeros_like(front)
            whole[0] = bra @ front
            left.append(np.moveaxis(whole.reshape((self.size,) * n + (-1,)), range(k), axes))
        self._mix(left)
        self.kets = self.kets / np.linalg.norm(self.kets)

    def _mix(self, parts: Sequence[np.ndarray]) -> None:
        kets = np.concatenate(parts, axis=-1)
        self.kets = _fewest(kets.reshape(-1, kets.shape[-1])).reshape(*kets.shape[:-1], -1)

    # ---- what is read ----

    def state(self) -> np.ndarray:
        """(cutoff^n,), up to a global phase."""
        if self.kets.shape[-1] != 1:
            raise ValueError("the state is mixed")
        return self.kets[(slice(self.cutoff),) * len(self.order)].ravel()

    def density_matrix(self, wires: Sequence[Hashable]) -> np.ndarray:
        """(cutoff^k, cutoff^k), wires[0] most significant."""
        axes = [self.order.index(w) for w in wires]
        front = np.moveaxis(self.kets, axes, range(len(axes)))[(slice(self.cutoff),) * len(axes)]
        flat = front.reshape(self.cutoff ** len(axes), -1)
        return flat @ flat.conj().T

    def probs(self, wires: Sequence[Hashable], observable: Any = None) -> np.ndarray:
        """(cutoff^k,), wires[0] most significant; of Click (2^k,)."""
        if observable is not None:
            shape = (self.cutoff,) * len(observable.wires)
            return clicks(self.density_matrix(observable.wires).diagonal().real.reshape(shape))
        return self.density_matrix(wires).diagonal().real

    def moment(self, observable: Any, power: int = 1) -> float:
        """<observable^power>: half of its factors act on the bra, half on the ket."""
        if isinstance(observable, NumberProjector):
            shape = (self.cutoff,) * len(observable.wires)
            return float(self.probs(observable.wires).reshape(shape)[observable.photons])
        if isinstance(observable, Clicks):
            return float(self.probs(observable.wires, observable)[-1])
        modes = list(dict.fromkeys(mode for factors in ordered(observable).terms for mode, _ in factors))
        matrix = _matrix(observable, modes, self.size)
        axes = [self.order.index(mode) for mode in modes]
        raised = [np.moveaxis(self.kets, axes, range(len(axes))).reshape(self.size ** len(axes), -1)]
        for _ in range(power - power // 2):
            raised.append(matrix @ raised[-1])
        return float(np.vdot(raised[power // 2], raised[power - power // 2]).real)

    def expval(self, observable: Any) -> float:
        return self.moment(observable)

    def var(self, observable: Any) -> float:
        return self.moment(observable, 2) - self.moment(observable) ** 2


@lru_cache(maxsize=512)
def mixture(operation: Operation, numbers: tuple[float, ...], size: int) -> np.ndarray:
    """A prepared state as weighted kets (size^k, how many): times its adjoint, its density matrix."""
    k = operation.num_wires
    if operation.fock is not None:
        found = operation.fock(size, *numbers)
        if found.ndim == k:
            return found.reshape(-1, 1)
        return _weighted(found.reshape((size**k,) * 2))
    if operation.decomposition is not None:  # gates on the vacuum
        order = tuple(range(k))
        vacuum = FockState(Circuit((), (), order), (), size, size)
        vacuum._parts(operation, numbers, order)
        return vacuum.kets.reshape(-1, 1)
    assert operation.definition is not None
    mean, cov = operation.definition(*numbers)
    return _weighted(number_density(np.asarray(mean), np.asarray(cov), size))


def _fewest(kets: np.ndarray) -> np.ndarray:
    """The fewest columns that make the same density matrix."""
    if kets.shape[1] > 4 * kets.shape[0]:
        return _weighted(kets @ kets.conj().T)
    kets = kets[:, np.abs(kets).max(axis=0) > 0]
    if kets.shape[1] == 1:
        return kets
    left, weights, _ = np.linalg.svd(kets, full_matrices=False)
    return (left * weights)[:, weights**2 > ZERO]


def _weighted(rho: np.ndarray) -> np.ndarray:
    """A density matrix as its eigenvectors, each times the root of its probability: columns."""
    values, vectors = np.linalg.eigh(rho)
    kept = values > ZERO
    return vectors[:, kept] * np.sqrt(values[kept])
