"""Options, each declared once: name, type, default, bounds, one sentence of help.

Knows nothing of Keras, files or data. Functions take options by name, recipes nest them, the command line, docstrings
and the tables of the documentation are generated from them.
"""

from keras_vnn.options._base import (
    Options,
    Positive,
    as_tuple,
    choices_of,
    documented,
    extra_of,
    plain_type,
    shortened,
    shown_default,
    unknown_name,
    worded,
)
from keras_vnn.options._model import LATENT, LINEAR_UNIFORM, AutoencoderOptions, ModelOptions
from keras_vnn.options._presets import (
    AUTOENCODER_PRESETS,
    MODEL_PRESETS,
    TRAINING_PRESETS,
    autoencoder_options,
    autoencoder_preset,
    check_counts_are_read,
    model_options,
    training_given,
    training_options,
)
from keras_vnn.options._training import (
    ADAM_EPSILON,
    AutoencoderTraining,
    EmbeddingOptions,
    PretrainingOptions,
    TrainingOptions,
)
from keras_vnn.options._wiring import GeneSetOptions, HierarchyOptions, InteractionOptions, OntologyOptions

__all__ = [
    "ADAM_EPSILON",
    "AUTOENCODER_PRESETS",
    "LATENT",
    "LINEAR_UNIFORM",
    "MODEL_PRESETS",
    "TRAINING_PRESETS",
    "AutoencoderOptions",
    "AutoencoderTraining",
    "EmbeddingOptions",
    "GeneSetOptions",
    "HierarchyOptions",
    "InteractionOptions",
    "ModelOptions",
    "OntologyOptions",
    "Options",
    "Positive",
    "PretrainingOptions",
    "TrainingOptions",
    "as_tuple",
    "autoencoder_options",
    "autoencoder_preset",
    "check_counts_are_read",
    "choices_of",
    "documented",
    "extra_of",
    "model_options",
    "plain_type",
    "shortened",
    "shown_default",
    "training_given",
    "training_options",
    "unknown_name",
    "worded",
]
