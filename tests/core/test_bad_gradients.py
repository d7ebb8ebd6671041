"""Bad input to a derivative gets one error of ours: what, given what, what would work."""

import math

import numpy as np
import pytest
import torch

import hybridge as hb
from hybridge import numpy as hnp

DEVICE = hb.device("default.qubit", wires=2)
SAMPLING = hb.device("default.qubit", wires=2, shots=10, seed=1)
X = np.array([0.3, 0.4])


def on(measure, device=DEVICE, **options):
    """A QNode of one angle that measures this."""

    def circuit(x):
        hb.RX(x, wires=0)
        return measure()

    return hb.QNode(circuit, device, **options)


def z():
    return hb.expval(hb.Z(0))


@hb.qnode(DEVICE)
def several(x):
    hb.RX(x[0], wires=0)
    hb.RX(x[1], wires=1)
    return hb.expval(hb.Z(0) @ hb.Z(1))


@hb.qnode(DEVICE)
def apart(x, y):
    hb.RX(x, wires=0)
    hb.RY(y, wires=0)
    return hb.expval(hb.Z(0))


one, both = on(z), on(lambda: (hb.expval(hb.Z(0)), hb.expval(hb.Y(0))))
static = on(z, static=True)


def assigned(x):
    x[0] = 1.0
    return several(x)


