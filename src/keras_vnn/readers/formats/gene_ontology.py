"""Annotations as the Gene Ontology and NCBI give them: GAF, GPAD, gene2go.

In: GAF 2.0 to 2.2 (and 1.0 with 15 columns); GPAD 1.1 to 2.0; NCBI's gene2go. Out: a `Table` for
`keras_vnn.readers.ontologies`: by symbol and accession, by accession alone (a GPAD file has no symbols), by GeneID.
Read in columns: goatools' own reader takes 16 s and 1.4 GB for the human file.

### GAF 2.2
`read.annotations`: 15 to 17 columns, with or without a version line. `NOT` removes the pair, ND rows are left out, evidence
can be chosen, of two taxa (`taxon:9606|taxon:562`) the first counts.

```text goa_human.gaf
!gaf-version: 2.2
!date-generated: 2023-05-01 10:00
UniProtKB	P04637	TP53	involved_in	GO:0006915	PMID:7720704	IDA		P	Cellular tumor antigen p53	TP53|P53	protein	taxon:9606	20101123	UniProt\t\t
UniProtKB	P04637	TP53	NOT|involved_in	GO:0006281	PMID:1	IMP		P	Cellular tumor antigen p53	TP53|P53	protein	taxon:9606	20101123	UniProt\t\t
UniProtKB	Q00987	MDM2	enables	GO:0005515	PMID:7791904	IPI	UniProtKB:P04637	F	E3 ubiquitin-protein ligase Mdm2	MDM2	protein	taxon:9606|taxon:562	20180101	IntAct\t\t
UniProtKB	Q00987	MDM2	involved_in	GO:0008150	GO_REF:0000015	ND		P	E3 ubiquitin-protein ligase Mdm2	MDM2	protein	taxon:9606	20180101	UniProt\t\t
```

### GAF of yeast (SGD)
`read.annotations`: symbols, or ORFs by `id="synonym"` with `genes=`.

```text sgd.gaf
!gaf-version: 2.2
SGD	S000005762	MSH2	involved_in	GO:0006298	PMID:8723353	IMP		P	Protein that binds to DNA mismatches	YOL090W|mismatch repair ATPase MSH2	protein	taxon:559292	20010118	SGD\t\t
SGD	S000004688	MLH1	involved_in	GO:0006298	PMID:8066446	IGI	SGD:S000005762	P	Protein required for mismatch repair	YMR167W|PMS2	protein	taxon:559292	20010118	SGD\t\t
```

### GAF of mouse (MGI), 15 columns, no version line
`read.annotations`

```text mgi.gaf
MGI	MGI:101816	Msh2		GO:0006298	MGI:MGI:70486|PMID:7788524	IMP	MGI:MGI:1857875	P	mutS homolog 2		protein	taxon:10090	20050708	MGI
MGI	MGI:98834	Trp53	NOT	GO:0006915	MGI:MGI:1	IMP		P	transformation related protein 53	p53|p44	protein	taxon:10090	20050708	MGI
MGI	MGI:98834	Trp53		GO:0006974	MGI:MGI:2	IDA		P	transformation related protein 53	p53|p44	protein	taxon:10090	20050708	MGI
```

### GAF of fly (FlyBase)
`read.annotations`

```text fb.gaf
!gaf-version: 2.1
!saved-by: FlyBase
FB	FBgn0039044	p53		GO:0006915	FB:FBrf0127305|PMID:10892742	IDA		P	p53	CG33336|Dmp53|CG10873	protein	taxon:7227	20060803	FlyBase\t\t
FB	FBgn0015546	spel1		GO:0006298	FB:FBrf0105495	ISS	SGD:S000005450	P	spellchecker1	CG4215	protein	taxon:7227	20060803	FlyBase\t\t
```

### GPAD 1.1 and 1.2
`read.annotations`: by accession; evidence from ECO ids or `go_evidence=`.

```text goa.gpa
!gpa-version: 1.1
UniProtKB	P04637	involved_in	GO:0006915	PMID:7720704	ECO:0000314			20101123	UniProt		go_evidence=IDA
UniProtKB	P04637-2	NOT|involved_in	GO:0006281	PMID:1	ECO:0000315			20101123	UniProt		go_evidence=IMP
UniProtKB	Q00987	enables	GO:0005515	PMID:7791904	ECO:0000353	UniProtKB:P04637		20180101	IntAct		go_evidence=IPI
```

### GPAD 2.0
`read.annotations`

```text mgi.gpad
!gpad-version: 2.0
!generated-by: MGI
MGI:MGI:101816		RO:0002331	GO:0006298	PMID:7788524	ECO:0000315	MGI:MGI:1857875		2005-07-08	MGI\t\t
MGI:MGI:98834	NOT	RO:0002331	GO:0006915	PMID:1	ECO:0000315			2005-07-08	MGI\t\t
```

### NCBI gene2go
`read.annotations`: by GeneID; many species in one file, `taxon=9606`.

```text gene2go
#tax_id	GeneID	GO_ID	Evidence	Qualifier	GO_term	PubMed	Category
9606	7157	GO:0006915	IDA	involved_in	apoptotic process	7720704	Process
9606	7157	GO:0006281	IMP	NOT involved_in	DNA repair	1	Process
9606	4193	GO:0005515	IPI	enables	protein binding	7791904	Function
```
"""  # noqa: E501, D301

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from keras_vnn.readers.formats import Format, without_isoforms
from keras_vnn.readers.tabular import Fixed, Options, Table, of_each, read_fixed
from keras_vnn.readers.text import Preview

