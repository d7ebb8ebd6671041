"""Optimizers that take one gradient a step: plain, with momentum, and with a rate for each number."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hybridge.optimize.optimizer import Optimizer
from hybridge.optimize.problem import Problem


class Velocity(NamedTuple):
    """The step taken last (N,)."""

    velocity: np.ndarray


class Squares(NamedTuple):
    """The sum, or the running mean, of squared gradients (N,)."""

    squares: np.ndarray


class Moments(NamedTuple):
    """How many steps were taken, and running means of the gradient and of its square (N,)."""

    steps: int
    first: np.ndarray
    second: np.ndarray


@dataclass(eq=False)
class Descent(Optimizer):
    """x -> x - update(direction at x, state)."""

    def advance(self, problem: Problem, x: np.ndarray) -> np.ndarray:
        gradient = self.direction(problem, x)
        with np.errstate(over="ignore"):  # a step that is not finite is an error, told by `moved`
            change, self.state = self.update(gradient, self.state)
        return x - change

    def direction(self, problem: Problem, x: np.ndarray) -> np.ndarray:
        """What `update` takes for the gradient."""
        return problem.gradient(x)

    @abstractmethod
    def update(self, gradient: np.ndarray, state: Any) -> tuple[np.ndarray, NamedTuple | None]:
        """The change (N,) to subtract from x, and the next state; a pure function."""


def rolling(change: np.ndarray, momentum: float, state: Velocity | None) -> tuple[np.ndarray, Velocity]:
    """This change, and what is left of the last one."""
    velocity = change if state is None else momentum * state.velocity + change
    return velocity, Velocity(velocity)


@dataclass(eq=False)
class GradientDescent(Descent):
    """x -> x - stepsize g.

    >>> import hybridge as hb
    >>> hb.GradientDescent(stepsize=0.25).step(lambda x: x**2, 1.0)
    0.5
    """

    stepsize: float = 0.01

    def update(self, gradient: np.ndarray, state: None) -> tuple[np.ndarray, None]:
        return self.stepsize * gradient, None


@dataclass(eq=False)
class Momentum(Descent):
    """v -> momentum v + stepsize g; x -> x - v (Polyak, USSR Comput. Math. 4, 1 (1964)).

    >>> import hybridge as hb
    >>> opt = hb.Momentum(stepsize=0.25, momentum=0.5)
    >>> x = opt.step(lambda x: x**2, 1.0)
    >>> x, opt.step(lambda x: x**2, x)
    (0.5, 0.0)
    """

    stepsize: float = 0.01
    momentum: float = 0.9

    def update(self, gradient: np.ndarray, state: Velocity | None) -> tuple[np.ndarray, Velocity]:
        return rolling(self.stepsize * gradient, self.momentum, state)


@dataclass(eq=False)
class NesterovMomentum(Descent):
    """Momentum, with the gradient where the momentum leads: at x - momentum v (Nesterov, 1983).

    Where the value is asked for as well, it is another call of the cost, as the gradient is taken elsewhere.
    """

    stepsize: float = 0.01
    momentum: float = 0.9

    def direction(self, problem: Problem, x: np.ndarray) -> np.ndarray:
        return problem.gradient(x if self.state is None else x - self.momentum * self.state.velocity)

    def update(self, gradient: np.ndarray, state: Velocity | None) -> tuple[np.ndarray, Velocity]:
        return rolling(self.stepsize * gradient, self.momentum, state)


@dataclass(eq=False)
class Adagrad(Descent):
    """s -> s + g^2; x -> x - stepsize g / sqrt(s + eps) (Duchi, Hazan, Singer, JMLR 12, 2121 (2011))."""

    stepsize: float = 0.01
    eps: float = 1e-8

    def update(self, gradient: np.ndarray, state: Squares | None) -> tuple[np.ndarray, Squares]:
        squares = gradient**2 if state is None else state.squares + gradient**2
        return self.stepsize * gradient / np.sqrt(squares + self.eps), Squares(squares)


@dataclass(eq=False)
class RMSProp(Descent):
    """s -> decay s + (1 - decay) g^2; x -> x - stepsize g / sqrt(s + eps) (Tieleman, Hinton, 2012)."""

    stepsize: float = 0.01
    decay: float = 0.9
    eps: float = 1e-8

    def update(self, gradient: np.ndarray, state: Squares | None) -> tuple[np.ndarray, Squares]:
        squares = (1 - self.decay) * gradient**2
        if state is not None:
            squares = squares + self.decay * state.squares
        return self.stepsize * gradient / np.sqrt(squares + self.eps), Squares(squares)


@dataclass(eq=False)
class Adam(Descent):
    """x -> x - rate m / (sqrt(v) + eps), with m, v running means of g, g^2 (Kingma, Ba, arXiv:1412.6980).

    m -> beta1 m + (1 - beta1) g; v -> beta2 v + (1 - beta2) g^2; at step t the rate is
    stepsize sqrt(1 - beta2^t) / (1 - beta1^t), as both means start at 0.

    >>> import hybridge as hb
    >>> opt, x = hb.Adam(stepsize=0.1), 1.0
    >>> for _ in range(100):
    ...     x = opt.step(lambda x: (x - 2) ** 2, x)
    >>> round(x, 1)
    2.0
    """

    stepsize: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.99
    eps: float = 1e-8

    def update(self, gradient: np.ndarray, state: Moments | None) -> tuple[np.ndarray, Moments]:
        zero = np.zeros_like(gradient)
        steps, first, second = (0, zero, zero) if state is None else state
        steps += 1
        first = self.beta1 * first + (1 - self.beta1) * gradient
        second = self.beta2 * second + (1 - self.beta2) * gradient**2
        rate = self.stepsize * np.sqrt(1 - self.beta2**steps) / (1 - self.beta1**steps)
        return rate * first / (np.sqrt(second) + self.eps), Moments(steps, first, second)
