"""Expression as it lies on disk: files and folders of AnnData, folders of 10x Cell Ranger, text tables.

In: the path of an .h5ad file, a zarr store, such a folder or a text. Out: an AnnData with tables of cells and genes;
``X`` of an AnnData stays on disk where it can. Knows nothing of networks.
"""

from __future__ import annotations

import csv
import io
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from keras_vnn.basics.errors import DataError, ReadError, VNNError, did_you_mean, sample
from keras_vnn.basics.files import decompressed, existing_file, is_filled_up, read_lines
from keras_vnn.basics.ten_x import is_ten_x, read_ten_x
from keras_vnn.data._matrix import is_on_disk

if TYPE_CHECKING:
    import anndata


_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
# What the aligned matrix of a network may take before data are read from disk while they are needed: 2 GB.
MOST_BYTES = 2 * 10**9


def expression_path(path: Any) -> Path:
    """Return the path of a data file, or of a folder that is a zarr store or one of 10x Cell Ranger.

    Raises
    ------
    ReadError
        There is no such file, it is empty, or a directory of another kind.
    """
    found = Path(path)
    return found if is_zarr(found) or is_ten_x(found) else existing_file(path, "data file")


def is_zarr(path: Path) -> bool:
    """Return whether a path is a zarr store in a folder."""
    return path.is_dir() and any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zattrs"))


def is_hdf5(path: Path) -> bool:
    """Return whether a file begins as HDF5 does."""
    with path.open("rb") as stream:
        return stream.read(len(_HDF5_MAGIC)) == _HDF5_MAGIC


def open_store(path: Path, layer: str = "X") -> anndata.AnnData:
    """Return an AnnData whose ``X`` is a layer on disk; nothing but the tables of cells and genes is read.

    Raises
    ------
    ReadError
        The store is damaged or holds no AnnData.
    DataError
        There is no such layer, or another than ``X`` is asked of a file of an early anndata.
    """
    import anndata

    with damage_named(path), quiet():
        root = root_of(path)
        if "encoding-type" not in root.attrs:
            if layer != "X":
                raise DataError(
                    f"The file was written by an early anndata; only its X can be left on disk: {path}\n"
                    "Leave out backed; or write it again: anndata.read_h5ad(path).write_h5ad(new_path)"
                )
            root.close()
            return anndata.read_h5ad(path, backed="r")
        raw = "raw" in root
        layers = sorted(root["layers"]) if "layers" in root else []
        if layer != "X" and not (layer == "raw" and raw) and layer not in layers:
            raise layer_error(layer, layers, f" of {path.name}", has_raw=raw)
        of_layer = {"X": root, "raw": root["raw"] if raw else None}.get(layer, root)
        values = of_layer["X"] if layer in ("X", "raw") else root["layers"][layer]
        is_sparse = not hasattr(values, "shape")
        obs, var = anndata.io.read_elem(root["obs"]), anndata.io.read_elem(of_layer["var"])
        return anndata.AnnData(anndata.io.sparse_dataset(values) if is_sparse else values, obs=obs, var=var)


def is_divisible(path: Path) -> bool:
    """Return whether `open_store` can open a store; those of early versions of anndata it cannot."""
    if path.is_dir():
        return True
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return "encoding-type" in file.attrs
    except OSError:
        return False


def too_large(adata: anndata.AnnData, genes: Sequence[str]) -> bool:
    """Return whether a matrix on disk, or what a network reads of it, is better left there."""
    width = len(genes) or adata.n_vars
    by_cells = getattr(adata.X, "format", "csr") == "csr"
    return by_cells and max(adata.n_obs * width * 4, _bytes(adata.X)) > MOST_BYTES


def with_obs(adata: anndata.AnnData, obs: Any) -> anndata.AnnData:
    """Return the same data with another table of cells; a matrix on disk is shared, others are copied."""
    import anndata

    if not is_on_disk(adata.X):
        copied = adata.copy()
        copied.obs = obs
        return copied
    with quiet():
        return anndata.AnnData(adata.X, obs=obs, var=adata.var.copy(), uns=dict(adata.uns))


