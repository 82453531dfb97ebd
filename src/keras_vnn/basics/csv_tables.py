"""CSV tables that are safe to open in a spreadsheet, and come back exactly as they were.

In: a pandas table. Out: text, and the table again; or plain JSON values. Knows nothing of what is in it.

Names come from files that anybody may have written, and a spreadsheet runs a cell such as ``=HYPERLINK(…)`` as a
formula, in quotes or not. Texts that would be taken for a formula are therefore written behind an apostrophe, and an
apostrophe that was there already is doubled. `read.table` takes away what was added. Other texts, so all names of
genes and terms in practice, and all numbers, stand in the file as they are.

Texts are quoted, numbers have all their digits and no quotes, lines end in a line feed. That is how `read.table` tells
a gene called ``NA`` or ``1`` from a number.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, counted
from keras_vnn.basics.files import decompressed, existing_file, replacing

# What Excel, LibreOffice and Google Sheets may take for the beginning of a formula; full-width forms too.
_LIVE = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
_QUOTED = re.compile(r"''*[=+\-@\t\r＝＋－＠]")
_WHOLE = re.compile(r"[+-]?\d{1,18}")


def csv_text(table: pd.DataFrame, *, index: bool = True) -> str:
    """Return a table as CSV that is safe to open in a spreadsheet; `read.table` gives the table back.

    Parameters
    ----------
    table
        Columns of texts, numbers or truth values.
    index
        Write the index as the first column or columns.

    Examples
    --------
    >>> table = pd.DataFrame({"label": ["DNA repair", "=1+1"], "weight": [0.5, -2.0]})
    >>> print(csv_text(table, index=False), end="")
    "label","weight"
    "DNA repair",0.5
    "'=1+1",-2.0
    """
    flat = table.reset_index() if index else table
    guarded = pd.DataFrame(
        {position: _guarded(flat.iloc[:, position]) for position in range(flat.shape[1])}, index=flat.index
    )
    guarded.columns = pd.Index([_guard(name) for name in flat.columns])
    text: str = guarded.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return text


def write_table(table: pd.DataFrame, path: str | os.PathLike[str], *, overwrite: bool, index: bool = True) -> None:
    """Write the text of `csv_text` to a file, completely or not at all."""
    with replacing(path, overwrite=overwrite) as partial:
        partial.write_text(csv_text(table, index=index), encoding="utf-8", newline="\n")


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a CSV table that this package wrote: the same texts, the same numbers to the last digit.

    Parameters
    ----------
    path
        Such a file: of `pl.export_summary`, of a comparison, of a demo.

    Returns
    -------
    pandas.DataFrame
        The first column is not made the index; do so with ``.set_index("id")``. A column with a missing number is
        float, an empty text is empty.

    Raises
    ------
    ReadError
        There is no such file, or it is not a CSV with one header and rows as long as that.
    """
    found = existing_file(path, "CSV table")
    try:
        text = decompressed(found).decode("utf-8-sig")
        # The first pass says which fields had quotes, the second has their digits.
        typed = list(csv.reader(io.StringIO(text), quoting=csv.QUOTE_NONNUMERIC, strict=True))
        plain = list(csv.reader(io.StringIO(text), strict=True))
    except (csv.Error, ValueError) as error:
        raise ReadError(
            f"The file is not a CSV table as this package writes it: {found}\n{error}\n"
            "Read it with pandas.read_csv, or another program's table with that program's reader."
        ) from error
    width = len(plain[0])
    for number, row in enumerate(plain):
        if len(row) != width:
            raise ReadError(
                f"Row {number} of {found} has {counted(len(row), 'field')}, expected {width} as in the header.\n"
                "Was it edited? Write it again."
            )
    columns = {}
    for position in range(width):
        fields = [row[position] for row in plain[1:]]
        is_number = any(isinstance(row[position], float) for row in typed[1:])
        columns[position] = _numbers(fields) if is_number else _texts(fields)
    table = pd.DataFrame(columns)
    table.columns = pd.Index([_freed(name) for name in plain[0]])
    return table


def _guarded(column: pd.Series) -> pd.Series:
    if pd.api.types.is_bool_dtype(column):
        return column.map({True: "True", False: "False"})
    if pd.api.types.is_numeric_dtype(column):
        return column
    return column.astype(object).map(_guard, na_action="ignore")


def _guard(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _LIVE.match(value) else value


def _freed(text: str) -> str:
    return text[1:] if _QUOTED.match(text) else text


def _texts(fields: list[str]) -> pd.Series:
    if fields and set(fields) <= {"True", "False"}:
        return pd.Series([field == "True" for field in fields])
    return pd.Series([_freed(field) for field in fields])


def _numbers(fields: list[str]) -> pd.Series:
    if all(_WHOLE.fullmatch(field) for field in fields):
        return pd.Series([int(field) for field in fields], dtype=np.int64)
    return pd.Series([float(field) if field else np.nan for field in fields], dtype=np.float64)


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: tables as lists of rows, ``None`` for what is missing or not finite.

    Numbers in single precision keep their few digits.

    Examples
    --------
    >>> plain({"weight": np.float32(0.1), "mean": np.nan, "rows": pd.DataFrame({"a": [1]})})
    {'weight': 0.1, 'mean': None, 'rows': [{'a': 1}]}
    """
    if isinstance(value, pd.DataFrame):
        return [plain(row) for row in value.to_dict("records")]
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.float32):
        value = float(str(value))
    if isinstance(value, np.generic):
        value = value.item()
    return None if value is pd.NA or (isinstance(value, float) and not math.isfinite(value)) else value
