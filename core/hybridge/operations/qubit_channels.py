"""The channels on qubits: rho -> sum_i K_i rho K_i^dagger, each row defined by its Kraus operators K_i.

A probability in which a channel is affine, whatever its other numbers are, has the spectrum Chance. Others
have no rule: slopes in gamma grow without bound towards 1, those in times as these shrink, and sums of values
with constant weights do not. They name, as `instead`, what does the same by numbers that have rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.operations import constants
from hybridge.operations.spectrum import Chance, Spectrum
from hybridge.operations.table import Constant, Family, Operation, row

I2, X, Y, Z = (
    np.array(m, complex) for m in ([[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]])
)
PAULI = {"I": I2, "X": X, "Y": Y, "Z": Z}
# |i><j|
P00, P01, P10, P11 = (
    np.array(m, complex) for m in ([[1, 0], [0, 0]], [[0, 1], [0, 0]], [[0, 0], [1, 0]], [[0, 0], [0, 1]])
)
PROBABILITY = (0.0, 1.0)
AFFINE: tuple[Spectrum | None, ...] = (Chance(),)
ROUNDING = 1e-12  # sums of what is given may be off by so much
EXCHANGE = "SingleExcitation(2 arcsin(sqrt(gamma))) with a wire in "


def _root(p: Any) -> np.ndarray:
    return np.sqrt(np.asarray(p, float))


def _kraus(*terms: tuple[Any, np.ndarray]) -> np.ndarray:
    """Factors (...) times matrices (d, d), as Kraus operators (..., m, d, d)."""
    factors = np.broadcast_arrays(*(np.asarray(c, float) for c, _ in terms))
    return np.stack(
        [c[..., None, None] * matrix for c, (_, matrix) in zip(factors, terms, strict=True)], axis=-3
    )


def _composed(later: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    """One channel after another: Kraus operators (..., m, d, d) and (..., l, d, d) -> (..., m l, d, d)."""
    products = later[..., :, None, :, :] @ earlier[..., None, :, :, :]
    return products.reshape(*products.shape[:-4], -1, *products.shape[-2:])


def _channel(
    name: str, params: tuple[str, ...], definition: Any, formula: str, label: str, **columns: Any
) -> Operation:
    bounds = columns.pop("bounds", {p: PROBABILITY for p in params})
    return row(
        name,
        "qubit",
        1,
        params,
        "channel",
        definition=definition,
        bounds=bounds,
        mixed=True,
        formula=formula,
        label=label,
        **columns,
    )


BitFlip = _channel(
    "BitFlip",
    ("p",),
    lambda p: _kraus((_root(1 - np.asarray(p, float)), I2), (_root(p), X)),
    "X with probability p",
    "BF",
    spectrum=AFFINE,
)
PhaseFlip = _channel(
    "PhaseFlip",
    ("p",),
    lambda p: _kraus((_root(1 - np.asarray(p, float)), I2), (_root(p), Z)),
    "Z with probability p",
    "PF",
    spectrum=AFFINE,
)


def _depolarizing(p: Any) -> np.ndarray:
    p = np.asarray(p, float)
    third = _root(p / 3)
    return _kraus((_root(1 - p), I2), (third, X), (third, Y), (third, Z))


DepolarizingChannel = _channel(
    "DepolarizingChannel",
    ("p",),
    _depolarizing,
    "X, Y or Z, with probability p/3 each: rho -> (1 - 4p/3) rho + (4p/3) I/2",
    "DP",
    spectrum=AFFINE,
)


def _damping(gamma: Any) -> np.ndarray:
    gamma = np.asarray(gamma, float)
    kept = _kraus((1 + 0 * gamma, P00), (_root(1 - gamma), P11)).sum(axis=-3)
    return np.stack([kept, _root(gamma)[..., None, None] * P01], axis=-3)


AmplitudeDamping = _channel(
    "AmplitudeDamping",
    ("gamma",),
    _damping,
    "|1⟩ decays to |0⟩ with probability gamma",
    "AD",
    instead=EXCHANGE + "|0>, then left alone",
)


def _generalized_damping(gamma: Any, p: Any) -> np.ndarray:
    gamma, p = np.broadcast_arrays(np.asarray(gamma, float), np.asarray(p, float))
    down = _damping(gamma)
    up = down[..., ::-1, ::-1]
    return np.concatenate(
        [_root(1 - p)[..., None, None, None] * down, _root(p)[..., None, None, None] * up], axis=-3
    )


GeneralizedAmplitudeDamping = _channel(
    "GeneralizedAmplitudeDamping",
    ("gamma", "p"),
    _generalized_damping,
    "with probability p |0⟩ is excited to |1⟩, else |1⟩ decays to |0⟩, each with probability gamma",
    "GAD",
    spectrum=(None, Chance()),
    instead=EXCHANGE + "|1> with probability p, then left alone",
)


def _phase_damping(gamma: Any) -> np.ndarray:
    gamma = np.asarray(gamma, float)
    kept = _kraus((1 + 0 * gamma, P00), (_root(1 - gamma), P11)).sum(axis=-3)
    return np.stack([kept, _root(gamma)[..., None, None] * P11], axis=-3)


PhaseDamping = _channel(
    "PhaseDamping",
    ("gamma",),
    _phase_damping,
    "the coherence of |0⟩ and |1⟩ shrinks by sqrt(1 - gamma)",
    "PD",
    instead="PhaseFlip((1 - sqrt(1 - gamma)) / 2)",
)


def _reset_error(p0: Any, p1: Any) -> np.ndarray:
    p0, p1 = np.asarray(p0, float), np.asarray(p1, float)
    a, b = _root(p0), _root(p1)
    kept = np.maximum(1 - p0 - p1, 0)  # 1 - 0.7 - 0.3 is less than 0
    return _kraus((_root(kept), I2), (a, P00), (a, P01), (b, P10), (b, P11))


def _check_reset(rows: np.ndarray) -> None:
    most = float(rows.sum(axis=1).max(initial=0))
    if most > 1 + ROUNDING:
        raise CircuitError(f"ResetError needs p0 + p1 <= 1; got p0 + p1 = {most:.6g}")


ResetError = _channel(
    "ResetError",
    ("p0", "p1"),
    _reset_error,
    "reset to |0⟩ with probability p0, to |1⟩ with probability p1",
    "RE",
    spectrum=(Chance(among=("p0", "p1")),) * 2,
    check=_check_reset,
)


def _relaxation(pe: Any, t1: Any, t2: Any, tg: Any) -> np.ndarray:
    pe, t1, t2, tg = np.broadcast_arrays(*(np.asarray(v, float) for v in (pe, t1, t2, tg)))
    decayed = -np.expm1(-tg / t1)
    # what decay leaves of the coherence is exp(-tg / 2 t1); dephasing brings it to exp(-tg / t2)
    dephased = -np.expm1(tg / t1 - 2 * tg / t2)
    return _composed(_phase_damping(np.clip(dephased, 0, 1)), _generalized_damping(decayed, pe))


def _check_relaxation(rows: np.ndarray) -> None:
    for _, t1, t2, _ in rows[rows[:, 2] > 2 * rows[:, 1] * (1 + ROUNDING)]:
        raise CircuitError(f"ThermalRelaxationError needs t2 <= 2 t1; got t1 = {t1:.6g} and t2 = {t2:.6g}")


ThermalRelaxationError = _channel(
    "ThermalRelaxationError",
    ("pe", "t1", "t2", "tg"),
    _relaxation,
    "for the time tg towards the population pe of |1⟩, in the time t1, coherence lost in the time t2 <= 2 t1",
    "TR",
    spectrum=(Chance(), None, None, None),
    instead="damping by gamma = 1 - exp(-tg / t1) and PhaseFlip((1 - exp(tg / (2 t1) - tg / t2)) / 2)",
    bounds={"pe": PROBABILITY, "t1": (1e-300, np.inf), "t2": (1e-300, np.inf), "tg": (0.0, np.inf)},
    check=_check_relaxation,
)


def _check_pauli_error(num_wires: int, operators: Any) -> tuple[str]:
    if not isinstance(operators, str) or not operators or set(operators) - set(PAULI):
        raise CircuitError(f"PauliError needs operators of the letters I, X, Y, Z; got {operators!r}")
    if len(operators) != num_wires:
        count = f"{len(operators)} wire{'' if len(operators) == 1 else 's'}"
        raise CircuitError(f"PauliError of {operators!r} acts on {count}; got {num_wires}")
    return (operators,)


def _pauli_error(num_wires: int, operators: str) -> Operation:
    matrix = np.eye(1)
    for letter in operators:
        matrix = np.kron(matrix, PAULI[letter])
    identity = np.eye(len(matrix), dtype=complex)
    return Operation(
        "PauliError",
        "qubit",
        num_wires,
        ("p",),
        "channel",
        definition=lambda p: _kraus((_root(1 - np.asarray(p, float)), identity), (_root(p), matrix)),
        spectrum=AFFINE,
        bounds={"p": PROBABILITY},
        mixed=True,
        constants=(operators,),
        formula=PauliError.formula,
        label=f"PE {operators}",
    )


PauliError: Family = Family(
    "PauliError",
    "qubit",
    ("operators", "p"),
    ("p",),
    _pauli_error,
    _check_pauli_error,
    formula="the Pauli word operators with probability p",
    examples=[(1, ("Y",)), (2, ("XZ",)), (3, ("YIX",))],
)


def _check_kraus(num_wires: int, K_list: Any) -> tuple[Constant]:
    subject, size = f"QubitChannel on {num_wires} wires", 2**num_wires
    if not isinstance(K_list, Sequence | np.ndarray) or np.ndim(K_list[:1]) != 3:
        shown = f"an array {np.shape(K_list)}" if isinstance(K_list, np.ndarray) else repr(K_list)
        what = "at least one Kraus operator, a list of matrices"
        raise CircuitError(f"{subject} needs {what} {(size, size)}; got {shown}")
    given = list(K_list)
    operators = np.stack([constants.array(subject, "Kraus operator", k, (size, size)) for k in given])
    error = float(np.abs(np.einsum("mji,mjk->ik", operators.conj(), operators) - np.eye(size)).max())
    if error > constants.TOLERANCE:
        raise CircuitError(
            f"{subject} needs Kraus operators with sum K^dagger K = 1; it differs from that by {error:.2g}"
        )
    return (Constant(operators),)


def _qubit_channel(num_wires: int, operators: Constant) -> Operation:
    return Operation(
        "QubitChannel",
        "qubit",
        num_wires,
        kind="channel",
        definition=lambda: operators.array,
        mixed=True,
        dense=True,
        constants=(operators,),
        formula=QubitChannel.formula,
        label="QC",
    )


def _examples() -> list[tuple[int, tuple[Any, ...]]]:
    rng = np.random.default_rng(29)
    found: list[tuple[int, tuple[Any, ...]]] = []
    for num_wires, count in ((1, 3), (2, 2)):
        d = 2**num_wires
        tall = rng.normal(size=(count * d, d)) + 1j * rng.normal(size=(count * d, d))
        found.append((num_wires, (list(np.linalg.qr(tall)[0].reshape(count, d, d)),)))
    return found


QubitChannel: Family = Family(
    "QubitChannel",
    "qubit",
    ("K_list",),
    (),
    _qubit_channel,
    _check_kraus,
    formula="the Kraus operators K_list, each (2^k, 2^k), with sum K^dagger K = 1",
    examples=_examples(),
)

# the names of all of them, for devices that run every one
QUBIT_CHANNELS = frozenset(
    entry.name
    for entry in (
        BitFlip,
        PhaseFlip,
        DepolarizingChannel,
        AmplitudeDamping,
        GeneralizedAmplitudeDamping,
        PhaseDamping,
        ResetError,
        ThermalRelaxationError,
        PauliError,
        QubitChannel,
    )
)
