"""The conformance kit: what a device must do, for a plugin's author to run on theirs.

    from hybridge.conformance import QubitConformance

    class TestMine(QubitConformance):
        device = "minimal.qubit"

and pytest. Needs pytest, which hybridge itself does not.
"""

import pytest

pytest.register_assert_rewrite(
    *(f"hybridge.conformance.{m}" for m in ("kit", "channels", "qubit", "modes", "gaussian", "fock"))
)

from hybridge.conformance.fock import FockConformance  # noqa: E402
from hybridge.conformance.gaussian import GaussianConformance  # noqa: E402
from hybridge.conformance.items import Item, items  # noqa: E402 - the asserts are rewritten at import
from hybridge.conformance.qubit import QubitConformance  # noqa: E402

__all__ = ["FockConformance", "GaussianConformance", "Item", "QubitConformance", "items"]
