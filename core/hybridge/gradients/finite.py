"""Central finite differences, written as the same kind of rule; used only where asked for by name."""

from __future__ import annotations

import numpy as np

from hybridge.gradients.shift import Shifts


def finite_rule(shots: int | None) -> Shifts:
    """f'(t) ~ (f(t+h) - f(t-h)) / 2h, with h where bias and noise balance.

    Exact values: h = (3 eps)^(1/3), an error near 1e-10. With shots the noise of one value is near
    1/sqrt(shots), and h^2/6 + 1/(h sqrt(2 shots)) is least at h = (3 / sqrt(2 shots))^(1/3).
    """
    h = 6e-6 if shots is None else float((3 / np.sqrt(2 * shots)) ** (1 / 3))
    return Shifts(np.array([h, -h]), np.array([0.5 / h, -0.5 / h]))
