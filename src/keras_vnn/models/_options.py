"""`ModelOptions`: every choice of a model that its architecture does not make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import keras

from keras_vnn.errors import ModelError, did_you_mean
from keras_vnn.models._initial import kernel_initializer

__all__ = ["CHOICES", "ModelOptions", "changed", "check_activation"]

CHOICES: Mapping[str, tuple[str, ...]] = {
    "batch_normalization": ("none", "before", "after"),
    "head": ("linear", "linear-tanh-linear"),
    "auxiliary_heads": ("none", "linear", "linear-tanh", "linear-tanh-linear"),
    "aux_reads": ("before", "after"),
    "aux_reduction": ("sum", "mean"),
    "dropout_of": ("outputs", "inputs", "nodes"),
    "loss": ("auto", "mean_squared_error", "sparse_categorical_crossentropy", "binary_crossentropy", "concordance"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """The choices of a model. Those of the feed-forward family are the defaults.

    Attributes
    ----------
    activation
        Of the named nodes, the genes' own layer and the side branch.
    dense_activation
        Of the dense units beside the nodes.
    tail
        Units of the dense layers between the last layer and the head.
    tail_activation
        Of those.
    batch_normalization
        ``before`` or ``after`` the activation, of every hidden unit; or ``none``.
    batch_momentum, batch_epsilon
        Of batch normalisation, as Keras counts them: PyTorch's momentum of 0.1 is 0.9 here.
    dropout
        Share of the units dropped in training, 0 to below 1: one rate, or a rate per layer from ``dropout_from`` on,
        the last of which holds for all layers that follow.
    dropout_from
        The first layer with dropout; 0 is the genes.
    dropout_of
        ``outputs``: units of each layer. ``inputs``: what each layer reads, of earlier layers and genes. ``nodes``:
        whole nodes, by the rule of KPNN: a node is never dropped that is the only one its parent reads, at most with
        0.1 or 0.3 where the parent reads two or three.
    l2
        Weight of the squared weights in the loss, for every hidden layer.
    kernel_initializer
        Of every layer, by Keras's names; scaled by the real fan-in and fan-out in sparse ones. ``linear_uniform`` is
        that of PyTorch's ``Linear``: uniform within ``1 / sqrt(fan_in)``.
    initial_scale
        Factor of all initial weights; it needs an initializer that scales by fan-in or fan-out.
    initial_gamma
        Initial scale of batch normalisation.
    kernel
        How sparse products are computed; see `keras_vnn.layers.SparselyConnected`.
    head
        ``linear``, or ``linear-tanh-linear``: one unit per output, tanh, and a linear step after it.
    loss
        ``auto`` is cross-entropy for classes and the mean squared error for numbers; ``binary_crossentropy`` is for
        numbers that are 0 or 1; ``concordance`` is ``1 - CCC``.
    auxiliary_heads
        The form of a head of each node, which predicts as the whole model does; or ``none``. ``linear-tanh`` does
        for numbers between -1 and 1 only, not for classes and not for numbers that are 0 or 1.
    aux_reads
        Whether they read their node's units ``before`` or ``after`` batch normalisation.
    aux_root
        Whether nodes that the head of the model reads have an auxiliary head too.
    aux_weight
        Weight of the loss of each auxiliary head.
    aux_reduction
        ``sum`` of the losses of the heads, or their ``mean``, times ``aux_weight``.
    level_heads
        A dense head on every layer (that of the genes too where it is one of its own); the prediction is their mean.
    level_weights
        Weight of the loss of each of them, from the genes up; 1 for all if empty.
    gene_features
        Names of the numbers per gene when there are several; the model then reads ``(cells, genes, features)``, and a
        unit per gene with its own weights joins them.
    annotation_units
        A linear unit with a weight and a bias of its own for every pair of a gene and a node that reads it, as DrugCell
        has.
    side_features
        Width of a second input, e.g. 2048 of a drug's fingerprint; 0 for none.
    side_layers
        Units of the dense layers behind it; the last is joined to what the tail or the head reads.
    """

    activation: str = "tanh"
    dense_activation: str = "linear"
    tail: tuple[int, ...] = ()
    tail_activation: str = "tanh"
    batch_normalization: str = "none"
    batch_momentum: float = 0.9
    batch_epsilon: float = 1e-5
    dropout: float | tuple[float, ...] = 0.0
    dropout_from: int = 1
    dropout_of: str = "outputs"
    l2: float = 0.0
    kernel_initializer: str = "glorot_uniform"
    initial_scale: float = 1.0
    initial_gamma: float = 1.0
    kernel: str = "auto"
    head: str = "linear"
    loss: str = "auto"
    auxiliary_heads: str = "none"
    aux_reads: str = "after"
    aux_root: bool = True
    aux_weight: float = 0.3
    aux_reduction: str = "sum"
    level_heads: bool = False
    level_weights: tuple[float, ...] = ()
    gene_features: tuple[str, ...] = ()
    annotation_units: bool = False
    side_features: int = 0
    side_layers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check names, ranges, and what excludes what.

        Raises
        ------
        ModelError
            A name is unknown, a number is out of range, or two choices exclude each other.
        """
        for name in ("tail", "level_weights", "side_layers"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        features = (self.gene_features,) if isinstance(self.gene_features, str) else tuple(self.gene_features)
        object.__setattr__(self, "gene_features", features)
        if not isinstance(self.dropout, int | float):
            object.__setattr__(self, "dropout", tuple(self.dropout))
        for name, known in CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                hint = did_you_mean(str(value), known)
                raise ModelError(f"{name} must be one of {', '.join(known)}; got {value!r}. {hint}".rstrip())
        for name in ("activation", "dense_activation", "tail_activation"):
            check_activation(name, getattr(self, name))
        for rate in self.dropout_rates:
            if not 0 <= rate < 1:
                raise ModelError(f"dropout must be at least 0 and below 1, got {rate}.")
        for name in ("l2", "aux_weight", "dropout_from", "side_features", "batch_epsilon"):
            if getattr(self, name) < 0:
                raise ModelError(f"{name} must not be negative, got {getattr(self, name)}.")
        if not 0 <= self.batch_momentum < 1:
            raise ModelError(f"batch_momentum must be at least 0 and below 1, got {self.batch_momentum}.")
        for name in ("tail", "side_layers"):
            if any(units < 1 for units in getattr(self, name)):
                raise ModelError(f"{name} must name at least one unit per layer, got {list(getattr(self, name))}.")
        if any(weight < 0 for weight in self.level_weights):
            raise ModelError(f"level_weights must not be negative, got {list(self.level_weights)}.")
        if not self.initial_scale > 0:
            raise ModelError(f"initial_scale must be above 0, got {self.initial_scale}.")
        kernel_initializer(self)
        if len(set(features)) < len(features) or len(features) == 1:
            raise ModelError(f"gene_features needs two or more different names, got {list(features)}.")
        self._check_combinations()

    def _check_combinations(self) -> None:
        if bool(self.side_features) != bool(self.side_layers):
            raise ModelError("A side branch needs both side_features and side_layers, e.g. 2048 and (100, 50, 6).")
        if self.level_heads and self.auxiliary_heads != "none":
            raise ModelError("level_heads and auxiliary_heads exclude each other: choose a head per layer or per node.")
        if self.level_weights and not self.level_heads:
            raise ModelError("level_weights are for level_heads=True.")
        if self.level_heads and (self.tail or self.side_features or self.head != "linear"):
            raise ModelError("level_heads goes with neither a tail, a side branch nor another form of head.")

    @property
    def dropout_rates(self) -> tuple[float, ...]:
        """The rates, of ``dropout_from`` and the layers after it."""
        return self.dropout if isinstance(self.dropout, tuple) else (self.dropout,)

    def dropout_rate(self, number: int) -> float:
        """Return the rate of a layer."""
        place = number - self.dropout_from
        rates = self.dropout_rates
        return 0.0 if place < 0 or not rates else rates[min(place, len(rates) - 1)]


# Functions of Keras that are no activations, or not of a single unit without further arguments.
_NO_ACTIVATIONS = ("deserialize", "get", "glu", "serialize", "threshold")


def check_activation(name: str, value: str) -> None:
    """Raise a `ModelError` unless Keras knows an activation, and it gives as many units as it takes."""
    known = [each for each in dir(keras.activations) if each.islower() and not each.startswith("_")]
    known = [each for each in known if each not in _NO_ACTIVATIONS]
    try:
        keras.activations.get(value)
    except ValueError:
        problem = "a name that Keras knows"
    else:
        if value not in _NO_ACTIVATIONS:
            return
        problem = "one that takes each unit to one, without further arguments"
    hint = did_you_mean(str(value), known) or f"Known: {', '.join(known)}."
    raise ModelError(f"{name} must be {problem}, got {value!r}. {hint}")


def changed(start: ModelOptions, changes: Mapping[str, Any]) -> ModelOptions:
    """Return options with some changed.

    Raises
    ------
    ModelError
        An option is unknown, or a value is out of range.
    """
    known = [field.name for field in fields(ModelOptions)]
    for name in changes:
        if name not in known:
            hint = did_you_mean(name, known) or f"Known: {', '.join(known)}."
            raise ModelError(f"Unknown option {name!r}. {hint}")
    return ModelOptions(**{**{name: getattr(start, name) for name in known}, **changes})
