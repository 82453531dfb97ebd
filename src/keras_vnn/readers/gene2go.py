"""gene2go: NCBI's table of Gene Ontology annotations by GeneID, many species in one file.

In: a gene2go file. Out: `AnnotationRows` by accession (GeneID).
"""

from __future__ import annotations

from keras_vnn.basics.provenance import Source
from keras_vnn.readers.annotation_rows import AnnotationRows
from keras_vnn.readers.formats import Format
from keras_vnn.readers.tab_columns import TabLayout, read_tab_columns
from keras_vnn.readers.text import Preview

__all__ = ["GENE2GO", "read_gene2go"]

LAYOUT = TabLayout(
    "gene2go row",
    {"taxon": 0, "accession": 1, "term": 2, "evidence": 3, "qualifier": 4, "name": 5, "aspect": 7},
    fewest=8,
    most=8,
    required=("accession", "term"),
    comment="#",
)


def looks_like_gene2go(start: Preview) -> bool:
    """Say whether a file looks like gene2go."""
    fields = start.texts[0].split("\t")
    return len(fields) == 8 and fields[0].isdigit() and fields[1].isdigit() and fields[2].startswith("GO:")


def read_gene2go(start: Preview, *, malformed: str = "raise") -> AnnotationRows:
    """Read a gene2go file. Its qualifier NOT is written ``NOT involved_in``, elsewhere ``NOT|involved_in``.

    Raises
    ------
    ReadError
        A row has other than eight columns, or lacks a GeneID or a term.
    """
    frame, records, dropped = read_tab_columns(start, LAYOUT, malformed=malformed)
    frame["qualifier"] = frame["qualifier"].astype(str).str.replace(r"^NOT\s+", "NOT|", regex=True).replace("-", "")
    frame["evidence"] = frame["evidence"].astype(str).replace("-", "")
    named = frame[["term", "name"]].drop_duplicates("term")
    names = {str(term): str(name) for term, name in named.itertuples(index=False) if name}
    source = Source.of_file(start.path, "gene2go", records=records)
    return AnnotationRows(frame.drop(columns=["name"]), source, dropped, names)


GENE2GO = Format("gene2go", "NCBI gene2go", looks_like_gene2go, read_gene2go)
