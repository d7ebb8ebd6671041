"""What every row of the table promises, as checks that take any row; and the tiny evaluator they use."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from hybridge.operations.derived import adjoint_row, controlled, power, uncontrolled
from hybridge.operations.spectrum import Trig
from hybridge.operations.table import FAMILIES, ROWS, Affine, Operation, Step
from hybridge.recording import recording

UNIVERSAL = frozenset({"RX", "RY", "RZ", "CNOT", "GlobalPhase"})  # where decompositions of qubit rows end
LABELS = ("q", 7, "alice", -2, 2.5, 3, 0, "b", "c")


def rows(domain: str) -> list[Operation]:
    """Every row of the table, and the rows of every family's examples."""
    families = [f for f in FAMILIES.values() if f.domain == domain]
    examples = [family.of(n, *constants) for family in families for n, constants in family.examples]
    return [r for r in ROWS.values() if r.domain == domain] + examples


def name(row: Operation) -> str:
    return f"{row.name}-{row.num_wires}"


def angles(row: Operation, seed: int = 0, shape: tuple[int, ...] = ()) -> list[np.ndarray]:
    """Values for the row's parameters, each of this shape, in (-3, 3)."""
    return list(np.random.default_rng([seed, len(row.name)]).uniform(-3, 3, (row.arity, *shape)))


# --- the evaluator: gates as matrices acting on axes of a tensor, first wire most significant ---


def act(matrix: np.ndarray, targets: Sequence[int], columns: np.ndarray) -> np.ndarray:
    """The matrix on these axes of columns (2,)*n + (m,)."""
    k = len(targets)
    front = np.moveaxis(columns, targets, range(k))
    return np.moveaxis((matrix @ front.reshape(2**k, -1)).reshape(front.shape), range(k), targets)


def expanded(steps: Sequence[Step], values: Mapping[str, float], stop: frozenset[str]) -> Iterator[Step]:
    """The steps with numbers for parameters, decomposed until every row's name is in `stop`."""
    for operation, wires, params in steps:
        numbers = [p.scale * values[p.name] + p.offset if isinstance(p, Affine) else p for p in params]
        if operation.name in stop:
            yield Step(operation, wires, tuple(numbers))
            continue
        assert operation.decomposition is not None, f"{operation} does not decompose"
        inner = operation.decomposition(*wires)
        yield from expanded(inner, dict(zip(operation.params, numbers, strict=True)), stop)


def run(
    steps: Sequence[Step],
    order: Sequence[Hashable],
    kets: np.ndarray,
    values: Mapping[str, float] | None = None,
    stop: frozenset[str] = UNIVERSAL,
) -> np.ndarray:
    """The steps over the wires `order`, applied to kets (2^n, m)."""
    columns = kets.reshape((2,) * len(order) + kets.shape[1:])
    for operation, wires, numbers in expanded(steps, values or {}, stop):
        columns = act(operation.matrix(*numbers), [order.index(w) for w in wires], columns)
    return columns.reshape(kets.shape)


def matrix_of(
    steps: Sequence[Step],
    order: Sequence[Hashable],
    values: Mapping[str, float] | None = None,
    stop: frozenset[str] = UNIVERSAL,
) -> np.ndarray:
    """The (2^n, 2^n) matrix of the steps over the wires `order`."""
    return run(steps, order, np.eye(2 ** len(order), dtype=complex), values, stop)


def matrix(row: Operation, params: Sequence[float]) -> np.ndarray:
    """The definition; where a gate has none, its decomposition."""
    if row.definition is not None:
        return row.matrix(*params)
    order = tuple(range(row.num_wires))
    return matrix_of(row.decomposition(*order), order, dict(zip(row.params, params, strict=True)))


def embedded(m: np.ndarray, wires: Sequence[Hashable], order: Sequence[Hashable]) -> np.ndarray:
    """The matrix m on `wires`, over all of `order`."""
    columns = np.eye(2 ** len(order), dtype=complex).reshape((2,) * len(order) + (-1,))
    return act(m, [order.index(w) for w in wires], columns).reshape((2 ** len(order),) * 2)


