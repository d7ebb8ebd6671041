"""Qubits and light in one differentiable model, optimised end to end.

A photon enters a beamsplitter; the mean number of photons in the second mode, a device's output, is the angle
of a qubit's rotation on another device. Gradient descent on <Z> redirects the photon and turns the qubit: the
gradient flows through both devices and the plain Python between them.

Seen: the training on the vendors' simulators beside the same training on hybridge's own, step by step, with
the difference of the two; and a plot of it in build/hybrid_qubit_cv.png (needs matplotlib). The gradient in
phi is 0: the phase of a beamsplitter does not change how many photons pass it.
"""

import argparse
from math import pi
from pathlib import Path

from rich.console import Console
from rich.table import Table

import hybridge as hb
from hybridge import numpy as np

START = np.array([0.4, 0.3, 0.5])  # theta, phi of the beamsplitter and the angle of the qubit, radians
STEPS, RATE = 40, 0.05
CUTOFF = 2  # one photon at most
DEVIATION = 1e-9  # exact simulators agree to this
PLOT = Path("build/hybrid_qubit_cv.png")


def photons(theta, phi):
    """The mean photon number of the second mode, sin(theta)^2."""
    hb.FockState([1, 0], wires=[0, 1])
    hb.Beamsplitter(theta, phi, wires=[0, 1])
    return hb.expval(hb.NumberOperator(1))


def rotation(angle, tilt):
    """<Z> of a qubit turned about two axes."""
    hb.RX(angle, wires=0)
    hb.RY(tilt, wires=0)
    return hb.expval(hb.Z(0))


def hybrid_model(cv_device, qubit_device):
    """The cost as a function of the three parameters: photons on one device, a qubit on the other."""
    light = hb.qnode(hb.device(cv_device, wires=2, cutoff_dim=CUTOFF))(photons)
    qubit = hb.qnode(hb.device(qubit_device, wires=1))(rotation)
    return lambda parameters: qubit(pi * light(parameters[0], parameters[1]), parameters[2])


def descend(cost):
    """The cost and the parameters at each step: (STEPS + 1,) and (STEPS + 1, 3)."""
    both, parameters = hb.value_and_grad(cost), START
    costs, path = [], []
    for _ in range(STEPS + 1):
        value, slope = both(parameters)
        costs.append(float(value))
        path.append(parameters)
        parameters = parameters - RATE * slope
    return np.array(costs), np.array(path)


def installed(*names):
    """The first of these devices that can be made; the last where none is."""
    ready = {d.name for d in hb.devices() if d.installed}
    return next((name for name in names if name in ready), names[-1])


def table(runs):
    """The two trainings side by side, every fifth step."""
    (left, (costs, path)), (right, (others, _)) = runs.items()
    made = Table(title="<Z> during the training", title_justify="left")
    for column in ("step", left, right, "difference", "<n> of mode 1"):
        made.add_column(column, justify="right")
    for k in range(0, STEPS + 1, 5):
        difference = abs(costs[k] - others[k])
        redirected = np.sin(path[k, 0]) ** 2
        made.add_row(str(k), f"{costs[k]:.6f}", f"{others[k]:.6f}", f"{difference:.0e}", f"{redirected:.4f}")
    return made


def plot(runs):
    """Write the two curves to PLOT."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for (name, (costs, _)), style in zip(runs.items(), ("-", "o"), strict=True):
        axes.plot(costs, style, label=name, markersize=3)
    axes.set(xlabel="step of gradient descent", ylabel="<Z> of the qubit", title="A photon turns a qubit")
    axes.legend()
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=150)
    pyplot.close(figure)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cv", default=installed("strawberryfields.fock", "default.fock"))
    parser.add_argument("--qubit", default=installed("qiskit.aer", "forest.numpy", "default.qubit"))
    chosen = parser.parse_args(arguments)
    pairs = [(chosen.cv, chosen.qubit), ("default.fock", "default.qubit")]
    runs = {}
    for letter, pair in zip("AB", pairs, strict=True):
        print(f"{letter}: photons on {pair[0]}, qubit on {pair[1]}")
        runs[letter] = descend(hybrid_model(*pair))
    Console().print(table(runs))
    (costs, path), (others, beside) = runs.values()
    deviation = max(np.abs(costs - others).max(), np.abs(path - beside).max())
    print(f"largest difference in <Z> and the parameters over all steps: {deviation:.1e}")
    assert deviation < DEVIATION, "the devices disagree"
    assert costs[-1] < -0.99, "the training did not get there"
    plot(runs)
    print(f"plot: {PLOT}")


if __name__ == "__main__":
    main()
