"""hb.NoiseModel: what noise a machine has, said once for every device."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hybridge.errors import CircuitError
from hybridge.noise.channels import Channel, channel_of
from hybridge.noise.readout_errors import ReadoutError, errors_on, of_wires, table_of
from hybridge.noise.rules import Gates, Known, Places, Rule, check_sizes, gates_of, known_places, places_of


@dataclass(frozen=True, repr=False)
class NoiseModel:
    """The noise of a machine: channels after gates, on idle wires, before measurements; readout errors.

    Immutable, hashable and picklable; each method returns a larger model, `a + b` has the rules of both. All
    rules that match act, in the order in which they were given. A model is given to a device,
    `hb.device(name, noise_model=model)`, and every device that runs channels gives the same numbers; readout
    errors alone run on every qubit device.

    Gates are those that the circuit function applies, before a device or the core decomposes them. A channel
    is a row with its numbers; a gate in its place is an error that keeps states pure. State and
    density_matrix know nothing of readout errors. What the core does to measure in another basis is not
    noisy.

    >>> import hybridge as hb
    >>> model = (
    ...     hb.NoiseModel()
    ...     .after("CNOT", hb.DepolarizingChannel, 0.01)
    ...     .after(["RX", "RY"], hb.AmplitudeDamping, 0.001, wires=[0])
    ...     .idle(hb.PhaseDamping, 0.0005)
    ...     .readout(0.02, 0.03)
    ... )
    >>> model
    NoiseModel
      after CNOT: DepolarizingChannel(0.01)
      after RX, RY: AmplitudeDamping(0.001) on wires [0]
      idle: PhaseDamping(0.0005)
      readout: 0 is read as 1 with 0.02, 1 as 0 with 0.03
    """

    rules: tuple[Rule, ...] = ()
    readouts: tuple[ReadoutError, ...] = ()
    known: tuple[Known, ...] = ()

    def after(
        self,
        gates: Any,
        channel: Any,
        *args: Any,
        wires: Any = None,
        num_wires: int | None = None,
        but: Any = (),
    ) -> NoiseModel:
        """With `channel(*args)` after each of these gates.

        gates      a name, a row such as hb.CNOT or hb.adjoint(hb.S), a list of these, or "all"
        channel    a channel or a gate, on one wire, which acts on each wire of the gate, or on as many as
                   the gate
        args       its constants and numbers: probabilities as the row of the table defines them
        wires      a list of labels: a channel on one wire acts there alone, whichever gate it follows.
                   A tuple, or a list of tuples: only after gates on these wires in this order
        num_wires  only after gates on so many wires
        but        of "all", not these

        Raises CircuitError for what is not in the table, numbers that the channel does not allow, and wires
        on which no such gate acts.
        """
        chosen = gates_of(gates, num_wires, but)
        found = channel_of(channel, args, _sizes(chosen))
        check_sizes(found, chosen)
        sizes = chosen.sizes if num_wires is None else (chosen.num_wires,)
        return self._with(Rule("after", found, places_of(wires, found, sizes), chosen))

    def idle(self, channel: Any, *args: Any, wires: Any = None) -> NoiseModel:
        """With `channel(*args)` on every wire, for each moment in which no operation acts on it.

        A moment is a layer of the circuit in which each operation comes as early as it can; a Barrier lines
        its wires up. Between the first layer and the last a wire is busy or idle. Raises CircuitError as
        `after` does.
        """
        return self._with(_single("idle", channel, args, wires))

    def before_measurement(self, channel: Any, *args: Any, wires: Any = None) -> NoiseModel:
        """With `channel(*args)` on every wire at the end of the circuit, and before it is measured inside.

        Raises CircuitError as `after` does.
        """
        return self._with(_single("measurement", channel, args, wires))

    def readout(self, p01: float, p10: float | None = None, wires: Any = None) -> NoiseModel:
        """With the probabilities p01 that 0 is read as 1, and p10 that 1 is read as 0 (None: the same).

        wires      labels that this holds for, None for all that have no readout error of their own

        Raises CircuitError for what is no probability, and for a wire that has a readout error already.
        """
        back = p01 if p10 is None else p10
        for name, p in (("p01", p01), ("p10", back)):
            if isinstance(p, (bool, str)) or not np.isscalar(p) or not 0 <= p <= 1:  # type: ignore[operator]
                raise CircuitError(f"readout needs a probability 0 <= {name} <= 1; got {p!r}")
        table = table_of([[1 - p01, p01], [back, 1 - back]], 1)
        found = [ReadoutError(None, table)]
        if wires is not None:
            found = [ReadoutError((w,), table) for w in of_wires(wires)]
        return replace(self, readouts=(*self.readouts, *found))

    def readout_table(self, table: Any, wires: Any) -> NoiseModel:
        """With a table (2^k, 2^k) of how these k wires are read together.

        table[i][j] is the probability that outcome i is read as j, the first wire most significant; its rows
        sum up to 1. Where one of the wires is measured the others are read too, in the computational basis
        unless another is asked for. Raises CircuitError as `readout` does.
        """
        labels = of_wires(wires)
        return replace(self, readouts=(*self.readouts, ReadoutError(labels, table_of(table, len(labels)))))

    def only(self, gates: Any, wires: Any = None, num_wires: int | None = None, but: Any = ()) -> NoiseModel:
        """Speaking of these gates only, and of those of other calls: a circuit with any other is refused.

        So no gate runs without noise because nobody thought of it. The arguments are those of `after`; a
        list of labels stands for gates that act on these wires and no others.
        """
        chosen = gates_of(gates, num_wires, but)
        places = Places() if wires is None else known_places(wires)
        return replace(self, known=(*self.known, Known(chosen, places)))

    def _with(self, rule: Rule) -> NoiseModel:
        return replace(self, rules=(*self.rules, rule))

    def __post_init__(self) -> None:
        taken: set[Hashable] = set()
        for error in self.readouts:
            for wire in error.wires or (EVERY,):
                if wire in taken:
                    what = "wires in general have" if wire is EVERY else f"wire {wire!r} has"
                    raise CircuitError(f"{what} a readout error already; give each its one")
                taken.add(wire)

    def __add__(self, other: NoiseModel) -> NoiseModel:
        if not isinstance(other, NoiseModel):
            return NotImplemented
        return NoiseModel(self.rules + other.rules, self.readouts + other.readouts, self.known + other.known)

    @property
    def domains(self) -> frozenset[str]:
        """The domains of what it speaks of: "qubit", "cv"."""
        found = {rule.channel.operation.domain for rule in self.rules}
        return frozenset(found | ({"qubit"} if self.readouts else set()))

    def readouts_on(self, wires: Sequence[Hashable]) -> tuple[ReadoutError, ...]:
        """The readout errors of a circuit on these wires, each wire's named."""
        return errors_on(self.readouts, wires)

    def __repr__(self) -> str:
        return "\n  ".join(["NoiseModel", *map(str, (*self.known, *self.rules, *self.readouts))])


EVERY = object()


def _sizes(gates: Gates) -> list[int]:
    """On how many wires a channel may be, given as a family."""
    named = {gates.num_wires, *gates.sizes} if gates.names is not None else {gates.num_wires, 2}
    return sorted({1} | {n for n in named if n is not None} | ({2, 3} if None in gates.sizes else set()))


def _single(when: str, channel: Any, args: Sequence[Any], wires: Any) -> Rule:
    found: Channel = channel_of(channel, args, [1])
    if found.num_wires != 1:
        raise CircuitError(f"noise of a wire takes a channel on one; {found} acts on {found.num_wires}")
    return Rule(when, found, Places() if wires is None else places_of(wires, found, None))
