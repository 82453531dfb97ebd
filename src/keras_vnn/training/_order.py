"""The order of cells in training: new in every epoch, and known from the seed and the number of the epoch alone.

Keras draws the order from the state of the backend's generator. In TensorFlow, once a seed is set, that state begins
anew with every epoch, and all epochs see the same batches; elsewhere it cannot be set to where it was when a training
was interrupted. So the order is drawn here; ``fit`` does the rest as ever. On PyTorch the same holds for units that are
dropped: Keras leaves those to PyTorch's own generator, which no file of a model holds, so that it begins anew here too.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

__all__ = ["CellOrder", "ordered_batches"]


class CellOrder(keras.callbacks.Callback):
    """Knows the order of cells in the epoch that runs; told of its number by ``fit``, as a callback.

    Parameters
    ----------
    cells
        How many there are.
    seed
        Of the orders.
    window, run
        For cells on disk: the order is one of runs of so many neighbours, mixed within windows of so many cells, which
        is as many as are in memory together. ``None``, or a window that holds all cells, is any order.
    """

    def __init__(self, cells: int, seed: int, *, window: int | None = None, run: int = 1) -> None:
        super().__init__()
        self.cells = cells
        self.seed = seed
        self.window = window
        self.run = run
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remember the epoch, from 0; PyTorch's generator begins anew."""
        self.epoch = epoch
        if keras.backend.backend() == "torch":
            import torch

            (state,) = np.random.SeedSequence([self.seed, epoch]).generate_state(1, np.uint64)
            torch.manual_seed(int(state))

    def current(self) -> NDArray[np.int64]:
        """Return ``(cells,)``, the order in the present epoch."""
        random = np.random.default_rng([self.seed, self.epoch])
        if self.window is None or self.window >= self.cells:
            return random.permutation(self.cells)
        starts = random.permutation(np.arange(0, self.cells, self.run))
        order = np.concatenate([np.arange(start, min(start + self.run, self.cells)) for start in starts])
        for start in range(0, self.cells, self.window):
            random.shuffle(order[start : start + self.window])
        return order


def ordered_batches(inputs: Any, targets: Any, order: CellOrder, batch_size: int) -> Any:
    """Return what ``fit`` takes as ``x``: the batches of arrays, in the order of each epoch.

    Parameters
    ----------
    inputs
        An array with a row per cell, or a list of them.
    targets
        An array with a row per cell.
    order
        The order; to be among the callbacks of ``fit``.
    batch_size
        Cells per batch; the last may have fewer.
    """
    parts = tuple(inputs) if isinstance(inputs, list | tuple) else inputs
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_batches((parts, targets), order, batch_size)
    return _Batches((parts, targets), order, batch_size)


def _tensorflow_batches(arrays: Any, order: CellOrder, batch_size: int) -> Any:
    """Return a dataset that gathers batches as Keras's own does, without Python between them."""
    import tensorflow as tf

    def orders() -> Any:
        yield order.current()

    rows = tf.data.Dataset.from_generator(orders, output_signature=tf.TensorSpec((order.cells,), tf.int64))
    rows = rows.flat_map(lambda cells: tf.data.Dataset.from_tensor_slices(cells).batch(batch_size))
    pairs = tf.data.Dataset.zip((rows, tf.data.Dataset.from_tensors(arrays).repeat()))
    batches = pairs.map(
        lambda cells, data: tf.nest.map_structure(lambda array: tf.gather(array, cells, axis=0), data),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    batches = batches.with_options(options).apply(
        tf.data.experimental.assert_cardinality(-(-order.cells // batch_size))
    )
    return batches.prefetch(tf.data.AUTOTUNE)


class _Batches(keras.utils.PyDataset):
    """The same for the other backends."""

    def __init__(self, arrays: Any, order: CellOrder, batch_size: int) -> None:
        super().__init__()
        self._arrays = arrays
        self._order = order
        self._size = batch_size
        self._cells = order.current()

    @property
    def num_batches(self) -> int:
        return -(-self._order.cells // self._size)

    def on_epoch_begin(self) -> None:
        self._cells = self._order.current()

    def __getitem__(self, index: int) -> Any:
        rows = self._cells[index * self._size : (index + 1) * self._size]
        return keras.tree.map_structure(lambda array: array[rows], self._arrays)
