"""Whether a saved model claims no more than its file holds, so that a small file cannot fill the memory.

In: the config of a model and its stored weights. Out: nothing, or an error. The config alone decides how much Keras
makes room for, before it reads a weight. So the model is first made without room for weights, and what it would take
is compared with what is stored.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import h5py

from keras_vnn.basics.errors import ModelError, counted
from keras_vnn.basics.keras_import import keras
from keras_vnn.layers._connections import Connections

# What the model of any file may have: bytes in HDF5, weights, and units and connections of sparse layers.
_FREE_BYTES, _FREE_WEIGHTS, _FREE_UNITS = 1 << 24, 1 << 22, 1 << 20
# Kernels that keep a number for each pair of units, and how many such pairs count as one connection.
_DENSE_KERNELS, _PAIRS = ("dense", "filled"), 8


def check_sizes(config: dict[str, Any], parts: Iterable[dict[str, Any]], weights: IO[bytes], path: Path) -> None:
    """Raise unless the weights that the config and the HDF5 file declare are stored.

    Parameters
    ----------
    config
        That of the model; it is used up.
    parts
        What in it names a class.
    weights
        The HDF5 file.
    path
        What to call the file in an error.

    Raises
    ------
    ModelError
        More is declared.
    ArchitectureError
        An adjacency is damaged, or larger than all stored weights.
    """
    stored = weights.seek(0, 2)
    _check_units(parts, stored, path)
    # The loss and metrics have no weights of their own; those of the optimizer go with those of the model.
    for part in parts:
        part.pop("compile_config", None)
    # Keras counts the variables that it has not made yet by thread, and so forgets them with the thread.
    with ThreadPoolExecutor(1) as thread:
        count = thread.submit(_weights_of, config).result()
    if count > _FREE_WEIGHTS + stored:
        raise _too_large(path, f"{counted(count, 'weight')}", stored)


def check_declared(weights: IO[bytes], path: Path) -> None:
    """Raise a `ModelError` unless the HDF5 file stores the numbers that it declares."""
    stored = weights.seek(0, 2)
    weights.seek(0)
    with h5py.File(weights, "r") as file:
        sizes: list[int] = []
        file.visititems(lambda _, item: sizes.append(item.nbytes) if isinstance(item, h5py.Dataset) else None)
    if sum(sizes) > _FREE_BYTES + stored:
        raise _too_large(path, f"{counted(sum(sizes), 'byte')} of numbers", stored)


def _too_large(path: Path, claimed: str, stored: int) -> ModelError:
    return ModelError(
        f"The model file claims {claimed}, and stores {counted(stored, 'byte')}: {path}\n"
        "It looks made to fill the memory. Ask for the file that the model was saved to."
    )


def _check_units(parts: Iterable[dict[str, Any]], stored: int, path: Path) -> None:
    """Count the units and connections that layers keep lists of, before any layer is made."""
    left = _FREE_UNITS + stored
    for part in parts:
        config = part["config"]
        if part["class_name"] == "SparselyConnected":
            connections = Connections.from_adjacency(
                config["adjacency"],
                input_units=config.get("inputs_per_node", 1),
                output_units=config.get("units_per_node", 1),
                candidates=config.get("candidates"),
                largest=left,
            )
            inputs, outputs = connections.inputs, connections.outputs
            left -= inputs + outputs + connections.count
            left -= inputs * outputs // _PAIRS if config.get("kernel") in _DENSE_KERNELS else 0
        elif part["class_name"] == "NodeDropout":
            units = config.get("units_per_node", 1)
            left -= sum(abs(int(n)) for n in (units if isinstance(units, list) else [units] * len(config["rates"])))
        if left < 0:
            raise _too_large(path, "more units and connections than it has weights for", stored)


def _weights_of(config: dict[str, Any]) -> int:
    """Return the number of weights of a model, without making room for them."""
    with keras.StatelessScope(initialize_variables=False):
        model = keras.saving.deserialize_keras_object(config)
    return sum(math.prod(weight.shape) for weight in getattr(model, "weights", ()))
