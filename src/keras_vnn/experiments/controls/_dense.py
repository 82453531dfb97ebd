"""`wire.dense_like`: a fully connected network to compare an architecture with."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import ArchitectureError, check_choice

__all__ = ["dense_like"]


def dense_like(arch: Architecture, *, same: str = "width") -> Architecture:
    """Return a fully connected architecture: every layer reads the whole layer before it.

    Parameters
    ----------
    arch
        The architecture to compare with.
    same
        ``"width"``: as many units in each layer, and so many more weights. ``"weights"``: as many layers, made narrower
        by one factor until there are about as many weights, at least one unit each.

    Returns
    -------
    Architecture
        Its hidden nodes stand for nothing and are called ``dense 1.1``, ``dense 1.2``, ….

    Raises
    ------
    ArchitectureError
        ``same`` is neither.
    """
    check_choice("same", same, ("width", "weights"), ArchitectureError)
    widths = np.array([max(layer.width, 1) for layer in arch.hidden_layers])
    if same == "weights":
        widths = _narrowed(len(arch.genes), widths, _weights(arch))
    layers = [arch.layers[0]]
    for number, (layer, width) in enumerate(zip(arch.hidden_layers, widths, strict=True), 1):
        nodes = tuple(Node(f"dense {number}.{unit}", kind="unannotated") for unit in range(1, int(width) + 1))
        layers.append(Layer(layer.name, nodes))
    connections = {
        (number, number + 1): sparse.csr_array(np.ones((len(first), len(second)), bool))
        for number, (first, second) in enumerate(pairwise(layers))
    }
    facts = {"method": f"dense, same {same}", "of": arch.fingerprint}
    return replace(arch, layers=tuple(layers), connections=connections, parameters={"control": facts})


def _weights(arch: Architecture) -> int:
    """Return the number of weights of connections between units, those of dense units included."""
    named = sum(
        int(arch.layers[source].units[matrix.tocoo().row] @ arch.layers[target].units[matrix.tocoo().col])
        for (source, target), matrix in arch.connections.items()
    )
    return named + sum(layer.dense_units for layer in arch.hidden_layers) * len(arch.genes)


def _narrowed(genes: int, widths: np.ndarray, weights: int) -> np.ndarray:
    """Return the widths times the largest factor that leaves at most so many weights."""

    def scaled(factor: float) -> np.ndarray:
        return np.maximum(np.floor(widths * factor), 1).astype(int)

    def count(candidate: np.ndarray) -> int:
        return int(np.sum(np.concatenate([[genes], candidate[:-1]]) * candidate))

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if count(scaled(middle)) <= weights else (low, middle)
    return scaled(low)
