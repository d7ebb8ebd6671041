"""How the numbers of a circuit follow from leaves of its arguments: picked from them, or affine in them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from hybridge.gradients.part import Part
from hybridge.interfaces.rows import as_rows

Shape = tuple[int, ...]
MAX_STACKS = 16  # kept by one gather: numbers of rows with which a static circuit is mapped


class Gather:
    """rows[b, p] = flat[index[b, p]], where flat is the leaves one after another.

    With `scale` and `offset` (batch, P): scale[b, p] times that, plus offset[b, p]. Where scale and index are
    (batch, P, K), the sum over k of the terms, plus the offset. `shapes` are the leaves'; `batched` tells
    whether results keep the batch axis. Immutable.
    """

    def __init__(
        self,
        index: np.ndarray,
        shapes: Sequence[Shape],
        batched: bool,
        scale: np.ndarray | None = None,
        offset: np.ndarray | None = None,
        in_order: bool = False,
    ):
        self.index, self.shapes, self.batched = index, tuple(shapes), batched
        self.scale, self.offset = scale, offset
        self.in_order = in_order  # the rows are flat, no more and no less
        self.scalars = in_order and not any(shapes) and len(index) == 1  # one row, the leaves themselves
        self._stacks: dict[Hashable, Gather] = {}
        self._parts: dict[tuple[int, ...], tuple[tuple[int, ...], Gather]] = {}
        self.starts = [0]  # where each leaf begins in flat, and where the last one ends
        for shape in self.shapes:
            self.starts.append(self.starts[-1] + math.prod(shape))

    def __call__(self, leaves: Sequence[Any]) -> np.ndarray:
        """The rows (batch, P) of leaves of these shapes, numbers or arrays."""
        if self.scalars:
            return np.array((leaves,), dtype=float)
        if self.in_order and len(leaves) == 1:
            return np.array(leaves[0], dtype=float).reshape(self.index.shape)
        flat = self.flat(leaves)
        return flat.reshape(self.index.shape) if self.in_order else self._rows(flat, self.offset)

    def flat(self, leaves: Sequence[Any]) -> np.ndarray:
        """The leaves one after another, float64, in an array of its own."""
        if len(leaves) == 1:
            return np.array(leaves[0], dtype=float).reshape(-1)
        if not any(self.shapes):
            return np.array(leaves, dtype=float)
        return np.concatenate([np.asarray(x, dtype=float).reshape(-1) for x in leaves])

    def _rows(self, flat: np.ndarray, offset: np.ndarray | None) -> np.ndarray:
        picked = flat[self.index]
        if self.scale is not None:
            picked = picked * self.scale
        if picked.ndim == 3:
            picked = picked.sum(axis=-1)
        return picked if offset is None else picked + offset

    def pull(self, cotangent: np.ndarray) -> np.ndarray:
        """(..., batch, P) -> (..., size of flat): the transpose of the linear part."""
        outer, size = cotangent.shape[:-2], self.starts[-1]
        if self.in_order:
            return cotangent.reshape(*outer, size)
        if not self.index.size:  # bincount of nothing would count in whole numbers
            return np.zeros((*outer, size))
        index, weights = self.index, cotangent
        if index.ndim == 3:
            weights = weights[..., None]
        if self.scale is not None:
            weights = weights * self.scale
        if not outer:
            return np.bincount(index.ravel(), weights.ravel(), size)
        count = math.prod(outer)
        shifted = index.reshape(1, -1) + size * np.arange(count)[:, None]
        return np.bincount(shifted.ravel(), weights.ravel(), size * count).reshape(*outer, size)

    def pull_each(self, jacobian: np.ndarray) -> np.ndarray:
        """(batch, columns, P) -> (batch, columns, size of flat): like pull, each row by itself."""
        rows = [
            Gather(
                self.index[b : b + 1],
                self.shapes,
                self.batched,
                None if self.scale is None else self.scale[b : b + 1],
            ).pull(jacobian[b][:, None, :])
            for b in range(len(jacobian))
        ]
        return np.stack(rows)

    def push(self, i: int, tangent: Any) -> np.ndarray:
        """A tangent of leaf i -> (batch, P): the linear part."""
        flat = np.zeros(self.starts[-1])
        flat[self.starts[i] : self.starts[i + 1]] = np.asarray(tangent).reshape(-1)
        return self._rows(flat, None)

    def repeated(self, count: int) -> Gather:
        """The gather of `count` sets of leaves, (count, *shape) each: one set's rows after another's."""
        starts = np.array(self.starts)
        leaf = np.searchsorted(starts[1:], self.index, side="right")  # of each entry
        within = self.index + (count - 1) * starts[leaf]
        size = starts[leaf + 1] - starts[leaf]
        index = within + np.arange(count).reshape(-1, *(1,) * within.ndim) * size
        return Gather(
            index.reshape(-1, *self.index.shape[1:]),
            [(count, *shape) for shape in self.shapes],
            True,
            None if self.scale is None else np.tile(self.scale, (count, *(1,) * (self.scale.ndim - 1))),
            None if self.offset is None else np.tile(self.offset, (count, 1)),
            self.in_order and len(self.shapes) == 1,
        )

    def at_points(self, part: Part) -> Gather:
        """The gather of each row at the R points of a part of a rule: R rows for each of this one."""
        count = len(part.shifts)
        offset = np.zeros(self.index.shape[:2]) if self.offset is None else self.offset
        scale = None if self.scale is None else np.repeat(self.scale, count, axis=0)
        index = np.repeat(self.index, count, axis=0)
        if part.scale is not None:
            own = np.tile(part.scale, (len(self.index), 1))
            own = own if index.ndim == 2 else own[:, :, None]
            scale = np.broadcast_to(own, index.shape) if scale is None else scale * own
        return Gather(index, self.shapes, True, scale, part.points(offset).reshape(-1, offset.shape[1]))

    def leaf(self, i: int, flat: np.ndarray) -> Any:
        """What of flat (..., size) is leaf i's: (..., *shape), a number where that is ()."""
        found = flat[..., self.starts[i] : self.starts[i + 1]]
        shape = flat.shape[:-1] + self.shapes[i]
        return found.reshape(shape) if shape else found[0]

    def part(self, leaves: Sequence[int]) -> tuple[tuple[int, ...], Gather]:
        """The columns that depend on one of these leaves, and the gather of them alone."""
        key = tuple(leaves)
        found = self._parts.get(key)
        if found is None:
            slots = self._slots(key)
            found = self._parts[key] = slots, self._columns(slots)
        return found

    def _slots(self, leaves: Sequence[int]) -> tuple[int, ...]:
        if len(leaves) == len(self.shapes) and self.scale is None:
            return tuple(range(self.index.shape[1]))
        hit = np.zeros(self.index.shape, dtype=bool)
        for i in leaves:
            hit |= (self.index >= self.starts[i]) & (self.index < self.starts[i + 1])
        if self.scale is not None:
            hit &= self.scale != 0
        columns = hit.any(axis=(0, 2) if hit.ndim == 3 else 0)
        return tuple(np.flatnonzero(columns).tolist())

    def _columns(self, slots: Sequence[int]) -> Gather:
        if len(slots) == self.index.shape[1]:
            return self
        at = list(slots)
        return Gather(
            self.index[:, at],
            self.shapes,
            self.batched,
            None if self.scale is None else self.scale[:, at],
            None if self.offset is None else self.offset[:, at],
        )

    def stacked(self, shapes: Sequence[Shape], axes: Sequence[int | None], size: int) -> Gather:
        """The gather of `size` rows, where this one is that of a row.

        Leaf i then has shapes[i], and each row takes its entry along axes[i]; None: all rows take all of it.
        """
        key = (tuple(shapes), tuple(axes), size)
        found = self._stacks.get(key)
        if found is None:
            start, places = 0, []  # of the entries of each row, in flat
            for shape, axis in zip(shapes, axes, strict=True):
                stop = start + math.prod(shape)
                own = np.arange(start, stop).reshape(shape)
                moved = np.broadcast_to(own, (size, *shape)) if axis is None else np.moveaxis(own, axis, 0)
                places.append(moved.reshape(size, -1))
                start = stop
            index = np.concatenate(places, axis=1)[:, self.index[0]]
            in_order = self.scale is None and np.array_equal(index.ravel(), np.arange(start))
            scale = None if self.scale is None else np.repeat(self.scale, size, axis=0)
            offset = None if self.offset is None else np.repeat(self.offset, size, axis=0)
            found = Gather(index, shapes, True, scale, offset, in_order)
            if len(self._stacks) >= MAX_STACKS:
                self._stacks.clear()
            self._stacks[key] = found
        return found

    def folded(self, size: int) -> Gather:
        """The gather of `size` rows, where the numbers of this one's row are theirs one after another."""
        index, scale, offset = (
            None if x is None else x.reshape(size, x.shape[1] // size, *x.shape[2:])
            for x in (self.index, self.scale, self.offset)
        )
        assert index is not None
        return Gather(index, self.shapes, True, scale, offset, self.in_order)


def as_leaf(numbers: Sequence[Any]) -> tuple[list[np.ndarray], Gather]:
    """Plain numbers as one leaf, their rows. Raises the errors of as_rows."""
    rows, batched = as_rows(numbers)
    index = np.arange(rows.size).reshape(rows.shape)
    return [rows], Gather(index, (rows.shape,), batched, in_order=True)
