"""`pl.export_summary`: one call for every format, chosen by name or by the name of the file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from keras_vnn.basics.errors import ConfigError, OutputError, check_choice
from keras_vnn.basics.files import replacing
from keras_vnn.export._canvas import picture_bytes
from keras_vnn.export._content import Content, content_of
from keras_vnn.export._documents import to_card, to_json_text, to_markdown, to_text
from keras_vnn.export._graphs import graph_of, to_cx2, to_dot, to_edge_list, to_graphml, to_jgf
from keras_vnn.export._layers import draw_content
from keras_vnn.export._tables import csv_texts, summary_tables_of, to_h5ad, write_folder


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
    """

    suffixes: tuple[str, ...]
    what: str
    make: Callable[[Content], str | bytes | dict[str, str]]
    is_text: bool = True


def _picture(format: str) -> ExportFormat:
    return ExportFormat(
        (f".{format}",), "a picture of the layers", lambda c: picture_bytes(draw_content(c), format), is_text=False
    )


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
    overwrite
        Replace existing files.

    Returns
    -------
    str or pathlib.Path
        The text when there is no ``path``, else the path.

    Raises
    ------
    ConfigError
        The format is unknown, or the name of the file means none.
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
    chosen = _format(name)
    if path is None:
        if not chosen.is_text:
            raise OutputError(
                f"The format {name} is {chosen.what}, not text to show.\n"
                f"Name where to write it: vnn.pl.export_summary(model, {name!r}, path=…) (command line: --output …)"
            )
        return str(chosen.make(content_of(source, ranking)))
    content = content_of(source, ranking)
    if not chosen.suffixes:
        _check_folder_name(path)
        made = chosen.make(content)
        return write_folder(made if isinstance(made, dict) else {}, path, overwrite=overwrite)
    with replacing(path, overwrite=overwrite) as partial:
        made = chosen.make(content)
        partial.write_bytes(made.encode("utf-8") if isinstance(made, str) else bytes(made))  # type: ignore[arg-type]
    return Path(path)


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
    ends = [end for known in EXPORT_FORMATS.values() for end in known.suffixes]
    raise ConfigError(
        f"The name {Path(path).name!r} means no format; expected an end of {', '.join(ends)}, "
        "or a folder without one for CSV tables.\nName the format: vnn.pl.export_summary(model, 'graphml', path=…)"
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


def _format(name: str) -> ExportFormat:
    check_choice("format", name, EXPORT_FORMATS)
    return EXPORT_FORMATS[name]


def _check_folder_name(path: str | os.PathLike[str]) -> None:
    if Path(path).suffix.lower() == ".csv":
        raise OutputError(
            f"CSV tables are several files in a folder, but {Path(path).name!r} is the name of a file.\n"
            f"Name a folder: {str(Path(path).with_suffix(''))!r}"
        )
