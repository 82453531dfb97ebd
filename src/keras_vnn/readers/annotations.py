"""Annotation files: which gene is known for which term.

In: a file of any known format, and the choices of the user. Out: `Annotations`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from keras_vnn.basics.errors import ConfigError
from keras_vnn.priors import Annotations
from keras_vnn.priors.genes import gene_list
from keras_vnn.readers.annotation_rows import AnnotationChoices, AnnotationRows, choose
from keras_vnn.readers.formats import Format, choose_format
from keras_vnn.readers.gaf import GAF
from keras_vnn.readers.gene2go import GENE2GO
from keras_vnn.readers.gene_sets import looks_like_gmt, read_gmt
from keras_vnn.readers.gene_term import GENE_TERM
from keras_vnn.readers.gpad import GPAD
from keras_vnn.readers.names import check_names
from keras_vnn.readers.reactome import PATHWAY_ID, REACTOME_MEMBERS
from keras_vnn.readers.rows import check_malformed
from keras_vnn.readers.text import Preview, preview

__all__ = ["ANNOTATION_FORMATS", "read_annotations"]


def read_annotations(
    path: str | os.PathLike[str],
    *,
    format: str = "auto",
    id: str | None = None,
    genes: Iterable[str] | None = None,
    namespace: str | Sequence[str] | None = None,
    include_evidence: Iterable[str] | None = None,
    exclude_evidence: Iterable[str] = ("ND",),
    exclude_qualifiers: Iterable[str] = (),
    taxon: str | int | None = None,
    not_rule: str = "pair",
    malformed: str = "raise",
    columns: Sequence[int | str] | None = None,
) -> Annotations:
    """Read which gene is annotated with which term.

    Each (gene, term) comes once, however many rows assert it. Whatever is left out is counted in the audit.

    Parameters
    ----------
    path
        The file, compressed or not.
    format
        ``auto``, ``gaf`` (2.0 to 2.2), ``gpad`` (1.1 to 2.0), ``gene2go``, ``reactome`` (UniProt2Reactome and its kin),
        ``gmt``, or ``gene-term`` (two columns, or id2gos).
    id
        Name genes by ``symbol``, by ``accession`` (UniProt, GeneID …), or by ``synonym``: by symbol, and where a gene
        of ``genes`` is no symbol in the file, by a synonym that belongs to one gene only. By default the symbol, where
        the format has one.
    genes
        Keep the annotations of these genes only.
    namespace
        One or several of ``biological_process``, ``molecular_function``, ``cellular_component``.
    include_evidence, exclude_evidence
        Evidence codes to accept (``None``: all) and to refuse. By default ND, which says that nothing is known.
    exclude_qualifiers
        Refuse rows with these qualifiers, e.g. ``contributes_to``, ``colocalizes_with``.
    taxon
        Keep the rows of this species, as it stands in the file (``9606``); ``"all"`` for every one. A file of several
        species is refused when none is chosen. Of two taxa in a row the first counts.
    not_rule
        What a row that says NOT does. ``pair`` removes the gene and term it names even where other rows assert them
        (the denial wins, as the Gene Ontology intends it: it is a curator's correction); ``row`` only drops the row
        itself. With ``pair`` the denials stay known (`Annotations.denied`), for wiring to apply them to the
        descendants of the term as well.
    malformed
        ``raise``, or ``skip`` to count malformed rows and go on.
    columns
        For ``gene-term``: gene and term column, by name or by number from 1.

    Returns
    -------
    Annotations
        Direct annotations; nothing is propagated.

    Raises
    ------
    ReadError
        The file is missing, damaged or of no known format, a row is malformed, a choice needs a column the format
        does not have, the file holds several species and none was chosen, or nothing is left.
    ConfigError
        An option has an unknown value.

    Warns
    -----
    VNNWarning
        Names look damaged by a spreadsheet.

    Examples
    --------
    >>> from keras_vnn.basics.bundled import data_path
    >>> goa = read_annotations(data_path("goa_human_demo.gaf.gz"), namespace="biological_process")
    >>> print(goa)
    44,986 annotations of 5,568 genes with 8,130 terms (goa_human_demo.gaf.gz)
    """
    check_malformed(malformed)
    choices = AnnotationChoices(
        id,
        None if genes is None else tuple(gene_list(genes)),
        None if namespace is None else (namespace,) if isinstance(namespace, str) else tuple(namespace),
        None if include_evidence is None else _codes(include_evidence, "include_evidence"),
        _codes(exclude_evidence, "exclude_evidence"),
        _codes(exclude_qualifiers, "exclude_qualifiers"),
        None if taxon is None else str(taxon),
        not_rule,
    )
    start = preview(Path(path))
    chosen = choose_format(
        start,
        ANNOTATION_FORMATS,
        "gene-term" if columns is not None and format == "auto" else format,
        what="annotations",
        reader="read_annotations",
    )
    if columns is not None and chosen is not GENE_TERM:
        raise ConfigError(f"columns applies to format='gene-term'; {chosen.name} has its columns fixed.")
    options: dict[str, Any] = {"malformed": malformed}
    rows: AnnotationRows = chosen.read(start, **options, **({"columns": columns} if chosen is GENE_TERM else {}))
    annotations = choose(rows, choices)
    check_names(annotations.genes, start.path, several_species=choices.taxon == "all")
    return annotations


def _read_gmt(start: Preview, *, malformed: str = "raise") -> AnnotationRows:
    """Read a GMT file as annotations; Reactome's has the id of a pathway as description."""
    sets = read_gmt(start)
    by_id = all(PATHWAY_ID.fullmatch(sets.descriptions.get(name, "")) for name in sets)
    annotations = sets.to_annotations(sets.descriptions if by_id else None)
    frame = annotations.to_frame()[["gene", "term"]].rename(columns={"gene": "symbol"})
    frame.index = frame.index * 0
    return AnnotationRows(frame, sets.sources[0], sets.audit.entries, annotations.term_names)


def _codes(words: Iterable[str], name: str) -> frozenset[str]:
    if isinstance(words, str):
        raise ConfigError(f"{name} takes several words, got the single string {words!r}.\nPass {{{words!r}}}.")
    return frozenset(words)


ANNOTATION_FORMATS = (
    GAF,
    GPAD,
    GENE2GO,
    REACTOME_MEMBERS,
    GENE_TERM,
    Format("gmt", "GMT: name, description, genes", looks_like_gmt, _read_gmt),
)
