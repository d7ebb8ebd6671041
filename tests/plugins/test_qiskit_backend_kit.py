"""The conformance kit on qiskit.backend: a line of qubits, to which every circuit is routed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from qiskit.providers.fake_provider import GenericBackendV2
from quick_sampler import QuickSampler

from hybridge.conformance import QubitConformance

SIZE = 14
LINE = [[i, j] for i in range(SIZE) for j in (i - 1, i + 1) if 0 <= j < SIZE]


class TestBackend(QubitConformance):
    device = "qiskit.backend"
    options: ClassVar[Mapping[str, Any]] = {
        "backend": GenericBackendV2(SIZE, coupling_map=LINE, noise_info=False),
        "sampler": QuickSampler,
        "optimization_level": 0,
    }
