"""What lies in an ``.h5ad`` besides names of genes: columns of its cells, layers, what the values look like.

In: a path. Out: sentences for people. Of the values only a beginning is read. Knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import VNNError, counted, sample
from keras_vnn.basics.ten_x import is_ten_x
from keras_vnn.data._matrix import texts_of
from keras_vnn.data._stores import damage_named, has_values, is_hdf5, quiet, root_of
from keras_vnn.data.normalization import Numbers
from keras_vnn.priors.genes import GENE_WORDS
from keras_vnn.priors.kinds import identify
from keras_vnn.readers.genes import read_genes
from keras_vnn.readers.layout import lay_out
from keras_vnn.readers.text import preview

# Enough to tell counts from logarithms.
_CELLS, _VALUES, _NAMES = 200, 1_000_000, 2000
_MOST_COLUMNS = 12


def contents_of(path: Path) -> dict[str, str]:
    """Return what an ``.h5ad`` holds, by ``cells``, ``values`` and ``var``; nothing of another file.

    Raises
    ------
    ReadError
        The file is damaged, or holds no AnnData.
    """
    with _opened(path) as root:
        if root is None:
            return {}
        obs, var = _tables(root, path, "obs", "var")
        places = {"X": "X", "raw": "raw/X" if "raw/X" in root else "raw.X"}
        places |= {name: f"layers/{name}" for name in (sorted(root["layers"]) if "layers" in root else ())}
        values = [f"{name} ({_look(root[place])})" for name, place in places.items() if has_values(root, place)]
        columns = [f"{name} ({_values_of(obs[name])})" for name in list(obs.columns)[:_MOST_COLUMNS]]
        more = f" and {len(obs.columns) - _MOST_COLUMNS} more" if len(obs.columns) > _MOST_COLUMNS else ""
        kinds = {"index": identify(list(map(str, var.index[:_NAMES])))}
        for name in var.columns:
            texts = [text for text in var[name].iloc[:_NAMES] if isinstance(text, str) and text]
            # Words for a few groups of genes are not names.
            if texts and 2 * len(set(texts)) > len(texts):
                kinds[str(name)] = identify(texts)
        return {
            "cells": f"{len(obs):,}, described by {', '.join(columns) or 'nothing'}{more}",
            "values": ", ".join(values) or "none",
            "var": ", ".join(f"{name} ({found.kind})" for name, found in kinds.items()),
        }


def gene_names_of(path: Path) -> dict[str, list[str]]:
    """Return other names of the genes of a file, by the column that holds them, as ``--gene-column`` takes it.

    Raises
    ------
    ReadError
        The file is damaged, or an ``.h5ad`` without AnnData.
    """
    with _opened(path) as root:
        if root is not None:
            return dict(texts_of(*_tables(root, path, "var")))
    found = {}
    for column in _gene_columns(path):
        with suppress(VNNError):
            found[str(column)] = [*read_genes(path, column=column, duplicates="first", malformed="skip")]
    return found


def _gene_columns(path: Path) -> list[int | str]:
    """Return the columns of a folder of 10x, and those of a table whose titles say that they name genes."""
    if is_ten_x(path):
        return [1, 2]
    start = preview(path)
    if len(start.lines) < 2:
        return []
    layout = lay_out(start)
    titles = enumerate(layout.titles)
    return [name for at, name in titles if at and not layout.is_numeric(at) and GENE_WORDS.fullmatch(name.casefold())]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open an ``.h5ad``; ``None`` for another file, of Cell Ranger and loom too."""
    if path.is_dir() or not is_hdf5(path):
        yield None
        return
    with damage_named(path), quiet(), root_of(path) as root:
        yield root if "var" in root else None


def _tables(root: Any, path: Path, *names: str) -> list[pd.DataFrame]:
    """Return the tables of the cells, ``obs``, or of the genes, ``var``."""
    import anndata

    if "encoding-type" in root.attrs:
        return [anndata.io.read_elem(root[name]) for name in names]
    adata = anndata.read_h5ad(path, backed="r")
    adata.file.close()
    return [{"obs": adata.obs, "var": adata.var}[name] for name in names]


def _look(values: Any) -> str:
    """Return what a matrix looks like, from its first cells."""
    is_sparse = "data" in getattr(values, "keys", tuple)()
    numbers = values["data"][:_VALUES] if is_sparse else values[:_CELLS].ravel()
    if numbers.dtype.kind not in "biuf":
        return "not numbers"
    if is_sparse or not len(numbers):  # what is not stored is 0
        numbers = np.append(numbers, numbers.dtype.type(0))
    if not np.isfinite(numbers).all():
        return "not finite numbers"
    found = Numbers.of(numbers[None, :])
    return f"{found.kind}, {found.smallest:g} to {found.largest:g}"


def _values_of(column: Any) -> str:
    """Return what a column of cells holds: its values where they are few, else how many."""
    if column.dtype.kind in "iuf":
        return "numbers"
    found = column.dropna().astype(str).unique()
    return sample(found) if len(found) <= 3 else f"{counted(len(found), 'value')}"
