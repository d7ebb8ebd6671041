"""How faults are planted in a device, and the items of the kit run on it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from hybridge.circuit import Circuit, Instruction
from hybridge.conformance import FockConformance, GaussianConformance, QubitConformance, items
from hybridge.conformance.reference import jacobian
from hybridge.device import Device, Task
from hybridge.operations.table import FAMILIES, ROWS, Operation
from hybridge.readout.qubit_states import PureStates
from hybridge_default.fock import DefaultFock
from hybridge_default.gaussian import DefaultGaussian
from hybridge_default.qubit_numpy import PlainQubit, evolved

# ---- devices that claim more than default.qubit, so that there is more to get wrong --------------

# every row that leaves a ket a ket, as state vectors can run
PURE = frozenset(
    {row.name for row in ROWS.values() if row.domain == "qubit" and not row.mixed and row.definition}
    | {family.name for family in FAMILIES.values() if family.domain == "qubit"}
) - {"QubitDensityMatrix", "PauliError", "QubitChannel", "MottonenStatePreparation", "Barrier", "Snapshot"}


class Native(PlainQubit):
    """default.qubit that returns expval, var and probs itself, and their derivatives."""

    name = "native.qubit"
    capabilities = replace(
        PlainQubit.capabilities,
        measurements=frozenset({"state", "expval", "var", "probs"}),
        observables=frozenset({"pauli", "matrix"}),
        operations=PURE,
        vjp=True,
    )

    def compile(self, circuit: Circuit) -> Any:
        return circuit, super().compile(circuit)

    def run(self, tasks: Any) -> list[np.ndarray]:
        return [self.measured(t.program[0], evolved(t.program[1], t.params)) for t in tasks]

    def measured(self, circuit: Circuit, states: np.ndarray) -> np.ndarray:
        return np.hstack([self.column(m, PureStates(states)) for m in circuit.measurements])

    def column(self, m: Any, states: PureStates) -> np.ndarray:
        if m.kind == "state":
            return states.states
        if m.kind == "probs":
            return states.probs(m.wires)
        return {"expval": states.expval, "var": states.var}[m.kind](m.observable)[:, None]

    def vjp(self, task: Task, cotangent: np.ndarray) -> np.ndarray:
        rows = []
        for row, g in zip(task.params, cotangent, strict=True):
            slopes = (
                jacobian(lambda p: self.run([task._replace(params=p[None])])[0][0], row) if len(row) else row
            )
            rows.append(g @ slopes if len(row) else row)
        return np.array(rows).real


class Sampling(PlainQubit):
    """default.qubit that draws the bits itself, and has no exact results."""

    name = "sampling.qubit"
    capabilities = replace(
        PlainQubit.capabilities, measurements=frozenset({"sample"}), operations=PURE, exact=False
    )

    def compile(self, circuit: Circuit) -> Any:
        return circuit, super().compile(circuit)

    def run(self, tasks: Any) -> list[np.ndarray]:
        return [np.hstack([self.bits(t, m.wires) for m in t.program[0].measurements]) for t in tasks]

    def bits(self, task: Task, wires: tuple[int, ...]) -> np.ndarray:
        states, n = evolved(task.program[1], task.params), task.program[1].n
        rng = np.random.default_rng(self.seed_of(task))
        drawn = np.array([self.draw(rng, np.abs(state) ** 2, task.shots or 0) for state in states])
        bits = (drawn[..., None] >> (n - 1 - np.array(wires))) & 1
        return bits.astype(np.uint8).reshape(len(states), -1)

    def seed_of(self, task: Task) -> int | None:
        return task.seed

    def draw(self, rng: np.random.Generator, chances: np.ndarray, shots: int) -> np.ndarray:
        return rng.choice(len(chances), size=shots, p=chances / chances.sum())


# ---- how faults are planted ----------------------------------------------------------------------

KITS = {
    PlainQubit: QubitConformance,
    Native: QubitConformance,
    Sampling: QubitConformance,
    DefaultGaussian: GaussianConformance,
    DefaultFock: FockConformance,
}


class Planted:
    """Hooks around a device: its circuit, its numbers, its answer."""

    def compile(self, circuit: Circuit) -> Any:
        return circuit, super().compile(self.circuit(circuit))  # type: ignore[misc]

    def run(self, tasks: Any) -> list[np.ndarray]:
        inner = [t._replace(program=t.program[1], params=self.numbers(t.program[0], t.params)) for t in tasks]
        found = super().run(inner)  # type: ignore[misc]
        return [self.answer(t.program[0], t.params, f) for t, f in zip(tasks, found, strict=True)]

    def circuit(self, circuit: Circuit) -> Circuit:
        return circuit

    def numbers(self, circuit: Circuit, params: np.ndarray) -> np.ndarray:
        return params

    def answer(self, circuit: Circuit, params: np.ndarray, found: np.ndarray) -> np.ndarray:
        return found


class Fault(NamedTuple):
    """A device, what is wrong with it, and the items of the kit that are there to find it."""

    name: str
    base: type[Device]
    hooks: dict[str, Any]
    found_by: str  # how their names begin

    def __str__(self) -> str:
        return self.name

    def device(self) -> type[Device]:
        planted = () if self.base in (Native, Sampling) else (Planted,)
        made = type(
            f"Faulty {self.name}",
            (*planted, self.base),
            {"name": "faulty.device", "__module__": __name__, **self.hooks},
        )
        globals()[made.__name__] = made  # so that it can be pickled
        return made


def instructions(
    change: Callable[[Operation, tuple[int, ...], int], tuple[Operation, tuple[int, ...]]],
) -> dict[str, Any]:
    """A fault in how operations are placed: (row, wires, number of wires) -> (row, wires)."""

    def circuit(self: Any, given: Circuit) -> Circuit:
        n = len(given.wires)
        changed = [Instruction(*change(row, wires, n)) for row, wires in given.instructions]
        return given._replace(instructions=tuple(changed))

    return {"circuit": circuit}


def parameters(name: str, change: Callable[..., Any]) -> dict[str, Any]:
    """A fault in the numbers of one row."""

    def numbers(self: Any, given: Circuit, params: np.ndarray) -> np.ndarray:
        params, used = params.copy(), 0
        for row, _ in given.instructions:
            if row.name == name:
                params[:, used : used + row.arity] = np.transpose(
                    change(*params[:, used : used + row.arity].T)
                )
            used += row.arity
        return params

    return {"numbers": numbers}


def answers(change: Callable[[np.ndarray, int], np.ndarray]) -> dict[str, Any]:
    """A fault in what is returned: (rows, number of wires) -> rows."""
    return {"answer": lambda self, circuit, params, found: change(found, len(circuit.wires))}


def redefined(name: str, **columns: Any) -> dict[str, Any]:
    """One row with another definition."""
    return instructions(
        lambda row, wires, n: (replace(row, **columns), wires) if row.name == name else (row, wires)
    )


def swap_pair(row: Operation, wires: tuple[int, ...], n: int) -> Any:
    return row, wires[::-1] if len(wires) == 2 else wires


def second_wire_0(row: Operation, wires: tuple[int, ...], n: int) -> Any:
    return row, wires[::-1] if len(wires) == 2 and wires[1] == 0 else wires


def only(name: str) -> Callable[..., Any]:
    return lambda row, wires, n: (row, wires[::-1] if row.name == name else wires)


def undone(word: str) -> Callable[..., Any]:
    """Derived rows whose name has this word are replaced by what they were derived from."""
    return lambda row, wires, n: (
        (row.origin[1][1], wires) if word in row.name and row.origin else (row, wires)
    )


def of_constants(name: str, change: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    """A family's array is taken wrongly."""

    def take(row: Operation, wires: tuple[int, ...], n: int) -> Any:
        if row.name != name:
            return row, wires
        first, *rest = row.constants
        return FAMILIES[name].of(
            row.num_wires, change(first.array), *(getattr(c, "array", c) for c in rest)
        ), wires

    return instructions(take)


def cached_result(self: Any, circuit: Circuit, params: np.ndarray, found: np.ndarray) -> np.ndarray:
    return self.__dict__.setdefault("kept", {}).setdefault((circuit.instructions, found.shape), found)


def cached_program(self: Any, given: Circuit) -> Circuit:
    names = tuple((row.name, wires) for row, wires in given.instructions)
    return self.__dict__.setdefault("kept", {}).setdefault((names, given.wires, given.measurements), given)


def warning(self: Any, circuit: Circuit, params: np.ndarray, found: np.ndarray) -> np.ndarray:
    warnings.warn("chatter", UserWarning, stacklevel=1)
    return found


def kit(device: type[Device], base: type[Device]) -> type:
    return type("Kit", (KITS[base],), {"device": device})


def failures(owner: type, beginning: str = "test_") -> Iterator[tuple[str, BaseException]]:
    """Every item of this beginning that fails, and how."""
    for item in items(owner):
        if item.name.startswith(beginning):
            try:
                item.run()
            except (Exception, pytest.fail.Exception) as error:
                yield item.name, error