def assert_close(a: np.ndarray, b: np.ndarray, atol: float = 1e-11) -> None:
    np.testing.assert_allclose(a, b, rtol=0, atol=atol)


# --- the checks ---


def check_identity(row: Operation) -> None:
    """One object, however it is copied or pickled; its repr is its name."""
    assert pickle.loads(pickle.dumps(row)) is row
    assert copy.deepcopy(row) is row and copy.copy(row) is row
    assert hash(row) == hash(pickle.loads(pickle.dumps(row))) and {row: 1}[row] == 1
    assert repr(row) == row.name
    assert row.formula


def check_recording(row: Operation) -> None:
    """Any hashable labels are wires, by position or by name, and the parameters are kept as they are."""
    wires, params = LABELS[: row.num_wires], [float(p) for p in angles(row)]
    with recording() as tape:
        by_name = row(*params, wires=list(wires))
        by_position = row(*params, list(wires))
    assert tape == [by_name, by_position]
    for applied in tape:
        assert applied.operation is row and applied.wires == wires and list(applied.params) == params
    assert repr(by_name).startswith(f"{row.name}(") and "wires=" in repr(by_name)


def check_unitary(row: Operation) -> None:
    u = matrix(row, angles(row))
    assert u.shape == (2**row.num_wires,) * 2 and u.dtype == complex
    assert_close(u.conj().T @ u, np.eye(len(u)), 1e-12)


def check_broadcasting(row: Operation) -> None:
    """A leading shape of the parameters is one of the definition, and single parameters may lack it."""
    if not row.params or row.definition is None:
        return
    batch = angles(row, 1, (2, 3))
    stacked = row.matrix(*batch)
    assert stacked.shape[:2] == (2, 3)
    for place in np.ndindex(2, 3):
        assert_close(stacked[place], row.matrix(*(p[place] for p in batch)), 1e-13)
    mixed = [batch[0][0], *(float(p[0, 0]) for p in batch[1:])]
    assert_close(row.matrix(*mixed)[0], stacked[0, 0], 1e-13)


def frequencies(row: Operation, index: int) -> set[float]:
    """The frequencies of expectation values in one parameter, from the eigenvalues of its generator."""
    near = np.array(angles(row, 2), dtype=float)
    far = near.copy()
    far[index] += 0.01
    turn = matrix(row, far) @ matrix(row, near).conj().T
    energies = np.angle(np.linalg.eigvals(turn)) / 0.01
    gaps = {round(abs(a - b), 6) for a, b in combinations(energies, 2)}
    return {g for g in gaps if g > 1e-5}


def check_spectrum(row: Operation) -> None:
    """The declared frequencies are those of the generator, and the exact rule they give is the derivative."""
    rng = np.random.default_rng(3)
    d = 2**row.num_wires
    for index, declared in enumerate(row.spectrum):
        if declared is None:
            continue
        assert isinstance(declared, Trig)
        if "**" not in row.name or row.exponent:  # a product is no exponential in a parameter of each factor
            assert set(np.round(declared, 6)) == frequencies(row, index), (row, index)
        ket = rng.normal(size=d) + 1j * rng.normal(size=d)
        ket /= np.linalg.norm(ket)
        observable = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
        observable = (observable + observable.conj().T) / d
        point = np.array(angles(row, 4), dtype=float)

        def value(shift: float, at=point, i=index, o=observable, v=ket) -> float:
            moved = at.copy()
            moved[i] += shift
            out = matrix(row, moved) @ v
            return float((out.conj() @ o @ out).real)

        # f(s) = a + sum b cos(w s) + c sin(w s), f'(0) = sum w c; shifts far enough to tell all w apart
        span = 2 * np.pi / min(np.diff([0.0, *declared]), default=1.0)
        shifts = rng.uniform(-span, span, 6 * len(declared) + 1)
        waves = [f(w * shifts) for w in declared for f in (np.cos, np.sin)]
        target = [0.0] + [x for w in declared for x in (0.0, w)]
        weights = np.linalg.lstsq(np.stack([np.ones(len(shifts)), *waves]), target)[0]
        exact = weights @ [value(s) for s in shifts]
        h = 1e-3
        numeric = (8 * (value(h) - value(-h)) - value(2 * h) + value(-2 * h)) / (12 * h)
        assert abs(exact - numeric) < 1e-8, (row, index, exact, numeric)


