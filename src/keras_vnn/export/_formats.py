"""`pl.export_summary`: one call for every format, chosen by name or by the name of the file.

Of CSV tables and AnnData, too: CSV is safe to open in a spreadsheet and read back exactly by `read.table`. Two defaults
of pandas get in the way of an exact copy: it reads a gene called ``NA`` as missing, and may round the last digit of a
number; ``pandas.read_csv(path, keep_default_na=False, float_precision="round_trip")`` does neither, and only sees the
apostrophe before a name that a spreadsheet would run as a formula.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from keras_vnn.basics.csv_tables import csv_text
from keras_vnn.basics.errors import ConfigError, OutputError, check_choice, counted
from keras_vnn.basics.files import replacing
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.export._content import Content, content_of, part_of
from keras_vnn.export._documents import to_card, to_json_text, to_markdown, to_text
from keras_vnn.export._graphs import graph_of, to_cx2, to_dot, to_edge_list, to_graphml, to_jgf


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
        raise OutputError(
            f"CSV tables are {counted(len(texts), 'file')} in a folder, but {folder} is a file.\nName a folder."
        )
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
            f"{len(taken)} of {counted(len(texts), 'file')} exist already in {folder}: {', '.join(taken)}\n"
            + remedy("Pass {overwrite} to replace them.", "Remove them first.", overwrite=True)
        )
    for name, text in texts.items():
        with replacing(folder / name, overwrite=overwrite) as partial:
            partial.write_text(text, encoding="utf-8", newline="")
    return folder


def network_anndata(content: Content) -> Any:
    """Return an AnnData of the network.

    ``X`` ``(hidden nodes, genes)``, sparse: the weight of each gene in each node (means over units), or 1 where there
    is an edge and no model; of an autoencoder the weight of each node in the decoder of each gene. ``obsp["weights"]``
    holds the same between hidden nodes, from the row to the column.
    ``obs`` and ``var`` are what is known of nodes and genes; ``uns["keras_vnn"]`` says where it comes from.
    """
    import anndata

    nodes = content.nodes
    hidden = nodes[nodes["layer"] > 0]
    genes = content.genes
    edges = content.node_edges
    values = edges["weight"].astype(float)
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


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format that summaries are written in.

    Attributes
    ----------
    suffixes
        Ends of file names that mean this format; none for a folder.
    what
        What is written, in a few words.
    make
        Returns the text, the bytes, or the texts of several files by name.
    is_text
        Whether it can be shown on a terminal.
    draws
        Whether it is a picture; ``make`` is told how many nodes of a layer to show, too.
    """

    suffixes: tuple[str, ...]
    what: str
    make: Callable[..., str | bytes | dict[str, str]]
    is_text: bool = True
    draws: bool = False


def _picture(format: str) -> ExportFormat:
    def drawn(content: Content, top: int | None = None) -> bytes:
        from keras_vnn.export._canvas import picture_bytes
        from keras_vnn.export._layers import draw_content

        return picture_bytes(draw_content(content, top=top), format)

    return ExportFormat((f".{format}",), "a picture of the layers", drawn, is_text=False, draws=True)


EXPORT_FORMATS: Mapping[str, ExportFormat] = MappingProxyType(
    {
        "text": ExportFormat((".txt",), "a page of text", to_text),
        "markdown": ExportFormat((".md", ".markdown"), "a page with tables", to_markdown),
        "card": ExportFormat((".card.md",), "a model card, in Markdown", to_card),
        "json": ExportFormat((".json",), "everything, for programs", to_json_text),
        "csv": ExportFormat((), "a folder with nodes.csv, edges.csv and genes.csv", csv_texts, is_text=False),
        "graphml": ExportFormat((".graphml",), "the graph, for Cytoscape, Gephi, igraph, networkx", to_graphml),
        "cx2": ExportFormat((".cx2",), "the graph with a style, for Cytoscape and NDEx", to_cx2),
        "dot": ExportFormat((".dot", ".gv"), "the graph, for Graphviz", to_dot),
        "jgf": ExportFormat((".jgf",), "the graph, as JSON Graph Format 2", to_jgf),
        "edges": ExportFormat((".edgelist", ".edges"), "source, target and weight, separated by tabs", to_edge_list),
        "h5ad": ExportFormat((".h5ad",), "an AnnData of nodes by genes, for scanpy", to_h5ad, is_text=False),
        "png": _picture("png"),
        "svg": _picture("svg"),
        "pdf": _picture("pdf"),
    }
)


