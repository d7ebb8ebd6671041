"""How a gradient would be had: for each parameter the method, its evaluations, and why."""

from __future__ import annotations

import copy
import functools
import inspect
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from hybridge.circuit import Circuit
from hybridge.errors import CircuitError, GradientError
from hybridge.execution import Plan
from hybridge.gradients.choose import choices, needed_of
from hybridge.gradients.method import EXACT, Method
from hybridge.gradients.part import Part
from hybridge.gradients.reach import reach
from hybridge.interfaces.choose import library, owner, values_of
from hybridge.interfaces.derivatives import Argnums, jacobian
from hybridge.interfaces.rows import as_rows
from hybridge.listing import aligned
from hybridge.pytree import flatten, paths
from hybridge.qnode import QNode

HEAD = ("parameter", "operation", "wires", "of it", "method", "evaluations", "reason")
SWEPT = "the device's own derivatives, one sweep for all parameters"
ASKED = "asked for by name"


class GradientRow(NamedTuple):
    """One place where a parameter is used.

    parameter    where the number comes from in the arguments, such as x[2]; its slot, such as #3, where
                 it does not move here, or where it was calculated by another library than autograd
    operation    the name of the operation that takes it, on `wires`, as its parameter `name`
    method       "device", "parameter-shift" or another method's name; "zero" where it cannot matter, "none"
                 where there is no derivative and an error would say so
    evaluations  parameter points that it takes part in, besides that of the value
    reason       why
    """

    parameter: str
    operation: str
    wires: tuple[Hashable, ...]
    name: str
    method: str
    evaluations: int
    reason: str


