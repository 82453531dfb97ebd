"""Where the inputs of a layer come from, and where the compiled loops find them.

In: connections, the tensors whose units stand side by side as the layer's inputs, and which of them are relays. Out:
index arrays. A relay is a unit that reads one other unit and hands it on, times a weight of its own, plus a bias:
what reads the relay can read that other unit instead, with the product of both weights. Knows nothing of Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from keras_vnn.layers._connections import Connections

__all__ = ["GROUP", "Arrangement", "TilePlan", "groups_of"]

# Neighbouring units that are brought into tiles together, if one of them is read.
GROUP = 16


@dataclass(frozen=True, eq=False)
class Arrangement:
    """What stands where a layer's inputs are.

    Attributes
    ----------
    sizes
        Units of each source; sources are counted side by side.
    columns
        ``(inputs,)`` the unit of the sources that each input is, or that its relay reads.
    relays
        ``(inputs,)`` number of the relay that an input is, -1 for none.
    """

    sizes: tuple[int, ...]
    columns: NDArray[np.int64]
    relays: NDArray[np.int32]

    @classmethod
    def simple(cls, inputs: int) -> Arrangement:
        """Return that of one source, read as it is."""
        return cls((inputs,), np.arange(inputs), np.full(inputs, -1, np.int32))

    @cached_property
    def has_relays(self) -> bool:
        """Whether an input is a relay."""
        return bool((self.relays >= 0).any())

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """``(sources,)`` the first unit of each source, side by side."""
        return np.cumsum((0, *self.sizes))[:-1]


class TilePlan:
    """Which units of the sources are brought into tiles, and to which row.

    Attributes
    ----------
    places
        For each source, the first row of each group of `GROUP` units, -1 for one that nothing reads.
    rows
        Rows of a tile.
    row_of_input
        ``(inputs,)`` the row of each input; of one that nothing reads, any.
    first_of_source
        Row at which each source starts, and the number of rows.
    """

    def __init__(self, connections: Connections, arrangement: Arrangement) -> None:
        is_read = np.zeros(sum(arrangement.sizes), bool)
        is_read[arrangement.columns[connections.rows]] = True
        row_of_column = np.zeros(len(is_read), np.int32)
        self.places: list[NDArray[np.int64]] = []
        self.first_of_source: list[int] = []
        self.rows = 0
        for start, size in zip(arrangement.starts, arrangement.sizes, strict=True):
            first = groups_of(size)
            lengths = np.minimum(first + GROUP, size) - first
            lengths[~np.logical_or.reduceat(is_read[start : start + size], first)] = 0
            places = self.rows + np.cumsum(lengths) - lengths
            units = np.arange(size)
            row_of_column[start : start + size] = places[units // GROUP] + units % GROUP
            self.places.append(np.where(lengths, places, -1))
            self.first_of_source.append(self.rows)
            self.rows += int(lengths.sum())
        self.first_of_source.append(self.rows)
        self.row_of_input = row_of_column[arrangement.columns]


def groups_of(units: int) -> NDArray[np.int64]:
    """Return the first unit of each group."""
    return np.arange(0, units, GROUP)
