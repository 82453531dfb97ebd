"""Named sets of genes: one function for all their formats.

In: a file. Out: `GeneSets`.
"""

from __future__ import annotations

import os
from pathlib import Path

from keras_vnn.priors import GeneSets
from keras_vnn.readers.names import check_names
from keras_vnn.readers.registry import choose, lists_formats
from keras_vnn.readers.text import preview

__all__ = ["read_gene_sets"]


@lists_formats("gene-sets")
def read_gene_sets(path: str | os.PathLike[str], *, format: str = "auto") -> GeneSets:
    """Read named sets of genes.

    Parameters
    ----------
    path
        The file, compressed or not.
    format
        {formats}.

    Returns
    -------
    GeneSets
        A mapping from name to genes.

    Raises
    ------
    ReadError
        The file is missing or damaged, two sets have the same name, or it is not clear whether the second column of a
        text is a description or a gene.
    ConfigError
        There is no such format.

    Warns
    -----
    VNNWarning
        Names look damaged by a spreadsheet.
    """
    start = preview(Path(path))
    sets: GeneSets = choose(start, "gene-sets", format).read(start)
    check_names(sets.genes, start.path)
    return sets
