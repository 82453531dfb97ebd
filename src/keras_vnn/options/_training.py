"""How a model is trained: training, pretraining, and what embeddings and autoencoders add."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from keras_vnn.basics.errors import ModelError
from keras_vnn.basics.remedies import remedy
from keras_vnn.options._base import NonNegative, Options, Positive, Rate, Real, Whole, only_with

# Of Keras and of what was published.
ADAM_EPSILON = 1e-7

Optimizer = Literal["adam", "adamw", "sgd"]

_ADAM: dict[str, Any] = only_with(optimizer=("adam", "adamw"))
_SGD: dict[str, Any] = only_with(optimizer=("sgd",))


class TrainingOptions(Options):
    """How a model is trained."""

    error: ClassVar[type[ModelError]] = ModelError
    what: ClassVar[str] = "training option"
    heading: ClassVar[str] = "Training"

    normalization: Literal["none", "log1p", "log1p-cpm", "lin2017", "zscore", "centered"] = Field(
        default="centered",
        description="Normalisation of the expression, fitted on the training cells and kept with the model.",
    )
    optimizer: Optimizer = Field(default="adam", description="Optimizer of the weights.")
    learning_rate: Real = Field(default=0.1, gt=0, description="Learning rate at the start.")
    decay: NonNegative = Field(
        default=0.0,
        description="Decay of the learning rate: at step n it is learning_rate / (1 + decay n).",
        json_schema_extra=only_with(schedule=("constant",)),
    )
    schedule: Literal["constant", "cosine", "exponential"] = Field(
        default="constant",
        description="Learning-rate schedule: constant, cosine (half a wave to 0 in the last epoch), or exponential "
        "(to a hundredth in the last epoch).",
    )
    warmup: Rate = Field(
        default=0.0,
        description="Warm-up of the cosine schedule, as a fraction of all steps.",
        json_schema_extra=only_with(schedule=("cosine",)),
    )
    clip_norm: NonNegative = Field(
        default=0.0, description="Clip the gradient norm of all weights together; 0 for no limit."
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        default="float32", description="Precision of matrix products; weights and heads stay in single precision."
    )
    momentum: Rate = Field(default=0.0, description="Momentum of sgd.", json_schema_extra=_SGD)
    nesterov: bool = Field(default=False, description="Nesterov momentum, for sgd.", json_schema_extra=_SGD)
    weight_decay: NonNegative = Field(
        default=0.0, description="Weight decay of adamw.", json_schema_extra=only_with(optimizer=("adamw",))
    )
    beta_1: Rate = Field(
        default=0.9, description="Decay rate of the first moment of adam and adamw.", json_schema_extra=_ADAM
    )
    beta_2: Rate = Field(
        default=0.999, description="Decay rate of the second moment of adam and adamw.", json_schema_extra=_ADAM
    )
    epsilon: Annotated[Real, Field(gt=0)] | None = Field(
        default=None,
        description="Epsilon of adam and adamw; by default the learning rate: steps then grow with the gradient, "
        "and none is longer than the learning rate.",
        json_schema_extra=_ADAM,
    )
    batch_size: Positive | None = Field(
        default=None,
        description="Cells per step; by default 32, or an eighth of the training cells if that is less, at least 4; of "
        "survival as many as have 64 events.",
    )
    epochs: Positive = Field(default=100, description="Passes over the training cells, at most.")
    patience: Whole = Field(
        default=30,
        ge=0,
        description="Stop, and return to the best weights, after this many epochs without a lower validation loss; "
        "0 trains all epochs.",
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="balanced: weight classes inversely to their frequency."
    )
    seed: Whole = Field(
        default=0, ge=0, description="Seed of the split, the initial weights, dropout and the order of cells."
    )

    def batch_of(self, cells: int) -> int:
        """Return the number of cells per step of a training on so many."""
        return self.batch_size or min(32, max(4, cells // 8))

    @property
    def adam_epsilon(self) -> float:
        """Epsilon of adam and adamw."""
        return self.learning_rate if self.epsilon is None else self.epsilon

    def check(self) -> None:
        """Check the schedule."""
        if self.schedule != "constant" and self.decay:
            constant, none = remedy("{schedule}", schedule="constant"), remedy("{decay}", decay=0)
            raise ModelError(f"decay goes with {constant} only, got {self.schedule!r}. Pass {none}.")
        if self.warmup and self.schedule != "cosine":
            raise ModelError(f"warmup goes with {remedy('{schedule}', schedule='cosine')} only, got {self.schedule!r}.")


class PretrainingOptions(Options):
    """How layers begin as the encoders of denoising autoencoders, see `tl.pretrain`."""

    error: ClassVar[type[ModelError]] = ModelError
    what: ClassVar[str] = "option of pretraining"
    heading: ClassVar[str] = "Pretraining"

    layers: Literal["dense", "all"] = Field(
        default="dense",
        description="dense: only the dense units next to the named nodes, as Lin et al. do; all: every hidden layer, "
        "each from the output of the layers before it (greedy, as Alavi et al. do).",
    )
    noise: NonNegative = Field(
        default=0.1, description="Standard deviation of the Gaussian noise added to a layer's input."
    )
    clip: Real = Field(
        default=1.0,
        gt=0,
        le=1,
        description="A layer's input, which is also the target, is clipped to plus and minus this.",
    )
    epochs: Positive = Field(default=100, description="Epochs of each autoencoder.")
    batch_size: Positive = Field(default=32, description="Cells per step of each autoencoder.")
    optimizer: Optimizer = Field(default="adam", description="Optimizer of each autoencoder.")
    learning_rate: Real = Field(default=1e-3, gt=0, description="Learning rate of each autoencoder.")

    def training(self, seed: int) -> TrainingOptions:
        """Return how an autoencoder is trained."""
        shared = {name: getattr(self, name) for name in ("epochs", "batch_size", "optimizer", "learning_rate")}
        return TrainingOptions(patience=0, seed=seed, epsilon=ADAM_EPSILON, **shared)


class EmbeddingOptions(Options):
    """What the objectives ``siamese`` and ``triplet`` can be told, see `train_embedding`."""

    error: ClassVar[type[ModelError]] = ModelError
    what: ClassVar[str] = "option of an embedding"
    heading: ClassVar[str] = "Objective"

    margin: Real | None = Field(
        default=None, description="Margin of the loss; by default 1 for pairs and the soft margin for triplets."
    )
    types_per_batch: Whole = Field(default=18, ge=2, description="P, classes in a batch of triplets.")
    cells_per_type: Whole = Field(default=4, ge=2, description="K, cells of each of them.")


class AutoencoderTraining(Options):
    """What the training of an autoencoder can be told, see `train_autoencoder`."""

    error: ClassVar[type[ModelError]] = ModelError
    what: ClassVar[str] = "option of an autoencoder's training"
    heading: ClassVar[str] = "Objective"

    center: bool = Field(
        default=True,
        description="Begin with each gene's mean as its bias, so that latent values stand for deviations from it; VEGA "
        "and OntoVAE begin near 0.",
    )
    warmup_epochs: Whole = Field(
        default=0,
        ge=0,
        description="Epochs in which beta rises to its full weight; 0, as VEGA and OntoVAE have it, for none.",
    )