def export_summary(
    source: Any,
    format: str | None = None,
    path: str | os.PathLike[str] | None = None,
    *,
    ranking: pd.DataFrame | None = None,
    top: int | None = None,
    overwrite: bool = False,
) -> str | Path:
    """Write what a model or an architecture holds, every number by the name of its node.

    An `Architecture` is exported without importing Keras. A file is written completely or not at all.

    Parameters
    ----------
    source
        A model of `build_model`, or an `Architecture`.
    format
        One of `EXPORT_FORMATS`: ``text``, ``markdown``, ``card``, ``json``, ``csv``, ``graphml``, ``cx2``, ``dot``,
        ``jgf``, ``edges``, ``h5ad``, ``png``, ``svg``, ``pdf``; by default the one that the name of the file means (a
        name without an end: ``csv``), or ``text`` without a file.
    path
        File to write, or folder for ``csv``. Without it the text is returned.
    ranking
        What `tl.rank_nodes` gave, to be exported with the nodes; by default what the model remembers.
    top
        Export a part: so many nodes, the first of the ranking; those they stand under up to the outputs; and of
        each its ten strongest genes. Of a ranking for one class (``class_=``), that class is the only output.
    overwrite
        Replace existing files.

    Returns
    -------
    str or pathlib.Path
        The text when there is no ``path``, else the path.

    Raises
    ------
    ConfigError
        The format is unknown, the name of the file means none, or ``top`` is below 1.
    OutputError
        A file exists and ``overwrite`` is false, it cannot be written, or the format needs a path.
    ArchitectureError, ModelError
        The source is not a model of `build_model` nor an architecture, or the ranking is of another one.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> from keras_vnn.read import Interactions
    >>> from keras_vnn.architecture.wiring import interaction_architecture
    >>> ppi = Interactions.from_pairs(["JAK1", "JAK2"], ["STAT1", "STAT1"])
    >>> arch = vnn.wire.interactions(["STAT1", "JAK1", "JAK2"], ppi)
    >>> print(export_summary(arch, "text").split("Top")[1])
     3 of 3 nodes, by number of inputs
    node       label                     kind  layer  inputs
    PPI:STAT1  STAT1 and partners  interaction      1       3
    PPI:JAK1   JAK1 and partners   interaction      1       2
    PPI:JAK2   JAK2 and partners   interaction      1       2
    """
    name = format if format is not None else "text" if path is None else guess_format(path)
    check_choice("format", name, EXPORT_FORMATS)
    chosen = EXPORT_FORMATS[name]
    if path is None:
        if not chosen.is_text:
            raise OutputError(
                f"The format {name} is {chosen.what}, not text to show.\n"
                "Name where to write it: " + by_place("-o FILE", f"vnn.pl.export_summary(model, {name!r}, path=…)")
            )
        return str(chosen.make(_content_of(source, ranking, top)))
    content = _content_of(source, ranking, top)
    if not chosen.suffixes:
        _check_folder_name(path)
        made = chosen.make(content)
        return write_folder(made if isinstance(made, dict) else {}, path, overwrite=overwrite)
    with replacing(path, overwrite=overwrite) as partial:
        made = chosen.make(content, top) if chosen.draws else chosen.make(content)
        partial.write_bytes(made.encode("utf-8") if isinstance(made, str) else bytes(made))  # type: ignore[arg-type]
    return Path(path)


def _content_of(source: Any, ranking: pd.DataFrame | None, top: int | None) -> Content:
    content = content_of(source, ranking)
    return content if top is None else part_of(content, top)


def guess_format(path: str | os.PathLike[str]) -> str:
    """Return the format that the name of a file means; ``csv`` for a name without an end.

    Raises
    ------
    ConfigError
        The end of the name means no format.

    Examples
    --------
    >>> guess_format("model.graphml"), guess_format("tables")
    ('graphml', 'csv')
    """
    if not Path(path).suffix or Path(path).is_dir():
        return "csv"
    file = Path(path).name.lower()
    endings = {end: name for name, known in EXPORT_FORMATS.items() for end in known.suffixes}
    for end in sorted(endings, key=len, reverse=True):
        if file.endswith(end):
            return endings[end]
    raise ConfigError(
        f"The name {Path(path).name!r} means no format; expected an end of {', '.join(endings)}, "
        "or a folder without one for CSV tables.\n" + remedy("Name the format: {format}", format="graphml")
    )


def summary_tables(source: Any, *, ranking: pd.DataFrame | None = None) -> dict[str, pd.DataFrame]:
    """Return the tables of a model or an architecture: ``nodes`` and ``genes`` by id, ``edges``.

    Parameters
    ----------
    source, ranking
        As in `pl.export_summary`.
    """
    return summary_tables_of(content_of(source, ranking))


def summary_graph(source: Any, *, ranking: pd.DataFrame | None = None) -> Any:
    """Return a model or an architecture as a ``networkx.DiGraph``, with weights and importance where known.

    Parameters
    ----------
    source, ranking
        As in `pl.export_summary`.
    """
    return graph_of(content_of(source, ranking))


def _check_folder_name(path: str | os.PathLike[str]) -> None:
    if Path(path).suffix.lower() == ".csv":
        raise OutputError(
            f"CSV tables are several files in a folder, but {Path(path).name!r} is the name of a file.\n"
            f"Name a folder: {str(Path(path).with_suffix(''))!r}"
        )
