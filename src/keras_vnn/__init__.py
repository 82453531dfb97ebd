"""Visible neural networks for Keras: sparse layers wired by biological prior knowledge, with named nodes.

Every public name is available here and imported on first use; ``import keras_vnn`` alone imports no Keras.
The names and their modules are written in the stub, ``__init__.pyi``, where type checkers and editors look too.
"""

from __future__ import annotations

from typing import Any

import lazy_loader

from keras_vnn.basics import registration as registration
from keras_vnn.basics.quiet import missing_backend_worded

_imported, _, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]


def __getattr__(name: str) -> Any:
    """Import a public name from its module when it is first asked for."""
    if name == "__version__":
        from importlib.metadata import version

        return version("keras-vnn")
    with missing_backend_worded():
        return _imported(name)


def __dir__() -> list[str]:
    """Return the public names."""
    return list(__all__)
