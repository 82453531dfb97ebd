"""Ridge regression of many small problems; the penalty is chosen by leaving out one cell at a time, in closed form.

The same as ``sklearn.linear_model.RidgeCV(alphas, alpha_per_target=True)``, without its half a millisecond a call:
relative improvements need tens of thousands of fits of a few units each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ALPHAS", "ridge_predictions"]

Doubles = NDArray[np.float64]

# Those of scikit-learn's RidgeCV, which the released code of DrugCell takes.
ALPHAS = (0.1, 1.0, 10.0)


def ridge_predictions(train: Doubles, targets: Doubles, test: Doubles) -> Doubles:
    """Return what ridge regressions with an intercept predict.

    Parameters
    ----------
    train
        ``(cells, features)``.
    targets
        ``(cells, outputs)``; each has a penalty of its own, one of `ALPHAS`.
    test
        ``(other cells, features)``.

    Returns
    -------
    numpy.ndarray
        ``(other cells, outputs)``.
    """
    middle, level = train.mean(axis=0), targets.mean(axis=0)
    centred, wanted = train - middle, targets - level
    left, values, right = _decomposed(centred)
    projected = left.T @ wanted
    best = np.full(targets.shape[1], np.inf)
    weights = np.zeros((train.shape[1], targets.shape[1]))
    for alpha in ALPHAS:
        shrunk = values**2 / (values**2 + alpha)
        leverage = left**2 @ shrunk + 1 / len(train)
        left_out = (wanted - left @ (shrunk[:, None] * projected)) / (1 - leverage)[:, None]
        error = (left_out**2).mean(axis=0)
        is_better = error < best
        best = np.where(is_better, error, best)
        weights = np.where(is_better, right @ ((values / (values**2 + alpha))[:, None] * projected), weights)
    return np.asarray((test - middle) @ weights + level)


def _decomposed(matrix: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Return the thin singular value decomposition, by the smaller of the two products of the matrix with itself."""
    rows, columns = matrix.shape
    if columns <= rows:
        squares, right = np.linalg.eigh(matrix.T @ matrix)
        kept = squares > squares[-1] * 1e-12
        values, right = np.sqrt(squares[kept]), right[:, kept]
        return matrix @ right / values, values, right
    squares, left = np.linalg.eigh(matrix @ matrix.T)
    kept = squares > squares[-1] * 1e-12
    values, left = np.sqrt(squares[kept]), left[:, kept]
    return left, values, matrix.T @ left / values
