"""The simulated files are those that the tool makes."""

import gzip
import io

import pandas as pd
import pytest

import make_simulated_data as simulated


def bundled(name: str) -> str:
    path = simulated.DATA / name
    return (gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()).decode()


def test_counts_are_what_is_bundled():
    for name, text in simulated.simulated_counts().items():
        assert bundled(name) == text


@pytest.mark.parametrize("name", ["simulated_genotypes.csv.gz", "simulated_individuals.csv", "simulated_topology.csv"])
def test_genotypes_are_what_is_bundled(name):
    expected = simulated.simulated_genotypes()[name]
    assert bundled(name) == expected.to_csv(lineterminator="\n")
    assert pd.read_csv(io.StringIO(bundled(name)), index_col=0).shape == expected.shape
