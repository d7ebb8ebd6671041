"""Rows derived from other rows: adjoints, powers and controlled forms.

The same arguments give the identical row, which pickles by how it was derived. Numbers stay numbers: a
derived row has its origin's parameters, and its decomposition is affine in them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import combinations
from numbers import Real
from typing import Any, cast

import numpy as np

from hybridge.errors import CircuitError
from hybridge.operations import matrices, synthesis
from hybridge.operations.qubit_entangling import (
    CCZ,
    CH,
    CNOT,
    CRX,
    CRY,
    CRZ,
    CSWAP,
    CY,
    CZ,
    SWAP,
    ControlledPhaseShift,
    CRot,
    Toffoli,
)
from hybridge.operations.qubit_families import I, MultiControlledX
from hybridge.operations.qubit_gates import RX, RY, RZ, H, PhaseShift, Rot, X, Y, Z
from hybridge.operations.qubit_unitaries import ControlledQubitUnitary, QubitUnitary
from hybridge.operations.spectrum import Power, Spectrum, Trig, distinct
from hybridge.operations.table import Affine, Operation, Step, Wires, derive, step

# the rows that are another row under control, beside MultiControlledX and ControlledQubitUnitary
NAMED: dict[tuple[Operation, tuple[int, ...]], Operation] = {
    (X, (1,)): CNOT,
    (X, (1, 1)): Toffoli,
    (Y, (1,)): CY,
    (Z, (1,)): CZ,
    (Z, (1, 1)): CCZ,
    (H, (1,)): CH,
    (SWAP, (1,)): CSWAP,
    (RX, (1,)): CRX,
    (RY, (1,)): CRY,
    (RZ, (1,)): CRZ,
    (Rot, (1,)): CRot,
    (PhaseShift, (1,)): ControlledPhaseShift,
}
_PARTS = {operation: parts for parts, operation in NAMED.items()}

# controlled on ones, better than by controlling every step of the decomposition
_SYNTHESES: dict[str, Callable[[Wires, Wires], list[Step]]] = {
    "RX": lambda c, t: synthesis.controlled_rotation("RX", c, t[0], Affine("phi")),
    "RY": lambda c, t: synthesis.controlled_rotation("RY", c, t[0], Affine("phi")),
    "RZ": lambda c, t: synthesis.controlled_rotation("RZ", c, t[0], Affine("phi")),
    "PhaseShift": lambda c, t: synthesis.controlled_phase((*c, *t), Affine("phi")),
    "GlobalPhase": lambda c, t: synthesis.controlled_phase(c, Affine("phi", -1.0)),
}

# up to here generators are diagonalised in well under a millisecond; beyond, those of families are these
_SMALL_WIRES = 5
_EIGENVALUES = {
    "MultiRZ": (-0.5, 0.5),
    "PauliRot": (-0.5, 0.5),
    "PCPhase": (-1.0, 1.0),
    "GlobalPhase": (1.0,),
}


def _check_gate(row: Operation, what: str) -> None:
    if row.kind != "gate":
        article = "an" if row.kind[0] in "aeiou" else "a"
        raise CircuitError(f"{row.name} is {article} {row.kind}, not a gate: it has no {what}")


def _origin(row: Operation, function: Callable[..., Operation]) -> tuple[Any, ...] | None:
    """What `row` was derived from by `function`, if it was."""
    if row.origin is None or row.origin[1][0] is not function:
        return None
    return row.origin[1][1:]


def _label(row: Operation) -> str:
    return row.label or row.name


# --- adjoint ---


def adjoint_row(row: Operation) -> Operation:
    """The inverse of a gate, with the same parameters; a self-inverse gate, and a marker, as it is."""
    if row.inverse == "self" or row.kind == "marker":
        return row
    _check_gate(row, "adjoint")
    whole = _origin(row, _adjoint)
    if whole is not None:
        return whole[0]
    powered = _origin(row, _power)
    if powered is not None:
        return power(powered[0], -powered[1])
    return derive(_adjoint, row)


def _adjoint(row: Operation) -> Operation:
    definition, fock, hamiltonian = row.definition, row.fock, row.hamiltonian
    return Operation(
        f"Adjoint({row.name})",
        row.domain,
        row.num_wires,
        row.params,
        definition=None if definition is None else lambda *params: _inverted(row.domain, definition(*params)),
        fock=None if fock is None else lambda cutoff, *params: _dagger(fock(cutoff, *params), row.num_wires),
        hamiltonian=None if hamiltonian is None else lambda *params: -1 * hamiltonian(*params),
        spectrum=row.spectrum,
        decomposition=_undo(row),
        exponent=row.exponent,
        formula=f"the inverse of {row.name}",
        label=f"{_label(row)}†",
    )


def _inverted(domain: str, definition: Any) -> Any:
    if domain == "qubit":
        return definition.conj().swapaxes(-1, -2)
    S, d = definition  # r -> S r + d is undone by r -> S^-1 (r - d)
    inverse = np.linalg.inv(S)
    return inverse, -np.einsum("...ij,...j->...i", inverse, d)


def _dagger(operator: np.ndarray, num_wires: int) -> np.ndarray:
    """The adjoint of (...) + (cutoff,)*k + (cutoff,)*k."""
    outputs, inputs = range(-2 * num_wires, -num_wires), range(-num_wires, 0)
    return np.moveaxis(operator.conj(), [*inputs, *outputs], [*outputs, *inputs])


def _undo(row: Operation) -> Callable[..., Sequence[Step]] | None:
    """The decomposition of the adjoint."""
    inverse, forward = row.inverse, row.decomposition
    if row.exponent:
        return _scale_exponent(row, -1)
    if callable(inverse):
        return inverse
    if forward is None:
        return None
    return lambda *wires: [s._replace(operation=adjoint_row(s.operation)) for s in reversed(forward(*wires))]


def _scale_exponent(row: Operation, z: float) -> Callable[..., Sequence[Step]]:
    numbers = tuple(Affine(p, z if p in row.exponent else 1.0) for p in row.params)
    return lambda *wires: [Step(row, wires, numbers)]


# --- powers ---


def power(row: Operation, z: float) -> Operation:
    """row**z, z real: parameters in `exponent` times z, or else the principal branch.

    That multiplies eigenphases in (-pi, pi] by z; where z is fractional and the row has parameters, it has no
    decomposition.
    """
    z = real_exponent(z)
    if z == 1 or row.kind == "marker":
        return row
    if z == -1:
        return adjoint_row(row)
    _check_gate(row, "power")
    whole = isinstance(z, int)
    if whole and row.inverse == "self" and z:
        return row if z % 2 else power(row, 0)
    if z == 0 and row.domain == "qubit" and not row.params:
        return I.of(row.num_wires)
    inner, undone = _origin(row, _power), _origin(row, _adjoint)
    if inner is not None and (whole or row.exponent):
        return power(inner[0], inner[1] * z)
    if undone is not None and (whole or row.exponent):
        return power(undone[0], -z)
    if not whole and not row.exponent and (row.domain == "cv" or row.definition is None):
        raise CircuitError(f"{row.name} has whole powers only; got {z!r}")
    return derive(_power, row, z)


def real_exponent(z: Any) -> int | float:
    """The user's z, an int where it is whole; CircuitError where it is not a finite real number."""
    if isinstance(z, (bool, np.bool_)) or not isinstance(z, Real) or not np.isfinite(float(z)):
        raise CircuitError(f"a power must be a plain finite number; got {z!r}")
    number = float(z)
    return int(number) if number.is_integer() else number


