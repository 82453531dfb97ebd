"""GAF: gene association files of the Gene Ontology, versions 2.0 to 2.2 (and 1.0 with 15 columns).

In: a GAF file. Out: `AnnotationRows`. Read in columns: goatools' own reader takes 16 s and 1.4 GB for the human file.

### GAF 2.2
`read_annotations`: 15 to 17 columns, with or without a version line. `NOT` removes the pair, ND rows are left out, evidence
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
`read_annotations`: symbols, or ORFs by `id="synonym"` with `genes=`.

```text sgd.gaf
!gaf-version: 2.2
SGD	S000005762	MSH2	involved_in	GO:0006298	PMID:8723353	IMP		P	Protein that binds to DNA mismatches	YOL090W|mismatch repair ATPase MSH2	protein	taxon:559292	20010118	SGD\t\t
SGD	S000004688	MLH1	involved_in	GO:0006298	PMID:8066446	IGI	SGD:S000005762	P	Protein required for mismatch repair	YMR167W|PMS2	protein	taxon:559292	20010118	SGD\t\t
```

### GAF of mouse (MGI), 15 columns, no version line
`read_annotations`

```text mgi.gaf
MGI	MGI:101816	Msh2		GO:0006298	MGI:MGI:70486|PMID:7788524	IMP	MGI:MGI:1857875	P	mutS homolog 2		protein	taxon:10090	20050708	MGI
MGI	MGI:98834	Trp53	NOT	GO:0006915	MGI:MGI:1	IMP		P	transformation related protein 53	p53|p44	protein	taxon:10090	20050708	MGI
MGI	MGI:98834	Trp53		GO:0006974	MGI:MGI:2	IDA		P	transformation related protein 53	p53|p44	protein	taxon:10090	20050708	MGI
```

### GAF of fly (FlyBase)
`read_annotations`

```text fb.gaf
!gaf-version: 2.1
!saved-by: FlyBase
FB	FBgn0039044	p53		GO:0006915	FB:FBrf0127305|PMID:10892742	IDA		P	p53	CG33336|Dmp53|CG10873	protein	taxon:7227	20060803	FlyBase\t\t
FB	FBgn0015546	spel1		GO:0006298	FB:FBrf0105495	ISS	SGD:S000005450	P	spellchecker1	CG4215	protein	taxon:7227	20060803	FlyBase\t\t
```
"""  # noqa: E501, D301

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
    fields = start.first.split("\t")
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


GAF = Format("gaf", "GAF 2.0 to 2.2", "annotations", looks_like_gaf, read_gaf, marks=("!gaf-version",), page=__doc__)
