"""`Cut`: a recorded network, opened at the units of one layer. What every importance method starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keras_vnn.errors import ModelError
from keras_vnn.inspection._readout import Readout, readout
from keras_vnn.inspection._record import (
    Floats,
    OutputWeights,
    Record,
    features_tensor,
    from_layer,
    output_weights,
)
from keras_vnn.inspection._segment import Segment
from keras_vnn.models import ModelView

__all__ = ["Block", "Cut"]

# Some cells, some nodes by position in their layer, and ``(cells, nodes, outputs)`` contributions to the scores.
Block: TypeAlias = tuple[slice, NDArray[np.intp], Floats]


@dataclass(frozen=True, eq=False)
class Cut:
    """A recorded network, opened at the units of one layer.

    Attributes
    ----------
    seen
        The model.
    done
        What it did on the cells.
    number
        The layer.
    batch_size
        Rows in one call of the network.
    means
        ``(units,)`` mean activity of each unit of the layer, over all cells that are asked about.
    """

    seen: ModelView
    done: Record
    number: int
    batch_size: int
    means: Floats

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """``(nodes,)`` first unit of each node of the layer."""
        units = self.seen.architecture.layers[self.number].units
        return np.asarray(np.cumsum(units) - units, np.intp)

    @cached_property
    def weights(self) -> OutputWeights:
        """From features to scores."""
        return output_weights(self.seen)

    @cached_property
    def readout(self) -> Readout:
        """The first dense layer behind the named nodes."""
        found = readout(self.seen)
        if found is None:
            raise ModelError("The model is an embedding without a head: its nodes cannot be ranked.")
        return found

    @property
    def features(self) -> Any:
        """The symbolic tensor of the features."""
        return features_tensor(self.seen)

    @cached_property
    def rest(self) -> tuple[Segment, list[Floats]]:
        """The segment from the units of the layer to the features, and its inputs."""
        return from_layer(self.seen, self.done, self.number)

    @cached_property
    def cost(self) -> int:
        """Numbers that one row needs on its way through the rest of the network."""
        arch = self.seen.architecture
        later = range(self.number + 1, len(arch.layers))
        connections = sum(int(self.seen.sparse_layer(number).connections.count) for number in later)
        return connections + sum(int(values.shape[1]) for values in self.rest[1])

    def scores(self, cells: slice) -> Floats:
        """Return the ``(cells, outputs)`` scores as they are."""
        return self.weights.scores(self.done.features[cells])
