"""Small files that claim much: none of them takes a gigabyte."""

import base64
import io
import json
import subprocess
import sys
import zipfile
import zlib
from functools import cache
from pathlib import Path
from unittest.mock import ANY

import h5py
import numpy as np
import pytest

import keras_vnn as vnn

# Prints the error of each file, and how much more memory than before the process had at most, in bytes.
OPEN = """
import json, sys
import keras_vnn as vnn

def memory(kind):
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith(kind))

for path in sys.argv[1:]:
    with open("/proc/self/clear_refs", "w") as reset:
        reset.write("5")
    before = memory("VmRSS")
    try:
        (vnn.load_model if path.endswith(".keras") else vnn.read.architecture)(path)
        said = "opened"
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    print(json.dumps([said, memory("VmHWM") - before]), flush=True)
"""
MANY = 300_000_000
from_linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of memory from /proc")


@cache
def packed(number, count, kind="|u1"):
    """Return so many times the same number, as an adjacency holds them."""
    compressor = zlib.compressobj(6)
    parts = [compressor.compress(f"{kind}\n".encode())]
    block = np.full(1_000_000, number, kind).tobytes()
    parts += [compressor.compress(block) for _ in range(count // 1_000_000)]
    return base64.b64encode(b"".join([*parts, compressor.flush()])).decode()


def content_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(content, compression=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return stream.getvalue()


def layer(config, class_name):
    return next(one["config"] for one in config["config"]["layers"] if one["class_name"] == class_name)


def adjacency(rows, columns, counts, gaps):
    return lambda config: layer(config, "SparselyConnected").update(
        adjacency={"shape": [rows, columns], "counts": counts, "gaps": gaps}
    )


def sparse(**changes):
    return lambda config: layer(config, "SparselyConnected").update(changes)


def dense(**changes):
    return lambda config: layer(config, "Dense").update(changes)


def wide_without_bias(config):
    adjacency(1, 1_000_000, packed(0, 1_000_000), packed(0, 0))(config)
    sparse(units_per_node=1000, use_bias=False)(config)


def dense_kernel(config):
    counts = base64.b64encode(zlib.compress(b"|u1\n" + b"\1" + bytes(49_999))).decode()
    adjacency(60_000, 50_000, counts, base64.b64encode(zlib.compress(b"|u1\n\0")).decode())(config)
    sparse(kernel="dense")(config)


def node_dropout(config):
    extra = {
        "module": "keras_vnn.layers._node_layers",
        "class_name": "NodeDropout",
        "registered_name": "keras_vnn>NodeDropout",
        "config": {"rates": [0.5], "units_per_node": [10**9]},
        "name": "extra",
        "inbound_nodes": [],
    }
    config["config"]["layers"].append(extra)


def shared_wide_input(config):
    """Joins the outputs of a layer to themselves, again and again: each layer is small, the next is not."""
    layers = config["config"]["layers"]
    head = layers[-1]
    (before,) = (one["config"]["keras_history"] for one in head["inbound_nodes"][0]["args"])
    for number in range(14):
        width = 4 * 4**number
        tensor = {
            "class_name": "__keras_tensor__",
            "config": {"shape": [None, width], "dtype": "float32", "keras_history": before},
        }
        name = f"joined_{number}"
        join = {"module": "keras.layers", "class_name": "Concatenate", "config": {"name": name, "axis": -1}}
        join |= {"registered_name": None, "name": name, "inbound_nodes": [{"args": [[tensor] * 4], "kwargs": {}}]}
        layers.insert(-1, join)
        before = [name, 0, 0]
    head["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = before


def thousands_of_layers(config):
    for number in range(3000):
        extra = {"module": "keras.layers", "class_name": "Identity", "config": {"name": f"extra_{number}"}}
        extra |= {"registered_name": None, "name": f"extra_{number}", "inbound_nodes": []}
        config["config"]["layers"].append(extra)


def card(**members):
    """Put an architecture with other members into the card of the model."""

    def change(config):
        inside = layer(config, "ArchitectureCard")
        content = content_of(io.BytesIO(base64.b64decode(inside["architecture"]))) | members
        inside["architecture"] = base64.b64encode(zipped(content, zipfile.ZIP_DEFLATED)).decode()

    return change


def claimed_array():
    stream = io.BytesIO()
    np.save(stream, np.zeros(1, np.int32))
    return stream.getvalue().replace(b"(1,), ", b"(900000000,), ").replace(b" " * 8, b"", 1)


def unstored_weights(shape=(MANY,)):
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.create_dataset("layers/dense/vars/0", shape, "f8", chunks=(1_000_000,))
    return stream.getvalue()


def packed_weights(count):
    """Return weights of which a chunk unpacks to more than there is room for."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        array = file.create_dataset("layers/dense/vars/0", (100,), "f4", chunks=(100,), compression="gzip")
        packer, block = zlib.compressobj(9), bytes(1_000_000)
        first, further = (packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
        array.id.write_direct_chunk((0,), first + further * (count // 1_000_000 - 1))
    return stream.getvalue()


def texts_for_weights():
    """Return weights that are many times the same long text."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        array = file.create_dataset("layers/dense/vars/0", (20_000,), h5py.string_dtype(), chunks=(20_000,))
        array[0] = "A" * 300_000
        (one, *_) = array.id.read_direct_chunk((0,))[1:]
        array.id.write_direct_chunk((0,), one[:16] * 20_000)
    return stream.getvalue()


def claims():
    """Return, by name, what makes a good model claim more than it has: with nothing large to write."""
    return {
        "units of a node": sparse(units_per_node=10**9),
        "units of inputs": sparse(inputs_per_node=10**9),
        "a dense layer": dense(units=10**9),
        "a layer of joined layers": shared_wide_input,
        "dropout of nodes": node_dropout,
        "an array in the card": card(**{"connection_0_1_indices.npy": claimed_array()}),
    }


def models():
    """Return, by name, what changes the configuration of a good model: made when asked for, as they are large."""
    return claims() | {
        "gaps of an adjacency": adjacency(4, 4, packed(1, 0), packed(0, MANY)),
        "counts of an adjacency": adjacency(4, 4, packed(0, MANY), packed(0, 0)),
        "a wide adjacency": adjacency(4, MANY, packed(0, MANY), packed(0, 0)),
        "an adjacency that fits itself": adjacency(4, MANY // 2, packed(1, MANY // 2), packed(0, MANY // 2)),
        "wide without bias": wide_without_bias,
        "a kernel of all pairs": dense_kernel,
        "thousands of layers": thousands_of_layers,
        "a zip in the card": card(**{"architecture.json": b'["' + bytes(400_000_000) + b'"]'}),
        "JSON in the card": card(**{"architecture.json": b"[" + b"[]," * 100_000_000 + b"[]]"}),
    }


def members():
    """Return members of the archive of a model."""
    return {
        "packed JSON": {"config.json": b"[" + b"[]," * 80_000_000 + b"[]]"},
        "packed weights": {"model.weights.h5": bytes(800_000_000)},
        "a chunk of weights": {"model.weights.h5": packed_weights(3 * MANY)},
        "texts for weights": {"model.weights.h5": texts_for_weights()},
        "weights that are not stored": {"model.weights.h5": unstored_weights()},
    }


def architectures():
    """Return members of the archive of an architecture."""
    return {
        "architecture: JSON": {"architecture.json": b"[" + b"[]," * 80_000_000 + b"[]]"},
        "architecture: text": {"architecture.json": b'["' + b" " * 800_000_000 + b'"]'},
        "architecture: array": {"connection_0_1_indices.npy": claimed_array()},
        "architecture: packed array": {"connection_0_1_indices.npy": claimed_array() + bytes(800_000_000)},
    }


def write_bombs(folder: Path, changes: dict, model_parts: dict, architecture_parts: dict) -> dict[str, Path]:
    """Write a good model and, with these changes and these members, the bombs; return them by name."""
    genes = [f"G{n}" for n in range(6)]
    arch = vnn.wire.interactions(genes, vnn.read.Interactions.from_pairs(["G0", "G1"], ["G1", "G2"]))
    paths = {"good": folder / "good.keras"}
    vnn.save_model(vnn.build_model(arch, vnn.pp.classes(["a", "b"]), tail=(4,)), paths["good"])
    arch.save(folder / "good.vnn")
    model, architecture = content_of(paths["good"]), content_of(folder / "good.vnn")
    files = {}
    for name, change in changes.items():
        config = json.loads(model["config.json"])
        change(config)
        for one in config["config"]["layers"]:
            one.pop("build_config", None)
        files[f"{name}.keras"] = zipped(model | {"config.json": json.dumps(config).encode()})
    files |= {f"{name}.keras": zipped(model | parts, zipfile.ZIP_DEFLATED) for name, parts in model_parts.items()}
    files |= {
        f"{name}.vnn": zipped(architecture | parts, zipfile.ZIP_DEFLATED) for name, parts in architecture_parts.items()
    }
    for name, content in files.items():
        paths[name] = folder / name
        paths[name].write_bytes(content)
    return paths


def opened(paths):
    """Return what opening each file said and took."""
    ran = subprocess.run([sys.executable, "-c", OPEN, *paths.values()], capture_output=True, text=True, check=False)
    assert ran.stdout.count("\n") == len(paths), ran.stdout[-2000:] + ran.stderr[-2000:]
    return dict(zip(paths, map(json.loads, ran.stdout.splitlines()), strict=True))


def check(paths):
    assert max(path.stat().st_size for path in paths.values()) < 1_000_000
    found = opened(paths)
    assert found.pop("good") == ["opened", ANY]  # with this, TensorFlow is imported
    for name, (said, taken) in found.items():
        assert taken < 300_000_000, (name, taken, said)
        assert said == "opened" if name == "thousands of layers.keras" else str(paths[name]) in said, (name, said)


@from_linux
def test_no_claim_of_a_small_file_takes_a_gigabyte(tmp_path):
    check(write_bombs(tmp_path, claims(), {}, {}))


@from_linux
@pytest.mark.slow
def test_no_small_file_takes_a_gigabyte(tmp_path):
    # In a process of its own, as what is packed here takes gigabytes.
    made = subprocess.run([sys.executable, __file__, tmp_path], capture_output=True, text=True, check=True)
    check({name: Path(path) for name, path in json.loads(made.stdout).items()})


if __name__ == "__main__":
    bombs = write_bombs(Path(sys.argv[1]), models(), members(), architectures())
    if "--table" not in sys.argv:
        sys.stdout.write(json.dumps({name: str(path) for name, path in bombs.items()}))
        sys.exit()
    for file, (reason, most) in opened(bombs).items():
        line = " ".join(reason.split()).replace(str(bombs[file]), "FILE")
        sys.stdout.write(f"{file:36} {bombs[file].stat().st_size / 1e3:5.0f} kB {most / 1e6:7.0f} MB  {line[:150]}\n")
