"""How the kernels of named nodes start and what holds them, as `ModelOptions` ask for it.

In: options, connections, an architecture. Out: initializers, regularizers and constraints of `SparselyConnected`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture import Architecture, candidate_edges
from keras_vnn.basics.errors import ModelError, did_you_mean
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.layers import (
    Connections,
    MeanOfInputs,
    Oriented,
    OtherSigns,
    PullToMean,
    SignsOfEdges,
    SparselyConnected,
    check_initializer,
)
from keras_vnn.options import LINEAR_UNIFORM, AutoencoderOptions, ModelOptions

# What trains best over many sizes of sets and depths, see docs/defaults.md.
_GENE_SCALE, _NODE_SCALE, _SPREAD = 0.25, 0.35, 0.5
# Of activations with a mean, which is taken out for units as large as those that read genes: deep ones may not fade.
_WITH_A_MEAN = 0.7
# Standard deviation at which activations are looked at, and the least slope that they must have.
_SMALL, _FLAT = 0.25, 0.01


def held(
    options: ModelOptions, units: NDArray[np.integer], *, genes: int, signs: NDArray[np.int8] | None = None
) -> dict[str, Any]:
    """Return the initializer, regularizer and constraint of the kernel of a layer of named nodes.

    Parameters
    ----------
    options
        Of the model.
    units
        ``(nodes,)`` how many each node of the layer has.
    genes
        How many of its inputs, the first ones, are genes.
    signs
        ``(connections,)`` as `edge_signs` gives them.
    """
    kept = signs if options.signs == "respect" else None
    if options.non_negative and signs is not None:
        is_free = signs == 0
        signs = np.where(is_free, np.int8(1), signs)
        kept = signs if options.signs == "respect" else is_free.astype(np.int8)
    regularizer = keras.regularizers.L2(options.l2) if options.l2 else None
    initializer = kernel_initializer(options)
    if options.anchor == "mean":
        mean, slope = _response(options.activation)
        scale = options.initial_scale / slope
        initializer = MeanOfInputs(
            scale * (_NODE_SCALE if abs(mean) <= _FLAT else _WITH_A_MEAN),
            genes=genes,
            gene_scale=scale * _GENE_SCALE,
            spread=_SPREAD if units.max() > 1 else 0.0,
        )
        if options.anchor_pull:
            regularizer = PullToMean(options.anchor_pull, initializer, signs, options.l2)
    constraint = None if kept is None else SignsOfEdges(kept)
    if signs is not None:
        initializer = Oriented(initializer, signs)
        if options.signs == "prefer" and options.sign_penalty:
            regularizer = OtherSigns(options.sign_penalty, signs, regularizer)
    elif options.non_negative:
        initializer, constraint = Oriented(initializer), keras.constraints.NonNeg()
    return {
        "kernel_initializer": initializer,
        "kernel_regularizer": regularizer,
        "kernel_constraint": constraint,
    }


def center(layer: SparselyConnected, options: ModelOptions, *, genes: int) -> None:
    """Give the units of an anchored layer the biases by which they start near 0 where its nodes are as they start.

    An activation that is not odd, such as sigmoid, has a mean; parents that read it with positive weights would start
    far from 0. Genes are taken to have a mean of 0.
    """
    mean = _response(options.activation)[0]
    if options.anchor == "mean" and abs(mean) > _FLAT:
        layer.bias.assign(-mean * np.asarray(layer.kernel_matrix()[genes:].sum(axis=0)).ravel())


def edge_signs(arch: Architecture, number: int, connections: Connections) -> NDArray[np.int8]:
    """Return, for each connection of a layer whose first inputs are the genes, 1, -1, or 0 where it has no sign.

    A regulator's edge to a gene that it activates has the sign 1, to one that it represses -1.
    """
    genes, nodes = {gene: position for position, gene in enumerate(arch.genes)}, arch.layers[number]
    rows = np.repeat(np.arange(len(connections.input_units)), connections.input_units)[connections.rows]
    columns = np.repeat(np.arange(len(nodes)), nodes.units)[connections.columns]
    signs = np.zeros(connections.count, np.int8)
    for effect, sign in (("activation", 1), ("repression", -1)):
        edges = [
            genes[gene] * len(nodes) + position
            for position, node in enumerate(nodes)
            for gene in node.attributes.get("targets", {}).get(effect, ())
            if gene in genes
        ]
        signs[np.isin(rows.astype(np.int64) * len(nodes) + columns, edges)] = sign
    return signs


def soft_candidates(arch: Architecture, options: ModelOptions) -> dict[int, sparse.csr_array]:
    """Return, by layer, the edges from genes outside the prior that options ask for, ``(genes, nodes)``.

    Raises
    ------
    ModelError
        There are none.
    ArchitectureError
        A node is unknown, or there would be too many.
    """
    nodes = {arch.find(name).node.id for name in options.soft_link_nodes}
    found = candidate_edges(
        arch, near=options.soft_links_per_node if options.soft_links == "near" else None, nodes=nodes
    )
    if not found:
        raise ModelError(
            remedy("{soft_links} finds no gene outside the prior for any node.\n", soft_links=options.soft_links)
            + remedy("Take {soft_links}, or leave it out.", soft_links="all")
        )
    return found


def check_signs(arch: Architecture, options: ModelOptions) -> None:
    """Raise a `ModelError` when signs are asked for and no edge of the architecture has one."""
    if options.signs != "ignore" and not any("targets" in node.node.attributes for node in arch.nodes()):
        raise ModelError(
            remedy(
                "{signs} needs regulators with known effects: no edge of the architecture has a sign.\n",
                signs=options.signs,
            )
            + "Wire a regulation with effects, "
            + by_place(
                "vnn build --genes FILE --regulation FILE",
                "vnn.wire.interactions(genes, regulation=vnn.read.regulation(path))",
            )
            + ", or leave it out."
        )


@cache
def _response(activation: str) -> tuple[float, float]:
    """Return the mean of an activation, and its slope, over small normal inputs; 0 and 1 where it has no slope."""
    points, weights = np.polynomial.hermite_e.hermegauss(64)
    weights, inputs = weights / weights.sum(), _SMALL * points
    # Next to a unit of 0: softmax and others look at several.
    pairs = np.stack([inputs, np.zeros_like(inputs)], axis=1).astype("float32")
    values = keras.ops.convert_to_numpy(keras.activations.get(activation)(pairs))[:, 0]
    slope = float(weights @ (values * points)) / _SMALL
    return (float(weights @ values), slope) if slope > _FLAT else (0.0, 1.0)


# Functions of Keras that are not activations, or not of a single unit without further arguments.
_NO_ACTIVATIONS = ("deserialize", "get", "glu", "serialize", "threshold")


def kernel_initializer(options: ModelOptions) -> keras.initializers.Initializer:
    """Return a new Keras initializer.

    Raises
    ------
    ModelError
        The initializer is unknown, or cannot be scaled.
    """
    found = initializer_named(options.kernel_initializer)
    if options.initial_scale == 1:
        return found
    if not isinstance(found, keras.initializers.VarianceScaling):
        raise ModelError(
            f"initial_scale cannot scale the initializer {options.kernel_initializer!r}; "
            f"take one that scales by fan-in or fan-out, e.g. glorot_uniform or {LINEAR_UNIFORM}."
        )
    return keras.initializers.VarianceScaling(
        found.scale * options.initial_scale**2, found.mode, found.distribution, seed=found.seed
    )


def initializer_named(name: str) -> keras.initializers.Initializer:
    """Return a new Keras initializer by its name, or that of PyTorch's ``Linear``.

    Raises
    ------
    ModelError
        The initializer is unknown, or makes nothing but matrices.
    """
    if name == LINEAR_UNIFORM:
        return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
    try:
        found = keras.initializers.get(name)
    except ValueError as error:
        raise ModelError(
            f"kernel_initializer must be {LINEAR_UNIFORM} or a name that Keras knows, "
            f"e.g. glorot_uniform; got {name!r}."
        ) from error
    check_initializer(found)
    return found


def check_functions(options: ModelOptions | AutoencoderOptions) -> None:
    """Raise a `ModelError` unless Keras has the activations and the initializer that options name, and they serve."""
    known = [each for each in dir(keras.activations) if each.islower() and not each.startswith("_")]
    known = [each for each in known if each not in _NO_ACTIVATIONS]
    for name in options.names():
        value = getattr(options, name) if name.endswith("activation") else None
        if value is not None and value not in known:
            problem = "a name that Keras knows"
            if value in _NO_ACTIVATIONS:
                problem = "one that takes each unit to one, without further arguments"
            hint = did_you_mean(str(value), known) or f"Known: {', '.join(known)}."
            raise ModelError(f"{name} must be {problem}, got {value!r}. {hint}")
    if isinstance(options, ModelOptions):
        kernel_initializer(options)
    else:
        initializer_named(options.kernel_initializer)
