"""OpenQASM 2 by itself: every row survives being written and read, and a program means what it says."""

from __future__ import annotations

import numpy as np
import pytest

import hybridge as hb
from hybridge.operations.derived import controlled
from hybridge.operations.table import FAMILIES, ROWS


def rows():
    """Every row of a qubit gate, drawn from the families by their examples, and some derived from them."""
    found = [row for row in ROWS.values() if row.domain == "qubit" and row.kind == "gate"]
    for family in FAMILIES.values():
        if family.domain == "qubit" and family.name != "ControlledQubitUnitary":
            found += [family.of(n, *constants) for n, constants in family.examples if n <= 5]
    found = [row for row in found if row.kind == "gate" and row.num_wires <= 5]
    derived = [
        hb.adjoint(hb.SISWAP),
        hb.adjoint(hb.U2),
        hb.pow(hb.T, 3),
        hb.pow(hb.RX, 0.5),
        hb.pow(hb.X, 0.3),
    ]
    ctrl = [hb.CRX, hb.ISWAP, hb.GlobalPhase.of(1), hb.U3, hb.Rot, hb.SX]
    return [*found, *derived, *(controlled(row, (1, 0)) for row in ctrl)]


def node_of(row, order):
    """A circuit in which this row acts on the wires in this order, none of them in a basis state."""

    @hb.qnode(hb.device("default.qubit", wires=max(1, len(order))))
    def node(*numbers):
        for k in range(max(1, len(order))):
            hb.U3(0.4 + k, 0.3 * k, 0.7, wires=k)
        for k in range(len(order) - 1):
            hb.CNOT([k, k + 1])
        row(*numbers, wires=order)
        return hb.state()

    return node


def same_ray(a, b):
    return abs(abs(np.vdot(a, b)) - 1) < 1e-12


@pytest.mark.parametrize("row", rows(), ids=lambda r: f"{r.name}-{r.num_wires}")
def test_a_row_survives_being_written_and_read(row):
    rng = np.random.default_rng(11)
    order = rng.permutation(row.num_wires).tolist()
    node = node_of(row, order)
    numbers = rng.uniform(-3, 3, row.arity)
    text = hb.to_qasm(node)(*numbers)
    again = hb.from_qasm(text)
    assert same_ray(node.update(function=lambda: [again(), hb.state()][1])(), node(*numbers))
