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
from keras_vnn.basics.errors import VNNWarning, counted, sample
from keras_vnn.basics.remedies import by_place
from keras_vnn.layers import Connections, SelectUnits, SparselyConnected
from keras_vnn.models._axes import Axis
from keras_vnn.models._builder import head_dtype, name_of
from keras_vnn.models._initial import initializer_named
from keras_vnn.models._roles import LayerRole
from keras_vnn.options import AutoencoderOptions


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
    options
        How its layers start and what holds them.

    Attributes
    ----------
    roles
        Of its layers.
    """

    def __init__(self, arch: Architecture, latent: Any, options: AutoencoderOptions) -> None:
        self.arch = arch
        self.roles: list[LayerRole] = []
        self._initial_scale = options.initial_scale
        self._of_counts = options.restores_counts
        # One initializer for all: by its seed it depends on no other layer.
        self._how = {
            "kernel_initializer": initializer_named(options.kernel_initializer),
            "kernel_constraint": keras.constraints.NonNeg() if options.non_negative else None,
            "kernel_regularizer": keras.regularizers.L1(options.l1) if options.l1 else None,
            "kernel": options.kernel,
        }
        self._latents: dict[int, Any] = {}
        self._dense: dict[int, Any] = {}
        self._states: dict[int, Any] = {}
        self._share_out(latent)

    def reconstruction(self) -> Any:
        """Return symbolic ``(cells, gene units)``."""
        for number in range(len(self.arch.layers) - 1, 0, -1):
            self._states[number] = self._nodes(number)
            self.roles.append(LayerRole(name_of(self._states[number]), "nodes", number, "state"))
        genes = np.ones(len(self.arch.genes), bool)
        # Counts have levels of their own, see `CountLikelihood`.
        return self._decoded(0, "reconstruction", genes, use_bias=not self._of_counts, dtype=head_dtype())

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
        units, sinks = self.arch.layers[number].units, self.arch.sink_nodes(number)
        if sinks.all():
            return self._latents[number]
        decoded = self._decoded(number, f"layer_{number}", ~sinks)
        if not sinks.any():
            return decoded
        both = keras.layers.Concatenate(name=f"layer_{number}_parts")([self._latents[number], decoded])
        # Where each unit stands among those of the sinks, which come first, and the others.
        places = np.argsort(np.argsort(np.repeat(~sinks, units), kind="stable"))
        return SelectUnits(places.tolist(), name=f"layer_{number}_units")(both)

    def _decoded(self, number: int, name: str, chosen: NDArray[np.bool_], **kwargs: Any) -> Any:
        """Return the units of some nodes of a layer, made of the nodes they feed, and genes of all dense units too."""
        nodes, dense = self.arch.layers[number], self._dense if number == 0 else {}
        targets = [target for source, target in self.arch.connections if source == number]
        blocks = [self.arch.connections[number, target][np.flatnonzero(chosen)].T for target in targets]
        read_units = [self.arch.layers[target].units for target in targets]
        inputs = [self._states[target] for target in targets]
        read = sum((Axis.of("nodes", target) for target in targets), Axis())
        for of, units in dense.items():
            size = self.arch.layers[of].dense_units
            blocks.append(sparse.csr_array(np.ones((size, len(nodes)), bool)))
            read_units.append(np.ones(size, np.int64))
            inputs.append(units)
            read += Axis.of("dense", of, size)
        widths = np.concatenate(read_units).tolist(), nodes.units[chosen].tolist()
        connections = Connections.from_adjacency(sparse.vstack(blocks), input_units=widths[0], output_units=widths[1])
        if number == 0:
            _warn_of_unread(nodes.ids, np.diff(connections.nodes.indptr) == 0, of_counts=self._of_counts)
        # From what is encoded, a layer does not warn of genes without input by number; they were named above.
        layer = SparselyConnected(
            connections.encode(), widths[1], inputs_per_node=widths[0], name=name, **self._how, **kwargs
        )
        outputs = layer(inputs[0] if len(inputs) == 1 else inputs)
        weights = self._initial_scale * keras.ops.convert_to_tensor(layer.kernel)
        layer.kernel.assign(weights if layer.kernel_constraint is None else keras.ops.abs(weights))
        made = Axis.of("nodes" if chosen.all() else "inner", number)
        self.roles.append(LayerRole(name, "nodes", number, inputs=read, outputs=made))
        return outputs


def _warn_of_unread(genes: Sequence[str], unread: NDArray[np.bool_], *, of_counts: bool) -> None:
    names = [gene for gene, is_unread in zip(genes, unread, strict=True) if is_unread]
    if names:
        given = "their usual share of the counts" if of_counts else "0"
        warnings.warn(
            f"{len(names):,} of {counted(len(genes), 'gene')} are read by no node, so the autoencoder cannot restore "
            f"them and gives {given}: {sample(names)}.\n"
            + by_place("vnn build … --dense-units 1", "Build the architecture with dense_units=1")
            + ": a unit that all genes share; or build it from fewer genes.",
            VNNWarning,
            stacklevel=5,
        )
