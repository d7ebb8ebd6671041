"""A classifier of a qubit circuit and a light circuit, compiled by JAX, and what compiling saves.

Points of the plane belong to the class in which they are: inside a ring or outside of it. A qubit circuit
takes a point three times, between rotations that are trained; its two expectation values displace two modes
of light, which a squeezed interferometer mixes; a weighted sum of their quadratures is the answer. Each
circuit is written for one point, jax.vmap makes it one of all points, and jax.value_and_grad takes the
slopes: each is one job of its device for the values and one for the derivatives, however many points there
are. With jax.jit the Python of the circuits runs once, and not again at every step.

Seen: the loss and the share of points that are classified rightly as the training goes on, and the time of a
step as it is written and compiled. Needs jax and optax.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import hybridge as hb
from hybridge.jax import layer

POINTS, STEPS, SHOWN = 60, 60, 15
LAYERS = 3
QUBITS = hb.device("default.qubit", wires=2)
LIGHT = hb.device("default.gaussian", wires=2)


@hb.qnode(QUBITS)
def reuploading(inputs, weights):
    """A point of the plane (2,), taken LAYERS times; weights (LAYERS, 2, 3), radians."""
    for turn in range(LAYERS):
        for wire in range(2):
            hb.RX(inputs[wire], wires=wire)
            hb.Rot(*weights[turn, wire], wires=wire)
        hb.CNOT(wires=[0, 1])
    return hb.expval(hb.Z(0)), hb.expval(hb.Z(1))


@hb.qnode(LIGHT)
def interferometer(inputs, weights):
    """Two displacements (2,), squeezed and mixed; weights (2, 3), radians."""
    for wire in range(2):
        hb.Displacement(inputs[wire], 0.0, wires=wire)
    for theta, phi, turned in weights:
        hb.Beamsplitter(theta, phi, wires=[0, 1])
        hb.Squeezing(0.2, turned, wires=0)
    return hb.expval(hb.QuadX(0)), hb.expval(hb.QuadP(1))


QUBIT_LAYER = layer(reuploading, {"weights": (LAYERS, 2, 3)})
LIGHT_LAYER = layer(interferometer, {"weights": (2, 3)})


def data():
    """Points (POINTS, 2), and 1 inside the ring, -1 outside."""
    points = np.random.default_rng(5).uniform(-1, 1, (POINTS, 2))
    radius = np.hypot(*points.T)
    return jnp.array(np.pi * points), jnp.where(jnp.array((radius > 0.35) & (radius < 0.85)), 1.0, -1.0)


def answers(params, points):
    """A number for each point, (B,): positive for inside the ring."""
    bits = QUBIT_LAYER.apply(params["qubits"], points)
    return LIGHT_LAYER.apply(params["light"], bits) @ params["sum"] + params["bias"]


def loss(params, points, classes):
    """The mean square distance of the answers from 1 and -1."""
    return jnp.mean((answers(params, points) - classes) ** 2)


def start(points):
    """New parameters: a dict of the layers' parameters and of the sum's."""
    first, second = jax.random.split(jax.random.key(1))
    return {
        "qubits": QUBIT_LAYER.init(first, points),
        "light": LIGHT_LAYER.init(second, points),
        "sum": jnp.array([0.5, 0.5]),
        "bias": jnp.array(0.0),
    }


def timed(work, *args):
    """Seconds that it takes."""
    began = time.perf_counter()
    jax.block_until_ready(work(*args))
    return time.perf_counter() - began


def main():
    points, classes = data()
    optimizer = optax.adam(0.1)

    def step(params, state):
        value, slopes = jax.value_and_grad(loss)(params, points, classes)
        updates, state = optimizer.update(slopes, state)
        return optax.apply_updates(params, updates), state, value

    params = start(points)
    state = optimizer.init(params)
    seconds = {}
    for name, work in {"as written": step, "compiled": jax.jit(step)}.items():
        jax.block_until_ready(work(params, state))  # compiled now, if it is
        seconds[name] = min(timed(work, params, state) for _ in range(3))
        print(f"a step {name}: {1e3 * seconds[name]:.1f} ms")
    print(f"compiled, a step is {seconds['as written'] / seconds['compiled']:.0f} times as fast")

    with hb.Tracker(QUBITS) as qubits, hb.Tracker(LIGHT) as light:
        jax.block_until_ready(work(params, state))
    print(f"jobs of a step for {POINTS} points: {qubits.totals['jobs']} qubits, {light.totals['jobs']} light")

    print("step   loss    right")
    for k in range(STEPS + 1):
        updated, state, value = work(params, state)
        if k % SHOWN == 0:
            right = jnp.mean(jnp.sign(answers(params, points)) == classes)
            print(f"{k:4d}   {value:.4f}   {right:.0%}")
        params = updated


if __name__ == "__main__":
    main()
