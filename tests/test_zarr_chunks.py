"""What chunks of zarr unpack to is told before they are unpacked: never less than the decoder makes of them."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import subprocess
import sys
import warnings
import zlib

import numcodecs
import numpy as np
import pytest

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.unpacking import unpacked_size
from keras_vnn.basics.untrusted import check_zarr

PACKING = ("blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd")
CONTENTS = {
    "a little": b"TP53" * 3,
    "zeros": bytes(1_000_000),
    "noise": np.random.default_rng(0).bytes(300_000),
    "counts": np.random.default_rng(0).poisson(1, 200_000).astype("<i4").tobytes(),
}
LIMIT = 1 << 26


def described(codec, shape=(10,), **more):
    return {"zarr_format": 2, "shape": [10], "chunks": list(shape), "dtype": "<f4", "compressor": codec, **more}


@pytest.mark.parametrize("name", PACKING)
@pytest.mark.parametrize("content", CONTENTS)
def test_no_less_than_the_decoder_makes_and_hardly_more(tmp_path, name, content):
    codec = numcodecs.get_codec({"id": name})
    packed = bytes(codec.encode(CONTENTS[content]))
    (tmp_path / "0").write_bytes(packed)
    size = len(bytes(codec.decode(packed)))
    told = unpacked_size(described(codec.get_config()), tmp_path / "0", LIMIT)
    assert size <= told <= size + (1 << 17)
    if name not in ("blosc", "lz4"):  # whose headers tell it
        assert unpacked_size(described(codec.get_config()), tmp_path / "0", 1000) <= 1000 + (1 << 21)


def test_frames_of_zstd_are_counted_one_by_one(tmp_path):
    codec = numcodecs.Zstd()
    skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    unsized = b"\x28\xb5\x2f\xfd\x00\x58" + (1 | 1 << 1 | 50_000 << 3).to_bytes(3, "little") + b"A"
    packed = codec.encode(CONTENTS["counts"]) + skipped + unsized + codec.encode(CONTENTS["zeros"])
    (tmp_path / "0").write_bytes(packed)
    size = 800_000 + 50_000 + 1_000_000
    assert size <= unpacked_size(described({"id": "zstd"}), tmp_path / "0", LIMIT) <= size + (1 << 18)


def deflated(count, wbits=15):
    """Return so many zero bytes, packed by zlib; without its end, as it takes seconds to get there."""
    packer, block = zlib.compressobj(9, wbits=wbits), bytes(1 << 24)
    first, further = (packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + further * ((count >> 24) - 1)


MANY = 96 << 20
BOMBS = {
    "blosc": b"\2\1\1\1" + MANY.to_bytes(4, "little") + bytes(8),
    "bz2": bz2.compress(bytes(MANY >> 3)) * 8,
    "gzip": deflated(MANY, 31),
    "members of gzip": gzip.compress(bytes(MANY >> 6), 9) * 64,
    "lz4": MANY.to_bytes(4, "little") + bytes(8),
    "lzma": lzma.compress(bytes(MANY >> 4)) * 16,
    "zlib": deflated(MANY),
    "zstd": bytes(numcodecs.Zstd().encode(bytes(MANY))),
}


def write(folder, description, chunk):
    """Write a store of one array and one chunk."""
    array = folder / "bomb.zarr" / "X"
    array.mkdir(parents=True)
    (array.parent / ".zgroup").write_text('{"zarr_format": 2}')
    (array / ".zarray").write_text(json.dumps({"order": "C", "fill_value": 0, "filters": None} | description))
    (array / "0").write_bytes(chunk)
    return array.parent


@pytest.mark.parametrize("name", BOMBS)
def test_a_chunk_that_unpacks_beyond_all_measure_is_refused(tmp_path, name):
    store = write(tmp_path, described({"id": name.split()[-1]}), BOMBS[name])
    with pytest.raises(ReadError) as error:
        check_zarr(store)
    assert str(error.value) == (
        f"The chunks of the zarr store unpack to more than 67,108,864 bytes: {store}\n"
        "It looks made to fill the memory. Download it again, from whom you trust."
    )


def texts(count):
    """Return a chunk that claims so many texts, and holds one."""
    return count.to_bytes(4, "little") + b"\4\0\0\0TP53"


def shards(*chunks, repeated=1):
    """Return a shard of zarr 3 whose index names each of its chunks several times."""
    places, content = [], b""
    for chunk in chunks:
        places += [(len(content), len(chunk))] * repeated
        content += chunk
    return content + np.array(places, "<u8").tobytes() + b"\0\0\0\0"


def sharded(count, codecs):
    inner = {"chunk_shape": [10], "codecs": codecs, "index_codecs": [{"name": "bytes"}, {"name": "crc32c"}]}
    grid = {"name": "regular", "configuration": {"chunk_shape": [10 * count]}}
    codec = {"name": "sharding_indexed", "configuration": inner}
    return {"shape": [10 * count], "chunk_grid": grid, "data_type": "float32", "codecs": [codec]}


ZSTD = numcodecs.Zstd()
REFUSED = {
    "texts that are not there": (
        described({"id": "zstd"}, dtype="|O", filters=[{"id": "vlen-utf8"}]),
        ZSTD.encode(texts(4_000_000_000)),
        "a chunk claims 4,000,000,000 texts, expected at most 10",
    ),
    "texts that are not packed": (
        described(None, dtype="|O", filters=[{"id": "vlen-bytes"}]),
        texts(4_000_000_000),
        "a chunk claims 4,000,000,000 texts, expected at most 10",
    ),
    "packed twice": (
        described({"id": "zlib"}, filters=[{"id": "zlib"}]),
        zlib.compress(zlib.compress(bytes(1000))),
        "chunks are packed more than once: zlib, zlib",
    ),
    "a checksum before what is packed": (
        {"shape": [10], "chunk_grid": {"configuration": {"chunk_shape": [10]}}, "data_type": "float32"}
        | {"codecs": ["bytes", {"name": "zstd", "configuration": {}}, {"name": "numcodecs.adler32"}]},
        b"0000" + ZSTD.encode(bytes(100)),
        "chunks are packed more than once: bytes, zstd, numcodecs.adler32",
    ),
    "a chunk named many times": (
        sharded(100, ["bytes", {"name": "zstd"}]),
        shards(ZSTD.encode(bytes(1 << 20)), repeated=100),
        "The chunks of the zarr store unpack to more than ",
    ),
    "shards within shards": (
        sharded(1, [{"name": "sharding_indexed"}]),
        shards(b"x"),
        "shards are packed, or within shards",
    ),
    "an index that is packed": (
        sharded(1, ["bytes"])
        | {
            "codecs": [
                {
                    "name": "sharding_indexed",
                    "configuration": {"index_codecs": ["zstd"]} | {"chunk_shape": [10], "codecs": ["bytes"]},
                }
            ]
        },
        shards(b"x"),
        "the index of shards is written as zstd",
    ),
    "no size of a chunk in a shard": (
        sharded(1, ["bytes"])
        | {
            "codecs": [
                {
                    "name": "sharding_indexed",
                    "configuration": {"index_codecs": ["bytes"]} | {"chunk_shape": [0], "codecs": ["bytes"]},
                }
            ]
        },
        shards(b"x"),
        "X/0 of the zarr store is damaged: ",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_made_to_fill_the_memory_is_refused(tmp_path, case):
    description, chunk, expected = REFUSED[case]
    with pytest.raises(ReadError, match=expected) as error:
        check_zarr(write(tmp_path, description, bytes(chunk)))
    assert str(error.value).count("\n") >= 1


def test_an_array_within_a_chunk_folder_hides_nothing(tmp_path):
    description = sharded(1, ["bytes"]) | {"codecs": ["bytes", {"name": "zstd"}]}
    store = write(tmp_path, description, b"")
    inner = store / "X" / "c"
    inner.mkdir()
    (inner / "0").write_bytes(ZSTD.encode(bytes(100 << 20)))
    (inner / "zarr.json").write_text(json.dumps(description | {"codecs": ["bytes"]}))
    with pytest.raises(ReadError, match="The chunks of the zarr store unpack to more than "):
        check_zarr(store)


READ = """
import json, sys, warnings, keras_vnn as vnn
warnings.simplefilter("ignore")
for path in sys.argv[1:]:
    try:
        vnn.read.expression(path)
    except vnn.VNNError as error:
        print(json.dumps(str(error)))
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_no_small_store_takes_a_gigabyte(tmp_path):
    """Whole stores of anndata, of which one chunk unpacks to two gigabytes."""
    anndata = pytest.importorskip("anndata")
    chunks = {"zlib": deflated(900 << 20), "zstd": numcodecs.Zstd().encode(bytes(1 << 27)) * 16}
    for name, chunk in chunks.items():
        path = tmp_path / f"{name}.zarr"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # anndata prefers the newer format
            with anndata.settings.override(zarr_write_format=2):
                anndata.AnnData(np.ones((4, 3), np.float32)).write_zarr(path)
        file = path / "X" / ".zarray"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"compressor": {"id": name}}))
        (path / ".zmetadata").unlink()
        (path / "X" / "0.0").write_bytes(chunk)
        assert sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) < 1 << 20
    paths = [tmp_path / f"{name}.zarr" for name in chunks]
    done = subprocess.run([sys.executable, "-c", READ, *paths], capture_output=True, text=True, check=True)
    *said, peak = done.stdout.splitlines()
    assert [json.loads(one).partition("than")[0] for one in said] == [
        "The chunks of the zarr store unpack to more "
    ] * 2
    assert int(peak) < 1 << 20
