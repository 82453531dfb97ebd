"""Parquet: tables kept by columns, which pyarrow reads where it is installed.

In: a path. Out: a DataFrame, or an error; a table that takes far more memory than its file is large is not read. Knows
nothing of what the columns mean.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.unpacking import LARGEST_FACTOR, LARGEST_FREE

if TYPE_CHECKING:
    import pandas as pd

_MAGIC = b"PAR1"
# What a value takes in memory at least: a text is an object of Python.
_NUMBER, _TEXT = 8, 64


def is_columnar(path: Path) -> bool:
    """Return whether a file begins as Parquet does."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def read_columnar(path: Path) -> pd.DataFrame:
    """Return the table of a Parquet file.

    Raises
    ------
    ReadError
        pyarrow is not installed, the file is damaged, or its table takes far more memory than the file is large.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ReadError(
            f"The file is a Parquet table, which pyarrow reads, and that is not installed: {path}\n"
            "Install it: pip install 'keras-vnn[parquet]'; or write the table as text where it is: "
            "pandas.read_parquet(path).to_csv('table.tsv', sep='\\t')"
        ) from error
    try:
        with parquet.ParquetFile(path) as file:
            columns = [file.schema.column(place) for place in range(file.metadata.num_columns)]
            sizes = [_TEXT if column.physical_type == "BYTE_ARRAY" else _NUMBER for column in columns]
            groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
            taken = max(file.metadata.num_rows * sum(sizes), sum(group.total_byte_size for group in groups))
            limit = max(LARGEST_FREE, LARGEST_FACTOR * path.stat().st_size)
            if taken > limit:
                raise ReadError(
                    f"The table takes {taken:,} bytes in memory, expected at most {limit:,} for its size: {path}\n"
                    "It looks made to fill the memory. Download it again, from whom you trust."
                )
            return file.read().to_pandas(ignore_metadata=False)
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, ReadError):
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ReadError(
            f"The Parquet table is damaged or cut short: {path}\n    {reason}\nDownload it again."
        ) from error


def with_row_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the names of its rows as index: those it was kept with, or its first column of texts."""
    import pandas as pd

    if not isinstance(frame.index, pd.RangeIndex):
        return frame
    first = next((column for column in frame.columns if frame[column].dtype.kind not in "biufc"), None)
    return frame if first is None else frame.set_index(first)
