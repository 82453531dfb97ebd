"""What a network learns to tell: classes of cells, or numbers.

In: labels of any type, or a column of a cell table. Out: `Classes`, which turn names into codes and back and are kept
with the model; `Labels` (names and codes) or `Targets` (numbers). Knows nothing of expression values or splits.
"""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from keras_vnn.basics.errors import DataError, check_choice, counted, did_you_mean, sample
from keras_vnn.basics.remedies import by_place, called, remedy
from keras_vnn.basics.showing import Shown
from keras_vnn.data._matrix import not_cells


@dataclass(frozen=True, slots=True)
class Classes:
    """Ordered, unique names of classes: position in ``names`` is the code, and the output of the model.

    Examples
    --------
    >>> cells = Classes(("B", "T"))
    >>> cells.encode(["T", "B", "T"])
    array([1, 0, 1], dtype=int32)
    >>> cells.decode([0, 1]).tolist()
    ['B', 'T']
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        names = tuple(_text(name) for name in self.names)
        if not names:
            raise DataError("There is no class.")
        if len(set(names)) < len(names):
            raise DataError(f"Class names occur more than once: {sample({n for n in names if names.count(n) > 1})}.")
        object.__setattr__(self, "names", names)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __str__(self) -> str:
        return f"{counted(len(self), 'class')}: {', '.join(self.names[:5])}{' …' if len(self) > 5 else ''}"

    def encode(self, labels: ArrayLike | Labels) -> NDArray[np.int32]:
        """Return the code of each label, int32 ``(cells,)``.

        Raises
        ------
        DataError
            A label is missing or is none of the classes.
        """
        code = {name: i for i, name in enumerate(self.names)}
        texts = [None if missing else _text(v) for v, missing in zip(*plain_values(labels), strict=True)]
        if None in texts:
            raise DataError(f"{texts.count(None):,} of {counted(len(texts), 'label')} are missing.")
        unknown = [str(text) for text in texts if text not in code]
        if unknown:
            hint = did_you_mean(unknown[0], self.names)
            raise DataError(
                f"{len(unknown):,} of {counted(len(texts), 'label')} are not a class of the model: "
                f"{sample(set(unknown))}.\nThe classes are: "
                f"{', '.join(self.names[:20])}{' …' if len(self) > 20 else '.'}{hint and f'{chr(10)}{hint}'}"
            )
        return np.array([code[str(text)] for text in texts], dtype=np.int32)

    def decode(self, codes: ArrayLike) -> NDArray[np.object_]:
        """Return the names of codes, in their shape.

        Raises
        ------
        DataError
            A code is not an integer from 0 to the number of classes less one.
        """
        given = np.asarray(codes)
        if given.size and (given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= len(self)):
            raise DataError(
                f"Codes of {counted(len(self), 'class')} are integers from 0 to {len(self) - 1}, got {given.dtype} "
                f"from {given.min()} to {given.max()}."
            )
        return np.array(self.names, dtype=object)[given.astype(np.intp)]

    def to_json(self) -> dict[str, Any]:
        """Return the names as plain JSON values."""
        return {"names": list(self.names)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Classes:
        """Make classes from what `to_json` gave."""
        return cls(tuple(fields["names"]))


def classes(labels: ArrayLike | Labels | Classes) -> Classes:
    """Return the classes that labels name, in a fixed order.

    A categorical keeps the order of its categories, less those that do not occur; numbers are in numerical order;
    all else in natural order (``c2`` before ``c10``), whatever the order of the cells.

    Parameters
    ----------
    labels
        `Labels`, `Classes`, or a sequence of strings, integers, booleans or integral floats.

    Raises
    ------
    DataError
        A label is missing or a fraction, or there are fewer than two classes.

    Examples
    --------
    >>> classes(["T10", "B", "T2", "B"]).names
    ('B', 'T2', 'T10')
    """
    if isinstance(labels, Classes):
        return labels
    if isinstance(getattr(labels, "classes", None), Classes):
        return labels.classes  # type: ignore[union-attr]
    values, missing = plain_values(labels)
    if any(missing):
        raise DataError(f"{sum(missing):,} of {counted(len(values), 'label')} are missing.")
    return classes_of(labels, values, "labels")


def plain_values(labels: Any) -> tuple[list[Any], list[bool]]:
    """Return plain values and which of them are missing (null, or an empty text)."""
    if isinstance(getattr(labels, "classes", None), Classes):
        return labels.names.tolist(), [False] * len(labels)
    _check_one_per_cell(labels)
    values = list(labels)
    return values, [bool(pd.isna(v)) or (isinstance(v, str | bytes) and not v.strip()) for v in values]


def _check_one_per_cell(labels: Any) -> None:
    if isinstance(labels, str) or getattr(labels, "ndim", 1) != 1 or not hasattr(labels, "__len__"):
        shape = f" of shape {labels.shape}" if hasattr(labels, "shape") else ""
        raise DataError(
            f"Expected Labels, Targets, the name of a column or a label per cell, got {type(labels).__name__}{shape}.\n"
            "Classes: vnn.pp.labels_of(data, column). Numbers to predict: vnn.pp.targets_of(data, columns)."
        )


def classes_of(labels: Any, values: Sequence[Any], what: str) -> Classes:
    """Return the classes of values that are not missing, in the order `pp.classes` promises."""
    dtype = getattr(labels, "dtype", None)
    if isinstance(dtype, pd.CategoricalDtype):
        occurring = set(values)
        ordered = [category for category in dtype.categories if category in occurring]
    else:
        ordered = list(dict.fromkeys(values))
        fractions = [v for v in ordered if _is_number(v) and v % 1 != 0]
        if fractions:
            raise DataError(
                f"The {what} are fractions such as {fractions[0]:g}, {counted(len(ordered), 'different one')}.\n"
                "Numbers are predicted by regression: "
                + by_place("vnn train … --task regression", "vnn.pp.targets_of(data, column).")
            )
        if all(_is_number(v) for v in ordered):
            ordered.sort()
        else:
            ordered.sort(key=lambda value: _natural(_text(value)))
    names = tuple(dict.fromkeys(_text(value) for value in ordered))
    by_words: dict[str, list[str]] = {}
    for name in names:
        by_words.setdefault(" ".join(name.split()), []).append(repr(name))
    alike = next((same for same in by_words.values() if len(same) > 1), None)
    if alike:
        raise DataError(
            f"{len(alike)} of {counted(len(names), 'class')} of the {what} differ in blanks only: {', '.join(alike)}.\n"
            "Make them alike, in pandas: labels.str.split().str.join(' ')"
        )
    if len(names) < 2:
        only = f"one class only, {names[0]}" if names else "no class, as there is no cell"
        raise DataError(f"The {what} name {only}: there is nothing to tell apart.")
    return Classes(names)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real)


def _text(value: Any) -> str:
    """Return the name of a label; ``1.0`` is ``1``, and bytes, as HDF5 gives them, are text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(int(value)) if _is_number(value) and not pd.api.types.is_bool(value) and value % 1 == 0 else str(value)


