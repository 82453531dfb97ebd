"""The simulated files are those that the tool makes."""

import gzip
import io

import pandas as pd
import pytest

import make_simulated_data as simulated

pytestmark = pytest.mark.parametrize(
    "name", ["simulated_genotypes.csv.gz", "simulated_individuals.csv", "simulated_topology.csv"]
)


def test_genotypes_are_what_is_bundled(name):
    path = simulated.DATA / name
    text = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    expected = simulated.simulated_genotypes()[name]
    assert text.decode() == expected.to_csv(lineterminator="\n")
    assert pd.read_csv(io.BytesIO(text), index_col=0).shape == expected.shape
