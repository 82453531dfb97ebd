"""Gene lists and how their names match other names.

In: names in any sequence. Out: a `GeneList` of ordered unique ids, and diagnoses of a poor match.
Knows nothing of files; `keras_vnn.readers` fills the lists.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, overload

from keras_vnn.basics.errors import GeneError, ReadError, VNNError, counted, sample
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.basics.remedies import remedy
from keras_vnn.basics.showing import Shown
from keras_vnn.priors.kinds import are_numbered, is_gene_id

DUPLICATE_POLICIES = ("raise", "first")

# How names tell which axis of an expression table holds the genes: words for the row names, and what they look like.
ORIENTATIONS = ("auto", "genes-in-rows", "genes-in-columns")

GENE_WORDS = re.compile(
    r"(ensembl[ _.-]*)?(genes?|symbols?|hgnc|features?|ensembl|orf)([ _.-]*(symbols?|names?|ids?))?|id_ref"
)
CELL_WORDS = re.compile(r"(cells?|barcodes?|samples?)([ _.-]*(barcodes?|names?|ids?))?")
_GENE_SYMBOLS = re.compile(
    r"RP[LS]P?\d+[AXYL]?\d*|MT-[A-Z0-9]+|LINC\d+|HLA-[A-Z0-9]+|ACTB|B2M|GAPDH|MALAT1|TP53|TRP53|ATM|CD\d+[A-Z]?",
    re.IGNORECASE,
)
# Looking ahead keeps the time in proportion to the length of a name, whatever the name.
CELL_NAMES = re.compile(
    r"(?=.*?(?<![A-Z])[ACGT]{8,}(?![A-Z])).*|(cell|sample)[ _.-]?\d+"
    r"|GSM\d{4,}|[SED]RR\d{5,}|TCGA-[A-Z0-9]{2}-.*|ACH-\d{6}",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, repr=False)
class GeneList(Shown, Sequence[str]):
    """Ordered, unique gene ids: the input columns of a network.

    Attributes
    ----------
    ids
        The ids, in the user's order.
    source
        The file they were read from, or ``None``.
    audit
        What was dropped while making the list.
    """

    ids: tuple[str, ...]
    source: Source | None = None
    audit: Audit = field(default_factory=Audit)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        """Return an id, or a tuple of them for a slice."""
        return self.ids[index]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids in order."""
        return iter(self.ids)

    def __len__(self) -> int:
        """Return the number of genes."""
        return len(self.ids)

    def __str__(self) -> str:
        """Return the number of genes and the first few."""
        return f"{counted(len(self.ids), 'gene')}: {', '.join(self.ids[:5])}{' …' if len(self.ids) > 5 else ''}"


def gene_list(names: Any, *, duplicates: str = "raise", source: Source | None = None) -> GeneList:
    """Make a gene list from names, keeping their order.

    White space around a name is removed; nothing else about it is changed.

    Parameters
    ----------
    names
        Gene ids of any kind, or an AnnData, whose ``var_names`` are taken; a `GeneList` is returned as it is.
    duplicates
        ``"raise"``, or ``"first"`` to keep the first of each and count the rest in the audit.
    source
        The file the names came from.

    Raises
    ------
    GeneError
        There is no name, a name is empty or not a string, or names repeat and ``duplicates`` is ``"raise"``.

    Examples
    --------
    >>> gene_list(["TP53", "ATM"]).ids
    ('TP53', 'ATM')
    """
    if isinstance(names, GeneList):
        return names
    names = getattr(names, "var_names", names)
    if isinstance(names, str):
        raise GeneError(f"Expected a sequence of gene names, got the single string {names!r}.\nPass [{names!r}].")
    if not hasattr(names, "__iter__"):
        raise GeneError(
            f"Expected a sequence of gene names, or an AnnData, got {type(names).__name__}.\n"
            'For example: ["TP53", "ATM"], adata.var_names, arch.genes'
        )
    given = list(names)
    where = f" in {source.name}" if source else ""
    wrong = next((i for i, name in enumerate(given) if not isinstance(name, str) or not name.strip()), None)
    if wrong is not None:
        is_number = isinstance(given[wrong], Integral)
        advice = "\nWrite ids that are numbers as texts: [str(gene) for gene in genes]" if is_number else ""
        raise GeneError(
            f"Gene {wrong + 1} of {len(given)}{where} is {given[wrong]!r}, expected a non-empty name.{advice}"
        )
    if not given:
        raise GeneError(f"There is no gene name{where}.")
    stripped = [str(name).strip() for name in given]
    unique = tuple(dict.fromkeys(stripped))
    if len(unique) == len(stripped):
        return GeneList(unique, source)
    repeated = [name for name, count in Counter(stripped).items() if count > 1]
    if duplicates != "first":
        make = remedy("Keep the first of each with {duplicates}, or make", "Make", duplicates="first")
        raise GeneError(
            f"{len(repeated)} of {counted(len(unique), 'gene name')}{where} occur more than once: {sample(repeated)}.\n"
            f"{make} the names unique."
        )
    dropped = AuditEntry.of("read", "gene", "repeated name, first one kept", repeated, len(stripped) - len(unique))
    return GeneList(unique, source, Audit.of(dropped))


