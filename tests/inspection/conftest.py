"""A network small enough to compute by hand, with everything a network of the project may have.

Five genes; layer 1: ``repair`` (2 units), ``growth``, ``death`` (no node reads it), next to 2 dense units; layer 2:
``cycle`` (2 units, reads two nodes and, past them, gene E), ``stress``, next to 3 dense units; then a tail of 4 and 3.
"""

import math

import keras
import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.data import Classes
from keras_vnn.models import Regression, build_model, edge_weights, set_edge_weights, view

GENES = ("A", "B", "C", "D", "E")


@pytest.fixture(scope="session")
def arch():
    layers = (
        Layer("genes", tuple(Node(gene, kind="gene") for gene in GENES)),
        Layer(
            "sets",
            (
                Node("SET:repair", "DNA repair", "gene set", units=2),
                Node("SET:growth", "growth", "gene set"),
                Node("TF:A", "A targets", "regulator", names=("TF:A", "TF:X")),
            ),
            dense_units=2,
        ),
        Layer("themes", (Node("cycle", "cell cycle", units=2), Node("stress")), dense_units=3),
    )
    connections = {
        (0, 1): np.array([[1, 0, 1], [1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]),
        (1, 2): np.array([[1, 0], [1, 1], [0, 0]]),
        (0, 2): np.array([[0, 0], [0, 0], [0, 0], [0, 0], [1, 0]]),
    }
    return Architecture(layers, connections)


def made(arch, outputs, seed=1, **options):
    """Build a model and give its weights and biases values that are the same on every backend."""
    model = build_model(arch, outputs, seed=seed, **options)
    random = np.random.default_rng(seed)
    for layer in model.layers:
        for weight in layer.weights:
            if weight.name == "bias":
                weight.assign(random.normal(size=weight.shape))
            if weight.name == "kernel":
                units = layer.bias.shape[-1] if layer.bias is not None else weight.shape[-1]
                fan_in = np.prod(weight.shape) / units
                weight.assign(options.get("initial_scale", 1) * random.normal(size=weight.shape) / np.sqrt(fan_in))
    return model


@pytest.fixture(scope="session")
def model(arch):
    return made(arch, Classes(("T", "B", "NK")), tail=(4, 3))


@pytest.fixture(scope="session")
def linear(arch):
    """The same without a tail: a linear head on sinks and dense units."""
    return made(arch, Classes(("T", "B", "NK")), reads="last")


@pytest.fixture(scope="session")
def values():
    return np.random.default_rng(3).normal(size=(31, 5)).astype(np.float32)


@pytest.fixture(scope="session")
def frame(values):
    table = pd.DataFrame(values, index=[f"cell{i}" for i in range(31)], columns=list(GENES))
    return table[["C", "E", "A", "D", "B"]].assign(other=1.0)


@pytest.fixture(scope="session")
def labels():
    return np.array(["T", "B", "NK"], dtype=object)[np.arange(31) % 3]


class ByName:
    """The network evaluated in float64 from its table of named weights, one unit at a time."""

    def __init__(self, model):
        self.view = view(model)
        self.table = edge_weights(model, dense=True)

    def _block(self, layer, states, activation):
        """Return the units of one Keras layer by (name, unit)."""
        own = self.table[self.table["block"] == layer.name]
        sums = {}
        for row in own.itertuples():
            key = (row.target, row.target_unit)
            term = row.weight * (1.0 if pd.isna(row.source) else states[row.source, row.source_unit])
            sums[key] = sums.get(key, 0.0) + term
        return {key: activation(value) for key, value in sums.items()}

    def __call__(self, values, held=None):
        """Return ``(cells, outputs)`` before the softmax, with the units of ``held`` nodes at the given values."""
        arch = self.view.architecture
        states = {(gene, 0): values[:, i].astype(float) for i, gene in enumerate(arch.genes)}
        dense = {}
        for number in range(1, len(arch.layers)):
            units = self._block(self.view.sparse_layer(number), states, np.tanh)
            for (name, unit), level in (held or {}).items():
                if (name, unit) in units:
                    units[name, unit] = np.full(len(values), level)
            beside = self.view.dense_layer(number)
            if beside is not None:
                dense |= self._block(beside, states, lambda x: x)
            states |= units
        states |= dense
        for layer in self.view.tail_layers:
            states |= self._block(layer, states, np.tanh)
        last = self._block(self.view.head, states, lambda x: x)
        self.states = states
        return np.column_stack([last[name, 0] * np.ones(len(values)) for name in self.view.outputs.names])

    def knocked_out(self, values, node):
        """Return what is lost when all units of a node are held at their mean, centred over the outputs."""
        before = self(values)
        means = {key: float(np.mean(state)) for key, state in self.states.items() if key[0] == node}
        lost = before - self(values, means)
        return lost - lost.mean(axis=1, keepdims=True)


@pytest.fixture(scope="session")
def by_name():
    return ByName


@pytest.fixture(scope="session")
def make():
    return made


@pytest.fixture(autouse=True)
def same_seed():
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def five_genes():
    """Genes A to E; ``p`` reads A and B, ``q`` reads C, D and E, ``r`` reads both."""
    layers = (
        Layer("genes", tuple(Node(gene, kind="gene") for gene in GENES)),
        Layer("processes", (Node("p"), Node("q"))),
        Layer("root", (Node("r"),)),
    )
    reads = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]])
    return Architecture(layers, {(0, 1): reads, (1, 2): np.ones((2, 1))})


@pytest.fixture(scope="module")
def by_hand(five_genes):
    """The network of `five_genes` whose weights are 1 and −1, then ln 3 and ½ ln 3, then 1."""
    model = build_model(five_genes, Regression(("y",)), seed=0)
    table = edge_weights(model, dense=True)
    weights = {("A", "p"): 1, ("B", "p"): 1, ("C", "q"): 1, ("D", "q"): 1, ("E", "q"): -1}
    weights |= {("p", "r"): math.log(3), ("q", "r"): math.log(3) / 2, ("r", "y"): 1}
    table["weight"] = [weights.get(pair, 0.0) for pair in zip(table["source"], table["target"], strict=True)]
    set_edge_weights(model, table)
    return model
