"""How many units a term gets: one number for all, or a formula of its genes.

In: the number of genes of each term, descendants' included. Out: the number of units of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_vnn.basics.errors import ConfigError, check_choice, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["UNIT_FORMULAS", "UnitFormula", "units_of", "units_to_json"]


@dataclass(frozen=True, slots=True)
class UnitFormula:
    """Units of a term as a share of its genes, but never fewer than some number.

    Attributes
    ----------
    at_least
        The smallest number of units.
    per_gene
        Units for each gene of the term or of one below it.
    rounding
        ``up`` or ``down``.

    Examples
    --------
    >>> [UnitFormula(20, 0.3, "up")(genes) for genes in (10, 70, 71)]
    [20, 21, 22]
    """

    at_least: int
    per_gene: float
    rounding: str = "up"

    def __post_init__(self) -> None:
        """Check the fields.

        Raises
        ------
        ConfigError
            A number is not positive, or the rounding is unknown.
        """
        if self.at_least < 1 or not 0 <= self.per_gene < float("inf"):
            raise ConfigError(
                f"A unit formula needs at_least ≥ 1 and per_gene ≥ 0, got {self.at_least!r} and {self.per_gene!r}."
            )
        check_choice("rounding", self.rounding, ("up", "down"))

    def __call__(self, genes: int) -> int:
        """Return the number of units of a term with so many genes."""
        # 0.3 as it is written, not as the nearest binary number: 0.3 × 110 is 33, whose ceiling is 33.
        share = Fraction(str(self.per_gene)) * genes
        return max(self.at_least, -(-share // 1) if self.rounding == "up" else share // 1)


UNIT_FORMULAS: Mapping[str, UnitFormula] = MappingProxyType(
    {"dcell-paper": UnitFormula(20, 0.3, "up"), "dcell-code": UnitFormula(10, 0.2, "down")}
)


def units_of(rule: int | str | Callable[[int], int], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of units of terms with these numbers of genes.

    Raises
    ------
    ConfigError
        The rule is not a number, the name of a formula or a function, or gives less than one unit.
    """
    if isinstance(rule, str):
        if rule not in UNIT_FORMULAS:
            hint = did_you_mean(rule, list(UNIT_FORMULAS))
            raise ConfigError(
                f"units must be a number, a function of the number of genes, or one of {', '.join(UNIT_FORMULAS)}; "
                f"got {rule!r}. {hint}".rstrip()
            )
        rule = UNIT_FORMULAS[rule]
    if not callable(rule):
        if isinstance(rule, bool) or not isinstance(rule, int | np.integer) or rule < 1:
            raise ConfigError(f"units must be an integer of at least 1, got {rule!r}.")
        return np.full(len(sizes), int(rule), np.int64)
    by_size = {int(size): rule(int(size)) for size in np.unique(sizes)}
    for size, units in by_size.items():
        if isinstance(units, bool) or not isinstance(units, int | np.integer) or units < 1:
            raise ConfigError(f"units gives {units!r} for a term of {size} genes, expected an integer of at least 1.")
    return np.array([by_size[int(size)] for size in sizes], np.int64)


def units_to_json(rule: int | str | Callable[[int], int]) -> Any:
    """Return the rule as a JSON value, for the record."""
    if isinstance(rule, UnitFormula):
        return asdict(rule)
    if callable(rule):
        return f"function {getattr(rule, '__qualname__', repr(type(rule)))}"
    return rule if isinstance(rule, str) else int(rule)
