"""The cells a model is asked about: its inputs, their names, and the class of each.

In: data and labels of users. Out: `Cells` and class codes, checked once for every function of this package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.basics.errors import DataError, VNNError, counted
from keras_vnn.data import (
    Classes,
    Labels,
    Side,
    Split,
    StoredInputs,
    Targets,
    align_features,
    inputs_of,
    labels_of,
    split_cells,
)
from keras_vnn.data import classes as classes_of_labels
from keras_vnn.data.labels import in_order_of
from keras_vnn.models import ModelView

# Cells read from disk that are in memory together.
_AT_ONCE = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The input of a model.

    Attributes
    ----------
    values
        float32 ``(cells, genes)``, or ``(cells, genes, features)``, as the model reads them; or what reads the same
        from disk.
    side
        The further inputs of a model with a side branch.
    obs
        A row per cell: the cell table of an AnnData, or only the names of the cells.
    labels, source
        The labels that were given with all of these cells, and the data that the cells come from.
    """

    values: NDArray[np.float32] | StoredInputs
    obs: pd.DataFrame
    side: tuple[NDArray[np.float32], ...] = ()
    labels: Any = None
    source: Any = None

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.values)

    @property
    def names(self) -> pd.Index:
        """Names of the cells."""
        return self.obs.index

    def at(self, rows: NDArray[np.intp] | slice) -> Cells:
        """Return the cells at some positions, in memory."""
        return Cells(np.asarray(self.values[rows]), self.obs.iloc[rows], tuple(part[rows] for part in self.side))

    def parts(self) -> Iterator[tuple[slice, Cells]]:
        """Yield the cells in parts that are in memory, and which they are; all at once when they are there already."""
        step = _AT_ONCE if isinstance(self.values, StoredInputs) else len(self)
        for start in range(0, len(self), step):
            rows = slice(start, min(start + step, len(self)))
            yield rows, self.at(rows)


def cells_of(seen: ModelView, data: Any, labels: Any = None, *, missing: str = "raise") -> Cells:
    """Return the input of a model for named data, aligned and normalised, or for an array that is both already.

    Where `Labels` or `Targets` leave cells out, so does this.

    Raises
    ------
    DataError
        An array has another shape than the input or holds a value that is not finite; or the data lack the layers, the
        array of ``obsm`` or the columns that the model reads next to the genes.
    GeneError
        Genes of the model are missing from the data.
    """
    return labelled_only(replace(_all_cells(seen, data, missing), labels=labels, source=data))


def labelled_only(cells: Cells) -> Cells:
    """Return the cells that `Labels` or `Targets` have not left out."""
    of = cells.labels
    if isinstance(of, Labels | Targets) and of.n_missing and len(of) + of.n_missing == len(cells):
        side = tuple(part[of.cells] for part in cells.side)
        return replace(cells, values=cells.values[of.cells], obs=cells.obs.iloc[of.cells], side=side)
    return cells


def _all_cells(seen: ModelView, data: Any, missing: str) -> Cells:
    shapes = [tuple(tensor.shape[1:]) for tensor in seen.model.inputs]
    if hasattr(data, "obs_names") or hasattr(data, "columns"):
        features = seen.options.get("gene_features")
        if not features and shapes[0] != (len(seen.architecture.genes),):
            raise DataError(
                "The model reads more than one number per gene; a table of genes has one.\n"
                f"Pass an array of shape (cells, {', '.join(map(str, shapes[0]))})."
            )
        values = (
            align_features(data, seen.architecture, features, missing=missing)
            if features
            else inputs_of(data, seen.architecture, normalization=seen.normalization, missing=missing)
        )
        obs = data.obs.copy() if hasattr(data, "obs") else pd.DataFrame(index=data.index)
        side = () if len(shapes) == 1 else (_side_of(seen).values(data),)
        return Cells(values, obs.set_axis(obs.index.astype(str), axis=0), side)
    given = list(data) if isinstance(data, list | tuple) and len(shapes) > 1 else [data]
    if len(given) != len(shapes):
        raise DataError(
            f"The model has {counted(len(shapes), 'input')}, got {len(given)}.\nPass a list of "
            f"{counted(len(shapes), 'array')}."
        )
    arrays = [_checked(part, shape) for part, shape in zip(given, shapes, strict=True)]
    if len({len(array) for array in arrays}) > 1:
        raise DataError(
            f"The inputs have different numbers of cells: {', '.join(str(len(array)) for array in arrays)}."
        )
    return Cells(arrays[0], pd.DataFrame(index=pd.RangeIndex(len(arrays[0])).astype(str)), tuple(arrays[1:]))


