"""What a model is like, beyond its architecture: models that predict, and autoencoders."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from keras_vnn.basics.errors import ModelError
from keras_vnn.basics.remedies import option_named, remedy
from keras_vnn.options._base import NonNegative, Options, Positive, Rate, Real, Whole, as_tuple, only_with

LINEAR_UNIFORM = "linear_uniform"
LATENT = "latent"

Widths = Annotated[tuple[Positive, ...], as_tuple]

_INITIALIZER = (
    "Initializer of every layer, by Keras's names, scaled by the real fan-in and fan-out in sparse ones; "
    "linear_uniform is that of PyTorch's Linear, uniform within 1 / sqrt(fan-in)."
)
_KERNEL = "How sparse products are computed, see SparselyConnected."
_MOMENTUM = "Momentum of batch normalisation, as Keras defines it: PyTorch's 0.1 is 0.9 here."


class ModelOptions(Options):
    """What a model is like. Named nodes are anchored by default; presets are as published."""

    error: ClassVar[type[ModelError]] = ModelError
    what: ClassVar[str] = "model option"
    heading: ClassVar[str] = "Model"

    activation: str = Field(
        default="tanh", description="Activation of the named nodes, the genes' own layer, the side branch."
    )
    dense_activation: str = Field(default="linear", description="Activation of the dense units next to the nodes.")
    tail: Widths = Field(default=(), description="Units of the dense layers between the last layer and the head.")
    tail_activation: str = Field(default="tanh", description="Activation of the tail.")
    batch_normalization: Literal["none", "before", "after"] = Field(
        default="none", description="Batch normalisation of every hidden unit, before or after the activation."
    )
    batch_momentum: Rate = Field(default=0.9, description=_MOMENTUM)
    batch_epsilon: NonNegative = Field(default=1e-5, description="Epsilon of batch normalisation.")
    dropout: Rate | tuple[Rate, ...] = Field(
        default=0.0,
        description="Dropout rate: one, or one per layer from dropout_from on, the last for all that follow.",
    )
    dropout_from: Whole = Field(default=1, ge=0, description="First layer with dropout; 0 is the genes.")
    dropout_of: Literal["outputs", "inputs", "nodes"] = Field(
        default="outputs",
        description="What is dropped: units of a layer (outputs), what a layer reads (inputs), or whole nodes, spared "
        "where their parents have few children (KPNN).",
    )
    l2: NonNegative = Field(default=0.0, description="L2 penalty of every hidden layer.")
    kernel_initializer: str = Field(
        default="glorot_uniform", description=f"{_INITIALIZER} Named nodes start by it with anchor=none only."
    )
    initial_scale: Real = Field(default=1.0, gt=0, description="Factor of all initial weights.")
    initial_gamma: Real = Field(default=1.0, description="Initial scale of batch normalisation.")
    anchor: Literal["none", "mean"] = Field(
        default="mean",
        description="mean: each named node starts as the mean of the genes and nodes it reads, so that it is high "
        "where they are; none: at random, by the initializer.",
    )
    anchor_pull: NonNegative = Field(
        default=0.002,
        description="L2 penalty of the distance of named nodes' weights from that start, times the number of inputs; 0 "
        "for none.",
        json_schema_extra=only_with(anchor=("mean",)),
    )
    non_negative: bool = Field(default=False, description="Keep the weights of what named nodes read at 0 or above.")
    signs: Literal["ignore", "respect", "prefer"] = Field(
        default="ignore",
        description="respect: weights of genes that a regulator is known to activate stay at 0 or above, of those it "
        "represses at 0 or below; prefer: they start there, and the other sign is penalised; ignore: what is known of "
        "effects plays no part.",
    )
    sign_penalty: NonNegative = Field(
        default=0.003,
        description="L1 penalty of weights with the other sign than that of their edge, times the square root of the "
        "number of inputs.",
        json_schema_extra=only_with(signs=("prefer",)),
    )
    soft_links: Literal["none", "near", "all"] = Field(
        default="none",
        description="Edges outside the prior that training may take up, from genes to nodes: near for genes that share "
        "nodes with those of the node, all for all genes. They start at 0 and stay there unless the data ask for them.",
    )
    soft_link_penalty: NonNegative = Field(
        default=0.003,
        description="L1 penalty of these edges.",
        json_schema_extra=only_with(soft_links=("near", "all")),
    )
    soft_links_per_node: Positive = Field(
        default=50, description="How many a node has at most.", json_schema_extra=only_with(soft_links=("near",))
    )
    soft_link_nodes: Annotated[tuple[str, ...], as_tuple] = Field(
        default=(),
        description="Names of the only nodes that have some; all if empty.",
        json_schema_extra=only_with(soft_links=("near", "all")),
    )
    decoy_edges: bool = Field(
        default=False,
        description="As many edges again as nodes read genes, from genes drawn at random and treated alike: a "
        "yardstick for which edges of the prior the data need.",
    )
    kernel: str = Field(default="auto", description=_KERNEL)
    head: Literal["linear", "linear-tanh-linear"] = Field(
        default="linear", description="linear, or one unit per output, tanh, and a linear layer (linear-tanh-linear)."
    )
    reads: Literal["last", "all"] = Field(
        default="all",
        description="Which nodes the tail or the head reads: those that no other node reads (last, also where every "
        "level has a head), or all.",
    )
    loss: Literal[
        "auto", "mean_squared_error", "sparse_categorical_crossentropy", "binary_crossentropy", "concordance"
    ] = Field(
        default="auto",
        description="auto: cross-entropy for classes, mean squared error for numbers, Cox partial likelihood for "
        "survival; binary_crossentropy is for numbers that are 0 or 1; concordance is 1 - CCC.",
    )
    auxiliary_heads: Literal["none", "linear", "linear-tanh", "linear-tanh-linear"] = Field(
        default="none",
        description="Form of a head on each node, which predicts what the model does; linear-tanh only for regression.",
    )
    aux_reads: Literal["before", "after"] = Field(
        default="after", description="Auxiliary heads read their node's units before or after batch normalisation."
    )
    aux_root: bool = Field(
        default=True, description="Nodes that the head of the model reads have an auxiliary head too."
    )
    aux_weight: NonNegative = Field(default=0.3, description="Weight of the loss of each auxiliary head.")
    aux_reduction: Literal["sum", "mean"] = Field(
        default="sum", description="Sum or mean of the losses of the auxiliary heads, times aux_weight."
    )
    level_heads: bool = Field(
        default=False,
        description="A dense head on every layer, that of the genes' own too; the prediction is their mean.",
    )
    level_weights: tuple[NonNegative, ...] = Field(
        default=(), description="Weight of the loss of each of them, from the genes up; 1 for all if empty."
    )
    gene_features: Annotated[tuple[str, ...], as_tuple] = Field(
        default=(),
        description="Names of the numbers per gene when there are several; the model then reads (cells, genes, "
        "features), and a unit per gene joins them.",
    )
    annotation_units: bool = Field(
        default=False, description="A linear unit for every pair of a gene and a node that reads it (DrugCell)."
    )
    side_features: Whole = Field(
        default=0, ge=0, description="Width of a second input, e.g. 2048 of a drug's fingerprint; 0 for none."
    )
    side_layers: Widths = Field(
        default=(),
        description="Units of the dense layers behind it; the last joins what the tail or the head reads, without any "
        "the input itself.",
    )

    def check(self) -> None:
        """Check what excludes what."""
        features = self.gene_features
        if len(set(features)) < len(features) or len(features) == 1:
            raise ModelError(f"gene_features needs two or more different names, got {list(features)}.")
        if self.signs != "ignore" and self.annotation_units:
            raise ModelError(
                remedy("{signs} is for nodes that read genes themselves: leave out ", signs=self.signs)
                + f"{option_named('annotation_units')}."
            )
        if self.annotation_units and (self.soft_links != "none" or self.decoy_edges):
            raise ModelError(
                "soft_links and decoy_edges are for nodes that read genes themselves: leave out annotation_units."
            )
        if self.soft_links != "none" and self.decoy_edges:
            raise ModelError("soft_links and decoy_edges exclude each other: train a model with each.")
        if self.level_heads and self.auxiliary_heads != "none":
            raise ModelError("level_heads and auxiliary_heads exclude each other: choose a head per layer or per node.")
        if self.level_weights and not self.level_heads:
            raise ModelError(f"{option_named('level_weights')} is for {remedy('{level_heads}', level_heads=True)}.")
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


class AutoencoderOptions(Options):
    """What an autoencoder is like. The defaults are those of VEGA."""

    error: ClassVar[type[ModelError]] = ModelError
    what: ClassVar[str] = "option of an autoencoder"
    heading: ClassVar[str] = "Autoencoder"

    encoder: Annotated[tuple[Positive | Literal["latent"], ...], as_tuple] = Field(
        default=(800, 800),
        description="Units of the dense layers between the genes and the latent values; latent for as many as there "
        "are latent values.",
    )
    activation: str = Field(default="relu", description="Activation of the encoder.")
    batch_normalization: bool = Field(
        default=True, description="Normalise the units of the encoder before the activation."
    )
    batch_momentum: Rate = Field(default=0.9, description=_MOMENTUM)
    batch_epsilon: NonNegative = Field(default=1e-5, description="Epsilon of batch normalisation.")
    layer_normalization: bool = Field(
        default=False,
        description="Normalise the units of each layer of the encoder within a cell, before the activation.",
    )
    dropout: Rate = Field(default=0.5, description="Dropout rate of the encoder.")
    latent_dropout: Rate = Field(
        default=0.5, description="Dropout rate of the means and log-variances of latent values."
    )
    beta: NonNegative = Field(
        default=5e-5,
        description="Weight of the Kullback-Leibler divergence, compared with the squared error, or minus the "
        "log-likelihood, summed over genes.",
    )
    reconstruction: Literal["normal", "nb", "zinb"] = Field(
        default="normal",
        description="What the genes of a cell are taken for: normal, values restored with the least squared error; nb, "
        "counts by a negative binomial distribution around a share of the cell's library size; zinb, the same with "
        "zeros of their own.",
    )
    dispersion: Literal["gene", "covariates"] = Field(
        default="gene",
        description="Dispersion of counts: one per gene, or one that depends on the covariates of the cell too, such "
        "as its batch.",
        json_schema_extra=only_with(reconstruction=("nb", "zinb")),
    )
    side_features: Whole = Field(
        default=0,
        ge=0,
        description="Width of a second input, the covariates of a cell, which encoder and decoder read; 0 for none.",
    )
    adversary: NonNegative = Field(
        default=0.0,
        description="Weight of a dense network that guesses the covariates from the latent values, and against which "
        "the encoder learns to leave them out; compared with the loss summed over genes, 0 for none.",
    )
    non_negative: bool = Field(default=True, description="Keep the weights of the decoder at 0 or above.")
    l1: NonNegative = Field(default=0.0, description="L1 penalty of the decoder.")
    kernel_initializer: str = Field(default=LINEAR_UNIFORM, description=_INITIALIZER)
    initial_scale: Real = Field(default=0.1, gt=0, description="Factor of the initial weights of the decoder.")
    kernel: str = Field(default="auto", description=_KERNEL)

    def check(self) -> None:
        """Check what excludes what."""
        if self.batch_normalization and self.layer_normalization:
            raise ModelError("batch_normalization and layer_normalization exclude each other: switch one off.")

    @property
    def restores_counts(self) -> bool:
        """Whether genes are restored as counts."""
        return self.reconstruction != "normal"
