"""A circuit as the arrays the kernels of default.mixed run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import Circuit, Measurement, Operation, Sentence
from hybridge_default.arrays import Arrays
from hybridge_default.mixed_features import External, Group, Number
from hybridge_default.mixed_functions import FUNCTIONS
from hybridge_default.mixed_layout import DENSITY, EXPVAL, HEADER, PROBS, UNIT, VAR, ZERO
from hybridge_default.mixed_records import Record, encoded
from hybridge_default.mixed_transfer import Form, at, coefficients, form

PRECISIONS = {"complex128": np.float64, "complex64": np.float32}  # of coefficients, which are real
WIDE = 4  # wires of a gate whose matrix, 16^k numbers, is still no longer than its decomposition
KINDS = {"probs": PROBS, "sample": PROBS, "counts": PROBS, "density_matrix": DENSITY}


class Program(NamedTuple):
    """What the kernels take, and what comes before and after them."""

    ints: np.ndarray
    floats: np.ndarray
    width: int  # columns of the result, a density matrix being 4^k real ones
    groups: tuple[Group, ...]
    externals: tuple[External, ...]
    num_features: int
    matrices: tuple[tuple[int, int], ...]  # of the columns that are density matrices: from, to before
    like: np.ndarray  # empty, of the precision of its states

    def features(self, params: np.ndarray) -> np.ndarray:
        """(B, P) -> (B, F)"""
        found = np.empty((len(params), self.num_features))
        for part in (*self.groups, *self.externals):
            part.fill(params, found)
        return found

    def pulled(self, params: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
        """cotangent (B, F) -> (B, P)"""
        found = np.zeros(params.shape)
        for group in self.groups:
            group.pull(params, cotangent, found)
        return found


def compiled(circuit: Circuit, dtype: str = "complex128") -> Program:
    """The program of a lowered circuit; `dtype` says how precise its states are."""
    builder = _Builder(len(circuit.wires))
    column = 0
    for operation, wires in circuit.instructions:
        numbers = tuple(Number(column + i) for i in range(len(operation.params)))
        builder.add(operation, wires, numbers)
        column += len(numbers)
    return builder.build(circuit.measurements, np.zeros(0, PRECISIONS[dtype]))


class _Factor(NamedTuple):
    """A matrix on one digit: its values (4, 4), the matrix where it is constant, whether it is a gate's."""

    values: np.ndarray
    constant: np.ndarray | None
    gate: bool


