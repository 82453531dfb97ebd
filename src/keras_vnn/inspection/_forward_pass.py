"""`ForwardPass`: what a network computes from its named units on, as sparse matrices and steps unit by unit.

In: a `ModelView`. Out: matrices of weights between layers, and functions from sums to units and from sums to outputs.
Arrays are ``(units, cells)`` throughout, so that a row of a sparse product is a run in memory. It computes in the
precision of what it is given: KPNN's small differences need double.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.basics.errors import ModelError
from keras_vnn.basics.keras_import import keras
from keras_vnn.data import Classes
from keras_vnn.inspection._record import has_one_head, to_numpy, without_outputs
from keras_vnn.models import LayerRole, ModelView

Numbers: TypeAlias = NDArray[np.floating]
# From ``(units, cells)`` sums of some units, by their positions, to what these units give on.
UnitFunction: TypeAlias = Callable[[Numbers, NDArray[np.intp] | None], Numbers]


@dataclass(frozen=True, slots=True, eq=False)
class LayerStep:
    """Units that read earlier ones: the named nodes of a layer, or the dense units next to them.

    Attributes
    ----------
    weights
        By number of the layer that is read, sparse ``(its units, units)``.
    bias
        ``(units,)``.
    after
        From sums to units.
    """

    weights: Mapping[int, sparse.csr_array]
    bias: Numbers
    after: UnitFunction


@dataclass(frozen=True, slots=True, eq=False)
class OutputStep:
    """The dense layers behind the named units: what they read, and what they make of it.

    Attributes
    ----------
    kernels
        By number of the layer, ``(its units, width)``: the weights of the first dense layer, or of all heads side by
        side; zero for units that are not read.
    dense_kernels
        The same for the dense units next to a layer.
    whole
        ``(inputs, width)`` weights of all that the first dense layer reads; ``None`` for heads side by side.
    bias
        ``(width,)``.
    scores
        From ``(…, width, cells)`` sums to ``(…, outputs, cells)``: logits less their mean, or numbers.
    predictions
        The same to what the model predicts.
    """

    kernels: Mapping[int, Numbers]
    dense_kernels: Mapping[int, Numbers]
    whole: Numbers | None
    bias: Numbers
    scores: Callable[[Numbers], Numbers]
    predictions: Callable[[Numbers], Numbers]


@dataclass(frozen=True, slots=True, eq=False)
class Readout:
    """The first of the dense layers that read the named nodes: the tail's, or the head.

    Attributes
    ----------
    role
        Of the Keras layer.
    kernel, bias
        Its weights, ``(inputs, units)`` and ``(units,)``.
    rows
        By number of the layer, ``(units,)``: the input that each unit is, -1 when it is none.
    dense_rows
        By number of the layer, the input that each dense unit next to its nodes is.
    """

    role: LayerRole
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    rows: Mapping[int, NDArray[np.intp]]
    dense_rows: Mapping[int, NDArray[np.intp]]


@dataclass(frozen=True, slots=True, eq=False)
class ForwardPass:
    """What a network computes from its genes, or a later layer, on.

    Attributes
    ----------
    nodes, dense
        By number of the layer.
    output
        What makes outputs of them.
    """

    nodes: Mapping[int, LayerStep]
    dense: Mapping[int, LayerStep]
    output: OutputStep

    def sums(self, number: int, units: Mapping[int, Numbers], *, dense: bool = False) -> Numbers:
        """Return ``(units, cells)`` sums of a layer, from the ``(units, cells)`` units of earlier ones."""
        step = self.dense[number] if dense else self.nodes[number]
        total = step.bias[:, None].astype(next(iter(units.values())).dtype)
        for source, weights in step.weights.items():
            total = total + weights.T.astype(units[source].dtype) @ units[source]
        return total

    def run(self, genes: Numbers, last: int) -> tuple[dict[int, Numbers], dict[int, Numbers]]:
        """Return the ``(units, cells)`` units of the nodes up to a layer, and all dense units, for those of genes."""
        units = {0: genes}
        for number in range(1, last + 1):
            units[number] = self.nodes[number].after(self.sums(number, units), None)
        dense = {number: self.dense[number].after(self.sums(number, units, dense=True), None) for number in self.dense}
        return units, dense


def forward_pass(seen: ModelView) -> ForwardPass:
    """Return the forward pass of a model.

    Raises
    ------
    ModelError
        The model is an embedding, or an activation does not act unit by unit.
    """
    behind = readout(seen)
    if behind is None or seen.head is None:
        raise without_outputs(seen)
    nodes = {role.number: _nodes(seen, role) for role in seen.roles.all("nodes")}
    dense = {role.number: _dense_units(seen, role) for role in seen.roles.all("dense")}
    step = _one_head if has_one_head(seen) else _level_heads
    return ForwardPass(nodes, dense, step(seen, behind, seen.head.activation))


def readout(seen: ModelView) -> Readout | None:
    """Return the first dense layer behind the named nodes; ``None`` for an embedding without a tail."""
    role = seen.first_dense
    if role is None:
        return None
    arch, layer = seen.architecture, seen.layer_with(role)
    rows = {number: np.full(int(arch.layers[number].units.sum()), -1) for number in range(1, len(arch.layers))}
    dense_rows = {}
    for run, place in role.inputs.places(arch):
        inputs = np.arange(place.start, place.stop)
        if run.kind == "dense":
            dense_rows[run.of] = inputs
        elif run.kind in ("nodes", "sinks"):
            rows[run.of][np.repeat(run.nodes(arch), arch.layers[run.of].units)] = inputs
    return Readout(role, to_numpy(layer.kernel), to_numpy(layer.bias), rows, dense_rows)


def _nodes(seen: ModelView, role: LayerRole) -> LayerStep:
    layer = seen.layer_with(role)
    matrix = sparse.csr_array(layer.kernel_matrix().astype(np.float32))
    bias = np.zeros(matrix.shape[1], np.float32) if layer.bias is None else to_numpy(layer.bias)
    bias = np.where(layer.connections.fan_in > 0, bias, 0)
    weights: dict[int, sparse.csr_array] = {}
    for run, place in role.inputs.places(seen.architecture):
        rows = sparse.csr_array(matrix[place])
        if run.kind == "pairs":
            # Linear units between genes and nodes: their weights and those behind them are one.
            pairs = seen.layer("annotations", role.number)
            weights[0] = sparse.csr_array(pairs.kernel_matrix().astype(np.float32) @ rows)
            bias = bias + rows.T @ to_numpy(pairs.bias)
        else:
            weights[run.of] = rows
    return LayerStep(weights, bias, _after(seen, role))


def _dense_units(seen: ModelView, role: LayerRole) -> LayerStep:
    layer = seen.layer_with(role)
    return LayerStep({0: sparse.csr_array(to_numpy(layer.kernel))}, to_numpy(layer.bias), _after(seen, role))


def _one_head(seen: ModelView, behind: Readout, activation: Any) -> OutputStep:
    kernels = {number: _rows(behind.kernel, rows) for number, rows in behind.rows.items()}
    dense_kernels = {number: _rows(behind.kernel, rows) for number, rows in behind.dense_rows.items()}
    tail = [_after(seen, role) for role in seen.roles.all("tail")]
    later = [(to_numpy(layer.kernel), to_numpy(layer.bias)) for layer in [*seen.tail_layers, seen.head][1:]]
    is_classifier = isinstance(seen.outputs, Classes)

    def outputs(sums: Numbers) -> Numbers:
        for after, (weights, bias) in zip(tail, later, strict=True):
            units = after(sums, None)
            sums = np.matmul(weights.T.astype(units.dtype), units) + bias[:, None].astype(units.dtype)
        return sums

    def scores(sums: Numbers) -> Numbers:
        found = outputs(sums)
        return found - found.mean(axis=-2, keepdims=True) if is_classifier else found

    def predictions(sums: Numbers) -> Numbers:
        return _over_outputs(activation, outputs(sums))

    return OutputStep(kernels, dense_kernels, behind.kernel, behind.bias, scores, predictions)


def _level_heads(seen: ModelView, behind: Readout, activation: Any) -> OutputStep:
    """Return the heads on the levels as one layer; the prediction is the mean of what they say."""
    arch = seen.architecture
    last = len(arch.layers) - 1
    levels = {role.number: seen.layer_with(role) for role in seen.roles.all("auxiliary")}
    count = len(levels) + 1
    outputs = behind.kernel.shape[1]
    own = {number: place for place, number in enumerate(sorted(levels))}
    kernels = {}
    for number in range(last + 1):
        units = int(arch.layers[number].units.sum())
        kernel = np.zeros((units, count, outputs), np.float32)
        if number in levels:
            kernel[:, own[number]] = to_numpy(levels[number].kernel)
        if number:
            kernel[:, count - 1] = _rows(behind.kernel, behind.rows[number])
        kernels[number] = kernel.reshape(units, count * outputs)
    dense_kernels = {}
    for number, rows in behind.dense_rows.items():
        kernel = np.zeros((len(rows), count, outputs), np.float32)
        kernel[:, count - 1] = _rows(behind.kernel, rows)
        dense_kernels[number] = kernel.reshape(len(rows), count * outputs)
    bias = np.concatenate([to_numpy(levels[number].bias) for number in sorted(levels)] + [behind.bias])
    is_classifier = isinstance(seen.outputs, Classes)

    def predictions(sums: Numbers) -> Numbers:
        heads = sums.reshape(*sums.shape[:-2], count, outputs, sums.shape[-1])
        return np.asarray(_over_outputs(activation, heads).mean(axis=-3))

    def scores(sums: Numbers) -> Numbers:
        found = predictions(sums)
        return found - found.mean(axis=-2, keepdims=True) if is_classifier else found

    return OutputStep(kernels, dense_kernels, None, bias, scores, predictions)


def _rows(kernel: Numbers, rows: NDArray[np.intp]) -> Numbers:
    """Return the rows of a kernel that units are; zeros where a unit is none (-1)."""
    return np.where((rows >= 0)[:, None], kernel[rows], 0).astype(np.float32)


def _over_outputs(activation: Any, sums: Numbers) -> Numbers:
    """Apply an activation over the outputs, the last but one axis."""
    moved = np.moveaxis(sums, -2, -1)
    done = keras.ops.convert_to_numpy(activation(keras.ops.convert_to_tensor(np.ascontiguousarray(moved))))
    return np.moveaxis(done, -1, -2)


def _after(seen: ModelView, role: LayerRole) -> UnitFunction:
    """Return what follows the sums of a layer, unit by unit: activation and batch normalisation, in their order."""
    normalization = seen.layer(role.part, role.number, "normalization")
    scale, shift = (None, None) if normalization is None else _affine(normalization)
    late = seen.layer(role.part, role.number, "activation")
    is_first = late is not None
    activation = (late if is_first else seen.layer_with(role)).activation
    is_linear = activation is None or activation is keras.activations.linear
    if not is_linear:
        _check_by_unit(activation, role.name)

    def after(sums: Numbers, units: NDArray[np.intp] | None) -> Numbers:
        def normalized(values: Numbers) -> Numbers:
            if scale is None or shift is None:
                return values
            place = slice(None) if units is None else units
            return values * scale[place, None].astype(values.dtype) + shift[place, None].astype(values.dtype)

        values = normalized(sums) if is_first else sums
        if not is_linear:
            values = _applied(activation, values)
        return values if is_first else normalized(values)

    return after


def _applied(activation: Any, values: Numbers) -> Numbers:
    if activation is keras.activations.tanh and values.dtype == np.float64:
        return np.tanh(values)
    return np.asarray(keras.ops.convert_to_numpy(activation(keras.ops.convert_to_tensor(values))))


def _affine(layer: Any) -> tuple[Numbers, Numbers]:
    """Return scale and shift of batch normalisation in inference."""
    scale = 1 / np.sqrt(to_numpy(layer.moving_variance).astype(np.float64) + layer.epsilon)
    if layer.gamma is not None:
        scale = scale * to_numpy(layer.gamma)
    shift = -to_numpy(layer.moving_mean) * scale
    return scale, shift if layer.beta is None else shift + to_numpy(layer.beta)


def _check_by_unit(activation: Any, name: str) -> None:
    """Raise a `ModelError` unless an activation acts on each unit by itself."""
    values = np.array([[-1.0, 0.3, 2.0]], np.float32)
    together = _applied(activation, values)
    apart = np.concatenate([_applied(activation, values[:, [i]]) for i in range(3)], axis=1)
    if together.shape != values.shape or not np.allclose(together, apart, atol=1e-6):
        raise ModelError(
            f"The activation of {name} does not act unit by unit, so single nodes cannot be followed through it.\n"
            'Take method="gradient"'
        )