# what is done -> the call, words of the message in their order
ARGUMENTS = {
    "complex": (
        lambda: hb.grad(one)(1j),
        "argument 0: complex 1j is not a real.*real and its imaginary part",
    ),
    "complex array": (lambda: hb.grad(several)(X + 0j), r"argument 0: ndarray array\(\[0.3\+0.j.*imaginary"),
    "complex, static": (lambda: hb.grad(static)(1j), "argument 0: complex 1j is not a real"),
    "complex in a container": (lambda: hb.grad(several)([0.1, 2j]), "argument 0: complex 2j"),
    "complex tangent": (lambda: hb.jvp(one, (0.1,), (1j,)), "tangent 0: complex 1j"),
    "complex cotangent": (lambda: hb.vjp(one, (0.1,), 1j), "cotangent 0: complex 1j"),
    "a truth": (lambda: hb.grad(one)(True), "argument 0: bool True is not a real number.*such as 1.0"),
    "truths": (lambda: hb.grad(several)(np.array([True, False])), "argument 0: ndarray array.*such as 1.0"),
    "text": (lambda: hb.grad(one)("0.3"), "argument 0: str '0.3' is not a real.*leave it out of argnums"),
    "texts": (lambda: hb.grad(several)(np.array(["a", "b"])), "argument 0: ndarray array"),
    "text in a container": (lambda: hb.jacobian(several)([0.1, "a"]), "argument 0: str 'a'"),
    "nothing": (lambda: hb.grad(one)(None), "argument 0: NoneType None is not a real"),
    "the second argument": (lambda: hb.grad(apart, 1)(0.1, "b"), "argument 1: str 'b'"),
    "objects": (lambda: hb.grad(several)(np.array([0.1, None])), r"argument 0: .*np.array\(x, dtype=float\)"),
    "floats as objects": (lambda: hb.grad(several)(X.astype(object)), r"np.array\(x, dtype=float\)"),
    "ragged": (lambda: hb.grad(one)(Ragged()), "argument 0: Ragged gives no numbers: no shape"),
    "too large": (lambda: hb.grad(one)(10**400), r"argument 0: int 1000.*\.\.\..*000 is not a real number"),
    "a tensor": (lambda: hb.grad(one)(torch.tensor(0.3)), "Tensor is an array of torch.*pass a numpy array"),
    "a tensor of a graph": (
        lambda: hb.grad(one)(torch.tensor(0.3, requires_grad=True)),
        "argument 0: Tensor is an array of torch, and hb.grad.*differentiate with torch",
    ),
    "a device": (lambda: hb.grad(one)(DEVICE), "argument 0: .* is not a real number"),
}
ARGNUMS = {
    "out of range": (
        lambda: hb.grad(apart, 2)(0.1, 0.2),
        "argument 2: .*called with 2 arguments.*argnums=0, 1",
    ),
    "below range": (lambda: hb.jacobian(one, -2)(0.1), "argument -2: .*called with 1 argument by.*argnums=0"),
    "one out of range": (lambda: hb.grad(apart, (0, 5))(0.1, 0.2), "argument 5: .*called with 2 arguments"),
    "twice": (lambda: hb.grad(apart, (0, 0))(0.1, 0.2), "argument 0: argnums names it twice; name it once"),
    "twice, from the end": (lambda: hb.grad(apart, (1, -1))(0.1, 0.2), "argument 1: argnums names it twice"),
    "not whole": (lambda: hb.grad(one, 0.5)(0.1), "whole numbers.*got 0.5; use argnums=0"),
    "a name": (lambda: hb.grad(one, "x")(0.1), "whole numbers, which count the positional.*got 'x'"),
    "names": (lambda: hb.hessian(one, ("x",))(0.1), r"whole numbers.*got \('x',\)"),
    "a truth": (lambda: hb.grad(one, True)(0.1), "whole numbers.*got True"),
    "None": (lambda: hb.grad(one, None)(0.1), "whole numbers.*got None"),
    "none of them": (lambda: hb.grad(one, ())(0.1), r"whole numbers.*got \(\)"),
    "a nest": (lambda: hb.grad(apart, ((0, 1),))(0.1, 0.2), "whole numbers"),
    "without arguments": (lambda: hb.grad(one)(), "argument 0: .*without positional arguments; pass it by"),
    "by name": (lambda: hb.jacobian(one)(x=0.1), "argument 0: .*without positional arguments; pass it by"),
    "by name, static": (lambda: hb.grad(static)(x=0.1), "argument 0: .*without positional arguments"),
}
FUNCTIONS = {
    "a number": (
        lambda: hb.grad(one(0.3)),
        r"hb.grad needs a function; got float64.*hb.grad\(circuit\)\(0.3\)",
    ),
    "text": (lambda: hb.jacobian("f"), "hb.jacobian needs a function; got str 'f'"),
    "None": (lambda: hb.hessian(None), "needs a function; got NoneType None"),
    "of both": (lambda: hb.value_and_grad(3), "hb.value_and_grad needs a function; got int 3"),
    "of a vjp": (lambda: hb.vjp(3, (0.1,), 1.0), "hb.vjp needs a function; got int 3"),
    "of a jvp": (lambda: hb.jvp(3, (0.1,), (1.0,)), "hb.jvp needs a function; got int 3"),
    "params alone": (
        lambda: hb.vjp(one, 0.1, 1.0),
        "the params: one entry for each argument.*got float 0.1.*tuple",
    ),
    "tangents alone": (
        lambda: hb.jvp(one, (0.1,), 1.0),
        "the tangents: one entry for each argument.*float 1.0",
    ),
    "an entry assigned": (lambda: hb.grad(assigned)(X), "assigns to entries.*hybridge.numpy"),
    "float": (lambda: hb.grad(lambda x: one(float(x)))(0.3), "plain number.*float.*hybridge.numpy"),
    "float of another": (lambda: hb.grad(lambda x: one(float(2 * x)))(0.3), "plain number.*hybridge.numpy"),
    "int": (lambda: hb.grad(lambda x: one(int(x)))(0.3), "plain number.*int"),
    "math": (lambda: hb.grad(lambda x: one(math.sin(x)))(0.3), "plain number.*hybridge.numpy"),
    "math, forward": (lambda: hb.jvp(lambda x: one(math.sin(x)), (0.3,), (1.0,)), "plain number.*hybridge"),
    "an index": (lambda: hb.grad(lambda x: [1.0, 2.0][x])(0.3), "plain number.*indices"),
}
VALUES = {
    "several": (
        lambda: hb.grad(both)(0.1),
        r"one number as value; this one has shapes \[\(\), \(\)\]; use hb.jacobian",
    ),
    "an array": (
        lambda: hb.grad(lambda x: hnp.array([1.0, 2.0]) * one(x))(0.1),
        r"shapes \[\(2,\)\]; use hb.jacobian",
    ),
    "a batch": (lambda: hb.grad(one)(X), r"shapes \[\(2,\)\]; use hb.jacobian"),
    "a map": (lambda: hb.grad(one.map)(X), r"shapes \[\(2,\)\]; use hb.jacobian"),
    "a dict": (
        lambda: hb.grad(lambda x: {"a": one(x)})(0.1),
        "returned it in a dict; return the number alone",
    ),
    "a tuple of one": (lambda: hb.grad(on(lambda: (z(),)))(0.1), "returned it in a tuple; return the number"),
    "a list of two": (lambda: hb.grad(lambda x: [x, x])(0.1), "use hb.jacobian"),
    "an empty list": (lambda: hb.grad(lambda x: [])(0.1), r"shapes \[\]"),
    "nothing": (lambda: hb.grad(lambda x: None)(0.1), "one real number as value; this one returned nothing"),
    "text": (lambda: hb.grad(lambda x: "a")(0.1), "one real number as value; this one returned str 'a'"),
    "a truth": (
        lambda: hb.grad(lambda x: one(x) > 0)(0.1),
        "one real number as value; this one returned bool",
    ),
    "complex": (lambda: hb.grad(lambda x: 1j * one(x))(0.1), "returned complex.*real and its imaginary part"),
    "nothing, of a Jacobian": (
        lambda: hb.jacobian(lambda x: None)(0.1),
        "jacobian needs .* returned nothing",
    ),
    "text, of a Jacobian": (lambda: hb.jacobian(lambda x: (x, "a"))(0.1), "real numbers as value.*str 'a'"),
    "complex, of a Jacobian": (lambda: hb.jacobian(lambda x: 1j * one(x))(0.1), "jacobian.*returned complex"),
    "complex, of a vjp": (
        lambda: hb.vjp(lambda x: 1j * one(x), (0.1,), 1.0),
        "vjp needs .* returned complex",
    ),
    "cotangents of another number": (
        lambda: hb.vjp(one, (0.1,), (1.0, 2.0)),
        "has 1 values, not 2 cotangents",
    ),
    "cotangents of another shape": (
        lambda: hb.vjp(several, (X,), np.ones(3)),
        r"cotangent 0 has shape \(3,\), value 0 \(\)",
    ),
    "tangents of another shape": (
        lambda: hb.jvp(several, (X,), (np.ones(3),)),
        r"shapes of the parameters, \[\(2,\)\]; got \[\(3,\)\]",
    ),
    "tangents of another number": (lambda: hb.jvp(one, (0.1,), (1.0, 1.0)), r"got \[\(\), \(\)\]"),
}
NODES = {
    "sample": on(lambda: hb.sample(wires=0), SAMPLING),
    "sample of an observable": on(lambda: hb.sample(hb.Z(0)), SAMPLING),
    "counts": on(lambda: hb.counts(wires=0), SAMPLING),
    "state": on(hb.state),
    "density_matrix": on(lambda: hb.density_matrix(0)),
    "sample beside a value": on(lambda: (z(), hb.sample(wires=0)), SAMPLING),
    "state, static": on(hb.state, static=True),
}
TABLE = {
    f"{name}: {case}": row
    for name, table in {
        "argument": ARGUMENTS,
        "argnums": ARGNUMS,
        "function": FUNCTIONS,
        "value": VALUES,
        "node": {
            f"{kind} of {name}": (
                lambda kind=kind, node=node: getattr(hb, kind)(node)(0.3),
                f"{name.split()[0].rstrip(',')}.* is not differentiable; return expval, var or probs",
            )
            for name, node in NODES.items()
            for kind in ("grad", "jacobian", "value_and_grad", "hessian")
        },
    }.items()
    for case, row in table.items()
}


