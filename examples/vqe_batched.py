"""Many variational eigensolvers in lockstep: the ground state of H2 from random starts, exact and with shots.

A circuit of rotations and CNOTs on the four spin orbitals of H2 (data/h2_sto3g.json) is started at STARTS
random points. `circuit.map` runs all of them as one job of the device, values and gradients alike, so one
optimizer moves all of them at once. A descent may end in a local minimum; the best of many does not. The same
is done twice: with exact expectation values, and with energies and gradients from SHOTS samples of each
measurement setting. Last, the circuits that were found are sampled: which electrons are where.

Seen: a table of the best, the median and the worst energy along the way, both paths side by side, all against
exact diagonalisation (FCI); how many starts came within 5 mHa of it; and the counts of the best one. With
matplotlib, a plot of all descents in build/vqe_batched.png.
"""

import json
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import hybridge as hb
from hybridge import numpy as hnp

DATA = json.loads(Path(__file__).with_name("data").joinpath("h2_sto3g.json").read_text())
STARTS, LAYERS, STEPS, SHOTS = 24, 3, 100, 800
RATE = 0.15
CLOSE = 5e-3  # hartree
PLOT = Path("build/vqe_batched.png")
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


def ansatz(angles):
    """Rotations of each qubit between ladders of CNOTs; angles (LAYERS + 1, 4) in radians."""
    for layer, row in enumerate(angles):
        if layer:
            for wire in range(3):
                hb.CNOT(wires=[wire, wire + 1])
        for wire, angle in enumerate(row):
            hb.RY(angle, wires=wire)


@hb.qnode(hb.device("default.qubit", wires=4))
def energy(angles):
    """The energy of one set of angles, hartree."""
    ansatz(angles)
    return hb.expval(ENERGY)


@hb.qnode(hb.device("default.qubit", wires=4, shots=1000, seed=5))
def electrons(angles):
    """How often each occupation of the four spin orbitals is seen."""
    ansatz(angles)
    return hb.counts()


START = np.random.default_rng(1).uniform(-np.pi, np.pi, (STARTS, LAYERS + 1, 4))
example_args = (START[0],)


def descend(node):
    """The energies (STEPS + 1, STARTS) on the way, and the last angles, of one optimizer for all rows."""

    def total(batch):  # a row's energy depends on that row alone, so its gradient is the row's
        return hnp.sum(node.map(batch))

    optimizer, angles, energies = hb.Adam(RATE), START, []
    for _ in range(STEPS):
        energies.append(energy.map(angles))  # exact on both paths: the truth that shots only estimate
        angles = optimizer.step(total, angles)
    return np.array([*energies, energy.map(angles)]), angles


def table(exact, sampled):
    """The energies of all starts on the way, in hartree: exact path, sampled path."""
    made = Table(title=f"H2: FCI energy {DATA['fci_energy']:.6f} hartree", title_justify="left")
    for column in (
        "step",
        *(f"{path}: {c}" for path in ("exact", "shots") for c in ("best", "median", "worst")),
    ):
        made.add_column(column, justify="right")
    for step in range(0, STEPS + 1, STEPS // 5):
        cells = [f(path[step]) for path in (exact, sampled) for f in (np.min, np.median, np.max)]
        made.add_row(str(step), *(f"{cell:.5f}" for cell in cells))
    return made


def plot(exact, sampled):
    """Write the error of every descent at each step to PLOT."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
    for axes, path, title in zip(panels, (exact, sampled), ("exact", f"{SHOTS} shots"), strict=True):
        axes.semilogy(np.maximum(path - DATA["fci_energy"], 1e-7), color="C0", linewidth=0.7)
        axes.axhline(CLOSE, color="gray", linestyle=":")
        axes.set(xlabel="step of Adam", title=f"{STARTS} starts, {title}")
    panels[0].set_ylabel("energy above FCI (hartree)")
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=150)
    pyplot.close(figure)


def main():
    exact, angles = descend(energy)
    sampled, noisy = descend(energy.on("default.qubit", shots=SHOTS, seed=2))
    Console(width=110).print(table(exact, sampled))
    for name, path in (("exact", exact), ("shots", sampled)):
        near = int(np.sum(path[-1] - DATA["fci_energy"] < CLOSE))
        print(f"{name}: {near} of {STARTS} starts within {1000 * CLOSE:.0f} mHa of FCI")
        assert near, f"no start of the {name} path came close"
    seen = electrons.map(np.stack([angles[exact[-1].argmin()], noisy[sampled[-1].argmin()]]))
    for name, counts in zip(("exact", "shots"), seen, strict=True):
        most = sorted(counts.items(), key=lambda item: -item[1])[:3]
        print(f"{name}: the best one has " + ", ".join(f"|{bits}> {times / 10:.1f}%" for bits, times in most))
    try:
        plot(exact, sampled)
        print(f"plot: {PLOT}")
    except ImportError:
        print("no plot: matplotlib is not installed")


if __name__ == "__main__":
    main()
