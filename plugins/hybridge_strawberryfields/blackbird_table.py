"""SF's operations as Blackbird names them, and the rows that they are. No SDK is needed for this.

Numbers mean the same on both sides, in SF's own units, hbar = 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.plugin import (
    FAMILIES,
    ROWS,
    CircuitError,
    Clicks,
    Entry,
    Measurement,
    Polynomial,
    expression,
)

Number = Any  # a float, or an Expression of parameters
Wires = tuple[int, ...]
NEEDED = math.nan  # stands where a parameter has no default


class Op(NamedTuple):
    """An operation of numbers: the row it is, SF's names of the parameters, and their defaults."""

    row: str
    params: tuple[str, ...]
    defaults: tuple[float, ...]


NUMBERS: dict[str, Op] = {
    "Rgate": Op("Rotation", ("theta",), (NEEDED,)),
    "Sgate": Op("Squeezing", ("r", "phi"), (NEEDED, 0.0)),
    "Dgate": Op("Displacement", ("r", "phi"), (NEEDED, 0.0)),
    "Xgate": Op("PositionDisplacement", ("x",), (NEEDED,)),
    "Zgate": Op("MomentumDisplacement", ("p",), (NEEDED,)),
    "Fouriergate": Op("Fourier", (), ()),
    "Pgate": Op("QuadraticPhase", ("s",), (NEEDED,)),
    "Vgate": Op("CubicPhase", ("gamma",), (NEEDED,)),
    "Kgate": Op("Kerr", ("kappa",), (NEEDED,)),
    "CKgate": Op("CrossKerr", ("kappa",), (NEEDED,)),
    "BSgate": Op("Beamsplitter", ("theta", "phi"), (math.pi / 4, 0.0)),
    "S2gate": Op("TwoModeSqueezing", ("r", "phi"), (NEEDED, 0.0)),
    "CXgate": Op("ControlledAddition", ("s",), (1.0,)),
    "CZgate": Op("ControlledPhase", ("s",), (1.0,)),
    "MZgate": Op("MachZehnder", ("phi_in", "phi_ex"), (NEEDED, NEEDED)),
    "sMZgate": Op("SymmetricMachZehnder", ("phi_in", "phi_ex"), (NEEDED, NEEDED)),
    "Vacuum": Op("VacuumState", (), ()),
    "Coherent": Op("CoherentState", ("r", "phi"), (0.0, 0.0)),
    "Squeezed": Op("SqueezedState", ("r", "p"), (0.0, 0.0)),
    "DisplacedSqueezed": Op("DisplacedSqueezedState", ("r_d", "phi_d", "r_s", "phi_s"), (0.0, 0.0, 0.0, 0.0)),
    "Thermal": Op("ThermalState", ("n",), (0.0,)),
    "Catstate": Op("CatState", ("a", "phi", "p"), (0.0, 0.0, 0.0)),
    "LossChannel": Op("LossChannel", ("T",), (NEEDED,)),
    "ThermalLossChannel": Op("ThermalLossChannel", ("T", "nbar"), (NEEDED, NEEDED)),
    "MSgate": Op("MeasurementBasedSqueezing", ("r", "phi", "r_anc", "eta_anc"), (NEEDED, 0.0, 10.0, 1.0)),
}
# an operation of one array and perhaps a number: the family it is, SF's names of both, the number's default
ARRAYS: dict[str, Op] = {
    "Interferometer": Op("InterferometerUnitary", ("U",), ()),
    "PassiveChannel": Op("PassiveChannel", ("T",), ()),
    "GaussianTransform": Op("GaussianTransform", ("S",), ()),
    "GraphEmbed": Op("GraphEmbed", ("A", "mean_photon_per_mode"), (1.0,)),
    "BipartiteGraphEmbed": Op("BipartiteGraphEmbed", ("A", "mean_photon_per_mode"), (1.0,)),
    "Ket": Op("FockStateVector", ("state",), ()),
    "DensityMatrix": Op("FockDensityMatrix", ("state",), ()),
}
SYNONYMS = {"Vac": "Vacuum", "Fourier": "Fouriergate", "MeasureHD": "MeasureHeterodyne"}


def entries(name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], wires: Wires) -> list[Entry]:
    """SF's operation as rows; CircuitError says what is wrong with its arguments.

    An argument is a number, an array, or a list of numbers.
    """
    name = SYNONYMS.get(name, name)
    if name in NUMBERS:
        op = NUMBERS[name]
        values = _bound(name, op.params, op.defaults, arguments, keywords)
        row = ROWS[op.row]
        if len(wires) != row.num_wires:
            raise CircuitError(f"{name} acts on {row.num_wires} modes; got {len(wires)}")
        return [Entry(row, wires, tuple(_number(name, v) for v in values))]
    if name in ARRAYS:
        op = ARRAYS[name]
        array, *rest = _bound(name, op.params, (NEEDED, *op.defaults), arguments, keywords)
        constants = [_array(name, array), *(_plain(name, v) for v in rest)]
        if name == "Ket":
            constants[0] = constants[0].ravel() if len(wires) == 1 else constants[0]
        return [Entry(FAMILIES[op.row].of(len(wires), *constants), wires)]
    if name in SPECIAL:
        return SPECIAL[name](name, arguments, keywords, wires)
    raise CircuitError(f"no operation of Strawberry Fields that is read here is named {name!r}")


