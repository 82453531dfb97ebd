"""`build_model`: an architecture becomes a Keras model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from scipy import sparse

from keras_vnn.architecture import Architecture
from keras_vnn.data import Classes, Normalization
from keras_vnn.errors import ModelError
from keras_vnn.layers import ArchitectureCard, SelectUnits, SparselyConnected
from keras_vnn.models._options import ModelOptions, model_options
from keras_vnn.models._outputs import Embedding, Outputs, as_outputs, output_names, outputs_to_json

__all__ = ["build_model"]


def build_model(
    arch: Architecture,
    outputs: Outputs | int,
    *,
    preset: str | None = None,
    normalization: Normalization | None = None,
    optimizer: Any = None,
    seed: int | None = None,
    name: str = "vnn",
    **options: Any,
) -> keras.Model:
    """Return a compiled Keras model wired like the architecture.

    Genes feed named nodes through sparse layers; dense units stand beside them; a head reads every node that
    feeds no other node, and the dense units of the last layer, directly or through a dense tail.

    Parameters
    ----------
    arch
        The architecture.
    outputs
        What to predict: `classes(labels)`, `Regression`, `Embedding`, or a number of classes.
    preset
        Name of a published set of options, e.g. ``lin2017``.
    normalization
        The normalisation of the training data, kept with the model so that new data are treated alike.
    optimizer
        A Keras optimizer or its name; Adam with a learning rate of 0.001 by default.
    seed
        Seed of the initial weights; ``None`` draws from Keras's global state.
    name
        Name of the Keras model.
    **options
        Any field of `ModelOptions`, e.g. ``tail=(100,)``.

    Returns
    -------
    keras.Model
        From ``(cells, genes)`` to ``(cells, classes)`` probabilities, ``(cells, numbers)``, or, for an embedding,
        ``(cells, units)``. It carries the architecture: it can be saved, loaded and inspected by name.

    Raises
    ------
    ModelError
        The outputs, the preset or an option is unknown or out of range.
    """
    wanted = as_outputs(outputs)
    if normalization is not None and normalization.is_fitted and normalization.genes != arch.genes:
        raise ModelError("The normalization was fitted for other genes than those of the architecture; fit it again.")
    chosen = model_options(preset, options)
    if seed is not None:
        keras.utils.set_random_seed(seed)
    builder = _Builder(arch, chosen)
    genes = keras.Input((int(arch.layers[0].units.sum()),), name="genes")
    card = ArchitectureCard(arch, name="architecture")
    last = builder.tail(builder.hidden(card(genes)))
    prediction = last if isinstance(wanted, Embedding) else builder.head(last, wanted)
    model = keras.Model(genes, prediction, name=name)
    card.remember(
        outputs=outputs_to_json(wanted),
        normalization=None if normalization is None else normalization.to_json(),
        parts=builder.parts,
        options={field: getattr(chosen, field) for field in chosen.__dataclass_fields__},
    )
    if not isinstance(wanted, Embedding):
        classifies = isinstance(wanted, Classes)
        model.compile(
            optimizer=keras.optimizers.Adam(1e-3) if optimizer is None else optimizer,
            loss="sparse_categorical_crossentropy" if classifies else "mean_squared_error",
            metrics=["accuracy"] if classifies else [],
        )
        # An optimizer without its variables makes Keras warn when the untrained model is saved and loaded.
        model.optimizer.build(model.trainable_variables)
    return model


class _Builder:
    """Adds layer after layer, remembering what each was called."""

    def __init__(self, arch: Architecture, options: ModelOptions) -> None:
        self.arch = arch
        self.options = options
        self.parts: dict[str, Any] = {"sparse": {}, "dense": {}, "tail": [], "head": None}

    def hidden(self, genes: Any) -> Any:
        """Return the units the head may read."""
        states = {0: genes}
        seen = []
        for number, layer in enumerate(self.arch.layers[1:], start=1):
            states[number] = self._dropped(self._sparse(number, states), f"layer_{number}_dropout")
            sinks = np.flatnonzero(np.repeat(self.arch.sink_nodes(number), layer.units))
            if len(sinks) == int(layer.units.sum()):
                seen.append(states[number])
            elif len(sinks):
                seen.append(SelectUnits(sinks, name=f"layer_{number}_to_head")(states[number]))
            if layer.dense_units:
                dense = self._dense(f"layer_{number}_dense", layer.dense_units, self.options.dense_activation)(genes)
                self.parts["dense"][str(number)] = f"layer_{number}_dense"
                seen.append(self._dropped(dense, f"layer_{number}_dense_dropout"))
        return seen[0] if len(seen) == 1 else keras.layers.Concatenate(name="all_units")(seen)

    def tail(self, units: Any) -> Any:
        """Return the output of the dense tail."""
        for position, width in enumerate(self.options.tail, start=1):
            name = f"tail_{position}"
            units = self._dropped(self._dense(name, width, self.options.tail_activation)(units), f"{name}_dropout")
            self.parts["tail"].append(name)
        return units

    def head(self, units: Any, outputs: Outputs) -> Any:
        """Return the prediction, in single precision whatever the policy."""
        activation = "softmax" if isinstance(outputs, Classes) else "linear"
        self.parts["head"] = "head"
        return keras.layers.Dense(
            len(output_names(outputs)),
            activation=activation,
            kernel_initializer=self.options.kernel_initializer,
            dtype="float32",
            name="head",
        )(units)

    def _sparse(self, number: int, states: dict[int, Any]) -> Any:
        sources = [source for source, target in self.arch.connections if target == number]
        layer = self.arch.layers[number]
        if not sources:
            raise ModelError(f"Layer {number} ({layer.name}) is connected to no earlier layer; it cannot learn.")
        inputs = [states[source] for source in sources]
        joined = inputs[0] if len(inputs) == 1 else keras.layers.Concatenate(name=f"layer_{number}_inputs")(inputs)
        self.parts["sparse"][str(number)] = f"layer_{number}"
        return SparselyConnected(
            sparse.vstack([self.arch.connections[source, number] for source in sources]),
            layer.units.tolist(),
            inputs_per_node=np.concatenate([self.arch.layers[source].units for source in sources]).tolist(),
            activation=self.options.activation,
            kernel_initializer=self.options.kernel_initializer,
            kernel_regularizer=self._l2(),
            kernel=self.options.kernel,
            name=f"layer_{number}",
        )(joined)

    def _dense(self, name: str, units: int, activation: str) -> keras.layers.Dense:
        return keras.layers.Dense(
            units,
            activation=activation,
            kernel_initializer=self.options.kernel_initializer,
            kernel_regularizer=self._l2(),
            name=name,
        )

    def _dropped(self, units: Any, name: str) -> Any:
        return keras.layers.Dropout(self.options.dropout, name=name)(units) if self.options.dropout else units

    def _l2(self) -> Any:
        return keras.regularizers.L2(self.options.l2) if self.options.l2 else None
