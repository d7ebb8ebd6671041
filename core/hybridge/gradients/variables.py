"""Of which variable of each mode an observable is a function, pulled back through an operation on light.

On each mode it is known by "" (it does not act there), "n", "x" or "p" (it is a function of the photon
number or of that quadrature), or "any". A gate exp(i H) whose H commutes with these variables, on all its
modes where the observable acts, leaves it as it is: H and the observable are then functions of the same
commuting variables.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache

import numpy as np

from hybridge.circuit import Measurement
from hybridge.operations.table import Operation, Wires
from hybridge.phasespace.polynomial import Polynomial, momentum, photon_number, position

ANY = "any"
SMALL = 1e-10
VARIABLES = {"n": photon_number, "x": position, "p": momentum}


def measured_variables(m: Measurement, wires: Wires) -> dict[Hashable, str]:
    """The variables of what is measured: photon numbers, or those that a polynomial commutes with."""
    o = m.observable
    if o is None:
        known = "n" if m.kind == "probs" else ANY
        return dict.fromkeys(wires if m.wires is None else m.wires, known)
    if not isinstance(o, Polynomial):
        return dict.fromkeys(o.wires, "n")  # a projector on photon numbers
    acts = dict.fromkeys(mode for monomial in o.terms for mode, *_ in monomial)
    return {mode: _variable(o, mode) for mode in acts}


def _variable(o: Polynomial, mode: Hashable) -> str:
    return next((name for name, make in VARIABLES.items() if _commute(o, make(mode))), ANY)


def _commute(a: Polynomial, b: Polynomial) -> bool:
    return all(abs(c) < SMALL for c in (a @ b - b @ a).terms.values())


def pulled_variables(operation: Operation, seen: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """The variables on the operation's modes before it, from those after it; and whether it changes nothing.

    Where it changes nothing, neither do its parameters.
    """
    if operation.kind == "state":  # the modes are prepared anew: of what came before, nothing is seen there
        return ("",) * operation.num_wires, False
    return _pulled(operation, seen)


@lru_cache(maxsize=4096)
def _pulled(operation: Operation, seen: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    if operation.kind == "channel" and _shrinks(operation):
        return seen, False
    if operation.hamiltonian is not None and ANY not in seen:
        rng = np.random.default_rng(7)
        for values in rng.uniform(0.2, 2.9, (2, operation.arity)):  # generic: H is analytic in them
            h = operation.hamiltonian(*values)
            if not all(_commute(h, VARIABLES[name](mode)) for mode, name in enumerate(seen) if name):
                break
        else:
            return seen, True
    return (ANY,) * operation.num_wires, False


def _shrinks(operation: Operation) -> bool:
    """Whether a channel only shrinks phase space and adds noise that has no direction.

    A function of the photon number, or of a quadrature, then stays one.
    """
    if operation.definition is None or operation.num_wires != 1:
        return False
    rng = np.random.default_rng(7)
    for values in rng.uniform(0.2, 0.9, (2, operation.arity)):
        X, d, Y = operation.definition(*values)
        if d.any() or not all(np.allclose(a, a[0, 0] * np.eye(2)) for a in (X, Y)):
            return False
    return True
