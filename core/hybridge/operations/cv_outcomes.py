"""Post-selection: what a detector of light is found to have read, in the middle of a circuit.

The state becomes the one given that outcome, normalised; the detected modes are then in the vacuum, as the
light is absorbed. A Gaussian detector reads quadratures with noise: `definition(*params)` gives P, N and y
such that P r + noise of covariance N was found to be y, r of the row's own wires. `fock(cutoff, *params)` is
the ket that the modes are projected on, or an operator E (outputs first) with probability tr(E rho). Beside
`fock`, `slope` is the derivative of that. Conventions are those of cv_gates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hybridge.operations import constants
from hybridge.operations.cv_gates import displacement
from hybridge.operations.cv_states import check_fits, check_photons, coherent
from hybridge.operations.spectrum import Power, Trig
from hybridge.operations.table import Family, Operation, row
from hybridge.phasespace.wavefunctions import wavefunctions

Detected = tuple[np.ndarray, np.ndarray, np.ndarray]


def _detected(P: np.ndarray, N: np.ndarray, y: np.ndarray) -> Detected:
    lead = np.broadcast_shapes(P.shape[:-2], y.shape[:-1])
    P, N = (np.broadcast_to(v, (*lead, *v.shape[-2:])).copy() for v in (P, N))
    return P, N, np.broadcast_to(y, (*lead, y.shape[-1])).copy()


def _homodyne(x: Any, phi: Any) -> Detected:
    P = np.stack([np.cos(phi), np.sin(phi)], axis=-1)[..., None, :]
    return _detected(P, np.zeros((1, 1)), np.asarray(x, float)[..., None])


def _quadrature(cutoff: int, x: Any, phi: Any) -> np.ndarray:
    """The eigenstate of x cos(phi) + p sin(phi), below the cutoff."""
    x, phi = np.broadcast_arrays(np.asarray(x, float), np.asarray(phi, float))
    waves = np.moveaxis(wavefunctions(x, cutoff), 0, -1)
    return waves * np.exp(1j * np.multiply.outer(phi, np.arange(cutoff)))


def _quadrature_slope(cutoff: int, x: Any, phi: Any) -> tuple[tuple[np.ndarray], ...]:
    """d/dx is (a - a^dagger) / 2 on wave functions."""
    x, phi = np.broadcast_arrays(np.asarray(x, float), np.asarray(phi, float))
    waves, root = np.moveaxis(wavefunctions(x, cutoff + 1), 0, -1), np.sqrt(np.arange(1.0, cutoff + 1))
    slope = -root * waves[..., 1:] / 2
    slope[..., 1:] += root[:-1] * waves[..., : cutoff - 1] / 2
    n = np.arange(cutoff)
    turned = np.exp(1j * np.multiply.outer(phi, n))
    return (slope * turned,), (1j * n * waves[..., :-1] * turned,)


PostselectHomodyne = row(
    "PostselectHomodyne",
    "cv",
    1,
    ("x", "phi"),
    "outcome",
    definition=_homodyne,
    fock=_quadrature,
    slope=_quadrature_slope,
    spectrum=(Power(), Trig(1)),
    formula="given that a homodyne detector reads x_phi = x cos(phi) + p sin(phi) as the parameter x",
    label="⟨x|",
)


def _heterodyne(a: Any, phi: Any) -> Detected:
    return _detected(np.eye(2), np.eye(2), displacement(a, phi)[1])


def _coherent_slope(cutoff: int, a: Any, phi: Any) -> tuple[tuple[np.ndarray], ...]:
    ket = _coherent(cutoff, a, phi)
    a, phi = (np.asarray(v, float)[..., None] for v in np.broadcast_arrays(a, phi))
    n = np.arange(cutoff)
    raised = np.sqrt(n) * np.exp(1j * phi) * np.roll(ket, 1, axis=-1)
    return (raised - a * ket,), (1j * n * ket,)


def _coherent(cutoff: int, a: Any, phi: Any) -> np.ndarray:
    return coherent(cutoff, *(np.asarray(v, float)[..., None] for v in np.broadcast_arrays(a, phi)))


PostselectHeterodyne = row(
    "PostselectHeterodyne",
    "cv",
    1,
    ("a", "phi"),
    "outcome",
    definition=_heterodyne,
    fock=_coherent,
    slope=_coherent_slope,
    spectrum=(Power(), Trig(1)),
    formula="given that a heterodyne detector reads alpha = a e^{i phi}: the projection on a coherent state",
    label="⟨α|",
)


# ---- counted light ------------------------------------------------------------------------------------


def _nothing(num_wires: int) -> Callable[[], Detected]:
    """The vacuum is the coherent state of alpha = 0."""
    size = 2 * num_wires
    return lambda: (np.eye(size), np.eye(size), np.zeros(size))


def _photons(num_wires: int, photons: tuple[int, ...]) -> Operation:
    def fock(cutoff: int) -> np.ndarray:
        check_fits("PostselectPhotons", max(photons), cutoff)
        ket = np.zeros((cutoff,) * num_wires, dtype=complex)
        ket[photons] = 1
        return ket

    return Operation(
        "PostselectPhotons",
        "cv",
        num_wires,
        (),
        "outcome",
        definition=None if any(photons) else _nothing(num_wires),
        fock=fock,
        constants=(photons,),
        formula=PostselectPhotons.formula,
    )


PostselectPhotons = Family(
    "PostselectPhotons",
    "cv",
    ("n",),
    (),
    _photons,
    lambda num_wires, n: check_photons("PostselectPhotons", num_wires, n),
    formula="given that n photons are counted; one number per wire. Of 0 the state stays Gaussian",
    examples=((1, (1,)), (1, (0,)), (2, ((1, 0),))),
)


def _check_clicks(num_wires: int, clicks: Any) -> tuple[tuple[int, ...]]:
    return (constants.bits(f"PostselectClick on {num_wires} wires", "clicks", clicks, num_wires),)


def _click(num_wires: int, clicks: tuple[int, ...]) -> Operation:
    def fock(cutoff: int) -> np.ndarray:
        n = np.arange(cutoff)
        seen = np.ones(())
        for click in clicks:
            seen = np.multiply.outer(seen, (n > 0 if click else n == 0).astype(float))
        if not any(clicks):
            return seen.astype(complex)
        return np.diag(seen.ravel()).astype(complex).reshape((cutoff,) * (2 * num_wires))

    return Operation(
        "PostselectClick",
        "cv",
        num_wires,
        (),
        "outcome",
        definition=None if any(clicks) else _nothing(num_wires),
        fock=fock,
        mixed=any(clicks),
        constants=(clicks,),
        formula=PostselectClick.formula,
    )


PostselectClick = Family(
    "PostselectClick",
    "cv",
    ("clicks",),
    (),
    _click,
    _check_clicks,
    formula="given which threshold detectors click: 1 for a photon or more, 0 for none; one per wire. Where "
    "none clicks the state stays Gaussian",
    examples=((1, (1,)), (1, (0,)), (2, ((1, 0),))),
)
