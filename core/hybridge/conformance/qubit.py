"""The kit for qubit devices."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import combinations, pairwise, product
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest

from hybridge.circuit import counts, density_matrix, expval, probs, sample, state, var
from hybridge.conformance import reference
from hybridge.conformance.channels import ChannelConformance
from hybridge.conformance.items import over
from hybridge.conformance.kit import SHOTS, Model, Sampled, close, strict
from hybridge.conformance.midcircuit import MidCircuitConformance
from hybridge.conformance.noisy import NoisyQubits
from hybridge.conformance.reference.qubit import kraus
from hybridge.conformance.rows import CHANCES, PLACEMENTS, Example, Placement, examples, numbers
from hybridge.conformance.statistics import allowance, probs_allowance
from hybridge.device import Device
from hybridge.errors import CircuitError, UnsupportedCircuit
from hybridge.observables.qubit import Hamiltonian, Hermitian, Projector, SparseHamiltonian
from hybridge.operations.derived import controlled, power
from hybridge.operations.modifiers import adjoint, ctrl
from hybridge.operations.pauli import Sentence
from hybridge.operations.qubit_entangling import CNOT
from hybridge.operations.qubit_families import I
from hybridge.operations.qubit_gates import RX, RY, RZ, H, X, Y, Z
from hybridge.operations.qubit_states import BasisState, QubitDensityMatrix, StatePrep
from hybridge.operations.qubit_unitaries import QubitUnitary
from hybridge.qnode import QNode

Wires = Sequence[Hashable]
ROWS = examples("qubit", CHANCES)
GATES = [e for e in ROWS if e.operation.kind == "gate"]
SMALL = [e for e in GATES if 0 < e.operation.num_wires <= 3]
VARIED = [e for e in ROWS if e.numbers and e.operation.kind != "channel"]


def prepare(wires: Wires) -> None:
    """A product of different states on every wire, then entangled: no symmetry is left."""
    for k, w in enumerate(wires):
        RY(0.5 + 0.37 * k, wires=w)
        RZ(0.4 - 0.53 * k, wires=w)
        RX(0.3 + 0.21 * k, wires=w)
    for a, b in pairwise(wires):
        CNOT([a, b])
        RY(0.45, wires=b)


def scramble(wires: Wires) -> None:
    """What turns phases into probabilities."""
    for k, w in enumerate(wires):
        RX(0.7 - 0.31 * k, wires=w)
        RY(0.6 + 0.17 * k, wires=w)
    for a, b in pairwise(wires[::-1]):
        CNOT([a, b])


LETTERS = {"X": X, "Y": Y, "Z": Z}


def paulis(wires: Wires, pairs: bool = True) -> list[Any]:
    """Expectation values of every Pauli on one wire, and on two."""
    found = [expval(LETTERS[s](w)) for w in wires for s in "XYZ"]
    if pairs:
        found += [
            expval(LETTERS[s](a) @ LETTERS[t](b))
            for a, b in combinations(wires, 2)
            for s, t in product("XYZ", repeat=2)
        ]
    return found


def _hermitian(size: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return (matrix + matrix.conj().T) / np.sqrt(8 * size)


def _ket(size: int, seed: int) -> np.ndarray:
    ket = _hermitian(size, seed)[:, 0]
    return ket / np.linalg.norm(ket)


def _sparse(size: int, seed: int) -> Any:
    from scipy.sparse import csr_array  # takes longer to import than all of hybridge

    return csr_array(_hermitian(size, seed))


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
    Measured("Hermitian", lambda w: Hermitian(_hermitian(2, 1), w[1])),
    Measured("Hermitian on two wires", lambda w: Hermitian(_hermitian(4, 2), [w[2], w[0]])),
    Measured("Hermitian on three wires", lambda w: Hermitian(_hermitian(8, 3), [w[1], w[2], w[0]])),
    Measured("Hermitian that is diagonal", lambda w: Hermitian(np.diag([1.0, 2, 3, 5]), [w[2], w[1]])),
    Measured("Hermitian times Pauli", lambda w: Hermitian(_hermitian(2, 4), w[2]) @ X(w[0])),
    Measured("Projector on a bit", lambda w: Projector([1], w[1])),
    Measured("Projector on bits", lambda w: Projector([0, 1, 1], [w[2], w[0], w[1]])),
    Measured("Projector on a ket", lambda w: Projector(_ket(4, 5), [w[1], w[0]])),
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


def _rotations(x: Any, w: Wires) -> None:
    prepare(w)
    RX(x[0], wires=w[0])
    CNOT([w[0], w[1]])
    RY(x[1], wires=w[1])
    CNOT([w[-1], w[0]])
    RZ(x[2], wires=w[-1])
    scramble(w)


def _values(x: Any, w: Wires) -> Any:
    _rotations(x, w)
    return expval(X(w[0]) + 2 * Z(w[1]) @ Y(w[2]) - 0.3), var(Z(w[2]) @ X(w[0])), expval(Z(w[1]))


def _probabilities(x: Any, w: Wires) -> Any:
    _rotations(x, w)
    return [probs(wires=[w[1], w[0]]), probs(wires=w[1])]


def _matrices(x: Any, w: Wires) -> Any:
    _rotations(x, w)
    return expval(Hermitian(_hermitian(4, 7), [w[2], w[0]])), var(Hermitian(_hermitian(2, 8), w[1])), probs()


MODELS = (
    Model("values", _values, (0.31, -0.74, 1.2), 3),
    Model("probabilities", _probabilities, (0.9, 0.35, -0.4), 2),
    Model("matrices", _matrices, (-0.5, 1.31, 0.8), 3),
)


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


class QubitConformance(ChannelConformance, MidCircuitConformance, NoisyQubits):
    """The kit's items for a qubit device: `class TestMine(QubitConformance): device = "minimal.qubit"`."""

    domain = "qubit"
    MODELS: ClassVar[Sequence[Model]] = MODELS
    SMOOTH: ClassVar[Sequence[Model]] = MODELS
    SAMPLED: ClassVar[Sequence[Sampled]] = SAMPLED
    FOREIGN: ClassVar[Sequence[Example]] = examples("cv", {"T": (0.4, 0.85)})

    def space(self, device: Device) -> dict[str, int]:
        return {}

    def anything(self, wire: Hashable) -> Any:
        return expval(Z(wire))

    def generic(self, measure: Callable[[Wires], Any]) -> Any:
        prepare((0, 1, 2))
        scramble((0, 1, 2))
        return measure((0, 1, 2))

    def shots_of(self, shots: int | None, seed: int | None = None) -> QNode:
        return self.node(lambda: self.generic(lambda w: sample(wires=w)), 3, shots, seed)

    def gives(self, kind: str) -> bool:
        """Whether the device's exact results include this kind, from what it returns."""
        claims = self.capabilities
        sources = {"state": {"state"}, "density_matrix": {"state", "density_matrix"}}[kind]
        return claims.exact and bool(claims.measurements & sources)

    def complete(self, wires: Wires, mixed: bool = False) -> list[Any]:
        """Measurements that leave nothing of the state unseen: the state itself where the device gives it."""
        found = [probs(wires=wires[::-1])]
        if self.gives("state") and not mixed:
            found.append(state())
        else:
            found += paulis(wires, len(wires) <= 4)
        return found

    # ---- items: rows -----------------------------------------------------------------------------

    @over(example=ROWS, placement=PLACEMENTS)
    def test_row(self, example: Example, placement: Placement) -> None:
        """Every row, on wires out of order: what it does to a state without symmetry is its definition."""
        row, tolerance = example.operation, self.within(example)
        k, n = row.num_wires, max(4, row.num_wires + 1)
        on, every = placement(k, n), tuple(range(n))

        def circuit() -> Any:
            if row.kind == "state":
                row(*example.numbers, wires=on)
                prepare([w for w in every if w not in on])
            else:
                prepare(every)
                row(*example.numbers, wires=on)
            scramble(every)
            found = [probs(wires=every[::-1]), var(X(every[-1]) @ Z(0))]
            if n <= 5 or not self.gives("state"):
                found += paulis(every, n <= 5)
            if self.gives("density_matrix") and (
                not row.mixed or "density_matrix" in self.capabilities.measurements
            ):
                found.append(density_matrix([n - 1, 0]))
            if self.gives("state") and not row.mixed:
                found.append(state())
            return found

        if not self.can(example):
            return self.refused(circuit, wires=n)
        if row.mixed and "density_matrix" not in self.capabilities.measurements and self.capabilities.exact:
            return self.right_or_refused(circuit, wires=n)
        self.agree(circuit, wires=n, tolerance=tolerance)

    def right_or_refused(self, function: Callable[..., Any], *args: Any, wires: Any) -> None:
        """For what a device may be able to do: it never gives a wrong number."""
        try:
            self.node(function, wires)(*args)
        except UnsupportedCircuit:
            return
        self.agree(function, *args, wires=wires)

    @over(example=GATES)
    def test_adjoint(self, example: Example) -> None:
        """The adjoint is the conjugate transpose, phase and all."""
        self._derived(
            example, adjoint(example.operation) if not example.operation.pauli else example.operation, _dagger
        )

    @over(example=GATES, z=(2, -3, 0.5))
    def test_power(self, example: Example, z: float) -> None:
        """Whole powers repeat; others take the principal branch, or scale the exponent's parameters."""
        row = example.operation
        if row.definition is None and not float(z).is_integer():
            with pytest.raises(CircuitError):
                power(row, z)
            return
        self._derived(example, power(row, z), lambda u: _power(example, u, z))

    @over(example=SMALL, values=((1,), (0,), (1, 0)))
    def test_ctrl(self, example: Example, values: tuple[int, ...]) -> None:
        """Control wires come first, and a 0 is a control too."""
        self._derived(
            example, controlled(example.operation, values), lambda u: _block(u, values), len(values)
        )

    def _derived(
        self, example: Example, row: Any, change: Callable[[np.ndarray], np.ndarray], controls: int = 0
    ) -> None:
        u = change(kraus(example.operation, example.numbers)[0])
        k = example.operation.num_wires + controls
        n = max(3, k + 1) if k < 5 else k
        on, every = PLACEMENTS[1](k, n), tuple(range(n))
        params = example.numbers if row.params else ()

        def circuit(gate: Callable[[], Any]) -> Any:
            prepare(every)
            gate()
            scramble(every)
            return self.complete(every)

        derived = Example(row.name, row, params)
        if not self.can(derived):
            return self.refused(lambda: circuit(lambda: row(*params, wires=on)), wires=n)
        meant = QubitUnitary.of(k, u) if k else None
        self.agree(
            lambda: circuit(lambda: row(*params, wires=on)),
            wires=n,
            meant=lambda: circuit(lambda: meant(wires=on) if meant is not None else _phase(u, every)),
            tolerance=self.within(example),
        )

    @over(values=(None, [0], [1, 0], [0, 1, 0]))
    def test_ctrl_of_a_circuit_function(self, values: Any) -> None:
        """Every operation of it is controlled, in its order."""
        control = [3, 0, 4][: 1 if values is None else len(values)]

        def inside() -> None:
            RX(0.7, wires=2)
            RZ(-0.4, wires=1)
            H(1)
            CNOT([2, 1])

        u = np.eye(4, dtype=complex)
        for gate, on in (
            (RX.matrix(0.7), (2,)),
            (RZ.matrix(-0.4), (1,)),
            (H.matrix(), (1,)),
            (CNOT.matrix(), (2, 1)),
        ):
            u = reference.embedded(gate, on, (2, 1)) @ u

        def circuit(gate: Callable[[], Any]) -> Any:
            prepare(range(5))
            gate()
            return self.complete(range(5))

        block = QubitUnitary.of(2 + len(control), _block(u, tuple(values or (1,))))
        self.agree(
            lambda: circuit(lambda: ctrl(inside, control, values)()),
            wires=5,
            meant=lambda: circuit(lambda: block(wires=(*control, 2, 1))),
        )

    @over(kind=("BasisState", "StatePrep", "QubitDensityMatrix"), wires=((2,), (3, 1), (1, 3, 0)))
    def test_preparations_beside_one_another(self, kind: str, wires: tuple[int, ...]) -> None:
        """Two preparations on different wires, the second after gates elsewhere."""
        rest = [w for w in range(4) if w not in wires]
        k = len(wires)
        ket = _ket(2**k, 9)
        rho = 0.6 * np.outer(ket, ket.conj()) + 0.4 * np.eye(2**k) / 2**k
        chosen = {
            "BasisState": lambda: BasisState([1, 0, 1][:k], wires=wires),
            "StatePrep": lambda: StatePrep(ket, wires=wires),
            "QubitDensityMatrix": lambda: QubitDensityMatrix(rho, wires=wires),
        }[kind]

        def circuit() -> Any:
            RX(0.4, wires=rest[0])
            chosen()
            if len(rest) > 1:
                BasisState([1], wires=rest[-1])
            CNOT([rest[0], wires[0]])
            scramble(range(4))
            return paulis(range(4)), probs(wires=[3, 0, 2, 1])

        mixed = kind == "QubitDensityMatrix" and "density_matrix" not in self.capabilities.measurements
        (self.right_or_refused if mixed else self.agree)(circuit, wires=4)

    @over(seed=range(50))
    def test_random_circuit(self, seed: int) -> None:
        """Whatever the device reaches, in any order on any wires, adjoints and controlled forms among it."""
        rng = np.random.default_rng(seed)
        claims = [e for e in GATES if e.operation.num_wires <= 3 and self.can(e)]
        plan: list[tuple[Any, tuple[float, ...], list[int]]] = []
        while len(plan) < 10:
            example = claims[rng.integers(len(claims))]
            row = example.operation
            values = numbers(row, {}, int(rng.integers(2**31)))
            if rng.random() < 0.2:
                row = adjoint(row) if not row.pauli else row
            elif rng.random() < 0.2 and 0 < row.num_wires < 3:
                row = controlled(row, (int(rng.integers(2)),))
            if self.can(Example(row.name, row, values)):
                plan.append((row, values if row.params else (), rng.permutation(4)[: row.num_wires].tolist()))

        def circuit() -> Any:
            if seed % 2:
                prepare(range(4))
            for row, values, wires in plan:
                row(*values, wires=tuple(wires))
            return [*self.complete(range(4)), expval(Z(3) @ Y(1) + 0.5 * X(2)), var(X(0) @ Z(2))]

        self.agree(circuit, wires=4)

    # ---- items: measurements ---------------------------------------------------------------------

    @over(kind=KINDS, order=ORDERS)
    def test_measurement(self, kind: Kind, order: tuple[int, ...]) -> None:
        """Every kind of measurement, of wires in any order."""

        def circuit() -> Any:
            prepare(range(4))
            return kind.measure(order)

        if not kind.exact_only:
            self.agree(circuit, wires=4)
        elif self.gives("density_matrix"):
            self.agree(circuit, wires=4)
        else:
            with pytest.raises((UnsupportedCircuit, CircuitError)):
                self.node(circuit, 4)()

    @over(wires=(1, 2, 3, 4))
    def test_the_state_has_its_phase(self, wires: int) -> None:
        """state() is the ket of all wires, wire 0 most significant, with its phase; or it is refused."""

        def circuit() -> Any:
            prepare(range(wires))
            return state()

        if self.gives("state"):
            self.agree(circuit, wires=wires)
        else:
            with pytest.raises((UnsupportedCircuit, CircuitError)):
                self.node(circuit, wires)()

    @over(measured=OBSERVABLES, order=ORDERS)
    def test_observable(self, measured: Measured, order: tuple[int, ...]) -> None:
        """Its mean and its variance, together and on wires in any order."""

        def circuit() -> Any:
            prepare(range(4))
            observable = measured.observable(order)
            return expval(observable), var(observable)

        self.agree(circuit, wires=4)

    @over(measured=OBSERVABLES)
    def test_observables_in_one_call(self, measured: Measured) -> None:
        """Beside every other kind, which must not get in its way."""

        def circuit() -> Any:
            prepare(range(3))
            observable = measured.observable((2, 0, 1))
            return var(observable), probs(wires=[1]), expval(X(0)), expval(observable), expval(Z(0))

        self.agree(circuit, wires=3)

    @over(measured=WITH_PROBS, order=ORDERS)
    def test_probabilities_of_outcomes(self, measured: Measured, order: tuple[int, ...]) -> None:
        """probs(op): +1 before -1, or the eigenvalues ascending."""

        def circuit() -> Any:
            prepare(range(4))
            return probs(op=measured.observable(order))

        self.agree(circuit, wires=4)

    def test_wires_no_gate_touches_are_zero(self) -> None:
        """They can be measured, alone and beside others."""

        def circuit() -> Any:
            RX(0.4, wires=2)
            return expval(Z(0)), probs(wires=[3, 2, 1]), expval(X(1)), var(Z(3)), expval(Z(3) @ Z(2))

        self.agree(circuit, wires=4)

    def test_a_circuit_without_gates(self) -> None:
        """Only measurements: all wires read 0."""
        self.agree(lambda: (expval(Z(1)), probs(wires=[1, 0]), expval(X(0))), wires=2)

    @over(bits=((0, 1, 1, 0), (1, 0, 0, 0), (0, 0, 1, 1)))
    def test_basis_states(self, bits: tuple[int, ...]) -> None:
        """X where a bit is 1: one probability is 1, at the place the bits write."""

        def circuit() -> Any:
            for w, bit in enumerate(bits):
                if bit:
                    X(w)
            return probs(), probs(wires=[3, 1]), [expval(Z(w)) for w in range(4)]

        node = self.node(circuit, 4)
        every, two, means = node()
        slack = 1e-9 if node.device.capabilities.exact else 1e-3
        close(every, np.eye(16)[int("".join(map(str, bits)), 2)], slack, "probs")
        close(two, np.eye(4)[2 * bits[3] + bits[1]], slack, "probs of wires 3, 1")
        close(means, 1 - 2 * np.array(bits), slack, "<Z>")

    @over(change=("a matrix", "a ket", "a word", "an observable", "control values", "wires"))
    def test_constants_are_part_of_the_structure(self, change: str) -> None:
        """One device runs circuits alike but for a constant: each has its own result."""
        device = self.make(3)
        for seed in (1, 2, 1):
            node = QNode(_with_constant(change, seed), device)
            for value, wanted in zip(node(), self.expected(node), strict=True):
                close(value, wanted, self.loosest(value), change)

    @over(what=("U", "ket", "Hermitian"))
    def test_the_users_matrices_stay_theirs(self, what: str) -> None:
        """A matrix changed after the call, or between calls, changes what is new and nothing else."""
        matrix = np.linalg.qr(_hermitian(4, 3))[0] if what == "U" else _hermitian(4, 3)
        given = _ket(4, 3) if what == "ket" else matrix
        before = given.copy()

        def circuit() -> Any:
            if what == "ket":
                StatePrep(given, wires=[1, 0])
            prepare([2])
            if what == "U":
                prepare([0, 1])
                QubitUnitary(given, wires=[2, 0])
            observable = Hermitian(given, [1, 2]) if what == "Hermitian" else Z(0) @ Y(1)
            return expval(observable), probs(wires=[1, 0])

        self.agree(circuit, wires=3)
        assert np.array_equal(given, before)
        given[...] = given[..., ::-1].copy() if what != "Hermitian" else 2 * given
        self.agree(circuit, wires=3)

    # ---- items: gradients ------------------------------------------------------------------------

    @over(example=VARIED)
    def test_gradient_of_row(self, example: Example) -> None:
        """Each parameter of each row: of a sum, a variance and probabilities."""
        row = example.operation
        k, n = row.num_wires, max(3, row.num_wires)
        on = PLACEMENTS[1](k, n)

        def circuit(x: Any) -> Any:
            prepare(range(n))
            row(*(x[i] for i in range(row.arity)), wires=on)
            scramble(range(n))
            return expval(X(0) @ Z(1) - 0.7 * Y(2) + Z(0)), var(Y(1)), probs(wires=[2, 0])

        if not self.can(example):
            return self.refused(circuit, np.array(example.numbers), wires=n)
        self.derivatives_agree(circuit, example.numbers, wires=n)

    @over(values=((1,), (0,)))
    def test_gradient_of_a_controlled_row(self, values: tuple[int, ...]) -> None:
        """Control adds frequencies."""

        def circuit(x: Any) -> Any:
            prepare(range(3))
            ctrl(RX, 2, values)(x[0], wires=0)
            adjoint(RZ)(x[1], wires=1)
            ctrl(adjoint(RY), [0], values)(x[1] * 0.5, wires=2)
            scramble(range(3))
            return expval(Z(0) + X(1) @ Y(2)), probs(wires=[1])

        self.derivatives_agree(circuit, (0.4, -0.9), wires=3)

    @over(point=(0.0, np.pi / 2, np.pi, -np.pi))
    def test_gradient_at_special_points(self, point: float) -> None:
        """Where amplitudes or derivatives vanish nothing becomes NaN."""

        def circuit(x: Any) -> Any:
            RX(x[0], wires=0)
            CNOT([0, 1])
            RY(x[1], wires=1)
            return expval(Z(0) @ Z(1)), var(Z(1)), probs(wires=[1, 0])

        self.derivatives_agree(circuit, (point, -point), wires=2)

    # ---- items: samples --------------------------------------------------------------------------

    @over(wires=((2,), (1, 3), (3, 0, 2), None))
    def test_samples_of_wires_are_bits(self, wires: tuple[int, ...] | None) -> None:
        """(shots, k) whole numbers, a column per wire in the order asked for."""
        if self.refuses_shots():
            return
        bits = np.array([0, 1, 1, 0])

        def circuit() -> Any:
            X(1)
            X(2)
            return sample(wires=wires), counts(wires=wires), probs(wires=wires)

        with strict():
            drawn, counted, frequencies = self.node(circuit, 4, 7, 1)()
        right = bits if wires is None else bits[list(wires)]
        assert type(drawn) is np.ndarray and drawn.dtype == np.int64
        close(drawn, np.tile(right, (7, 1)), 0, "samples")
        label = "".join(map(str, right))
        assert counted == {label: 7} and type(counted) is dict
        assert all(type(key) is str and type(times) is int for key, times in counted.items())
        close(frequencies, np.eye(2 ** len(right))[int(label, 2)], 0, "frequencies")

    @over(measured=IN_ONE_SETTING)
    def test_samples_of_an_observable_are_eigenvalues(self, measured: Measured) -> None:
        """(shots,) values, as often as the state says."""
        if self.refuses_shots():
            return
        node = self.node(lambda: self.generic(lambda w: sample(measured.observable(w))), 3, SHOTS, 21)
        with strict():
            drawn = node()
        assert drawn.shape == (SHOTS,) and drawn.dtype == np.float64
        self._distributed(node, drawn, measured)

    def _distributed(self, node: QNode, drawn: np.ndarray, measured: Measured) -> None:
        circuit = node.circuit()
        final: Any = reference.final_state(circuit, node.record().numbers)
        values, chances = final.distribution(measured.observable((0, 1, 2)).as_observable())
        assert np.abs(drawn[:, None] - values).min(axis=1).max() < 1e-9, "a sample is no eigenvalue"
        for value in values:
            same = np.abs(values - value) < 1e-9
            share = np.mean(np.abs(drawn - value) < 1e-9)
            close(
                share,
                chances[same].sum(),
                probs_allowance(chances[same].sum(), SHOTS),
                f"how often {value:.4g} came",
            )

    @over(measured=IN_ONE_SETTING)
    def test_counts_of_an_observable(self, measured: Measured) -> None:
        """A plain dict of plain eigenvalues, adding up to the shots."""
        if self.refuses_shots():
            return
        node = self.node(lambda: self.generic(lambda w: counts(measured.observable(w))), 3, SHOTS, 22)
        with strict():
            counted = node()
        assert type(counted) is dict and sum(counted.values()) == SHOTS
        assert all(type(key) is float and type(times) is int for key, times in counted.items())
        self._distributed(node, np.repeat(list(counted), list(counted.values())), measured)

    @over(wires=((0, 1, 2), (2, 0), (1,)))
    def test_counts_of_wires(self, wires: tuple[int, ...]) -> None:
        """Bit strings, the first wire asked for first, as often as the state says."""
        if self.refuses_shots():
            return
        node = self.node(lambda: self.generic(lambda w: counts(wires=wires)), 3, SHOTS, 23)
        counted = node()
        final: Any = reference.final_state(node.circuit(), node.record().numbers)
        exact = final.probs(wires)
        shares = [counted.get(format(b, f"0{len(wires)}b"), 0) / SHOTS for b in range(2 ** len(wires))]
        assert sum(counted.values()) == SHOTS
        close(shares, exact, probs_allowance(exact, SHOTS), "shares")

    def test_all_outcomes_are_listed_where_asked(self) -> None:
        """The outcomes that never came, with 0."""
        if self.refuses_shots():
            return

        def circuit() -> Any:
            X(0)
            return counts(wires=[1, 0], all_outcomes=True), counts(Z(0), all_outcomes=True)

        assert self.node(circuit, 2, 9, 1)() == ({"00": 0, "01": 9, "10": 0, "11": 0}, {-1.0: 9, 1.0: 0})

    def test_shots_are_read_jointly(self) -> None:
        """The wires of a Bell pair always agree, in the computational basis and in X."""
        if self.refuses_shots():
            return

        def circuit() -> Any:
            H(2)
            CNOT([2, 0])
            return sample(wires=[0, 2]), sample(X(0) @ X(2)), expval(Z(0) @ Z(2))

        bits, parity, mean = self.node(circuit, 3, 200, 4)()
        assert np.array_equal(bits[:, 0], bits[:, 1]) and len(np.unique(bits)) == 2
        assert np.all(parity == 1) and mean == 1

    @over(size=(1, 2, 3))
    def test_samples_of_a_batch(self, size: int) -> None:
        """(B, shots, k); rows of other numbers have other statistics, those of the same are drawn apart."""
        if self.refuses_shots():
            return

        def circuit(x: Any) -> Any:
            RX(x, wires=1)
            H(0)
            return sample(wires=[1, 0]), counts(wires=[1]), expval(Z(1)), sample(Z(0))

        angles = np.linspace(0.3, 2.5, size)
        bits, counted, means, values = self.node(circuit, 2, SHOTS, 9)(angles)
        assert bits.shape == (size, SHOTS, 2) and values.shape == (size, SHOTS)
        assert isinstance(counted, list) and [sum(c.values()) for c in counted] == [SHOTS] * size
        limit = allowance(np.abs(np.sin(angles)), 2.0, SHOTS)
        close(means, np.cos(angles), limit, "means")
        close(1 - 2 * bits[..., 0].mean(axis=1), np.cos(angles), limit, "means of bits")
        same = self.node(circuit, 2, 300, 9)(np.full(2, 0.7))[0]
        assert not np.array_equal(same[0], same[1]), "two rows share their random numbers"

    @over(kind=("state", "density matrix"))
    def test_a_state_takes_no_shots(self, kind: str) -> None:
        """An exact kind on a device with shots is an error, not an estimate."""
        if self.refuses_shots():
            return
        make = state if kind == "state" else lambda: density_matrix(0)
        with pytest.raises((CircuitError, UnsupportedCircuit)):
            self.node(lambda: (RX(0.2, wires=0), make())[1], 2, 100)()

    @over(kind=("sample", "counts"))
    def test_samples_need_shots(self, kind: str) -> None:
        """There are no hidden default shots."""
        if not self.capabilities.exact:
            assert self.make(2).shots == SHOTS
            return
        measure = {"sample": sample, "counts": counts}[kind]
        with pytest.raises(CircuitError):
            self.node(lambda: (RX(0.2, wires=0), measure(wires=0))[1], 2)()


