"""The kit's items for rows on qubits: each alone, changed by modifiers, and at random."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from hybridge.circuit import density_matrix, expval, probs, state, var
from hybridge.conformance import reference
from hybridge.conformance.items import over
from hybridge.conformance.qubit_circuits import ket, paulis, prepare, scramble
from hybridge.conformance.qubit_under_test import QubitUnderTest
from hybridge.conformance.reference.qubit import kraus
from hybridge.conformance.rows import CHANCES, PLACEMENTS, Example, Placement, examples, numbers
from hybridge.errors import CircuitError, UnsupportedCircuit
from hybridge.operations.derived import controlled, power
from hybridge.operations.modifiers import adjoint, ctrl
from hybridge.operations.qubit_entangling import CNOT
from hybridge.operations.qubit_gates import RX, RZ, H, X, Y, Z
from hybridge.operations.qubit_states import BasisState, QubitDensityMatrix, StatePrep
from hybridge.operations.qubit_unitaries import QubitUnitary

Wires = Sequence[Hashable]

ROWS = examples("qubit", CHANCES)
GATES = [e for e in ROWS if e.operation.kind == "gate"]
SMALL = [e for e in GATES if 0 < e.operation.num_wires <= 3]


class QubitRows(QubitUnderTest):
    """Every row on wires out of order, against its definition."""

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
        amplitudes = ket(2**k, 9)
        rho = 0.6 * np.outer(amplitudes, amplitudes.conj()) + 0.4 * np.eye(2**k) / 2**k
        chosen = {
            "BasisState": lambda: BasisState([1, 0, 1][:k], wires=wires),
            "StatePrep": lambda: StatePrep(amplitudes, wires=wires),
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
