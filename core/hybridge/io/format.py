"""What a format is: a class with two verbs, `read` and `write`."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybridge.circuit import Circuit
from hybridge.errors import FormatError
from hybridge.noise.model import NoiseModel


class Format:
    """Circuits, or noise models, from and to one kind of text or object.

    A format that has one direction only writes one verb.

    `name` is set where it is made: the format's, as in hb.from_<name> and hb.to_<name>.
    """

    name: str = ""

    def read(self, source: Any) -> Any:
        """What `source` describes: an ImportedCircuit, or a noise model or an observable.

        Raises FormatError, with line and column for a text.
        """
        raise FormatError(self.name, "it cannot be read; only written")

    def write_noise(self, model: NoiseModel) -> Any:
        """A noise model in this format. Raises FormatError for what it lacks."""
        raise FormatError(self.name, "it has circuits; no noise models")

    def write_observable(self, observable: Any) -> Any:
        """A qubit observable in this format. Raises FormatError for what it lacks."""
        raise FormatError(self.name, "observables cannot be written")

    def write(self, circuit: Circuit, numbers: np.ndarray) -> Any:
        """The circuit, with numbers (P,) in its slots, in this format. Raises FormatError for what it lacks.

        `circuit` is on the user's wires: their places in `circuit.wires` number them.
        """
        raise FormatError(self.name, "it cannot be written; only read")
