"""What OpenQASM 3 calls the rows of the table."""

from __future__ import annotations

from hybridge.io.qasm_gates import STDGATES, rows
from hybridge.io.qasm_writer import Dialect
from hybridge.operations.derived import adjoint_row, uncontrolled
from hybridge.operations.qubit_gates import SX, U1, U3
from hybridge.operations.table import Operation

# u1, u2 and u3 have other global phases in the file than elsewhere, so they are not written
_NAMES = [
    name for name in sorted(STDGATES - {"u1", "u2", "u3", "CX", "phase", "cphase", "cu"}) if name in rows()
]
WORDS = {rows()[name]: name for name in _NAMES} | {U3: "U", U1: "p", adjoint_row(SX): "inv @ sx"}
MAX_CONTROLS = 8  # that are written as they are


def word(operation: Operation) -> str | None:
    """The gate, under ctrl and negctrl where it is controlled; None for what has to be decomposed."""
    found = WORDS.get(operation)
    core, values = uncontrolled(operation)
    if found is not None or core not in WORDS or core is U3 or not 0 < len(values) <= MAX_CONTROLS:
        return found
    return " ".join([*("ctrl @" if value else "negctrl @" for value in values), WORDS[core]])


DIALECT = Dialect(
    header='OPENQASM 3.0;\ninclude "stdgates.inc";',
    qubits="qubit[{size}] q;",
    bits="bit[{size}] {name};",
    measure="{bit} = measure {wire};",
    condition="if ({name} == {value}) {{ {line} }}",
    word=word,
    phase="gphase({});",
)
