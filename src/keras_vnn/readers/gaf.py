"""GAF: gene association files of the Gene Ontology, versions 2.0 to 2.2 (and 1.0 with 15 columns).

In: a GAF file. Out: `AnnotationRows`. Read in columns: goatools' own reader takes 16 s and 1.4 GB for the human file.
"""

from __future__ import annotations

import re

from keras_vnn.basics.provenance import Source
from keras_vnn.readers.annotation_rows import AnnotationRows
from keras_vnn.readers.formats import Format
from keras_vnn.readers.tab_columns import TabLayout, read_tab_columns
from keras_vnn.readers.text import Preview

__all__ = ["GAF", "comment_value", "read_gaf"]

LAYOUT = TabLayout(
    "GAF row",
    {
        "accession": 1,
        "symbol": 2,
        "qualifier": 3,
        "term": 4,
        "evidence": 6,
        "aspect": 8,
        "synonyms": 10,
        "taxon": 12,
    },
    fewest=15,
    most=17,
    required=("accession", "term", "evidence"),
)


def looks_like_gaf(start: Preview) -> bool:
    """Say whether a file looks like GAF."""
    if comment_value(start, "gaf-version"):
        return True
    fields = start.texts[0].split("\t")
    return LAYOUT.fewest <= len(fields) <= LAYOUT.most and ":" in fields[4] and len(fields[8]) == 1


def read_gaf(start: Preview, *, malformed: str = "raise") -> AnnotationRows:
    """Read a GAF file.

    Raises
    ------
    ReadError
        A row has other than 15 to 17 columns, or lacks an accession, a term or its evidence.
    """
    frame, records, dropped = read_tab_columns(start, LAYOUT, malformed=malformed)
    version = comment_value(start, "gaf-version")
    release = comment_value(start, "date-generated") or comment_value(start, "generated")
    source = Source.of_file(start.path, f"GAF {version}".rstrip(), records=records, release=release)
    return AnnotationRows(frame, source, dropped)


def comment_value(start: Preview, key: str) -> str:
    """Return what the comment ``!key: value`` at the top of a file says, or an empty string."""
    pattern = re.compile(rf"!\s*{re.escape(key)}\s*:\s*(.*\S)", re.IGNORECASE)
    return next((found[1] for _, text in start.comments if (found := pattern.match(text))), "")


GAF = Format("gaf", "GAF 2.0 to 2.2, e.g. goa_human.gaf.gz", looks_like_gaf, read_gaf)
