"""Where Forest's servers are, and why one that does not answer does not."""

from __future__ import annotations

import os
import re
import socket
from ipaddress import ip_address, ip_network
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from qcs_sdk.client import LoadClientError, QCSClient

from hybridge.plugin import DeviceError

PROBE_SECONDS = 2.0  # the most that finding out whether a server answers may take
PROXIED = ("http", "https")  # schemes that the SDK sends through a proxy


class Server(NamedTuple):
    """A kind of server: what it is called, where the user says its url, and the line that starts one."""

    name: str
    option: str  # of the device
    setting: str  # of QCSClient
    variable: str
    default: str
    schemes: tuple[str, ...]
    start: str
    otherwise: str


QVM = Server(
    "QVM",
    "url",
    "qvm_url",
    "QCS_SETTINGS_APPLICATIONS_QVM_URL",
    "http://127.0.0.1:5000",
    PROXIED,
    "qvm --server --host 127.0.0.1 --port {port}",
    "use the device 'forest.numpy', which needs no server",
)
QUILC = Server(
    "quilc",
    "quilc_url",
    "quilc_url",
    "QCS_SETTINGS_APPLICATIONS_QUILC_URL",
    "tcp://127.0.0.1:5555",
    ("tcp",),
    "quilc --server-mode-rpc --host 127.0.0.1 --port {port}",
    "leave the option lattice out: the QVM runs programs as they are",
)


class Address(NamedTuple):
    """A server's url, and where it comes from."""

    server: Server
    url: str
    source: str

    @property
    def parts(self) -> SplitResult:
        return urlsplit(self.url)

    def absent(self, reason: str) -> str:
        """That no server answers, why, and what would help."""
        start, url = self.server.start.format(port=self.parts.port), without_password(self.url)
        return (
            f"no {self.server.name} answers at {url} ({reason}); the url is from {self.source}; "
            f"start one with `{start}`, or {self.server.otherwise}"
        )

    def trouble(self, seconds: float, waited: float, allowed: float) -> str:
        """Why it gave no answer in `waited` seconds of those allowed, found out in at most so many more."""
        proxy = proxy_in_the_way(self.parts)
        if proxy:
            return proxy
        host, port = self.parts.hostname, self.parts.port
        try:
            socket.create_connection((host, port), timeout=seconds).close()
        except TimeoutError:
            return "no connection in time"
        except OSError as error:
            return (error.strerror or str(error)).lower()
        if waited < 0.8 * allowed:
            return f"it takes connections, but hangs up or answers what no {self.server.name} does"
        return f"it takes connections, but gave no answer in {waited:.1f} s"


def without_password(url: str) -> str:
    """The url without the user's name and password: errors are logged and passed on."""
    return re.sub(r"//[^/@]*@", "//", url)


def proxy_in_the_way(parts: SplitResult) -> str:
    """The environment variable that sends requests to a proxy instead, in words; empty where none does.

    By the rules of the SDK's HTTP client, which are not those of Python's: NO_PROXY comes before no_proxy, an
    address is let past by itself or its network alone, a name by itself, by its end, or by "*".
    """
    if parts.scheme not in PROXIED or _let_past(parts.hostname or ""):
        return ""
    kinds = (parts.scheme, "all")
    variables = [v for kind in kinds for v in (f"{kind.upper()}_PROXY", f"{kind}_proxy") if os.environ.get(v)]
    if not variables:
        return ""
    return (
        f"the environment variable {variables[0]} sends requests to the proxy "
        f"{without_password(os.environ[variables[0]])}; to go past it set NO_PROXY={parts.hostname}"
    )


def _let_past(host: str) -> bool:
    listed = os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")).split(",")
    named = [name.strip().lstrip(".") for name in listed if name.strip()]
    if not re.fullmatch(r"[\d.]+|[\da-f:]*:[\da-f:.]*", host):
        return any(name == "*" or f".{host}".endswith(f".{name}") for name in named)
    networks = [name for name in named if re.fullmatch(r"[\da-fA-F.:]+(/\d+)?", name)]
    try:
        return any(ip_address(host) in ip_network(network, strict=False) for network in networks)
    except ValueError:
        return False


def address(server: Server, url: str | None) -> Address:
    """The url given, or the environment's, or that of the settings, or the default. Raises DeviceError."""
    found = Address(server, url, f"the option {server.option}") if url is not None else _configured(server)
    try:
        complete = found.parts.scheme in server.schemes and found.parts.hostname and found.parts.port
    except (ValueError, AttributeError, TypeError):  # a port that is no number, a url that is no text
        complete = None
    if not complete:
        raise DeviceError(
            f"the url of a {server.name} is like {server.default!r}, with its port; "
            f"got {found.url!r} from {found.source}"
        )
    return found


def _configured(server: Server) -> Address:
    try:
        client = QCSClient.load()
    except LoadClientError as error:
        raise DeviceError(f"Forest's settings cannot be read: {error}") from error
    url = {"qvm_url": client.qvm_url, "quilc_url": client.quilc_url}[server.setting]
    if os.environ.get(server.variable):
        return Address(server, url, f"the environment variable {server.variable}")
    if url != server.default:
        return Address(server, url, os.environ.get("QCS_SETTINGS_FILE_PATH", "~/.qcs/settings.toml"))
    return Address(server, url, "the default")
