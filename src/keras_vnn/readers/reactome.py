"""Reactome: which pathway lies in which, and which molecule in which pathway.

In: ``ReactomePathwaysRelation.txt``; ``UniProt2Reactome.txt`` and its kin for other identifiers. Neither has a header.
Out: an `Ontology`; `AnnotationRows` by accession. The gene sets of Reactome are a GMT file, see `gene_sets`.
"""

from __future__ import annotations

import re

import pandas as pd

from keras_vnn.basics.errors import ReadError, did_you_mean, sample
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.priors import Ontology
from keras_vnn.readers.annotation_rows import AnnotationRows
from keras_vnn.readers.formats import Format
from keras_vnn.readers.gpad import without_isoform
from keras_vnn.readers.tab_columns import TabLayout, read_tab_columns
from keras_vnn.readers.text import Preview

__all__ = ["PATHWAY_ID", "REACTOME_MEMBERS", "REACTOME_RELATIONS", "read_members", "read_relations"]

PATHWAY_ID = re.compile(r"R-([A-Z]{3})-\d+")
RELATIONS = TabLayout("Reactome relation", {"parent": 0, "child": 1}, 2, 2, ("parent", "child"), comment="#")
MEMBERS = TabLayout(
    "Reactome row",
    {"accession": 0, "term": 1, "name": 3, "evidence": 4, "taxon": 5},
    fewest=6,
    most=6,
    required=("accession", "term"),
    comment="#",
)


def looks_like_relations(start: Preview) -> bool:
    """Say whether a file looks like Reactome's relations."""
    fields = start.texts[0].split("\t")
    return len(fields) == 2 and all(PATHWAY_ID.fullmatch(field.strip()) for field in fields)


def looks_like_members(start: Preview) -> bool:
    """Say whether a file looks like UniProt2Reactome or its kin."""
    fields = start.texts[0].split("\t")
    return len(fields) == 6 and bool(PATHWAY_ID.fullmatch(fields[1].strip()))


def read_relations(start: Preview, *, species: str | None = None) -> Ontology:
    """Read ``ReactomePathwaysRelation.txt`` (parent, child).

    Parameters
    ----------
    start
        The beginning of the file.
    species
        Three letters as in the ids, e.g. ``HSA``; ``None`` for all.

    Raises
    ------
    ReadError
        A row has other than two columns, or the file does not have the species.
    """
    frame, records, dropped = read_tab_columns(start, RELATIONS)
    parent, child = frame["parent"].astype(str).str.strip(), frame["child"].astype(str).str.strip()
    entries = list(dropped)
    if species is not None:
        of = child.str.extract(PATHWAY_ID)[0]
        known = sorted(of.dropna().unique())
        if species not in known:
            hint = did_you_mean(species, known)
            raise ReadError(f"{start.path} has no species {species!r}; it has {sample(known, 20)}. {hint}".rstrip())
        wanted = (of == species).to_numpy()
        entries.append(AuditEntry("read", "row", "of another species", int((~wanted).sum())))
        parent, child = parent[wanted], child[wanted]
    return Ontology.from_edges(
        child,
        parent,
        sources=(Source.of_file(start.path, "Reactome relations", records=records),),
        audit=Audit.of(*entries),
    )


def read_members(start: Preview, *, malformed: str = "raise") -> AnnotationRows:
    """Read ``UniProt2Reactome.txt`` or its kin. Species are in words there: ``taxon="Homo sapiens"``.

    Raises
    ------
    ReadError
        A row has other than six columns, or lacks a molecule or a pathway.
    """
    frame, records, dropped = read_tab_columns(start, MEMBERS, malformed=malformed)
    frame["accession"], merged = without_isoform(frame["accession"].astype(str).str.strip())
    named: pd.DataFrame = frame[["term", "name"]].drop_duplicates("term")
    names = {str(term): str(name) for term, name in named.itertuples(index=False) if name}
    source = Source.of_file(start.path, "Reactome members", records=records)
    return AnnotationRows(frame.drop(columns=["name"]), source, (*dropped, merged), names)


REACTOME_RELATIONS = Format(
    "reactome", "ReactomePathwaysRelation.txt: parent, child", looks_like_relations, read_relations
)
REACTOME_MEMBERS = Format("reactome", "UniProt2Reactome.txt and its kin", looks_like_members, read_members)
