"""What every device must do, whatever its domain; each method is a claim, and runs over a table."""

from __future__ import annotations

import pickle
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest

from hybridge.circuit import Measurement
from hybridge.compilation import reaches
from hybridge.conformance import reference
from hybridge.conformance.items import over, tables_of
from hybridge.conformance.rows import Example
from hybridge.conformance.statistics import mean_allowance, probs_allowance, shots_left, var_allowance
from hybridge.device import Capabilities, Device
from hybridge.errors import PluginError, UnsupportedCircuit
from hybridge.interfaces.derivatives import hessian, jacobian
from hybridge.interfaces.rows import as_rows
from hybridge.pytree import flatten
from hybridge.qnode import QNode
from hybridge.registry import device as make_device

Circuits = Callable[..., Any]
SHOTS = 20_000
EXACT_ONLY = ("state", "density_matrix")


class Model(NamedTuple):
    """A circuit function of numbers x and wires w, a point (n,) to run it at, and how many wires it takes."""

    name: str
    function: Callable[[Any, Sequence[Hashable]], Any]
    point: tuple[float, ...]
    num_wires: int

    def __str__(self) -> str:
        return self.name

    def on(self, wires: Sequence[Hashable]) -> Circuits:
        """The function of the numbers alone."""
        return lambda x: self.function(x, wires)


class Sampled(NamedTuple):
    """A measurement of wires w, to be compared with its statistics."""

    name: str
    measure: Callable[[Sequence[Hashable]], Any]

    def __str__(self) -> str:
        return self.name


class Labels(NamedTuple):
    """A device's wires."""

    name: str
    wires: tuple[Hashable, ...]

    def __str__(self) -> str:
        return self.name


LABELS = (
    Labels("strings", ("b", "a", "c", "aa", "0")),
    Labels("mixed", ("ancilla", 7, "0", 0, -3)),
    Labels("reversed", (4, 3, 2, 1, 0)),
)


