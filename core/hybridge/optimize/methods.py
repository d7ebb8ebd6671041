"""Every method of `minimize` by name: scipy's, and our optimizers."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from hybridge.errors import OptimizationError
from hybridge.optimize.descent import Adagrad, Adam, GradientDescent, Momentum, NesterovMomentum, RMSProp
from hybridge.optimize.natural import QNG, MomentumQNG
from hybridge.optimize.optimizer import Optimizer
from hybridge.optimize.qnspsa import QNSPSA
from hybridge.optimize.rotosolve import Rotosolve
from hybridge.optimize.shot_adaptive import ShotAdaptive
from hybridge.optimize.spsa import SPSA


class Method(NamedTuple):
    """What a method of scipy takes: derivatives up to `order`, bounds, its option for how many steps."""

    order: int
    bounded: bool
    limit: str = "maxiter"


SCIPY = {
    "Nelder-Mead": Method(0, True),
    "Powell": Method(0, True),
    "COBYLA": Method(0, True),
    "COBYQA": Method(0, True),
    "CG": Method(1, False),
    "BFGS": Method(1, False),
    "L-BFGS-B": Method(1, True),
    "TNC": Method(1, True, "maxfun"),
    "SLSQP": Method(1, True),
    "trust-constr": Method(1, True),
    "Newton-CG": Method(2, False),
    "dogleg": Method(2, False),
    "trust-ncg": Method(2, False),
    "trust-krylov": Method(2, False),
    "trust-exact": Method(2, False),
}
OPTIMIZERS: dict[str, type[Optimizer]] = {
    "gradient-descent": GradientDescent,
    "momentum": Momentum,
    "nesterov": NesterovMomentum,
    "adagrad": Adagrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "rotosolve": Rotosolve,
    "spsa": SPSA,
    "qng": QNG,
    "momentum-qng": MomentumQNG,
    "qnspsa": QNSPSA,
    "shot-adaptive": ShotAdaptive,
}
_NAMES = {name.lower(): name for name in (*SCIPY, *OPTIMIZERS)}


def method_named(name: object) -> str:
    """The method as the tables above write it; OptimizationError where there is none of this name."""
    found = _NAMES.get(name.lower()) if isinstance(name, str) else None
    if found is None:
        close = difflib.get_close_matches(str(name).lower(), _NAMES, n=1)
        hint = f"did you mean {_NAMES[close[0]]!r}? " if close else ""
        listed = ", ".join(map(repr, _NAMES.values()))
        raise OptimizationError(
            f"there is no method {name!r}; {hint}there are {listed}, and optimizers such as hb.Adam(0.1)"
        )
    return found
