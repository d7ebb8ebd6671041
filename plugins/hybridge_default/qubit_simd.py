"""Vectors of eight doubles or sixteen floats for numba: LLVM lowers them to AVX-512, AVX2 or NEON.

Ordinary numba loops over several arrays run scalar: the aliasing checks LLVM hoists out of them fail, which
costs a factor of four. What an array holds says which vector a kernel works with: one source, two precisions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, register_model

from hybridge_default.compiling import unfolded

_INDEX = ir.IntType(32)
_INT = ir.IntType(64)


class _Kind(NamedTuple):
    """A vector of a precision: its lanes, what they hold, LLVM's name of it."""

    lanes: int
    element: Any
    suffix: str

    @property
    def llvm(self) -> Any:
        return ir.VectorType(self.element, self.lanes)


class _Vector(types.Type):
    def __init__(self, kind: _Kind) -> None:
        self.kind = kind
        super().__init__(name=f"vector_{kind.suffix}")


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Any) -> None:
        super().__init__(manager, vector, vector.kind.llvm)


_DOUBLES = _Vector(_Kind(8, ir.DoubleType(), "v8f64"))
_FLOATS = _Vector(_Kind(16, ir.FloatType(), "v16f32"))
_OF = {types.float64: _DOUBLES, types.float32: _FLOATS}


def _vector(source: Any) -> _Vector:
    """The vector that fits an array, or is given."""
    return source if isinstance(source, _Vector) else _OF[source.dtype]


def _mask(lanes: Sequence[int]) -> Any:
    return ir.Constant(ir.VectorType(_INDEX, len(lanes)), list(lanes))


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _vector(kind).kind.llvm.as_pointer())


@intrinsic
def lanes(typing, source):
    """How many numbers a vector of the array has: known when the kernel is compiled."""

    def emit(context, builder, signature, args):
        return ir.Constant(_INT, _vector(signature.args[0]).kind.lanes)

    return types.int64(source), emit


@intrinsic
def load(typing, array, index):
    """The vector from array[index] on."""

    def emit(context, builder, signature, args):
        found = builder.load(_address(context, builder, signature.args[0], *args))
        found.align = signature.args[0].dtype.bitwidth // 8
        return found

    return _vector(array)(array, types.intp), emit


@intrinsic
def narrowed(typing, source, array, index):
    """A vector like the source's of the doubles from array[index] on."""

    def emit(context, builder, signature, args):
        kind = signature.return_type.kind
        data = context.make_array(array)(context, builder, args[1]).data
        doubles = ir.VectorType(ir.DoubleType(), kind.lanes)
        found = builder.load(builder.bitcast(builder.gep(data, [args[2]]), doubles.as_pointer()))
        found.align = 8
        return found if kind.lanes == 8 else builder.fptrunc(found, kind.llvm)

    return _vector(source)(source, array, types.intp), emit


@intrinsic
def store(typing, array, index, vector):
    """The vector to array[index] on."""

    def emit(context, builder, signature, args):
        place = _address(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], place).align = signature.args[0].dtype.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), emit


@intrinsic
def got(typing, array, index):
    """array[index], where no index counts from the end: asking that takes longer than the load."""

    def emit(context, builder, signature, args):
        data = context.make_array(array)(context, builder, args[0]).data
        return builder.load(builder.gep(data, [args[1]]))

    return array.dtype(array, types.intp), emit


@intrinsic
def put(typing, array, index, number):
    def emit(context, builder, signature, args):
        data = context.make_array(array)(context, builder, args[0]).data
        builder.store(args[2], builder.gep(data, [args[1]]))
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), emit


@intrinsic
def splat(typing, source, number):
    """The number, a double, in every lane of a vector like the source's."""

    def emit(context, builder, signature, args):
        kind = signature.return_type.kind
        number = args[1] if kind.lanes == 8 else builder.fptrunc(args[1], kind.element)
        undefined = ir.Constant(kind.llvm, ir.Undefined)
        first = builder.insert_element(undefined, number, ir.Constant(_INDEX, 0))
        return builder.shuffle_vector(first, undefined, _mask([0] * kind.lanes))

    return _vector(source)(source, types.float64), emit