def _dagger(u: np.ndarray) -> np.ndarray:
    return u.conj().T


def _block(u: np.ndarray, values: tuple[int, ...]) -> np.ndarray:
    """Over the controls, then the targets: u where the controls read these values."""
    total = np.zeros((2 ** len(values) * len(u),) * 2, dtype=complex)
    for bits in product((0, 1), repeat=len(values)):
        projector = np.diag([float(b == bits) for b in product((0, 1), repeat=len(values))])
        total += np.kron(projector, u if bits == values else np.eye(len(u)))
    return total


def _power(example: Example, u: np.ndarray, z: float) -> np.ndarray:
    if float(z).is_integer():
        return np.linalg.matrix_power(u if z >= 0 else _dagger(u), abs(int(z)))
    row = example.operation
    if row.exponent:
        scaled = [z * v if p in row.exponent else v for p, v in zip(row.params, example.numbers, strict=True)]
        return kraus(row, scaled)[0]
    from scipy.linalg import schur  # takes longer to import than all of hybridge

    triangle, vectors = schur(u, output="complex")
    phases = np.angle(np.diag(triangle))
    phases[phases < 1e-9 - np.pi] += 2 * np.pi  # the principal branch is (-pi, pi]
    return (vectors * np.exp(1j * z * phases)) @ vectors.conj().T


def _phase(u: np.ndarray, wires: Wires) -> None:
    QubitUnitary(complex(u[0, 0]) * np.eye(2), wires=wires[0])


def _with_constant(change: str, seed: int) -> Callable[[], Any]:
    """A circuit whose constant of this sort depends on the seed."""
    turned = seed == 2

    def circuit() -> Any:
        if change == "a ket":
            StatePrep(_ket(4, seed), wires=[0, 1])
        else:
            prepare([0, 1])
        prepare([2])
        if change == "a matrix":
            QubitUnitary(np.linalg.qr(_hermitian(4, seed))[0], wires=[2, 0])
        if change == "control values":
            ctrl(RX, 0, [turned])(0.8, wires=2)
        if change == "wires":
            CNOT([0, 2] if turned else [2, 0])
        observable: Sentence | Any = Z(0) @ X(2)
        if change == "a word":
            observable = Y(2) if turned else X(2)
        if change == "an observable":
            observable = Hermitian(_hermitian(4, seed), [0, 2])
        return expval(observable), var(observable), probs(wires=[2, 0] if turned else [0, 2])

    return circuit
