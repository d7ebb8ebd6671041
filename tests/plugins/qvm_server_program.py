"""A Quil program as the stand-in QVM takes it: parsed by pyQuil, refused where the Lisp QVM refuses it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from pyquil import Program
from pyquil.quilatom import MemoryReference, Qubit
from pyquil.quilbase import (
    ArithmeticBinaryOp,
    ClassicalComparison,
    ClassicalMove,
    Gate,
    Jump,
    JumpTarget,
    JumpUnless,
    JumpWhen,
    LogicalBinaryOp,
    Measurement,
    Pragma,
    ResetQubit,
    UnaryClassicalInstruction,
)
from qvm_server_gates import FIXED, TURNING, defined

RESERVED = {"i", "pi"}  # constants of Quil's arithmetic: cl-quil cannot read memory of these names
Matrix = Callable[..., np.ndarray]
_REFERENCE = re.compile(r"([A-Za-z_][\w-]*)\[(\d+)\]")


class Refused(Exception):
    """What the QVM answers with a status of 500."""


class Application(NamedTuple):
    """A gate on its qubits, taken apart once: pyQuil makes the parts anew whenever they are asked for."""

    name: str
    on: tuple[int, ...]
    modifiers: tuple[str, ...]
    values: tuple[Any, ...]  # numbers, and expressions of memory
    reads: tuple[tuple[str, int], ...]  # places in memory
    text: str


class Checked(NamedTuple):
    """A program that the QVM runs."""

    instructions: tuple[Any, ...]
    memory: dict[str, tuple[str, int]]  # name: type and length
    gates: dict[str, tuple[int, Matrix]]  # name: how many numbers, and the matrix
    labels: dict[str, int]  # where to jump to
    kraus: dict[tuple[str, tuple[int, ...]], np.ndarray]  # (m, 2^k, 2^k), in the place of a gate
    povms: dict[int, np.ndarray]  # p(read | is), (2, 2)
    used: tuple[int, ...]  # qubits, sorted


def checked(quil: str) -> Checked:
    """The program. Raises Refused."""
    for name in re.findall(r"^DECLARE\s+(\S+)", quil, re.MULTILINE):
        if name in RESERVED:
            raise Refused(f"Parse error: {name} is a constant, not a name of memory")
    try:
        program = Program(quil)
    except ValueError as error:
        raise Refused(f"Parse error: {error}") from error
    memory = {d.name: (d.memory_type, d.memory_size) for d in program.declarations.values()}
    gates = {name: (0, lambda m=m: m) for name, m in FIXED.items()}
    gates |= {name: (1, m) for name, m in TURNING.items()}
    gates |= {d.name: defined(d) for d in program.defined_gates}
    body = tuple(
        application(i) if isinstance(i, Gate) else i
        for i in program.instructions
        if type(i).__name__ != "Declare"
    )
    labels = {target(i): at for at, i in enumerate(body) if isinstance(i, JumpTarget)}
    found = Checked(body, memory, gates, labels, {}, {}, _used(body))
    for instruction in body:
        _CHECKS.get(type(instruction), _plain)(instruction, found)
    if found.kraus:
        _check_noisy(found)
    return found


def application(gate: Gate) -> Application:
    """The gate, taken apart. Raises Refused."""
    text = gate.out()
    try:
        on = tuple(gate.get_qubit_indices())
    except (RuntimeError, ValueError) as error:
        raise Refused(f"Parse error: {text}: not qubits") from error
    reads = dict.fromkeys((name, int(index)) for name, index in _REFERENCE.findall(text))
    return Application(gate.name, on, tuple(gate.modifiers), tuple(gate.params), tuple(reads), text)


def target(jump: Any) -> str:
    """The label that a jump leads to, or that stands here."""
    return re.split(r"[\s@]+", jump.out())[1]


def qubits(instruction: Any) -> tuple[int, ...]:
    """The qubits that an instruction acts on."""
    if isinstance(instruction, Application):
        return instruction.on
    if isinstance(instruction, (Measurement, ResetQubit)):
        return (instruction.qubit.index,)
    return ()


def _used(body: Any) -> tuple[int, ...]:
    return tuple(sorted({q for instruction in body for q in qubits(instruction)}))


def _plain(instruction: Any, found: Checked) -> None:
    if type(instruction).__name__ not in {"Reset", "Halt", "Wait", "Nop", "JumpTarget", "ResetQubit"}:
        raise Refused(f"the stand-in does not run {type(instruction).__name__}: {instruction.out()}")


def _check_gate(gate: Application, found: Checked) -> None:
    if gate.name not in found.gates:
        raise Refused(f'Parse error: the operator "{gate.name}" is not known')
    width, matrix = found.gates[gate.name]
    if len(gate.values) != width * 2 ** gate.modifiers.count("FORKED"):
        raise Refused(f"Parse error: {gate.text}: expected {width} parameters")
    controls = gate.modifiers.count("CONTROLLED") + gate.modifiers.count("FORKED")
    if 2 ** (len(gate.on) - controls) != len(matrix(*(0.5,) * width)):
        raise Refused(f"Parse error: {gate.text}: wrong number of qubits")
    if len(set(gate.on)) != len(gate.on):
        raise Refused(f"Parse error: {gate.text}: duplicate qubits")
    for place in gate.reads:
        _check_reference(MemoryReference(*place), found, {"REAL"})


def _check_reference(reference: Any, found: Checked, kinds: set[str]) -> str:
    kind, length = found.memory.get(reference.name, ("", 0))
    if not kind:
        raise Refused(f"Parse error: bad memory region name {reference.name!r}")
    if kind not in kinds or reference.offset >= length:
        raise Refused(f"type error: {reference.out()} of {kind}[{length}] cannot stand here")
    return kind


def _check_measure(measure: Measurement, found: Checked) -> None:
    if measure.classical_reg is not None:
        _check_reference(measure.classical_reg, found, {"BIT"})


def _check_move(move: Any, found: Checked) -> None:
    kind = _check_reference(move.left, found, {"BIT", "INTEGER", "REAL"})
    if isinstance(move.right, MemoryReference):
        _check_reference(move.right, found, {kind})
    elif kind != "REAL" and not (isinstance(move.right, int) and move.right >= 0):
        # a negative literal is read as a real number
        raise Refused(f"type error: {move.out()}: {move.right!r} is not a {kind}")


def _check_logic(logic: Any, found: Checked) -> None:
    _check_reference(logic.left, found, {"BIT", "INTEGER"})
    if isinstance(logic.right, MemoryReference):
        _check_reference(logic.right, found, {"BIT", "INTEGER"})


def _check_unary(unary: Any, found: Checked) -> None:
    kinds = {"BIT", "INTEGER"} if unary.out().startswith("NOT") else {"INTEGER", "REAL"}
    _check_reference(unary.target, found, kinds)


def _check_comparison(comparison: Any, found: Checked) -> None:
    _check_reference(comparison.target, found, {"BIT"})


def _check_jump(jump: Any, found: Checked) -> None:
    if target(jump) not in found.labels:
        raise Refused(f"Parse error: the label @{target(jump)} is not there")
    if not isinstance(jump, Jump):
        _check_reference(jump.condition, found, {"BIT"})


def _check_pragma(pragma: Pragma, found: Checked) -> None:
    on = tuple(q.index for q in pragma.args if isinstance(q, Qubit))
    entries = pragma.freeform_string.strip("() ").split()
    if pragma.command == "ADD-KRAUS":
        key, size = (pragma.args[0].name, on), 2 ** len(on)
        kraus = np.array([complex(e.replace("i", "j").replace("*", "")) for e in entries], dtype=complex)
        if kraus.size != size**2:
            raise Refused(f"ADD-KRAUS {key}: expected {size**2} entries, got {kraus.size}")
        found.kraus[key] = np.concatenate(
            [found.kraus.get(key, np.empty((0, size, size))), kraus.reshape(1, size, size)]
        )
    elif pragma.command == "READOUT-POVM":
        found.povms[on[0]] = np.array(entries, dtype=float).reshape(2, 2)


def _check_noisy(found: Checked) -> None:
    for (name, on), kraus in found.kraus.items():
        total = np.einsum("mji,mjk->ik", kraus.conj(), kraus)
        if not np.allclose(total, np.eye(len(total)), atol=1e-8):
            raise Refused(f"the Kraus operators of {name} {on} do not sum to the identity")
        if found.gates.get(name, (0,))[0]:
            raise Refused(f"ADD-KRAUS: {name} takes parameters")
    if any(gate.modifiers for gate in found.instructions if isinstance(gate, Application)):
        raise Refused("The noisy QVM doesn't support gate modifiers.")


_CHECKS: dict[type, Callable[[Any, Checked], None]] = {
    Application: _check_gate,
    Measurement: _check_measure,
    ClassicalMove: _check_move,
    LogicalBinaryOp: _check_logic,
    UnaryClassicalInstruction: _check_unary,
    ArithmeticBinaryOp: _check_move,
    ClassicalComparison: _check_comparison,
    Jump: _check_jump,
    JumpWhen: _check_jump,
    JumpUnless: _check_jump,
    Pragma: _check_pragma,
}
