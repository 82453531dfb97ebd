"""Ontologies and hierarchies: which term lies under which.

In: a file of any known format. Out: an `Ontology`; for a hierarchy that names its genes, `Annotations` as well.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from keras_vnn.priors import Annotations, Ontology
from keras_vnn.readers.names import check_names
from keras_vnn.readers.registry import choose, lists_formats
from keras_vnn.readers.text import preview

__all__ = ["read_hierarchy", "read_ontology"]


@lists_formats("ontology")
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
        {formats}. Of a hierarchy only the terms are taken.
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
    given = {"species": species, "columns": columns}
    chosen = choose(start, "ontology", format, given)
    found = chosen.read(start, **{name: value for name, value in given.items() if value is not None})
    ontology: Ontology = found[0] if chosen.family == "hierarchy" else found
    return ontology if relations is None else ontology.selecting(relations=relations)


@lists_formats("hierarchy")
def read_hierarchy(path: str | os.PathLike[str], *, format: str = "auto") -> tuple[Ontology, Annotations]:
    """Read a hierarchy that names its genes.

    Parameters
    ----------
    path
        The file, compressed or not.
    format
        {formats}.

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
    chosen = choose(start, "hierarchy", format)
    ontology, annotations = chosen.read(start)
    check_names(annotations.genes, start.path)
    return ontology, annotations
