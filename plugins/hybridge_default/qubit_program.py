"""A circuit as the arrays the kernels of default.qubit run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import FAMILIES, ROWS, Circuit, Measurement, Operation, Sentence, uncontrolled
from hybridge_default.arrays import Arrays
from hybridge_default.qubit_blocks import CUT, Cut, Gate, Sweep, sweeps
from hybridge_default.qubit_forms import Form, Wave, form
from hybridge_default.qubit_fusion import fused
from hybridge_default.qubit_layout import (
    BY_VALUES,
    DENSE,
    DIAGONAL,
    EXPVAL,
    HEADER,
    MOVE1,
    MOVE2,
    ONE,
    PAIR1,
    PAIR2,
    PAULI,
    PROBS,
    REAL1,
    REAL2,
    REAL_ONE,
    SPARSE,
    STATE,
    SWEEP,
    TILES,
    TURN_X,
    TURN_Y,
    TURN_Z,
    UNIT,
    VAR,
    WEIGHTS,
    ZERO,
)
from hybridge_default.qubit_words import Group, Word, groups

PRECISIONS = {"complex128": np.float64, "complex64": np.float32}  # of real and imaginary parts
FUSED_BITS = 14  # of a block whose runs of gates are fused: their tables are as large
WEIGHT_WIRES = 24  # up to here the diagonal words of a sentence become one vector of weights

# the Pauli word a row is a rotation about
WORDS: dict[str, Callable[[Operation], str]] = {
    **{name: lambda row, s=name[1:]: s for name in ("RX", "RY", "RZ")},
    **{name: lambda row, s=name[5:]: s for name in ("IsingXX", "IsingYY", "IsingZZ")},
    "MultiRZ": lambda row: "Z" * row.num_wires,
    "PauliRot": lambda row: row.constants[0],
}


def _signed_phases(row: Operation) -> Form:
    signs = np.where(np.arange(2**row.num_wires) < row.constants[0], 1.0, -1.0)
    return Form(0 * signs, (Wave(1.0, np.ones(len(signs), complex), 1j * signs),))


# rows whose diagonal is known without a matrix of their size
DIAGONALS: dict[str, Callable[[Operation], Form]] = {
    "DiagonalQubitUnitary": lambda row: Form(row.constants[0].array.astype(complex)),
    "PCPhase": _signed_phases,
}
# rows of several parameters as products of rows of one; others are decomposed
PRODUCTS: dict[str, tuple[tuple[str, str], ...]] = {
    "CRot": (("CRZ", "phi"), ("CRY", "theta"), ("CRZ", "omega")),
}
AXES = {"X": TURN_X, "Y": TURN_Y, "Z": TURN_Z}
# what is drawn is drawn from probabilities
KINDS = {"expval": EXPVAL, "var": VAR, "probs": PROBS, "state": STATE, "sample": PROBS, "counts": PROBS}


Controls = tuple[tuple[int, int], ...]  # bits and the values they must have


class Number(NamedTuple):
    """A parameter of an operation: scale * (column of the parameters) + offset."""

    column: int
    scale: float = 1.0
    offset: float = 0.0


class External(NamedTuple):
    """A matrix that no form describes: evaluated in numpy for the whole batch, its entries values."""

    definition: Callable[..., np.ndarray]
    numbers: tuple[Number, ...]
    entries: tuple[np.ndarray, np.ndarray]  # rows and columns of the matrix that may be other than 0


class Program(NamedTuple):
    """What the kernels take: ints, floats, and the width of what they give."""

    ints: np.ndarray
    floats: np.ndarray
    width: int  # columns of the result
    complex: bool  # whether a state is among them
    externals: tuple[External, ...]
    num_external: int
    like: np.ndarray  # empty, of the precision of its states
    shared: bool  # whether threads share each row of a batch
    spare: bool  # whether the measurements take another state

    def external(self, params: np.ndarray) -> np.ndarray:
        """(B, P) -> (B, 2 X): the values of matrices without a form, real and imaginary parts in turn."""
        out = np.empty((len(params), self.num_external), complex)
        start = 0
        for item in self.externals:
            numbers = [n.scale * params[:, n.column] + n.offset for n in item.numbers]
            found = item.definition(*numbers)[:, *item.entries]
            out[:, start : start + found.shape[1]] = found
            start += found.shape[1]
        return out.view(np.float64)


def compiled(circuit: Circuit, dtype: str = "complex128", cut: Cut = CUT) -> Program:
    """The program of a lowered circuit; `dtype` is the precision of its states, which are cut into blocks."""
    builder = _Builder(len(circuit.wires), PRECISIONS[dtype])
    column = 0
    for operation, wires in circuit.instructions:
        numbers = tuple(Number(column + i) for i in range(len(operation.params)))
        builder.add(operation, wires, numbers)
        column += len(numbers)
    return builder.build(circuit.measurements, cut)


class _Factor(NamedTuple):
    """A matrix on one bit: of one parameter, or constant."""

    form: Form
    number: Number | None = None
    axis: str = ""  # where it is exp(-i phi/2 X), Y or Z

    @property
    def diagonal(self) -> bool:
        parts = [self.form.constant, *(m for w in self.form.waves for m in (w.cosine, w.sine))]
        return not any(m[0, 1] or m[1, 0] for m in parts)

    @property
    def real(self) -> bool:
        """Whether it may be a factor of a REAL_ONE."""
        return self.axis == "Y" or (self.number is None and not self.form.constant.imag.any())


def _composed(p: Any, operation: Operation, numbers: tuple[Number, ...]) -> Number:
    """A parameter of a step in terms of the columns."""
    if isinstance(p, float):
        return Number(0, 0.0, p)
    own = numbers[operation.params.index(p.name)]
    return Number(own.column, p.scale * own.scale, p.scale * own.offset + p.offset)


class _Builder:
    """Values, terms and records, as the circuit is gone through."""

    def __init__(self, n: int, real: type):
        self.n, self.real = n, real
        self.lane_bits = 6 - np.dtype(real).itemsize.bit_length() + 1  # a vector has 64 bytes
        self.constants: list[complex] = [1.0, 0.0]
        self.trigs: dict[Number, int] = {}
        self.terms: list[tuple[int, int, float, float]] = []  # entry of the values, trig, cosine, sine
        self.products: list[int] = []
        self.num_products = 0
        self.gates: list[Gate] = []
        self.externals: list[tuple[External, int]] = []  # and its first value
        self.preparations: list[tuple[np.ndarray, tuple[int, ...]]] = []
        self.basis = 0  # the bits that basis states set
        self.num_table = 0
        self.imaginary: set[int] = set()  # values that need not be real
        self.negatives: dict[int, int] = {}  # values and those that are minus them
        self.waiting: dict[int, list[_Factor]] = {}  # by bit: gates on it that nothing has come after

    # ---- operations -------------------------------------------------------------------------------------

    def add(self, operation: Operation, wires: Sequence[Any], numbers: tuple[Number, ...]) -> None:
        bits = tuple(self.n - 1 - w for w in wires)
        if operation.kind == "state":
            self._prepare(operation, bits)
        elif operation.name in WORDS:
            self._rotate(WORDS[operation.name](operation), bits, numbers[0])
        elif operation.name == "GlobalPhase":
            self._apply(form(FAMILIES["GlobalPhase"].of(0)), (), numbers)
        elif operation.name == "I":
            pass
        elif operation.name in PRODUCTS:
            for name, parameter in PRODUCTS[operation.name]:
                self.add(ROWS[name], wires, (numbers[operation.params.index(parameter)],))
        else:
            self._other(operation, wires, bits, numbers)

    def _other(
        self, operation: Operation, wires: Any, bits: tuple[int, ...], numbers: tuple[Number, ...]
    ) -> None:
        if operation.name in DIAGONALS:
            self._diagonal(DIAGONALS[operation.name](operation), bits, numbers)
            return
        core, controls = uncontrolled(operation)
        found = form(core) if controls and core.num_wires == 1 and len(core.params) <= 1 else None
        if found is not None:
            self._apply(found, bits[len(controls) :], numbers, tuple(zip(bits, controls, strict=False)))
            return
        several = len(operation.params) > 1 or operation.definition is None
        split = (
            several or operation.exponent
        ) and operation.decomposition is not None  # of a wide matrix: long
        steps = operation.decomposition(*wires) if split else None
        turned = steps is not None and len(steps) == 1 and operation.exponent  # an inverse, a power
        if steps is not None and (turned or several):
            for part in steps:
                self.add(
                    part.operation, part.wires, tuple(_composed(p, operation, numbers) for p in part.params)
                )
            return
        found = form(operation) if len(operation.params) <= 1 else None
        if found is not None:
            self._apply(found, bits, numbers)
        else:
            self._external(operation, bits, numbers)

    def _prepare(self, operation: Operation, bits: tuple[int, ...]) -> None:
        # preparations come first on their wires, so they all may come first of all
        if operation.name == "BasisState":
            values: Any = operation.constants[0]
            self.basis |= sum(1 << bit for bit, value in zip(bits, values, strict=True) if value)
        else:
            assert operation.definition is not None
            self.preparations.append((np.asarray(operation.definition(), dtype=complex), bits))

    def _rotate(self, letters: str, bits: tuple[int, ...], number: Number) -> None:
        """exp(-i phi/2 P)"""
        active = [(bit, s) for bit, s in zip(bits, letters, strict=True) if s != "I"]
        if not active:
            half = Number(number.column, number.scale / 2, number.offset / 2)
            self.add(FAMILIES["GlobalPhase"].of(0), (), (half,))
            return
        if len(active) == 1:
            bit, s = active[0]
            found = form(ROWS[f"R{s}"])
            assert found is not None
            self._wait(bit, _Factor(found, number, s))
            return
        if [s for _, s in active] == ["Z", "Z"]:
            found = form(ROWS["IsingZZ"])
            assert found is not None
            self._apply(found, tuple(bit for bit, _ in active), (number,))
            return
        flip = sum(1 << bit for bit, s in active if s in "XY")
        sign = sum(1 << bit for bit, s in active if s in "YZ")
        e = -1j * 1j ** sum(s == "Y" for _, s in active)
        trig = self._trig(number, 0.5)
        self._flush(bits)
        turn = (flip & sign).bit_count() & 1
        d, e_value = self._value(), self._value()
        self._term(d, trig, 1.0, 0.0)
        self._term(e_value, trig, 0.0, e * (-1) ** turn)
        low = (1 << self.lane_bits) - 1
        record = [
            PAULI,
            1,
            flip & ~low,
            flip & low,
            sign & ~low,
            sign & low,
            d,
            e_value,
            turn,
            int(e.real == 0),
        ]
        self.gates.append(Gate(record, True))

    def _diagonal(self, entries: Form, bits: tuple[int, ...], numbers: tuple[Number, ...]) -> None:
        """A diagonal gate, of whose matrix the form has the diagonal alone."""
        values = self._values(entries, numbers[:1])
        self._flush(bits)
        place = _Places(self.lane_bits, bits)
        self._record(self._pair_record(DIAGONAL, place, 0, [values]), bool(entries.waves))

    def _apply(
        self, found: Form | None, bits: tuple[int, ...], numbers: tuple[Number, ...], controls: Controls = ()
    ) -> None:
        """A gate on these bits, where each bit of the controls has its value."""
        assert found is not None
        if len(bits) == 1 and not controls:
            self._wait(bits[0], _Factor(found, numbers[0] if found.waves else None))
        else:
            self._flush((*bits, *(bit for bit, _ in controls)))
            self._emit(self._values(found, numbers[:1]), bits, bool(found.waves), controls)

    def _external(self, operation: Operation, bits: tuple[int, ...], numbers: tuple[Number, ...]) -> None:
        assert operation.definition is not None
        size = 2 ** len(bits)
        irregular = [[0.37 + 0.71 * i + 1.13 * k for k in range(len(numbers))] for i in range(3)]
        seen = sum((np.abs(operation.definition(*point)) for point in irregular), np.zeros((size, size)))
        rows, columns = np.nonzero(seen)
        first = len(self.constants)
        self.constants += [0.0] * len(rows)
        self.imaginary.update(range(first, first + len(rows)))
        self.externals.append((External(operation.definition, numbers, (rows, columns)), first))
        values = np.full((size, size), ZERO)
        values[rows, columns] = np.arange(first, first + len(rows))
        self._flush(bits)
        self._emit(values, bits, False)

    # ---- values -----------------------------------------------------------------------------------------

    def _value(self, constant: complex = 0.0) -> int:
        self.constants.append(constant)
        if complex(constant).imag:
            self.imaginary.add(len(self.constants) - 1)
        return len(self.constants) - 1

    def _constant(self, number: complex) -> int:
        return UNIT if number == 1 else ZERO if number == 0 else self._value(number)

    def _trig(self, number: Number, frequency: float) -> int:
        key = Number(number.column, frequency * number.scale, frequency * number.offset)
        return self.trigs.setdefault(key, len(self.trigs))

    def _negated(self, value: int) -> int:
        """The value that is minus one made of terms."""
        if value not in self.negatives:
            out = self.negatives[value] = self._value(-self.constants[value])
            parts = {2 * value: 2 * out, 2 * value + 1: 2 * out + 1}
            self.terms += [(parts[at], t, -c, -s) for at, t, c, s in self.terms if at in parts]
            if value in self.imaginary:
                self.imaginary.add(out)
        return self.negatives[value]

    def _term(self, value: int, trig: int, cosine: complex, sine: complex) -> None:
        for part, (c, s) in enumerate(((cosine.real, sine.real), (cosine.imag, sine.imag))):
            if c or s:
                self.terms.append((2 * value + part, trig, float(c), float(s)))
                if part:
                    self.imaginary.add(value)

    def _values(self, found: Form, numbers: Sequence[Number]) -> np.ndarray:
        """(d, d): the value of each entry of a matrix."""
        if not found.waves:  # nothing to look for, in what may be large
            out = np.where(found.constant == 0, ZERO, UNIT)
            other = (found.constant != 0) & (found.constant != 1)
            out[other] = len(self.constants) + np.arange(other.sum())
            self.constants += found.constant[other].tolist()
            self.imaginary.update(out[other & (found.constant.imag != 0)].tolist())
            return out
        waves = {self._trig(numbers[0], w.frequency): (w.cosine, w.sine) for w in found.waves}
        return self._entries(found.constant, waves)

    def _entries(self, constant: np.ndarray, waves: dict[int, tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """The value of each entry of constant + waves; equal entries are one value."""
        out = np.empty(constant.shape, int)
        known: dict[Any, int] = {}
        for at in np.ndindex(*constant.shape):
            parts = tuple(
                (t, complex(c[at]), complex(s[at])) for t, (c, s) in waves.items() if c[at] or s[at]
            )
            fixed = complex(constant[at])
            key = (fixed, parts)
            if not parts:
                out[at] = self._constant(fixed)
                continue
            if key not in known:
                known[key] = self._value(fixed)
                for t, c, s in parts:
                    self._term(known[key], t, c, s)
            out[at] = known[key]
        return out

    # ---- gates on one wire ------------------------------------------------------------------------------

    def _wait(self, bit: int, factor: _Factor) -> None:
        line = self.waiting.setdefault(bit, [])
        if line and line[-1].number is None and factor.number is None:
            line[-1] = _Factor(Form(factor.form.constant @ line[-1].form.constant))
        else:
            line.append(factor)

    def _flush(self, bits: Sequence[int]) -> None:
        """Gates on these bits wait no longer: one matrix for all of them on each bit."""
        for bit in bits:
            line = self.waiting.pop(bit, None)
            if line is None:
                continue
            constant = line[0].form.constant if len(line) == 1 and line[0].number is None else None
            if all(f.diagonal for f in line) or (
                constant is not None and (constant == [[0, 1], [1, 0]]).all()
            ):
                for factor in line:
                    numbers = [] if factor.number is None else [factor.number]
                    self._emit(self._values(factor.form, numbers), (bit,), bool(numbers))
            else:
                self._multiply(line, bit)

    def _multiply(self, line: list[_Factor], bit: int) -> None:
        """The record of a product."""
        factors = []
        for f in line:
            if f.axis and f.number is not None:
                factors.append([AXES[f.axis], self._trig(f.number, 0.5), 0, 0, 0])
            else:
                numbers = [] if f.number is None else [f.number]
                factors.append([BY_VALUES, *map(int, self._values(f.form, numbers).reshape(-1))])
        out, grad = len(self.constants), any(f.number is not None for f in line)
        self.constants += [0.0] * 4
        self.products += [out, len(factors), *(x for f in factors for x in f)]
        self.num_products += 1
        code = REAL_ONE if all(f.real for f in line) else ONE
        self.gates.append(Gate([code, int(grad), bit, out], grad))

    # ---- records ----------------------------------------------------------------------------------------

    def _emit(self, values: np.ndarray, bits: tuple[int, ...], grad: bool, controls: Controls = ()) -> None:
        """The record of a matrix of values (d, d) on these bits, the first most significant."""
        indices = np.arange(2 ** len(bits))
        rows, columns = np.nonzero(values != ZERO)
        flips = sorted({int(f) for f in rows ^ columns} | {0})
        place = _Places(self.lane_bits, bits, controls)
        if flips == [0]:
            diagonal = values[indices, indices]
            record = self._pair_record(DIAGONAL, place, 0, [diagonal])
        elif len(flips) == 2:
            flip = flips[1]
            columns_of = [values[indices, indices], values[indices, indices ^ flip]]
            record = self._pair_record(PAIR2 if place.high_flip(flip) else PAIR1, place, flip, columns_of)
        else:
            record = self._dense_record(place, flips, [values[indices, indices ^ f] for f in flips])
        self._record(record, grad)

    def _record(self, record: list[int] | None, grad: bool) -> None:
        if record is not None:
            record[1] = int(grad)
            self.gates.append(Gate(record, grad))

    def _pair_record(
        self, code: int, place: _Places, flip: int, columns: list[np.ndarray]
    ) -> list[int] | None:
        """`columns`: the values of D, and of E, by local index."""
        cross, low = place.high_flip(flip), place.low_flip(flip)
        lanes = 2**self.lane_bits if place.in_lanes else 1
        pairs: list[list[int]] = []
        for i in range(place.blocks):
            j = i ^ cross
            if j < i:
                continue
            sides = (i, j) if code == PAIR2 else (i,)
            found = [
                np.where(place.acting, c[place.local[b]], same).tolist()
                for b in sides
                for c, same in zip(columns, (UNIT, ZERO), strict=False)
            ]
            same = [UNIT if m % len(columns) == 0 else ZERO for m in range(len(found))]
            if all(v == same[m] for m, row in enumerate(found) for v in row):
                continue  # these entries stay as they are
            pairs.append([place.offset(i), place.offset(j), *(v for row in found for v in row)])
        if not pairs:
            return None
        if code != DIAGONAL:
            values = {v for pair in pairs for v in pair[2:]}
            still = [m for m in range(len(sides) * 2) if m % 2 == 0]
            moves = all(
                set(pair[2 + m * lanes : 2 + (m + 1) * lanes]) == {ZERO if m in still else UNIT}
                for pair in pairs
                for m in range(len(sides) * 2)
            )
            if moves:
                code, pairs = (MOVE2 if code == PAIR2 else MOVE1), [pair[:2] for pair in pairs]
            elif not values & self.imaginary:
                code = REAL2 if code == PAIR2 else REAL1
        return [code, 0, low, lanes, len(place.high), len(pairs), *place.high, *(x for p in pairs for x in p)]

    def _dense_record(self, place: _Places, flips: list[int], columns: list[np.ndarray]) -> list[int]:
        lanes, blocks = 2**self.lane_bits if place.in_lanes else 1, place.blocks
        found = [x for c in columns for x in c[place.local].reshape(-1).tolist()]
        self.num_table = max(self.num_table, 2 ** (self.lane_bits + 1) * blocks * max(len(flips), 1))
        crossings = [x for f in flips for x in (place.high_flip(f), place.low_flip(f))]
        head = [DENSE, 0, lanes, len(place.high), len(flips)]
        return [*head, *place.high, *map(place.offset, range(blocks)), *crossings, *found]

    # ---- measurements -----------------------------------------------------------------------------------

    def build(self, measurements: Sequence[Measurement], cut: Cut) -> Program:
        self._flush(sorted(self.waiting))
        prepared = sum(1 << bit for _, bits in self.preparations for bit in bits)
        found = sweeps(self.gates, self.n, prepared, self._negated, cut)
        found = [self._fused(sweep) for sweep in found]
        kept, before = [], True  # the gates of each sweep before the first that has a derivative
        for sweep in found:
            grads = [i for i, gate in enumerate(sweep.gates) if gate.grad]
            kept.append(min(grads, default=len(sweep.gates)) if before else 0)
            before = before and not grads
        arrays = Arrays(len(HEADER))
        n, used = self.n, 2**self.n
        size = max(used, 2**self.lane_bits)
        columns, width = [], 0
        for m in measurements:
            columns.append(self._column(arrays, m, width))
            width += 1 if m.kind in ("expval", "var") else 2 ** (n if m.wires is None else len(m.wires))
        state = any(m.kind == "state" for m in measurements)
        trigs = list(self.trigs)
        values = np.zeros(-(-len(self.constants) // 4) * 4, dtype=complex)  # whole vectors of doubles
        values[: len(self.constants)] = self.constants
        header = {
            "size": size,
            "used": used,
            "start": self.basis,
            "start_at": self._start(arrays),
            "stride": 2 if state else 1,
            "num_values": len(values),
            "constants_at": arrays.floats(values.view(np.float64)),
            "num_external": sum(len(e.entries[0]) for e, _ in self.externals),
            "external_at": arrays.ints(
                [first + i for e, first in self.externals for i in range(len(e.entries[0]))]
            ),
            "num_trigs": len(trigs),
            "trigs_at": arrays.ints([t.column for t in trigs]),
            "trigs_floats_at": arrays.floats([x for t in trigs for x in (t.scale, t.offset)]),
            "num_terms": len(self.terms),
            "terms_at": arrays.ints([x for value, trig, _, _ in self.terms for x in (value, trig)]),
            "terms_floats_at": arrays.floats([x for _, _, c, s in self.terms for x in (c, s)]),
            "num_products": self.num_products,
            "products_at": arrays.ints(self.products),
            "num_sweeps": len(found),
            "sweeps_at": arrays.ints([self._swept(arrays, *item) for item in zip(found, kept, strict=True)]),
            "block": max((2 ** len(s.bits) for s in found if s.bits != tuple(range(len(s.bits)))), default=0),
            "num_columns": len(columns),
            "columns_at": arrays.ints(columns),
            "num_table": self.num_table,
        }
        ints, floats = arrays.joined([header[name] for name in HEADER])
        externals = tuple(e for e, _ in self.externals)
        spare = any(m.kind == "var" for m in measurements)
        shared, like = n >= cut.shared, np.zeros(0, self.real)
        return Program(ints, floats, width, state, externals, header["num_external"], like, shared, spare)

    def _fused(self, sweep: Sweep) -> Sweep:
        """With fewer records where blocks are small enough: tables of runs are as large as a block."""
        bits = len(sweep.bits)
        if bits > FUSED_BITS:
            return sweep
        size = max(2**bits, 2**self.lane_bits)
        self.num_table = max(self.num_table, 2 * size, bits * (bits + 1))
        return sweep._replace(gates=fused(sweep.gates, bits, self.lane_bits))

    def _swept(self, arrays: Arrays, sweep: Sweep, kept: int) -> int:
        own = [b for i, b in enumerate(sweep.bits) if b != i]  # the bits whose place in a block is another
        outer = [b for b in range(self.n) if b not in sweep.bits]
        low = len(sweep.bits) - len(own)
        header = {
            "num_gates": len(sweep.gates),
            "num_kept": kept,
            "idle": sweep.idle,
            "run": max(2**low, 2**self.lane_bits),
            "num_runs": 2 ** len(own),
            "num_outer": len(outer),
        }
        runs = [sum(1 << b for i, b in enumerate(own) if j >> i & 1) for j in range(2 ** len(own))]
        gates = [x for gate in sweep.gates for x in (arrays.ints(gate.record), *gate.when)]
        return arrays.ints([*(header[name] for name in SWEEP), *outer, *runs, *gates])

    def _start(self, arrays: Arrays) -> int:
        """Where the first state stands; -1 where it is one basis state."""
        if not self.preparations:
            return -1
        n = self.n
        others = [bit for bit in range(n) if all(bit not in bits for _, bits in self.preparations)]
        rest = np.zeros(2 ** len(others), complex)
        rest[sum(1 << i for i, bit in enumerate(others) if self.basis >> bit & 1)] = 1
        state, order = rest, others[::-1]  # the first factor of the product is most significant
        for ket, bits in self.preparations:
            state, order = np.kron(state, ket), [*order, *bits]
        tensor = state.reshape((2,) * n).transpose([order.index(n - 1 - w) for w in range(n)])
        return arrays.floats(np.ascontiguousarray(tensor).reshape(-1).view(np.float64))

    def _column(self, arrays: Arrays, m: Measurement, column: int) -> int:
        code = KINDS[m.kind]
        if code == STATE:
            return arrays.ints([code, column])
        if code == PROBS:
            wires: Any = range(self.n) if m.wires is None else m.wires
            return arrays.ints([code, column, len(wires), *(self.n - 1 - w for w in wires)])
        if isinstance(m.observable, Sentence):
            terms = self._sentence(arrays, m.observable)
        else:
            terms = [self._sparse(arrays, m.observable)]
        return arrays.ints([code, column, len(terms), *terms])

    def _sentence(self, arrays: Arrays, sentence: Sentence) -> list[int]:
        words = [_word(w, c, self.n) for w, c in sentence.terms.items()]
        diagonal = [word for word in words if not word.flip]
        terms = []
        if len(diagonal) > 1 and self.n <= WEIGHT_WIRES:
            basis = np.arange(max(2**self.n, 2**self.lane_bits))
            weights = np.zeros(len(basis))
            for word in diagonal:
                weights += word.coefficient * (1.0 - 2.0 * (np.bitwise_count(basis & word.sign) & 1))
            terms.append(arrays.ints([WEIGHTS, arrays.floats(weights)]))
            words = [word for word in words if word.flip]
        return terms + [self._group(arrays, group) for group in groups(words, self.n, self.lane_bits)]

    def _group(self, arrays: Arrays, group: Group) -> int:
        lanes = (1 << self.lane_bits) - 1
        words = [
            (
                flip & ~lanes,
                flip & lanes,
                sign & ~lanes,
                sign & lanes,
                word.sign >> group.run << group.run,
                word.imaginary,
            )
            for flip, sign, word in group.words
        ]
        at = arrays.floats([word.factor for *_, word in group.words])
        parts = group.pivots, group.masks, *words
        counts = group.run, len(group.pivots), len(words)
        return arrays.ints([TILES, *counts, at, *(int(x) for part in parts for x in part)])

    def _sparse(self, arrays: Arrays, observable: Any) -> int:
        local, bits = observable.local, [self.n - 1 - w for w in observable.wires]
        k = len(bits)
        if isinstance(local, np.ndarray):
            rows, columns = np.nonzero(local)
            heads = np.searchsorted(rows, np.arange(2**k + 1))
            entries = local[rows, columns]
        else:  # of scipy, by rows
            heads, columns, entries = local.indptr, local.indices, local.data
        offsets = arrays.ints(
            [sum(1 << b for i, b in enumerate(reversed(bits)) if a >> i & 1) for a in range(2**k)]
        )
        parts = [
            offsets,
            arrays.ints(heads.tolist()),
            arrays.ints(columns.tolist()),
            arrays.floats(np.asarray(entries, dtype=complex).view(np.float64)),
        ]
        return arrays.ints([SPARSE, k, *parts, *sorted(bits)])


def _word(word: Any, coefficient: float, n: int) -> Word:
    flip = sum(1 << (n - 1 - wire) for wire, s in word if s in "XY")
    return Word(flip, sum(1 << (n - 1 - wire) for wire, s in word if s in "YZ"), coefficient)


class _Places:
    """Where the entries of a matrix on some bits, the first most significant, act: blocks by the high bits,
    lanes by the low ones; and only where the bits of the controls have their values."""

    def __init__(self, lane_bits: int, bits: Sequence[int], controls: Controls = ()):
        pairs = sorted(zip(bits, range(len(bits) - 1, -1, -1), strict=True))  # and places in a local index
        self._low = [(b, i) for b, i in pairs if b < lane_bits]
        self._high = [(b, i) for b, i in pairs if b >= lane_bits]
        self._lane_mask = sum(1 << b for b, _ in controls if b < lane_bits)
        self._wanted = sum(value << b for b, value in controls)
        self.high = sorted(b for b, _ in (*self._high, *controls) if b >= lane_bits)
        self.in_lanes = bool(self._low or self._lane_mask)
        self.blocks = 2 ** len(self._high)
        lane, block = np.arange(2**lane_bits if self.in_lanes else 1), np.arange(self.blocks)
        self.acting = (
            (lane ^ self._wanted) & self._lane_mask
        ) == 0  # by lane: whether controls are as wanted
        self.local = np.zeros((len(block), len(lane)), int)  # the local index of a lane of a block
        for q, (_, i) in enumerate(self._high):
            self.local += ((block >> q & 1) << i)[:, None]
        for b, i in self._low:
            self.local += (lane >> b & 1) << i

    def offset(self, block: int) -> int:
        own = sum(1 << b for q, (b, _) in enumerate(self._high) if block >> q & 1)
        return own + (self._wanted & ~self._lane_mask)

    def high_flip(self, flip: int) -> int:
        """A flip of local indices as one of blocks."""
        return sum(1 << q for q, (_, i) in enumerate(self._high) if flip >> i & 1)

    def low_flip(self, flip: int) -> int:
        """A flip of local indices as one of lanes."""
        return sum(1 << b for b, i in self._low if flip >> i & 1)
