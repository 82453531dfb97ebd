"""Contrastive and triplet loss against loops over cells."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_vnn.layers import BatchHardTriplet, ContrastivePairs


def contrastive_by_hand(codes, cells, margin):
    losses = []
    for i in range(0, len(cells), 2):
        distance = np.linalg.norm(cells[i] - cells[i + 1])
        losses.append(distance**2 if codes[i] == codes[i + 1] else max(margin - distance, 0) ** 2)
    return np.mean(losses)


def triplet_by_hand(codes, cells, margin):
    losses = []
    for i in range(len(cells)):
        distances = np.linalg.norm(cells - cells[i], axis=1)
        if (codes == codes[i]).all():
            losses.append(0.0)
            continue
        gap = distances[codes == codes[i]].max() - distances[codes != codes[i]].min()
        losses.append(np.log1p(np.exp(gap)) if margin is None else max(margin + gap, 0))
    return np.mean(losses)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 1.0, 3.0]))
def test_losses_are_those_of_loops(seed: int, margin: float) -> None:
    rng = np.random.default_rng(seed)
    codes, cells = rng.integers(0, 3, 12), rng.normal(size=(12, 4)).astype("float32")
    assert float(ContrastivePairs(margin)(codes, cells)) == pytest.approx(
        contrastive_by_hand(codes, cells, margin),
        rel=1e-5,
        abs=1e-7,  # a distance close to the margin loses its digits in single precision
    )
    for of_triplet in (None, margin):
        assert float(BatchHardTriplet(of_triplet)(codes, cells)) == pytest.approx(
            triplet_by_hand(codes, cells, of_triplet), rel=1e-5, abs=1e-6
        )


def test_a_batch_of_one_type_is_no_triplet() -> None:
    assert float(BatchHardTriplet()(np.zeros(4), np.eye(4, dtype="float32"))) == 0


def test_gradients_are_finite_where_cells_coincide() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    x, y = np.ones((4, 2), "float32"), np.array([0, 1, 0, 1])
    for loss in (ContrastivePairs(), BatchHardTriplet()):
        model.compile("sgd", loss=loss)
        model.fit(x, y, batch_size=4, epochs=2, verbose=0)
        assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_losses_come_back_from_their_config() -> None:
    for loss in (ContrastivePairs(2.0), BatchHardTriplet(), BatchHardTriplet(0.5)):
        again = keras.losses.deserialize(keras.losses.serialize(loss))
        assert (type(again), again.margin) == (type(loss), loss.margin)
