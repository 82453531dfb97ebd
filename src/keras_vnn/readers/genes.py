"""Reading gene lists: names one per line, in a column, on an axis of an expression table, in an ``.h5ad``.

In: the path of a file, or names in memory. Out: a `GeneList` whose source says where the names were found.
Knows nothing of expression values.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ConfigError, GeneError, ReadError, did_you_mean
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.basics.ten_x import is_ten_x, read_ten_x
from keras_vnn.priors.genes import DUPLICATE_POLICIES, ORIENTATIONS, GeneList, decide_orientation, gene_list
from keras_vnn.readers.columns import Layout, column_number, lay_out, normalized
from keras_vnn.readers.hdf5_names import read_var_names
from keras_vnn.readers.names import check_names
from keras_vnn.readers.registry import is_sure, refuse_other, sniff
from keras_vnn.readers.rows import check_malformed, chunks, refuse_row
from keras_vnn.readers.text import Preview, preview, shortened

if TYPE_CHECKING:
    import anndata
    from numpy.typing import NDArray

__all__ = ["read_genes"]

_WORDS = set(
    "gene genes symbol symbols genesymbol genesymbols genename genenames geneid geneids genesymbolid hgncsymbol "
    "approvedsymbol ensembl ensemblid ensemblgeneid ensemblgene ensemblgenename orf feature features featurename "
    "varnames entrez entrezid uniprot index".split()
)

_IN_COLUMNS = {"gaf", "gpad", "biogrid", "mitab", "annotation-table", "ontology-table"}


def read_genes(
    source: str | os.PathLike[str] | Iterable[str] | anndata.AnnData,
    *,
    column: int | str | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    orientation: str = "auto",
    raw: bool = False,
    duplicates: str = "raise",
    malformed: str = "raise",
) -> GeneList:
    """Read the genes that are to be the input of a network, in their order.

    Where the names were found is said in ``source.format``. Nothing about a name is changed but white space around it.

    Parameters
    ----------
    source
        A file, plain or gzip: one name per line; a TSV or CSV table, whose first column is taken; ``.h5ad``, whose
        ``var_names`` are taken and whose matrix is not read; an expression table in TSV or CSV; ``gene2ind`` of
        DrugCell (number, name), whose order is that of the numbers. Or names in memory, or an AnnData.
    column
        Name, or number from 1, of the column with the names; for ``.h5ad`` and AnnData the name of a column of
        ``var``.
    header
        Whether the first row names the columns; by default that is told from the rows.
    delimiter
        Tab, comma, semicolon, or a space for any white space; by default told from the rows.
    orientation
        For an expression table: ``"auto"``, ``"genes-in-rows"`` or ``"genes-in-columns"``.
    raw
        For ``.h5ad`` and AnnData: take the names of ``.raw``.
    duplicates
        ``"raise"``, or ``"first"`` to keep the first of each and count the others in the audit.
    malformed
        ``"raise"``, or ``"skip"`` to count rows with an empty name and go on.

    Raises
    ------
    ReadError
        The file cannot be read, is of another kind, or does not tell where its genes are.
    GeneError
        There is no name, or names repeat.
    ConfigError
        An option has an unknown value.

    Warns
    -----
    VNNWarning
        Names were damaged by a spreadsheet.

    Examples
    --------
    >>> from keras_vnn.basics.bundled import data_path
    >>> genes = read_genes(data_path("kang_ifnb_cd4t_expression.csv.gz"))
    >>> len(genes), genes.source.format
    (6998, "CSV expression table, genes in rows (the header calls the row names 'gene_symbol')")
    >>> read_genes(["TP53", "ATM"]).ids
    ('TP53', 'ATM')
    """
    check_malformed(malformed)
    if duplicates not in DUPLICATE_POLICIES:
        raise ConfigError(f"Unknown duplicates={duplicates!r}.\nExpected one of: {', '.join(DUPLICATE_POLICIES)}.")
    if orientation not in ORIENTATIONS:
        hint = did_you_mean(orientation, ORIENTATIONS)
        raise ConfigError(f"Unknown orientation={orientation!r}. {hint}\nExpected one of: {', '.join(ORIENTATIONS)}.")
    if not isinstance(source, str | os.PathLike):
        return gene_list(_in_memory(source, column, raw=raw), duplicates=duplicates)
    if is_ten_x(Path(source)):
        return _of_ten_x(Path(source), column, duplicates)
    start = preview(Path(source))
    if start.magic.startswith(b"\x89HDF"):
        if isinstance(column, int):
            raise ConfigError(
                f"The columns of an .h5ad have names, got column={column}: {start.path}\n"
                "Name one of var, or leave out column."
            )
        names, said = read_var_names(start.path, column=column, raw=raw)
        records, dropped = len(names), Audit()
    else:
        _refuse_other(start, column)
        layout = lay_out(
            start,
            delimiter=delimiter,
            header=header,
            named=(column,) if isinstance(column, str) else (),
            is_header=lambda words: bool(_WORDS & set(words)) or list(words) in (["x"], ["0"]),
        )
        names, said, records, dropped = _from_text(layout, column, orientation, malformed)
    found = gene_list(names, duplicates=duplicates, source=Source.of_file(start.path, said, records=records))
    check_names(found, start.path)
    return replace(found, audit=dropped + found.audit)


def _of_ten_x(path: Path, column: int | str | None, duplicates: str) -> GeneList:
    known = read_ten_x(path)
    if column not in (None, 1, 2):
        raise ConfigError(
            f"The genes of a 10x folder are named by column 1 (Ensembl) or 2 (symbol), got {column!r}: {path}\n"
            "Leave out column for the symbol."
        )
    names = known.ids if column == 1 else known.symbols
    said = f"10x features, {'Ensembl gene' if column == 1 else 'symbol'}"
    source = Source.of_file(known.features, said, records=len(known.ids))
    return gene_list([names[place] for place in known.genes], duplicates=duplicates, source=source)


def _in_memory(source: Any, column: int | str | None, *, raw: bool) -> Iterable[str]:
    if isinstance(source, GeneList):
        return source
    if isinstance(source, pd.DataFrame):
        raise GeneError(
            "A DataFrame does not tell where its genes are.\n"
            "Pass its column names (frame.columns), its row names (frame.index), or one column: frame['gene']"
        )
    if not hasattr(source, "var_names"):
        return [name for name in source]
    if raw and source.raw is None:
        raise GeneError("The AnnData has no .raw.\nLeave out raw=True.")
    table = source.raw if raw else source
    if column is None:
        return list(table.var_names)
    if column not in table.var:
        raise GeneError(f"var has no column {column!r}.\nIt has: {', '.join(map(str, table.var.columns)) or 'none'}.")
    return [str(name) for name in table.var[column]]


def _refuse_other(start: Preview, column: int | str | None) -> None:
    """Raise for a file of another family; one of two names a row may hold the genes in its first column."""
    found = sniff(start)
    if found is None or found.family == "genes" or (column is not None and start.lines):
        return
    if is_sure(found) or found.family not in ("interactions", "regulation", "id-map"):
        if found.name in _IN_COLUMNS:
            found = replace(found, advice="If one of its columns holds the genes, say which: column=1")
        refuse_other(start, found, "a list of genes")


def _from_text(
    layout: Layout, column: int | str | None, orientation: str, malformed: str
) -> tuple[list[str], str, int, Audit]:
    """Return names, where they were, the number of records, and what was left out."""
    if column is None and _is_wide(layout):
        first = _column(layout, 0, malformed)
        numeric = [c for c in range(1, layout.width) if layout.is_numeric(c)]
        header = layout.titles
        columns = [header[c] for c in numeric]
        oriented = decide_orientation(first[0], columns, header[0], asked=orientation, where=layout.preview.path)
        said = f"{layout.kind} expression table, {oriented}"
        if oriented.genes_in_rows:
            return first[0], said, len(first[0]), first[1]
        others = [header[c] for c in range(1, layout.width) if c not in numeric]
        beside = AuditEntry.of("read", "column", "holds no numbers, taken as a label and not as a gene", others)
        return columns, said, len(columns), Audit.of(beside)
    if column is None and _is_numbered(layout):
        return _numbered(layout, malformed)
    position = _default_column(layout) if column is None else column_number(layout, column)
    names, dropped = _column(layout, position, malformed)
    said = "one name per line" if layout.width == 1 else f"{layout.kind} {layout.name(position)}"
    return names, said + (" below a header" if layout.width == 1 and layout.header else ""), len(names), dropped


def _is_wide(layout: Layout) -> bool:
    """Say whether a header stands over at least three columns of numbers, and few others."""
    if layout.header is None or layout.is_numeric(0):
        return False
    numeric = sum(layout.is_numeric(c) for c in range(1, layout.width))
    return numeric >= 3 and 3 * numeric >= 2 * (layout.width - 1)


def _is_numbered(layout: Layout) -> bool:
    whole = all(fields[0].isdigit() for _, fields in layout.rows)
    return layout.header is None and layout.width == 2 and whole and not layout.is_numeric(1)


def _default_column(layout: Layout) -> int:
    """Return the first column, unless it only numbers the rows."""
    if layout.width > 1 and layout.header and layout.is_numeric(0):
        named = (c for c in range(1, layout.width) if normalized(layout.titles[c]) in _WORDS)
        text = (c for c in range(1, layout.width) if not layout.is_numeric(c))
        unnamed = normalized(layout.header[0]) in {"", "index", "x", "unnamed0"}
        return next(named, next(text, 0) if unnamed else 0)
    return 0


def _column(layout: Layout, position: int, malformed: str) -> tuple[list[str], Audit]:
    names: list[str] = []
    skipped: list[str] = []
    for frame, lines in chunks(layout, (position,)):
        found = frame[position].str.strip().to_numpy(dtype=object)
        empty = found == ""
        if empty.any() and malformed == "raise":
            refuse_row(layout, int(lines[empty][0]), f"The name in {layout.name(position)} is empty")
        skipped.extend(f"{layout.preview.path.name}:{line}" for line in lines[empty])
        names.extend(found[~empty])
    if not names:
        raise ReadError(
            f"The file has no gene names in {layout.name(position)}: {layout.preview.path}\n"
            "If another column holds them, say which: column=2"
        )
    return names, Audit.of(AuditEntry.of("read", "row", "a name is empty", skipped))


def _numbered(layout: Layout, malformed: str) -> tuple[list[str], str, int, Audit]:
    """Return the names of a ``gene2ind`` file in the order of their numbers."""
    path = layout.preview.path
    numbers, _ = _column(layout, 0, malformed)
    names, dropped = _column(layout, 1, malformed)
    order: NDArray[np.int64] = np.array([int(n) if n.isdigit() else -1 for n in numbers], dtype=np.int64)
    start = int(order.min())
    if len(numbers) != len(names) or start not in (0, 1) or sorted(order) != list(range(start, start + len(order))):
        raise ReadError(
            f"The numbers in the first column are not 0 to {len(names) - 1}, each once: {path}\n"
            f"    {shortened(layout.preview.texts[0])}\n"
            "If they are gene ids, or only number the rows, say which column holds the genes: column=1 or column=2"
        )
    return [names[i] for i in np.argsort(order)], f"gene2ind ({layout.kind} number, name)", len(names), dropped
