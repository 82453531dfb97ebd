"""`wire.control_input`: data in which every gene tells as much as any other of its level.

In: expression and classes. Out: simulated expression and drawn classes, in which a network finds its own wiring only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from keras_vnn.basics.errors import DataError
from keras_vnn.data import Labels

if TYPE_CHECKING:
    import anndata

__all__ = ["control_input"]

# Genes whose reads are dealt out at once, and what no logarithm of a count exceeds.
_GENES_AT_ONCE, _LARGEST_LOGARITHM = 256, 30.0
_FACTORS = (0.5, 2.0)


def control_input(data: Any, labels: Labels, seed: int) -> tuple[anndata.AnnData, Labels]:
    """Return data and labels to measure what importance of a node is due to its place in the network alone.

    The classes are drawn again, with equally many cells. Every gene keeps its total of reads; of one class, drawn for
    each gene, the expected reads are halved or doubled, and the reads are dealt out to the cells at random. So all
    genes differ by the same factor, and nothing that joins them is biology. The *differential* importance of a node is
    that on the data less that on the control input.

    Parameters
    ----------
    data
        AnnData or DataFrame (cells, genes): counts, or their logarithms, ``log(1 + x)`` after each cell was scaled. Of
        logarithms the counts are estimated: the least value of a cell is taken to be one read. The result is on the
        same scale.
    labels
        The classes of the cells.
    seed
        Of all that is drawn.

    Returns
    -------
    anndata.AnnData
        The cells that have a label, and all genes; float32.
    Labels
        With the same classes, of these cells.

    Raises
    ------
    DataError
        There are negative values, as after z-scores: reads cannot be told from them.

    References
    ----------
    Fortelny & Bock 2020, Genome Biology 21:190, doi:10.1186/s13059-020-02100-5.

    Examples
    --------
    >>> import pandas as pd
    >>> from keras_vnn.pp import classes
    >>> counts = pd.DataFrame(np.full((6, 2), 10.0), columns=["A", "B"])
    >>> known = Labels("type", classes(["B", "T"]), [0, 0, 0, 0, 1, 1], range(6))
    >>> simulated, drawn = control_input(counts, known, seed=1)
    >>> simulated.X.sum(axis=0).tolist(), drawn.counts()
    ([60.0, 60.0], {'B': 3, 'T': 3})
    """
    import anndata
    import pandas as pd

    from keras_vnn.data import as_expression

    table = as_expression(data)[labels.cells]
    values = table.X.toarray() if hasattr(table.X, "toarray") else np.asarray(table.X)
    counts, scale = _counts(values.astype(np.float64))
    rng = np.random.default_rng([seed, *b"control input"])
    codes = rng.permutation(np.arange(len(values)) % len(labels.classes)).astype(np.int32)
    totals = np.rint(counts.sum(axis=0)).astype(np.int64)
    simulated = _dealt(totals, codes, len(labels.classes), rng)
    if scale is not None:
        depth = np.maximum(simulated.sum(axis=1, keepdims=True, dtype=np.float64), 1)
        simulated = np.log1p(simulated / depth * scale).astype(np.float32)
    obs = pd.DataFrame({labels.name: labels.classes.decode(codes)}, index=table.obs_names.copy())
    made = anndata.AnnData(simulated, obs=obs, var=table.var[[]].copy())
    return made, replace(labels, codes=codes, cells=np.arange(len(codes), dtype=np.intp), n_missing=0)


def _counts(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], float | None]:
    """Return reads, and what cells were scaled to before logarithms were taken; None for counts."""
    if values.size and values.min() < 0:
        raise DataError(
            f"{int((values < 0).sum()):,} of {values.size:,} values are negative: a control input is made of counts or "
            "of their logarithms.\nGive those, and let the training scale them: "
            'training_options(normalization="zscore")'
        )
    if (values == np.rint(values)).all():
        return values, None
    if values.max() > _LARGEST_LOGARITHM:
        # Scaled, or otherwise not whole: the least value of a cell is one read here too.
        raw, scale = values, None
    else:
        raw = np.expm1(values)
        scale = float(np.median(raw.sum(axis=1)))
    least = np.where(raw > 0, raw, np.inf).min(axis=1, initial=np.inf, keepdims=True)
    return raw / np.where(np.isfinite(least), least, 1), scale


def _dealt(totals: NDArray[np.int64], codes: NDArray[np.int32], classes: int, rng: np.random.Generator) -> Any:
    """Return ``(cells, genes)`` reads that sum to these totals, one class of each gene with half or twice as many."""
    genes = len(totals)
    chosen, factor = rng.integers(classes, size=genes), rng.choice(_FACTORS, genes)
    weights = np.where(codes[:, None] == chosen, factor, 1.0)
    dealt = np.empty((len(codes), genes), np.float32)
    for start in range(0, genes, _GENES_AT_ONCE):
        some = slice(start, start + _GENES_AT_ONCE)
        chances = (weights[:, some] / weights[:, some].sum(axis=0)).T
        dealt[:, some] = rng.multinomial(totals[some], chances).T
    return dealt