def _power(row: Operation, z: int | float) -> Operation:
    definition, fock, hamiltonian, exponent = row.definition, row.fock, row.hamiltonian, row.exponent

    def scale(params: Sequence[Any]) -> list[Any]:
        return [z * np.asarray(v) if p in exponent else v for p, v in zip(row.params, params, strict=True)]

    return Operation(
        f"{row.name}**{z:g}" if z >= 0 else f"{row.name}**({z:g})",
        row.domain,
        row.num_wires,
        row.params,
        definition=None
        if definition is None
        else lambda *params: (
            definition(*scale(params)) if exponent else _matrix_power(row.domain, definition(*params), z)
        ),
        fock=None if fock is None or not exponent else lambda cutoff, *params: fock(cutoff, *scale(params)),
        hamiltonian=None if hamiltonian is None else lambda *params: z * hamiltonian(*params),
        spectrum=tuple(_power_spectrum(row, p, s, z) for p, s in zip(row.params, row.spectrum, strict=True)),
        decomposition=_repeat(row, z),
        exponent=exponent,
        formula=f"{row.name} to the power {z:g}",
        label=f"{_label(row)}^{z:g}",
    )


def _matrix_power(domain: str, definition: Any, z: int | float) -> Any:
    if domain == "qubit":
        if isinstance(z, int):
            return np.linalg.matrix_power(definition if z >= 0 else _inverted(domain, definition), abs(z))
        parts = [synthesis.eigenphases(u) for u in definition.reshape(-1, *definition.shape[-2:])]
        roots = [v * np.exp(1j * z * angles) @ v.conj().T for angles, v in parts]
        return np.array(roots).reshape(definition.shape)
    S, d = definition if z >= 0 else _inverted(domain, definition)
    total, shift = np.broadcast_to(np.eye(S.shape[-1]), S.shape), np.zeros_like(d)
    for _ in range(abs(int(z))):
        total, shift = S @ total, np.einsum("...ij,...j->...i", S, shift) + d
    return total, shift


