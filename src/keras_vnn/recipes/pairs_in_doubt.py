"""Whether a table that only might hold interactions, or genes, does: a look at what stands in its columns of names.

In: the beginning of a file and, if known, the genes of the data. Out: why not, in words; nothing where it may well be.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from keras_vnn.basics.errors import sample
from keras_vnn.priors.genes import CELL_NAMES, CELL_WORDS, GeneList
from keras_vnn.priors.kinds import OTHER, SYMBOLS, identify
from keras_vnn.readers.formats.interactions import INTERACTION_ROLES
from keras_vnn.readers.formats.regulation import REGULATION_ROLES
from keras_vnn.readers.genes import HEADER_WORDS
from keras_vnn.readers.layout import choose_columns, lay_out, normalized
from keras_vnn.readers.registry import sniff
from keras_vnn.readers.text import Preview

_HEADS = re.compile(r"[a-z_. ]*(name|symbol|type|id|gene|cell|term|set|barcode|donor|sample)s?")
_INTERACTIONS = "interactions", ""
_NO_NAMES = {"true", "false", "yes", "no", "na", "nan", "none", "unknown"}


def family_of_pairs(start: Preview, genes: Collection[str] = ()) -> tuple[str, str]:
    """Return the family of a table that is read as interactions, empty where it is none, and why it is not that one.

    Names of both columns are to be of one kind and, where the header does not say what they are, to share some; and of
    genes that are known, some are to be in each.
    """
    found = sniff(start)
    if found is None or found.name != "table":
        return _INTERACTIONS
    layout = lay_out(start, is_header=INTERACTION_ROLES.heads)
    columns = choose_columns(layout, INTERACTION_ROLES, None)
    if layout.header is not None and REGULATION_ROLES.heads(layout.words) and columns.number is not None:
        # Interactions have scores; effects of a source on a target have signs, as in the tables of decoupler.
        if any(value.startswith(("-", "−")) for value in layout.values(columns.number)):
            return "regulation", ""
    sides = [[name for name in layout.values(column) if name] for column in (columns.first, columns.second)]
    kinds = [identify(side) for side in sides]
    names = " and ".join(layout.name(column) for column in (columns.first, columns.second))
    listed = f"columns {', '.join(layout.names)}"
    if any({name.casefold() for name in side} <= _NO_NAMES for side in sides) or OTHER in {one.kind for one in kinds}:
        return "", f"{listed}: {names} hold names of no known kind"
    if kinds[0].kind != kinds[1].kind:
        return "id-map", f"{listed}: {names} hold {kinds[0].kind} and {kinds[1].kind}"
    if 2 * sum(a == b for a, b in zip(*sides, strict=False)) > len(sides[0]):
        return "", f"{listed}: {names} say the same"
    if layout.header is None and len(layout.rows) == 1 and {*map(normalized, layout.rows[0][1])} <= HEADER_WORDS:
        return "", f"{listed}: its only row looks like a header"
    folded = {gene.casefold() for gene in genes}
    if folded and kinds[0].kind == SYMBOLS:
        met = [any(name.casefold() in folded for name in side) for side in sides]
        return _INTERACTIONS if all(met) else ("", f"{listed}: no name of {names} is one of the genes")
    if layout.header is not None and INTERACTION_ROLES.heads(layout.words):
        return _INTERACTIONS
    is_headed = layout.header is not None or any(map(_HEADS.fullmatch, layout.rows[0][1]))
    if not (is_headed or kinds[0].letters != kinds[1].letters) or not set(sides[0]).isdisjoint(sides[1]):
        return _INTERACTIONS
    return "", f"{listed}: no name is in both {names}"


def doubt_of_genes(genes: GeneList) -> str:
    """Return why what was read as genes is rather cells; nothing where it may well be genes."""
    said = "" if genes.source is None else genes.source.format
    column = re.fullmatch(r"(?:TSV|CSV|\S+-separated|Parquet|Feather) (.+)", said)
    if column is not None and CELL_WORDS.fullmatch(column[1].casefold()):
        return f"names of cells or samples in {column[1]}"
    of_cells = sum(CELL_NAMES.fullmatch(name) is not None for name in genes)
    return f"names of cells or samples, such as {sample(genes, 3)}" if 2 * of_cells > len(genes) else ""


def pairs_of_genes(names: Sequence[str], genes: Collection[str]) -> int:
    """Return how many names that are not among the genes are two of them, joined by a hyphen or underscore.

    Examples
    --------
    >>> pairs_of_genes(["TP53-MDM2", "HLA-A", "ATM_TP53"], ["TP53", "MDM2", "ATM", "HLA-A"])
    2
    """
    known = set(genes)
    parted = (re.fullmatch(r"([^-_]+)[-_]([^-_]+)", name) for name in names if name not in known)
    return sum(found is not None and known.issuperset(found.groups()) for found in parted)
