"""Gene sets: GMT, group files (GMT without description), JSON.

In: a file. Out: `GeneSets`.

### GMT
`read.gene_sets`: as MSigDB writes it, with an address; as Reactome, with an id; names may hold commas.

```text h.all.v2022.1.Hs.symbols.gmt
HALLMARK_P53_PATHWAY	http://www.gsea-msigdb.org/gsea/msigdb/human/geneset/HALLMARK_P53_PATHWAY	CDKN1A	BTG2	MDM2
HALLMARK_DNA_REPAIR	http://www.gsea-msigdb.org/gsea/msigdb/human/geneset/HALLMARK_DNA_REPAIR	POLR2H	POLR2A	TP53
```

### GMT of Enrichr, with weights
`read.gene_sets`: what follows the comma is left out and counted.

```text ChEA.gmt
TP53 22573176 ChIP-Seq HFKS Human		CDKN1A,1.0	MDM2,1.0
GATA1 19941826 ChIP-Seq MEL Mouse		HBB,1.0	MEFV,0.8
```

### Groups (Lin et al. 2017, scQuery)
`read.gene_sets`: a GMT without description.

```text groups.txt
ppi_1	TP53	MDM2	MDM4
ppi_2	BRCA1	BARD1	TP53
TF STAT1	IRF1	MDM2	BRCA1
```

### JSON
`read.gene_sets`: name → genes, also as MSigDB writes it.

```text sets.json
{"DNA repair": ["MLH1", "ATM"], "P53": {"geneSymbols": ["CDKN1A", "MDM2"], "pmid": "1"}}
```
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import Any

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.files import read_lines
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.priors import GeneSets
from keras_vnn.readers.formats import Format
from keras_vnn.readers.formats.terms import PATHWAY_ID
from keras_vnn.readers.layout import is_number
from keras_vnn.readers.tabular import Options, Table
from keras_vnn.readers.text import Preview, at, read_json_text

__all__ = ["GENE_SET_JSON", "GMT", "GMT_ANNOTATIONS", "GROUPS", "looks_like_groups"]

_NO_GENE = re.compile(r"\s*|na|n/a|null|none|-|https?://.*|.*\s.*|.{31,}", re.IGNORECASE)
_WEIGHT = re.compile(r"(.+),[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def _is_gmt(start: Preview) -> bool:
    """Say whether the second column looks like a description, or the name says GMT and it does not look like genes."""
    named_gmt = ".gmt" in start.path.name.casefold()
    return _is_described(start) or (named_gmt and bool(_rows(start)) and not looks_like_groups(start))


def _is_described(start: Preview) -> bool:
    """Say whether the second column of a tab-separated file looks like a description."""
    rows = _rows(start)
    said = sum(
        _NO_GENE.fullmatch(row[1]) is not None or PATHWAY_ID.fullmatch(row[1]) is not None or row[0] == row[1]
        for row in rows
    )
    return bool(rows) and 2 * said >= len(rows)


def looks_like_groups(start: Preview) -> bool:
    """Say whether the second column of a tab-separated file looks like genes: some are in other places as well.

    Numbers do not: they are those of a matrix. Groups of Entrez genes are read when the format is named.
    """
    rows = _rows(start)
    if 2 * sum(is_number(gene) for row in rows for gene in row[1:]) > sum(len(row) - 1 for row in rows):
        return False
    elsewhere = {gene for row in rows for gene in row[2:]}
    again = sum(row[1] in elsewhere for row in rows)
    return len(rows) > 1 and not _is_described(start) and 5 * again >= len(rows)


def read_sets(start: Preview, _: Options, *, title: str, described: bool) -> GeneSets:
    """Read rows of a name, a description where they are ``described``, and genes.

    Raises
    ------
    ReadError
        A row has no tab, or two sets have the same name.
    """
    path = start.path
    sets: dict[str, list[str]] = {}
    descriptions: dict[str, str] = {}
    line_of: dict[str, int] = {}
    weighted = 0
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, *fields = (field.strip() for field in line.split("\t"))
        if not fields:
            raise ReadError(f"The row has no tab, expected a name and genes: {at(path, number)}")
        if not name:
            raise ReadError(f"The gene set has no name: {at(path, number)}")
        if name in sets:
            raise ReadError(
                f"Two gene sets have the same name, the first in line {line_of[name]}: {at(path, number)}\n"
                "Rename one, for a name stands for one node."
            )
        line_of[name] = number
        descriptions[name] = fields[0] if described else ""
        genes = [word for word in fields[described:] if word]
        sets[name] = [found[1] if (found := _WEIGHT.fullmatch(word)) else word for word in genes]
        weighted += sum(gene != word for gene, word in zip(sets[name], genes, strict=True))
    source = Source.of_file(path, title, records=len(sets))
    entry = AuditEntry("read", "member", "weight after a comma left out", weighted)
    return GeneSets.from_mapping(sets, descriptions=descriptions, sources=(source,), audit=Audit.of(entry))


def read_json(start: Preview, _: Options) -> GeneSets:
    """Read gene sets from JSON: a list of genes by name, or an object with ``geneSymbols`` by name (MSigDB).

    Raises
    ------
    ReadError
        It is not JSON, or not gene sets.
    """
    path = start.path

    def by_name(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated = next((name for name, count in Counter(name for name, _ in pairs).items() if count > 1), None)
        if repeated is not None:
            raise ReadError(
                f"Two gene sets have the name {repeated!r}: {path}\nRename one, for a name stands for one node."
            )
        return dict(pairs)

    content = read_json_text(path, object_pairs_hook=by_name)
    sets: dict[str, list[str]] = {}
    if not isinstance(content, dict):
        raise ReadError(f'Expected gene sets by name: {path}\nFor example: {{"DNA repair": ["MLH1", "ATM"]}}')
    for name, members in content.items():
        found = members.get("geneSymbols") if isinstance(members, dict) else members
        if not isinstance(found, list):
            raise ReadError(
                f"Expected a list of genes for the set {name!r}, got {type(members).__name__}: {path}\n"
                'For example: {"DNA repair": ["MLH1", "ATM"]}'
            )
        sets[name] = found
    source = Source.of_file(path, "JSON gene sets", records=len(sets))
    return GeneSets.from_mapping(sets, sources=(source,))


def read_gmt_annotations(start: Preview, options: Options) -> Table:
    """Read a GMT file as annotations; Reactome's has the id of a pathway as description."""
    sets = _read_gmt(start, options)
    by_id = all(PATHWAY_ID.fullmatch(sets.descriptions.get(name, "")) for name in sets)
    annotations = sets.to_annotations(sets.descriptions if by_id else None)
    frame = annotations.to_frame()[["gene", "term"]].rename(columns={"gene": "symbol"})
    frame.index = frame.index * 0
    return Table(frame, start.path, "GMT", len(sets), sets.audit.entries, term_names=annotations.term_names)


def _rows(start: Preview) -> list[list[str]]:
    """Return the fields of the rows in a preview, or nothing unless every row has at least two."""
    return start.fields if all("\t" in text for text in start.texts) else []


GENE_SET_JSON = Format("json", "JSON (name → genes)", "gene-sets", read=read_json, marks=("{",), page=__doc__)
_read_gmt = partial(read_sets, title="GMT", described=True)
_read_groups = partial(read_sets, title="group file", described=False)
GMT = Format("gmt", "GMT (name, description, genes)", "gene-sets", _is_gmt, _read_gmt)
GROUPS = Format("groups", "a group file (name, genes)", "gene-sets", looks_like_groups, _read_groups)
GMT_ANNOTATIONS = Format("gmt", "GMT (name, description, genes)", "annotations", _is_gmt, read_gmt_annotations)
