"""Genotypes with a measured response: the text files of DCell, and those of DrugCell and NeST-VNN.

In: such files. Out: an AnnData with a row per example, genes in columns, and the response in its cell table, so that
`pp.targets_of`, `pp.align`, `pp.align_features` and `train` take it like any other data. Knows nothing of networks.
"""

from __future__ import annotations

import importlib.util
import io
import math
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.basics.errors import ReadError, VNNError, did_you_mean, sample
from keras_vnn.basics.files import decompressed, existing_file, is_filled_up, read_lines
from keras_vnn.basics.provenance import Source
from keras_vnn.basics.remedies import by_place
from keras_vnn.basics.unpacking import open_unpacked

if TYPE_CHECKING:
    import anndata

PathLike = str | os.PathLike[str]

# By the name a network gives a number per gene, the file that DrugCell and NeST-VNN keep it in.
_FEATURES = {
    "mutation": "cell2mutation.txt",
    "deletion": "cell2cndeletion.txt",
    "amplification": "cell2cnamplification.txt",
}
# Bytes that tell what a file is.
_SEEN = 1 << 16


def read_genotypes(path: PathLike) -> anndata.AnnData:
    r"""Read DCell's examples: rows of ``number of genes, genes, phenotype``, separated by spaces.

    The phenotype may be missing from all rows, to be predicted.

    Parameters
    ----------
    path
        The file, plain or gzip.

    Returns
    -------
    anndata.AnnData
        A row per example, named by its line. ``X`` is sparse float32, 1 where a gene is disrupted; columns are the
        genes that occur, sorted. ``obs`` has ``phenotype``, unless that is to be predicted, and ``disrupted`` (the
        genes, joined by spaces). Align it with ``missing="zero"``: a gene that never occurs is never disrupted.

    Raises
    ------
    ReadError
        A row does not hold as many genes as it says, names one twice, or its phenotype is not a number; with file and
        line.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "examples.txt"
    ...     _ = path.write_text("2 YAL001C YBR002W -0.12\n1 YBR002W 0.3\n")
    ...     data = vnn.read.genotypes(path)
    >>> data.to_df().astype(int)
       YAL001C  YBR002W
    1        1        1
    2        0        1
    >>> data.obs["phenotype"].tolist()
    [-0.12, 0.3]
    """
    import anndata

    lines = _lines(path, "genotypes")
    disrupted: list[list[str]] = []
    phenotypes: list[float] = []
    for line in lines:
        fields = line.text.split()
        beyond = len(fields) - int(fields[0]) - 1 if fields[0].isdigit() else -1
        if beyond not in (0, 1) or (disrupted and beyond != bool(phenotypes)):
            raise line.error(f"Expected the number of genes, so many genes and a phenotype, got {len(fields)} fields")
        genes = fields[1 : len(fields) - beyond]
        if len(set(genes)) < len(genes):
            raise line.error("A gene is named twice")
        disrupted.append(genes)
        if beyond:
            phenotypes.append(line.number_in(fields[-1], "phenotype"))
    if not lines:
        raise ReadError(f"The file holds no genotype: {path}\nWas its download interrupted?")
    columns = sorted({gene for genes in disrupted for gene in genes})
    rows = np.repeat(np.arange(len(lines)), [len(genes) for genes in disrupted])
    places = pd.Index(columns).get_indexer([gene for genes in disrupted for gene in genes])
    matrix = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, places)), shape=(len(lines), len(columns)))
    obs = pd.DataFrame(
        ({"phenotype": phenotypes} if phenotypes else {}) | {"disrupted": [" ".join(genes) for genes in disrupted]},
        index=[str(line.number) for line in lines],
    )
    source = Source.of_file(Path(path), "DCell genotypes", records=len(lines))
    uns = {"keras_vnn": {"source": source.to_json()}}
    return anndata.AnnData(matrix, obs=obs, var=pd.DataFrame(index=columns), uns=uns)


