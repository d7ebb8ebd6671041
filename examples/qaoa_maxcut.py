"""The largest cut of a graph, by the quantum approximate optimization algorithm.

A cut divides the nodes of a graph in two; its size is the number of edges between the parts. Each node is
a qubit, each bit says on which side its node is. LAYERS times, the circuit turns by the cost and mixes the
bits; hb.minimize finds the angles that make the expected cut large, by several methods. Then the circuit is
sampled, and the best cut seen is compared with the best of all 2^n, which for eight nodes can be counted.

Seen: a table of the methods with the expected cut that they reach and what they took, and the cut itself.
Needs networkx.
"""

import itertools

import networkx
import numpy as np
from rich.console import Console
from rich.table import Table

import hybridge as hb

GRAPH = networkx.random_regular_graph(3, 8, seed=7)  # every node has three neighbours
LAYERS = 3
SHOTS = 200
START = {"cost": np.linspace(0.2, 0.6, LAYERS), "mixer": np.linspace(0.6, 0.2, LAYERS)}  # a slow turn
METHODS = {
    "BFGS": {},
    "adam": {"steps": 60, "options": {"stepsize": 0.05}},
    "rotosolve": {"steps": 3},
    "spsa": {"steps": 150, "options": {"seed": 1, "a": 0.2}},
}
WIRES = range(len(GRAPH))
# an edge is cut where its bits differ: (1 - Z Z) / 2
CUT = sum(0.5 * hb.I(0) - 0.5 * hb.Z(a) @ hb.Z(b) for a, b in GRAPH.edges)


def ansatz(angles):
    """LAYERS turns by the cost and by the mixer, from all cuts at once; angles in radians."""
    for wire in WIRES:
        hb.H(wire)
    for cost, mixer in zip(angles["cost"], angles["mixer"], strict=True):
        for a, b in GRAPH.edges:
            hb.IsingZZ(-cost, wires=[a, b])
        for wire in WIRES:
            hb.RX(2 * mixer, wires=wire)


@hb.qnode(hb.device("default.qubit", wires=len(GRAPH)))
def missed(angles):
    """Minus the expected size of the cut."""
    ansatz(angles)
    return hb.expval(-1 * CUT)


example_args = (START,)


@hb.qnode(hb.device("default.qubit", wires=len(GRAPH), shots=SHOTS, seed=3))
def sampled(angles):
    """How often each cut was seen, as bits."""
    ansatz(angles)
    return hb.counts()


def size(bits):
    """The number of edges between the nodes with 0 and those with 1."""
    return sum(bits[a] != bits[b] for a, b in GRAPH.edges)


def largest():
    """The size of the largest cut, by counting all of them."""
    return max(size(bits) for bits in itertools.product("01", repeat=len(GRAPH)))


def main():
    best = largest()
    made = Table(title=f"{len(GRAPH)} nodes, {GRAPH.size()} edges, largest cut {best}", title_justify="left")
    for column in ("method", "expected cut", "steps", "calls"):
        made.add_column(column, justify="left" if column == "method" else "right")
    made.add_row("(start)", f"{-missed(START):.4f}", "-", "-")
    found = {name: hb.minimize(missed, START, name, **options) for name, options in METHODS.items()}
    for name, result in found.items():
        made.add_row(name, f"{-result.fun:.4f}", str(result.steps), str(result.nfev))
    Console().print(made)
    angles = min(found.values(), key=lambda result: result.fun).x
    seen = sampled(angles)
    cut = max(seen, key=size)
    share = sum(times for bits, times in seen.items() if size(bits) == best) / SHOTS
    print(f"best cut in {SHOTS} samples: {cut}, of size {size(cut)}; of size {best} are {share:.0%}")
    assert size(cut) == best, "the largest cut was not among the samples"


if __name__ == "__main__":
    main()
