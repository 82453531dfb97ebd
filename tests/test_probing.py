"""HDF5 files that send their library into an endless loop, kill it, or are merely cut short."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from keras_vnn import check_file, read_expression, read_genes
from keras_vnn.basics import probing
from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.probing import refuse_damaged_hdf5

# Fifteen cells and genes in chunks of 2 × 2, with three bits flipped: following the index of its chunks never ends.
NEVER_ENDS = Path(__file__).parent / "damaged" / "never_ends.h5ad"


@pytest.fixture(autouse=True)
def one_second(monkeypatch):
    monkeypatch.setattr(probing, "_PROCESSOR_SECONDS", 1)
    probing._look.cache_clear()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of processor seconds; it waits two minutes")
@pytest.mark.parametrize("read", [refuse_damaged_hdf5, read_expression, read_genes])
def test_a_file_that_never_ends_is_an_error(read, tmp_path):
    path = tmp_path / "cells.h5ad"
    shutil.copy(NEVER_ENDS, path)
    with pytest.raises(ReadError) as error:
        read(path)
    expected = f"The HDF5 file is damaged, reading it never ends: {path}\nDownload it again."
    assert str(error.value) == expected
    assert expected.splitlines()[0] in str(check_file(path))


def test_a_file_that_kills_the_process(tmp_path, monkeypatch):
    path = tmp_path / "cells.h5ad"
    shutil.copy(NEVER_ENDS, path)
    monkeypatch.setattr(probing, "_PROBE", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(ReadError) as error:
        refuse_damaged_hdf5(path)
    assert str(error.value) == f"The HDF5 file is damaged, reading it kills Python: {path}\nDownload it again."


def test_what_the_library_notices_is_left_to_the_reader(tmp_path):
    path = tmp_path / "cells.h5ad"
    with h5py.File(path, "w") as file:
        file["X"] = np.arange(10_000.0)
    path.write_bytes(path.read_bytes()[:5_000])
    refuse_damaged_hdf5(path)
    with pytest.raises(ReadError, match="damaged, incomplete, or holds no AnnData"):
        read_expression(path)


def test_a_whole_file_is_looked_at_once_and_again_when_it_has_changed(tmp_path, monkeypatch):
    calls = []

    def run(*arguments, **options):
        calls.append(arguments)
        return subprocess.CompletedProcess(arguments, 0, b"", b"")

    monkeypatch.setattr(subprocess, "run", run)
    path = tmp_path / "cells.h5ad"
    for size in (10, 10, 20):
        if not path.exists() or size == 20:
            with h5py.File(path, "w") as file:
                file["X"] = np.arange(float(size))
        refuse_damaged_hdf5(path)
        refuse_damaged_hdf5(path)
    assert len(calls) == 2


def test_what_is_no_hdf5_file_is_not_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", None)
    path = tmp_path / "genes.txt"
    path.write_text("TP53\n")
    refuse_damaged_hdf5(path)


def test_a_module_beside_the_file_is_not_run(tmp_path, monkeypatch):
    """The process that looks must not import what lies in the current folder."""
    (tmp_path / "h5py.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "cells.h5ad"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    refuse_damaged_hdf5(path)
    assert not (tmp_path / "ran").exists()


def chunk_bomb(path):
    """A chunk of a hundred numbers, which unpacks to a gigabyte."""
    with h5py.File(path, "w") as file:
        packer, block = zlib.compressobj(9), bytes(1 << 24)
        packed = b"".join(packer.compress(block) for _ in range(64)) + packer.flush()
        matrix = file.create_dataset("X", (10, 10), np.float32, chunks=(10, 10), compression="gzip")
        matrix.id.write_direct_chunk((0, 0), packed)


def text_bomb(path):
    """Twenty thousand entries that are one text of 600,000 letters."""
    with h5py.File(path, "w") as file:
        texts = file.create_dataset("X", (20_000,), h5py.string_dtype(), chunks=(20_000,), compression="gzip")
        texts[0] = "A" * 600_000
        one = zlib.decompress(texts.id.read_direct_chunk((0,))[1])[:16]
        texts.id.write_direct_chunk((0,), zlib.compress(one * 20_000))


@pytest.mark.skipif(sys.platform != "linux", reason="Memory is limited on Linux only")
@pytest.mark.parametrize("bomb", [chunk_bomb, text_bomb])
def test_a_small_file_takes_less_than_a_gigabyte(bomb, tmp_path):
    path = tmp_path / "cells.h5ad"
    bomb(path)
    size = path.stat().st_size
    assert size < 1 << 20
    # The largest that getrusage knows of a process itself is that of its parent, where this was larger.
    code = (
        "import resource, sys, keras_vnn as vnn\n"
        "try:\n    vnn.read_genes(sys.argv[1])\nexcept vnn.VNNError as error:\n    print(error)\n"
        "own = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(own.split()[1])\nprint(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    said, own, probe = done.stdout.rstrip().rsplit("\n", 2)
    assert said == (
        f"The HDF5 file of {size:,} bytes takes more than 536,870,912 bytes of memory: {path}\n"
        "It looks made to fill the memory. Download it again, from whom you trust."
    )
    assert int(own) < 1 << 20 and int(probe) < 1 << 20
