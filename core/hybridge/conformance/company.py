"""The kit's items for a device among others: pickles, threads, other devices, what is not its own."""

from __future__ import annotations

import pickle
import re
import threading
import warnings
from abc import abstractmethod
from collections.abc import Hashable
from difflib import get_close_matches
from typing import Any

import numpy as np
import pytest

from hybridge.conformance.items import over
from hybridge.conformance.models import Model
from hybridge.conformance.rows import Example
from hybridge.conformance.under_test import DeviceUnderTest, close
from hybridge.operations.table import FAMILIES, ROWS
from hybridge.pytree import flatten
from hybridge.qnode import QNode

KNOWN = {**{row.name: row.domain for row in ROWS.values()}, **{f.name: f.domain for f in FAMILIES.values()}}
PATIENCE = 300  # seconds; threads that wait for one another would wait for ever


# what modifiers make of a row's name
DERIVED = re.compile(r"Adjoint\((.+)\)|C+(?:\[[01]+\])?\((.+)\)|(.+)\*\*(?:\d|\().*")


def origin(name: str) -> str:
    """The row that a name of a derived one begins with."""
    while name not in KNOWN and (found := DERIVED.fullmatch(name)):
        name = next(filter(None, found.groups()))
    return name


class CompanyItems(DeviceUnderTest):
    """What a device leaves alone, and what it refuses."""

    def test_what_is_claimed_is_in_the_table(self) -> None:
        """A misspelled claim would be no error: the core would decompose the row, or refuse it."""
        for name in self.capabilities.operations or ():
            near = get_close_matches(name, KNOWN, 3)
            assert origin(name) in KNOWN, f"{name!r} is claimed and is no row; near it are {near}"
            assert KNOWN[origin(name)] == self.domain, f"{name!r} is claimed and is no row of {self.domain}"

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

        threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(PATIENCE)
        assert not any(t.is_alive() for t in threads), f"a thread has not come back in {PATIENCE} s"
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
