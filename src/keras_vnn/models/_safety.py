"""Whether a saved model from a stranger is data and nothing else, looked at before Keras opens it.

In: the path of a ``.keras`` file. Out: nothing, or an error that names what could run code or reach other files.
Keras's own safe mode stays on behind this; it has been got around before (CVE-2025-1550, CVE-2025-8747, CVE-2025-9906,
CVE-2025-12058), each time by a class or function that a config may name. So here the list is of what may be named, in
the form in which Keras writes it: any other could be resolved to something else, by this release of Keras or another.
"""

from __future__ import annotations

import inspect
import json
import math
import re
import types
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import IO, Any

import h5py

from keras_vnn.basics.errors import ModelError, sample
from keras_vnn.basics.keras_import import keras
from keras_vnn.basics.unpacking import refuse_bomb
from keras_vnn.basics.untrusted import check_hdf5, refuse_damaged_hdf5
from keras_vnn.layers._connections import Connections

_CONFIG, WEIGHTS = "config.json", "model.weights.h5"
_MEMBERS = {"metadata.json", _CONFIG, WEIGHTS}
# Keras writes models as they are; what is packed nevertheless may not hide more than this.
_LARGEST_FREE, _LARGEST_FACTOR = 1 << 20, 2
# Layers that compute from their inputs, their weights and their config alone.
_LAYERS = """
    Activation ActivityRegularization Add AlphaDropout Attention Average AveragePooling1D BatchNormalization Concatenate
    Conv1D Dense Dot Dropout ELU EinsumDense Embedding Flatten GaussianDropout GaussianNoise GlobalAveragePooling1D
    GlobalMaxPooling1D GroupNormalization GroupQueryAttention Identity InputLayer LayerNormalization LeakyReLU Masking
    MaxPooling1D Maximum Minimum MultiHeadAttention Multiply Normalization PReLU Permute RMSNormalization ReLU
    RepeatVector Rescaling Reshape Softmax SpatialDropout1D Subtract UnitNormalization
"""
# Metrics of a size that does not depend on their config, or that `_MOST_THRESHOLDS` bounds.
_METRICS = """
    AUC Accuracy BinaryAccuracy BinaryCrossentropy CategoricalAccuracy CategoricalCrossentropy CategoricalHinge
    ConcordanceCorrelation CosineSimilarity F1Score FBetaScore FalseNegatives FalsePositives Hinge KLDivergence
    LogCoshError Mean MeanAbsoluteError MeanAbsolutePercentageError MeanMetricWrapper MeanSquaredError
    MeanSquaredLogarithmicError PearsonCorrelation Poisson Precision PrecisionAtRecall R2Score Recall RecallAtPrecision
    RootMeanSquaredError SensitivityAtSpecificity SparseCategoricalAccuracy SparseCategoricalCrossentropy
    SparseTopKCategoricalAccuracy SpecificityAtSensitivity SquaredHinge Sum TopKCategoricalAccuracy TrueNegatives
    TruePositives
"""
_MOST_THRESHOLDS = 1000
_VALUES = {"__keras_tensor__", "__numpy__", "__tensor__", "__ellipsis__", "__slice__"}
_DTYPES = re.compile(r"(u?int|b?float)\d{1,2}|bool")
# Keras on PyTorch names its own kind of optimizer.
_OPTIMIZERS = re.compile(r"keras\.src\.backend\.(torch|jax|tensorflow)\.optimizers(\.\w+)?")


def check_model_file(path: Path) -> None:
    """Raise unless a ``.keras`` file holds only weights and layers that cannot run code of the file.

    Raises
    ------
    ModelError
        The name does not end in ``.keras``; the archive has other members than a model; the config names a class or
        function that is neither a plain part of Keras nor of this package, or claims more weights than are stored.
    ReadError
        The archive or its weights unpack beyond all measure, or the weights are damaged or link to other files.
    """
    # By the name, Keras chooses how to read a file: one that ends in .h5 by a way that knows no safe mode.
    if path.suffix != ".keras":
        raise ModelError(f"The name of a model file must end in .keras: {path}\nRename it, if it is one.")
    with zipfile.ZipFile(path) as archive:
        config = checked_config(archive, path)
        parts = list(_named(config))
        _check_names(parts, path)
        with archive.open(WEIGHTS) as stream:
            check_sizes(config, parts, stream, path)


