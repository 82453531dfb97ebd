"""Numbers as short JSON: three significant digits, ``null`` for what is not finite."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["rounded", "whole"]


def rounded(values: ArrayLike, digits: int = 3) -> list[float | int | None]:
    """Return the numbers, flat, rounded to significant digits.

    Examples
    --------
    >>> rounded([0.123456, 1234.5, float("nan"), 2.0, 0.0])
    [0.123, 1230, None, 2, 0]
    """
    numbers = np.asarray(values, dtype=np.float64).ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(numbers == 0, 1.0, np.abs(numbers))
        power = digits - 1 - np.floor(np.log10(size))
    # Halves of a power of ten are exact neither way; the text of the number decides, as for a reader.
    return [_short(number, places) for number, places in zip(numbers.tolist(), power.tolist(), strict=True)]


def _short(number: float, places: float) -> float | int | None:
    if not math.isfinite(number):
        return None
    short = round(number, int(places))
    return int(short) if short == int(short) else short


def whole(values: Any) -> list[int]:
    """Return whole numbers, flat, as Python integers."""
    numbers: list[int] = np.asarray(values, dtype=np.int64).ravel().tolist()
    return numbers
