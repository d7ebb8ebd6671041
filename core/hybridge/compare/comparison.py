"""Run one model on several devices and set the results side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hybridge.device import Device
from hybridge.errors import CircuitError, GradientError, HybridgeError, MissingDependency
from hybridge.interfaces.derivatives import jacobian
from hybridge.pytree import flatten
from hybridge.qnode import QNode
from hybridge.standard_errors import with_error

EXACT = (
    1e-6  # exact values agree to this, and their gradients to ten times it; a truncated Fock space should too
)
SIGMAS = 5.0  # sampled ones agree within so many standard errors: one false alarm in two million

Spec = str | Device | tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """One device's result. Arrays are flat: all measured values in order, (values,) and (values, parameters).

    `error` and `gradient_error` are the standard errors of shots, 0 where exact;
    `deviation` and `gradient_deviation` are the largest differences from the first device; `reason` says why
    a device failed.
    """

    device: str
    value: np.ndarray | None = None
    error: np.ndarray | None = None
    gradient: np.ndarray | None = None
    gradient_error: np.ndarray | None = None
    deviation: float | None = None
    gradient_deviation: float | None = None
    agrees: bool | None = None
    seconds: float | None = None
    reason: str = ""
    gradient_reason: str = ""  # why there is no gradient where there are values
    missing: bool = False  # it failed because its SDK is not installed


@dataclass(frozen=True)
class Comparison:
    """The rows of a comparison, the first device being the reference; prints as a table."""

    model: str
    shots: int | None
    rows: tuple[Row, ...]

    @property
    def agree(self) -> bool:
        """Whether every device ran and agrees with the first."""
        return all(r.agrees for r in self.rows)

    def table(self) -> Any:
        """A rich Table of the rows."""
        from hybridge.compare.table import table  # rich is imported only where something is printed

        return table(self)

    def __rich__(self) -> Any:
        return self.table()

    def __str__(self) -> str:
        from hybridge.compare.table import as_text

        return as_text(self)


def compare(
    model: QNode,
    devices: Sequence[Spec],
    args: Sequence[Any] = (),
    gradient: bool = True,
    shots: int | None = None,
    seed: int | None = None,
) -> Comparison:
    """Run `model(*args)` on each device and compare values and gradients with the first.

    A device is a name, a (name, options) pair like ("default.fock", {"cutoff_dim": 8}), whose options may
    have shots and a seed of their own, or a Device, which keeps its own shots. `shots=None` is exact. A
    device that fails is a row with its reason, not an exception. With shots, values and gradients agree when
    they differ by less than five standard errors. Raises CircuitError if there is nothing to compare: no
    devices, or a model that measures samples.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=1))
    ... def circuit(x):
    ...     hb.RX(x, wires=0)
    ...     return hb.expval(hb.Z(0))
    >>> hb.compare(circuit, ["default.qubit", "default.qubit"], args=(0.3,)).agree
    True
    """
    if not isinstance(model, QNode):
        raise CircuitError(
            f"compare needs a QNode (a function decorated with @hb.qnode); got {type(model).__name__}"
        )
    if not devices:
        raise CircuitError("compare needs at least one device, such as ['default.qubit']")
    for m in model.record(*args).measurements:
        if m.kind not in ("expval", "var", "probs"):
            raise CircuitError(f"compare needs expval, var or probs; the model measures {m!r}")
    rows: list[Row] = []
    reference: Row | None = None
    for i, spec in enumerate(devices):
        # a seed of its own for each: two simulators with one seed would draw the same shots and agree by
        # construction
        found = _run(model, spec, args, gradient, shots, None if seed is None else seed + i)
        if reference is None and not found.reason:
            reference = found
        rows.append(found if found.reason or reference is None else _judged(found, reference))
    return Comparison(getattr(model, "__name__", "model"), shots, tuple(rows))


def _flat(tree: Any) -> np.ndarray:
    return np.concatenate([np.ravel(x) for x in flatten(tree)[0]])


def _name(spec: Spec) -> str:
    return spec.name if isinstance(spec, Device) else spec if isinstance(spec, str) else spec[0]


def _run(
    model: QNode, spec: Spec, args: Sequence[Any], gradient: bool, shots: int | None, seed: int | None
) -> Row:
    name = _name(spec)
    try:
        if isinstance(spec, Device):
            node = model.on(spec)
        else:
            own = {} if isinstance(spec, str) else spec[1]
            node = model.on(name, **{"shots": shots, "seed": seed, **own})
        start = time.perf_counter()
        value, error = map(_flat, with_error(node)(*args))
        slope, spread, why = _gradient_or_reason(node, args) if gradient else (None, None, "")
        seconds = time.perf_counter() - start
        return Row(name, value, error, slope, spread, seconds=seconds, gradient_reason=why)
    except HybridgeError as reason:
        missing = isinstance(reason, MissingDependency)
        return Row(name, reason=str(reason).splitlines()[0], missing=missing)


Gradient = tuple[np.ndarray | None, np.ndarray | None]  # and its standard errors; None where there is none


def _gradient_or_reason(node: QNode, args: Sequence[Any]) -> tuple[Any, Any, str]:
    """The gradient, or why the model has none on this device: its values are worth comparing all the same."""
    try:
        return *_gradient(node, args), ""
    except GradientError as reason:
        return None, None, str(reason)


def _gradient(node: QNode, args: Sequence[Any]) -> Gradient:
    """d value / d every number in the arguments, (values, numbers)."""
    argnums = [i for i, a in enumerate(args) if _differentiable(a)]
    if not argnums:
        return None, None
    inputs = [np.size(x) for i in argnums for x in flatten(args[i])[0]]
    found, error = with_error(jacobian(node, argnums=argnums))(*args)
    return _table(found, inputs), _table(error, inputs)


def _table(tree: Any, inputs: Sequence[int]) -> np.ndarray:
    """A Jacobian's containers, with a leaf for each of these inputs in each output, as (values, numbers)."""
    leaves, _ = flatten(tree)
    outputs = [leaves[i : i + len(inputs)] for i in range(0, len(leaves), len(inputs))]
    blocks = [
        np.concatenate([np.reshape(j, (-1, size)) for j, size in zip(output, inputs, strict=True)], axis=1)
        for output in outputs
    ]
    return np.concatenate(blocks, axis=0)


