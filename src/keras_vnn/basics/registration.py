"""Makes Keras know this package's layers as soon as both are imported, in either order.

``keras.saving.load_model`` finds custom layers only if their module was imported, and importing `keras_vnn` must
not import Keras. So the layers are imported when Keras is, by a post-import hook (at once when Keras is there).
"""

from __future__ import annotations

import importlib
from types import ModuleType

import wrapt

__all__: list[str] = []


def _register(_: ModuleType) -> None:
    importlib.import_module("keras_vnn.layers")


wrapt.register_post_import_hook(_register, "keras")
