"""The order of cells in training: new in every epoch, and known from the seed and the number of the epoch alone.

Keras draws the order from the state of the backend's generator. In TensorFlow, once a seed is set, that state is set
again with every epoch, and all epochs have the same batches; elsewhere it cannot be set to where it was when a training
was interrupted. So the order is drawn here; ``fit`` does the rest as ever. On PyTorch the same holds for units that are
dropped: Keras leaves those to PyTorch's own generator, which no file of a model holds, so that it is seeded here too.
An embedding learns from cells together: pairs, or batches of P types with K cells each.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_vnn.basics.errors import DataError


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
        """Remember the epoch, from 0; PyTorch's generator is seeded."""
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


class PairOrder(CellOrder):
    """Rows 2 i and 2 i + 1 are a pair: in an epoch each cell asks once for a cell of its type and once for another.

    Parameters
    ----------
    codes
        ``(cells,)`` code of each cell's type.
    seed
        Of the draws.

    Raises
    ------
    DataError
        All cells are of one type.
    """

    def __init__(self, codes: NDArray[np.integer], seed: int) -> None:
        self._codes = _two_types(codes)
        # The only cell of its type is no pair with itself.
        self._asks = np.bincount(self._codes)[self._codes] > 1
        super().__init__(2 * (len(self._codes) + int(self._asks.sum())), seed)

    def current(self) -> NDArray[np.int64]:
        """Return ``(rows,)``, the cells in the present epoch."""
        random = np.random.default_rng([self.seed, self.epoch])
        cells = np.arange(len(self._codes))
        pairs = []
        for code in np.unique(self._codes):
            own, others = cells[self._codes == code], cells[self._codes != code]
            pairs.append(np.column_stack([own, random.choice(others, len(own))]))
            if len(own) > 1:
                # Each with the one that stands after it by a random distance: never with itself.
                steps = random.integers(1, len(own), len(own))
                pairs.append(np.column_stack([own, own[(np.arange(len(own)) + steps) % len(own)]]))
        return np.asarray(random.permutation(np.concatenate(pairs)).ravel(), np.int64)


class TripletOrder(CellOrder):
    """Batches of P types drawn at random and K cells of each; an epoch has about as many rows as there are cells.

    Parameters
    ----------
    codes
        ``(cells,)`` code of each cell's type.
    seed
        Of the draws.
    types
        P; all types where there are fewer.
    per_type
        K; a type with fewer cells gives some of them more than once.

    Raises
    ------
    DataError
        All cells are of one type.

    References
    ----------
    Hermans et al. 2017, arXiv:1703.07737; P = 18 and K = 4 are those of Alavi et al. 2018.
    """

    def __init__(self, codes: NDArray[np.integer], seed: int, *, types: int = 18, per_type: int = 4) -> None:
        self._codes = _two_types(codes)
        self._known = np.unique(self._codes)
        self._types = min(types, len(self._known))
        self._per_type = per_type
        self._batches = -(-len(self._codes) // self.batch_size)
        super().__init__(self._batches * self.batch_size, seed)

    @property
    def batch_size(self) -> int:
        """P times K."""
        return self._types * self._per_type

    def current(self) -> NDArray[np.int64]:
        """Return ``(rows,)``, the cells in the present epoch."""
        random = np.random.default_rng([self.seed, self.epoch])
        of_type = {code: np.flatnonzero(self._codes == code) for code in self._known}
        drawn = [
            random.choice(of_type[code], self._per_type, replace=len(of_type[code]) < self._per_type)
            for _ in range(self._batches)
            for code in random.permutation(self._known)[: self._types]
        ]
        return np.asarray(np.concatenate(drawn), np.int64)


def _two_types(codes: NDArray[np.integer]) -> NDArray[np.int64]:
    given = np.asarray(codes, np.int64)
    if len(np.unique(given)) < 2:
        raise DataError("The training cells are all of one class: there is nothing to tell apart.")
    return given


def ordered_batches(inputs: Any, targets: Any, order: CellOrder, batch_size: int, weights: Any = None) -> Any:
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
    weights
        An array with the weight of each cell in the loss; all alike when ``None``.
    """
    parts = tuple(inputs) if isinstance(inputs, list | tuple) else inputs
    arrays = (parts, targets) if weights is None else (parts, targets, weights)
    make = _tensorflow_batches if keras.backend.backend() == "tensorflow" else _Batches
    return make(arrays, order, batch_size)


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
