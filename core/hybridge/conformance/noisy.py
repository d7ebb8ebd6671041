"""The kit's items for noise models: as if their channels were written into the circuit, and bits misread."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Sequence
from functools import reduce
from typing import Any, ClassVar, NamedTuple

import numpy as np

from hybridge.circuit import counts, density_matrix, expval, probs, sample, var
from hybridge.conformance import reference
from hybridge.conformance.channels import entangled, read
from hybridge.conformance.items import over
from hybridge.conformance.kit import Conformance
from hybridge.conformance.rows import Example
from hybridge.conformance.statistics import allowance, probs_allowance
from hybridge.conformance.under_test import SHOTS, close, strict
from hybridge.device import Device
from hybridge.interfaces.derivatives import jacobian
from hybridge.noise.model import NoiseModel
from hybridge.operations.qubit_channels import (
    AmplitudeDamping,
    DepolarizingChannel,
    PauliError,
    PhaseDamping,
    QubitChannel,
    ThermalRelaxationError,
)
from hybridge.operations.qubit_entangling import CNOT
from hybridge.operations.qubit_gates import RX, RY, RZ, X, Y, Z
from hybridge.pytree import flatten
from hybridge.qnode import QNode
from hybridge.recording import record

Wires = Sequence[Hashable]
After = Callable[[str, tuple[Hashable, ...]], Any]


class Noise(NamedTuple):
    """A model for wires w, what it does after each gate, and what it does at the end of the circuit."""

    name: str
    model: Callable[[Wires], NoiseModel]
    after: Callable[[Wires, str, tuple[Hashable, ...]], Any] = lambda w, gate, on: None
    end: Callable[[Wires], Any] = lambda w: None

    def __str__(self) -> str:
        return self.name

    def written(self, function: Callable[..., Any], w: Wires) -> Callable[..., None]:
        """The function, which records gates, with the channels among them."""

        def noisy(*args: Any) -> None:
            for applied in record(function, *args)[0]:
                applied.operation(*applied.params, wires=applied.wires)
                self.after(w, applied.operation.name, applied.wires)
            self.end(w)

        return noisy


def each(names: Sequence[str], channel: Any, *args: Any, only: Sequence[int] = (0, 1, 2)) -> Any:
    """The channel on each wire of these gates that is one of `only`."""

    def after(w: Wires, gate: str, on: tuple[Hashable, ...]) -> None:
        for wire in on if gate in names else ():
            if w.index(wire) in only:
                channel(*args, wires=wire)

    return after


def ends(*channels: tuple[Any, ...]) -> Callable[[Wires], None]:
    """The channels on each wire."""

    def end(w: Wires) -> None:
        for wire in w:
            for channel, *args in channels:
                channel(*args, wires=wire)

    return end


TWO = [np.sqrt(0.8) * np.eye(4), np.sqrt(0.2) * np.kron([[0, 1], [1, 0]], [[1, 0], [0, -1]])]
TIMES = (0.1, 50.0, 60.0, 7.0)

NOISES = (
    Noise(
        "after a gate",
        lambda w: NoiseModel().after("CNOT", DepolarizingChannel, 0.1),
        each(["CNOT"], DepolarizingChannel, 0.1),
    ),
    Noise(
        "on one wire",
        lambda w: NoiseModel().after(["RX", "CNOT"], AmplitudeDamping, 0.3, wires=[w[1]]),
        each(["RX", "CNOT"], AmplitudeDamping, 0.3, only=[1]),
    ),
    Noise(
        "on both wires together",
        lambda w: NoiseModel().after("CNOT", QubitChannel, TWO),
        lambda w, gate, on: QubitChannel(TWO, wires=on) if gate == "CNOT" else None,
    ),
    Noise(
        "on wires in their order",
        lambda w: NoiseModel().after("CNOT", PauliError, "XZ", 0.3, wires=(w[0], w[1])),
        lambda w, gate, on: PauliError("XZ", 0.3, wires=on) if on == (w[0], w[1]) else None,
    ),
    Noise(
        "after every gate",
        lambda w: NoiseModel().after("all", ThermalRelaxationError, *TIMES, but=["RZ"]),
        each(["RY", "RX", "CNOT"], ThermalRelaxationError, *TIMES),
    ),
    Noise(
        "before measurement",
        lambda w: (
            NoiseModel()
            .before_measurement(AmplitudeDamping, 0.2)
            .before_measurement(PhaseDamping, 0.1)
            .after("RY", PhaseDamping, 0.3)
        ),
        each(["RY"], PhaseDamping, 0.3),
        ends((AmplitudeDamping, 0.2), (PhaseDamping, 0.1)),
    ),
    Noise("a gate by mistake", lambda w: NoiseModel().after("RY", RX, 0.3), each(["RY"], RX, 0.3)),
)
PURE = {"a gate by mistake"}  # what devices of pure states run too
CHANNEL = Example("QubitChannel", QubitChannel.of(1, [np.eye(2)]), ())


def then(gates: Callable[..., None], measured: Callable[[], Any]) -> Callable[..., Any]:
    """The circuit of these gates and measurements."""

    def circuit(*args: Any) -> Any:
        gates(*args)
        return measured()

    return circuit


class UnderNoise(Conformance):
    """The kit for the device with a noise model."""

    noise: NoiseModel | None = None

    def make(
        self, wires: Any = None, shots: int | None = None, seed: int | None = None, **changed: Any
    ) -> Device:
        made = super().make(wires, shots, seed, **changed)
        made._noise = self.noise
        return made

    def under(self, model: NoiseModel | None) -> UnderNoise:
        """The same kit, its device under this model."""
        found = copy.copy(self)
        found.noise = model
        return found

    def slopes_agree(self, plain: Callable[..., Any], written: Callable[..., Any], wires: Any) -> None:
        """Derivatives, by every method there is, against differences of the reference."""
        node, point = self.node(plain, wires), np.array([0.4, -0.7])
        intended = QNode(written, node.device)
        flat = lambda x: np.concatenate([np.ravel(v) for v in self.expected(intended, x)])
        exact = reference.jacobian(flat, point)
        for diff_method in ("best", "parameter-shift"):
            found = flatten(jacobian(node.update(diff_method=diff_method))(point))[0]
            slopes = np.concatenate([np.reshape(v, (-1, *point.shape)) for v in found])
            close(slopes, exact, self.gradient_tolerance, f"the gradient by {diff_method}")


# ---- qubits -------------------------------------------------------------------------------------------


class Read(NamedTuple):
    """A measurement of wires w, and its value from the state and from how bits are read."""

    name: str
    measure: Callable[[Wires], Any]
    value: Callable[[Any, Callable[..., np.ndarray], Wires], Any]
    spread: float = 1.0

    def __str__(self) -> str:
        return self.name


def parity(p: np.ndarray) -> float:
    """The mean of the product of signs."""
    signs: np.ndarray = reduce(np.kron, [np.array([1.0, -1.0])] * (len(p).bit_length() - 1))
    return float(signs @ p)


READINGS = (
    Read("Z", lambda w: expval(Z(w[1])), lambda s, r, w: parity(r(s, Z(w[1]).as_observable()))),
    Read("a word", lambda w: expval(X(w[0]) @ Y(w[2])), lambda s, r, w: parity(r(s, X(w[0]) @ Y(w[2])))),
    Read(
        "a sum",
        lambda w: expval(X(w[0]) - 0.5 * Z(w[1]) @ Z(w[0]) + 2 * Z(w[2])),
        lambda s, r, w: (
            parity(r(s, X(w[0]).as_observable()))
            - 0.5 * parity(r(s, Z(w[1]) @ Z(w[0])))
            + 2 * parity(r(s, Z(w[2]).as_observable()))
        ),
        3.5,
    ),
    Read(
        "a variance",
        lambda w: var(Y(w[1])),
        lambda s, r, w: 1 - parity(r(s, Y(w[1]).as_observable())) ** 2,
        2.0,
    ),
    Read("probs", lambda w: probs(wires=[w[2], w[0]]), lambda s, r, w: r(s, None, (w[2], w[0]))),
    Read("probs of a word", lambda w: probs(op=X(w[0]) @ Y(w[1])), lambda s, r, w: r(s, X(w[0]) @ Y(w[1]))),
)


class NoisyQubits(UnderNoise):
    """What a qubit device does under a noise model; one without channels refuses those of a model."""

    @over(noise=NOISES)
    def test_noise_model(self, noise: Noise) -> None:
        """Every result is that of the circuit with the channels written into it."""
        w = (2, 0, 1)

        def gates() -> None:
            entangled(w)
            RX(0.3, wires=w[1])

        def measured() -> Any:
            found = read(w)
            if "density_matrix" in self.capabilities.measurements:
                found.append(density_matrix(w[::-1]))
            return found

        circuit, meant = then(gates, measured), then(noise.written(gates, w), measured)
        kit = self.under(noise.model(w))
        if self.can(CHANNEL) or noise.name in PURE:
            kit.agree(circuit, wires=3, meant=meant)
        else:
            kit.refused(circuit, wires=3)

    @over(noise=NOISES)
    def test_gradient_under_noise(self, noise: Noise) -> None:
        """Rules stay exact: channels without numbers stand between the gates."""

        def gates(x: Any) -> None:
            entangled((0, 1))
            RY(x[0], wires=0)
            CNOT([0, 1])
            RX(x[1], wires=1)

        def measured() -> Any:
            return expval(X(0) @ Z(1) + 0.5 * Y(0)), var(Z(1)), probs(wires=[1, 0])

        kit = self.under(noise.model((0, 1)))
        if self.capabilities.exact and (self.can(CHANNEL) or noise.name in PURE):
            kit.slopes_agree(then(gates, measured), then(noise.written(gates, (0, 1)), measured), 2)

    def test_noise_of_idle_wires(self) -> None:
        """One wire waits while two others meet, in each layer once."""
        w = ("b", "a", 7)

        def circuit(wait: Callable[[Hashable], Any]) -> Any:
            for k, wire in enumerate(w):
                RY(0.4 + k, wires=wire)
            CNOT([w[0], w[1]])
            wait(w[2])
            CNOT([w[1], w[2]])
            wait(w[0])
            return read(w)

        kit = self.under(NoiseModel().idle(AmplitudeDamping, 0.3))
        if self.can(CHANNEL):
            kit.agree(
                lambda: circuit(lambda wire: None),
                wires=w,
                meant=lambda: circuit(lambda wire: AmplitudeDamping(0.3, wires=wire)),
            )

    def test_noise_of_a_batch(self) -> None:
        """Channels are the same for every row."""

        def gates(x: Any) -> None:
            RY(x, wires=0)
            CNOT([0, 1])
            RZ(2 * x, wires=1)
            RX(x, wires=1)

        noise = NOISES[1]
        kit, measured = self.under(noise.model((0, 1))), lambda: (expval(X(1)), probs(wires=[1, 0]))
        if self.can(CHANNEL):
            points, written = np.array([0.3, -1.1, 2.0]), noise.written(gates, (0, 1))
            kit.agree(then(gates, measured), points, wires=2, meant=then(written, measured))

    # ---- readout ---------------------------------------------------------------------------------

    MISREAD: ClassVar[NoiseModel] = NoiseModel().readout(0.1, 0.25).readout(0.3, 0.05, wires=[0])

    def _read(self, state: Any, observable: Any = None, wires: Wires = ()) -> np.ndarray:
        """(2^k,): probabilities of what is read, on these wires or in the basis of an observable."""
        on = tuple(wires or observable.wires)
        tables = {0: [[0.7, 0.3], [0.05, 0.95]]}
        whole: np.ndarray = reduce(np.kron, [np.array(tables.get(w, [[0.9, 0.1], [0.25, 0.75]])) for w in on])
        return state.probs(on, observable) @ whole

    def _circuit(self, measure: Callable[[Wires], Any]) -> Callable[[], Any]:
        def circuit() -> Any:
            entangled((0, 1, 2))
            return measure((0, 1, 2))

        return circuit

    @over(reading=READINGS)
    def test_readout_errors(self, reading: Read) -> None:
        """Exact values, and those from shots, are of what is read."""
        for shots in (None, SHOTS):
            if shots is not None and self.refuses_shots():
                continue
            node = self.under(self.MISREAD).node(self._circuit(reading.measure), 3, shots, 41)
            with strict():
                found = node()
            state: Any = reference.final_state(node.circuit(), node.record().numbers)
            exact = np.asarray(reading.value(state, self._read, (0, 1, 2)))
            allowed: Any = self.tolerance
            if node.shots is not None:
                allowed = allowance(reading.spread, 2 * reading.spread, SHOTS)
                allowed = probs_allowance(exact, SHOTS) if exact.ndim else allowed
            close(found, exact, allowed, reading.name)

    def test_readout_errors_of_single_shots(self) -> None:
        """Samples and counts, in the order asked for."""
        if self.refuses_shots():
            return
        kit = self.under(self.MISREAD)
        node = kit.node(self._circuit(lambda w: counts(wires=[w[2], w[0]])), 3, SHOTS, 42)
        with strict():
            counted = node()
            drawn = kit.node(self._circuit(lambda w: sample(wires=[w[2], w[0]])), 3, SHOTS, 43)()
        exact = self._read(reference.final_state(node.circuit(), node.record().numbers), None, (2, 0))
        for found in (
            [counted.get(format(b, "02b"), 0) / SHOTS for b in range(4)],
            [float(np.mean(drawn @ np.array([2, 1]) == b)) for b in range(4)],
        ):
            close(found, exact, probs_allowance(exact, SHOTS), "what is read")

    def test_readout_errors_leave_states_alone(self) -> None:
        """A density matrix is that of the device, whatever is misread."""
        if "density_matrix" in self.capabilities.measurements:
            self.under(self.MISREAD).agree(self._circuit(lambda w: density_matrix([w[2], w[0]])), wires=3)

    def test_gradient_of_what_is_misread(self) -> None:
        """Against differences, where the device's own derivatives would be of other values."""
        if not self.capabilities.exact:
            return

        def circuit(x: Any) -> Any:
            entangled((0, 1))
            RX(x, wires=0)
            CNOT([0, 1])
            return expval(Z(0) @ Z(1)), probs(wires=[1, 0])

        node, step = self.under(self.MISREAD).node(circuit, 2), 1e-4
        values = [np.concatenate([np.ravel(v) for v in flatten(node(0.4 + s))[0]]) for s in (step, -step)]
        found = np.concatenate([np.ravel(v) for v in flatten(jacobian(node)(0.4))[0]])
        close(found, (values[0] - values[1]) / (2 * step), 1e-6 + self.tolerance / step, "the gradient")

    def test_a_device_without_a_model_has_no_noise(self) -> None:
        """Whatever other devices of its kind have."""
        circuit = self._circuit(lambda w: [expval(Z(w[0])), probs(wires=[w[1]])])
        self.under(self.MISREAD).node(circuit, 3, None)()
        self.under(None).agree(circuit, wires=3)
