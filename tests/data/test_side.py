"""What a model reads next to the genes: by name, standardised by the training cells, refused where it is not known."""

import anndata
import numpy as np
import pandas as pd
import pytest

from keras_vnn.basics.errors import DataError
from keras_vnn.data import Side

EVERY = np.arange(6)


@pytest.fixture
def cells():
    obs = pd.DataFrame(
        {
            "age": [20.0, 30.0, 40.0, 50.0, 60.0, np.nan],
            "sex": pd.Categorical(["f", "m", "f", "m", "x", "f"]),
            "treated": [True, False, True, False, True, False],
            "site": ["a", "b", "a", None, "b", "a"],
        },
        index=[f"c{i}" for i in range(6)],
    )
    data = anndata.AnnData(np.zeros((6, 1), "float32"), obs=obs, obsm={"drug": np.arange(12.0).reshape(6, 2)})
    data.obsm["names"] = np.array([["a"]] * 6, dtype=object)
    return data


def test_numbers_are_standardised_by_the_training_cells_and_categories_are_one_column_each(cells):
    side = Side.fit(cells, "drug", ("age", "sex", "treated"), EVERY[:5], EVERY[:3])
    values = side.values(cells, EVERY[:5])
    age = (np.array([20, 30, 40, 50, 60]) - 30) / np.std([20, 30, 40])
    expected = pd.get_dummies(cells.obs["sex"].astype(str))[["f", "m", "x"]].to_numpy(float)[:5]
    treated = np.array([[0, 1], [1, 0], [0, 1], [1, 0], [0, 1]])
    np.testing.assert_allclose(
        values, np.column_stack([np.arange(10).reshape(5, 2), age, expected, treated]), rtol=1e-6
    )
    assert (side.width, values.dtype) == (8, np.float32)
    assert Side.from_json(side.to_json()) == side
    same = side.values(cells[[4, 2]], None)
    np.testing.assert_array_equal(same, values[[4, 2]])


def test_a_single_name_and_a_number_that_does_not_vary(cells):
    cells.obs["dose"] = 3
    side = Side.fit(cells, None, "dose", EVERY, EVERY)
    assert side.values(cells).tolist() == [[0.0]] * 6


@pytest.mark.parametrize(
    ("side", "covariate", "message"),
    [
        ("durg", (), "The data have no obsm 'durg'. Did you mean drug?\nTheir obsm: drug, names."),
        ("elsewhere", (), "The data have no obsm 'elsewhere'.\nTheir obsm: drug, names."),
        ("names", (), "The side data must be numbers (cells, features), got object of shape (6, 1)."),
        (None, "agee", "The cells have no column 'agee'. Did you mean age?\nThe columns are: age, sex, treated, site."),
        (
            None,
            "age",
            "1 of 6 cells have no value of the covariate 'age'.\n"
            'Fill it in, leave these cells out, or leave out covariate="age".',
        ),
        (None, "site", "1 of 6 cells have no value of the covariate 'site'."),
    ],
)
def test_what_cannot_be_read_is_named(cells, side, covariate, message):
    with pytest.raises(DataError) as error:
        Side.fit(cells, side, covariate, EVERY, EVERY)
    assert str(error.value).startswith(message)


def test_other_data_must_have_what_the_training_had(cells):
    side = Side.fit(cells, "drug", ("age", "sex"), EVERY[:4], EVERY[:4])
    with pytest.raises(DataError) as error:
        side.values(cells[:5])
    assert str(error.value) == (
        "1 of 5 cells have a value of 'sex' that the model was not trained with: x.\n"
        "It knows: f, m. Leave these cells out; an autoencoder can learn new values from them: "
        "vnn.tl.map_data(model, data)"
    )
    other = cells[:2].copy()
    other.obs["age"] = ["young", "old"]
    with pytest.raises(DataError, match=r"^The covariate 'age' was a number in the training, and is not one here"):
        side.values(other)
    other.obsm["drug"] = np.zeros((2, 3))
    with pytest.raises(DataError, match=r"must have shape \(cells, features\) = \(2, 2\), got \(2, 3\)"):
        side.values(other)
    nameless = Side.fit(cells, cells.obsm["drug"], (), EVERY, EVERY)
    with pytest.raises(DataError, match="has no name for the array that it reads next to the genes"):
        nameless.values(cells)
    assert nameless.values(cells, array=cells.obsm["drug"]).shape == (6, 2)
