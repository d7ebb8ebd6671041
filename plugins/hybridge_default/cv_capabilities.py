"""What the built-in continuous-variable devices claim: plain data, so listing them imports no simulator."""

from __future__ import annotations

from dataclasses import replace

from hybridge.plugin import Capabilities

GAUSSIAN = Capabilities(
    domain="cv",
    operations=None,
    measurements=frozenset({"gaussian", "expval", "var", "probs"}),
    observables=frozenset({"polynomial", "projector", "click"}),
    vjp=True,
    mid_circuit=frozenset({"outcome"}),
    conventions="a state prepared on a mode replaces that mode's state and ends its correlations",
)
PLAIN_GAUSSIAN = replace(
    GAUSSIAN, conventions=f"{GAUSSIAN.conventions}; in plain numpy, as numba is not installed"
)

FOCK = Capabilities(
    domain="cv",
    operations=None,
    measurements=frozenset({"state", "density_matrix", "expval", "var", "probs"}),
    observables=frozenset({"polynomial", "projector", "click"}),
    vjp=True,
    mid_circuit=frozenset({"outcome"}),
    truncated=True,
    conventions=(
        "a Gaussian gate has its exact matrix elements below cutoff_dim, so the norm that a state loses is "
        "what has left the cutoff; the phase of such a gate U is the one with <0|U|0> > 0"
    ),
)
