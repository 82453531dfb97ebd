"""PSI-MITAB 2.5 to 2.8 (IntAct, MINT, HuRI, BioGRID), and HIPPIE's dialect of it.

In: tab-separated rows of 15, 36, 42 or 46 columns (HIPPIE: 18), with or without a header. A field is
``database:identifier(description)``, several are joined by ``|``. Out: `Rows` by gene symbol where the rows give one,
else by the accession of the molecule, or by the ids of any database the file names.

References
----------
Kerrien et al.: Broadening the horizon – level 2.5 of the HUPO-PSI format for molecular interactions. BMC Biology 2007.
doi:10.1186/1741-7007-5-44
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, sample
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.readers.formats import Format
from keras_vnn.readers.gpad import without_isoform
from keras_vnn.readers.molecules import Molecules, choose_rows
from keras_vnn.readers.options import Options
from keras_vnn.readers.rows import Rows
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
    negative = _mapped(frame["negative"], lambda text: text.strip().casefold() == "true") if width >= 36 else None
    return choose_rows(
        Molecules(
            a,
            b,
            frame.index.to_numpy(dtype=np.int64),
            (_mapped(frame["taxon_a"], _taxon), _mapped(frame["taxon_b"], _taxon)),
            _mapped(frame["type"], _types),
            _mapped(frame["confidence"], _score).astype(np.float64),
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
        a, b = (_mapped(frame[f"id_{side}"], _accession) for side in "ab")
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
        named = _mapped(frame[f"id_{side}"], of_database)
        for column in (f"alternative_{side}", f"alias_{side}"):
            named = np.where(named == "", _mapped(frame[column], of_database), named)
        sides.append(named)
    if not (sides[0] != "").any():
        raise ReadError(f"The rows give no ids of {options.id!r}: {start.path}\n{_offer(frame)}")
    return sides[0], sides[1], f"id of {options.id}", nothing


def _symbols(frame: pd.DataFrame, side: str) -> NDArray[np.object_]:
    if f"gene_{side}" in frame:
        return _mapped(frame[f"gene_{side}"], lambda text: text.strip().replace("-", "") and text.strip())
    named = _mapped(frame[f"alias_{side}"], lambda text: _alias(text, ("gene name",)))
    short = _mapped(frame[f"alias_{side}"], lambda text: _alias(text, ("display_short",)))
    named = np.where(named == "", short, named)
    beside = _mapped(frame[f"alternative_{side}"], lambda text: _alias(text, ("gene name",)))
    named = np.where(named == "", beside, named)
    # BioGRID has the symbol among the alternative ids, beside the number.
    return np.where(named == "", _mapped(frame[f"alternative_{side}"], _locuslink), named)


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


def _mapped(column: pd.Series, function: Callable[[str], object]) -> NDArray[np.object_]:
    """Return a function of each field, computed once per distinct text."""
    codes, words = pd.factorize(column)
    values = np.empty(len(words) + 1, dtype=object)
    values[:-1] = [function(str(word)) for word in words]
    result: NDArray[np.object_] = values[codes]
    return result


MITAB = Format("mitab", "PSI-MITAB 2.5 to 2.8 (IntAct, HuRI, HIPPIE)", can_parse, parse)
