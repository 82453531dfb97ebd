"""What names look like: damage done by spreadsheets, and taxon prefixes.

In: names. Out: warnings, and names without their prefix.
Knows nothing of files.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keras_vnn.errors import ReadError, VNNWarning, sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["damaged_by_excel", "warn_of_damage", "without_taxon"]

_MONTH = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAMAGED = re.compile(rf"\d{{1,2}}-{_MONTH}|{_MONTH}-\d{{2}}|\d{{4}}-\d{{2}}-\d{{2}}( 00:00:00)?|\d\.\d+E\+\d+")
_TAXON = re.compile(r"(\d+)\.(?=[A-Za-z])")


def damaged_by_excel(names: Iterable[str]) -> list[str]:
    """Return the names a spreadsheet has turned into dates or numbers, sorted.

    References
    ----------
    Ziemann, Eren, El-Osta: Gene name errors are widespread in the scientific literature. Genome Biology 2016.
    doi:10.1186/s13059-016-1044-7

    Examples
    --------
    >>> damaged_by_excel(["Sep-07", "1-Dec", "2.31E+13", "HLA-A", "OCT-1"])
    ['1-Dec', '2.31E+13', 'Sep-07']
    """
    return sorted({name for name in names if _DAMAGED.fullmatch(name)})


def warn_of_damage(names: Iterable[str], where: object) -> None:
    """Warn, by name, of names a spreadsheet has damaged; they are kept as they are."""
    damaged = damaged_by_excel(names)
    if damaged:
        verb = "name looks" if len(damaged) == 1 else "names look"
        warnings.warn(
            f"{len(damaged)} {verb} damaged by a spreadsheet (SEPT7 becomes Sep-07): {sample(damaged)}, in {where}.\n"
            "Kept as written; mend the file, for such a name matches no gene.",
            VNNWarning,
            stacklevel=3,
        )


def without_taxon(
    first: NDArray[np.object_], second: NDArray[np.object_], where: object
) -> tuple[NDArray[np.object_], NDArray[np.object_], str]:
    """Remove a taxon prefix that all names carry (``9606.ENSP00000000233``); return it as well, or ``""``.

    The prefix ends at the first dot. Names are returned as they are when one of them carries none.

    Raises
    ------
    ReadError
        The names carry different prefixes.
    """
    codes, names = pd.factorize(np.concatenate([first, second]))
    found = [_TAXON.match(name) for name in names]
    if not found or not all(found):
        return first, second, ""
    taxa = sorted({match[1] for match in found if match}, key=int)
    if len(taxa) > 1:
        raise ReadError(
            f"The names carry the prefixes of {len(taxa)} taxa: {sample(taxa)}: {where}\n"
            "Take out the rows of one, or keep the prefixes with strip_taxon=False."
        )
    bare = np.array([name[len(taxa[0]) + 1 :] for name in names], dtype=object)[codes]
    return bare[: len(first)], bare[len(first) :], f"{taxa[0]}."
