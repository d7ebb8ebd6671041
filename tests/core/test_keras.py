"""A circuit as a layer of Keras, on each of its backends; those are chosen once per process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hybridge.keras import BACKENDS

SCRIPT = Path(__file__).with_name("keras_models.py")


def run(backend: str, *arguments: str) -> subprocess.CompletedProcess:
    quiet = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [sys.executable, *arguments], env=os.environ | quiet, capture_output=True, text=True, timeout=600
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_circuit_is_a_layer_on_every_backend(backend):
    done = run(backend, str(SCRIPT))
    assert done.returncode == 0, done.stderr[-3000:]
    claims = [line.removeprefix(f"{backend}: ") for line in done.stdout.splitlines()]
    assert len(claims) == 7 and claims[-1] == "bad_arguments_are_named"


def test_a_backend_that_does_not_train_is_refused():
    done = run("numpy", "-c", "import hybridge.keras as k; k.KerasLayer(None, {})")
    assert "the backend of Keras is 'numpy'; a circuit trains on tensorflow, torch, jax" in done.stderr
