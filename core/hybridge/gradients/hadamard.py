"""Hadamard tests: derivatives from circuits in which a Pauli word of a gate's generator is inserted.

A gate exp(-i t G), G = sum_w c_w w over Pauli words w, makes d|psi>/dt = -i sum_w c_w |psi_w>, where psi_w is
psi with w inserted at the gate. Then d<O>/dt = sum_w 2 c_w Im <psi|O|psi_w>, and with w controlled by an
auxiliary wire in (|0> + |1>) / sqrt(2) that imaginary part is <Y O>, Y of that wire (Schuld et al., Phys.
Rev. A 99, 032331 (2019), appendix). Without the wire it is the difference, halved, of <O> with rotations
exp(-+ i pi/4 w) inserted (Mitarai and Fujii, Phys. Rev. Research 1, 013006 (2019)).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from math import pi
from typing import Any, NamedTuple

import numpy as np

from hybridge.circuit import Circuit, Instruction, Kept, Measurement, measured_wires
from hybridge.errors import CircuitError, GradientError
from hybridge.gradients.generators import MAX_WIRES, generator
from hybridge.gradients.method import Method
from hybridge.gradients.reach import moves
from hybridge.operations.modifiers import adjoint
from hybridge.operations.pauli import Sentence, word
from hybridge.operations.qubit_entangling import CNOT, CY, CZ
from hybridge.operations.qubit_families import PauliRot
from hybridge.operations.qubit_gates import H, S
from hybridge.operations.spectrum import SAME, Spectrum, Trig, distinct
from hybridge.operations.table import Affine, Operation, Step, Wires, derive

CONTROLLED = {"X": CNOT, "Y": CY, "Z": CZ}
# by mode: what is inserted, 0 the controlled word, +1 and -1 a rotation, and what it weighs per coefficient
INSERTED = {"standard": ((0, 2.0),), "direct": ((1, 1.0), (-1, -1.0))}


class Test(NamedTuple):
    """A circuit on the user's wires, with the slots of the differentiated one, and its weights: (S,), or
    (S, columns) where some of what is measured does not depend on the slot."""

    circuit: Circuit
    weights: np.ndarray


class Tests(NamedTuple):
    """The derivative is the sum over circuits of weights times columns, times `fold` where there is one."""

    circuits: tuple[Test, ...]
    fold: np.ndarray | None


def hadamard_tests(
    circuit: Circuit,
    slots: Sequence[int],
    method: Method,
    device_wires: Wires | None,
    columns: Sequence[int],
    measured: Sequence[int] | None = None,
) -> Tests:
    """The tests of these slots, right for the measurements `measured` (None: all).

    `columns` says how many numbers each measurement gives. Raises GradientError for a parameter, a
    measurement or a device for which there are none.
    """
    needed = tuple(range(len(circuit.measurements)) if measured is None else measured)
    if any(operation.domain == "cv" for operation, _ in circuit.instructions):
        raise GradientError(
            "any parameter", "Hadamard tests are of qubits", "use diff_method='parameter-shift'"
        )
    for i in needed:
        _check_linear(circuit.measurements[i])
    mode = method.option("mode", "standard")
    aux = _aux(circuit, device_wires, method.option("aux_wire", None)) if mode == "standard" else ()
    fold = _fold(circuit, columns, needed, bool(aux))
    read = tuple(_read(circuit, circuit.measurements[i], aux) for i in needed)
    before = tuple(Instruction(H, aux) for _ in aux)
    after = tuple(Instruction(row, aux) for _ in aux for row in (adjoint(S), H))  # Y is read as Z
    wires = circuit.wires if device_wires is not None else (*circuit.wires, *aux)
    found = []
    moved = moves(circuit, slots, needed)
    for k in np.flatnonzero(moved.any(axis=1)).tolist():
        at, name = circuit.slots[slots[k]]
        operation, on = circuit.instructions[at]
        # of what does not move there is only noise
        one = 1.0 if moved[k, list(needed)].all() else np.repeat(moved[k], columns)
        for coefficient, path, letters in insertions(operation, name, on):
            for turn, factor in INSERTED[mode]:
                with_word = derive(_inserted, operation, path, letters, turn)
                changed = list(circuit.instructions)
                changed[at] = Instruction(with_word, (*on, *aux))
                weights = np.zeros((len(slots), *np.shape(one)))
                weights[k] = factor * coefficient * one
                found.append(Test(Circuit((*before, *changed, *after), read, wires), weights))
    return Tests(tuple(found), fold)


def _check_linear(m: Measurement) -> None:
    if m.kind == "var":
        raise GradientError(
            "any parameter",
            f"{m!r} is not linear in the state, which a Hadamard test needs",
            "use diff_method='parameter-shift', or return expval(O) and expval(O @ O)",
        )
    if isinstance(m.detail, Kept):
        raise GradientError(
            "any parameter",
            "Hadamard tests with shots are not made of what post-selection leaves",
            "use diff_method='parameter-shift', or shots=None",
        )
    if m.kind not in ("expval", "probs"):
        raise GradientError("any parameter", f"{m!r} is not differentiable", "return expval or probs")


# ---- the auxiliary wire -------------------------------------------------------------------------------


def _aux(circuit: Circuit, device_wires: Wires | None, asked: Any) -> Wires:
    """The wire to test with: the one asked for, else the first that the circuit leaves alone."""
    used = set(measured_wires(circuit.measurements))
    for _, wires in circuit.instructions:
        used.update(wires)
    if any(m.observable is None and m.wires is None for m in circuit.measurements):
        used.update(circuit.wires)
    if asked is not None:
        if asked in used:
            raise CircuitError(f"aux_wire {asked!r} is a wire of the circuit; name one that it leaves alone")
        if device_wires is not None and asked not in device_wires:
            raise CircuitError(f"aux_wire {asked!r} is not on the device; its wires: {list(device_wires)!r}")
        return (asked,)
    if device_wires is None:
        label = "aux"
        while label in circuit.wires:
            label += "'"
        return (label,)
    free = [w for w in device_wires if w not in used]
    if not free:
        raise GradientError(
            "any parameter",
            f"a Hadamard test needs a wire that the circuit leaves alone, and it uses or measures all of "
            f"{list(device_wires)!r}",
            "give the device one more wire, use gradient_kwargs={'mode': 'direct'}, or 'parameter-shift'",
        )
    return (free[0],)


def _read(circuit: Circuit, m: Measurement, aux: Wires) -> Measurement:
    """What is measured in place of m: its observable times Z of the auxiliary wire, or both together."""
    if m.kind == "probs":
        named = m.wires if m.wires is not None else circuit.wires
        return m._replace(wires=(*aux, *named))
    if not isinstance(m.observable, Sentence):
        return m._replace(observable=m.observable @ _z(aux) if aux else m.observable)
    changing = Sentence({w: c for w, c in m.observable.terms.items() if w}, m.observable.wires)
    return m._replace(observable=changing @ _z(aux) if aux else changing)


def _z(aux: Wires) -> Sentence:
    return Sentence({word((w, "Z") for w in aux): 1.0}, aux)


def _fold(circuit: Circuit, columns: Sequence[int], needed: Sequence[int], aux: bool) -> np.ndarray | None:
    """(columns of a test, columns of the circuit): of probabilities, those at Z = 1 minus those at Z = -1."""
    if len(needed) == len(columns) and not (aux and any(m.kind == "probs" for m in circuit.measurements)):
        return None
    starts = np.cumsum([0, *columns])
    blocks = []
    for i in needed:
        block = np.zeros((columns[i], starts[-1]))
        block[:, starts[i] : starts[i + 1]] = np.eye(columns[i])
        blocks += [block, -block] if aux and circuit.measurements[i].kind == "probs" else [block]
    return np.concatenate(blocks) if blocks else np.zeros((0, starts[-1]))


# ---- where words are inserted -------------------------------------------------------------------------


class Insertion(NamedTuple):
    """c_w, the steps of decompositions that lead to where w belongs, outermost first, and w's letters."""

    coefficient: float
    path: tuple[int, ...]
    letters: str


