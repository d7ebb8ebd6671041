"""Models with a circuit as a layer, on the backend that KERAS_BACKEND names: what test_keras.py runs."""

from __future__ import annotations

import re
import tempfile
import warnings
from pathlib import Path

with warnings.catch_warnings():  # Keras imports its backend, which may have something to say of itself
    warnings.simplefilter("ignore")
    import keras

import numpy as np

import hybridge as hb
from hybridge.keras import KerasLayer

BACKEND = keras.backend.backend()
QUBITS = hb.device("default.qubit", wires=2)
LIGHT = hb.device("default.gaussian", wires=2)
ROWS = np.random.default_rng(0).normal(size=(6, 2)).astype("float32")


@hb.qnode(QUBITS)
def turns(inputs, weights, last):
    for i in range(2):
        hb.RX(inputs[i], wires=i)
        hb.RY(weights[i], wires=i)
    hb.CNOT([0, 1])
    hb.RX(last * inputs[0], wires=1)  # of which a recording of all rows at once knows nothing
    return {"z": hb.expval(hb.Z(0)), "p": hb.probs(1)}


@hb.qnode(LIGHT)
def squeezed(inputs, weights):
    for i in range(2):
        hb.Displacement(inputs[i], weights[i], wires=i)
    hb.Beamsplitter(weights[2], 0.0, wires=[0, 1])
    return [hb.expval(hb.QuadX(i)) for i in range(2)]


SHAPES = {"weights": 2, "last": 1}


def expected(rows, weights):
    found = [turns(np.asarray(row, float), *[np.asarray(w, float) for w in weights]) for row in rows]
    return np.stack([np.array([each["z"], *each["p"]]) for each in found])


def layer_of(**arguments):
    return KerasLayer(turns, SHAPES, **arguments)


def a_batch_is_one_job_and_what_the_circuit_gives():
    layer = layer_of()
    layer(ROWS[:1])  # builds it
    with hb.Tracker(QUBITS) as tracker:
        found = keras.ops.convert_to_numpy(layer(ROWS))
    assert tracker.totals["jobs"] == 1, tracker.totals
    assert found.shape == (6, 3) and found.dtype == np.float32
    assert np.allclose(found, expected(ROWS, layer.get_weights()), atol=1e-5)
    assert layer.output_dim == 3
    assert layer.compute_output_shape((None, 2)) == (None, 3)
    assert layer.compute_output_shape((None, 7, 2)) == (None, 7, 3)


def more_axes_of_rows_are_kept():
    layer = layer_of()
    found = keras.ops.convert_to_numpy(layer(ROWS.reshape(2, 3, 2)))
    assert found.shape == (2, 3, 3)
    assert np.allclose(found.reshape(6, 3), expected(ROWS, layer.get_weights()), atol=1e-5)


def weights_are_made_as_asked_and_set_again():
    specs = {"weights": {"initializer": "ones", "regularizer": keras.regularizers.L2(0.1)}}
    layer = layer_of(weight_specs=specs)
    layer(ROWS)
    assert [w.shape for w in layer.weights] == [(2,), ()]
    assert np.allclose(layer.get_weights()[0], 1) and 0 <= layer.get_weights()[1] < 2 * np.pi
    assert np.isclose(float(layer.losses[0]), 0.2)
    layer.set_weights([np.array([0.3, 0.4]), np.array(0.5)])
    assert np.allclose(keras.ops.convert_to_numpy(layer(ROWS)), expected(ROWS, [[0.3, 0.4], 0.5]), atol=1e-5)


def sequential():
    return keras.Sequential(
        [keras.layers.Dense(2, activation="tanh"), layer_of(), keras.layers.Dense(1, activation="sigmoid")]
    )


def functional():
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(2)(inputs)
    both = keras.layers.Concatenate()([layer_of()(hidden), KerasLayer(squeezed, {"weights": 3})(hidden)])
    assert both.shape == (None, 5)
    return keras.Model(inputs, keras.layers.Dense(1)(both))


