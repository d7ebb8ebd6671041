"""A SamplerV2 that reads counts: ideal, and its 20,000 shots take no Python of theirs, as Qiskit's do."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from qiskit.primitives import BaseSamplerV2, PrimitiveJob, PrimitiveResult, SamplerPubResult
from qiskit.primitives.containers import BitArray, DataBin
from qiskit.primitives.containers.sampler_pub import SamplerPub, SamplerPubLike
from qiskit_aer import AerSimulator


class QuickSampler(BaseSamplerV2):
    """One Aer job; the shots of a row come in the order of a generator of this seed."""

    def __init__(self, seed: int):
        self.seed = seed

    def run(self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None) -> PrimitiveJob:
        job = PrimitiveJob(self._run, [SamplerPub.coerce(pub, shots) for pub in pubs])
        job._submit()
        return job

    def _run(self, pubs: list[SamplerPub]) -> PrimitiveResult:
        bound = [np.ravel(pub.parameter_values.bind_all(pub.circuit)).tolist() for pub in pubs]
        (shots,) = {pub.shots for pub in pubs}
        simulator = AerSimulator(method="statevector", max_parallel_threads=1)
        circuits = [circuit for own in bound for circuit in own]
        results = simulator.run(circuits, shots=shots, seed_simulator=self.seed).result().results
        rng, rows, read = np.random.default_rng(self.seed), iter(results), []
        for pub, own in zip(pubs, bound, strict=True):
            bits = np.stack([_shuffled(next(rows).data.counts, pub, rng) for _ in own])
            (register,) = pub.circuit.cregs
            array = BitArray(bits.reshape(*pub.shape, *bits.shape[1:]), register.size)
            read.append(SamplerPubResult(DataBin(**{register.name: array}, shape=pub.shape)))
        return PrimitiveResult(read)


def _shuffled(counts: dict[str, int], pub: SamplerPub, rng: np.random.Generator) -> np.ndarray:
    """(shots, bytes), the last byte having the first bits."""
    size = (pub.circuit.num_clbits + 7) // 8
    words = np.array([list(int(word, 16).to_bytes(size, "big")) for word in counts], dtype=np.uint8)
    return rng.permutation(np.repeat(words, list(counts.values()), axis=0))
