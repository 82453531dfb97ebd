"""An architecture read backwards: from the nodes at its end, by the nodes before them, to the genes.

In: an `Architecture`. Out: the latent values it asks for, and the layers that lead from them to the genes.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import VNNWarning, sample
from keras_vnn.layers import Connections, SelectUnits, SparselyConnected
from keras_vnn.models._axes import Axis
from keras_vnn.models._builder import name_of
from keras_vnn.models._roles import LayerRole

__all__ = ["Decoder", "latent_axis"]


def latent_axis(arch: Architecture) -> Axis:
    """Return what the latent values are, run by run.

    They are the units of the nodes that feed no other node, and the dense units, layer by layer.
    """
    axis = Axis()
    for number, layer in enumerate(arch.layers[1:], start=1):
        sinks = arch.sink_nodes(number)
        if sinks.any():
            axis += Axis.of("nodes" if sinks.all() else "sinks", number)
        if layer.dense_units:
            axis += Axis.of("dense", number, layer.dense_units)
    return axis


class Decoder:
    """Makes the layers of the decoder of one autoencoder.

    Each node reads the nodes it feeds in the architecture, whatever their layer; each gene the nodes that read it and
    all dense units. All of it is linear, with a bias for each unit.

    Parameters
    ----------
    arch
        The architecture.
    latent
        Symbolic latent values, as `latent_axis` lists them.
    how
        Further arguments of every `SparselyConnected`: initializer, constraint, regularizer, kernel.
    initial_scale
        Factor of the initial weights.
    output_dtype
        Precision of the genes.

    Attributes
    ----------
    roles
        Of its layers.
    """

    def __init__(
        self, arch: Architecture, latent: Any, how: dict[str, Any], *, initial_scale: float, output_dtype: str
    ) -> None:
        self.arch = arch
        self.how = how
        self.roles: list[LayerRole] = []
        self._initial_scale = initial_scale
        self._output_dtype = output_dtype
        self._latents: dict[int, Any] = {}
        self._dense: dict[int, Any] = {}
        self._states: dict[int, Any] = {}
        self._share_out(latent)

    def reconstruction(self) -> Any:
        """Return symbolic ``(cells, gene units)``."""
        for number in range(len(self.arch.layers) - 1, 0, -1):
            self._states[number] = self._nodes(number)
            self.roles.append(LayerRole(name_of(self._states[number]), "nodes", number, "state"))
        return self._genes()

    def _share_out(self, latent: Any) -> None:
        """Give the nodes of each layer, and the dense units of each, their latent values."""
        axis = latent_axis(self.arch)
        for run, place in axis.places(self.arch):
            kept, name = (self._dense, "dense") if run.kind == "dense" else (self._latents, "latent")
            units = latent
            if len(axis.runs) > 1:
                units = SelectUnits(range(place.start, place.stop), name=f"layer_{run.of}_{name}")(latent)
            kept[run.of] = units
            if run.kind == "dense":
                self.roles.append(LayerRole(name_of(units), "dense", run.of))

    def _nodes(self, number: int) -> Any:
        """Return the units of the nodes of a layer: latent values, and what others make of later layers."""
        layer, sinks = self.arch.layers[number], self.arch.sink_nodes(number)
        if sinks.all():
            return self._latents[number]
        inner = np.flatnonzero(~sinks)
        sources = [target for source, target in self.arch.connections if source == number]
        blocks = [self.arch.connections[number, target][inner].T for target in sources]
        axis = sum((Axis.of("nodes", target) for target in sources), Axis())
        decoded = self._sparsely(
            number,
            f"layer_{number}",
            sparse.vstack(blocks),
            layer.units[inner],
            np.concatenate([self.arch.layers[target].units for target in sources]),
            [self._states[target] for target in sources],
            axis,
            Axis.of("inner" if sinks.any() else "nodes", number),
        )
        if not sinks.any():
            return decoded
        both = keras.layers.Concatenate(name=f"layer_{number}_parts")([self._latents[number], decoded])
        of_sinks = np.repeat(sinks, layer.units)
        places = np.empty(len(of_sinks), np.int64)
        places[of_sinks] = np.arange(of_sinks.sum())
        places[~of_sinks] = of_sinks.sum() + np.arange((~of_sinks).sum())
        return SelectUnits(places.tolist(), name=f"layer_{number}_units")(both)

    def _genes(self) -> Any:
        genes = self.arch.layers[0]
        sources = [target for source, target in self.arch.connections if source == 0]
        blocks = [self.arch.connections[0, target].T for target in sources]
        units = [self.arch.layers[target].units for target in sources]
        axis = sum((Axis.of("nodes", target) for target in sources), Axis())
        for number in self._dense:
            size = self.arch.layers[number].dense_units
            blocks.append(sparse.csr_array(np.ones((size, len(genes)), bool)))
            units.append(np.ones(size, np.int64))
            axis += Axis.of("dense", number, size)
        inputs = [*(self._states[target] for target in sources), *self._dense.values()]
        adjacency = sparse.csc_array(sparse.vstack(blocks))
        _warn_of_unread(genes.ids, np.diff(adjacency.indptr) == 0)
        return self._sparsely(
            0,
            "reconstruction",
            adjacency,
            genes.units,
            np.concatenate(units),
            inputs,
            axis,
            Axis.of("nodes", 0),
            dtype=self._output_dtype,
        )

    def _sparsely(
        self,
        number: int,
        name: str,
        adjacency: Any,
        units: NDArray[np.int64],
        inputs_per_node: NDArray[np.int64],
        inputs: Sequence[Any],
        read: Axis,
        made: Axis,
        **kwargs: Any,
    ) -> Any:
        widths = inputs_per_node.tolist(), units.tolist()
        connections = Connections.from_adjacency(adjacency, input_units=widths[0], output_units=widths[1])
        # From what is encoded, a layer does not warn of genes without input by number; they were named above.
        layer = SparselyConnected(
            connections.encode(), widths[1], inputs_per_node=widths[0], name=name, **self.how, **kwargs
        )
        outputs = layer(inputs[0] if len(inputs) == 1 else list(inputs))
        weights = self._initial_scale * keras.ops.convert_to_tensor(layer.kernel)
        layer.kernel.assign(weights if layer.kernel_constraint is None else keras.ops.abs(weights))
        self.roles.append(LayerRole(name, "nodes", number, inputs=read, outputs=made))
        return outputs


def _warn_of_unread(genes: Sequence[str], unread: NDArray[np.bool_]) -> None:
    names = [gene for gene, is_unread in zip(genes, unread, strict=True) if is_unread]
    if names:
        warnings.warn(
            f"{len(names):,} of {len(genes):,} genes are read by no node, so the autoencoder cannot restore them and "
            f"gives 0: {sample(names)}.\n"
            "Build the architecture with dense_units=1, units that all genes share, or from fewer genes.",
            VNNWarning,
            stacklevel=5,
        )
