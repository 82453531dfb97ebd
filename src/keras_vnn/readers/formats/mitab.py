"""PSI-MITAB 2.5 to 2.8 (IntAct, MINT, HuRI, BioGRID), and HIPPIE's dialect of it.

In: tab-separated rows of 15, 36, 42 or 46 columns (HIPPIE: 18), with or without a header. A field is
``database:identifier(description)``, several are joined by ``|``. Out: a `Table` by gene symbol where the rows give one,
else by the accession of the molecule, or by the ids of any database the file names.

References
----------
Kerrien et al.: Broadening the horizon – level 2.5 of the HUPO-PSI format for molecular interactions. BMC Biology 2007.
doi:10.1186/1741-7007-5-44

### PSI-MITAB 2.5 and 2.7 (IntAct, MINT, BioGRID)
`read.interactions`: by gene name, or `id="accession"` (isoforms `P12345-2` count for their protein), or any database the
rows name. Rows marked negative are left out.

```text intact.txt
#ID(s) interactor A	ID(s) interactor B	Alt. ID(s) interactor A	Alt. ID(s) interactor B	Alias(es) interactor A	Alias(es) interactor B	Interaction detection method(s)	Publication 1st author(s)	Publication Identifier(s)	Taxid interactor A	Taxid interactor B	Interaction type(s)	Source database(s)	Interaction identifier(s)	Confidence value(s)
uniprotkb:P04637	uniprotkb:Q00987	intact:EBI-366083	intact:EBI-389668	psi-mi:p53_human(display_long)|uniprotkb:TP53(gene name)|psi-mi:TP53(display_short)	psi-mi:mdm2_human(display_long)|uniprotkb:MDM2(gene name)|psi-mi:MDM2(display_short)	psi-mi:"MI:0018"(two hybrid)	Leng P (1995)	pubmed:7791904	taxid:9606(human)|taxid:9606(Homo sapiens)	taxid:9606(human)|taxid:9606(Homo sapiens)	psi-mi:"MI:0915"(physical association)	psi-mi:"MI:0469"(IntAct)	intact:EBI-3895861	author score:B|intact-miscore:0.99
uniprotkb:P12345-2	uniprotkb:P38398	intact:EBI-1	intact:EBI-349905	psi-mi:tp53(display_short)	psi-mi:BRCA1(display_short)	psi-mi:"MI:0006"(anti bait coimmunoprecipitation)	-	pubmed:1	taxid:-1(in vitro)	taxid:9606(human)	psi-mi:"MI:0914"(association)	psi-mi:"MI:0469"(IntAct)	intact:EBI-2	intact-miscore:0.35
```

### HuRI in PSI-MITAB
`read.interactions`: no gene names; `id="ensembl"` takes the Ensembl genes.

```text HuRI.psi
uniprotkb:Q6P6B7	uniprotkb:Q9UBU9	ensembl:ENST00000355572.6|ensembl:ENSP00000347778.2|ensembl:ENSG00000196337.11	ensembl:ENST00000294172.6|ensembl:ENSP00000294172.2|ensembl:ENSG00000162231.13	human orfeome collection:7104(author assigned name)	human orfeome collection:56018(author assigned name)	psi-mi:"MI:1112"(two hybrid prey pooling approach)	Luck et al.(2020)	pubmed:32296183	taxid:9606(Homo Sapiens)	taxid:9606(Homo Sapiens)	psi-mi:"MI:0407"(direct interaction)	-	-	author score:0.853
uniprotkb:P60410	uniprotkb:O60936	ensembl:ENST00000334383.2|ensembl:ENSG00000186452.9	ensembl:ENST00000462379.6|ensembl:ENSG00000140939.14	human orfeome collection:1(author assigned name)	human orfeome collection:2(author assigned name)	psi-mi:"MI:1112"(two hybrid prey pooling approach)	Luck et al.(2020)	pubmed:32296183	taxid:9606(Homo Sapiens)	taxid:9606(Homo Sapiens)	psi-mi:"MI:0407"(direct interaction)	-	-	author score:0.711
```

### HIPPIE in PSI-MITAB
`read.interactions`

```text HIPPIE-current.mitab.txt
ID Interactor A	ID Interactor B	Alt IDs Interactor A	Alt IDs Interactor B	Aliases Interactor A	Aliases Interactor B	Interaction Detection Methods	Publication 1st Author	Publication Identifiers	Taxid Interactor A	Taxid Interactor B	Interaction Types	Source Databases	Interaction Identifiers	Confidence Value	Presence In Other Species	Gene Name Interactor A	Gene Name Interactor B
entrez gene:3679	entrez gene:1134	uniprotkb:ITA7_HUMAN	uniprotkb:ACHA_HUMAN	-	-	MI:0493(in vivo)|MI:0492(in vitro)	Burkin (2000)	pubmed:10910772	taxid:9606(Homo sapiens)	taxid:9606(Homo sapiens)	-	MI:0468(hprd)	-	0.73		ITGA7	CHRNA1
entrez gene:55607	entrez gene:71	uniprotkb:NEB1_HUMAN	uniprotkb:ACTG_HUMAN	-	-	MI:0493(in vivo)	Stephens (1997)	pubmed:9362513	taxid:9606(Homo sapiens)	taxid:9606(Homo sapiens)	-	MI:0468(hprd)	-	0.65	Mus musculus	PPP1R9A	ACTG1
```
"""  # noqa: E501

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, sample
from keras_vnn.basics.remedies import remedy
from keras_vnn.readers.formats import Format, most_rows, without_isoforms
from keras_vnn.readers.pairs import choose_rows
from keras_vnn.readers.tabular import Fixed, Options, Table, of_each, read_fixed
from keras_vnn.readers.text import Preview

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    "kind": 11,
    "number": 14,
}
_NEGATIVE = 35
_GENE_NAME = 16
# One entry of a field: the parts may be quoted, and then hold any of the marks.
# An entry begins behind a bar: to try elsewhere as well takes minutes on a long field without a colon.
_ENTRY = re.compile(
    r'(?<![^|])(?:"((?:[^"\\]|\\.)*)"|([^:|"]*)):(?:"((?:[^"\\]|\\.)*)"|([^|("]*))(?:\(("[^"]*"|[^|]*)\))?'
)
_NAMED = re.compile(r"[\w ./-]+:\S")
_SYMBOL = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9][\w.@-]*")


