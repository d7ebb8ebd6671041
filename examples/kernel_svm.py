"""A support vector machine with a quantum kernel, estimated for all pairs of points in one job.

A point x of the plane is encoded in a state |phi(x)> of two qubits. The kernel of two points is the fidelity
of their states, |<phi(y)|phi(x)>|^2: the circuit of x, then the adjoint of the circuit of y, and the
probability that all qubits are found where they began. `circuit.map` runs the circuit of every pair at once.
scikit-learn's SVC takes the kernel matrix and finds the border between two rings of points, which no line
divides. The fidelities are exact first, then the share of SHOTS samples that came back to zero.

Seen: a table with the accuracy of each kernel on the points that it was trained with and on others, beside a
linear border; the largest error of the sampled kernel. With matplotlib, a plot of the points and the kernel
in build/kernel_svm.png. Needs scikit-learn.
"""

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import make_circles
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

import hybridge as hb

SIZE, SHOTS, WIRES = 120, 500, (0, 1)
POINTS, LABELS = make_circles(SIZE, noise=0.1, factor=0.4, random_state=3)
TRAIN, TEST, TRAIN_LABELS, TEST_LABELS = train_test_split(
    POINTS, LABELS, test_size=1 / 3, random_state=3, stratify=LABELS
)
PLOT = Path("build/kernel_svm.png")


def angles(points):
    """What the circuit turns by, radians: (N, 3) of points (N, 2), the coordinates and their product."""
    return np.column_stack([points, points[:, 0] * points[:, 1]]) * np.pi / 2


def encode(x):
    """The state of one point, from |00>; x is its three angles."""
    for _ in range(2):
        for wire in WIRES:
            hb.H(wire)
            hb.RZ(2 * x[wire], wires=wire)
        hb.IsingZZ(2 * x[2], wires=WIRES)


@hb.qnode(hb.device("default.qubit", wires=WIRES))
def overlap(x, y):
    """The probabilities of the four outcomes; of 00, it is the fidelity of the states of x and y."""
    encode(x)
    hb.adjoint(encode)(y)
    return hb.probs(wires=WIRES)


example_args = (angles(TRAIN[:1])[0], angles(TRAIN[1:2])[0])


def kernels(node):
    """The kernel of the training points (N, N), and of the test points with them (M, N), from one job."""
    pairs = np.triu_indices(len(TRAIN), 1)  # it is symmetric, and 1 of a point with itself
    rows, columns = np.indices((len(TEST), len(TRAIN))).reshape(2, -1)
    train, test = angles(TRAIN), angles(TEST)
    lefts, rights = np.concatenate([train[pairs[0]], test[rows]]), train[np.concatenate([pairs[1], columns])]
    fidelities = node.map(lefts, rights)[:, 0]
    square = np.eye(len(TRAIN))
    square[pairs] = fidelities[: len(pairs[0])]
    square = np.maximum(square, square.T)
    return square, fidelities[len(pairs[0]) :].reshape(len(TEST), len(TRAIN))


def accuracies(square, across, machine):
    """The share of points that the machine, trained on the first, puts on the right side: both sets."""
    machine.fit(square, TRAIN_LABELS)
    return machine.score(square, TRAIN_LABELS), machine.score(across, TEST_LABELS)


def plot(square):
    """Write the points, and the kernel with the points of one ring first, to PLOT."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for points, labels, marker in ((TRAIN, TRAIN_LABELS, "o"), (TEST, TEST_LABELS, "x")):
        left.scatter(*points.T, c=labels, cmap="coolwarm", marker=marker)
    left.set(title="points (o: trained with)", aspect="equal")
    order = np.argsort(TRAIN_LABELS, kind="stable")
    figure.colorbar(right.imshow(square[np.ix_(order, order)], vmin=0, vmax=1), ax=right)
    right.set(title="fidelity of their states, ring by ring")
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=150)
    pyplot.close(figure)


def main():
    exact = kernels(overlap)
    sampled = kernels(overlap.on("default.qubit", shots=SHOTS, seed=4))
    made = Table(title=f"two rings, {len(TRAIN)} points and {len(TEST)} others", title_justify="left")
    for column in ("kernel", "train", "test"):
        made.add_column(column, justify="left" if column == "kernel" else "right")
    works = {
        "linear": (TRAIN, TEST, SVC(kernel="linear")),
        "fidelity, exact": (*exact, SVC(kernel="precomputed")),
        f"fidelity, {SHOTS} shots": (*sampled, SVC(kernel="precomputed")),
    }
    scores = {name: accuracies(*work) for name, work in works.items()}
    for name, (train, test) in scores.items():
        made.add_row(name, f"{train:.3f}", f"{test:.3f}")
    Console().print(made)
    pairs = len(TRAIN) * (len(TRAIN) - 1) // 2 + len(TRAIN) * len(TEST)
    print(f"pairs: {pairs}, each kernel one job")
    worst = max(np.abs(a - b).max() for a, b in zip(exact, sampled, strict=True))
    print(f"largest error of a sampled fidelity: {worst:.3f}; standard errors: up to {0.5 / SHOTS**0.5:.3f}")
    assert scores["fidelity, exact"][1] > scores["linear"][1], "the quantum kernel is no better than a line"
    try:
        plot(exact[0])
        print(f"plot: {PLOT}")
    except ImportError:
        print("no plot: matplotlib is not installed")


if __name__ == "__main__":
    main()