def checked_config(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    """Return the config of a model file whose members are those of a model, and whose weights can be read.

    What the config names is not looked at: it must not be resolved.

    Raises
    ------
    ModelError, ReadError
        As `check_model_file`.
    """
    members = archive.infolist()
    size = sum(member.file_size for member in members)
    refuse_bomb(path, size, path.stat().st_size, free=_LARGEST_FREE, factor=_LARGEST_FACTOR)
    names = archive.namelist()
    wrong = [name for name in names if name not in _MEMBERS or names.count(name) > 1]
    if wrong:
        raise ModelError(
            f"The model file holds {len(wrong)} files that are not part of a model, or are there twice: {path}\n"
            f"    {sample(wrong)}\nExpected {', '.join(sorted(_MEMBERS))}.\n{_advice(path)}"
        )
    config = json.loads(archive.read(_CONFIG))
    if not isinstance(config, dict) or not {"class_name", "config"} <= config.keys():
        raise ModelError(f"The {_CONFIG} of the model file describes no model: {path}\nIs it damaged?")
    refuse_damaged_hdf5(path, WEIGHTS)
    with archive.open(WEIGHTS) as stream:
        check_hdf5(stream, path)
        check_declared(stream, path)
    return config


def _check_names(parts: list[Any], path: Path) -> None:
    wrong = sorted({_said(part) for part in parts if not _is_allowed(part)})
    if wrong:
        raise ModelError(
            f"The model file names {len(wrong)} things other than plain layers, weights and functions: {path}\n"
            f"    {sample(wrong)}\n"
            f"Such a file can run code or read other files when it is loaded, so it is not.\n{_advice(path)}"
        )


def _advice(path: Path) -> str:
    return f"If you know who made it, and trust them: keras.saving.load_model({str(path)!r})"


def _named(config: Any) -> Iterator[Any]:
    """Yield what Keras may resolve: mappings that name a class, and strings that are names of registered objects."""
    waiting = [config]  # no recursion: a stranger's file may be nested deeply
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "class_name" in node:
                yield node
            # A name in its proper place is part of what the mapping names.
            waiting.extend(v for key, v in node.items() if key != "registered_name" or not isinstance(v, str))
        elif isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, str) and ">" in node and keras.saving.get_registered_object(node) is not None:
            yield node


def _said(node: Any) -> str:
    if isinstance(node, str):
        return node[:80]
    name, module, function = (node.get(key) for key in ("class_name", "module", "config"))
    said = f"{module}.{name}" if module else str(name)
    return (f"{said}({function!r})" if name == "function" else said)[:80]


def _is_allowed(node: Any) -> bool:
    """Whether a mapping is written as Keras writes it, and names what is on the list."""
    if isinstance(node, str):
        return False
    name, module, registered, inner = (node.get(key) for key in ("class_name", "module", "registered_name", "config"))
    if not isinstance(name, str) or not isinstance(registered, str | None):
        return False
    if name in _VALUES:
        dtype = inner.get("dtype", "bool") if isinstance(inner, dict) else "bool"
        return isinstance(dtype, str) and _DTYPES.fullmatch(dtype) is not None
    # What has no module is read by the rules of older formats.
    if not isinstance(module, str):
        return False
    if registered is not None and ">" in registered:
        found = keras.saving.get_registered_object(registered)
        is_ours = inspect.isclass(found) and found.__module__.startswith("keras_vnn.") and found.__name__ == name
        return is_ours and registered == f"keras_vnn>{name}"
    if name == "function":
        where = _functions().get(inner, ()) if isinstance(inner, str) else ()
        return module in where and registered in (None, name, inner)
    if registered not in (None, name):
        return False
    if module == "keras.metrics" and isinstance(inner, dict):
        thresholds = inner.get("num_thresholds") or 0
        if not isinstance(thresholds, int) or thresholds > _MOST_THRESHOLDS:
            return False
    if _OPTIMIZERS.fullmatch(module):
        module = "keras.optimizers"
    return name in _classes().get(module, ())


@cache
def _classes() -> dict[str, set[str]]:
    """Return the names of the classes a config may name, by module."""
    by_base = {
        "constraints": keras.constraints.Constraint,
        "dtype_policies": keras.dtype_policies.DTypePolicy,
        "initializers": keras.initializers.Initializer,
        "losses": keras.losses.Loss,
        "optimizers": keras.optimizers.Optimizer,
        "optimizers.schedules": keras.optimizers.schedules.LearningRateSchedule,
        "regularizers": keras.regularizers.Regularizer,
    }
    models = {"Model", "Sequential"}
    named = {
        "keras": {*models, "DTypePolicy", "FloatDTypePolicy"},
        "keras.layers": set(_LAYERS.split()),
        "keras.metrics": set(_METRICS.split()),
        "keras.models": models,
        "keras.random": {"SeedGenerator"},
        "keras.src.models.functional": {"Functional"},
    }
    for module, base in by_base.items():
        public = vars(attrgetter(module)(keras))
        named[f"keras.{module}"] = {
            name for name, found in public.items() if inspect.isclass(found) and issubclass(found, base)
        }
    return named


@cache
def _functions() -> dict[str, set[str]]:
    """Return the modules by which a config may name each function of numbers."""
    modules: dict[str, set[str]] = {}
    for module in ("activations", "losses", "metrics"):
        for name, found in vars(getattr(keras, module)).items():
            if isinstance(found, types.FunctionType) and name not in ("get", "serialize", "deserialize"):
                modules.setdefault(name, {"builtins"}).add(f"keras.{module}")
    return modules


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
        raise _too_large(path, f"{count:,} weights", stored)


def check_declared(weights: IO[bytes], path: Path) -> None:
    """Raise a `ModelError` unless the HDF5 file stores the numbers that it declares."""
    stored = weights.seek(0, 2)
    weights.seek(0)
    with h5py.File(weights, "r") as file:
        sizes: list[int] = []
        file.visititems(lambda _, item: sizes.append(item.nbytes) if isinstance(item, h5py.Dataset) else None)
    if sum(sizes) > _FREE_BYTES + stored:
        raise _too_large(path, f"{sum(sizes):,} bytes of numbers", stored)


def _too_large(path: Path, claimed: str, stored: int) -> ModelError:
    return ModelError(
        f"The model file claims {claimed}, and stores {stored:,} bytes: {path}\n"
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
