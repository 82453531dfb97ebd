"""Saving models whole or not at all, and loading them with errors that say what to do."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import ModelError, VNNError
from keras_vnn.basics.files import existing_file, is_data, replacing
from keras_vnn.basics.keras_import import keras
from keras_vnn.models._safety import check_model_file
from keras_vnn.models._view import model_in, view

_CONFIG = "config.json"
_BACKEND_S_OWN = re.compile(rb'"module": "keras\.src\.backend\.\w+\.optimizers[\w.]*"')


def save_model(model: keras.Model, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a model to a ``.keras`` file, completely or not at all.

    ``model.save`` works too; this one never leaves half a file and never replaces one unasked.

    Raises
    ------
    OutputError
        The file exists and ``overwrite`` is false, or cannot be written.
    ModelError
        The name does not end in ``.keras``.
    """
    target = Path(path)
    if target.suffix != ".keras":
        raise ModelError(f"The file name of a model must end in .keras, got {target.name!r}.")
    with replacing(target, overwrite=overwrite) as partial:
        model_in(model).save(partial)
        _name_optimizer_publicly(partial)


def _name_optimizer_publicly(path: Path) -> None:
    """Name an optimizer as every backend knows it: Keras on PyTorch writes the place of one that only PyTorch has."""
    with zipfile.ZipFile(path) as archive:
        config = archive.read(_CONFIG)
        if _BACKEND_S_OWN.search(config) is None:
            return
        members = [(member, archive.read(member)) for member in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members:
            public = _BACKEND_S_OWN.sub(b'"module": "keras.optimizers"', content)
            archive.writestr(member, public if member.filename == _CONFIG else content)


def load_model(path: str | os.PathLike[str], *, architecture: Architecture | None = None) -> keras.Model:
    """Read a model that was saved by `save_model`, ``model.save`` or ``vnn train``.

    This one explains what is wrong with a file, and is safe with those of strangers: a file may only name plain parts
    of Keras and of this package, may claim no more weights than it stores, and Keras's safe mode stays on. For a model
    with classes of your own, whose file you trust, there is ``keras.saving.load_model``.

    Parameters
    ----------
    path
        A ``.keras`` file.
    architecture
        If given, the architecture the model must have been built from.

    Raises
    ------
    ReadError
        There is no such file, it is empty, or it is a directory.
    ModelError
        It is not a saved model, is damaged, names anything else than plain layers, claims more weights than it
        stores, carries no architecture, or another one than expected.
    """
    found = model_file(path)
    try:
        check_model_file(found)
        model = keras.saving.load_model(found, compile=True)
        view(model).check()
    except ImportError:  # a package that is missing is not a fault of the file
        raise
    except VNNError as error:
        if str(found) in str(error):
            raise
        raise ModelError(f"The model file contradicts itself: {found}\n    {error}\nTrain it again.") from error
    except Exception as error:  # Keras, h5py and zipfile raise many kinds
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"The model file cannot be loaded: {found}\n    {reason[:300]}\nIs it damaged? Train it again."
        ) from error
    if architecture is not None:
        check_architecture(model, architecture)
    return model


def check_architecture(model: keras.Model, architecture: Architecture) -> None:
    """Raise unless the model was built from this architecture.

    Raises
    ------
    ModelError
        The fingerprints differ; with what differs.
    """
    own = view(model).architecture
    if own == architecture:
        return
    raise ModelError(
        "The model was built from another architecture: "
        f"expected fingerprint {architecture.fingerprint[:16]}, got {own.fingerprint[:16]}.\n"
        f"    expected: {architecture}\n"
        f"    model:    {own}\n"
        "Load the architecture the model was trained with, or train a model for this one."
    )


def model_file(path: str | os.PathLike[str]) -> Path:
    """Return a path at which there may be a model, as far as can be told without Keras.

    Raises
    ------
    ReadError
        There is no such file, it is empty, or it is a directory.
    ModelError
        It is not an archive, or that of an architecture.
    """
    found = existing_file(path, "model file")
    if is_data(found):
        raise ModelError(
            f"A file of data, not a model: {found}\nThe model comes first: vnn predict model.keras {found.name}"
        )
    try:
        with zipfile.ZipFile(found) as archive:
            members = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise ModelError(
            f"Not a saved Keras model, or a truncated one: {found}\n"
            "Expected a .keras file written by `vnn train … -o FILE`."
        ) from error
    if "architecture.json" in members:
        raise ModelError(
            f"A saved architecture, not a model: {found}\n"
            f"Train one: vnn train {found} cells.h5ad --label cell_type -o model.keras"
        )
    return found
