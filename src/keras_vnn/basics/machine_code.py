"""Loops compiled by numba at their first call, whose machine code is kept for other processes where that is possible.

In: a function of arrays. Out: the same, compiled. It works where a folder is read-only or full, and without numba.
"""

# Types of compiled functions are those of numba, which ordinary annotations cannot say.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first use; keep the code next to the module or, if that is read-only, in the user's cache folder.

    Without numba, the function itself is returned: the same numbers, slower.
    """
    try:
        from numba import njit
    except ImportError:
        return function
    try:
        made = njit(function, nogil=True, cache=True)
    except (RuntimeError, OSError):  # no folder can be written
        return njit(function, nogil=True)  # type: ignore[no-any-return]

    @wraps(function)
    def run(*arguments: Any) -> Any:
        try:
            return made(*arguments)
        except OSError:  # the disk is full; what could not be kept is compiled all the same
            return made(*arguments)

    return run
