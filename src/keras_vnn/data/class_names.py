"""The classes a classifier tells apart: ordered names, kept with the model.

In: labels of any type. Out: `Classes`, which turn names into codes and back.
Knows nothing of tables or cells.
"""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_vnn.basics.errors import DataError, did_you_mean, sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from keras_vnn.data.labels import Labels

__all__ = ["Classes", "classes", "classes_of", "plain_values"]


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
        return f"{len(self)} classes: {', '.join(self.names[:5])}{' …' if len(self) > 5 else ''}"

    def encode(self, labels: ArrayLike | Labels) -> NDArray[np.int32]:
        """Return the code of each label, int32 ``(cells,)``.

        Raises
        ------
        DataError
            A label is missing or is none of the classes.
        """
        import numpy as np

        code = {name: i for i, name in enumerate(self.names)}
        texts = [None if missing else _text(v) for v, missing in zip(*plain_values(labels), strict=True)]
        if None in texts:
            raise DataError(f"{texts.count(None):,} of {len(texts):,} labels are missing.")
        unknown = [str(text) for text in texts if text not in code]
        if unknown:
            hint = did_you_mean(unknown[0], self.names)
            raise DataError(
                f"{len(unknown):,} of {len(texts):,} labels are not a class of the model: {sample(set(unknown))}.\n"
                f"The classes are: {', '.join(self.names[:20])}{' …' if len(self) > 20 else '.'}"
                f"{hint and f'{chr(10)}{hint}'}"
            )
        return np.array([code[str(text)] for text in texts], dtype=np.int32)

    def decode(self, codes: ArrayLike) -> NDArray[np.object_]:
        """Return the names of codes, in their shape.

        Raises
        ------
        DataError
            A code is not an integer from 0 to the number of classes less one.
        """
        import numpy as np

        given = np.asarray(codes)
        if given.size and (given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= len(self)):
            raise DataError(
                f"Codes of {len(self)} classes are integers from 0 to {len(self) - 1}, got {_shown(given)}."
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
        raise DataError(f"{sum(missing):,} of {len(values):,} labels are missing.")
    return classes_of(labels, values, "labels")


def plain_values(labels: Any) -> tuple[list[Any], list[bool]]:
    """Return plain values and which of them are missing (null, or an empty text)."""
    import pandas as pd

    if isinstance(getattr(labels, "classes", None), Classes):
        return labels.names.tolist(), [False] * len(labels)
    values = list(labels)
    return values, [bool(pd.isna(v)) or (isinstance(v, str | bytes) and not v.strip()) for v in values]


def classes_of(labels: Any, values: Sequence[Any], what: str) -> Classes:
    """Return the classes of values that are not missing, in the order `classes` promises."""
    import pandas as pd

    dtype = getattr(labels, "dtype", None)
    if isinstance(dtype, pd.CategoricalDtype):
        occurring = set(values)
        ordered = [category for category in dtype.categories if category in occurring]
    else:
        ordered = list(dict.fromkeys(values))
        fractions = [v for v in ordered if _is_number(v) and v % 1 != 0]
        if fractions:
            raise DataError(
                f"The {what} are fractions such as {fractions[0]:g}, {len(ordered):,} different ones.\n"
                "Numbers are predicted by regression: targets_of(data, column)."
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
            f"{len(alike)} of {len(names):,} classes of the {what} differ in blanks only: {', '.join(alike)}.\n"
            "Make them alike, in pandas: labels.str.split().str.join(' ')"
        )
    if len(names) < 2:
        raise DataError(f"The {what} name one class only, {', '.join(names)}: there is nothing to tell apart.")
    return Classes(names)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real)


def _text(value: Any) -> str:
    """Return the name of a label; ``1.0`` is ``1``, and bytes, as HDF5 gives them, are text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(int(value)) if _is_number(value) and not _is_bool(value) and value % 1 == 0 else str(value)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")


def _natural(text: str) -> tuple[list[tuple[int, int, str]], str]:
    """Return a key that sorts ``c2`` before ``c10`` and ignores case before it looks at it."""
    parts = re.findall(r"\d+|\D+", text.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], text


def _shown(array: Any) -> str:
    return f"{array.dtype} from {array.min()} to {array.max()}"