def _fock(name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], wires: Wires) -> list[Entry]:
    (n,) = _bound(name, ("n",), (0.0,), arguments, keywords)
    photons = _plain(name, n)
    if photons != int(photons):
        raise CircuitError(f"Fock needs a whole photon number; got {photons:g}")
    return [Entry(FAMILIES["FockState"].of(len(wires), (int(photons),) * len(wires)), wires)]


def _gkp(name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], wires: Wires) -> list[Entry]:
    state, epsilon = _bound(name, ("state", "epsilon"), ([0.0, 0.0], 0.2), arguments, keywords)
    if not isinstance(state, list) or len(state) != 2:
        raise CircuitError("GKP needs its state as [theta, phi]")
    if len(wires) != 1:
        raise CircuitError(f"GKP acts on 1 mode; got {len(wires)}")
    return [Entry(ROWS["GKPState"], wires, tuple(_number(name, v) for v in (*state, epsilon)))]


def _gaussian(name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], wires: Wires) -> list[Entry]:
    V, r = _bound(name, ("V", "r"), (NEEDED, None), arguments, keywords)
    V = _array(name, V).real
    mean = np.zeros(len(V)) if r is None else _array(name, r).real.ravel()
    return [Entry(FAMILIES["GaussianState"].of(len(wires), V, mean), wires)]


SPECIAL: dict[str, Callable[..., list[Entry]]] = {"Fock": _fock, "GKP": _gkp, "Gaussian": _gaussian}


# ---- measurements ---------------------------------------------------------------------------------------


def _quadrature(angle: float, wire: int) -> Polynomial:
    return Polynomial({((wire, 1, 0),): math.cos(angle), ((wire, 0, 1),): math.sin(angle)}, (wire,))


def measurements(
    name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], wires: Wires
) -> list[Measurement]:
    """What one of SF's measurements reads; CircuitError where it selects an outcome."""
    name = SYNONYMS.get(name, name)
    if keywords:
        raise CircuitError(f"{name} with {', '.join(keywords)} is not read; only the plain measurement")
    angles = dict(ANGLES)
    if name == "MeasureHomodyne":
        (phi,) = _bound(name, ("phi",), (NEEDED,), arguments, keywords)
        angles[name] = _plain(name, phi)
    elif arguments:
        raise CircuitError(f"{name} takes no arguments here; got {len(arguments)}")
    if name in angles:
        return [Measurement("sample", _quadrature(angles[name], w), (w,)) for w in wires]
    if name == "MeasureThreshold":
        return [Measurement("sample", Clicks((w,)), (w,)) for w in wires]
    return [Measurement("heterodyne" if name == "MeasureHeterodyne" else "sample", None, wires)]


def selected(name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], wires: Wires) -> list[Entry]:
    """A measurement whose outcome is selected, as the row that post-selects on it."""
    select = keywords["select"]
    rest = {key: value for key, value in keywords.items() if key != "select"}
    name = SYNONYMS.get(name, name)
    if name in COUNTING:
        numbers = select if isinstance(select, list) else [select]
        if arguments or rest or any(n is None for n in numbers):
            raise CircuitError(f"{name} is read with select and nothing else, a number for each mode")
        counts = tuple(int(_plain(name, n)) for n in numbers)
        return [Entry(FAMILIES[COUNTING[name]].of(len(wires), counts), wires)]
    angle = ANGLES.get(name)
    if angle is None:
        if name != "MeasureHomodyne":
            raise CircuitError(f"{name} that selects an outcome is not read")
        (angle,) = _bound(name, ("phi",), (NEEDED,), arguments, rest)
    return [
        Entry(ROWS["PostselectHomodyne"], (w,), (_number(name, select), _number(name, angle))) for w in wires
    ]


ANGLES = {"MeasureX": 0.0, "MeasureP": math.pi / 2}
COUNTING = {"MeasureFock": "PostselectPhotons", "MeasureThreshold": "PostselectClick"}
MEASURES = frozenset(
    {
        "MeasureFock",
        "MeasureThreshold",
        "MeasureHomodyne",
        "MeasureX",
        "MeasureP",
        "MeasureHeterodyne",
        "MeasureHD",
    }
)


# ---- arguments ------------------------------------------------------------------------------------------


def _bound(
    name: str,
    params: Sequence[str],
    defaults: Sequence[Any],
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
) -> list[Any]:
    """One value for each parameter."""
    if len(arguments) > len(params):
        raise CircuitError(f"{name} takes {len(params)} parameters; got {len(arguments)}")
    given = dict(zip(params, arguments, strict=False))
    for key, value in keywords.items():
        if key not in params or key in given:
            what = "twice" if key in given else f"that is not read; it takes {', '.join(params) or 'none'}"
            raise CircuitError(f"{name} has a parameter {key!r} {what}")
        given[key] = value
    found = [given.get(param, default) for param, default in zip(params, defaults, strict=True)]
    for param, value in zip(params, found, strict=True):
        if isinstance(value, float) and math.isnan(value):
            raise CircuitError(f"{name} needs its parameter {param!r}")
    return found


def _number(name: str, value: Any) -> Number:
    if isinstance(value, (list, np.ndarray)):
        raise CircuitError(f"{name} takes numbers, no array")
    return value if isinstance(value, expression.Expression) else float(value)


def _plain(name: str, value: Any) -> float:
    value = _number(name, value)
    if isinstance(value, expression.Expression):
        raise CircuitError(f"a number of {name} that must be known depends on a parameter")
    return value


def _array(name: str, value: Any) -> np.ndarray:
    if not isinstance(value, np.ndarray):
        raise CircuitError(f"{name} takes an array")
    return value
