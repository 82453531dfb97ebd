"""Pretraining: layers begin as the encoders of denoising autoencoders of what they read.

In: a model and the cells it is going to be trained on. Out: the model with other initial weights.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops
from numpy.typing import NDArray

from keras_vnn.basics.errors import ModelError
from keras_vnn.basics.progress import Say, log_info
from keras_vnn.basics.remedies import by_place
from keras_vnn.layers import Connections, SparselyConnected
from keras_vnn.layers.kernels import KERNELS
from keras_vnn.models import view
from keras_vnn.options import PretrainingOptions
from keras_vnn.training._fit import fit_model, make_optimizer, predicted_by


def pretrain(
    model: keras.Model,
    x: Any,
    *,
    options: PretrainingOptions | None = None,
    seed: int = 0,
    progress: bool = True,
    say: Say | None = None,
) -> pd.DataFrame:
    """Let hidden layers begin as encoders of denoising autoencoders.

    A layer's input is clipped, Gaussian noise is added and clipped again; the layer with its own activation, and the
    transpose of its own weights with a bias and tanh behind it (tied weights), learn to restore it (mean squared
    error). The layers of a model that read the same, such as named nodes and the dense units next to them, are
    pretrained each by itself.

    Parameters
    ----------
    model
        A model of `build_model`; its weights are changed.
    x
        What the model reads of the training cells: an aligned and normalised array ``(cells, input units)``, or
        `StoredInputs`. What a layer reads is held in memory as an array, one layer after the other: for the first,
        four bytes per cell and gene.
    options
        `PretrainingOptions()` by default.
    seed
        Of the noise and the order of cells.
    progress
        Show a live line, on a terminal or in a notebook.
    say
        Called with a sentence per layer.

    Returns
    -------
    pandas.DataFrame
        A row per layer and epoch: ``layer``, ``epoch``, ``loss``.

    Raises
    ------
    ModelError
        There is no layer to pretrain.

    References
    ----------
    Vincent et al. 2010, JMLR 11:3371; Lin et al. 2017, doi:10.1093/nar/gkx681 (dense units, noise 0.1, clip, tanh);
    Alavi et al. 2018, doi:10.1038/s41467-018-07165-2 (greedy, tied).
    """
    chosen = options or PretrainingOptions()
    tables = []
    for number, (name, layer) in enumerate(_layers_of(model, chosen).items()):
        values = np.clip(_inputs(model, layer, x), -chosen.clip, chosen.clip)
        keras.utils.set_random_seed(seed + number)
        copy = type(layer).from_config(layer.get_config())
        autoencoder = denoising_autoencoder(copy, values.shape[1], noise=chosen.noise, clip=chosen.clip)
        copy.set_weights(layer.get_weights())
        training = chosen.training(seed)
        autoencoder.compile(optimizer=make_optimizer(training), loss="mean_squared_error")
        history = fit_model(
            autoencoder, values, values, training=training, progress=progress, what=f"pretraining {name}"
        )
        layer.set_weights(copy.get_weights())
        tables.append(history.reset_index()[["epoch", "loss"]].assign(layer=name))
        first, last = history["loss"].iloc[[0, -1]]
        (say or log_info)(
            f"pretraining   {name}: mean squared error {first:.4f} in the first epoch, {last:.4f} in the last"
        )
    return pd.concat(tables, ignore_index=True)[["layer", "epoch", "loss"]]


def denoising_autoencoder(encoder: keras.layers.Layer, inputs: int, *, noise: float, clip: float = 1.0) -> keras.Model:
    """Return a Keras model that restores its input from a noisy copy by an encoder and its own transpose.

    Parameters
    ----------
    encoder
        A ``Dense`` or `SparselyConnected` layer.
    inputs
        Number of its inputs.
    noise, clip
        As in `PretrainingOptions`.
    """
    given = keras.Input((inputs,), name="clean")
    noisy = ops.clip(keras.layers.GaussianNoise(noise, name="noise")(given), -clip, clip)
    return keras.Model(given, _Transpose(encoder, name="restored")(encoder(noisy)), name="denoising_autoencoder")


class _Transpose(keras.layers.Layer):
    """The transpose of another layer's weights, a bias and tanh; the weights stay that layer's own."""

    def __init__(self, encoder: keras.layers.Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._encoder = (encoder,)  # In a tuple, which Keras does not track: its weights count once.
        self._product: Any = None

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        (encoder,) = self._encoder
        width = encoder.kernel.shape[0]
        if isinstance(encoder, SparselyConnected):
            own = encoder.connections
            back = Connections(own.nodes.T.tocsc(), own.output_units, own.input_units)
            width = back.outputs
            # From the order of the encoder's weights to that of its transpose.
            places = np.lexsort((own.columns, own.rows)).astype(np.int32)
            kernel = KERNELS["portable"](back)
            self._product = lambda inputs, weights: kernel(inputs, ops.take(weights, places))
        self.bias = self.add_weight(name="bias", shape=(width,), initializer="zeros")
        self.built = True

    def call(self, inputs: Any) -> Any:
        (encoder,) = self._encoder
        weights = ops.convert_to_tensor(encoder.kernel)
        if self._product is None:
            restored = ops.matmul(inputs, ops.transpose(weights))
        else:
            restored = self._product(inputs, weights)
        return ops.tanh(restored + ops.convert_to_tensor(self.bias))


def _layers_of(model: keras.Model, options: PretrainingOptions) -> dict[str, Any]:
    """Return the Keras layers to pretrain by their names, in the order in which the model computes them."""
    seen = view(model)
    parts = ("dense",) if options.layers == "dense" else ("dense", "nodes", "tail")
    wanted = [(role.name, seen.layer_with(role)) for part in parts for role in seen.roles.all(part)]
    if not wanted:
        raise ModelError(
            "The model has no dense units to pretrain.\n"
            "Build it with some: "
            + by_place(
                "vnn build … --dense-units 100",
                "vnn.wire.interactions(…, dense_units=100); or pretrain all layers: layers='all'",
            )
        )
    order = {id(layer): place for place, layer in enumerate(model.layers)}
    return dict(sorted(wanted, key=lambda pair: order[id(pair[1])]))


def _inputs(model: keras.Model, layer: keras.layers.Layer, x: Any) -> NDArray[np.float32]:
    """Return what a layer reads of the cells, ``(cells, inputs)``."""
    read = layer.input if isinstance(layer.input, list | tuple) else [layer.input]
    values = predicted_by(keras.Model(model.inputs, list(read)), x)
    values = values if isinstance(values, list | tuple) else [values]
    return np.concatenate([np.asarray(part, np.float32) for part in values], axis=1)
