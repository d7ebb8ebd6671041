"""The plans of a device: made from a circuit on the user's wires, and cached by its structure."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

from hybridge.circuit import Circuit, Instruction, Measurement, measured_wires
from hybridge.compilation import (
    check_channels,
    check_domain,
    check_preparations,
    circuit_wires,
    numbered,
    reaches,
)
from hybridge.deferral import deferred, measures
from hybridge.device import Device
from hybridge.errors import CircuitError, UnsupportedCircuit
from hybridge.execution import Plan
from hybridge.noise.insertion import noisy, used_wires, with_bits
from hybridge.noise.readout_errors import ReadoutError
from hybridge.postselection import selection, wanted_outcomes

MAX_PLANS = 256  # per device; a plan is small, but its program may hold a vendor's circuit


class PlanCache:
    """The plans of one device, least recently used dropped; safe under threads."""

    def __init__(self, device: Device):
        self._device = weakref.ref(device)
        self._inferred = device.wires is None
        self._plans: OrderedDict[Hashable, Plan] = OrderedDict()
        self._lock = threading.RLock()

    def get(
        self, instructions: tuple[Any, ...], measurements: tuple[Measurement, ...], sampled: bool
    ) -> Plan:
        """The plan of this structure on the user's wires; compiled the first time."""
        key: tuple[Any, ...] = (instructions, measurements, sampled)
        try:
            if self._inferred:  # equal observables may name different wires: X(1) and X(1) @ I(0)
                key = (*key, tuple(measured_wires(measurements)))
            found = self._plans.get(key)
        except TypeError as error:
            raise _unhashable(instructions) from error
        if found is not None:
            if (
                len(self._plans) > MAX_PLANS // 2
            ):  # the order of use matters only when something will be dropped
                with self._lock:
                    if key in self._plans:
                        self._plans.move_to_end(key)
            return found
        with self._lock:
            if key not in self._plans:
                device = self._device()
                assert device is not None  # whoever asks holds the device
                self._plans[key] = make_plan(instructions, measurements, device, sampled)
                if len(self._plans) > MAX_PLANS:
                    self._plans.popitem(last=False)
            return self._plans[key]

    def __len__(self) -> int:
        return len(self._plans)


def _unhashable(instructions: tuple[Any, ...]) -> CircuitError:
    for operation, wires in instructions:
        for wire in wires:
            try:
                hash(wire)
            except TypeError:
                return CircuitError(f"{operation.name}: a wire label must be hashable; got {wire!r}")
    return CircuitError("a measurement of this circuit names something that cannot be hashed")


_caches: weakref.WeakKeyDictionary[Device, PlanCache] = weakref.WeakKeyDictionary()
_making = threading.Lock()


def plans_of(device: Device) -> PlanCache:
    """The plan cache of a device."""
    with _making:
        if device not in _caches:
            _caches[device] = PlanCache(device)
        return _caches[device]


def make_plan(
    instructions: Sequence[tuple[Any, Any]],
    measurements: Sequence[Measurement],
    device: Device,
    sampled: bool,
) -> Plan:
    """Check the circuit on the user's wires, then compile it on wires 0..n-1."""
    if sampled and not device.capabilities.shots:
        raise UnsupportedCircuit(device.name, "shots: it gives exact results only", "use shots=None")
    if not sampled and not device.capabilities.exact:
        raise UnsupportedCircuit(device.name, "shots=None: it gives samples only", "use shots=1000")
    written = tuple(Instruction(*i) for i in instructions)
    check_domain(written, measurements, device)
    wires = circuit_wires(written, measurements, device)
    check_preparations(written)
    named = Circuit(written, tuple(measurements), wires)
    errors: tuple[ReadoutError, ...] = ()
    if device.noise is not None:
        errors = device.noise.readouts_on(used_wires(named))
        named = noisy(named, device.noise)
        check_channels(named, device)
    if not measures(named):
        return Plan(numbered(named, device), named, device, sampled, errors=errors)
    errors, misread = with_bits(errors, named, device.name)
    later, holders = deferred(named, misread)
    if misread:
        check_channels(later, device, "conditions on bits that its noise model misreads")
    natively = (
        sampled
        and not misread
        and all(reaches(device.capabilities, row, on) for row, on in named.instructions)
        and device.measures_inside(len(named.wires), len(later.wires))
    )
    wanted = wanted_outcomes(named)
    selected = selection(named, wanted, holders, sampled) if wanted else None
    if selected is not None:
        later = later._replace(measurements=selected.measurements)
        if natively:
            named = named._replace(measurements=selection(named, wanted, {}, sampled).measurements)
    return Plan(numbered(named if natively else later, device), later, device, sampled, selected, errors)