def models_train():
    keras.utils.set_random_seed(1)
    targets = (ROWS[:, :1] * ROWS[:, 1:] > 0).astype("float32")
    for model in (sequential(), functional()):
        model.compile(optimizer=keras.optimizers.Adam(0.1), loss="mse")
        model.build((None, 2))
        before = model.get_weights()
        history = model.fit(ROWS, targets, batch_size=4, epochs=6, verbose=0).history["loss"]
        assert history[-1] < 0.9 * history[0], history
        assert all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
        assert model.predict(ROWS, verbose=0).shape == (6, 1)
        assert np.isfinite(model.evaluate(ROWS, targets, verbose=0))


def gradients_are_those_of_the_circuit():
    layer = layer_of()
    layer(ROWS)
    layer.set_weights([np.array([0.3, 0.4]), np.array(0.5)])
    model = keras.Sequential([layer])
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    zeros = np.zeros((6, 3), "float32")
    model.fit(ROWS, zeros, batch_size=6, epochs=1, verbose=0)

    def cost(weights, last):
        found = [turns(np.asarray(row, float), weights, last) for row in ROWS]
        return sum(each["z"] ** 2 + hb.numpy.sum(each["p"] ** 2) for each in found) / 18

    start = (np.array([0.3, 0.4]), 0.5)
    for after, x, slope in zip(
        layer.get_weights(), start, hb.grad(cost, argnums=(0, 1))(*start), strict=True
    ):
        assert np.allclose(after, x - slope, atol=1e-5)


def a_model_is_saved_and_loaded():
    model = sequential()
    model.compile(optimizer="adam", loss="mse")
    model.fit(ROWS, ROWS[:, :1], epochs=1, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        again = keras.models.load_model(path)
        assert np.allclose(again.predict(ROWS, verbose=0), model.predict(ROWS, verbose=0), atol=1e-6)
        assert again.layers[1].qnode is turns
        again.fit(ROWS, ROWS[:, :1], epochs=1, verbose=0)

        weights = Path(folder) / "model.weights.h5"
        model.save_weights(weights)
        other = sequential()
        other.build((None, 2))
        other.load_weights(weights)
        assert np.allclose(other.predict(ROWS, verbose=0), model.predict(ROWS, verbose=0), atol=1e-6)

        local = hb.QNode(turns.function, QUBITS, static=False)
        unnamed = keras.Sequential([KerasLayer(local, SHAPES)])
        unnamed.build((None, 2))
        try:
            unnamed.save(path)
        except hb.CircuitError as error:
            assert "cannot be found by its name" in str(error)
        else:
            raise AssertionError("a QNode without a name was saved")
        with keras.saving.custom_object_scope({"turns": local}):
            unnamed.save(path)
        found = keras.models.load_model(path, custom_objects={"turns": local})
        assert found.layers[0].qnode is local


def bad_arguments_are_named():
    cases = {
        "needs a QNode": lambda: KerasLayer(turns.function, SHAPES),
        "names 'shift', which the circuit does not take": lambda: KerasLayer(turns, {**SHAPES, "shift": 2}),
        "lacks the circuit's argument 'last'": lambda: KerasLayer(turns, {"weights": 2}),
        r"weight_specs names \['other'\]": lambda: layer_of(weight_specs={"other": {}}),
        "output_dim is 2, and the circuit has 3 values": lambda: layer_of(output_dim=2)(ROWS),
        "returns expval, var and probs": lambda: KerasLayer(drawn, {})(ROWS),
    }
    for message, make in cases.items():
        try:
            make()
        except hb.CircuitError as error:
            assert re.search(message, str(error)), (message, str(error))
        else:
            raise AssertionError(f"nothing raised: {message}")


@hb.qnode(QUBITS, shots=5)
def drawn(inputs):
    hb.RX(inputs[0], wires=0)
    return hb.sample(wires=0)


CLAIMS = (
    a_batch_is_one_job_and_what_the_circuit_gives,
    more_axes_of_rows_are_kept,
    weights_are_made_as_asked_and_set_again,
    models_train,
    gradients_are_those_of_the_circuit,
    a_model_is_saved_and_loaded,
    bad_arguments_are_named,
)

if __name__ == "__main__":
    for claim in CLAIMS:
        claim()
        print(f"{BACKEND}: {claim.__name__}")
