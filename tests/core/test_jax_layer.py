"""A circuit as a layer of JAX: parameters made and applied, rows in one job, trained with optax and Flax."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import hybridge as hb
from hybridge.flax import FlaxLayer
from hybridge.jax import layer

QUBIT = hb.device("default.qubit", wires=2)
GAUSSIAN = hb.device("default.gaussian", wires=2)
KEY = jax.random.key(4)
SHAPES = {"weights": (2, 2), "bias": 1}


@hb.qnode(QUBIT)
def qubits(inputs, weights, bias):
    for wire in range(2):
        hb.RX(inputs[wire], wires=wire)
        hb.RY(weights[0, wire], wires=wire)
    hb.CNOT([0, 1])
    hb.RX(weights[1, 0] + bias, wires=0)
    hb.RZ(weights[1, 1], wires=1)
    return [hb.expval(hb.Z(0)), hb.expval(hb.X(1))]


@hb.qnode(GAUSSIAN)
def light(inputs, weights):
    for wire in range(2):
        hb.Displacement(0.5 * inputs[wire], 0.0, wires=wire)
        hb.Squeezing(0.3, weights[wire], wires=wire)
    hb.Beamsplitter(weights[2], 0.0, wires=[0, 1])
    return hb.expval(hb.QuadX(0)), hb.expval(hb.QuadP(1))


def returning(measure):
    @hb.qnode(QUBIT)
    def circuit(inputs):
        hb.RX(inputs[0], wires=0)
        hb.RY(inputs[1], wires=1)
        return measure()

    return circuit


def test_new_parameters_have_the_shapes_asked_for_and_the_dtype_of_the_inputs():
    init, _ = layer(qubits, SHAPES)
    for dtype in (jnp.float32, jnp.bfloat16):
        params = init(KEY, jnp.zeros((5, 2), dtype))
        assert {name: (x.shape, x.dtype) for name, x in params.items()} == {
            "weights": ((2, 2), dtype),
            "bias": ((), dtype),
        }
        assert all((0 <= x).all() and (x < 6.3).all() for x in params.values())
    same, other = init(KEY, jnp.zeros(2, dtype)), init(jax.random.key(5), jnp.zeros(2, dtype))
    assert jax.tree.all(jax.tree.map(jnp.array_equal, params, same))
    assert not jnp.array_equal(params["weights"], other["weights"])


def test_weights_may_be_filled_by_name():
    init, _ = layer(qubits, SHAPES, {"bias": jax.nn.initializers.constant(0.5)})
    assert init(KEY, jnp.zeros(2))["bias"] == 0.5
    init, _ = layer(qubits, SHAPES, jax.nn.initializers.normal(0.01))
    assert 0 < np.abs(init(KEY, jnp.zeros(2))["weights"]).max() < 0.1


# what a row returns -> the shape of its values
OUTPUTS = [
    (lambda: hb.expval(hb.Z(0)), ()),
    (lambda: [hb.expval(hb.Z(0))], (1,)),
    (lambda: hb.probs(), (4,)),
    (lambda: {"first": hb.expval(hb.Z(0)), "rest": (hb.var(hb.X(1)), hb.probs(wires=[0]))}, (4,)),
]


@pytest.mark.parametrize("measure, shape", OUTPUTS)
def test_rows_keep_their_axes_and_values_stand_side_by_side(measure, shape):
    circuit = returning(measure)
    _, apply = layer(circuit, {})
    for batch in ((), (3,), (2, 3), (0, 3)):
        inputs = np.random.default_rng(2).uniform(-1, 1, (*batch, 2)).astype(np.float32)
        found = jax.jit(apply)({}, inputs)
        assert found.shape == (*batch, *shape)
        for at in np.ndindex(batch):
            expected = np.concatenate([np.ravel(x) for x in jax.tree.leaves(circuit(np.float64(inputs[at])))])
            np.testing.assert_allclose(np.ravel(found[at]), expected, atol=1e-6)


def test_all_rows_are_one_job():
    init, apply = layer(qubits, SHAPES)
    inputs = jnp.linspace(-1, 1, 24).reshape(4, 3, 2)
    params = init(KEY, inputs)
    slopes = jax.jit(jax.grad(lambda params: jnp.sum(apply(params, inputs) ** 2)))
    slopes(params)
    for work, jobs in ((lambda: apply(params, inputs), 1), (lambda: slopes(params), 2)):
        with hb.Tracker(QUBIT) as tracker:
            jax.block_until_ready(work())
        assert (tracker.totals["jobs"], tracker.totals["executions"]) == (jobs, 12 * jobs)


def model(params, inputs, hidden, optics):
    """A dense layer, a layer of qubits, a layer of light, and a weighted sum."""
    x = jnp.tanh(inputs @ params["dense"])
    x = hidden.apply(params["qubits"], x)
    return optics.apply(params["light"], x) @ params["last"]


def test_qubits_light_and_a_dense_layer_train_together():
    rng = np.random.default_rng(0)
    inputs = jnp.array(rng.normal(size=(20, 3)), jnp.float32)
    targets = jnp.sign(inputs[:, 0] * inputs[:, 1])
    hidden, optics = layer(qubits, SHAPES), layer(light, {"weights": 3})
    keys = jax.random.split(KEY, 4)
    params = {
        "dense": 0.7 * jax.random.normal(keys[0], (3, 2)),
        "qubits": hidden.init(keys[1], inputs),
        "light": optics.init(keys[2], inputs),
        "last": jax.random.normal(keys[3], (2,)),
    }
    optimizer = optax.adam(0.1)

    def loss(params):
        return jnp.mean((model(params, inputs, hidden, optics) - targets) ** 2)

    @jax.jit
    def step(params, state):
        value, slopes = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(slopes, state)
        return optax.apply_updates(params, updates), state, value

    state, losses = optimizer.init(params), []
    for _ in range(60):
        params, state, value = step(params, state)
        losses.append(float(value))
    assert losses[-1] < 0.5 * losses[0]
    assert jax.tree.all(jax.tree.map(lambda x: x.dtype == jnp.float32, params))


def flax_model():
    return nn.Sequential([nn.Dense(2), FlaxLayer(qubits, SHAPES), nn.Dense(1)])


def test_a_module_of_flax_is_the_layer():
    inputs = jnp.linspace(-1, 1, 12).reshape(2, 3, 2)
    module = FlaxLayer(qubits, SHAPES, jax.nn.initializers.normal())
    params = module.init(KEY, inputs)
    assert jax.tree.map(jnp.shape, params) == {"params": {"weights": (2, 2), "bias": ()}}
    expected = layer(qubits, SHAPES).apply(params["params"], inputs)
    np.testing.assert_allclose(module.apply(params, inputs), expected, atol=1e-6)


def test_modules_of_flax_train():
    inputs = jnp.array(np.random.default_rng(3).normal(size=(16, 3)), jnp.float32)
    targets = jnp.sin(inputs[:, :1])
    network = flax_model()
    params, optimizer = network.init(KEY, inputs), optax.sgd(0.2)

    @jax.jit
    def step(params, state):
        value, slopes = jax.value_and_grad(lambda p: jnp.mean((network.apply(p, inputs) - targets) ** 2))(
            params
        )
        updates, state = optimizer.update(slopes, state)
        return optax.apply_updates(params, updates), state, value

    state, losses = optimizer.init(params), []
    for _ in range(30):
        params, state, value = step(params, state)
        losses.append(float(value))
    assert losses[-1] < 0.3 * losses[0]


def test_nnx_takes_the_module():
    inputs = jnp.linspace(-1, 1, 6).reshape(3, 2)
    module = nnx.bridge.ToNNX(FlaxLayer(qubits, SHAPES), rngs=nnx.Rngs(0)).lazy_init(inputs)
    slopes = nnx.grad(lambda m: jnp.sum(m(inputs)))(module)
    assert jax.tree.map(jnp.shape, nnx.to_pure_dict(slopes)) == {"weights": (2, 2), "bias": ()}
    assert module(inputs).shape == (3, 2)


def test_what_does_not_fit_the_circuit_is_named():
    cases = [
        ((lambda x: x, {}), "needs a QNode"),
        (
            (qubits, {"weights": (2, 2)}),
            "lacks the circuit's argument 'bias'; its arguments are inputs, weights, bias",
        ),
        ((qubits, {**SHAPES, "angle": 3}), "names 'angle', which the circuit does not take"),
        ((qubits, {**SHAPES, "inputs": 2}), "no weight; leave it out"),
        ((hb.QNode(lambda x: hb.expval(hb.Z(0)), QUBIT), {}), "its arguments are x"),
        ((qubits, {**SHAPES, "bias": "two"}), "the weight 'bias' needs a shape"),
        ((qubits, {**SHAPES, "bias": (-1,)}), r"needs a shape such as \(3, 2\), or 3"),
        (
            (qubits, SHAPES, {"phase": jax.nn.initializers.zeros}),
            "init_method names 'phase'; the weights are",
        ),
    ]
    for arguments, message in cases:
        with pytest.raises(hb.CircuitError, match=message):
            layer(*arguments)