def _side_of(seen: ModelView) -> Side:
    """Return what a model was trained to read next to the genes; something without a name if that is not known."""
    known = (seen.card.metadata.get("training") or {}).get("side")
    return Side(features=1) if known is None else Side.from_json(known)


def _checked(data: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return an array of ``(cells, *shape)`` as float32."""
    values = np.asarray(data)
    if values.ndim != len(shape) + 1 or values.shape[1:] != shape or values.dtype.kind not in "biuf":
        raise DataError(
            f"Expected an AnnData, a DataFrame or an aligned array of shape (cells, {', '.join(map(str, shape))}), "
            f"got {type(data).__name__} of shape {values.shape}.\n"
            "Align named data: vnn.pp.align(data, arch, normalization=…)"
        )
    if not len(values):
        raise DataError("There is no cell in the data.")
    values = values.astype(np.float32)
    if not np.isfinite(values).all():
        wrong = int((~np.isfinite(values)).sum())
        raise DataError(
            f"{wrong:,} of {counted(values.size, 'value')} are not finite numbers.\nDrop these cells or genes."
        )
    return values


def class_labels(known: Classes | None, cells: Cells) -> Labels:
    """Return the class that the labels of cells name for each.

    ``known`` are the classes of the model; when it has none, the labels, a name per cell, a pandas Series of them,
    `Labels`, or the name of a column of the data's ``obs``, may name any.

    Raises
    ------
    DataError
        There are more or fewer labels than cells, a label is missing or no class of the model, or the data have no
        such column.
    """
    names = _one_per_cell(cells)
    wanted = classes_of_labels(names) if known is None else known
    return Labels("", wanted, wanted.encode(names), np.arange(len(cells)))


def _one_per_cell(cells: Cells) -> Any:
    """Return a label per cell in the order of the cells, by name where the labels have names."""
    labels, data = cells.labels, cells.source
    if isinstance(labels, str):
        if not hasattr(data, "obs"):
            raise DataError(
                f"The label {labels!r} names a column of data.obs, but the data are a {type(data).__name__}.\n"
                "Pass the labels themselves, one per cell."
            )
        labels = labels_of(data, labels)
    if isinstance(labels, Labels):
        labels = labels.names
    if np.ndim(labels) == 0 or len(labels) != len(cells):
        count = "one value" if np.ndim(labels) == 0 else f"{counted(len(labels), 'label')}"
        raise DataError(
            f"Got {count} for {counted(len(cells), 'cell')}.\nPass one label per cell, in the order of the data."
        )
    is_named = hasattr(data, "obs_names") or hasattr(data, "columns")
    return in_order_of(cells.names, labels) if is_named else labels


def evenly(positions: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Return at most so many positions, evenly spread."""
    if len(positions) <= most:
        return positions
    return positions[np.linspace(0, len(positions) - 1, most).round().astype(np.intp)]


def known_split(seen: ModelView, labels: Any, cells: Cells) -> Split | None:
    """Return the split of the training, found again, if these are its cells; ``None`` if they are not."""
    kept = seen.card.metadata.get("training") or {}
    try:
        counts = [int(kept["cells"][name]) for name in ("train", "validation", "test")]
        seed, digest = int(kept["split"]["seed"]), kept["split"]["sha256"]
    except (KeyError, TypeError, ValueError):
        return None
    if sum(counts) != len(cells) or not any(counts[1:]):
        return None
    if "group" in kept["split"]:
        drawn = _split_by_group(cells, kept["split"], seed)
        return drawn if drawn is not None and drawn.digest == digest else None
    fractions = [count / len(cells) for count in counts]
    of = labels if labels is not None else np.zeros(len(cells))
    for stratify in (True, False):
        try:
            drawn = split_cells(of, fractions=fractions, seed=seed, stratify=stratify)
        except VNNError:
            continue
        if drawn.digest == digest:
            return drawn
    return None


def _split_by_group(cells: Cells, kept: Mapping[str, Any], seed: int) -> Split | None:
    """Return the split by the groups of which it is known in which part they were."""
    if kept["group"] not in cells.obs:
        return None
    names = cells.obs[kept["group"]].astype(str)
    validation, test = (names.isin(kept[part]).to_numpy() for part in ("validation", "test"))
    try:
        return Split(np.flatnonzero(~validation & ~test), np.flatnonzero(validation), np.flatnonzero(test), seed)
    except VNNError:
        return None
