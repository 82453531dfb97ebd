"""What is kept of a computation, and what tells it from another."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from keras_vnn.basics.errors import ConfigError, OutputError
from keras_vnn.basics.runs import Kept, claim, differing, digest_of, identity_of, read_result, write_result
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


SEARCH = {"data": "1", "training": {"epochs": 4, "tail": [8]}, "seed": 0}


def test_a_folder_is_that_of_one_computation(tmp_path) -> None:
    claim(tmp_path, "search", SEARCH, ["trials.csv"])
    (tmp_path / "trials.csv").write_text("1")
    before = (tmp_path / "run.json").read_bytes()
    claim(tmp_path, "search", SEARCH | {"training": {"epochs": 4, "tail": (8,)}}, ["trials.csv"])
    with pytest.raises(ConfigError) as error:
        claim(tmp_path, "search", SEARCH | {"training": {"epochs": 9, "tail": [8]}, "seed": 1}, ["trials.csv"])
    assert str(error.value) == (
        f"The folder holds another search, 2 differences: {tmp_path}\n"
        "    seed: 0 there, 1 here\n    training.epochs: 4 there, 9 here\nName another folder, or remove this one."
    )
    with pytest.raises(ConfigError, match=r"^The folder holds another search, 4 differences"):
        claim(tmp_path, "comparison", {"seed": 0}, ["trials.csv"])
    assert (tmp_path / "run.json").read_bytes() == before


def test_a_folder_in_which_nothing_was_kept_is_free(tmp_path) -> None:
    claim(tmp_path, "search", SEARCH, ["runs/*.json"])
    claim(tmp_path, "search", SEARCH | {"seed": 1}, ["runs/*.json"])
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "1.json").write_text("{}")
    claim(tmp_path, "search", SEARCH | {"seed": 1}, ["runs/*.json"])
    with pytest.raises(ConfigError, match=r"\n    seed: 1 there, 0 here\n"):
        claim(tmp_path, "search", SEARCH, ["runs/*.json"])


def test_a_long_list_of_differences_is_cut(tmp_path) -> None:
    claim(tmp_path, "search", {"train": {f"field{i}": i for i in range(9)}}, ["*.csv"])
    (tmp_path / "trials.csv").write_text("1")
    with pytest.raises(ConfigError) as error:
        claim(tmp_path, "search", {"train": {"field0": "x" * 99}}, ["*.csv"])
    assert str(error.value) == (
        f"The folder holds another search, 9 differences: {tmp_path}\n"
        f"    train.field0: 0 there, {'x' * 60}… here\n"
        "    train.field1: 1 there, nothing here\n"
        "    train.field2: 2 there, nothing here\n"
        "    train.field3: 3 there, nothing here\n"
        "    train.field4: 4 there, nothing here\n"
        "    and 4 more\n"
        "Name another folder, or remove this one."
    )


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff", b"[" * 99_999])
def test_a_folder_whose_record_is_damaged_is_left_alone(content, tmp_path) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(OutputError, match=r"^The folder's record is damaged: .*run\.json\nRemove the folder"):
        claim(tmp_path, "search", SEARCH, [])
    assert (tmp_path / "run.json").read_bytes() == content


def test_files_of_somebody_else_are_not_replaced(tmp_path) -> None:
    (tmp_path / "trials.csv").write_text("mine")
    with pytest.raises(OutputError, match=r"^The folder holds files of these names, but no search: .*trials\.csv\n"):
        claim(tmp_path, "search", SEARCH, ["best.yaml", "trials.csv"])
    assert [path.name for path in tmp_path.iterdir()] == ["trials.csv"]


class Score(Kept):
    """A result."""

    accuracy: float


@pytest.mark.parametrize("content", [b"", b"{}", b'{"accuracy": "0.5"}', b'{"accuracy": 0.5, "more": 1}', b"\xff"])
def test_a_result_is_believed_only_if_it_is_of_its_kind(content, tmp_path) -> None:
    path = tmp_path / "score.json"
    assert read_result(path, Score) is None
    write_result(path, Score(accuracy=0.1 + 0.2))
    assert read_result(path, Score) == Score(accuracy=0.1 + 0.2)
    path.write_bytes(content)
    assert read_result(path, Score) is None
