"""Plain JSON values of what tables, arrays and frozen values hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd


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
