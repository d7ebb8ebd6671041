"""A vector of eight doubles for numba: LLVM lowers it to AVX-512, two AVX2 or four NEON registers.

Ordinary numba loops over several arrays run scalar: the aliasing checks LLVM hoists out of them fail, which
costs a factor of four.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, register_model

LANES = 8
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_INDEX = ir.IntType(32)


class _V8(types.Type):
    def __init__(self) -> None:
        super().__init__(name="eight_doubles")


V8 = _V8()


@register_model(_V8)
class _V8Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


@intrinsic
def load(typing, array, index):  # type: ignore[no-untyped-def]
    """Eight doubles from array[index] on."""

    def emit(context, builder, signature, args):  # type: ignore[no-untyped-def]
        found = builder.load(_address(context, builder, signature.args[0], *args))
        found.align = 8
        return found

    return V8(array, types.intp), emit


@intrinsic
def store(typing, array, index, vector):  # type: ignore[no-untyped-def]
    """Eight doubles to array[index] on."""

    def emit(context, builder, signature, args):  # type: ignore[no-untyped-def]
        place = _address(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], place).align = 8
        return context.get_dummy_value()

    return types.void(array, types.intp, V8), emit


@intrinsic
def splat(typing, number):  # type: ignore[no-untyped-def]
    """The number in every lane."""

    def emit(context, builder, signature, args):  # type: ignore[no-untyped-def]
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(undefined, args[0], ir.Constant(_INDEX, 0))
        return builder.shuffle_vector(first, undefined, _mask([0] * LANES))

    return V8(types.float64), emit


def _mask(lanes: Sequence[int]) -> Any:
    return ir.Constant(ir.VectorType(_INDEX, LANES), list(lanes))


def _binary(name: str) -> Callable[..., Any]:
    @intrinsic
    def operation(typing, x, y):  # type: ignore[no-untyped-def]
        def emit(context, builder, signature, args):  # type: ignore[no-untyped-def]
            return getattr(builder, name)(*args)

        return V8(V8, V8), emit

    return operation


add, sub, mul = _binary("fadd"), _binary("fsub"), _binary("fmul")


def _fused(builder: Any, x: Any, y: Any, z: Any) -> Any:
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.fma.v8f64"), (x, y, z))


@intrinsic
def fma(typing, x, y, z):  # type: ignore[no-untyped-def]
    """x y + z"""

    def emit(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return _fused(builder, *args)

    return V8(V8, V8, V8), emit


@intrinsic
def fnma(typing, x, y, z):  # type: ignore[no-untyped-def]
    """z - x y"""

    def emit(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return _fused(builder, builder.fneg(args[0]), args[1], args[2])

    return V8(V8, V8, V8), emit


@intrinsic
def total(typing, vector):  # type: ignore[no-untyped-def]
    """The sum of the lanes, always in the same order."""

    def emit(context, builder, signature, args):  # type: ignore[no-untyped-def]
        vector = args[0]
        for distance in (4, 2, 1):
            moved = builder.shuffle_vector(vector, vector, _mask([i ^ distance for i in range(LANES)]))
            vector = builder.fadd(vector, moved)
        return builder.extract_element(vector, ir.Constant(_INDEX, 0))

    return types.float64(V8), emit


def _shuffle(lanes: Sequence[int]) -> Callable[..., Any]:
    @intrinsic
    def operation(typing, x):  # type: ignore[no-untyped-def]
        def emit(context, builder, signature, args):  # type: ignore[no-untyped-def]
            return builder.shuffle_vector(args[0], ir.Constant(_VECTOR, ir.Undefined), _mask(lanes))

        return V8(V8), emit

    return operation


flip1, flip2, flip4 = (_shuffle([i ^ bit for i in range(LANES)]) for bit in (1, 2, 4))


@intrinsic
def parity(typing, number):  # type: ignore[no-untyped-def]
    """0 or 1: the parity of the number's ones."""

    def emit(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.and_(builder.ctpop(args[0]), ir.Constant(ir.IntType(64), 1))

    return types.int64(types.int64), emit
