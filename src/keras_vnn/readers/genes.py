"""Reading names of genes: gene lists, and tables that say what genes are called elsewhere.

In: the path of a file, or names in memory; a list has one per line, in a column, on an axis of an expression table, or
in an ``.h5ad``, whose matrix is not read. Out: a `GeneList` whose source says where the names were found; an
`IdentifierTable` of all columns that hold names: which of them to use is chosen later, by what the names at hand
overlap with.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.basics.cell_matrices import (
    TenX,
    is_loom,
    is_ten_x,
    loom_attributes,
    read_ten_x,
    ten_x_group,
    ten_x_in_hdf5,
)
from keras_vnn.basics.errors import ConfigError, GeneError, ReadError, VNNError, check_choice, did_you_mean, sample
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.basics.remedies import option_named, remedy
from keras_vnn.basics.untrusted import check_hdf5, refuse_damaged_hdf5
from keras_vnn.priors.genes import DUPLICATE_POLICIES, ORIENTATIONS, GeneList, decide_orientation, gene_list
from keras_vnn.priors.identifiers import IdentifierTable
from keras_vnn.priors.kinds import check_names, is_count_summary
from keras_vnn.readers.formats.looks import GENE_LIST_JSON
from keras_vnn.readers.layout import Layout, column_number, is_number, lay_out, normalized
from keras_vnn.readers.pairs import bare_taxon
from keras_vnn.readers.registry import is_sure, lists_formats, read_file, refuse_other, sniff
from keras_vnn.readers.tabular import Options, left_out, pieces_of, refuse_row
from keras_vnn.readers.text import COMMENT_MARKS, GCT, Preview, preview, read_json_text, shortened

if TYPE_CHECKING:
    import anndata

HEADER_WORDS = set(
    "gene genes symbol symbols genesymbol genesymbols genename genenames geneid geneids genesymbolid hgncsymbol "
    "approvedsymbol ensembl ensemblid ensemblgeneid ensemblgene ensemblgenename orf feature features featurename "
    "varnames entrez entrezid uniprot index protein proteins proteinid uniprotid accession entry".split()
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
    >>> import keras_vnn as vnn
    >>> from keras_vnn.basics.bundled import data_path
    >>> genes = vnn.read.genes(data_path("kang_ifnb_cd4t_expression.csv.gz"))
    >>> len(genes), genes.source.format
    (6998, "CSV expression table, genes in rows (the header calls the row names 'gene_symbol')")
    >>> vnn.read.genes(["TP53", "ATM"]).ids
    ('TP53', 'ATM')
    """
    check_choice("malformed", malformed, ("raise", "skip"))
    check_choice("duplicates", duplicates, DUPLICATE_POLICIES)
    check_choice("orientation", orientation, ORIENTATIONS)
    if not isinstance(source, str | os.PathLike):
        return gene_list(_in_memory(source, column, raw=raw), duplicates=duplicates)
    if is_ten_x(Path(source)):
        return _of_ten_x(read_ten_x(Path(source)), Path(source), column, duplicates)
    start = preview(Path(source))
    if start.magic.startswith(b"\x89HDF"):
        in_hdf5 = _in_hdf5(start.path, column, raw=raw)
        if isinstance(in_hdf5, TenX):
            return _of_ten_x(in_hdf5, start.path, column, duplicates)
        names, said = in_hdf5
        dropped = Audit()
    elif GENE_LIST_JSON.matches(start):
        names, said, dropped = _of_json(start.path), "JSON list of names", Audit()
    else:
        # PLINK's variants are named in the second column, and there is no header.
        column = 2 if column is None and start.path.suffix == ".bim" else column
        if orientation == "auto":
            _refuse_other(start, column)
        layout = lay_out(
            start,
            delimiter=delimiter,
            header=header,
            named=(column,) if isinstance(column, str) else (),
            is_header=lambda words: bool(HEADER_WORDS & set(words)) or list(words) in (["x"], ["0"]),
        )
        names, said, dropped = _from_text(layout, column, orientation, malformed)
        summaries = [name for name in names if is_count_summary(name)]
        names = [name for name in names if name not in summaries]
        dropped += Audit.of(AuditEntry.of("read", "row", "counts reads of no gene (HTSeq, STAR)", summaries))
    found = gene_list(names, duplicates=duplicates, source=Source.of_file(start.path, said, records=len(names)))
    check_names(found, start.path)
    return replace(found, audit=dropped + found.audit)


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
        All columns of names. `pp.identifier_map` chooses among them.

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
    >>> import keras_vnn as vnn
    >>> from keras_vnn.basics.bundled import data_path
    >>> table = vnn.read.identifier_map(data_path("goa_human_demo.gaf.gz"))
    >>> print(table)
    6,081 rows with accession (6,081 names), symbol (6,081 names), synonyms (14,037 names)
    """
    options = Options(columns, taxon=None if taxon is None else bare_taxon(taxon))
    table: IdentifierTable
    _, table = read_file(path, "id-map", format, options)
    if len(table.columns) < 2:
        raise ReadError(
            f"Only {sample(table.columns) or 'no column'} holds names, a table of identifiers needs two: {path}\n"
            + remedy("Say which columns: {columns}", columns=(1, 2))
        )
    return table


# ---- lists of genes ------------------------------------------------------------------------------------------


def _of_ten_x(known: TenX, path: Path, column: int | str | None, duplicates: str) -> GeneList:
    if column not in (None, 1, 2):
        raise ConfigError(
            f"The genes of a 10x folder are named by column 1 (Ensembl) or 2 (symbol), got {column!r}: {path}\n"
            f"Leave out {option_named('column')} for the symbol."
        )
    names = known.ids if column == 1 else known.symbols
    said = f"10x features, {'Ensembl gene' if column == 1 else 'symbol'}"
    source = Source.of_file(known.features, said, records=len(known.ids))
    return gene_list([names[place] for place in known.genes], duplicates=duplicates, source=source)


def _of_json(path: Path) -> list[str]:
    names = read_json_text(path)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ReadError(f'Expected a list of names: {path}\nFor example: ["TP53", "MDM2"]')
    return names


def _in_memory(source: Any, column: int | str | None, *, raw: bool) -> Iterable[str]:
    if isinstance(source, GeneList):
        return source
    if isinstance(source, pd.DataFrame):
        raise GeneError(
            "A DataFrame does not tell where its genes are.\n"
            "Pass its column names (frame.columns), its row names (frame.index), or one column: frame['gene']"
        )
    if not hasattr(source, "var_names"):
        return list(source)
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
            found = replace(
                found, advice=remedy("If one of its columns holds the genes, say which: {column}", column=1)
            )
        refuse_other(start, found, "a list of genes")


def _from_text(
    layout: Layout, column: int | str | None, orientation: str, malformed: str
) -> tuple[list[str], str, Audit]:
    """Return names, where they were, and what was left out."""
    if column is None and layout.header is None and len(layout.preview.lines) == 1 and layout.width > 1:
        names = [name for name in layout.rows[0][1] if name]
        if not any(is_number(name) or name.startswith(COMMENT_MARKS) for name in names):
            return names, f"names on one line ({layout.kind})", Audit()
    if column is None and _is_wide(layout):
        rows, dropped = _column(layout, 0, malformed)
        numeric = [c for c in range(1, layout.width) if layout.is_numeric(c)]
        header = layout.titles
        columns = [header[c] for c in numeric]
        is_gct = any(text in GCT for _, text in layout.preview.comments[:1])
        asked = "genes-in-rows" if is_gct and orientation == "auto" else orientation
        oriented = decide_orientation(rows, columns, header[0], asked=asked, where=layout.preview.path)
        said = f"{layout.kind} expression table, {oriented}"
        if oriented.genes_in_rows:
            return rows, said, dropped
        others = [header[c] for c in range(1, layout.width) if c not in numeric]
        labels = AuditEntry.of("read", "column", "holds no numbers, taken as a label and not as a gene", others)
        return columns, said, Audit.of(labels)
    if column is None and _is_numbered(layout):
        return _numbered(layout, malformed)
    position = _default_column(layout) if column is None else column_number(layout, column)
    names, dropped = _column(layout, position, malformed)
    said = "one name per line" if layout.width == 1 else f"{layout.kind} {layout.name(position)}"
    return names, said + (" below a header" if layout.width == 1 and layout.header else ""), dropped


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
        named = (c for c in range(1, layout.width) if normalized(layout.titles[c]) in HEADER_WORDS)
        text = (c for c in range(1, layout.width) if not layout.is_numeric(c))
        numbers = layout.values(0)
        counted = any(numbers == [str(n) for n in range(first, first + len(numbers))] for first in (0, 1))
        unnamed = counted or normalized(layout.header[0]) in {"", "index", "x", "unnamed0"}
        return next(named, next(text, 0) if unnamed else 0)
    return 0


def _column(layout: Layout, position: int, malformed: str) -> tuple[list[str], Audit]:
    names: list[str] = []
    skipped: list[int] = []
    for piece in pieces_of(layout, (position,)):
        empty = (piece[position] == "").to_numpy()
        if empty.any() and malformed == "raise":
            refuse_row(layout, int(piece.index[empty][0]), f"The name in {layout.name(position)} is empty")
        skipped.extend(piece.index[empty])
        names.extend(piece[position][~empty])
    if not names:
        raise ReadError(
            f"The file has no gene names in {layout.name(position)}: {layout.preview.path}\n"
            + remedy("If another column holds them, say which: {column}", column=2)
        )
    return names, Audit.of(left_out(layout.preview.path, skipped, "a name is empty"))


def _numbered(layout: Layout, malformed: str) -> tuple[list[str], str, Audit]:
    """Return the names of a ``gene2ind`` file in the order of their numbers."""
    numbers, _ = _column(layout, 0, malformed)
    names, dropped = _column(layout, 1, malformed)
    order = [int(number) if number.isdigit() else -1 for number in numbers]
    start = min(order)
    if len(numbers) != len(names) or start not in (0, 1) or sorted(order) != list(range(start, start + len(order))):
        raise ReadError(
            f"The numbers in the first column are not 0 to {len(names) - 1}, each once: {layout.preview.path}\n"
            f"    {shortened(layout.preview.first)}\n"
            + remedy(
                "If they are gene ids, or only number the rows, say which column holds the genes: {column}", column=1
            )
            + remedy(" or {column}", column=2)
        )
    return [names[i] for i in np.argsort(order)], f"gene2ind ({layout.kind} number, name)", dropped


# ---- .h5ad ---------------------------------------------------------------------------------------------------


def _in_hdf5(path: Path, column: str | int | None, *, raw: bool) -> TenX | tuple[list[str], str]:
    """Return the names in an HDF5 file of 10x Cell Ranger, or those of an AnnData and where they were."""
    import h5py

    refuse_damaged_hdf5(path)
    try:
        with h5py.File(path) as file:
            check_hdf5(file, path)
            group = None if "var" in file else ten_x_group(file)
            if group is not None:
                return ten_x_in_hdf5(group, path)
            if isinstance(column, int):
                raise ConfigError(
                    f"The columns of an .h5ad have names, got {column}: {path}\n"
                    f"Name one of var, or leave out {option_named('column')}."
                )
            if is_loom(file):
                return _names_of_loom(file, path, column)
            return _names_of_var(file, path, column, raw=raw)
    except (VNNError, ImportError):  # a package that is missing is no fault of the file
        raise
    except Exception as error:  # of damaged bytes HDF5, h5py and anndata raise anything
        raise ReadError(f"The HDF5 file is damaged or cut short: {path}\n{error}\nDownload it again.") from error


def _names_of_loom(file: Any, path: Path, column: str | None) -> tuple[list[str], str]:
    name, attributes = loom_attributes(file, "row_attrs")
    wanted = column or name
    if wanted not in attributes:
        what = f"row_attrs has no {column!r}" if column else "No attribute names the genes"
        raise ReadError(f"{what}: {path}\nIt has: {sample(attributes, 12) or 'none'}.")
    return [str(one) for one in attributes[wanted]], f"loom row_attrs[{wanted!r}]"


def _names_of_var(file: Any, path: Path, column: str | None, *, raw: bool) -> tuple[list[str], str]:
    # Files of before anndata 0.7 call it "raw.var".
    places = ("raw/var", "raw.var") if raw else ("var",)
    place = next((place for place in places if place in file), None)
    if place is None:
        missing = "no .raw" if raw and "var" in file else "no table of genes (var)"
        raise ReadError(f"The HDF5 file has {missing}: {path}\nIt has: {sample(file, 8)}.")
    var = file[place]
    compound = isinstance(getattr(var, "dtype", None), np.dtype)
    known = list(var.dtype.names or ()) if compound else [name for name in var if name != "__categories"]
    index = next((n for n in ("index", "_index") if n in known), "") if compound else var.attrs.get("_index", "_index")
    wanted = column or str(index)
    if wanted not in known:
        known = [name for name in known if name != index]
        hint = did_you_mean(wanted, known)
        raise ReadError(f"{place} has no column {wanted!r}: {path}\nIt has: {sample(known, 12)}. {hint}".rstrip())
    values = var[wanted] if compound else _decoded(var, wanted)
    said = f"var[{wanted!r}]" if column else "var_names"
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values], f"h5ad {'raw.' if raw else ''}{said}"


def _decoded(var: Any, name: str) -> Any:
    """Return a column of ``var`` as an array of strings, whichever way it is encoded."""
    item = var[name]
    if hasattr(item, "dtype"):
        if "categories" in item.attrs:  # anndata 0.7
            return var.file[item.attrs["categories"]].asstr()[:][item[:]]
        return item[:]
    from anndata.io import read_elem

    return np.asarray(read_elem(item))
