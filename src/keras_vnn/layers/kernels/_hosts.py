"""Brings numpy products into a backend: as an operation with gradients, in eager mode and in compiled functions.

In: `Products`. Out: a function of two tensors. One function per backend; knows nothing of how products are made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

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
    from torch.autograd.function import once_differentiable

    def numpy(tensor: Any) -> Any:
        return tensor.detach().contiguous().numpy()

    class Product(Function):
        """The product as an operation of torch; its gradients have no gradients of their own."""

        @staticmethod
        def forward(context: Any, inputs: Any, weights: Any) -> Any:
            outputs, tiles = products.forward([numpy(inputs)], [numpy(weights)])
            context.save_for_backward(weights, torch.from_numpy(tiles))
            return torch.from_numpy(outputs)

        @staticmethod
        @once_differentiable
        def backward(context: Any, upstream: Any) -> Any:
            weights, tiles = context.saved_tensors
            needs_inputs, needs_weights = context.needs_input_grad
            found = iter(
                products.backward(
                    numpy(upstream),
                    tiles.numpy(),
                    [numpy(weights)],
                    needs=[needs_inputs],
                    needs_parameters=needs_weights,
                )
            )
            return tuple(torch.from_numpy(next(found)) if need else None for need in (needs_inputs, needs_weights))

    return Product.apply  # type: ignore[no-any-return]


def _jax(products: Any) -> Callable[[Any, Any], Any]:
    import jax

    def call(function: Callable[..., Any], shape: tuple[int, ...], *arrays: Any) -> Any:
        result = jax.ShapeDtypeStruct(shape, arrays[0].dtype)
        return jax.pure_callback(function, result, *arrays, vmap_method="sequential")

    def run_forward(inputs: Any, weights: Any) -> Any:
        return products.forward([np.asarray(inputs)], [np.asarray(weights)])[0]

    def run_inputs(upstream: Any, weights: Any) -> Any:
        return products.backward(np.asarray(upstream), None, [np.asarray(weights)], needs_parameters=False)[0]

    def run_weights(upstream: Any, inputs: Any) -> Any:
        return products.weights_gradient(np.asarray(upstream), np.asarray(inputs))

    @jax.custom_vjp
    def product(inputs: Any, weights: Any) -> Any:
        return call(run_forward, (inputs.shape[0], products.outputs), inputs, weights)

    def forward(inputs: Any, weights: Any) -> Any:
        return product(inputs, weights), (inputs, weights)

    def backward(kept: Any, upstream: Any) -> Any:
        inputs, weights = kept
        of_inputs = call(run_inputs, inputs.shape, upstream, weights)
        return of_inputs, call(run_weights, weights.shape, upstream, inputs)

    product.defvjp(forward, backward)
    return product  # type: ignore[no-any-return]
