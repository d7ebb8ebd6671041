"""Qubit observables given by a matrix, and Hamiltonian, their weighted sum."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from hybridge.arithmetic import left_arithmetic
from hybridge.errors import CircuitError, GradientError
from hybridge.operations import constants
from hybridge.operations.pauli import MAX_DENSE_WIRES, Sentence, _is_plain, _tidy, is_number
from hybridge.operations.table import Constant, Wires, as_wires


def embed(matrix: np.ndarray, wires: Sequence[Hashable], order: Sequence[Hashable]) -> np.ndarray:
    """The matrix on `wires` as one over `order`, which contains them; first wire most significant."""
    rest = [w for w in order if w not in wires]
    n = len(order)
    wide = np.kron(matrix, np.eye(2 ** len(rest))).reshape((2,) * 2 * n)
    place = [[*wires, *rest].index(w) for w in order]
    return wide.transpose(place + [n + p for p in place]).reshape(2**n, 2**n)


class MatrixObservable:
    """A Hermitian matrix on some wires, dense or sparse, first wire most significant; immutable and hashable.

    Arithmetic with other qubit observables gives the dense matrix over all their wires.
    """

    domain = "qubit"
    degree = 1
    traced = False
    hermitian = True

    def __init__(self, name: str, key: Hashable, wires: Wires, make: Callable[[], Any]):
        try:
            repeated = len(set(wires)) != len(wires)
        except TypeError:
            raise CircuitError(f"{name}: a wire label must be hashable; got {list(wires)!r}") from None
        if repeated:
            raise CircuitError(f"{name} names a wire twice: {list(wires)!r}")
        self.name, self.wires, self._key, self._make = name, wires, key, make

    def as_observable(self) -> MatrixObservable:
        return self

    def map_wires(self, mapping: Mapping[Hashable, Hashable]) -> MatrixObservable:
        """The same observable on other wires; wires not in `mapping` stay."""
        return MatrixObservable(
            self.name, self._key, tuple(mapping.get(w, w) for w in self.wires), self._make
        )

    @property
    def bits(self) -> tuple[int, ...] | None:
        """The bits of a projector on a basis state; None for every other matrix."""
        return self._key if self.name == "Projector" and isinstance(self._key, tuple) else None

    @cached_property
    def diagonal(self) -> np.ndarray | None:
        """The value of each basis state (2^k,), of a `diagonal`; None for every other matrix."""
        return np.array(self._key) if self.name == "diagonal" else None

    @cached_property
    def local(self) -> Any:
        """The matrix over its own wires in their order: ndarray, or a scipy sparse array."""
        return self._make()

    @cached_property
    def dense(self) -> np.ndarray:
        if len(self.wires) > MAX_DENSE_WIRES:
            raise CircuitError(
                f"{self.name} on {len(self.wires)} wires would need a dense matrix, which may have at most "
                f"{MAX_DENSE_WIRES}; ask for the expval of each term, or write it as a sum of Pauli words"
            )
        return self.local if isinstance(self.local, np.ndarray) else self.local.toarray()

    @cached_property
    def eigen(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues (d,) and eigenvectors (d, d), one a column."""
        return np.linalg.eigh(self.dense)

    def matrix(self, wire_order: Iterable[Hashable] | None = None) -> np.ndarray:
        """The dense matrix over `wire_order`, the first wire most significant."""
        return self.dense if wire_order is None else embed(self.dense, self.wires, tuple(wire_order))

    def _combined(self, other: Any, combine: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Any:
        other = other.as_observable() if getattr(other, "as_observable", None) else other
        if _is_plain(other):
            other = Sentence({(): other})
        if is_number(other) or getattr(other, "traced", False):
            raise GradientError(
                "a coefficient of an observable",
                f"{self!r} is a matrix, which goes with plain numbers only",
                "return the expval of each term and add them up outside the circuit",
            )
        if not isinstance(other, (MatrixObservable, Sentence)):
            return NotImplemented
        wires = (*self.wires, *(w for w in other.wires if w not in self.wires))
        if len(wires) > MAX_DENSE_WIRES:
            raise CircuitError(
                f"an observable with the matrix {self.name} over {len(wires)} wires; "
                f"at most {MAX_DENSE_WIRES}: ask for the expval of each term"
            )
        return Hermitian(combine(self.matrix(wires), other.matrix(wires)), wires)

    def __add__(self, other: Any) -> Any:
        return self._combined(other, np.add)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._combined(other, np.subtract)

    def __rsub__(self, other: Any) -> Any:
        return self._combined(other, lambda a, b: b - a)

    def __matmul__(self, other: Any) -> Any:
        return self._combined(other, np.matmul)

    def __rmatmul__(self, other: Any) -> Any:
        return self._combined(other, lambda a, b: b @ a)

    def __mul__(self, other: Any) -> Any:
        if _is_plain(other):
            return Hermitian(self.dense * _tidy(other), self.wires)
        return self @ other

    def __rmul__(self, other: Any) -> Any:
        return self * other if _is_plain(other) else self.__rmatmul__(other)

    def __truediv__(self, number: Any) -> Any:
        return self * (1 / number)

    def __neg__(self) -> Any:
        return self * -1

    def __pow__(self, exponent: int) -> Any:
        if not isinstance(exponent, int) or exponent < 0:
            raise CircuitError(f"an observable can be raised to a whole number >= 0, not to {exponent!r}")
        return Hermitian(np.linalg.matrix_power(self.dense, exponent), self.wires)

    __array_ufunc__ = left_arithmetic

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MatrixObservable) and self._identity == other._identity

    @property
    def _identity(self) -> Hashable:
        return self.name, self._key, self.wires

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        return f"{self.name}(wires={list(self.wires)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _BUILDERS[self.name], (self._payload(), self.wires)

    def _payload(self) -> Any:
        if self.diagonal is not None:
            return self._key
        return self.local if self.bits is None else list(self.bits)


