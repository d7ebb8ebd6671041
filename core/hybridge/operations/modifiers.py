"""What users do to operations and to whole circuit functions: adjoint, ctrl, pow, apply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hybridge.errors import CircuitError
from hybridge.operations import constants
from hybridge.operations.derived import adjoint_row, controlled, power, real_exponent
from hybridge.operations.table import Applied, Family, Operation, as_wires
from hybridge.recording import record, recorder, withdraw

Modifier = Callable[[Applied], Applied]


def _modify(thing: Any, change: Modifier, order: int, verb: str) -> Any:
    """`change` applied to a row, a family, an applied operation, or all that a circuit function applies.

    `order` is -1 where a sequence of operations is changed back to front.
    """
    if isinstance(thing, Applied):
        withdraw(thing)
        return _enter(change(thing))
    if not callable(thing):
        raise CircuitError(f"{verb} takes an operation or a circuit function; got {thing!r}")

    def modified(*args: Any, **named: Any) -> Any:
        tape, returned = record(thing, *args, **named)
        for item in tape:
            if not isinstance(item, Applied):
                raise CircuitError(f"{verb} cannot be taken of {item!r}")
        changed = [_enter(change(item)) for item in tape[::order]]
        return changed[0] if isinstance(returned, Applied) and len(changed) == 1 else changed

    modified.__name__ = f"{verb}({getattr(thing, 'name', getattr(thing, '__name__', 'circuit'))})"
    return modified


def _enter(applied: Applied) -> Applied:
    """Record; outside a circuit nothing is recorded, and only an observable may stand there."""
    return applied.operation(*applied.params, wires=applied.wires)


def adjoint(thing: Any) -> Any:
    """The inverse of an operation, or of a circuit function.

    `adjoint(S)(0)`, `adjoint(S(0))` and `adjoint(f)(x)` all record; an applied operation is withdrawn first.
    Raises CircuitError for a channel or a state preparation.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=1))
    ... def circuit(x):
    ...     hb.RX(x, wires=0)
    ...     hb.adjoint(hb.RX)(x, wires=0)
    ...     return hb.expval(hb.Z(0))
    >>> round(float(circuit(0.3)), 6)
    1.0
    """
    if isinstance(thing, Operation):
        return adjoint_row(thing)
    return _modify(thing, lambda a: Applied(adjoint_row(a.operation), a.params, a.wires), -1, "adjoint")


def ctrl(thing: Any, control: Any, control_values: Any = None) -> Any:
    """An operation, or a circuit function, where the wires `control` read `control_values` (default: ones).

    Raises CircuitError for CV operations, and where a control wire is a target too.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=2))
    ... def circuit():
    ...     hb.ctrl(hb.X, control=0, control_values=0)(1)
    ...     return hb.expval(hb.Z(1))
    >>> round(float(circuit()), 6)
    -1.0
    """
    controls = as_wires(control)
    try:
        repeated = len(set(controls)) != len(controls)
    except TypeError as error:
        raise CircuitError(f"ctrl: a wire label must be hashable; got {list(controls)!r}") from error
    if repeated:
        raise CircuitError(f"ctrl needs control wires that differ; got {list(controls)!r}")
    values = [1] * len(controls) if control_values is None else control_values
    pattern = constants.bits("ctrl", "control_values", values, len(controls))

    def change(a: Applied) -> Applied:
        if a.operation.kind == "marker":
            return a
        if set(controls) & set(a.wires):
            raise CircuitError(
                f"{a!r} cannot be controlled by wires {list(controls)!r}: it acts on one of them"
            )
        return Applied(controlled(a.operation, pattern), a.params, (*controls, *a.wires))

    return _modify(thing, change, 1, "ctrl")


def pow(thing: Any, z: float) -> Any:
    """An operation to the power z, or a circuit function repeated z times (backwards where z < 0).

    Raises CircuitError for a power that does not exist: of a state, or fractional of a circuit function.

    >>> import hybridge as hb
    >>> hb.pow(hb.X, 0.5)
    X**0.5
    """
    if isinstance(thing, Operation):
        return power(thing, z)
    number = real_exponent(z)
    if isinstance(thing, (Applied, Family)):
        return _modify(thing, lambda a: Applied(power(a.operation, number), a.params, a.wires), 1, "pow")
    if not isinstance(number, int):
        raise CircuitError(f"a circuit function can be repeated a whole number of times; got {z!r}")

    def repeated(*args: Any, **named: Any) -> None:
        for _ in range(abs(number)):
            thing(*args, **named)

    return repeated if number >= 0 else adjoint(repeated)


def apply(applied: Applied) -> Applied:
    """Record an operation that was made elsewhere; one that is recorded already is not recorded twice.

    Raises CircuitError outside a circuit.
    """
    if not isinstance(applied, Applied):
        raise CircuitError(f"apply takes an operation on wires, such as hb.X(0); got {applied!r}")
    if recorder.tape is None:
        raise CircuitError(
            f"{applied!r} was applied outside a circuit; apply it inside a function with @hb.qnode"
        )
    if not any(item is applied for item in recorder.tape):
        recorder.tape.append(applied)
    return applied
