"""Several numbers per gene, such as mutation, deletion and amplification, by name.

In: an AnnData with a layer per feature and the input genes. Out: a float32 array ``(cells, genes, features)``.
Knows nothing of files, labels or models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keras_vnn.basics.errors import DataError, sample
from keras_vnn.data._matrix import layer_names
from keras_vnn.data.alignment import align

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["align_features"]


def align_features(
    data: Any, genes: Any, features: Sequence[str], *, missing: str = "raise", duplicates: str = "raise"
) -> NDArray[np.float32]:
    """Return the input of a network that reads several features per gene, found by name.

    Parameters
    ----------
    data
        AnnData with a layer of each feature's name.
    genes
        Gene ids, or any object whose ``genes`` are ids, such as an `Architecture`.
    features
        Names of the layers, in the order the network reads them.
    missing, duplicates
        As in `align`, but without ``"mean"``.

    Returns
    -------
    numpy.ndarray
        float32, shape (cells, input genes, features).

    Raises
    ------
    DataError
        The data have no layers, or lack one of them.
    GeneError
        As `align`.

    Examples
    --------
    >>> import anndata, numpy as np, pandas as pd
    >>> layers = {"mutation": np.array([[1.0, 0.0]]), "deletion": np.array([[0.0, 1.0]])}
    >>> genes = pd.DataFrame(index=["TP53", "ATM"])
    >>> data = anndata.AnnData(layers=layers, obs=pd.DataFrame(index=["c1"]), var=genes)
    >>> align_features(data, ["ATM"], ["mutation", "deletion"])
    array([[[0., 1.]]], dtype=float32)
    """
    import anndata
    import numpy as np

    known = layer_names(data)
    absent = [name for name in features if name not in known]
    if absent:
        have = f"its layers are {sample(known)}" if known else "it has no layers"
        raise DataError(
            f"{len(absent)} of {len(features)} gene features are not a layer of the data: {sample(absent)}; {have}.\n"
            "Name the layers that the network reads: gene_features=(…), or add them: adata.layers[name] = values"
        )
    parts = []
    for name in features:
        one = anndata.AnnData(data.layers[name], obs=data.obs[[]], var=data.var[[]])
        parts.append(align(one, genes, missing=missing, duplicates=duplicates))
    return np.stack(parts, axis=-1)
