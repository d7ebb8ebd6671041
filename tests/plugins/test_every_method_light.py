"""Every row of light, differentiated by every method on every device that can: all agree to 1e-8.

Fock devices keep so many photons, and their states and shifts are so near the vacuum, that the rules, which
are those of the untruncated circuit, are exact to that too; there observables are of degree 2.
"""

from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import pytest
from every_method import WAYS, assert_agree, assert_alive, every_method

import hybridge as hb
from hybridge.compilation import reaches
from hybridge.conformance import fock, gaussian
from hybridge.conformance.light import prepare, scramble
from hybridge.conformance.rows import PLACEMENTS

EXACT = 1e-8
LIGHT = set(WAYS) - {"hadamard", "hadamard direct"}
Q = np.array(
    [[0.1, 0.3, -0.2, 0, 0.4], [0, 0.5, 0, 0.6, 0], [0, 0, 0.2, 0.3, -0.1], [0] * 5, [0, 0, 0, 0, 0.7]]
)

POLYNOMIALS = {
    "x": lambda: hb.expval(hb.QuadX(0)),
    "n": lambda: hb.expval(hb.NumberOperator(1)),
    "PolyXP": lambda: hb.expval(hb.PolyXP((Q + Q.T) / 2, wires=[1, 0])),
}
BRIGHT = {
    **POLYNOMIALS,
    "n squared": lambda: hb.expval(hb.NumberOperator(0) ** 2),
    "TensorN": lambda: hb.expval(hb.TensorN([2, 0])),
}
VARIANCES = {"var of p": lambda: hb.var(hb.QuadP(1)), "var of x": lambda: hb.var(hb.QuadX(0))}
PHOTONS = {
    "probs": lambda: hb.probs(wires=[1]),
    "projector": lambda: hb.expval(hb.FockStateProjector([1, 0], wires=[0, 1])),
}


class Bench(NamedTuple):
    """A device and what is asked of it."""

    name: str
    sdk: str
    kit: object  # the module of the conformance kit: rows, and how far states are from the vacuum
    modes: int
    options: dict
    measured: dict
    own: bool  # whether it has derivatives of its own

    def __str__(self):
        return self.name


IN_X_AND_P = {"polynomials and variances": {**POLYNOMIALS, **VARIANCES}}
ALL = {
    "polynomials": BRIGHT,
    "variances": {**VARIANCES, "var of n": lambda: hb.var(hb.NumberOperator(1))},
    "photons": PHOTONS,
}
# rules of photons are those of the cut space, exact at any cutoff
BENCHES = [
    Bench("default.gaussian", "hybridge_default", gaussian, 3, {}, ALL, True),
    Bench("default.fock", "hybridge_default", fock, 2, {"cutoff_dim": 20}, IN_X_AND_P, True),
    Bench("default.fock", "hybridge_default", fock, 2, {"cutoff_dim": 8}, {"photons": PHOTONS}, True),
    Bench("strawberryfields.gaussian", "strawberryfields", gaussian, 3, {}, ALL, False),
    Bench(
        "strawberryfields.fock", "strawberryfields", fock, 2, {"cutoff_dim": 8}, {"photons": PHOTONS}, True
    ),
]
DEVICES = [b for b in BENCHES if find_spec(b.sdk)]
CASES = [(b, kind) for b in DEVICES for kind in b.measured]


def around(bench, example, measures):
    """A circuit function of the row's numbers, on a state without symmetry."""
    row, modes = example.operation, range(bench.modes)
    wires = PLACEMENTS[1](row.num_wires, bench.modes)

    def circuit(x):
        if row.kind == "state":  # it comes first, and is squeezed and moved with the rest
            row(*x, wires=wires)
        prepare(modes, bench.kit.STRENGTH)
        if row.kind != "state":
            row(*x, wires=wires)
        scramble(modes)
        return [measure() for measure in measures.values()]

    return circuit, np.array(example.numbers)


# rules: of what is measured behind Gaussian gates, but for these rows; of photons where they are bounded
RULELESS = {
    *("LossChannel", "ThermalLossChannel", "MeasurementBasedSqueezing"),
    *("CubicPhase", "CatState", "GKPState", "PostselectHomodyne", "PostselectHeterodyne"),
}
BOUNDED = {"Rotation", "Beamsplitter", "Kerr", "CrossKerr"}


def expected(bench, kind, name):
    """The methods that have the derivatives of a row."""
    ruled = name in BOUNDED and bench.kit is fock if kind == "photons" else name not in RULELESS
    without = set() if ruled else {"parameter-shift"}
    if not bench.own:
        without |= {"adjoint"} if ruled else {"adjoint", "best"}
    return LIGHT - without


@pytest.mark.parametrize(("bench", "kind"), CASES, ids=str)
def test_every_method_on_every_row_of_light(bench, kind):
    ways = set(WAYS) if bench.kit is gaussian else set(WAYS) - {"finite-diff backward"}  # they are slow
    device = hb.device(bench.name, wires=bench.modes, **bench.options)
    rows = [e for e in bench.kit.ROWS if e.numbers and (bench.kit is fock or e.operation.gaussian)]
    assert len(rows) == (26 if bench.kit is fock else 21)
    run = [e for e in rows if reaches(device.capabilities, e.operation, tuple(range(e.operation.num_wires)))]
    assert len(run) == len(rows) or not bench.own
    for example in run:
        row = example.operation
        circuit, x = around(bench, example, bench.measured[kind])
        found = every_method(circuit, device, x, ways)
        names = [f"{p} of {row.name}" for p in row.params]
        assert_agree(found, EXACT, names)
        assert_alive(found, [True] * row.arity, names, EXACT)
        assert set(found.jacobians) == expected(bench, kind, row.name) & ways, row.name
        assert set(found.refused) == ways - set(found.jacobians)
