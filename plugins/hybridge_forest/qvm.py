"""What a QVM is asked, through the SDK's requests: probed before first use, and never waited for too long."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cached_property
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
from qcs_sdk.qvm import QVMClient, QVMError, QVMOptions, api

from hybridge.plugin import DeviceError, JobFailed
from hybridge_forest.servers import PROBE_SECONDS, QVM, Address, address

Noise = tuple[float, float, float]  # probabilities of X, Y and Z
UNREACHABLE = "Could not communicate"  # how the SDK begins where a server does not answer


class _Runtime:
    """The process in which the SDK was first used: its threads do not survive a fork, a child would hang."""

    process: int | None = None

    def enter(self, device: str) -> None:
        """Raise JobFailed in a process that was forked since."""
        here = os.getpid()
        if self.process is None:
            self.process = here
        if self.process != here:
            raise JobFailed(
                device,
                "this process was forked from one that had used Forest, whose SDK does not survive that; "
                "start it by multiprocessing.get_context('spawn'), or use threads",
            )


RUNTIME = _Runtime()


class Shots(NamedTuple):
    """What the QVM is to run shot by shot: a program, how often, and the bits of `ro` to return."""

    quil: str
    trials: int
    bits: tuple[int, ...]
    seed: int
    gate_noise: Noise | None = None
    measurement_noise: Noise | None = None


class Connection:
    """A QVM at its url, asked by one device, and the longest that it may take to answer, in seconds."""

    def __init__(self, device: str, url: str | None, timeout: float):
        if not (isinstance(timeout, (int, float)) and 0 < timeout < float("inf")):
            raise DeviceError(f"timeout is a number of seconds > 0; got {timeout!r}")
        self.device, self.timeout = device, float(timeout)
        self._url = url
        self._client: QVMClient | None = None  # of a QVM that has answered; making one takes milliseconds
        if url is not None:
            address(QVM, url)  # a mistyped url is told at once

    @cached_property
    def address(self) -> Address:
        return address(QVM, self._url)

    def wavefunction(self, quil: str) -> np.ndarray:
        """The amplitudes (2^k,) of a program, its k qubits in their order, the least significant first."""
        request = api.WavefunctionRequest(quil)
        # the SDK returns a list with an int for each byte
        octets = bytes(self._asked(lambda client, options: api.get_wavefunction(request, client, options)))
        return np.frombuffer(octets, ">c16").astype(complex)

    def shots(self, asked: Shots) -> np.ndarray:
        """Bits (trials, bits): the program is run anew for each trial."""
        request = api.MultishotRequest(
            asked.quil,
            asked.trials,
            {"ro": api.AddressRequest.from_indices(list(asked.bits))},
            asked.measurement_noise,
            asked.gate_noise,
            asked.seed,
        )
        response = self._asked(lambda client, options: api.run(request, client, options))
        return response.registers["ro"].as_ndarray()

    def _asked(self, question: Callable[[QVMClient, QVMOptions], Any]) -> Any:
        RUNTIME.enter(self.device)
        client = self._client = self._client or self._probed()
        began = monotonic()
        try:
            return question(client, QVMOptions(timeout_seconds=self.timeout))
        except QVMError as error:
            raise JobFailed(self.device, self._reason(error, monotonic() - began)) from error

    def _reason(self, error: QVMError, waited: float) -> str:
        if not str(error).startswith(UNREACHABLE):
            return str(error)
        self._client = None  # the next one probes anew
        trouble = self.address.trouble(min(self.timeout, PROBE_SECONDS) / 4, waited)
        return f"{self.address.absent(trouble)}; where the circuit is large, the option timeout allows more"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_client": None}

    def _probed(self) -> QVMClient:
        """The client of a QVM that answers in 2 seconds, or the timeout if it is less. Raises JobFailed."""
        allowed = min(self.timeout, PROBE_SECONDS)
        options = QVMOptions(timeout_seconds=0.7 * allowed)
        client, began = QVMClient.new_http(self.address.url), monotonic()
        try:
            version = api.get_version_info(client, options)
        except QVMError as error:
            trouble = self.address.trouble(0.2 * allowed, monotonic() - began)
            raise JobFailed(self.device, self.address.absent(trouble)) from error
        if not re.match(r"\d+\.\d+", version):
            trouble = f"something else does: it says its version is {version[:40]!r}"
            raise JobFailed(self.device, self.address.absent(trouble))
        return client
