"""CSV tables: nodes, edges, genes; safe to open in a spreadsheet, and read back exactly by `read_table`.

Two defaults of pandas get in the way of an exact copy: it reads a gene called ``NA`` as missing, and may round the last
digit of a number in double precision; ``pandas.read_csv(path, keep_default_na=False, float_precision="round_trip")``
does neither, and only sees the apostrophe before a name that a spreadsheet would run as a formula.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from keras_vnn.basics.csv_tables import csv_text
from keras_vnn.basics.errors import OutputError
from keras_vnn.basics.files import replacing
from keras_vnn.export._content import Content

__all__ = ["csv_texts", "summary_tables_of", "write_folder"]


def summary_tables_of(content: Content) -> dict[str, pd.DataFrame]:
    """Return the tables by name: ``nodes``, ``edges``, ``genes``."""
    return {"nodes": content.nodes, "edges": content.edges, "genes": content.genes}


def csv_texts(content: Content) -> dict[str, str]:
    """Return the texts of ``nodes.csv``, ``edges.csv`` and ``genes.csv``."""
    return {
        f"{name}.csv": csv_text(table, index=table.index.name is not None)
        for name, table in summary_tables_of(content).items()
    }


def write_folder(texts: Mapping[str, str], path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Write files into a folder: a new folder appears with all of them or not at all.

    Other files of an existing folder are left alone.

    Raises
    ------
    OutputError
        The path is a file, its parent does not exist, or a file is there and ``overwrite`` is false.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"CSV tables are {len(texts)} files in a folder, but {folder} is a file.\nName a folder.")
    if not folder.parent.is_dir():
        raise OutputError(f"The folder does not exist: {folder.parent}\nCreate it: mkdir -p '{folder.parent}'")
    if not folder.exists():
        try:
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as aside:
                new = Path(aside) / "tables"
                new.mkdir()
                for name, text in texts.items():
                    (new / name).write_text(text, encoding="utf-8", newline="")
                new.rename(folder)
        except OSError as error:
            raise OutputError(f"Cannot write {folder}: {error.strerror or error}") from error
        return folder
    taken = [name for name in texts if (folder / name).exists()]
    if taken and not overwrite:
        raise OutputError(
            f"{len(taken)} of {len(texts)} files exist already in {folder}: {', '.join(taken)}\n"
            "Pass overwrite=True (command line: --force) to replace them."
        )
    for name, text in texts.items():
        with replacing(folder / name, overwrite=overwrite) as partial:
            partial.write_text(text, encoding="utf-8", newline="")
    return folder
