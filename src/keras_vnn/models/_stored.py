"""`stored_model`: what a ``.keras`` file holds, without Keras, which takes seconds to import.

In: a path. Out: something that `ModelView` reads names, weights and findings from, as from the model itself. It has the
layers with the arrays of their weights and computes nothing. Of a file of which more would have to be known, nothing.
"""

from __future__ import annotations

import base64
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture, architecture_from_bytes
from keras_vnn.basics.keras_import import import_keras
from keras_vnn.layers._connections import Connections
from keras_vnn.models._safety import WEIGHTS, checked_config
from keras_vnn.models._saving import check_architecture, load_model, model_file
from keras_vnn.models._view import view
from keras_vnn.models._weights import weights_digest

# Nodes and connections that any file may name; those of another, at most one for each of its bytes.
_FREE_NODES = 1 << 20


class _Layer:
    """A layer: its name, and its weights by the names that Keras gives them."""

    def __init__(self, config: Mapping[str, Any], arrays: list[NDArray[Any]], kind: str, largest: int) -> None:
        self.name: str = config["name"]
        self.weights = arrays
        self.units: int = config.get("units", 0)
        if kind == "BatchNormalization":
            names = [*(["gamma"] if config["scale"] else []), *(["beta"] if config["center"] else [])]
            names += ["moving_mean", "moving_variance"]
            self.gamma = self.beta = None
        else:
            names = ["kernel", "bias"]
            self.kernel = self.bias = None
        vars(self).update(zip(names, arrays, strict=False))
        if kind == "SparselyConnected":
            self.connections = Connections.from_adjacency(
                config["adjacency"],
                input_units=config["inputs_per_node"],
                output_units=config["units_per_node"],
                candidates=config.get("candidates"),
                largest=largest,
            )
            if self.connections.count != len(arrays[0]):
                raise ValueError("an adjacency has another number of connections than there are weights")


class _Card:
    """The card: the architecture, and facts of the model as JSON values, which cannot be changed here."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.name: str = config["name"]
        self.weights: list[NDArray[Any]] = []
        self.metadata: dict[str, Any] = dict(config["metadata"])
        self._encoded: str = config["architecture"]

    @cached_property
    def architecture(self) -> Architecture:
        """The architecture the model was built from."""
        return architecture_from_bytes(base64.b64decode(self._encoded), "the model's own copy")

    def remember(self, **facts: Any) -> None:
        """Refuse: what is stored stays as it is."""
        raise TypeError(f"{', '.join(facts)}: the model is read from its file, and not loaded")


class StoredModel:
    """The layers of a model in their order, with the arrays of their weights."""

    def __init__(self, name: str, layers: list[Any]) -> None:
        self.name = name
        self.layers = layers
        self.outputs = ()

    @property
    def weights(self) -> list[NDArray[Any]]:
        """All weights, layer by layer, as a Keras model has them."""
        return [array for layer in self.layers for array in layer.weights]

    def count_params(self) -> int:
        """Return the number of weights."""
        return sum(array.size for array in self.weights)


def read_model(path: Path, *, architecture: Architecture | None = None) -> Any:
    """Return what a model file holds, to look at; the loaded model where that cannot be told without Keras.

    Raises
    ------
    ReadError, ModelError
        As `load_model`.
    """
    stored = stored_model(path)
    if stored is None:
        model_file(path)
        import_keras()  # takes seconds
        return load_model(path, architecture=architecture)
    if architecture is not None:
        check_architecture(stored, architecture)
    return stored


def stored_model(path: Path) -> StoredModel | None:
    """Return what a model file holds, if it can be told without Keras; else ``None``: `load_model` says more.

    That is so for a plain model that remembers its nodes: by the digest it remembers with them the weights were read in
    their order.

    Raises
    ------
    ReadError
        As `load_model` of the weights: they are damaged, or unpack beyond all measure.
    """
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            config = checked_config(archive, path)["config"]
            with archive.open(WEIGHTS) as stream, h5py.File(stream, "r") as file:
                made = StoredModel(
                    str(config["name"]), _layers(config["layers"], file["layers"], _FREE_NODES + path.stat().st_size)
                )
        seen = view(made)
        seen.check()
        is_known = "roles" in seen.card.metadata and seen.card.metadata["inspection"]["weights"] == weights_digest(made)
    except (LookupError, TypeError, ValueError, AttributeError, OSError, RuntimeError):  # damaged, or not of this kind
        return None
    return made if is_known else None


def _layers(configs: list[dict[str, Any]], file: h5py.Group, largest: int) -> list[Any]:
    """Return the layers of a functional model; HDF5 has them by the names of their classes, numbered."""
    counts: Counter[str] = Counter()
    layers: list[Any] = []
    for one in configs:
        kind, config = one["class_name"], one["config"]
        word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()
        place = f"{word}_{counts[word]}" if counts[word] else word
        counts[word] += 1
        if kind == "ArchitectureCard":
            layers.append(_Card(config))
            continue
        values = file[place]["vars"] if place in file else {}
        arrays = [np.asarray(values[name]) for name in sorted((n for n in values if n.isdigit()), key=int)]
        layers.append(_Layer(config, arrays, kind, largest))
    return layers
