"""Inputs as large as the real ones, generated in their layout: STRING's links, and cells in an .h5ad.

Degrees and densities are those of the real files; the names and the values are made up. Nothing is read back.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

__all__ = ["write_cells", "write_string_links"]

GENES = 20_000


def write_string_links(path: Path, *, interactions: int = 6_857_702, proteins: int = 19_622, seed: int = 0) -> int:
    """Write ``protein1 protein2 combined_score`` as STRING does: both directions, space separated, gzip.

    The defaults are the sizes of the human file of STRING 12.0. Degrees follow a power law with a cut-off, scores a
    steep decline from 150 with a tail up to 999.

    Returns
    -------
    int
        Rows written.
    """
    random = np.random.default_rng(seed)
    weight = 1 / (np.arange(1, proteins + 1) + 60.0) ** 0.7
    weight /= weight.sum()
    pairs = np.empty(0, np.int64)
    while len(pairs) < interactions:
        drawn = np.sort(random.choice(proteins, (interactions, 2), p=weight), axis=1)
        drawn = drawn[drawn[:, 0] != drawn[:, 1]]
        pairs = np.unique(np.concatenate([pairs, drawn[:, 0] * proteins + drawn[:, 1]]))
    pairs = np.sort(random.permutation(pairs)[:interactions])
    score = np.minimum(999, 150 + random.gamma(0.3, 350, interactions)).astype(np.int64)
    first, second = np.divmod(pairs, proteins)
    table = pd.DataFrame(
        {
            "protein1": np.concatenate([first, second]),
            "protein2": np.concatenate([second, first]),
            "combined_score": np.tile(score, 2),
        }
    ).sort_values(["protein1", "protein2"], kind="stable")
    names = np.array([f"9606.ENSP{number:011d}" for number in range(200_000, 200_000 + proteins)], dtype=object)
    with gzip.open(path, "wt", compresslevel=1) as stream:
        stream.write("protein1 protein2 combined_score\n")
        for start in range(0, len(table), 10**6):
            part = table.iloc[start : start + 10**6]
            part = part.assign(protein1=names[part["protein1"]], protein2=names[part["protein2"]])
            part.to_csv(stream, sep=" ", header=False, index=False)
    return len(table)


def write_cells(path: Path, *, cells: int, density: float = 0.03, compression: str | None = None, seed: int = 0) -> int:
    """Write counts ``(cells, 20,000 genes)`` of ten types, by cells (CSR), float32, without ever holding them whole.

    Cells are sorted by type, as files often are. Genes are detected at rates between rare and common, and each type
    has 200 genes of its own.

    Returns
    -------
    int
        Numbers written.
    """
    random = np.random.default_rng(seed)
    per_cell = round(GENES * density)
    common = random.permutation(1 / (np.arange(1, GENES + 1) + 100.0) ** 0.6)
    types = np.arange(cells) * 10 // cells
    chunks = {"compression": compression, "chunks": (2**17,)}
    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        group = file.create_group("X")
        group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": (cells, GENES)})
        data = group.create_dataset("data", (0,), "float32", maxshape=(None,), **chunks)
        indices = group.create_dataset("indices", (0,), "int32", maxshape=(None,), **chunks)
        starts = np.zeros(cells + 1, np.int64)
        for start in range(0, cells, 10_000):
            stop = min(start + 10_000, cells)
            columns, counts = _counts(random, common, types[start:stop], per_cell)
            sizes = np.array([len(row) for row in columns])
            starts[start + 1 : stop + 1] = starts[start] + np.cumsum(sizes)
            for dataset, values in ((indices, np.concatenate(columns)), (data, counts(int(sizes.sum())))):
                dataset.resize((int(starts[stop]),))
                dataset[int(starts[start]) :] = values
        group.create_dataset("indptr", data=starts)
        _write_tables(file, types)
    return int(starts[-1])


def _counts(random: np.random.Generator, common: np.ndarray, types: np.ndarray, per_cell: int):  # noqa: ANN202
    """Return the detected genes of each cell, ascending, and a function that draws their counts."""
    columns = []
    for kind in range(10):
        weight = common.copy()
        weight[kind * 200 : kind * 200 + 200] += 5 * common.max()
        edges = np.cumsum(weight / weight.sum())
        size = int((types == kind).sum())
        drawn = np.searchsorted(edges, random.random((size, round(per_cell * 1.25))))
        drawn.sort(axis=1)
        columns += [np.unique(row)[:GENES] for row in drawn.astype(np.int32)]
    return columns, lambda total: random.geometric(0.6, total).astype(np.float32)


def _write_tables(file: h5py.File, types: np.ndarray) -> None:
    import anndata

    kinds = [f"type {number}" for number in range(10)]
    obs = pd.DataFrame(
        {"cell_type": pd.Categorical.from_codes(types, kinds)}, index=[f"cell{number}" for number in range(len(types))]
    )
    var = pd.DataFrame(index=[f"GENE{number}" for number in range(GENES)])
    anndata.io.write_elem(file, "obs", obs)
    anndata.io.write_elem(file, "var", var)
