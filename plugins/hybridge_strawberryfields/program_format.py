"""Programs of Strawberry Fields from and to circuits."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from hybridge.plugin import (
    Circuit,
    CircuitError,
    Entry,
    Format,
    FormatError,
    ImportedCircuit,
    Measurement,
    expression,
)
from hybridge_strawberryfields.backends import sf
from hybridge_strawberryfields.blackbird_table import (
    ARRAYS,
    MEASURES,
    NUMBERS,
    entries,
    measurements,
    selected,
)
from hybridge_strawberryfields.blackbird_writer import calls

# parameters that the rows have; SF's operations keep others behind them
KEPT = {name: len(op.params) for name, op in (*NUMBERS.items(), *ARRAYS.items())} | {
    "Fock": 1,
    "GKP": 2,
    "Gaussian": 2,
}
FUNCTIONS = {
    sympy.sin: "sin",
    sympy.cos: "cos",
    sympy.tan: "tan",
    sympy.asin: "asin",
    sympy.acos: "acos",
    sympy.atan: "atan",
    sympy.exp: "exp",
    sympy.log: "ln",
    sympy.Abs: "abs",
}


class Programs(Format):
    """A strawberryfields.Program, neither compiled nor run."""

    def read(self, source: Any) -> ImportedCircuit:
        """The circuit of the program, on its modes; its free parameters are the circuit's."""
        if not isinstance(source, sf.Program):
            raise FormatError(self.name, f"a strawberryfields.Program is read; got {type(source).__name__}")
        self._check_hbar()
        parameters: dict[str, None] = {}
        found: list[Entry] = []
        measured: list[Measurement] = []
        done: set[int] = set()
        for command in source.circuit:
            name, wires = type(command.op).__name__, tuple(reference.ind for reference in command.reg)
            if done & set(wires):
                raise FormatError(self.name, f"{name} after a measurement of the same mode is not read")
            try:
                values = self._values(command.op, name, parameters)
                if name in MEASURES:
                    if command.op.select is not None:
                        chosen = command.op.select
                        chosen = list(chosen) if np.ndim(chosen) else self._value(chosen, parameters)
                        found += selected(name, values, {"select": chosen}, wires)
                        continue
                    measured += measurements(name, values, {}, wires)
                    done |= set(wires)
                    continue
                if isinstance(command.op, sf.ops.Gate) and command.op.dagger:  # SF's inverse
                    values[0] = expression.call("negative", values[0])
                found += entries(name, values, {}, wires)
            except CircuitError as error:
                raise FormatError(self.name, str(error)) from error
        return ImportedCircuit(
            tuple(found), tuple(range(source.init_num_subsystems)), tuple(parameters), (), tuple(measured)
        )

    def write(self, circuit: Circuit, numbers: np.ndarray) -> Any:
        """The program, all its numbers known."""
        self._check_hbar()
        program = sf.Program(len(circuit.wires))
        for name, arguments, wires in calls(self.name, circuit, numbers):
            program.append(getattr(sf.ops, name)(**arguments), wires)
        return program

    def _values(self, op: Any, name: str, parameters: dict[str, None]) -> list[Any]:
        if isinstance(op, (sf.ops.GraphEmbed, sf.ops.BipartiteGraphEmbed)):
            return _graph(op)
        return [self._value(p, parameters) for p in op.p[: KEPT.get(name)]]

    def _check_hbar(self) -> None:
        if sf.hbar != 2:
            raise FormatError(
                self.name, f"sf.hbar is {sf.hbar}; programs mean what they say here at hbar = 2"
            )

    def _value(self, p: Any, parameters: dict[str, None]) -> Any:
        if isinstance(p, (list, tuple)):
            return [self._value(own, parameters) for own in p]
        if isinstance(p, sympy.Basic):
            return self._formula(p, parameters)
        array = np.asarray(p)
        return array if array.ndim else expression.constant(array.item())

    def _formula(self, p: Any, parameters: dict[str, None]) -> Any:
        if isinstance(p, sf.parameters.FreeParameter):
            parameters[p.name] = None
            return expression.parameter(p.name)
        if p.is_number:
            return expression.constant(float(p))
        inside = [self._formula(own, parameters) for own in p.args]
        if isinstance(p, (sympy.Add, sympy.Mul)):
            total = inside[0]
            for own in inside[1:]:
                total = expression.call("+" if isinstance(p, sympy.Add) else "*", total, own)
            return total
        if isinstance(p, sympy.Pow):
            return expression.call("^", *inside)
        if p.func in FUNCTIONS:
            return expression.call(FUNCTIONS[p.func], *inside)
        raise CircuitError(f"the number {p} is not read")


def _graph(op: Any) -> list[Any]:
    """The matrix and the mean photon number of a graph: SF keeps what it makes of them."""
    A = np.asarray(op.p[0])
    if isinstance(op, sf.ops.GraphEmbed):
        return [A, float(np.mean(np.sinh(op.sq) ** 2))]
    zero = np.zeros_like(A)
    return [np.block([[zero, A], [A.T, zero]]), float(op.mean_photon_per_mode)]
