"""The device qiskit.backend: any Qiskit BackendV2 or V2 primitive, given all rows of all tasks as PUBs."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from numbers import Integral, Real
from typing import Any

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.primitives import BackendSamplerV2, BaseEstimatorV2, BaseSamplerV2, StatevectorSampler
from qiskit.primitives.backend_sampler_v2 import Options
from qiskit.providers import BackendV2
from qiskit.transpiler import PassManager, generate_preset_pass_manager

from hybridge.plugin import Circuit, Device, DeviceError, JobFailed, Task, UnsupportedCircuit
from hybridge_qiskit import BACKEND
from hybridge_qiskit.backend_program import Estimates, Program, make_estimates, make_program
from hybridge_qiskit.translate import translate

IDS_KEPT = 1000
ESTIMATOR = dataclasses.replace(
    BACKEND,
    measurements=frozenset({"expval"}),
    observables=frozenset({"pauli"}),
    exact=True,
    shots=False,
)
SET_HERE = frozenset({"default_shots", "seed_simulator"})  # by the device's shots and seed
OPTIONS = tuple(f.name for f in dataclasses.fields(Options) if f.name not in SET_HERE)
OWN = frozenset({"shots", "memory", "seed_simulator"})  # what BackendSamplerV2 gives to backend.run itself
INSIDE = {"reset": "reset", "if_else": "conditional"}  # a target's names, and what they are to the core
TRANSPILER = tuple(
    name
    for name in inspect.signature(generate_preset_pass_manager).parameters
    if name
    not in ("backend", "target", "optimization_level", "initial_layout", "seed_transpiler", "_skip_target")
)


class Backend(Device):
    """A Qiskit backend or primitive, real or fake. It takes shots, of which every result is made. Options:

    backend             a BackendV2, for which circuits are transpiled; without `sampler` it runs them, too:
                        by its `run`, or, an IBMBackend, by Qiskit Runtime's Sampler
    mode                a Session or Batch of Qiskit Runtime, of which every job is then a part, or a backend
                        for its local testing mode; in place of backend and sampler
    sampler             a SamplerV2 that runs the circuits, or a function of a seed that makes one for a job.
                        Circuits are transpiled for its own backend where it names one. Without backend and
                        sampler it is Qiskit's StatevectorSampler: ideal, and nothing is transpiled
    estimator           an EstimatorV2 in place of a sampler: with shots=None it gives expectation values of
                        Pauli sums, and nothing else, to its own precision
    precision           of an estimator: the standard error to aim at; None: its default. StatevectorEstimator
                        is exact by default
    options             of the sampler made for `backend` or `mode`, a dict: run_options, a dict for
                        backend.run; or, of Qiskit Runtime's Sampler, its options by name
    optimization_level  of the transpiler, 0 to 3
    initial_layout      the backend's qubit for each wire, in the order of the wires
    seed_transpiler     None: the device's seed
    transpiler          further arguments of qiskit.transpiler.generate_preset_pass_manager, a dict
    pass_manager        a PassManager in place of all these

    All tasks of a call are one job, one for each number of shots where those differ: a PUB for each circuit,
    with all of its rows. A circuit is transpiled once. `jobs` has the ids of the jobs, the newest last.
    Raises DeviceError for an option of the wrong type or name.
    """

    capabilities = BACKEND

    def __init__(
        self,
        wires: Any = None,
        shots: int | None = None,
        seed: int | None = None,
        *,
        backend: BackendV2 | None = None,
        mode: Any = None,
        sampler: BaseSamplerV2 | Callable[[int], BaseSamplerV2] | None = None,
        estimator: BaseEstimatorV2 | None = None,
        precision: float | None = None,
        options: Mapping[str, Any] | None = None,
        optimization_level: int = 2,
        initial_layout: Sequence[int] | None = None,
        seed_transpiler: int | None = None,
        transpiler: Mapping[str, Any] | None = None,
        pass_manager: PassManager | None = None,
    ):
        self._check("backend", backend, BackendV2)
        if not callable(sampler):
            self._check("sampler", sampler, BaseSamplerV2)
        self._check("estimator", estimator, BaseEstimatorV2)
        self._check("pass_manager", pass_manager, PassManager)
        if mode is not None and not (backend is None and sampler is None and estimator is None):
            what = "the backend of that and Qiskit Runtime's sampler; give no other, and no estimator"
            raise DeviceError(f"device {self.name!r} with a mode has {what}")
        if sampler is None and estimator is None and _of_ibm(backend):
            mode, backend = backend, None
        if mode is not None:
            sampler, options = self._of_runtime(mode, options, seed), None
        self._check_names("options", options, OPTIONS)
        self._check_names("transpiler", transpiler, TRANSPILER)
        self._check_numbers(optimization_level, seed_transpiler, precision)
        own = OWN.intersection((options or {}).get("run_options") or {})
        if own:
            raise DeviceError(f"device {self.name!r} sets {min(own)} by itself; run_options has none")
        if sampler is not None and options:
            raise DeviceError(
                f"device {self.name!r} has options for samplers it makes; give them to {sampler!r}"
            )
        if isinstance(sampler, BaseSamplerV2) and seed is not None:
            what = "sampler, or give a function of a seed as sampler"
            raise DeviceError(f"device {self.name!r} cannot seed {sampler!r}; seed that {what}")
        if estimator is not None and (sampler is not None or options or seed is not None):
            raise DeviceError(
                f"device {self.name!r} with an estimator has no sampler, no options and no seed"
            )
        if precision is not None and estimator is None:
            raise DeviceError(
                f"device {self.name!r} has a precision of an estimator; got {precision!r} alone"
            )
        if backend is None:
            backend = _behind(estimator if sampler is None else sampler)
        if options and backend is None:
            raise DeviceError(f"device {self.name!r} has options with a backend alone; got {options!r}")
        if (initial_layout is not None or transpiler) and (backend is None or pass_manager is not None):
            what = (
                "transpiles for a backend alone: initial_layout and transpiler need one, and no pass_manager"
            )
            raise DeviceError(f"device {self.name!r} {what}")
        if initial_layout is not None:
            self._check_layout(initial_layout, backend)
        runner = backend if sampler is None else _behind(sampler)
        inside = dataclasses.replace(BACKEND, mid_circuit=_inside(runner))
        claims = inside if estimator is None else ESTIMATOR
        size = None if backend is None else backend.num_qubits
        self.capabilities = dataclasses.replace(claims, max_wires=size)  # type: ignore[misc]
        super().__init__(wires, shots, seed)
        self._estimator, self._precision = estimator, precision
        self._backend, self._sampler, self._options = backend, sampler, dict(options or {})
        self._ids: deque[str] = deque(maxlen=IDS_KEPT)
        self._passes, self._made = pass_manager, None
        self._settings = {
            "optimization_level": optimization_level,
            "initial_layout": None if initial_layout is None else list(initial_layout),
            "seed_transpiler": seed if seed_transpiler is None else seed_transpiler,
            **(transpiler or {}),
        }

    def _check(self, option: str, value: Any, kind: type) -> None:
        if not isinstance(value, kind | None):
            what = f"a qiskit {kind.__name__} as {option}; got {type(value).__name__}"
            raise DeviceError(f"device {self.name!r} needs {what} {value!r}")

    def _check_names(self, option: str, given: Mapping[str, Any] | None, known: Iterable[str]) -> None:
        self._check(option, given, Mapping)  # type: ignore[type-abstract]
        for name in given or ():
            if name not in known:
                raise DeviceError(
                    f"device {self.name!r} has no {option} named {name!r}; it has {', '.join(known)}"
                )

    def _check_numbers(self, level: Any, seed: Any, precision: Any) -> None:
        if level not in (0, 1, 2, 3):
            raise DeviceError(f"device {self.name!r} has optimization_level 0, 1, 2 and 3; got {level!r}")
        if seed is not None and not (isinstance(seed, Integral) and seed >= 0):
            what = "a whole number >= 0 as seed_transpiler"
            raise DeviceError(f"device {self.name!r} needs {what}; got {seed!r}")
        if precision is not None and not (isinstance(precision, Real) and 0 <= precision < np.inf):
            raise DeviceError(f"device {self.name!r} needs a number >= 0 as precision; got {precision!r}")

    def _check_layout(self, layout: Any, backend: BackendV2) -> None:
        size = backend.num_qubits
        given = list(layout) if isinstance(layout, Iterable) else [None]
        qubits = {q for q in given if isinstance(q, Integral) and 0 <= q and (size is None or q < size)}
        if len(qubits) < len(given):
            what = f"a different qubit from 0 to {size - 1} for each wire" if size else "different qubits"
            raise DeviceError(f"device {self.name!r} needs {what} as initial_layout; got {layout!r}")

    def _of_runtime(self, mode: Any, options: Mapping[str, Any] | None, seed: int | None) -> BaseSamplerV2:
        try:
            runtime = import_module("hybridge_qiskit.runtime")
        except ImportError as error:
            what = "Qiskit Runtime for this: pip install 'qiskit-ibm-runtime>=0.50'"
            raise DeviceError(f"device {self.name!r} needs {what}") from error
        if seed is not None:
            what = "seed_transpiler=; in local testing mode options={'simulator': {'seed_simulator': 1}}"
            raise DeviceError(f"device {self.name!r} cannot seed a machine of Qiskit Runtime; give {what}")
        self._check_names("options", options, runtime.OPTIONS)
        try:
            return runtime.make_sampler(mode, options or {})
        except (TypeError, ValueError) as error:
            what = f"mode={mode!r} and options={options!r}: {error}"
            raise DeviceError(f"device {self.name!r} gets no sampler of Qiskit Runtime for {what}") from error

    @property
    def jobs(self) -> tuple[str, ...]:
        """The ids of the last 1000 jobs, the newest last: with them the vendor's service finds a job."""
        return tuple(self._ids)

    def compile(self, circuit: Circuit) -> Program | Estimates:
        """The circuit in the backend's gates, on its qubits, the angles free: for every row.

        Raises UnsupportedCircuit where Qiskit's transpiler finds no way.
        """
        gates = translate(circuit.instructions, phased=False)
        make = make_program if self._estimator is None else make_estimates
        return make(gates, circuit.measurements, len(circuit.wires), self._transpiled)

    def _transpiled(self, circuit: QuantumCircuit) -> QuantumCircuit:
        if self._passes is None and self._backend is None:
            return circuit
        try:
            with self._lock:  # passes keep what they found in themselves
                if self._passes is None and self._made is None:
                    self._made = generate_preset_pass_manager(backend=self._backend, **self._settings)
                return (self._passes or self._made).run(circuit)
        except QiskitError as error:
            raise UnsupportedCircuit(self.name, f"this circuit: {error.message}") from error

    def run(self, tasks: Sequence[Task]) -> list[np.ndarray]:
        """ONE job for all tasks and rows; where their numbers of shots differ, one for each number.

        Raises JobFailed with the id of the job, if it got one.
        """
        found: dict[int, np.ndarray] = {}
        for shots in dict.fromkeys(task.shots for task in tasks):
            if shots is None and self._estimator is None:
                raise UnsupportedCircuit(self.name, "a circuit exactly", "give shots=1000")
            members = [i for i, task in enumerate(tasks) if task.shots == shots]
            found |= zip(members, self._submit([tasks[i] for i in members], shots), strict=True)
        return [found[i] for i in range(len(tasks))]

    def _submit(self, tasks: Sequence[Task], shots: int | None) -> list[np.ndarray]:
        """One job of tasks with these shots, or of estimates."""
        effort = self._precision if shots is None else shots
        pubs = [task.program.pubs(task.params, effort) for task in tasks]
        job_id = ""
        try:
            job = self._primitive(tasks).run([pub for own in pubs for pub in own])
            job_id = job.job_id()
            self._ids.append(job_id)
            results = iter(job.result())
            return [
                task.program.read([next(results) for _ in own], effort)
                for task, own in zip(tasks, pubs, strict=True)
            ]
        except (QiskitError, OSError, RuntimeError, ValueError) as error:
            job_named = f"job {job_id}: " if job_id else ""
            raise JobFailed(self.name, f"{job_named}{type(error).__name__}: {error}") from error

    def _primitive(self, tasks: Sequence[Task]) -> BaseSamplerV2 | BaseEstimatorV2:
        """What runs a job: the user's primitive, or a sampler with the seed of these tasks."""
        if self._estimator is not None:
            return self._estimator
        if isinstance(self._sampler, BaseSamplerV2):
            return self._sampler
        seeds = [self.next_seed() if task.seed is None else task.seed for task in tasks]
        entropy = np.random.SeedSequence(seeds)
        seed = int(entropy.generate_state(1)[0] >> 1)
        if self._sampler is not None:
            return self._sampler(seed)
        if self._backend is None:  # rows would share the random numbers of a whole number as seed
            return StatevectorSampler(seed=np.random.default_rng(seed))
        return BackendSamplerV2(backend=self._backend, options={**self._options, "seed_simulator": seed})

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_made": None}  # Qiskit's own pass managers do not pickle

    def memory(self, num_wires: int) -> int:
        """Bytes of a row at its peak: Qiskit's own state vectors; a backend's memory is its own matter."""
        return 0 if self._backend is not None or self._sampler is not None else 4 * 16 * 2**num_wires


def _of_ibm(backend: BackendV2 | None) -> bool:
    """Whether it is one that only Qiskit Runtime runs: who has one has imported that already."""
    runtime = sys.modules.get("qiskit_ibm_runtime")
    return runtime is not None and isinstance(backend, runtime.IBMBackend)


def _inside(backend: BackendV2 | None) -> frozenset[str]:
    """What the backend that runs the circuits does inside of them, as far as its target says.

    Every target has a measurement; that it may come before the end, reset and if_else say.
    """
    names = () if backend is None else backend.target.operation_names
    claims = frozenset(claim for name, claim in INSIDE.items() if name in names)
    return claims | {"measure"} if claims else claims


def _behind(sampler: Any) -> BackendV2 | None:
    """The backend of a sampler that names it: Qiskit's as an attribute, the runtime's as a method."""
    found = getattr(sampler, "backend", None)
    found = found() if callable(found) else found
    return found if isinstance(found, BackendV2) else None