def layer_error(layer: str, layers: Sequence[str], where: str, *, has_raw: bool) -> DataError:
    """Return the error about a layer that is not there."""
    known = ["X", *(["raw"] if has_raw else []), *layers]
    if layer == "raw":
        return DataError(f"There is no raw{where}.\nThe layers are: {', '.join(known)}.")
    hint = did_you_mean(layer, known)
    return DataError(f"There is no layer {layer!r}{where}.{hint and f' {hint}'}\nThe layers are: {', '.join(known)}.")


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Raise what h5py, zarr and anndata raise about damaged bytes, of many kinds, as a `ReadError`."""
    try:
        yield
    except DataError as error:
        reason, *remedy = str(error).split("\n")
        if path.name in reason:
            raise
        raise DataError("\n".join([f"{reason.removesuffix('.')}: {path}", *remedy])) from error
    except (VNNError, ImportError):  # a package that is missing is not a fault of the file
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        kind = "zarr store" if path.is_dir() else ".h5ad file"
        raise ReadError(
            f"The {kind} is damaged, incomplete, or holds no AnnData: {path}\n    {reason}\nDownload it again."
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what anndata says about its own old releases, what they stand on, and repeated gene names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        warnings.filterwarnings("ignore", message=".*names are not unique", category=UserWarning)
        warnings.filterwarnings("ignore", message=".*was written", category=UserWarning)
        yield


def root_of(path: Path) -> Any:
    """Open a store for reading and return its first group."""
    if path.is_dir():
        import zarr

        return zarr.open_group(path, mode="r")
    import h5py

    return h5py.File(path, "r")


def _bytes(values: Any) -> int:
    parts = (values.group["data"], values.group["indices"]) if hasattr(values, "group") else (values,)
    return sum(int(part.size) * int(part.dtype.itemsize) for part in parts)


def read_ten_x_expression(path: Path, genes: Sequence[str]) -> tuple[anndata.AnnData, str]:
    """Return the counts of the genes of a folder, sparse, and what was read.

    Genes are named by symbol, or by Ensembl gene where that is what more of ``genes`` are; both stand in ``var``.

    Raises
    ------
    ReadError
        A file is missing or damaged, or the numbers of names and of rows and columns differ.
    """
    import anndata
    from scipy.io import mmread

    found = read_ten_x(path)
    try:
        matrix = sparse.csc_array(mmread(found.matrix, spmatrix=False))
    except Exception as error:  # Damaged text surfaces as whatever the reader happens to raise.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ReadError(
            f"The matrix is damaged or cut short: {found.matrix}\n    {reason}\nDownload it again."
        ) from error
    expected = (len(found.ids), len(found.barcodes))
    if matrix.shape != expected:
        raise ReadError(
            f"The matrix has {matrix.shape[0]:,} rows and {matrix.shape[1]:,} columns, but there are {expected[0]:,} "
            f"features and {expected[1]:,} barcodes: {path}\nAre the three files of one run?"
        )
    places = np.array(found.genes, np.intp)
    wanted = set(genes)
    by_id = sum(found.ids[place] in wanted for place in places) > sum(
        found.symbols[place] in wanted for place in places
    )
    names = found.ids if by_id else found.symbols
    var = pd.DataFrame(
        {"gene_id": [found.ids[place] for place in places], "gene_symbol": [found.symbols[place] for place in places]},
        index=pd.Index([names[place] for place in places]),
    )
    values = sparse.csr_array(matrix[places].T).astype(np.float32)
    left_out = len(found.ids) - len(places)
    rest = f" ({left_out:,} other features left out)" if left_out else ""
    said = (
        f"10x folder {path.name}: {len(found.barcodes):,} cells, {len(places):,} genes by "
        f"{'Ensembl gene' if by_id else 'symbol'}{rest}"
    )
    return anndata.AnnData(values, obs=pd.DataFrame(index=pd.Index(found.barcodes)), var=var), said


SEPARATORS = ("\t", ",", ";", " ")


@dataclass(frozen=True, slots=True, eq=False)
class TextTable:
    """A table of a text file.

    Attributes
    ----------
    path
        The file.
    separator
        What stands between two fields.
    corner
        The header's name of the column of row names; empty where the header (as R writes it) is one field short.
    rows, columns
        Names of both axes, surrounding white space removed.
    body
        DataFrame ``(rows, columns)``, both numbered from 0.
    """

    path: Path
    separator: str
    corner: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    body: Any


def read_table(
    path: str | os.PathLike[str], what: str = "table", *, missing: Sequence[str] = (), names_column: int | str = ""
) -> TextTable:
    """Read a table with one header line and the names of its rows in the first column.

    The separator is tab, comma, semicolon or space, whichever splits header and first row alike; fields may be
    quoted; the header may be one field short, as R writes it. With semicolons, a comma is a decimal mark.

    Parameters
    ----------
    path
        CSV or TSV file, plain or gzip.
    what
        What to call the file in errors.
    missing
        Texts of the body that mean a missing value; by default none, so that such a text stays a text.
    names_column
        Take the row names from the column with this name, or number from 1, if there is one, not from the first.

    Raises
    ------
    ReadError
        The file is missing, empty, damaged, no UTF-8 text, has one column, no row, or rows of unequal length.
    """
    found = existing_file(path, what)
    content = _text_bytes(found)
    stream = io.BytesIO(content)
    header = _next_line(stream)
    start = stream.tell()
    first = _next_line(stream)
    if not header.strip():
        raise ReadError(f"The {what} {found} holds blank lines only.\nWas its download interrupted?")
    if not first.strip():
        raise ReadError(f"The {what} has a header and no row: {found}\n    {header[:60]}")
    separator = _separator(header, first)
    fields = _split(header, separator)
    width = len(_split(first, separator))
    if width < 2:
        raise ReadError(
            f"The {what} has one column, expected names and at least one column of values: {found}:1\n"
            f"    {header[:60]}\n"
            "The separator may be a tab, a comma, a semicolon or a space."
        )
    if len(fields) not in (width, width - 1):
        raise ReadError(
            f"The header has {len(fields):,} fields, the first row {width:,}: {found}\n"
            "Expected equally many, or one fewer in the header (as R writes it)."
        )
    if len(fields) < width and not _split(first, separator)[-1]:
        raise ReadError(
            f"The rows end with a separator that the header lacks: {found}:2\n"
            f"    {first[:60]}\n"
            "Remove it, or write one at the end of the header too and name that column."
        )
    if is_filled_up(content, separator, width) and (error := _ragged(found, separator, width)):
        raise error
    names = fields if len(fields) == width else ["", *fields]
    numbered = names[names_column - 1 : names_column] if isinstance(names_column, int) else [names_column]
    at = names.index(numbered[0]) if numbered and numbered[0] in names[1:] else 0
    stream.seek(start)
    try:
        frame = pd.read_csv(
            stream,
            sep=separator,
            header=None,
            dtype={at: str},
            keep_default_na=False,
            na_values={column: list(missing) for column in range(width) if column != at} if missing else None,
            decimal="," if separator == ";" and "," in first else ".",
            skipinitialspace=separator != " ",
            low_memory=False,
            encoding="utf-8",
        )
    except UnicodeDecodeError:
        read_lines(found)
        raise
    except pd.errors.ParserError as error:
        raise _ragged(found, separator, width) or ReadError(f"The {what} cannot be parsed: {found}\n{error}") from error
    rows = tuple(frame[at].astype(str).str.strip())
    # Taking out the first of many columns by pop costs time by the square of their number.
    frame = frame.iloc[:, 1:] if at == 0 else frame.drop(columns=at)
    frame.columns = range(width - 1)
    return TextTable(found, separator, names.pop(at), rows, tuple(names), frame)


def line_of_row(table: TextTable, row: int) -> int:
    """Return the line of the file on which a row of the body ends.

    Raises
    ------
    ReadError
        That row has fewer or more fields than the first.
    """
    width = len(table.columns) + 1
    for number, (line, fields) in enumerate(_records(table.path, table.separator)):
        if number == row + 1:
            if len(fields) != width:
                raise _unequal(table.path, line, fields, width, table.separator)
            return line
    return 0


def _ragged(path: Path, separator: str, width: int) -> ReadError | None:
    records = _records(path, separator)
    next(records, None)
    return next(
        (_unequal(path, line, fields, width, separator) for line, fields in records if len(fields) != width), None
    )


def _unequal(path: Path, line: int, fields: list[str], width: int, separator: str) -> ReadError:
    text = separator.join(fields)
    return ReadError(
        f"A row has {len(fields):,} fields, expected {width:,} as in the first row: {path}:{line}\n"
        f"    {text[:60]}{' …' if len(text) > 60 else ''}\n"
        "Is the file truncated, or does a name hold the separator without quotes?"
    )


def _records(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the fields of each record that is not blank."""
    reader = csv.reader(read_lines(path), delimiter=separator)
    for fields in _fields(reader, path):
        if fields and (len(fields) > 1 or fields[0].strip()):
            yield reader.line_num, fields