def _natural(text: str) -> tuple[list[tuple[int, int, str]], str]:
    """Return a key that sorts ``c2`` before ``c10`` and ignores case before it looks at it."""
    parts = re.findall(r"\d+|\D+", text.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], text


MISSING_LABELS = ("raise", "drop")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Labels(Shown):
    """The class of each cell.

    Attributes
    ----------
    name
        The column they come from.
    classes
        The classes, in the order of their codes.
    codes
        int32 ``(labelled cells,)``.
    cells
        Rows of the data that have a label ``(labelled cells,)``: all of them, unless missing labels were dropped.
        ``align(data, …)[labels.cells]`` is aligned with ``labels.codes``.
    n_missing
        Cells left out because they have no label.
    """

    name: str
    classes: Classes
    codes: NDArray[np.int32]
    cells: NDArray[np.intp]
    n_missing: int = 0
    usual_score: ClassVar[str] = "balanced_accuracy"

    def __post_init__(self) -> None:
        _lock(self, codes="int32", cells="intp")

    def __len__(self) -> int:
        return len(self.codes)

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {n:,}" for name, n in self.counts().items())
        missing = f"; {counted(self.n_missing, 'cell')} without a label left out" if self.n_missing else ""
        return f"{self.name}: {counted(len(self), 'cell')} in {counted(len(self.classes), 'class')} ({counts}){missing}"

    @property
    def truth(self) -> NDArray[np.int32]:
        """What a network learns of each cell: the codes."""
        return self.codes

    @property
    def names(self) -> NDArray[np.object_]:
        """The label of each cell by name, ``(labelled cells,)``."""
        return self.classes.decode(self.codes)

    def counts(self) -> dict[str, int]:
        """Return the number of cells of each class, in the order of the classes."""
        counts = np.bincount(self.codes, minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Targets(Shown):
    """Numbers to predict for each cell.

    Attributes
    ----------
    names
        The columns they come from.
    values
        float32 ``(cells with all targets, targets)``, finite.
    cells
        Rows of the data that have all targets.
    n_missing
        Cells left out because they lack one.
    """

    names: tuple[str, ...]
    values: NDArray[np.float32]
    cells: NDArray[np.intp]
    n_missing: int = 0
    usual_score: ClassVar[str] = "r2"

    def __post_init__(self) -> None:
        _lock(self, values="float32", cells="intp")

    def __len__(self) -> int:
        return len(self.values)

    def __str__(self) -> str:
        missing = f"; {counted(self.n_missing, 'cell')} without a number left out" if self.n_missing else ""
        return f"{', '.join(self.names)}: numbers of {counted(len(self), 'cell')}{missing}"

    @property
    def truth(self) -> NDArray[np.float32]:
        """What a network learns of each cell: the numbers."""
        return self.values


def labels_of(data: Any, label: str, *, missing_labels: str = "raise", classes: Classes | None = None) -> Labels:
    """Return the labels that stand in a column of the cell table.

    Parameters
    ----------
    data
        AnnData, or the DataFrame of its cells.
    label
        Name of the column: strings, integers, booleans, integral floats or a categorical.
    missing_labels
        ``"raise"``, or ``"drop"`` to leave out cells that have none.
    classes
        The classes of a trained model, when they are to be kept; else those of the labels, ordered as by `pp.classes`.

    Raises
    ------
    DataError
        There is no such column; cells have no label and ``missing_labels`` is ``"raise"``; labels are fractions;
        there are fewer than two classes, or a label is none of ``classes``.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = pd.DataFrame({"type": ["T", "B", None]}, index=["c1", "c2", "c3"])
    >>> print(labels_of(cells, "type", missing_labels="drop"))
    type: 2 cells in 2 classes (B 1, T 1); 1 cell without a label left out
    """
    check_choice("missing_labels", missing_labels, MISSING_LABELS, DataError)
    obs, column = column_of(data, label)
    values, missing = plain_values(column)
    rows = _rows_with(obs, np.array(missing, bool), missing_labels, label, "label")
    kept = [values[i] for i in rows]
    known = classes or classes_of(column, kept, f"labels {label!r}")
    return Labels(label, known, known.encode(kept), rows, len(values) - rows.size)


def labels_given(data: Any, labels: Any) -> Labels | Targets:
    """Return labels in whichever form they are given: as they are, by the name of a column, or one per cell.

    Parameters
    ----------
    data
        AnnData or DataFrame (cells, genes).
    labels
        `Labels` or `Targets`; the name of a column of the cell table; or one label per cell in the order of the data,
        where a pandas Series that has the names of the cells is ordered by them.

    Raises
    ------
    DataError
        There are more or fewer labels than cells, or what `pp.labels_of` raises.
    """
    if isinstance(labels, Labels | Targets):
        return labels
    if isinstance(labels, str):
        return labels_of(data, labels)
    _check_one_per_cell(labels)
    cells = pd.Index(data.obs_names if hasattr(data, "obs_names") else getattr(data, "index", range(len(data))))
    if len(labels) != len(cells):
        raise DataError(
            f"Got {counted(len(labels), 'label')} for {counted(len(cells), 'cell')}.\n"
            "Pass one label per cell, in the order of the data."
        )
    names = cells.astype(str)
    given = pd.Series(in_order_of(names, labels))
    return labels_of(pd.DataFrame({"label": given.set_axis(names)}), "label")


def in_order_of(cells: pd.Index, labels: Any) -> Any:
    """Return one label per cell in the order of the cells: a Series that has the names of the cells goes by them."""
    if isinstance(labels, pd.Series) and labels.index.is_unique:
        by_name = labels.set_axis(labels.index.astype(str))
        if set(by_name.index) == set(cells):
            return by_name.loc[cells]
    return labels


def targets_of(data: Any, columns: str | Sequence[str], *, missing_labels: str = "raise") -> Targets:
    """Return the numbers that stand in one or more columns of the cell table, to be predicted by regression.

    Parameters
    ----------
    data
        AnnData, or the DataFrame of its cells.
    columns
        Name or names of the columns.
    missing_labels
        ``"raise"``, or ``"drop"`` to leave out cells that lack a number.

    Raises
    ------
    DataError
        There is no such column, it does not hold numbers, a number is infinite, or one is missing and
        ``missing_labels`` is ``"raise"``.

    Examples
    --------
    >>> import pandas as pd
    >>> targets_of(pd.DataFrame({"response": [0.5, 1.0]}), "response").values.tolist()
    [[0.5], [1.0]]
    """
    check_choice("missing_labels", missing_labels, MISSING_LABELS, DataError)
    names = (columns,) if isinstance(columns, str) else tuple(columns)
    gathered = []
    for name in names:
        obs, column = column_of(data, name)
        try:
            gathered.append(pd.to_numeric(column.astype(object)).to_numpy(dtype=np.float64))
        except (ValueError, TypeError) as error:
            texts = column[pd.to_numeric(column.astype(object), errors="coerce").isna() & column.notna()]
            raise DataError(
                f"The targets {name!r} are not numbers: {texts.iloc[0]!r} is that of {texts.index[0]}.\n"
                + by_place("Name a column of numbers.", f"Classes: vnn.pp.labels_of(data, {name!r})")
            ) from error
    values = np.column_stack(gathered)
    infinite = (np.abs(values) > np.finfo(np.float32).max).any(axis=1)
    if infinite.any():
        raise DataError(
            f"{infinite.sum():,} of {counted(len(values), 'cell')} have an infinite target (beyond 3.4e38) in "
            f"{', '.join(names)}: {sample(obs.index[infinite])}."
        )
    missing = np.isnan(values).any(axis=1)
    rows = _rows_with(obs, missing, missing_labels, ", ".join(names), "target")
    return Targets(names, values[rows].astype(np.float32), rows, int(missing.sum()))


def class_weights(labels: Labels, cells: ArrayLike | None = None) -> dict[int, float]:
    """Return weights that make every class count alike, as ``model.fit(class_weight=…)`` takes them.

    Parameters
    ----------
    labels
        The labels.
    cells
        Positions in the labels of those to count, such as ``split.train``; all when ``None``.

    Returns
    -------
    dict
        Code of the class → cells / (classes * cells of the class).

    Raises
    ------
    DataError
        A class has no cell.

    Examples
    --------
    >>> import pandas as pd
    >>> class_weights(labels_of(pd.DataFrame({"type": ["B", "T", "T", "T"]}), "type"))
    {0: 2.0, 1: 0.6666666666666666}
    """
    from sklearn.utils.class_weight import compute_class_weight

    codes = labels.codes if cells is None else labels.codes[np.asarray(cells)]
    present = np.unique(codes)
    absent = [name for code, name in enumerate(labels.classes) if code not in present]
    if absent:
        raise DataError(
            f"{len(absent)} of {counted(len(labels.classes), 'class')} have no training cell: {sample(absent)}.\n"
            + remedy("Leave class weights off, or split with {stratify}.", "Leave class weights off.", stratify=True)
        )
    weights = compute_class_weight("balanced", classes=present, y=codes)
    return dict(zip(present.tolist(), weights.tolist(), strict=True))


def column_of(data: Any, name: str) -> tuple[Any, Any]:
    """Return the cell table and one of its columns."""
    obs = data.obs if hasattr(data, "obs") and hasattr(data, "obs_names") else data
    if not hasattr(obs, "columns"):
        raise not_cells(data)
    known = [str(column) for column in obs.columns]
    if name not in obs.columns:
        hint = did_you_mean(str(name), known)
        listed = f"The columns are: {', '.join(known[:20])}{' …' if len(known) > 20 else '.'}"
        read = called("vnn.read.expression", cells="cells.csv")
        none = f"It has none. Read it with the table of its cells: {read}."
        raise DataError(f"The cells have no column {name!r}.{hint and f' {hint}'}\n{listed if known else none}")
    return obs, obs[name]


def _rows_with(obs: Any, missing: NDArray[np.bool_], missing_labels: str, column: str, what: str) -> NDArray[np.intp]:
    """Return the rows that are not missing; raise when there are none, or when none may be left out."""
    if missing.size and missing.all():
        raise DataError(f"None of {counted(len(missing), 'cell')} has a {what} in {column!r}.\nName another column.")
    if missing.any() and missing_labels == "raise":
        names = obs.index[missing].astype(str)
        verb = "have" if len(names) > 1 else "has"
        leave = remedy("Leave them out with {missing_labels}, or fill", "Fill", missing_labels="drop")
        raise DataError(
            f"{len(names):,} of {counted(len(missing), 'cell')} {verb} no {what} in {column!r}: {sample(names)}.\n"
            f"{leave} the column."
        )
    return np.flatnonzero(~missing)


def _lock(value: Any, **kinds: str) -> None:
    for name, kind in kinds.items():
        array = np.array(getattr(value, name), dtype=kind)
        array.flags.writeable = False
        object.__setattr__(value, name, array)
