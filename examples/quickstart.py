"""Quickstart: one circuit, drawn, run and differentiated on every qubit device there is.

Seen: the circuit as text; its value and gradient on the first device; then a table with a row for each qubit
device, its value and gradient and how far they lie from the first one's. A device whose SDK is not installed
is a row that says how to install it.
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


def qubit_devices():
    """The names of the qubit devices, default.qubit first, those that are not installed last."""
    found = [d for d in hb.devices() if d.domain == "qubit"]
    return [d.name for d in sorted(found, key=lambda d: (d.name != "default.qubit", not d.installed))]


def main():
    print(hb.draw(circuit)(*example_args))
    value, slopes = hb.value_and_grad(circuit, argnums=(0, 1))(*example_args)
    print(f"\nvalue {value:.6f}, gradient {slopes[0]:.6f} and {slopes[1]:.6f}, on {circuit.device.name}\n")
    found = hb.compare(circuit, qubit_devices(), args=example_args)
    print(found)
    assert all(row.agrees for row in found.rows if not row.reason), "two devices disagree"


if __name__ == "__main__":
    main()
