"""Gene sets: GMT, group files (GMT without description), JSON.

In: a file. Out: `GeneSets`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.files import read_lines
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.priors import GeneSets
from keras_vnn.readers.formats import Format, choose_format
from keras_vnn.readers.names import check_names
from keras_vnn.readers.reactome import PATHWAY_ID
from keras_vnn.readers.text import Preview, at, preview

__all__ = ["GENE_SET_FORMATS", "read_gene_sets"]

_NO_GENE = re.compile(r"\s*|na|n/a|null|none|-|https?://.*|.*\s.*|.{31,}", re.IGNORECASE)
_WEIGHT = re.compile(r"(.+),[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def read_gene_sets(path: str | os.PathLike[str], *, format: str = "auto") -> GeneSets:
    """Read named sets of genes.

    Parameters
    ----------
    path
        The file, compressed or not.
    format
        ``auto``, ``gmt`` (name, description, genes), ``groups`` (name, genes; the group file of Lin et al. 2017 and
        scQuery) or ``json`` (name → genes; also as MSigDB writes it).

    Returns
    -------
    GeneSets
        A mapping from name to genes.

    Raises
    ------
    ReadError
        The file is missing or damaged, two sets have the same name, or it is not clear whether the second column of a
        text is a description or a gene.
    ConfigError
        There is no such format.

    Warns
    -----
    VNNWarning
        Names look damaged by a spreadsheet.
    """
    start = preview(Path(path))
    sets: GeneSets = choose_format(start, GENE_SET_FORMATS, format, what="gene sets", reader="read_gene_sets").read(
        start
    )
    check_names(sets.genes, start.path)
    return sets


def looks_like_json(start: Preview) -> bool:
    """Say whether a file looks like JSON."""
    return start.texts[0].lstrip().startswith("{")


def looks_like_gmt(start: Preview) -> bool:
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
    """Say whether the second column of a tab-separated file looks like genes: some stand in other places as well."""
    rows = _rows(start)
    elsewhere = {gene for row in rows for gene in row[2:]}
    again = sum(row[1] in elsewhere for row in rows)
    return len(rows) > 1 and not _is_described(start) and 5 * again >= len(rows)


def read_gmt(start: Preview) -> GeneSets:
    """Read a GMT file.

    Raises
    ------
    ReadError
        A row has no tab, or two sets have the same name.
    """
    return _read_rows(start, "GMT", described=True)


def read_groups(start: Preview) -> GeneSets:
    """Read a group file: a name and its genes.

    Raises
    ------
    ReadError
        A row has no tab, or two sets have the same name.
    """
    return _read_rows(start, "group file", described=False)


def read_json(start: Preview) -> GeneSets:
    """Read gene sets from JSON: a list of genes by name, or an object with ``geneSymbols`` by name (MSigDB).

    Raises
    ------
    ReadError
        It is not JSON, or not gene sets.
    """
    path = start.path
    try:
        content = json.loads("\n".join(read_lines(path)), object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise ReadError(
            f"The file is not JSON: {at(path, error.lineno)}\n{error.msg}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise ReadError(f"The JSON is nested too deeply for gene sets: {path}\nExpected: name → genes.") from error
    except _RepeatedNameError as error:
        raise ReadError(
            f"Two gene sets have the name {error.args[0]!r}: {path}\nRename one, for a name stands for one node."
        ) from error
    sets: dict[str, list[str]] = {}
    for name, members in content.items() if isinstance(content, dict) else ():
        found = members.get("geneSymbols") if isinstance(members, dict) else members
        if not isinstance(found, list):
            raise ReadError(
                f"Expected a list of genes for the set {name!r}, got {type(members).__name__}: {path}\n"
                'For example: {"DNA repair": ["MLH1", "ATM"]}'
            )
        sets[name] = found
    source = Source.of_file(path, "JSON gene sets", records=len(sets))
    return GeneSets.from_mapping(sets, sources=(source,))


def _read_rows(start: Preview, title: str, *, described: bool) -> GeneSets:
    path = start.path
    sets: dict[str, list[str]] = {}
    descriptions: dict[str, str] = {}
    line_of: dict[str, int] = {}
    weighted = 0
    for number, fields in _fields(path):
        if len(fields) < 2:
            raise ReadError(f"The row has no tab, expected a name and genes: {at(path, number)}")
        name = fields[0].strip()
        if not name:
            raise ReadError(f"The gene set has no name: {at(path, number)}")
        if name in sets:
            raise ReadError(
                f"Two gene sets have the same name, the first in line {line_of[name]}: {at(path, number)}\n"
                "Rename one, for a name stands for one node."
            )
        line_of[name] = number
        members = []
        for gene in fields[1 + described :]:
            word = gene.strip()
            found = _WEIGHT.fullmatch(word)
            weighted += found is not None
            if word:
                members.append(found[1] if found else word)
        sets[name] = members
        if described:
            descriptions[name] = fields[1].strip()
    source = Source.of_file(path, title, records=len(sets))
    entry = AuditEntry("read", "member", "weight after a comma left out", weighted)
    return GeneSets.from_mapping(sets, descriptions=descriptions, sources=(source,), audit=Audit.of(entry))


def _fields(path: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(read_lines(path), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line.split("\t")


def _rows(start: Preview) -> list[list[str]]:
    """Return the fields of the rows in a preview, or nothing unless every row has at least two."""
    rows = [[field.strip() for field in text.split("\t")] for text in start.texts]
    return rows if all(len(row) >= 2 for row in rows) else []


class _RepeatedNameError(Exception):
    pass


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise _RepeatedNameError(name)
        result[name] = value
    return result


GENE_SET_FORMATS = (
    Format("json", "JSON: name → genes", looks_like_json, read_json),
    Format("gmt", "GMT: name, description, genes", looks_like_gmt, read_gmt),
    Format("groups", "group file: name, genes", looks_like_groups, read_groups),
)
