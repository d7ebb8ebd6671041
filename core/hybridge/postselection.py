"""Post-selection: results of the runs whose outcomes are those wanted, as quotients of what is linear.

Where P projects on the wanted outcomes, <O> among the runs that are left is <P O> / <P>. Both are measured of
the circuit that selects nothing; the quotient is taken by the library that the numbers are of, so that
derivatives of every order and method follow. With shots each pair is read in one setting: the quotient is the
mean over the shots that are left.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from hybridge.circuit import Circuit, Kept, Measurement
from hybridge.errors import CircuitError, GradientError
from hybridge.observables.qubit import Projector, diagonal
from hybridge.operations.measuring import Bit, measured
from hybridge.operations.pauli import Sentence
from hybridge.readout.reader import Reader

LEAST = 1e-14  # a probability below is rounding
Finish = Callable[[Sequence[Any], bool], Any]  # of the values of what is measured: the user's value


@dataclass(frozen=True)
class Variance:
    """<O^2> - <O>^2 of what is left."""

    square: Finish
    mean: Finish

    def __call__(self, values: Sequence[Any], batched: bool) -> Any:
        return self.square(values, batched) - self.mean(values, batched) ** 2


class Selection(NamedTuple):
    """What is measured in place of the user's measurements, and how their values follow."""

    measurements: tuple[Measurement, ...]
    finishers: tuple[Finish, ...]
    counted: tuple[int, ...]  # for each of the user's, which of those has its counts

    def results(self, values: Sequence[Any], batched: bool) -> list[Any]:
        """The user's values, from those of what is measured.

        Raises CircuitError where nothing is left: the wanted outcomes have probability 0, or no shot gave
        them. In a function that a library compiles these values are NaN.
        """
        return [finish(values, batched) for finish in self.finishers]

    def tallied(self, readers: Sequence[Reader], i: int, row: np.ndarray) -> dict[Any, int]:
        """The user's measurement i, which is a counts(), as a dict; CircuitError where no shot is left."""
        make = readers[self.counted[i]].counted
        assert make is not None  # of every counts()
        found = make(row)
        if not any(found.values()):
            raise _nothing_left()
        return found


def check_unselected(selection: Selection | None) -> None:
    """Raise GradientError for post-selection, where the standard error of a derivative is asked for."""
    if selection is not None:
        reason = "the standard error of a derivative of what post-selection leaves is not estimated"
        raise GradientError("any parameter", reason, "repeat the call, and take the spread of its values")


def wanted_outcomes(circuit: Circuit) -> dict[Bit, int]:
    """The bits that are selected, and what they must read."""
    found = {}
    for operation, _ in circuit.instructions:
        if operation.kind == "measure":
            bit, _, outcome = measured(operation)
            if outcome is not None:
                found[Bit(bit)] = outcome
    return found


def selection(
    circuit: Circuit, wanted: Mapping[Bit, int], holders: Mapping[Hashable, Hashable], sampled: bool
) -> Selection:
    """The selection of a circuit whose bits are read on these wires, or as they are where not among them.

    Raises CircuitError for probabilities of a bit that is itself selected.
    """
    kept: dict[Hashable, int] = {}
    for bit, outcome in wanted.items():
        if kept.setdefault(holders.get(bit, bit), outcome) != outcome:  # one wire measured twice
            raise _nothing_left()
    of = _Quotients(kept, sampled)
    finishers, counted = [], []
    for m in circuit.measurements:
        if m.kind == "probs" and m.observable is None and set(m.wires or ()) & set(wanted):
            raise CircuitError(
                f"{m!r}: one of these outcomes is selected and known; leave it out of the probabilities"
            )
        counted.append(len(of.asked))
        finishers.append(_BY_KIND[m.kind](of, of.held(m, circuit, holders)))
    return Selection(tuple(of.asked), tuple(finishers), tuple(counted))