class Ragged:
    """Something that numpy cannot make an array of."""

    def __array__(self, dtype=None, copy=None):
        raise ValueError("no shape")


@pytest.mark.parametrize("case", TABLE)
def test_a_derivative_that_makes_no_sense_says_so(case):
    call, message = TABLE[case]
    with pytest.raises(hb.GradientError, match=message) as told:
        call()
    frames = [entry.path for entry in told.traceback]
    assert "hybridge" in str(frames[-1]), "raised where it is told, and nowhere deeper"
    assert np.isclose(hb.grad(one)(0.3), -np.sin(0.3))  # nothing is left behind


@pytest.mark.filterwarnings("ignore:__array_wrap__")  # numpy's, of torch
def test_a_tensor_in_a_function_that_autograd_differentiates_says_so():
    with pytest.raises(hb.GradientError, match=r"something else than numbers.*torch.Tensor.*numpy arrays"):
        hb.grad(lambda x: one(x) * torch.tensor(0.3))(0.3)


PARAMETERS = {
    "NaN": (np.nan, "parameter 0 of the circuit is nan; .*finite numbers .it is phi of RX on wires .0."),
    "infinite": (-np.inf, "parameter 0 of the circuit is -inf; .*phi of RX on wires .0."),
}
WAYS = {
    "grad": lambda circuit, x: hb.grad(circuit)(x),
    "a cost": lambda circuit, x: hb.grad(lambda y: circuit(y) ** 2)(x),
    "jacobian": lambda circuit, x: hb.jacobian(circuit)(x),
    "vjp": lambda circuit, x: hb.vjp(circuit, (x,), 1.0),
    "jvp": lambda circuit, x: hb.jvp(circuit, (x,), (1.0,)),
    "a call": lambda circuit, x: circuit(x),
    "a map": lambda circuit, x: circuit.map(np.array([x])),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PARAMETERS)
def test_a_number_that_is_not_finite_is_named(name, way):
    x, message = PARAMETERS[name]
    for circuit in (one, static, on(z, diff_method="parameter-shift")):
        with pytest.raises(hb.CircuitError, match=message):
            WAYS[way](circuit, x)


def test_of_a_batch_the_row_is_named_too():
    with pytest.raises(
        hb.CircuitError, match=r"parameter 1 .* nan.*phi of RX on wires \[1\], row 1 of the batch"
    ):
        hb.grad(lambda x: hnp.sum(several.map(x)))(np.array([X, [0.1, np.nan]]))


