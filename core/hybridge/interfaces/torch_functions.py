"""A plan as functions of torch: its values, and their Jacobian times a cotangent and times a tangent.

`Pull` differentiates `Values` in reverse, `Push` forward, and these two are differentiated by themselves at
shifted rows: so to any order, under `torch.func` too. Each call of one is one job of the device, and so is
`vmap` of it. Numbers go to the device in float64; what comes back has the caller's dtype and device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.autograd import Function

from hybridge.errors import GradientError
from hybridge.gradients.part import Part
from hybridge.interfaces.called import Call
from hybridge.interfaces.gather import Gather
from hybridge.interfaces.slopes import columns_of, full_jacobian, jacobian, parts_for, pull

Tensors = tuple[torch.Tensor, ...]
NUMPY = frozenset({torch.float64, torch.float32, torch.float16})  # of tensors that numpy reads in place


@dataclass(eq=False, slots=True)
class Run:
    """A call of leaves of torch, `dtype` and `device` of its results, and the leaves that are differentiated.

    Not a named tuple: torch takes those apart.
    """

    call: Call
    dtype: torch.dtype
    device: torch.device
    wanted: tuple[int, ...] = ()
    copies: int = 1  # sets of leaves that vmap has put into one batch; rows may be the same in many

    @property
    def gather(self) -> Gather:
        return self.call.gather

    def of(self, wanted: Sequence[int]) -> Run:
        """The same, differentiated in these leaves."""
        return Run(self.call, self.dtype, self.device, tuple(wanted), self.copies)

    def repeated(self, count: int) -> Run:
        """The same of so many sets of leaves."""
        call = self.call._replace(gather=self.gather.repeated(count))
        return replace(self, call=call, copies=count * self.copies)

    def shifted(self, part: Part) -> Run:
        """What a part of a rule runs."""
        call = self.call.of_part(part)._replace(gather=self.gather.at_points(part), ahead=None)
        return replace(self, call=call)

    def values(self, arrays: Sequence[Any]) -> Tensors:
        """The value of each measurement, from arrays (B, *shape)."""
        batched = self.gather.batched
        return tuple([tensor(a if batched else a[0], self.dtype, self.device) for a in arrays])

    def shaped(self, flat: Any) -> list[Any]:
        """(B, columns) -> an array or a tensor for each measurement, in the shape of its value."""
        batch, found, start = (len(flat),) if self.gather.batched else (), [], 0
        for shape in self.call.plan.shapes(self.call.shots):
            stop = start + math.prod(shape)
            found.append(flat[:, start:stop].reshape((*batch, *shape)))
            start = stop
        return found


def plain(x: torch.Tensor) -> np.ndarray:
    """The numbers of a tensor: its own memory, where that is the processor's."""
    try:
        return (x if x.dtype in NUMPY else x.double()).numpy(force=True)
    except RuntimeError as error:
        raise GradientError(
            "any parameter",
            "is_grads_batched and vectorize=True give tensors without numbers",
            "use torch.func: vmap, jacrev, jacfwd or hessian",
        ) from error


def tensor(array: Any, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """An array, or a number, as a tensor: of this dtype if it is real, whole numbers as they are."""
    array = np.asarray(array)
    made = torch.from_numpy(array if array.flags.writeable else array.copy())
    if array.dtype.kind in "fc":
        if array.dtype.kind == "c":
            dtype = torch.complex128 if dtype is torch.float64 else torch.complex64
        return made if made.dtype is dtype and device.type == "cpu" else made.to(device, dtype)
    return made if device.type == "cpu" else made.to(device)


def exact(x: torch.Tensor) -> torch.Tensor:
    """The tensor as torch itself calculates with it here."""
    return x.to("cpu", torch.float64)


class Values(Function):
    """The leaves -> the value of each measurement."""

    @staticmethod
    def forward(run: Run, *leaves: torch.Tensor) -> Tensors:
        call = run.call
        rows = call.checked_rows(list(map(plain, leaves)))
        if call.ahead is None:
            return run.values(call.plan.run(rows, call.shots))
        flat, slopes = call.plan.value_and_vjp(rows, np.ones((len(rows), 1)))
        call.ahead[:] = (call.gather, rows, slopes) if slopes is not None else ()
        return run.values([flat[:, 0]])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensors) -> None:
        ctx.run, *leaves = inputs
        ctx.save_for_backward(*leaves)
        ctx.save_for_forward(*leaves)

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> tuple[Any, ...]:
        leaves, wanted = ctx.saved_tensors, _true(ctx.needs_input_grad[1:])
        found = pulled(ctx.run.of(wanted), *cotangents, *leaves)
        return None, *_placed(found, wanted, len(leaves))

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: torch.Tensor | None) -> Tensors:
        wanted = _true(t is not None for t in tangents)
        return Push.apply(ctx.run.of(wanted), *[tangents[i] for i in wanted], *ctx.saved_tensors)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], run: Run, *leaves: torch.Tensor) -> Any:
        found = Values.apply(run.repeated(info.batch_size), *_first(info, in_dims[1:], leaves))
        return _rows_apart(info, run, found)