@dataclass(frozen=True, repr=False)
class GradientPlan:
    """What `gradient_plan` returns; it prints as a table.

    rows         a GradientRow for each place where a parameter is used
    device, shots, diff_method   the QNode's; shots None for exact results
    points       parameter points of the value and the gradient together
    settings     circuits that the device runs for one point of the value
    circuits     runs of a circuit, the value's among them: each point in its settings
    jobs         runs of the device, each a batch of circuits: 1 by a rule, of the circuit itself (a function
                 around it asks for the value first); a device's own derivatives are one more
    total_shots  circuits times shots; None for exact results
    error        what would be raised, or None

    points, circuits, jobs and total_shots are None where the gradient would raise.
    """

    rows: tuple[GradientRow, ...]
    device: str
    shots: int | None
    diff_method: str | None
    points: int | None
    settings: int
    circuits: int | None
    jobs: int | None
    total_shots: int | None
    error: str | None

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are used, in the order of the rows; without those of what cannot matter."""
        found = dict.fromkeys(name for row in self.rows for name in row.method.split(", "))
        return tuple(name for name in found if name not in ("zero", "none"))

    def __repr__(self) -> str:
        table = [HEAD]
        for row in self.rows:
            wires = repr(row.wires[0]) if len(row.wires) == 1 else repr(list(row.wires))
            place = (row.parameter, row.operation, wires, row.name)
            table.append((*place, row.method, str(row.evaluations), row.reason))
        return f"{aligned(table)}\n\n{aligned(self._totals())}"

    def _totals(self) -> list[tuple[str, str]]:
        lines = [("device", self.device), ("shots", "exact" if self.shots is None else str(self.shots))]
        lines.append(("diff_method", str(self.diff_method)))
        if self.error is not None:
            return [*lines, ("error", self.error)]
        counts = f"points: {self.points}, circuits: {self.circuits}, jobs: {self.jobs}"
        shots = "" if self.total_shots is None else f", shots: {self.total_shots}"
        return [*lines, ("value and gradient", counts + shots)]


def gradient_plan(qnode: QNode, argnums: Argnums = 0) -> Callable[..., GradientPlan]:
    """A function of the qnode's arguments that returns the GradientPlan of their gradient; no job is run.

    A parameter used in several places has a row for each. What has no derivative has a row "none" with the
    reason, where a gradient would raise. Raises CircuitError for what is no QNode, UnsupportedCircuit for a
    circuit that the device cannot run.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=2), diff_method="parameter-shift")
    ... def circuit(x):
    ...     hb.RX(x[0], wires=0)
    ...     hb.RZ(x[1], wires=1)
    ...     return hb.expval(hb.Z(0))
    >>> found = hb.gradient_plan(circuit)([0.3, 0.4])
    >>> [(row.parameter, row.method, row.evaluations) for row in found.rows]
    [('x[0]', 'parameter-shift', 2), ('x[1]', 'zero', 0)]
    >>> found.points, found.jobs
    (3, 1)
    """
    if not isinstance(qnode, QNode):
        raise CircuitError(f"gradient_plan takes a QNode, a function decorated with @hb.qnode; got {qnode!r}")

    @functools.wraps(qnode.function)
    def planned(*args: Any, **kwargs: Any) -> GradientPlan:
        recorded = qnode.record(*args, **kwargs)
        batch = len(as_rows(values_of(recorded.numbers))[0])
        plan = qnode.plan(*args, **kwargs)
        return plan_of(plan, qnode.method, qnode.shots, batch, _names(qnode, argnums, args, kwargs))

    return planned


def plan_of(
    plan: Plan, method: Method, shots: int | None, batch: int, names: Mapping[int, str] | None = None
) -> GradientPlan:
    """The GradientPlan of some slots, by their names, at `batch` points; of all where no names are given."""
    if names is None:
        names = {slot: f"#{slot}" for slot in range(plan.num_slots)}
    if method.random:  # what is drawn here is not to be missed by the gradient
        method = copy.deepcopy(method)
    slots, settings = tuple(names), len(plan.programs)
    jobs, error = 1, None
    if method.own and plan.direct_vjp:
        found = [("device", 0, SWEPT)] * len(slots)
        points, circuits = (1, settings) if slots else (0, 0)
        jobs += points
    else:
        parts: tuple[Part, ...] = ()
        try:
            parts = plan.rule(slots, method, shots)
            found = [_of_slot(plan, method, shots, slot, parts, k) for k, slot in enumerate(slots)]
        except GradientError as raised:
            error = str(raised)
            found = [_alone(plan, method, shots, slot) for slot in slots]
        points = sum(len(part.shifts) for part in parts)
        circuits = sum(len(part.shifts) * len((part.plan or plan).programs) for part in parts)
    points, circuits = batch * (1 + points), batch * (settings + circuits)
    return GradientPlan(
        rows=tuple(_row(plan.named, slot, names[slot], *f) for slot, f in zip(slots, found, strict=True)),
        device=plan.device.name,
        shots=shots,
        diff_method=method.name,
        points=points if error is None else None,
        settings=settings,
        circuits=circuits if error is None else None,
        jobs=jobs if error is None else None,
        total_shots=None if shots is None or error is not None else circuits * shots,
        error=error,
    )


def _row(circuit: Circuit, slot: int, parameter: str, *found: Any) -> GradientRow:
    at, name = circuit.slots[slot]
    operation, wires = circuit.instructions[at]
    return GradientRow(parameter, operation.name, wires, name, *found)


def _alone(plan: Plan, method: Method, shots: int | None, slot: int) -> tuple[str, int, str]:
    """A slot in a gradient that raises: whether it is this one that has no derivative."""
    try:
        return _of_slot(plan, method, shots, slot, plan.rule((slot,), method, shots), 0)
    except GradientError as error:
        return "none", 0, error.reason


def _of_slot(
    plan: Plan, method: Method, shots: int | None, slot: int, parts: Sequence[Part], k: int
) -> tuple[str, int, str]:
    """Method, evaluations and reason of a slot that has the column k in the weights of the parts."""
    weights = [part.weights[:, k] for part in parts]  # (R,) or (R, columns)
    count = sum(int((w if w.ndim == 1 else w.any(axis=1)).astype(bool).sum()) for w in weights)
    circuit = plan.named
    needed = needed_of(circuit, None)
    still = [reach(circuit, circuit.measurements[i]).still[slot] for i in needed]
    if all(reason is not None for reason in still):
        return "zero", 0, next((reason for reason in still if reason is not None), "nothing is measured")
    if method.name not in EXACT:
        return str(method.name), count, ASKED
    [own] = choices(circuit, [slot], method, plan.conditions(shots), needed)
    rules = own.rules
    used = dict.fromkeys(rule.method for rule in rules)
    reasons = dict.fromkeys(rule.reason for rule in rules)
    return ", ".join(used), count, "; ".join(reasons)


def _names(qnode: QNode, argnums: Argnums, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[int, str]:
    """The slots that the arguments in `argnums` reach, and where their numbers come from."""
    traced: list[bool] = []

    def numbers(*arguments: Any) -> list[Any]:
        found = qnode.record(*arguments, **kwargs).numbers
        traced[:] = [library([x]) is not None for x in found]
        return found

    plain = [_plain(arg) for arg in args]
    try:
        slopes = jacobian(numbers, argnums)(*plain)  # of each number a tree of arrays (*number, *leaf)
    except (TypeError, ValueError, AttributeError):
        if all(one is other for one, other in zip(plain, args, strict=True)):
            raise
        numbers(
            *args
        )  # a function that calculates with its library: its traced numbers are all that is known
        return {slot: f"#{slot}" for slot in np.flatnonzero(traced).tolist()}
    args = plain
    called = _argument_names(qnode.function, len(args))
    chosen = [i % len(args) for i in np.atleast_1d(argnums).tolist()]
    leaves = [
        (path, np.shape(leaf))
        for i in chosen
        for path, leaf in zip(paths(args[i], called[i]), flatten(args[i])[0], strict=True)
    ]
    entries = [_entry(path, at) for path, shape in leaves for at in product(*map(range, shape))]
    names = {}
    for slot in np.flatnonzero(traced).tolist():
        moved = [
            np.abs(np.reshape(slope, (-1, math.prod(shape)))).sum(axis=0)
            for slope, (_, shape) in zip(flatten(slopes[slot])[0], leaves, strict=True)
        ]
        used = [entry for entry, m in zip(entries, np.concatenate(moved), strict=True) if m]
        names[slot] = ", ".join(used) or f"#{slot}"
    return names


def _plain(tree: Any) -> Any:
    """The same with numpy's arrays in place of another library's; itself where it has none."""
    leaves, build = flatten(tree)
    kinds: list[type] = list(map(type, leaves))
    owned = [owner(kind) not in (None, "autograd") for kind in kinds]
    if not any(owned):
        return tree
    return build(
        [np.asarray(x) if foreign else x for x, foreign in zip(values_of(leaves), owned, strict=True)]
    )


def _entry(path: str, at: tuple[int, ...]) -> str:
    return f"{path}[{', '.join(map(str, at))}]" if at else path


def _argument_names(function: Callable[..., Any], count: int) -> list[str]:
    """What the function calls its positional arguments."""
    found: list[str] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            return found + [f"{name}[{i}]" for i in range(count - len(found))]
        found.append(name)
    return found
