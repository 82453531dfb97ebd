"""What was measured of the same cells in several ways, side by side in one matrix whose columns know their kind.

In: a MuData, or an AnnData or DataFrame for each kind. Out: an AnnData, as networks on features read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from keras_vnn.basics.errors import DataError, counted
from keras_vnn.data._matrix import measured

if TYPE_CHECKING:
    import anndata


def modalities(data: Any) -> anndata.AnnData:
    """Return several kinds of measurements of cells as one matrix, for a network of `wire.on_features`.

    Parameters
    ----------
    data
        A MuData, or a mapping from names of kinds to AnnData or DataFrame (cells, features).

    Returns
    -------
    anndata.AnnData
        The cells that all kinds have, in the order of the first. Columns are called ``kind:feature``; ``var`` has
        ``block`` and ``feature``; ``obs`` has the columns of all cell tables, the first of those of one name. Sparse if
        all kinds are.

    Raises
    ------
    DataError
        There is no kind, cells of one repeat, or no cell is in all.

    Examples
    --------
    >>> import pandas as pd
    >>> rna = pd.DataFrame({"TP53": [1.0, 2.0]}, index=["c1", "c2"])
    >>> peaks = pd.DataFrame({"chr1:5-9": [1.0, 0.0]}, index=["c2", "c3"])
    >>> both = modalities({"rna": rna, "peaks": peaks})
    >>> both.to_df()
        rna:TP53  peaks:chr1:5-9
    c2       2.0             1.0
    """
    import anndata

    blocks: Mapping[str, Any] = data.mod if hasattr(data, "mod") else data
    if not blocks:
        raise DataError("There is no kind of measurement: pass {'rna': cells, 'peaks': others}.")
    tables = {name: measured(one) for name, one in blocks.items()}
    places = {name: pd.Index(table.cells) for name, table in tables.items()}
    for name, cells in places.items():
        if not cells.is_unique:
            raise DataError(
                f"{counted(int(cells.duplicated().sum()), 'cell occurs', 'cells occur')} more than once in {name!r}."
            )
    first, *others = places.values()
    shared = first[np.logical_and.reduce([first.isin(cells) for cells in others])] if others else first
    if not len(shared):
        raise DataError(f"No cell is in all of {', '.join(blocks)}: are cells called alike in each?")
    parts = [tables[name].values[cells.get_indexer(shared)] for name, cells in places.items()]
    of_obs = [data, *blocks.values()]
    obs = pd.concat(
        [one.obs.loc[shared] for one in of_obs if hasattr(one, "obs")] or [pd.DataFrame(index=shared)], axis=1
    )
    var = pd.DataFrame(
        [(f"{name}:{feature}", name, feature) for name, table in tables.items() for feature in table.genes],
        columns=["id", "block", "feature"],
    ).set_index("id")
    all_sparse = all(map(sparse.issparse, parts))
    values = sparse.hstack(parts, format="csr") if all_sparse else np.hstack([_dense(part) for part in parts])
    return anndata.AnnData(values, obs=obs.loc[:, ~obs.columns.duplicated()], var=var.rename_axis(None))


def _dense(values: Any) -> Any:
    return values.toarray() if sparse.issparse(values) else values
