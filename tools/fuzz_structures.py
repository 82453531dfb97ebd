"""Files with a structure of their own, broken inside it, and the options that are drawn with a file.

In: a generator of random numbers. Out: seeds of folders (as zip archives, unpacked before they are read), mutations of
HDF5 and of the configuration of a model, options of a reader, and functions that read what has no public reader.
"""

from __future__ import annotations

import io
import json
import random
import sqlite3
import tempfile
import zipfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

OPTIONS = {
    "read.annotations": ("format", "columns"),
    "read.expression": ("orientation", "layer"),
    "read.gene_sets": ("format",),
    "read.genes": ("column", "header", "delimiter", "orientation"),
    "read.hierarchy": ("format",),
    "read.identifier_map": ("format", "columns"),
    "read.interactions": ("format", "columns", "header", "delimiter"),
    "read.ontology": ("format", "columns"),
    "read.regulation": ("format", "columns", "header", "delimiter"),
}
FORMATS = (
    "auto biogrid cellxgene csv cx2 ddot drem gaf gene2go gmt gpad hippie hgnc json mitab obo owl sif string table "
    "trrust tsv dorothea nonsense"
).split()
VALUES: dict[str, tuple[Any, ...]] = {
    "format": tuple(FORMATS),
    "columns": ((0, 1), (1, 0), (0, 0), (0,), (0, 1, 2), (0, 99), (-1, 0), ("a", "b"), ("gene", 1), ()),
    "column": (0, 1, 99, -1, "gene", "", "symbol"),
    "header": (True, False),
    "delimiter": (",", "\t", ";", " ", "|", "::", "", "\0", "\n", '"'),
    "orientation": ("auto", "cells-by-genes", "genes-by-cells", "nonsense"),
    "layer": ("X", "raw", "dense", "nonsense", ""),
}
FOLDERS = {"zarr": "read.expression", "comparison": "finished", "downloads": "fetch", "genotypes": "genotypes"}


def drawn_options(rng: random.Random, target: str) -> dict[str, Any]:
    """Return options of a reader, each of the right type, few of them right for the file."""
    names = [name for name in OPTIONS.get(target, ()) if rng.random() < 0.5]
    return {name: rng.choice(VALUES[name]) for name in names}


def packed(folder: Path) -> bytes:
    """Return a folder as a zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix()), path.read_bytes())
    return stream.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Write the members of an archive that stay inside the folder into it."""
    folder.mkdir()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            path = folder / name
            if path.resolve().is_relative_to(folder.resolve()):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(name))


# ---- mutations -------------------------------------------------------------------------------------------------


def hdf5_structure(rng: random.Random, content: bytes) -> bytes:
    """Remove, replace, link or mark anew an object of an HDF5 file."""
    import h5py
    import numpy as np

    stream = io.BytesIO(content)
    try:
        with h5py.File(stream, "r+") as file:
            names: list[str] = []
            file.visit(names.append)
            name, what = rng.choice(sorted(names)), rng.randrange(5)
            if what == 0:
                marks = file[name].attrs
                for key in [key for key in marks if rng.random() < 0.5]:
                    marks[key] = rng.choice(("x", 7, "csc_matrix", "dataframe", [1, 2], "0.9.9", np.nan))
            elif what == 1:
                file.move(name, rng.choice(sorted(names)) + "_")
            else:
                del file[name]
            if what == 2:
                file[name] = rng.choice((np.zeros((3, 2)), b"x", [b"a", b"a"], np.array([-1, 99]), 1e300, [np.nan] * 6))
            elif what == 3:
                file[name] = rng.choice((h5py.SoftLink("/"), h5py.SoftLink("/no"), h5py.ExternalLink("x.h5", "/")))
            elif what == 4 and rng.random() < 0.5:
                file.create_dataset(name, (10**9, 10**3), np.float32, chunks=(1, 1000))
    except Exception:  # noqa: BLE001 - an earlier mutation broke the file, in whatever way
        return content
    return stream.getvalue()


