"""Static circuits: recorded once for each structure of the arguments, symbols in place of numbers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.errors import CircuitError
from hybridge.interfaces.called import Call
from hybridge.interfaces.choose import owner
from hybridge.interfaces.stacked import Stacked
from hybridge.interfaces.symbols import symbols
from hybridge.operations.table import Constant
from hybridge.pytree import flatten, parts
from hybridge.recorded import Recorded

MAX_TRACES = 256  # of one QNode; the oldest is dropped
FLOATS = frozenset({float})
_FLOAT = np.dtype(float)


class Trace(NamedTuple):
    """What a structure of arguments records: the same for all numbers."""

    recorded: Recorded
    call: Call
    one: bool  # whether its value is one number, of a plan that has `number`


class Traces:
    """The traces of one circuit function, by the structure of the arguments; safe under threads.

    The structure is the containers, the shapes of floats and of arrays of floats, and everything else by
    value: whole numbers, strings, arrays of whole or complex numbers.
    """

    def __init__(self, record: Callable[..., Recorded], prepare: Callable[[Recorded, Any], Call], name: str):
        self._record, self._prepare, self._name = record, prepare, name
        self._traces: dict[Hashable, Trace] = {}
        self._lock = threading.Lock()

    def find(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Trace, list[Any], bool]:
        """The trace of these arguments, their numbers as its leaves, and whether all are plain."""
        if not kwargs and FLOATS.issuperset(map(type, args)):  # 0.2 us sooner
            found = self._traces.get(((),) * len(args))
            if found is not None:
                return found, list(args), True
        key: list[Hashable] = []
        leaves: list[Any] = []
        plain = True
        for x in args:
            kind = type(x)
            if kind is float:
                key.append(())
                leaves.append(x)
            elif kind is np.ndarray and x.dtype is _FLOAT:
                key.append(x.shape)
                leaves.append(x)
            else:
                plain &= self._add(x, key, leaves)
        for name in sorted(kwargs):
            key.append(name)
            plain &= self._add(kwargs[name], key, leaves)
        structure = tuple(key)
        try:
            found = self._traces.get(structure)
        except TypeError:
            raise self._unhashable(key) from None
        if found is None:
            found = self._trace(args, kwargs, [tuple(np.shape(x)) for x in leaves])
            with self._lock:
                if len(self._traces) >= MAX_TRACES:
                    del self._traces[next(iter(self._traces))]
                self._traces[structure] = found
        return found, leaves, plain

    def _add(self, x: Any, key: list[Hashable], leaves: list[Any]) -> bool:
        """Enter an argument into the key and its numbers into leaves; whether all of them are plain."""
        kind = symbolic(x)
        if kind:
            key.append(tuple(np.shape(x)))
            leaves.append(x)
            return kind == "plain"
        held = parts(x)
        if held is None:
            key.append((type(x), Constant(x) if isinstance(x, np.ndarray) else x))
            return True
        key.append((type(x), tuple(held)))
        return all([self._add(part, key, leaves) for part in held.values()])

    def _unhashable(self, key: Sequence[Any]) -> CircuitError:
        for entry in key:
            try:
                hash(entry)
            except TypeError:
                kind, value = entry
                return CircuitError(
                    f"the static circuit {self._name} is recorded once for each value of an argument that is "
                    f"not a float, and {kind.__name__} {value!r} has no hash to know it by; "
                    "pass numbers, strings, arrays or containers of them, or use static=False"
                )
        raise AssertionError("every part of the structure has a hash")

    def _trace(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], shapes: Sequence[tuple[int, ...]]
    ) -> Trace:
        if any(None in shape for shape in shapes):
            raise CircuitError(
                f"the static circuit {self._name} is recorded for the shapes of its arguments, and one is "
                f"not known yet: {next(s for s in shapes if None in s)}; tell it (tf.function's "
                "input_signature, drop_remainder=True of a batched tf.data.Dataset), or use static=False"
            )
        numbers = iter(symbols(shapes))

        def with_symbols(x: Any) -> Any:
            leaves, build = flatten(x)
            return build([next(numbers) if symbolic(leaf) else leaf for leaf in leaves])

        positional = [with_symbols(x) for x in args]
        named = {name: with_symbols(kwargs[name]) for name in sorted(kwargs)}
        recorded = self._record(*positional, **{name: named[name] for name in kwargs})
        if recorded.combined:
            raise CircuitError(
                f"the static circuit {self._name} has one of its numbers as a coefficient of an observable; "
                "return the expval of each term and combine them after the call, or use static=False"
            )
        call = self._prepare(recorded, shapes)
        return Trace(recorded, call, call.plan.one and recorded.build is None and not call.gather.batched)


def symbolic(x: Any) -> str:
    """ "plain" for a float or an array of floats, "traced" for a library's; empty for everything else."""
    if type(x) is Stacked:
        return symbolic(x.array)
    if isinstance(x, (float, np.floating)) or (isinstance(x, np.ndarray) and x.dtype.kind == "f"):
        return "plain"
    kind: type = type(x)
    return "traced" if owner(kind) is not None else ""
