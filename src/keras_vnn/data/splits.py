"""Which cells train, which stop the training, which test.

In: labels and a seed. Out: `Split`: positions in the labels, disjoint and together all of them.
Knows nothing of expression values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from keras_vnn.basics.errors import DataError, counted
from keras_vnn.basics.remedies import remedy
from keras_vnn.basics.showing import Shown
from keras_vnn.data.labels import Labels, Targets, classes, column_of
from keras_vnn.data.survival import SurvivalTimes

PARTS = ("train", "validation", "test")
# Further orders in which groups are placed, and groups placed in all of them together, at most.
_ORDERS, _MOST_PLACED = 50, 20_000


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Split(Shown):
    """Three disjoint sets of cells that are together all cells.

    Attributes
    ----------
    train, validation, test
        Ascending positions in the labels, intp; validation or test may be empty. Where labels are missing and were
        dropped, ``labels.cells[split.train]`` are the rows of the data.
    seed
        The seed it was drawn with.
    """

    train: NDArray[np.intp]
    validation: NDArray[np.intp]
    test: NDArray[np.intp]
    seed: int = 0

    def __post_init__(self) -> None:
        for name in PARTS:
            part = np.sort(np.array(getattr(self, name), dtype=np.intp).reshape(-1))
            part.flags.writeable = False
            object.__setattr__(self, name, part)
        together = np.concatenate([self.train, self.validation, self.test])
        if not np.array_equal(np.sort(together), np.arange(together.size)):
            raise DataError("The parts of a split must be disjoint and together hold every cell once.")
        if not self.train.size:
            raise DataError("The training part of the split is empty.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Split) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.train) + len(self.validation) + len(self.test)

    def __str__(self) -> str:
        return (
            f"{len(self.train):,} training, {len(self.validation):,} validation, "
            f"{counted(len(self.test), 'test cell')} (seed {self.seed})"
        )

    def at(self, positions: NDArray[np.intp]) -> Split:
        """Return the split of some of the cells, at ascending positions; positions are then among these.

        Raises
        ------
        DataError
            None of them is for training.
        """
        train, validation, test = (np.flatnonzero(np.isin(positions, getattr(self, name))) for name in PARTS)
        return Split(train, validation, test, self.seed)

    @property
    def digest(self) -> str:
        """Hexadecimal digits that differ wherever the parts do."""
        parts = (getattr(self, name).astype("<i8").tobytes() for name in PARTS)
        return sha256(b"|".join(parts)).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the positions as plain JSON values."""
        return {**{name: getattr(self, name).tolist() for name in PARTS}, "seed": self.seed}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Split:
        """Make a split from what `to_json` gave."""
        return cls(fields["train"], fields["validation"], fields["test"], fields["seed"])


def split_cells(
    labels: Labels | Targets | ArrayLike,
    *,
    fractions: Sequence[float] = (0.7, 0.15, 0.15),
    seed: int,
    stratify: bool = True,
    groups: Sequence[Any] | None = None,
) -> Split:
    """Split cells into training, validation and test part.

    The same labels and seed give the same split.

    Parameters
    ----------
    labels
        `Labels`, or a sequence of labels; of `Targets`, only `SurvivalTimes` are stratified, by event.
    fractions
        Of training, validation and test cells; their sum is 1. Validation or test may be 0.
    seed
        Seed of the draw.
    stratify
        Whether each part has the classes in the proportions of the whole. Every class is then in the training
        part; a class of very few cells may be absent from a small part.
    groups
        The donor, or batch, of each cell: cells of one stay in one part. Sizes of parts, and the classes in them, are
        then as near to what is asked for as whole groups allow.

    Raises
    ------
    DataError
        The fractions are impossible, a class has too few cells for the number of parts, there are fewer groups than
        parts, or all groups with a class are outside the training part.

    Examples
    --------
    >>> print(split_cells(["B", "T"] * 10, fractions=(0.6, 0.2, 0.2), seed=1))
    12 training, 4 validation, 4 test cells (seed 1)
    """
    shares = [float(fraction) for fraction in fractions]
    if len(shares) != 3 or min(shares) < 0 or shares[0] <= 0 or abs(sum(shares) - 1) > 1e-6:
        raise DataError(
            "The fractions of training, validation and test cells must be three numbers whose sum is 1, the first "
            f"above 0; got {', '.join(f'{share:g}' for share in shares)}."
        )
    names, codes, n_cells = _strata(labels, stratify, seed)
    n_parts = sum(share > 0 for share in shares)
    if groups is not None:
        parts = _whole_groups(_group_codes(groups, labels, n_cells), codes, shares, seed)
        train, validation, test = (np.flatnonzero(parts == number) for number in range(3))
        _check_classes(train, codes, names)
        return Split(train, validation, test, seed)
    if codes is not None and n_parts > 1:
        _check_counts(names, codes, n_parts, f"a split into {counted(n_parts, 'part')}")
    n_validation, n_test = round(shares[1] * n_cells), round(shares[2] * n_cells)
    rest, test = _take(np.arange(n_cells), n_test, codes, names, seed, "test")
    train, validation = _take(rest, n_validation, codes, names, seed, "validation")
    return Split(train, validation, test, seed)


