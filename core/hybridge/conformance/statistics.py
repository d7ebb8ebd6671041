"""How far a sampled value may be from the exact one: false alarms at most once in a million."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybridge.conformance.reference import QubitState
from hybridge.conformance.reference.ordered import Ordered, ordered
from hybridge.operations.pauli import Sentence
from hybridge.phasespace.counted import Counted

SIGMAS = 5.4  # sqrt(2 log(2e6)): Bernstein's inequality for a probability of 1e-6 ...
SKEW = 9.7  # ... and 2/3 log(2e6) for the largest deviation a single shot can make
TAIL = 8.0  # standard deviations that stand for the largest where a value has no bound


def allowance(sigma: Any, largest: Any, shots: int) -> Any:
    """How far the mean of `shots` values of this spread may be from its expectation."""
    return SIGMAS * np.asarray(sigma) / np.sqrt(shots) + SKEW * np.asarray(largest) / shots + 1e-9


def shots_left(state: Any, shots: int) -> int:
    """How many of the shots are left where some are selected: fewer only once in a million."""
    share = min(state.share, 1.0) if isinstance(state, QubitState) else 1.0
    return int(shots * share - SIGMAS * np.sqrt(shots * share * (1 - share)))


def mean_allowance(state: Any, observable: Any, shots: int) -> float:
    """For a sampled expectation value; the words of a sum may be read apart or together."""
    if not isinstance(state, QubitState):
        sigma = np.sqrt(max(state.var(observable), 0.0))
        largest = 1.0 if isinstance(observable, Counted) else TAIL * sigma
        return float(allowance(sigma, largest, shots))
    if isinstance(observable, Sentence):
        words = [(c, Sentence({w: 1.0})) for w, c in observable.terms.items() if w]
        return (
            sum(float(allowance(abs(c) * np.sqrt(max(state.var(w), 0)), 2 * abs(c), shots)) for c, w in words)
            + 1e-9
        )
    values, _ = state.distribution(observable)
    return float(allowance(np.sqrt(max(state.var(observable), 0)), np.ptp(values), shots))


def var_allowance(state: Any, observable: Any, shots: int) -> float:
    """For a sampled variance: the errors of <O^2> and of <O>^2, however they are read."""
    if isinstance(observable, Counted):
        return 2 * mean_allowance(state, observable, shots)
    if isinstance(state, QubitState):
        square = mean_allowance(state, observable @ observable, shots)
    else:
        centred: Ordered = ordered(observable) - state.expval(observable)
        spread = np.sqrt(max(state.moment(centred, 4) - state.var(observable) ** 2, 0.0))
        return float(allowance(spread, TAIL * spread, shots)) + mean_allowance(state, observable, shots) ** 2
    mean = mean_allowance(state, observable, shots)
    return square + 2 * abs(state.expval(observable)) * mean + mean**2


def probs_allowance(probabilities: np.ndarray, shots: int) -> np.ndarray:
    """For relative frequencies."""
    p = np.clip(probabilities, 0, 1)
    return np.asarray(allowance(np.sqrt(p * (1 - p)), 1.0, shots))
