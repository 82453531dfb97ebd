"""Genotypes of PLINK: `.bed` with its `.bim` and `.fam`.

In: the three files. Out: an AnnData, individuals × variants, of small integers. Needs bed-reader.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.files import existing_file

if TYPE_CHECKING:
    import anndata

_MAGIC = b"\x6c\x1b"
_MISSING = -127
# Variants whose missing genotypes are filled together.
_TOGETHER = 4096


def is_plink(path: Path) -> bool:
    """Return whether a file begins as PLINK's binary genotypes do."""
    with path.open("rb") as stream:
        return stream.read(2) == _MAGIC


def read_plink(path: str | os.PathLike[str]) -> anndata.AnnData:
    """Read PLINK's genotypes: how often each individual has the first allele of each variant.

    Parameters
    ----------
    path
        The ``.bed``; its ``.bim`` and ``.fam`` lie next to it.

    Returns
    -------
    anndata.AnnData
        ``(individuals, variants)`` int8 of 0, 1 and 2: a byte each, and as such they train. A missing genotype is the
        most frequent one of its variant; ``var["missing"]`` counts them. ``obs``: ``family``, ``sex`` and
        ``phenotype`` as they are in the file; ``var``: ``chromosome``, ``position``, ``allele_1``, ``allele_2``.

    Raises
    ------
    ReadError
        bed-reader is not installed, one of the files is missing, or they do not fit together.

    References
    ----------
    Chang et al. 2015, GigaScience 4:7, doi:10.1186/s13742-015-0047-8; https://fastlmm.github.io/bed-reader.
    """
    import anndata

    found = existing_file(path, "file of genotypes")
    for suffix, what in ((".bim", "variants"), (".fam", "individuals")):
        part = found.with_suffix(suffix)
        if not part.is_file():
            raise ReadError(
                f"PLINK's genotypes have their {what} in {part.name}, which is not there: {found}\n"
                "Put it next to the .bed."
            )
    if importlib.util.find_spec("bed_reader") is None:
        raise ReadError(
            f"PLINK's genotypes are read by bed-reader: {found}\nInstall it: pip install 'keras-vnn[plink]'"
        )
    from bed_reader import open_bed

    try:
        with open_bed(found) as bed:
            values = bed.read(dtype="int8", order="C")
            obs = {"family": bed.fid, "sex": bed.sex, "phenotype": bed.pheno}
            var = {"chromosome": bed.chromosome, "position": bed.bp_position}
            var |= {"allele_1": bed.allele_1, "allele_2": bed.allele_2, "missing": _fill(values)}
            individuals, variants = bed.iid.astype(str), bed.sid.astype(str)
    except (ValueError, OSError, IndexError) as error:
        raise ReadError(
            f"The genotypes cannot be read: {found}\n    {error}\n"
            f"Are {found.stem}.bim and {found.stem}.fam of this file, whole, and as PLINK writes them?"
        ) from error
    return anndata.AnnData(
        values, obs=pd.DataFrame(obs, index=list(individuals)), var=pd.DataFrame(var, index=list(variants))
    )


def _fill(values: NDArray[np.int8]) -> NDArray[np.int64]:
    """Give missing genotypes the most frequent one of their variant; return how many each variant lacked."""
    missing = np.zeros(values.shape[1], np.int64)
    for start in range(0, values.shape[1], _TOGETHER):
        some = values[:, start : start + _TOGETHER]
        lacks = some == _MISSING
        missing[start : start + _TOGETHER] = lacks.sum(axis=0)
        if lacks.any():
            usual = np.stack([(some == count).sum(axis=0) for count in range(3)]).argmax(axis=0)
            some[lacks] = np.broadcast_to(usual, some.shape)[lacks]
    return missing
