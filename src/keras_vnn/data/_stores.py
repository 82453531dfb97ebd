"""Expression as it lies on disk: files and folders of AnnData, folders of 10x Cell Ranger, text tables.

In: the path of an .h5ad file, a zarr store, such a folder or a text. Out: an AnnData with tables of cells and genes,
whose ``X`` stays on disk where it can; or sentences for people on what lies in it. Knows nothing of networks.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from keras_vnn.basics.cell_matrices import is_ten_x, loom_attributes, read_ten_x, ten_x_group, ten_x_in_hdf5
from keras_vnn.basics.errors import DataError, ReadError, VNNError, did_you_mean, sample
from keras_vnn.basics.files import existing_file
from keras_vnn.data._matrix import check_sparse, is_on_disk, texts_of
from keras_vnn.data._tables import read_table
from keras_vnn.data.normalization import Numbers
from keras_vnn.priors.genes import GENE_WORDS
from keras_vnn.priors.kinds import identify
from keras_vnn.readers.genes import read_genes
from keras_vnn.readers.layout import lay_out
from keras_vnn.readers.registry import told_what_it_is
from keras_vnn.readers.text import preview

if TYPE_CHECKING:
    import anndata


_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
# What the aligned matrix of a network may take before data are read from disk while they are needed: 2 GB.
MOST_BYTES = 2 * 10**9


def expression_path(path: Any) -> Path:
    """Return the path of a data file, or of a folder that is a zarr store or one of 10x Cell Ranger.

    Raises
    ------
    ReadError
        There is no such file, it is empty, or a directory of another kind.
    """
    found = Path(path)
    return found if is_zarr(found) or is_ten_x(found) else existing_file(path, "data file")


def is_zarr(path: Path) -> bool:
    """Return whether a path is a zarr store in a folder."""
    return path.is_dir() and any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zattrs"))


def is_hdf5(path: Path) -> bool:
    """Return whether a file begins as HDF5 does."""
    with path.open("rb") as stream:
        return stream.read(len(_HDF5_MAGIC)) == _HDF5_MAGIC


def open_store(path: Path, layer: str = "X") -> anndata.AnnData | None:
    """Return an AnnData whose ``X`` is a layer on disk; of the rest, tables of cells and genes and ``obsm`` are read.

    ``None`` where it is ``X`` that is asked for and there are other layers only.

    Raises
    ------
    ReadError
        The store is damaged or holds no AnnData.
    DataError
        There is no such layer, or another than ``X`` is asked of a file of an early anndata.
    """
    import anndata

    with damage_named(path), quiet():
        with root_of(path) as root:
            is_early = "encoding-type" not in root.attrs
            if is_early and layer != "X":
                raise DataError(
                    f"The file was written by an early anndata; only its X can be left on disk: {path}\n"
                    "Leave out backed; or write it again: anndata.read_h5ad(path).write_h5ad(new_path)"
                )
            layers = sorted(root["layers"]) if "layers" in root else []
            if layer not in ("X", *(["raw"] if "raw" in root else []), *layers):
                raise layer_error(layer, layers, f" of {path.name}", has_raw="raw" in root)
            if layer == "X" and not has_values(root, "X") and layers:
                return None
            if not is_early:
                var = anndata.io.read_elem(root["raw/var" if layer == "raw" else "var"])
                obs, obsm = (anndata.io.read_elem(root[name]) if name in root else None for name in ("obs", "obsm"))
        if is_early:
            return anndata.read_h5ad(path, backed="r")
        values = _open(path)[{"X": "X", "raw": "raw/X"}.get(layer, f"layers/{layer}")]
        is_sparse = not hasattr(values, "shape")
        return anndata.AnnData(anndata.io.sparse_dataset(values) if is_sparse else values, obs=obs, var=var, obsm=obsm)


def has_values(root: Any, place: str) -> bool:
    """Return whether a store has a matrix; some releases write a dataset of no shape for one that is not there."""
    return place in root and getattr(root[place], "shape", ()) is not None


def is_divisible(path: Path) -> bool:
    """Return whether `open_store` can open a store; those of early versions of anndata it cannot."""
    if path.is_dir():
        return True
    with root_of(path) as file:
        return "encoding-type" in file.attrs


def too_large(adata: anndata.AnnData, genes: Sequence[str]) -> bool:
    """Return whether a matrix on disk, or what a network reads of it, is better left there."""
    width = len(genes) or adata.n_vars
    by_cells = getattr(adata.X, "format", "csr") == "csr"
    return by_cells and max(adata.n_obs * width * 4, _bytes(adata.X)) > MOST_BYTES


def with_obs(adata: anndata.AnnData, obs: Any) -> anndata.AnnData:
    """Return the same data with another table of cells; a matrix on disk is shared, others are copied."""
    import anndata

    if not is_on_disk(adata.X):
        copied = adata.copy()
        copied.obs = obs
        return copied
    with quiet():
        return anndata.AnnData(adata.X, obs=obs, var=adata.var.copy(), uns=dict(adata.uns), obsm=dict(adata.obsm))


def layer_error(layer: str, layers: Sequence[str], where: str, *, has_raw: bool) -> DataError:
    """Return the error about a layer that is not there."""
    known = ["X", *(["raw"] if has_raw else []), *layers]
    if layer == "raw":
        return DataError(f"There is no raw{where}.\nThe layers are: {', '.join(known)}.")
    hint = did_you_mean(layer, known)
    return DataError(f"There is no layer {layer!r}{where}.{hint and f' {hint}'}\nThe layers are: {', '.join(known)}.")


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Raise what h5py, zarr and anndata raise about damaged bytes, of many kinds, as a `ReadError`."""
    try:
        yield
    except DataError as error:
        reason, *remedy = str(error).split("\n")
        if path.name in reason:
            raise
        raise DataError("\n".join([f"{reason.removesuffix('.')}: {path}", *remedy])) from error
    except (VNNError, ImportError):  # a package that is missing is not a fault of the file
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        kind = "zarr store" if path.is_dir() else ".h5ad file"
        raise ReadError(
            f"The {kind} is damaged, incomplete, or holds no AnnData: {path}\n    {reason}\nDownload it again."
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what anndata says about its own old releases, what they stand on, and repeated gene names."""
    with warnings.catch_warnings():
        for kind in (FutureWarning, DeprecationWarning, PendingDeprecationWarning):
            warnings.simplefilter("ignore", kind)
        warnings.filterwarnings("ignore", message=".*(names are not unique|was written)", category=UserWarning)
        yield


@contextmanager
def root_of(path: Path) -> Iterator[Any]:
    """Open a store for reading, give its first group, and close it."""
    root = _open(path)
    try:
        yield root
    finally:
        if not path.is_dir():
            root.close()


def _open(path: Path) -> Any:
    if path.is_dir():
        import zarr

        return zarr.open_group(path, mode="r")
    import h5py

    return h5py.File(path, "r")


def _bytes(values: Any) -> int:
    parts = (values.group["data"], values.group["indices"]) if hasattr(values, "group") else (values,)
    return sum(int(part.size) * int(part.dtype.itemsize) for part in parts)


def read_ten_x_expression(path: Path, genes: Sequence[str]) -> tuple[anndata.AnnData, str]:
    """Return the counts of the genes of a folder or an HDF5 file, sparse, and what was read.

    Genes are named by symbol, or by Ensembl gene where that is what more of ``genes`` are; both stand in ``var``.

    Raises
    ------
    ReadError
        A file is missing or damaged, or the numbers of names and of rows and columns differ.
    """
    import anndata
    from scipy.io import mmread

    if not path.is_dir() and is_hdf5(path):
        with damage_named(path), root_of(path) as file:
            group = ten_x_group(file)
            found = ten_x_in_hdf5(group, path)
            parts = (group["data"][:], group["indices"][:], group["indptr"][:])
            matrix = sparse.csc_array(parts, shape=tuple(group["shape"][:]))
            check_sparse(matrix)
    else:
        found = read_ten_x(path)
        try:
            matrix = sparse.csc_array(mmread(found.matrix, spmatrix=False))
        except Exception as error:  # Damaged text surfaces as whatever the reader happens to raise.
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ReadError(
                f"The matrix is damaged or cut short: {found.matrix}\n    {reason}\nDownload it again."
            ) from error
    expected = (len(found.ids), len(found.barcodes))
    if matrix.shape != expected:
        raise ReadError(
            f"The matrix has {matrix.shape[0]:,} rows and {matrix.shape[1]:,} columns, but there are {expected[0]:,} "
            f"features and {expected[1]:,} barcodes: {path}\nAre the three files of one run?"
        )
    places = np.array(found.genes, np.intp)
    var = pd.DataFrame({"gene_id": found.ids, "gene_symbol": found.symbols}).iloc[places]
    by_id = var["gene_id"].isin(genes).sum() > var["gene_symbol"].isin(genes).sum()
    var.index = pd.Index(var["gene_id" if by_id else "gene_symbol"].to_list())
    values = sparse.csr_array(matrix[places].T).astype(np.float32)
    left_out = len(found.ids) - len(places)
    rest = f" ({left_out:,} other features left out)" if left_out else ""
    said = (
        f"10x {'folder ' if path.is_dir() else ''}{path.name}: {len(found.barcodes):,} cells, {len(places):,} genes by "
        f"{'Ensembl gene' if by_id else 'symbol'}{rest}"
    )
    return anndata.AnnData(values, obs=pd.DataFrame(index=pd.Index(found.barcodes)), var=var), said


def read_loom(path: Path, layer: str) -> tuple[anndata.AnnData, str]:
    """Return a matrix of a loom file, and what was read.

    Raises
    ------
    ReadError
        The file is damaged, or no attribute names its cells or genes.
    DataError
        There is no such layer.
    """
    import anndata

    with damage_named(path), quiet(), root_of(path) as file:
        layers = sorted(file["layers"]) if "layers" in file else []
        if layer != "X" and layer not in layers:
            raise layer_error(layer, layers, f" of {path.name}", has_raw=False)
        tables = []
        for axis, what in (("col_attrs", "cells"), ("row_attrs", "genes")):
            name, attributes = loom_attributes(file, axis)
            if not name:
                raise ReadError(f"No attribute names the {what}: {path}\nIt has: {sample(attributes, 12) or 'none'}.")
            table = pd.DataFrame(attributes)
            tables.append(table.set_index(table[name].astype(str).rename(None)))
        values = file["matrix" if layer == "X" else f"layers/{layer}"][:].T
        adata = anndata.AnnData(values, obs=tables[0], var=tables[1])
    return adata, f"{layer} of loom {path.name}: {adata.n_obs:,} cells, {adata.n_vars:,} genes"


MISSING_LABELS = ("", "NA", "N/A", "NaN", "nan", "#N/A", "<NA>")


def read_cells(cells: Any) -> pd.DataFrame:
    """Return the table of the cells with their ids as index.

    Raises
    ------
    DataError
        A cell occurs more than once.
    """
    if hasattr(cells, "columns") and hasattr(cells, "index"):
        return _with_names(cells.set_axis(cells.index.astype(str), axis=0), "")
    with _no_other_file(cells):
        table = read_table(cells, "cell table", missing=MISSING_LABELS, names_column="index")
        described = table.body.set_axis(list(table.rows), axis=0).set_axis(list(table.columns), axis=1)
        return _with_names(described, str(table.path))


_no_other_file = partial(told_what_it_is, what="a table of cells", holds_texts=True)


def _with_names(described: pd.DataFrame, where: str) -> pd.DataFrame:
    """Return a table that says where it is from; raise when names of cells or of columns repeat."""
    check_cell_names(tuple(described.index), where)
    repeated = described.columns[described.columns.duplicated()].astype(str)
    if len(repeated):
        raise DataError(
            f"Columns of the cell table have the same name: {sample(set(repeated))}{where and f': {where}'}\n"
            "Rename them, or leave out all but one."
        )
    described.attrs["where"] = where
    return described


def join_cells(adata: anndata.AnnData, described: pd.DataFrame) -> tuple[anndata.AnnData, str]:
    """Return a copy whose ``obs`` has the columns of the table, and a sentence that says so.

    Raises
    ------
    DataError
        A cell is not in the table.
    """
    names = [str(name) for name in adata.obs_names]
    known = set(described.index)
    unknown = [name for name in names if name not in known]
    if unknown:
        where = described.attrs["where"]
        with _no_other_file(where):
            raise DataError(
                f"{len(unknown):,} of {len(names):,} cells are not in the cell table{where and f': {where}'}\n"
                f"    {sample(unknown)}\n"
                f"The table names cells such as {sample(described.index, 3)}.\n"
                "Cells are joined by their ids, in the first column of the table."
            )
    obs = adata.obs.copy()
    for column in described.columns:
        obs[column] = described[column].loc[names].array
    joined = with_obs(adata, obs)
    said = f"{len(names):,} cells described by {len(described.columns)} columns of the cell table"
    more = len(known) - len(names)
    return joined, said + (f"; {more:,} of its rows are cells that are not here" if more else "")


def check_cell_names(cells: Sequence[str], where: str) -> None:
    """Raise a `DataError` when a cell occurs more than once."""
    if len(set(cells)) == len(cells):
        return
    repeated = [name for name, count in Counter(cells).items() if count > 1]
    raise DataError(
        f"{len(repeated):,} of {len(set(cells)):,} cell names occur more than once{where and f': {where}'}\n"
        f"    {sample(repeated)}\n"
        "Make the names unique, or write the header line if it is missing."
    )


# Enough to tell counts from logarithms.
_CELLS, _VALUES, _NAMES = 200, 1_000_000, 2000
_MOST_COLUMNS = 12


def contents_of(path: Path) -> dict[str, str]:
    """Return what an ``.h5ad`` holds, by ``cells``, ``values`` and ``var``; nothing of another file.

    Raises
    ------
    ReadError
        The file is damaged, or holds no AnnData.
    """
    with _opened(path) as root:
        if root is None:
            return {}
        obs, var = _tables(root, path, "obs", "var")
        places = {"X": "X", "raw": "raw/X" if "raw/X" in root else "raw.X"}
        places |= {name: f"layers/{name}" for name in (sorted(root["layers"]) if "layers" in root else ())}
        values = [f"{name} ({_look(root[place])})" for name, place in places.items() if has_values(root, place)]
        columns = [f"{name} ({_values_of(obs[name])})" for name in list(obs.columns)[:_MOST_COLUMNS]]
        more = f" and {len(obs.columns) - _MOST_COLUMNS} more" if len(obs.columns) > _MOST_COLUMNS else ""
        kinds = {"index": identify(list(map(str, var.index[:_NAMES])))}
        for name in var.columns:
            texts = [text for text in var[name].iloc[:_NAMES] if isinstance(text, str) and text]
            # Words for a few groups of genes are not names.
            if texts and 2 * len(set(texts)) > len(texts):
                kinds[str(name)] = identify(texts)
        return {
            "cells": f"{len(obs):,}, described by {', '.join(columns) or 'nothing'}{more}",
            "values": ", ".join(values) or "none",
            "var": ", ".join(f"{name} ({found.kind})" for name, found in kinds.items()),
        }


def gene_names_of(path: Path) -> dict[str, list[str]]:
    """Return other names of the genes of a file, by the column that holds them, as ``--gene-column`` takes it.

    Raises
    ------
    ReadError
        The file is damaged, or an ``.h5ad`` without AnnData.
    """
    with _opened(path) as root:
        if root is not None:
            return dict(texts_of(*_tables(root, path, "var")))
    found = {}
    for column in _gene_columns(path):
        with suppress(VNNError):
            found[str(column)] = [*read_genes(path, column=column, duplicates="first", malformed="skip")]
    return found


def _gene_columns(path: Path) -> list[int | str]:
    """Return the columns of a folder of 10x, and those of a table whose titles say that they name genes."""
    if is_ten_x(path):
        return [1, 2]
    start = preview(path)
    if len(start.lines) < 2:
        return []
    layout = lay_out(start)
    titles = enumerate(layout.titles)
    return [name for at, name in titles if at and not layout.is_numeric(at) and GENE_WORDS.fullmatch(name.casefold())]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open an ``.h5ad``; ``None`` for another file, of Cell Ranger and loom too."""
    if path.is_dir() or not is_hdf5(path):
        yield None
        return
    with damage_named(path), quiet(), root_of(path) as root:
        yield root if "var" in root else None


def _tables(root: Any, path: Path, *names: str) -> list[pd.DataFrame]:
    """Return the tables of the cells, ``obs``, or of the genes, ``var``."""
    import anndata

    if "encoding-type" in root.attrs:
        return [anndata.io.read_elem(root[name]) for name in names]
    adata = anndata.read_h5ad(path, backed="r")
    adata.file.close()
    return [{"obs": adata.obs, "var": adata.var}[name] for name in names]


def _look(values: Any) -> str:
    """Return what a matrix looks like, from its first cells."""
    is_sparse = "data" in getattr(values, "keys", tuple)()
    numbers = values["data"][:_VALUES] if is_sparse else values[:_CELLS].ravel()
    if numbers.dtype.kind not in "biuf":
        return "not numbers"
    if is_sparse or not len(numbers):  # what is not stored is 0
        numbers = np.append(numbers, numbers.dtype.type(0))
    if not np.isfinite(numbers).all():
        return "not finite numbers"
    found = Numbers.of(numbers[None, :])
    return f"{found.kind}, {found.smallest:g} to {found.largest:g}"


def _values_of(column: Any) -> str:
    """Return what a column of cells holds: its values where they are few, else how many."""
    if column.dtype.kind in "iuf":
        return "numbers"
    found = column.dropna().astype(str).unique()
    return sample(found) if len(found) <= 3 else f"{len(found):,} values"
