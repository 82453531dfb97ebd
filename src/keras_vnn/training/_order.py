"""The order of cells in training: new in every epoch, and known from the seed and the number of the epoch alone.

Keras draws the order from the state of the backend's generator. In TensorFlow, once a seed is set, that state is set
again with every epoch, and all epochs have the same batches; elsewhere it cannot be set to where it was when a training
was interrupted. So the order is drawn here; ``fit`` does the rest as ever. On PyTorch the same holds for units that are
dropped: Keras leaves those to PyTorch's own generator, which no file of a model holds, so that it is seeded here too.
An embedding learns from cells together: pairs, or batches of P types with K cells each.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

import keras
import numpy as np
from numpy.typing import NDArray

from keras_vnn.basics.errors import DataError
from keras_vnn.data import StoredInputs


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


WINDOW_BYTES = 2**26
# Fewer neighbours than this are not worth a seek.
_LEAST_RUN = 32


def is_stored(inputs: Any) -> bool:
    """Return whether the first of the inputs of a model is `StoredInputs`."""
    return isinstance(inputs[0] if isinstance(inputs, list | tuple) else inputs, StoredInputs)


def stored_order(inputs: Any, seed: int, batch_size: int, *, window_bytes: float = WINDOW_BYTES) -> CellOrder:
    """Return the orders in which stored cells are read in training: any, or runs of neighbours if they lie on disk."""
    first = inputs[0] if isinstance(inputs, list | tuple) else inputs
    if not first.on_disk:
        return CellOrder(len(first), seed)
    run = max(_LEAST_RUN, first.cells_per_chunk)
    return CellOrder(len(first), seed, window=_window(first, batch_size, window_bytes), run=run)


class StoredBatches(keras.utils.PyDataset):
    """Batches in the order of each epoch, or as the cells are stored.

    Parameters
    ----------
    inputs
        `StoredInputs`, or a list of them and of arrays with as many rows.
    targets
        An array with as many rows; ``inputs`` themselves, for a model that restores them; ``None`` to predict.
    batch_size
        Cells per batch; the last may have fewer.
    order
        The orders, to be among the callbacks of ``fit``, in which a cell may stand more than once or not at all; as
        stored when ``None``.
    weights
        An array with the weight of each cell in the loss.
    """

    def __init__(
        self,
        inputs: Any,
        targets: NDArray[Any] | StoredInputs | None,
        batch_size: int,
        order: CellOrder | None = None,
        weights: NDArray[Any] | None = None,
    ) -> None:
        super().__init__()
        parts: Sequence[Any] = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        self._stored: StoredInputs = parts[0]
        self._side = parts[1:]
        self._targets = targets
        self._weights = weights
        self._size = batch_size
        self._order = order
        self._window = _window(self._stored, batch_size) if order is None or order.window is None else order.window
        self._rows = len(self._stored) if order is None else order.cells
        self._cells = np.arange(len(self._stored))
        self._here: tuple[int, Any] | None = None
        self._next: tuple[int, Future[Any]] | None = None
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="stored cells")

    def __enter__(self) -> Self:
        """Return the batches; the thread that reads ends with the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread that reads."""
        self._reader.shutdown(wait=True, cancel_futures=True)

    @property
    def num_batches(self) -> int:
        """Batches of an epoch."""
        return -(-self._rows // self._size)

    def __getitem__(self, index: int) -> Any:
        """Return inputs, and targets if there are any, of a batch."""
        if index == 0 and self._order is not None:
            self._cells = self._order.current()
            self._here = self._next = None
        start = index * self._size
        number, within = divmod(start, self._window)
        raw = self._raw(number)[within : within + self._size]
        rows = self._cells[start : start + self._size]
        aligned = self._stored.aligned(raw)
        inputs = (aligned, *(part[rows] for part in self._side)) if self._side else aligned
        if self._targets is None:
            return (inputs,)
        targets = aligned if self._targets is self._stored else self._targets[rows]
        return (inputs, targets) if self._weights is None else (inputs, targets, self._weights[rows])

    def _raw(self, number: int) -> Any:
        """Return the cells of a window as they are stored, and begin to read those of the next."""
        if self._here is None or self._here[0] != number:
            ahead = self._next
            self._here = None  # not two windows and a third
            self._next = None
            found = ahead[1].result() if ahead is not None and ahead[0] == number else self._read(number)
            self._here = (number, found)
            if (number + 1) * self._window < self._rows:
                self._next = (number + 1, self._reader.submit(self._read, number + 1))
        return self._here[1]

    def _read(self, number: int) -> Any:
        return self._stored[self._cells[number * self._window : (number + 1) * self._window]].raw()


def _window(inputs: StoredInputs, batch_size: int, window_bytes: float = WINDOW_BYTES) -> int:
    cells = int(window_bytes // inputs.bytes_per_cell)
    return max(1, cells // batch_size) * batch_size
