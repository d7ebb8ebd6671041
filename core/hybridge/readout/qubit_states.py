"""Measurements of batches of qubit states, pure and mixed; wire 0 most significant."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from hybridge.operations.pauli import Sentence


def _masks(w: Any, n: int) -> tuple[int, int, int]:
    """The bits a word flips, the bits whose parity signs it, and its number of Ys."""
    flip = sum(1 << (n - 1 - wire) for wire, s in w if s in "XY")
    sign = sum(1 << (n - 1 - wire) for wire, s in w if s in "YZ")
    return flip, sign, sum(s == "Y" for _, s in w)


@lru_cache(maxsize=64)
def _bands(sentence: Sentence, n: int) -> tuple[tuple[int, np.ndarray], ...]:
    """The sentence as sum over f of sum_i c_f[i] |i ^ f><i|: (f, c_f), one entry per set of flipped bits."""
    basis = np.arange(2**n)
    bands: dict[int, np.ndarray] = {}
    for w, c in sentence.terms.items():
        flip, sign, ys = _masks(w, n)
        values = c * 1j**ys * (1.0 - 2.0 * (np.bitwise_count(basis & sign) & 1))
        bands[flip] = bands[flip] + values if flip in bands else values
    return tuple((f, v.real if not v.imag.any() else v) for f, v in bands.items())


def _flipped(states: np.ndarray, flip: int) -> np.ndarray:
    return states if flip == 0 else states[..., np.arange(states.shape[-1]) ^ flip]


class PureStates:
    """A batch of state vectors (B, 2^n)."""

    def __init__(self, states: np.ndarray):
        self.states = states
        self.n = states.shape[-1].bit_length() - 1

    def _applied(self, observable: Any) -> np.ndarray:
        if isinstance(observable, Sentence):
            bands = _bands(observable, self.n)
            return sum((_flipped(c * self.states, f) for f, c in bands), np.zeros_like(self.states))
        front, back = _axes(observable.wires, self.n)
        local = observable.local
        tensor = self.states.reshape(-1, *(2,) * self.n).transpose(
            front
        )  # measured wires first, then batch, rest
        out = (local @ tensor.reshape(local.shape[0], -1)).reshape(tensor.shape)
        return out.transpose(back).reshape(self.states.shape)

    def expval(self, observable: Any) -> np.ndarray:
        """(B,)"""
        if isinstance(observable, Sentence):
            parts = [self._band(f, c) for f, c in _bands(observable, self.n)]
            return parts[0] if len(parts) == 1 else sum(parts, np.zeros(len(self.states)))
        return np.einsum("bi,bi->b", self.states.conj(), self._applied(observable)).real

    def _band(self, f: int, c: np.ndarray) -> np.ndarray:
        if f == 0:
            pairs = self.states.view(np.float64)  # re, im, re, im, ...: two operations instead of four
            return (pairs * pairs) @ c.repeat(2)
        return np.einsum("bi,bi->b", _flipped(self.states.conj(), f), c * self.states).real

    def var(self, observable: Any) -> np.ndarray:
        """(B,)"""
        applied = self._applied(observable)
        mean = np.einsum("bi,bi->b", self.states.conj(), applied).real
        spread = applied - mean[:, None] * self.states  # no cancellation: the norm of (O - <O>)|psi>
        return np.einsum("bi,bi->b", spread.conj(), spread).real

    def probs(self, wires: Sequence[int]) -> np.ndarray:
        """(B, 2^k), wires[0] most significant."""
        return _marginal(self.states.real**2 + self.states.imag**2, wires, self.n)

    def density_matrix(self, wires: Sequence[int]) -> np.ndarray:
        """(B, 2^k, 2^k)"""
        rest = [w for w in range(self.n) if w not in wires]
        tensor = self.states.reshape(-1, *(2,) * self.n)
        matrix = tensor.transpose(0, *(1 + w for w in wires), *(1 + w for w in rest))
        matrix = matrix.reshape(len(self.states), 2 ** len(wires), -1)
        return matrix @ matrix.conj().transpose(0, 2, 1)


class MixedStates:
    """A batch of density matrices (B, 2^n, 2^n)."""

    def __init__(self, matrices: np.ndarray):
        self.matrices = matrices
        self.n = matrices.shape[-1].bit_length() - 1

    def expval(self, observable: Any) -> np.ndarray:
        """(B,)"""
        if isinstance(observable, Sentence):
            i = np.arange(2**self.n)
            parts = [(self.matrices[:, i, i ^ f] @ c).real for f, c in _bands(observable, self.n)]
            return sum(parts, np.zeros(len(self.matrices)))
        local = observable.local
        reduced = self.density_matrix(observable.wires)
        return np.array([(local @ rho).trace().real for rho in reduced])

    def var(self, observable: Any) -> np.ndarray:
        """(B,)"""
        return self.expval(observable @ observable) - self.expval(observable) ** 2

    def probs(self, wires: Sequence[int]) -> np.ndarray:
        """(B, 2^k), wires[0] most significant."""
        return _marginal(np.einsum("bii->bi", self.matrices).real, wires, self.n)

    def density_matrix(self, wires: Sequence[int]) -> np.ndarray:
        """(B, 2^k, 2^k)"""
        rest = [w for w in range(self.n) if w not in wires]
        order = [*wires, *rest]
        tensor = self.matrices.reshape(-1, *(2,) * (2 * self.n))
        tensor = tensor.transpose(0, *(1 + w for w in order), *(1 + self.n + w for w in order))
        kept, traced = 2 ** len(wires), 2 ** len(rest)
        return np.einsum("bikjk->bij", tensor.reshape(-1, kept, traced, kept, traced))


def _axes(wires: Sequence[int], n: int) -> tuple[list[int], list[int]]:
    rest = [w for w in range(n) if w not in wires]
    front = [*(1 + w for w in wires), 0, *(1 + w for w in rest)]
    return front, np.argsort(front).tolist()


def _marginal(full: np.ndarray, wires: Sequence[int], n: int) -> np.ndarray:
    if tuple(wires) == tuple(range(n)):
        return full
    rest = tuple(1 + w for w in range(n) if w not in wires)
    left = full.reshape(-1, *(2,) * n).sum(axis=rest)
    remaining = sorted(wires)
    return left.transpose(0, *(1 + remaining.index(w) for w in wires)).reshape(len(full), -1)