class Pull(Function):
    """A cotangent for each measurement, and the leaves -> the cotangents pulled to each wanted leaf."""

    @staticmethod
    def forward(run: Run, *tensors: torch.Tensor) -> Tensors:
        call, (cotangents, leaves) = run.call, _split(run, tensors)
        slots, part = call.gather.part(run.wanted)
        if call.ahead and call.ahead[0] is call.gather:  # nearly always, of one number
            found = plain(cotangents[0]).reshape(-1, 1) * _of(call.ahead[2], slots)
            return tuple([_of_leaf(part, i, part.pull(found), leaves[i]) for i in run.wanted])
        rows = call.gather(list(map(plain, leaves)))
        weights = np.concatenate([plain(g).reshape(len(rows), -1) for g in cotangents], axis=1, dtype=float)
        if call.ahead and np.array_equal(call.ahead[1], rows):
            found = weights * _of(call.ahead[2], slots)
        elif run.copies > 1 and not call.direct:
            rows, same = _distinct(rows)
            found = np.einsum("bsc,bc->bs", jacobian(rows, call, slots, weights)[same], weights)
        else:
            found = pull(rows, call, slots, weights)
        flat = part.pull(found)
        return tuple([_of_leaf(part, i, flat, leaves[i]) for i in run.wanted])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensors) -> None:
        ctx.run, *tensors = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, *tangents: torch.Tensor) -> tuple[Any, ...]:
        run, (cotangents, leaves) = ctx.run, _split(ctx.run, ctx.saved_tensors)
        needed = ctx.needs_input_grad[1:]
        moved, wanted = _true(needed[: len(cotangents)]), _true(needed[len(cotangents) :])
        first = Push.apply(run, *tangents, *leaves) if moved else [None] * len(cotangents)
        second = bent(run, tangents, cotangents, leaves, wanted) if wanted else ()
        return None, *first, *_placed(second, wanted, len(leaves))

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: torch.Tensor | None) -> Tensors:
        run, (cotangents, leaves) = ctx.run, _split(ctx.run, ctx.saved_tensors)
        along, moved = _split(run, tangents)
        wanted = _true(t is not None for t in moved)
        found = Pull.apply(run, *_zeros(along, cotangents), *leaves)
        if not wanted:
            return found
        second = bent(run.of(wanted), [moved[i] for i in wanted], cotangents, leaves, run.wanted)
        return tuple([a + b for a, b in zip(found, second, strict=True)])

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], run: Run, *tensors: torch.Tensor) -> Any:
        cotangents, leaves = _split(run, _first(info, in_dims[1:], tensors))
        found = Pull.apply(run.repeated(info.batch_size), *_rows_together(run, cotangents), *leaves)
        return found, (0,) * len(found)


