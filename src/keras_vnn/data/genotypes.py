"""Genotypes with a measured response: the text files of DCell, and those of DrugCell and NeST-VNN.

In: such files. Out: an AnnData with a row per example, genes in columns, and the response in its cell table, so that
`targets_of`, `align`, `align_features` and `train` take it like any other data. Knows nothing of networks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_vnn.basics.errors import ReadError, did_you_mean, sample
from keras_vnn.basics.files import existing_file, read_lines
from keras_vnn.basics.provenance import Source

if TYPE_CHECKING:
    import anndata
    import numpy as np
    import pandas
    from numpy.typing import NDArray

__all__ = ["read_drug_responses", "read_genotypes"]

PathLike = str | os.PathLike[str]


def read_genotypes(path: PathLike) -> anndata.AnnData:
    r"""Read DCell's examples: rows of ``number of genes, genes, phenotype``, separated by spaces.

    Parameters
    ----------
    path
        The file, plain or gzip.

    Returns
    -------
    anndata.AnnData
        A row per example, named by its line. ``X`` is sparse float32, 1 where a gene is disrupted; columns are the
        genes that occur, sorted. ``obs`` has ``phenotype`` and ``disrupted`` (the genes, joined by spaces). Align it
        with ``missing="zero"``: a gene that never occurs is never disrupted.

    Raises
    ------
    ReadError
        A row does not hold as many genes as it says, names one twice, or its phenotype is not a number; with file and
        line.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "examples.txt"
    ...     _ = path.write_text("2 YAL001C YBR002W -0.12\n1 YBR002W 0.3\n")
    ...     data = read_genotypes(path)
    >>> data.to_df().astype(int)
       YAL001C  YBR002W
    1        1        1
    2        0        1
    >>> data.obs["phenotype"].tolist()
    [-0.12, 0.3]
    """
    import anndata
    import numpy as np
    import pandas as pd
    from scipy import sparse

    found = existing_file(path, "file of genotypes")
    disrupted: list[list[str]] = []
    phenotypes: list[float] = []
    names: list[str] = []
    for number, text in enumerate(read_lines(found), 1):
        if not text.strip():
            continue
        fields = text.split()
        if not fields[0].isdigit() or len(fields) != int(fields[0]) + 2:
            raise ReadError(
                f"Expected the number of genes, so many genes and a phenotype, got {len(fields)} fields: "
                f"{_at(found, number, text)}"
            )
        genes = fields[1:-1]
        if len(set(genes)) < len(genes):
            raise ReadError(f"A gene is named twice: {_at(found, number, text)}")
        disrupted.append(genes)
        phenotypes.append(_number(fields[-1], "phenotype", found, number, text))
        names.append(str(number))
    if not names:
        raise ReadError(f"The file holds no genotype: {found}\nWas its download interrupted?")
    columns = {gene: place for place, gene in enumerate(sorted({gene for genes in disrupted for gene in genes}))}
    rows = np.repeat(np.arange(len(names)), [len(genes) for genes in disrupted])
    places = np.array([columns[gene] for genes in disrupted for gene in genes], np.int64)
    matrix = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, places)), shape=(len(names), len(columns)))
    obs = pd.DataFrame({"phenotype": phenotypes, "disrupted": [" ".join(genes) for genes in disrupted]}, index=names)
    source = Source.of_file(found, "DCell genotypes", records=len(names))
    return anndata.AnnData(
        matrix, obs=obs, var=pd.DataFrame(index=list(columns)), uns={"keras_vnn": {"source": source.to_json()}}
    )


def read_drug_responses(
    path: PathLike,
    *,
    genes: PathLike,
    cells: PathLike,
    features: Mapping[str, PathLike],
    drugs: PathLike | None = None,
    fingerprints: PathLike | None = None,
) -> anndata.AnnData:
    """Read the responses of cell lines to drugs as DrugCell and NeST-VNN keep them, with the genotype of each cell.

    Parameters
    ----------
    path
        Responses, tab-separated without header: cell, drug, response, and optionally where it was measured.
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
        A row per response. ``layers`` hold the features, float32; the only one of several names also stands in ``X``.
        ``obs`` has ``cell``, ``drug``, ``response`` and, where the file has it, ``source``; ``obsm["drug"]`` the
        fingerprints.

    Raises
    ------
    ReadError
        A file has other columns or sizes than expected, a number cannot be read, or a cell or drug is unknown.
    """
    import anndata
    import numpy as np
    import pandas as pd

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
        np.array(next(iter(layers.values()))) if len(layers) == 1 else None,
        obs=obs,
        var=pd.DataFrame(index=gene_names),
        layers=layers,
        obsm=obsm,
        uns={"keras_vnn": {"source": sources}},
    )


def _responses(path: PathLike) -> pandas.DataFrame:
    import pandas as pd

    found = existing_file(path, "file of responses")
    rows: list[tuple[Any, ...]] = []
    for number, text in enumerate(read_lines(found), 1):
        if not text.strip():
            continue
        fields = [field.strip() for field in text.split("\t")]
        if len(fields) not in (3, 4):
            raise ReadError(
                f"Expected 3 or 4 columns, cell, drug, response and source, got {len(fields)}: "
                f"{_at(found, number, text)}"
            )
        value = _number(fields[2], "response", found, number, text)
        rows.append((str(number), fields[0], fields[1], value, fields[3] if len(fields) == 4 else ""))
    if not rows:
        raise ReadError(f"The file holds no response: {found}\nWas its download interrupted?")
    table = pd.DataFrame(rows, columns=["line", "cell", "drug", "response", "source"]).set_index("line")
    table.index.name = None
    return table if table["source"].any() else table.drop(columns="source")


def _positions(path: PathLike, what: str) -> list[str]:
    """Return the names of a file of positions and names, in the order of the positions."""
    found = existing_file(path, f"file of {what} positions")
    names: dict[int, str] = {}
    for number, text in enumerate(read_lines(found), 1):
        if not text.strip():
            continue
        fields = text.split("\t")
        if len(fields) != 2 or not fields[0].strip().isdigit():
            raise ReadError(f"Expected a position and a {what}, separated by a tab: {_at(found, number, text)}")
        place, name = int(fields[0]), fields[1].strip()
        if place in names:
            raise ReadError(f"The position {place} is given twice: {_at(found, number, text)}")
        names[place] = name
    absent = sorted(set(range(len(names))) - names.keys())
    if absent or not names:
        raise ReadError(
            f"The positions must run from 0 without a gap; {absent[0] if absent else 0} is missing: {found}\n"
            "Is the file complete? Download it again."
        )
    ordered = [names[place] for place in range(len(names))]
    repeated = {name for name in ordered if ordered.count(name) > 1} if len(set(ordered)) < len(ordered) else set()
    if repeated:
        raise ReadError(
            f"{len(repeated)} names occur more than once: {sample(repeated)}: {found}\nRename or remove them."
        )
    return ordered


def _numbers(path: PathLike, shape: tuple[int, int | None], what: str) -> NDArray[np.float32]:
    import numpy as np
    import pandas as pd

    found = existing_file(path, f"file of {what}")
    values: NDArray[np.float32]
    try:
        values = pd.read_csv(found, header=None, dtype=np.float32).to_numpy()
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


def _codes(names: pandas.Series, known: list[str], what: str, path: PathLike) -> NDArray[np.intp]:
    import pandas as pd

    codes: NDArray[np.intp] = pd.Index(known).get_indexer(names)
    if (codes < 0).any():
        unknown = sorted(set(names[codes < 0]))
        hint = did_you_mean(unknown[0], known)
        raise ReadError(
            f"{len(unknown)} of {names.nunique()} {what}s have no position: {sample(unknown)}: {path} {hint}".rstrip()
        )
    return codes


def _number(text: str, what: str, path: Path, number: int, line: str) -> float:
    import math

    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ReadError(f"The {what} is not a finite number: {text!r}: {_at(path, number, line)}")
    return value


def _at(path: Path, number: int, text: str) -> str:
    return f"{path}:{number}\n    {text.strip()[:100]}"
