"""Tiny named networks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node


@pytest.fixture
def flat() -> Architecture:
    """Five genes, three groups, two dense units; the last gene is not connected."""
    genes = Layer("genes", tuple(Node(name, kind="gene") for name in ("ATM", "BRCA1", "CHEK2", "MDM2", "TP53")))
    groups = Layer(
        "groups", tuple(Node(f"PPI:{name}", name, "interaction") for name in ("ATM", "CHEK2", "MDM2")), dense_units=2
    )
    adjacency = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]])
    return Architecture((genes, groups), {(0, 1): sparse.csr_array(adjacency)})


@pytest.fixture
def layered() -> Architecture:
    """Four genes, two terms of two units, a root of three; one gene and one term skip a layer."""
    genes = Layer("genes", tuple(Node(name, kind="gene") for name in "ABCD"))
    lower = Layer("height 1", (Node("T1", units=2), Node("T2", units=2), Node("lonely")))
    root = Layer("height 2", (Node("ROOT", units=3),))
    return Architecture(
        (genes, lower, root),
        {
            (0, 1): sparse.csr_array(np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0]])),
            (0, 2): sparse.csr_array(np.array([[0], [0], [0], [1]])),
            (1, 2): sparse.csr_array(np.array([[1], [1], [0]])),
        },
    )
