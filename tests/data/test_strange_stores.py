"""Stores from strangers: codecs that run code, matrices that point outside of themselves, arrays of nothing."""

import json
import pickle
import shutil
import warnings
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from keras_vnn.basics.errors import DataError, ReadError
from keras_vnn.data import align, inputs_of
from keras_vnn.read import expression as read_expression
from keras_vnn.read import genes as read_genes

GENES = ["ATM", "MDM2", "TP53"]


def cells(kind=scipy.sparse.csr_matrix):
    values = np.array([[1, 0, 2], [0, 3, 5], [3, 4, 0], [0, 7, 0]], np.float32)
    return anndata.AnnData(
        kind(values),
        obs=pd.DataFrame({"type": list("BTBT"), "age": [1.5, 2, 3, 4]}, index=["c1", "c2", "c3", "c4"]),
        var=pd.DataFrame(index=GENES),
        obsm={"side": np.ones((4, 2))},
        layers={"counts": kind(values)},
    )


@pytest.fixture
def h5ad(tmp_path):
    cells().write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad"


@pytest.fixture(params=[2, 3], scope="session")
def written(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "cells.zarr"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # anndata prefers the newer format, and is going to write no other
        with anndata.settings.override(zarr_write_format=request.param):
            cells().write_zarr(path)
    return path


@pytest.fixture
def store(written, tmp_path):
    return Path(shutil.copytree(written, tmp_path / "cells.zarr"))


@pytest.mark.parametrize("backed", [False, True])
def test_a_store_of_anndata_is_read(store, backed):
    data = read_expression(store, backed=backed)
    assert align(data, GENES).tolist() == [[1, 0, 2], [0, 3, 5], [3, 4, 0], [0, 7, 0]]


class Touches:
    """When it is unpickled, a file comes to be."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return type(self.path).touch, (self.path,)


def described(store, array):
    """Return the file that describes an array of a store, and what it says."""
    place = store / array
    place = place / "values" if (place / "values").is_dir() else place  # text as pandas 3 has it, with its mask
    file = next(path for name in (".zarray", "zarr.json") if (path := place / name).exists())
    return file, json.loads(file.read_text())


PICKLE = {2: {"id": "pickle"}, 3: {"name": "numcodecs.pickle", "configuration": {}}}
NAMED = {2: "pickle", 3: "numcodecs.pickle"}


@pytest.mark.parametrize("where", ["compressor", "first", "last", "summary"])
@pytest.mark.parametrize("array", ["var/_index", "X/data"])
def test_a_codec_that_runs_code_is_refused(store, array, where, tmp_path):
    file, said = described(store, array)
    place = file.parent.relative_to(store).as_posix()
    version, summary = said["zarr_format"], store / ".zmetadata"
    pickled = PICKLE[version]
    if where == "summary":
        file = summary if version == 2 else store / "zarr.json"
        whole = json.loads(file.read_text())
        known = whole["metadata"] if version == 2 else whole["consolidated_metadata"]["metadata"]
        said = known[f"{place}/.zarray" if version == 2 else place]
    else:
        whole = said
        summary.unlink(missing_ok=True)
    if version == 2 and where == "compressor":
        said["compressor"] = pickled
    else:
        listed = "filters" if version == 2 else "codecs"
        others = said[listed] or []
        said[listed] = [pickled, *others] if where == "first" else [*others, pickled]
    file.write_text(json.dumps(whole))
    for chunk in (store / array).rglob("0"):
        chunk.write_bytes(pickle.dumps(Touches(tmp_path / "ran")))
    with pytest.raises(ReadError) as error:
        read_expression(store, backed=array == "X/data")
    assert str(error.value) == (
        f"{file.relative_to(store)} of the zarr store is decoded by {NAMED[version]}: {store}\n"
        "Only plain compression and text are decoded, as other codecs can run code. "
        "Ask for a store written by anndata."
    )
    assert not (tmp_path / "ran").exists()


DAMAGED = {
    "a codec within a shard": (
        lambda said: said | {"codecs": [{"name": "sharding_indexed", "configuration": {"index_codecs": ["odd"]}}]},
        " of the zarr store is decoded by odd: ",
    ),
    "a transformer": (
        lambda said: said | {"storage_transformers": ["odd"]},
        " of the zarr store is decoded by storage transformers: ",
    ),
    "a codec without a name": (lambda said: said | {"codecs": [{}]}, " of the zarr store is damaged: "),
    "a shape of text": (lambda said: said | {"shape": ["many"]}, " of the zarr store is damaged: "),
    "large chunks": (
        lambda said: said | {"chunks": [10**9], "chunk_grid": {"configuration": {"chunk_shape": [10**9]}}},
        "The arrays of the zarr store take 4,000,000,",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_odd_descriptions_are_refused(store, case):
    change, expected = DAMAGED[case]
    file, said = described(store, "X/data")
    file.write_text(json.dumps(change(said)))
    with pytest.raises(ReadError, match=expected):
        read_expression(store)


def test_descriptions_that_are_cut_short_are_refused(store):
    file, _ = described(store, "X/data")
    file.write_text(file.read_text()[:50])
    with pytest.raises(ReadError, match=rf"X/data/{file.name} of the zarr store is damaged: .*cells\.zarr\n    "):
        read_expression(store)


def test_a_store_with_links_is_refused(store, tmp_path):
    (store / "var").rename(tmp_path / "elsewhere")
    (store / "var").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(
        ReadError, match=r"The zarr store takes var from elsewhere: .*cells\.zarr\nLinks are not follow"
    ):
        read_expression(store)


# Sparse matrices


def change(path, name, place, value):
    """Change one number of a file or store."""
    if path.is_dir():
        import zarr

        zarr.open_group(path, mode="r+", use_consolidated=False)[name][place] = value
        return
    with h5py.File(path, "r+") as file:
        file[name][place] = value


OUTSIDE = {
    "indptr beyond the end": ("indptr", 1, 10**9),
    "indptr that falls": ("indptr", 1, 6),
    "indptr that starts late": ("indptr", 0, 1),
    "indptr that ends early": ("indptr", 4, 5),
    "indices too large": ("indices", 3, 10**6),
    "indices below zero": ("indices", 3, -(10**6)),
}
DAMAGE = (
    r"The sparse matrix is damaged: .+: .+\nRead or download the data again\.|index pointer|indices and data should"
)


@pytest.mark.parametrize("layer", ["X", "counts"])
@pytest.mark.parametrize("case", OUTSIDE)
def test_a_sparse_matrix_that_points_outside_is_refused(h5ad, case, layer):
    name, place, value = OUTSIDE[case]
    change(h5ad, f"{'X' if layer == 'X' else 'layers/counts'}/{name}", place, value)
    with pytest.raises((DataError, ReadError), match=DAMAGE):
        read_expression(h5ad, layer=layer)
    with pytest.raises(DataError, match=r"The sparse matrix is damaged: .+\nRead or download the data again\."):
        align(read_expression(h5ad, layer=layer, backed=True), GENES)


@pytest.mark.parametrize("case", OUTSIDE)
def test_one_by_genes_is_refused(tmp_path, case):
    name, place, value = OUTSIDE[case]
    cells(scipy.sparse.csc_matrix).write_h5ad(tmp_path / "cells.h5ad")
    change(tmp_path / "cells.h5ad", f"X/{name}", min(place, 3), value)
    with pytest.raises((DataError, ReadError), match=DAMAGE):
        read_expression(tmp_path / "cells.h5ad")


@pytest.mark.parametrize("case", OUTSIDE)
def test_one_in_a_zarr_store_is_refused(store, case):
    change(store, f"X/{OUTSIDE[case][0]}", *OUTSIDE[case][1:])
    with pytest.raises((DataError, ReadError), match=DAMAGE) as error:
        read_expression(store)
    assert f": {store}\n" in str(error.value)
    with pytest.raises(DataError, match="The sparse matrix is damaged: "):
        align(read_expression(store, backed=True), GENES)


def test_only_the_cells_that_are_read_are_checked(h5ad):
    change(h5ad, "X/indices", 5, 10**6)
    inputs = inputs_of(read_expression(h5ad, backed=True), GENES)
    assert np.asarray(inputs[:2]).tolist() == [[1, 0, 2], [0, 3, 5]]
    with pytest.raises(DataError, match="The sparse matrix is damaged: "):
        np.asarray(inputs[2:])


@pytest.mark.parametrize(
    ("part", "place", "value", "reason"),
    [("indices", 2, 7, "indices must be < 3"), ("indptr", -1, 0, "indptr"), ("indptr", -1, -(2**30), "indptr")],
)
def test_what_a_program_made_is_checked_too(part, place, value, reason):
    # SciPy looks at nothing where the last pointer is 0 or less.
    data = cells()
    getattr(data.X, part)[place] = value
    with pytest.raises(DataError, match=rf"The sparse matrix is damaged: .*{reason}"):
        align(data, GENES)


# Arrays of nothing

TEXT = h5py.string_dtype()
NOTHING = {
    "dense X": {"X": ((20_000, 40_000), "f4")},
    "sparse X": {"X/data": ((4 * 10**8,), "f4"), "X/indices": ((4 * 10**8,), "i4")},
    "layer": {"layers/dense": ((4, 2 * 10**8), "f4")},
    "obsm": {"obsm/side": ((4, 2 * 10**8), "f4")},
    "text of cells": {"obs/type": ((5 * 10**7,), TEXT)},
    "numbers of cells": {"obs/age": ((4 * 10**8,), "f8")},
    "names of cells": {"obs/_index": ((5 * 10**7,), TEXT)},
    "names of genes": {"var/_index": ((5 * 10**7,), TEXT)},
    "flags": {"obsm/side": ((4, 5 * 10**8), "?")},
    "what goes with it": {"uns/any": ((8 * 10**8,), "f4")},
}


def declare(file, arrays):
    """Put arrays of which nothing is stored in the place of others, with what anndata notes of them."""
    for name, (shape, kind) in arrays.items():
        notes = dict(file[name].attrs) if name in file and not hasattr(file[name], "keys") else {}
        if name in file:
            del file[name]
        made = file.create_dataset(name, shape, kind, chunks=(1,) * (len(shape) - 1) + (1000,))
        kind_said = "string-array" if kind is TEXT else "array"
        made.attrs.update({"encoding-type": kind_said, "encoding-version": "0.2.0"} | notes)
        if name == "X/indices":
            file["X/indptr"][:] = np.linspace(0, shape[0], 5, dtype=np.int64)


@pytest.mark.parametrize("case", NOTHING)
def test_arrays_of_nothing_are_refused(h5ad, case):
    with h5py.File(h5ad, "r+") as file:
        declare(file, NOTHING[case])
    size = h5ad.stat().st_size
    expected = (
        rf"The arrays of the HDF5 file take [\d,]{{13,}} bytes in memory, expected at most 67,108,864 as {size:,} are"
    )
    with pytest.raises(ReadError, match=expected):
        read_expression(h5ad)
    with pytest.raises(ReadError, match=expected):
        read_expression(h5ad, backed=True)
    with pytest.raises(ReadError, match=expected):
        read_genes(h5ad)


@pytest.mark.parametrize("array", ["X/data", "obs/_index", "obs/age", "obsm/side"])
def test_arrays_of_nothing_in_a_zarr_store_are_refused(store, array):
    file, said = described(store, array)
    said["shape"] = [10**9, *said["shape"][1:]]
    file.write_text(json.dumps(said))
    for backed in (False, True):
        with pytest.raises(
            ReadError, match=r"The arrays of the zarr store take [\d,]{13,} bytes in memory, expected at"
        ):
            read_expression(store, backed=backed)


def test_an_infinite_length_in_a_zarr_store_is_damage(store):
    file, said = described(store, "X/data")
    said["shape"] = [float("inf")]
    file.write_text(json.dumps(said))
    with pytest.raises(ReadError, match="X/data"):
        read_expression(store)


def test_a_group_under_two_names_is_refused(h5ad):
    with h5py.File(h5ad, "r+") as file:
        file["uns/again"] = file["obs"]
    with pytest.raises(ReadError, match=r"The HDF5 file has the group /\w+ under another name too|/uns/again under"):
        read_expression(h5ad)