def keras_config(rng: random.Random, content: bytes) -> bytes:
    """Name other classes, modules and functions in the configuration of a model."""
    words: tuple[Any, ...] = (
        *("function", "Lambda", "layers.Lambda", "TFSMLayer", "Popen", "subprocess", "os", "keras", "builtins"),
        *("keras_vnn>SparselyConnected", "SparselyConnected", "keras.src.layers", "Dense", None, 1, [], {}),
    )

    def change(node: Any) -> None:
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            if key in ("class_name", "module", "registered_name") and rng.random() < 0.1:
                node[key] = rng.choice(words)
            elif isinstance(value, dict | list):
                change(value)

    return _with_member(content, "config.json", change)


def _with_member(content: bytes, name: str, change: Any) -> bytes:
    stream = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
            for member in old.namelist():
                data = old.read(member)
                if member == name:
                    tree = json.loads(data)
                    change(tree)
                    data = json.dumps(tree).encode()
                new.writestr(zipfile.ZipInfo(member), data)
    except Exception:  # noqa: BLE001 - an earlier mutation broke the archive, in whatever way
        return content
    return stream.getvalue()


def database_rows(rng: random.Random, content: bytes) -> bytes:
    """Write something else into a column of a database of trials, or drop a table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        path.write_bytes(content)
        try:
            with closing(sqlite3.connect(path)) as base, base:
                tables = [row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
                table = rng.choice(sorted(tables))
                columns = [row[1] for row in base.execute(f"PRAGMA table_info({table})")]
                value = rng.choice((None, "x", -1, "{}", "[]", 10**18, "null", '{"state": 1}', "NaN"))
                if rng.random() < 0.1:
                    base.execute(f"DROP TABLE {table}")
                else:
                    base.execute(f"UPDATE {table} SET {rng.choice(columns)} = ?", (value,))
        except sqlite3.Error:
            return content
        return path.read_bytes()


# ---- seeds and what reads them ---------------------------------------------------------------------------------


@cache
def folder_seed(group: str, h5ad: bytes = b"") -> bytes:
    """Return a good zarr store, folder of runs, of downloads or of genotypes, packed."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "x"
        folder.mkdir()
        if group == "zarr":
            import anndata

            (Path(place) / "x.h5ad").write_bytes(h5ad)
            anndata.read_h5ad(Path(place) / "x.h5ad").write_zarr(folder)
        elif group == "comparison":
            from keras_vnn.experiments.comparison._runs import Record, keep

            record = {"contender": "linear", "kind": "baseline", "replicate": 0, "seed": 0, "weights": 7}
            facts = {"metrics": {"accuracy": 0.5}, "epochs": 2, "seconds": 1.0, "cells": {"train": 3, "test": 1}}
            keep(folder, Record.model_validate({**record, **facts, "identity": _job().identity("x")}), None)
        elif group == "genotypes":
            (folder / "x.bed").write_bytes(bytes([0x6C, 0x1B, 1]) + bytes([0b11100001, 0b11] * 6))
            (folder / "x.bim").write_text("".join(f"1\trs{n}\t0\t{n}\tA\tG\n" for n in range(6)))
            (folder / "x.fam").write_text("".join(f"f i{n} 0 0 1 -9\n" for n in range(5)))
        else:
            (folder / "x" / "1").mkdir(parents=True)
            (folder / "x" / "1" / "x.txt").write_text("x")
            (folder / "x" / "1" / "fetched.json").write_text(json.dumps({"sha256": "0" * 64, "when": "2026-01-01"}))
        return packed(folder)


