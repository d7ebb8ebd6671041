"""Simultaneous perturbation: a random direction, two values, one step; noise is welcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hybridge.optimize.optimizer import Optimizer
from hybridge.optimize.problem import Problem


class Count(NamedTuple):
    """How many steps were taken."""

    steps: int


def fresh_seed() -> int:
    """A seed from the system's entropy, kept so that what it starts can be repeated."""
    return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])


def signs(seed: int, step: int, shape: tuple[int, ...]) -> np.ndarray:
    """Random +-1 of step `step`: a function of the seed and the step, so that nothing else has to be kept."""
    return np.random.default_rng([seed, step]).choice([-1.0, 1.0], size=shape)


@dataclass(eq=False)
class SPSA(Optimizer):
    """x -> x - a_k (f(x + c_k d) - f(x - c_k d)) / (2 c_k) d at step k = 1, 2, ..., d random of +-1.

    a_k = a / (A + k)^alpha and c_k = c / k^gamma (Spall, IEEE Trans. Autom. Control 37, 332 (1992); the
    settings of Spall, IEEE Trans. Aerosp. Electron. Syst. 34, 817 (1998)). Two calls of the cost a step,
    however many numbers there are; `step_and_cost` makes a third, for the value. A is a tenth of `maxiter`,
    the number of steps that are planned, and a is 0.05 (A + 1)^alpha, unless given; c should be near the
    standard deviation of the cost. The same seed gives the same directions; `reset` starts them again.

    >>> import hybridge as hb
    >>> opt, x = hb.SPSA(maxiter=100, seed=1), 1.0
    >>> for _ in range(100):
    ...     x = opt.step(lambda x: (x - 2) ** 2, x)
    >>> round(x, 1)
    2.0
    """

    maxiter: int = 100
    alpha: float = 0.602
    gamma: float = 0.101
    c: float = 0.2
    A: float | None = None
    a: float | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.A = 0.1 * self.maxiter if self.A is None else self.A
        self.a = 0.05 * (self.A + 1) ** self.alpha if self.a is None else self.a
        self.seed = fresh_seed() if self.seed is None else self.seed

    def advance(self, problem: Problem, x: np.ndarray) -> np.ndarray:
        assert self.a is not None and self.A is not None and self.seed is not None  # set when made
        k = 1 if self.state is None else self.state.steps + 1
        reach = self.c / k**self.gamma
        direction = signs(self.seed, k, x.shape)
        ahead, behind = problem.values(x + reach * np.array([direction, -direction]))
        self.state = Count(k)
        return x - self.a / (self.A + k) ** self.alpha * (ahead - behind) / (2 * reach) * direction
