"""Tables that say what genes are called elsewhere: one function for all their formats.

In: a file. Out: an `IdentifierTable` of all columns that hold names; which of them to use is chosen later, by what the
names at hand overlap with. Knows nothing of priors.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from keras_vnn.basics.errors import ReadError, sample
from keras_vnn.priors.identifiers import IdentifierTable
from keras_vnn.readers.registry import choose, lists_formats
from keras_vnn.readers.text import preview

__all__ = ["read_identifier_map"]


@lists_formats("id-map")
def read_identifier_map(
    path: str | os.PathLike[str],
    *,
    format: str = "auto",
    columns: Sequence[int | str] | None = None,
    taxon: str | int | None = None,
) -> IdentifierTable:
    """Read a table of identifiers, to translate names with.

    Parameters
    ----------
    path
        The file, compressed or not.
    format
        {formats}.
    columns
        For a table: take these columns only, by name or by number from 1.
    taxon
        Take the rows of this species (``9606``) where the table tells species apart; ``"all"`` for every one.

    Returns
    -------
    IdentifierTable
        All columns of names. `keras_vnn.identifier_map` chooses among them.

    Raises
    ------
    ReadError
        The file is missing, damaged, holds no two columns of names, or several species and none was chosen.
    ConfigError
        There is no such format, or it has no columns to choose.

    References
    ----------
    Seal et al.: Genenames.org: the HGNC resources in 2023. Nucleic Acids Research 2023. doi:10.1093/nar/gkac888

    Examples
    --------
    >>> from keras_vnn.basics.bundled import data_path
    >>> table = read_identifier_map(data_path("goa_human_demo.gaf.gz"))
    >>> print(table)
    6,081 rows with accession (6,081 names), symbol (6,081 names), synonyms (14,037 names)
    """
    start = preview(Path(path))
    chosen = choose(start, "id-map", format, {"columns": columns})
    given = {"taxon": None if taxon is None else str(taxon)} | ({} if columns is None else {"columns": columns})
    table: IdentifierTable = chosen.read(start, **given)
    if len(table.columns) < 2:
        raise ReadError(
            f"Only {sample(table.columns) or 'no column'} holds names, a table of identifiers needs two: {path}\n"
            "Say which columns: columns=(1, 2)"
        )
    return table
