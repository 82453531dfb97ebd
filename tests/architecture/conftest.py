"""A tiny architecture: five genes, two layers, an edge that skips one, several units."""

import numpy as np
import pytest
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.provenance import Audit, AuditEntry, Source

GENES = ("ATM", "TP53", "MDM2", "JAK1", "STAT1")


@pytest.fixture
def layers():
    return (
        Layer("genes", tuple(Node(gene, kind="gene") for gene in GENES)),
        Layer(
            "interactions and regulators",
            (
                Node("PPI:STAT1", "STAT1 and partners", "interaction", 2, ("PPI:STAT1", "PPI:JAK1")),
                Node("PPI:TP53", "TP53 and partners", "interaction", 1, (), {"hub": "TP53"}),
                Node("TF:STAT1", "STAT1 targets", "regulator", 3),
            ),
            dense_units=4,
        ),
        Layer("terms", (Node("GO:0006281", "DNA repair", "term", 2), Node("GO:0006955", "immune response", "term"))),
    )


@pytest.fixture
def matrices():
    return {
        (0, 1): np.array([[0, 1, 0], [0, 1, 0], [0, 1, 0], [1, 0, 1], [1, 0, 0]]),
        (0, 2): np.array([[1, 0], [0, 0], [0, 0], [0, 0], [0, 0]]),
        (1, 2): np.array([[0, 1], [1, 0], [0, 1]]),
    }


@pytest.fixture
def arch(layers, matrices):
    return Architecture(
        layers,
        {pair: sparse.csr_array(matrix) for pair, matrix in matrices.items()},
        (Source("ppi.tsv", "two columns", "ab" * 32, "2019-01", 7),),
        {"grouping": "neighbourhood", "max_genes": None, "limits": (1, 2)},
        Audit.of(AuditEntry.of("read", "interaction", "a gene with itself", ["ATM"])),
    )
