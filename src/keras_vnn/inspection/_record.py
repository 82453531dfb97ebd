"""What a network did on some cells, and parts of it run again: from the middle to the end, with gradients.

In: a `ModelView` and input values. Out: a `Record` of unit activities by layer; `Segment`, the layers between tensors
of a built model as a function of arrays, which leaves the model as it is. ``keras.Function`` is one too, but cannot
say what is read on the way, and Keras has no word of its own for gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_vnn.basics.errors import ModelError, check_count
from keras_vnn.basics.keras_import import as_numpy, keras
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.data import Classes, StoredInputs
from keras_vnn.inspection._cells import Cells
from keras_vnn.models import Embedding, ModelView, Reconstruction


class Segment:
    """The layers between some tensors of a model and later ones.

    Parameters
    ----------
    start
        Symbolic tensors whose values are given; those that nothing on the way to ``end`` reads are ignored.
    end
        Symbolic tensors to compute.

    Raises
    ------
    ModelError
        ``end`` depends on an input of the model that is not in ``start``.
    """

    def __init__(self, start: Sequence[Any], end: Sequence[Any]) -> None:
        self._start, self._end = tuple(start), tuple(end)
        self._steps: list[Any] = []
        self._given = {id(tensor) for tensor in start}
        self._read: set[int] = set()
        done: set[int] = set()
        for tensor in end:
            self._collect(tensor, done)
        self.is_read = tuple(id(tensor) in self._read for tensor in start)

    def _collect(self, tensor: Any, done: set[int]) -> None:
        """Append the steps that compute a tensor, each after those it needs."""
        if id(tensor) in self._given:
            self._read.add(id(tensor))
            return
        operation, index, _ = tensor._keras_history
        step = operation._inbound_nodes[index]
        if id(step) in done:
            return
        if step.is_input:
            raise ModelError(f"The input {tensor.name!r} of the model is not among the tensors to start from.")
        done.add(id(step))
        for needed in step.input_tensors:
            self._collect(needed, done)
        self._steps.append(step)

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Return the values of ``end`` for values of ``start``, as tensors of the backend."""
        known = {id(tensor): value for tensor, value in zip(self._start, values, strict=True)}
        for step in self._steps:
            arguments, keywords = step.arguments.fill_in(known)
            outputs = keras.tree.flatten(step.operation(*arguments, **keywords))
            known.update((id(tensor), value) for tensor, value in zip(step.outputs, outputs, strict=True))
        return [known[id(tensor)] for tensor in self._end]


Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class OutputWeights:
    """The last affine step, to scores.

    The scores of classes are the logits less their mean over the classes, as a softmax does not see that mean; those
    of numbers are the numbers themselves. Where a model predicts by the mean of several heads, its scores are what it
    predicts.

    Attributes
    ----------
    kernel
        ``(features, outputs)``.
    bias
        ``(outputs,)``.
    names
        Of the outputs.
    """

    kernel: Floats
    bias: Floats
    names: tuple[str, ...]

    def scores(self, features: Floats) -> Floats:
        """Return ``(…, outputs)`` scores of ``(…, features)``."""
        return np.asarray(features @ self.kernel + self.bias, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What a network did on some cells.

    Attributes
    ----------
    steps
        ``(cells, units)`` of the named nodes by number of the layer, 0 is the genes; of the dense units next to them
        by its negative number.
    side
        The further inputs of a model with a side branch.
    read
        ``(cells, inputs)`` of the first dense layer behind the nodes.
    features
        ``(cells, features)`` that the last affine step reads.
    """

    steps: Mapping[int, Floats]
    side: tuple[Floats, ...]
    read: Floats
    features: Floats

    @property
    def units(self) -> dict[int, Floats]:
        """``(cells, units)`` of the named nodes, by number of the layer."""
        return {number: values for number, values in self.steps.items() if number >= 0}

    @property
    def dense(self) -> dict[int, Floats]:
        """``(cells, units)`` of the dense units next to them, by number of the layer."""
        return {-number: values for number, values in self.steps.items() if number < 0}


def hidden_tensor(seen: ModelView, number: int) -> Any:
    """Return the symbolic tensor of the units of the named nodes of a layer; 0 is the genes."""
    return seen.state_layer(number).output


def has_one_head(seen: ModelView) -> bool:
    """Return whether the prediction is the output of the head alone."""
    return seen.head is not None and not seen.card.metadata["options"].get("level_heads", False)


def features_tensor(seen: ModelView) -> Any:
    """Return the symbolic tensor that the last affine step reads: the head, or nothing; or latent values."""
    if seen.latent_layer is not None:
        return seen.latent_layer.output
    return seen.head.input if seen.head is not None and has_one_head(seen) else seen.model.outputs[0]


def record(seen: ModelView, cells: Cells, *, batch_size: int) -> Record:
    """Run cells through the network once and keep what every named and dense unit did.

    Raises
    ------
    ModelError
        A unit is not a finite number.
    """
    numbers = range(len(seen.architecture.layers))
    outputs = {number: hidden_tensor(seen, number) for number in numbers}
    outputs |= {-number: layer.output for number in numbers if (layer := seen.dense_layer(number)) is not None}
    behind = seen.first_dense
    ends = [features_tensor(seen) if behind is None else seen.layer_with(behind).input, features_tensor(seen)]
    *units, read, features = values_of(seen, [*outputs.values(), *ends], cells, batch_size=batch_size)
    return Record(dict(zip(outputs, units, strict=True)), cells.side, read, features)


def values_of(seen: ModelView, tensors: Sequence[Any], cells: Cells, *, batch_size: int) -> list[Floats]:
    """Return what symbolic tensors of a model are in cells."""
    return evaluate(Segment(seen.model.inputs, tensors), [cells.values, *cells.side], batch_size=batch_size)


class Recording:
    """What a network does on cells, part by part; those in memory are one part, which is run once."""

    def __init__(self, seen: ModelView, cells: Cells, *, batch_size: int) -> None:
        self._seen, self._cells, self._batch_size = seen, cells, batch_size
        self._whole: Record | None = None

    def __iter__(self) -> Iterator[tuple[slice, Record]]:
        """Yield which cells, and what the network does on them."""
        for rows, part in self._cells.parts():
            done = self._whole or record(self._seen, part, batch_size=self._batch_size)
            if len(part) == len(self._cells):
                self._whole = done
            yield rows, done


def evaluate(segment: Segment, inputs: Sequence[Floats | StoredInputs], *, batch_size: int) -> list[Floats]:
    """Return the outputs of a segment for all rows, computed batch by batch.

    Raises
    ------
    ConfigError
        ``batch_size`` is not positive.
    ModelError
        An output is not a finite number.
    """
    check_count("batch_size", batch_size)
    results: list[Floats] = []
    rows = len(inputs[0])
    for start in range(0, rows, batch_size):
        batch = [np.asarray(values[start : start + batch_size]) for values in inputs]
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
    return np.asarray(as_numpy(tensor), np.float32)


def scores_of(seen: ModelView, cells: Cells, batch_size: int) -> Floats:
    """Return the ``(cells, outputs)`` scores of all cells, which a softmax or the like would follow."""
    head = output_weights(seen)
    return np.concatenate([head.scores(done.features) for _, done in Recording(seen, cells, batch_size=batch_size)])


def check_finite(values: NDArray[np.floating]) -> None:
    """Raise a `ModelError` when a number that a model computed is not finite."""
    if not np.isfinite(values).all():
        raise ModelError(
            "The units of the model are not finite numbers: its training has diverged.\n"
            + remedy(
                "Train again with a lower learning rate, or normalise the data: {normalization}.",
                "Train again with a lower learning rate, or normalise the data: vnn train … --normalization zscore.",
                normalization="zscore",
            )
        )


def without_outputs(seen: ModelView) -> ModelError:
    """Return the error for a model that predicts nothing, so that no node can be ranked by what it does to that."""
    if isinstance(seen.outputs, Reconstruction):
        return ModelError(
            "The model is an autoencoder: it has no outputs whose change could rank its nodes.\n"
            "A single node: vnn inspect MODEL NODE"
            + by_place("", "; groups of cells: vnn.tl.differential_activity(model, data, column, group)")
        )
    return ModelError(
        "The model is an embedding: it has no outputs whose change could rank its nodes.\n"
        "Look at single nodes (vnn inspect MODEL NODE), score it (vnn evaluate clustering MODEL DATA --label COLUMN), "
        "or "
        + by_place(
            "train one that predicts: vnn train ARCHITECTURE DATA --label COLUMN -o model.keras",
            "build one that predicts: vnn.build_model(arch, outputs=vnn.pp.classes(labels))",
        )
    )


def output_weights(seen: ModelView) -> OutputWeights:
    """Return the weights of the head, centred over the classes of a classifier.

    Raises
    ------
    ModelError
        The model is an embedding.
    """
    if seen.head is None or isinstance(seen.outputs, Embedding):
        raise without_outputs(seen)
    names = seen.outputs.names
    kernel, bias = np.eye(len(names), dtype=np.float32), np.zeros(len(names), np.float32)
    if has_one_head(seen):
        kernel, bias = to_numpy(seen.head.kernel), to_numpy(seen.head.bias)
    if isinstance(seen.outputs, Classes):
        kernel, bias = kernel - kernel.mean(axis=1, keepdims=True), bias - bias.mean()
    return OutputWeights(kernel, bias, names)


def from_layer(seen: ModelView, done: Record, number: int) -> tuple[Segment, list[Floats]]:
    """Return the segment from the units of a layer to the features, and its inputs on the recorded cells.

    The units of the layer are the first input; what else later layers read of earlier ones, the dense units and side
    inputs follow as constants.
    """
    known = [(hidden_tensor(seen, layer), done.units[layer]) for layer in (number, *range(number))]
    for of_layer, activities in done.dense.items():
        dense = seen.dense_layer(of_layer)
        # Dense units read the genes: where these change, they do.
        if dense is not None and number:
            known.append((dense.output, activities))
    known += list(zip(seen.model.inputs[1:], done.side, strict=True))
    end = [features_tensor(seen)]
    is_read = Segment([tensor for tensor, _ in known], end).is_read
    needed = [pair for pair, reads in zip(known, is_read, strict=True) if reads or pair is known[0]]
    return Segment([tensor for tensor, _ in needed], end), [values for _, values in needed]


def score_gradients(segment: Segment, inputs: Sequence[Floats], kernel: Floats) -> Floats:
    """Return the gradients of scores in the first input of a segment.

    Parameters
    ----------
    segment
        From ``inputs`` to features ``(cells, features)``; each cell depends on its own row only.
    inputs
        ``(cells, …)`` arrays; the gradient is taken in the first.
    kernel
        ``(features, outputs)``: scores are ``features @ kernel``.

    Returns
    -------
    numpy.ndarray
        ``(outputs, cells, units of the first input)``.

    Raises
    ------
    ModelError
        The backend has no gradients.
    """
    backend = keras.backend.backend()
    if backend not in _GRADIENTS:
        raise ModelError(
            f"The Keras backend {backend!r} has no gradients.\n"
            + remedy("Take {method}, or", "Take knockout, or", method="knockout")
            + " another backend: KERAS_BACKEND=tensorflow"
        )
    tensors = [keras.ops.convert_to_tensor(array) for array in inputs]
    weights = keras.ops.convert_to_tensor(kernel)
    constants = tensors[1:]

    def totals(first: Any) -> list[Any]:
        """Return the sum over the cells of each score."""
        features = segment([first, *constants])[0]
        scores = keras.ops.matmul(keras.ops.cast(features, "float32"), weights)
        sums = keras.ops.sum(scores, axis=0)
        return [sums[output] for output in range(kernel.shape[1])]

    slopes = _GRADIENTS[backend](totals, tensors[0])
    return np.stack([keras.ops.convert_to_numpy(slope) for slope in slopes]).astype(np.float32)


def _tensorflow(totals: Callable[[Any], list[Any]], first: Any) -> list[Any]:
    import tensorflow as tf

    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(first)
        values = totals(first)
    return [tape.gradient(value, first, unconnected_gradients=tf.UnconnectedGradients.ZERO) for value in values]


def _jax(totals: Callable[[Any], list[Any]], first: Any) -> list[Any]:
    import jax

    values, pullback = jax.vjp(totals, first)
    zeros = [jax.numpy.zeros_like(value) for value in values]
    one = jax.numpy.ones((), zeros[0].dtype)
    return [pullback([*zeros[:i], one, *zeros[i + 1 :]])[0] for i in range(len(zeros))]


def _torch(totals: Callable[[Any], list[Any]], first: Any) -> list[Any]:
    import torch

    point = first.detach().requires_grad_(True)
    with torch.enable_grad():
        values = totals(point)
    return [
        torch.autograd.grad(value, point, retain_graph=True, allow_unused=True, materialize_grads=True)[0]
        for value in values
    ]


_GRADIENTS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
