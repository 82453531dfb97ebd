"""Five genes and what is known of them; and the real files."""

from pathlib import Path

import pandas as pd
import pytest

from keras_vnn.priors import Interactions, Regulation
from keras_vnn.priors.genes import gene_list

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def genes():
    return ["STAT1", "JAK1", "JAK2", "TP53", "MDM2"]


@pytest.fixture
def ppi():
    """A triangle JAK1–JAK2–STAT1, a pair MDM2–TP53, and two partners that are not in the list."""
    return Interactions.from_pairs(
        ["JAK1", "JAK2", "STAT1", "TP53", "TP53", "ATM"], ["JAK2", "STAT1", "JAK1", "MDM2", "ATM", "CHEK2"]
    )


@pytest.fixture
def tf():
    return Regulation.from_pairs(
        ["STAT1", "STAT1", "STAT1", "TP53", "NFKB1", "NFKB1", "NFKB1"],
        ["JAK1", "JAK2", "IRF1", "MDM2", "STAT1", "TP53", "MDM2"],
        effect=["activation", "repression", "activation", "activation", "unknown", "activation", "activation"],
    )


@pytest.fixture(scope="session")
def kang_genes():
    """The 6,998 genes of the Kang cells."""
    table = pd.read_csv(DATA / "kang_ifnb_cd4t_expression.csv.gz", usecols=["gene_symbol"])
    return gene_list(table["gene_symbol"])


@pytest.fixture(scope="session")
def human_ppi():
    return Interactions.from_frame(pd.read_csv(DATA / "ppi_human_goa_ipi.tsv", sep="\t"))


@pytest.fixture(scope="session")
def human_tf():
    return Regulation.from_frame(pd.read_csv(DATA / "tf_target_human_goa.tsv", sep="\t"), effect="effect")