class _Builder:
    """Values, features and records, as the circuit is gone through."""

    def __init__(self, n: int):
        self.n = n
        self.constants: list[float] = [1.0, 0.0]
        self.features: dict[str, dict[tuple[Number, ...], int]] = {}  # by function
        self.terms: list[tuple[int, tuple[str, int, int], float]] = []  # value, feature, coefficient
        self.externals: list[tuple[Operation, tuple[Number, ...]]] = []
        self.products: list[int] = []
        self.lengths: list[int] = []  # of products
        self.records: list[Record] = []
        self.waiting: dict[int, list[_Factor]] = {}  # by digit: operations that nothing has come after
        self.last: dict[int, int] = {}  # the record that acted last on a digit
        self.preparations: list[tuple[np.ndarray, tuple[int, ...]]] = []
        self.ones = 0  # digits of wires that basis states set

    # ---- operations -------------------------------------------------------------------------------------

    def add(self, operation: Operation, wires: Sequence[Any], numbers: tuple[Number, ...]) -> None:
        digits = tuple(self.n - 1 - w for w in wires)
        if operation.kind == "state":
            self._prepare(operation, digits)
        elif operation.name in ("GlobalPhase", "I") or not digits:
            pass  # a density matrix has no phase
        elif self._splits(operation):
            assert operation.decomposition is not None
            for part in operation.decomposition(*wires):
                own = tuple(_composed(p, operation, numbers) for p in part.params)
                self.add(part.operation, part.wires, own)
        else:
            self._apply(operation, digits, numbers)

    def _splits(self, operation: Operation) -> bool:
        if operation.kind != "gate" or operation.decomposition is None:
            return False
        return operation.arity > 1 or operation.definition is None or operation.num_wires > WIDE

    def _prepare(self, operation: Operation, digits: tuple[int, ...]) -> None:
        # preparations come first on their wires, so they all may come first of all
        if operation.name == "BasisState":
            bits: Any = operation.constants[0]
            self.ones |= sum(1 << d for d, bit in zip(digits, bits, strict=True) if bit)
            return
        assert operation.definition is not None
        found = np.asarray(operation.definition(), dtype=complex)
        matrix = np.outer(found, found.conj()) if found.ndim == 1 else found
        self.preparations.append((coefficients(matrix), digits))

    def _apply(self, operation: Operation, digits: tuple[int, ...], numbers: tuple[Number, ...]) -> None:
        gate = operation.kind == "gate"
        fixed = bool(numbers) and not any(n.scale for n in numbers)
        found = Form(at(operation, *(n.offset for n in numbers))) if fixed else form(operation)
        values = self._external(operation, numbers) if found is None else self._values(found, numbers)
        constant = found.constant if found is not None and not found.terms else None
        if len(digits) == 1:
            self._wait(digits[0], _Factor(values, constant, gate))
            return
        if constant is not None and self._joined(digits, constant, gate):
            return
        for digit in digits:
            self._flush(digit)
        self._record(Record(digits, values, found is not None and constant is None, gate, constant))

    def _record(self, record: Record) -> None:
        self.last.update(dict.fromkeys(record.digits, len(self.records)))
        self.records.append(record)

    def _joined(self, digits: tuple[int, ...], constant: np.ndarray, gate: bool) -> bool:
        """Whether the record before on the same digits took the matrix into its own: noise of a gate."""
        where = {self.last.get(d, -1) for d in digits}
        if len(where) > 1 or where == {-1} or any(d in self.waiting for d in digits):
            return False
        at = where.pop()
        before = self.records[at]
        if before.constant is None or before.digits != digits:
            return False
        both = constant @ before.constant
        self.records[at] = Record(
            digits, self._values(Form(both), ()), False, gate and before.orthogonal, both
        )
        return True

    def _external(self, operation: Operation, numbers: tuple[Number, ...]) -> np.ndarray:
        size = 4**operation.num_wires
        first = len(self.constants)
        self.constants += [0.0] * size**2
        index = len(self.externals)
        self.externals.append((operation, numbers))
        self.terms += [(first + i, ("", index, i), 1.0) for i in range(size**2)]
        return np.arange(first, first + size**2).reshape(size, size)

    # ---- values -----------------------------------------------------------------------------------------

    def _values(self, found: Form, numbers: tuple[Number, ...]) -> np.ndarray:
        """(D, D): the value of each entry of a matrix; equal entries are one value."""
        parts = [(k, term, np.abs(m) > 0) for term in found.terms for k, m in enumerate(term.matrices)]
        moving = sum((there for *_, there in parts), np.zeros(found.constant.shape, int)) > 0
        out = np.where(found.constant == 0, ZERO, UNIT)
        other = ~moving & (found.constant != 0) & (found.constant != 1)
        out[other] = len(self.constants) + np.arange(other.sum())
        self.constants += found.constant[other].tolist()
        known: dict[Any, int] = {}
        for entry in zip(*np.nonzero(moving), strict=True):
            own = tuple(
                (self._feature(term, k, numbers), float(term.matrices[k][entry]))
                for k, term, there in parts
                if there[entry]
            )
            key = (float(found.constant[entry]), own)
            if key not in known:
                known[key] = len(self.constants)
                self.constants.append(key[0])
                self.terms += [(known[key], feature, c) for feature, c in own]
            out[entry] = known[key]
        return out

    def _feature(self, term: Any, output: int, numbers: tuple[Number, ...]) -> tuple[str, int, int]:
        own = tuple(
            Number(numbers[p].column, term.scale * numbers[p].scale, term.scale * numbers[p].offset)
            for p in term.parameters
        )
        items = self.features.setdefault(term.function, {})
        return term.function, items.setdefault(own, len(items)), output

    # ---- operations on one wire -------------------------------------------------------------------------

    def _wait(self, digit: int, factor: _Factor) -> None:
        line = self.waiting.setdefault(digit, [])
        if line and line[-1].constant is not None and factor.constant is not None:
            both = factor.constant @ line[-1].constant
            line[-1] = _Factor(self._values(Form(both), ()), both, factor.gate and line[-1].gate)
        else:
            line.append(factor)

    def _flush(self, digit: int) -> None:
        """Operations on this digit wait no longer: one matrix for all of them."""
        line = self.waiting.pop(digit, None)
        if line is None:
            return
        grad, orthogonal = any(f.constant is None for f in line), all(f.gate for f in line)
        if len(line) == 1:
            self._record(Record((digit,), line[0].values, grad, orthogonal, line[0].constant))
            return
        out, support = len(self.constants), np.eye(4, dtype=int)
        for factor in line:
            support = ((factor.values != ZERO).astype(int) @ support > 0).astype(int)
        self.constants += [0.0] * 16
        self.products += [out, len(line), *(int(v) for f in line for v in f.values.reshape(-1))]
        self.lengths.append(len(line))
        values = np.where(support > 0, out + np.arange(16).reshape(4, 4), ZERO)
        values[0] = [UNIT, ZERO, ZERO, ZERO]  # traces stay as they are
        self._record(Record((digit,), values, grad, orthogonal, None))

    # ---- measurements -----------------------------------------------------------------------------------

    def build(self, measurements: Sequence[Measurement], like: np.ndarray) -> Program:
        for digit in sorted(self.waiting):
            self._flush(digit)
        arrays = Arrays(len(HEADER))
        columns, width, whole = [], 0, []
        for m in measurements:
            columns.append(self._column(arrays, m, width))
            wires = self.n if m.wires is None else len(m.wires)
            size = {"expval": 1, "var": 1, "density_matrix": 4**wires}.get(m.kind, 2**wires)
            if m.kind == "density_matrix":
                whole.append((width, width + size))
            width += size
        groups, first = [], 0
        places: dict[tuple[str, int], tuple[int, int]] = {}  # first feature, and how many side by side
        for function, items in self.features.items():
            numbers = np.array([[tuple(n) for n in own] for own in items])
            at = numbers[..., 0].astype(int)
            groups.append(Group(function, at, numbers[..., 1], numbers[..., 2], first))
            places.update({(function, i): (first + i, len(items)) for i in range(len(items))})
            first += len(items) * len(FUNCTIONS[function].outputs)
        externals = []
        for i, (operation, own) in enumerate(self.externals):
            places["", i] = (first, 1)
            externals.append(External(operation, own, first))
            first += 16**operation.num_wires
        terms = [
            (value, places[name, i][0] + output * places[name, i][1])
            for value, (name, i, output), _ in self.terms
        ]
        records, lossy, grads = [], 0, []
        for k, record in enumerate(self.records):
            records.append(arrays.ints(encoded(record, lossy)))
            lossy += not record.orthogonal
            grads += [k] if record.grad else []
        header = {
            "num_digits": self.n,
            "num_values": len(self.constants),
            "constants_at": arrays.floats(self.constants),
            "num_terms": len(terms),
            "terms_at": arrays.ints([x for pair in terms for x in pair]),
            "terms_floats_at": arrays.floats([c for *_, c in self.terms]),
            "num_products": len(self.lengths),
            "products_at": arrays.ints(self.products),
            "longest": max(self.lengths, default=0),
            "num_records": len(records),
            "records_at": arrays.ints(records),
            "first_grad": min(grads, default=len(records)),
            "num_lossy": lossy,
            "largest": max((r.values.shape[0] for r in self.records), default=1),
            "ones": self.ones,
            "start_at": self._start(arrays),
            "num_columns": len(columns),
            "columns_at": arrays.ints(columns),
        }
        ints, floats = arrays.joined([header[name] for name in HEADER])
        return Program(ints, floats, width, tuple(groups), tuple(externals), first, tuple(whole), like)

    def _start(self, arrays: Arrays) -> int:
        """Where the first state stands; -1 where it is one basis state."""
        if not self.preparations:
            return -1
        prepared = [d for _, digits in self.preparations for d in digits]
        state, order = np.ones(1), []
        for digit in (d for d in range(self.n) if d not in prepared):
            state = np.kron(state, [1.0, 0.0, 0.0, -1.0 if self.ones >> digit & 1 else 1.0])
            order.append(digit)
        for own, digits in self.preparations:
            state, order = np.kron(state, own), [*order, *digits]
        tensor = state.reshape((4,) * self.n).transpose([order.index(d) for d in reversed(range(self.n))])
        return arrays.floats(tensor.reshape(-1))

    def _column(self, arrays: Arrays, m: Measurement, place: int) -> int:
        if m.kind in KINDS:
            wires: Any = range(self.n) if m.wires is None else m.wires
            return arrays.ints([KINDS[m.kind], place, len(wires), *(self.n - 1 - w for w in wires)])
        found = [self._words(arrays, m.observable)]
        if m.kind == "var":
            found.append(self._words(arrays, m.observable @ m.observable))
        heads = [x for words, coefficient_at in found for x in (len(words), coefficient_at)]
        code = VAR if m.kind == "var" else EXPVAL
        return arrays.ints([code, place, *heads, *(w for words, _ in found for w in words)])

    def _words(self, arrays: Arrays, observable: Any) -> tuple[list[int], int]:
        """The numbers of an observable's words, and where their coefficients stand."""
        if isinstance(observable, Sentence):
            words = [sum("IXYZ".index(s) * self._place(w) for w, s in word) for word in observable.terms]
            return words, arrays.floats(list(observable.terms.values()))
        local = observable.local if isinstance(observable.local, np.ndarray) else observable.local.toarray()
        own = coefficients(local) / len(local)
        numbers = np.zeros(1, int)
        for wire in observable.wires:
            numbers = np.add.outer(numbers, np.arange(4) * self._place(wire)).reshape(-1)
        there = np.abs(own) > 0
        return numbers[there].tolist(), arrays.floats(own[there])

    def _place(self, wire: Any) -> int:
        return 4 ** (self.n - 1 - int(wire))


def _composed(p: Any, operation: Operation, numbers: tuple[Number, ...]) -> Number:
    """A parameter of a step in terms of the columns."""
    if isinstance(p, float):
        return Number(0, 0.0, p)
    own = numbers[operation.params.index(p.name)]
    return Number(own.column, p.scale * own.scale, p.scale * own.offset + p.offset)
