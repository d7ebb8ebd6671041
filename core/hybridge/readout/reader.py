"""A readout: the circuits a device is to run, and how the user's measurements follow from the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.circuit import Circuit, Measurement
from hybridge.readout.allotment import Lot
from hybridge.readout.noise import Noise

COMPLEX = frozenset({"state", "density_matrix", "mixture"})


class Answers:
    """What one run of a readout's circuits returned; derived quantities are made once and kept."""

    def __init__(
        self,
        readout: Readout,
        arrays: Sequence[np.ndarray],
        lot: Lot,
        seed: int,
        cutoff: int,
    ):
        self.arrays, self.places, self.batch, self.shots, self.seed = (
            arrays,
            lot.places,
            len(lot.rows),
            lot.shots,  # in each setting, None for exact
            seed,
        )
        self._readout, self._cutoff = readout, cutoff
        self._made: dict[Any, Any] = {}

    def get(self, i: int, request: Measurement) -> np.ndarray:
        """(B, columns): what circuit i's device measurement returned."""
        circuit, start = self._readout.circuits[i], 0
        if len(circuit.measurements) == 1:  # nearly always
            return self.arrays[i]
        for m in circuit.measurements:
            stop = start + columns(m, len(circuit.wires), None, self._cutoff)  # shots ask for one thing only
            if m == request:
                found = self.arrays[i][:, start:stop]
                # beside a state, real columns come in a complex array
                return found.real if found.dtype.kind == "c" and m.kind not in COMPLEX else found
            start = stop
        raise KeyError(request)

    def shots_in(self, setting: int) -> int:
        """How many shots this setting took."""
        assert self.shots is not None
        return self.shots[setting]

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """`make()`, the first time; the same thing afterwards."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def rng(self, *stream: int) -> np.random.Generator:
        """A generator of its own for each stream of this run."""
        return np.random.default_rng((self.seed, *stream))


class Reader(NamedTuple):
    """One of the user's measurements: its shape without the batch axis, its values from the answers."""

    shape: Callable[[int | None], tuple[int, ...]]
    compute: Callable[[Answers], np.ndarray]  # (B, *shape)
    counted: Callable[[np.ndarray], dict[Any, int]] | None = None  # one row of the values as counts()
    noise: Callable[[Answers], Noise] | None = None  # of the values with shots; None: exact, or no estimate


class Setting(NamedTuple):
    """What takes shots of its own: the circuit it is read from, and how far one shot is expected to spread.

    That is sqrt(sum c^2) of the Pauli words or polynomials that are read in it, their spread in the maximally
    mixed state or in the vacuum; None where shots are handed out, and each setting takes those asked for.
    """

    circuit: int
    weight: float | None


class Readout(NamedTuple):
    """Circuits on wires 0..n-1, not yet lowered, with the device's measurements; a reader per user's.

    `settings` are those that shots are taken in; `own`: whether what the device says of a measurement is its
    value, where nothing is misread.
    """

    circuits: tuple[Circuit, ...]
    readers: tuple[Reader, ...]
    settings: tuple[Setting, ...] = ()
    own: bool = True


def columns(m: Measurement, n: int, shots: int | None, cutoff: int) -> int:
    """How many columns a device returns for one of its measurements on n wires."""
    k = n if m.wires is None else len(m.wires)
    base = 2 if m.observable is not None else cutoff or 2  # probs of clicks are of yes and no
    match m.kind:
        case "expval" | "var":
            return 1
        case "probs" | "state":
            return base**k
        case "density_matrix":
            return base ** (2 * k)
        case "sample":
            return int(shots or 0) * k
        case "counts":
            return 2 * min(int(shots or 0), base**k)
        case "mixture":  # of one Gaussian
            return 4 * n * n + more_columns(m, n)
        case _:  # gaussian
            return 2 * n + 4 * n * n


def more_columns(m: Measurement, n: int) -> int:
    """How many columns more each Gaussian of a mixture has, as many as a device returns; 0: none has more."""
    return 1 + 2 * n if m.kind == "mixture" else 0


def scalar(_shots: int | None) -> tuple[int, ...]:
    """The shape of an expectation value or a variance."""
    return ()