class Push(Function):
    """A tangent for each wanted leaf, and the leaves -> how each measurement moves along them."""

    @staticmethod
    def forward(run: Run, *tensors: torch.Tensor) -> Tensors:
        call = run.call
        tangents, leaves = tensors[: len(run.wanted)], tensors[len(run.wanted) :]
        rows = call.gather(list(map(plain, leaves)))
        slots, part = call.gather.part(run.wanted)
        moved = sum(part.push(i, plain(t)) for i, t in zip(run.wanted, tangents, strict=True))
        rows, same = _distinct(rows) if run.copies > 1 else (rows, slice(None))
        found = np.einsum("bcs,bs->bc", full_jacobian(rows, call, slots)[same], moved)
        return tuple([tensor(a, run.dtype, run.device) for a in run.shaped(found)])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensors) -> None:
        ctx.run, *tensors = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> tuple[Any, ...]:
        run, count = ctx.run, len(ctx.run.wanted)
        tangents, leaves = ctx.saved_tensors[:count], ctx.saved_tensors[count:]
        wanted = _true(ctx.needs_input_grad[1 + count :])
        first = pulled(run, *cotangents, *leaves)
        second = bent(run, tangents, cotangents, leaves, wanted) if wanted else ()
        return None, *first, *_placed(second, wanted, len(leaves))

    @staticmethod
    def jvp(ctx: Any, _: None, *moved: torch.Tensor | None) -> Tensors:
        run, count = ctx.run, len(ctx.run.wanted)
        tangents, leaves = ctx.saved_tensors[:count], ctx.saved_tensors[count:]
        wanted = _true(t is not None for t in moved[count:])
        found = Push.apply(run, *_zeros(moved[:count], tangents), *leaves)
        if not wanted:
            return found
        along = [moved[count + i] for i in wanted]
        second = _pushed_at_shifts(run, tangents, run.of(wanted), along, leaves)
        return tuple([a + b for a, b in zip(found, second, strict=True)])

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], run: Run, *tensors: torch.Tensor) -> Any:
        found = Push.apply(run.repeated(info.batch_size), *_first(info, in_dims[1:], tensors))
        return _rows_apart(info, run, found)


def applied(function: type[Function], run: Run, *tensors: torch.Tensor) -> Any:
    """function.apply; without a transform of torch.func around, without what only these need: 10 us less."""
    if torch._C._are_functorch_transforms_active():
        return function.apply(run, *tensors)
    plainly: Any = super(Function, function)
    return plainly.apply(run, *tensors)


def pulled(run: Run, *tensors: torch.Tensor) -> Tensors:
    """Pull, outside the graph where none is asked for: 10 us less."""
    if torch.is_grad_enabled() or torch._C._are_functorch_transforms_active():
        return Pull.apply(run, *tensors)
    return Pull.forward(run, *tensors)


def bent(
    run: Run,
    tangents: Sequence[Any],
    cotangents: Sequence[Any],
    leaves: Sequence[torch.Tensor],
    wanted: Sequence[int],
) -> Tensors:
    """The cotangents' product with the second derivative along the tangents of run's leaves, in `wanted`.

    The rule says what a first derivative is at shifted numbers; it is that of `Pull`.
    """
    moved, weights = _spread(run, tangents), _joined(cotangents, len(run.gather.index))
    total: Tensors | None = None
    for part, along in _parts(run, moved, weights):
        each = torch.einsum("brc,bc->brc" if along.ndim == 3 else "br,bc->brc", along, weights)
        if part.fold is not None:
            each = each @ torch.from_numpy(part.fold).T
        at = run.shifted(part).of(wanted)
        found = Pull.apply(at, *at.shaped(each.flatten(0, 1)), *leaves)
        total = found if total is None else tuple([a + b for a, b in zip(total, found, strict=True)])
    return total if total is not None else tuple([torch.zeros_like(leaves[i]) for i in wanted])


def _pushed_at_shifts(
    run: Run, tangents: Sequence[Any], along_run: Run, along: Sequence[Any], leaves: Sequence[torch.Tensor]
) -> Tensors:
    """The second derivative along two tangents, for each measurement."""
    batch, total = len(run.gather.index), torch.zeros(len(run.gather.index), columns_of(run.call))
    total = exact(total)
    for part, weights in _parts(along_run, _spread(along_run, along)):
        found = Push.apply(run.shifted(part), *tangents, *leaves)
        each = _joined(found, batch * len(part.shifts)).unflatten(0, (batch, -1))
        if part.fold is not None:
            each = each @ torch.from_numpy(part.fold)
        total = total + torch.einsum("brc,brc->bc" if weights.ndim == 3 else "br,brc->bc", weights, each)
    return tuple([a.to(run.device, run.dtype) for a in run.shaped(total)])


