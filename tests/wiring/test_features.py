"""Features below the genes of a network: who feeds whom against sets worked by hand, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from keras_vnn.architecture import genes_upstream, load_architecture
from keras_vnn.architecture.wiring import architecture_on_features, gene_set_architecture
from keras_vnn.basics.errors import GeneError, WiringError
from keras_vnn.data import align, alignment_report
from keras_vnn.priors import Annotations

GENES = gene_set_architecture(["A", "B", "C"], {"left": ["A", "B"], "right": ["B", "C"]})
# s3 is of two genes, s5 of none of the network.
SNPS = Annotations.from_pairs(["s1", "s2", "s3", "s3", "s4", "s5"], ["A", "A", "A", "B", "C", "Z"])


def upstream(arch):
    reached, ids = genes_upstream(arch).toarray() > 0, [node.id for layer in arch.hidden_layers for node in layer]
    return {id: {arch.genes[i] for i in np.flatnonzero(column)} for id, column in zip(ids, reached.T, strict=True)}


def test_features_feed_genes_and_genes_what_they_fed():
    arch = architecture_on_features(GENES, SNPS)
    assert [layer.ids for layer in arch.layers] == [("s1", "s2", "s3", "s4"), ("A", "B", "C"), ("left", "right")]
    assert upstream(arch) == {
        "A": {"s1", "s2", "s3"},
        "B": {"s3"},
        "C": {"s4"},
        "left": {"s1", "s2", "s3"},
        "right": {"s3", "s4"},
    }
    assert (arch.connections[1, 2] != GENES.connections[0, 1]).nnz == 0
    assert "1 feature: of no gene of the network: left out (s5)" in str(arch.audit)
    assert {node.kind for node in arch.layers[0]} == {"feature"}


def test_several_kinds_have_names_of_their_own():
    arch = architecture_on_features(GENES, {"snps": SNPS, "rna": None})
    assert upstream(arch)["left"] == {"snps:s1", "snps:s2", "snps:s3", "rna:A", "rna:B"}
    assert [node.attributes["block"] for node in arch.layers[0]] == ["snps"] * 4 + ["rna"] * 3
    assert [node.label for node in arch.layers[0]][-3:] == ["A", "B", "C"]


def test_what_was_not_measured_is_left_out_and_counted():
    arch = architecture_on_features(GENES, SNPS, inputs=["s2", "s3", "s4", "s9"])
    assert arch.genes == ("s2", "s3", "s4")
    assert "1 feature: not among the inputs: left out (s1)" in str(arch.audit)


def test_what_is_said_of_inputs_calls_them_features():
    arch = architecture_on_features(GENES, SNPS)
    data = pd.DataFrame([[1.0, 2.0, 3.0]], index=["cell"], columns=["s1", "s2", "rs9"])
    found = alignment_report(data, arch)
    assert str(found).splitlines()[:3] == [
        "2 of 4 input features are in the data",
        "2 missing: s3, s4",
        "1 feature of the data not used: rs9",
    ]
    assert str(found.audit).splitlines()[0] == "align   2 features: missing from the data (s3, s4)"
    assert "\nfeatures not connected 0\n" in str(arch.summary())
    assert "\ngenes not connected   0\n" in str(GENES.summary())
    with pytest.raises(GeneError, match="2 of 4 input features of the model are missing from the data: s3, s4"):
        align(data, arch)


def test_it_is_saved_and_read_again(tmp_path):
    arch = architecture_on_features(GENES, {"snps": SNPS, "rna": None})
    arch.save(tmp_path / "snps.vnn")
    again = load_architecture(tmp_path / "snps.vnn")
    assert again == arch
    assert again.layers[0][0].attributes["block"] == "snps"


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (Annotations.from_pairs(["s1"], ["Z"]), "No feature is of a gene of the network"),
        (Annotations.from_pairs(["s1", "s2"], ["A", "B"]), "1 of 3 genes of the network have no feature: C."),
        (Annotations.from_pairs(["A", "B", "C"], ["A", "B", "C"]), "3 of 3 features are called as nodes"),
    ],
)
def test_what_is_refused(features, message):
    with pytest.raises(WiringError) as error:
        architecture_on_features(GENES, features)
    assert str(error.value).startswith(message)