BOXES = {
    "np.asarray": lambda x: one(np.asarray(x)),
    "np.array in the circuit": hb.QNode(lambda x: (hb.RX(np.array(x), wires=0), z())[1], DEVICE),
    "no interface": on(z, interface=None),
    "no interface, static": on(z, interface=None, static=True),
}


@pytest.mark.parametrize("name", BOXES)
def test_a_traced_number_where_a_plain_one_is_asked_for_says_so(name):
    for f in (BOXES[name], lambda x: BOXES[name](2 * x)):
        with pytest.raises(
            hb.CircuitError, match=r"one that is differentiated, .*hybridge.numpy.*interface=None"
        ):
            hb.grad(f)(0.3)


def test_numpys_own_functions_pass_where_nothing_is_lost():
    assert np.isclose(hb.grad(lambda x: several(np.asarray(x)))(X)[0], -np.sin(0.3) * np.cos(0.4))
    assert np.isclose(hb.grad(lambda x: several(np.array([x, 0.4])))(0.3), -np.sin(0.3) * np.cos(0.4))
    assert np.isclose(hb.grad(lambda x: one(np.sin(x)))(0.3), -np.sin(np.sin(0.3)) * np.cos(0.3))


WHOLE = {
    "an int": 1,
    "numpy's": np.int64(1),
    "small": np.uint8(1),
    "an array": np.array(1),
    "float32": np.float32(1),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers_are_taken_as_floats(name):
    for circuit in (one, static, lambda x: one(1 * x)):
        assert np.isclose(hb.grad(circuit)(WHOLE[name]), -np.sin(1))
        assert np.isclose(hb.hessian(circuit)(WHOLE[name]), -np.cos(1))
    found = hb.grad(several)(np.array([1, 2]))
    assert found.dtype == float and np.allclose(found, [-np.sin(1) * np.cos(2), -np.cos(1) * np.sin(2)])
    assert np.allclose(hb.grad(several)([1, 2.0]), found)


def test_constant_and_empty_derivatives_are_zeros_of_their_shape():
    for constant in (3, 3.0, np.float32(3), np.array(3)):
        assert hb.grad(lambda x, c=constant: c)(0.3) == 0
        assert not hb.grad(lambda x, c=constant: c)(X).any()
    assert hb.grad(lambda x: hnp.sum(x))(np.array([])).shape == (0,)
    assert hb.grad(lambda x: one(0.3))([]) == []
    assert hb.grad(lambda x: one(x) * (1 + 0j))(0.3) == pytest.approx(-np.sin(0.3))  # no imaginary part


BROKEN = {
    "run": ("run", lambda tasks: [np.full((len(t.params), 1), np.nan) for t in tasks]),
    "vjp": ("vjp", lambda task, cotangent: np.full(task.params.shape, np.nan)),
    "both": (
        "value_and_vjp",
        lambda task, cotangent: (np.ones((len(task.params), 1)), np.full(task.params.shape, np.nan)),
    ),
    "the values of both": (
        "value_and_vjp",
        lambda task, cotangent: (np.full((len(task.params), 1), np.nan), np.ones(task.params.shape)),
    ),
    "the shape": ("vjp", lambda task, cotangent: np.ones((1, 7))),
}
DERIVED = {
    "run": {"grad by the rule": lambda: hb.grad(on(z, DEVICE, diff_method="parameter-shift"))(0.3)},
    "vjp": {
        "a cost": lambda: hb.grad(lambda x: both(x)[0] ** 2)(0.3),
        "a Jacobian": lambda: hb.jacobian(both)(0.3),
        "a map": lambda: hb.grad(lambda x: hnp.sum(both.map(x)[0]))(X),
    },
    "both": {"grad": lambda: hb.grad(one)(0.3), "static": lambda: hb.grad(static)(0.3)},
    "the values of both": {
        "grad": lambda: hb.grad(one)(0.3),
        "a cost": lambda: hb.grad(lambda x: one(x) ** 2)(0.3),
    },
    "the shape": {"a cost": lambda: hb.grad(lambda x: both(x)[0] ** 2)(0.3)},
}


@pytest.mark.parametrize("fault", BROKEN)
def test_nonsense_of_a_device_is_stopped_inside_a_gradient_too(fault, monkeypatch):
    method, answer = BROKEN[fault]
    monkeypatch.setattr(type(DEVICE), method, lambda self, *asked: answer(*asked))
    for name, call in DERIVED[fault].items():
        with pytest.raises(
            hb.PluginError, match=r"default.qubit.*returned (NaN or infinite|shape).*expval\(Z"
        ):
            pytest.fail(f"{name}: {call()}")
