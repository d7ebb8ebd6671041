"""One model on many devices: values, gradients, deviations, and whether they agree."""

from hybridge.compare.comparison import Comparison, Row, compare

__all__ = ["Comparison", "Row", "compare"]
