"""`ModelOptions`: every choice of a model that its architecture does not make, and the published presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from keras_vnn.errors import ModelError, did_you_mean

__all__ = ["MODEL_PRESETS", "ModelOptions", "model_options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """The choices of a model.

    Attributes
    ----------
    activation
        Of the named nodes.
    dense_activation
        Of the dense units beside them.
    tail
        Units of the dense layers between the last layer and the head.
    tail_activation
        Of those.
    dropout
        Share of the units of each hidden layer dropped in training, 0 to below 1.
    l2
        Weight of the squared weights in the loss, for every hidden layer.
    kernel_initializer
        Of every layer; scaled by the real fan-in and fan-out in sparse ones.
    kernel
        How sparse products are computed; see `keras_vnn.layers.SparselyConnected`.
    """

    activation: str = "tanh"
    dense_activation: str = "linear"
    tail: tuple[int, ...] = ()
    tail_activation: str = "tanh"
    dropout: float = 0.0
    l2: float = 0.0
    kernel_initializer: str = "glorot_uniform"
    kernel: str = "auto"

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises
        ------
        ModelError
            A number is out of range.
        """
        if not 0 <= self.dropout < 1:
            raise ModelError(f"dropout must be at least 0 and below 1, got {self.dropout}.")
        if self.l2 < 0:
            raise ModelError(f"l2 must not be negative, got {self.l2}.")
        object.__setattr__(self, "tail", tuple(self.tail))
        if any(units < 1 for units in self.tail):
            raise ModelError(f"tail must name at least one unit per layer, got {list(self.tail)}.")


# Lin et al. 2017: tanh on sparse nodes and tail, the 100 dense units linear (MODELS: released code).
MODEL_PRESETS: Mapping[str, ModelOptions] = MappingProxyType(
    {
        "lin2017": ModelOptions(),
        "lin2017-two-layer": ModelOptions(tail=(100,)),
    }
)


def model_options(preset: str | None, changes: Mapping[str, Any]) -> ModelOptions:
    """Return the options of a preset (or the defaults) with some changed.

    Raises
    ------
    ModelError
        The preset or an option is unknown, or a value is out of range.
    """
    if preset is not None and preset not in MODEL_PRESETS:
        known = list(MODEL_PRESETS)
        raise ModelError(
            f"preset must be one of {', '.join(known)}; got {preset!r}. {did_you_mean(preset, known)}".rstrip()
        )
    known = [field.name for field in fields(ModelOptions)]
    for name in changes:
        if name not in known:
            raise ModelError(
                f"Unknown option {name!r}; expected some of {', '.join(known)}. {did_you_mean(name, known)}".rstrip()
            )
    start = ModelOptions() if preset is None else MODEL_PRESETS[preset]
    return ModelOptions(**{**{name: getattr(start, name) for name in known}, **changes})
