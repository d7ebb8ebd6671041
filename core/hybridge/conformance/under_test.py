"""A device under test: how its circuits are run, and held against the reference."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import pytest

from hybridge.circuit import Measurement
from hybridge.compilation import reaches
from hybridge.conformance import reference
from hybridge.conformance.items import tables_of
from hybridge.conformance.models import Circuits, Model, Sampled
from hybridge.conformance.rows import Example
from hybridge.conformance.statistics import mean_allowance, probs_allowance, shots_left, var_allowance
from hybridge.device import Capabilities, Device
from hybridge.errors import PluginError, UnsupportedCircuit
from hybridge.interfaces.derivatives import jacobian
from hybridge.pytree import flatten
from hybridge.qnode import QNode
from hybridge.registry import device as make_device

SHOTS = 20_000
EXACT_ONLY = ("state", "density_matrix")


class DeviceUnderTest(ABC):
    """The kit's items for one device. A plugin's author subclasses the class of a domain:

        class TestMine(QubitConformance):
            device = "minimal.qubit"

    device      its name, or its class
    options     of the device, besides wires, shots and seed
    tolerance   how far an exact result may be off; one above the domain's own needs a `reason`
    loose       {row: (tolerance, reason)} for single rows
    """

    device: ClassVar[str | type[Device]]
    options: ClassVar[Mapping[str, Any]] = {}
    tolerance: ClassVar[float] = 1e-8
    gradient_tolerance: ClassVar[float] = 1e-7
    hessian_tolerance: ClassVar[float] = 1e-6
    reason: ClassVar[str] = ""
    loose: ClassVar[Mapping[str, tuple[float, str]]] = {}

    idle: ClassVar[tuple[int, tuple[int, ...]]] = (5, (1, 3, 2))  # how many wires, those gates touch
    domain: ClassVar[str]
    MODELS: ClassVar[Sequence[Model]]
    SMOOTH: ClassVar[Sequence[Model]]  # those with an exact derivative
    SAMPLED: ClassVar[Sequence[Sampled]]
    FOREIGN: ClassVar[Sequence[Example]]  # rows of the other domain

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = vars(cls)
        inherited = super(cls, cls)
        looser = any(name in own and own[name] > getattr(inherited, name) for name in TOLERANCES)
        if (looser and not own.get("reason")) or not all(why for _, why in cls.loose.values()):
            raise PluginError(cls.__name__, "a tolerance above the kit's needs a reason beside it")

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Make pytest's items of the tables."""
        for name, entries in tables_of(metafunc.function, type(self)).items():
            metafunc.parametrize(name, entries, ids=[str(entry) for entry in entries])

    # ---- running and comparing -------------------------------------------------------------------

    def make(
        self, wires: Any = None, shots: int | None = None, seed: int | None = None, **changed: Any
    ) -> Device:
        """The device; of a device that is never exact, one with shots."""
        options = {**self.options, **changed}
        if isinstance(self.device, str):
            made = make_device(self.device, wires, shots, seed, **options)
        else:
            made = self.device(wires=wires, shots=shots, seed=seed, **options)
        if shots is None and not made.capabilities.exact:
            return self.make(wires, SHOTS, 1 if seed is None else seed, **changed)
        return made

    @property
    def capabilities(self) -> Capabilities:
        return self.make(2).capabilities

    def node(
        self,
        function: Circuits,
        wires: Any,
        shots: int | None = None,
        seed: int | None = None,
        **changed: Any,
    ) -> QNode:
        """The function on the device, with options changed."""
        return QNode(function, self.make(wires, shots, seed, **changed))

    @abstractmethod
    def space(self, device: Device) -> dict[str, int]:
        """How the reference is to cut photon numbers."""

    def expected(self, node: QNode, *args: Any) -> list[Any]:
        """The reference's values of what the node measures, leaf by leaf."""
        recorded = node.record(*args)
        return reference.evaluate(node.circuit(*args), recorded.numbers, **self.space(node.device))

    def agree(
        self,
        function: Circuits,
        *args: Any,
        wires: Any,
        meant: Circuits | None = None,
        tolerance: float | None = None,
    ) -> None:
        """The results of `function` are the reference's, of `meant` where given; plain and in shape."""
        node = self.node(function, wires)
        if not node.device.capabilities.exact:
            self.agree_sampled(_without(function, EXACT_ONLY), *args, wires=wires, meant=meant)
            return
        with strict():
            found = node(*args)
        measured = node.record(*args).measurements
        intended = node if meant is None else QNode(meant, node.device)
        for m, value, exact in zip(measured, flatten(found)[0], self.expected(intended, *args), strict=True):
            self.same(m, value, exact, self.tolerance if tolerance is None else tolerance)

    def same(self, m: Measurement, found: Any, exact: Any, tolerance: float) -> None:
        """One result: a plain array or number of the right type and shape, near the exact one."""
        dtype = complex if m.kind in EXACT_ONLY else float
        assert type(found) in (np.ndarray, np.float64, float), f"{m!r} gave a {type(found).__name__}"
        assert np.asarray(found).dtype == dtype, f"{m!r} has dtype {np.asarray(found).dtype}"
        close(found, exact, tolerance, repr(m))

    def agree_sampled(
        self, function: Circuits, *args: Any, wires: Any, meant: Circuits | None = None, seed: int = 20
    ) -> None:
        """The same with shots: each value within what chance allows once in a million."""
        node = self.node(function, wires, SHOTS, seed)
        with strict():
            leaves = flatten(node(*args))[0]
        intended = node if meant is None else QNode(_without(meant, EXACT_ONLY), node.device)
        circuit, numbers = intended.circuit(*args), intended.record(*args).numbers
        lengths = {len(v) for v in numbers if np.ndim(v)}
        rows = [[v[b] if np.ndim(v) else v for v in numbers] for b in range(max(lengths, default=1))]
        for b, row in enumerate(rows):
            state = reference.final_state(circuit, row, **self.space(node.device))
            for m, value in zip(circuit.measurements, leaves, strict=True):
                m = m._replace(wires=circuit.wires) if m == Measurement("probs") else m
                self.likely(m, value[b] if lengths else value, state)

    def likely(self, m: Measurement, found: Any, state: Any) -> None:
        """One sampled result: within what chance allows once in a million."""
        shots = shots_left(state, SHOTS)
        if m.kind == "probs":
            exact = state.probs(m.wires or state.order, m.observable)
            close(found, exact, probs_allowance(exact, shots), repr(m))
        else:
            value, allowed = {"expval": (state.expval, mean_allowance), "var": (state.var, var_allowance)}[
                m.kind
            ]
            close(found, value(m.observable), allowed(state, m.observable, shots), repr(m))

    def refused(self, function: Circuits, *args: Any, wires: Any) -> None:
        """What the device cannot run it says so, by UnsupportedCircuit; it never gives a number."""
        with pytest.raises(UnsupportedCircuit):
            self.node(function, wires)(*args)

    def can(self, example: Example) -> bool:
        """Whether the device claims the row, or reaches it by decomposition."""
        return reaches(self.capabilities, example.operation, tuple(range(example.operation.num_wires)))

    def within(self, example: Example) -> float:
        """The tolerance of circuits with this row."""
        return self.loose.get(example.operation.name, (self.tolerance, ""))[0]

    def derivatives_agree(
        self, function: Circuits, point: Any, *, wires: Any, tolerance: float | None = None, **changed: Any
    ) -> None:
        """d value / d point, of every leaf, against differences of the reference."""
        node, point = self.node(function, wires, **changed), np.asarray(point, dtype=float)
        self.slopes_near(node, point, self.exact_slopes(node, point), tolerance)

    def exact_slopes(self, node: QNode, point: np.ndarray) -> np.ndarray:
        """d value / d point, (columns, *point.shape), from differences of the reference."""
        return reference.jacobian(lambda x: columns(self.expected(node, x)), point)

    def slopes_near(
        self, node: QNode, point: np.ndarray, exact: np.ndarray, tolerance: float | None = None
    ) -> None:
        """The node's own derivatives are these."""
        with strict():
            found = flatten(jacobian(node)(point))[0]
        flat = np.concatenate([np.reshape(v, (-1, *point.shape)) for v in found])
        assert flat.dtype == float and isinstance(flat, np.ndarray)
        limit = self.gradient_tolerance if tolerance is None else tolerance
        if not node.device.capabilities.exact:
            limit = self.shift_allowance(node, point)
        close(flat, exact, limit, "the gradient")

    def shift_allowance(self, node: QNode, point: np.ndarray) -> float:
        """For a gradient from samples: every shifted value may be off."""
        recorded = node.record(point)
        plan = node.plan(point)
        parts = plan.rule(tuple(range(len(recorded.numbers))), shots=SHOTS)
        return float(sum(0.1 * np.max(np.abs(part.weights).sum(axis=(0, 1))) for part in parts))

    def loosest(self, value: Any) -> float:
        return self.tolerance if self.capabilities.exact else 0.5


