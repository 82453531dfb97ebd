"""Interactions in a delimited table: two names a row, perhaps a score, perhaps more.

In: TSV, CSV or space-separated text, with or without a header. Out: `Rows`.
Knows the words such headers use; which columns were taken is said in ``Rows.format``.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras_vnn.basics.errors import ReadError
from keras_vnn.readers.columns import Roles, choose_columns, lay_out, normalized
from keras_vnn.readers.formats import Format
from keras_vnn.readers.options import Options
from keras_vnn.readers.rows import Rows, read_rows
from keras_vnn.readers.text import Preview

__all__ = ["INTERACTION_ROLES", "INTERACTION_TABLE", "names_partners", "parse"]

_PARTNERS = (
    "preferredname protein gene symbol genesymbol genename geneid proteinid proteinname interactor interactorid "
    "interactorsymbol officialsymbolinteractor systematicnameinteractor ensembl ensemblgeneid ensemblid uniprot "
    "uniprotid entrez entrezgene entrezid entrezgeneinteractor node partner participant name id hgncsymbol "
    "orf molecule item stringid"
).split()
_ENDINGS = (("a", "b"), ("1", "2"), ("x", "y"))
_OTHER_PAIRS = (("bait", "prey"), ("source", "target"), ("from", "to"), ("head", "tail"), ("gene", "partner"))


def _partners(words: Sequence[str]) -> tuple[int, int] | None:
    """Return the two positions of words such as ``genea``, ``geneb``; ``None`` without such a pair."""
    for stem in _PARTNERS:
        for one, other in _ENDINGS:
            # The letter may also stand before: "A protein", "interactor A symbol".
            for first, second in ((stem + one, stem + other), (one + stem, other + stem)):
                if first in words and second in words:
                    return words.index(first), words.index(second)
    return None


def _pair(words: Sequence[str]) -> tuple[int, int] | None:
    partners = _partners(words)
    if partners:
        return partners
    return next(((words.index(a), words.index(b)) for a, b in _OTHER_PAIRS if a in words and b in words), None)


_SCORES = (
    "combinedscore score weight confidence confidencescore miscore probability publications npublications "
    "numberofpublications nscreens count strength value"
).split()

INTERACTION_ROLES = Roles(pair=_pair, number=tuple(_SCORES), number_is="score")


def names_partners(start: Preview) -> bool:
    """Say whether the header names two equal partners (``gene_a``, ``gene_b``): the file holds interactions."""
    if not start.lines:
        return False
    layout = lay_out(start, roles=INTERACTION_ROLES)
    return layout.header is not None and _partners([normalized(name) for name in layout.header]) is not None


def can_parse(start: Preview) -> bool:
    """Say whether most rows have equally many columns."""
    return bool(start.lines) and lay_out(start, roles=INTERACTION_ROLES).is_regular


def parse(start: Preview, options: Options) -> Rows:
    """Read a table of interactions.

    Raises
    ------
    ReadError
        There are no two columns of names, or no score although ``min_score`` was given.
    """
    layout = lay_out(
        start,
        delimiter=options.delimiter,
        header=options.header,
        named=options.column_names,
        roles=INTERACTION_ROLES,
    )
    columns = choose_columns(layout, INTERACTION_ROLES, options.columns)
    if options.at_least is not None and columns.number is None:
        raise ReadError(
            f"min_score={options.at_least:g} needs a column of scores: {start.path}\n"
            f"Read as: {columns.described(layout, 'score')}\n"
            "Say which column it is, for example: columns=(1, 2, 3)"
        )
    return read_rows(layout, columns, INTERACTION_ROLES, malformed=options.malformed, at_least=options.at_least)


INTERACTION_TABLE = Format("table", "interaction table", can_parse, parse)
