"""Readouts of CV devices: what they claim natively, the rest from Gaussian moments, kets or densities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np

from hybridge.circuit import Circuit, Measurement
from hybridge.device import Device
from hybridge.errors import CircuitError, UnsupportedCircuit
from hybridge.phasespace.counted import Clicks
from hybridge.phasespace.fock import FockModes, warn_of_leak
from hybridge.phasespace.gaussian import GaussianModes
from hybridge.phasespace.mixture import MixtureModes
from hybridge.phasespace.polynomial import Polynomial
from hybridge.readout import tally
from hybridge.readout.counting import counts_photons, number_variance, photon_gap, photon_value
from hybridge.readout.homodyne import homodyne_parts, vacuum_variance
from hybridge.readout.noise import Noise, Share, difference_noise, spread_noise
from hybridge.readout.purity import stays_pure
from hybridge.readout.reader import Answers, Reader, Readout, Setting, scalar

PHOTONS = -1  # the setting of photon numbers, which comes last
DRAWN = {"sample": "sample", "counts": "counts", "heterodyne": "sample_heterodyne"}  # what users call them
NO_PROBS = "probs of a CV device are of photon numbers, or of hb.Click: give wires, not another observable"


class Part(NamedTuple):
    """coefficient * powers of homodyne outcomes of these modes in one setting; no modes: a constant."""

    coefficient: float
    setting: int
    modes: list[int]
    powers: np.ndarray


class ModeReadout:
    """Collects, for one circuit on one CV device, what to ask and how to read it."""

    def __init__(self, circuit: Circuit, device: Device, sampled: bool):
        self.circuit, self.device, self.sampled = circuit, device, sampled
        self.n = len(circuit.wires)
        self.kinds = device.capabilities.measurements
        self.request = Measurement(self._source())
        self.asked: list[Measurement] = []  # of the device
        # the angle of homodyne detection per mode, None for heterodyne; each setting takes shots of its own
        self.settings: list[dict[int, float | None]] = []
        self.variances: list[float] = []  # expected of one shot in each
        self.photons = 0.0  # expected of one shot of photon numbers, which are a setting after those
        self.handed: set[int] = set()  # settings whose shots are handed out

    def _source(self) -> str:
        for kind in ("gaussian", "mixture"):
            if kind in self.kinds:
                return kind
        wanted = "state" if stays_pure(self.circuit) else "density_matrix"
        if wanted not in self.kinds:
            raise UnsupportedCircuit(self.device.name, "a mixed state: it returns kets only")
        return wanted

    def build(self) -> Readout:
        """The readout of the measurements; CircuitError or UnsupportedCircuit where there is none."""
        readers = tuple(self._reader(m) for m in self.circuit.measurements)
        weights = [None if i in self.handed else v**0.5 for i, v in enumerate(self.variances)]
        if self.photons:
            weights.append(None if PHOTONS in self.handed else self.photons**0.5)
        settings = tuple(Setting(0, weight) for weight in weights)
        return Readout((self.circuit._replace(measurements=tuple(self.asked)),), readers, settings)

    def _reader(self, m: Measurement) -> Reader:
        reader = self._sampled(m) if self.sampled else self._exact(m)
        if not self.sampled and self._native(m):
            self.asked.append(m)  # as often as the user asks
            shape = reader.shape
            return Reader(shape, lambda answers: answers.get(0, m).reshape(answers.batch, *shape(None)))
        if self.request not in self.asked:
            self.asked.append(self.request)
        return reader

    def _native(self, m: Measurement) -> bool:
        """Whether the device returns this measurement itself."""
        if m.kind not in self.kinds or m.kind not in ("expval", "var", "probs"):
            return False
        return m.observable is None or m.observable.form in self.device.capabilities.observables

    def _wires(self, m: Measurement) -> tuple[Any, ...]:
        return m.wires if m.wires is not None else tuple(range(self.n))

    def _modes(self, answers: Answers) -> Any:
        """The states of this run as GaussianModes or FockModes, their leak checked."""

        def make() -> Any:
            found, cutoff, n = answers.get(0, self.request), self.device.cutoff_dim, self.n
            if self.request.kind == "gaussian":
                return GaussianModes(found[:, : 2 * n], found[:, 2 * n :].reshape(-1, 2 * n, 2 * n), cutoff)
            if self.request.kind == "mixture":
                gaussians = found[:, 4 * n * n :].reshape(len(found), -1, 1 + 2 * n)
                cov = found[:, : 4 * n * n].reshape(-1, 2 * n, 2 * n).real
                return MixtureModes(gaussians[:, :, 0], gaussians[:, :, 1:], cov, cutoff)
            assert cutoff is not None  # required of every Fock device
            if self.request.kind == "state":
                modes = FockModes(kets=found.reshape(-1, *(cutoff,) * n))
            else:
                modes = FockModes(density=found.reshape(-1, *(cutoff,) * (2 * n)))
            warn_of_leak(modes, self.device.name)
            return modes

        return answers.once("modes", make)

    # ---- exact --------------------------------------------------------------------------------------------

    def _exact(self, m: Measurement) -> Reader:
        if m.kind in DRAWN:
            raise CircuitError(
                f"{DRAWN[m.kind]} needs shots: hb.device(name, shots=1000), or circuit.on(device, shots=1000)"
            )
        if m.kind in ("expval", "var"):
            return Reader(scalar, self._moment(m))
        if m.observable is not None:
            clicking = self._clicking(m)
            return Reader(self._patterns(m), lambda answers: self._modes(answers).click_probs(clicking))
        if m.kind == "state":
            if self.request.kind != "state":
                why, remedy = "this circuit leaves a mixed state", "ask for density_matrix(wires)"
                if stays_pure(self.circuit):
                    why, remedy = "it keeps no ket", f"{remedy}, or use default.fock"
                raise UnsupportedCircuit(self.device.name, f"state(): {why}", remedy)
            return Reader(lambda _s: (self._d(self.n),), self._ket)
        wires = self._wires(m)
        d = self._d(len(wires))
        if m.kind == "probs":
            return Reader(lambda _s: (d,), lambda answers: self._modes(answers).probs(wires))
        return Reader(lambda _s: (d, d), lambda answers: self._modes(answers).density_matrix(wires))

    def _clicking(self, m: Measurement) -> tuple[int, ...]:
        """The modes of probs of a Click; CircuitError for those of another observable."""
        if not isinstance(m.observable, Clicks):
            raise CircuitError(NO_PROBS)
        return cast(tuple[int, ...], m.observable.wires)

    def _patterns(self, m: Measurement) -> Callable[[int | None], tuple[int, ...]]:
        return lambda _s: (2 ** len(m.observable.wires),)

    def _ket(self, answers: Answers) -> np.ndarray:
        self._modes(answers)  # for the check of their leak
        return answers.get(0, self.request)

    def _d(self, modes: int) -> int:
        if self.device.cutoff_dim is None:
            raise UnsupportedCircuit(self.device.name, "photon-number probabilities: it has no cutoff_dim")
        return self.device.cutoff_dim**modes

    def _moment(self, m: Measurement) -> Callable[[Answers], np.ndarray]:
        observable = m.observable
        if isinstance(observable, Polynomial):
            if m.kind == "expval":
                return lambda answers: self._modes(answers).expval(observable)
            return lambda answers: self._modes(answers).var(observable)
        if isinstance(observable, Clicks):
            clicking = cast(tuple[int, ...], observable.wires)
            clicks = lambda answers: self._modes(answers).click_probs(clicking)[:, -1]
            if m.kind == "expval":
                return clicks
            return lambda answers: clicks(answers) * (1 - clicks(answers))
        cutoff = self._d(1)
        if max(observable.photons) >= cutoff:
            raise UnsupportedCircuit(
                self.device.name, f"{observable!r} with cutoff_dim={cutoff}", "raise cutoff_dim"
            )
        at = int(np.ravel_multi_index(observable.photons, (cutoff,) * len(observable.photons)))

        def probability(answers: Answers) -> np.ndarray:
            return self._modes(answers).probs(tuple(observable.wires))[:, at]

        if m.kind == "expval":
            return probability
        return lambda answers: probability(answers) * (1 - probability(answers))

    # ---- sampled ------------------------------------------------------------------------------------------

    def _sampled(self, m: Measurement) -> Reader:
        if m.kind in ("state", "density_matrix"):
            raise CircuitError(f"{m.kind} is exact and takes no shots; use shots=None")
        if m.kind == "heterodyne":
            return self._heterodyne(m)
        if m.observable is None:
            return self._photons(m)
        if m.kind == "expval":
            return self._mean(m.observable)
        if m.kind == "var":
            return self._variance(m.observable)
        if m.kind == "probs":
            return self._frequencies_of_clicks(m)
        share = self._share(m.observable)
        if share is None:
            raise CircuitError(
                f"{m.kind} of {m.observable!r}: it is no function of photon numbers nor of one quadrature "
                "per mode; ask for its expval or var"
            )
        photons = counts_photons(m.observable)
        self.handed.add(PHOTONS if photons else self._setting(dict(m.observable.settings)))
        if m.kind == "sample":
            return Reader(lambda shots: (int(shots or 0),), lambda answers: share(answers).values)
        if m.detail and isinstance(m.observable, Polynomial):
            raise CircuitError(f"all_outcomes of {m.observable!r}: its outcomes are not a finite set")

        def once_each(answers: Answers) -> np.ndarray:
            found = share(answers).values
            return np.stack((found, np.ones_like(found)), axis=1)

        tallied = partial(tally.of_values, every=(0.0, 1.0) if m.detail else ())
        return Reader(lambda shots: (2, int(shots or 0)), once_each, tallied)

    def _photons(self, m: Measurement) -> Reader:
        wires = self._wires(m)
        self.photons += 1
        if m.kind != "probs":
            if m.detail:
                raise CircuitError("all_outcomes of photon numbers: they are not a finite set")
            self.handed.add(PHOTONS)
            return Reader(
                lambda shots: (int(shots or 0), len(wires)),
                lambda answers: self._photon_shots(answers, wires),
                tally.of_photons,
            )
        d, cutoff = self._d(len(wires)), self._d(1)

        def share(answers: Answers) -> Share:
            photons = self._photon_shots(answers, wires)
            index = np.ravel_multi_index(
                np.minimum(photons, cutoff - 1).transpose(2, 0, 1), (cutoff,) * len(wires)
            )
            index[~np.all(photons < cutoff, axis=-1)] = d  # beyond the last
            return Share("photons", photons.shape[1], index, None, 1.0, d)

        return _of_frequencies(share, d)

    def _frequencies_of_clicks(self, m: Measurement) -> Reader:
        wires = self._clicking(m)
        self.photons += 1
        d, most_significant_first = 2 ** len(wires), 1 << np.arange(len(wires))[::-1]

        def share(answers: Answers) -> Share:
            patterns = (self._photon_shots(answers, wires) > 0) @ most_significant_first
            return Share("photons", patterns.shape[1], patterns, None, 1.0, d)

        return _of_frequencies(share, d)

    def _heterodyne(self, m: Measurement) -> Reader:
        wires = self._wires(m)
        i = self._setting(dict.fromkeys(wires), 1.0)
        self.handed.add(i)
        return Reader(
            lambda shots: (int(shots or 0), len(wires)),
            lambda answers: self._outcomes(answers, i, wires),
        )

    def _photon_shots(self, answers: Answers, wires: Sequence[int]) -> np.ndarray:
        """(B, S, k) photon numbers; every question about them in a run is answered by the same shots."""
        every = sorted({w for m in self.circuit.measurements for w in self._number_wires(m)})

        def draw() -> np.ndarray:
            shots = answers.shots_in(len(self.settings))
            return self._modes(answers).sample_photons(every, shots, answers.rng(0))

        return answers.once("photons", draw)[..., [every.index(w) for w in wires]]

    def _number_wires(self, m: Measurement) -> Sequence[Any]:
        if m.observable is None:
            return self._wires(m)
        return m.observable.wires if counts_photons(m.observable) else ()

    def _setting(self, wanted: Mapping[int, float | None], variance: float = 0.0) -> int:
        """The index of the setting in which these angles are read: the first they fit in."""
        fits = lambda setting: all(setting.get(mode, angle) == angle for mode, angle in wanted.items())
        i = next((i for i, setting in enumerate(self.settings) if fits(setting)), len(self.settings))
        if i == len(self.settings):
            self.settings.append({})
            self.variances.append(0.0)
        self.settings[i].update(wanted)
        self.variances[i] += variance
        return i

    def _outcomes(self, answers: Answers, i: int, modes: Sequence[int]) -> np.ndarray:
        """(B, S, k) outcomes of these modes in setting i, drawn once per run, jointly."""
        setting = self.settings[i]

        def draw() -> np.ndarray:
            return self._modes(answers).sample_quadratures(setting, answers.shots_in(i), answers.rng(1 + i))

        every = list(setting)
        return answers.once(("quadratures", i), draw)[..., [every.index(m) for m in modes]]

    def _quadrature_shots(self, answers: Answers, i: int, modes: Sequence[int]) -> np.ndarray:
        """(B, S, k): of modes that homodyne detectors read."""
        return self._outcomes(answers, i, modes).real  # complex where others are read by heterodyne

    def _share(self, observable: Any) -> Callable[[Answers], Share] | None:
        """The observable's value in each shot of one setting; None where no single setting gives it."""
        if counts_photons(observable):
            wires = tuple(observable.wires)
            self.photons += number_variance(observable)

            def counted(answers: Answers) -> Share:
                photons = self._photon_shots(answers, wires)
                values, unit = photon_value(observable, photons), photon_gap(observable, photons[:, 0])
                return Share("photons", photons.shape[1], values, unit=unit)

            return counted
        if observable.settings is None:
            return None
        angles = dict(observable.settings)
        variance = sum(vacuum_variance(c, powers) for c, _, powers in homodyne_parts(observable))
        i = self._setting(angles, variance)

        def compute(answers: Answers) -> Share:
            q = self._quadrature_shots(answers, i, list(angles))
            points = {
                mode: (q[..., k] * np.cos(a), q[..., k] * np.sin(a))
                for k, (mode, a) in enumerate(angles.items())
            }
            return Share(i, q.shape[1], observable.evaluate(points))

        return compute

    def _parts(self, observable: Polynomial) -> list[Part]:
        """A polynomial no single setting gives, as products of powers of homodyne outcomes."""
        found = homodyne_parts(observable)
        return [
            Part(c, self._setting(angles, vacuum_variance(c, powers)), list(angles), np.array(powers))
            for c, angles, powers in found
        ]

    def _shares(self, observable: Any) -> tuple[Callable[[Answers], list[Share]], float]:
        """The settings that an expectation value is a sum over, and the constant that needs none."""
        share = self._share(observable)
        if share is not None:
            return lambda answers: [share(answers)], 0.0
        parts = self._parts(observable)
        together: dict[int, list[Part]] = {}
        for p in parts:
            if p.modes:
                together.setdefault(p.setting, []).append(p)

        def compute(answers: Answers) -> list[Share]:
            return [self._summed(i, same, answers) for i, same in together.items()]

        return compute, sum(p.coefficient for p in parts if not p.modes)

    def _summed(self, setting: int, parts: Sequence[Part], answers: Answers) -> Share:
        """Parts read in one setting share its shots, so that their covariances count."""
        q = [self._quadrature_shots(answers, setting, p.modes) for p in parts]
        values = [p.coefficient * np.prod(x**p.powers, axis=-1) for p, x in zip(parts, q, strict=True)]
        return Share(setting, answers.shots_in(setting), sum(values[1:], values[0]))

    def _mean(self, observable: Any) -> Reader:
        compute, constant = self._shares(observable)
        shares = lambda answers: answers.once(("shares", id(compute)), lambda: compute(answers))
        return Reader(
            scalar,
            lambda answers: sum((s.mean for s in shares(answers)), np.full(answers.batch, constant)),
            noise=lambda answers: Noise(tuple(shares(answers))),
        )

    def _variance(self, observable: Any) -> Reader:
        share = self._share(observable)
        if share is not None:
            return Reader(
                scalar,
                lambda answers: share(answers).spread,
                noise=lambda answers: spread_noise(share(answers)),
            )
        squared, constant = self._shares(observable @ observable)
        parts, shift = self._shares(observable)
        total = lambda shares, start: sum((s.mean for s in shares), np.full(len(shares[0].values), start))

        def compute(answers: Answers) -> np.ndarray:
            return total(squared(answers), constant) - total(parts(answers), shift) ** 2

        def noise(answers: Answers) -> Noise:
            found = parts(answers)
            return difference_noise(squared(answers), found, total(found, shift))

        return Reader(scalar, compute, noise=noise)


def _of_frequencies(share: Callable[[Answers], Share], d: int) -> Reader:
    """Relative frequencies of the outcomes below d, (d,)."""

    def frequencies(answers: Answers) -> np.ndarray:
        numbers = share(answers).values
        return np.array([np.bincount(row, minlength=d + 1)[:d] for row in numbers]) / numbers.shape[1]

    return Reader(lambda _s: (d,), frequencies, noise=lambda answers: Noise((share(answers),)))
