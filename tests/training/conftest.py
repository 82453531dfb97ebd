"""Cells that several tests of training read, in memory and from disk."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

GENES = [f"G{i}" for i in range(12)]


@pytest.fixture(scope="module")
def cells():
    """Ninety cells of two types, counts of twelve genes of the networks and of two others, sparse."""
    random = np.random.default_rng(4)
    types = np.array(["B", "T"])[np.arange(90) // 45]  # sorted by type, as files often are
    values = random.poisson(1.0, (90, 14)) + 3 * (types == "T")[:, None] * (np.arange(14) < 4)
    return anndata.AnnData(
        scipy.sparse.csr_matrix(values, dtype=np.float32),
        obs=pd.DataFrame({"type": types}, index=[f"c{i}" for i in range(90)]),
        var=pd.DataFrame(index=["ERCC-00002", *GENES[::-1], "OTHER"]),
    )
