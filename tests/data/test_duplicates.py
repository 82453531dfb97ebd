"""Repeated genes are made one, or refused."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from keras_vnn.basics.errors import DataError, GeneError
from keras_vnn.data import read_expression, without_duplicates

pytestmark = pytest.mark.filterwarnings("ignore:.*names are not unique:UserWarning")


def table(values: object) -> anndata.AnnData:
    obs = pd.DataFrame({"type": ["T", "B"]}, index=["c1", "c2"])
    return anndata.AnnData(values, obs=obs, var=pd.DataFrame(index=["ATM", "TP53", "ATM"]))


VALUES = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 8.0]])


@pytest.mark.parametrize("make", [np.array, sparse.csr_matrix])
@pytest.mark.parametrize(
    ("policy", "expected"),
    [("first", [[1, 2], [4, 5]]), ("sum", [[4, 2], [12, 5]]), ("mean", [[2, 2], [6, 5]])],
)
def test_policies(make: object, policy: str, expected: list[list[float]]) -> None:
    once = without_duplicates(table(make(VALUES)), policy)
    assert list(once.var_names) == ["ATM", "TP53"]
    np.testing.assert_array_equal(once.to_df().to_numpy(), expected)
    assert list(once.obs["type"]) == ["T", "B"]


def test_data_without_repeats_are_returned_as_they_are() -> None:
    once = table(VALUES)[:, :2].copy()
    assert without_duplicates(once) is once


def test_repeats_are_refused_by_name() -> None:
    with pytest.raises(GeneError) as error:
        without_duplicates(table(VALUES))
    assert str(error.value).splitlines()[0] == "1 of 2 genes occur more than once in the data: ATM."
    with pytest.raises(DataError, match="duplicates"):
        without_duplicates(table(VALUES), "median")


def test_data_on_disk_are_not_joined(tmp_path: Path) -> None:
    cells = anndata.AnnData(np.eye(3, dtype="float32"), var=pd.DataFrame(index=["A", "B", "C"]))
    cells.obs_names = ["c1", "c2", "c3"]
    cells.write_h5ad(tmp_path / "cells.h5ad")
    data = read_expression(tmp_path / "cells.h5ad", backed=True)
    assert without_duplicates(data, "sum") is data
    data.var_names = ["A", "B", "A"]
    with pytest.raises(DataError) as error:
        without_duplicates(data, "sum")
    assert str(error.value) == (
        "1 column of the data is a gene again; they can be made one in memory only.\n"
        "Read the data with backed=False, or make the genes unique in the file."
    )
