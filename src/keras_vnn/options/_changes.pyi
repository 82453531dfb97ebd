"""Options by name, for type checkers. Written by tools/option_types.py from the options themselves."""

from collections.abc import Callable, Sequence
from typing import Literal, TypedDict

class InteractionChanges(TypedDict, total=False):
    """Any of the fields of `InteractionOptions`."""

    min_genes: int
    max_genes: int | None
    dense_units: int
    units: int
    redundancy: Literal["same genes", "none"]
    grouping: Literal["edge", "neighbourhood", "clique", "community"]
    min_targets: int
    max_targets: int | None
    include_regulator: bool
    community_size: int
    resolution: float
    seed: int

class GeneSetChanges(TypedDict, total=False):
    """Any of the fields of `GeneSetOptions`."""

    min_genes: int
    max_genes: int | None
    dense_units: int
    units: int
    redundancy: Literal["same genes", "none"]

class HierarchyChanges(TypedDict, total=False):
    """Any of the fields of `HierarchyOptions`."""

    root: Literal["one"] | None
    layering: Literal["height", "depth", "level", "flat"]
    skip_edges: Literal["keep", "passthrough", "drop"]
    term_genes: Literal["direct", "specific", "all"]
    unannotated: Literal["unconnected", "node", "dense"]
    dense_units: int
    units: int | Literal["dcell-paper", "dcell-code"] | Callable[[int], int]

class OntologyChanges(TypedDict, total=False):
    """Any of the fields of `OntologyOptions`."""

    root: Literal["one"] | None
    layering: Literal["height", "depth", "level", "flat"]
    skip_edges: Literal["keep", "passthrough", "drop"]
    term_genes: Literal["direct", "specific", "all"]
    unannotated: Literal["unconnected", "node", "dense"]
    dense_units: int
    units: int | Literal["dcell-paper", "dcell-code"] | Callable[[int], int]
    namespace: str | Sequence[str]
    relations: str | Sequence[str]
    terms: Sequence[str] | None
    obsolete: Literal["replace", "drop"]
    not_rule: Literal["pair", "branch"]
    min_genes: int
    max_genes: int | None
    min_new_genes: int
    redundancy: Literal["same genes", "none"] | float | None
    window: tuple[int, int] | None

class ModelChanges(TypedDict, total=False):
    """Any of the fields of `ModelOptions`."""

    activation: str
    dense_activation: str
    tail: int | Sequence[int]
    tail_activation: str
    batch_normalization: Literal["none", "before", "after"]
    batch_momentum: float
    batch_epsilon: float
    dropout: float | Sequence[float]
    dropout_from: int
    dropout_of: Literal["outputs", "inputs", "nodes"]
    l2: float
    kernel_initializer: str
    initial_scale: float
    initial_gamma: float
    anchor: Literal["none", "mean"]
    anchor_pull: float
    non_negative: bool
    signs: Literal["ignore", "respect", "prefer"]
    sign_penalty: float
    soft_links: Literal["none", "near", "all"]
    soft_link_penalty: float
    soft_links_per_node: int
    soft_link_nodes: str | Sequence[str]
    decoy_edges: bool
    kernel: str
    head: Literal["linear", "linear-tanh-linear"]
    reads: Literal["last", "all"]
    loss: Literal["auto", "mean_squared_error", "sparse_categorical_crossentropy", "binary_crossentropy", "concordance"]
    auxiliary_heads: Literal["none", "linear", "linear-tanh", "linear-tanh-linear"]
    aux_reads: Literal["before", "after"]
    aux_root: bool
    aux_weight: float
    aux_reduction: Literal["sum", "mean"]
    level_heads: bool
    level_weights: Sequence[float]
    gene_features: str | Sequence[str]
    annotation_units: bool
    side_features: int
    side_layers: int | Sequence[int]

class AutoencoderChanges(TypedDict, total=False):
    """Any of the fields of `AutoencoderOptions`."""

    encoder: int | Literal["latent"] | Sequence[int | Literal["latent"]]
    activation: str
    batch_normalization: bool
    batch_momentum: float
    batch_epsilon: float
    layer_normalization: bool
    dropout: float
    latent_dropout: float
    beta: float
    reconstruction: Literal["normal", "nb", "zinb"]
    dispersion: Literal["gene", "covariates"]
    side_features: int
    adversary: float
    non_negative: bool
    l1: float
    kernel_initializer: str
    initial_scale: float
    kernel: str

class TrainingChanges(TypedDict, total=False):
    """Any of the fields of `TrainingOptions`."""

    normalization: Literal["none", "log1p", "log1p-cpm", "lin2017", "zscore", "centered"]
    optimizer: Literal["adam", "adamw", "sgd"]
    learning_rate: float
    decay: float
    schedule: Literal["constant", "cosine", "exponential"]
    warmup: float
    clip_norm: float
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    momentum: float
    nesterov: bool
    weight_decay: float
    beta_1: float
    beta_2: float
    epsilon: float | None
    batch_size: int | None
    epochs: int
    patience: int
    class_weights: Literal["none", "balanced"]
    seed: int

class PredictorChanges(TrainingChanges, ModelChanges, total=False):
    """Any of the fields of `TrainingOptions` and `ModelOptions`."""

class RestorerChanges(TrainingChanges, AutoencoderChanges, total=False):
    """Any of the fields of `TrainingOptions` and `AutoencoderOptions`."""
