"""Importing Keras: without start-up messages, with an error that helps where no backend is, and our layers known."""

from __future__ import annotations

import importlib
import io
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import wrapt

from keras_vnn.basics.errors import VNNError

BACKENDS = ("tensorflow", "jax", "torch")

if TYPE_CHECKING:
    import keras as keras
    from numpy.typing import NDArray
else:

    class _Keras:
        """Keras, imported when something of it is asked for: what only reads files of models does without."""

        def __getattr__(self, name: str) -> Any:
            import_keras()
            return getattr(importlib.import_module("keras"), name)

    keras = _Keras()


def as_numpy(values: Any) -> NDArray[Any]:
    """Return a variable or a tensor of Keras, or what is an array already, as an array."""
    import numpy as np

    return values if isinstance(values, np.ndarray) else np.asarray(keras.ops.convert_to_numpy(values))


def import_keras() -> None:
    """Import Keras; what its backend prints meanwhile is shown only if that fails."""
    if "keras" not in sys.modules:
        with missing_backend_worded(), quiet_start():
            importlib.import_module("keras")


@contextmanager
def missing_backend_worded() -> Iterator[None]:
    """Say in the block what to install when Keras finds no backend.

    Raises
    ------
    VNNError
        The backend that Keras was told to use is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        wanted = (error.name or "").partition(".")[0]
        if wanted not in BACKENDS:
            raise
        others = [name for name in BACKENDS if name != wanted and find_spec(name)]
        raise VNNError(
            f"Keras needs one of {', '.join(BACKENDS)}; it looked for {wanted}, which is not installed.\n"
            + (
                f"Use {others[0]}, which is: set the environment variable KERAS_BACKEND={others[0]}"
                if others
                else f"Install it: pip install {wanted}"
            )
        ) from error


@contextmanager
def quiet_start() -> Iterator[None]:
    """Keep what a backend that starts in the block writes to standard error; show it only if the block fails.

    A backend speaks when it is imported, when it first computes, and later of its own retracing.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" in sys.modules:
        yield
        return
    # What C writes to, whatever Python's own stream is: in a notebook that has another descriptor.
    descriptor, stream = 2, sys.stderr or io.StringIO()
    try:
        saved = os.dup(descriptor)
    except OSError:
        yield
        return
    stream.flush()
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), descriptor)
        try:
            yield
            if "keras" in sys.modules:
                importlib.import_module("keras").ops.zeros(1)
                logging.getLogger("tensorflow").setLevel(logging.ERROR)
        except BaseException:
            os.dup2(saved, descriptor)
            held.seek(0)
            stream.write(held.read().decode(errors="replace"))
            raise
        finally:
            stream.flush()
            os.dup2(saved, descriptor)
            os.close(saved)


def register_layers() -> None:
    """Have Keras know this package's layers as soon as both are imported, in either order.

    ``keras.saving.load_model`` finds custom layers only if their module was imported, and importing `keras_vnn` must
    not import Keras. So the layers are imported when Keras is, by a post-import hook (at once when Keras is there).
    """
    wrapt.register_post_import_hook(lambda _: _import_layers(), "keras")


def _import_layers() -> None:
    from keras_vnn.basics.public_names import names_in

    for module, _ in names_in("keras_vnn.layers").values():
        importlib.import_module(module)