# Besides the one goatools knows: what the consortium's table of ECO ids maps to IEA.
_ELECTRONIC = ("0000249", "0000256", "0000259", "0000265", "0000322", "0000323", "0000363", "0007669")
_RELATION = re.compile(r"(RO|BFO):\d+(\|(RO|BFO):\d+)*")
_GO_EVIDENCE = re.compile(r"(?:^|\|)go_evidence=([A-Z]+)")


def comment_value(start: Preview, *keys: str) -> str:
    """Return what the comment ``!key: value`` at the top of a file says, or an empty string."""
    patterns = [re.compile(rf"!\s*{re.escape(key)}\s*:\s*(.*\S)", re.IGNORECASE) for key in keys]
    found = (pattern.match(text) for pattern in patterns for _, text in start.comments)
    return next((match[1] for match in found if match), "")


def with_term_names(table: Table) -> Table:
    """Return the table with the column ``name`` as the names of its terms."""
    named = table.frame[["term", "name"]].drop_duplicates("term")
    names = {str(term): str(name) for term, name in named.itertuples(index=False) if name}
    return replace(table, frame=table.frame.drop(columns="name"), term_names=names)


# ---- GAF -----------------------------------------------------------------------------------------------------

_GAF = Fixed(
    "GAF row",
    dict(accession=1, symbol=2, qualifier=3, term=4, evidence=6, aspect=8, synonyms=10, taxon=12),
    fewest=15,
    most=17,
    required=("accession", "term", "evidence"),
)


def _is_gaf(start: Preview) -> bool:
    fields = start.first.split("\t")
    columns = _GAF.fewest <= len(fields) <= _GAF.most and ":" in fields[4] and len(fields[8]) == 1
    return bool(comment_value(start, "gaf-version")) or columns


def read_gaf(start: Preview, options: Options) -> Table:
    """Read a GAF file.

    Raises
    ------
    ReadError
        A row has other than 15 to 17 columns, or lacks an accession, a term or its evidence.
    """
    said = f"GAF {comment_value(start, 'gaf-version')}".rstrip()
    table = read_fixed(start, _GAF, said, malformed=options.malformed)
    return replace(table, release=comment_value(start, "date-generated", "generated"))


GAF = Format("gaf", "GAF 2.0 to 2.2", "annotations", _is_gaf, read_gaf, marks=("!gaf-version",), page=__doc__)

# ---- GPAD ----------------------------------------------------------------------------------------------------

