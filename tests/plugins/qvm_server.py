"""A stand-in for the QVM: an HTTP server on loopback that speaks its protocol, and counts what it is asked.

A real one takes its place in the tests where HYBRIDGE_QVM_URL names it, but for those that count requests.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from qvm_server_machine import Machine, Noise
from qvm_server_program import Checked, Refused, checked

VERSION = "1.18.0 [1c4ca60]"
TEXT, JSON, OCTETS = "text/html; charset=utf-8", "application/json", "application/octet-stream"
Answer = tuple[str, bytes]
Query = Mapping[str, Any]


class QVMServer(ThreadingHTTPServer):
    """Serves on a free port of 127.0.0.1; `asked` counts requests by type, `trials` the simulations."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: Counter[str] = Counter()
        self.requests: list[Query] = []
        self.trials = 0
        self.version = VERSION
        self.silent = threading.Event()  # while set, requests are read and not answered
        self.taken: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client = super().get_request()
        self.taken.append(connection)
        return connection, client

    def server_close(self) -> None:
        """Stop listening, and hang up on everybody: connections are kept open from request to request."""
        super().server_close()
        for connection in self.taken:
            with suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        """Count from nothing."""
        self.asked.clear()
        self.requests.clear()
        self.trials = 0


@contextmanager
def serving() -> Iterator[QVMServer]:
    """A server of one's own."""
    server = QVMServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two packets: 40 ms a request without
    wbufsize = -1
    server: QVMServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        while self.server.silent.is_set():
            time.sleep(0.01)
        try:
            query = json.loads(body)
            kind = query["type"]
            if kind not in ANSWERS:
                raise Refused(f"unsupported type {kind!r}")
            self.server.asked[kind] += 1
            self.server.requests.append(query)
            self._send(200, *ANSWERS[kind](self.server, query))
        except (Refused, KeyError, TypeError, ValueError) as error:
            status = {"error_type": "qvm_error", "status": str(error)}
            self._send(500, JSON, json.dumps(status).encode())

    def do_GET(self) -> None:
        self._send(404, TEXT, b"not found")

    def _send(self, code: int, kind: str, body: bytes) -> None:
        self.send_response(code)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silent."""


# ---- answers by type ---------------------------------------------------------------------------------


def _program(query: Query) -> Checked:
    text = next(
        (query[k] for k in ("compiled-quil", "quil-instructions", "uncompiled-quil") if k in query), None
    )
    if not isinstance(text, str):
        raise Refused("no program: compiled-quil is missing")
    return checked(text)


def _noise(query: Query) -> Noise:
    given = [query.get(key, []) for key in ("gate-noise", "measurement-noise")]
    for noise in given:
        if noise and (len(noise) != 3 or min(noise) < 0 or sum(noise) > 1):
            raise Refused(f"{noise} are not three probabilities")
    return Noise(*map(tuple, given))


def _ran(
    server: QVMServer, query: Query, program: Checked, places: dict[int, int], trials: int, noise: Noise
) -> Machine:
    server.trials += trials
    seed = query.get("rng-seed")
    if seed is not None and not (isinstance(seed, int) and seed >= 0):
        raise Refused(f"{seed!r} is not a seed")
    return Machine(program, places, trials, noise, seed).run()


def _compressed(program: Checked) -> dict[int, int]:
    """The QVM holds only qubits that are used, relabelled in their order."""
    return {q: k for k, q in enumerate(program.used)}


def _state(server: QVMServer, query: Query) -> np.ndarray:
    program = _program(query)
    return _ran(server, query, program, _compressed(program), 1, _noise(query)).amplitudes[0]


def _wavefunction(server: QVMServer, query: Query) -> Answer:
    return OCTETS, _state(server, query).astype(">c16").tobytes()


def _probabilities(server: QVMServer, query: Query) -> Answer:
    return OCTETS, (np.abs(_state(server, query)) ** 2).astype(">f8").tobytes()


def _multishot(server: QVMServer, query: Query) -> Answer:
    program, trials = _program(query), _trials(query)
    columns = {}
    for name, wanted in query["addresses"].items():
        if name not in program.memory:
            raise Refused(f"{name!r} is no memory of the program")
        size = program.memory[name][1]
        if wanted:
            columns[name] = list(range(size)) if wanted is True else wanted
            if any(not 0 <= k < size for k in columns[name]):
                raise Refused(f"{name}{wanted} is out of range")
    if not columns:
        return JSON, b"{}"
    ran = _ran(server, query, program, _compressed(program), trials, _noise(query))
    read = [f"{json.dumps(name)}:{ran.read(name, at)}" for name, at in columns.items()]
    return JSON, f"{{{','.join(read)}}}".encode()


def _multishot_measure(server: QVMServer, query: Query) -> Answer:
    program, trials = _program(query), _trials(query)
    places = _compressed(program)
    ran = _ran(server, query, program, places, 1, Noise())
    weights = np.abs(ran.amplitudes[0]) ** 2
    drawn = ran.rng.choice(len(weights), size=trials, p=weights / weights.sum())
    columns = [drawn >> places[q] & 1 if q in places else np.zeros_like(drawn) for q in query["qubits"]]
    return JSON, json.dumps(np.array(columns, dtype=int).reshape(-1, trials).T.tolist()).encode()


def _trials(query: Query) -> int:
    trials = query["trials"]
    if not (isinstance(trials, int) and trials >= 0):
        raise Refused(f"{trials!r} is not a number of trials")
    return trials


def _expectation(server: QVMServer, query: Query) -> Answer:
    """Qubits are not relabelled here: there are as many as the largest index says."""
    prepared, values = checked(query["state-preparation"]), []
    operators = [checked(text) for text in query["operators"]]
    size = 1 + max((q for p in (prepared, *operators) for q in p.used), default=-1)
    places = {q: q for q in range(size)}
    state = _ran(server, query, prepared, places, 1, Noise())
    for operator in operators:
        turned = Machine(operator, places, 1, Noise(), 0)
        turned.state = state.state.copy()
        values.append(float(np.vdot(state.amplitudes[0], turned.run().amplitudes[0]).real))
    return JSON, json.dumps(values).encode()


def _for_effect(server: QVMServer, query: Query) -> Answer:
    program = _program(query)
    _ran(server, query, program, _compressed(program), 1, _noise(query))
    return JSON, b"true"


_INFO = {"simulation-method": "PURE-STATE", "shared-memory-object-name": "NIL", "qubit-limit": "NIL"}
ANSWERS: dict[str, Callable[[QVMServer, Query], Answer]] = {
    "version": lambda server, query: (TEXT, server.version.encode()),
    "ping": lambda server, query: (TEXT, f"pong {int(time.time()) + 2208988800}".encode()),
    "info": lambda server, query: (JSON, json.dumps(_INFO).encode()),
    "wavefunction": _wavefunction,
    "probabilities": _probabilities,
    "multishot": _multishot,
    "multishot-measure": _multishot_measure,
    "expectation": _expectation,
    "run-for-effect": _for_effect,
}
