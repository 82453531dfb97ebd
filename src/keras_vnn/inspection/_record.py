"""What a network did on some cells, and segments from its middle to its end.

In: a `ModelView` and input values. Out: a `Record` of unit activities by layer, and segments that start at the units
of a layer. The one place of this package that knows how `build_model` joins its layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_vnn.data import Classes
from keras_vnn.errors import ModelError
from keras_vnn.inspection._segment import Segment
from keras_vnn.models import Embedding, ModelView

__all__ = [
    "Floats",
    "OutputWeights",
    "Record",
    "check_finite",
    "evaluate",
    "features_tensor",
    "from_layer",
    "hidden_tensor",
    "output_weights",
    "record",
    "to_numpy",
]

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class OutputWeights:
    """The last affine step: what the head reads, to scores.

    The scores of classes are the logits less their mean over the classes, as a softmax does not see that mean; those
    of numbers are the numbers themselves.

    Attributes
    ----------
    kernel
        ``(units the head reads, outputs)``.
    bias
        ``(outputs,)``.
    names
        Of the outputs.
    """

    kernel: Floats
    bias: Floats
    names: tuple[str, ...]

    def scores(self, features: Floats) -> Floats:
        """Return ``(…, outputs)`` scores of ``(…, units the head reads)``."""
        return np.asarray(features @ self.kernel + self.bias, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What a network did on some cells.

    Attributes
    ----------
    inputs
        ``(cells, input units)``.
    units
        ``(cells, units)`` of the named nodes, by number of the layer.
    dense
        ``(cells, units)`` of the dense units beside them, by number of the layer.
    features
        ``(cells, units)`` that the head reads.
    """

    inputs: Floats
    units: Mapping[int, Floats]
    dense: Mapping[int, Floats]
    features: Floats


def hidden_tensor(seen: ModelView, number: int) -> Any:
    """Return the symbolic tensor of the units of the named nodes of a layer; 0 is the genes."""
    return seen.card.output if number == 0 else seen.sparse_layer(number).output


def features_tensor(seen: ModelView) -> Any:
    """Return the symbolic tensor that the head reads, or that an embedding returns."""
    return seen.model.outputs[0] if seen.head is None else seen.head.input


def record(seen: ModelView, inputs: Floats, *, batch_size: int) -> Record:
    """Run cells through the network once and keep what every named and dense unit did.

    Raises
    ------
    ModelError
        A unit is not a finite number.
    """
    numbers = range(1, len(seen.architecture.layers))
    beside = {number: layer for number in numbers if (layer := seen.dense_layer(number)) is not None}
    tensors = [hidden_tensor(seen, number) for number in numbers]
    ends = [*tensors, *(layer.output for layer in beside.values()), features_tensor(seen)]
    results = evaluate(Segment(seen.model.inputs, ends), [inputs], batch_size=batch_size)
    return Record(
        inputs,
        dict(zip(numbers, results, strict=False)),
        dict(zip(beside, results[len(numbers) :], strict=False)),
        results[-1],
    )


def evaluate(segment: Segment, inputs: Sequence[Floats], *, batch_size: int) -> list[Floats]:
    """Return the outputs of a segment for all rows, computed batch by batch.

    Raises
    ------
    ModelError
        An output is not a finite number.
    """
    results: list[Floats] = []
    rows = len(inputs[0])
    for start in range(0, rows, batch_size):
        batch = [values[start : start + batch_size] for values in inputs]
        outputs = segment([keras.ops.convert_to_tensor(values) for values in batch])
        for position, output in enumerate(outputs):
            values = to_numpy(output)
            if start == 0:
                results.append(np.empty((rows, *values.shape[1:]), np.float32))
            results[position][start : start + batch_size] = values
    for values in results:
        check_finite(values)
    return results


def to_numpy(tensor: Any) -> Floats:
    """Return a tensor or variable of any backend and precision as a float32 array."""
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float32)


def check_finite(values: Floats) -> None:
    """Raise a `ModelError` when a number that a model computed is not finite."""
    if not np.isfinite(values).all():
        raise ModelError(
            "The units of the model are not finite numbers: its training has diverged.\n"
            "Train again with a lower learning rate, or normalise the data: normalization='zscore'."
        )


def output_weights(seen: ModelView) -> OutputWeights:
    """Return the weights of the head, centred over the classes of a classifier.

    Raises
    ------
    ModelError
        The model is an embedding.
    """
    if seen.head is None or isinstance(seen.outputs, Embedding):
        raise ModelError(
            "The model is an embedding: it has no outputs whose change could rank its nodes.\n"
            "Build one that predicts: build_model(arch, outputs=keras_vnn.classes(labels))"
        )
    kernel, bias = to_numpy(seen.head.kernel), to_numpy(seen.head.bias)
    if isinstance(seen.outputs, Classes):
        kernel, bias = kernel - kernel.mean(axis=1, keepdims=True), bias - bias.mean()
    return OutputWeights(kernel, bias, seen.outputs.names)


def from_layer(seen: ModelView, done: Record, number: int) -> tuple[Segment, list[Floats]]:
    """Return the segment from the units of a layer to what the head reads, and its inputs on the recorded cells.

    The units of the layer are the first input; what else later layers read of earlier ones, and the dense units,
    follow as constants.
    """
    known = [(hidden_tensor(seen, number), done.units[number]), (hidden_tensor(seen, 0), done.inputs)]
    known += [(hidden_tensor(seen, earlier), done.units[earlier]) for earlier in range(1, number)]
    for beside, activities in done.dense.items():
        layer = seen.dense_layer(beside)
        if layer is not None:
            known.append((layer.output, activities))
    end = [features_tensor(seen)]
    is_read = Segment([tensor for tensor, _ in known], end).is_read
    needed = [pair for pair, reads in zip(known, is_read, strict=True) if reads or pair is known[0]]
    return Segment([tensor for tensor, _ in needed], end), [values for _, values in needed]