def _fields(reader: Any, path: Path) -> Iterator[list[str]]:
    """Yield what a csv reader gives, with an error that names the file."""
    try:
        yield from reader
    except csv.Error as error:
        raise ReadError(
            f"A row cannot be split into fields: {path}:{reader.line_num}\n{error}\nIs a quote opened and not closed?"
        ) from error


def _text_bytes(path: Path) -> bytes:
    """Return the content as UTF-8 bytes without a byte order mark, with line ends that end in a line feed."""
    content = decompressed(path)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        return "\n".join(read_lines(path)).encode()
    content = content.removeprefix(b"\xef\xbb\xbf")
    return content if b"\n" in content else content.replace(b"\r", b"\n")


def _next_line(stream: io.BytesIO) -> str:
    for line in stream:
        if line.strip():
            return line.decode("utf-8", "replace").rstrip("\r\n")
    return ""


def _separator(header: str, row: str) -> str:
    """Return the separator that splits both lines alike into most fields, or else splits the row most."""
    widths = {separator: (len(_split(header, separator)), len(_split(row, separator))) for separator in SEPARATORS}
    alike = [one for one in SEPARATORS if widths[one][1] > 1 and widths[one][1] - widths[one][0] in (0, 1)]
    return max(alike or SEPARATORS, key=lambda one: widths[one][::-1])


