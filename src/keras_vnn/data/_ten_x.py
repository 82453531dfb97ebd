"""Expression from a folder of 10x Cell Ranger.

In: the folder, the genes of a network. Out: an AnnData, cells × genes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.ten_x import read_ten_x

if TYPE_CHECKING:
    import anndata

__all__ = ["read_ten_x_expression"]


def read_ten_x_expression(path: Path, genes: Sequence[str]) -> tuple[anndata.AnnData, str]:
    """Return the counts of the genes of a folder, sparse, and what was read.

    Genes are named by symbol, or by Ensembl gene where that is what more of ``genes`` are; both stand in ``var``.

    Raises
    ------
    ReadError
        A file is missing or damaged, or the numbers of names and of rows and columns differ.
    """
    import anndata
    import numpy as np
    import pandas as pd
    from scipy import sparse
    from scipy.io import mmread

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
    wanted = set(genes)
    by_id = sum(found.ids[place] in wanted for place in places) > sum(
        found.symbols[place] in wanted for place in places
    )
    names = found.ids if by_id else found.symbols
    var = pd.DataFrame(
        {"gene_id": [found.ids[place] for place in places], "gene_symbol": [found.symbols[place] for place in places]},
        index=pd.Index([names[place] for place in places]),
    )
    values = sparse.csr_array(matrix[places].T).astype(np.float32)
    left_out = len(found.ids) - len(places)
    rest = f" ({left_out:,} other features left out)" if left_out else ""
    said = (
        f"10x folder {path.name}: {len(found.barcodes):,} cells, {len(places):,} genes by "
        f"{'Ensembl gene' if by_id else 'symbol'}{rest}"
    )
    return anndata.AnnData(values, obs=pd.DataFrame(index=pd.Index(found.barcodes)), var=var), said
