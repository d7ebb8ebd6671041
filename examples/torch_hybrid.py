"""A network, qubits and light, trained together in PyTorch to tell handwritten threes from eights.

An image of scikit-learn's digits has 8 x 8 pixels. A linear layer makes QUBITS angles of it, which turn
qubits; a trained circuit entangles them. Its expectation values displace and squeeze MODES modes of light,
which a trained interferometer mixes; the mean quadratures and photon numbers go to a last linear layer, whose
output says which digit it is. Both circuits are `TorchLayer`s: the rows of a batch are one job of each
device, and one `backward()` goes through all four layers.

Seen: a table of the loss and of the accuracy on images that were trained with and on others, epoch by epoch,
and how many jobs the devices ran. With matplotlib, a plot of the loss, of the accuracy and of what the light
says of each test image in build/torch_hybrid.png, or where --plot says. Needs torch and scikit-learn.
"""

import argparse
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import hybridge as hb
from hybridge.torch import TorchLayer

DIGITS, QUBITS, MODES = (3, 8), 4, 2
EPOCHS, BATCH, RATE, SEED = 12, 24, 0.05, 2
PLOT = Path("build/torch_hybrid.png")


def images():
    """Pixels in [0, 1] and labels, 1 for the second digit: of the training images, then of the others."""
    digits = load_digits()
    chosen = [label in DIGITS for label in digits.target]
    pixels, labels = digits.data[chosen] / 16, digits.target[chosen] == DIGITS[1]
    parts = train_test_split(pixels, labels, test_size=0.3, random_state=SEED, stratify=labels)
    train, test, train_labels, test_labels = [torch.tensor(part, dtype=torch.float32) for part in parts]
    return (train, train_labels), (test, test_labels)


@hb.qnode(hb.device("default.qubit", wires=QUBITS), static=True)
def qubits(inputs, weights):
    """Angles (QUBITS,) and weights (2, QUBITS), radians: gives <Z> of 2 * MODES qubits."""
    for wire in range(QUBITS):
        hb.RY(inputs[wire], wires=wire)
    for layer in range(2):
        for wire in range(QUBITS):
            hb.CNOT(wires=[wire, (wire + 1) % QUBITS])
        for wire in range(QUBITS):
            hb.RY(weights[layer, wire], wires=wire)
    return [hb.expval(hb.Z(wire)) for wire in range(2 * MODES)]


@hb.qnode(hb.device("default.gaussian", wires=MODES), static=True)
def light(inputs, angles):
    """Displacements and squeezings (2 * MODES,), and two angles, radians: gives <x> and <n> of each mode."""
    for mode in range(MODES):
        hb.Squeezing(0.4 * inputs[MODES + mode], 0.0, wires=mode)
        hb.Displacement(inputs[mode], 0.0, wires=mode)
    hb.Beamsplitter(angles[0], angles[1], wires=[0, 1])
    return [hb.expval(observable(k)) for k in range(MODES) for observable in (hb.QuadX, hb.NumberOperator)]


example_args = (torch.zeros(QUBITS), torch.zeros(2, QUBITS))


def network():
    """Pixels (batch, 64) -> one number each, positive for the second digit."""
    torch.manual_seed(SEED)
    return torch.nn.Sequential(
        torch.nn.Linear(64, QUBITS),
        TorchLayer(qubits, {"weights": (2, QUBITS)}),
        TorchLayer(light, {"angles": 2}),
        torch.nn.Linear(2 * MODES, 1),
        torch.nn.Flatten(0),
    )


def accuracy(model, pixels, labels):
    """The share of images that the model puts on the right side."""
    with torch.no_grad():
        return ((model(pixels) > 0) == (labels > 0.5)).float().mean().item()


def train(model, pixels, labels):
    """One epoch of Adam after another; yields the mean loss of each."""
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    loss_of = torch.nn.BCEWithLogitsLoss()
    for _ in range(EPOCHS):
        losses = []
        for rows in torch.randperm(len(pixels)).split(BATCH):
            optimizer.zero_grad()
            loss = loss_of(model(pixels[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        yield sum(losses) / len(losses)


def plot(history, model, pixels, labels, path):
    """Write the epochs, and the light of each test image, to a file."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 4), layout="constrained")
    epochs = range(1, len(history) + 1)
    for k, name in enumerate(("loss", "accuracy, train", "accuracy, test")):
        left.plot(epochs, [values[k] for values in history], label=name)
    left.set(xlabel="epoch", ylim=(0, 1.05))
    left.legend()
    with torch.no_grad():
        seen = model[:3](pixels)
    for k, digit in enumerate(DIGITS):
        right.scatter(*seen[labels == k, ::2].T, label=f"a {digit}", s=12)
    right.set(title="light of the test images", xlabel="mean x of mode 0", ylabel="mean x of mode 1")
    right.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def main(path=PLOT):
    ours, others = images()
    model = network()
    title = f"{DIGITS[0]} or {DIGITS[1]}: {len(ours[0])} images and {len(others[0])} others"
    made = Table(title=title, title_justify="left")
    for column in ("epoch", "loss", "train", "test"):
        made.add_column(column, justify="right")
    history = []
    with hb.Tracker(qubits.device) as of_qubits, hb.Tracker(light.device) as of_light:
        for epoch, loss in enumerate(train(model, *ours), 1):
            history.append((loss, accuracy(model, *ours), accuracy(model, *others)))
            made.add_row(str(epoch), *(f"{value:.3f}" for value in history[-1]))
    Console().print(made)
    print(f"jobs: {of_qubits.totals['jobs']} of the qubits, {of_light.totals['jobs']} of the light")
    print(f"test accuracy: {history[-1][2]:.3f}")
    assert history[-1][2] > 0.9, "the digits were not told apart"
    try:
        plot(history, model, *others, path)
        print(f"plot: {path}")
    except ImportError:
        print("no plot: matplotlib is not installed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", type=Path, default=PLOT, help="where to write the plot")
    main(parser.parse_args().plot)