def read_mitab(start: Preview, options: Options) -> Table:
    """Read PSI-MITAB. ``types`` are the descriptions of the types, such as ``physical association``.

    Raises
    ------
    ReadError
        A row has a number of columns no release has, the file holds several species and none was chosen, or its rows
        give no name of the kind asked for.
    """
    widths = [text.count("\t") + 1 for text in start.texts if not text.startswith(_HEADERS)]
    if not widths:
        raise ReadError(f"The file has a header and no rows: {start.path}\nIs it truncated?")
    width = max(set(widths), key=lambda one: (widths.count(one), one))
    columns = dict(_COLUMNS)
    if width > _NEGATIVE:
        columns["negative"] = _NEGATIVE
    if width == _HIPPIE:
        columns |= {"gene_a": _GENE_NAME, "gene_b": _GENE_NAME + 1}
    # Trailing empty columns are lost on the way through some programs.
    layout = Fixed("PSI-MITAB row", columns, 15, max(width, 15), ("id_a", "id_b"))
    said = "HIPPIE PSI-MITAB" if width == _HIPPIE else f"PSI-MITAB {WIDTHS.get(width, f'of {width} columns')}"
    table = read_fixed(start, layout, said, malformed=options.malformed)
    table, names = _named(table.without_titles("id_a", lambda word: word in _HEADERS), options)
    table = table.with_each(_taxon, "taxon_a", "taxon_b").with_each(_types, "kind")
    table = table.with_each(_score, "number", dtype=float)
    if "negative" in columns:
        table = table.with_each(lambda text: text.casefold() == "true", "negative", dtype=bool)
    return choose_rows(table, options, names)


