"""What holds for every test: TensorFlow says nothing of the machine it finds; a QVM is there if wanted."""

import os
from importlib import import_module
from importlib.util import find_spec

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if find_spec("triton"):  # of torch built for CUDA: imported after TensorFlow it ends the process
    import_module("triton")


@pytest.fixture(scope="session")
def qvm():
    """The url of a QVM where the devices find it: HYBRIDGE_QVM_URL, or a stand-in; none without pyQuil."""
    with pytest.MonkeyPatch.context() as patch:
        url = os.environ.get("HYBRIDGE_QVM_URL", "")
        if url or not find_spec("pyquil"):
            patch.setenv("QCS_SETTINGS_APPLICATIONS_QVM_URL", url)
            yield url
            return
        from qvm_server import serving  # needs pyQuil

        with serving() as server:
            patch.setenv("QCS_SETTINGS_APPLICATIONS_QVM_URL", server.url)
            yield server.url