def _split(line: str, separator: str) -> list[str]:
    try:
        fields = next(csv.reader([line], delimiter=separator, skipinitialspace=separator != " "), [])
    except csv.Error:  # a "field" longer than the limit of the csv module: not the separator
        return [line]
    return [field.strip() for field in fields]


MISSING_LABELS = ("", "NA", "N/A", "NaN", "nan", "#N/A", "<NA>")


def read_cells(cells: Any) -> pd.DataFrame:
    """Return the table of the cells with their ids as index.

    Raises
    ------
    DataError
        A cell occurs more than once.
    """
    if hasattr(cells, "columns") and hasattr(cells, "index"):
        described = cells.set_axis(cells.index.astype(str), axis=0)
        where = ""
    else:
        table = read_table(cells, "cell table", missing=MISSING_LABELS, names_column="index")
        described = table.body.set_axis(list(table.rows), axis=0).set_axis(list(table.columns), axis=1)
        where = str(table.path)
    check_cell_names(tuple(described.index), where)
    described.attrs["where"] = where
    return described


def join_cells(adata: anndata.AnnData, described: pd.DataFrame) -> tuple[anndata.AnnData, str]:
    """Return a copy whose ``obs`` has the columns of the table, and a sentence that says so.

    Raises
    ------
    DataError
        A cell is not in the table.
    """
    names = [str(name) for name in adata.obs_names]
    known = set(described.index)
    unknown = [name for name in names if name not in known]
    if unknown:
        where = described.attrs["where"]
        raise DataError(
            f"{len(unknown):,} of {len(names):,} cells are not in the cell table{where and f': {where}'}\n"
            f"    {sample(unknown)}\n"
            f"The table names cells such as {sample(described.index, 3)}.\n"
            "Cells are joined by their ids, in the first column of the table."
        )
    obs = adata.obs.copy()
    for column in described.columns:
        obs[column] = described[column].loc[names].array
    joined = with_obs(adata, obs)
    said = f"{len(names):,} cells described by {len(described.columns)} columns of the cell table"
    more = len(known) - len(names)
    return joined, said + (f"; {more:,} of its rows are cells that are not here" if more else "")


def check_cell_names(cells: Sequence[str], where: str) -> None:
    """Raise a `DataError` when a cell occurs more than once."""
    if len(set(cells)) == len(cells):
        return
    repeated = [name for name, count in Counter(cells).items() if count > 1]
    raise DataError(
        f"{len(repeated):,} of {len(set(cells)):,} cell names occur more than once{where and f': {where}'}\n"
        f"    {sample(repeated)}\n"
        "Make the names unique, or write the header line if it is missing."
    )
