"""hb.from_qiskit_noise and hb.to_qiskit_noise: noise models from a backend's calibration, and as Aer's own.

Conventions are translated. A calibration has for each gate its average infidelity e = 1 - F and its duration;
F is that of a thermal relaxation with the qubits' T1 and T2 behind a depolarizing channel, which is therefore
weaker than e alone would make it (the assumption of qiskit_aer.noise.NoiseModel.from_backend). Qiskit's
depolarizing parameter L mixes with the identity, rho -> (1 - L) rho + L 1/d, and L = 4^k/(4^k - 1) p for
Pauli words of total probability p: 4p/3 for the table's DepolarizingChannel(p) on one wire.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from qiskit.providers import BackendV2
from qiskit.quantum_info import Kraus
from qiskit.transpiler import Target
from qiskit_aer.noise import NoiseModel as AerModel
from qiskit_aer.noise import QuantumError
from qiskit_aer.noise import ReadoutError as AerReadoutError

from hybridge.plugin import (
    FAMILIES,
    ROWS,
    Circuit,
    Family,
    Format,
    FormatError,
    Instruction,
    NoiseModel,
    Operation,
    adjoint_row,
    noisy,
)

# the rows that Qiskit has under a name of its own, up to a phase of the whole state
NAMES: dict[str, Operation | Family] = {
    "x": ROWS["X"],
    "y": ROWS["Y"],
    "z": ROWS["Z"],
    "h": ROWS["H"],
    "s": ROWS["S"],
    "sdg": adjoint_row(ROWS["S"]),
    "t": ROWS["T"],
    "tdg": adjoint_row(ROWS["T"]),
    "sx": ROWS["SX"],
    "sxdg": adjoint_row(ROWS["SX"]),
    "id": FAMILIES["I"],
    "rx": ROWS["RX"],
    "ry": ROWS["RY"],
    "rz": ROWS["RZ"],
    "p": ROWS["PhaseShift"],
    "u3": ROWS["U3"],
    "cx": ROWS["CNOT"],
    "cy": ROWS["CY"],
    "cz": ROWS["CZ"],
    "ch": ROWS["CH"],
    "ecr": ROWS["ECR"],
    "swap": ROWS["SWAP"],
    "iswap": ROWS["ISWAP"],
    "crx": ROWS["CRX"],
    "cry": ROWS["CRY"],
    "crz": ROWS["CRZ"],
    "cp": ROWS["ControlledPhaseShift"],
    "rxx": ROWS["IsingXX"],
    "ryy": ROWS["IsingYY"],
    "rzz": ROWS["IsingZZ"],
    "ccx": ROWS["Toffoli"],
    "ccz": ROWS["CCZ"],
    "cswap": ROWS["CSWAP"],
}
FAMILY_WIRES = {"I": 1}
# turned by the choice of a frame where a machine has rz: no pulse, no error
VIRTUAL = ("rz", "p", "z", "s", "sdg", "t", "tdg")
PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


class QiskitNoise(Format):
    """Reads the calibration of a BackendV2 or a Target; writes a qiskit_aer.noise.NoiseModel."""

    def read(self, source: Any) -> NoiseModel:
        """The noise of a machine, its qubit w being wire w, from what it says of its gates and its readout.

        Gates that the machine has by name take their own errors. Others on one wire take that of its "sx"
        (those that rz does by turning the frame: none), others on two wires that of the best gate that the
        machine has there, in either direction. Wider gates, and wires that are not coupled, are refused when
        a circuit has them: a machine would not run them as they are. Raises FormatError where there is no
        calibration.
        """
        target = source.target if isinstance(source, BackendV2) else source
        if not isinstance(target, Target):
            what = f"a backend (BackendV2) or a Target has a calibration; got {type(source).__name__}"
            raise FormatError(self.name, what)
        if target.num_qubits is None or not _errors(target):
            raise FormatError(self.name, "this target has no errors and durations of its gates")
        return _with_readout(_with_gates(NoiseModel(), target), target)

    def write_noise(self, model: NoiseModel) -> AerModel:
        """The model for Aer, whose qubit w is wire w: an error for each gate by Qiskit's name of it.

        Raises FormatError for what Aer's models do not have: idle wires, noise before measurements, noise on
        some wires of wider gates, gates that Qiskit has no name for, labels that are no numbers, wires that
        are read together.
        """
        return _written(model, self.name)


# ---- reading a calibration ----------------------------------------------------------------------------


class Error(NamedTuple):
    """What one gate does on these wires: depolarizing parameter, then relaxation (t1, t2, time) of each."""

    wires: tuple[int, ...]
    depolarizing: float
    relaxation: tuple[tuple[float, float, float], ...]

    @property
    def kraus(self) -> list[list[np.ndarray]]:
        """The Kraus operators of both, as far as they are there."""
        k = len(self.wires)
        found = []
        if self.depolarizing:
            words = _products([PAULIS] * k)
            p = self.depolarizing / 4**k
            weights = [1 - p * (4**k - 1), *[p] * (4**k - 1)]
            found.append([np.sqrt(w) * word for w, word in zip(weights, words, strict=True)])
        if self.relaxation:
            each = [np.asarray(ROWS["ThermalRelaxationError"].definition(0.0, *r)) for r in self.relaxation]  # type: ignore[misc]
            found.append(_products(each))
        return found

    def turned(self) -> Error:
        """The same on two wires in the other order."""
        return Error(self.wires[::-1], self.depolarizing, self.relaxation[::-1])


def _products(factors: list[np.ndarray]) -> list[np.ndarray]:
    found = [np.eye(1)]
    for operators in factors:
        found = [np.kron(a, b) for a, b in product(found, operators)]
    return [k for k in found if np.abs(k).max() > 0]


def _errors(target: Target) -> dict[str, dict[tuple[int, ...], Error]]:
    """By Qiskit's name of a gate, and by wires; gates of which nothing is known are left out."""
    found: dict[str, dict[tuple[int, ...], Error]] = {}
    for name in target.operation_names:
        for wires, properties in (target[name] or {}).items() if name in NAMES else ():
            if wires is not None and properties is not None:
                error = _error(target, wires, properties.error or 0.0, properties.duration or 0.0)
                found.setdefault(name, {})[wires] = error
    return found


