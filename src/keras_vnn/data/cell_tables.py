"""Tables that describe the cells: conditions, cell types, batches.

In: a CSV or TSV file or a DataFrame. Out: its columns, joined to an AnnData by cell id.
Knows nothing of expression values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keras_vnn.basics.errors import DataError, sample
from keras_vnn.data._stores import with_obs
from keras_vnn.data._tables import read_table

if TYPE_CHECKING:
    import anndata
    import pandas

MISSING_LABELS = ("", "NA", "N/A", "NaN", "nan", "#N/A", "<NA>")


def read_cells(cells: Any) -> pandas.DataFrame:
    """Return the table of the cells with their ids as index.

    Raises
    ------
    DataError
        A cell occurs more than once.
    """
    if hasattr(cells, "columns") and hasattr(cells, "index"):
        described = cells.set_axis(cells.index.astype(str), axis=0)
        where = ""
    else:
        table = read_table(cells, "cell table", missing=MISSING_LABELS, names_column="index")
        described = table.body.set_axis(list(table.rows), axis=0).set_axis(list(table.columns), axis=1)
        where = str(table.path)
    check_cell_names(tuple(described.index), where)
    described.attrs["where"] = where
    return described


def join_cells(adata: anndata.AnnData, described: pandas.DataFrame) -> tuple[anndata.AnnData, str]:
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
