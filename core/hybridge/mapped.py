"""The circuit function of a QNode over rows of its arguments, all of them in one job of the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, Protocol

import numpy as np

from hybridge.circuit import Combination, Measurement
from hybridge.errors import CircuitError
from hybridge.gradients.choose import DIFFERENTIABLE
from hybridge.interfaces.autograd_ import split_flat
from hybridge.interfaces.called import Called, Model
from hybridge.interfaces.choose import library
from hybridge.interfaces.each_row import EachRow
from hybridge.interfaces.stacked import Stacked, stacked
from hybridge.jobs import run_together
from hybridge.pytree import flatten
from hybridge.recorded import Recorded, alike
from hybridge.static import Trace, Traces, symbolic


class Node(Protocol):
    """What of a QNode is mapped."""

    static: bool

    def record(self, *args: Any, **kwargs: Any) -> Recorded: ...
    def traces(self) -> Traces: ...
    def of_trace(self, trace: Trace, leaves: list[Any]) -> Called: ...
    def of_recorded(self, recorded: Recorded) -> Called: ...
    def values(self, called: Called) -> Sequence[Any]: ...
    def finish(self, called: Called) -> Any: ...


class Rows(NamedTuple):
    """Rows that have one structure: their call, and which rows of the batch they are."""

    called: Called
    places: list[int]


class Mapped(Model):
    """`circuit.map`: what the circuit returns for each row of its arguments, with a leading axis (B, ...).

    Called as `circuit.map(*args, in_axes=0, **kwargs)`. `in_axes` names the axis that counts the rows: one
    for all positional arguments, or a tuple with one entry for each, an axis, None for what every row takes
    whole, or containers of these as in the argument (jax.vmap's prefixes). Arguments by name are given to
    every row whole. The function sees one entry of each argument and returns what it would for it alone.

    It is one job of the device, differentiable in all arguments in every library. The function is recorded
    once for all rows where it takes its numbers as a static circuit may (entries of the arguments, scaled,
    shifted, added up) or calculates with them entry by entry; else once for each row. Rows that differ in
    their structure, as where it decides by a number, are one job too if all numbers are plain; where they
    are differentiated, or single shots are returned, one job per structure.

    Raises CircuitError for arguments and axes that do not fit, and where a parameter is an array in each row.

    >>> import numpy as np
    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=1))
    ... def circuit(x):
    ...     hb.RX(x[0], wires=0)
    ...     hb.RX(x[1], wires=0)
    ...     return hb.expval(hb.Z(0))
    >>> circuit.map(np.array([[0.0, 0.0], [0.0, np.pi], [np.pi, np.pi]]))
    array([ 1., -1.,  1.])
    """

    def __init__(self, node: Node):
        self._node = node

    def __call__(self, *args: Any, in_axes: Any = 0, **kwargs: Any) -> Any:
        """The results of all rows, with a leading axis of as many."""
        found = self._rows(args, in_axes, kwargs)
        return self._node.finish(found[0].called) if len(found) == 1 else self._joined(found)

    def called(self, *args: Any, in_axes: Any = 0, **kwargs: Any) -> Called | None:
        """The call at these arguments, not yet run; None where rows differ in structure."""
        found = self._rows(args, in_axes, kwargs)
        return found[0].called if len(found) == 1 else None

    def finish(self, called: Called) -> Any:
        """What the call returns, differentiable in its traced leaves."""
        return self._node.finish(called)

    def __repr__(self) -> str:
        return f"<map of {self._node!r}>"

    def _rows(self, args: Sequence[Any], in_axes: Any, kwargs: Mapping[str, Any]) -> list[Rows]:
        placed, size = stacked(args, in_axes)
        leaves, build = flatten(placed)
        if all(symbolic(x) for x in leaves if type(x) is Stacked):
            called = self._recorded_once(placed, size, kwargs)
            if called is not None:
                return [Rows(called, list(range(size)))]
        called = self._recorded_together(placed, kwargs)
        if called is not None:
            return [Rows(called, list(range(size)))]
        return self._recorded_each(
            [
                self._node.record(*build([x.row(b) if type(x) is Stacked else x for x in leaves]), **kwargs)
                for b in range(size)
            ]
        )

    def _recorded_once(self, args: Sequence[Any], size: int, kwargs: Mapping[str, Any]) -> Called | None:
        """The rows by one recording with symbols; None where the function wants the values of its numbers."""
        try:
            trace, leaves, _ = self._node.traces().find(args, kwargs)
        except Exception:
            # The user's code met symbols where it wants numbers, and may raise anything. Nothing is hidden:
            # it is asked again with plain rows, where what is wrong in earnest is raised once more.
            if self._node.static:
                raise
            return None
        if trace.call.gather.batched:
            raise _no_rows_of_rows()
        arrays = [x.array if type(x) is Stacked else x for x in leaves]
        axes = [x.axis if type(x) is Stacked else None for x in leaves]
        gather = trace.call.gather.stacked([tuple(np.shape(x)) for x in arrays], axes, size)
        return self._node.of_trace(trace._replace(call=trace.call._replace(gather=gather)), arrays)

    def _recorded_together(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Called | None:
        """The rows by one recording with arrays over all of them; None where a row wants its own values."""
        try:
            recorded = self._node.record(
                *_in_each_row(args), **{name: _in_each_row(x) for name, x in kwargs.items()}
            )
            numbers = [x.number if isinstance(x, EachRow) else x for x in recorded.numbers]
            if recorded.combined or not any(isinstance(x, EachRow) and x.rows for x in recorded.numbers):
                return None
            called = self._node.of_recorded(recorded.with_numbers(numbers))
        except Exception:
            return None  # the user's code again, which met arrays where it wants a row's own numbers
        return called

    def _recorded_each(self, recorded: Sequence[Recorded]) -> list[Rows]:
        """The rows by one recording of each, those of one structure together."""
        _check_containers(recorded)
        found = []
        for places in alike(recorded):
            called = self._node.of_recorded(_combined([recorded[b] for b in places]))
            if called.call.gather.batched:
                raise _no_rows_of_rows()
            folded = called.call.gather.folded(len(places))
            found.append(Rows(called._replace(call=called.call._replace(gather=folded)), places))
        return found

    def _joined(self, rows: Sequence[Rows]) -> Any:
        """The results of rows of several structures, in the order of the batch."""
        # for each row of the batch its structure, and its place in it
        order = sorted((b, i, k) for i, row in enumerate(rows) for k, b in enumerate(row.places))
        each = [
            row.called.recorded.finished(row.called.call.plan, values, True)
            for row, values in zip(rows, self._values([row.called for row in rows]), strict=True)
        ]
        joined: list[Any] = []
        for parts in zip(*each, strict=True):
            joined.append(_joined(parts, [(i, k) for _, i, k in order]))
        first = rows[0].called.recorded
        return joined[0] if first.build is None else first.build(joined)

    def _values(self, calls: Sequence[Called]) -> list[Sequence[Any]]:
        """The measurements' values of each call: in one job where all numbers are plain and values real."""
        kinds = {m.kind for called in calls for m in called.recorded.measurements}
        if not kinds <= set(DIFFERENTIABLE) or any(called.library is not None for called in calls):
            return [self._node.values(called) for called in calls]
        shots = calls[0].call.shots
        runs = [(called.call.plan, called.call.checked_rows(called.leaves)) for called in calls]
        found = zip(runs, run_together(runs, shots), strict=True)
        return [split_flat(plan, shots, flat) for (plan, _), flat in found]