def _power_spectrum(row: Operation, name: str, own: Spectrum | None, z: int | float) -> Spectrum | None:
    if own is None or (row.exponent and name not in row.exponent):
        return own
    if row.exponent and isinstance(own, Trig):
        return Trig(*(abs(z) * w for w in own)) if z else Trig()
    if isinstance(own, Power) and row.exponent:
        return own
    return own.power(abs(z)) if isinstance(z, int) else None  # each of the z factors multiplies once more


def _repeat(row: Operation, z: int | float) -> Callable[..., Sequence[Step]] | None:
    """The decomposition of row**z."""
    if row.exponent:
        return _scale_exponent(row, z)
    if isinstance(z, int):
        once = row if z >= 0 else adjoint_row(row)
        same = tuple(map(Affine, row.params))
        return lambda *wires: [Step(once, wires, same)] * abs(z)
    if row.params:
        return None
    return lambda *wires: [
        step(QubitUnitary.of(row.num_wires, _matrix_power("qubit", row.matrix(), z)), wires)
    ]


# --- controlled forms ---


def uncontrolled(row: Operation) -> tuple[Operation, tuple[int, ...]]:
    """The gate and the control values `row` is made of: CNOT gives (X, (1,)), RX gives (RX, ())."""
    if row in _PARTS:
        return _PARTS[row]
    if row.name == "MultiControlledX":
        return X, row.constants[0]  # type: ignore[return-value]
    if row.name == "ControlledQubitUnitary":
        constant, values = cast(Any, row.constants)
        return QubitUnitary.of(row.num_wires - len(values), constant.array), values
    return cast(Any, _origin(row, _controlled)) or (row, ())


def controlled(row: Operation, control_values: Sequence[int]) -> Operation:
    """`row` where the control wires, which come first, read `control_values`. Nested controls are merged."""
    values = tuple(control_values)
    if row.domain != "qubit":
        raise CircuitError(f"{row.name} is a CV operation; only qubit operations can be controlled")
    _check_gate(row, "controlled form")
    if not values:
        return row
    core, inner = uncontrolled(row)
    values += inner
    if (core, values) in NAMED:
        return NAMED[core, values]
    if core is X:
        return MultiControlledX.of(len(values) + 1, values)
    if core.name == "QubitUnitary":
        matrix: Any = core.constants[0]
        return ControlledQubitUnitary.of(core.num_wires + len(values), matrix.array, values)
    return derive(_controlled, core, values)


def _controlled(core: Operation, values: tuple[int, ...]) -> Operation:
    definition, inverse, n = core.definition, core.inverse, len(values)
    pattern = "".join(map(str, values))

    def undo(*wires: Hashable) -> list[Step]:
        assert callable(inverse)
        return [_under(s, wires[:n], values) for s in inverse(*wires[n:])]

    return Operation(
        f"{'C' * n if all(values) else f'C[{pattern}]'}({core.name})",
        "qubit",
        n + core.num_wires,
        core.params,
        definition=None
        if definition is None
        else lambda *params: matrices.controlled(definition(*params), values),
        spectrum=tuple(_controlled_spectrum(core, i) for i in range(core.arity)),
        decomposition=_control_steps(core, values),
        exponent=core.exponent,
        inverse=undo if callable(inverse) else inverse,
        formula=f"{core.name} where the first wires read {', '.join(map(str, values))}",
        label=_label(core),
    )


