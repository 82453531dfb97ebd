"""AnnData: the network as a table of hidden nodes (rows) by genes (columns), for scanpy and its kin.

In: a `Content`. Out: the bytes of an ``.h5ad`` file.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from keras_vnn.export._content import Content

__all__ = ["network_anndata", "to_h5ad"]


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
    last = len(content.architecture.layers)
    inner = (edges["target_layer"] < last).to_numpy()
    of_genes = inner & (edges["source_layer"] == 0).to_numpy()
    between = inner & ~of_genes
    node_at = pd.Series(np.arange(len(hidden)), index=hidden.index)
    gene_at = pd.Series(np.arange(len(genes)), index=genes.index)

    def matrix(chosen: Any, rows: Any, columns: Any, shape: tuple[int, int]) -> Any:
        data = (values[chosen].to_numpy(np.float32), (rows.to_numpy(), columns.to_numpy()))
        return sparse.csr_matrix(data, shape=shape)

    of_gene, of_node = edges[of_genes], edges[between]
    result = anndata.AnnData(
        matrix(of_genes, of_gene["target"].map(node_at), of_gene["source"].map(gene_at), (len(hidden), len(genes))),
        obs=_storable(hidden),
        var=_storable(genes),
    )
    result.obsp["weights"] = matrix(
        between, of_node["source"].map(node_at), of_node["target"].map(node_at), (len(hidden), len(hidden))
    )
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
