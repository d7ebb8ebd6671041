"""Circuits of tensors: where their numbers come from, and their values as tensors of the same kind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import torch

from hybridge.errors import CircuitError
from hybridge.interfaces.called import Call, Called
from hybridge.interfaces.gather import Gather
from hybridge.interfaces.rows import PLAIN, as_rows, real
from hybridge.interfaces.torch_entries import entries_of_one, place_of
from hybridge.interfaces.torch_entries import marked as marked
from hybridge.interfaces.torch_functions import NUMPY, Run, Values, applied
from hybridge.interfaces.torch_functions import plain as plain


def gathered(numbers: Sequence[Any]) -> tuple[list[Any], Gather]:
    """The leaves that the numbers of a call come from, tensors and an array of plain ones, and how they come
    from them. Raises the errors of as_rows."""
    known = entries_of_one(numbers)
    if known is not None:  # the usual case, 30 us sooner
        whole, at = known
        in_order = len(at) == whole.numel() and at == list(range(len(at)))
        index = np.array((at,), dtype=np.intp)
        return [whole], Gather(index, (tuple(whole.shape),), False, in_order=in_order)
    leaves: list[Any] = []
    shapes: list[tuple[int, ...]] = []
    starts: dict[int, int] = {}  # of a leaf in flat
    end = 0
    constants: list[float] = []
    found: list[Any] = []  # for each number its place, or places; None: the next constant
    lengths = set()
    for x in numbers:
        if type(x) in PLAIN:
            constants.append(x)
            found.append(None)
            continue
        leaf, places = x, None
        if isinstance(x, torch.Tensor):
            leaf, places = place_of(x) or (x, None)
        start = starts.get(id(leaf))
        if start is None:
            leaves.append(leaf if isinstance(leaf, torch.Tensor) else real(leaf))
            shapes.append(tuple(leaves[-1].shape))
            start = starts[id(leaf)] = end
            end += math.prod(shapes[-1])
        if type(places) is int:  # nearly always
            found.append(places + start)
            continue
        if places is None:
            places = np.arange(math.prod(np.shape(x))).reshape(np.shape(x))
        lengths.add(places.shape)
        found.append(places + start)
    lengths -= {()}
    if len(lengths) > 1 or any(len(shape) > 1 or shape == (0,) for shape in lengths):
        as_rows([np.zeros(np.shape(x)) for x in numbers])  # raises: it says what is wrong
    if constants:
        leaves.append(as_rows(constants)[0][0])
        shapes.append((len(constants),))
        rest = iter(range(end, end + len(constants)))
        found = [next(rest) if place is None else place for place in found]
    if not lengths:
        in_order = len(shapes) == 1 and found == list(range(end + len(constants)))
        return leaves, Gather(np.array((found,), dtype=np.intp), shapes, False, in_order=in_order)
    index = np.empty((lengths.pop()[0], len(found)), dtype=np.intp)
    for k, place in enumerate(found):
        index[:, k] = place
    return leaves, Gather(index, shapes, True)


def evaluate(called: Called) -> list[Any]:
    """The measurements' values as tensors, counts as they are, differentiable in the leaves.

    Where one expectation value or variance is measured, the device gives the derivatives with the value.
    Raises CircuitError for tensors without real numbers here, GradientError for a measurement that has no
    derivative where a leaf requires one.
    """
    call, recorded = called.call, called.recorded
    given = [x for x in called.leaves if isinstance(x, torch.Tensor)]
    for x in given:
        if x.dtype not in NUMPY or x.layout is not torch.strided or x.is_meta:
            _check(x)
    dtype, device = _kind(given)
    leaves = given
    if len(given) != len(called.leaves):
        leaves = [x if isinstance(x, torch.Tensor) else _constant(x) for x in called.leaves]
    run = Run(call, dtype, device)
    if torch.is_grad_enabled() and any([x.requires_grad for x in given]):
        recorded.check_differentiable()
        if call.plan.scalar and call.direct:
            run = Run(Call(call.plan, call.shots, call.method, call.gather, []), dtype, device)
    elif any([m.kind == "counts" for m in recorded.measurements]):
        if torch._C._are_functorch_transforms_active():
            raise CircuitError("counts are dicts, which torch.func cannot transform; return probs or sample")
        arrays = call.plan.run(call.checked_rows(list(map(plain, leaves))), call.shots)
        values = zip(recorded.measurements, arrays, run.values(arrays), strict=True)
        return [
            value if m.kind != "counts" else array if call.gather.batched else array[0]
            for m, array, value in values
        ]
    return list(applied(Values, run, *leaves))


def joined(parts: Sequence[Any]) -> torch.Tensor:
    """Tensors, or numbers, one after another along their first axis."""
    return torch.cat([torch.atleast_1d(torch.as_tensor(x)) for x in parts])


def _kind(given: Sequence[torch.Tensor]) -> tuple[torch.dtype, torch.device]:
    """The dtype and the device of what follows from these tensors. Raises CircuitError for two devices."""
    if len(given) == 1:  # nearly always
        return given[0].dtype, given[0].device
    if not given:
        return torch.get_default_dtype(), torch.device("cpu")
    devices = sorted({str(x.device) for x in given})
    if len(devices) > 1:
        listed = " and ".join(devices)
        raise CircuitError(f"the tensors of one call must be on one device; they are on {listed}")
    sized = [x.dtype for x in given if x.ndim]  # as torch: a number takes the dtype of arrays
    return reduce(torch.promote_types, sized or [x.dtype for x in given]), given[0].device


def _constant(x: Any) -> torch.Tensor:
    return torch.as_tensor(real(x), dtype=torch.float64)


def _check(x: torch.Tensor) -> None:
    """Raise CircuitError for a tensor whose numbers are not real, or not here."""
    if not x.is_floating_point():
        what = f"a tensor of {x.dtype}; give x.double(), or x.float()"
    elif x.is_meta:
        what = "a tensor on the device 'meta', which has none"
    elif x.layout is not torch.strided:
        what = f"a tensor of layout {x.layout}; give x.to_dense()"
    else:
        return
    raise CircuitError(f"parameters must be real numbers, dense and of floats; got {what}")
