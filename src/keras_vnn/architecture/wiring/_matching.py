"""Whether the names of a gene list and of a prior fit together at all.

In: a gene list and the names a prior speaks of. Out: nothing, a warning, or an error that diagnoses the mismatch.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.basics.errors import GeneError, VNNWarning, WiringError, counted
from keras_vnn.basics.remedies import at_command_line, by_place, remedy
from keras_vnn.priors.genes import GeneList, explain_mismatch
from keras_vnn.priors.kinds import genes_known

Prior = TypeVar("Prior")

ERROR_BELOW = 0.01
WARNING_BELOW = 0.05

_RENAMINGS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("name.upper()", "ignore_case", str.upper),
    ("name.lower()", "ignore_case", str.lower),
    ("name.capitalize()", "ignore_case", str.capitalize),
    ('name.split(".")[0]', "ignore_version", lambda name: name.split(".")[0]),
)


def prior_of(value: Any, kind: type[Prior], reader: str, genes: Iterable[str] = ()) -> Prior:
    """Return a prior; a file or a table is read first, as ``read.{reader}`` does by default, for these genes.

    Raises
    ------
    ReadError
        It cannot be read.
    WiringError
        It is something else.
    """
    if isinstance(value, kind):
        return value
    if reader == "hierarchy" or not isinstance(value, str | os.PathLike | pd.DataFrame | list | tuple):
        raise WiringError(
            f"Expected {kind.__name__}, got {type(value).__name__}.\n"
            f"Read the table or the file first: vnn.read.{reader}(…)"
        )
    from keras_vnn import readers

    with genes_known(genes):
        read: Prior = getattr(readers, f"read_{reader}")(value)
    return read


def positions_in(genes: GeneList, names: Sequence[str]) -> NDArray[np.int64]:
    """Return where each name stands in the list; -1 where it does not."""
    position = {gene: i for i, gene in enumerate(genes)}
    return np.array([position.get(name, -1) for name in names], np.int64)


def check_match(genes: GeneList, names: Collection[str], what: str) -> None:
    """Complain unless enough genes of the list occur in a prior.

    The share is taken of the smaller side: a short table of regulators is fine with a long gene list, and
    a short gene list with a large table.

    Parameters
    ----------
    genes
        The gene list.
    names
        The unique names in the prior that genes could match.
    what
        What to call the prior, e.g. ``the interaction table``.

    Raises
    ------
    WiringError
        The prior is empty.
    GeneError
        No gene, or fewer than 1 % of the smaller side, is in both.

    Warns
    -----
    VNNWarning
        Fewer than 5 % of the smaller side are in both.
    """
    if not names:
        raise WiringError(f"{what[0].upper()}{what[1:]} is empty: there is nothing to wire.")
    known = set(names)
    matched = sum(gene in known for gene in genes)
    share = matched / min(len(genes), len(known))
    if share >= WARNING_BELOW:
        return
    diagnosis = explain_mismatch(genes, known, wanted_what="genes", known_what=what)
    text = f"{diagnosis}\n{_advice(genes, known, matched)}"
    if share < ERROR_BELOW:
        raise GeneError(text)
    # Level 3 is the caller of the public function that called this one.
    warnings.warn(text, VNNWarning, stacklevel=3)


def _advice(genes: GeneList, known: Collection[str], matched: int) -> str:
    """Return, as code, the simple renaming of the genes that matches most, if one does better than none."""
    best, code, option = max((sum(name(gene) in known for gene in genes), how, flag) for how, flag, name in _RENAMINGS)
    if best > matched and at_command_line():
        return remedy(f"Pass {{{option}}}: {counted(best, 'name matches', 'names match')}.", **{option: True})
    if best > matched:
        return f"Rename the genes first, for example: genes = [{code} for name in genes]"
    text = "Bring both to the same identifiers first: map the names of one to those of the other."
    return by_place(text + remedy(" Translate them with a table: {id_map}.", id_map="FILE"), text)
