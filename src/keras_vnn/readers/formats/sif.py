"""SIF, the simple interaction format of Cytoscape: ``A pp B C D``, a lone name for a node without interaction.

In: SIF text, tabs or else white space between the fields. Out: a `Table` of one kind of row: interactions
(``pp``) or regulation (``pd``); rows of other types are counted.
Knows no scores: SIF has none.

References
----------
Cytoscape user manual, "Supported network file formats".

### SIF
`read.interactions`: types `pp` and its kin; several targets a row, lone nodes; with a tab anywhere, spaces belong to names.

```text pathway.sif
TP53 pp MDM2 MDM4
BRCA1 pp BARD1
TP53 pd CDKN1A
LONELY1
PDGF-BB/PDGF-(beta)-R/ATP pp TP53
```

### SIF with `pd`
`read.regulation`: rows of other types are counted.

```text mixed.sif
TP53 pd CDKN1A BAX
TP53 pp MDM2
```
"""  # noqa: E501

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pandas as pd

from keras_vnn.basics.errors import ReadError, counted, sample
from keras_vnn.basics.files import read_lines
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.basics.remedies import reader_called, remedy
from keras_vnn.readers.formats import for_families
from keras_vnn.readers.tabular import Options, Table, least_score, left_out, of_each, to_skip
from keras_vnn.readers.text import COMMENT_MARKS, Preview, at

_TYPES = {"interactions": ("pp", "interacts-with", "in-complex-with"), "regulation": ("pd", "controls-expression-of")}
_OTHER = {"interactions": "regulation", "regulation": "interactions"}
_KNOWN_TYPES = {*sum(_TYPES.values(), ()), "pr", "rc", "cr", "gl", "pm", "mp", "pc", "gg", "mirna"}
# Written by hand: A -> B.
_ARROW = re.compile(r"[<=-]*[=-][=>-]|[→↔]")
_HEADER_WORDS = {"interaction", "interaction_type", "interaction type", "interactiontype", "type", "edge"}


def _is_sif(start: Preview) -> bool:
    """Say whether the second fields are interaction types, or the file is called ``.sif``."""
    if start.path.name.casefold().removesuffix(".gz").endswith(".sif"):
        return True
    tabbed = any("\t" in text for text in start.texts)
    rows = [_fields(text, tabbed) for text in start.texts]
    types = [fields[1].casefold() for fields in rows if len(fields) > 2]
    if any(len(fields) == 2 and fields[1].casefold() not in _KNOWN_TYPES for fields in rows):
        return False
    # Below a comment of as many fields is a table with a header.
    is_headed = any(text.count("\t") + 1 == max(map(len, rows)) for _, text in start.comments)
    is_known = 2 * sum(word in _KNOWN_TYPES for word in types) > len(types)
    return is_known or (not is_headed and _holds_unknown_types(rows))


def _holds_unknown_types(rows: list[list[str]]) -> bool:
    """Say whether the second fields are a few words again and again: types, though none that is known."""
    if len(rows) < 2 or any(len(fields) < 3 for fields in rows):
        return False
    types = {fields[1] for fields in rows}
    names = {name for fields in rows for name in (fields[0], *fields[2:])}
    numeric = any(text.replace(".", "", 1).isdigit() for fields in rows for text in fields[1:])
    if types & {"", "na", "n/a", "NA", "N/A"} or any("://" in word for word in types):  # the descriptions of a GMT
        return False
    return 20 * len(types) <= max(len(rows), 20) and not types & names and not numeric


