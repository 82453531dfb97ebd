"""PSI-MITAB 2.5 to 2.8 (IntAct, MINT, HuRI, BioGRID), and HIPPIE's dialect of it.

In: tab-separated rows of 15, 36, 42 or 46 columns (HIPPIE: 18), with or without a header. A field is
``database:identifier(description)``, several are joined by ``|``. Out: `Rows` by gene symbol where the rows give one,
else by the accession of the molecule, or by the ids of any database the file names.

References
----------
Kerrien et al.: Broadening the horizon – level 2.5 of the HUPO-PSI format for molecular interactions. BMC Biology 2007.
doi:10.1186/1741-7007-5-44

### PSI-MITAB 2.5 and 2.7 (IntAct, MINT, BioGRID)
`read_interactions`: by gene name, or `id="accession"` (isoforms `P12345-2` count for their protein), or any database the
rows name. Rows marked negative are left out.

```text intact.txt
#ID(s) interactor A	ID(s) interactor B	Alt. ID(s) interactor A	Alt. ID(s) interactor B	Alias(es) interactor A	Alias(es) interactor B	Interaction detection method(s)	Publication 1st author(s)	Publication Identifier(s)	Taxid interactor A	Taxid interactor B	Interaction type(s)	Source database(s)	Interaction identifier(s)	Confidence value(s)
uniprotkb:P04637	uniprotkb:Q00987	intact:EBI-366083	intact:EBI-389668	psi-mi:p53_human(display_long)|uniprotkb:TP53(gene name)|psi-mi:TP53(display_short)	psi-mi:mdm2_human(display_long)|uniprotkb:MDM2(gene name)|psi-mi:MDM2(display_short)	psi-mi:"MI:0018"(two hybrid)	Leng P (1995)	pubmed:7791904	taxid:9606(human)|taxid:9606(Homo sapiens)	taxid:9606(human)|taxid:9606(Homo sapiens)	psi-mi:"MI:0915"(physical association)	psi-mi:"MI:0469"(IntAct)	intact:EBI-3895861	author score:B|intact-miscore:0.99
uniprotkb:P12345-2	uniprotkb:P38398	intact:EBI-1	intact:EBI-349905	psi-mi:tp53(display_short)	psi-mi:BRCA1(display_short)	psi-mi:"MI:0006"(anti bait coimmunoprecipitation)	-	pubmed:1	taxid:-1(in vitro)	taxid:9606(human)	psi-mi:"MI:0914"(association)	psi-mi:"MI:0469"(IntAct)	intact:EBI-2	intact-miscore:0.35
```

### HuRI in PSI-MITAB
`read_interactions`: no gene names; `id="ensembl"` takes the Ensembl genes.

```text HuRI.psi
uniprotkb:Q6P6B7	uniprotkb:Q9UBU9	ensembl:ENST00000355572.6|ensembl:ENSP00000347778.2|ensembl:ENSG00000196337.11	ensembl:ENST00000294172.6|ensembl:ENSP00000294172.2|ensembl:ENSG00000162231.13	human orfeome collection:7104(author assigned name)	human orfeome collection:56018(author assigned name)	psi-mi:"MI:1112"(two hybrid prey pooling approach)	Luck et al.(2020)	pubmed:32296183	taxid:9606(Homo Sapiens)	taxid:9606(Homo Sapiens)	psi-mi:"MI:0407"(direct interaction)	-	-	author score:0.853
uniprotkb:P60410	uniprotkb:O60936	ensembl:ENST00000334383.2|ensembl:ENSG00000186452.9	ensembl:ENST00000462379.6|ensembl:ENSG00000140939.14	human orfeome collection:1(author assigned name)	human orfeome collection:2(author assigned name)	psi-mi:"MI:1112"(two hybrid prey pooling approach)	Luck et al.(2020)	pubmed:32296183	taxid:9606(Homo Sapiens)	taxid:9606(Homo Sapiens)	psi-mi:"MI:0407"(direct interaction)	-	-	author score:0.711
```

### HIPPIE in PSI-MITAB
`read_interactions`

```text HIPPIE-current.mitab.txt
ID Interactor A	ID Interactor B	Alt IDs Interactor A	Alt IDs Interactor B	Aliases Interactor A	Aliases Interactor B	Interaction Detection Methods	Publication 1st Author	Publication Identifiers	Taxid Interactor A	Taxid Interactor B	Interaction Types	Source Databases	Interaction Identifiers	Confidence Value	Presence In Other Species	Gene Name Interactor A	Gene Name Interactor B
entrez gene:3679	entrez gene:1134	uniprotkb:ITA7_HUMAN	uniprotkb:ACHA_HUMAN	-	-	MI:0493(in vivo)|MI:0492(in vitro)	Burkin (2000)	pubmed:10910772	taxid:9606(Homo sapiens)	taxid:9606(Homo sapiens)	-	MI:0468(hprd)	-	0.73		ITGA7	CHRNA1
entrez gene:55607	entrez gene:71	uniprotkb:NEB1_HUMAN	uniprotkb:ACTG_HUMAN	-	-	MI:0493(in vivo)	Stephens (1997)	pubmed:9362513	taxid:9606(Homo sapiens)	taxid:9606(Homo sapiens)	-	MI:0468(hprd)	-	0.65	Mus musculus	PPP1R9A	ACTG1
```
"""  # noqa: E501

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, sample
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.readers.formats import Format
from keras_vnn.readers.gpad import without_isoform
from keras_vnn.readers.molecules import Molecules, choose_rows
from keras_vnn.readers.rows import Options, Rows, of_each
from keras_vnn.readers.tab_columns import TabLayout, read_tab_columns
from keras_vnn.readers.text import Preview

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MITAB"]