class Conformance(ABC):
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
        node = self.node(function, wires, **changed)
        point = np.asarray(point, dtype=float)
        with strict():
            found = flatten(jacobian(node)(point))[0]
        exact = reference.jacobian(lambda x: _row(self.expected(node, x)), point)
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

    # ---- items: models ---------------------------------------------------------------------------

    @over(model="MODELS")
    def test_model(self, model: Model) -> None:
        """The sample circuits of the other items are right on plain wires."""
        wires = range(model.num_wires)
        self.agree(model.on(wires), np.array(model.point), wires=model.num_wires)

    @over(labels=LABELS, model="MODELS")
    def test_any_labels_are_wires(self, labels: Labels, model: Model) -> None:
        """Wires have names, and the device's order of them is the order of significance."""
        wires = labels.wires[: model.num_wires]
        self.agree(model.on(wires[::-1]), np.array(model.point), wires=wires)

    @over(model="MODELS")
    def test_wires_are_inferred(self, model: Model) -> None:
        """Without wires given: whole numbers in their order, other labels as they appear."""
        numbers = (7, 3, 12, 5)[: model.num_wires]
        assert self.node(model.on(numbers), None).circuit(np.array(model.point)).wires == tuple(
            sorted(numbers)
        )
        self.agree(model.on(numbers), np.array(model.point), wires=None)
        self.agree(model.on("dbca"[: model.num_wires]), np.array(model.point), wires=None)

    @over(model="MODELS")
    def test_idle_wires_change_nothing(self, model: Model) -> None:
        """Wires no gate touches, before, between and after the others, do no harm."""
        total, busy = self.idle
        self.agree(model.on(busy[: model.num_wires]), np.array(model.point), wires=total)

    @over(model="MODELS", size=(1, 2, 3))
    def test_a_batch_is_its_rows(self, model: Model, size: int) -> None:
        """Arrays (B,) put a leading axis B on every result, and each row is what it is alone."""
        function, wires = model.on(range(model.num_wires)), model.num_wires
        points = np.array(model.point)[:, None] + 0.07 * np.arange(size)
        self.agree(function, points, wires=wires)
        if not self.capabilities.exact:
            return
        node = self.node(function, wires)
        together, alone = flatten(node(points))[0], [flatten(node(p))[0] for p in points.T]
        for k, leaf in enumerate(together):
            assert leaf.shape == (size, *np.shape(alone[0][k]))
            close(leaf, np.array([values[k] for values in alone]), self.tolerance, f"leaf {k} of a batch")

    @over(model="MODELS")
    def test_rows_of_a_batch_are_independent(self, model: Model) -> None:
        """Another order of the rows is another order of the results."""
        node = self.node(model.on(range(model.num_wires)), model.num_wires)
        if not node.device.capabilities.exact:
            return self.agree(model.on(range(model.num_wires)), np.array(model.point), wires=model.num_wires)
        points = np.array(model.point)[:, None] + np.array([0.0, 0.09, -0.06, 0.03])
        turned = [2, 0, 3, 1]
        for once, again in zip(flatten(node(points))[0], flatten(node(points[:, turned]))[0], strict=True):
            close(again, once[turned], self.tolerance, "the rows turned round")

    @over(model="MODELS")
    def test_numbers_and_arrays_mix(self, model: Model) -> None:
        """A number among arrays holds for every row."""
        first = np.array([0.0, 0.05]) + model.point[0]
        function = model.on(range(model.num_wires))
        self.agree(lambda v: function([v, *model.point[1:]]), first, wires=model.num_wires)

    @over(model="MODELS")
    def test_results_do_not_depend_on_what_ran_before(self, model: Model) -> None:
        """A, B, A again: a compiled circuit keeps no numbers, and no result is handed out twice."""
        node = self.node(model.on(range(model.num_wires)), model.num_wires)
        here, there = np.array(model.point), np.array(model.point) + 0.08
        once, other, again = (flatten(node(x))[0] for x in (here, there, here))
        exact = [self.expected(node, x) for x in (here, there, here)]
        for found, right in zip((once, other, again), exact, strict=True):
            for value, wanted in zip(found, right, strict=True):
                close(value, wanted, self.loosest(value), "a repeated call")
        for value in again:
            value = np.asarray(value)
            if value.ndim and value.flags.writeable:
                value += 7.0
        for value, wanted in zip(flatten(node(here))[0], exact[0], strict=True):
            close(value, wanted, self.loosest(value), "a call after its result was written to")

    def loosest(self, value: Any) -> float:
        return self.tolerance if self.capabilities.exact else 0.5

    @over(model="MODELS")
    def test_the_users_arrays_stay_as_they_are(self, model: Model) -> None:
        """Read-only arrays are taken, and nothing writes to any."""
        points = np.array(model.point)[:, None] + np.array([0.0, 0.05])
        before = points.copy()
        self.agree(model.on(range(model.num_wires)), points, wires=model.num_wires)
        points.flags.writeable = False
        self.agree(model.on(range(model.num_wires)), points, wires=model.num_wires)
        assert np.array_equal(points, before)

    @over(model="MODELS")
    def test_any_container_is_returned(self, model: Model) -> None:
        """What the function returns comes back in the same containers."""
        inside = model.on(range(model.num_wires))

        def contained(x: Any) -> Any:
            leaves = flatten(inside(x), (Measurement,))[0]
            return {"all": [tuple(leaves), Pair(leaves[0], [leaves[-1]])], "one": leaves[0]}

        found = self.node(contained, model.num_wires)(np.array(model.point))
        assert list(found) == ["all", "one"] and type(found["all"]) is list and type(found["all"][0]) is tuple
        assert type(found["all"][1]) is Pair and type(found["all"][1].right) is list
        self.agree(contained, np.array(model.point), wires=model.num_wires)

    @over(model="MODELS")
    def test_numbers_of_any_real_type(self, model: Model) -> None:
        """Python's numbers, numpy's and arrays without axes are the same numbers."""
        whole = (
            [round(v) or 1 for v in model.point] if self.domain == "qubit" else [v * 0 for v in model.point]
        )
        function, wires = model.on(range(model.num_wires)), model.num_wires
        kinds: list[Any] = [float, np.float64, lambda v: np.array(float(v))]
        for kind in [*kinds, int, np.int64]:
            self.agree(lambda *x: function(x), *map(kind, whole), wires=wires)

    # ---- items: gradients ------------------------------------------------------------------------

    @over(model="SMOOTH")
    def test_gradient(self, model: Model) -> None:
        """Every derivative of every result, the exact way."""
        self.derivatives_agree(model.on(range(model.num_wires)), model.point, wires=model.num_wires)

    @over(model="SMOOTH")
    def test_gradient_of_a_shared_parameter(self, model: Model) -> None:
        """One number in several places: the chain rule over all of them."""
        function, scales = model.on(range(model.num_wires)), np.linspace(0.6, 1.1, len(model.point))
        centre = float(np.mean(model.point))
        shift = np.array(model.point) - centre * scales

        def shared(x: Any) -> Any:
            return function([x[0] * s + t for s, t in zip(scales, shift, strict=True)])

        self.derivatives_agree(shared, [centre], wires=model.num_wires, tolerance=4 * self.gradient_tolerance)

    @over(model="SMOOTH")
    def test_gradient_of_a_batch(self, model: Model) -> None:
        """Each row's derivative is its own, and 0 in the other rows' numbers."""
        function = model.on(range(model.num_wires))
        node = self.node(function, model.num_wires)
        points = np.array(model.point)[:, None] + np.array([0.0, 0.06])
        found = flatten(jacobian(node)(points))[0]  # (2, *value, n, 2)
        if not node.device.capabilities.exact:
            return self.derivatives_agree(function, model.point, wires=model.num_wires)
        for row, other in ((0, 1), (1, 0)):
            exact = reference.jacobian(lambda x: _row(self.expected(node, x)), points[:, row])
            own = np.concatenate([np.reshape(v[row][..., row], (-1, len(points))) for v in found])
            close(own, exact, self.gradient_tolerance, f"the gradient of row {row}")
            assert all(not np.any(v[row][..., other]) for v in found)

    @over(model="SMOOTH")
    def test_hessian(self, model: Model) -> None:
        """The second derivative is the shift rule of the shift rule, and symmetric."""
        function, rest = model.on(range(model.num_wires)), model.point[2:]
        node = self.node(
            lambda x: flatten(function([x[0], x[1], *rest]), (Measurement,))[0][0], model.num_wires
        )
        if not node.device.capabilities.exact:
            return self.derivatives_agree(function, model.point, wires=model.num_wires)
        point = np.array(model.point[:2])
        found = hessian(node)(point)
        exact = reference.hessian(lambda x: np.asarray(self.expected(node, x)[0]), point)
        close(found, exact, self.hessian_tolerance, "the Hessian")
        close(found, np.swapaxes(found, -1, -2), self.hessian_tolerance, "the Hessian, mirrored")

    # ---- items: a device among others ------------------------------------------------------------

    @over(model="MODELS")
    def test_a_device_is_pickled(self, model: Model) -> None:
        """Fresh or used, a copy from a pickle runs as the original does."""
        function, point = model.on(range(model.num_wires)), np.array(model.point)
        device = self.make(model.num_wires)
        fresh = pickle.loads(pickle.dumps(device))
        first = flatten(QNode(function, device)(point))[0]
        used = pickle.loads(pickle.dumps(device))
        for copy in (fresh, used):
            assert (copy.name, copy.wires, copy.shots) == (device.name, device.wires, device.shots)
            for value, wanted in zip(flatten(QNode(function, copy)(point))[0], first, strict=True):
                close(value, wanted, self.loosest(value), "a pickled device")

    @over(model="MODELS")
    def test_two_threads_do_not_disturb_each_other(self, model: Model) -> None:
        """One node called from two threads at different points gives each its own results."""
        node = self.node(model.on(range(model.num_wires)), model.num_wires)
        points = [np.array(model.point), np.array(model.point) + 0.08]
        exact = [self.expected(node, p) for p in points]
        faults: list[str] = []

        def work(i: int) -> None:
            try:
                for _ in range(5):
                    for value, wanted in zip(flatten(node(points[i]))[0], exact[i], strict=True):
                        close(value, wanted, self.loosest(value), f"thread {i}")
            except BaseException as error:  # whatever it is, the item must hear of it
                faults.append(f"{type(error).__name__}: {error}")

        threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not faults, faults

    @over(model="MODELS")
    def test_two_devices_do_not_disturb_each_other(self, model: Model) -> None:
        """One with more wires than the other, in turn."""
        small, large = (
            self.node(model.on(range(model.num_wires)), n) for n in (model.num_wires, model.num_wires + 1)
        )
        for node in (small, large, small):
            found = flatten(node(np.array(model.point)))[0]
            for value, wanted in zip(found, self.expected(node, np.array(model.point)), strict=True):
                close(value, wanted, self.loosest(value), f"{len(node.device.wires or ())} wires")

    @over(model="MODELS")
    def test_the_process_is_left_as_it_was(self, model: Model) -> None:
        """numpy's global generator, its error handling and the warning filters are nobody's to change."""
        before = repr(np.random.get_state()), np.geterr(), list(warnings.filters)
        self.node(model.on(range(model.num_wires)), model.num_wires)(np.array(model.point))
        assert before == (repr(np.random.get_state()), np.geterr(), list(warnings.filters))

    @over(example="FOREIGN")
    def test_a_row_of_the_other_domain_is_refused(self, example: Example) -> None:
        """A CV row on a qubit device, or the reverse, is an error that names it."""
        wires = range(example.operation.num_wires)
        self.refused(lambda: (example.operation(*example.numbers, wires=wires), self.anything(0))[1], wires=4)

    @abstractmethod
    def anything(self, wire: Hashable) -> Any:
        """Some measurement of a wire."""

    def test_a_circuit_of_too_many_wires_is_refused(self) -> None:
        """A device with a limit keeps it; one without has another wire."""
        limit = self.capabilities.max_wires
        if limit is None:
            self.agree(lambda: self.anything(4), wires=5)
        else:
            with pytest.raises(Exception, match=str(limit)):
                self.node(lambda: self.anything(limit), limit + 1)()

    # ---- items: shots ----------------------------------------------------------------------------

    @over(sampled="SAMPLED")
    def test_samples_have_the_right_statistics(self, sampled: Sampled) -> None:
        """Means, variances and frequencies of many shots are those of the state."""
        if self.refuses_shots():
            return
        self.agree_sampled(lambda: self.generic(sampled.measure), wires=self.sampled_wires)

    @property
    def sampled_wires(self) -> int:
        return 3

    @abstractmethod
    def generic(self, measure: Callable[[Sequence[Hashable]], Any]) -> Any:
        """A circuit without symmetries on the sampled wires, and this measurement of them."""

    @abstractmethod
    def shots_of(self, shots: int | None, seed: int | None = None) -> QNode:
        """A node whose result is single shots (shots, k) of a state with many outcomes."""

    def refuses_shots(self) -> bool:
        """Whether the device claims no shots; then it must say so when asked."""
        if self.capabilities.shots:
            return False
        with pytest.raises(UnsupportedCircuit):
            self.shots_of(10)()
        return True

    def test_the_seed_fixes_the_samples(self) -> None:
        """Two devices of one seed give the same samples, call by call; of two seeds, others."""
        if self.refuses_shots():
            return
        one, same, other = self.shots_of(200, 5), self.shots_of(200, 5), self.shots_of(200, 6)
        first = one()
        assert np.array_equal(first, same()) and np.array_equal(one(), same())
        assert not np.array_equal(first, other())

    def test_every_call_draws_anew(self) -> None:
        """A sampled result is never a cached one, with a seed or without."""
        if self.refuses_shots():
            return
        for node in (self.shots_of(200, 5), self.shots_of(200, None)):
            drawn = [node() for _ in range(3)]
            assert not any(np.array_equal(a, b) for a, b in ((drawn[0], drawn[1]), (drawn[1], drawn[2])))

    def test_devices_without_a_seed_differ(self) -> None:
        """No hidden fixed seed."""
        if self.refuses_shots():
            return
        assert not np.array_equal(self.shots_of(200)(), self.shots_of(200)())

    @over(shots=(1, 2, 13, 1000))
    def test_as_many_samples_as_shots(self, shots: int) -> None:
        """No more, no fewer, for the device's shots and for the node's."""
        if self.refuses_shots():
            return
        node = self.shots_of(shots, 3)
        assert len(node()) == shots
        assert len(QNode(node.function, node.device, shots=shots + 1)()) == shots + 1

    def test_tasks_of_a_job_may_differ_in_their_shots(self) -> None:
        """Shots go by weight where the user says so: each task gets its own number."""
        if self.refuses_shots():
            return
        node = self.shots_of(13, 3)
        recorded = node.record()
        plan, rows = node.plan_of(recorded), as_rows(recorded.numbers)[0]
        tasks = [task for n in (13, 40) for lot in plan.lots(rows, n) for task in plan.tasks(lot)]
        plan.check_returned(tasks, node.device.run(tasks))

    def test_shots_differ_from_one_another(self) -> None:
        """The shots of a call are not one shot repeated."""
        if self.refuses_shots():
            return
        assert len(np.unique(self.shots_of(200, 8)(), axis=0)) > 2

    def test_no_shots_are_no_samples(self) -> None:
        """A device made without shots is exact, with no number of shots of its own."""
        device = self.make(2)
        assert (device.shots is None) == device.capabilities.exact


class Pair(NamedTuple):
    """A named container."""

    left: Any
    right: Any


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
        raise AssertionError(f"{what}: {found[at]} where {exact[at]} is right (at {tuple(map(int, at))})")


def _row(values: Sequence[Any]) -> np.ndarray:
    return np.concatenate([np.reshape(v, -1) for v in values])


def _without(function: Circuits, kinds: Sequence[str]) -> Circuits:
    """The function without its measurements of these kinds."""

    def reduced(*args: Any) -> list[Measurement]:
        return [m for m in flatten(function(*args), (Measurement,))[0] if m.kind not in kinds]

    return reduced
