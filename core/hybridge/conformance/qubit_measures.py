"""Measurements of qubits that the kit makes, exactly and with shots."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.circuit import density_matrix, expval, probs, var
from hybridge.conformance.models import Sampled
from hybridge.conformance.qubit_circuits import hermitian, ket
from hybridge.observables.qubit import Hamiltonian, Hermitian, Projector, SparseHamiltonian
from hybridge.operations.qubit_families import I
from hybridge.operations.qubit_gates import H, X, Y, Z

Wires = Sequence[Hashable]


def _sparse(size: int, seed: int) -> Any:
    from scipy.sparse import csr_array  # takes longer to import than all of hybridge

    return csr_array(hermitian(size, seed))


class Measured(NamedTuple):
    """An observable of wires w."""

    name: str
    observable: Callable[[Wires], Any]

    def __str__(self) -> str:
        return self.name


OBSERVABLES = (
    Measured("X", lambda w: X(w[0])),
    Measured("Y", lambda w: Y(w[1])),
    Measured("Z", lambda w: Z(w[2])),
    Measured("H", lambda w: H(w[1])),
    Measured("I", lambda w: I(w[0])),
    Measured("I on two wires", lambda w: I([w[0], w[2]])),
    Measured("X Y", lambda w: X(w[2]) @ Y(w[0])),
    Measured("Y I Z", lambda w: Y(w[0]) @ I(w[1]) @ Z(w[2])),
    Measured("X Y Z", lambda w: X(w[1]) @ Y(w[2]) @ Z(w[0])),
    Measured("one wire twice", lambda w: X(w[0]) @ Y(w[0]) * -1j),
    Measured("scaled", lambda w: -2.5 * Z(w[1])),
    Measured("sum on one wire", lambda w: X(w[0]) + 0.5 * Y(w[0]) - Z(w[0])),
    Measured("sum in one setting", lambda w: 0.5 * X(w[0]) @ Z(w[1]) - 2 * X(w[0]) + Z(w[1])),
    Measured("sum in many settings", lambda w: X(w[0]) @ X(w[1]) + Y(w[1]) @ Z(w[2]) - 0.4 * Z(w[0])),
    Measured("constant", lambda w: 2 * Z(w[0]) + 3 * I(w[1])),
    Measured("constant alone", lambda w: -1.5 * I(w[0])),
    Measured("terms twice", lambda w: Hamiltonian([1, 0.5, 1], [Z(w[0]), X(w[1]), Z(w[0])])),
    Measured("terms that cancel", lambda w: Hamiltonian([1, -1, 2], [Z(w[0]), Z(w[0]), X(w[2])])),
    Measured("nothing", lambda w: 0 * X(w[1])),
    Measured("square", lambda w: (X(w[0]) + Z(w[1])) ** 2),
    Measured(
        "Hamiltonian", lambda w: Hamiltonian([0.3, -1, 2], [Y(w[2]), X(w[0]) @ Z(w[1]), Y(w[1]) @ Y(w[0])])
    ),
    Measured("Hermitian", lambda w: Hermitian(hermitian(2, 1), w[1])),
    Measured("Hermitian on two wires", lambda w: Hermitian(hermitian(4, 2), [w[2], w[0]])),
    Measured("Hermitian on three wires", lambda w: Hermitian(hermitian(8, 3), [w[1], w[2], w[0]])),
    Measured("Hermitian that is diagonal", lambda w: Hermitian(np.diag([1.0, 2, 3, 5]), [w[2], w[1]])),
    Measured("Hermitian times Pauli", lambda w: Hermitian(hermitian(2, 4), w[2]) @ X(w[0])),
    Measured("Projector on a bit", lambda w: Projector([1], w[1])),
    Measured("Projector on bits", lambda w: Projector([0, 1, 1], [w[2], w[0], w[1]])),
    Measured("Projector on a ket", lambda w: Projector(ket(4, 5), [w[1], w[0]])),
    Measured("SparseHamiltonian", lambda w: SparseHamiltonian(_sparse(8, 6), [w[2], w[0], w[1]])),
)
IN_ONE_SETTING = tuple(
    Measured(name, make)
    for name, make in OBSERVABLES
    if "many settings" not in name and name not in ("sum on one wire", "Hamiltonian", "nothing", "square")
)
WITH_PROBS = tuple(m for m in OBSERVABLES if m.name in ("X", "Y", "Z", "X Y", "Y I Z", "X Y Z")) + tuple(
    m for m in OBSERVABLES if m.name.startswith("Hermitian") and "times" not in m.name
)
ORDERS = ((0, 1, 2), (3, 1, 0), (1, 3, 2))


def _of(kind: Callable[[Any], Any], make: Callable[[Wires], Any]) -> Callable[[Wires], Any]:
    return lambda w: kind(make(w))


SAMPLED = (
    *(Sampled(f"expval of {m.name}", _of(expval, m.observable)) for m in OBSERVABLES),
    *(Sampled(f"var of {m.name}", _of(var, m.observable)) for m in OBSERVABLES),
    *(Sampled(f"probs of {m.name}", _of(lambda o: probs(op=o), m.observable)) for m in WITH_PROBS),
    Sampled("probs of all", lambda w: probs()),
    Sampled("probs turned round", lambda w: probs(wires=[w[2], w[0]])),
    Sampled("probs of one", lambda w: probs(wires=w[1])),
    Sampled("several at once", lambda w: (expval(X(w[0])), expval(Y(w[0])), probs(wires=w[1]), var(Z(w[0])))),
)


class Kind(NamedTuple):
    """A kind of measurement of wires w, and what it needs of the device to be exact."""

    name: str
    measure: Callable[[Wires], Any]
    exact_only: bool = False

    def __str__(self) -> str:
        return self.name


KINDS = (
    Kind("expval", lambda w: expval(Z(w[2]))),
    Kind("var", lambda w: var(X(w[1]))),
    Kind("probs of all", lambda w: probs()),
    Kind("probs of one", lambda w: probs(wires=w[2])),
    Kind("probs turned round", lambda w: probs(wires=[w[2], w[0], w[1]])),
    Kind("probs of X", lambda w: probs(op=X(w[1]))),
    Kind("density matrix of one", lambda w: density_matrix(w[1]), True),
    Kind("density matrix turned round", lambda w: density_matrix([w[2], w[0]]), True),
    Kind("density matrix of all", lambda w: density_matrix([w[1], w[2], w[0]]), True),
    Kind(
        "several at once",
        lambda w: (
            probs(wires=[w[1]]),
            expval(X(w[0])),
            expval(Z(w[0])),
            var(Y(w[0])),
            probs(wires=[w[2], w[1]]),
        ),
    ),
    Kind("the same twice", lambda w: (expval(Z(w[0])), expval(Z(w[0])), var(Z(w[0])), probs(), probs())),
)