def explain_mismatch(wanted: Sequence[str], known: Iterable[str], *, wanted_what: str, known_what: str) -> str:
    """Return sentences that diagnose why few of ``wanted`` are among ``known``.

    Compares as written, ignoring case, and without a version suffix (``ENSG….16``); shows what
    both sides look like. Nothing is matched for the user: what to do is theirs to decide.

    Examples
    --------
    >>> print(explain_mismatch(["tp53", "atm"], ["TP53", "ATM"], wanted_what="genes", known_what="the prior"))
    0 of 2 genes match the prior; 2 match ignoring case.
    The genes look like: atm, tp53.
    The prior looks like: ATM, TP53.
    """
    known_names = set(known)
    exact = sum(name in known_names for name in wanted)
    parts = [f"{exact:,} of {len(wanted):,} {wanted_what} match {known_what}"]
    folded = {name.casefold() for name in known_names}
    ignoring_case = sum(name.casefold() in folded for name in wanted)
    if ignoring_case > exact:
        parts.append(f"{ignoring_case:,} match ignoring case")
    unversioned = {_without_version(name) for name in known_names}
    ignoring_version = sum(_without_version(name) in unversioned for name in wanted)
    if ignoring_version > max(exact, ignoring_case if ignoring_case > exact else exact):
        parts.append(f"{ignoring_version:,} match without the version after the dot")
    here, there = sample(wanted, 3), sample(known_names, 3)
    capital = known_what[0].upper() + known_what[1:]
    return f"{'; '.join(parts)}.\nThe {wanted_what} look like: {here}.\n{capital} looks like: {there}."


def _without_version(name: str) -> str:
    stem, dot, version = name.rpartition(".")
    return stem if dot and version.isdigit() and stem.startswith("ENS") else name


@dataclass(frozen=True, slots=True)
class Orientation:
    """Where the genes are, and how that is known; as text, a sentence to show the user."""

    genes_in_rows: bool
    reason: str

    def __str__(self) -> str:
        return f"genes in {'rows' if self.genes_in_rows else 'columns'} ({self.reason})"


def decide_orientation(
    rows: Sequence[str],
    columns: Sequence[str],
    corner: str = "",
    *,
    genes: Collection[str] = (),
    cells: Collection[str] = (),
    asked: str = "auto",
    where: object = "",
    error: type[VNNError] = ReadError,
) -> Orientation:
    """Decide whether the rows or the columns of a table are its genes.

    The first of these that tells the two apart decides: what was ``asked``; the genes of the network; the cells
    of a cell table; the header's word for the row names; what the names look like.

    Raises
    ------
    VNNError
        Nothing tells the two apart; the ``error`` of the caller.

    Examples
    --------
    >>> print(decide_orientation(["ATM", "X1"], ["a", "b"], genes={"ATM", "TP53"}))
    genes in rows (1 of 2 row names are genes of the network)
    """
    if asked != "auto":
        return Orientation(asked == "genes-in-rows", "as asked")
    sides = ("row", rows), ("column", columns)
    for known, meaning, are_genes in (
        (set(genes), "genes of the network", True),
        (set(cells), "cells of the cell table", False),
    ):
        counts = [sum(name in known for name in names) for _, names in sides]
        if counts[0] != counts[1]:
            side = int(counts[1] > counts[0])
            return Orientation((side == 0) == are_genes, _of(counts[side], *sides[side], meaning))
    for words, are_genes in ((GENE_WORDS, True), (CELL_WORDS, False)):
        if words.fullmatch(corner.casefold()):
            return Orientation(are_genes, f"the header calls the row names {corner!r}")
    for are_such, meaning, are_genes in (
        (_look_like_genes, "look like genes", True),
        (_look_like_cells, "look like cells", False),
    ):
        counts = [sum(are_such(names)) for _, names in sides]
        if counts[0] * len(columns) != counts[1] * len(rows):
            side = int(counts[1] * len(rows) > counts[0] * len(columns))
            return Orientation((side == 0) == are_genes, _of(counts[side], *sides[side], meaning))
    raise error(
        f"Are the genes in rows or in columns? Neither {counted(len(rows), 'row name')} nor "
        f"{counted(len(columns), 'column name')} tell{f': {where}' if where else '.'}\n"
        f"    rows: {sample(rows, 3)}\n"
        f"    columns: {sample(columns, 3)}\n"
        + remedy("Say it with {orientation}", orientation="genes-in-rows")
        + remedy(" or {orientation}.", ".", orientation="genes-in-columns")
    )


def _look_like_genes(names: Sequence[str]) -> list[bool]:
    return [is_gene_id(name) or _GENE_SYMBOLS.fullmatch(name) is not None for name in names]


def _look_like_cells(names: Sequence[str]) -> list[bool]:
    return [True] * len(names) if are_numbered(names) else [CELL_NAMES.fullmatch(name) is not None for name in names]


def _of(count: int, side: str, names: Sequence[str], meaning: str) -> str:
    verb = "" if meaning.startswith("look") else "are "
    return f"{count:,} of {len(names):,} {side} names {verb}{meaning}"
