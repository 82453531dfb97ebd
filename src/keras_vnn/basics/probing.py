"""Whether an HDF5 file can be opened at all: another process looks first.

Damage in an HDF5 file can send its library into an endless loop, or kill the process, and nothing in the process can
stop either. In: a path. Out: nothing, or an error.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from keras_vnn.basics.errors import ReadError

__all__ = ["refuse_damaged_hdf5"]

_MAGIC = b"\x89HDF\r\n\x1a\n"
# Follows every object and every index of chunks; values are not read. A loop that never ends uses up its processor
# seconds, a slow disk does not.
_PROBE = """
import sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), int(sys.argv[2]) + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except (ImportError, ValueError, OSError):
    pass
try:
    import h5py
except ImportError:
    sys.exit()

def look(name, item):
    dict(item.attrs)
    if isinstance(item, h5py.Dataset) and item.chunks is not None and item.id.get_space_status():
        item.id.get_num_chunks()

with h5py.File(sys.argv[1], "r") as file:
    dict(file.attrs)
    file.visititems(look)
"""
_PROCESSOR_SECONDS, _SECONDS = 8, 120


def refuse_damaged_hdf5(path: Path) -> None:
    """Raise a `ReadError` when an HDF5 file is so damaged that reading it never ends, or kills the process.

    It takes a quarter of a second, once for a file as it is. Files that do not begin as HDF5 does are not looked at.

    Raises
    ------
    ReadError
        So it is. Damage that the library finds itself is left to who reads the file.
    """
    with path.open("rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            return
    state = path.stat()
    _look(path.resolve(), path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _look(found: Path, path: Path, size: int, changed: int) -> None:
    """Look at a file; what raises is not remembered."""
    if not sys.executable:  # Python inside another program.
        return
    command = [sys.executable, "-P", "-c", _PROBE, str(found), str(_PROCESSOR_SECONDS)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise _never_ends(path) from error
    except OSError:  # No further process may be started here.
        return
    if _ran_out(done.returncode):
        raise _never_ends(path)
    # What the library says of itself it says to the reader too, which knows what it needs of the file.
    if done.returncode < 0:
        raise ReadError(f"The HDF5 file is damaged, reading it kills Python: {path}\nDownload it again.")


def _ran_out(code: int) -> bool:
    """Return whether a process was ended because its processor seconds were used up."""
    return code == -getattr(signal, "SIGXCPU", 0) != 0


def _never_ends(path: Path) -> ReadError:
    return ReadError(f"The HDF5 file is damaged, reading it never ends: {path}\nDownload it again.")
