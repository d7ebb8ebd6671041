"""What detectors of photons say yes or no to: functions of photon numbers of value 1 or 0, as observables.

They are no polynomials: no exact shift rule follows from their degree, which is None.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hybridge.arithmetic import left_arithmetic
from hybridge.errors import CircuitError


class Counted(ABC):
    """A function of the photon numbers of `wires`, 1 or 0; its mean is a probability."""

    domain: ClassVar[str] = "cv"
    degree: ClassVar[None] = None
    hermitian: ClassVar[bool] = True
    traced: ClassVar[bool] = False
    form: ClassVar[str]  # what a device claims that returns its mean
    wires: tuple[Hashable, ...]

    @abstractmethod
    def value(self, photons: np.ndarray) -> np.ndarray:
        """At photon numbers (..., k) of its wires in order: (...), 1.0 or 0.0."""

    @abstractmethod
    def map_wires(self, mapping: Mapping[Any, Hashable]) -> Counted:
        """The same observable on other modes; modes not in `mapping` stay."""

    def as_observable(self) -> Counted:
        return self

    def split(self) -> list[tuple[float, Counted]]:
        return [(1.0, self)]

    def _alone(self, other: Any = None) -> Any:
        raise CircuitError(
            f"{self!r} is no polynomial in x and p and does not combine with other observables or numbers; "
            "ask for its expval and combine the values"
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __matmul__ = __rmatmul__ = _alone
    __pow__ = __truediv__ = __rtruediv__ = __neg__ = _alone
    __array_ufunc__ = left_arithmetic


@dataclass(frozen=True)
class NumberProjector(Counted):
    """The projector on a product of Fock states, |n1, n2, ...><n1, n2, ...|."""

    photons: tuple[int, ...]
    wires: tuple[Hashable, ...]

    form: ClassVar[str] = "projector"

    def value(self, photons: np.ndarray) -> np.ndarray:
        return (photons == np.array(self.photons)).all(axis=-1).astype(float)

    def map_wires(self, mapping: Mapping[Any, Hashable]) -> NumberProjector:
        return NumberProjector(self.photons, tuple(mapping.get(w, w) for w in self.wires))

    def __repr__(self) -> str:
        return f"FockStateProjector({list(self.photons)}, wires={list(self.wires)})"


@dataclass(frozen=True)
class Clicks(Counted):
    """Whether a detector in each of these modes sees light, one photon or more: 1 - |0><0| of each."""

    wires: tuple[Hashable, ...]

    form: ClassVar[str] = "click"

    def value(self, photons: np.ndarray) -> np.ndarray:
        return (photons > 0).all(axis=-1).astype(float)

    def map_wires(self, mapping: Mapping[Any, Hashable]) -> Clicks:
        return Clicks(tuple(mapping.get(w, w) for w in self.wires))

    def __repr__(self) -> str:
        return f"Click(wires={list(self.wires)})"
