"""What single-cell programs write that AnnData does not read safely: 10x Cell Ranger's folders and files, loom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_vnn.basics.errors import ReadError, sample
from keras_vnn.basics.files import read_lines

_EXPRESSION = "Gene Expression"
_MATRIX = re.compile(r"(.*?)matrix\.mtx(\.gz)?")


@dataclass(frozen=True, slots=True)
class TenX:
    """What a folder of 10x Cell Ranger holds with its numbers.

    Attributes
    ----------
    matrix
        The file of the numbers, features × barcodes.
    features
        The file of the features.
    ids, symbols, types
        Of each feature: Ensembl gene, symbol, and what it is (``Gene Expression``, ``Antibody Capture`` …).
    barcodes
        Names of the cells.
    """

    matrix: Path
    features: Path
    ids: tuple[str, ...]
    symbols: tuple[str, ...]
    types: tuple[str, ...]
    barcodes: tuple[str, ...]

    @property
    def genes(self) -> tuple[int, ...]:
        """Positions of the features that are genes."""
        return tuple(place for place, kind in enumerate(self.types) if kind == _EXPRESSION)


def is_ten_x(path: Path) -> bool:
    """Return whether a path is a folder with a ``matrix.mtx``, or such a file next to the names of genes and cells."""
    prefixes = _prefixes(path)
    return bool(prefixes) and (path.is_dir() or _found(path.parent, f"{prefixes[0]}barcodes.tsv") is not None)


def _prefixes(path: Path) -> list[str]:
    """Return what stands before ``matrix.mtx`` in the name of a file, or of those of a folder."""
    names = [path.name] if not path.is_dir() else sorted(file.name for file in path.iterdir())
    return sorted({found[1] for name in names if (found := _MATRIX.fullmatch(name))})


def read_ten_x(path: Path) -> TenX:
    """Read the names of a folder of 10x Cell Ranger, or of what lies next to its matrix.

    Raises
    ------
    ReadError
        A file is missing, there are several matrices, or a row has another number of columns than one to three.
    """
    folder = path if path.is_dir() else path.parent
    prefix, *others = _prefixes(path)
    if others and prefix:
        raise ReadError(
            f"The folder holds {1 + len(others)} matrices: {path}\n    {sample([prefix, *others])}\n"
            f"Name one of them: {next(folder.glob(f'{prefix}matrix.mtx*'))}"
        )
    matrix = _found(folder, f"{prefix}matrix.mtx")
    features = _found(folder, f"{prefix}features.tsv") or _found(folder, f"{prefix}genes.tsv")
    barcodes = _found(folder, f"{prefix}barcodes.tsv")
    if matrix is None or features is None or barcodes is None:
        files = {"matrix": matrix, "features": features, "barcodes": barcodes}
        missing = [what for what, found in files.items() if found is None]
        raise ReadError(
            f"The folder of 10x Cell Ranger lacks {' and '.join(missing)}: {path}\n"
            "Expected matrix.mtx, barcodes.tsv and features.tsv (or genes.tsv), plain or gzip."
        )
    rows = [line.rstrip("\n").split("\t") for line in read_lines(features) if line.strip()]
    for number, row in enumerate(rows, 1):
        if not row[0]:
            raise ReadError(f"A feature has no name: {features}:{number}\nExpected id, symbol and type.")
    return TenX(
        matrix,
        features,
        tuple(row[0] for row in rows),
        tuple(row[1] if len(row) > 1 and row[1] else row[0] for row in rows),
        tuple(row[2] if len(row) > 2 else _EXPRESSION for row in rows),
        tuple(line.strip() for line in read_lines(barcodes) if line.strip()),
    )


def ten_x_group(file: Any) -> Any:
    """Return the group of an open HDF5 file that is the matrix of Cell Ranger; ``None`` where there is none."""
    groups = [file["matrix"]] if "matrix" in file else list(file.values())
    found = [group for group in groups if hasattr(group, "keys") and {"barcodes", "indptr", "shape"} <= set(group)]
    return found[0] if len(found) == 1 else None


def ten_x_in_hdf5(group: Any, path: Path) -> TenX:
    """Read the names of genes and cells of the matrix of Cell Ranger in an HDF5 file."""

    def texts(values: Any) -> tuple[str, ...]:
        return tuple(value.decode() if isinstance(value, bytes) else str(value) for value in values[:])

    features = group["features"] if "features" in group else None
    ids = texts(group["genes"] if features is None else features["id"])
    symbols = texts(group["gene_names"] if features is None else features["name"])
    types = (_EXPRESSION,) * len(ids) if features is None else texts(features["feature_type"])
    return TenX(path, path, ids, symbols, types, texts(group["barcodes"]))


def _found(folder: Path, name: str) -> Path | None:
    return next((folder / one for one in (name, f"{name}.gz") if (folder / one).is_file()), None)


# What programs call the names of genes and of cells.
_NAMES = {
    "row_attrs": ("Gene", "gene_names", "gene_symbols", "Symbol", "var_names", "Accession"),
    "col_attrs": ("CellID", "obs_names", "cell_names", "Cell", "Barcode"),
}


def is_loom(file: Any) -> bool:
    """Return whether an open HDF5 file is loom."""
    return "row_attrs" in file and "col_attrs" in file and "matrix" in file


def loom_attributes(file: Any, axis: str) -> tuple[str, dict[str, list[Any]]]:
    """Return the attribute that holds the names, empty where none does, and all attributes by name.

    Parameters
    ----------
    file
        An open HDF5 file.
    axis
        ``row_attrs``, of genes, or ``col_attrs``, of cells.
    """
    length = file["matrix"].shape[0 if axis == "row_attrs" else 1]
    found = {}
    for name in file[axis]:
        values = file[axis][name]
        if getattr(values, "shape", None) == (length,):
            found[name] = [one.decode() if isinstance(one, bytes) else one for one in values[:].tolist()]
    return next((name for name in _NAMES[axis] if name in found), ""), found
