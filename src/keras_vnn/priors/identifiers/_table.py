"""`IdentifierTable`: what a gene is called in several columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from keras_vnn.basics.errors import ConfigError, ReadError, counted, did_you_mean, sample
from keras_vnn.basics.provenance import Audit, Source
from keras_vnn.basics.remedies import remedy
from keras_vnn.basics.showing import Shown
from keras_vnn.priors.kinds import bare_name

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# Columns that hold what a gene was called before, or is called by some: taken where the column of the name itself
# does not have a name. The better known first.
_NAMES = ("symbol", "approvedsymbol", "hgncsymbol", "genename", "genesymbol", "preferredname", "name", "dbobjectsymbol")
_EARLIER = ("prevsymbol", "previoussymbols", "previoussymbol")
_OTHERS = ("aliassymbol", "aliassymbols", "synonyms", "synonym", "aliases", "alias", "genesynonym", "dbobjectsynonym")


@dataclass(frozen=True, eq=False, repr=False)
class IdentifierTable(Shown):
    """Names of genes in several columns; a row may have none, one or several names in each.

    Attributes
    ----------
    columns
        For each column the row numbers and the names, two arrays of equal length, in the order of the file.
    rows
        How many rows there are.
    sources
        The file.
    audit
        What was left out while reading.
    """

    columns: Mapping[str, tuple[NDArray[np.int64], NDArray[np.object_]]]
    rows: int
    sources: tuple[Source, ...] = ()
    audit: Audit = field(default_factory=Audit)

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, *, separator: str = "|", sources: tuple[Source, ...] = ()
    ) -> IdentifierTable:
        """Make a table from a DataFrame with a row per gene; several names in a field are parted by ``separator``.

        Raises
        ------
        ReadError
            There are fewer than two columns, or two of the same name.

        Examples
        --------
        >>> import pandas as pd
        >>> table = IdentifierTable.from_frame(pd.DataFrame({"ensembl": ["ENSG1", "ENSG2"], "symbol": ["A", "B|C"]}))
        >>> print(table)
        2 rows with ensembl (2 names), symbol (3 names)
        """
        known = [str(column) for column in frame.columns]
        if len(known) < 2:
            raise ReadError(f"A table of identifiers needs two columns, got {len(known)}.")
        if len(set(known)) < len(known):
            repeated = [name for name in dict.fromkeys(known) if known.count(name) > 1]
            raise ReadError(f"Columns of the table have the same name: {sample(repeated)}.\nRename them.")
        columns = {}
        for position, name in enumerate(known):
            texts = frame.iloc[:, position]
            present = texts.notna().to_numpy()
            columns[name] = exploded(
                np.flatnonzero(present), texts.astype(str).to_numpy(dtype=object)[present], separator
            )
        source = Source("DataFrame", "memory", records=len(frame))
        return cls(columns, len(frame), sources or (source,))

    def names(self, column: str) -> set[str]:
        """Return the names in a column.

        Raises
        ------
        ConfigError
            There is no such column.
        """
        return set(self._column(column)[1].tolist())

    def overlap(self, column: str, names: Collection[str], *, ignore_case: bool = False) -> int:
        """Return how many of ``names`` stand in a column, as written or without version, isoform and database."""
        folded = str.casefold if ignore_case else str
        here = self.names(column)
        plain = {folded(form) for name in here for form in (name, bare_name(name))}
        return sum(folded(name) in plain or folded(bare_name(name)) in plain for name in names)

    def best_column(self, names: Collection[str], *, asked: str | None = None, ignore_case: bool = False) -> str:
        """Return the column asked for, or the one that holds most of the names.

        Raises
        ------
        ConfigError
            There is no such column.
        ReadError
            No column holds any of the names.
        """
        if asked is not None:
            self._column(asked)
            return asked
        counts = {name: self.overlap(name, names, ignore_case=ignore_case) for name in self.columns}
        # Aliases repeat symbols; they help out a column of symbols anyway.
        earlier = {name for name in counts if _normalized(name) in (*_EARLIER, *_OTHERS)}
        weighed = {name: count / (2 if name in earlier else 1) for name, count in counts.items()}
        best = max(weighed, key=lambda name: weighed[name], default="")
        if not best or not counts[best]:
            where = ", ".join(source.name for source in self.sources)
            some = ((name, names[:50].tolist()) for name, (_, names) in list(self.columns.items())[:8])
            shown = "\n".join(f"    {name}: {sample(names, 3)}" for name, names in some)
            other_case = 0 if ignore_case else max(self.overlap(name, names, ignore_case=True) for name in self.columns)
            which = remedy(", or say which columns: {source}, {target}", source=..., target=...)
            raise ReadError(
                f"None of {counted(len(names), 'name')}, such as {sample(names, 3)}, stands in the table of "
                f"identifiers: {where}\n"
                f"{shown}\n{ignoring_case(other_case) if other_case else f'Give a table that has them{which}'}"
            )
        return best

    def with_fallbacks(self, column: str) -> tuple[str, ...]:
        """Return a column, and behind one of symbols those of earlier and other symbols."""
        if _normalized(column) not in _NAMES:
            return (column,)
        words = {_normalized(name): name for name in self.columns}
        return (column, *(words[word] for word in (*_EARLIER, *_OTHERS) if word in words and words[word] != column))

    def _column(self, column: str) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
        if column in self.columns:
            return self.columns[column]
        known = list(self.columns)
        hint = did_you_mean(column, known)
        raise ConfigError(
            f"The table of identifiers has no column {column!r}. {hint}".rstrip() + f"\nIt has: {sample(known, 20)}."
        )

    def __str__(self) -> str:
        """Return one line: how many rows, and which columns with how many names."""
        by_name = [f"{name} ({counted(len(values), 'name')})" for name, (_, values) in self.columns.items()]
        shown = ", ".join(by_name[:6]) + (
            f" and {counted(len(by_name) - 6, 'more column')}" if len(by_name) > 6 else ""
        )
        return f"{counted(self.rows, 'row')} with {shown}"


def ignoring_case(count: int, more: str = "of them") -> str:
    """Return what to pass, and how many names it finds."""
    return remedy("Pass {ignore_case}: ", "Ignoring case: ", ignore_case=True) + f"{count:,} {more} match."


def exploded(
    rows: NDArray[np.int64], texts: NDArray[np.object_], separator: str
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """Return row numbers and names of texts that hold several names, white space around them and empty ones removed."""
    row_of: list[int] = []
    names: list[str] = []
    for row, text in zip(rows.tolist(), texts.tolist(), strict=True):
        for part in text.split(separator) if separator and separator in text else (text,):
            name = part.strip().strip('"').strip()
            if name and name not in ("-", "NA", "nan", "None", "null"):
                row_of.append(row)
                names.append(name)
    return np.array(row_of, dtype=np.int64), np.array(names, dtype=object)


def _normalized(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())


def columns_from_pairs(
    first: Sequence[str], kinds: Sequence[str], values: Sequence[str], *, key: str
) -> tuple[dict[str, tuple[NDArray[np.int64], NDArray[np.object_]]], int]:
    """Return columns from a long table: a gene, the kind of a name, the name (UniProt idmapping, STRING aliases)."""
    import pandas as pd

    codes, genes = pd.factorize(np.asarray(first, dtype=object))
    columns = {key: (np.arange(len(genes), dtype=np.int64), np.asarray(genes, dtype=object))}
    rows = pd.DataFrame({"gene": codes, "kind": kinds, "name": values}, dtype=object)
    for kind, named in rows.groupby("kind", sort=False):
        if kind != key:
            columns[str(kind)] = named["gene"].to_numpy(dtype=np.int64), named["name"].to_numpy(dtype=object)
    return columns, len(genes)
