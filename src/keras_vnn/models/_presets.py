"""The published models, as sets of options.

Numbers of units per term, dense units beside the nodes and layers are the architecture's; how each was trained is in
`keras_vnn.training`. Where paper and released code differ, the comment says which is meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from keras_vnn.errors import ModelError, did_you_mean
from keras_vnn.models._autoencoder_options import AUTOENCODER_PRESETS
from keras_vnn.models._initial import LINEAR_UNIFORM
from keras_vnn.models._options import ModelOptions, changed

__all__ = ["MODEL_PRESETS", "model_options"]

# Kuenzi et al. 2020, Cancer Cell, doi:10.1016/j.ccell.2020.09.014, and its released code. Every parameter starts at a
# tenth of PyTorch's usual value, the scale of batch normalisation included (code). Biases start at 0 here.
_DRUGCELL: Mapping[str, Any] = {
    "batch_normalization": "after",
    "kernel_initializer": LINEAR_UNIFORM,
    "initial_scale": 0.1,
    "initial_gamma": 0.1,
    "head": "linear-tanh-linear",
    "auxiliary_heads": "linear-tanh-linear",
    "annotation_units": True,
}

MODEL_PRESETS: Mapping[str, ModelOptions] = MappingProxyType(
    {
        # Lin et al. 2017, doi:10.1093/nar/gkx681: tanh on sparse nodes and tail, the 100 dense units linear (code).
        "lin2017": ModelOptions(),
        "lin2017-two-layer": ModelOptions(tail=(100,)),
        # Alavi et al. 2018, doi:10.1038/s41467-018-07165-2. Flat: 300 terms beside 100 dense units. Hierarchical: terms
        # of depth 4, 3, 2, and 31 dense units on the genes joined to the last of them. Both are the architecture's.
        "scquery-go-flat": ModelOptions(),
        "scquery-go-hierarchical": ModelOptions(),
        # Ma et al. 2018, doi:10.1038/nmeth.4627. Paper: linear heads on the normalised units, weight 0.3, summed. Its
        # L2 was found by cross-validation and is left to the user. Units: dcell-paper, max(20, ceil(0.3 n)).
        "dcell-paper": ModelOptions(batch_normalization="after", auxiliary_heads="linear", aux_root=False),
        # Released code: tanh(linear) heads that read the units before batch normalisation, weight 0.5, weights of the
        # linear steps times 0.001. Units: dcell-code, max(10, floor(0.2 n)).
        "dcell-code": ModelOptions(
            batch_normalization="after",
            auxiliary_heads="linear-tanh",
            aux_reads="before",
            aux_root=False,
            aux_weight=0.5,
            kernel_initializer=LINEAR_UNIFORM,
            initial_scale=0.001,
        ),
        "drugcell": ModelOptions(**_DRUGCELL, aux_weight=0.2, tail=(6,), side_features=2048, side_layers=(100, 50, 6)),
        # NeST-VNN (released code): dropout of what a system reads, from the third layer of systems on (2 from 0).
        # Systems of a layer that read the same unit lose it together here; there, each by itself.
        "nest": ModelOptions(
            **_DRUGCELL,
            aux_weight=0.3,
            gene_features=("mutation", "deletion", "amplification"),
            dropout=0.3,
            dropout_from=3,
            dropout_of="inputs",
            loss="concordance",
        ),
        # Elmarakeby et al. 2021, doi:10.1038/s41586-021-03922-4: six heads (genes, five layers of pathways), a sigmoid
        # each; two classes by softmax, as here, are the same. For yes/no numbers: loss="binary_crossentropy".
        "pnet": ModelOptions(
            dropout=(0.5, 0.1),
            dropout_from=0,
            l2=0.001,
            gene_features=("mutation", "amplification", "deletion"),
            level_heads=True,
            level_weights=(2, 7, 20, 54, 148, 400),
        ),
        # Fortelny & Bock 2020, doi:10.1186/s13059-020-02100-5: keep-probability 0.4 to 0.9, by data set; 0.7 here.
        "kpnn": ModelOptions(activation="sigmoid", dropout=0.3, dropout_of="nodes"),
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
        if preset in AUTOENCODER_PRESETS:
            raise ModelError(
                f"The preset {preset!r} is of autoencoders, not of models that predict.\n"
                f"Build one: build_autoencoder(arch, preset={preset!r}); on the command line: --objective autoencoder"
            )
        known = list(MODEL_PRESETS)
        raise ModelError(
            f"preset must be one of {', '.join(known)}; got {preset!r}. {did_you_mean(preset, known)}".rstrip()
        )
    return changed(ModelOptions() if preset is None else MODEL_PRESETS[preset], changes)
