"""A variational eigensolver under noise: one model of a machine, three simulators of it.

The energy of a chain of WIRES spins in a transverse field is brought down twice, without noise and under an
hb.NoiseModel: depolarizing behind every CNOT, damping behind every rotation and of wires that wait, and bits
that are misread. Both answers are then looked at on three devices that simulate noise in ways of their own:
density matrices of hybridge, density matrices of Qiskit Aer, and SHOTS samples of it.

Seen: both energies beside that of the ground state, clean and under noise: what the machine would add to the
answer found without noise, and how little training under noise helps against it; and a table in which the
devices agree in values and gradients.
"""

import numpy as np
from rich.console import Console

import hybridge as hb
from hybridge import numpy as hnp

WIRES, LAYERS, STEPS, SHOTS = 3, 2, 60, 20_000
FIELD = 0.8

ENERGY = sum(-hb.Z(i) @ hb.Z(i + 1) for i in range(WIRES - 1)) - FIELD * sum(hb.X(i) for i in range(WIRES))

MACHINE = (
    hb.NoiseModel()
    .after("CNOT", hb.DepolarizingChannel, 0.01)
    .after("RY", hb.AmplitudeDamping, 0.002)
    .idle(hb.AmplitudeDamping, 0.002)
    .readout(0.01, 0.03)
)


@hb.qnode(hb.device("default.mixed", wires=WIRES))
def energy(angles):
    """The energy at angles (LAYERS + 1, WIRES) in radians, in units of the coupling."""
    for layer, row in enumerate(angles):
        for wire in range(WIRES - 1) if layer else ():
            hb.CNOT(wires=[wire, wire + 1])
        for wire, angle in enumerate(row):
            hb.RY(angle, wires=wire)
    return hb.expval(ENERGY)


def trained(circuit, start):
    """The angles after STEPS steps of Adam."""
    optimizer, angles = hb.Adam(0.15), start
    for _ in range(STEPS):
        angles = optimizer.step(circuit, angles)
    return angles


def main():
    start = hnp.array(np.random.default_rng(5).uniform(0, 1, (LAYERS + 1, WIRES)))
    noisy = energy.on("default.mixed", noise_model=MACHINE)
    ground = np.linalg.eigvalsh(ENERGY.matrix())[0]
    print(MACHINE)
    print(f"\nground state: {ground:.4f}")
    found = {}
    for name, circuit in (("without noise", energy), ("under noise", noisy)):
        found[name] = angles = trained(circuit, start)
        print(f"trained {name}: clean {energy(angles):.4f}, on the machine {noisy(angles):.4f}")
    devices = [("default.mixed", {"noise_model": MACHINE})]
    if any(d.name == "qiskit.aer" and d.installed for d in hb.devices()):
        devices.append(("qiskit.aer", {"noise_model": MACHINE}))
        devices.append(("qiskit.aer", {"noise_model": MACHINE, "shots": SHOTS, "seed": 1}))
    compared = hb.compare(energy, devices, args=(found["under noise"],))
    Console(width=120).print(compared)
    print(f"the devices agree: {compared.agree}")


if __name__ == "__main__":
    main()
