"""Gene names of an ``.h5ad`` file, without its matrix.

In: the path of an AnnData file of any release. Out: names.
Knows nothing of text files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from keras_vnn.basics.errors import ReadError, VNNError, did_you_mean, sample
from keras_vnn.basics.probing import refuse_damaged_hdf5
from keras_vnn.basics.untrusted import check_hdf5

__all__ = ["read_var_names"]


def read_var_names(path: Path, *, column: str | None = None, raw: bool = False) -> tuple[list[str], str]:
    """Return the gene names of an AnnData file, and where in the file they were.

    Parameters
    ----------
    path
        An HDF5 file.
    column
        A column of ``var`` to take instead of its index.
    raw
        Take the names of ``.raw``.

    Raises
    ------
    ReadError
        The file is damaged, is no AnnData, has no ``.raw``, or no such column.
    """
    import h5py

    refuse_damaged_hdf5(path)
    try:
        with h5py.File(path) as file:
            check_hdf5(file, path)
            return _names(file, path, column, raw)
    except (VNNError, ImportError):  # a package that is missing is no fault of the file
        raise
    except Exception as error:
        # Damaged bytes surface as whatever HDF5, h5py and anndata happen to raise.
        raise ReadError(f"The HDF5 file is damaged or cut short: {path}\n{error}\nDownload it again.") from error


def _names(file: Any, path: Path, column: str | None, raw: bool) -> tuple[list[str], str]:
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
