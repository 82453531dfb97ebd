"""What tells the inputs of one computation from those of another."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from keras_vnn.basics.identity import differing, digest_of, identity_of
from keras_vnn.data import labels_of


def cells(value: float = 1.0, *, layer: float = 1.0, side: float = 1.0, gene: str = "A", is_sparse: bool = True):
    """Two cells of two genes, with a layer and a table of side features."""
    make = sparse.csr_matrix if is_sparse else np.asarray
    data = anndata.AnnData(make(np.array([[value, 0.0], [0.0, 2.0]])), var=pd.DataFrame(index=[gene, "B"]))
    data.layers["counts"] = make(np.array([[layer, 0.0], [0.0, 2.0]]))
    data.obsm["side"] = make(np.array([[side, 0.0], [0.0, 2.0]]))
    return data


@pytest.mark.parametrize("is_sparse", [True, False])
@pytest.mark.parametrize("change", [{"value": 3.0}, {"layer": 3.0}, {"side": 3.0}, {"gene": "C"}])
def test_every_part_of_the_data_counts(change, is_sparse) -> None:
    assert digest_of(cells(is_sparse=is_sparse)) == digest_of(cells(is_sparse=is_sparse))
    assert digest_of(cells(is_sparse=is_sparse)) != digest_of(cells(is_sparse=is_sparse, **change))


def test_names_of_cells_do_not_count() -> None:
    renamed = cells()
    renamed.obs_names = ["x", "y"]
    assert digest_of(renamed) == digest_of(cells())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.zeros(2), np.zeros(2, np.float32)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        ([np.zeros(1), np.ones(1)], [np.ones(1), np.zeros(1)]),
        (["AB", "C"], ["A", "BC"]),
        ({"a": np.zeros(1)}, {"b": np.zeros(1)}),
        (None, []),
        (pd.DataFrame({"A": [1.0], "B": ["x"]}), pd.DataFrame({"A": [1.0], "B": ["y"]})),
        (labels_of(pd.DataFrame({"k": ["a", "b"]}), "k"), labels_of(pd.DataFrame({"k": ["a", "c"]}), "k")),
    ],
    ids=["dtype", "shape", "order", "borders", "names", "nothing", "mixed table", "classes"],
)
def test_what_differs_has_other_digests(one, other) -> None:
    assert digest_of(one) != digest_of(other)


def test_the_content_of_files_counts_wherever_they_lie(tmp_path) -> None:
    for folder, text in (("one", "AB"), ("two", "AB"), ("three", "BA")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "part").write_text(text)
    one, two, three = (digest_of(tmp_path / folder) for folder in ("one", "two", "three"))
    assert one == two != three
    assert digest_of(tmp_path / "four") == "not there"


def test_what_differs_between_two_computations_is_named() -> None:
    first = identity_of(data=np.zeros(2), training_options={"epochs": 3})
    assert differing(first, identity_of(data=np.zeros(2), training_options={"epochs": 3})) == []
    assert differing(first, identity_of(data=np.ones(2), training_options={"epochs": 4})) == [
        "data",
        "training options",
    ]