def _error(target: Target, wires: tuple[int, ...], infidelity: float, duration: float) -> Error:
    d, relaxation = 2 ** len(wires), ()
    fidelity = 1.0  # average, of the relaxation
    if duration and target.qubit_properties is not None:
        times = [_times(target.qubit_properties[w]) for w in wires]
        relaxation = tuple((t1, t2, duration) for t1, t2 in times)
        kraus = Error(wires, 0.0, relaxation).kraus[0]
        fidelity = (sum(abs(np.trace(k)) ** 2 for k in kraus) / d + 1) / (d + 1)
    lost = min(infidelity, d / (d + 1)) - (1 - fidelity)
    depolarizing = d * lost / (d * fidelity - 1) if lost > 0 else 0.0
    return Error(wires, min(depolarizing, d**2 / (d**2 - 1)), relaxation)


def _times(properties: Any) -> tuple[float, float]:
    """T1 and T2 in seconds; where one is not known, no such loss. T2 is at most 2 T1."""
    t1 = np.inf if properties is None or properties.t1 is None else properties.t1
    t2 = np.inf if properties is None or properties.t2 is None else properties.t2
    return t1, min(t2, 2 * t1)


def _with_gates(model: NoiseModel, target: Target) -> NoiseModel:
    errors = _errors(target)
    single = {name: on for name, on in errors.items() if len(next(iter(on))) == 1}
    double = {name: on for name, on in errors.items() if len(next(iter(on))) == 2}
    exact = [NAMES[name] for name in errors]
    for name, on in errors.items():
        for error in on.values():
            model = _after(model, NAMES[name], error)
    free = [NAMES[name] for name in VIRTUAL if "rz" in errors and name not in errors]
    pulses = single.get("sx") or single.get("x") or single.get("rx") or {}
    for error in pulses.values():
        model = _after(model, "all", error, but=[*exact, *free])
    pairs: dict[tuple[int, ...], Error] = {}
    for on in double.values():
        for wires, error in on.items():
            if wires not in pairs or _infidelity(error) < _infidelity(pairs[wires]):
                pairs[wires] = error
    pairs = {w[::-1]: e.turned() for w, e in pairs.items()} | pairs
    native = {w: {NAMES[name].name for name, on in double.items() if w in on} for w in pairs}
    for wires, error in pairs.items():
        model = _after(model, "all", error, but=sorted(native[wires]))
    model = model.only("all", wires=range(target.num_qubits), num_wires=1)
    return model.only("all", wires=list(pairs), num_wires=2) if pairs else model


