"""Genotypes of PLINK: `.bed` with its `.bim` and `.fam`.

In: the three files. Out: an AnnData, individuals × variants, of small integers. Needs bed-reader.
"""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.basics.errors import ReadError, counted, sample
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
        Individuals of one name are called ``family_individual``; variants without a name (``.``) or of one name
        ``chromosome:position:allele_1:allele_2``.

    Raises
    ------
    ReadError
        bed-reader is not installed, one of the files is missing, they do not fit together, or names are not unique.

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
        # A number beyond all bounds is an error, where numpy would warn and make another of it; empty lines are none.
        with np.errstate(invalid="raise", over="raise"), warnings.catch_warnings(), open_bed(found) as bed:
            warnings.simplefilter("ignore", UserWarning)
            values = bed.read(dtype="int8", order="C")
            obs = {"family": bed.fid, "sex": bed.sex, "phenotype": bed.pheno}
            var = {"chromosome": bed.chromosome, "position": bed.bp_position}
            var |= {"allele_1": bed.allele_1, "allele_2": bed.allele_2, "missing": _fill(values)}
            individuals, variants = bed.iid, bed.sid
    except (ValueError, OSError, IndexError, ArithmeticError) as error:
        raise ReadError(
            f"The genotypes cannot be read: {found}\n    {error}\n"
            f"Are {found.stem}.bim and {found.stem}.fam of this file, whole, and as PLINK writes them?"
        ) from error
    rows = _names(individuals, [obs["family"], individuals], "_", found.with_suffix(".fam"))
    places = [var[name] for name in ("chromosome", "position", "allele_1", "allele_2")]
    columns = _names(variants, places, ":", found.with_suffix(".bim"))
    return anndata.AnnData(values, obs=pd.DataFrame(obs, index=rows), var=pd.DataFrame(var, index=columns))


def _names(names: Iterable[object], parts: list[Iterable[object]], mark: str, path: Path) -> pd.Index:
    """Return names, those that stand more than once or for nothing (``.``) made of several columns."""
    index = pd.Index([str(name) for name in names])
    unclear = index.duplicated(keep=False) | (index == ".")
    longer = [mark.join(map(str, values)) for values in zip(*parts, strict=True)]
    index = pd.Index(np.where(unclear, longer, index).tolist())
    twice = index[index.duplicated()].unique()
    if len(twice):
        raise ReadError(
            f"{len(twice):,} of {counted(index.nunique(), 'name')} stand more than once: {path}\n"
            f"    {sample(list(twice))}\nGive each its own, or remove those that repeat; plink does both."
        )
    return index


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
