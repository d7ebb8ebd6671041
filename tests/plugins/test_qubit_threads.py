"""Threads make default.qubit faster and change no bit of what it says."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest

import hybridge as hb
from hybridge import memory
from hybridge.plugin import ROWS, Circuit, DeviceError, Instruction, Task
from hybridge_default.qubit import DefaultQubit
from hybridge_default.qubit_blocks import Cut
from hybridge_default.qubit_numpy import PlainQubit
from hybridge_default.qubit_program import compiled
from hybridge_default.qubit_threads import VARIABLE, default_threads, share

THREADS = (1, 2, 3, 7)
MEASURED = (
    hb.expval(hb.Z(0)),
    hb.expval(hb.X(1) @ hb.Y(2) + 0.3 * hb.Z(3)),
    hb.var(hb.X(0) + hb.Z(1)),
    hb.probs(wires=[2, 0]),
)


def circuit(n, *measurements):
    instructions = []
    for _ in range(3):
        instructions += [Instruction(ROWS[name], (w,)) for w in range(n) for name in ("RY", "RZ")]
        instructions += [Instruction(ROWS["CNOT"], (w, (w + 1) % n)) for w in range(n)]
        instructions += [Instruction(ROWS["IsingXY"], (w, w + 2)) for w in range(0, n - 2, 3)]
        instructions += [Instruction(ROWS["IsingZZ"], (w, n - 1)) for w in range(0, n - 1, 4)]
    return Circuit(tuple(instructions), measurements, tuple(range(n)))


def results(c, program, rows, threads, seed=0):
    """What a device of so many threads gives: values and derivatives."""
    rng = np.random.default_rng(seed)
    device = DefaultQubit(threads=threads)
    task = Task(program, rng.normal(size=(rows, c.num_slots)))
    values = device.run([task])[0]
    return values, device.vjp(task, rng.normal(size=values.shape))


def same(found, expected):
    return all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("rows", (1, 2, 5, 64))
def test_rows_shared_by_threads_are_the_same_bit_by_bit(rows):
    c = circuit(6, *MEASURED)
    program = compiled(c)
    expected = results(c, program, rows, 1)
    for threads in THREADS[1:]:
        assert same(results(c, program, rows, threads), expected)


@pytest.mark.parametrize("rows", (1, 2, 5))
@pytest.mark.parametrize(("n", "bits"), [(7, 7), (8, 5), (9, 6), (11, 8), (13, 7)])
def test_one_row_shared_by_threads_is_the_same_bit_by_bit(n, bits, rows):
    c = circuit(n, *MEASURED)
    program = compiled(c, cut=Cut(bits, bits, n, light=0))
    assert program.shared and not compiled(c).shared
    expected = results(c, program, rows, 1)
    for threads in THREADS[1:]:
        assert same(results(c, program, rows, threads), expected)
    alone = results(c, compiled(c), rows, 1)
    assert all(np.abs(a - b).max() < 1e-12 for a, b in zip(alone, expected, strict=True))


def test_states_in_steps_agree_with_numpy():
    c, plain = circuit(8, hb.state()), PlainQubit()
    program = compiled(c, cut=Cut(5, 5, 8, light=0))
    params = np.random.default_rng(1).normal(size=(3, c.num_slots))
    expected = plain.run([Task(plain.compile(c), params)])[0]
    for threads in THREADS:
        found = DefaultQubit(threads=threads).run([Task(program, params)])[0]
        assert np.abs(found - expected).max() < 1e-13


def test_a_circuit_without_parameters_in_steps():
    c = Circuit((Instruction(ROWS["H"], (0,)),), (hb.probs(wires=[0]),), tuple(range(6)))
    task = Task(compiled(c, cut=Cut(4, 4, 6, light=0)), np.zeros((2, 0)))
    device = DefaultQubit(threads=2)
    assert np.allclose(device.run([task])[0], 0.5) and device.vjp(task, np.ones((2, 2))).shape == (2, 0)


def test_from_eighteen_wires_on_threads_share_a_state(monkeypatch):
    n = 18
    c = circuit(n, hb.expval(hb.Z(0) @ hb.X(n - 1)))
    found = {}
    for threads in ("1", "2"):
        monkeypatch.setenv(VARIABLE, threads)
        device = DefaultQubit()
        program = device.compile(c)
        assert program.shared
        found[threads] = results(c, program, 1, None)
    assert same(found["1"], found["2"])
    assert same(results(c, program, 1, 3), found["1"])


# ---- memory --------------------------------------------------------------------------------------------


def energy(n, measure=lambda: hb.expval(hb.Z(0))):
    def f(x):
        for w in range(n):
            hb.RY(x, wires=w)
        return measure()

    return hb.QNode(f, DefaultQubit(wires=n))


def test_what_the_machine_does_not_have_is_refused_with_the_figure(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 100 * 2**30)
    with pytest.raises(hb.UnsupportedCircuit, match="34 wires: they need 256 GiB of memory, 100 GiB is"):
        energy(34)(0.3)
    with pytest.raises(hb.UnsupportedCircuit, match="34 wires: they need 256 GiB of memory, 100 GiB is"):
        energy(34)(np.zeros(5))  # a batch is run row by row where need be: it is one row that is too large
    with pytest.raises(hb.UnsupportedCircuit, match="they need 64 GiB of memory"):
        monkeypatch.setattr(memory, "available", lambda: 20 * 2**30)
        energy(31, hb.state)(0.3)  # the state, and what is returned


def test_derivatives_that_do_not_fit_are_refused_where_values_are_not(monkeypatch):
    n = 21  # 32 MiB a state
    f = energy(n)
    monkeypatch.setattr(memory, "available", lambda: 80 * 2**20)
    assert f(0.3) == pytest.approx(np.cos(0.3))
    with pytest.raises(
        hb.UnsupportedCircuit, match="derivatives on 21 wires: they need 96 MiB of memory, 80 MiB"
    ):
        hb.grad(f)(0.3)


def test_a_batch_of_derivatives_is_run_in_pieces_that_fit(monkeypatch):
    f, x, pieces = energy(20), np.linspace(0, 1, 3), []
    both = DefaultQubit.value_and_vjp
    counted = lambda *a: pieces.append(len(a[1].params)) or both(*a)
    monkeypatch.setattr(DefaultQubit, "value_and_vjp", counted)
    monkeypatch.setattr(memory, "available", lambda: 2 * 2 * 48 * 2**20)  # half of it is taken: two rows
    found = hb.grad(lambda x: hb.numpy.sum(f(x)))(x)
    assert pieces == [2, 1] and np.abs(found + np.sin(x)).max() < 1e-12


def test_what_a_state_takes_is_what_a_device_says():
    n = 18
    c = circuit(n, hb.expval(hb.Z(0)), hb.expval(hb.X(3)))
    device = DefaultQubit(threads=2)
    task, cotangent = Task(device.compile(c), np.zeros((1, c.num_slots))), np.ones((1, 2))
    device.vjp(task, cotangent)  # numba's own memory is not the question
    works = (
        (device.memory(n), lambda: device.run([task])),
        (device.vjp_memory(n), lambda: device.vjp(task, cotangent)),
    )
    for said, work in works:
        tracemalloc.start()
        work()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert 0.6 * said < peak < 1.2 * said


# ---- how many ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", (0, -1, "many", "2", 2.0, True, [2]))
def test_a_number_of_threads_that_is_none_is_refused(threads):
    with pytest.raises(DeviceError, match=r"threads must be a whole number >= 1, or None .* got"):
        hb.device("default.qubit", wires=1, threads=threads)


@pytest.mark.parametrize("written", ("abc", "0", "-1", "2.0", ""))
def test_an_environment_that_says_no_number_is_refused(monkeypatch, written):
    monkeypatch.setenv(VARIABLE, written)
    with pytest.raises(
        DeviceError, match=rf"{VARIABLE} must be a whole number >= 1; got '{written}'; unset it"
    ):
        hb.device("default.qubit", wires=1)


def test_the_default_is_every_core_of_this_process_unless_the_environment_says_otherwise(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    for others in ("1", "64"):
        monkeypatch.setenv("OMP_NUM_THREADS", others)
        assert default_threads() == len(os.sched_getaffinity(0))
    monkeypatch.setenv(VARIABLE, " 5")
    assert default_threads() == 5


def test_a_device_keeps_its_threads_when_pickled():
    device = hb.device("default.qubit", wires=1, threads=np.int64(3))
    assert device.threads == 3 == pickle.loads(pickle.dumps(device)).threads
    assert hb.device("default.qubit", wires=1).threads is None


# ---- the pool ------------------------------------------------------------------------------------------


def test_every_part_is_done_once_by_as_many_threads_as_asked_for():
    for threads in THREADS:
        done, who, meet = [], set(), threading.Barrier(threads)

        def part(i, done=done, who=who, meet=meet):
            if threading.get_ident() not in who:
                who.add(threading.get_ident())
                meet.wait(timeout=60)  # until all have come
            done.append(i)

        share(part, 50, threads)
        assert sorted(done) == list(range(50)) and len(who) == threads


def test_no_more_threads_work_than_there_are_parts():
    who = set()
    share(lambda i: who.add(threading.get_ident()), 1, 8)
    share(lambda i: who.add(threading.get_ident()), 0, 8)
    assert who == {threading.get_ident()}


def test_an_error_in_a_part_is_the_callers_and_the_pool_lives_on():
    def part(i):
        if i == 3:
            raise ValueError("three")

    for threads in THREADS:
        with pytest.raises(ValueError, match="three"):
            share(part, 6, threads)
    test_every_part_is_done_once_by_as_many_threads_as_asked_for()


def test_two_callers_at_once_get_the_same_numbers_as_one():
    c = circuit(9, *MEASURED)
    program = compiled(c, cut=Cut(6, 6, 9, light=0))
    expected, found = results(c, program, 1, 1), {}

    def call(k):
        found[k] = [results(c, program, 1, 2) for _ in range(15)]

    callers = [threading.Thread(target=call, args=(k,)) for k in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert all(same(r, expected) for k in range(2) for r in found[k])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_process_forked_after_use_has_threads_of_its_own():
    script = (
        "import os, numpy as np, hybridge as hb\n"
        "dev = hb.device('default.qubit', wires=2, threads=3)\n"
        "f = hb.QNode(lambda x: (hb.RX(x, wires=0), hb.expval(hb.Z(0)))[1], dev)\n"
        "x = np.linspace(0, 1, 64)\n"
        "a = f(x)\n"
        "pid = os.fork()\n"
        "if pid == 0: os._exit(0 if np.array_equal(f(x), a) else 1)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0\n"
        "assert np.array_equal(f(x), a)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=300).returncode == 0
