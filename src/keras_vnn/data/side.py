"""What a model reads next to its genes, and what else was measured of the same cells.

In: an AnnData, by names that the model remembers: an array of `obsm`, such as drugs, columns of `obs`, such as age
and sex. Out: float32 ``(cells, features)``, numbers standardised by the training cells, categories one column each.
Or a MuData, or an AnnData or DataFrame for each kind: an AnnData whose columns know their kind. Knows nothing of
networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.basics.errors import DataError, did_you_mean, sample
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.data._matrix import measured
from keras_vnn.data.labels import column_of

if TYPE_CHECKING:
    import anndata


@dataclass(frozen=True, slots=True)
class Covariate:
    """A column of the cell table, as it was in the training cells.

    Attributes
    ----------
    name
        Of the column.
    levels
        The values of a category, sorted; none of a number.
    mean, scale
        Of a number.
    """

    name: str
    levels: tuple[str, ...] = ()
    mean: float = 0.0
    scale: float = 1.0

    @classmethod
    def fit(cls, data: Any, name: str, cells: NDArray[Any], train: NDArray[Any]) -> Self:
        """Learn the values that occur in some cells, and the mean and the spread of numbers in those for training."""
        column = column_of(data, name)[1]
        some = _complete(column, cells)
        if not _is_number(column):
            return cls(name, tuple(sorted({*some.astype(str)})))
        values = column.iloc[train].to_numpy(np.float64)
        return cls(name, mean=float(values.mean()), scale=float(values.std()) or 1.0)

    def values(self, data: Any, cells: NDArray[Any]) -> NDArray[np.float64]:
        """Return ``(cells, width)``.

        Raises
        ------
        DataError
            A cell has no value, another kind of value, or one that no cell of the training had.
        """
        column = _complete(column_of(data, self.name)[1], cells)
        if not self.levels:
            if not _is_number(column):
                raise DataError(f"The covariate {self.name!r} was a number in the training, and is not one here.")
            numbers: NDArray[np.float64] = column.to_numpy(np.float64)
            return ((numbers - self.mean) / self.scale)[:, None]
        codes = pd.Index(self.levels).get_indexer(column.astype(str))
        if (codes < 0).any():
            unknown = column.astype(str)[codes < 0]
            raise DataError(
                f"{len(unknown):,} of {len(column):,} cells have a value of {self.name!r} that the model was not "
                f"trained with: {sample({*unknown})}.\nIt knows: {sample(self.levels, 12)}. Leave these cells out; an "
                "autoencoder can learn new values from them: " + by_place("vnn map", "vnn.tl.map_data(model, data)")
            )
        return np.asarray(np.eye(len(self.levels))[codes])

    def extended(self, data: Any, cells: NDArray[Any]) -> Self:
        """Return the same with those values of a category that are new, sorted, at the end."""
        column = _complete(column_of(data, self.name)[1], cells)
        found = {*column.astype(str)} if self.levels else {*()}
        return replace(self, levels=(*self.levels, *sorted(found - {*self.levels})))

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.levels) or 1


@dataclass(frozen=True, slots=True)
class Side:
    """What the second input of a model is.

    Attributes
    ----------
    key
        Name of an array of ``obsm``; empty for none, or for an array that had no name.
    features
        Its width.
    covariates
        Columns of ``obs`` that follow it.
    """

    key: str = ""
    features: int = 0
    covariates: tuple[Covariate, ...] = ()

    @classmethod
    def fit(
        cls,
        data: Any,
        side: str | NDArray[Any] | None,
        covariate: str | Sequence[str],
        cells: NDArray[Any],
        train: NDArray[Any],
    ) -> Self:
        """Return what there is to read next to the genes.

        Parameters
        ----------
        data
            The cells.
        side
            Name of an array of ``obsm``, or an array ``(cells, features)``.
        covariate
            Names of columns of ``obs``.
        cells, train
            Positions of the cells used, and of those for training.
        """
        names = (covariate,) if isinstance(covariate, str) else tuple(covariate)
        key = side if isinstance(side, str) else ""
        features = 0 if side is None else _array(data, side).shape[-1]
        return cls(key, features, tuple(Covariate.fit(data, name, cells, train) for name in names))

    @property
    def width(self) -> int:
        """Number of features."""
        return self.features + sum(covariate.width for covariate in self.covariates)

    def values(self, data: Any, cells: NDArray[Any] | None = None, *, array: Any = None) -> NDArray[np.float32]:
        """Return float32 ``(cells, width)`` of named data; ``array`` are the features where they had no name.

        Raises
        ------
        DataError
            The data lack what is read, or it cannot be read as numbers.
        """
        rows = np.arange(len(data)) if cells is None else cells
        parts: list[NDArray[Any]] = []
        if self.features:
            if not self.key and array is None:
                raise DataError(
                    "The model has no name for the array that it reads next to the genes, to find it in the data.\n"
                    + remedy("Pass a list of arrays, [genes, side], or train", "Train", side=...)
                    + " with its name in data.obsm: "
                    + remedy("{side}", "vnn train … --side drug", side="drug")
                )
            found = _array(data, self.key or array)
            wanted = (len(data), self.features)
            if found.shape != wanted:
                raise DataError(f"The side data must have shape (cells, features) = {wanted}, got {found.shape}.")
            parts.append(found[rows])
        parts += [covariate.values(data, rows) for covariate in self.covariates]
        values = np.concatenate(parts, axis=1).astype(np.float32)
        if not np.isfinite(values).all():
            wrong = int((~np.isfinite(values)).sum())
            raise DataError(f"{wrong:,} of {values.size:,} side values are not finite numbers.")
        return values

    def extended(self, data: Any) -> Self:
        """Return the same for data that have further values of the categories, which come after those that are known.

        Raises
        ------
        DataError
            All values are known; or the data lack a column, or a cell a value.
        """
        rows = np.arange(len(data))
        covariates = tuple(one.extended(data, rows) for one in self.covariates)
        if covariates == self.covariates:
            values = "; ".join(f"{one.name}: {sample(one.levels, 12)}" for one in covariates if one.levels)
            raise DataError(
                "All values of the covariates are known to the model, so that there is nothing to learn: "
                f"{values or 'they are numbers'}.\nAsk it directly: "
                + by_place("vnn predict", "vnn.tl.autoencoder_activities(model, data)")
            )
        return replace(self, covariates=covariates)

    def places_of(self, known: Side) -> NDArray[np.int64]:
        """Return ``(its width,)``, where the columns of what this extends are among those of this."""
        starts = np.cumsum([0, *(one.width for one in self.covariates)])
        each = [start + np.arange(one.width) for start, one in zip(starts, known.covariates, strict=False)]
        return np.concatenate(each)

    def starts_from(self, known: Side) -> NDArray[np.float32]:
        """Return ``(width, width of what this extends)``: each column as itself, or as the mean of its covariate's."""
        places = self.places_of(known)
        weights = np.zeros((self.width, known.width), np.float32)
        weights[places, np.arange(known.width)] = 1
        own = np.repeat(np.arange(len(self.covariates)), [one.width for one in self.covariates])
        for row in np.setdiff1d(np.arange(self.width), places):
            weights[row] = own[places] == own[row]
            weights[row] /= weights[row].sum()
        return weights

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Return what `to_json` gave."""
        covariates = (Covariate(**{**one, "levels": tuple(one["levels"])}) for one in fields["covariates"])
        return cls(str(fields["key"]), int(fields["features"]), tuple(covariates))


def _array(data: Any, side: Any) -> NDArray[np.float64]:
    """Return an array of numbers ``(cells, features)``, of that name if it is one."""
    if isinstance(side, str):
        names = sorted(map(str, getattr(data, "obsm", {})))
        if side not in names:
            hint = did_you_mean(side, names)
            raise DataError(
                f"The data have no obsm {side!r}.{hint and f' {hint}'}\nTheir obsm: {sample(names, 12) or 'none'}."
            )
        side = data.obsm[side]
    values = np.asarray(side.toarray() if hasattr(side, "toarray") else side)
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        raise DataError(f"The side data must be numbers (cells, features), got {values.dtype} of shape {values.shape}.")
    return values.astype(np.float64)


def _complete(column: pd.Series, cells: NDArray[Any]) -> pd.Series:
    some = column.iloc[cells]
    if some.isna().any():
        raise DataError(
            f"{int(some.isna().sum()):,} of {len(some):,} cells have no value of the covariate {column.name!r}.\n"
            + remedy("Fill it in, leave these cells out, or leave out {covariate}.", covariate=str(column.name))
        )
    return some


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def modalities(data: Any) -> anndata.AnnData:
    """Return several kinds of measurements of cells as one matrix, for a network of `wire.on_features`.

    Parameters
    ----------
    data
        A MuData, or a mapping from names of kinds to AnnData or DataFrame (cells, features).

    Returns
    -------
    anndata.AnnData
        The cells that all kinds have, in the order of the first. Columns are called ``kind:feature``; ``var`` has
        ``block`` and ``feature``; ``obs`` has the columns of all cell tables, the first of those of one name. Sparse if
        all kinds are.

    Raises
    ------
    DataError
        There is no kind, cells of one repeat, or no cell is in all.

    Examples
    --------
    >>> import pandas as pd
    >>> rna = pd.DataFrame({"TP53": [1.0, 2.0]}, index=["c1", "c2"])
    >>> peaks = pd.DataFrame({"chr1:5-9": [1.0, 0.0]}, index=["c2", "c3"])
    >>> both = modalities({"rna": rna, "peaks": peaks})
    >>> both.to_df()
        rna:TP53  peaks:chr1:5-9
    c2       2.0             1.0
    """
    import anndata

    blocks: Mapping[str, Any] = data.mod if hasattr(data, "mod") else data
    if not blocks:
        raise DataError("There is no kind of measurement: pass {'rna': cells, 'peaks': others}.")
    tables = {name: measured(one) for name, one in blocks.items()}
    places = {name: pd.Index(table.cells) for name, table in tables.items()}
    for name, cells in places.items():
        if not cells.is_unique:
            raise DataError(f"{int(cells.duplicated().sum()):,} cells of {name!r} occur more than once.")
    first, *others = places.values()
    shared = first[np.logical_and.reduce([first.isin(cells) for cells in others])] if others else first
    if not len(shared):
        raise DataError(f"No cell is in all of {', '.join(blocks)}: are cells called alike in each?")
    parts = [tables[name].values[cells.get_indexer(shared)] for name, cells in places.items()]
    of_obs = [data, *blocks.values()]
    obs = pd.concat(
        [one.obs.loc[shared] for one in of_obs if hasattr(one, "obs")] or [pd.DataFrame(index=shared)], axis=1
    )
    var = pd.DataFrame(
        [(f"{name}:{feature}", name, feature) for name, table in tables.items() for feature in table.genes],
        columns=["id", "block", "feature"],
    ).set_index("id")
    all_sparse = all(map(sparse.issparse, parts))
    values = sparse.hstack(parts, format="csr") if all_sparse else np.hstack([_dense(part) for part in parts])
    return anndata.AnnData(values, obs=obs.loc[:, ~obs.columns.duplicated()], var=var.rename_axis(None))


def _dense(values: Any) -> Any:
    return values.toarray() if sparse.issparse(values) else values
