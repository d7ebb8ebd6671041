"""Quickstart: a qubit circuit and an optical one, drawn, run and differentiated on every exact device.

Seen: each circuit as text; its value and gradient on the first device; then a table with a row for each
device of its kind, its value and gradient and how far they lie from the first one's. A device whose SDK is
not installed is a row that says how to install it.
"""

import hybridge as hb

example_args = (0.3, 0.4)  # what `hybridge compare examples/quickstart.py:circuit` calls the circuit with


@hb.qnode(hb.device("default.qubit", wires=3))
def circuit(x, y):
    """Three entangled qubits; x and y in radians."""
    hb.RX(x, wires=0)
    hb.CNOT(wires=[0, 1])
    hb.H(2)
    hb.CRY(x * y, wires=[2, 1])
    hb.IsingXX(y, wires=[1, 2])
    return hb.expval(hb.Z(0) @ hb.Z(1) + 0.5 * hb.X(1) @ hb.X(2))


@hb.qnode(hb.device("default.gaussian", wires=2))
def light(r, theta):
    """Squeezed and displaced light on a beamsplitter: the photons of one arm; r and theta in radians."""
    hb.Squeezing(r, 0.0, wires=0)
    hb.Displacement(0.2, 0.1, wires=1)
    hb.Beamsplitter(theta, 0.3, wires=[0, 1])
    return hb.expval(hb.NumberOperator(1))


def devices_for(node):
    """The exact devices of the node's kind, its own first, those that are not installed last."""
    kind = node.device.capabilities.domain
    found = [d for d in hb.devices() if d.domain == kind and "exact" in d.results]
    names = [d.name for d in sorted(found, key=lambda d: (d.name != node.device.name, not d.installed))]
    return [(name, {"cutoff_dim": 20}) if name.endswith(".fock") else name for name in names]


def show(node):
    print(hb.draw(node)(*example_args))
    value, slopes = hb.value_and_grad(node, argnums=(0, 1))(*example_args)
    print(f"\nvalue {value:.6f}, gradient {slopes[0]:.6f} and {slopes[1]:.6f}, on {node.device.name}\n")
    found = hb.compare(node, devices_for(node), args=example_args)
    print(found)
    assert all(row.agrees for row in found.rows if not row.reason), "two devices disagree"


def main():
    show(circuit)
    show(light)


if __name__ == "__main__":
    main()
