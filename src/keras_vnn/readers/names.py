"""What readers check in the names they found: damage done by spreadsheets, several species, taxon prefixes.

In: names. Out: warnings, errors, and names without their prefix.
Knows nothing of files.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, VNNWarning, sample
from keras_vnn.priors.kinds import damaged_by_excel, refuse_mixed_species, undamaged

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["check_names", "without_taxon"]

_TAXON = re.compile(r"(\d+)\.(?=[A-Za-z])")


def check_names(names: Collection[str], where: object, *, several_species: bool = False) -> None:
    """Warn, by name, of names a spreadsheet has damaged, which are kept as they are; refuse those of several species.

    Parameters
    ----------
    names
        The names.
    where
        The file, for messages.
    several_species
        The user wants several species, so they are not refused.

    Raises
    ------
    GeneError
        The names are of several species.
    """
    if not several_species:
        refuse_mixed_species(names, where)
    damaged = damaged_by_excel(names)
    if damaged:
        verb = "name looks" if len(damaged) == 1 else "names look"
        were = {name: "/".join(undamaged(name)) for name in damaged}
        told = sample([f"{name} (was {were[name]})" if were[name] else name for name in damaged])
        warnings.warn(
            f"{len(damaged)} {verb} damaged by a spreadsheet: {told}, in {where}.\n"
            "Kept as written; mend the file, for such a name matches no gene.",
            VNNWarning,
            stacklevel=3,
        )


def without_taxon(
    first: NDArray[np.object_], second: NDArray[np.object_], where: object, *, taxon: str | None = None
) -> tuple[NDArray[np.object_], NDArray[np.object_], str, NDArray[np.bool_] | None]:
    """Remove a taxon prefix that all names carry (``9606.ENSP00000000233``).

    The prefix ends at the first dot. Names are returned as they are when one of them carries none.

    Returns
    -------
    first, second
        The names without it.
    prefix
        What was removed, or ``""``.
    kept
        ``(rows,)`` whether both names are of the taxon asked for; ``None`` when all are.

    Raises
    ------
    ReadError
        The names carry different prefixes and none was chosen, or none carries the one asked for.
    """
    codes, names = pd.factorize(np.concatenate([first, second]))
    found = [_TAXON.match(name) for name in names]
    if not found or not all(found):
        if taxon not in (None, "all"):
            raise ReadError(f"The names carry no taxon to choose by: {where}\nLeave out taxon={taxon!r}.")
        return first, second, "", None
    of_name = np.array([match[1] if match else "" for match in found], dtype=object)
    taxa = sorted(set(of_name), key=lambda text: (len(text), text))
    if taxon == "all":
        return first, second, "", None
    if taxon is not None and taxon not in taxa:
        raise ReadError(f"No name carries the prefix of taxon {taxon}: {where}\nThe file has: {sample(taxa)}.")
    if taxon is None and len(taxa) > 1:
        counts = Counter(of_name[codes].tolist())
        most = max(taxa, key=lambda one: (counts[one], one))
        raise ReadError(
            f"The names carry the prefixes of {len(taxa)} taxa: {sample(taxa)}: {where}\n"
            f'Choose one, taxon="{most}" (command line: --taxon {most}), or keep the prefixes with strip_taxon=False.'
        )
    bare = np.array([name.partition(".")[2] for name in names], dtype=object)[codes]
    kept = None
    if len(taxa) > 1:
        right = (of_name == taxon)[codes]
        kept = right[: len(first)] & right[len(first) :]
        if not kept.any():
            raise ReadError(f"No row is of taxon {taxon} on both sides: {where}\nThe file has: {sample(taxa)}.")
    return bare[: len(first)], bare[len(first) :], f"{taxon or taxa[0]}.", kept