def _named(table: Table, options: Options) -> tuple[Table, str]:
    """Return the table with the names of both sides, and what they are."""
    frame, asked = table.frame, (options.id or "").casefold()

    def naming(*looks: tuple[str, Callable[[str], str]]) -> Table:
        return replace(table, frame=frame.assign(first=_first(frame, "a", looks), second=_first(frame, "b", looks)))

    if asked in ("", "symbol"):
        named = naming(
            *([("gene", lambda text: text.replace("-", "") and text)] if "gene_a" in frame else []),
            ("alias", lambda text: _described(text, "gene name")),
            ("alias", lambda text: _described(text, "display_short")),
            ("alternative", lambda text: _described(text, "gene name")),
            # BioGRID has the symbol among the alternative ids, with the number.
            ("alternative", _locuslink),
        )
        found = int(((named.frame["first"] != "") & (named.frame["second"] != "")).sum())
        if found and (asked or 2 * found >= len(frame)):
            return named, "gene symbol"
        if asked:
            raise ReadError(f"The rows give no gene symbols: {table.path}\n{_offer(frame)}")
    if asked in ("", "accession"):
        named = naming(("id", lambda text: next((value for _, value, _ in _entries(text)), "")))
        return without_isoforms(named, "first", "second"), "accession of the molecule"

    def of_database(text: str) -> str:
        wanted = [value for database, value, _ in _entries(text) if database.casefold() == asked]
        # Several ids of Ensembl: the gene, not its transcripts and proteins.
        return next((value for value in wanted if re.match(r"ENS[A-Z]*G\d", value)), wanted[0] if wanted else "")

    named = naming(*((column, of_database) for column in ("id", "alternative", "alias")))
    if not (named.frame["first"] != "").any():
        raise ReadError(f"The rows give no ids of {options.id!r}: {table.path}\n{_offer(frame)}")
    return named, f"id of {options.id}"


def _first(frame: pd.DataFrame, side: str, looks: tuple[tuple[str, Callable[[str], str]], ...]) -> NDArray[np.object_]:
    """Return, for each row, the first name that a look at one of the columns of a side finds, empty for none."""
    names = np.full(len(frame), "", dtype=object)
    for column, look in looks:
        names = np.where(names == "", of_each(frame[f"{column}_{side}"], look), names)
    return names


def _entries(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield database, value and description of each entry of a field."""
    for found in _ENTRY.finditer(text):
        database, value = found[1] or found[2] or "", found[3] or found[4] or ""
        if value.strip():
            yield database.strip(), value.strip(), (found[5] or "").strip().strip('"')


def _described(text: str, description: str) -> str:
    return next((value for _, value, said in _entries(text) if said == description), "")


def _locuslink(text: str) -> str:
    named = (value for database, value, _ in _entries(text) if database == "entrez gene/locuslink")
    return next((value for value in named if _SYMBOL.fullmatch(value)), "")


def _taxon(text: str) -> str:
    """Return the number of a species, empty for none: ``taxid:-1(in vitro)`` and its like do not count."""
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
    ways = " or ".join(remedy("{id}", id=way) for way in (known[0], "accession"))
    return f"They give ids of: {sample(known, 12)}. Choose one, for example {ways}."


MITAB = Format(
    "mitab",
    "PSI-MITAB 2.5 to 2.8 (IntAct, HuRI, HIPPIE)",
    "interactions",
    lambda start: most_rows(start, lambda row: len(row) >= 15 and all(map(_NAMED.match, row[:2]))),
    read_mitab,
    marks=_HEADERS,
    takes=("id", "taxon", "sif_types"),
    page=__doc__,
)
