"""Whether an HDF5 file or a zarr store is all there and no more than that: no links, no code, no arrays of nothing.

In: the path of a file or folder from a stranger. Out: nothing, or an error. Values are not kept.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_vnn.basics.errors import ReadError, counted, sample
from keras_vnn.basics.unpacking import LARGEST_FACTOR
from keras_vnn.basics.zarr_chunks import codecs_and_shape, is_chunk, unpacked_size

# Arrays may declare this many bytes whatever is stored of them, and beyond, so many times what is stored.
_LARGEST_FREE = 1 << 26
# What a value takes at least when it is used: numbers become float32, each text an object of Python.
_NUMBER, _TEXT = 4, 64
_METADATA = {".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json"}
# Codecs that turn bytes into bytes, numbers or text. `pickle` runs code, and others may be installed that do.
_CODECS = frozenset(
    "adler32 bitround blosc bytes bz2 crc32 crc32c delta fixedscaleoffset fletcher32 gzip lz4 lzma packbits "
    "sharding_indexed shuffle transpose vlen-bytes vlen-utf8 zlib zstd".split()
)


def check_compressed(matrix: Any) -> None:
    """Raise a `ValueError` when a CSR or CSC matrix points outside of itself, which kills Python when it is used.

    SciPy's own check looks at neither pointers nor indices where the last pointer is 0 or less.
    """
    if (np.diff(np.asarray(matrix.indptr, np.int64), prepend=0) < 0).any():
        raise ValueError("indptr must rise from 0")
    matrix.check_format(full_check=True)


def check_hdf5(source: Any, path: Path) -> None:
    """Raise unless an HDF5 file holds what it names.

    Parameters
    ----------
    source
        An open h5py file, a path, or a binary stream.
    path
        What to call it in the error.

    Raises
    ------
    ReadError
        It links to other files, which would be read as if they were part of it; has one group under two names; or
        declares arrays of which it stores next to nothing.
    """
    import h5py

    if not isinstance(source, h5py.Group):
        with h5py.File(source, "r") as file:
            check_hdf5(file, path)
        return
    waiting, seen, declared = [source], {source.id}, 0
    while waiting:
        group = waiting.pop()
        for name in group:
            where = f"{group.name.rstrip('/')}/{name}"
            is_outside = isinstance(group.get(name, getlink=True), h5py.ExternalLink)
            item = None if is_outside else group.get(name)
            if isinstance(item, h5py.Dataset):
                is_outside = bool(item.external) or item.is_virtual
                declared += _bytes(item.shape or (), item.dtype)
            elif isinstance(item, h5py.Group):
                if item.id in seen:
                    raise ReadError(
                        f"The HDF5 file has the group {where} under another name too: {path}\n"
                        "Ask for a file without links."
                    )
                seen.add(item.id)
                waiting.append(item)
            if is_outside:
                raise ReadError(
                    f"The HDF5 file takes {where} from another file: {path}\n"
                    "Links to other files are not followed. Ask for a file that is complete."
                )
    _check_size(declared, source.file.id.get_filesize(), "HDF5 file", path)


def check_zarr(path: Path) -> None:
    """Raise unless a zarr store holds what it names, decoded by codecs that cannot run code.

    Raises
    ------
    ReadError
        It names a codec that is not known to be harmless, holds links, declares arrays of which it stores next to
        nothing, has chunks that unpack beyond all measure, or its metadata are damaged.
    """
    stored, declared = 0, Counter[str]()
    described: dict[Path, list[dict[str, Any]]] = {}
    chunks = []
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            member = Path(folder, name)
            where = member.relative_to(path).as_posix()
            if member.is_symlink():
                raise ReadError(
                    f"The zarr store takes {where} from elsewhere: {path}\n"
                    "Links are not followed. Ask for a store that is complete."
                )
            if name in files:
                stored += member.stat().st_size
                chunks += [] if name.lower() in _METADATA else [member]
            # File systems that ignore case find a file by any spelling.
            if name.lower() in _METADATA:
                # An array stands in a file of its own, and may stand again in a file that sums up several.
                for place, array in _arrays(member, path):
                    declared["" if place == "" else where] += _checked_array(array, where, path)
                    described.setdefault(Path(folder, place), []).append(array)
    _check_size(max(declared.values(), default=0), stored, "zarr store", path)
    _check_chunks(described, chunks, max(_LARGEST_FREE, LARGEST_FACTOR * stored), path)


def _check_chunks(described: dict[Path, list[dict[str, Any]]], chunks: list[Path], limit: int, path: Path) -> None:
    """Raise when the chunks of arrays unpack to more than a limit, by any description of them."""
    total = 0
    for chunk in chunks:
        # A folder within an array may be described as another array.
        folders = [one for one in chunk.parents if one in described and is_chunk(chunk.relative_to(one).as_posix())]
        arrays = [array for folder in folders for array in described[folder]]
        try:
            total += max((unpacked_size(array, chunk, limit - total) for array in arrays), default=0)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
            raise _damaged(chunk.relative_to(path).as_posix(), path, error) from error
        if total > limit:
            raise ReadError(
                f"The chunks of the zarr store unpack to more than {counted(limit, 'byte')}: {path}\n"
                "It looks made to fill the memory. Download it again, from whom you trust."
            )


def _arrays(member: Path, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the descriptions of arrays in a file of metadata, and their places from there; none when alone in it."""
    try:
        document = json.loads(member.read_bytes())
    except (ValueError, RecursionError, OSError) as error:
        raise _damaged(member.relative_to(path).as_posix(), path, error) from error
    waiting = [("", document)]
    while waiting:
        place, node = waiting.pop()
        if isinstance(node, dict):
            if "shape" in node and ("chunks" in node or "chunk_grid" in node):
                yield place.removesuffix("/.zarray"), node
            waiting.extend(node.items())