def folds(
    labels: Labels | Targets | ArrayLike,
    n: int = 5,
    *,
    seed: int,
    validation: float = 0.15,
    stratify: bool = True,
    groups: Sequence[Any] | None = None,
) -> Iterator[Split]:
    """Yield ``n`` splits whose test parts are disjoint and together all cells.

    Parameters
    ----------
    labels
        `Labels`, or a sequence of labels; of `Targets`, only `SurvivalTimes` are stratified, by event.
    n
        Number of folds.
    seed
        Seed of the draw.
    validation
        Fraction of the cells outside the test part that becomes the validation part; may be 0.
    stratify
        Whether each part has the classes in the proportions of the whole.
    groups
        As in `split_cells`: cells of one donor are tested in the same fold, and in no other part of it.

    Raises
    ------
    DataError
        ``n`` or ``validation`` is impossible, a class has fewer cells, or there are fewer groups, than there are folds.

    Examples
    --------
    >>> for split in folds(["B", "T"] * 10, 2, seed=1, validation=0.2):
    ...     print(split)
    8 training, 2 validation, 10 test cells (seed 1)
    8 training, 2 validation, 10 test cells (seed 1)
    """
    from sklearn.model_selection import KFold, StratifiedKFold

    names, codes, n_cells = _strata(labels, stratify, seed)
    if not 2 <= n <= n_cells:
        raise DataError(f"The number of folds must be 2 to {n_cells:,}, that of the cells, got {n}.")
    if not 0 <= validation < 1:
        raise DataError(f"validation must be a fraction from 0 to below 1, got {validation}.")
    if groups is not None:
        return _group_folds(_group_codes(groups, labels, n_cells), codes, names, n, validation, seed)
    if codes is not None:
        _check_counts(names, codes, n if n > 2 or not validation else 4, f"{counted(n, 'fold')}")
    # scikit-learn warns of classes smaller than n only, which were refused above.
    kind = KFold if codes is None else StratifiedKFold
    drawn = kind(n, shuffle=True, random_state=seed).split(range(n_cells), codes)
    return (
        Split(*_take(rest, round(validation * len(rest)), codes, names, seed, "validation"), test, seed)
        for rest, test in drawn
    )


def groups_in(data: Any, column: str | None, cells: NDArray[np.intp]) -> Any:
    """Return the value of a column for some cells, such as their donors; ``None`` where no column is named."""
    return None if column is None else column_of(data, column)[1].iloc[cells].to_numpy(object)


def _strata(labels: Any, stratify: bool, seed: int) -> tuple[Sequence[str], Any, int]:
    """Return class names, codes (``None`` when not stratified) and the number of cells."""
    if not 0 <= seed < 2**32:
        raise DataError(f"seed must be an integer from 0 to {2**32 - 1}, got {seed}.")
    if isinstance(labels, SurvivalTimes) and stratify:
        return ("censored", "event"), labels.strata, len(labels)
    if isinstance(labels, Targets) or not stratify:
        return (), None, len(labels)
    known = classes(labels)
    codes = labels.codes if isinstance(labels, Labels) else known.encode(labels)
    return known.names, codes, len(codes)


def _group_codes(groups: Sequence[Any], labels: Any, n_cells: int) -> NDArray[np.intp]:
    """Return the number of the group of each cell, in the order of the sorted names."""
    given = np.asarray(groups, dtype=object)
    if isinstance(labels, Labels | Targets) and labels.n_missing and len(given) == n_cells + labels.n_missing:
        given = given[labels.cells]
    if given.shape != (n_cells,):
        raise DataError(f"Got {counted(len(given), 'group')} for {counted(n_cells, 'cell')}. Pass one per cell.")
    missing = int(pd.isna(given).sum())
    if missing:
        raise DataError(
            f"{missing:,} of {counted(n_cells, 'cell')} have no group. Fill it in, or leave these cells out."
        )
    return np.asarray(np.unique(given.astype(str), return_inverse=True)[1], np.intp)