def check_decomposition(row: Operation, params: Sequence[float] | None = None) -> None:
    """One level and all the way down, it equals the definition with its phase, on wires in any order."""
    if row.decomposition is None:
        assert row.name in UNIVERSAL or "**" in row.name, f"{row} needs a decomposition"
        return
    order = LABELS[: row.num_wires + 1]
    for seed in range(2):
        shuffled = tuple(
            LABELS[i] for i in np.random.default_rng(seed).permutation(len(order))[: row.num_wires]
        )
        numbers = angles(row, seed) if params is None else params
        values = dict(zip(row.params, numbers, strict=True))
        steps = row.decomposition(*shuffled)
        assert all(set(s.wires) <= set(shuffled) for s in steps)
        expected = embedded(matrix(row, numbers), shuffled, order)
        assert_close(matrix_of(steps, order, values, UNIVERSAL - {row.name}), expected)


def check_adjoint(row: Operation) -> None:
    inverse = adjoint_row(row)
    assert adjoint_row(inverse) is row and adjoint_row(row) is inverse
    assert inverse.params == row.params and inverse.num_wires == row.num_wires
    assert (inverse is row) == (row.inverse == "self")
    params = angles(row)
    assert_close(matrix(inverse, params) @ matrix(row, params), np.eye(2**row.num_wires))


def check_power(row: Operation) -> None:
    """Whole powers multiply, -1 is the adjoint, and a square root squares to the gate."""
    params, u = angles(row), matrix(row, angles(row))
    assert power(row, 1) is row and power(row, -1) is adjoint_row(row) and power(row, 2.0) is power(row, 2)
    for z in (0, 2, 3, -2):
        derived = power(row, z)
        assert_close(matrix(derived, params if derived.params else []), np.linalg.matrix_power(u, z))
    if row.definition is not None:
        root = power(row, 0.5)
        half = matrix(root, params)
        assert_close(half @ half, u)


def check_exponent(row: Operation) -> None:
    """The logarithm is linear in these parameters: zero gives the identity, and multiples compose."""
    if not row.exponent:
        return
    params = angles(row)

    def times(z: float) -> np.ndarray:
        return matrix(
            row, [z * p if n in row.exponent else p for n, p in zip(row.params, params, strict=True)]
        )

    assert_close(times(0), np.eye(2**row.num_wires))
    assert_close(times(0.7) @ times(-1.3), times(-0.6))


def check_controlled(row: Operation, values: tuple[int, ...]) -> None:
    """A block matrix, phase and all, and a row that keeps every other promise."""
    derived = controlled(row, values)
    assert controlled(row, values) is derived and derived.params == row.params
    params, d = angles(row), 2**row.num_wires
    expected = np.eye(2 ** len(values) * d, dtype=complex)
    start = int("".join(map(str, values)), 2) * d
    u = matrix(row, params)
    expected[start : start + d, start : start + d] = u
    assert_close(matrix(derived, params), expected)
    core, all_values = uncontrolled(derived)
    assert all_values[: len(values)] == values and controlled(core, all_values) is derived
    check_identity(derived)
    check_decomposition(derived, params)
    check_spectrum(derived)


GATE_CHECKS: list[Callable[[Operation], None]] = [
    check_unitary,
    check_broadcasting,
    check_spectrum,
    check_decomposition,
    check_adjoint,
    check_power,
    check_exponent,
]
