"""Counts as the user gets them: a plain dict from outcomes to how often each came."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

_PIECE = 10  # bits made text at a time
_FEW = 64  # outcomes, up to which Python's own formatting is sooner done


def of_values(found: np.ndarray, every: Sequence[float] = ()) -> dict[float, int]:
    """Of an observable: values and times (2, M), NaN for what is left out; `every` outcome is listed."""
    there = ~np.isnan(found[0])
    values, times = _summed(*(found if there.all() else found[:, there]))
    return {**dict.fromkeys(every, 0), **dict(zip(values.tolist(), times.tolist(), strict=True))}


def of_bits(
    found: np.ndarray, width: int, every: bool = False, selected: Sequence[int] = ()
) -> dict[str, int]:
    """Of wires: numbers of so many bits and times (2, M); with bits before them, where these are selected."""
    if selected:
        place = int("".join(map(str, selected)), 2)
        found = found[:, found[0] >> width == place] - [[place << width], [0]]
    numbers, times = _summed(*found)
    counted = dict.fromkeys(bit_strings(np.arange(2**width), width), 0) if every else {}
    counted.update(zip(bit_strings(numbers, width), times.tolist(), strict=True))
    return counted


def of_photons(found: np.ndarray) -> dict[str, int]:
    """Of modes: photon numbers (S, k), parted by commas as they may have several digits."""
    rows, times = np.unique(found, axis=0, return_counts=True)
    return {",".join(map(str, row)): t for row, t in zip(rows.tolist(), times.tolist(), strict=True)}


def _summed(outcomes: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The outcomes that came, ascending, each once."""
    came = times > 0
    outcomes, times = outcomes[came], times[came].astype(int)
    if len(outcomes) > 1 and not (outcomes[1:] > outcomes[:-1]).all():
        outcomes, which = np.unique(outcomes, return_inverse=True)
        times = np.bincount(which, times).astype(int)
    return outcomes, times


@lru_cache
def _pieces(width: int) -> np.ndarray:
    return np.array([format(i, f"0{width}b") for i in range(2**width)], f"S{width}")


def bit_strings(numbers: np.ndarray, width: int) -> list[str]:
    """Each number's bits, most significant first."""
    if len(numbers) < _FEW or numbers.dtype == object:
        return [format(i, f"0{width}b") for i in numbers.tolist()]
    # one text of all of them, a space after each: 4x faster than formatting
    ends = range(width, 0, -_PIECE)
    starts = [max(end - _PIECE, 0) for end in ends]
    fields = [(str(a), f"S{b - a}", a) for a, b in zip(starts, ends, strict=True)]
    names, formats, offsets = zip(*fields, ("", "S1", width), strict=True)
    lines = np.empty(
        len(numbers),
        {"names": [*names[:-1], "end"], "formats": formats, "offsets": offsets, "itemsize": width + 1},
    )
    for a, b in zip(starts, ends, strict=True):
        lines[str(a)] = _pieces(b - a)[numbers >> (width - b) & ((1 << (b - a)) - 1)]
    lines["end"] = b" "
    return str(lines.view(np.uint8).data, "ascii").split()