TOLERANCES = ("tolerance", "gradient_tolerance", "hessian_tolerance")


@contextmanager
def strict() -> Iterator[None]:
    """Every warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def close(found: Any, exact: Any, tolerance: Any, what: str) -> None:
    """Fail where shapes differ or an element is off by more than the tolerance, relative where above 1."""
    found, exact = np.asarray(found), np.asarray(exact)
    assert found.shape == exact.shape, f"{what} has shape {found.shape}; expected {exact.shape}"
    off = np.abs(found - exact) / np.maximum(1, np.abs(exact))
    if not np.all(off <= tolerance):  # NaN is not near anything
        at = np.unravel_index(np.argmax(np.nan_to_num(off - tolerance, nan=np.inf)), off.shape)
        place = f" (at {tuple(map(int, at))})" if at else ""
        raise AssertionError(f"{what}: {found[at]} where {exact[at]} is right{place}")


def columns(values: Sequence[Any]) -> np.ndarray:
    """Leaves side by side: (total size,)."""
    return np.concatenate([np.reshape(v, -1) for v in values])


def _without(function: Circuits, kinds: Sequence[str]) -> Circuits:
    """The function without its measurements of these kinds."""

    def reduced(*args: Any) -> list[Measurement]:
        return [m for m in flatten(function(*args), (Measurement,))[0] if m.kind not in kinds]

    return reduced