def read_drug_responses(
    path: PathLike,
    *,
    genes: PathLike | None = None,
    cells: PathLike | None = None,
    features: Mapping[str, PathLike] | None = None,
    drugs: PathLike | None = None,
    fingerprints: PathLike | None = None,
) -> anndata.AnnData:
    """Read the responses of cell lines to drugs as DrugCell and NeST-VNN keep them, with the genotype of each cell.

    Files that are not named are those of the published names next to the responses: ``gene2ind.txt``, ``cell2ind.txt``,
    ``cell2mutation.txt``, ``cell2cndeletion.txt``, ``cell2cnamplification.txt`` (features ``mutation``, ``deletion``,
    ``amplification``), ``drug2ind.txt`` and ``drug2fingerprint.txt``, plain or gzip.

    Parameters
    ----------
    path
        Responses, tab-separated without header: cell, drug, response, and optionally where it was measured. The
        response, or the whole column, may be missing (empty or ``NA``), to be predicted.
    genes, cells
        ``gene2ind.txt`` and ``cell2ind.txt``: position and name of each column and row of the features.
    features
        A file of comma-separated numbers ``(cells, genes)`` for each feature's name, e.g. ``{"mutation":
        "cell2mutation.txt"}``.
    drugs, fingerprints
        ``drug2ind.txt`` and the numbers ``(drugs, bits)`` of its drugs, for a side branch.

    Returns
    -------
    anndata.AnnData
        A row per response. ``layers`` hold the features, float32; the first of them also stands in ``X``.
        ``obs`` has ``cell``, ``drug`` and, where the file has any, ``response`` (NaN where it is missing) and
        ``source``; ``obsm["drug"]`` the fingerprints.

    Raises
    ------
    ReadError
        A file has other columns or sizes than expected, a number cannot be read, or a cell or drug is unknown.
    """
    import anndata

    genes, cells = genes or _next_to(path, "gene2ind.txt"), cells or _next_to(path, "cell2ind.txt")
    if features is None:
        features = {name: found for name, file in _FEATURES.items() if (found := _next_to(path, file)) is not None}
    if drugs is None and fingerprints is None:
        drugs, fingerprints = _next_to(path, "drug2ind.txt"), _next_to(path, "drug2fingerprint.txt")
        drugs, fingerprints = (drugs, fingerprints) if drugs and fingerprints else (None, None)
    if genes is None or cells is None:
        raise ReadError(
            f"There is no gene2ind.txt and cell2ind.txt next to the responses: {path}\n"
            f"Put them there{by_place('.', ', or name them: genes=, cells=, features=')}"
        )
    if not features or (drugs is None) != (fingerprints is None):
        raise ReadError("Name a file for at least one feature, and drugs together with fingerprints or neither.")
    gene_names, cell_names = _positions(genes, "gene"), _positions(cells, "cell")
    shape = (len(cell_names), len(gene_names))
    by_cell = {name: _numbers(file, shape, f"feature {name!r}") for name, file in features.items()}
    obs = _responses(path)
    at = _codes(obs["cell"], cell_names, "cell", path)
    obsm = {}
    if drugs is not None and fingerprints is not None:
        drug_names = _positions(drugs, "drug")
        bits = _numbers(fingerprints, (len(drug_names), None), "fingerprints")
        obsm["drug"] = bits[_codes(obs["drug"], drug_names, "drug", path)]
    layers = {name: values[at] for name, values in by_cell.items()}
    files = [path, genes, cells, *features.values(), *([drugs, fingerprints] if drugs and fingerprints else [])]
    sources = [Source.of_file(Path(file), "drug responses", records=len(obs)).to_json() for file in files]
    return anndata.AnnData(
        np.array(next(iter(layers.values()))),
        obs=obs,
        var=pd.DataFrame(index=gene_names),
        layers=layers,
        obsm=obsm,
        uns={"keras_vnn": {"source": sources}},
    )


def genotype_kind(path: Path) -> str:
    """Return what a text file holds, ``DCell genotypes`` or ``drug responses``, or an empty text for neither."""
    try:
        with open_unpacked(path) as stream:
            start = stream.read(_SEEN)
    except (VNNError, OSError, EOFError):
        return ""
    # The last row may be cut.
    text = start.decode("utf-8", "replace")
    rows = [row for row in text.splitlines()[: -1 if len(start) == _SEEN else None] if row.strip()]
    if not rows or all(map(_is_genotype, rows)):
        return "DCell genotypes" if rows else ""
    has_companions = all(_next_to(path, name) is not None for name in ("gene2ind.txt", "cell2ind.txt"))
    return "drug responses" if has_companions and all(row.count("\t") in (1, 2, 3) for row in rows) else ""


def _is_genotype(text: str) -> bool:
    fields = text.split()
    if not fields[0].isdigit() or len(fields) - int(fields[0]) not in (1, 2) or fields[0] == "0":
        return False
    return not any(gene.replace(".", "").isdigit() for gene in fields[1 : int(fields[0]) + 1])


