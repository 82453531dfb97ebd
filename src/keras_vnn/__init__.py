"""Visible neural networks for Keras: sparse layers wired by biological prior knowledge, with named nodes.

Every public name is available here and imported on first use; ``import keras_vnn`` alone imports no Keras.
"""

from __future__ import annotations

import importlib
from typing import Any

from keras_vnn import _registration as _registration

_MODULES: dict[str, tuple[str, ...]] = {
    "architecture": ("Architecture", "Layer", "Node", "Summary", "load_architecture"),
    "errors": ("VNNError", "VNNWarning"),
    "genes": ("GeneList", "gene_list"),
    "priors": ("Interactions", "Regulation"),
    "provenance": ("Audit", "AuditEntry", "Source"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> Any:
    """Import a public name from its module when it is first asked for."""
    if name == "__version__":
        from importlib.metadata import version

        return version("keras-vnn")
    if name in _HOME:
        return getattr(importlib.import_module(f"keras_vnn.{_HOME[name]}"), name)
    raise AttributeError(f"module 'keras_vnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names."""
    return list(__all__)
