"""QNode: a circuit function bound to a device; call it, differentiate it, move it to another device."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

from hybridge.circuit import Circuit, Combination, Instruction, Measurement
from hybridge.compilation import circuit_wires
from hybridge.device import Device, check_shots
from hybridge.errors import CircuitError, GradientError
from hybridge.execution import Plan, plans_of
from hybridge.gradients.choose import check_method
from hybridge.interfaces.choose import check_interface, library_call
from hybridge.interfaces.rows import as_rows, plain_rows
from hybridge.operations.table import Applied
from hybridge.pytree import flatten
from hybridge.recording import record
from hybridge.registry import device as make_device

LEAVES = (Measurement, Combination)
DIFFERENTIABLE = frozenset({"expval", "var", "probs"})


class Recorded:
    """One call of a circuit function: structure, numbers, and how results go back into containers."""

    __slots__ = ("build", "instructions", "leaves", "measurements", "numbers")

    def __init__(self, tape: Sequence[Applied], returned: Any, name: str):
        self.instructions = tuple([(a.operation, a.wires) for a in tape])
        self.numbers = [p for a in tape for p in a.params]
        if type(returned) is Measurement:  # the usual case, 3 us sooner
            self.leaves, self.build = [returned], None
            self.measurements: tuple[Measurement, ...] = (returned,)
            return
        self.leaves, self.build = flatten(returned, LEAVES)
        _check_returned(self.leaves, returned, name)
        flat: list[Measurement] = []
        for leaf in self.leaves:
            flat.extend((leaf,) if isinstance(leaf, Measurement) else leaf.measurements)
        self.measurements = tuple(flat)


def _check_returned(leaves: Sequence[Any], returned: Any, name: str) -> None:
    what = "; return measurements such as hb.expval(hb.Z(0)), alone or in a tuple, list or dict"
    if not leaves or returned is None:
        raise CircuitError(f"{name} returned {returned!r}{what}")
    for leaf in leaves:
        if not isinstance(leaf, LEAVES):
            shown = f"{leaf!r}" if len(repr(leaf)) < 60 else type(leaf).__name__
            hint = f"; did you mean hb.expval({shown})?" if getattr(leaf, "as_observable", None) else ""
            raise CircuitError(f"{name} returned {shown}, which is not a measurement{hint}{what}")


class QNode:
    """A circuit function on a device. Called, it runs; the same call can be differentiated.

    Arguments: the function, which applies operations and returns measurements (any containers of them); the
    device, or its name; `diff_method` "best" (the device's own derivatives where it has them, else exact
    shift rules; never finite differences), "parameter-shift", "device", "finite-diff" or None; `interface`
    "auto" or "autograd"; `shots` to override the device's.

    Results: expval and var a float, probs (2^k,), state (2^n,), density_matrix (2^k, 2^k), sample(wires)
    (shots, k) ints, sample(observable) (shots,) values, counts a dict; array arguments of length B put a
    leading axis B on each.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=2))
    ... def bell():
    ...     hb.H(0)
    ...     hb.CNOT([0, 1])
    ...     return hb.probs()
    >>> bell()
    array([0.5, 0. , 0. , 0.5])
    """

    def __init__(
        self,
        function: Callable[..., Any],
        device: Device | str,
        diff_method: str | None = "best",
        interface: str | None = "auto",
        shots: int | str | None = "device",
    ):
        if not callable(function):
            raise CircuitError(f"a QNode needs a circuit function; got {function!r}")
        self.function = function
        self.device = make_device(device) if isinstance(device, str) else device
        if not isinstance(self.device, Device):
            raise CircuitError(
                f"a QNode needs a device, such as hb.device('default.qubit', wires=2); got {device!r}"
            )
        self.diff_method = check_method(diff_method)
        self.interface = check_interface(interface)
        self.shots = self.device.shots if shots == "device" else check_shots(shots)
        self._plans = plans_of(self.device)
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the circuit at these arguments. Raises the errors of hybridge.errors."""
        recorded = self.record(*args, **kwargs)
        shots = self.shots
        plan = self._plans.get(recorded.instructions, recorded.measurements, shots is not None)
        rows, batched = plain_rows(recorded.numbers), False
        traced = library_call(recorded.numbers) if rows is None and self.interface else None
        if traced is not None:
            _check_differentiable(recorded.measurements)
            values, batched = traced(plan, recorded.numbers, shots, self.diff_method)
        else:
            if rows is None:
                rows, batched = as_rows(recorded.numbers)
            if plan.bounds:
                plan.check(rows)
            values = plan.run(rows, shots)
            if not batched:
                values = [v[0] for v in values]
        if recorded.build is None:
            m = recorded.measurements[0]
            return values[0] if m.kind in DIFFERENTIABLE else _finished(plan, 0, m, values[0], batched)
        return recorded.build(_results(recorded, plan, values, batched))

    def record(self, *args: Any, **kwargs: Any) -> Recorded:
        """Run the function only: what it applies, its numbers, and what it measures."""
        tape, returned = record(self.function, *args, **kwargs)
        return Recorded(tape, returned, getattr(self, "__name__", "the circuit function"))

    def circuit(self, *args: Any, **kwargs: Any) -> Circuit:
        """The Circuit of these arguments on the user's wires: instructions, measurements, wires."""
        recorded = self.record(*args, **kwargs)
        instructions = tuple(Instruction(*i) for i in recorded.instructions)
        wires = circuit_wires(instructions, recorded.measurements, self.device)
        return Circuit(instructions, recorded.measurements, wires)

    def plan(self, *args: Any, **kwargs: Any) -> Plan:
        """The compiled Plan of these arguments: what the device was or would be given."""
        recorded = self.record(*args, **kwargs)
        return self._plans.get(recorded.instructions, recorded.measurements, self.shots is not None)

    def on(
        self,
        device: Device | str,
        *,
        wires: Any = None,
        shots: int | str | None = "device",
        seed: int | None = None,
        **options: Any,
    ) -> QNode:
        """The same model on another device, given or named; a named one gets this device's wires.

        `shots` overrides the device's; a device named without shots is exact.

        >>> import hybridge as hb
        >>> @hb.qnode(hb.device("default.qubit", wires=1))
        ... def circuit(x):
        ...     hb.RX(x, wires=0)
        ...     return hb.expval(hb.Z(0))
        >>> circuit.on("default.qubit", shots=100, seed=1)(0.0)
        np.float64(1.0)
        """
        if isinstance(device, str):
            named = self.device.wires if wires is None else wires
            taken = None if shots == "device" else check_shots(shots)
            return QNode(
                self.function,
                make_device(device, named, taken, seed, **options),
                self.diff_method,
                self.interface,
            )
        if wires is not None or seed is not None or options:
            raise CircuitError(
                "wires, seed and options belong to the making of a device; give its name instead"
            )
        return QNode(self.function, device, self.diff_method, self.interface, shots)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """By its name, as a function is, where a module has it under that name; else by its parts."""
        name = getattr(self, "__qualname__", "")
        found = getattr(sys.modules.get(self.__module__), name, None)
        return name if found is self else super().__reduce_ex__(protocol)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_plans"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._plans = plans_of(self.device)

    def __repr__(self) -> str:
        return f"<QNode {getattr(self, '__name__', '?')} on {self.device!r} diff_method={self.diff_method!r}>"