def _under(s: Step, controls: Wires, values: tuple[int, ...]) -> Step:
    return Step(controlled(s.operation, values), (*controls, *s.wires), s.params)


def _control_steps(core: Operation, values: tuple[int, ...]) -> Callable[..., Sequence[Step]] | None:
    """The decomposition of `core` under control."""
    n = len(values)
    special = _SYNTHESES.get(core.name)
    if special is not None:
        return lambda *wires: synthesis.where(values, wires[:n], special(wires[:n], wires[n:]))
    named = NAMED.get((core, (1,)))  # its decomposition is made for control: most of it cancels
    outer, start = (n, core) if named is None else (n - 1, named)
    forward, ones = start.decomposition, (1,) * outer
    if forward is None:
        return None

    def decomposition(*wires: Hashable) -> list[Step]:
        steps, controls = list(forward(*wires[outer:])), wires[:outer]
        if _fixed_part_cancels(start, steps):
            inside = [_under(s, controls, ones) if _carries(s) else s for s in steps]
        else:
            shell = 0
            while shell < len(steps) // 2 and _cancel(steps[shell], steps[-1 - shell]):
                shell += 1
            middle = steps[shell : len(steps) - shell]
            inside = [
                *steps[:shell],
                *(_under(s, controls, ones) for s in middle),
                *steps[len(steps) - shell :],
            ]
        return synthesis.where(values, wires[:n], inside)

    return decomposition


def _carries(s: Step) -> bool:
    return any(isinstance(p, Affine) for p in s.params)


def _fixed_part_cancels(core: Operation, steps: Sequence[Step]) -> bool:
    """Whether the steps without the parameter multiply to the identity, so that only the others need control.

    They do if the row is the identity at parameter 0 and so is every step that carries it.
    """
    return (
        bool(core.params)
        and set(core.exponent) == set(core.params)
        and all(
            set(s.operation.exponent) == set(s.operation.params)
            and all(isinstance(p, Affine) and p.offset == 0 for p in s.params)
            for s in steps
            if _carries(s)
        )
    )


def _cancel(first: Step, last: Step) -> bool:
    """Whether two steps without the parent's parameters are each other's inverse."""
    if first.wires != last.wires or _carries(first) or _carries(last):
        return False
    if first.operation is last.operation and first.operation.exponent:
        return all(
            a == (-b if name in first.operation.exponent else b)  # type: ignore[operator]
            for name, a, b in zip(first.operation.params, first.params, last.params, strict=True)
        )
    return first.params == last.params and adjoint_row(first.operation) is last.operation


def _controlled_spectrum(core: Operation, index: int) -> Spectrum | None:
    """The differences of the generator's eigenvalues and 0."""
    if core.spectrum[index] is None:
        return None
    undone, powered = _origin(core, _adjoint), _origin(core, _power)
    if undone is not None:
        return _controlled_spectrum(undone[0], index)
    if powered is not None and isinstance(powered[1], int) and not core.exponent:
        single = _controlled_spectrum(powered[0], index)
        return None if single is None else single.power(abs(powered[1]))
    known = _EIGENVALUES.get(core.name) if core.num_wires > _SMALL_WIRES else None
    values = known or _generator_eigenvalues(core, index)
    if values is None:
        return None
    gaps = distinct(abs(a - b) for a, b in combinations([0.0, *values], 2))
    return Trig(*(g for g in gaps if g > 1e-8))


def _generator_eigenvalues(row: Operation, index: int) -> Sequence[float] | None:
    """Eigenvalues of G where the row is A exp(-i t G) B in this parameter; None where it is not so."""
    if row.definition is None or row.num_wires > matrices.DENSE_WIRES:
        return None
    rng = np.random.default_rng(7)
    found = []
    for near in rng.uniform(-1, 1, (2, row.arity)):
        far = near.copy()
        far[index] += 0.05  # small enough that no eigenphase wraps, for generators up to 60
        turn = row.matrix(*far) @ row.matrix(*near).conj().T
        found.append(sorted(-synthesis.eigenphases(turn)[0] / 0.05))
    if not np.allclose(found[0], found[1], atol=1e-9):
        return None
    return distinct(found[0])
