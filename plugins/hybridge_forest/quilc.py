"""Programs compiled to a lattice by quilc: probed first, and never waited for longer than the timeout.

The requests are written here, over ZeroMQ: the SDK's own call waits without end for a quilc that is mute.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from math import pi
from time import monotonic
from typing import Any

import msgpack
import zmq

from hybridge.plugin import DeviceError, JobFailed
from hybridge_forest.servers import PROBE_SECONDS, QUILC, Address, address

MAX_QUBITS = 1000  # each below the highest that is named is sent
Pairs = tuple[tuple[int, int], ...]
LATTICES = {"9q-square": tuple((3 * r + c, 3 * r + c + 1) for r in range(3) for c in range(2))}
LATTICES["9q-square"] += tuple((3 * r + c, 3 * r + c + 3) for r in range(2) for c in range(3))
# COMPILER-DOES-NOT-APPLY where their angle is in memory; the core decomposes what they stand for
UNCOMPILED = frozenset(
    {"CPhaseShift00", "CPhaseShift01", "CPhaseShift10", "SingleExcitationPlus", "SingleExcitationMinus"}
)


def pairs_of(lattice: Any) -> Pairs:
    """The pairs of qubits that have gates: of a lattice by name, or as given. Raises DeviceError."""
    if isinstance(lattice, str) and lattice in LATTICES:
        return LATTICES[lattice]
    named = (
        f"lattice is one of {sorted(LATTICES)}, or pairs of qubits below {MAX_QUBITS} such as "
        f"[(0, 1), (1, 2)]; got {lattice!r}"
    )
    if isinstance(lattice, str) or not isinstance(lattice, Iterable):
        raise DeviceError(named)
    found = tuple(tuple(pair) if isinstance(pair, (tuple, list)) else (pair,) for pair in lattice)
    if not found or not all(
        len(p) == 2 and all(isinstance(q, int) and 0 <= q < MAX_QUBITS for q in p) and p[0] != p[1]
        for p in found
    ):
        raise DeviceError(named)
    return found  # type: ignore[return-value]


def _gate(name: str, parameters: Sequence[Any], arguments: int) -> dict[str, Any]:
    shared = {"operator_type": "gate", "operator": name, "duration": None, "fidelity": None}
    return {**shared, "parameters": list(parameters), "arguments": ["_"] * arguments}


def _measure(target: str | None) -> dict[str, Any]:
    shared = {"operator_type": "measure", "operator": "MEASURE", "duration": None, "fidelity": None}
    return {**shared, "qubit": "_", "target": target}


ON_ONE = [
    _gate("I", [], 1),
    *(_gate("RX", [angle], 1) for angle in (0.0, pi, -pi, pi / 2, -pi / 2)),
    _gate("RZ", ["theta"], 1),
    _measure("_"),
    _measure(None),
]
ON_TWO = [_gate("CZ", [], 2), _gate("XY", ["theta"], 2)]


def instruction_set(pairs: Pairs) -> dict[str, Any]:
    """What quilc compiles to: Rigetti's gates, on these pairs; a qubit below the highest in none is dead."""
    alive = {q for pair in pairs for q in pair}
    qubits = {
        str(q): {"id": q, "gates": ON_ONE, **({} if q in alive else {"dead": True})}
        for q in range(max(alive) + 1)
    }
    edges = {tuple(sorted(pair)) for pair in pairs}
    return {"1Q": qubits, "2Q": {f"{a}-{b}": {"ids": [a, b], "gates": ON_TWO} for a, b in sorted(edges)}}


class Compiler:
    """A quilc at its url, asked by one device for programs on these pairs of qubits."""

    def __init__(self, device: str, url: str | None, timeout: float, pairs: Pairs):
        self.device, self.timeout, self.pairs = device, timeout, pairs
        self.num_qubits = len({q for pair in pairs for q in pair})
        self._url = url
        self._answers = False
        if url is not None:
            address(QUILC, url)  # a mistyped url is told at once

    def compiled(self, quil: str) -> str:
        """The program in the lattice's own gates. Raises JobFailed."""
        at = address(QUILC, self._url)
        if not self._answers:
            self._asked(at, "get_version_info", {}, min(self.timeout, PROBE_SECONDS))
            self._answers = True
        target = {"_type": "TargetDevice", "isa": instruction_set(self.pairs), "specs": {}}
        request = {"_type": "NativeQuilRequest", "quil": quil, "target_device": target}
        reply = self._asked(at, "quil_to_native_quil", {"protoquil": None, "*args": [request]}, self.timeout)
        native = reply.get("quil")
        if not isinstance(native, str):
            raise self._unlike(at, reply)
        return native

    def _asked(self, at: Address, method: str, params: dict[str, Any], seconds: float) -> dict[str, Any]:
        """What quilc replies, in at most so many seconds, those for finding out why it does not included."""
        began = monotonic()
        request = {
            "_type": "RPCRequest",
            "method": method,
            "params": params,
            "id": str(uuid.uuid4()),
            "jsonrpc": "2.0",
            "client_timeout": seconds,
            "client_key": None,
        }
        with zmq.Context() as context, context.socket(zmq.DEALER) as asking:
            asking.linger = 0  # what could not be sent is not waited for
            try:
                asking.connect(at.url)
            except zmq.ZMQError as error:
                raise JobFailed(self.device, at.absent(str(error))) from error
            asking.send(msgpack.packb(request))
            answered = asking.poll(1000 * 0.75 * seconds)
            octets = asking.recv() if answered else None
        if octets is None:
            self._answers = False
            trouble = at.trouble(0.2 * seconds, monotonic() - began, 0.75 * seconds)
            raise JobFailed(self.device, at.absent(trouble))
        try:
            reply = msgpack.unpackb(octets, strict_map_key=False)
        except ValueError as error:  # all of msgpack's errors are
            raise self._unlike(at, octets) from error
        said = reply if isinstance(reply, dict) else {}
        if said.get("error"):
            raise JobFailed(self.device, f"quilc does not compile the program: {said['error']}")
        if not isinstance(said.get("result"), dict):
            raise self._unlike(at, reply)
        return said["result"]

    def _unlike(self, at: Address, reply: Any) -> JobFailed:
        self._answers = False
        return JobFailed(self.device, at.absent(f"something else does: it says {str(reply)[:60]!r}"))


def bound(native: str, moves: Iterable[str]) -> str:
    """A compiled program with its numbers, written into memory after the last declaration."""
    declared = [m.end() for m in re.finditer(r"^DECLARE .*\n", native, re.MULTILINE)]
    at = declared[-1] if declared else 0
    return native[:at] + "".join(f"{move}\n" for move in moves) + native[at:]
