"""HDF5 files that send their library into an endless loop, kill it, or are merely cut short."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zlib
from pathlib import Path
from unittest.mock import Mock

import h5py
import numpy as np
import pytest

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.untrusted import refuse_damaged_hdf5
from keras_vnn.read import check_file
from keras_vnn.read import expression as read_expression
from keras_vnn.read import genes as read_genes

# Fifteen cells and genes in chunks of 2 × 2, with three bits flipped: following the index of its chunks never ends.
NEVER_ENDS = Path(__file__).parent / "damaged" / "never_ends.h5ad"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of processor seconds; it waits two minutes")
def test_a_file_that_never_ends_is_an_error(tmp_path):
    path = tmp_path / "cells.h5ad"
    shutil.copy(NEVER_ENDS, path)
    with pytest.raises(ReadError) as error:
        refuse_damaged_hdf5(path, seconds=1)
    assert str(error.value) == f"The HDF5 file is damaged, reading it never ends: {path}\nDownload it again."


@pytest.mark.parametrize("read", [refuse_damaged_hdf5, read_expression, read_genes])
def test_damage_behind_other_damage_does_not_kill(read, tmp_path):
    # The library finds the first damage; listing the group behind it kills who goes on.
    path = tmp_path / "cells.h5ad"
    shutil.copy(NEVER_ENDS.with_name("kills_who_lists.h5ad"), path)
    with pytest.raises(ReadError) as error:
        read(path)
    assert str(error.value).startswith(f"The HDF5 file is damaged or cut short: {path}\n")
    assert str(error.value).splitlines()[0] in str(check_file(path))


def test_what_kills_the_process_that_looks_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", Mock(return_value=subprocess.CompletedProcess([], -11, b"", b"")))
    path = tmp_path / "cells.h5ad"
    h5py.File(path, "w").close()
    with pytest.raises(ReadError) as error:
        refuse_damaged_hdf5(path)
    assert str(error.value) == f"The HDF5 file is damaged, reading it kills Python: {path}\nDownload it again."


def cut_short(path):
    path.write_bytes(path.read_bytes()[:5_000])
    return "truncated file"


def with_a_broken_group(path):
    # Who lists this group in the process that reads dies of it now, or some files later.
    content = bytearray(path.read_bytes())
    at = content.index(b"SNOD")
    content[at : at + 4] = b"WORN"
    path.write_bytes(content)
    return "symbol table node"


@pytest.mark.parametrize("damage", [cut_short, with_a_broken_group])
@pytest.mark.parametrize("read", [refuse_damaged_hdf5, read_expression, read_genes])
def test_a_file_in_which_the_library_finds_damage_is_not_read_here(damage, read, tmp_path, monkeypatch):
    path = tmp_path / "cells.h5ad"
    with h5py.File(path, "w") as file:
        file["X"] = np.arange(10_000.0)
    reason = damage(path)
    monkeypatch.setattr(h5py, "File", Mock(side_effect=AssertionError("the file was opened in this process")))
    with pytest.raises(ReadError) as error:
        read(path)
    first, second, remedy = str(error.value).split("\n")
    assert first == f"The HDF5 file is damaged or cut short: {path}"
    assert reason in second
    assert remedy == "Download it again."


def test_values_that_numpy_does_not_know_are_no_damage(tmp_path):
    path = tmp_path / "cells.h5ad"
    with h5py.File(path, "w") as file:
        file["X"] = np.arange(10.0)
        h5py.h5d.create(file.id, b"a", h5py.h5t.UNIX_D32LE, h5py.h5s.create_simple((4,)))  # dates
    with h5py.File(path) as file, pytest.raises(TypeError):
        file["a"].dtype  # noqa: B018
    refuse_damaged_hdf5(path)


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
    started = Mock()
    monkeypatch.setattr(subprocess, "run", started)
    path = tmp_path / "genes.txt"
    path.write_text("TP53\n")
    refuse_damaged_hdf5(path)
    started.assert_not_called()


def test_a_module_beside_the_file_is_not_run(tmp_path, monkeypatch):
    """The process that looks must not import what lies in the current folder."""
    (tmp_path / "h5py.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "cells.h5ad"
    h5py.File(path, "w").close()
    refuse_damaged_hdf5(path)
    assert not (tmp_path / "ran").exists()


def zeros(count):
    """Return so many zero bytes, packed by zlib; without its end, as it takes seconds to get there."""
    packer, block = zlib.compressobj(9), bytes(1 << 24)
    first, further = (packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + further * ((count >> 24) - 1)


def chunk_bomb(file):
    """A chunk of a hundred numbers, which unpacks to a gigabyte."""
    matrix = file.create_dataset("X", (10, 10), np.float32, chunks=(10, 10), compression="gzip")
    matrix.id.write_direct_chunk((0, 0), zeros(15 << 26))


def chunk_in_a_large_file(file):
    """The same with five megabytes beside it."""
    file["uns"] = np.random.default_rng(0).integers(0, 256, 5 << 20, np.uint8)
    chunk_bomb(file)


def wide_chunk_in_a_large_file(file):
    """A chunk that holds less than its array has room for, and unpacks to two gigabytes."""
    file["uns"] = np.random.default_rng(0).integers(0, 256, 5 << 20, np.uint8)
    matrix = file.create_dataset("X", (1 << 20,), np.float32, chunks=(1 << 20,), compression="gzip")
    matrix.id.write_direct_chunk((0,), zeros(1 << 31))


def packed_twice(file):
    """A kilobyte that unpacks to a megabyte, and that to a gigabyte."""
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((100,))
    for _ in range(2):
        plan.set_filter(h5py.h5z.FILTER_DEFLATE, h5py.h5z.FLAG_MANDATORY, (9,))
    space = h5py.h5s.create_simple((100,))
    matrix = h5py.h5d.create(file.id, b"X", h5py.h5t.IEEE_F32LE, space, plan)
    matrix.write_direct_chunk((0,), zlib.compress(zeros(1 << 30), 9))


def text_bomb(file, letters=600_000, name="X"):
    """Twenty thousand entries that are one text."""
    texts = file.create_dataset(name, (20_000,), h5py.string_dtype(), chunks=(20_000,), compression="gzip")
    texts[0] = "A" * letters
    one = zlib.decompress(texts.id.read_direct_chunk((0,))[1])[:16]
    texts.id.write_direct_chunk((0,), zlib.compress(one * 20_000))


def many_text_bombs(file):
    """None of them beyond the limit, all together are."""
    for number in range(8):
        text_bomb(file, 12_000, f"obs{number}")


TOO_MUCH = "The HDF5 file of {size:,} bytes takes more than 536,870,912 bytes of memory: {path}\n"
TOO_LONG = "A chunk of the HDF5 file unpacks to more than its array has room for: {path}\n"
BOMBS = {
    chunk_bomb: TOO_LONG,
    chunk_in_a_large_file: TOO_LONG,
    wide_chunk_in_a_large_file: TOO_LONG,
    packed_twice: TOO_LONG,
    text_bomb: TOO_MUCH,
    many_text_bombs: TOO_MUCH,
}
READ = """
import json, resource, sys, keras_vnn as vnn
for path in sys.argv[1:]:
    try:
        vnn.read.genes(path)
    except vnn.VNNError as error:
        print(json.dumps(str(error)))
