"""Whether a saved model from a stranger is data and nothing else, looked at before Keras opens it.

In: the path of a ``.keras`` file. Out: nothing, or an error that names what could run code or reach other files.
Keras's own safe mode stays on behind this; it has been got around before (CVE-2025-1550, CVE-2025-8747, CVE-2025-9906,
CVE-2025-12058), each time by a class or function that a config may name. So here the list is of what may be named.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import keras

from keras_vnn.errors import ModelError, sample
from keras_vnn.unpacking import refuse_bomb
from keras_vnn.untrusted import check_hdf5

__all__ = ["check_model_file"]

_MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
_MODULES = {
    "keras",
    "keras.activations",
    "keras.constraints",
    "keras.dtype_policies",
    "keras.initializers",
    "keras.layers",
    "keras.losses",
    "keras.metrics",
    "keras.models",
    "keras.optimizers",
    "keras.optimizers.schedules",
    "keras.regularizers",
}
_MODELS = {"Functional", "Sequential"}
# Layers that hold code, call other frameworks, or read files their config names.
_REFUSED = {
    "FlaxLayer",
    "IndexLookup",
    "IntegerLookup",
    "JaxLayer",
    "Lambda",
    "StringLookup",
    "TFSMLayer",
    "TextVectorization",
    "TorchModuleWrapper",
}
_VALUES = {"__keras_tensor__", "__numpy__", "__tensor__", "__bytes__", "__ellipsis__", "__slice__", "__tuple__"}
_FUNCTIONS = (keras.activations, keras.losses, keras.metrics, keras.initializers, keras.regularizers)
_ADVICE = "A model of this package holds nothing of the kind. Do not open it elsewhere unless you trust who made it."


def check_model_file(path: Path) -> None:
    """Raise unless a ``.keras`` file holds only weights and layers that cannot run code of the file.

    Raises
    ------
    ModelError
        A member of the archive leads out of it, or the config names a class or function that is not a plain part of
        Keras or of this package, nor registered by code that is running.
    ReadError
        The archive unpacks beyond all measure, or its weights link to other files.
    """
    with zipfile.ZipFile(path) as archive:
        refuse_bomb(path, sum(member.file_size for member in archive.infolist()), path.stat().st_size)
        names = archive.namelist()
        outside = [name for name in names if _leads_out(name)]
        if outside:
            raise ModelError(f"Members of the model file lead out of it: {path}\n    {sample(outside)}\n{_ADVICE}")
        if "config.json" in names:
            _check_config(json.loads(archive.read("config.json")), path)
        for name in names:
            if name.endswith(".h5"):
                with archive.open(name) as stream:
                    check_hdf5(stream, path)


def _leads_out(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return name not in _MEMBERS and (".." in parts or name.startswith(("/", "\\")) or ":" in name)


def _check_config(config: Any, path: Path) -> None:
    wrong = sorted({name for node in _dicts(config) if (name := _not_plain(node))})
    if wrong:
        raise ModelError(
            f"The model file names {len(wrong)} things that are no plain layers, weights or functions: {path}\n"
            f"    {sample(wrong)}\n"
            "Such a file can run code or read other files when it is loaded, so it is not.\n"
            "If it is your own class, import it first, registered by keras.saving.register_keras_serializable()."
        )


_OPTIMIZERS = re.compile(r"keras\.src\.backend\.(torch|jax|tensorflow)\.optimizers(\.\w+)?")


def _dicts(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping of a JSON tree, without recursion: a stranger's file may be nested deeply."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _not_plain(node: dict[str, Any]) -> str:
    """Return what a mapping names that is not allowed, or an empty string."""
    if "class_name" not in node:
        return ""
    name, module = node["class_name"], node.get("module")
    registered = node.get("registered_name")
    said = f"{module}.{name}" if module else str(name)
    if not isinstance(name, str) or not isinstance(module, str | None):
        return said
    if name in _VALUES and module is None:
        return ""
    if isinstance(registered, str) and ">" in registered:
        return "" if keras.saving.get_registered_object(registered) is not None else said
    if name == "function" or module == "builtins":
        function = node.get("config")
        known = isinstance(function, str) and any(
            callable(getattr(one, function, None)) and not function.startswith("_") for one in _FUNCTIONS
        )
        return "" if name == "function" and known else f"{said}({function!r})"[:80]
    if name in _REFUSED:
        return said
    if module is None:
        return "" if hasattr(keras.layers, name) or hasattr(keras.optimizers, name) else said
    if module in _MODULES:
        return ""
    # Keras on PyTorch names its own kind of optimizer.
    if _OPTIMIZERS.fullmatch(module) and hasattr(keras.optimizers, name):
        return ""
    return "" if module.startswith("keras.src.models.") and name in _MODELS else said
