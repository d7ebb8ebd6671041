"""What every device must do, whatever its domain; each method is a claim, and runs over a table."""

from hybridge.conformance.calls import CallItems
from hybridge.conformance.company import CompanyItems
from hybridge.conformance.derivatives import DerivativeItems
from hybridge.conformance.shots import ShotItems


class Conformance(ShotItems, CompanyItems, DerivativeItems, CallItems):
    """The items of every domain."""