@cache
def tables_by_columns() -> dict[str, bytes]:
    """Return good tables of interactions and of counts, as Parquet and as Feather, kept in several ways."""
    import pandas as pd
    import pyarrow
    from pyarrow import feather, parquet

    edges = {"gene_a": ["TP53", "MDM2", "STAT1"] * 20, "gene_b": ["MDM2", "CDKN1A", "IRF1"] * 20, "score": [0.5] * 60}
    counts = pd.DataFrame([[0, 3, 1], [2, 0, 7]] * 4, columns=["TP53", "MDM2", "STAT1"]).rename(index=lambda n: f"c{n}")
    by_difference = {"gene_a": "DELTA_BYTE_ARRAY", "gene_b": "DELTA_LENGTH_BYTE_ARRAY", "score": "BYTE_STREAM_SPLIT"}
    options = {"use_dictionary": False, "column_encoding": by_difference, "data_page_version": "2.0"}
    stored: list[tuple[str, Any, Any, dict[str, Any]]] = [
        ("other.parquet", parquet.write_table, pyarrow.table(edges), options)
    ]
    for name, table in (("edges", pyarrow.table(edges)), ("counts", pyarrow.Table.from_pandas(counts))):
        stored.append((f"{name}.parquet", parquet.write_table, table, {}))
        for compression in ("zstd", "uncompressed"):
            stored.append((f"{name}_{compression}.feather", feather.write_feather, table, {"compression": compression}))
    made: dict[str, bytes] = {}
    for name, write, table, how in stored:
        out = io.BytesIO()
        write(table, out, **how)
        made[name] = out.getvalue()
    return made


def read_genotypes(path: Path) -> Any:
    """Read the genotypes in a folder."""
    import keras_vnn as vnn

    return vnn.read.plink(path / "x.bed")


def database_seed() -> bytes:
    """Return a database of two trials."""
    from keras_vnn.experiments.tuning._trials import Failed, Finished

    with tempfile.TemporaryDirectory() as place:
        with _store(Path(place)) as store:
            store.keep(Finished(values={"a": 2}, scores={"r2": 0.5}, losses=[2.0, 1.0]))
            store.keep(Failed(values={"a": 1}, reason="no node is left"))
        return (Path(place) / "study.db").read_bytes()


def unfinished_seed() -> bytes:
    """Return the state of a training after one epoch."""
    from keras_vnn.training._checkpoint import Checkpoint

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "x.unfinished"
        _fit(Checkpoint(path, {"data": "x"}), 1)
        return path.read_bytes()


def read_unfinished(path: Path) -> None:
    """Go on with a training."""
    from keras_vnn.training._checkpoint import Checkpoint

    state = path.read_bytes()
    _fit(Checkpoint(path, {"data": "x"}), 2)
    path.write_bytes(state)


def read_database(path: Path) -> None:
    """Go on with a search."""
    with _store(path.parent):
        pass


def read_runs(path: Path) -> None:
    """Go on with a comparison, whose table says what was done before."""
    from keras_vnn.experiments.comparison._result import runs_table
    from keras_vnn.experiments.comparison._runs import finished

    record = finished(path, _job(), "x")
    if record is not None:
        runs_table([record])


def read_downloads(path: Path) -> None:
    """Ask for a file that lies in the folder of downloads; without an address, so that nothing is fetched."""
    from keras_vnn.readers.downloads import RemoteFile, fetch

    fetch(RemoteFile("x", "", "", "1", "x.txt", "", "", "", ""), folder=path)


def _fit(checkpoint: Any, epochs: int) -> None:
    import keras
    import numpy as np

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    first = checkpoint.first_epoch(epochs, model)
    values = np.ones((4, 2), np.float32)
    model.fit(values, values[:, :1], epochs=epochs, initial_epoch=first, callbacks=[checkpoint], verbose=0)


def _space() -> Any:
    from keras_vnn.recipes.space import Range

    return {"a": Range(low=1, high=3)}


def _store(folder: Path) -> Any:
    from keras_vnn.experiments.tuning._optuna import open_store

    return open_store(folder, _space(), "r2")


def _job() -> Any:
    import numpy as np

    from keras_vnn.data import Split
    from keras_vnn.experiments.comparison import Contender
    from keras_vnn.experiments.comparison._runs import Job

    split = Split(train=np.arange(3), validation=np.arange(0), test=np.array([3]))
    return Job(Contender("linear", "baseline", "x"), 0, 0, split)
