"""Whether an HDF5 file can be opened at all: another process looks first.

Damage in an HDF5 file can send its library into an endless loop, or kill the process, and nothing in the process can
stop either. Nor can it keep the library from unpacking a chunk to more than its array has room for. In: a path, or that
of an archive and the name of a file in it. Out: nothing, or an error.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from keras_vnn.basics.errors import ReadError, counted
from keras_vnn.basics.unpacking import LARGEST_FACTOR

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
        raise ReadError(
            f"The {what} of {counted(size, 'byte')} takes more than {counted(_MEMORY, 'byte')} of memory: "
            f"{path}\n{bomb}"
        )
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
