"""Brings numpy products into a backend: as an operation with gradients, in eager mode and in compiled functions.

In: `Products`. Out: a function of two tensors. One function per backend; knows nothing of how products are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_vnn.layers._backend import constant
from keras_vnn.layers.fast._products import Products


def differentiable(products: Products) -> Callable[[Any, Any], Any]:
    """Return ``product(inputs, weights)`` for tensors of the active Keras backend, single or double precision."""
    return {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}[keras.backend.backend()](products)


def on_arrays(function: Callable[..., Sequence[Any]], tensors: Sequence[Any], results: int) -> list[Any]:
    """Return what a function of arrays gives for tensors of TensorFlow: so many arrays, of the dtype of the first."""
    import tensorflow as tf

    if tf.executing_eagerly():
        return [tf.convert_to_tensor(array) for array in function(*map(np.asarray, tensors))]
    # The name is what other programs say when they are given this graph, which runs in this process alone.
    name, dtypes = "for_files_use_model.export", [tensors[0].dtype] * results
    return list(tf.numpy_function(function, tensors, dtypes, stateful=False, name=name))


def _arithmetic(products: Products) -> list[tuple[Callable[..., Any], Callable[..., tuple[int | None, ...]]]]:
    """Return three functions of arrays, and the shapes they give: the product, its gradients of inputs and of weights.

    Each is linear in both arguments, so their derivatives are one another.
    """
    return [
        (lambda x, w: products.forward([x], [w])[0], lambda x, w: (x.shape[0], products.outputs)),
        (
            lambda g, w: products.backward(g, [], [w], needs_parameters=False)[0],
            lambda g, w: (g.shape[0], products.inputs),
        ),
        (products.weights_gradient, lambda g, x: (products.count,)),
    ]


def _tensorflow(products: Products) -> Callable[[Any, Any], Any]:
    import tensorflow as tf

    def operation(number: int, gradient: Callable[..., Any]) -> Callable[[Any, Any], Any]:
        run, shape = _arithmetic(products)[number]

        @tf.custom_gradient
        def made(first: Any, second: Any) -> Any:
            (result,) = on_arrays(lambda *arrays: [run(*arrays)], [first, second], 1)
            return tf.ensure_shape(result, shape(first, second)), lambda above: gradient(above, first, second)

        return made  # type: ignore[no-any-return]

    product = operation(0, lambda g, x, w: (of_inputs(g, w), of_weights(g, x)))
    of_inputs = operation(1, lambda g, u, w: (product(g, w), of_weights(u, g)))
    of_weights = operation(2, lambda g, u, x: (product(x, g), of_inputs(u, g)))
    return product


def _torch(products: Products) -> Callable[[Any, Any], Any]:
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
                numpy(upstream), [tiles.numpy()], [numpy(weights)], needs=[needs[0]], needs_parameters=needs[1]
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

    # What is compiled by torch is interrupted for the product and resumed after it.
    return torch.compiler.disable(lambda inputs, weights: Product.apply(inputs, weights)[0])  # type: ignore[no-any-return]


def _jax(products: Products) -> Callable[[Any, Any], Any]:
    import jax
    from jax.extend.core import Primitive
    from jax.interpreters import ad, batching, mlir

    def operation(name: str, run: Callable[..., Any], shape: Callable[..., tuple[int | None, ...]]) -> Any:
        made = Primitive(f"keras_vnn_{name}")

        # `jax.pure_callback` makes arrays of JAX of what it hands on, for which JAX needs a thread that may be waiting.
        def lowered(context: Any, *values: Any) -> Any:
            results, _, _ = mlir.emit_python_callback(
                context, lambda *arrays: (run(*arrays),), None, list(values), context.avals_in, context.avals_out,
                has_side_effect=False,
            )  # fmt: skip
            return results

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

        made.def_impl(jax.jit(made.bind))
        made.def_abstract_eval(lambda first, second: jax.core.ShapedArray(shape(first, second), first.dtype))
        mlir.register_lowering(made, lowered, platform="cpu")
        batching.primitive_batchers[made] = batched
        return made

    names = ("product", "inputs", "weights")
    product, of_inputs, of_weights = (
        operation(name, *each) for name, each in zip(names, _arithmetic(products), strict=True)
    )
    ad.defbilinear(product, lambda g, x, w: of_inputs.bind(g, w), lambda g, x, w: of_weights.bind(g, x))
    ad.defbilinear(of_inputs, lambda g, u, w: product.bind(g, w), lambda g, u, w: of_weights.bind(u, g))
    ad.defbilinear(of_weights, lambda g, u, x: product.bind(x, g), lambda g, u, x: of_inputs.bind(u, g))
    return product.bind  # type: ignore[no-any-return]