_GPAD_1 = Fixed(
    "GPAD row",
    dict(accession=1, qualifier=2, term=3, evidence=5, properties=11),
    fewest=10,
    most=12,
    required=("accession", "term", "evidence"),
)
_GPAD_2 = replace(
    _GPAD_1,
    title="GPAD 2.0 row",
    columns=dict(accession=0, negation=1, qualifier=2, term=3, evidence=5, properties=11),
)


def _gpad_version(start: Preview) -> str:
    return comment_value(start, "gpad-version", "gpa-version")


def _is_gpad(start: Preview) -> bool:
    fields = start.first.split("\t")
    columns = 10 <= len(fields) <= 12 and ":" in fields[3] and fields[5].startswith("ECO:")
    return bool(_gpad_version(start)) or columns


def read_gpad(start: Preview, options: Options) -> Table:
    """Read a GPAD file of either major version.

    Evidence is given as ids of the Evidence & Conclusion Ontology; they become the codes of the Gene Ontology where
    there is one.

    Raises
    ------
    ReadError
        A row has other than 10 to 12 columns, or lacks an accession, a term or its evidence.
    """
    version, fields = _gpad_version(start), start.first.split("\t")
    is_2 = version.startswith("2") if version else len(fields) > 2 and bool(_RELATION.fullmatch(fields[2]))
    said = f"GPAD {version or ('2.0' if is_2 else '1')}"
    table = read_fixed(start, _GPAD_2 if is_2 else _GPAD_1, said, malformed=options.malformed)
    frame = table.frame
    stated = of_each(frame["properties"], lambda text: found[1] if (found := _GO_EVIDENCE.search(text)) else "")
    codes = _codes()
    evidence = of_each(frame["evidence"], lambda id: codes.get(id, id))
    frame = frame.assign(evidence=pd.Series(evidence, frame.index).where(stated == "", stated))
    if is_2:
        negated = of_each(frame["negation"], lambda word: word.upper() == "NOT", bool)
        qualifier = frame["qualifier"].astype(object)
        accession = of_each(frame["accession"], lambda name: name.split(":", 1)[-1])
        frame = frame.assign(qualifier=qualifier.where(~negated, "NOT|" + qualifier), accession=accession)
    release = comment_value(start, "date-generated", "generated")
    return without_isoforms(replace(table, frame=frame.drop(columns="properties"), release=release), "accession")


def _codes() -> Mapping[str, str]:
    from goatools.evidence_codes import EvidenceCodes

    known = {entry.eco: code for code, entry in reversed(EvidenceCodes.code2nt.items())}
    return known | {f"ECO:{number}": "IEA" for number in _ELECTRONIC}


GPAD = Format("gpad", "GPAD 1.1 to 2.0", "annotations", _is_gpad, read_gpad, marks=("!gpa-version", "!gpad-version"))

# ---- gene2go -------------------------------------------------------------------------------------------------

_GENE2GO = Fixed(
    "gene2go row",
    dict(taxon=0, accession=1, term=2, evidence=3, qualifier=4, name=5, aspect=7),
    fewest=8,
    most=8,
    required=("accession", "term"),
)


def _is_gene2go(start: Preview) -> bool:
    fields = start.first.split("\t")
    return len(fields) == 8 and fields[0].isdigit() and fields[1].isdigit() and fields[2].startswith("GO:")


def read_gene2go(start: Preview, options: Options) -> Table:
    """Read a gene2go file. Its qualifier NOT is written ``NOT involved_in``, elsewhere ``NOT|involved_in``.

    Raises
    ------
    ReadError
        A row has other than eight columns, or lacks a GeneID or a term.
    """
    table = read_fixed(start, _GENE2GO, "gene2go", malformed=options.malformed)
    table = table.with_each(lambda word: re.sub(r"^NOT\s+", "NOT|", word) if word != "-" else "", "qualifier")
    return with_term_names(table.with_each(lambda word: word if word != "-" else "", "evidence"))


GENE2GO = Format("gene2go", "NCBI gene2go", "annotations", _is_gene2go, read_gene2go)