def insertions(operation: Operation, name: str, wires: Wires = ()) -> tuple[Insertion, ...]:
    """Which words make the derivative of a row in this parameter: the row's derivative is -i times their sum.

    Of a gate exp(-i t G) on few wires those of G, of every other one those of the steps it decomposes into.
    Raises GradientError where it has no decomposition.
    """
    found = _insertions(operation, name)
    if found is None:
        on = f" on wires {list(wires)!r}" if wires else ""
        raise GradientError(
            f"parameter {name!r} of {operation.name}{on}",
            "its generator is not known as a sum of Pauli words",
            "use diff_method='parameter-shift'",
        )
    return found


@lru_cache(maxsize=1024)
def _insertions(operation: Operation, name: str) -> tuple[Insertion, ...] | None:
    k = operation.num_wires
    spectrum = operation.spectrum[operation.params.index(name)]
    if spectrum == Trig():  # a global phase
        return ()
    if (
        operation.exponent == operation.params == (name,)
        and operation.definition is not None
        and spectrum is not None
        and k <= MAX_WIRES
    ):
        terms = generator(operation, 0, (0.0,), tuple(range(k))).terms
        return tuple(Insertion(float(c), (), _spelled(dict(w), k)) for w, c in terms.items())
    if operation.decomposition is None:
        return None
    found: list[Insertion] = []
    for at, s in enumerate(operation.decomposition(*range(k))):
        for inner, p in zip(s.operation.params, s.params, strict=True):
            if isinstance(p, Affine) and p.name == name:
                deeper = _insertions(s.operation, inner)
                if deeper is None:
                    return None
                found += [Insertion(p.scale * c, (at, *path), letters) for c, path, letters in deeper]
    return tuple(found)


