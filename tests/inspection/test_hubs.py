"""Importance corrected for hubs, against numbers worked by hand."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from keras_vnn import Architecture, VNNError
from keras_vnn.tl import corrected_importance
from keras_vnn.wire import Layer, Node


@pytest.fixture
def arch():
    """Three genes; X reads A and B, Y reads B and C; TOP reads X, Y and, past them, C."""
    layers = (
        Layer("genes", tuple(Node(name, kind="gene") for name in "ABC")),
        Layer("terms", (Node("X"), Node("Y"))),
        Layer("tops", (Node("TOP"),)),
    )
    connections = {
        (0, 1): sparse.csr_array([[1, 0], [1, 1], [0, 1]]),
        (1, 2): sparse.csr_array([[1], [1]]),
        (0, 2): sparse.csr_array([[0], [0], [1]]),
    }
    return Architecture(layers, connections)


def test_corrections_by_hand(arch):
    importance = pd.Series({"X": 1.0, "Y": 2.0, "TOP": 4.0})
    assert corrected_importance(arch, importance, "none").tolist() == [1, 2, 4]
    assert corrected_importance(arch, importance, "binn").tolist() == pytest.approx([1 / 2, 2 / 2, 4 / 2])
    assert corrected_importance(arch, importance, "reach").tolist() == pytest.approx(
        [1 / math.log2(3), 2 / math.log2(3), 4 / math.log2(5)]
    )
    assert corrected_importance(arch, importance, "pnet").tolist() == [1, 2, 4]


def test_a_hub_of_its_layer_is_divided_by_its_degree():
    """Forty nodes of two genes, one of fifty: the mean degree is 3.2, five standard deviations are 37."""
    layers = (
        Layer("genes", tuple(Node(f"G{i}", kind="gene") for i in range(50))),
        Layer("terms", tuple(Node(f"T{i}") for i in range(41))),
    )
    present = np.zeros((50, 41), bool)
    present[:2] = True
    present[:, 40] = True
    hub = Architecture(layers, {(0, 1): sparse.csr_array(present)})
    found = corrected_importance(hub, pd.Series(1.0, index=hub.layers[1].ids), "pnet")
    assert found["T40"] == 1 / 50
    assert (found.drop("T40") == 1).all()


def test_what_is_said_of_wrong_corrections(arch):
    with pytest.raises(
        VNNError, match=re.escape("must be one of none, pnet, binn, reach; got 'bin'. Did you mean binn?")
    ):
        corrected_importance(arch, pd.Series({"X": 1.0}), "bin")
    with pytest.raises(VNNError, match=re.escape("1 of 2 ids are not of hidden nodes: Z.")):
        corrected_importance(arch, pd.Series({"X": 1.0, "Z": 2.0}), "binn")
