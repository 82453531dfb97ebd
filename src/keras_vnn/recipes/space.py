"""What a search for hyper-parameters may choose from: ranges of numbers and lists of choices.

In: what YAML gives. Out: frozen, checked `Range` and `Choices`. Knows nothing of recipes and of how is searched.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import Any

from keras_vnn.basics.errors import ConfigError, did_you_mean

# YAML takes 1e-4 for a text; 1.0e-4 would be a number.
_EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Numbers between two.

    Attributes
    ----------
    low, high
        The least and the largest; whole numbers if both are written as such, and the step too.
    step
        Distance of the numbers to choose from, counted from ``low``.
    log
        Whether small numbers are tried as closely as large ones are coarsely.

    Examples
    --------
    >>> Range(low=5, high=20, step=5).values
    (5, 10, 15, 20)
    >>> Range(low=0.1, high=1.0, log=True).values is None
    True
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises
        ------
        ConfigError
            They are not a range.
        """
        for name in ("low", "high", "step"):
            value = getattr(self, name)
            if value is None and name == "step":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ConfigError(f"{name} must be a number, got {value!r}")
        if not isinstance(self.log, bool):
            raise ConfigError(f"log must be true or false, got {self.log!r}")
        if not self.low < self.high:
            raise ConfigError(f"low must be below high, got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ConfigError(f"low must be above 0 where log is true, got {self.low}")
        if self.step is None:
            return
        if self.log:
            raise ConfigError("step and log exclude each other")
        steps = (self.high - self.low) / self.step if self.step > 0 else -1.0
        if steps < 1 or abs(steps - round(steps)) > 1e-8:
            raise ConfigError(f"step must lead from low to high, got {self.step} from {self.low} to {self.high}")

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return all(isinstance(value, int) for value in (self.low, self.high, self.step or 1))

    @property
    def values(self) -> tuple[Any, ...] | None:
        """All there is to choose from; ``None`` if that has no end."""
        step = self.step or (1 if self.is_whole else None)
        if step is None:
            return None
        return tuple(
            self.settled(self.low + number * step) for number in range(round((self.high - self.low) / step) + 1)
        )

    def holds(self, value: Any) -> bool:
        """Return whether a value may be chosen."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and (self.low <= value <= self.high if self.values is None else value in self.values)

    @property
    def examples(self) -> tuple[Any, ...]:
        """The ends, and a number between them that is not whole unless all are."""
        between = self.values[1] if self.values else self.settled(self.low + 0.382 * (self.high - self.low))
        return (self.low, self.high, between)

    def settled(self, value: float) -> float:
        """Return a number as it is tried and written down: of four digits, if any will do."""
        if self.is_whole:
            return int(value)
        digits = 12 if self.step else 4
        return min(max(float(f"{value:.{digits}g}"), float(self.low)), float(self.high))

    def to_json(self) -> dict[str, Any]:
        """Return the range as plain JSON values."""
        found: dict[str, Any] = {"low": self.low, "high": self.high}
        return found | ({} if self.step is None else {"step": self.step}) | ({"log": True} if self.log else {})


@dataclass(frozen=True, slots=True)
class Choices:
    """Values to choose from; any that YAML can say.

    Attributes
    ----------
    values
        Two or more.
    """

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        """Check that there is a choice.

        Raises
        ------
        ConfigError
            There are fewer than two values, or one is a duplicate.
        """
        if len(self.values) < 2:
            raise ConfigError(f"there must be two values or more to choose from, got {list(self.values)!r}")
        texts = [json.dumps(value, default=str) for value in self.values]
        twice = [value for value, text in zip(self.values, texts, strict=True) if texts.count(text) > 1]
        if twice:
            raise ConfigError(f"the value {twice[0]!r} is a duplicate")

    def holds(self, value: Any) -> bool:
        """Return whether a value may be chosen."""
        return value in self.values

    @property
    def examples(self) -> tuple[Any, ...]:
        """All values."""
        return self.values

    def to_json(self) -> list[Any]:
        """Return the values as plain JSON values."""
        return list(self.values)


Setting = Range | Choices


def setting_of(value: Any) -> Setting:
    """Return what a recipe says of one field as a range or a list of choices.

    Parameters
    ----------
    value
        A mapping with ``low``, ``high`` and, where wanted, ``step`` or ``log``; or a list.

    Raises
    ------
    ConfigError
        It is neither, or does not make sense.

    Examples
    --------
    >>> setting_of({"low": "1e-4", "high": 0.01, "log": True})
    Range(low=0.0001, high=0.01, step=None, log=True)
    >>> setting_of([0, 0.2, 0.5])
    Choices(values=(0, 0.2, 0.5))
    """
    if isinstance(value, Range | Choices):
        return value
    if isinstance(value, Mapping):
        known = [field.name for field in fields(Range)]
        for name in value:
            if name not in known:
                hint = did_you_mean(str(name), known) or f"Known: {', '.join(known)}"
                raise ConfigError(f"a range has no {name!r}. {hint}")
        absent = [name for name in ("low", "high") if name not in value]
        if absent:
            raise ConfigError(f"a range needs low and high, {' and '.join(absent)} is not there")
        return Range(**{name: _number(part) for name, part in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Choices(tuple(_number(part) for part in value))
    raise ConfigError(f"expected a range, {{low: 1, high: 9}}, or choices, [1, 3, 9]; got {value!r}")


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and _EXPONENT.fullmatch(value) else value


def grid(space: Mapping[str, Setting]) -> Iterator[dict[str, Any]] | None:
    """Return all there is to try, in the order of the fields; ``None`` if that has no end.

    Examples
    --------
    >>> list(grid({"units": Range(low=1, high=2), "l2": Choices((0, 0.1))}) or ())
    [{'units': 1, 'l2': 0}, {'units': 1, 'l2': 0.1}, {'units': 2, 'l2': 0}, {'units': 2, 'l2': 0.1}]
    """
    lists = [setting.values for setting in space.values()]
    if any(values is None for values in lists):
        return None
    return (dict(zip(space, chosen, strict=True)) for chosen in product(*(values or () for values in lists)))
