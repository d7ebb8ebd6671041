"""The ground state of the hydrogen molecule, found by the variational quantum eigensolver on several devices.

Four qubits hold the four spin orbitals of H2 (STO-3G, 1.401 bohr; data/h2_sto3g.json names the source of the
Hamiltonian). From the Hartree-Fock state |1100> one double excitation, with one angle, reaches the exact
ground state: gradient descent finds the angle.

Seen: a table of the energies on default.qubit and each vendor's simulator, all within 1 mHa of exact
diagonalisation (FCI), and a plot of the descent in build/vqe_h2.png (needs matplotlib). Of a device whose SDK
is not installed, the line that installs it.
"""

import json
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import hybridge as hb

DATA = json.loads(Path(__file__).with_name("data").joinpath("h2_sto3g.json").read_text())
DEVICES = ("default.qubit", "qiskit.aer", "forest.numpy")
STEPS, RATE = 20, 0.5
ACCURACY = 1e-3  # hartree: "chemical accuracy" is 1.6e-3
PLOT = Path("build/vqe_h2.png")
PAULIS = {"X": hb.X, "Y": hb.Y, "Z": hb.Z}


def hamiltonian():
    """The molecule's total energy in hartree, a sum of 15 Pauli words on wires 0..3."""
    total = DATA["nuclear_repulsion"] * hb.I(0)
    for coefficient, word in DATA["electronic_terms"]:
        term = coefficient * hb.I(0)
        for letter, wire in word.split():
            term = term @ PAULIS[letter](int(wire))
        total = total + term
    return total


ENERGY = hamiltonian()


@hb.qnode(hb.device("default.qubit", wires=4))
def energy(theta):
    """The energy of cos(theta/2) |1100> - sin(theta/2) |0011>, hartree."""
    hb.BasisState([1, 1, 0, 0], wires=[0, 1, 2, 3])
    hb.DoubleExcitation(theta, wires=[0, 1, 2, 3])
    return hb.expval(ENERGY)


example_args = (0.0,)


def descend(node):
    """The energies (STEPS + 1,) and the last angle of gradient descent from the Hartree-Fock state."""
    both, theta, energies = hb.value_and_grad(node), 0.0, []
    for _ in range(STEPS):
        value, slope = both(theta)
        energies.append(float(value))
        theta = theta - RATE * slope
    return np.array([*energies, float(node(theta))]), float(theta)


def run(devices=DEVICES):
    """The descent on each device that is installed, and why the others are not there."""
    found, reasons = {}, {}
    for name in devices:
        try:
            node = energy.on(name)
        except hb.MissingDependency as error:
            reasons[name] = str(error)
        else:
            found[name] = descend(node)
    return found, reasons


def table(found, reasons):
    """One row per device, energies in hartree."""
    made = Table(title=f"H2: FCI energy {DATA['fci_energy']:.6f} hartree", title_justify="left")
    for column in ("device", "Hartree-Fock", "found", "error (mHa)", "angle (rad)"):
        made.add_column(column, justify="left" if column == "device" else "right")
    for name, (energies, theta) in found.items():
        error = 1000 * (energies[-1] - DATA["fci_energy"])
        made.add_row(name, f"{energies[0]:.6f}", f"{energies[-1]:.6f}", f"{error:.4f}", f"{theta:.4f}")
    for name in reasons:
        made.add_row(name, "-", "-", "-", "not installed")
    return made


def plot(found):
    """Write the error of the energy at each step to PLOT."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for (name, (energies, _)), style in zip(found.items(), ("-", "o", "x"), strict=False):
        axes.semilogy(np.maximum(energies - DATA["fci_energy"], 1e-13), style, label=name, markersize=5)
    axes.axhline(ACCURACY, color="gray", linestyle=":", label="1 mHa")
    axes.set(
        xlabel="step of gradient descent", ylabel="energy above FCI (hartree)", title="H2, STO-3G, 1.401 bohr"
    )
    axes.legend()
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=150)
    pyplot.close(figure)


def main():
    found, reasons = run()
    Console().print(table(found, reasons))
    for reason in reasons.values():
        print(reason)
    for name, (energies, _) in found.items():
        assert abs(energies[-1] - DATA["fci_energy"]) < ACCURACY, f"{name} is not within 1 mHa"
    plot(found)
    print(f"plot: {PLOT}")


if __name__ == "__main__":
    main()
