"""Whether a file from a stranger is all there and no more than that: no links, no code, no arrays of nothing.

In: the path of an HDF5 file or a zarr store. Out: nothing, or an error. Values are not kept. Damage in an HDF5 file
can send its library into an endless loop, or kill the process, and nothing in the process can stop either. Nor can it
keep the library from unpacking a chunk to more than its array has room for. So another process looks first.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from keras_vnn.basics.errors import ReadError, sample
from keras_vnn.basics.unpacking import LARGEST_FACTOR, codecs_and_shape, is_chunk, unpacked_size

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
                f"The chunks of the zarr store unpack to more than {limit:,} bytes: {path}\n"
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
            f"The arrays of the {what} take {declared:,} bytes in memory, expected at most {limit:,} "
            f"as {stored:,} are stored: {path}\n"
            "It looks made to fill the memory. Download it again, from whom you trust."
        )


def _damaged(where: str, path: Path, error: Exception) -> ReadError:
    return ReadError(f"{where} of the zarr store is damaged: {path}\n    {error}\nDownload it again.")


_MAGIC = b"\x89HDF\r\n\x1a\n"
# Follows every object and every index of chunks. The values of a small file are read, within a limit of memory: what a
# text that many entries share takes is known only then. What the library calls damage ends the look: who went on to
# read such a file in this process could have its memory written over, and die of it files later. In a file of any size,
# those chunks are unpacked, as far as their array has room, that hold more bytes than it, or so many that they could
# unpack beyond all measure: zlib packs 1,032 bytes into one at most. A loop that never ends uses up its processor
# seconds, a slow disk does not.
_PROBE = """
import os, sys, zipfile, zlib

path, member = sys.argv[1:3]
seconds, memory, small, factor, too_much, too_long, damaged = map(int, sys.argv[3:])
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except (ImportError, ValueError, OSError):
    pass
try:
    import h5py
except ImportError:
    sys.exit()

def taken(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith(name))

source = zipfile.ZipFile(path).open(member) if member else open(path, "rb")
size = source.seek(0, 2)
limit = memory if sys.platform == "linux" else 0
if limit:
    before = taken("VmHWM")
    most = taken("VmSize") + limit
    resource.setrlimit(resource.RLIMIT_AS, (most, most))

texts = []

def give_up(error):
    # Values that numpy has no kind for, text of another encoding, filters that are not installed: none is damage.
    if isinstance(error, (OSError, RuntimeError, KeyError, ValueError)) and not isinstance(error, UnicodeError):
        if not {"registered", "plugin"} & set(str(error).replace("'", " ").split()):
            print(next(iter(str(error).splitlines()), type(error).__name__), flush=True)
            os._exit(damaged)

def read(values):
    try:
        found = values()
    except Exception as error:
        if limit and taken("VmHWM") - before > limit // 4:
            os._exit(too_much)
        give_up(error)
        return
    # Of numbers, the array that is declared says enough.
    if getattr(found, "dtype", None) is None or found.dtype.hasobject:
        texts.append(found)

def unpack(item):
    plan = item.id.get_create_plist()
    filters = [plan.get_filter(n)[0] for n in range(plan.get_nfilters())]
    sums = h5py.h5z.FILTER_FLETCHER32
    packing = [n for n, one in enumerate(filters) if one not in (sums, h5py.h5z.FILTER_SHUFFLE, 5, 6)]
    if len(packing) > 1 or packing and set(filters[packing[0] + 1:]) - {sums}:
        os._exit(too_long)
    room = item.dtype.itemsize
    for length in item.chunks:
        room *= length
    room += room // 64 + 1024
    strange = []

    def note(chunk):
        is_packed = packing and not chunk.filter_mask >> packing[0] & 1
        if is_packed and (chunk.size > room or 1032 * chunk.size > max(memory, factor * size)):
            strange.append(chunk)

    item.id.chunk_iter(note) if hasattr(item.id, "chunk_iter") else item.id.get_num_chunks()
    for chunk in strange:
        if filters[packing[0]] != h5py.h5z.FILTER_DEFLATE:
            if chunk.size > room:
                os._exit(too_long)
            continue
        unpacker, given = zlib.decompressobj(), 0
        rest = item.id.read_direct_chunk(chunk.chunk_offset)[1]
        while rest and not unpacker.eof:
            try:
                given += len(unpacker.decompress(rest, 1 << 20))
            except zlib.error:
                break
            rest = unpacker.unconsumed_tail
            if given > room:
                os._exit(too_long)

