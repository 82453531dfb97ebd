"""The folder of 10x Cell Ranger: ``matrix.mtx``, ``barcodes.tsv``, ``features.tsv`` (``genes.tsv`` before version 3).

In: a folder. Out: the names of its genes and cells; the matrix is read by `keras_vnn.data`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.files import read_lines

__all__ = ["TenX", "is_ten_x", "read_ten_x"]

_EXPRESSION = "Gene Expression"


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
    """Return whether a path is a folder with a ``matrix.mtx``."""
    return path.is_dir() and _found(path, "matrix.mtx") is not None


def read_ten_x(path: Path) -> TenX:
    """Read the names of a folder of 10x Cell Ranger.

    Raises
    ------
    ReadError
        A file is missing, or a row has another number of columns than one to three.
    """
    files = {
        what: next((found for name in names if (found := _found(path, name))), None)
        for what, names in (
            ("matrix", ("matrix.mtx",)),
            ("features", ("features.tsv", "genes.tsv")),
            ("barcodes", ("barcodes.tsv",)),
        )
    }
    missing = [what for what, found in files.items() if found is None]
    matrix, features, barcodes = files.values()
    if matrix is None or features is None or barcodes is None:
        raise ReadError(
            f"The folder of 10x Cell Ranger lacks {' and '.join(missing)}: {path}\n"
            "Expected matrix.mtx, barcodes.tsv and features.tsv (or genes.tsv), plain or gzip."
        )
    rows = [line.rstrip("\n").split("\t") for line in read_lines(features) if line.strip()]
    for number, row in enumerate(rows, 1):
        if not 1 <= len(row) or not row[0]:
            raise ReadError(f"A feature has no name: {features}:{number}\nExpected id, symbol and type.")
    return TenX(
        matrix,
        features,
        tuple(row[0] for row in rows),
        tuple(row[1] if len(row) > 1 and row[1] else row[0] for row in rows),
        tuple(row[2] if len(row) > 2 else _EXPRESSION for row in rows),
        tuple(line.strip() for line in read_lines(barcodes) if line.strip()),
    )


def _found(folder: Path, name: str) -> Path | None:
    return next((folder / one for one in (name, f"{name}.gz") if (folder / one).is_file()), None)
