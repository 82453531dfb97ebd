"""Ontologies, hierarchies and gene sets: a function each for all their formats.

In: a file of any known format. Out: an `Ontology`, which term lies under which; for a hierarchy that names its genes,
`Annotations` as well; `GeneSets`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from keras_vnn.priors import Annotations, GeneSets, Ontology
from keras_vnn.priors.kinds import check_names
from keras_vnn.readers.registry import lists_formats, read_file
from keras_vnn.readers.tabular import Options

__all__ = ["read_gene_sets", "read_hierarchy", "read_ontology"]


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
    >>> import keras_vnn as vnn
    >>> from keras_vnn.basics.bundled import data_path
    >>> go = vnn.read.ontology(data_path("go-basic.obo.gz"))
    >>> print(go)
    43,789 terms, 86,549 edges (go-basic.obo.gz)
    >>> go.current_id("GO:0006300"), go.find("mismatch repair")
    ('GO:0006298', 'GO:0006298')
    """
    chosen, found = read_file(path, "ontology", format, Options(columns, species=species))
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
    _, (ontology, annotations) = read_file(path, "hierarchy", format)
    check_names(annotations.genes, path)
    return ontology, annotations


@lists_formats("gene-sets")
def read_gene_sets(path: str | os.PathLike[str], *, format: str = "auto") -> GeneSets:
    """Read named sets of genes.

    Parameters
    ----------
    path
        The file, compressed or not.
    format
        {formats}.

    Returns
    -------
    GeneSets
        A mapping from name to genes.

    Raises
    ------
    ReadError
        The file is missing or damaged, two sets have the same name, or it is not clear whether the second column of a
        text is a description or a gene.
    ConfigError
        There is no such format.

    Warns
    -----
    VNNWarning
        Names look damaged by a spreadsheet.
    """
    sets: GeneSets
    _, sets = read_file(path, "gene-sets", format)
    check_names(sets.genes, path)
    return sets
