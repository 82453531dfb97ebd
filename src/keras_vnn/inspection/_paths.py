"""Path weights: how strongly a gene is wired to an output, through each node.

In: a model and the name of a gene. Out: products of weights along paths, summed, by node.
"""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.basics.errors import ModelError
from keras_vnn.data import Classes
from keras_vnn.inspection._forward_pass import ForwardPass, forward_pass
from keras_vnn.inspection._record import has_one_head, output_weights, to_numpy
from keras_vnn.models import ModelView, view

__all__ = ["path_weights"]


def path_weights(model: keras.Model, gene: str) -> pd.DataFrame:
    """Return the path weights of a gene through every node it reaches, to every output.

    The weight of a path is the product of the weights along it; those of all paths are summed. It tells how strongly,
    and with which sign, the network is wired; it takes no data and does not know activations, biases and batch
    normalisation: for what a node does to the outputs in given cells see `rank_nodes`. Dense units next to the nodes
    have no names and are left out.

    Parameters
    ----------
    model
        A model of `build_model` with one head.
    gene
        Id, label, or a unique part of one.

    Returns
    -------
    pandas.DataFrame
        By id of the node, in the order of the network: ``label``, ``layer``, ``from_gene`` (sum over all paths from
        the gene to the units of the node), and per output ``through_NAME``: sum over all paths from the gene through
        the node to the output. Weights of classes are less their mean over the classes. The gene itself stands first,
        with the sum over all its paths.

    Raises
    ------
    ModelError
        The model is an embedding or has heads on its levels.
    ArchitectureError
        There is no such gene, or several.

    References
    ----------
    Garson 1991; Olden & Jackson 2002, doi:10.1016/S0304-3800(02)00064-9 (products of connection weights)
    """
    seen = view(model)
    if not has_one_head(seen):
        raise ModelError(
            "Path weights need one head; the model is an embedding, or has a head on every level.\n"
            "Rank its nodes with data: rank_nodes(model, data)"
        )
    arch = seen.architecture
    place = arch.find(gene)
    if place.layer != 0:
        raise ModelError(f"{place.node.id} is a node of layer {place.layer}, not a gene.\nName a gene.")
    known = forward_pass(seen)
    start = int(arch.layers[0].units[: place.position].sum())
    own = np.zeros(int(arch.layers[0].units.sum()))
    own[start : start + place.node.units] = 1
    down = _from_gene(known, own, len(arch.layers))
    up = _to_outputs(seen, known, len(arch.layers))
    names = output_weights(seen).names
    rows = []
    for number, layer in enumerate(arch.layers):
        starts = np.cumsum(layer.units) - layer.units
        reached = np.add.reduceat(down[number], starts)
        through = np.add.reduceat(down[number][:, None] * up[number], starts, axis=0)
        is_reached = np.add.reduceat(np.abs(down[number]), starts) > 0
        for index in np.flatnonzero(is_reached):
            node = layer.nodes[index]
            rows.append((node.id, node.label, number, reached[index], *through[index]))
    columns = ["id", "label", "layer", "from_gene", *(f"through_{name}" for name in names)]
    return pd.DataFrame(rows, columns=columns).set_index("id")


def _from_gene(known: ForwardPass, genes: NDArray[np.float64], layers: int) -> dict[int, NDArray[np.float64]]:
    """Return, by layer, ``(units,)`` sums over the paths from some input units."""
    down = {0: genes}
    for number in range(1, layers):
        parts = [weights.T @ down[source] for source, weights in known.nodes[number].weights.items()]
        down[number] = np.sum(parts, axis=0)
    return down


def _to_outputs(seen: ModelView, known: ForwardPass, layers: int) -> dict[int, NDArray[np.float64]]:
    """Return, by layer, ``(units, outputs)`` sums over the paths to the outputs."""
    tail = [*seen.tail_layers, seen.head]
    behind = np.eye(to_numpy(tail[0].kernel).shape[1])
    for layer in tail[1:]:
        behind = behind @ to_numpy(layer.kernel).astype(np.float64)
    if isinstance(seen.outputs, Classes):
        behind = behind - behind.mean(axis=1, keepdims=True)
    units = [int(layer.units.sum()) for layer in seen.architecture.layers]
    up = {number: np.zeros((units[number], behind.shape[1])) for number in range(layers)}
    for number, kernel in known.output.kernels.items():
        up[number] += kernel @ behind
    for number in range(layers - 1, 0, -1):
        for source, weights in known.nodes[number].weights.items():
            up[source] += weights @ up[number]
    return up
