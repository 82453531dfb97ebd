"""CSV tables, safe to open in a spreadsheet and read back exactly by `read.table`; and AnnData, for scanpy and its kin.

Two defaults of pandas get in the way of an exact copy of CSV: it reads a gene called ``NA`` as missing, and may round
the last digit of a number; ``pandas.read_csv(path, keep_default_na=False, float_precision="round_trip")`` does
neither, and only sees the apostrophe before a name that a spreadsheet would run as a formula.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from keras_vnn.basics.csv_tables import csv_text
from keras_vnn.basics.errors import OutputError
from keras_vnn.basics.files import replacing
from keras_vnn.export._content import Content


def summary_tables_of(content: Content) -> dict[str, pd.DataFrame]:
    """Return the tables by name: ``nodes``, ``edges``, ``genes``."""
    return {"nodes": content.nodes, "edges": content.edges, "genes": content.genes}


def csv_texts(content: Content) -> dict[str, str]:
    """Return the texts of ``nodes.csv``, ``edges.csv`` and ``genes.csv``."""
    return {
        f"{name}.csv": csv_text(table, index=table.index.name is not None)
        for name, table in summary_tables_of(content).items()
    }


def write_folder(texts: Mapping[str, str], path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Write files into a folder: a new folder appears with all of them or not at all.

    Other files of an existing folder are left alone.

    Raises
    ------
    OutputError
        The path is a file, its parent does not exist, or a file is there and ``overwrite`` is false.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"CSV tables are {len(texts)} files in a folder, but {folder} is a file.\nName a folder.")
    if not folder.parent.is_dir():
        raise OutputError(f"The folder does not exist: {folder.parent}\nCreate it: mkdir -p '{folder.parent}'")
    if not folder.exists():
        try:
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as aside:
                new = Path(aside) / "tables"
                new.mkdir()
                for name, text in texts.items():
                    (new / name).write_text(text, encoding="utf-8", newline="")
                new.rename(folder)
        except OSError as error:
            raise OutputError(f"Cannot write {folder}: {error.strerror or error}") from error
        return folder
    taken = [name for name in texts if (folder / name).exists()]
    if taken and not overwrite:
        raise OutputError(
            f"{len(taken)} of {len(texts)} files exist already in {folder}: {', '.join(taken)}\n"
            "Pass overwrite=True (command line: --force) to replace them."
        )
    for name, text in texts.items():
        with replacing(folder / name, overwrite=overwrite) as partial:
            partial.write_text(text, encoding="utf-8", newline="")
    return folder


def network_anndata(content: Content) -> Any:
    """Return an AnnData of the network.

    ``X`` ``(hidden nodes, genes)``, sparse: the weight of each gene in each node (means over units), or 1 where there
    is an edge and no model. ``obsp["weights"]`` holds the same between hidden nodes, from the row to the column.
    ``obs`` and ``var`` are what is known of nodes and genes; ``uns["keras_vnn"]`` says where it comes from.
    """
    import anndata

    nodes = content.nodes
    hidden = nodes[nodes["layer"] > 0]
    genes = content.genes
    edges = content.node_edges
    values = edges["weight"].astype(float) if "weight" in edges else pd.Series(1.0, index=edges.index)
    inner = edges["target_layer"] < len(content.architecture.layers)
    of_genes = inner & (edges["source_layer"] == 0)

    def matrix(chosen: pd.Series, rows: tuple[str, pd.Index], columns: tuple[str, pd.Index]) -> Any:
        places = tuple(ids.get_indexer(edges.loc[chosen, end]) for end, ids in (rows, columns))
        return sparse.csr_matrix((values[chosen].to_numpy(np.float32), places), shape=(len(rows[1]), len(columns[1])))

    weights = matrix(of_genes, ("target", hidden.index), ("source", genes.index))
    result = anndata.AnnData(weights, obs=_storable(hidden), var=_storable(genes))
    result.obsp["weights"] = matrix(inner & ~of_genes, ("source", hidden.index), ("target", hidden.index))
    arch = content.architecture
    result.uns["keras_vnn"] = {
        "fingerprint": arch.fingerprint,
        "sources": json.dumps([source.to_json() for source in arch.sources]),
        "parameters": json.dumps(dict(arch.parameters), default=str),
        "outputs": list(content.outputs),
    }
    return result


def to_h5ad(content: Content) -> bytes:
    """Return the content of an ``.h5ad`` file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.h5ad"
        network_anndata(content).write_h5ad(path)
        return path.read_bytes()


def _storable(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table that HDF5 can hold: texts without gaps, ranks that may be missing as floats."""
    kept = table.copy()
    for name in kept:
        if not pd.api.types.is_numeric_dtype(kept[name].dtype):
            kept[name] = kept[name].fillna("").astype(str)
        elif pd.api.types.is_extension_array_dtype(kept[name].dtype):
            kept[name] = kept[name].astype(float)
    # An index named like nothing in the table, as anndata wants it; HDF5 keeps "/" in values, not in names.
    kept.columns = [str(name).replace("/", "⁄") for name in kept.columns]
    return kept
