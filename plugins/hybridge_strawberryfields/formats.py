"""The formats of Strawberry Fields: Blackbird text, and its programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybridge.plugin import Circuit, Format, ImportedCircuit
from hybridge_strawberryfields.blackbird_reader import Reader
from hybridge_strawberryfields.blackbird_writer import calls, text


class Blackbird(Format):
    """Blackbird text, or a pathlib.Path of a file of it."""

    def read(self, source: Any) -> ImportedCircuit:
        """The circuit of the text; its free parameters {x} are the circuit's."""
        return Reader(self.name, source).read()

    def write(self, circuit: Circuit, numbers: np.ndarray) -> str:
        """The text."""
        return text(calls(self.name, circuit, numbers))
