"""Which library a call belongs to: told from its arrays, or named."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import hybridge as hb
from hybridge.interfaces import choose
from hybridge.interfaces.choose import INTERFACES, LIBRARIES, library, module_of, owner

DEVICE = hb.device("default.qubit", wires=1)


def turn(x):
    hb.RX(x, wires=0)
    return hb.expval(hb.Z(0))


def test_the_interfaces_are_the_libraries_auto_and_none():
    assert set(INTERFACES) == {"auto", None, *LIBRARIES.values()}
    for name in INTERFACES:
        assert hb.QNode(turn, DEVICE, interface=name).interface == name


def test_plain_numbers_belong_to_no_library():
    for numbers in ((), (1.0, 2, np.float32(3)), (np.zeros(3), [1.0, 2.0], None, "word")):
        assert library(numbers) is None
        assert library(numbers, None) is None
        assert library(numbers, "autograd") is None


def test_a_library_is_told_from_a_type_and_those_it_inherits_from():
    seen = []
    hb.grad(lambda x: seen.append(x) or turn_of(x))(0.3)
    hb.jvp(lambda x: seen.append(x) or turn_of(x), (0.3,), (1.0,))
    for box in seen:
        assert owner(type(box)) == "autograd"
        assert library((1.0, box)) is module_of("autograd")
    assert owner(float) is owner(np.ndarray) is owner(type) is None


def turn_of(x):
    return hb.QNode(turn, DEVICE)(x)


class Foreign:
    """An array of a library that does not exist."""


@pytest.fixture
def foreign(monkeypatch):
    monkeypatch.setitem(LIBRARIES, f"{Foreign.__module__}.Foreign", "foreign")
    monkeypatch.setattr(choose, "INTERFACES", (*INTERFACES, "foreign"))
    owner.cache_clear()
    yield Foreign()
    owner.cache_clear()


def test_arrays_of_two_libraries_are_refused_by_name(foreign):
    with pytest.raises(hb.CircuitError, match="arrays of autograd and foreign"):
        hb.grad(lambda x: turn_of(x) and library((x, foreign)))(0.3)


@pytest.mark.parametrize("static", [False, True])
def test_a_named_interface_takes_no_other_arrays(foreign, static):
    circuit = hb.QNode(turn, DEVICE, interface="autograd", static=static)
    assert circuit(0.3) == pytest.approx(np.cos(0.3))
    assert hb.grad(circuit)(0.3) == pytest.approx(-np.sin(0.3))
    with pytest.raises(hb.CircuitError, match=r"arrays of foreign, and .* interface='autograd'"):
        circuit(foreign)
    other = hb.QNode(turn, DEVICE, interface="foreign", static=static)
    with pytest.raises(hb.CircuitError, match=r"arrays of autograd, and .* interface='foreign'"):
        hb.grad(other)(0.3)


def test_what_gives_no_values_is_named():
    class Sealed:
        def __array__(self, *args, **named):
            raise RuntimeError("call unseal() first")

    with pytest.raises(hb.CircuitError, match=r"real number; Sealed gives no values: call unseal\(\) first"):
        turn_of(Sealed())


@pytest.mark.parametrize("name", ["torch", "jax", "tensorflow"])
def test_a_library_that_is_not_installed_is_named_with_its_extra(name):
    code = f"""
import sys
sys.modules[{name!r}] = None  # importing it raises ModuleNotFoundError
import hybridge as hb
circuit = hb.QNode(lambda x: hb.RX(x, wires=0) and hb.expval(hb.Z(0)), "default.qubit", interface={name!r})
try:
    circuit(0.3)
except hb.MissingDependency as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout == f"interface={name!r} needs {name!r}; pip install 'hybridge[{name}]'\n", (
        found.stderr
    )