def _differentiable(argument: Any) -> bool:
    leaves, _ = flatten(argument)
    return bool(leaves) and all(np.asarray(x).dtype.kind == "f" for x in leaves)


def _judged(row: Row, reference: Row) -> Row:
    assert row.value is not None and reference.value is not None
    assert row.error is not None and reference.error is not None
    if row.value.shape != reference.value.shape:
        return Row(
            row.device,
            reason=f"has {row.value.size} values where {reference.device} has {reference.value.size}",
        )
    deviation, agree = _agreement(row.value, reference.value, (row.error, reference.error), EXACT)
    slopes, alike = None, True
    if row.gradient is not None and reference.gradient is not None:
        assert row.gradient_error is not None and reference.gradient_error is not None
        errors = row.gradient_error, reference.gradient_error
        slopes, alike = _agreement(row.gradient, reference.gradient, errors, 10 * EXACT)
    return replace(row, deviation=deviation, gradient_deviation=slopes, agrees=agree and alike)


def _agreement(
    found: np.ndarray, reference: np.ndarray, errors: tuple[np.ndarray, np.ndarray], least: float
) -> tuple[float, bool]:
    """The largest difference, and whether all are within what the errors allow."""
    difference = np.abs(found - reference)
    allowed = np.maximum(least, SIGMAS * np.hypot(*errors))
    return float(difference.max(initial=0.0)), bool((difference <= allowed).all())
