"""A circuit as a layer: rows in, outputs side by side, weights that train, are saved, and move."""

from __future__ import annotations

import copy
import io
import math
import pickle

import numpy as np
import pytest
import torch
from torch.func import functional_call, stack_module_state, vmap

import hybridge as hb
from hybridge.torch import TorchLayer

QUBITS = hb.device("default.qubit", wires=2)
LIGHT = hb.device("default.gaussian", wires=2)


def turned(inputs, weights, phase):
    for wire in range(2):
        hb.RX(inputs[wire], wires=wire)
        hb.RY(weights[wire], wires=wire)
    hb.CNOT(wires=[0, 1])
    hb.RZ(phase, wires=1)
    hb.RX(0.4, wires=1)
    return [hb.expval(hb.Z(wire)) for wire in range(2)], hb.probs(wires=[1])


turns = hb.QNode(turned, QUBITS)


def touched(weights, inputs, phase):
    """The inputs are calculated with, and are not the first argument."""
    for wire in range(2):
        hb.RX(torch.sin(inputs[wire]) * weights[wire], wires=wire)
    hb.CNOT(wires=[0, 1])
    hb.RY(phase, wires=1)
    return hb.expval(hb.Z(1)), hb.expval(hb.X(0))


def light(inputs, weights, phase, detuned=0.1):
    for wire in range(2):
        hb.Displacement(inputs[wire], 0.0, wires=wire)
        hb.Squeezing(weights[wire], detuned, wires=wire)
    hb.Beamsplitter(phase, 0.0, wires=[0, 1])
    return {"q": hb.expval(hb.QuadX(0)), "n": hb.expval(hb.NumberOperator(1))}


SHAPES = {"weights": 2, "phase": 1}
NODES = {
    "recorded": turns,
    "by rule": turns.update(diff_method="parameter-shift"),
    "static": turns.update(static=True),
    "touched": hb.QNode(touched, QUBITS),
    "light": hb.QNode(light, LIGHT),
    "light, static": hb.QNode(light, LIGHT, static=True),
}
each_node = pytest.mark.parametrize("node", NODES.values(), ids=NODES)
ROWS = torch.tensor(np.random.default_rng(4).uniform(0.1, 1, size=(3, 4, 2)))


def small(weight):
    return torch.nn.init.uniform_(weight, 0.1, 0.4)


def layer(node=turns, **changes):
    torch.manual_seed(1)
    return TorchLayer(node, **{"weight_shapes": SHAPES, "init_method": small, **changes}).double()


def by_row(made, inputs):
    return torch.stack([made(row) for row in inputs])


@each_node
def test_any_leading_axes_are_rows_of_one_batch(node):
    made = layer(node)
    single = made(ROWS[0, 0])
    assert single.shape == (made(ROWS[0, 0]).numel(),)
    found = made(ROWS)
    assert found.shape == (3, 4, len(single)) and found.dtype is torch.float64
    torch.testing.assert_close(found[0], by_row(made, ROWS[0]))
    torch.testing.assert_close(made(ROWS[0]), found[0])


@each_node
def test_a_batch_is_one_job_forward_and_one_back(node):
    made = layer(node)
    with hb.Tracker(node.device) as tracker:
        loss = made(ROWS).square().sum()
    assert tracker.totals["jobs"] == 1 and tracker.totals["executions"] == 12
    with hb.Tracker(node.device) as tracker:
        loss.backward()
    assert tracker.totals["jobs"] == 1


@each_node
def test_inputs_and_weights_differentiate(node):
    made = layer(node)
    inputs = ROWS[0].clone().requires_grad_()
    assert torch.autograd.gradcheck(made, (inputs,))
    made(inputs).square().sum().backward()
    batched = [p.grad.clone() for p in made.parameters()]
    made.zero_grad()
    by_row(made, inputs).square().sum().backward()
    for one, other in zip(batched, made.parameters(), strict=True):
        torch.testing.assert_close(one, other.grad)


def test_outputs_stand_in_the_order_of_the_measurements():
    made = layer()
    weights, phase = made.weights.detach().numpy(), float(made.phase.detach())
    (first, second), probs = turns(ROWS[0, 0].numpy(), weights, phase)
    np.testing.assert_allclose(made(ROWS[0, 0]).detach(), [first, second, *probs])


def test_one_bare_measurement_keeps_its_own_shape():
    shapes = {
        (): lambda: hb.expval(hb.Z(0)),
        (4,): hb.probs,
        (1,): lambda: [hb.expval(hb.Z(0))],
        (5,): lambda: {"p": hb.probs(), "v": hb.var(hb.Z(0))},
    }
    for shape, measured in shapes.items():
        node = hb.QNode(lambda inputs, m=measured: (hb.RX(inputs[0], wires=0), m())[1], QUBITS)
        made = TorchLayer(node, {})
        assert made(ROWS).shape == (3, 4, *shape) and made(ROWS[0, 0]).shape == shape
    fixed = hb.QNode(lambda inputs: (hb.H(0), [hb.expval(hb.X(0)), hb.probs(wires=[0])])[1], QUBITS)
    assert TorchLayer(fixed, {})(ROWS[0, 0]).shape == (3,)


