"""GPAD: gene product association data, versions 1.1 to 2.0.

In: a GPAD file. Out: `AnnotationRows` by accession; a GPAD file has no symbols. Evidence is given as ids of the
Evidence & Conclusion Ontology; they become the codes of the Gene Ontology where there is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from keras_vnn.basics.provenance import AuditEntry, Source
from keras_vnn.readers.annotation_rows import AnnotationRows
from keras_vnn.readers.formats import Format
from keras_vnn.readers.gaf import comment_value
from keras_vnn.readers.tab_columns import TabLayout, read_tab_columns
from keras_vnn.readers.text import Preview

__all__ = ["GPAD", "read_gpad", "without_isoform"]

LAYOUT_1 = TabLayout(
    "GPAD row",
    {"accession": 1, "qualifier": 2, "term": 3, "evidence": 5, "properties": 11},
    fewest=10,
    most=12,
    required=("accession", "term", "evidence"),
)
LAYOUT_2 = TabLayout(
    "GPAD 2.0 row",
    {"accession": 0, "negation": 1, "qualifier": 2, "term": 3, "evidence": 5, "properties": 11},
    fewest=10,
    most=12,
    required=("accession", "term", "evidence"),
)
# Besides the one goatools knows: what the consortium's table of ECO ids maps to IEA.
_ELECTRONIC = ("0000249", "0000256", "0000259", "0000265", "0000322", "0000323", "0000363", "0007669")
_RELATION = re.compile(r"(RO|BFO):\d+(\|(RO|BFO):\d+)*")
_ISOFORM = re.compile(r"([OPQ]\d[A-Z\d]{3}\d|[A-NR-Z]\d(?:[A-Z][A-Z\d]{2}\d){1,2})(-\d+|:PRO_\d+|-PRO_\d+|:VAR_\d+)")


def _is_2(start: Preview) -> bool:
    version = comment_value(start, "gpad-version") or comment_value(start, "gpa-version")
    fields = start.texts[0].split("\t")
    return version.startswith("2") if version else len(fields) > 2 and bool(_RELATION.fullmatch(fields[2]))


def looks_like_gpad(start: Preview) -> bool:
    """Say whether a file looks like GPAD."""
    if comment_value(start, "gpad-version") or comment_value(start, "gpa-version"):
        return True
    fields = start.texts[0].split("\t")
    return 10 <= len(fields) <= 12 and ":" in fields[3] and fields[5].startswith("ECO:")


def read_gpad(start: Preview, *, malformed: str = "raise") -> AnnotationRows:
    """Read a GPAD file of either major version.

    Raises
    ------
    ReadError
        A row has other than 10 to 12 columns, or lacks an accession, a term or its evidence.
    """
    second = _is_2(start)
    frame, records, dropped = read_tab_columns(start, LAYOUT_2 if second else LAYOUT_1, malformed=malformed)
    given = frame["properties"].astype(str).str.extract(r"(?:^|\|)go_evidence=([A-Z]+)", expand=False)
    frame["evidence"] = given.fillna(frame["evidence"].astype(str).map(_code_of(frame["evidence"].cat.categories)))
    accession = frame["accession"].astype(str)
    if second:
        accession = accession.str.split(":", n=1).str[-1]
        negated = frame["negation"].astype(str).str.upper() == "NOT"
        frame["qualifier"] = frame["qualifier"].astype(str).where(~negated, "NOT|" + frame["qualifier"].astype(str))
    frame["accession"], merged = without_isoform(accession)
    version = comment_value(start, "gpad-version") or comment_value(start, "gpa-version") or ("2.0" if second else "1")
    release = comment_value(start, "date-generated") or comment_value(start, "generated")
    source = Source.of_file(start.path, f"GPAD {version}", records=records, release=release)
    return AnnotationRows(frame.drop(columns=["properties"]), source, (*dropped, merged))


def without_isoform(accession: pd.Series) -> tuple[pd.Series, AuditEntry]:
    """Return UniProt accessions without the suffix of an isoform or chain (``P12345-2``), and how many had one."""
    found = accession.str.extract(rf"^{_ISOFORM.pattern}$")[0]
    entry = AuditEntry("read", "row", "of an isoform or chain, taken for its protein", int(found.notna().sum()))
    return found.fillna(accession), entry


def _code_of(ids: pd.Index) -> Mapping[str, str]:
    from goatools.evidence_codes import EvidenceCodes

    known = {entry.eco: code for code, entry in reversed(EvidenceCodes.code2nt.items())}
    known |= {f"ECO:{number}": "IEA" for number in _ELECTRONIC}
    return {str(id): known.get(str(id), str(id)) for id in ids}


GPAD = Format("gpad", "GPAD 1.1 to 2.0", looks_like_gpad, read_gpad)
