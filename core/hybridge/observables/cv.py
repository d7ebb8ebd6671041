"""Observables of modes: quadratures, photon numbers, polynomials in x and p, and Fock-state projectors.

hbar = 2: the vacuum has <x^2> = <p^2> = 1. All but FockStateProjector and Click are Polynomials, so
`+ - * @ **` work between them.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.operations.table import Wires, as_wires
from hybridge.phasespace.counted import Clicks, NumberProjector
from hybridge.phasespace.polynomial import Polynomial, momentum, photon_number, position
from hybridge.phasespace.weyl import Monomial, monomial


def NumberOperator(wires: Any) -> Polynomial:
    """The photon number n = (x^2 + p^2) / 4 - 1/2 of one mode.

    >>> NumberOperator(0) ** 2 + 1
    n(0)^2 + 1.0
    """
    return photon_number(_one("NumberOperator", wires, "; TensorN(wires) is the product over several"))


def TensorN(wires: Any) -> Polynomial:
    """The product of the photon numbers of these modes; NumberOperator for one.

    >>> TensorN([0, 1])
    n(0)*n(1)
    """
    return reduce(Polynomial.__matmul__, map(photon_number, _distinct("TensorN", wires)))


def QuadX(wires: Any) -> Polynomial:
    """The position quadrature x = a + a^dagger of one mode.

    >>> QuadX(0) @ QuadP(0) - QuadP(0) @ QuadX(0)
    2j
    """
    return position(_one("QuadX", wires))


def QuadP(wires: Any) -> Polynomial:
    """The momentum quadrature p = -i (a - a^dagger) of one mode."""
    return momentum(_one("QuadP", wires))


def QuadOperator(phi: float, wires: Any) -> Polynomial:
    """The quadrature x cos(phi) + p sin(phi) of one mode, phi in radians.

    >>> QuadOperator(0.0, wires=0) == QuadX(0)
    True
    """
    mode = _one("QuadOperator", wires)
    try:
        angle = float(phi)
    except (TypeError, ValueError):
        angle = math.nan
    if not math.isfinite(angle):
        raise CircuitError(
            f"QuadOperator needs a plain angle phi; got {type(phi).__name__} {phi!r}; to differentiate "
            "an angle apply hb.Rotation(-phi, wires) and measure hb.QuadX(wires)"
        )
    return math.cos(angle) * position(mode) + math.sin(angle) * momentum(mode)


def PolyXP(q: Any, wires: Any) -> Polynomial:
    """A polynomial of degree 1 or 2 in x and p, from its coefficients over (1, x0, p0, x1, p1, ...).

    q is a vector (1 + 2k,) for sum_i q_i r_i, or a matrix (1 + 2k, 1 + 2k) for sum_ij q_ij r_i r_j, of which
    the symmetric part counts. Its entries may be traced by a differentiable library.

    >>> PolyXP([0.5, 1.0, 2.0], wires=0)
    x(0) + 2.0*p(0) + 0.5
    >>> PolyXP([[-0.5, 0, 0], [0, 0.25, 0], [0, 0, 0.25]], wires=0) == NumberOperator(0)
    True
    """
    modes = _distinct("PolyXP", wires)
    size = 1 + 2 * len(modes)
    shape = np.shape(q)
    if shape not in ((size,), (size, size)):
        raise CircuitError(
            f"PolyXP on {len(modes)} wires needs q of shape ({size},) or ({size}, {size}), "
            f"over (1, x0, p0, x1, p1, ...); got shape {shape}"
        )
    entries: Iterable[Sequence[int]] = np.ndindex(*shape)
    if isinstance(q, (list, tuple, np.ndarray)):
        q = np.asarray(q)
        if q.dtype.kind not in "biuf":
            raise CircuitError(f"PolyXP needs real numbers q; got an array of {q.dtype}")
        entries = np.argwhere(q).tolist()  # most are 0
    # the symbol of (r_i r_j + r_j r_i) / 2 is the product of theirs: no operator need be multiplied
    variables = [(mode, *powers) for mode in modes for powers in ((1, 0), (0, 1))]
    terms: dict[Monomial, Any] = {}
    for at in entries:
        powers: dict[Hashable, tuple[int, int]] = {}
        for mode, a, b in (variables[i - 1] for i in at if i):
            x, p = powers.get(mode, (0, 0))
            powers[mode] = (x + a, p + b)
        key = monomial((mode, *of_one) for mode, of_one in powers.items())
        c = q[tuple(at)]
        terms[key] = terms[key] + c if key in terms else c
    return Polynomial(terms, modes)


def FockStateProjector(n: Any, wires: Any) -> NumberProjector:
    """The projector on the Fock state |n1, n2, ...>, one photon number per wire; its mean is the probability.

    >>> FockStateProjector([2, 0], wires=["a", "b"])
    FockStateProjector([2, 0], wires=['a', 'b'])
    """
    modes = _distinct("FockStateProjector", wires)
    photons = np.atleast_1d(np.asarray(n))
    if photons.dtype.kind not in "iu" or photons.shape != (len(modes),) or (photons < 0).any():
        raise CircuitError(
            f"FockStateProjector needs a whole photon number >= 0 for each of the wires {list(modes)!r}; "
            f"got {n!r}"
        )
    return NumberProjector(tuple(photons.tolist()), modes)


def Click(wires: Any) -> Clicks:
    """Whether threshold detectors in these modes all click: 1 where each sees a photon or more, else 0.

    Its mean is the probability of that; `probs(op=Click(wires))` are those of all patterns, (2^k,), a bit a
    wire, 1 where it clicks. With shots, detectors of one circuit are read in the same shots, beside photon
    numbers: `sample(Click(0)), sample(Click(1))` are joint.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.gaussian", wires=1))
    ... def circuit(a):
    ...     hb.CoherentState(a, 0.0, wires=0)
    ...     return hb.expval(hb.Click(0))  # 1 - exp(-a^2)
    >>> round(float(circuit(1.0)), 6)
    0.632121
    """
    return Clicks(_distinct("Click", wires))


def _one(name: str, wires: Any, remedy: str = "") -> Hashable:
    modes = as_wires(wires)
    if len(modes) != 1:
        raise CircuitError(f"{name} acts on 1 wire; got wires {list(modes)!r}{remedy}")
    return modes[0]


def _distinct(name: str, wires: Any) -> Wires:
    modes = as_wires(wires)
    if not modes or len(set(modes)) != len(modes):
        raise CircuitError(f"{name} acts on one or more wires, each given once; got wires {list(modes)!r}")
    return modes
