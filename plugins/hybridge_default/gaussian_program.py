"""A Gaussian circuit as the arrays the kernels of default.gaussian run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import numpy as np

from hybridge.plugin import Circuit, Operation, QuadraticMean
from hybridge_default.gaussian_forms import ROOT, Form, form
from hybridge_default.gaussian_layout import HEADER, IDENTITY, NONE
from hybridge_default.gaussian_readings import Everything, Placed, Scalar, measured, placed


class Column(NamedTuple):
    """A reading that the kernels do not know: its columns, and where its numbers are in what they give."""

    placed: Placed
    columns: slice
    mean: np.ndarray  # (2k,)
    cov: np.ndarray  # (2k, 2k)


class Use(NamedTuple):
    """A row in the circuit: its wires, the first column of its parameters."""

    operation: Operation
    wires: tuple[int, ...]
    column: int

    @property
    def columns(self) -> np.ndarray:
        return np.arange(self.column, self.column + len(self.operation.params))


class Program(NamedTuple):
    """What the kernels take, and what is made of what they give.

    The kernels give `num_columns` columns, then means and covariances of `raw` - num_columns numbers;
    `columns` says where the former go among all `width` columns of the result, None if these are they.
    """

    ints: np.ndarray
    floats: np.ndarray
    num_wires: int
    width: int
    num_columns: int
    raw: int
    columns: np.ndarray | None
    others: tuple[Column, ...]
    whole: bool  # whether the state itself is read
    uses: tuple[Use, ...]
    roots: tuple[Use, ...]  # with a square root of a parameter

    def columns_of(self) -> Iterator[tuple[Operation, np.ndarray]]:
        """The operations and the columns of their parameters."""
        return ((use.operation, use.columns) for use in self.uses)


def compiled(circuit: Circuit, cutoff: int) -> Program | None:
    """The program of a lowered circuit; None where the definition of a row is of no form."""
    uses, forms = _reaching(circuit)
    if None in forms.values():
        return None
    return _built(circuit, cutoff, uses, cast(dict[Operation, Form], forms))


def _reaching(circuit: Circuit) -> tuple[list[Use], dict[Operation, Form | None]]:
    """The operations that reach what is measured, in order, and the forms of all."""
    uses, column = [], 0
    for operation, wires in circuit.instructions:
        uses.append(Use(operation, cast(tuple[int, ...], wires), column))
        column += len(operation.params)
    reached: set[int] = set()
    for m in circuit.measurements:
        reached.update(measured(m, len(circuit.wires)))
    kept = []
    for use in reversed(uses):
        if not reached.isdisjoint(use.wires):
            kept.append(use)
            if use.operation.kind == "state":
                reached.difference_update(use.wires)
            else:
                reached.update(use.wires)
    return kept[::-1], {use.operation: form(use.operation) for use in kept}


def _built(circuit: Circuit, cutoff: int, uses: Sequence[Use], forms: dict[Operation, Form]) -> Program:
    n = len(circuit.wires)
    rows, readings = placed(circuit.measurements, n, cutoff)
    whole = any(isinstance(r.reading, Everything) for r in readings)
    arrays = _Arrays()
    arrays.read(rows, readings, whole)
    for use in uses:
        arrays.use(use, forms[use.operation], n, len(rows))
    ints, floats = arrays.packed(2 * n, rows)
    return Program(
        ints,
        floats,
        n,
        arrays.width,
        len(arrays.offsets),
        len(arrays.offsets) + len(rows) + len(arrays.pairs),
        np.array(arrays.columns, np.intp) if arrays.others else None,
        tuple(arrays.others),
        whole,
        tuple(uses),
        tuple(use for use in uses if any(f.kind == ROOT for f in forms[use.operation].functions)),
    )


class _Arrays:
    """The parts of the arrays, as they grow."""

    def __init__(self) -> None:
        self.constants: list[np.ndarray] = []
        self.functions: list[tuple[int, int]] = []
        self.scales: list[float] = []
        self.terms: list[np.ndarray] = []
        self.coefficients: list[np.ndarray] = []
        self.records: list[list[int]] = []
        self.num_values = self.num_parts = self.widest = self.width = 0
        self.pairs: dict[tuple[int, int], int] = {}
        self.columns: list[int] = []
        self.offsets: list[float] = []
        self.linear: list[tuple[int, int, float]] = []
        self.quadratic: list[tuple[int, int, float]] = []
        self.others: list[Column] = []

    def read(self, rows: np.ndarray, readings: Sequence[Placed], whole: bool) -> None:
        """Into columns what the kernels know, unless they give the whole state."""
        later = []
        for r in readings:
            columns = slice(self.width, self.width + r.reading.width)
            self.width = columns.stop
            if not whole and isinstance(r.reading, Scalar) and isinstance(r.reading.moment, QuadraticMean):
                self._quadratic(r.reading.moment, r.at.tolist())
                self.columns.append(columns.start)
            else:
                later.append((r, columns, self._pairs_of(r.at.tolist())))
        before = len(self.offsets)
        for r, columns, cov in later:
            self.others.append(Column(r, columns, before + r.at, before + len(rows) + cov))

    def _pairs_of(self, at: Sequence[int]) -> np.ndarray:
        return np.array([[self._pair(i, j) for j in at] for i in at], np.intp)

    def _pair(self, i: int, j: int) -> int:
        return self.pairs.setdefault((i, j) if i <= j else (j, i), len(self.pairs))

    def _quadratic(self, moment: QuadraticMean, at: Sequence[int]) -> None:
        column = len(self.offsets)
        self.offsets.append(moment.c)
        for i in np.flatnonzero(moment.b):
            self.linear.append((column, at[i], moment.b[i]))
        for i, j in zip(*np.nonzero(np.triu(moment.Q)), strict=True):
            both = moment.Q[i, j] * (1 if i == j else 2)
            self.quadratic.append((column, self._pair(at[i], at[j]), both))

    def use(self, use: Use, found: Form, n: int, num_rows: int) -> None:
        operation, wires, column = use
        m = 2 * len(wires)
        start = self.num_values
        given = {"gate": (True, False), "channel": (True, True), "state": (False, True)}[operation.kind]
        x, d, y = start, start + m * m * given[0], start + m * m * given[0] + m
        varies = set(found.entries.tolist())
        if not given[0]:
            x = NONE
        elif not varies & set(range(m * m)) and np.array_equal(found.constant[: m * m], np.eye(m).ravel()):
            x = IDENTITY
        if not varies & set(range(d - start, d - start + m)) and not found.constant[d - start :][:m].any():
            d = NONE
        if not given[1]:
            y = NONE
        wanted = int(len(varies) > 0)
        entries = [*wires, *(n + w for w in wires)]
        self.records.append([m, x, d, y, wanted, self.num_parts, *entries])
        first = 2 * len(self.functions)
        for k, function in enumerate(found.functions):
            self.functions.append((function.kind, column + k))
            self.scales.append(function.scale)
        factors = np.where(found.factors > 0, found.factors + first, 0)
        self.terms.append(np.column_stack([start + found.entries, factors]))
        self.coefficients.append(found.coefficients)
        self.constants.append(found.constant)
        self.num_values += len(found.constant)
        self.num_parts += m * num_rows
        self.widest = max(self.widest, m)

    def packed(self, num_quadratures: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """ints and floats."""
        ints, floats, header = [len(HEADER)], [0], dict[str, int]()
        int_parts: list[np.ndarray] = [np.zeros(len(HEADER), np.int64)]
        float_parts: list[np.ndarray] = []

        def whole(name: str, numbers: object) -> None:
            part = np.asarray(numbers, np.int64).ravel()
            header[name], ints[0] = ints[0], ints[0] + len(part)
            int_parts.append(part)

        def real(name: str, numbers: object) -> None:
            part = np.asarray(numbers, float).ravel()
            header[name], floats[0] = floats[0], floats[0] + len(part)
            float_parts.append(part)

        empty: list[np.ndarray] = [np.zeros(0)]
        real("constants_at", np.concatenate(empty + self.constants))
        real("scales_at", self.scales)
        real("coefficients_at", np.concatenate(empty + self.coefficients))
        real("offsets_at", self.offsets)
        real("linear_floats_at", [c for _, _, c in self.linear])
        real("quadratic_floats_at", [c for _, _, c in self.quadratic])
        whole("functions_at", self.functions)
        whole("terms_at", np.concatenate([np.zeros((0, 3)), *self.terms]))
        whole("rows_at", rows)
        whole("pairs_at", list(self.pairs))
        whole("linear_at", [(c, i) for c, i, _ in self.linear])
        whole("quadratic_at", [(c, e) for c, e, _ in self.quadratic])
        starts = []
        for record in self.records:
            starts.append(ints[0])
            whole("record", record)
        whole("uses_at", starts)
        header.update(
            num_quadratures=num_quadratures,
            num_values=self.num_values,
            num_functions=len(self.functions),
            num_terms=sum(map(len, self.terms)),
            num_uses=len(self.records),
            num_parts=self.num_parts,
            num_rows=len(rows),
            num_pairs=len(self.pairs),
            num_columns=len(self.offsets),
            num_linear=len(self.linear),
            num_quadratic=len(self.quadratic),
            widest=self.widest,
        )
        packed = np.concatenate(int_parts)
        packed[: len(HEADER)] = [header[name] for name in HEADER]
        return packed, np.concatenate(float_parts)
