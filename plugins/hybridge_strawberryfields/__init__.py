"""The devices of Strawberry Fields and what they claim; importing this imports no SDK."""

from __future__ import annotations

from types import ModuleType

from hybridge.plugin import Capabilities, hookimpl

__all__ = ["BOSONIC", "FOCK", "GAUSSIAN", "import_strawberryfields", "register_devices", "register_formats"]

GAUSSIAN_ROWS = {
    "Rotation",
    "Squeezing",
    "Displacement",
    "QuadraticPhase",
    "Beamsplitter",
    "TwoModeSqueezing",
    "ControlledAddition",
    "ControlledPhase",
    "InterferometerUnitary",
    "CoherentState",
    "SqueezedState",
    "DisplacedSqueezedState",
    "ThermalState",
    "GaussianState",
    "LossChannel",
    "ThermalLossChannel",
    "MeasurementBasedSqueezing",
    "VacuumState",
}
PASSIVE_ROWS = {"PassiveChannel"}
DETECTED = {"PostselectHomodyne", "PostselectHeterodyne"}
COUNTED = {"PostselectPhotons", "PostselectClick"}
FOCK_ROWS = {
    "MachZehnder",
    "Kerr",
    "CrossKerr",
    "CubicPhase",
    "CatState",
    "GKPState",
    "FockState",
    "FockStateVector",
    "FockDensityMatrix",
}

GAUSSIAN = Capabilities(
    domain="cv",
    operations=frozenset(GAUSSIAN_ROWS | PASSIVE_ROWS | DETECTED),
    measurements=frozenset({"gaussian"}),
    conventions="SF's hbar is a global of its module and its states come as (x1, p1, x2, p2, ...); here "
    "hbar = 2 whatever the global says, and the order is (x1..xn, p1..pn)",
)
FOCK = Capabilities(
    domain="cv",
    operations=frozenset(GAUSSIAN_ROWS | FOCK_ROWS | DETECTED | COUNTED),
    measurements=frozenset({"state", "density_matrix", "expval", "var", "probs"}),
    observables=frozenset({"polynomial", "projector", "click"}),
    vjp=True,
    truncated=True,
    conventions="SF puts a mode's ket and bra index side by side, here all ket indices come first. The phase "
    "of a Gaussian gate U is the one with <0|U|0> > 0. CubicPhase is the exponential of a truncated x^3: it "
    "needs room below the cutoff",
)

BOSONIC = Capabilities(
    domain="cv",
    operations=frozenset(GAUSSIAN_ROWS | PASSIVE_ROWS | DETECTED | {"CatState", "GKPState"}),
    measurements=frozenset({"mixture"}),
    conventions="SF's means and covariances come as (x1, p1, x2, p2, ...); what is measured is computed "
    "here, as SF's photon numbers of two modes are wrong",
)


@hookimpl
def register_devices(register):
    """Offer strawberryfields.gaussian (Gaussian, exact), .bosonic (cats too) and .fock (all, cut off)."""
    package, sdk, extra = "hybridge_strawberryfields", ("strawberryfields",), "strawberryfields"
    register(
        f"{extra}.gaussian",
        f"{package}.gaussian:SFGaussian",
        capabilities=GAUSSIAN,
        requires=sdk,
        extra=extra,
    )
    register(
        f"{extra}.bosonic", f"{package}.bosonic:SFBosonic", capabilities=BOSONIC, requires=sdk, extra=extra
    )
    register(f"{extra}.fock", f"{package}.fock:SFFock", capabilities=FOCK, requires=sdk, extra=extra)


@hookimpl
def register_formats(register):
    """Offer blackbird, a text, and strawberryfields, SF's own programs."""
    package, extra = "hybridge_strawberryfields", "strawberryfields"
    register("blackbird", f"{package}.formats:Blackbird")
    register(extra, f"{package}.program_format:Programs", requires=(extra,), extra=extra)


def import_strawberryfields() -> ModuleType:
    """The module `strawberryfields`, also beside a SciPy or setuptools too new for it; see sdk.py.

    >>> from hybridge_strawberryfields import import_strawberryfields
    >>> import_strawberryfields().__name__
    'strawberryfields'
    """
    from hybridge_strawberryfields import sdk  # SciPy comes with it

    return sdk.import_strawberryfields()
