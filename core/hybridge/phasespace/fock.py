"""States of several modes cut off at a photon number: what can be computed and sampled from a batch of them.

hbar = 2. Expectation values are those of the state as simulated, with the norm it has left; sampling
renormalises.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Any, cast

import numpy as np

from hybridge.errors import CircuitError, DeviceError, TruncationWarning
from hybridge.phasespace.drawing import draw_numbers
from hybridge.phasespace.heterodyne import draw_alpha
from hybridge.phasespace.inversion import inverted
from hybridge.phasespace.polynomial import Polynomial
from hybridge.phasespace.positions import distribution, reach
from hybridge.phasespace.wavefunctions import wavefunctions

Terms = Mapping[tuple[tuple[int, int, int], ...], complex]  # a Weyl symbol whose modes are numbered

LEAK = 1e-6  # norm outside the cutoff from which a result is called inexact
BLOCK = 2**26  # bytes of conditional states held at once while sampling
LEAST = 1e-15  # norm that a state must have kept to be sampled: what is left of less is rounding
FAINT = 1e-15  # part of a mixture that is not sampled, relative to the strongest: rounding, most of its rank


@dataclass(frozen=True, eq=False)
class FockModes:
    """B states of n modes with photon numbers below C: kets (B,) + (C,)*n, or density (B,) + (C,)*2n.

    The ket axes of a density matrix come first. `hidden`, (B,): what was beyond the cutoff before the states
    were normalised.

    >>> from hybridge.phasespace.polynomial import photon_number
    >>> FockModes(kets=np.array([[0.6, 0, 0.8j]])).expval(photon_number(0)).round(6).tolist()
    [1.28]
    """

    kets: np.ndarray | None = None
    density: np.ndarray | None = None
    hidden: np.ndarray | float = 0.0

    def __post_init__(self) -> None:
        if (self.kets is None) == (self.density is None):
            raise CircuitError("FockModes takes kets or density, one of them")

    @property
    def num_modes(self) -> int:
        return self.kets.ndim - 1 if self.kets is not None else (self._array.ndim - 1) // 2

    @property
    def cutoff(self) -> int:
        return self._array.shape[1]

    @property
    def _array(self) -> np.ndarray:
        found = self.density if self.kets is None else self.kets
        assert found is not None
        return found

    def leak(self) -> np.ndarray:
        """Norm outside the cutoff, (B,): 1 - <psi|psi>, or 1 - trace, and what a normalisation has hidden."""
        return np.minimum(1 - self.probs(()).sum(axis=1) + self.hidden, 1.0)

    def probs(self, modes: Sequence[int]) -> np.ndarray:
        """Photon-number probabilities of `modes`, (B, cutoff^k), modes[0] most significant; sum 1 - leak."""
        return self._number_table(modes).reshape(len(self._array), -1)

    def density_matrix(self, modes: Sequence[int]) -> np.ndarray:
        """The reduced density matrix of `modes`, (B, cutoff^k, cutoff^k), modes[0] most significant."""
        size = self.cutoff ** len(modes)
        if self.kets is not None:
            matrix = self._split(self.kets, modes)
            return matrix @ np.swapaxes(matrix, 1, 2).conj()
        return self._reduced(modes).reshape(-1, size, size)

    def expval(self, polynomial: Polynomial) -> np.ndarray:
        """The mean of an observable, (B,), by the untruncated operator's elements; not renormalised."""
        if polynomial.number is not None:
            return self._mean_of_numbers(polynomial, 1)
        terms = cast(Terms, polynomial.terms)
        if self.kets is not None:
            total = _sandwich(terms, self.kets, self.kets)
        else:
            modes = sorted({mode for monomial in terms for mode, _, _ in monomial})
            total = _trace(terms, self._reduced(modes), tuple(modes))
        return total.real if polynomial.hermitian else total

    def var(self, polynomial: Polynomial) -> np.ndarray:
        """The variance of a Hermitian observable, (B,): the mean of its square less its mean squared."""
        if polynomial.number is not None:
            return self._mean_of_numbers(polynomial, 2) - self._mean_of_numbers(polynomial, 1) ** 2
        return self.expval(polynomial @ polynomial) - self.expval(polynomial) ** 2

    def _mean_of_numbers(self, polynomial: Polynomial, power: int) -> np.ndarray:
        """The mean of a power of a polynomial in photon numbers, (B,), from their probabilities alone."""
        modes = cast(list[int], list(polynomial.wires))
        return self.probs(modes) @ number_values(polynomial, self.cutoff) ** power

    def click_probs(self, modes: Sequence[int]) -> np.ndarray:
        """How likely each pattern of threshold detectors is, (B, 2^k), a bit a mode: 1 where it clicks."""
        table = self._number_table(modes)
        for axis in range(1, len(modes) + 1):
            dark, light = np.split(table, [1], axis=axis)
            table = np.concatenate([dark, light.sum(axis=axis, keepdims=True)], axis=axis)
        return table.reshape(len(table), -1)

    def sample_photons(self, modes: Sequence[int], shots: int, rng: np.random.Generator) -> np.ndarray:
        """Photon numbers of `modes`, measured jointly: (B, shots, k) int64.

        Raises DeviceError where nothing of a state is left below the cutoff; so does `sample_quadratures`.
        """
        self._check_norm()
        return draw_numbers(self._number_table(modes), shots, rng)

    def sample_quadratures(
        self, settings: Mapping[int, float | None], shots: int, rng: np.random.Generator
    ) -> np.ndarray:
        """x cos(angle) + p sin(angle) of each mode, jointly: (B, shots, k), columns as in `settings`.

        An angle None is heterodyne detection: (x + i p) / 2, both at once; the array is then complex. Mode
        after mode: the exact distribution function, given the outcomes before, is inverted.
        """
        self._check_norm()
        modes, C, B = list(settings), self.cutoff, len(self._array)
        ket = self._root(modes).reshape(B, *(C,) * len(modes), -1)
        for axis, angle in enumerate(settings.values()):  # turn each quadrature into position
            shape = [C if k == axis + 1 else 1 for k in range(ket.ndim)]
            ket = ket * np.exp(-1j * (angle or 0.0) * np.arange(C)).reshape(shape)
        ket = ket.reshape(B, 1, -1)
        per_shot = 16 * B * max(ket.shape[2] // C, C**2)
        block = max(1, BLOCK // per_shot)
        parts = [min(block, shots - done) for done in range(0, shots, block)]
        return np.concatenate([_outcomes(ket, settings.values(), C, part, rng) for part in parts], axis=1)

    def _check_norm(self) -> None:
        if (self.probs(()) < LEAST).any():
            text = (
                f"nothing of the state is left to be sampled below cutoff_dim={self.cutoff}; raise cutoff_dim"
            )
            raise DeviceError(text)

    def _reduced(self, modes: Sequence[int]) -> np.ndarray:
        """The density matrix of `modes` as (B,) + (C,)*2k, the others traced out."""
        if self.kets is not None:
            return self.density_matrix(modes).reshape(-1, *(self.cutoff,) * (2 * len(modes)))
        n = self.num_modes
        kept = [1 + m for m in modes]
        bra = [1 + n + m if m in modes else 1 + m for m in range(n)]  # a repeated label is a trace
        return np.einsum(self._array, [0, *range(1, n + 1), *bra], [0, *kept, *(1 + n + m for m in modes)])

    def _number_table(self, modes: Sequence[int]) -> np.ndarray:
        """Photon-number probabilities, (B,) + (C,)*k."""
        n = self.num_modes
        if self.kets is not None:
            table = np.abs(self.kets) ** 2
        else:
            axes = [0, *range(1, n + 1)]
            table = np.einsum(self._array, [*axes, *range(1, n + 1)], axes).real
        others = tuple(1 + m for m in range(n) if m not in modes)
        kept = sorted(modes)
        return table.sum(axis=others).transpose(0, *(1 + kept.index(m) for m in modes))

    def _split(self, kets: np.ndarray, modes: Sequence[int]) -> np.ndarray:
        """kets as matrices (B, C^k, R), the rows for `modes`, the columns for the others."""
        others = [m for m in range(self.num_modes) if m not in modes]
        ordered = kets.transpose(0, *(1 + m for m in (*modes, *others)))
        return ordered.reshape(len(kets), self.cutoff ** len(modes), -1)

    def _root(self, modes: Sequence[int]) -> np.ndarray:
        """(B, C^k, R) whose product with its adjoint is the density matrix of `modes`, the smaller of two."""
        if self.kets is not None and self.num_modes <= 2 * len(modes):
            return self._split(self.kets, modes)
        values, vectors = np.linalg.eigh(self.density_matrix(modes))
        faint = np.all(values[:, :-1] < FAINT * values[:, -1:], axis=0).sum()  # they come in ascending order
        return vectors[:, :, faint:] * np.sqrt(np.clip(values[:, faint:], 0, None))[:, None, :]


def _outcomes(
    ket: np.ndarray, settings: Iterable[float | None], C: int, shots: int, rng: np.random.Generator
) -> np.ndarray:
    """Joint outcomes of the leading modes of ket (B, 1, C^modes * R): positions, or both quadratures."""
    found: list[np.ndarray] = []
    for angle in settings:
        detect = _positions if angle is not None else draw_alpha
        outcome, ket = detect(ket.reshape(*ket.shape[:2], C, -1), shots, rng)
        found.append(outcome)
        ket = ket / np.linalg.norm(ket, axis=2, keepdims=True)  # else many modes underflow
    return np.stack(found, axis=-1)


def _positions(kets: np.ndarray, shots: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positions (B, S) of the first mode, and what is left of the rest (B, S, R), not normalised.

    kets (B, S, C, R) or (B, 1, C, R): one state for each shot, or one for all.
    """
    C = kets.shape[2]
    rho = (kets @ np.swapaxes(kets, 2, 3).conj()).real
    level = rng.random((len(kets), shots)) * np.trace(rho, axis1=2, axis2=3)
    found = inverted(distribution(rho), level, reach(C))
    waves = np.moveaxis(wavefunctions(found, C), 0, -1)
    return found, (waves[:, :, None, :] @ kets)[:, :, 0, :]


def warn_of_leak(modes: FockModes, device: str) -> None:
    """A TruncationWarning where more than 1e-6 of the norm lies beyond the cutoff."""
    leak = float(np.max(modes.leak(), initial=0.0))
    if leak > LEAK:
        where = f"beyond cutoff_dim={modes.cutoff} on device {device!r}"
        text = f"{leak:.2g} of the norm lies {where}; raise cutoff_dim"
        warnings.warn(text, TruncationWarning, stacklevel=2)


def weighted(kets: np.ndarray, weights: np.ndarray, modes: Sequence[int]) -> np.ndarray:
    """A function of the photon numbers of `modes` times kets: weights (B, C^k), modes[0] most significant."""
    C, n, order = kets.shape[1], kets.ndim - 1, np.argsort(modes)
    table = weights.reshape(-1, *(C,) * len(modes)).transpose(0, *(1 + order))
    return kets * table.reshape(-1, *(C if mode in modes else 1 for mode in range(n)))


def applied(polynomial: Polynomial, kets: np.ndarray, power: int = 1) -> np.ndarray:
    """A polynomial, or its square at power 2, times kets (B,) + (C,)*n, cut off again.

    Its square is that of the untruncated operator, as `FockModes.var` has it.
    """
    if polynomial.number is not None:
        modes, C = cast(list[int], list(polynomial.wires)), kets.shape[1]
        values = number_values(polynomial, C) ** power
        return weighted(kets, values[None], modes)
    squared = polynomial if power == 1 else polynomial @ polynomial
    return _applied(cast(Terms, squared.terms), kets)


def number_values(polynomial: Polynomial, cutoff: int) -> np.ndarray:
    """A polynomial in photon numbers at all of them, (cutoff^k,), its first mode most significant."""
    modes = list(polynomial.wires)
    numbers = np.indices((cutoff,) * len(modes)).reshape(len(modes), cutoff ** len(modes))
    values = polynomial.photon_polynomial(dict(zip(modes, numbers, strict=True)))
    return np.broadcast_to(values, numbers.shape[1:])


def _applied(terms: Terms, kets: np.ndarray) -> np.ndarray:
    constant, groups = _by_first(terms)
    total = constant * kets
    for (mode, a, b), rest in groups.items():
        matrix = weyl_matrix(a, b, kets.shape[1])
        total = total + _applied(rest, np.moveaxis(np.tensordot(matrix, kets, (1, 1 + mode)), 0, 1 + mode))
    return total


@lru_cache(maxsize=256)
def weyl_matrix(a: int, b: int, cutoff: int) -> np.ndarray:
    """The symmetrically ordered product of x^a p^b in the number basis, (cutoff, cutoff), read-only.

    Exact: built from matrices large enough that their own truncation is out of reach, then cut. The order is
    McCoy's, 2^-a sum_k binomial(a, k) x^k p^b x^(a-k).
    """
    size = cutoff + a + b
    lower = np.diag(np.sqrt(np.arange(1.0, size)), 1)
    x, p = lower + lower.T, -1j * (lower - lower.T)
    power = np.linalg.matrix_power
    terms = (comb(a, k) * power(x, k) @ power(p, b) @ power(x, a - k) for k in range(a + 1))
    matrix = sum(terms, np.zeros((size, size), dtype=complex))[:cutoff, :cutoff] / 2**a
    matrix.flags.writeable = False
    return matrix


def _by_first(terms: Terms) -> tuple[complex, dict[tuple[int, int, int], dict[Any, complex]]]:
    """The constant, and the other terms by first factor: each is applied once for all the terms it begins."""
    groups: dict[tuple[int, int, int], dict[Any, complex]] = {}
    for monomial, coefficient in terms.items():
        if monomial:
            groups.setdefault(monomial[0], {})[monomial[1:]] = coefficient
    return terms.get((), 0.0), groups


def _sandwich(terms: Terms, bra: np.ndarray, ket: np.ndarray) -> np.ndarray:
    """<bra| sum of terms |ket> for every row, (B,) complex; the ket meets one mode's operator at a time."""
    constant, groups = _by_first(terms)
    total = constant * np.einsum("bi,bi->b", bra.conj().reshape(len(bra), -1), ket.reshape(len(ket), -1))
    for (mode, a, b), rest in groups.items():
        matrix = weyl_matrix(a, b, ket.shape[1])
        total = total + _sandwich(
            rest, bra, np.moveaxis(np.tensordot(matrix, ket, (1, 1 + mode)), 0, 1 + mode)
        )
    return total


def _trace(terms: Terms, rho: np.ndarray, modes: tuple[int, ...]) -> np.ndarray:
    """tr(rho sum of terms) for every row, (B,) complex; rho (B,) + (C,)*2k on `modes`."""
    k = len(modes)
    if not k:
        return terms.get((), 0.0) * rho
    C = rho.shape[1]
    constant, groups = _by_first(terms)
    total = constant * np.trace(rho.reshape(-1, C**k, C**k), axis1=1, axis2=2)
    for (mode, a, b), rest in groups.items():
        at = modes.index(mode)
        left = np.tensordot(rho, weyl_matrix(a, b, C), ((1 + at, 1 + k + at), (1, 0)))
        total = total + _trace(rest, left, modes[:at] + modes[at + 1 :])
    return total