def test_weights_have_the_shapes_and_the_values_asked_for():
    node = hb.QNode(lambda inputs, a, b, c: hb.expval(hb.Z(0)), QUBITS)
    shapes = {"a": 3, "b": 1, "c": (2, 0, 4)}
    made = TorchLayer(node, shapes)
    assert {name: tuple(p.shape) for name, p in made.named_parameters()} == {
        "a": (3,),
        "b": (),
        "c": (2, 0, 4),
    }
    assert all(p.requires_grad and ((p >= 0) & (p < 2 * math.pi)).all() for p in made.parameters())
    named = {"a": torch.arange(3.0), "b": torch.nn.init.zeros_, "c": torch.nn.init.ones_}
    filled = TorchLayer(node, shapes, named)
    assert filled.a.tolist() == [0, 1, 2] and filled.b == 0
    named["a"][0] = 7
    assert filled.a[0] == 0


def test_the_state_dict_makes_the_same_layer():
    made, other = layer(), layer(init_method=torch.nn.init.zeros_)
    assert list(made.state_dict()) == ["weights", "phase"]
    other.load_state_dict(made.state_dict())
    torch.testing.assert_close(other(ROWS), made(ROWS))


@each_node
def test_copies_and_pickles_have_weights_of_their_own(node):
    made = layer(node)
    buffer = io.BytesIO()
    torch.save(made, buffer)
    buffer.seek(0)
    copies = [pickle.loads(pickle.dumps(made)), copy.deepcopy(made), torch.load(buffer, weights_only=False)]
    wanted = made(ROWS)
    assert copies[1].qnode is made.qnode
    with torch.no_grad():
        made.weights += 1
    for other in copies:
        torch.testing.assert_close(other(ROWS), wanted)
    assert not torch.allclose(made(ROWS), wanted)


def test_dtype_follows_the_weights_and_the_inputs():
    made = layer().to(torch.float32)
    assert made(ROWS.float()).dtype is torch.float32
    assert made.to(torch.float64)(ROWS).dtype is torch.float64
    made(ROWS).sum().backward()
    assert made.weights.grad.dtype is torch.float64
    assert made.to("cpu")(ROWS).device.type == "cpu"


def test_it_says_what_it_is():
    shown = repr(layer())
    assert shown.startswith("TorchLayer(") and "QNode turned" in shown and "weights=(2,), phase=()" in shown


def test_arguments_with_a_default_may_be_left_out_or_be_weights():
    def circuit(inputs, wire=1, angle=0.2):
        hb.RX(inputs[0] + angle, wires=wire)
        return hb.expval(hb.Z(1))

    node = hb.QNode(circuit, QUBITS)
    with torch.no_grad():
        torch.testing.assert_close(layer(node, weight_shapes={})(ROWS), torch.cos(ROWS[..., 0] + 0.2))
        made = layer(node, weight_shapes={"angle": 1})
        torch.testing.assert_close(made(ROWS), torch.cos(ROWS[..., 0] + made.angle))


def test_it_trains_among_other_layers():
    torch.manual_seed(3)
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 2),
        layer().float(),
        torch.nn.Linear(4, 2),
        layer(NODES["light"]).float(),
        torch.nn.Linear(2, 1),
    )
    inputs = ROWS[0].float()
    wanted = inputs.prod(-1, keepdim=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(inputs), wanted)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 10


def test_an_ensemble_of_layers_is_one_job():
    layers = [layer(), layer(init_method=torch.nn.init.ones_), layer(init_method=torch.nn.init.zeros_)]
    weights, _ = stack_module_state(layers)
    with hb.Tracker(QUBITS) as tracker:
        found = vmap(lambda w: functional_call(layers[0], w, (ROWS,)))(weights)
    assert tracker.totals["jobs"] == 1
    torch.testing.assert_close(found, torch.stack([each(ROWS) for each in layers]))


def no_inputs(x, weights):
    return hb.expval(hb.Z(0))


def starred(inputs, *weights):
    return hb.expval(hb.Z(0))


def by_name(inputs, *, weights):
    return hb.expval(hb.Z(0))


NAMELESS, STARRED, BY_NAME = (hb.QNode(f, QUBITS) for f in (no_inputs, starred, by_name))
BAD = {
    "no node": ((no_inputs, {}), r"needs a QNode, such as @hb.qnode makes; got <function no_inputs"),
    "no inputs": (
        (NAMELESS, {"weights": 3}),
        r"argument 'inputs'; its arguments are x, weights",
    ),
    "inputs as weights": ((turns, {**SHAPES, "inputs": 2}), "names 'inputs', a row of features"),
    "an unknown weight": ((turns, {**SHAPES, "angle": 2}), "names 'angle', which the circuit does not take"),
    "a missing weight": ((turns, {"weights": 2}), "lacks the circuit's argument 'phase'"),
    "any number of weights": (
        (STARRED, {"weights": 2}),
        r"by their place; the circuit takes \*weights",
    ),
    "weights by name only": (
        (BY_NAME, {"weights": 2}),
        "by their place; the circuit takes weights",
    ),
    "a shape that is none": ((turns, {**SHAPES, "phase": 1.5}), r"'phase' needs a shape .*; got 1.5"),
    "a negative size": ((turns, {**SHAPES, "phase": (2, -1)}), r"'phase' needs a shape .*; got \(2, -1\)"),
    "no filling": (
        (turns, SHAPES, {"weights": small}),
        r"lacks the weight 'phase'; it has \['weights'\]",
    ),
    "another shape": (
        (turns, SHAPES, {"weights": torch.zeros(3), "phase": small}),
        r"'weights' is \(2,\); init_method gives \(3,\)",
    ),
}


@pytest.mark.parametrize("made, message", BAD.values(), ids=BAD)
def test_what_does_not_fit_is_named(made, message):
    node, *rest = made
    with pytest.raises(hb.CircuitError, match=message):
        TorchLayer(node, *rest)
