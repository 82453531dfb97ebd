"""`ForwardPass`: what a network computes from its named units on, as sparse matrices and steps unit by unit.

In: a `ModelView`. Out: matrices of weights between layers, and functions from sums to units and from sums to outputs.
Arrays are ``(units, cells)`` throughout, so that a row of a sparse product is a run in memory. It computes in the
precision of what it is given: KPNN's small differences need double. Steps are numbered as the layers they give; the
dense units next to layer 2 are step -2.
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
from keras_vnn.basics.remedies import remedy
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
        By number of the step, ``(its units, width)``: the weights of the first dense layer, or of all heads side by
        side; zero for units that are not read.
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
    whole: Numbers | None
    bias: Numbers
    scores: Callable[[Numbers], Numbers]
    predictions: Callable[[Numbers], Numbers]


@dataclass(frozen=True, slots=True, eq=False)
class ForwardPass:
    """What a network computes from its genes, or a later layer, on.

    Attributes
    ----------
    steps
        By their numbers, each after those it reads.
    output
        What makes outputs of them.
    """

    steps: Mapping[int, LayerStep]
    output: OutputStep

    def sums(self, number: int, units: Mapping[int, Numbers]) -> Numbers:
        """Return ``(units, cells)`` sums of a step, from the ``(units, cells)`` units of earlier ones."""
        step = self.steps[number]
        total = step.bias[:, None].astype(next(iter(units.values())).dtype)
        for source, weights in step.weights.items():
            total = total + weights.T.astype(units[source].dtype) @ units[source]
        return total

    def run(self, genes: Numbers, last: int) -> dict[int, Numbers]:
        """Return the ``(units, cells)`` units of the nodes up to a layer, and all dense units, for those of genes."""
        units = {0: genes}
        for number, step in self.steps.items():
            if number <= last:
                units[number] = step.after(self.sums(number, units), None)
        return units


def forward_pass(seen: ModelView) -> ForwardPass:
    """Return the forward pass of a model.

    Raises
    ------
    ModelError
        The model is an embedding, or an activation does not act unit by unit.
    """
    role = seen.first_dense
    if role is None or seen.head is None:
        raise without_outputs(seen)
    steps = {role.number: _nodes(seen, role) for role in seen.roles.all("nodes")}
    steps |= {-role.number: _dense_units(seen, role) for role in seen.roles.all("dense")}
    return ForwardPass(steps, _output_step(seen, role, seen.head))


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


def _output_step(seen: ModelView, role: LayerRole, head: Any) -> OutputStep:
    """Return what follows the named units, from the first dense layer on; its kernel has a row per input.

    With heads on the levels, the prediction is the mean of what all say.
    """
    levels = {} if has_one_head(seen) else {role.number: seen.layer_with(role) for role in seen.roles.all("auxiliary")}
    behind = seen.layer_with(role)
    kernel = to_numpy(behind.kernel)
    kernels = {}
    for number, rows in _inputs(seen, role).items():
        nothing = np.zeros((len(rows), kernel.shape[1]), np.float32)
        of_levels = [to_numpy(levels[level].kernel) if level == number else nothing for level in sorted(levels)]
        own = np.where((rows >= 0)[:, None], kernel[rows], 0).astype(np.float32)
        kernels[number] = np.concatenate([*of_levels, own], axis=1)
    bias = np.concatenate([*(to_numpy(levels[level].bias) for level in sorted(levels)), to_numpy(behind.bias)])
    tail = [_after(seen, role) for role in seen.roles.all("tail")]
    later = [(to_numpy(layer.kernel), to_numpy(layer.bias)) for layer in [*seen.tail_layers, head][1:]]
    is_classifier = isinstance(seen.outputs, Classes)

    def outputs(sums: Numbers) -> Numbers:
        for after, (weights, bias) in zip(tail, later, strict=True):
            units = after(sums, None)
            sums = np.matmul(weights.T.astype(units.dtype), units) + bias[:, None].astype(units.dtype)
        return sums

    def predictions(sums: Numbers) -> Numbers:
        found = outputs(sums)
        by_head = found.reshape(*found.shape[:-2], len(levels) + 1, -1, found.shape[-1])
        return np.asarray(_over_outputs(head.activation, by_head).mean(axis=-3))

    def scores(sums: Numbers) -> Numbers:
        found = predictions(sums) if levels else outputs(sums)
        return found - found.mean(axis=-2, keepdims=True) if is_classifier else found

    return OutputStep(kernels, None if levels else kernel, bias, scores, predictions)


def _inputs(seen: ModelView, role: LayerRole) -> dict[int, NDArray[np.intp]]:
    """Return, by number of the step, ``(units,)`` which input of a dense layer each unit is; -1 when it is none."""
    arch = seen.architecture
    rows = {number: np.full(int(layer.units.sum()), -1) for number, layer in enumerate(arch.layers)}
    for run, place in role.inputs.places(arch):
        inputs = np.arange(place.start, place.stop)
        if run.kind == "dense":
            rows[-run.of] = inputs
        elif run.kind in ("nodes", "sinks"):
            rows[run.of][np.repeat(run.nodes(arch), arch.layers[run.of].units)] = inputs
    return rows


def _over_outputs(activation: Any, sums: Numbers) -> Numbers:
    """Apply an activation over the outputs, the last but one axis."""
    moved = np.moveaxis(sums, -2, -1)
    done = keras.ops.convert_to_numpy(activation(keras.ops.convert_to_tensor(np.ascontiguousarray(moved))))
    return np.moveaxis(done, -1, -2)


def _after(seen: ModelView, role: LayerRole) -> UnitFunction:
    """Return what follows the sums of a layer, unit by unit: activation and batch normalisation, in their order."""
    normalization = seen.layer(role.part, role.number, "normalization")
    scale, shift = (None, None) if normalization is None else _affine(normalization)
    activation, is_first = _activation(seen, role)
    is_linear = activation is None
    if not _acts_by_unit(activation):
        raise ModelError(
            f"The activation of {role.name} does not act unit by unit, so single nodes cannot be followed through it.\n"
            + remedy("Take {method}", "Take another method: gradient", method="gradient")
        )

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


def _activation(seen: ModelView, role: LayerRole) -> tuple[Any, bool]:
    """Return the activation of a layer, ``None`` if it is linear, and whether batch normalisation comes before it."""
    late = seen.layer(role.part, role.number, "activation")
    activation = (seen.layer_with(role) if late is None else late).activation
    return None if activation is keras.activations.linear else activation, late is not None


def acts_by_unit(seen: ModelView) -> bool:
    """Say whether single nodes can be followed to the outputs: each activation on the way acts on a unit by itself."""
    if seen.first_dense is None or seen.head is None:
        return True
    roles = (role for part in ("nodes", "dense", "tail") for role in seen.roles.all(part))
    return all(_acts_by_unit(_activation(seen, role)[0]) for role in roles)


def _acts_by_unit(activation: Any) -> bool:
    if activation is None:
        return True
    values = np.array([[-1.0, 0.3, 2.0]], np.float32)
    together = _applied(activation, values)
    apart = np.concatenate([_applied(activation, values[:, [i]]) for i in range(3)], axis=1)
    return together.shape == values.shape and bool(np.allclose(together, apart, atol=1e-6))
