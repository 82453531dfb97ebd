"""Two names in one field: ``TP53|MDM2``, ``TP53-MDM2``, and Cytoscape's table of edges, ``TP53 (pp) MDM2``.

In: a delimited text with a column of such fields, and perhaps a score. Out: a `Table`. Many names of genes hold a
hyphen (HLA-A, NKX2-1, MT-CO1): a field is parted where both halves are names, known as such from other rows, or not at
all.

### Cytoscape's table of edges
`read.interactions`, `read.regulation`: as Cytoscape exports it; types as in SIF.

```text cytoscape.csv
SUID,interaction,name,shared interaction,shared name,weight
70,pp,TP53 (pp) MDM2,pp,TP53 (pp) MDM2,0.9
71,pd,TP53 (pd) CDKN1A,pd,TP53 (pd) CDKN1A,0.4
72,pp,BRCA1 (pp) BARD1,pp,BRCA1 (pp) BARD1,0.7
```

### Two names in one column
`read.interactions`: also `A-B`, where the halves are names of other rows too.

```text pairs.tsv
pair	score
TP53|MDM2	0.9
MDM2|MDM4	0.8
BRCA1|BARD1	0.7
```
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

import pandas as pd

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.remedies import remedy
from keras_vnn.priors.kinds import OTHER, identify
from keras_vnn.readers.formats import Format, for_families
from keras_vnn.readers.formats.graphs import ROLES
from keras_vnn.readers.formats.interactions import INTERACTION_ROLES
from keras_vnn.readers.formats.sif import without_types
from keras_vnn.readers.layout import Layout, Roles, choose_columns, is_number, lay_out, normalized
from keras_vnn.readers.pairs import choose_rows, read_rows
from keras_vnn.readers.tabular import Options, Table, left_out, of_each, refuse_row
from keras_vnn.readers.text import Preview

_NOTHING = Options()
_EDGE = re.compile(r"(.+) \(([^()]*)\) (.+)")
# Beyond doubt where they part names; the last are in names as well.
_MARKS = ("|", "--", "~")
_DOUBTFUL = ("-", "_")
_TITLES = {"pair", "pairs", "genepair", "interactingpair", "interaction", "edge", "edges", "ppi", "name"}
# Halves that nobody calls a gene, but many genes end or begin with.
_PART = re.compile(r"[A-Za-z]|\d\w{0,2}|AS\d|DT|IT\d|OT\d|HLA|MT|mt|H2")


def _column(layout: Layout, holds: re.Pattern[str] | str) -> int | None:
    """Return the first column whose fields nearly all hold a mark or are of a form; the first may be a header."""
    for column in range(layout.width):
        values = [value for value in layout.values(column) if value]
        below = values[1:] if len(values) > 1 else values
        found = sum(_holds(value, holds) for value in below)
        if below and 10 * found >= 9 * len(below):
            return column
    return None


def _holds(value: str, holds: re.Pattern[str] | str) -> bool:
    if isinstance(holds, str):
        return holds in value.strip(holds)
    return holds.fullmatch(value) is not None


def _lay_out(start: Preview, holds: re.Pattern[str] | str, options: Options = _NOTHING) -> tuple[Layout, int | None]:
    """Return the layout and the column; a first line that is not parted, where all others are, is a header."""
    layout = lay_out(start, delimiter=options.delimiter, header=options.header)
    column = _column(layout, holds)
    if column is not None and layout.header is None and options.header is None and len(layout.rows) > 1:
        first = layout.rows[0][1]
        if column >= len(first) or not _holds(first[column], holds):
            return lay_out(start, delimiter=options.delimiter, header=True), column
    return layout, column


def _read(
    start: Preview, options: Options, roles: Roles, holds: re.Pattern[str] | str, said: str
) -> tuple[Layout, int, Table]:
    """Return the fields of the column, in ``first``, and perhaps a number."""
    layout, column = _lay_out(start, holds, options)
    if column is None:
        mark = holds if isinstance(holds, str) else "A (pp) B"
        raise ReadError(
            f"No column holds pairs such as {mark!r}: {start.path}\nExpected {said}. Name another format, or none."
        )
    only = replace(roles, pair=lambda _: (column, column), effect=())
    columns = choose_columns(layout, only, None)
    table = read_rows(layout, columns, only, malformed=options.malformed, at_least=options.at_least)
    return layout, column, replace(table, format=f"{layout.kind} {said}, {layout.name(column)}")


# ---- Cytoscape -----------------------------------------------------------------------------------------------


def read_cytoscape(start: Preview, options: Options, *, family: str) -> Table:
    """Read Cytoscape's table of edges.

    Raises
    ------
    ReadError
        No edge is left.
    """
    roles = ROLES[family]
    _, _, table = _read(start, options, roles, _EDGE, "edges of Cytoscape")
    edges = [_EDGE.fullmatch(text) for text in table.frame["first"]]
    parts = [edge.groups() if edge else ("", "", "") for edge in edges]
    first, kind, second = ([part[n].strip() for part in parts] for n in range(3))
    frame = table.frame.assign(first=first, second=second, kind=kind)
    effects = of_each(frame["kind"], roles.effect_of)
    if 2 * sum(effect is not None for effect in effects) >= len(effects):
        frame["effect"] = [effect or "unknown" for effect in effects]
    return choose_rows(without_types(replace(table, frame=frame), options, family), options, "names of nodes")


CYTOSCAPE = for_families(
    "cytoscape",
    "a table of edges of Cytoscape",
    lambda start: _lay_out(start, _EDGE)[1] is not None,
    read_cytoscape,
    {"interactions": ("sif_types",), "regulation": ("sif_types",)},
    __doc__,
)

# ---- marks ---------------------------------------------------------------------------------------------------


def _mark(start: Preview) -> str | None:
    """Return what parts the names in the column of a table that holds pairs; ``None`` where that is in doubt."""
    for mark in (*_MARKS, *_DOUBTFUL):
        layout, column = _lay_out(start, mark)
        if column is None:
            continue
        others = [c for c in range(layout.width) if c != column and any(layout.values(c)) and not layout.is_numeric(c)]
        if others and normalized(layout.titles[column]) not in _TITLES:
            return None
        halves = _halves(layout.values(column), mark)
        kinds = [identify(half).kind for half in halves]
        numbers = all(map(is_number, halves[0])) or all(map(is_number, halves[1]))
        if not halves[0] or kinds[0] != kinds[1] or OTHER in kinds or (numbers and mark in _DOUBTFUL):
            return None
        # Of names with a hyphen (HLA-A, HLA-B) the same half is not both the first and the second.
        return mark if mark in _MARKS or not set(halves[0]).isdisjoint(halves[1]) else None
    return None


def _halves(fields: Collection[str], mark: str) -> tuple[list[str], list[str]]:
    """Return the first and the second halves of the fields that hold the mark once."""
    parted = [field.split(mark) for field in fields if field.count(mark) == 1]
    both = [(one.strip(), other.strip()) for one, other in parted if one.strip() and other.strip()]
    return [one for one, _ in both], [other for _, other in both]


def _parted(field: str, mark: str, known: Collection[str]) -> tuple[str, str] | None:
    """Return the two names of a field, ``None`` where it does not tell where the first ends."""
    parts = field.split(mark)
    ways = [(mark.join(parts[:n]).strip(), mark.join(parts[n:]).strip()) for n in range(1, len(parts))]
    ways = [way for way in ways if all(way)]
    sound = [way for way in ways if all(name in known for name in way)]
    if len(sound) == 1:
        return sound[0]
    # One is known from elsewhere, and the other is not what many genes end with.
    likely = [way for way in ways if not any(_PART.fullmatch(name) and name not in known for name in way)]
    return ways[0] if len(ways) == 1 and (mark in _MARKS or likely) else None


def read_joined(start: Preview, options: Options) -> Table:
    """Read a column of pairs of names.

    Raises
    ------
    ReadError
        No column holds pairs, or a field does not tell where its first name ends.
    """
    marks = [mark for mark in (*_MARKS, *_DOUBTFUL) if _lay_out(start, mark, options)[1] is not None]
    mark = _mark(start) or next(iter(marks), "|")
    layout, column, table = _read(start, options, INTERACTION_ROLES, mark, f"pairs parted by {mark!r}")
    fields: Sequence[str] = list(table.frame["first"].astype(object))
    halves = _halves(fields, mark)
    known = {name for side in halves for name in side if mark in _MARKS or not _PART.fullmatch(name)}
    pairs = {field: _parted(field, mark, known) for field in dict.fromkeys(fields)}
    wrong = pd.Series([pairs[field] is None for field in fields], table.frame.index, dtype=bool)
    if wrong.any() and options.malformed == "raise":
        line = int(table.frame.index[wrong][0])
        field = fields[int(wrong.to_numpy().argmax())]
        refuse_row(layout, line, f"It is not clear where {mark!r} parts two names in {field!r}")
    frame = table.frame[~wrong]
    if not len(frame):
        raise ReadError(
            f"No field of {layout.name(column)} is a pair of names: {start.path}\n"
            f"Write the names in two columns{remedy(', or name another format: {format}', format=...)}."
        )
    first, second = zip(
        *(pairs[field] or ("", "") for field, bad in zip(fields, wrong, strict=True) if not bad), strict=True
    )
    dropped = (*table.dropped, left_out(start.path, table.frame.index[wrong]))
    return replace(table, frame=frame.assign(first=first, second=second), dropped=dropped)


JOINED = Format(
    "pairs",
    "two names in one column (A|B, A-B)",
    "interactions",
    lambda start: _mark(start) is not None,
    read_joined,
    page=__doc__,
)
