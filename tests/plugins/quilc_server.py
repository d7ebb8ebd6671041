"""A stand-in for quilc: it answers over ZeroMQ, and gives programs back with a mark of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import zmq


class QuilcServer:
    """What it was asked, in order; `error` is the reply to every program, where there is one."""

    def __init__(self, url: str):
        self.url = url
        self.asked: list[dict[str, Any]] = []
        self.error = ""
        self.instead: dict[str, Any] = {}  # replies by method, whatever they are

    def reply(self, request: dict[str, Any]) -> Any:
        self.asked.append(request)
        if request["method"] in self.instead:
            return self.instead[request["method"]]
        common = {"jsonrpc": "2.0", "id": request["id"], "warnings": []}
        if request["method"] == "get_version_info":
            return {**common, "_type": "RPCReply", "result": {"quilc": "1.27.0", "githash": "512a7aab"}}
        if self.error or request["method"] != "quil_to_native_quil":
            return {**common, "_type": "RPCError", "error": self.error or "no such method"}
        program = request["params"]["*args"][0]["quil"]
        native = {"_type": "NativeQuilResponse", "quil": f"{program}HALT\n", "metadata": None}
        return {**common, "_type": "RPCReply", "result": native}


@contextmanager
def compiling() -> Iterator[QuilcServer]:
    """A stand-in on a free port of 127.0.0.1."""
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        socket.linger = 0
        served = QuilcServer(f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}")
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                if socket.poll(10):
                    *who, request = socket.recv_multipart()
                    socket.send_multipart([*who, msgpack.packb(served.reply(msgpack.unpackb(request)))])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield served
        finally:
            done.set()
            thread.join()