WIDTHS = {15: "2.5", 36: "2.6", 42: "2.7", 46: "2.8"}
_HIPPIE = 18
_HEADERS = ("#ID(s) interactor A", "ID(s) interactor A", "#ID Interactor A", "ID Interactor A")
_COLUMNS = {
    "id_a": 0,
    "id_b": 1,
    "alternative_a": 2,
    "alternative_b": 3,
    "alias_a": 4,
    "alias_b": 5,
    "taxon_a": 9,
    "taxon_b": 10,
    "type": 11,
    "confidence": 14,
}
_NEGATIVE = 35
_GENE_NAME = 16
# One entry of a field: the parts may be quoted, and then hold any of the marks.
_ENTRY = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|([^:|"]*)):(?:"((?:[^"\\]|\\.)*)"|([^|("]*))(?:\(("[^"]*"|[^|]*)\))?')
_NAMED = re.compile(r"[\w ./-]+:\S")
_SYMBOL = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9][\w.@-]*")


def can_parse(start: Preview) -> bool:
    """Say whether the rows are as wide as MITAB and begin with ``database:identifier``."""
    if any(text.startswith(_HEADERS) for _, text in (*start.comments[:5], *start.lines[:1])):
        return True
    rows = [text.split("\t") for text in start.texts]
    fits = sum(len(row) >= 15 and all(_NAMED.match(field) for field in row[:2]) for row in rows)
    return bool(rows) and 10 * fits >= 9 * len(rows)


def parse(start: Preview, options: Options) -> Rows:
    """Read PSI-MITAB. ``types`` are the descriptions of the types, such as ``physical association``.

    Raises
    ------
    ReadError
        A row has a number of columns no release has, the file holds several species and none was chosen, or its rows
        give no name of the kind asked for.
    """
    body = [text for text in start.texts if not text.startswith(_HEADERS)]
    if not body:
        raise ReadError(f"The file has a header and no rows: {start.path}\nIs it truncated?")
    widths = [text.count("\t") + 1 for text in body]
    width = max(set(widths), key=lambda one: (widths.count(one), one))
    columns = dict(_COLUMNS)
    if width >= 36:
        columns["negative"] = _NEGATIVE
    if width == _HIPPIE:
        columns |= {"gene_a": _GENE_NAME, "gene_b": _GENE_NAME + 1}
    # Trailing empty columns are lost on the way through some programs.
    layout = TabLayout("PSI-MITAB row", columns, 15, max(width, 15), ("id_a", "id_b"), comment="#")
    frame, records, dropped = read_tab_columns(start, layout, malformed=options.malformed)
    title = frame["id_a"].astype(str).isin([name.lstrip("#") for name in _HEADERS]).to_numpy()
    frame, records = frame[~title], records - int(title.sum())
    a, b, names, merged = _names(frame, options, start)
    negative = of_each(frame["negative"], lambda text: text.strip().casefold() == "true") if width >= 36 else None
    return choose_rows(
        Molecules(
            a,
            b,
            frame.index.to_numpy(dtype=np.int64),
            (of_each(frame["taxon_a"], _taxon), of_each(frame["taxon_b"], _taxon)),
            of_each(frame["type"], _types),
            of_each(frame["confidence"], _score).astype(np.float64),
            None if negative is None else negative.astype(bool),
        ),
        options,
        path=start.path,
        said="HIPPIE PSI-MITAB" if width == _HIPPIE else f"PSI-MITAB {WIDTHS.get(width, f'of {width} columns')}",
        records=records,
        names=names,
        dropped=(*dropped, merged),
    )


def _names(
    frame: pd.DataFrame, options: Options, start: Preview
) -> tuple[NDArray[np.object_], NDArray[np.object_], str, AuditEntry]:
    """Return the names of both sides, what they are, and how many were isoforms."""
    nothing = AuditEntry("read", "row", "of an isoform or chain, taken for its protein", 0)
    asked = (options.id or "").casefold()
    if asked in ("", "symbol"):
        a, b = _symbols(frame, "a"), _symbols(frame, "b")
        found = int(((a != "") & (b != "")).sum())
        if found and (asked or 2 * found >= len(frame)):
            return a, b, "gene symbol", nothing
        if asked:
            raise ReadError(f"The rows give no gene symbols: {start.path}\n{_offer(frame)}")
    if asked in ("", "accession"):
        a, b = (of_each(frame[f"id_{side}"], _accession) for side in "ab")
        first, merged_a = without_isoform(pd.Series(a, dtype=object))
        second, merged_b = without_isoform(pd.Series(b, dtype=object))
        merged = AuditEntry(nothing.stage, nothing.subject, nothing.reason, merged_a.count + merged_b.count)
        return first.to_numpy(dtype=object), second.to_numpy(dtype=object), "accession of the molecule", merged

    def of_database(text: str) -> str:
        wanted = [value for database, value, _ in _entries(text) if database.casefold() == asked]
        # Several ids of Ensembl: the gene, not its transcripts and proteins.
        return next((value for value in wanted if re.match(r"ENS[A-Z]*G\d", value)), wanted[0] if wanted else "")

    sides = []
    for side in "ab":
        named = of_each(frame[f"id_{side}"], of_database)
        for column in (f"alternative_{side}", f"alias_{side}"):
            named = np.where(named == "", of_each(frame[column], of_database), named)
        sides.append(named)
    if not (sides[0] != "").any():
        raise ReadError(f"The rows give no ids of {options.id!r}: {start.path}\n{_offer(frame)}")
    return sides[0], sides[1], f"id of {options.id}", nothing


def _symbols(frame: pd.DataFrame, side: str) -> NDArray[np.object_]:
    if f"gene_{side}" in frame:
        return of_each(frame[f"gene_{side}"], lambda text: text.strip().replace("-", "") and text.strip())
    named = of_each(frame[f"alias_{side}"], lambda text: _alias(text, ("gene name",)))
    short = of_each(frame[f"alias_{side}"], lambda text: _alias(text, ("display_short",)))
    named = np.where(named == "", short, named)
    beside = of_each(frame[f"alternative_{side}"], lambda text: _alias(text, ("gene name",)))
    named = np.where(named == "", beside, named)
    # BioGRID has the symbol among the alternative ids, beside the number.
    return np.where(named == "", of_each(frame[f"alternative_{side}"], _locuslink), named)


def _entries(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield database, value and description of each entry of a field."""
    for found in _ENTRY.finditer(text):
        database, value = found[1] or found[2] or "", found[3] or found[4] or ""
        if value.strip():
            yield database.strip(), value.strip(), (found[5] or "").strip().strip('"')


def _alias(text: str, descriptions: tuple[str, ...]) -> str:
    return next((value for _, value, said in _entries(text) if said in descriptions), "")


def _locuslink(text: str) -> str:
    named = (value for database, value, _ in _entries(text) if database == "entrez gene/locuslink")
    return next((value for value in named if _SYMBOL.fullmatch(value)), "")


def _accession(text: str) -> str:
    return next((value for _, value, _ in _entries(text)), "")


def _taxon(text: str) -> str:
    """Return the number of a species, empty for none: ``taxid:-1(in vitro)`` and its like are no species."""
    found = re.search(r"taxid:(-?\d+)", text)
    return found[1] if found and not found[1].startswith("-") else ""


def _types(text: str) -> str:
    return "|".join(said or value for _, value, said in _entries(text))


def _score(text: str) -> float:
    """Return the score: that of MINT and IntAct first, else the first number."""
    numbers: list[tuple[bool, float]] = []
    for database, value, _ in _entries(text) if ":" in text else [("", text.strip(), "")]:
        if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", value):
            numbers.append(("miscore" not in database, float(value)))
    best = min(numbers, key=lambda pair: pair[0], default=(True, float("nan")))[1]
    return best if np.isfinite(best) else float("nan")


def _offer(frame: pd.DataFrame) -> str:
    """Say which ids the rows have."""
    columns = ("id_a", "alternative_a", "alias_a")
    texts = [text for column in columns for text in frame[column].astype(str)[:300]]
    known = sorted({database for text in texts for database, *_ in _entries(text)})
    if not known:
        return "They give no ids: write both names to a two-column file first."
    return f"They give ids of: {sample(known, 12)}. Choose one, for example id={known[0]!r}, or id='accession'."


MITAB = Format(
    "mitab",
    "PSI-MITAB 2.5 to 2.8 (IntAct, HuRI, HIPPIE)",
    "interactions",
    can_parse,
    parse,
    marks=_HEADERS,
    takes=("id", "taxon", "sif_types"),
    page=__doc__,
)
