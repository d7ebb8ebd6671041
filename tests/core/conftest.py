"""Precision for the tests of JAX: of the whole process, so it is put back."""

import pytest


@pytest.fixture
def x64():
    """float64, as in the references; what jax had before comes back."""
    import jax

    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.fixture
def x32(x64):
    """float32, as JAX is without being told."""
    import jax

    jax.config.update("jax_enable_x64", False)
