"""Samplers of Qiskit Runtime, which run on IBM's machines: the one module that needs qiskit-ibm-runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qiskit_ibm_runtime.executor_sampler import Sampler
from qiskit_ibm_runtime.options_models.sampler import SamplerOptions

SET_HERE = "default_shots"  # by the device's shots
OPTIONS = tuple(name for name in SamplerOptions.model_fields if name != SET_HERE)


def make_sampler(mode: Any, options: Mapping[str, Any]) -> Sampler:
    """The sampler of a backend, a Session or a Batch: its jobs belong to that.

    Raises ValueError for a mode that is none of these, and for options that Qiskit Runtime does not know,
    however deep inside.
    """
    return Sampler(mode=mode, options=dict(options))
