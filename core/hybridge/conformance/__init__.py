"""The conformance kit: what a device must do, for a plugin's author to run on theirs.

    from hybridge.conformance import QubitConformance

    class TestMine(QubitConformance):
        device = "minimal.qubit"

and pytest. Needs pytest, which hybridge itself does not.
"""

import pytest

MODULES = ("kit", "channels", "noisy", "lossy", "qubit", "modes", "gaussian", "fock", "mixture")
pytest.register_assert_rewrite(*(f"hybridge.conformance.{module}" for module in MODULES))

from hybridge.conformance.fock import FockConformance
from hybridge.conformance.gaussian import GaussianConformance
from hybridge.conformance.items import Item, items
from hybridge.conformance.mixture import MixtureConformance
from hybridge.conformance.qubit import QubitConformance

__all__ = [
    "FockConformance",
    "GaussianConformance",
    "Item",
    "MixtureConformance",
    "QubitConformance",
    "items",
]
