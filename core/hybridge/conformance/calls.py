"""The kit's items for calls of a node: its wires, its arrays, its results."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hybridge.circuit import Measurement
from hybridge.conformance.items import over
from hybridge.conformance.models import LABELS, Labels, Model
from hybridge.conformance.under_test import DeviceUnderTest, close
from hybridge.pytree import flatten


class CallItems(DeviceUnderTest):
    """What a call gives, whatever the wires are called and the numbers are held in."""

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


class Pair(NamedTuple):
    """A named container."""

    left: Any
    right: Any