def _check_differentiable(measurements: Sequence[Measurement]) -> None:
    for m in measurements:
        if m.kind not in DIFFERENTIABLE:
            raise GradientError(
                "any parameter", f"{m!r} is not differentiable", "return expval, var or probs"
            )


def _results(recorded: Recorded, plan: Plan, values: Sequence[Any], batched: bool) -> list[Any]:
    results, i = [], 0
    for leaf in recorded.leaves:
        if isinstance(leaf, Measurement):
            results.append(_finished(plan, i, leaf, values[i], batched))
            i += 1
        else:
            parts = values[i : i + len(leaf.measurements)]
            i += len(parts)
            terms = [c * v for c, v in zip(leaf.coefficients, parts, strict=True)]
            results.append(sum(terms[1:], terms[0]))
    return results


def _finished(plan: Plan, i: int, m: Measurement, value: Any, batched: bool) -> Any:
    if m.kind != "counts":
        return value
    return [plan.counted(i, row) for row in value] if batched else plan.counted(i, value)


def qnode(
    device: Device | str,
    diff_method: str | None = "best",
    interface: str | None = "auto",
    shots: int | str | None = "device",
) -> Callable[[Callable[..., Any]], QNode]:
    """Decorate a circuit function: `@hb.qnode(dev)`; the arguments are QNode's."""
    return lambda function: QNode(function, device, diff_method, interface, shots)
