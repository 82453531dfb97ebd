"""Which cells an embedding learns from together: pairs, and batches of P types with K cells each.

In: codes of types. Out: orders of cells, as `keras_vnn.training._order` has them: known from the seed and the number
of the epoch, so that an interrupted training goes on with the same batches.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from keras_vnn.basics.errors import DataError
from keras_vnn.training._order import CellOrder

__all__ = ["PairOrder", "TripletOrder"]


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