def _joined(parts: Sequence[Any], order: Sequence[tuple[int, int]]) -> Any:
    """What the rows give for one leaf: of structure i the row k of it, in this order."""
    if isinstance(parts[0], list):  # counts: a dict for each row
        return [parts[i][k] for i, k in order]
    shapes = {tuple(np.shape(part))[1:] for part in parts}
    if len(shapes) > 1:
        raise CircuitError(f"the rows of a map must return results of one shape; got {sorted(shapes)}")
    return _together([parts[i][k : k + 1] for i, k in order])


def _together(parts: Sequence[Any]) -> Any:
    """Arrays, or numbers, plain or traced, one after another along their first axis."""
    traced = library(parts)
    if traced is None:
        return np.concatenate([np.atleast_1d(part) for part in parts])
    return traced.joined(parts)


def _in_each_row(tree: Any) -> Any:
    """The arguments with EachRow in place of mapped arrays, and of traced ones, which all rows share."""
    leaves, build = flatten(tree)
    found = []
    for x in leaves:
        if type(x) is Stacked:
            x = EachRow(x.first, True)
        elif symbolic(x) == "traced":
            x = EachRow(x.reshape((1, *np.shape(x))), False)
        found.append(x)
    return build(found)


def _check_containers(recorded: Sequence[Recorded]) -> None:
    """Raise CircuitError for rows whose results do not stack."""
    first = recorded[0]
    for b, row in enumerate(recorded):
        if row is first:
            continue
        if len(row.leaves) != len(first.leaves) or row.containers != first.containers:
            raise CircuitError(
                f"the rows of a map must return the same containers; row 0 returned {len(first.leaves)} "
                f"measurements as {first.containers}, row {b} {len(row.leaves)} as {row.containers}"
            )


def _combined(rows: Sequence[Recorded]) -> Recorded:
    """Rows of one structure as one: the numbers one after another, coefficients (B,) in place of numbers."""
    first = rows[0]
    found = first.with_numbers(list(chain.from_iterable([row.numbers for row in rows])))
    if first.combined:
        found.leaves = [
            each[0]
            if isinstance(each[0], Measurement)
            else Combination(
                each[0].measurements,
                tuple(map(_together, zip(*[leaf.coefficients for leaf in each], strict=True))),
            )
            for each in zip(*[row.leaves for row in rows], strict=True)
        ]
    return found


def _no_rows_of_rows() -> CircuitError:
    return CircuitError(
        "a parameter of the circuit is an array in each row of a map; give one number for each, "
        "or map one more axis by a reshape"
    )
