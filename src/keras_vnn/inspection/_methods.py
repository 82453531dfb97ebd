"""The methods of importance by name, and what each is.

To add a method, write a function from a `LayerView` to blocks of contributions in a module of its own and name it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from keras_vnn.basics.errors import ConfigError, did_you_mean
from keras_vnn.inspection._conductance import conductance, conductance_zero
from keras_vnn.inspection._epsilon import epsilon
from keras_vnn.inspection._gradient import (
    gradient,
    gradient_zero,
    integrated_gradients,
    integrated_gradients_zero,
)
from keras_vnn.inspection._knockout import knockout, knockout_zero
from keras_vnn.inspection._layer_view import Block, LayerView

__all__ = ["IMPORTANCE_METHODS", "ImportanceMethod", "check_method"]


@dataclass(frozen=True, slots=True)
class ImportanceMethod:
    """A way to measure what nodes do to the outputs.

    Attributes
    ----------
    words
        What a contribution is.
    unit
        What it is counted in.
    contributions
        From a recorded network to contributions of nodes, cell by cell; ``None`` where the method has none.
    is_slope
        Whether contributions are slopes that are averaged over all cells, with their signs, before they are judged.
    """

    words: str
    unit: str
    contributions: Callable[[LayerView], Iterator[Block]] | None
    is_slope: bool = False


IMPORTANCE_METHODS: Mapping[str, ImportanceMethod] = MappingProxyType(
    {
        "knockout": ImportanceMethod("output lost when the node is held at its mean", "score", knockout),
        "knockout-zero": ImportanceMethod("output lost when the node is held at zero", "score", knockout_zero),
        "gradient": ImportanceMethod("gradient × (activity − mean)", "score", gradient),
        "gradient-zero": ImportanceMethod("gradient × activity", "score", gradient_zero),
        "integrated-gradients": ImportanceMethod(
            "integrated gradients of the layer, from its mean", "score", integrated_gradients
        ),
        "integrated-gradients-zero": ImportanceMethod(
            "integrated gradients of the layer, from zero", "score", integrated_gradients_zero
        ),
        "conductance": ImportanceMethod("conductance, genes from their means", "score", conductance),
        "conductance-zero": ImportanceMethod("conductance, genes from zero", "score", conductance_zero),
        "epsilon": ImportanceMethod(
            "[ŷ(n + ε) − ŷ(n − ε)] / 2ε, ε = 0.001", "prediction per unit of activity", epsilon, is_slope=True
        ),
        "rlipp": ImportanceMethod("ρ of the node less ρ of its children", "Spearman's ρ", None),
    }
)


def check_method(method: str, *, per_cell: bool = False) -> None:
    """Raise a `ConfigError` unless there is such a method, with contributions of cells where these are wanted."""
    known = [name for name, found in IMPORTANCE_METHODS.items() if not per_cell or found.contributions is not None]
    if method not in known:
        if method in IMPORTANCE_METHODS:
            raise ConfigError(f"The method {method} has no contributions of single cells.\nTake {', '.join(known)}.")
        hint = did_you_mean(str(method), known)
        raise ConfigError(f"method must be one of {', '.join(known)}; got {method!r}. {hint}".rstrip())
