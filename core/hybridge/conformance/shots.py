"""The kit's items for shots: as many as asked for, drawn anew, fixed by the seed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import pytest

from hybridge.conformance.items import over
from hybridge.conformance.models import Sampled
from hybridge.conformance.under_test import DeviceUnderTest
from hybridge.errors import UnsupportedCircuit
from hybridge.interfaces.rows import as_rows
from hybridge.qnode import QNode


class ShotItems(DeviceUnderTest):
    """Sampling on any device; one that claims no shots must say so."""

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
