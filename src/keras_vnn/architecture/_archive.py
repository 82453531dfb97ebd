"""Saving an architecture to one file, and reading it back.

The file is a zip archive: ``architecture.json`` and two ``.npy`` arrays per connection. Nothing in it is code:
numpy arrays are read with ``allow_pickle=False``, and entries are read by name, never extracted.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture._nodes import Layer, Node
from keras_vnn.architecture._value import Architecture
from keras_vnn.basics.errors import ArchitectureError, VNNError, counted
from keras_vnn.basics.files import existing_file, is_data
from keras_vnn.basics.provenance import Audit, Source
from keras_vnn.basics.unpacking import refuse_bomb
from keras_vnn.basics.untrusted import check_compressed

FORMAT_VERSION = 1
_EPOCH = (1980, 1, 1, 0, 0, 0)
# An architecture unpacks to 2 to 5 times its size and holds a JSON value in 8 bytes of it; in memory, a value takes up
# to 100 bytes. Small ones may do as they like.
_LARGEST_FREE, _LARGEST_FACTOR, _MOST_VALUES = 1 << 20, 16, 1 << 20


def architecture_to_bytes(arch: Architecture) -> bytes:
    """Return the content of the file `Architecture.save` writes; equal for equal architectures."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        header = {
            "format": "keras-vnn architecture",
            "format_version": FORMAT_VERSION,
            "keras_vnn": version("keras-vnn"),
            "fingerprint": arch.fingerprint,
            "layers": [_layer_to_json(layer) for layer in arch.layers],
            "connections": [list(pair) for pair in arch.connections],
            "sources": [source.to_json() for source in arch.sources],
            "parameters": dict(arch.parameters),
            "audit": arch.audit.to_json(),
        }
        _add(archive, "architecture.json", json.dumps(header, ensure_ascii=False).encode())
        for (source, target), matrix in arch.connections.items():
            for part in ("indptr", "indices"):
                _add(archive, f"connection_{source}_{target}_{part}.npy", _npy(getattr(matrix, part)))
    return stream.getvalue()


def architecture_from_bytes(content: bytes, where: str = "memory") -> Architecture:
    """Make an architecture from what `architecture_to_bytes` gave.

    Parameters
    ----------
    content
        The bytes.
    where
        What to call them in an error, e.g. the path of the file.

    Raises
    ------
    ArchitectureError
        The bytes are not a saved architecture, are damaged, or come from a newer release.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _parsed(archive, where, len(content))
    except VNNError as error:
        if where in str(error):
            raise
        raise ArchitectureError(
            f"The saved architecture contradicts itself: {where}\n    {error}\nThe file was changed; build it again."
        ) from error
    except Exception as error:
        # Damaged bytes surface as whatever the zip, deflate, JSON and array readers happen to raise.
        raise ArchitectureError(
            f"Not a saved architecture, or a damaged one: {where} ({type(error).__name__}: {error})\n"
            "Expected a file written by `vnn build … -o FILE` or `Architecture.save`."
        ) from error


def load_architecture(path: str | os.PathLike[str]) -> Architecture:
    """Read an architecture that `Architecture.save` or ``vnn build`` wrote.

    Raises
    ------
    ReadError
        There is no such file, it is empty, or it is a directory.
    ArchitectureError
        It is not a saved architecture, is damaged, or comes from a newer release.
    """
    found = existing_file(path, "architecture file")
    if is_data(found):
        raise ArchitectureError(
            f"A file of data, not a saved architecture: {found}\n"
            f"The architecture comes first: vnn train net.vnn {found.name}\n"
            "A report or export is made of the model: vnn report model.keras"
        )
    return architecture_from_bytes(found.read_bytes(), str(found))


def _parsed(archive: zipfile.ZipFile, where: str, packed: int) -> Architecture:
    size = sum(member.file_size for member in archive.infolist())
    refuse_bomb(Path(where), size, packed, free=_LARGEST_FREE, factor=_LARGEST_FACTOR)
    text = archive.read("architecture.json")
    values = sum(map(text.count, (b",", b"[", b"{")))
    if values > _MOST_VALUES + packed // 2:
        raise ArchitectureError(
            f"{where} holds {counted(values, 'JSON value')} in {counted(packed, 'byte')}; it is not an architecture.\n"
            "Build it again: vnn build … -o FILE"
        )
    header = json.loads(text)
    if header["format"] != "keras-vnn architecture":
        raise ArchitectureError(
            f"Not a saved architecture: {where} holds {header['format']!r}.\n"
            "Expected a file written by `vnn build … -o FILE` or `Architecture.save`."
        )
    if header["format_version"] > FORMAT_VERSION:
        raise ArchitectureError(
            f"{where} was written by keras-vnn {header['keras_vnn']} in format {header['format_version']}; "
            f"this release reads up to format {FORMAT_VERSION}.\nUpgrade: pip install -U keras-vnn"
        )
    layers = tuple(_layer_from_json(layer) for layer in header["layers"])
    connections = {}
    for source, target in header["connections"]:
        indptr, indices = (
            _from_npy(archive.read(f"connection_{source}_{target}_{part}.npy")) for part in ("indptr", "indices")
        )
        shape = (len(layers[source]), len(layers[target]))
        matrix = sparse.csr_array((np.ones(len(indices), bool), indices, indptr), shape=shape)
        check_compressed(matrix)
        connections[source, target] = matrix
    arch = Architecture(
        layers,
        connections,
        tuple(Source(**source) for source in header["sources"]),
        header["parameters"],
        Audit.from_json(header["audit"]),
    )
    if arch.fingerprint != header["fingerprint"]:
        raise ArchitectureError(
            f"The content of {where} does not match its fingerprint: expected {header['fingerprint'][:16]}, "
            f"got {arch.fingerprint[:16]}.\nThe file was changed or damaged; build it again."
        )
    return arch


def _layer_to_json(layer: Layer) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "name": layer.name,
        "dense_units": layer.dense_units,
        "id": list(layer.ids),
        "kind": [node.kind for node in layer],
        "units": layer.units.tolist(),
    }
    optional: dict[str, list[Any]] = {
        "label": [node.label if node.label != node.id else "" for node in layer],
        "names": [list(node.names) for node in layer],
        "attributes": [dict(node.attributes) for node in layer],
    }
    return columns | {name: values for name, values in optional.items() if any(values)}


def _layer_from_json(columns: Mapping[str, Any]) -> Layer:
    count = len(columns["id"])
    nodes = tuple(
        Node(id, label, kind, units, tuple(names), attributes)
        for id, label, kind, units, names, attributes in zip(
            columns["id"],
            columns.get("label", [""] * count),
            columns["kind"],
            columns["units"],
            columns.get("names", [()] * count),
            columns.get("attributes", [{}] * count),
            strict=True,
        )
    )
    return Layer(columns["name"], nodes, columns["dense_units"])


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content, compresslevel=2)


def _npy(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array.astype(np.int32), allow_pickle=False)
    return stream.getvalue()


def _from_npy(content: bytes) -> NDArray[np.int32]:
    """Return an array whose declared size is that of its bytes; `numpy.load` makes room for any size first."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if version != (1, 0) or dtype != np.int32 or shape != ((len(content) - stream.tell()) // 4,):
        raise ValueError(
            f"an array of {shape} {dtype}, expected a list of int32 as long as its {counted(len(content), 'byte')}"
        )
    return np.frombuffer(content, dtype, offset=stream.tell())
