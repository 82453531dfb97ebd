"""Brings numpy products into a backend: as an operation with gradients, in eager mode and in compiled functions.

In: `Products`. Out: a function of two tensors. One function per backend; knows nothing of how products are made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_vnn.layers.kernels._constants import constant

__all__ = ["differentiable"]

_HALF = ("float16", "bfloat16")


def differentiable(products: Any) -> Callable[[Any, Any], Any]:
    """Return ``product(inputs, weights)`` for tensors of the active Keras backend."""
    make = {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}[keras.backend.backend()]
    product: Callable[[Any, Any], Any] = make(products)

    def with_single_precision(inputs: Any, weights: Any) -> Any:
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        if dtype not in _HALF:
            return product(inputs, weights)
        wide = product(keras.ops.cast(inputs, "float32"), keras.ops.cast(weights, "float32"))
        return keras.ops.cast(wide, dtype)

    return with_single_precision


def _tensorflow(products: Any) -> Callable[[Any, Any], Any]:
    """Gradients are operations with gradients of their own; a graph drops the one that nobody asks for."""
    import tensorflow as tf
    from tensorflow.python.eager import record

    def operation(function: Callable[..., Any], inputs: list[Any], count: int) -> list[Any]:
        if tf.executing_eagerly():
            return [tf.convert_to_tensor(array) for array in function(*map(np.asarray, inputs))]
        results = tf.numpy_function(function, inputs, [inputs[0].dtype] * count, stateful=False)
        return list(results)

    def forward(inputs: Any, weights: Any) -> Any:
        outputs, tiles = operation(lambda inputs, weights: products.forward([inputs], [weights]), [inputs, weights], 2)
        outputs = tf.ensure_shape(outputs, (inputs.shape[0], products.outputs))
        return outputs, tf.ensure_shape(tiles, (None,))

    @tf.custom_gradient
    def product(inputs: Any, weights: Any) -> Any:
        needs_inputs = record.should_record_backprop([inputs])
        outputs, tiles = forward(inputs, weights)

        def gradient(upstream: Any) -> Any:
            if needs_inputs:
                return both(upstream, inputs, weights, tiles)
            if tf.executing_eagerly():
                return None, of_weights(upstream, inputs, tiles)
            return of_inputs(upstream, weights), of_weights(upstream, inputs, tiles)

        return outputs, gradient

    @tf.custom_gradient
    def of_inputs(upstream: Any, weights: Any) -> Any:
        def run(upstream: Any, weights: Any) -> Any:
            return products.backward(upstream, None, [weights], needs_parameters=False)

        (result,) = operation(run, [upstream, weights], 1)
        result = tf.ensure_shape(result, (upstream.shape[0], products.inputs))
        return result, lambda above: (product(above, weights), of_weights(upstream, above, forward(above, weights)[1]))

    @tf.custom_gradient
    def of_weights(upstream: Any, inputs: Any, tiles: Any) -> Any:
        def run(upstream: Any, tiles: Any) -> Any:
            return products.backward(upstream, tiles, [_NOTHING], needs=[False])

        (result,) = operation(run, [upstream, tiles], 1)
        result = tf.ensure_shape(result, (products.count,))
        return result, lambda above: (product(inputs, above), of_inputs(upstream, above), None)

    @tf.custom_gradient
    def both(upstream: Any, inputs: Any, weights: Any, tiles: Any) -> Any:
        def run(upstream: Any, weights: Any, tiles: Any) -> Any:
            return products.backward(upstream, tiles, [weights])

        of_input, of_weight = operation(run, [upstream, weights, tiles], 2)
        of_input = tf.ensure_shape(of_input, (upstream.shape[0], products.inputs))
        of_weight = tf.ensure_shape(of_weight, (products.count,))

        def gradient(above_input: Any, above_weight: Any) -> Any:
            to_upstream = product(above_input, weights) + product(inputs, above_weight)
            to_inputs = of_inputs(upstream, above_weight)
            to_weights = of_weights(upstream, above_input, forward(above_input, weights)[1])
            return to_upstream, to_inputs, to_weights, None

        return (of_input, of_weight), gradient

    # A variable would be read inside, where its gradient is not followed.
    return lambda inputs, weights: product(tf.convert_to_tensor(inputs), tf.convert_to_tensor(weights))


_NOTHING = np.zeros(0, np.float32)


def _torch(products: Any) -> Callable[[Any, Any], Any]:
    import torch
    from torch.autograd import Function

    rows, columns = (constant(each) for each in (products.connections.rows, products.connections.columns))

    def product(inputs: Any, weights: Any) -> Any:
        """Return the same from operations of torch, which any of its transforms knows; so do the two gradients."""
        terms = inputs[:, rows] * weights
        return terms.new_zeros((len(inputs), products.outputs)).index_add(1, columns, terms)

    def of_inputs(upstream: Any, weights: Any) -> Any:
        terms = upstream[:, columns] * weights
        return terms.new_zeros((len(upstream), products.inputs)).index_add(1, rows, terms)

    def of_weights(upstream: Any, inputs: Any) -> Any:
        return (upstream[:, columns] * inputs[:, rows]).sum(0)

    def numpy(tensor: Any) -> Any:
        return tensor.detach().contiguous().numpy()

    class Product(Function):
        """The product as an operation of torch; under `vmap` and in second derivatives it is made of those above."""

        @staticmethod
        def forward(inputs: Any, weights: Any) -> Any:
            outputs, tiles = products.forward([numpy(inputs)], [numpy(weights)])
            return torch.from_numpy(outputs), torch.from_numpy(tiles)

        @staticmethod
        def setup_context(context: Any, arguments: Any, results: Any) -> None:
            context.mark_non_differentiable(results[1])
            context.save_for_backward(*arguments, results[1])
            context.save_for_forward(*arguments)

        @staticmethod
        def backward(context: Any, upstream: Any, _: Any) -> Any:
            inputs, weights, tiles = context.saved_tensors
            needs = context.needs_input_grad
            if torch.is_grad_enabled():
                return (
                    of_inputs(upstream, weights) if needs[0] else None,
                    of_weights(upstream, inputs) if needs[1] else None,
                )
            arrays = products.backward(
                numpy(upstream), tiles.numpy(), [numpy(weights)], needs=[needs[0]], needs_parameters=needs[1]
            )
            found = map(torch.from_numpy, arrays)
            return tuple(next(found) if need else None for need in needs)

        @staticmethod
        def jvp(context: Any, inputs_tangent: Any, weights_tangent: Any, /) -> Any:
            inputs, weights = context.saved_tensors
            terms = [] if inputs_tangent is None else [product(inputs_tangent, weights)]
            terms += [] if weights_tangent is None else [product(inputs, weights_tangent)]
            return sum(terms), None

        @staticmethod
        def vmap(_: Any, axes: Any, inputs: Any, weights: Any) -> Any:
            return (torch.vmap(product, axes)(inputs, weights), weights.new_zeros(0)), (0, None)

    # What is compiled by torch is left for the product and gone on with after it.
    return torch.compiler.disable(lambda inputs, weights: Product.apply(inputs, weights)[0])  # type: ignore[no-any-return]


def _jax(products: Any) -> Callable[[Any, Any], Any]:
    """Three operations, each linear in both arguments, whose derivatives are one another: of any order and mode."""
    import jax
    from jax.extend.core import Primitive
    from jax.interpreters import ad, batching, mlir

    def operation(name: str, run: Callable[[Any, Any], Any], shape: Callable[[Any, Any], tuple[int, ...]]) -> Any:
        made = Primitive(f"keras_vnn_{name}")

        def call(first: Any, second: Any) -> Any:
            result = jax.ShapeDtypeStruct(shape(first, second), first.dtype)
            return jax.pure_callback(lambda *arrays: run(*map(np.asarray, arrays)), result, first, second)

        def batched(arguments: Any, axes: Any) -> Any:
            moved = [
                each if axis is None else jax.numpy.moveaxis(each, axis, 0)
                for each, axis in zip(arguments, axes, strict=True)
            ]

            def one(place: Any) -> Any:
                pairs = zip(moved, axes, strict=True)
                return made.bind(*(each if axis is None else each[place] for each, axis in pairs))

            count = next(len(each) for each, axis in zip(moved, axes, strict=True) if axis is not None)
            return jax.lax.map(one, jax.numpy.arange(count)), 0

        made.def_impl(jax.jit(call))
        made.def_abstract_eval(lambda first, second: jax.core.ShapedArray(shape(first, second), first.dtype))
        mlir.register_lowering(made, mlir.lower_fun(call, multiple_results=False))
        batching.primitive_batchers[made] = batched
        return made

    def run_inputs(upstream: Any, weights: Any) -> Any:
        return products.backward(upstream, None, [weights], needs_parameters=False)[0]

    product = operation(
        "product",
        lambda inputs, weights: products.forward([inputs], [weights])[0],
        lambda inputs, weights: (inputs.shape[0], products.outputs),
    )
    of_inputs = operation("inputs", run_inputs, lambda upstream, weights: (upstream.shape[0], products.inputs))
    of_weights = operation("weights", products.weights_gradient, lambda upstream, inputs: (products.count,))
    ad.defbilinear(product, lambda g, x, w: of_inputs.bind(g, w), lambda g, x, w: of_weights.bind(g, x))
    ad.defbilinear(of_inputs, lambda g, u, w: product.bind(g, w), lambda g, u, w: of_weights.bind(u, g))
    ad.defbilinear(of_weights, lambda g, u, x: product.bind(x, g), lambda g, u, x: of_inputs.bind(u, g))
    return product.bind  # type: ignore[no-any-return]
