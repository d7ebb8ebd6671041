"""Every qubit row keeps the contract, and its matrix is the one the field knows."""

from __future__ import annotations

import numpy as np
import pytest
from contract import (
    GATE_CHECKS,
    LABELS,
    assert_close,
    check_identity,
    check_recording,
    expanded,
    matrix,
    matrix_of,
    name,
    rows,
)

from hybridge.errors import CircuitError
from hybridge.operations import qubit
from hybridge.operations.pauli import MATRICES, Sentence
from hybridge.operations.table import FAMILIES, ROWS, Constant, step
from hybridge.recording import recording

ROWS_AND_EXAMPLES = rows("qubit")
GATES = [r for r in ROWS_AND_EXAMPLES if r.kind == "gate"]
STATES = [r for r in ROWS_AND_EXAMPLES if r.kind == "state"]


@pytest.mark.parametrize("row", ROWS_AND_EXAMPLES, ids=name)
def test_rows_are_one_object_and_record(row):
    check_identity(row)
    check_recording(row)


@pytest.mark.parametrize("check", GATE_CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("row", GATES, ids=name)
def test_gates_keep_the_contract(row, check):
    check(row)
