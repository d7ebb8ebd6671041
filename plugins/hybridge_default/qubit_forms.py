"""How the matrix of a row depends on its parameter: cosines and sines, found from its definition."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np

from hybridge.plugin import Operation

_CLEAN = 1e-13  # entries of coefficients below this are rounding
_POINTS = (0.3719, -1.1373, 2.4127, 5.0321)  # irregular, to check a form at


class Wave(NamedTuple):
    """One frequency of a matrix: cosine * cos(frequency * phi) + sine * sin(frequency * phi), each (d, d)."""

    frequency: float
    cosine: np.ndarray
    sine: np.ndarray


class Form(NamedTuple):
    """A matrix (d, d) as a function of at most one parameter: constant + the sum of its waves."""

    constant: np.ndarray
    waves: tuple[Wave, ...] = ()

    def at(self, phi: float) -> np.ndarray:
        total = self.constant.astype(complex)
        for wave in self.waves:
            angle = wave.frequency * phi
            total = total + wave.cosine * np.cos(angle) + wave.sine * np.sin(angle)
        return total


@lru_cache(maxsize=512)
def form(operation: Operation) -> Form | None:
    """The form of a row with at most one parameter; None where it has none of few frequencies."""
    assert operation.definition is not None
    if not operation.params:
        return Form(np.asarray(operation.definition(), dtype=complex))
    for find in (_fitted, _spectral):
        found = find(operation)
        if found is not None and _holds(found, operation):
            return found
    return None


def _holds(found: Form, operation: Operation) -> bool:
    assert operation.definition is not None
    scale = 1 + max((wave.frequency for wave in found.waves), default=0)
    return all(np.abs(found.at(t) - operation.definition(t)).max() < 1e-13 * scale for t in _POINTS)


def _energies(operation: Operation) -> tuple[np.ndarray, np.ndarray] | None:
    """Eigenvalues (d,) and eigenvectors (d, d), one a column, of G where the gate is exp(-i phi G)."""
    if not operation.exponent or operation.definition is None:
        return None
    step = 0.25
    while True:  # until all eigenphases are within +-pi/3, where their sines tell them apart
        unitary = operation.definition(step)
        if np.linalg.norm(unitary - np.eye(len(unitary)), 2) < 1:
            break
        step /= 2
    sines, vectors = np.linalg.eigh((unitary - unitary.conj().T) / -2j)
    return np.arcsin(sines) / step, vectors


def _spectral(operation: Operation) -> Form | None:
    """The form by projectors: any number of frequencies, as close to one another as they like."""
    found = _energies(operation)
    if found is None:
        return None
    size = len(found[0])
    waves: dict[float, tuple[np.ndarray, np.ndarray]] = {}
    constant = np.zeros((size, size), complex)
    for energy, vector in zip(found[0], found[1].T, strict=True):
        projector = np.outer(vector, vector.conj())
        near = [w for w in waves if abs(w - abs(energy)) < 1e-12]
        if abs(energy) < 1e-12:
            constant += projector
            continue
        w = near[0] if near else float(abs(energy))
        cosine, sine = waves.get(w, (np.zeros_like(constant), np.zeros_like(constant)))
        waves[w] = cosine + projector, sine - 1j * np.sign(energy) * projector
    return Form(constant, tuple(Wave(w, *parts) for w, parts in waves.items()))


def _candidates(operation: Operation) -> tuple[float, ...] | None:
    """The frequencies of the matrix: those of G, or such as differ by those of the expectation values."""
    found = _energies(operation)
    if found is not None:
        return _distinct(np.abs(found[0]))
    spectrum = operation.spectrum[0]
    if not isinstance(spectrum, tuple) or len(spectrum) > 6:  # Trig is a tuple of frequencies
        return None
    halves = [w / 2 for w in spectrum]
    more = [abs(a + s * b) for a, b in combinations(halves, 2) for s in (1, -1)]
    return _distinct([0.0, *halves, *spectrum, *more])


def _distinct(frequencies: Iterable[float]) -> tuple[float, ...]:
    found: list[float] = []
    for w in sorted(frequencies):
        near = round(w * 24) / 24  # exact where it is a half, a third, a quarter ...
        w = near if abs(w - near) < 1e-11 else w
        if not found or w - found[-1] > 1e-9:
            found.append(float(w))
    return tuple(found)


def _fitted(operation: Operation) -> Form | None:
    """The form by least squares, at twice as many points as coefficients; simple ones come exact."""
    definition, frequencies = operation.definition, _candidates(operation)
    if frequencies is None or len(frequencies) > 8:
        return None
    assert definition is not None
    positive = [w for w in frequencies if w > 0]
    lowest = min(positive, default=1.0)
    spread = np.arange(1, 4 * len(positive) + 3) * 0.6180339887 % 1  # no two frequencies look alike there
    points = 2 * np.pi / lowest * spread
    columns = [np.ones_like(points)]
    for w in positive:
        columns += [np.cos(w * points), np.sin(w * points)]
    samples = np.array([definition(t) for t in points])
    shape = samples.shape[1:]
    solved = np.linalg.lstsq(np.stack(columns, axis=1), samples.reshape(len(points), -1), rcond=None)[0]
    solved = _cleaned(solved.reshape(-1, *shape))
    waves = [Wave(w, solved[1 + 2 * i], solved[2 + 2 * i]) for i, w in enumerate(positive)]
    return Form(solved[0], tuple(w for w in waves if w.cosine.any() or w.sine.any()))


def _cleaned(coefficients: np.ndarray) -> np.ndarray:
    """Rounding taken off: coefficients are sums of a few entries 1, 1/2, 1/4 ... of the definition."""
    real, imaginary = coefficients.real.copy(), coefficients.imag.copy()
    for part in (real, imaginary):
        near = np.round(part * 8) / 8
        close = np.abs(part - near) < _CLEAN * 20
        part[close] = near[close]
    return real + 1j * imaginary
