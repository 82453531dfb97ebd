"""Bipartite graphs with the same degrees on both sides, drawn at random.

In: an adjacency. Out: another with the same sums of rows and columns and no duplicate edge.

Two nodes trade the neighbours that only one of them has: what each gets is drawn at random, how many it has stays.
A trade is many edge swaps at once, and chains of trades reach every graph of these degrees with the same probability
(Strona et al. 2014, doi:10.1038/ncomms5114; Carstens et al. 2018, doi:10.4230/LIPIcs.ESA.2018.11). In a round, every
node of one side trades once, with a partner that is drawn.
"""

# Types of compiled functions are those of numba, which ordinary annotations cannot say.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["swap_edges"]

# Ten rounds suffice in the experiments of Carstens et al.; that is where the overlap with the original ends to fall.
_ROUNDS = 40


def swap_edges(adjacency: sparse.csr_array, rng: np.random.Generator, *, rounds: int = _ROUNDS) -> sparse.csr_array:
    """Return a random adjacency ``(sources, targets)`` with the degrees of this one.

    Parameters
    ----------
    adjacency
        ``(sources, targets)`` of booleans.
    rng
        Where chance comes from.
    rounds
        How often nodes trade, the sources and the targets in turns.
    """
    graph = sparse.csr_array(adjacency).astype(bool)
    # Both sides take turns: a hub among nodes of few neighbours would take long to trade all of its own.
    for _ in range(2 * (rounds // 2)):
        graph = sparse.csr_array(graph.T)
        graph.sort_indices()
        neighbours, starts = graph.indices.astype(np.int32), graph.indptr.astype(np.int64)
        traders = rng.permutation(np.flatnonzero(np.diff(starts)))
        _round()(neighbours, starts, traders, int(rng.integers(2**32)))
        graph = sparse.csr_array((graph.data, neighbours, starts), shape=graph.shape)
    return graph


@cache
def _round() -> Callable[[NDArray[Any], NDArray[Any], NDArray[Any], int], None]:
    from numba import njit

    def trade_all(neighbours, starts, order, seed):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        """Let neighbours in ``order`` trade, two and two; every list of neighbours is sorted before and after."""
        np.random.seed(seed)
        longest = 0
        for node in range(len(starts) - 1):
            longest = max(longest, starts[node + 1] - starts[node])
        only, mine = np.empty(2 * longest, np.int32), np.empty(2 * longest, np.bool_)
        both = np.empty(longest, np.int32)
        for pair in range(len(order) // 2):
            one, other = order[2 * pair], order[2 * pair + 1]
            i, i_end, j, j_end = starts[one], starts[one + 1], starts[other], starts[other + 1]
            n_only, n_both, n_one = 0, 0, 0
            while i < i_end or j < j_end:
                if j == j_end or (i < i_end and neighbours[i] < neighbours[j]):
                    only[n_only] = neighbours[i]
                    n_only, n_one, i = n_only + 1, n_one + 1, i + 1
                elif i == i_end or neighbours[j] < neighbours[i]:
                    only[n_only] = neighbours[j]
                    n_only, j = n_only + 1, j + 1
                else:
                    both[n_both] = neighbours[i]
                    n_both, i, j = n_both + 1, i + 1, j + 1
            if n_one == 0 or n_one == n_only:
                continue
            # Draw which of the unshared neighbours the first one gets, as many as it had.
            left = n_one
            for k in range(n_only):
                mine[k] = np.random.randint(0, n_only - k) < left
                left -= mine[k]
            i, j, k = starts[one], starts[other], 0
            shared = 0
            while k < n_only or shared < n_both:
                if shared == n_both or (k < n_only and only[k] < both[shared]):
                    if mine[k]:
                        neighbours[i] = only[k]
                        i += 1
                    else:
                        neighbours[j] = only[k]
                        j += 1
                    k += 1
                else:
                    neighbours[i], neighbours[j] = both[shared], both[shared]
                    i, j, shared = i + 1, j + 1, shared + 1

    try:
        compiled: Callable[..., None] = njit(trade_all, nogil=True, cache=True)
    except RuntimeError:  # no folder can be written
        compiled = njit(trade_all, nogil=True)
    return compiled
