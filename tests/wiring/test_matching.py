"""Gene names that do not fit the prior are diagnosed, never papered over."""

import anndata
import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture.wiring import gene_set_architecture, hierarchy_architecture, interaction_architecture
from keras_vnn.basics.errors import GeneError, ReadError, VNNWarning, WiringError
from keras_vnn.priors import Interactions, Regulation
from keras_vnn.readers import read_interactions


def chain(names):
    return Interactions.from_pairs(names[:-1], names[1:])


@pytest.mark.parametrize(
    ("genes", "known", "message"),
    [
        (
            ["Jak1", "Jak2", "Stat1"],
            ["JAK1", "JAK2", "STAT1"],
            "0 of 3 genes match the interaction table; 3 match ignoring case.\n"
            "The genes look like: Jak1, Jak2, Stat1.\n"
            "The interaction table looks like: JAK1, JAK2, STAT1.\n"
            "Rename the genes first, for example: genes = [name.upper() for name in genes]",
        ),
        (
            ["JAK1", "JAK2", "CD4"],
            ["Jak1", "Jak2", "Stat1"],
            "0 of 3 genes match the interaction table; 2 match ignoring case.\n"
            "The genes look like: CD4, JAK1, JAK2.\n"
            "The interaction table looks like: Jak1, Jak2, Stat1.\n"
            "Rename the genes first, for example: genes = [name.capitalize() for name in genes]",
        ),
        (
            ["ENSG00000162434.12", "ENSG00000115415.20"],
            ["ENSG00000162434", "ENSG00000115415"],
            "0 of 2 genes match the interaction table; 2 match without the version after the dot.\n"
            "The genes look like: ENSG00000115415.20, ENSG00000162434.12.\n"
            "The interaction table looks like: ENSG00000115415, ENSG00000162434.\n"
            'Rename the genes first, for example: genes = [name.split(".")[0] for name in genes]',
        ),
        (
            ["ENSG00000162434", "ENSG00000115415"],
            ["JAK1", "STAT1"],
            "0 of 2 genes match the interaction table.\n"
            "The genes look like: ENSG00000115415, ENSG00000162434.\n"
            "The interaction table looks like: JAK1, STAT1.\n"
            "Bring both to the same identifiers first: map the names of one to those of the other.",
        ),
    ],
)
def test_no_match(genes, known, message):
    with pytest.raises(GeneError) as caught:
        interaction_architecture(genes, chain(known))
    assert str(caught.value) == message


def test_hardly_any_match():
    genes = ["P0", "P1", *(f"p{i}" for i in range(2, 300))]
    with pytest.raises(GeneError) as caught:
        interaction_architecture(genes, chain([f"P{i}" for i in range(300)]))
    assert str(caught.value).splitlines()[0] == ("2 of 300 genes match the interaction table; 300 match ignoring case.")


def test_few_match():
    genes = ["P0", "P1", "P2", *(f"p{i}" for i in range(3, 100))]
    with pytest.warns(VNNWarning) as caught:
        arch = interaction_architecture(genes, chain([f"P{i}" for i in range(100)]))
    assert str(caught[0].message).splitlines()[0] == (
        "3 of 100 genes match the interaction table; 100 match ignoring case."
    )
    assert caught[0].filename == __file__
    assert arch.layers[1].ids == ("PPI:P0", "PPI:P1", "PPI:P2")


def test_a_short_table_beside_a_long_list_is_fine():
    genes = [f"P{i}" for i in range(5_000)]
    assert len(interaction_architecture(genes, chain(["P1", "P2", "P3"])).layers[1]) == 3


def test_a_short_list_beside_a_long_table_is_fine():
    known = chain([f"P{i}" for i in range(5_000)])
    assert len(interaction_architecture(["P1", "P2", "P3"], known).layers[1]) == 3


def test_regulators_alone_do_not_make_a_match():
    tf = Regulation.from_pairs(["JAK1", "STAT1"], ["YAL001C", "YBR002W"])
    with pytest.raises(GeneError) as caught:
        interaction_architecture(["JAK1", "STAT1"], regulation=tf)
    assert str(caught.value).splitlines()[0] == "0 of 2 genes match the column of targets."


def test_gene_sets_that_do_not_match():
    with pytest.raises(GeneError) as caught:
        gene_set_architecture(["Jak1", "Tp53"], {"signalling": ["JAK1", "STAT1"]})
    assert str(caught.value).splitlines()[0] == (
        "0 of 2 genes match the collection of gene sets; 1 match ignoring case."
    )


def test_tables_and_files_are_read_as_their_readers_do(tmp_path):
    frame = pd.DataFrame({"a": ["TP53"], "b": ["MDM2"]})
    genes = ["TP53", "MDM2", "ATM"]
    (tmp_path / "ppi.tsv").write_text("TP53\tMDM2\n")
    (tmp_path / "sets.gmt").write_text("repair\t-\tTP53\tATM\n")
    known = interaction_architecture(genes, read_interactions(frame))
    cells = anndata.AnnData(np.zeros((1, 3), np.float32), var=pd.DataFrame(index=genes))
    for prior in (frame, tmp_path / "ppi.tsv", str(tmp_path / "ppi.tsv")):
        assert interaction_architecture(cells, prior) == known
    assert [source.name for source in interaction_architecture(genes, tmp_path / "ppi.tsv").sources] == ["ppi.tsv"]
    assert gene_set_architecture(genes, tmp_path / "sets.gmt").layers[1].ids == ("repair",)
    with pytest.raises(ReadError, match=r"tf\.tsv"):
        interaction_architecture(genes, None, tmp_path / "tf.tsv")


def test_what_no_reader_reads_is_no_prior():
    with pytest.raises(WiringError) as error:
        interaction_architecture(["TP53", "MDM2"], 3)
    assert str(error.value) == (
        "Expected Interactions, got int.\nRead the table or the file first: vnn.read.interactions(…)"
    )
    with pytest.raises(WiringError, match="Expected Annotations, got str"):
        hierarchy_architecture(["TP53", "MDM2"], "go.obo", "goa.gaf")
