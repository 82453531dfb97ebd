"""Networks to export: an architecture with hostile names, and models with and without a tail."""

import numpy as np
import pytest

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.provenance import Audit, AuditEntry, Source

HOSTILE = 'a,"b"\n<img src=x onerror=alert(1)>|*_$x$\x07'


@pytest.fixture(scope="session")
def arch():
    layers = (
        Layer("genes", tuple(Node(gene, kind="gene") for gene in ("A", "B", "NA", "D"))),
        Layer("sets", (Node("S1", "DNA repair", "gene set", units=2), Node("S2", HOSTILE, "gene set")), dense_units=2),
        Layer("themes", (Node("T", "theme"),)),
    )
    connections = {
        (0, 1): np.array([[1, 0], [1, 1], [0, 1], [0, 0]]),
        (0, 2): np.array([[0], [1], [0], [0]]),
        (1, 2): np.array([[1], [0]]),
    }
    audit = Audit.of(AuditEntry.of("wire", "gene", "in no gene set: not connected", ["D"]))
    sources = (Source("sets.gmt", "GMT", "0" * 64, "2024-01", 3),)
    return Architecture(layers, connections, sources, {"wiring": "by hand"}, audit)


@pytest.fixture(scope="session")
def model(arch):
    """Classes ``control`` and ``T``, which is also the name of a node."""
    from keras_vnn.data import Classes
    from keras_vnn.models import build_model

    return build_model(arch, Classes(("control", "T")), seed=2)


@pytest.fixture(scope="session")
def with_tail(arch):
    from keras_vnn.data import Classes
    from keras_vnn.models import build_model

    return build_model(arch, Classes(("control", "T")), seed=2, tail=(3,))


@pytest.fixture(scope="session")
def ranking(model):
    from keras_vnn.inspection import rank_nodes

    return rank_nodes(model, np.random.default_rng(0).normal(size=(20, 4)), ["control", "T"] * 10, by="knockout")