def _parts(
    run: Run, moved: torch.Tensor, cotangent: torch.Tensor | None = None
) -> list[tuple[Part, torch.Tensor]]:
    """The parts of the rule, and the weights of their rows for a tangent (B, S) of its slots.

    They are (B, R), or (B, R, columns). The rule is right for what the cotangent (B, columns) asks for.
    """
    slots, _ = run.gather.part(run.wanted)
    if torch._C._are_functorch_transforms_active():
        cotangent = None  # its numbers cannot be seen
    rule, _ = parts_for(run.call, slots, None if cotangent is None else plain(cotangent))
    return [
        (part, torch.einsum("bs,rs->br" if part.weights.ndim == 2 else "bs,rsc->brc", moved, weights))
        for part in rule
        if len(part.shifts) and (weights := torch.from_numpy(part.weights)) is not None
    ]


def _spread(run: Run, tangents: Sequence[torch.Tensor]) -> torch.Tensor:
    """Tangents of the wanted leaves as (B, S), of the slots that depend on them."""
    _, part = run.gather.part(run.wanted)
    given = dict(zip(run.wanted, tangents, strict=True))
    flat = torch.cat(
        [
            exact(given[i]).reshape(-1) if i in given else torch.zeros(math.prod(shape), dtype=torch.float64)
            for i, shape in enumerate(part.shapes)
        ]
    )
    found = flat[torch.from_numpy(part.index)]
    if part.scale is not None:
        found = found * torch.from_numpy(part.scale)
    return found.sum(-1) if found.ndim == 3 else found


def _joined(values: Sequence[torch.Tensor], batch: int) -> torch.Tensor:
    """A tensor for each measurement, side by side: (B, columns)."""
    return torch.cat([exact(v).reshape(batch, -1) for v in values], dim=1)


def _split(run: Run, tensors: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """Those of the measurements, and those of the leaves."""
    count = len(run.call.plan.shapes(run.call.shots))
    return tensors[:count], tensors[count:]


def _true(flags: Any) -> tuple[int, ...]:
    return tuple([i for i, flag in enumerate(flags) if flag])


def _placed(found: Sequence[Any], wanted: Sequence[int], count: int) -> list[Any]:
    """What was found of the wanted leaves in the place of all, None for the others."""
    placed = dict(zip(wanted, found, strict=True))
    return [placed.get(i) for i in range(count)]


def _zeros(tangents: Sequence[Any], like: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    return [torch.zeros_like(x) if t is None else t for t, x in zip(tangents, like, strict=True)]


def _distinct(rows: np.ndarray) -> tuple[np.ndarray, Any]:
    """Each row once, and which of them each row is."""
    found, same = np.unique(rows, axis=0, return_inverse=True)
    return found, same.reshape(-1)  # numpy 2.0 has one more axis


def _of(slopes: np.ndarray, slots: Sequence[int]) -> np.ndarray:
    return slopes if len(slots) == slopes.shape[1] else slopes[:, list(slots)]


def _of_leaf(gather: Gather, i: int, flat: np.ndarray, leaf: torch.Tensor) -> torch.Tensor:
    own = flat[gather.starts[i] : gather.starts[i + 1]].reshape(gather.shapes[i])
    return tensor(own, leaf.dtype, leaf.device)


def _first(info: Any, dims: Sequence[int | None], tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The tensors with the axis of vmap first, where they have none a new one."""
    return [
        x.expand(info.batch_size, *x.shape) if dim is None else x.movedim(dim, 0)
        for x, dim in zip(tensors, dims, strict=True)
    ]


def _rows_together(run: Run, values: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Values (N, B, ...), or (N, ...) of calls of one row, as those of a batch."""
    return [v.flatten(0, 1) if run.gather.batched else v for v in values]


def _rows_apart(info: Any, run: Run, values: Tensors) -> tuple[Tensors, tuple[int, ...]]:
    """The other way, and which axis is that of vmap."""
    count = info.batch_size
    apart = [v.unflatten(0, (count, -1)) if run.gather.batched else v for v in values]
    return tuple(apart), (0,) * len(apart)