def _whole_groups(groups: NDArray[np.intp], codes: Any, shares: Sequence[float], seed: int) -> NDArray[np.intp]:
    """Return the part of each cell: whole groups, one after the other, go where they bring what is asked for nearest.

    Nearest by the squared deviations of the numbers of cells of each class in each part, each divided by the number
    that is asked for; the best of several orders of the groups, in the first of which the largest come first.
    """
    used = np.flatnonzero(np.asarray(shares) > 0)
    classes_of_cells = np.zeros(len(groups), np.intp) if codes is None else codes
    counts = np.zeros((int(groups.max(initial=-1)) + 1, int(classes_of_cells.max(initial=0)) + 1))
    np.add.at(counts, (groups, classes_of_cells), 1)
    if len(counts) < len(used):
        raise DataError(
            f"{counted(len(counts), 'group')} cannot be split into {counted(len(used), 'part')}: cells of a group stay "
            "together.\n"
            "Leave out a part (fraction 0), have fewer folds, or split cells without groups."
        )
    wanted = np.asarray(shares)[used, None] * counts.sum(axis=0)
    rng, sizes = np.random.default_rng(seed), counts.sum(axis=1)
    first = rng.permutation(len(counts))
    orders = [first[np.argsort(-sizes[first], kind="stable")]]
    orders += [rng.permutation(len(counts)) for _ in range(min(_ORDERS, _MOST_PLACED // len(counts)))]
    tried = [_placed(counts, wanted, order) for order in orders]
    return np.asarray(used[min(tried, key=lambda one: one[0])[1]][groups], np.intp)


def _placed(
    counts: NDArray[np.float64], wanted: NDArray[np.float64], order: NDArray[np.int64]
) -> tuple[float, NDArray[np.intp]]:
    """Return how far parts are from what is wanted, ``(parts, classes)``, and the part of each group."""
    held, place = np.zeros_like(wanted), np.zeros(len(counts), np.intp)
    scale = np.where(wanted > 0, wanted, np.inf)
    for done, group in enumerate(order):
        change = (((held + counts[group] - wanted) ** 2 - (held - wanted) ** 2) / scale).sum(axis=1)
        empty = held.sum(axis=1) == 0
        if empty.sum() == len(counts) - done:
            change[~empty] = np.inf
        place[group] = np.argmin(change)
        held[place[group]] += counts[group]
    return float(((held - wanted) ** 2 / scale).sum()), place


def _group_folds(
    groups: NDArray[np.intp], codes: Any, names: Sequence[str], n: int, validation: float, seed: int
) -> Iterator[Split]:
    fold = _whole_groups(groups, codes, [1 / n] * n, seed)
    for number in range(n):
        rest, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        of_rest = None if codes is None else codes[rest]
        among = np.unique(groups[rest], return_inverse=True)[1]
        held_out = _whole_groups(among, of_rest, [1 - validation, validation], seed) == 1
        _check_classes(rest[~held_out], codes, names)
        yield Split(rest[~held_out], rest[held_out], test, seed)


def _check_classes(train: NDArray[np.intp], codes: Any, names: Sequence[str]) -> None:
    """Raise unless every class has a cell in the training part."""
    absent = [] if codes is None else sorted({*codes.tolist()} - {*codes[train].tolist()})
    if absent:
        raise DataError(
            f"All cells of the label {names[absent[0]]} fell outside the training part, with their groups.\n"
            "Take another seed or a larger training part; each label needs several groups."
        )


def _check_counts(names: Sequence[str], codes: Any, least: int, purpose: str) -> None:
    counts = np.bincount(codes, minlength=len(names))
    few = [(name, int(n)) for name, n in zip(names, counts, strict=True) if 0 < n < least]
    if few:
        listed = ", ".join(f"{name} ({counted(n, 'cell')})" for name, n in few[:5])
        more = f" and {len(few) - 5} more" if len(few) > 5 else ""
        raise DataError(
            f"{len(few)} of {counted(len(names), 'label')} have too few cells for {purpose}, which needs {least} of "
            f"each: {listed}{more}.\n"
            "Leave their cells out, for example adata[adata.obs[label] != name], or merge them with another label"
            + remedy("; or pass {stratify}.", ".", stratify=False)
        )


def _take(
    cells: Any, size: int, codes: Any, names: Sequence[str], seed: int, part: str
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the cells that stay and the ``size`` cells taken out of them."""
    from sklearn.model_selection import train_test_split

    if size == 0:
        return cells, np.array([], dtype=np.intp)
    strata = None if codes is None else codes[cells]
    n_classes = 1 if strata is None else len(set(strata.tolist()))
    if strata is not None:
        _check_counts(names, strata, 2, f"drawing a {part} part")
    if min(size, len(cells) - size) < n_classes:
        raise DataError(
            f"A {part} part of {size:,} of {counted(len(cells), 'cell')} cannot hold, and leave, "
            f"{counted(n_classes, 'label')}.\n"
            + remedy(
                "Change its fraction, leave it out (0), or pass {stratify}.",
                "Change its fraction, or leave it out (0).",
                stratify=False,
            )
        )
    rest, taken = train_test_split(cells, test_size=size, random_state=seed, stratify=strata)
    absent = set() if strata is None else set(strata.tolist()) - set(codes[rest].tolist())
    if absent:
        code = min(absent)
        raise DataError(
            f"All cells of the label {names[code]} fell into the {part} part.\n"
            + remedy("Use a larger training part, or pass {stratify}.", "Use a larger training part.", stratify=False)
        )
    return rest, taken


def labels_at(labels: Labels | Targets, chosen: NDArray[np.intp], n_cells: int) -> Labels | Targets:
    """Return the labels at some positions, of data with so many cells; the classes stay the same."""
    values = "values" if hasattr(labels, "values") else "codes"
    parts = {values: getattr(labels, values)[chosen], "cells": labels.cells[chosen]}
    return replace(labels, **parts, n_missing=n_cells - len(chosen))
