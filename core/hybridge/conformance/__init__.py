"""The conformance kit: what a device must do, for a plugin's author to run on theirs.

    from hybridge.conformance import QubitConformance

    class TestMine(QubitConformance):
        device = "minimal.qubit"

and pytest. Needs pytest, which hybridge itself does not.
"""

from pkgutil import iter_modules

import pytest

# an assertion of the kit that fails says what its numbers were
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in iter_modules(__path__)))

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