def _check_matrix(name: str, matrix: Any, wires: Wires) -> None:
    d = 2 ** len(wires)
    if matrix.shape != (d, d):
        raise CircuitError(
            f"{name} on {len(wires)} wires needs a ({d}, {d}) matrix; got shape {matrix.shape}"
        )


def Hermitian(A: Any, wires: Any) -> MatrixObservable:
    """A Hermitian matrix (2^k, 2^k) as an observable, wires[0] most significant.

    Raises CircuitError unless it is Hermitian, finite, and fits the wires.

    >>> import hybridge as hb
    >>> hb.Hermitian([[0, 1], [1, 0]], wires=0)
    Hermitian(wires=[0])
    """
    wires = as_wires(wires)
    constant = Constant(constants.array("Hermitian", "A", A))
    _check_matrix("Hermitian", constant.array, wires)
    deviation = np.abs(constant.array - constant.array.conj().T).max()
    if deviation > 1e-9 * max(1.0, np.abs(constant.array).max()):
        raise CircuitError(f"Hermitian got a matrix that differs from its adjoint by {deviation:.2g}")
    return MatrixObservable("Hermitian", constant, wires, lambda: constant.array)


def Projector(state: Any, wires: Any) -> MatrixObservable:
    """|state><state|: `state` is one bit per wire or a normalised ket (2^k,).

    Its expectation value is the probability of finding the wires in that state.
    """
    wires = as_wires(wires)
    ket = Constant(constants.array("Projector", "state", state))
    values = ket.array
    if values.shape == (len(wires),) and ((values == 0) | (values == 1)).all() and len(wires) > 0:
        bits = tuple(int(b.real) for b in values)
        index = int("".join(map(str, bits)), 2)

        def diagonal() -> Any:
            from scipy.sparse import csr_array  # only a projector on many wires needs it

            d = 2 ** len(wires)
            return csr_array(([1.0 + 0j], ([index], [index])), shape=(d, d))

        return MatrixObservable("Projector", bits, wires, diagonal)
    d = 2 ** len(wires)
    if ket.array.shape != (d,):
        raise CircuitError(
            f"Projector on {len(wires)} wires needs {len(wires)} bits or a ket ({d},); got {state!r}"
        )
    norm = np.linalg.norm(ket.array)
    if not abs(norm - 1) < 1e-8:
        raise CircuitError(f"Projector needs a normalised ket; its norm is {norm:.6g}")
    projector = np.outer(ket.array, ket.array.conj())
    return MatrixObservable("Hermitian", Constant(projector), wires, lambda: projector)


def SparseHamiltonian(H: Any, wires: Any) -> MatrixObservable:
    """A Hermitian scipy sparse matrix (2^k, 2^k) as an observable, wires[0] most significant."""
    wires = as_wires(wires)
    try:
        matrix = H.tocsr().astype(complex)
    except AttributeError:
        raise CircuitError(f"SparseHamiltonian needs a scipy sparse matrix; got {type(H).__name__}") from None
    _check_matrix("SparseHamiltonian", matrix, wires)
    if not np.isfinite(matrix.data).all():
        raise CircuitError("SparseHamiltonian got a matrix with NaN or infinite entries")
    if abs(matrix - matrix.conj().T).max() > 1e-9:
        raise CircuitError("SparseHamiltonian got a matrix that is not Hermitian")
    matrix.sum_duplicates()
    key = (Constant(matrix.data), Constant(matrix.indices), Constant(matrix.indptr))
    return MatrixObservable("SparseHamiltonian", key, wires, lambda: matrix)


def diagonal(values: Sequence[float], wires: Wires) -> MatrixObservable:
    """The observable with these eigenvalues (2^k,), one for each basis state of the wires in its order."""

    def sparse() -> Any:
        from scipy.sparse import diags_array  # only what is measured inside a circuit needs it

        return diags_array(np.array(values, dtype=complex)).tocsr()

    return MatrixObservable("diagonal", tuple(map(float, values)), wires, sparse)


_BUILDERS = {
    "diagonal": diagonal,
    "Hermitian": Hermitian,
    "Projector": Projector,
    "SparseHamiltonian": SparseHamiltonian,
}


def Hamiltonian(coeffs: Sequence[Any], observables: Sequence[Any]) -> Any:
    """sum_i coeffs[i] * observables[i]; coefficients may be traced by a differentiable library.

    Raises CircuitError where the lengths differ or there are no terms.

    >>> import hybridge as hb
    >>> hb.Hamiltonian([0.5, 2], [hb.X(0), hb.Z(0) @ hb.Z(1)])
    0.5*X(0) + 2.0*Z(0)@Z(1)
    """
    try:
        len(coeffs), len(observables)
    except TypeError:
        raise CircuitError(
            "Hamiltonian needs a list of coefficients and one of observables; "
            f"got {type(coeffs).__name__} and {type(observables).__name__}"
        ) from None
    if len(coeffs) != len(observables) or not len(observables):
        raise CircuitError(
            "Hamiltonian needs as many coefficients as observables, at least one; "
            f"got {len(coeffs)} and {len(observables)}"
        )
    terms = [observables[i] * coeffs[i] for i in range(len(observables))]
    return sum(terms[1:], terms[0])
