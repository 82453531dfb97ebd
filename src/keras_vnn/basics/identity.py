"""What a computation depends on, as digests: whether what was kept of an earlier one may be used for this one.

In: data, labels, options, architectures, files. Out: names and digests, kept with results and compared when they are
found again. Knows nothing of how results are kept.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from keras_vnn.basics.files import sha256_of

__all__ = ["differing", "digest_of", "identity_of"]

_PLAIN = (str, int, float, type(None))


def identity_of(**parts: Any) -> dict[str, str]:
    """Return the digest of everything a computation depends on, by its name in words, and of this package's version."""
    parts["version_of_keras-vnn"] = version("keras-vnn")
    return {name.replace("_", " "): digest_of(value) for name, value in parts.items()}


def differing(known: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Return the names by which two identities differ, sorted.

    Examples
    --------
    >>> differing({"data": "1", "seed": "2"}, {"data": "1", "seed": "3"})
    ['seed']
    """
    return sorted(name for name in {*known, *asked} if known.get(name) != asked.get(name))


def digest_of(value: Any) -> str:
    """Return a digest of what a value holds.

    Parameters
    ----------
    value
        An array, a sparse matrix, a table, AnnData (genes and values, not the names of cells), `Labels`, an
        `Architecture`, inputs that lie on disk, a path (the content counts, not the name), a JSON value, or a list or a
        mapping of these.

    Examples
    --------
    >>> digest_of({"a": 1, "b": [2.0]}) == digest_of({"b": [2.0], "a": 1})
    True
    """
    import numpy as np

    if isinstance(value, Path):
        return sha256_of(value) if value.exists() else "not there"
    if hasattr(value, "fingerprint"):
        return str(value.fingerprint)
    if hasattr(value, "digest"):
        return str(value.digest())
    found = hashlib.blake2b(type(value).__name__.encode(), digest_size=16)
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        found.update(f"{value.dtype} {value.shape}".encode())
        found.update(np.ascontiguousarray(value).data.cast("B") if value.size else b"")
    elif (parts := _parts_of(value)) is not None:
        found.update(" ".join(map(digest_of, parts)).encode())
    else:
        found.update(json.dumps(value, sort_keys=True, default=str).encode())
    return found.hexdigest()


def _parts_of(value: Any) -> list[Any] | None:
    """Return what a value is made of; ``None`` if it is plain."""
    from scipy import sparse

    if sparse.issparse(value):
        rows = value.tocsr()
        return [list(rows.shape), rows.data, rows.indices, rows.indptr]
    if hasattr(value, "var_names"):  # AnnData
        return [list(value.var_names), value.X, dict(value.layers), dict(value.obsm)]
    if hasattr(value, "columns"):  # DataFrame
        return [list(value.columns), value.to_numpy()]
    if hasattr(value, "tolist"):  # an array of objects
        return [value.tolist()]
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, Mapping):
        return [part for name, inner in sorted(value.items()) for part in (name, inner)]
    if isinstance(value, list | tuple) and not all(isinstance(part, _PLAIN) for part in value):
        return list(value)
    return None
