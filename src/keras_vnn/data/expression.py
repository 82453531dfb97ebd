"""Expression tables, from files or from memory, as AnnData with cells in rows.

In: an .h5ad file, a CSV or TSV file with the genes in rows or in columns, a DataFrame, an AnnData. Out: an AnnData
whose values are finite numbers and which says, in ``uns["keras_vnn"]``, how it was read.
Knows nothing of networks beyond the ids of their genes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.basics.cell_matrices import is_loom, is_ten_x, ten_x_group
from keras_vnn.basics.errors import DataError, ReadError, check_choice, counted, did_you_mean, sample
from keras_vnn.basics.provenance import Source
from keras_vnn.basics.remedies import by_place, option_named, remedy
from keras_vnn.basics.unpacking import columnar_kind
from keras_vnn.basics.untrusted import check_hdf5, check_zarr, refuse_damaged_hdf5
from keras_vnn.data._matrix import Measured, check_finite, layer_names, measured, not_a_number, starts_of, stored
from keras_vnn.data._stores import (
    check_cell_names,
    damage_named,
    expression_path,
    is_divisible,
    is_hdf5,
    is_zarr,
    join_cells,
    layer_error,
    open_store,
    quiet,
    read_cells,
    read_loom,
    read_ten_x_expression,
    root_of,
    too_large,
)
from keras_vnn.data._tables import TextTable, line_of_row, read_table
from keras_vnn.data.genotypes import genotype_kind, is_plink, read_drug_responses, read_genotypes, read_plink
from keras_vnn.data.matching import gene_ids
from keras_vnn.priors.genes import ORIENTATIONS, decide_orientation
from keras_vnn.priors.kinds import is_count_summary, is_gene_id
from keras_vnn.readers.layout import is_number, is_number_of_thousands
from keras_vnn.readers.registry import told_what_it_is

if TYPE_CHECKING:
    import anndata

# Letters with a number: no word for a column.
_NAME_OF_GENE = re.compile(r"[A-Z][A-Za-z]*-?\d+[A-Za-z0-9-]*")
BACKED = ("False", "True", "auto")
_PLINK = "PLINK genotypes"
_GENOTYPES = {"DCell genotypes": read_genotypes, "drug responses": read_drug_responses, _PLINK: read_plink}


def read_expression(
    path: str | os.PathLike[str],
    *,
    genes: Any = None,
    gene_column: int | str | None = None,
    orientation: str = "auto",
    layer: str = "X",
    cells: str | os.PathLike[str] | pd.DataFrame | None = None,
    metadata: Sequence[str] = (),
    backed: bool | str = False,
) -> anndata.AnnData:
    r"""Read an expression file.

    What was decided on the way stands as sentences in ``uns["keras_vnn"]``: ``read`` (where the genes are, and how
    that is known; or which layer was taken) and ``cells`` (how many cells the cell table describes), next to
    ``source`` (file name, format, sha256, cells).

    Parameters
    ----------
    path
        ``.h5ad``, loom, a zarr store, or a table in CSV, TSV, plain or gzip, Parquet or Feather, with names of genes
        and cells on its two axes. The header may be one field short, as R writes it. Or genotypes, as `read.genotypes`
        and `read.drug_responses` take them, or in the ``.bed`` of PLINK, see `read.plink`.
    genes
        Input genes of the network (ids, or an object whose ``genes`` they are): they tell the axes of a text
        table apart. Genes beyond them, spike-ins included, are kept.
    gene_column
        Where the names of the genes stand: a column of ``var``, of a 10x folder 1 (Ensembl) or 2 (symbol), of a text
        table the column of its row names, by name or number from 1. By default the index or, of an architecture that
        was built with ``gene_column``, that one where it has more of its genes.
    orientation
        ``"auto"``, ``"genes-in-rows"`` or ``"genes-in-columns"`` of a text table.
    layer
        What to take from an ``.h5ad``, loom or zarr store: ``"X"``, ``"raw"`` or the name of a layer.
    cells
        A table of the cells, joined by cell id: its ``index`` column if it has one, or else its first. A column
        replaces one of the same name. Every cell must be in it; it may hold more.
    metadata
        Columns of a text table that are not expression: kept in ``obs`` when the genes are in columns, else in
        ``var``.
    backed
        Leave the matrix of an ``.h5ad`` or zarr store on disk, to be read while it is needed: `train`, `tl.predict` and
        the other functions that take data then need memory for few cells at a time. Its values are checked when they
        are read; of the rest of the file only the tables of cells and genes, and ``obsm``, are taken. ``"auto"``
        does so when the matrix, or what a network of ``genes`` reads of it, takes more than 2 GB.

    Returns
    -------
    anndata.AnnData
        (cells, genes); float32 when read from text.

    Raises
    ------
    ReadError
        The file is missing, empty, damaged, has one column, or rows of unequal length.
    DataError
        The axes cannot be told apart, cells occur more than once or are not in the cell table, a value is not a
        finite number, there is no such layer, or a matrix to be left on disk is kept by genes.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> import tempfile, pathlib
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "counts.csv")
    >>> _ = path.write_text("gene_symbol,c1,c2\nTP53,1,0\nATM,3,2\n")
    >>> adata = vnn.read.expression(path)
    >>> adata.uns["keras_vnn"]["read"]
    "genes in rows (the header calls the row names 'gene_symbol')"
    >>> adata.to_df()
        TP53  ATM
    c1   1.0  3.0
    c2   0.0  2.0
    >>> folder.cleanup()
    """
    check_choice("orientation", orientation, ORIENTATIONS, DataError)
    check_choice("backed", str(backed), BACKED, DataError)
    found = expression_path(path)
    described = None if cells is None else read_cells(cells)
    wanted = () if genes is None else gene_ids(genes)
    remembered = getattr(genes, "parameters", {}).get("gene_column")
    kind = _kind_of(found)
    _refuse_impossible(kind, found, layer, backed)
    if kind == "text table":
        column = remembered if gene_column is None else gene_column
        with told_what_it_is(found, "expression"):
            adata, said = _read_text(found, wanted, orientation, described, metadata, column)
    else:
        if kind in _GENOTYPES:
            adata = _GENOTYPES[kind](found)
            said = f"{kind} of {found.name}: {counted(adata.n_obs, 'row')}, {counted(adata.n_vars, 'gene')}"
        elif kind == "loom":
            adata, said = read_loom(found, layer)
        elif kind.startswith("10x"):
            adata, said = read_ten_x_expression(found, wanted)
        else:
            adata, said = _read_store(found, layer, wanted, backed)
        check_cell_names(tuple(map(str, adata.obs_names)), str(found))
        with damage_named(found):
            if stored(adata) is None and (adata.X is not None or not adata.layers):
                check_finite(measured(adata), str(found))
        column = gene_column if gene_column is not None or not _is_better(adata, remembered, wanted) else remembered
        said += _name_genes(adata, column, found, kind)
    columnar = columnar_kind(found) if kind == "text table" else ""
    said_kind = f"{columnar} table" if columnar else kind
    notes: dict[str, Any] = {"read": said, "source": Source.of_file(found, said_kind, records=adata.n_obs).to_json()}
    if described is not None:
        adata, notes["cells"] = join_cells(adata, described)
    return _with_notes(adata, notes)


def as_expression(
    data: Any, *, layer: str = "X", cells: str | os.PathLike[str] | pd.DataFrame | None = None
) -> anndata.AnnData:
    """Return an AnnData from one, or from a DataFrame (cells, genes).

    An AnnData of which nothing else is asked is returned as it is; ``data`` is never changed.

    Parameters
    ----------
    data
        AnnData or DataFrame (cells, genes).
    layer
        ``"X"``, ``"raw"`` or the name of a layer of the AnnData.
    cells
        A table of the cells, as for `read.expression`.

    Raises
    ------
    DataError
        Values are not finite numbers, cells occur more than once or are not in the cell table, or there is no
        such layer.

    Examples
    --------
    >>> import pandas as pd
    >>> as_expression(pd.DataFrame({"TP53": [1, 0]}, index=["c1", "c2"])).shape
    (2, 1)
    """
    if hasattr(data, "var_names"):
        adata = _take_layer(data, layer, "")
    elif layer != "X":
        raise DataError(f'A {type(data).__name__} has no layer {layer!r}.\nLeave layer at "X".')
    else:
        table = measured(data)
        adata = _anndata(table.values.copy(), table.cells, table.genes)
    check_cell_names(tuple(map(str, adata.obs_names)), "")
    if stored(adata) is None:
        check_finite(measured(adata))
    if cells is None:
        return adata
    adata, said = join_cells(adata, read_cells(cells))
    return _with_notes(adata, {"cells": said})


def _is_better(adata: anndata.AnnData, column: Any, genes: Sequence[str]) -> bool:
    """Say whether a column of ``var`` has more of the genes than its index."""
    if column not in adata.var:
        return False
    wanted = set(genes)
    return len(wanted.intersection(adata.var[column].astype(str))) > len(wanted.intersection(adata.var_names))


def _name_genes(adata: anndata.AnnData, column: int | str | None, path: Path, kind: str) -> str:
    """Name the genes by a column of ``var``, if one is asked for, and say so."""
    if column is None:
        return ""
    known = [str(name) for name in adata.var.columns]
    if isinstance(column, int) and kind.startswith("10x") and 1 <= column <= len(known):
        column = known[column - 1]
    if column not in known:
        hint = did_you_mean(str(column), known)
        raise DataError(f"var has no column {column!r}: {path}\nIt has: {sample(known, 12) or 'none'}. {hint}".rstrip())
    with quiet():
        adata.var_names = adata.var[column].astype(str).to_list()
    return f", genes named by {column}"


def _kind_of(path: Path) -> str:
    """Return what a path holds; a store was looked at, and is safe to open."""
    if path.is_dir() and not is_zarr(path):
        return "10x folder"
    if not path.is_dir() and not is_hdf5(path):
        if is_plink(path):
            return _PLINK
        kind = "10x folder" if is_ten_x(path) else genotype_kind(path) or "text table"
        if kind == "text table" and path.suffix == ".h5ad":
            raise ReadError(
                f"The file is not an .h5ad (its first bytes are not those of HDF5): {path}\nDownload it again."
            )
        return kind
    _check_store(path)
    if path.is_dir():
        return "zarr"
    with damage_named(path), root_of(path) as file:
        if "var" not in file and ten_x_group(file) is not None:
            return "10x HDF5"
        return "loom" if is_loom(file) else "h5ad"


def _refuse_impossible(kind: str, path: Path, layer: str, backed: bool | str) -> None:
    """Raise when a layer, or a matrix on disk, is asked of what has none."""
    if kind.startswith("10x") and (layer != "X" or backed is True):
        given = [*(["layer"] if layer != "X" else []), *(["backed"] if backed is True else [])]
        raise DataError(
            f"A {kind} has no layers and cannot be left on disk: {path}\n{_leave_out(*given)}, or write an .h5ad"
            + by_place(".", ": vnn.read.expression(path).write_h5ad('cells.h5ad')")
        )
    if kind == "text table" and layer != "X":
        raise DataError(f"A text table has no layer {layer!r}: {path}\n{_leave_out('layer')}.")
    if kind in ("text table", "loom") and backed is True:
        called = "loom file" if kind == "loom" else kind
        raise DataError(f"A {called} cannot be left on disk: {path}\n{_leave_out('backed')}, or write an .h5ad.")


def _leave_out(*options: str) -> str:
    return f"Leave out {' and '.join(option_named(option) for option in options)}"


def _read_store(path: Path, layer: str, genes: Sequence[str], backed: bool | str) -> tuple[anndata.AnnData, str]:
    on_disk = open_store(path, layer) if backed is True or (backed and is_divisible(path)) else None
    if on_disk is not None and (backed is True or too_large(on_disk, genes)):
        adata, where = on_disk, ", read from disk while they are needed"
    else:
        adata, where = _take_layer(_read_whole(path, layer), layer, f" of {path.name}"), ""
    return adata, f"{layer} of {path.name}: {counted(adata.n_obs, 'cell')}, {counted(adata.n_vars, 'gene')}{where}"


def _check_store(path: Path) -> None:
    """Raise when a store of a stranger could run code, kill Python or fill the memory."""
    if path.is_dir():
        check_zarr(path)
        return
    refuse_damaged_hdf5(path)
    with damage_named(path):
        check_hdf5(path, path)


def _read_whole(path: Path, layer: str) -> anndata.AnnData:
    import anndata

    with damage_named(path), quiet(), root_of(path) as root:
        # anndata drops what lies behind the end that indptr names.
        values = root.get({"X": "X", "raw": "raw/X"}.get(layer, f"layers/{layer}"))
        if hasattr(values, "keys") and "indptr" in values:
            starts_of(values)
        if "encoding-type" in root.attrs:
            # Takes what is of an AnnData, and leaves what other programs put next to it, as HDF5's __DATA_TYPES__.
            return anndata.io.read_elem(root)
    with damage_named(path), quiet():
        return anndata.read_zarr(path) if path.is_dir() else anndata.read_h5ad(path)


def _take_layer(adata: anndata.AnnData, layer: str, where: str) -> anndata.AnnData:
    """Return an AnnData whose ``X`` is the layer; the same object for ``"X"``."""
    if layer == "X":
        return adata
    if adata.isbacked:
        adata = adata.to_memory()
    if layer == "raw" and adata.raw is not None:
        return _anndata(adata.raw.X.copy(), adata.obs_names, adata.raw.var_names, adata.obs, adata.raw.var, adata.obsm)
    if layer not in adata.layers:
        raise layer_error(layer, sorted(layer_names(adata)), where, has_raw=adata.raw is not None)
    return _anndata(adata.layers[layer].copy(), adata.obs_names, adata.var_names, adata.obs, adata.var, adata.obsm)


def _read_text(
    path: Path, genes: Sequence[str], orientation: str, cells: Any, metadata: Sequence[str], column: int | str | None
) -> tuple[anndata.AnnData, str]:
    table = read_table(path, "expression table", names_column="" if column is None else column)
    if _is_row(table):
        raise DataError(
            f"The table has no header, its first line is a row of numbers: {path}:1\n"
            f"    {table.separator.join([table.corner, *table.columns])[:60]}\n"
            "Write a header above it: gene, and a name for each cell."
        )
    if table.corner and table.corner in genes:
        raise DataError(
            f"The header's first field is a gene, {table.corner}: the table has no names of cells: {path}:1\n"
            "Write them into the first column, in pandas: table.to_csv(path, index=True)"
        )
    metadata = (*metadata, *table.aside)
    if orientation == "auto" and table.kind in ("GCT", "featureCounts"):
        orientation = "genes-in-rows"
    unknown = [name for name in metadata if name not in table.columns]
    if unknown:
        hint = did_you_mean(unknown[0], table.columns)
        raise DataError(f"The table has no column {unknown[0]!r}: {path}:1{hint and f'{chr(10)}{hint}'}")
    aside = [i for i, name in enumerate(table.columns) if name in set(metadata)]
    kept = [i for i, name in enumerate(table.columns) if name not in set(metadata)]
    columns = tuple(table.columns[i] for i in kept)
    described = () if cells is None else cells.index
    oriented = decide_orientation(
        table.rows, columns, table.corner, genes=genes, cells=described, asked=orientation, where=path, error=DataError
    )
    names = (columns, table.rows) if oriented.genes_in_rows else (table.rows, columns)
    _check_names(table, oriented.genes_in_rows, names)
    values = _numbers(table, kept, oriented.genes_in_rows, names)
    metadata_columns = table.body[aside].set_axis([table.columns[i] for i in aside], axis=1)
    if not oriented.genes_in_rows:
        return _anndata(values, *names, metadata_columns, None), str(oriented)
    adata = _anndata(np.ascontiguousarray(values.T), *names, None, metadata_columns)
    are_genes = ~adata.var_names.map(is_count_summary)
    return adata if are_genes.all() else adata[:, are_genes].copy(), str(oriented)


def _is_row(table: TextTable) -> bool:
    """Say whether what was taken for the header is a name and its values; cells may be numbered from 0 or 1."""
    if not all(map(is_number, table.columns)):
        return False
    numbered = [[str(i) for i in range(start, start + len(table.columns))] for start in (0, 1)]
    return is_gene_id(table.corner) or (
        _NAME_OF_GENE.fullmatch(table.corner) is not None and [*table.columns] not in numbered
    )


def _check_names(table: TextTable, genes_in_rows: bool, names: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    for axis, of_axis, in_rows in (("cell", names[0], not genes_in_rows), ("gene", names[1], genes_in_rows)):
        if "" in of_axis:
            at = of_axis.index("")
            where = f"{table.path}:{line_of_row(table, at) if in_rows else 1}"
            raise DataError(
                f"{axis.capitalize()} {at + 1:,} of {len(of_axis):,} has no name: {where}\nName it, or remove it."
            )
    check_cell_names(names[0], str(table.path))


def _numbers(
    table: TextTable, kept: Sequence[int], genes_in_rows: bool, names: tuple[tuple[str, ...], tuple[str, ...]]
) -> Any:
    """Return the body as float32, shape as in the file.

    Raises
    ------
    DataError
        A value is not a finite number.
    """
    body = table.body[list(kept)]
    texts = [i for i, kind in zip(kept, body.dtypes, strict=True) if kind.kind not in "iuf"]
    if texts:
        body = body.copy()
        body[texts] = body[texts].astype(str).apply(pd.to_numeric, errors="coerce")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused below
        values = body.to_numpy(dtype=np.float32)
    wrong = ~np.isfinite(values)
    if not wrong.any():
        return values
    row, column = (int(i) for i in np.argwhere(wrong)[0])
    cells, genes = names
    gene, cell = (genes[row], cells[column]) if genes_in_rows else (genes[column], cells[row])
    where = f"{table.path}:{line_of_row(table, row)}"
    text = table.body[kept[column]].iloc[row]
    error = not_a_number(gene, cell, text, int(wrong.sum()), Measured(values, cells, genes), where)
    if wrong[:, column].all():
        name = table.columns[kept[column]]
        if is_number_of_thousands(str(text)):
            raise DataError(
                f"{error.args[0].splitlines()[0]}\nThe commas of {str(text)!r} stand between thousands or for "
                "decimals, as cannot be told.\nWrite numbers with a point for decimals and nothing between thousands."
            )
        raise DataError(
            f"{error.args[0].splitlines()[0]}\nThe column {name!r} holds no number, as {str(text)!r}. "
            f"If it is not expression, name it: {remedy('{metadata}', metadata=[name])}."
        )
    raise error


def _anndata(
    values: Any, cells: Sequence[str], genes: Sequence[str], obs: Any = None, var: Any = None, obsm: Any = None
) -> Any:
    import anndata

    with quiet():
        return anndata.AnnData(
            values,
            obs=(pd.DataFrame(index=range(len(cells))) if obs is None else obs).set_axis(list(cells), axis=0),
            var=(pd.DataFrame(index=range(len(genes))) if var is None else var).set_axis(list(genes), axis=0),
            obsm=None if obsm is None else dict(obsm),
        )


def _with_notes(adata: anndata.AnnData, notes: dict[str, Any]) -> anndata.AnnData:
    adata.uns["keras_vnn"] = {**adata.uns.get("keras_vnn", {}), **notes}
    return adata
