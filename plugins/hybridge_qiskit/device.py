"""The device qiskit.aer: one parametrised Qiskit circuit per circuit, one Aer job for all tasks and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from qiskit import transpile
from qiskit.circuit import CircuitInstruction, ControlFlowOp, ControlledGate, QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from hybridge.plugin import QUBIT_CHANNELS, Circuit, Device, DeviceError, JobFailed, Task, UnsupportedCircuit
from hybridge_qiskit import AER
from hybridge_qiskit.channels import MARK, WORDS, is_of_words
from hybridge_qiskit.program import SAMPLED, Piece, Program, make_program
from hybridge_qiskit.translate import Gate, translate

ALL = AER.measurements
UNSTABLE = (QUBIT_CHANNELS - WORDS) | {"QubitDensityMatrix", "StatePrep"}  # what stabilizers do not hold
# What Aer's methods give: measurement kinds, and the rows they cannot run.
METHODS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "automatic": (ALL, frozenset()),
    "statevector": (ALL, frozenset({"QubitDensityMatrix"})),
    "density_matrix": (ALL - {"state"}, frozenset()),
    "matrix_product_state": (ALL, frozenset({"QubitDensityMatrix"})),
    "stabilizer": (ALL - {"state", "density_matrix"}, UNSTABLE),
    "extended_stabilizer": (SAMPLED, UNSTABLE),
}
# The options that are numbers: what they must be, of which type, and whether one is that.
NUMBERS: dict[str, tuple[str, type, Callable[[Any], bool]]] = {
    "max_parallel_threads": ("a whole number >= 0", Integral, lambda n: n >= 0),
    "max_memory_mb": ("a whole number >= 1", Integral, lambda n: n >= 1),
    "max_bond_dimension": ("a whole number >= 1", Integral, lambda n: n >= 1),  # of 0 Aer makes a state of 0
    "truncation_threshold": ("a number from 0 to 1", Real, lambda x: 0 <= x < 1),
    "approximation_error": ("a number between 0 and 1", Real, lambda x: 0 < x < 1),
}
SAMPLING = ("resampled_metropolis", "metropolis", "norm_estimation")  # of extended_stabilizer
MIXED = frozenset({"automatic", "density_matrix"})  # the methods that hold mixed states
DENSE = frozenset({"automatic", "statevector", "density_matrix"})  # the methods whose memory is exponential

# With a state of 2^LARGE numbers Aer starts to fuse gates and to have use for threads. Below, binding the
# rows inside the simulator instead of cloning the circuit halves a job's CPU time (4 wires, 32 rows, exact:
# 3.1 ms, not 5.9), and a second thread adds two thirds to a sampled one's without saving wall time. Above,
# fusing gates, which excludes binding inside, saves more (20 wires: 1.8 s, not 3.0).
LARGE = 14
# Up to so many wires method="automatic" samples a circuit with channels from its density matrix: 1000 shots
# on 2 wires take 5 ms, following each by itself 150.
MIXED_WIRES = 8
# A circuit that measures inside Aer runs shot by shot, 45 us each on 3 wires; deferred, 20,000 shots of it
# take 20 ms, not 0.9 s. Each measurement deferred may take a wire more, so there is an end to that.
DEFERRED_WIRES = 12


class Aer(Device):
    """Qiskit Aer's simulators, exact or sampled, ideal or noisy. Options:

    method                  automatic, statevector, density_matrix, matrix_product_state, stabilizer or
                            extended_stabilizer
    noise_model             a qiskit_aer.noise.NoiseModel, whose qubit w is wire w
    precision               "double" or "single"
    device                  "CPU", or "GPU" where Aer was built for it
    max_parallel_threads    None: one for a small circuit, every core for a large one; 0: every core
    max_memory_mb           how much Aer may take; None: all there is
    max_bond_dimension, truncation_threshold    of matrix_product_state; None: exact to rounding
    approximation_error, sampling_method        of extended_stabilizer: 0.05 and "resampled_metropolis", or
                            "metropolis", "norm_estimation", unless given

    With a noise model, gates it does not name are rewritten in those it does, so that its errors act. Exact
    results come from the density matrix; a model with errors of the readout, which only shots have, has none,
    nor have the methods that follow single trajectories. Raises DeviceError for a value Aer does not know.
    """

    capabilities = AER

    def __init__(
        self,
        wires: Any = None,
        shots: int | None = None,
        seed: int | None = None,
        *,
        method: str = "automatic",
        noise_model: NoiseModel | None = None,
        precision: str = "double",
        device: str = "CPU",
        max_parallel_threads: int | None = None,
        max_memory_mb: int | None = None,
        max_bond_dimension: int | None = None,
        truncation_threshold: float | None = None,
        approximation_error: float | None = None,
        sampling_method: str | None = None,
    ):
        super().__init__(wires, shots, seed)
        if method not in METHODS:
            known = ", ".join(METHODS)
            raise DeviceError(f"device {self.name!r} has no method {method!r}; its methods: {known}")
        if precision not in ("double", "single"):
            raise DeviceError(f"device {self.name!r} has precision 'double' and 'single'; got {precision!r}")
        present = AerSimulator().available_devices()
        if device not in present:
            raise DeviceError(
                f"device {self.name!r} runs on {', '.join(present)} here; got device={device!r}"
            )
        if sampling_method is not None and sampling_method not in SAMPLING:
            known = ", ".join(SAMPLING)
            raise DeviceError(
                f"device {self.name!r} has the sampling methods {known}; got {sampling_method!r}"
            )
        if not isinstance(noise_model, NoiseModel | None):
            what = f"a qiskit_aer.noise.NoiseModel as noise_model; got {type(noise_model).__name__}"
            raise DeviceError(f"device {self.name!r} needs {what} {noise_model!r}")
        self._method, self._precision = method, precision
        self._threads = self._number("max_parallel_threads", max_parallel_threads)
        self.precision = float(np.finfo(np.float64 if precision == "double" else np.float32).eps)
        self._noisy = noise_model is not None and not noise_model.is_ideal()
        kinds, impossible = METHODS[method]
        if self._noisy:
            kinds -= {"state"}
            if method not in MIXED or "measure" in noise_model.noise_instructions:  # type: ignore[union-attr]
                kinds &= SAMPLED
        self.capabilities = replace(  # type: ignore[misc]
            AER,
            operations=AER.operations - impossible,
            measurements=kinds,
            exact=not kinds <= SAMPLED,
            mid_circuit=frozenset() if method == "extended_stabilizer" else AER.mid_circuit,
        )
        options = {
            "noise_model": noise_model,
            "precision": precision,
            "device": device,
            "max_memory_mb": self._number("max_memory_mb", max_memory_mb),
            "matrix_product_state_max_bond_dimension": self._number("max_bond_dimension", max_bond_dimension),
            "matrix_product_state_truncation_threshold": self._number(
                "truncation_threshold", truncation_threshold
            ),
            "extended_stabilizer_approximation_error": self._number(
                "approximation_error", approximation_error
            ),
            "extended_stabilizer_sampling_method": sampling_method,
        }
        given = {name: value for name, value in options.items() if value is not None}
        self._simulator = AerSimulator(method=method, **given)
        # for states that are mixed from the start, and for what a noise model makes of a state exactly
        self._mixed = AerSimulator(method="density_matrix", **given) if method in MIXED else None

    def _number(self, option: str, value: Any) -> int | float | None:
        """The value as Aer takes it: numpy's numbers it does not."""
        what, kind, fits = NUMBERS[option]
        if value is None:
            return None
        if not isinstance(value, kind) or isinstance(value, bool) or not fits(value):
            raise DeviceError(f"device {self.name!r} needs {what} as {option}; got {value!r}")
        return int(value) if kind is Integral else float(value)

    def compile(self, circuit: Circuit) -> Program:
        """ONE Qiskit circuit, its angles free, for every row; gates the method lacks are rewritten by Qiskit.

        Raises UnsupportedCircuit where Qiskit cannot.
        """
        gates = translate(circuit.instructions, phased=any(m.kind == "state" for m in circuit.measurements))
        density = self._method == "density_matrix" or any(g.name == "density" for g in gates)
        density |= self._noisy and self._mixed is not None
        mixed = self._mixes(gates, circuit)
        rewrite = partial(self._rewritten, target=self._mixed if density or mixed else self._simulator)
        words = METHODS[self._method][1] is UNSTABLE
        for g in gates if words else ():
            if g.channel is not None and not is_of_words(g.channel):
                what = f"{g.channel.name} of operators that are no Pauli words with method={self._method!r}"
                raise UnsupportedCircuit(self.name, what, "use method='automatic'")
        size = len(circuit.wires)
        return make_program(gates, circuit.measurements, size, density or mixed, mixed, words, rewrite)

    def _mixes(self, gates: Sequence[Gate], circuit: Circuit) -> bool:
        """Whether channels make it a circuit to be run as a density matrix, rather than shot by shot."""
        channels = any(g.channel is not None for g in gates)
        sampled = any(m.kind in SAMPLED for m in circuit.measurements)
        if channels and not sampled and self._mixed is None:
            what = f"channels exactly with method={self._method!r}"
            raise UnsupportedCircuit(self.name, what, "use method='density_matrix', or shots")
        small = len(circuit.wires) <= MIXED_WIRES and all(g.bit < 0 for g in gates)
        return channels and self._mixed is not None and (not sampled or small)

    def _rewritten(self, body: QuantumCircuit, target: AerSimulator) -> QuantumCircuit:
        """The circuit in the gates this simulator runs: nearly always itself."""
        if _names(body) <= set(target.configuration().basis_gates):
            return body
        try:
            body = transpile(body, target, optimization_level=0)
        except QiskitError as error:
            what = f"these gates with method={self._method!r}: {error.message}"
            raise UnsupportedCircuit(self.name, what, "use method='automatic'") from error
        for gate in _steps(body):
            if gate.is_parameterized() and isinstance(gate.operation, ControlledGate):  # see translate.py
                what = f"an angle in Qiskit's {gate.name}, to which its noise model leads"
                raise UnsupportedCircuit(self.name, what, "name errors of cx instead")
        return body

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """ONE job for all tasks and rows; where their numbers of shots differ, one for each number."""
        jobs: dict[tuple[int | None, bool], list[int]] = {}
        for i, task in enumerate(tasks):
            if task.program.sampled and task.shots is None:
                raise UnsupportedCircuit(self.name, "sample without shots", "use shots=1000")
            shots = task.shots if task.program.sampled else None
            jobs.setdefault((shots, self._on_mixed(task)), []).append(i)
        found: dict[int, np.ndarray] = {}
        for (shots, mixed), members in jobs.items():
            found |= zip(members, self._submit([tasks[i] for i in members], shots, mixed), strict=True)
        return [found[i] for i in range(len(tasks))]

    def _on_mixed(self, task: Task) -> bool:
        """Whether the task needs the simulator of density matrices, whatever the method would choose."""
        return task.program.mixed or (self._noisy and not task.program.sampled)

    def _submit(self, tasks: Sequence[Task], shots: int | None, mixed: bool) -> list[np.ndarray]:
        """ONE Aer job: the results of each task."""
        work = [task.program.pieces(task.params) if len(task.params) else [] for task in tasks]
        pieces = [piece for own in work for piece in own]
        saved = iter(self._job(tasks, pieces, shots, mixed) if pieces else [])
        found = []
        for task, own in zip(tasks, work, strict=True):
            rows: list[Any] = [None] * len(task.params)
            for piece in own:
                for row in piece.rows:
                    rows[row] = next(saved)
            found.append(task.program.read(rows, shots))
        return found

    def _job(
        self, tasks: Sequence[Task], pieces: Sequence[Piece], shots: int | None, mixed: bool
    ) -> list[Any]:
        """What Aer saved for each row of each piece, in order."""
        small = max(t.program.size for t in tasks) < LARGE
        options = {
            "shots": shots or 1,
            "max_parallel_threads": (1 if small else 0) if self._threads is None else self._threads,
            # with jumps in a circuit, binding inside ends the process (seen in Aer 0.18.2)
            "runtime_parameter_bind_enable": small and not any(t.program.dynamic for t in tasks),
        }
        if shots is not None:
            single = any(not t.program.counted for t in tasks)
            options |= {"memory": single, "seed_simulator": self._seed(tasks)}
        simulator = self._mixed if mixed else self._simulator
        circuits, binds = [piece.circuit for piece in pieces], [piece.binds for piece in pieces]
        try:
            result = simulator.run(circuits, parameter_binds=binds, **options).result()
        except QiskitError as error:
            raise JobFailed(self.name, error.message) from error
        if not result.success:
            reasons = [result.status, *(row.status for row in result.results if not row.success)]
            raise JobFailed(self.name, "; ".join(dict.fromkeys(reasons)))
        rows = sum(len(piece.rows) for piece in pieces)
        if len(result.results) != rows:  # so it shows where Aer finds no angle to bind, see translate.py
            raise JobFailed(self.name, f"Aer gave {len(result.results)} results for {rows} rows")
        return [row.data for row in result.results]  # Result.data(i) would search and copy

    def _seed(self, tasks: Sequence[Task]) -> int:
        """The seed of a job, fixed by its tasks' seeds.

        Aer gives its rows the seeds s, s + 2113, s + 4226, ...: independent of each other, but row 1 of s is
        row 0 of s + 2113. Seeds a user writes may differ so; 62 mixed bits do not.
        """
        seeds = [self.next_seed() if t.seed is None else t.seed for t in tasks]
        return int(np.random.SeedSequence(seeds).generate_state(1, np.uint64)[0] >> 2)

    def measures_inside(self, num_wires: int, deferred: int) -> bool:
        """Where noise acts on measurements, where deferring takes gates the method lacks, or many wires."""
        return self._noisy or self._method == "stabilizer" or deferred > DEFERRED_WIRES

    def memory(self, num_wires: int) -> int:
        """Bytes of a row at its peak: the state in Aer, as saved, as returned; 0 where Aer compresses it."""
        if self._method not in DENSE:
            return 0
        mixed = self._method == "density_matrix" or (self._noisy and self._mixed is not None)
        number = 16 if self._precision == "double" else 8
        return (2 * number + 16) * 2 ** (num_wires * (2 if mixed else 1))


def _steps(circuit: QuantumCircuit) -> Iterator[CircuitInstruction]:
    """The instructions of a circuit and of its blocks, but for the marks of channels."""
    for step in circuit.data:
        if isinstance(step.operation, ControlFlowOp):
            for block in step.operation.blocks:
                yield from _steps(block)
        elif not (step.name == "barrier" and (step.operation.label or "").startswith(MARK)):
            yield step


def _names(circuit: QuantumCircuit) -> set[str]:
    return {step.name for step in _steps(circuit)} - {"measure", "reset"}
