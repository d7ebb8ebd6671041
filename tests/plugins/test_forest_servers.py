"""A server of Forest's that does not answer is an error that says so, in time; never a hang."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from time import monotonic

import pytest
from qvm_server import ANSWERS, QVMServer, serving

import hybridge as hb
from hybridge_forest.servers import PROBE_SECONDS, QUILC, QVM, address, proxy_in_the_way

SLACK = 3.0  # seconds of a busy machine, beside those that are allowed
PROXIES = [v for kind in ("http", "https", "all", "no") for v in (f"{kind}_proxy", f"{kind.upper()}_PROXY")]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*PROXIES, QVM.variable, QUILC.variable):
        monkeypatch.delenv(variable, raising=False)


@contextmanager
def mute() -> Iterator[str]:
    """The url of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    taken.append(listening.accept()[0])
                except OSError:  # closed
                    return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in taken:
                connection.close()


@contextmanager
def saying(answer: bytes, pause: float = 0.0) -> Iterator[str]:
    """The url of a server that says this when asked, octet by octet if it pauses, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def talk(connection: socket.socket) -> None:
            with connection, suppress(OSError):  # who asks may hang up first
                if answer:
                    connection.recv(2**16)
                for octet in (bytes([o]) for o in answer) if pause else [answer]:
                    connection.sendall(octet)
                    if over.wait(pause):
                        return

        def take() -> None:
            while True:
                try:
                    threading.Thread(target=talk, args=(listening.accept()[0],), daemon=True).start()
                except OSError:  # closed
                    return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def http(body: bytes, status: str = "200 OK") -> bytes:
    """An answer of a web server."""
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def closed() -> Iterator[str]:
    """A url at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def other() -> Iterator[str]:
    """The url of a web server that is no QVM."""
    with serving() as server:
        server.version = "<html>It works!</html>"
        yield server.url


DEVICES = ("forest.wavefunction", "forest.qvm")


def node(name: str, **options: object) -> hb.QNode:
    shots = None if name == "forest.wavefunction" else 10

    def circuit() -> object:
        hb.H(0)
        return hb.probs()

    return hb.QNode(circuit, hb.device(name, wires=1, shots=shots, **options))


def error_of(call: Callable[[], object], seconds: float) -> str:
    """The message of the error that comes in so many seconds."""
    began = monotonic()
    with pytest.raises(hb.DeviceError) as caught:
        call()
    assert monotonic() - began < seconds + SLACK
    return str(caught.value)


# (where the url leads, what the message says of it)
ABSENT = {
    "closed": (closed, "connection refused"),
    "mute": (mute, "it takes connections, but gave no answer"),
    "other": (other, "something else does: it says its version is '<html>It works!"),
    "hangs up": (partial(saying, b""), "it takes connections, but hangs up or answers what no QVM does"),
    "no HTTP": (partial(saying, b"\xff\x00garbage\r\n\r\n"), "but hangs up or answers what no QVM does"),
    "500": (partial(saying, http(b"oops", "500 X")), "but hangs up or answers what no QVM does"),
    "less than it says": (partial(saying, http(b"1.18.0")[:-2]), "but hangs up or answers what no QVM does"),
    "octet by octet": (
        partial(saying, http(b"1.18.0"), 0.1),
        "it takes connections, but gave no answer in 1.",
    ),
}


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize(("place", "reason"), ABSENT.values(), ids=ABSENT)
def test_no_qvm_is_an_error_that_says_what_would_help(
    name: str, place: Callable[[], Iterator[str]], reason: str
) -> None:
    with place() as url:
        port = url.rpartition(":")[2]
        message = error_of(node(name, url=url), PROBE_SECONDS)
    assert f"no QVM answers at {url} (" in message and reason in message
    assert "the url is from the option url" in message
    assert f"`qvm --server --host 127.0.0.1 --port {port}`" in message and "'forest.numpy'" in message


