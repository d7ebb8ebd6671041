"""GaussianState: a mean and a covariance, whose entries are numbers of the circuit."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.operations import constants
from hybridge.operations.cv_gates import Pair
from hybridge.operations.spectrum import Power
from hybridge.operations.table import Constant, Family, Operation, derive


def _subject(num_wires: int) -> str:
    return f"GaussianState on {num_wires} wires"


def _check_gaussian_state(num_wires: int, V: Any, r: Any) -> tuple[Constant, Constant]:
    subject, size = _subject(num_wires), 2 * num_wires
    cov = constants.array(subject, "V", V, (size, size), float)
    mean = constants.array(subject, "r", r, (size,), float)
    _check_symmetric(num_wires, cov)
    _check_uncertainty(num_wires, cov[None])
    return Constant((cov + cov.T) / 2), Constant(mean)


def _check_symmetric(num_wires: int, cov: np.ndarray) -> None:
    off = np.abs(cov - cov.T).max()
    if off > constants.TOLERANCE * max(1.0, np.abs(cov).max()):
        raise CircuitError(
            f"{_subject(num_wires)} needs a symmetric V; V differs from its transpose by {off:.2g}"
        )


def _check_uncertainty(num_wires: int, cov: np.ndarray) -> None:
    """Raise CircuitError where the symmetric part of one of (B, 2k, 2k) is no state's."""
    scale = np.maximum(1.0, np.abs(cov).max(axis=(1, 2)))
    lowest = np.linalg.eigvalsh((cov + np.swapaxes(cov, 1, 2)) / 2 + 1j * _omega(num_wires))[:, 0]
    if (lowest < -constants.TOLERANCE * scale).any():
        raise CircuitError(
            f"{_subject(num_wires)} needs a V that obeys the uncertainty relation, V + i Omega >= 0; its "
            f"lowest eigenvalue is {lowest.min():.2g} (hbar = 2: the vacuum is V = 1; order x1..xk, p1..pk)"
        )


def _omega(num_wires: int) -> np.ndarray:
    """The symplectic form: [r_i, r_j] = 2i Omega_ij."""
    return np.kron([[0, 1], [-1, 0]], np.eye(num_wires))


def _gaussian_state(num_wires: int, V: Constant, r: Constant) -> Operation:
    return Operation(
        "GaussianState",
        "cv",
        num_wires,
        (),
        "state",
        definition=lambda: (r.array, V.array),
        mixed=_mixed(V.array),
        constants=(V, r),
        formula=GaussianState.formula,
    )


def _mixed(cov: np.ndarray) -> bool:
    return bool(np.linalg.slogdet(cov)[1] > constants.TOLERANCE)


# ---- numbers of the circuit ---------------------------------------------------------------------------


def _numbered(num_wires: int, V: Any, r: Any) -> tuple[Operation, list[Any]]:
    """The row and its numbers, r and then V row by row.

    One plan serves them all: up to four modes a call is sooner than with constants, one with a new mean or
    covariance five to nine times. Whether the state is pure is structure, and of traced numbers not known.
    """
    size, subject = 2 * num_wires, _subject(num_wires)
    if not _plain(r):
        numbers = _entries(subject, "r", r, size)
    else:
        numbers = constants.array(subject, "r", r, (size,), float).tolist()
    if not _plain(V):
        numbers += [row[j] for row in _entries(subject, "V", V, size, size) for j in range(size)]
        return derive(_of_entries, num_wires, True), numbers
    cov = constants.array(subject, "V", V, (size, size), float)
    _check_symmetric(num_wires, cov)
    return derive(_of_entries, num_wires, _mixed(cov)), numbers + cov.ravel().tolist()


def _plain(value: Any) -> bool:
    """Whether nothing in it is another library's."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return all(map(_plain, value))
    return isinstance(value, (np.ndarray, np.generic, Number, str))


def _entries(subject: str, argument: str, value: Any, *shape: int) -> list[Any]:
    """The entries along the first axis, if the shape is this one."""
    found = _shape(value)
    if found != shape:
        raise CircuitError(f"{subject} needs {argument} of shape {shape}; got {found}")
    return [value[i] for i in range(shape[0])]


def _shape(value: Any) -> tuple[int, ...]:
    if not isinstance(value, (list, tuple)):
        return tuple(np.shape(value))
    inside = {_shape(v) for v in value}
    return (len(value), *(inside.pop() if len(inside) == 1 else ()))  # ragged: too few axes


def _of_entries(num_wires: int, mixed: bool) -> Operation:
    """The row with the entries of r and of V, of which the symmetric part counts, for parameters.

    Values are polynomials in V, but a V shifted in one entry may be no state's: it has no rule.
    """
    size = 2 * num_wires
    names = (*(f"r[{i}]" for i in range(size)), *(f"V[{i}, {j}]" for i in range(size) for j in range(size)))

    def definition(*numbers: Any) -> Pair:
        every = np.stack(np.broadcast_arrays(*numbers), axis=-1).astype(float)
        V = every[..., size:].reshape(*every.shape[:-1], size, size)
        return every[..., :size], (V + np.swapaxes(V, -1, -2)) / 2

    return Operation(
        "GaussianState",
        "cv",
        num_wires,
        names,
        "state",
        definition=definition,
        spectrum=(Power(),) * size + (None,) * size**2,
        slope=lambda *numbers: _Slopes(num_wires, np.shape(numbers[0])),
        check=lambda numbers: _check_uncertainty(num_wires, numbers[:, size:].reshape(-1, size, size)),
        mixed=mixed,
        formula=GaussianState.formula,
    )


class _Slopes(Sequence[Pair]):
    """The derivatives of mean and covariance in each number, each made when it is asked for.

    All at once are (2k)^4 numbers: of 50 modes 800 MB.
    """

    def __init__(self, num_wires: int, batch: tuple[int, ...]):
        self.size, self.batch = 2 * num_wires, batch

    def __len__(self) -> int:
        return self.size + self.size**2

    def __getitem__(self, index: Any) -> Any:
        size = self.size
        mean, cov = np.zeros((*self.batch, size)), np.zeros((*self.batch, size, size))
        if index < size:
            mean[..., index] = 1
        else:
            i, j = divmod(index - size, size)
            cov[..., i, j] += 0.5
            cov[..., j, i] += 0.5
        return mean, cov


GaussianState = Family(
    "GaussianState",
    "cv",
    ("V", "r"),
    (),
    _gaussian_state,
    _check_gaussian_state,
    numbered=_numbered,
    formula="covariance V (2k, 2k) and mean r (2k,), order (x1..xk, p1..pk), vacuum V = 1",
    examples=(
        (1, (np.diag([0.5, 2.0]), np.array([0.3, -0.2]))),
        (1, (np.diag([1.5, 2.0]), np.zeros(2))),
        (2, (np.diag([1.0, 0.25, 1.0, 4.0]) + 0.5 * np.eye(4), np.arange(4) / 4)),
    ),
)
