"""compare: values, gradients, deviations, failures as rows, a verdict that can say no."""

import numpy as np
import pytest

import hybridge as hb
from hybridge.plugin import Capabilities


@hb.qnode(hb.device("default.qubit", wires=2))
def model(x, y):
    hb.RX(x, wires=0)
    hb.CRY(y, wires=[0, 1])
    return hb.expval(hb.Z(0) @ hb.X(1) + hb.Z(1)), hb.probs(wires=1)


class Slanted(hb.Device):
    """default.qubit with a small error of its own."""

    capabilities = Capabilities("qubit", None, frozenset({"state"}))
    error = 1e-3

    def compile(self, circuit):
        return hb.device("default.qubit", wires=len(circuit.wires)).compile(circuit)

    def run(self, tasks):
        states = hb.device("default.qubit", wires=2).run(tasks)
        return [s * np.exp(-self.error * np.arange(s.shape[1])) for s in states]


def test_the_first_device_is_the_reference_and_numbers_are_those_of_the_model():
    found = hb.compare(model, ["default.qubit", "default.qubit"], args=(0.3, 0.4))
    first, second = found.rows
    assert first.value == pytest.approx([model(0.3, 0.4)[0], *model(0.3, 0.4)[1]])
    by_x, by_y = np.array(hb.jacobian(model, argnums=(0, 1))(0.3, 0.4)[0])
    assert first.gradient[0] == pytest.approx([by_x, by_y]) and first.gradient.shape == (3, 2)
    assert (second.deviation, second.gradient_deviation, first.error.tolist()) == (0, 0, [0, 0, 0])
    assert found.agree and second.seconds > 0


def test_a_small_error_of_a_device_is_seen():
    found = hb.compare(model, ["default.qubit", Slanted(wires=2)], args=(0.3, 0.4))
    assert found.rows[1].agrees is False and not found.agree
    assert 1e-6 < found.rows[1].deviation < 1e-2
    assert "NO" in str(found)


def test_a_wrong_gradient_alone_is_seen():
    class Wrong(Slanted):
        def run(self, tasks):
            [states] = hb.device("default.qubit", wires=2).run(tasks)
            return [np.roll(states, 1, axis=0)]  # right for one row, shuffled for many

    assert not hb.compare(model, ["default.qubit", Wrong(wires=2)], args=(0.3, 0.4)).agree
    assert hb.compare(model, ["default.qubit", Wrong(wires=2)], args=(0.3, 0.4), gradient=False).agree


def test_sampled_gradients_are_judged_by_their_errors():
    class Shuffled(Slanted):
        def run(self, tasks):
            return [np.roll(s, 1, axis=0) for s in hb.device("default.qubit", wires=2).run(tasks)]

    first, other = (hb.device("default.qubit", wires=2, shots=4000, seed=seed) for seed in (1, 2))
    found = hb.compare(model, [first, other], args=(0.3, 0.4))
    row = found.rows[1]
    assert found.agree and row.gradient_error.shape == (3, 2) and (row.gradient_error > 0).any()
    assert 0 < row.gradient_deviation < 5 * np.sqrt(2) * row.gradient_error.max()
    wrong = hb.compare(model, [first, Shuffled(wires=2, shots=4000, seed=3)], args=(0.3, 0.4))
    assert not wrong.agree and wrong.rows[1].deviation < 0.1  # its values are right


def test_a_device_that_fails_is_a_row_with_its_reason():
    found = hb.compare(model, ["default.gaussian", "no.such", "default.qubit"], args=(0.3, 0.4))
    cv, unknown, qubit = found.rows
    assert "CV operation" in cv.reason or "qubit operation" in cv.reason
    assert "no device named 'no.such'" in unknown.reason
    assert qubit.agrees and not found.agree  # the first that runs is the reference
    assert "failed" in str(found)


def test_with_shots_the_expected_error_is_the_one_that_occurs():
    """Over 60 seeds the deviations, in expected errors, are those of a standard normal variable."""
    args = (1.3, 0.9)
    exact = np.array([model(*args)[0], model(*args)[1][0]])
    scores = []
    for seed in range(60):
        found = hb.compare(model, ["default.qubit"], args=args, gradient=False, shots=400, seed=seed)
        scores.append((found.rows[0].value[:2] - exact) / found.rows[0].error[:2])
    assert np.abs(np.mean(scores, axis=0)).max() < 5 / np.sqrt(60)
    assert np.std(scores, axis=0) == pytest.approx(np.ones(2), abs=0.5)


def test_an_outcome_too_rare_to_come_is_not_taken_for_impossible():
    @hb.qnode(hb.device("default.qubit", wires=1))
    def rare():
        hb.RX(0.02, wires=0)  # P(1) = 1e-4: in 100 shots it never comes
        return hb.expval(hb.Z(0)), hb.probs(wires=0)

    exact = rare.device
    sampled = hb.device("default.qubit", wires=1, shots=100, seed=0)
    found = hb.compare(rare, [exact, sampled])
    assert found.rows[1].value.tolist() == [1, 1, 0] and found.agree


def test_two_devices_with_one_seed_do_not_share_their_shots():
    found = hb.compare(model, ["default.qubit"] * 2, args=(0.3, 0.4), gradient=False, shots=100, seed=3)
    assert found.rows[1].deviation > 0


def test_containers_and_several_arguments_are_flattened_in_order():
    @hb.qnode(hb.device("default.qubit", wires=1))
    def nested(w, label):
        hb.RX(w["a"][0] * w["b"], wires=0)
        return {"z": hb.expval(hb.Z(0))}

    row = hb.compare(nested, ["default.qubit"], args=({"a": np.array([0.2, 9.0]), "b": 0.5}, "name")).rows[0]
    assert row.gradient == pytest.approx(np.array([[-0.5 * np.sin(0.1), 0, -0.2 * np.sin(0.1)]]))


def test_what_cannot_be_compared_is_refused():
    sampled = hb.QNode(lambda: hb.sample(), hb.device("default.qubit", wires=1, shots=3))
    for arguments, message in (
        ((sampled, ["default.qubit"]), "measures sample"),
        ((model, [], (0.1, 0.2)), "at least one device"),
        ((model.function, ["default.qubit"]), "needs a QNode"),
    ):
        with pytest.raises(hb.CircuitError, match=message):
            hb.compare(*arguments)


def test_values_are_compared_where_there_is_no_gradient():
    @hb.qnode(hb.device("default.gaussian", wires=1), diff_method="parameter-shift")
    def light(x):
        hb.Displacement(x, 0.0, wires=0)
        return hb.expval(hb.QuadX(0)), hb.probs(wires=0)

    found = hb.compare(light, ["default.gaussian", ("default.fock", {"cutoff_dim": 10})], args=(0.2,))
    assert found.agree and found.rows[1].deviation < 1e-9
    assert found.rows[1].gradient is None and "not polynomial" in found.rows[1].gradient_reason
    assert "yes; no exact derivative" in str(found)