def _binary(name: str) -> Callable[..., Any]:
    @intrinsic
    def operation(typing, x, y):
        def emit(context, builder, signature, args):
            return getattr(builder, name)(*args)

        return x(x, y), emit

    return operation


add, sub, mul = _binary("fadd"), _binary("fsub"), _binary("fmul")


def _called(builder: Any, name: str, kind: _Kind, args: Sequence[Any]) -> Any:
    function = ir.FunctionType(kind.llvm, [kind.llvm] * len(args))
    return builder.call(
        cgutils.get_or_insert_function(builder.module, function, f"{name}.{kind.suffix}"), args
    )


@intrinsic
def fma(typing, x, y, z):
    """x y + z"""

    def emit(context, builder, signature, args):
        return _called(builder, "llvm.fma", signature.return_type.kind, args)

    return x(x, y, z), emit


@intrinsic
def fnma(typing, x, y, z):
    """z - x y"""

    def emit(context, builder, signature, args):
        kind = signature.return_type.kind
        return _called(builder, "llvm.fma", kind, [builder.fneg(args[0]), args[1], args[2]])

    return x(x, y, z), emit


@intrinsic
def floor(typing, x):
    def emit(context, builder, signature, args):
        return _called(builder, "llvm.floor", signature.return_type.kind, args)

    return x(x), emit


@intrinsic
def total(typing, vector):
    """The sum of the lanes as a double, always in the same order."""

    def emit(context, builder, signature, args):
        vector, kind = args[0], signature.args[0].kind
        distance = kind.lanes // 2
        while distance:
            moved = builder.shuffle_vector(vector, vector, _mask([i ^ distance for i in range(kind.lanes)]))
            vector, distance = builder.fadd(vector, moved), distance // 2
        found = builder.extract_element(vector, ir.Constant(_INDEX, 0))
        return found if kind.lanes == 8 else builder.fpext(found, ir.DoubleType())

    return types.float64(vector), emit


def _flip(bit: int) -> Callable[..., Any]:
    @intrinsic
    def operation(typing, x):
        """Lane l comes from lane l ^ bit; a bit that lanes do not have changes nothing."""

        def emit(context, builder, signature, args):
            kind = signature.return_type.kind
            if bit >= kind.lanes:
                return args[0]
            order = _mask([i ^ bit for i in range(kind.lanes)])
            return builder.shuffle_vector(args[0], ir.Constant(kind.llvm, ir.Undefined), order)

        return x(x), emit

    return operation


flip1, flip2, flip4, flip8 = (_flip(bit) for bit in (1, 2, 4, 8))


def _blend(bit: int) -> Callable[..., Any]:
    @intrinsic
    def operation(typing, x, y):
        """The lanes of y where lane & bit, of x elsewhere."""

        def emit(context, builder, signature, args):
            count = signature.return_type.kind.lanes
            order = _mask([i + count if i & bit else i for i in range(count)])
            return builder.shuffle_vector(args[0], args[1], order)

        return x(x, y), emit

    return operation


blend1, blend2, blend4, blend8 = (_blend(bit) for bit in (1, 2, 4, 8))


@intrinsic
def parity(typing, number):
    """0 or 1: the parity of the number's ones."""

    def emit(context, builder, signature, args):
        return builder.and_(builder.ctpop(args[0]), ir.Constant(_INT, 1))

    return types.int64(types.int64), emit


@unfolded
def aligned(length, like):
    """An array like another whose first entry is at a multiple of 64 bytes, as the vectors want it."""
    block = np.empty(length + 16, like.dtype)
    skip = (-block.ctypes.data & 63) // like.itemsize
    return block[skip : skip + length]
