"""Ontologies and hierarchies: which term lies under which.

In: a file of any known format. Out: an `Ontology`; for a hierarchy that names its genes, `Annotations` as well.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from keras_vnn.basics.errors import ConfigError
from keras_vnn.basics.provenance import Source
from keras_vnn.priors import Annotations, Ontology
from keras_vnn.readers.columns import Columns, column_number, lay_out
from keras_vnn.readers.cx2 import CX2
from keras_vnn.readers.dcell import DCELL
from keras_vnn.readers.drugcell import DRUGCELL
from keras_vnn.readers.formats import Format, choose_format
from keras_vnn.readers.gennet import GENNET
from keras_vnn.readers.kpnn import KPNN
from keras_vnn.readers.names import check_names
from keras_vnn.readers.obo import OBO
from keras_vnn.readers.reactome import REACTOME_RELATIONS
from keras_vnn.readers.rows import read_rows
from keras_vnn.readers.text import Preview, preview

__all__ = ["HIERARCHY_FORMATS", "ONTOLOGY_FORMATS", "read_hierarchy", "read_ontology"]

HIERARCHY_FORMATS = (DCELL, CX2, GENNET, KPNN, DRUGCELL)


def read_ontology(
    path: str | os.PathLike[str],
    *,
    format: str = "auto",
    relations: Sequence[str] | None = None,
    species: str | None = None,
    columns: Sequence[int | str] | None = None,
) -> Ontology:
    """Read which term lies under which.

    Parameters
    ----------
    path
        The file, compressed or not.
    format
        ``auto``, ``obo``, ``reactome`` (ReactomePathwaysRelation.txt), one of the formats of `read_hierarchy`, of
        which only the terms are taken, or ``edges`` (a table of children and parents, see ``columns``).
    relations
        Keep these relations only, e.g. ``("is_a", "part_of")``. By default all; wiring chooses as well.
    species
        For Reactome: three letters as in its ids, e.g. ``HSA``. By default all species.
    columns
        For ``edges``: child and parent column, by name or by number from 1; ``("child", "parent")`` by default.

    Returns
    -------
    Ontology
        Terms and edges from child to parent. Obsolete terms are set aside, parents that are not in the file are
        dropped; both are in the audit.

    Raises
    ------
    ReadError
        The file is missing, damaged, of no known format, or does not have what was asked for.
    ConfigError
        An option has an unknown value, or does not apply to the format.

    Examples
    --------
    >>> from keras_vnn.basics.bundled import data_path
    >>> go = read_ontology(data_path("go-basic.obo.gz"))
    >>> print(go)
    43,789 terms, 86,549 edges (go-basic.obo.gz)
    >>> go.current_id("GO:0006300"), go.find("mismatch repair")
    ('GO:0006298', 'GO:0006298')
    """
    start = preview(Path(path))
    chosen = choose_format(
        start,
        ONTOLOGY_FORMATS,
        "edges" if columns is not None and format == "auto" else format,
        what="an ontology",
        reader="read_ontology",
    )
    for name, value, only in (("species", species, REACTOME_RELATIONS), ("columns", columns, EDGES)):
        if value is not None and chosen is not only:
            raise ConfigError(f"{name} applies to format={only.name!r}; {path} is read as {chosen.name!r}.")
    if chosen is REACTOME_RELATIONS:
        ontology: Ontology = chosen.read(start, species=species)
    elif chosen is EDGES:
        ontology = chosen.read(start, columns=columns or ("child", "parent"))
    elif chosen in HIERARCHY_FORMATS:
        ontology = chosen.read(start)[0]
    else:
        ontology = chosen.read(start)
    return ontology if relations is None else ontology.selecting(relations=relations)


def read_hierarchy(path: str | os.PathLike[str], *, format: str = "auto") -> tuple[Ontology, Annotations]:
    """Read a hierarchy that names its genes.

    Parameters
    ----------
    path
        The file, compressed or not.
    format
        ``auto``, ``drugcell`` (also SparseGO), ``dcell``, ``cx2`` (also CX), ``kpnn`` or ``gennet``.

    Returns
    -------
    Ontology, Annotations
        The terms, and which gene belongs to which as the file has it. All edges are called ``is_a``.

    Raises
    ------
    ReadError
        The file is missing, damaged, or of no known format.
    ConfigError
        There is no such format.

    Warns
    -----
    VNNWarning
        Names look damaged by a spreadsheet.
    """
    start = preview(Path(path))
    chosen = choose_format(start, HIERARCHY_FORMATS, format, what="a hierarchy with genes", reader="read_hierarchy")
    ontology, annotations = chosen.read(start)
    check_names(annotations.genes, start.path)
    return ontology, annotations


def _never(start: Preview) -> bool:
    """Recognize nothing: any two columns could be children and parents, and which is which cannot be seen."""
    return False


def _read_edges(start: Preview, *, columns: Sequence[int | str]) -> Ontology:
    if isinstance(columns, str) or len(columns) != 2:
        raise ConfigError(f"columns must name the child and the parent column, got {columns!r}.\nFor example: (2, 1)")
    layout = lay_out(start, named=[name for name in columns if isinstance(name, str)])
    child, parent = (column_number(layout, column) for column in columns)
    rows = read_rows(layout, Columns(child, parent, chosen=True), subject="ontology edge")
    source = Source.of_file(start.path, f"{layout.kind} child, parent", records=rows.records)
    return Ontology.from_edges(rows.first, rows.second, sources=(source,))


EDGES = Format("edges", "a table of children and parents", _never, _read_edges)
ONTOLOGY_FORMATS = (OBO, REACTOME_RELATIONS, *HIERARCHY_FORMATS, EDGES)
