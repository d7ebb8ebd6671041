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
from hybridge_forest.servers import PROBE_SECONDS, QVM, Address, address, proxy_in_the_way, without_password

Noise = tuple[float, float, float]  # probabilities of X, Y and Z
MAX_SECONDS = 10**6  # eleven days; the SDK does not survive much more
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
        if type(timeout) not in (int, float) or not 0 < timeout <= MAX_SECONDS:
            raise DeviceError(f"timeout is a number of seconds > 0, at most {MAX_SECONDS}; got {timeout!r}")
        self.device, self.timeout = device, float(timeout)
        self._url = url
        self._client: QVMClient | None = None  # of a QVM that has answered; making one takes milliseconds
        if url is not None:
            address(QVM, url)  # a mistyped url is told at once

    @cached_property
    def address(self) -> Address:
        return address(QVM, self._url)

    def wavefunction(self, quil: str, num_wires: int) -> np.ndarray:
        """The amplitudes (2^n,) of a program that names all of n qubits, the least significant first."""
        request = api.WavefunctionRequest(quil)
        # the SDK returns a list with an int for each byte
        octets = bytes(self._asked(lambda client, options: api.get_wavefunction(request, client, options)))
        if len(octets) != 16 * 2**num_wires:
            raise self._unlike(f"{len(octets)} octets where {num_wires} qubits are {16 * 2**num_wires}")
        amplitudes = np.frombuffer(octets, ">c16").astype(complex)
        norm = np.vdot(amplitudes, amplitudes).real
        if not abs(norm - 1) < 1e-6:
            raise self._unlike(f"a state of norm {norm:.6g}")
        return amplitudes

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
        registers = self._asked(lambda client, options: api.run(request, client, options)).registers
        if "ro" not in registers:
            raise self._unlike("no bits")
        found = registers["ro"].as_ndarray()
        wanted = (asked.trials, len(asked.bits))
        if found.shape != wanted or not np.isin(found, (0, 1)).all():
            raise self._unlike(f"an array {found.shape} of {found.dtype} where {wanted} bits are wanted")
        return found

    def _unlike(self, what: str) -> JobFailed:
        at = without_password(self.address.url)
        return JobFailed(self.device, f"the QVM at {at} answered with {what}; is it a QVM?")

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
        trouble = self.address.trouble(min(self.timeout, PROBE_SECONDS) / 4, waited, self.timeout)
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
            trouble = self.address.trouble(0.2 * allowed, monotonic() - began, 0.7 * allowed)
            raise JobFailed(self.device, self.address.absent(trouble)) from error
        if not re.match(r"\d+\.\d+", version):
            trouble = f"something else does: it says its version is {version[:40]!r}"
            proxy = proxy_in_the_way(self.address.parts)
            trouble = f"{trouble}; {proxy}" if proxy else trouble
            raise JobFailed(self.device, self.address.absent(trouble))
        return client