def _next_to(path: PathLike, name: str) -> Path | None:
    """Return a file of that name in the folder of another, plain or gzip."""
    places = (Path(path).parent / file for file in (name, f"{name}.gz"))
    return next((place for place in places if place.is_file()), None)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a text file, and where it is."""

    path: Path
    number: int
    text: str

    def error(self, what: str) -> ReadError:
        return ReadError(f"{what}: {self.path}:{self.number}\n    {self.text.strip()[:100]}")

    def number_in(self, field: str, what: str) -> float:
        try:
            value = float(field)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.error(f"The {what} is not a finite number: {field!r}")
        return value


def _lines(path: PathLike, what: str) -> list[_Line]:
    """Return the lines of a file that are not blank."""
    found = existing_file(path, f"file of {what}")
    return [_Line(found, number, text) for number, text in enumerate(read_lines(found), 1) if text.strip()]


def _responses(path: PathLike) -> pd.DataFrame:
    rows = {}
    for line in _lines(path, "responses"):
        fields = [field.strip() for field in line.text.rstrip("\r\n").split("\t")]
        if len(fields) not in (2, 3, 4):
            raise line.error(f"Expected 2 to 4 columns, cell, drug, response and source, got {len(fields)}")
        cell, drug, response, source = (*fields, "", "")[:4]
        value = math.nan if response in ("", "NA") else line.number_in(response, "response")
        rows[str(line.number)] = (cell, drug, value, source)
    if not rows:
        raise ReadError(f"The file holds no response: {path}\nWas its download interrupted?")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["cell", "drug", "response", "source"])
    known = {"response": table["response"].notna(), "source": table["source"] != ""}
    return table.drop(columns=[name for name, is_there in known.items() if not is_there.any()])


def _positions(path: PathLike, what: str) -> list[str]:
    """Return the names of a file of positions and names, in the order of the positions."""
    names: dict[int, str] = {}
    for line in _lines(path, f"{what} positions"):
        fields = line.text.split("\t")
        if len(fields) != 2 or not fields[0].strip().isdigit():
            raise line.error(f"Expected a position and a {what}, separated by a tab")
        place = int(fields[0])
        if place in names:
            raise line.error(f"The position {place} is given twice")
        names[place] = fields[1].strip()
    absent = sorted(set(range(len(names))) - names.keys())
    if absent or not names:
        gap = absent[0] if absent else 0
        raise ReadError(
            f"The positions must run from 0 without a gap; {gap} is missing: {path}\n"
            "Is the file complete? Download it again."
        )
    ordered = pd.Index([names[place] for place in range(len(names))])
    repeated = ordered[ordered.duplicated()].unique()
    if len(repeated):
        raise ReadError(
            f"{len(repeated)} names occur more than once: {sample(repeated)}: {path}\nRename or remove them."
        )
    return list(ordered)


def _numbers(path: PathLike, shape: tuple[int, int | None], what: str) -> NDArray[np.float32]:
    found = existing_file(path, f"file of {what}")
    values: NDArray[np.float32]
    content = decompressed(found)
    try:
        width = content.split(b"\n", 1)[0].count(b",") + 1
        if is_filled_up(content, ",", width):
            raise ValueError(f"the first row has {width:,} numbers, most others far fewer")
        values = pd.read_csv(io.BytesIO(content), header=None, dtype=np.float32).to_numpy()
    except (ValueError, UnicodeDecodeError, OSError) as error:
        raise ReadError(f"The {what} cannot be read as comma-separated numbers: {found}\n    {error}") from error
    rows, columns = shape
    if values.shape[0] != rows or (columns is not None and values.shape[1] != columns):
        expected = f"({rows:,}, {'…' if columns is None else format(columns, ',')})"
        raise ReadError(
            f"The {what} must have a row and a column per position: expected {expected}, "
            f"got ({values.shape[0]:,}, {values.shape[1]:,}): {found}\nAre both files of one release?"
        )
    if not np.isfinite(values).all():
        wrong = int((~np.isfinite(values)).sum())
        raise ReadError(
            f"{wrong:,} of {values.size:,} numbers of the {what} are missing or not finite: {found}\n"
            "Is the file complete? Download it again."
        )
    return values


def _codes(names: pd.Series, known: list[str], what: str, path: PathLike) -> NDArray[np.intp]:
    codes: NDArray[np.intp] = pd.Index(known).get_indexer(names)
    if (codes < 0).any():
        unknown = sorted(set(names[codes < 0]))
        hint = did_you_mean(unknown[0], known)
        raise ReadError(
            f"{len(unknown)} of {names.nunique()} {what}s have no position: {sample(unknown)}: {path} {hint}".rstrip()
        )
    return codes


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
            f"{len(twice):,} of {index.nunique():,} names stand more than once: {path}\n"
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
