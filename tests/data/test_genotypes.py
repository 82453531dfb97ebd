"""Genotypes of DCell, DrugCell and NeST-VNN, by name, with errors that name the line."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from keras_vnn.basics.errors import DataError, GeneError, ReadError
from keras_vnn.data import (
    align,
    align_features,
    read_drug_responses,
    read_expression,
    read_genotypes,
    targets_of,
)

MORE = Path(__file__).parents[3] / "shared" / "data" / "more"


def test_examples_of_dcell(tmp_path):
    path = tmp_path / "examples.txt"
    path.write_text("2 YBR002W YAL001C -0.12\n\n1 YBR002W 3e-2\n3 YAL001C YBR002W YCL001W 0\n")
    data = read_genotypes(path)
    assert data.var_names.tolist() == ["YAL001C", "YBR002W", "YCL001W"]
    assert data.obs_names.tolist() == ["1", "3", "4"], "rows are named by their lines"
    assert data.obs["disrupted"].tolist() == ["YBR002W YAL001C", "YBR002W", "YAL001C YBR002W YCL001W"]
    values = align(data, ["YCL001W", "YNEVER", "YAL001C"], missing="zero")
    assert values.tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 1]]
    np.testing.assert_allclose(targets_of(data, "phenotype").values[:, 0], [-0.12, 0.03, 0])
    assert data.uns["keras_vnn"]["source"]["records"] == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("2 A B 0.1\n2 A 0.1\n", "Expected the number of genes, so many genes and a phenotype, got 3 fields: FILE:2"),
        ("A B 0.1\n", "Expected the number of genes, so many genes and a phenotype, got 3 fields: FILE:1\n    A B 0.1"),
        ("2 A A 0.1\n", "A gene is named twice: FILE:1\n    2 A A 0.1"),
        ("1 A high\n", "The phenotype is not a finite number: 'high': FILE:1\n    1 A high"),
        ("1 A nan\n", "The phenotype is not a finite number: 'nan': FILE:1\n    1 A nan"),
        ("\n\n", "The file holds no genotype: FILE"),
    ],
)
def test_wrong_examples_are_named(tmp_path, content, message):
    path = tmp_path / "examples.txt"
    path.write_text(content)
    with pytest.raises(ReadError) as error:
        read_genotypes(path)
    assert str(error.value).replace(str(path), "FILE").startswith(message)


@pytest.mark.skipif(not MORE.is_dir(), reason="the files of DCell are not at hand")
def test_the_dna_repair_data():
    train, test = (read_genotypes(MORE / "dcell" / f"GO_0006281_{part}ing_data_2016_0") for part in ("train", "test"))
    assert (train.n_obs, test.n_obs) == (8783, 2868)
    assert (np.asarray(train.X.sum(axis=1)) == 2).all()
    pairs = [{frozenset(text.split()) for text in data.obs["disrupted"]} for data in (train, test)]
    assert not pairs[0] & pairs[1]


@pytest.fixture
def files(tmp_path):
    contents = {
        "train.txt": "HELA\tCCO\t0.5\tGDSC1\nMCF7\tCCO\t0.25\tGDSC2\nHELA\tCN\t1\tGDSC1\n",
        "gene2ind.txt": "1\tTP53\n0\tATM\n",
        "cell2ind.txt": "0\tMCF7\n1\tHELA\n",
        "mutation.txt": "0,1\n1,0\n",
        "deletion.txt": "0,0\n1,1\n",
        "drug2ind.txt": "0\tCCO\n1\tCN\n",
        "fingerprint.txt": "1,0,0\n0,1,1\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    return tmp_path


def read(folder, **changes):
    arguments = {
        "genes": folder / "gene2ind.txt",
        "cells": folder / "cell2ind.txt",
        "features": {"mutation": folder / "mutation.txt", "deletion": folder / "deletion.txt"},
    }
    return read_drug_responses(folder / "train.txt", **{**arguments, **changes})


def test_responses_of_drugs(files):
    data = read(files, drugs=files / "drug2ind.txt", fingerprints=files / "fingerprint.txt")
    assert data.var_names.tolist() == ["ATM", "TP53"]
    assert data.obs["response"].tolist() == [0.5, 0.25, 1.0]
    assert data.obs["source"].tolist() == ["GDSC1", "GDSC2", "GDSC1"]
    assert data.layers["mutation"].tolist() == [[1, 0], [0, 1], [1, 0]], "HELA has an ATM mutation"
    assert data.obsm["drug"].tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 1]]
    values = align_features(data, ["TP53", "ATM"], ["deletion", "mutation"])
    assert values.shape == (3, 2, 2)
    assert values[0].tolist() == [[1, 0], [1, 1]], "TP53 deleted, ATM deleted and mutated"
    alone = read(files, features={"mutation": files / "mutation.txt"})
    assert alone.X.tolist() == alone.layers["mutation"].tolist()


def test_features_are_found_by_name(files):
    data = read(files)
    with pytest.raises(DataError) as error:
        align_features(data, ["ATM"], ["mutation", "amplification"])
    assert str(error.value).splitlines()[0] == (
        "1 of 2 gene features are not a layer of the data: amplification; its layers are deletion, mutation."
    )
    with pytest.raises(GeneError, match=r"^1 of 2 input genes of the model are missing from the data: BRCA1"):
        align_features(data, ["ATM", "BRCA1"], ["mutation"])
    assert align_features(data, ["ATM", "BRCA1"], ["mutation"], missing="zero")[:, 1].sum() == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.txt", "HELA CCO 0.5\n", "Expected 2 to 4 columns, cell, drug, response and source, got 1: FILE:1"),
        ("train.txt", "HELA\tCCO\tx\n", "The response is not a finite number: 'x': FILE:1"),
        ("train.txt", "HELAA\tCCO\t1\n", "1 of 1 cell have no position: HELAA: FILE Did you mean HELA?"),
        ("train.txt", "\n", "The file holds no response: FILE"),
        ("gene2ind.txt", "ATM\t0\n", "Expected a position and a gene, separated by a tab: FILE:1"),
        ("gene2ind.txt", "0\tATM\n2\tTP53\n", "The positions must run from 0 without a gap; 1 is missing: FILE"),
        ("gene2ind.txt", "0\tATM\n0\tTP53\n", "The position 0 is given twice: FILE:2"),
        ("gene2ind.txt", "0\tATM\n1\tATM\n", "1 name occurs more than once: ATM: FILE"),
        (
            "mutation.txt",
            "0,1\n",
            "The feature 'mutation' must have a row and a column per position: expected (2, 2), got (1, 2): FILE",
        ),
        ("mutation.txt", "0,1\n1,\n", "1 of 4 numbers of the feature 'mutation' are missing or not finite: FILE"),
        ("mutation.txt", "0,1\n1,a\n", "The feature 'mutation' cannot be read as comma-separated numbers: FILE"),
        (
            "mutation.txt",
            f"0{',1' * 10_000}\n" + "1\n" * 10_000,
            "The feature 'mutation' cannot be read as comma-separated numbers: FILE\n"
            "    the first row has 10,001 numbers, most others far fewer",
        ),
    ],
)
def test_wrong_files_are_named(files, name, content, message):
    (files / name).write_text(content)
    with pytest.raises(ReadError) as error:
        read(files)
    assert re.sub(re.escape(str(files / name)), "FILE", str(error.value)).startswith(message)


def test_drugs_and_fingerprints_go_together(files):
    with pytest.raises(ReadError, match="drugs together with fingerprints or neither"):
        read(files, drugs=files / "drug2ind.txt")


@pytest.mark.skipif(not MORE.is_dir(), reason="the files of NeST-VNN are not at hand")
def test_the_nest_data():
    folder = MORE / "nest"
    features = {
        "mutation": folder / "cell2mutation.txt.gz",
        "deletion": folder / "cell2cndeletion.txt.gz",
        "amplification": folder / "cell2cnamplification.txt.gz",
    }
    data = read_drug_responses(
        folder / "training_data.txt",
        genes=folder / "gene2ind.txt",
        cells=folder / "cell2ind.txt",
        features=features,
    )
    assert data.shape == (1316, 718)
    assert [name for name in data.layers if name is not None] == list(features)  # X itself, of newer releases
    assert all(set(np.unique(values)) == {0.0, 1.0} for values in data.layers.values())


def test_pairs_to_be_predicted(files):
    (files / "train.txt").write_text("HELA\tCCO\nMCF7\tCN\n")
    data = read(files)
    assert data.obs.columns.tolist() == ["cell", "drug"]
    (files / "train.txt").write_text("HELA\tCCO\t0.5\nMCF7\tCN\tNA\nMCF7\tCCO\t\n")
    targets = targets_of(read(files), "response", missing_labels="drop")
    assert (targets.cells.tolist(), targets.values[:, 0].tolist()) == ([0], [0.5])
    (files / "examples.txt").write_text("2 YBR002W YAL001C\n1 YBR002W\n")
    assert read_genotypes(files / "examples.txt").obs.columns.tolist() == ["disrupted"]
    (files / "examples.txt").write_text("2 YBR002W YAL001C 0.1\n1 YBR002W\n")
    with pytest.raises(ReadError, match="got 2 fields"):
        read_genotypes(files / "examples.txt")


def test_files_of_the_published_names_are_found_next_to_the_responses(files):
    with gzip.open(files / "cell2mutation.txt.gz", "wt") as stream:
        stream.write("0,1\n1,0\n")
    (files / "cell2cndeletion.txt").write_text("0,0\n1,1\n")
    (files / "drug2fingerprint.txt").write_text("1,0,0\n0,1,1\n")
    found = read_drug_responses(files / "train.txt")
    named = read(files, drugs=files / "drug2ind.txt", fingerprints=files / "fingerprint.txt")
    assert found.obs.equals(named.obs)
    for name in ("mutation", "deletion"):
        np.testing.assert_array_equal(found.layers[name], named.layers[name])
    np.testing.assert_array_equal(found.obsm["drug"], named.obsm["drug"])
    same = read_expression(files / "train.txt")
    assert same.uns["keras_vnn"]["read"] == "drug responses of train.txt: 3 rows, 2 genes"
    np.testing.assert_array_equal(same.layers["mutation"], found.layers["mutation"])
    (files / "gene2ind.txt").unlink()
    with pytest.raises(ReadError, match=r"^There is no gene2ind\.txt and cell2ind\.txt next to the responses: "):
        read_drug_responses(files / "train.txt")


@pytest.mark.parametrize(
    "content", ["gene,c1,c2\nA,1,2\n", "\tc1\tc2\nA\t1\t2\n", "1 2 3\nA 1 2\n", "c1\tc2\nA\t1\t2\n", "1\t2\nA\t3\t4\n"]
)
def test_tables_of_expression_are_not_taken_for_genotypes(tmp_path, content):
    path = tmp_path / "table.txt"
    path.write_text(content)
    data = read_expression(path, orientation="genes-in-rows")
    assert data.n_obs == 2