class _Quotients:
    """Collects what is measured, and makes the functions that put the user's values together."""

    def __init__(self, kept: Mapping[Hashable, int], sampled: bool):
        self.wires, self.outcomes = tuple(kept), tuple(kept.values())
        self.sampled = sampled
        self.asked: list[Measurement] = []

    def held(self, m: Measurement, circuit: Circuit, holders: Mapping[Hashable, Hashable]) -> Measurement:
        """The measurement on the wires that hold what it reads."""
        wires = circuit.wires if m.wires is None and m.observable is None else m.wires
        return m._replace(
            observable=None if m.observable is None else m.observable.map_wires(holders),
            wires=None if wires is None else tuple(holders.get(w, w) for w in wires),
        )

    def ask(self, m: Measurement) -> int:
        self.asked.append(m)
        return len(self.asked) - 1

    def pair(self, observable: Any) -> tuple[int, int]:
        """Where <P O> and <P> stand; with shots both are read in the basis of O."""
        if self.sampled:
            return (
                self.ask(Measurement("expval", observable, self.wires, Kept(self.outcomes))),
                self.ask(Measurement("expval", observable, self.wires, Kept(self.outcomes, True))),
            )
        return self.ask(Measurement("expval", self.projected(observable))), self.weight()

    def weight(self) -> int:
        """Where <P> stands, exactly."""
        return self.ask(Measurement("expval", Projector(self.outcomes, self.wires)))

    def projected(self, observable: Any) -> Any:
        """P O."""
        if isinstance(observable, Sentence):
            signs = [1 - 2 * outcome for outcome in self.outcomes]
            for wire, sign in zip(self.wires, signs, strict=True):
                half = Sentence({(): 0.5, ((wire, "Z"),): 0.5 * sign}, (wire,))
                observable = half @ observable
            return observable
        if observable.diagonal is None:
            return Projector(self.outcomes, self.wires) @ observable
        wires = tuple(dict.fromkeys((*observable.wires, *self.wires)))
        values = []
        for pattern in product((0, 1), repeat=len(wires)):
            read = dict(zip(wires, pattern, strict=True))
            place = int("".join(str(read[w]) for w in observable.wires), 2)
            left = all(read[w] == outcome for w, outcome in zip(self.wires, self.outcomes, strict=True))
            values.append(observable.diagonal[place] if left else 0.0)
        return diagonal(values, wires)

    def mean(self, observable: Any) -> Finish:
        """<P O> / <P>, with shots word by word."""
        parts = [(1.0, observable)]
        if self.sampled and isinstance(observable, Sentence):
            words = observable.terms or {(): 0.0}
            parts = [(c, Sentence({w: 1.0})) for w, c in words.items()]
        pairs = [(c, *self.pair(part)) for c, part in parts]

        def finish(values: Sequence[Any], batched: bool) -> Any:
            terms = [c * _quotient(values[n], values[d]) for c, n, d in pairs]
            return sum(terms[1:], terms[0])

        return finish


def _expval(of: _Quotients, m: Measurement) -> Finish:
    return of.mean(m.observable)


def _var(of: _Quotients, m: Measurement) -> Finish:
    o = m.observable
    squared = o @ o if isinstance(o, Sentence) or o.diagonal is None else diagonal(o.diagonal**2, o.wires)
    return Variance(of.mean(squared), of.mean(o))


def _place(outcomes: Sequence[int]) -> int:
    return int("".join(map(str, outcomes)), 2)


def _probs(of: _Quotients, m: Measurement) -> Finish:
    wires = m.wires or ()
    size, at = 2 ** len(wires), _place(of.outcomes)
    whole = of.ask(m._replace(wires=(*of.wires, *wires)))
    if of.sampled:
        # in the setting of what is asked for
        basis = m.observable
        if basis is None:
            basis = Sentence({tuple((w, "Z") for w in wires): 1.0})
        d = of.ask(Measurement("expval", basis, of.wires, Kept(of.outcomes, True)))
    else:
        d = of.weight()
    return lambda values, batched: _quotient(
        values[whole][..., at * size : (at + 1) * size], values[d][..., None]
    )


def _density_matrix(of: _Quotients, m: Measurement) -> Finish:
    wires = m.wires or ()
    size, at = 2 ** len(wires), _place(of.outcomes)
    whole, d = of.ask(m._replace(wires=(*of.wires, *wires))), of.weight()
    own = slice(at * size, (at + 1) * size)
    return lambda values, batched: _quotient(values[whole][..., own, own], values[d][..., None, None])


def _sample(of: _Quotients, m: Measurement) -> Finish:
    place = of.ask(_reading(of, m))

    def finish(values: Sequence[Any], batched: bool) -> Any:
        if batched:
            raise CircuitError(
                "a sample of a batch with post-selection: each row keeps another number of shots; "
                "ask for counts, or run the rows one by one"
            )
        found = values[place]
        if m.observable is not None:
            left = found[~np.isnan(found)]
        else:
            count = len(of.wires)
            left = found[(found[:, :count] == of.outcomes).all(axis=1)][:, count:]
        if not len(left):
            raise _nothing_left()
        return left

    return finish


def _counts(of: _Quotients, m: Measurement) -> Finish:
    place = of.ask(_reading(of, m))
    return lambda values, batched: values[place]  # tallied without the shots that are dropped


def _reading(of: _Quotients, m: Measurement) -> Measurement:
    """Single shots with the bits that select them: before the wires asked for, or NaN for an observable."""
    wires = of.wires if m.observable is not None else (*of.wires, *(m.wires or ()))
    return m._replace(wires=wires, detail=Kept(of.outcomes, all_outcomes=bool(m.detail)))


_BY_KIND: dict[str, Callable[[_Quotients, Measurement], Finish]] = {
    "expval": _expval,
    "var": _var,
    "probs": _probs,
    "density_matrix": _density_matrix,
    "sample": _sample,
    "counts": _counts,
}


def _quotient(numerator: Any, weight: Any) -> Any:
    """Their quotient; CircuitError where the weight is 0."""
    try:
        something = bool(np.asarray(weight > LEAST).all())
    except (TypeError, NotImplementedError, RuntimeError):  # a number that a transformed function will have
        something = True
    if not something:
        raise _nothing_left()
    return numerator / weight


def _nothing_left() -> CircuitError:
    return CircuitError(
        "post-selection leaves nothing: the wanted outcomes have probability 0, or no shot gave them; "
        "select other outcomes, or take more shots"
    )
