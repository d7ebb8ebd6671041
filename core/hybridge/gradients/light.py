"""In which space of functions a value measured of light lies, in one parameter of the circuit.

Three spaces are known. Behind Gaussian gates a polynomial of degree K in x and p lies in the products of K
functions of the row's spectrum. Light of at most N photons takes finitely many frequencies, whatever is
measured, and so does a Fock space cut at its cutoff; see photons.py.
"""

from __future__ import annotations

from hybridge.circuit import Circuit, Measurement
from hybridge.gradients.photons import photon_space
from hybridge.gradients.reach import OUTCOME, reach
from hybridge.gradients.shift import Space
from hybridge.operations.spectrum import Trig


def space(
    circuit: Circuit, slot: int, at: int, name: str, measurement: Measurement, cutoff: int | None
) -> Space | str:
    """The space of one measurement in this slot; of probs, of each of them. A text says why there is none.

    `circuit` is the user's, the slot the parameter `name` of its instruction `at`; `cutoff` that of a
    truncated device, else None. Of a space without functions nothing depends on the parameter.
    """
    outcomes = [i for i, (operation, _) in enumerate(circuit.instructions) if operation.kind == OUTCOME]
    if outcomes and outcomes[-1] >= at:
        selected = circuit.instructions[outcomes[-1]]
        return f"{selected.operation.name} on wires {list(selected.wires)!r} selects: values are ratios in it"
    by_degree = _polynomial(circuit, slot, at, name, measurement)
    if outcomes:
        return by_degree
    times = 2 if measurement.kind == "var" else 1
    bounded = photon_space(circuit, at, name, measurement, cutoff is not None)
    if isinstance(by_degree, Space) and isinstance(by_degree.spectrum, Trig) and bounded is not None:
        return Space(_both(by_degree.spectrum.power(by_degree.degree), bounded.power(times)), 1)
    if isinstance(by_degree, Space):
        return by_degree
    if bounded is None and cutoff is not None:
        bounded = photon_space(circuit, at, name, measurement, True, cutoff)
    return by_degree if bounded is None else Space(bounded, times)


def _polynomial(circuit: Circuit, slot: int, at: int, name: str, m: Measurement) -> Space | str:
    """The space of a polynomial behind Gaussian gates: the degree of the observable, twice that of a var."""
    operation = circuit.instructions[at].operation
    spectrum = operation.spectrum[operation.params.index(name)]
    if spectrum is None and operation.check is not None:
        return f"shifted alone it may leave what {operation.name} can be"
    if spectrum is None:
        return f"{operation.name} has no shift rule in it"
    through = reach(circuit, m).through[slot]
    if through is not None:
        after = circuit.instructions[through]
        return f"the non-Gaussian {after.operation.name} on wires {list(after.wires)!r} follows before {m!r}"
    degree = None if m.observable is None else m.observable.degree
    if degree is None:
        return f"{m!r} is not polynomial in x and p"
    return Space(spectrum, (2 if m.kind == "var" else 1) * degree)


def _both(one: Trig, other: Trig) -> Trig:
    """The frequencies that two sets share."""
    near = {round(w, 9) for w in other}
    return Trig(*(w for w in one if round(w, 9) in near))
