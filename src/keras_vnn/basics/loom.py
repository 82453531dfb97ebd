"""Loom: an HDF5 file of a matrix, genes × cells, and attributes of its rows and columns.

In: an open HDF5 file. Out: the attributes that are one value a gene or a cell, and which of them holds the names.

References
----------
http://linnarssonlab.org/loompy/format
"""

from __future__ import annotations

from typing import Any

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