def read_sif(start: Preview, options: Options, *, family: str) -> Table:
    """Read the rows of some interaction types.

    Raises
    ------
    ReadError
        A row has a type and no target, a min_score is asked for, or no row has one of the types.
    """
    path = start.path
    if options.at_least is not None:
        raise ReadError(f"{least_score(options)} needs scores, and SIF has none: {path}\nLeave it out.")
    wanted = {word.casefold() for word in options.sif_types or _TYPES[family]}
    lines = read_lines(path)
    tabbed = any("\t" in line for line in lines if not line.startswith(COMMENT_MARKS))
    if family == "interactions" and not options.sif_types:
        wanted |= {kind for line in lines for kind in _fields(line, tabbed)[1:2] if _ARROW.fullmatch(kind)}
    pairs: list[tuple[str, str, int]] = []
    others: Counter[str] = Counter()
    alone: set[str] = set()
    incomplete: list[int] = []
    records = 0
    for number, text in enumerate(lines, 1):
        fields = _fields(text, tabbed)
        if not text.strip() or text.startswith(COMMENT_MARKS):
            continue
        if len(fields) > 2 and not records and fields[1].casefold() in _HEADER_WORDS:
            continue
        records += 1
        if len(fields) == 1:
            alone.add(fields[0])
        elif len(fields) == 2 or not all(fields):
            incomplete.append(number)
        elif fields[1].casefold() in wanted:
            pairs.extend((fields[0], target, number) for target in fields[2:])
        else:
            others[fields[1]] += len(fields) - 2
    if incomplete and options.malformed == "raise":
        raise ReadError(
            f"The row names no target or holds an empty field: {at(path, incomplete[0])}\n"
            f"Expected SIF: source, type, one or more targets.{to_skip()}"
        )
    if not pairs:
        raise _nothing(path, wanted, others, records, family)
    frame = pd.DataFrame(pairs, columns=["first", "second", "line"]).set_index("line")
    dropped = (
        *(AuditEntry("read", "row", f"SIF type {word}, not {_or(wanted)}", n) for word, n in sorted(others.items())),
        left_out(path, incomplete, "no target"),
        AuditEntry.of(
            "read", "node", "named alone, without an interaction", alone - {*frame["first"], *frame["second"]}
        ),
    )
    said = f"SIF ({'tabs' if tabbed else 'white space'}), types {_or(wanted)}"
    return Table(frame, path, said, records, dropped)


def without_types(table: Table, options: Options, family: str) -> Table:
    """Return the rows of a network without those of the types of the other family, unless the user chose types."""
    if "kind" not in table.frame or options.sif_types:
        return table
    others = _TYPES[_OTHER[family]]
    is_other = of_each(table.frame["kind"], lambda word: word.casefold() in others, bool)
    return table.keeping(~is_other, "row", f"of type {' or '.join(others)}")


def _fields(text: str, tabbed: bool) -> list[str]:
    """Return the fields of a row: as the manual says, white space separates only in a file without any tab."""
    if not tabbed:
        return text.split()
    fields = [field.strip() for field in text.split("\t")]
    while fields and not fields[-1]:
        fields.pop()
    return fields


def _nothing(path: Path, wanted: set[str], others: Counter[str], records: int, family: str) -> ReadError:
    if not others:
        return ReadError(
            f"The SIF file has {counted(records, 'lone node')} and no {family.removesuffix('s')}: {path}\n"
            "Expected rows of source, type and target. If it is a list of genes: "
            f"{reader_called('genes', 'read.genes')}."
        )
    by_type = sample([f"{word} ({n:,})" for word, n in others.items()])
    advice = remedy("Say which types to take: {sif_types}. ", sif_types=(sorted(others)[0],))
    advice += remedy("If it is a table, pass {format}.", format="table")
    held = _OTHER[family]
    if {*map(str.casefold, others)} <= {*_TYPES[held]}:
        advice = f"It holds {held}: read it with {reader_called(held, f'read.{held}')}."
    return ReadError(f"No row of the SIF file has the type {_or(wanted)}: {path}\nIt has: {by_type}.\n{advice}")


def _or(words: set[str]) -> str:
    known = [word for types in _TYPES.values() for word in types if word in words]
    return " or ".join(known + sorted(words - set(known)))


SIF = for_families(
    "sif", "SIF", _is_sif, read_sif, {"interactions": ("sif_types",), "regulation": ("sif_types",)}, __doc__
)