def look(name, item):
    read(lambda: dict(item.attrs))
    if not isinstance(item, h5py.Dataset):
        return
    read(lambda: item.chunks is not None and item.id.get_space_status() and unpack(item))
    if limit and size < small:
        read(lambda: item[()] if item.shape and item.size * item.dtype.itemsize <= limit // 8 else None)

try:
    with h5py.File(source if member else path, "r") as file:
        read(lambda: dict(file.attrs))
        file.visititems(look)
except Exception as error:
    give_up(error)
"""
# Seconds that pass, for what waits without computing.
_LONGEST = 120
_MEMORY, _SMALL, _TOO_MUCH, _TOO_LONG, _DAMAGED = 1 << 29, 4 << 20, 77, 78, 79


def refuse_damaged_hdf5(path: Path, member: str = "", *, seconds: int = 8) -> None:
    """Raise a `ReadError` when an HDF5 file is damaged, or reading it never ends, kills, or fills the memory.

    It takes a quarter of a second, once for a file as it is. Files that do not begin as HDF5 does are not looked at.

    Parameters
    ----------
    path
        The file, or a zip archive.
    member
        The HDF5 file in the archive.
    seconds
        Of a processor, after which reading is taken not to end.

    Raises
    ------
    ReadError
        So it is, or the library finds damage in any part of it.
    """
    if not member:
        with path.open("rb") as stream:
            if stream.read(len(_MAGIC)) != _MAGIC:
                return
    state = path.stat()
    _look(path.resolve(), path, member, state.st_size, state.st_mtime_ns, seconds)


@lru_cache(maxsize=256)
def _look(found: Path, path: Path, member: str, size: int, changed: int, seconds: int) -> None:
    """Look at a file; what raises is not remembered."""
    if not sys.executable:  # Python inside another program.
        return
    command = [sys.executable, "-P", "-c", _PROBE, str(found), member]
    command += map(str, (seconds, _MEMORY, _SMALL, LARGEST_FACTOR, _TOO_MUCH, _TOO_LONG, _DAMAGED))
    what = f"file {member} in the archive" if member else "HDF5 file"
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LONGEST)
    except subprocess.TimeoutExpired as error:
        raise _never_ends(what, path) from error
    except OSError:  # No further process may be started here.
        return
    bomb = "It looks made to fill the memory. Download it again, from whom you trust."
    if done.returncode == _TOO_MUCH:
        raise ReadError(f"The {what} of {size:,} bytes takes more than {_MEMORY:,} bytes of memory: {path}\n{bomb}")
    if done.returncode == _TOO_LONG:
        raise ReadError(f"A chunk of the {what} unpacks to more than its array has room for: {path}\n{bomb}")
    if _ran_out(done.returncode):
        raise _never_ends(what, path)
    if done.returncode == _DAMAGED:
        reason = done.stdout.decode(errors="replace").strip()
        raise ReadError(f"The {what} is damaged or cut short: {path}\n    {reason}\nDownload it again.")
    if done.returncode < 0:
        raise ReadError(f"The {what} is damaged, reading it kills Python: {path}\nDownload it again.")


def _ran_out(code: int) -> bool:
    """Return whether a process was ended because its processor seconds were used up."""
    return code == -getattr(signal, "SIGXCPU", 0) != 0


def _never_ends(what: str, path: Path) -> ReadError:
    return ReadError(f"The {what} is damaged, reading it never ends: {path}\nDownload it again.")
