"""Shot noise: values and derivatives of a QNode with their standard errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.circuit import Combination
from hybridge.errors import CircuitError, GradientError
from hybridge.execution import Plan
from hybridge.gradients.part import Part
from hybridge.interfaces.autograd_ import getval, isbox
from hybridge.interfaces.called import Called, Model
from hybridge.interfaces.choose import values_of
from hybridge.interfaces.derivative import Argnums, Derivative
from hybridge.interfaces.derivatives import check_one_number, jacobian
from hybridge.jobs import estimate_together
from hybridge.postselection import Finish, Variance, check_unselected
from hybridge.pytree import flatten
from hybridge.readout.allotment import in_order
from hybridge.readout.noise import Estimate

KINDS = ("grad", "jacobian", "value_and_grad")


class WithError(NamedTuple):
    """A value and its standard error, in the same containers; prints as 0.312 +- 0.014.

    The error is 0 where the value is exact, and None for single shots and counts, which estimate nothing.
    """

    value: Any
    error: Any

    def __str__(self) -> str:
        values, build = flatten(self.value)
        errors, _ = flatten(self.error)
        if any(e is None for e in errors):
            return f"{self.value} +- {self.error}"
        found = build([_Text(_shown(v, e)) for v, e in zip(values, errors, strict=True)])
        return repr(found)

    def __rich__(self) -> str:
        return str(self)


class _Text(str):
    """Text that containers show without quotes."""

    __repr__ = str.__str__


def _shown(value: Any, error: Any) -> str:
    if np.ndim(value):
        shown = [_Text(_shown(v, e)) for v, e in zip(value, error, strict=True)]
        return repr(shown)
    if not error > 0 or not math.isfinite(error):
        return f"{value} +- {error:g}"
    digits = max(0, 1 - math.floor(math.log10(error)))  # two of the error
    return f"{value:.{digits}f} +- {error:.{digits}f}"


def with_error(f: Callable[..., Any]) -> Callable[..., WithError]:
    """The function that returns (value, error): what `f` returns and its standard errors, in its containers.

    `f` is a QNode that measures expval, var or probs, or hb.grad, hb.jacobian or hb.value_and_grad of one.
    The errors are those of shots, one standard deviation: of a derivative, which is a sum of weights times
    values at shifted parameters, the root of the sum of weights^2 times their variances. They are 0 where the
    result is exact, do not count the bias of finite differences, nor how the directions of "spsa" are drawn,
    and are never below what one shot can tell (readout/noise.py). As many jobs are run as for `f`. Raises
    CircuitError for any other function, and for a single shot; GradientError where `f` does.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=1, shots=1000, seed=7))
    ... def circuit(x):
    ...     hb.RX(x, wires=0)
    ...     return hb.expval(hb.Z(0))
    >>> value, error = hb.with_error(circuit)(1.2)
    >>> round(float(error), 3)
    0.029
    >>> abs(value - 0.3623577) < 4 * error  # cos(1.2)
    np.True_
    """
    if isinstance(f, Model):
        return lambda *args, **kwargs: _value(f, args, kwargs)
    if isinstance(f, Derivative) and isinstance(f.f, Model) and f.kind in KINDS:
        return lambda *args, **kwargs: _derivative(f, f.f, args, kwargs)
    raise CircuitError(
        f"with_error takes a QNode, or hb.grad, hb.jacobian or hb.value_and_grad of one; got {f!r}; "
        "of a function around QNodes, ask for the errors of each and propagate them"
    )


def _value(f: Model, args: Sequence[Any], kwargs: Mapping[str, Any]) -> WithError:
    _check_plain(args, kwargs)
    called = _called(f, args, kwargs)
    recorded, plan = called.recorded, called.call.plan
    kinds = {m.kind for m in recorded.measurements}
    if kinds <= {"sample", "counts"}:
        raise CircuitError(
            f"with_error: {' and '.join(sorted(kinds))} estimate nothing; return expval, var or probs"
        )
    if plan.selection is not None and not kinds.isdisjoint({"sample", "counts"}):
        raise CircuitError("with_error of what post-selection leaves: return expval, var or probs alone")
    rows = called.call.checked_rows(values_of(called.leaves))
    [pieces] = estimate_together([(plan, rows)], called.call.shots)
    places = [piece.places for piece in pieces]
    values = [in_order(same, places) for same in zip(*(p.values for p in pieces), strict=True)]
    errors: list[Any] = [
        None if same[0] is None else in_order(same, places)
        for same in zip(*(_errors(plan, p) for p in pieces), strict=True)
    ]
    batched = called.call.gather.batched
    if not batched:
        values, errors = [v[0] for v in values], [None if e is None else e[0] for e in errors]
    error = errors[0] if recorded.build is None else recorded.build(errors)
    return WithError(recorded.results(plan, values, batched), error)


def _errors(plan: Plan, piece: Estimate) -> list[np.ndarray | None]:
    """The standard errors of the user's values, (B, *shape) each.

    What post-selection leaves is made of means that share their shots: its errors are to first order, those
    of a variance, as in readout/noise.py, to second where that vanishes.
    """
    if plan.selection is None:
        return piece.errors()
    found: list[np.ndarray | None] = []
    covariances = piece.covariances()
    for finish in plan.selection.finishers:
        variances = _variances(finish, piece.values, covariances)
        if isinstance(finish, Variance):
            variances = variances + 2 * _variances(finish.mean, piece.values, covariances) ** 2
        found.append(np.sqrt(variances))
    return found


def _variances(finish: Finish, values: list[np.ndarray], covariances: np.ndarray) -> np.ndarray:
    """Of a function of what is measured, (B, *shape), to first order."""
    total = lambda values: finish(values, True).sum(axis=0)
    shape, batch = np.shape(total(values)), len(covariances)
    slopes = jacobian(total)(values)  # (*shape, B, *measured) in each that is measured
    flat = np.concatenate([np.reshape(s, (math.prod(shape), batch, -1)) for s in slopes], axis=2)
    return np.maximum(np.einsum("kbc,bcd,kbd->bk", flat, covariances, flat), 0.0).reshape(batch, *shape)


def _check_plain(args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    if any(isbox(x) for x in flatten([list(args), dict(kwargs)])[0]):
        reason = "a result with its standard error is not differentiated"
        raise GradientError("any parameter", reason, "use hb.with_error(hb.grad(circuit))")


def _called(f: Model, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Called:
    called = f.called(*args, **kwargs)
    if called is None:
        raise CircuitError(
            "with_error: the rows differ in their structure and are several jobs; map rows of one structure"
        )
    return called


class _Inputs(NamedTuple):
    """A call whose numbers are differentiated in the N numbers of its arguments.

    `slopes` (B, S, N) are those of the circuit's numbers in `slots`. `steps` (B, columns, N) are those of the
    `coefficients` (B, columns) that a result multiplies what is measured with.
    """

    called: Called
    rows: np.ndarray
    slots: tuple[int, ...]
    slopes: np.ndarray
    coefficients: np.ndarray
    steps: np.ndarray
    shapes: list[tuple[int, ...]]  # of the arguments' leaves
    build: Callable[[Sequence[Any]], Any]  # puts as many arrays into the arguments' containers


def _inputs(f: Model, argnums: Argnums, args: Sequence[Any], kwargs: Mapping[str, Any]) -> _Inputs:
    """The function recorded once, its numbers and coefficients traced by autograd."""
    found: list[Called] = []
    places: list[int] = []

    def numbers(*arguments: Any) -> list[Any]:
        called = _called(f, arguments, kwargs)
        called.recorded.check_differentiable()
        found.append(called)
        places.extend(i for i, x in enumerate(called.leaves) if isbox(x))
        return [0.0, *(called.leaves[i] for i in places), *_coefficients(called)]

    template, *trees = jacobian(numbers, argnums)(*args)
    leaves, build = flatten(template)
    shapes = [np.shape(x) for x in leaves]
    n = sum(map(math.prod, shapes))
    side_by_side = lambda tree, size: np.concatenate(
        [np.zeros((size, 0)), *(np.reshape(x, (size, -1)) for x in flatten(tree)[0])], axis=1
    )
    [called] = found
    call = called.call
    rows = call.checked_rows([getval(x) for x in called.leaves])
    slots, gather = call.gather.part(places)
    moved = np.zeros((gather.starts[-1], n))
    for i, tree in zip(places, trees, strict=False):
        start, stop = gather.starts[i : i + 2]
        moved[start:stop] = side_by_side(tree, stop - start)
    one_each = np.broadcast_to(np.eye(len(slots)), (len(rows), len(slots), len(slots)))
    given = [np.asarray(getval(c), dtype=float) for c in _coefficients(called)]
    steps = [side_by_side(tree, c.size) for tree, c in zip(trees[len(places) :], given, strict=True)]
    return _Inputs(
        called,
        rows,
        slots,
        gather.pull_each(one_each) @ moved,
        np.stack([np.broadcast_to(c, len(rows)) for c in given], axis=1),
        np.stack([np.broadcast_to(step, (len(rows), n)) for step in steps], axis=1),
        shapes,
        build,
    )


def _coefficients(called: Called) -> list[Any]:
    """What each measured column is multiplied with: 1 but in sums with traced coefficients."""
    found: list[Any] = []
    sizes = map(math.prod, called.call.plan.shapes(called.call.shots))
    for leaf in called.recorded.leaves:
        combined = isinstance(leaf, Combination)
        for c in leaf.coefficients if combined else (1.0,):
            found += [c] * next(sizes)
    return found


class _Result(NamedTuple):
    """One of the results, of this shape: its numbers are sums of columns, that start at these places."""

    shape: tuple[int, ...]
    starts: list[int]


def _results(called: Called, batch: int) -> list[_Result]:
    call = called.call
    before = (batch,) if call.gather.batched else ()
    shapes, found, start = iter(call.plan.shapes(call.shots)), [], 0
    for leaf in called.recorded.leaves:
        width = len(leaf.measurements) if isinstance(leaf, Combination) else 1
        shape = [next(shapes) for _ in range(width)][-1]
        stop = start + width * math.prod(shape)
        found.append(_Result((*before, *shape), list(range(start, stop, width))))
        start = stop
    return found


def _derivative(f: Derivative, model: Model, args: Sequence[Any], kwargs: Mapping[str, Any]) -> WithError:
    _check_plain(args, kwargs)
    inputs = _inputs(model, f.argnums, args, kwargs)
    called, call = inputs.called, inputs.called.call
    results = _results(called, len(inputs.rows))
    if f.kind != "jacobian":
        check_one_number([r.shape for r in results])
    if call.shots is None:
        value = f(*args, **kwargs)
        leaves, build = flatten(value)
        return WithError(value, build([np.zeros(np.shape(x))[()] for x in leaves]))
    check_unselected(call.plan.selection)
    rule = call.plan.rule(inputs.slots, call.method, call.shots) if inputs.slots else ()
    starts, joint = [start for r in results for start in r.starts], called.recorded.combined
    parts = [part for part in rule if len(part.shifts)]
    shifted = [part.points(inputs.rows).reshape(-1, inputs.rows.shape[1]) for part in parts]
    runs = [(call.plan.of_part(part), rows) for part, rows in zip(parts, shifted, strict=True)]
    measured, *found = estimate_together([(call.plan, inputs.rows), *runs], call.shots, apart=1)
    here = _sample(measured, None, joint)
    slopes, variances = _weighted(inputs.steps.swapaxes(1, 2)[:, None], here, starts)
    for part, pieces in zip(parts, found, strict=True):
        more = _weighted(_effects(inputs, part), _sample(pieces, part.fold, joint), starts)
        slopes, variances = slopes + more[0], variances + more[1]
    pair = [_placed(x, inputs, results, f.kind) for x in (slopes, np.sqrt(variances))]
    if f.kind != "value_and_grad":
        return WithError(*pair)
    value, variance = _weighted(inputs.coefficients[:, None, None], here, starts)
    both = [_contained(called, [x.reshape(results[0].shape)[()]]) for x in (value, np.sqrt(variance))]
    return WithError(*zip(both, pair, strict=True))


def _placed(found: np.ndarray, inputs: _Inputs, results: Sequence[_Result], kind: str) -> Any:
    """Numbers (B, N, sums) as hb.jacobian or hb.grad would return them."""
    each, start, ends = [], 0, np.cumsum([math.prod(shape) for shape in inputs.shapes])
    for result in results:
        stop = start + len(result.starts)
        before = result.shape if kind == "jacobian" else ()
        block = found[..., start:stop].swapaxes(1, 2).reshape(*before, -1)
        leaves = [
            x.reshape((*before, *shape))
            for x, shape in zip(np.split(block, ends[:-1], axis=-1), inputs.shapes, strict=True)
        ]
        each.append(inputs.build(leaves if kind == "jacobian" else [x[()] for x in leaves]))
        start = stop
    return _contained(inputs.called, each) if kind == "jacobian" else each[0]


def _contained(called: Called, results: Sequence[Any]) -> Any:
    build = called.recorded.build
    return results[0] if build is None else build(results)


class _Sample(NamedTuple):
    """Values (rows, columns), and their variances or, where they are needed, covariances (.., columns)."""

    values: np.ndarray
    spread: np.ndarray


def _sample(pieces: Sequence[Estimate], fold: np.ndarray | None, joint: bool) -> _Sample:
    values = [piece.flat if fold is None else piece.flat @ fold for piece in pieces]
    spreads = [piece.covariances(fold) if joint else piece.variances(fold) for piece in pieces]
    places = [piece.places for piece in pieces]
    return _Sample(in_order(values, places), in_order(spreads, places))


def _effects(inputs: _Inputs, part: Part) -> np.ndarray:
    """(B, R, N, columns): how far each column of each run moves the derivative in each number."""
    weights = part.weights if part.weights.ndim == 3 else part.weights[:, :, None]
    moved = np.einsum("rsc,bsn->brnc", weights, inputs.slopes)
    return moved * inputs.coefficients[:, None, None, :]


def _weighted(effects: np.ndarray, sample: _Sample, starts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Effects (B, R, N, columns) times values, summed over runs and over columns from start to start.

    (B, N, sums), and their variances: runs are independent.
    """
    batch, runs = effects.shape[:2]
    shaped = lambda x: x.reshape(batch, runs, *x.shape[1:])
    values, spread = shaped(sample.values), shaped(sample.spread)
    found = np.add.reduceat(np.einsum("brnc,brc->bnc", effects, values), starts, axis=-1)
    if spread.ndim == 3:  # no sum has more than one column
        return found, np.einsum("brnc,brc->bnc", effects**2, spread)
    variances = []
    for columns in map(slice, starts, [*starts[1:], effects.shape[-1]]):
        own = effects[..., columns]
        variances.append((own @ spread[:, :, columns, columns] * own).sum(axis=(1, 3)))
    return found, np.stack(variances, axis=-1)