def _checked_array(array: dict[str, Any], where: str, path: Path) -> int:
    """Return how many bytes an array takes, or one of its chunks if that is more."""
    try:
        codecs, chunks = codecs_and_shape(array)
        names = set(_codec_names(codecs))
        kind = array["dtype"] if "dtype" in array else array["data_type"]
        size = max(_bytes(array["shape"], kind), _bytes(chunks, kind))
    # An infinite length is an OverflowError.
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(where, path, error) from error
    wrong = {name for name in names if name.removeprefix("numcodecs.") not in _CODECS}
    if wrong or array.get("storage_transformers"):
        raise ReadError(
            f"{where} of the zarr store is decoded by {sample(wrong or {'storage transformers'})}: {path}\n"
            "Only plain compression and text are decoded, as other codecs can run code. "
            "Ask for a store written by anndata."
        )
    return size


def _codec_names(codecs: list[Any]) -> Iterator[str]:
    """Yield the names of codecs, of those within others too."""
    waiting = list(codecs)
    while waiting:
        codec = waiting.pop()
        if isinstance(codec, str):
            yield codec
            continue
        yield str(codec["id"] if "id" in codec else codec["name"])
        inner = codec.get("configuration") or {}
        waiting += [*inner.get("codecs", ()), *inner.get("index_codecs", ())]


def _bytes(shape: Any, kind: Any) -> int:
    """Return what an array of this type takes in memory at least."""
    import numpy as np

    if isinstance(kind, dict):
        size = int(kind.get("configuration", {}).get("length_bytes", _TEXT))
    else:
        try:
            found = np.dtype([tuple(field) for field in kind] if isinstance(kind, list) else kind)
            size = _TEXT if found.hasobject else found.itemsize
        except TypeError:  # a type of zarr that NumPy does not have, such as text
            size = _TEXT
    return math.prod(int(length) for length in shape) * max(size, _NUMBER)


def _check_size(declared: int, stored: int, what: str, path: Path) -> None:
    limit = max(_LARGEST_FREE, LARGEST_FACTOR * stored)
    if declared > limit:
        raise ReadError(
            f"The arrays of the {what} take {counted(declared, 'byte')} in memory, expected at most {limit:,} as "
            f"{stored:,} are stored: {path}\n"
            "It looks made to fill the memory. Download it again, from whom you trust."
        )


def _damaged(where: str, path: Path, error: Exception) -> ReadError:
    return ReadError(f"{where} of the zarr store is damaged: {path}\n    {error}\nDownload it again.")
