"""`AutoencoderOptions`: every choice of an autoencoder that its architecture does not make; and the published ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from keras_vnn.errors import ModelError, did_you_mean
from keras_vnn.models._initial import LINEAR_UNIFORM, initializer_named
from keras_vnn.models._options import check_activation

__all__ = ["AUTOENCODER_PRESETS", "AutoencoderOptions", "autoencoder_options"]

LATENT = "latent"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoencoderOptions:
    """The choices of an autoencoder. Those of VEGA are the defaults.

    Attributes
    ----------
    encoder
        Units of the dense layers between the genes and the latent values; ``latent`` stands for as many as there are
        latent values.
    activation
        Of those.
    batch_normalization
        Whether the units of the encoder are normalised before the activation.
    batch_momentum, batch_epsilon
        Of batch normalisation, as Keras counts them: PyTorch's momentum of 0.1 is 0.9 here.
    dropout
        Share of the units of each layer of the encoder dropped in training.
    latent_dropout
        The same of the means and the logarithms of the variances.
    beta
        Weight of the Kullback-Leibler divergence in the loss, beside the squared error summed over genes.
    non_negative
        Whether the weights of the decoder are kept at 0 or above, so that a more active node means more of its genes.
    l1
        Weight of the absolute weights of the decoder in the loss.
    kernel_initializer
        Of every layer, by Keras's names; ``linear_uniform`` is that of PyTorch's ``Linear``. Weights of a non-negative
        decoder begin with the absolute values, scaled by the real fan-in.
    initial_scale
        Factor of the initial weights of the decoder. Many latent values whose weights are all positive add up; VEGA and
        OntoVAE, which scale by the number of all inputs of a mask, begin low as well.
    kernel
        How sparse products are computed, see `SparselyConnected`.
    """

    encoder: tuple[int | str, ...] = (800, 800)
    activation: str = "relu"
    batch_normalization: bool = True
    batch_momentum: float = 0.9
    batch_epsilon: float = 1e-5
    dropout: float = 0.5
    latent_dropout: float = 0.5
    beta: float = 5e-5
    non_negative: bool = True
    l1: float = 0.0
    kernel_initializer: str = LINEAR_UNIFORM
    initial_scale: float = 0.1
    kernel: str = "auto"

    def __post_init__(self) -> None:
        """Check names, widths and ranges.

        Raises
        ------
        ModelError
            An activation or initializer is unknown or cannot serve, a width is no number of units, or a number is out
            of range.
        """
        given = (self.encoder,) if isinstance(self.encoder, int | str) else tuple(self.encoder)
        object.__setattr__(self, "encoder", given)
        wrong = [width for width in given if width != LATENT and (not isinstance(width, int) or width < 1)]
        if wrong:
            raise ModelError(f"The widths of the encoder must be numbers above 0 or {LATENT!r}, got {wrong[0]!r}.")
        check_activation("activation", self.activation)
        initializer_named(self.kernel_initializer)
        for name in ("dropout", "latent_dropout", "batch_momentum"):
            if not 0 <= getattr(self, name) < 1:
                raise ModelError(f"{name} must be at least 0 and below 1, got {getattr(self, name)}.")
        if not self.initial_scale > 0:
            raise ModelError(f"initial_scale must be above 0, got {self.initial_scale}.")
        for name in ("beta", "l1"):
            if getattr(self, name) < 0:
                raise ModelError(f"{name} must be at least 0, got {getattr(self, name)}.")


AUTOENCODER_PRESETS: Mapping[str, AutoencoderOptions] = MappingProxyType(
    {
        # Seninge et al. 2021, doi:10.1038/s41467-021-26017-0, and the code of its figures: two layers of 800, dropout
        # of 0.5 there and of the latent values, weight of the divergence 5e-5 (the package has 0.3 and 1e-4). The node
        # per gene set and those that read all genes are the architecture's: gene_set_architecture(…, dense_units=1).
        "vega": AutoencoderOptions(),
        # Doncevic & Herrmann 2023, doi:10.1093/bioinformatics/btad387, and its code: latent values are the units of the
        # terms without a parent, an encoder of one layer as wide, dropout 0.2 and of the latent values 0.5, divergence
        # 1e-4. Terms, their limits and three units each are the architecture's.
        "onto-vae": AutoencoderOptions(encoder=(LATENT,), dropout=0.2, beta=1e-4),
    }
)


def autoencoder_options(preset: str | None, changes: Mapping[str, Any]) -> AutoencoderOptions:
    """Return the options of a preset (or the defaults) with some changed.

    Raises
    ------
    ModelError
        The preset or an option is unknown, or a value is out of range.
    """
    if preset is not None and preset not in AUTOENCODER_PRESETS:
        known = list(AUTOENCODER_PRESETS)
        raise ModelError(
            f"preset of an autoencoder must be one of {', '.join(known)}; got {preset!r}. "
            f"{did_you_mean(preset, known)}".rstrip()
        )
    start = AutoencoderOptions() if preset is None else AUTOENCODER_PRESETS[preset]
    names = [field.name for field in fields(AutoencoderOptions)]
    for name in changes:
        if name not in names:
            hint = did_you_mean(name, names) or f"Known: {', '.join(names)}."
            raise ModelError(f"Unknown option {name!r} of an autoencoder. {hint}")
    return AutoencoderOptions(**{**{name: getattr(start, name) for name in names}, **changes})