def _spelled(letters: dict[Hashable, str], k: int) -> str:
    return "".join(letters.get(i, "I") for i in range(k))


def _inserted(operation: Operation, path: tuple[int, ...], letters: str, turn: int) -> Operation:
    """The row with the word after the step that the path leads to; `turn` 0: controlled by one wire more."""
    n, extra = operation.num_wires, int(turn == 0)

    def decomposition(*wires: Hashable) -> list[Step]:
        own, aux = wires[:n], wires[n:]
        if not path:
            same = tuple(map(Affine, operation.params))
            return [Step(operation, own, same), *_word(letters, own, aux, turn)]
        assert operation.decomposition is not None  # of which the path speaks
        steps = list(operation.decomposition(*own))
        inner, on, params = steps[path[0]]
        steps[path[0]] = Step(derive(_inserted, inner, path[1:], letters, turn), (*on, *aux), params)
        return steps

    spectrum = operation.spectrum
    if path:
        steps = decomposition(*range(n + extra))
        spectrum = tuple(_spectrum(steps, p) for p in operation.params)
    return Operation(
        f"{operation.name} with {letters}",
        "qubit",
        n + extra,
        operation.params,
        spectrum=spectrum,
        decomposition=decomposition,
        bounds=operation.bounds,
    )


def _word(letters: str, wires: Wires, aux: Wires, turn: int) -> list[Step]:
    if turn:
        return [Step(PauliRot.of(len(letters), letters), wires, (turn * pi / 2,))]
    pairs = zip(letters, wires, strict=True)
    return [Step(CONTROLLED[s], (*aux, w)) for s, w in pairs if s != "I"]


def _spectrum(steps: Sequence[Step], name: str) -> Spectrum | None:
    """The frequencies of a product of gates: all sums and differences of theirs."""
    reached = [0.0]
    for operation, _, params in steps:
        for own, p in zip(operation.spectrum, params, strict=True):
            if isinstance(p, Affine) and p.name == name:
                if not isinstance(own, Trig):
                    return None
                turned = [s * p.scale * w for w in own for s in (1, -1)]
                reached = distinct([*reached, *(abs(a + w) for a in reached for w in turned)])
    return Trig(*(w for w in reached if w > SAME))
