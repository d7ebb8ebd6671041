"""The geometry of a QNode's parameters: metric tensor, quantum and classical Fisher information."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from hybridge.circuit import Measurement, probs
from hybridge.errors import CircuitError, GradientError
from hybridge.gradients.choose import exact_rule
from hybridge.gradients.generators import MAX_WIRES, generator
from hybridge.interfaces.derivatives import Argnums, jacobian
from hybridge.operations.pauli import Sentence, Word
from hybridge.operations.table import Affine, Operation, Wires
from hybridge.plans import plans_of
from hybridge.pytree import flatten
from hybridge.qnode import QNode
from hybridge.slots import Slots, slots_of

APPROXIMATIONS = (None, "block-diag", "diag")
IMPOSSIBLE = 1e-14  # a probability below is rounding


def metric_tensor(qnode: QNode, approx: str | None = None, argnums: Argnums = 0) -> Callable[..., np.ndarray]:
    """A function of the qnode's arguments that returns the Fubini-Study metric (N, N) of its final state.

    g_ij = Re <d_i psi|d_j psi> - <d_i psi|psi><psi|d_j psi>, so that |<psi(x)|psi(x+d)>|^2 = 1 - d g d + ...
    for N numbers in the order of the arguments `argnums` and of what they hold. `approx`:

    None          all of it, exact, from the states of the device at the points of the shift rules; on devices
                  that give states
    "block-diag"  a block for each layer: the covariances of the generators of gates that follow each other
                  and commute, measured in the state before them (Stokes et al., Quantum 4, 269 (2020)); on
                  every qubit device, with shots too
    "diag"        the diagonals of the blocks, in the parameters of the gates

    Raises GradientError for a parameter without a rule, UnsupportedCircuit where the device gives no state.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=1))
    ... def circuit(x):
    ...     hb.RX(x, wires=0)
    ...     return hb.expval(hb.Z(0))
    >>> hb.metric_tensor(circuit)(0.3).round(12)
    array([[0.25]])
    """
    _check_node(qnode, "metric_tensor")
    if approx not in APPROXIMATIONS:
        listed = ", ".join(map(repr, APPROXIMATIONS))
        raise CircuitError(f"metric_tensor has no approx={approx!r}; choose from {listed}")

    def metric(*args: Any, **kwargs: Any) -> np.ndarray:
        slots = slots_of(qnode, args, argnums, kwargs)
        if approx is None:
            return _from_states(qnode, slots)
        return _from_covariances(qnode, slots, diagonal=approx == "diag")

    return metric


def quantum_fisher(
    qnode: QNode, approx: str | None = None, argnums: Argnums = 0
) -> Callable[..., np.ndarray]:
    """Four times the metric tensor: the quantum Fisher information (N, N) of the qnode's final, pure state.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=1))
    ... def circuit(x):
    ...     hb.RX(x, wires=0)
    ...     return hb.expval(hb.Z(0))
    >>> hb.quantum_fisher(circuit)(0.3).round(12)
    array([[1.]])
    """
    metric = metric_tensor(qnode, approx, argnums)
    return lambda *args, **kwargs: 4 * metric(*args, **kwargs)


def classical_fisher(qnode: QNode, argnums: Argnums = 0) -> Callable[..., np.ndarray]:
    """A function of the arguments that returns the Fisher information (N, N) of measured probabilities p.

    F_ij = sum_k d_i p_k d_j p_k / p_k over the outcomes that are possible, p_k > 1e-14. The probabilities are
    those that the qnode returns, and where it returns something else those of all wires. It is at most the
    quantum Fisher information. Raises GradientError where the probabilities have no derivative.

    >>> import hybridge as hb
    >>> @hb.qnode(hb.device("default.qubit", wires=1))
    ... def circuit(x):
    ...     hb.RX(x, wires=0)
    ...     return hb.probs()
    >>> hb.classical_fisher(circuit)(0.3).round(12)
    array([[1.]])
    """
    _check_node(qnode, "classical_fisher")

    def everything(*args: Any, **kwargs: Any) -> Measurement:
        qnode.function(*args, **kwargs)
        return probs()

    def fisher(*args: Any, **kwargs: Any) -> np.ndarray:
        asked = qnode.record(*args, **kwargs).measurements
        node = qnode
        if [m.kind for m in asked] != ["probs"]:
            node = qnode.update(function=everything, static=False)
        one = lambda *a, **k: flatten(node(*a, **k))[0][0]
        p = np.asarray(one(*args, **kwargs))
        if p.ndim != 1:
            raise CircuitError("classical_fisher takes one number for each parameter, not a batch")
        leaves = flatten(jacobian(one, argnums)(*args, **kwargs))[0]
        slopes = np.concatenate([np.reshape(leaf, (len(p), -1)) for leaf in leaves], axis=1)
        possible = p > IMPOSSIBLE
        return slopes[possible].T @ (slopes[possible] / p[possible, None])

    return fisher


def _check_node(qnode: QNode, name: str) -> None:
    if not isinstance(qnode, QNode):
        raise CircuitError(f"{name} takes a QNode, a function decorated with @hb.qnode; got {qnode!r}")


def _check_qubits(qnode: QNode, operations: Sequence[Any]) -> None:
    if any(operation.domain == "cv" for operation, _ in operations):
        raise GradientError(
            "any parameter", "the metric tensor of light has no exact rule here", "use hb.classical_fisher"
        )
    if any(operation.kind == "measure" for operation, _ in operations):
        raise GradientError(
            "any parameter",
            "the metric tensor is that of pure states; what measures on its way leaves a mixture",
            "use hb.classical_fisher",
        )


def _from_states(qnode: QNode, slots: Slots) -> np.ndarray:
    """tr(d_i rho d_j rho) / 2 of the pure state rho = |psi><psi|, each d_i rho by the shift rule of its slot.

    rho is linear in what any observable measures, so the rule of the slot is exact for it; the traces are
    those of |psi><psi| at shifted points, |<psi|psi'>|^2.
    """
    recorded = slots.recorded
    _check_qubits(qnode, recorded.instructions)
    if qnode.shots is not None:
        raise GradientError(
            "any parameter",
            "the whole metric tensor is read from exact states, and this QNode has shots",
            "use approx='block-diag', or .on(device, shots=None)",
        )
    plan = plans_of(qnode.device).get(recorded.instructions, (Measurement("state"),), False)
    plan.check(slots.rows)
    moving = np.flatnonzero(np.any(slots.slopes, axis=1))
    rules = [exact_rule(plan.named, int(slot)) for slot in moving]
    ends = np.cumsum([0, *(len(r.shifts) for r in rules)])
    shifted, weights = np.repeat(slots.rows, ends[-1], axis=0), np.zeros((ends[-1], len(moving)))
    for k, (slot, rule) in enumerate(zip(moving, rules, strict=True)):
        shifted[ends[k] : ends[k + 1], slot] += rule.shifts
        weights[ends[k] : ends[k + 1], k] = rule.weights
    if not ends[-1]:  # nothing but global phases moves
        return np.zeros((slots.slopes.shape[1],) * 2)
    states = plan.run(shifted, None)[0]
    overlaps = np.abs(states.conj() @ states.T) ** 2
    inner = weights.T @ overlaps @ weights / 2
    return slots.slopes[moving].T @ inner @ slots.slopes[moving]


class Gate(NamedTuple):
    """A gate with its numbers, and their slopes (params, N)."""

    operation: Operation
    wires: Wires
    values: tuple[float, ...]
    slopes: np.ndarray


def _gates(
    operation: Operation, wires: Wires, values: tuple[float, ...], slopes: np.ndarray
) -> Iterator[Gate]:
    """The gate, or those it decomposes into where it moves and its generators are not found from a matrix."""
    large = operation.definition is None or operation.num_wires > MAX_WIRES
    if not (large and np.any(slopes) and operation.decomposition is not None):
        yield Gate(operation, wires, values, slopes)
        return
    index = {name: k for k, name in enumerate(operation.params)}
    for inner, on, params in operation.decomposition(*wires):
        numbers, moved = [], []
        for p in params:
            affine = p if isinstance(p, Affine) else None
            numbers.append(p.scale * values[index[p.name]] + p.offset if isinstance(p, Affine) else p)
            moved.append(affine.scale * slopes[index[affine.name]] if affine else np.zeros(slopes.shape[1]))
        yield from _gates(inner, on, tuple(numbers), np.reshape(moved, (len(params), slopes.shape[1])))


class Layer(NamedTuple):
    """Gates that move and commute: how many gates come before, their generators, and their slopes (m, N)."""

    start: int
    generators: list[Sentence]
    slopes: list[np.ndarray]


def _layers(gates: Sequence[Gate]) -> list[Layer]:
    """The moving gates in layers: one joins where its generators commute with all since the layer began."""
    layers: list[Layer] = []
    since: list[tuple[Gate, list[Sentence]]] = []
    for k, gate in enumerate(gates):
        moving = [i for i in range(len(gate.values)) if np.any(gate.slopes[i])]
        own = [generator(gate.operation, i, gate.values, gate.wires) for i in moving]
        if moving:
            if not layers or not all(_commute(g, *before) for before in since for g in own):
                layers.append(Layer(k, [], []))
                since = []
            layers[-1].generators.extend(own)
            layers[-1].slopes.extend(gate.slopes[i] for i in moving)
        since.append((gate, own))
    return layers


def _commute(g: Sentence, gate: Gate, generators: list[Sentence]) -> bool:
    """Whether g is seen to commute with a gate: on other wires, or both diagonal, or by its generator."""
    if not set(g.wires) & set(gate.wires):
        return True
    row = gate.operation
    if len(generators) == 1 and row.exponent == row.params and len(row.params) == 1:
        return not any(abs(c) > 1e-12 for c in (g @ generators[0] - generators[0] @ g).terms.values())
    if row.kind != "gate" or row.definition is None or any(s != "Z" for w in g.terms for _, s in w):
        return False
    matrix = row.definition(*gate.values)
    return not np.any(matrix - np.diag(np.diag(matrix)))


def _from_covariances(qnode: QNode, slots: Slots, diagonal: bool) -> np.ndarray:
    """Layer by layer: cov(G_i, G_j) in the state before it, words measured once each."""
    instructions = slots.recorded.instructions
    _check_qubits(qnode, instructions)
    gates: list[Gate] = []
    at = 0
    for operation, wires in instructions:
        stop = at + len(operation.params)
        if operation.kind != "marker":
            gates += _gates(operation, wires, tuple(slots.rows[0, at:stop].tolist()), slots.slopes[at:stop])
        at = stop
    found = np.zeros((slots.slopes.shape[1],) * 2)
    for layer in _layers(gates):
        slopes = np.array(layer.slopes)
        found += slopes.T @ _covariance(qnode, gates[: layer.start], layer.generators, diagonal) @ slopes
    return found


def _covariance(
    qnode: QNode, before: Sequence[Gate], generators: Sequence[Sentence], diagonal: bool
) -> np.ndarray:
    """The symmetric covariance (m, m) of generators in the state after these gates."""
    count = len(generators)
    pairs = [(i, j) for i in range(count) for j in range(i, i + 1 if diagonal else count)]
    products = [0.5 * (generators[i] @ generators[j] + generators[j] @ generators[i]) for i, j in pairs]
    words = list(dict.fromkeys(w for s in (*generators, *products) for w in s.terms if w))
    values: dict[Word, float] = {(): 1.0}
    if words:
        measured = tuple(Measurement("expval", Sentence({w: 1.0})) for w in words)
        instructions = tuple((g.operation, g.wires) for g in before)
        plan = plans_of(qnode.device).get(instructions, measured, qnode.shots is not None)
        row = np.array([[v for g in before for v in g.values]])
        values |= dict(zip(words, (float(v[0]) for v in plan.run(row, qnode.shots)), strict=True))
    mean = lambda s: sum(c.real * values[w] for w, c in s.terms.items())
    means = [mean(g) for g in generators]
    found = np.zeros((count, count))
    for (i, j), product in zip(pairs, products, strict=True):
        found[i, j] = found[j, i] = mean(product) - means[i] * means[j]
    return found