def test_a_shorter_timeout_is_kept() -> None:
    with mute() as url:
        began = monotonic()
        error_of(node("forest.wavefunction", url=url, timeout=0.2), 0.2)
        assert monotonic() - began < PROBE_SECONDS


def test_a_server_that_falls_mute_is_an_error_in_the_timeout() -> None:
    with serving() as server:
        asking = node("forest.wavefunction", url=server.url, timeout=0.5)
        asking()
        server.silent.set()
        try:
            message = error_of(asking, 0.5 + PROBE_SECONDS)
        finally:
            server.silent.clear()
        assert "gave no answer in 0." in message and "the option timeout allows more" in message
        assert asking()[0] == pytest.approx(0.5)  # and is asked again


def test_a_server_that_goes_away_is_noticed() -> None:
    with serving() as server:
        asking = node("forest.wavefunction", url=server.url)
        asking()
    assert "no QVM answers" in error_of(asking, PROBE_SECONDS)


@pytest.mark.parametrize("host", ["localhost", "[::1]"])
def test_other_names_of_this_computer_are_refused_at_once(host: str) -> None:
    message = error_of(node("forest.wavefunction", url=f"http://{host}:9"), PROBE_SECONDS)
    assert f"no QVM answers at http://{host}:9 (" in message


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_in_the_way_is_named(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server, closed() as proxy:
        monkeypatch.setenv(variable, proxy)
        message = error_of(node("forest.wavefunction", url=server.url), PROBE_SECONDS)
        assert f"the environment variable {variable} sends requests to the proxy {proxy}" in message
        assert "NO_PROXY=127.0.0.1" in message
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        assert node("forest.wavefunction", url=server.url)()[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("past", "let"),
    [
        ({"NO_PROXY": "127.0.0.1"}, True),
        ({"no_proxy": "here, 127.0.0.0/8"}, True),
        ({"NO_PROXY": "127.0.0.1", "no_proxy": "here"}, True),
        ({"NO_PROXY": "here", "no_proxy": "127.0.0.1"}, False),
        ({"NO_PROXY": "localhost"}, False),
        ({"NO_PROXY": "*"}, False),
        ({"NO_PROXY": ".1"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_who_goes_past_a_proxy_is_as_the_sdk_has_it(
    past: dict[str, str], let: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server, saying(http(b"<html>")) as proxy:
        for variable, value in {"http_proxy": "", "HTTP_PROXY": proxy, **past}.items():
            monkeypatch.setenv(variable, value)
        asking = node("forest.wavefunction", url=server.url)
        if let:
            assert asking()[0] == pytest.approx(0.5)
        else:
            assert "the environment variable HTTP_PROXY sends" in error_of(asking, PROBE_SECONDS)
        assert bool(proxy_in_the_way(address(QVM, server.url).parts)) is not let


def test_names_go_past_a_proxy_by_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://user:secret@proxy:1")
    there = address(QVM, "http://qvm.lab:2").parts
    assert "secret" not in proxy_in_the_way(there) and "http://proxy:1" in proxy_in_the_way(there)
    for listed, let in (("lab", True), (".lab", True), ("qvm.lab", True), ("*", True), ("ab", False)):
        monkeypatch.setenv("NO_PROXY", listed)
        assert (proxy_in_the_way(there) == "") is let, listed


def test_a_password_is_not_shown() -> None:
    with closed() as url:
        secret = url.replace("http://", "http://user:secret@")
        message = error_of(node("forest.wavefunction", url=secret), PROBE_SECONDS)
    assert "secret" not in message and url in message


# (what the QVM answers a program with, what the message says)
UNLIKE = {
    "wavefunction": [
        (b"", "0 octets where 1 qubits are 32"),
        (bytes(16), "16 octets"),
        (bytes(32), "a state of norm 0"),
        (b"\x7f\xf8" + bytes(30), "a state of norm nan"),
    ],
    "multishot": [
        (b"{}", "no bits"),
        (b'{"ro": [[0]]}', "an array (1, 1)"),
        (b'{"ro": [%s]}' % b",".join([b"[2]"] * 10), "(10, 1) bits are wanted"),
        (b'{"ro": [%s]}' % b",".join([b"[0.5]"] * 10), "of float64"),
    ],
}


@pytest.mark.parametrize("kind", UNLIKE)
def test_an_answer_that_is_none_is_no_number(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def circuit() -> object:
        if kind == "multishot":
            hb.measure(0)
        return hb.probs(wires=[0])

    with serving() as server:
        device = hb.device("forest.qvm", wires=1, shots=10, url=server.url)
        for body, reason in UNLIKE[kind]:
            monkeypatch.setitem(ANSWERS, kind, lambda *_, body=body: ("application/json", body))
            assert reason in error_of(hb.QNode(circuit, device), PROBE_SECONDS)


def test_the_url_is_the_options_or_the_environments_or_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert address(QVM, "http://here:1").source == "the option url"
    assert address(QVM, None)[1:] == (QVM.default, "the default")
    monkeypatch.setenv(QVM.variable, "http://there:2")
    assert address(QVM, None)[1:] == ("http://there:2", f"the environment variable {QVM.variable}")
    assert address(QVM, "http://here:1").url == "http://here:1"


SETTINGS = """default_profile_name = "default"
[profiles.default]
api_url = "https://api.example"
auth_server_name = "default"
credentials_name = "default"
applications = { pyquil = { qvm_url = "http://set:3", quilc_url = "tcp://set:4" } }
[auth_servers.default]
client_id = "x"
issuer = "https://x.example"
"""


def test_the_url_may_be_in_forests_settings(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, secrets = tmp_path / "settings.toml", tmp_path / "secrets.toml"
    settings.write_text(SETTINGS)
    secrets.write_text('[credentials.default.token_payload]\nrefresh_token = "none"\n')
    monkeypatch.setenv("QCS_SETTINGS_FILE_PATH", str(settings))
    monkeypatch.setenv("QCS_SECRETS_FILE_PATH", str(secrets))
    assert address(QVM, None)[1:] == ("http://set:3", str(settings))
    assert address(QUILC, None)[1:] == ("tcp://set:4", str(settings))


@pytest.mark.parametrize(
    "url", ["127.0.0.1:5000", "nonsense", "http://", "tcp://127.0.0.1:5000", "http://a:b", 5]
)
def test_a_url_that_is_none_is_refused_at_once(url: object) -> None:
    with pytest.raises(hb.DeviceError, match=re.escape(f"got {url!r} from the option url")):
        hb.device("forest.wavefunction", wires=1, url=url)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan"), "2", True, 1e300, 10**400])
def test_a_timeout_is_a_number_of_seconds(timeout: object) -> None:
    with pytest.raises(hb.DeviceError, match="timeout is a number of seconds > 0"):
        hb.device("forest.wavefunction", wires=1, timeout=timeout)


FORKED = """
import os, sys
import hybridge as hb
node = hb.QNode(lambda: (hb.H(0), hb.probs())[1], hb.device("forest.wavefunction", wires=1, url=sys.argv[1]))
node()
child = os.fork()
if not child:
    try:
        node()
    except hb.DeviceError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_forked_process_is_told_so_instead_of_hanging() -> None:
    with serving() as server:
        done = subprocess.run(
            [sys.executable, "-c", FORKED, server.url], capture_output=True, encoding="utf-8", timeout=60
        )
    assert "forked" in done.stdout and "get_context('spawn')" in done.stdout, done.stderr


def test_what_the_qvm_refuses_is_told_in_its_words() -> None:
    device = hb.device("forest.wavefunction", wires=1)
    with serving() as server:
        connection = type(device._qvm)("forest.wavefunction", server.url, 5.0)
        with pytest.raises(hb.DeviceError, match='the operator "RXX" is not known'):
            connection.wavefunction("RXX(0.1) 0 1\n", 2)
        assert isinstance(server, QVMServer) and server.asked == {"version": 1, "wavefunction": 1}