def _infidelity(error: Error) -> float:
    return error.depolarizing + sum(time / t1 + time / t2 for t1, t2, time in error.relaxation)


def _after(model: NoiseModel, gates: Any, error: Error, but: Any = ()) -> NoiseModel:
    for kraus in error.kraus:
        place, size = [error.wires], len(error.wires)
        model = model.after(gates, FAMILIES["QubitChannel"], kraus, wires=place, num_wires=size, but=but)
    return model


def _with_readout(model: NoiseModel, target: Target) -> NoiseModel:
    for (wire,), properties in (target["measure"] if "measure" in target.operation_names else {}).items():
        if properties is None or properties.error is None:
            continue
        p01 = getattr(properties, "prob_meas1_prep0", properties.error)
        p10 = getattr(properties, "prob_meas0_prep1", properties.error)
        model = model.readout(p01, p10, wires=[wire])
    return model


# ---- writing Aer's model ------------------------------------------------------------------------------


def _written(model: NoiseModel, name: str) -> AerModel:
    found = AerModel()
    for rule in model.rules:
        if rule.when != "after" or rule.gates is None:
            raise FormatError(name, f"Aer's models have errors of gates alone; not '{rule}'")
        missing = {g for g in rule.gates.names or () if g not in {row.name for row in NAMES.values()}}
        if missing:
            raise FormatError(name, f"Qiskit has no name for the gate {min(missing)}, of '{rule}'")
    for label, thing in NAMES.items():
        row = thing if isinstance(thing, Operation) else thing.of(FAMILY_WIRES[thing.name])
        for wires in (None, *_places(model, row, name)):
            error = _quantum_error(model, row, wires)
            if error is not None and wires is None:
                found.add_all_qubit_quantum_error(error, label)
            elif error is not None:
                # in place of what is everywhere, which is part of it
                found.add_quantum_error(error, label, list(wires or ()), warnings=False)
    for wires, table in model.readouts:
        if len(table.array) > 2:
            raise FormatError(name, f"Aer reads qubits one by one; wires {list(wires or ())!r} are together")
        _check_numbers(wires or (), name)
        if wires is None:
            found.add_all_qubit_readout_error(AerReadoutError(table.array))
        else:
            found.add_readout_error(AerReadoutError(table.array), list(wires))
    return found


def _places(model: NoiseModel, row: Operation, name: str) -> Iterator[tuple[int, ...]]:
    """The wires on which errors of a gate are not those that it has everywhere."""
    places: dict[tuple[Any, ...], None] = {}
    for rule in model.rules:
        if rule.gates is None or not rule.gates.match(row):
            continue
        if rule.places.labels and row.num_wires > 1:
            raise FormatError(name, f"Aer's errors are of a gate on wires in order; not '{rule}'")
        placed = [w for w in rule.places.ordered if len(w) == row.num_wires]
        places.update(dict.fromkeys([*((w,) for w in rule.places.labels or ()), *placed]))
    for wires in places:
        _check_numbers(wires, name)
        yield wires


def _check_numbers(wires: tuple[Any, ...], name: str) -> None:
    if not all(isinstance(w, int) and w >= 0 for w in wires):
        raise FormatError(name, f"Aer's qubits are numbered; got wires {list(wires)!r}")


ELSEWHERE = ("a wire", "another", "a third")  # of which no rule speaks


def _quantum_error(model: NoiseModel, row: Operation, wires: tuple[int, ...] | None) -> QuantumError | None:
    """What follows a gate, as Aer's error: qubit 0 of the gate is least significant there."""
    on = ELSEWHERE[: row.num_wires] if wires is None else wires
    rules = NoiseModel(model.rules)
    _, *noise = noisy(Circuit((Instruction(row, on),), (), on), rules).instructions
    if not noise:
        return None
    total = QuantumError(Kraus(np.eye(2**row.num_wires)))
    for channel, at in noise:
        assert channel.definition is not None  # a row of constants
        kraus = np.asarray(channel.definition())
        kraus = kraus if kraus.ndim == 3 else kraus[None]
        k = len(at)
        axes = (0, *range(k, 0, -1), *range(2 * k, k, -1))
        turned = kraus.reshape(-1, *(2,) * 2 * k).transpose(axes).reshape(kraus.shape)
        total = total.compose(QuantumError(Kraus(list(turned))), qargs=[on.index(w) for w in at])
    return total