# The largest that getrusage knows of a process itself is that of its parent, where this was larger.
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Memory is limited on Linux only")
def test_no_file_takes_a_gigabyte(tmp_path):
    paths = [tmp_path / f"{bomb.__name__}.h5ad" for bomb in BOMBS]
    for bomb, path in zip(BOMBS, paths, strict=True):
        with h5py.File(path, "w") as file:
            bomb(file)
        assert path.stat().st_size < (8 << 20 if "large" in path.name else 1 << 20)
    done = subprocess.run([sys.executable, "-c", READ, *paths], capture_output=True, text=True, check=True)
    *said, own, probe = done.stdout.splitlines()
    advice = "It looks made to fill the memory. Download it again, from whom you trust."
    for text, one, path in zip(BOMBS.values(), said, paths, strict=True):
        assert json.loads(one) == text.format(path=path, size=path.stat().st_size) + advice
    assert int(own) < 1 << 20 and int(probe) < 1 << 20


def test_packed_chunks_that_fit_their_array_are_read(tmp_path):
    """One that zlib made longer than it was, one with a checksum behind it, and one that was not packed at all."""
    path = tmp_path / "cells.h5ad"
    noise = np.frombuffer(np.random.default_rng(0).bytes(4 << 20), np.uint8)
    with h5py.File(path, "w") as file:
        for name, options in (("plain", {}), ("sum", {"fletcher32": True}), ("mixed", {"shuffle": True})):
            made = file.create_dataset(name, data=noise, chunks=(1 << 20,), compression="gzip", **options)
        made.id.write_direct_chunk((0,), bytes(1 << 20), filter_mask=0b11)
    assert refuse_damaged_hdf5(path) is None
