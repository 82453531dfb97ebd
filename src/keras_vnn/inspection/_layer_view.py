"""`Network` and `LayerView`: a recorded network, opened at the units of one layer; every method starts there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from keras_vnn.inspection._forward_pass import ForwardPass, forward_pass
from keras_vnn.inspection._record import Floats, OutputWeights, Record, from_layer, output_weights
from keras_vnn.inspection._segment import Segment
from keras_vnn.inspection._spread import Spread
from keras_vnn.models import ModelView

__all__ = ["Block", "LayerView", "Network"]

# Some cells, some nodes by position in their layer, and ``(nodes, outputs, cells)`` contributions to the outputs.
Block: TypeAlias = tuple[slice, NDArray[np.intp], Floats]


@dataclass(frozen=True, eq=False)
class Network:
    """A network, and what is found out of it once for all layers and cells.

    Attributes
    ----------
    model_view
        The model.
    means
        By number of the layer, ``(units,)`` mean activity of each unit over all cells that are asked about.
    batch_size
        Rows in one call of the network.
    """

    model_view: ModelView
    means: Mapping[int, Floats]
    batch_size: int

    @cached_property
    def weights(self) -> OutputWeights:
        """From features to scores."""
        return output_weights(self.model_view)

    @cached_property
    def forward(self) -> ForwardPass:
        """What it computes."""
        return forward_pass(self.model_view)

    @cached_property
    def _spreads(self) -> dict[int, Spread]:
        return {}

    def spread(self, number: int) -> Spread:
        """Return what follows changes of the nodes of a layer."""
        if number not in self._spreads:
            self._spreads[number] = Spread(self.model_view, self.forward, number)
        return self._spreads[number]


@dataclass(frozen=True, eq=False)
class LayerView:
    """A recorded network, opened at the units of one layer.

    Attributes
    ----------
    network
        The network.
    done
        What it did on the cells.
    number
        The layer; 0 is the genes.
    """

    network: Network
    done: Record
    number: int

    @property
    def means(self) -> Floats:
        """``(units,)`` mean activity of each unit of the layer, over all cells that are asked about."""
        return self.network.means[self.number]

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """``(nodes,)`` first unit of each node of the layer."""
        units = self.network.model_view.architecture.layers[self.number].units
        return np.asarray(np.cumsum(units) - units, np.intp)

    @property
    def kernel(self) -> Floats:
        """``(features, outputs)`` from features to scores."""
        return self.network.weights.kernel

    @cached_property
    def rest(self) -> tuple[Segment, list[Floats]]:
        """The segment from the units of the layer to the features, and its inputs."""
        return from_layer(self.network.model_view, self.done, self.number)

    @cached_property
    def cost(self) -> int:
        """Numbers that one row needs on its way through the rest of the network."""
        seen = self.network.model_view
        later = range(self.number + 1, len(seen.architecture.layers))
        connections = sum(int(seen.sparse_layer(number).connections.count) for number in later)
        return connections + sum(int(values.shape[1]) for values in self.rest[1])

    def batches(self, numbers_per_cell: int, budget: int) -> list[slice]:
        """Return the cells in slices whose arrays stay within a budget of numbers, at least one cell each."""
        cells = len(self.done.features)
        step = max(1, min(cells, budget // max(1, numbers_per_cell)))
        return [slice(start, min(start + step, cells)) for start in range(0, cells, step)]
