"""QNode: a circuit function bound to a device; call it, differentiate it, move it to another device."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hybridge.circuit import Circuit, Instruction
from hybridge.compilation import circuit_wires
from hybridge.device import Device, check_shots
from hybridge.errors import CircuitError
from hybridge.execution import Plan
from hybridge.gradients.method import method
from hybridge.interfaces.called import Call, Called, Model
from hybridge.interfaces.choose import check_interface, keeps_plain, library, offered, slow
from hybridge.interfaces.gather import as_leaf
from hybridge.interfaces.rows import as_rows, plain_rows, real
from hybridge.interfaces.symbols import gather_of
from hybridge.mapped import Mapped
from hybridge.plans import plans_of
from hybridge.readout.allotment import check_distribution
from hybridge.recorded import Recorded
from hybridge.recording import record
from hybridge.registry import device as make_device
from hybridge.static import Trace, Traces


class QNode(Model):
    """A circuit function on a device. Called, it runs; the same call can be differentiated.

    function         applies operations and returns measurements, in any containers
    device           a device, or its name
    diff_method      "best": the device's own derivatives where it has them, else exact shift rules, never
                     finite differences; "adjoint" or "device": the device's own only; "parameter-shift";
                     "hadamard"; "finite-diff"; "spsa"; None
    interface        "auto": the library of the arguments' arrays; a library by name: its arrays only, and its
                     arrays as results; None: plain numbers only
    shots            overrides the device's
    static           the function is recorded once for each structure of its arguments (containers, shapes,
                     everything that is not a float), with symbols in place of its floats: a call then costs
                     little more than the device. The function may scale its numbers by plain ones, shift
                     and add them; anything else, and control flow that depends on them, raises CircuitError.
                     It sees other things, such as a global of its module, as they were when it was recorded.
    gradient_kwargs  options of the diff_method
    fallback         "finite-diff" to difference what has no exact rule; None to raise GradientError
    shot_dist        "uniform": every setting of an observable, and every run of a derivative, takes `shots`;
                     "weighted": they take as many in all, by weight (docs/shot_noise.md)

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
        static: bool = False,
        gradient_kwargs: Mapping[str, Any] | None = None,
        fallback: str | None = None,
        shot_dist: str = "uniform",
    ):
        if not callable(function):
            raise CircuitError(f"a QNode needs a circuit function; got {function!r}")
        self.function = function
        self.device = make_device(device) if isinstance(device, str) else device
        if not isinstance(self.device, Device):
            raise CircuitError(
                f"a QNode needs a device, such as hb.device('default.qubit', wires=2); got {device!r}"
            )
        self.method = method(diff_method, gradient_kwargs, fallback)
        self.interface = check_interface(interface)
        self._keeps_plain = keeps_plain(interface)
        self.shots = self.device.shots if shots == "device" else check_shots(shots)
        self.shot_dist = check_distribution(shot_dist)
        self._plans = plans_of(self.device)
        self.static = static
        functools.update_wrapper(self, function, updated=())
        self._traces = self._new_traces() if static else None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the circuit at these arguments. Raises the errors of hybridge.errors."""
        if self._traces is not None:
            trace, leaves, plain = self._traces.find(args, kwargs)
            if plain and trace.one and self._keeps_plain:
                return trace.call.plan.number(trace.call.checked_rows(leaves))
            return self.finish(self.of_trace(trace, leaves, plain))
        arrays_of = slow((*args, *kwargs.values()), self.interface)
        if arrays_of is not None:
            found = arrays_of.through_numpy(self, args, kwargs)
            if found is not None:
                return found[0]
        recorded = self.record(*args, **kwargs)
        rows = plain_rows(recorded.numbers, recorded.instructions) if self._keeps_plain else None
        plan, batched = self.plan_of(recorded), False
        if rows is None:
            if library(recorded.numbers, self.interface) is not None:
                return self.finish(self._called(recorded, plan))
            rows, batched = as_rows(recorded.numbers, recorded.instructions)
        if plan.checks:
            plan.check(rows)
        if plan.one and recorded.build is None and not batched:
            return plan.number(rows)
        values = plan.run(rows, self.shots)
        return recorded.results(plan, values if batched else [v[0] for v in values], batched)

    def called(self, *args: Any, **kwargs: Any) -> Called:
        """The call at these arguments, not yet run."""
        if self._traces is None:
            return self.of_recorded(self.record(*args, **kwargs))
        return self.of_trace(*self._traces.find(args, kwargs))

    def at_once(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Call, list[Any]] | None:
        """The call and its leaves of a static circuit at plain arguments, where its value is one number."""
        if self._traces is None or not self.interface or not self._keeps_plain:
            return None
        trace, leaves, plain = self._traces.find(args, kwargs)
        return (trace.call, leaves) if plain and trace.one else None

    @property
    def map(self) -> Mapped:
        """The circuit over rows: `circuit.map(*args, in_axes=0, **kwargs)`, as Mapped says."""
        return Mapped(self)

    def of_trace(self, trace: Trace, leaves: list[Any], plain: bool = False) -> Called:
        """The call of a traced circuit at these leaves; `plain` where it is known that all are."""
        traced = None if plain and self._keeps_plain else library(leaves, self.interface)
        if traced is None and not plain:
            for x in leaves:
                real(x)  # raises where interface=None: numbers are plain then
        return Called(trace.recorded, trace.call, leaves, traced)

    def of_recorded(self, recorded: Recorded) -> Called:
        """The call of what was recorded."""
        return self._called(recorded, self.plan_of(recorded))

    def _called(self, recorded: Recorded, plan: Plan) -> Called:
        traced = library(recorded.numbers, self.interface)
        leaves, gather = (as_leaf if traced is None else traced.gathered)(recorded.numbers)
        return Called(recorded, Call(plan, self.shots, self.method, gather), leaves, traced)

    def _prepare(self, recorded: Recorded, shapes: Sequence[tuple[int, ...]]) -> Call:
        """The call of a traced circuit, of leaves of these shapes."""
        gather = gather_of(recorded.numbers, shapes)
        return Call(self.plan_of(recorded), self.shots, self.method, gather)

    def _new_traces(self) -> Traces:
        return Traces(self.record, self._prepare, self._called_name)

    def traces(self) -> Traces:
        """The structures recorded so far, of a static circuit; none of another, whose function may change."""
        return self._new_traces() if self._traces is None else self._traces

    def values(self, called: Called) -> Sequence[Any]:
        """The measurements' values, differentiable in the call's traced leaves."""
        call = called.call
        if called.library is not None:
            return called.library.evaluate(called)
        values = call.plan.run(call.checked_rows(called.leaves), call.shots)
        return values if call.gather.batched else [v[0] for v in values]

    def finish(self, called: Called) -> Any:
        """What the call returns, differentiable in its traced leaves."""
        call = called.call
        return called.recorded.results(call.plan, self.values(called), call.gather.batched)

    def plan_of(self, recorded: Recorded) -> Plan:
        """The compiled Plan of what was recorded, whose shots are distributed as this node's."""
        found = self._plans.get(recorded.instructions, recorded.measurements, self.shots is not None)
        return found.weighted() if self.shot_dist == "weighted" and self.shots is not None else found

    def record(self, *args: Any, **kwargs: Any) -> Recorded:
        """Run the function only: what it applies, its numbers, and what it measures."""
        named = dict(zip(kwargs, offered(list(kwargs.values())), strict=True)) if kwargs else kwargs
        tape, returned = record(self.function, *offered(args), **named)
        return Recorded(tape, returned, self._called_name)

    @property
    def diff_method(self) -> str | None:
        """The name of the method that differentiates."""
        return self.method.name

    @property
    def _called_name(self) -> str:
        return getattr(self, "__name__", "the circuit function")

    def circuit(self, *args: Any, **kwargs: Any) -> Circuit:
        """The Circuit of these arguments on the user's wires: instructions, measurements, wires."""
        recorded = self.record(*args, **kwargs)
        instructions = tuple(Instruction(*i) for i in recorded.instructions)
        wires = circuit_wires(instructions, recorded.measurements, self.device)
        return Circuit(instructions, recorded.measurements, wires)

    def plan(self, *args: Any, **kwargs: Any) -> Plan:
        """The compiled Plan of these arguments: what the device was or would be given."""
        return self.plan_of(self.record(*args, **kwargs))

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
            return self.update(device=make_device(device, named, taken, seed, **options))
        if wires is not None or seed is not None or options:
            raise CircuitError(
                "wires, seed and options belong to the making of a device; give its name instead"
            )
        return self.update(device=device, shots=shots)

    def update(self, **changes: Any) -> QNode:
        """The same node but for these arguments of QNode, by name; another device brings its shots.

        >>> import hybridge as hb
        >>> @hb.qnode(hb.device("default.qubit", wires=1))
        ... def circuit(x):
        ...     hb.RX(x, wires=0)
        ...     return hb.expval(hb.Z(0))
        >>> circuit.update(diff_method="parameter-shift").diff_method
        'parameter-shift'
        """
        arguments: dict[str, Any] = {
            "function": self.function,
            "device": self.device,
            "diff_method": self.method.name,
            "interface": self.interface,
            "shots": "device" if "device" in changes else self.shots,
            "static": self.static,
            # options belong to their method
            "gradient_kwargs": {} if "diff_method" in changes else dict(self.method.options),
            "fallback": self.method.fallback,
            "shot_dist": self.shot_dist,
        }
        unknown = changes.keys() - arguments.keys()
        if unknown:
            listed = ", ".join(map(repr, arguments))
            raise CircuitError(f"a QNode has no argument {min(unknown)!r}; choose from {listed}")
        return QNode(**(arguments | changes))

    def __reduce_ex__(self, protocol: Any) -> Any:
        """By its name, as a function is, where a module has it under that name; else by its parts."""
        name = getattr(self, "__qualname__", "")
        found = getattr(sys.modules.get(self.__module__), name, None)
        return name if found is self else super().__reduce_ex__(protocol)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_plans", "_traces")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._plans = plans_of(self.device)
        self._traces = self._new_traces() if self.static else None

    def __repr__(self) -> str:
        return f"<QNode {getattr(self, '__name__', '?')} on {self.device!r} diff_method={self.diff_method!r}>"


def qnode(
    device: Device | str,
    diff_method: str | None = "best",
    interface: str | None = "auto",
    shots: int | str | None = "device",
    static: bool = False,
    gradient_kwargs: Mapping[str, Any] | None = None,
    fallback: str | None = None,
    shot_dist: str = "uniform",
) -> Callable[[Callable[..., Any]], QNode]:
    """Decorate a circuit function: `@hb.qnode(dev)`; the arguments are QNode's."""
    return lambda function: QNode(
        function, device, diff_method, interface, shots, static, gradient_kwargs, fallback, shot_dist
    )
