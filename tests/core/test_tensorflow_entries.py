"""Entries of a tensor, as numpy and the circuit function see them."""

import numpy as np
import pytest
import tensorflow as tf

from hybridge.interfaces.tensorflow_entries import marked


@pytest.mark.parametrize("at", [0, (slice(1, 3),), (Ellipsis,)])
def test_numpy_reads_what_an_entry_is(at):
    whole = tf.Variable([0.3, 0.4, 0.5], dtype=tf.float64)
    picked = marked(whole)[at]
    for array in (np.asarray(picked), np.array(picked, dtype=np.float32), np.sin(picked)):
        assert type(array) in (np.ndarray, np.float64)
    assert np.array_equal(np.asarray(picked), whole.numpy()[at])
