"""`write_report`: the page as a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd

from keras_vnn.basics.files import check_target, replacing
from keras_vnn.export.report._data import report_data
from keras_vnn.export.report._page import page_of

__all__ = ["write_report"]


def write_report(
    source: Any,
    path: str | os.PathLike[str],
    data: Any = None,
    labels: Any = None,
    *,
    title: str | None = None,
    ranking: pd.DataFrame | None = None,
    comparison: Any = None,
    missing: str = "raise",
    overwrite: bool = False,
) -> Path:
    """Write one HTML file about a network, which opens in any browser, offline, and loads nothing.

    The page holds its libraries and the data; names in it are shown as they are and never run. The same arguments give
    the same bytes.

    Parameters
    ----------
    source, data, labels, title, ranking, comparison, missing
        As in `report_data`.
    path
        File to write.
    overwrite
        Replace an existing file.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OutputError
        The file exists and ``overwrite`` is false, or cannot be written.
    VNNError
        As `report_data`.

    Examples
    --------
    >>> import tempfile
    >>> from keras_vnn import GeneSets
    >>> from keras_vnn.architecture.wiring import gene_set_architecture
    >>> sets = GeneSets.from_mapping({"JAK-STAT": ["JAK1", "STAT1"], "P53": ["TP53", "MDM2"]})
    >>> arch = gene_set_architecture(["JAK1", "STAT1", "TP53", "MDM2"], sets)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_report(arch, f"{folder}/report.html")
    ...     page.name
    'report.html'
    """
    target = check_target(path, overwrite=overwrite)
    values = report_data(source, data, labels, title=title, ranking=ranking, comparison=comparison, missing=missing)
    with replacing(target, overwrite=overwrite) as partial:
        partial.write_text(page_of(values), encoding="utf-8", newline="\n")
    return target
