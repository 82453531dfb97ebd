"""Batches of cells that lie on disk or are sparse in memory, read in windows, the next while the present is used.

In: inputs of which one is `StoredInputs`, targets, an order. Out: what ``fit``, ``evaluate`` and ``predict`` take.
A window is as many cells as fit into `WINDOW_BYTES` as they are stored; they become dense batch by batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

import keras
import numpy as np
from numpy.typing import NDArray

from keras_vnn.data import StoredInputs
from keras_vnn.training._order import CellOrder

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
