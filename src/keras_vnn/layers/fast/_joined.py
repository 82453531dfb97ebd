"""One TensorFlow operation for a layer: tensors side by side, relays folded in, a bias, tanh, batch normalisation.

In: tensors. Out: a tensor whose gradient is one operation too. What the operation saves are copies: the tensors are
never joined, what a relay gives is never computed, and each is read only where it is connected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_vnn.layers._connections import Connections
from keras_vnn.layers.fast._hosts import on_arrays
from keras_vnn.layers.fast._products import LINEAR, Arrangement, Finish, Products

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

# Attributes of tensors. That relays are folded is worth 37 % of a step of a network of DrugCell's size, batch 64; that
# gradients nobody asked for are not computed, which only TensorFlow's own record knows, is worth 13 % of it.
_MADE_BY, _FOLDED = "_keras_vnn_relays", "_keras_vnn_folded"


@dataclass(frozen=True, eq=False)
class Relays:
    """What made a tensor whose units are relays: ``inputs[:, rows] * weights + bias``.

    Attributes
    ----------
    inputs
        ``(batch, units)`` tensor.
    rows
        ``(relays,)`` the unit each reads.
    weights, bias
        ``(relays,)`` tensors.
    """

    inputs: Any
    rows: NDArray[np.int32]
    weights: Any
    bias: Any


def handed_on(tensor: Any, relays: Relays) -> Any:
    """Return a tensor of relays that what reads it may fold; only in graphs, which drop what nobody asks for.

    Whatever folds it gives two gradients: that of the tensor, and with it those of what made the tensor. The latter
    serve if the former comes back as it was given: nothing else has read the tensor. So the gradient of the tensor is
    there for who asks, and computed only then.
    """
    if tf.executing_eagerly():
        return tensor

    @tf.custom_gradient
    def identity(tensor: Any, inputs: Any, weights: Any, bias: Any) -> Any:
        def gradient(upstream: Any) -> Any:
            folded = getattr(upstream, _FOLDED, None)
            return (upstream, None, None, None) if folded is None else (None, *folded)

        return tf.identity(tensor), gradient

    found = identity(tensor, relays.inputs, relays.weights, relays.bias)
    setattr(found, _MADE_BY, relays)
    return found


class Joined:
    """The product of one layer with whatever tensors it is called on.

    Parameters
    ----------
    connections
        The connections of the layer.
    product
        The same product of one tensor, with gradients of gradients.
    """

    def __init__(self, connections: Connections, product: Callable[[Any, Any], Any]) -> None:
        self._connections, self._product = connections, product
        self._known: dict[tuple[Any, ...], Callable[..., Any]] = {}

    def __call__(
        self, inputs: Sequence[Any], weights: Any, bias: Any, finish: Finish = LINEAR, normal: Sequence[Any] = ()
    ) -> list[Any]:
        """Return the outputs and, where a finish has normalisation, with gamma and beta, means and variances.

        Half precision is computed in single precision.
        """
        relays: list[Relays | None] = [getattr(each, _MADE_BY, None) for each in inputs]
        place = next((number for number, each in enumerate(relays) if each is not None), None)
        relay = None if place is None else relays[place]
        sources = list(inputs)
        parameters = [weights]
        if relay is not None and place is not None:  # those of one tensor, the most there are, are folded
            sources[place] = relay.inputs
            parameters += [relay.weights, relay.bias]
        parameters += [*([] if bias is None else [bias]), *normal]
        sizes = tuple(int(source.shape[-1]) for source in sources)
        key = (sizes, place, None if relay is None else id(relay.rows), finish)
        if key not in self._known:
            self._known[key] = self._made(sizes, place, None if relay is None else relay.rows, finish)
        # A variable would be read inside, where its gradient is not followed.
        arguments = [tf.convert_to_tensor(each) for each in (*sources, *parameters)]
        dtype = arguments[0].dtype
        is_half = dtype in (tf.float16, tf.bfloat16)
        arguments = [tf.cast(each, tf.float32) if is_half else each for each in arguments]
        found = self._known[key](*arguments, *([] if place is None else [inputs[place]]))
        return [tf.cast(each, dtype) for each in found]

    def _made(
        self, sizes: tuple[int, ...], place: int | None, rows: NDArray[np.int32] | None, finish: Finish
    ) -> Callable[..., Any]:
        starts = np.cumsum((0, *sizes))
        read = [np.arange(size) if number != place else rows for number, size in enumerate(sizes)]
        columns = [start + each for start, each in zip(starts, read, strict=False)]
        numbers = [np.arange(len(each)) if n == place else np.full(len(each), -1) for n, each in enumerate(columns)]
        arrangement = Arrangement(sizes, np.concatenate(columns), np.concatenate(numbers).astype(np.int32))

        def unfolded(*arguments: Any) -> Any:
            """Compute the same from operations of TensorFlow and the product of one tensor; relays are given last."""
            parts, (weights, *parameters) = list(arguments[: len(sizes)]), arguments[len(sizes) :]
            if place is not None:
                parts[place] = parameters.pop()
                del parameters[:2]
            found = self._product(parts[0] if len(parts) == 1 else tf.concat(parts, axis=-1), weights)
            normal = [parameters.pop(), parameters.pop()] if finish.epsilon is not None else []
            found = found + parameters[0] if parameters else found
            found = tf.tanh(found) if finish.has_tanh else found
            if finish.epsilon is None:
                return found
            beta, gamma = normal
            mean, variance = tf.nn.moments(found, [0])
            return tf.nn.batch_normalization(found, mean, variance, beta, gamma, finish.epsilon)

        return _operation(Products(self._connections, arrangement, finish), sizes, unfolded, place, rows)


def _operation(
    products: Products,
    sizes: tuple[int, ...],
    unfolded: Callable[..., Any],
    place: int | None,
    rows: NDArray[np.int32] | None,
) -> Callable[..., Any]:
    """Return the outputs, and moments, as a function of sources, parameters, and relays that are folded, if there are.

    TensorFlow can differentiate the outputs, twice; moments are for who keeps a record of them.
    """
    count, finish = len(sizes), products.finish
    # Tiles read; units before normalisation; their means and variances.
    shapes_saved: list[tuple[int | None, ...]] = [(None,)] * (2 if finish.is_saved else 1)
    shapes_saved += [(products.outputs,)] * (0 if finish.epsilon is None else 2)

    def plain(*arguments: Any) -> Any:
        if place is None:
            return unfolded(*arguments)
        weights, bias = arguments[count + 1 : count + 3]
        return unfolded(*arguments, tf.gather(arguments[place], rows, axis=1) * weights + bias)

    @tf.custom_gradient
    def product(*given: Any) -> Any:
        arguments = given if place is None else given[:-1]
        needs = [_is_recorded([source]) for source in arguments[:count]]
        needs_parameters = _is_recorded(arguments[count:])
        if not (needs_parameters or any(needs)):
            # Nobody watches while a function is traced that is differentiated as a whole.
            needs, needs_parameters = [True] * count, True

        def forward(*arrays: Any) -> Any:
            return products.forward(arrays[:count], arrays[count:])

        outputs, tiles, *saved = on_arrays(forward, arguments, len(shapes_saved) + 1)
        outputs = tf.ensure_shape(outputs, (arguments[0].shape[0], products.outputs))
        saved = [tf.ensure_shape(each, shape) for each, shape in zip([tiles, *saved], shapes_saved, strict=True)]

        def gradient(upstream: Any, *_: Any) -> Any:
            found = gradients(needs, needs_parameters, upstream, *saved, *arguments)
            wanted = [*needs, *[needs_parameters] * (len(arguments) - count)]
            if not all(wanted):
                known = iter(found)
                others = iter(() if tf.executing_eagerly() else _others(plain, arguments, wanted, upstream))
                found = [next(known) if each else next(others, None) for each in wanted]
            return found if place is None else _with_that_of_relays(unfolded, given, place, count, found, upstream)

        return [outputs, *saved[2:]], gradient

    def gradients(needs: list[bool], needs_parameters: bool, upstream: Any, *given: Any) -> list[Any]:
        arguments = given[len(shapes_saved) :]
        shapes = [(upstream.shape[0], size) for size, need in zip(sizes, needs, strict=True) if need]
        shapes += [tuple(each.shape) for each in arguments[count:]] if needs_parameters else []
        wanted = [*needs, *[needs_parameters] * (len(arguments) - count)]

        @tf.custom_gradient
        def together(upstream: Any, *given: Any) -> Any:
            saved, arguments = given[: len(shapes_saved)], given[len(shapes_saved) :]

            def backward(upstream: Any, *arrays: Any) -> Any:
                saved, parameters = arrays[: len(shapes_saved)], arrays[len(shapes_saved) :]
                return products.backward(upstream, saved, parameters, needs=needs, needs_parameters=needs_parameters)

            results = on_arrays(backward, [upstream, *saved, *arguments[count:]], len(shapes))
            results = [tf.ensure_shape(each, shape) for each, shape in zip(results, shapes, strict=True)]

            def gradient(*above: Any) -> Any:
                with tf.GradientTape() as outer:
                    outer.watch([upstream, *arguments])
                    with tf.GradientTape() as inner:
                        inner.watch(arguments)
                        outputs = plain(*arguments)
                    first = inner.gradient(outputs, arguments, upstream)
                    first = [each for each, need in zip(first, wanted, strict=True) if need]
                of_upstream, *of_arguments = outer.gradient(first, [upstream, *arguments], list(above))
                return [of_upstream, *[None] * len(saved), *of_arguments]

            return results, gradient

        return list(together(upstream, *given))

    return product  # type: ignore[no-any-return]


def _is_recorded(tensors: Sequence[Any]) -> bool:
    """Return whether a gradient tape follows one of the tensors."""
    try:  # no public name: without it, gradients that nobody asked for are computed too
        from tensorflow.python.eager.record import should_record_backprop
    except ImportError:
        return True
    return bool(should_record_backprop(list(tensors)))


def _others(plain: Callable[..., Any], arguments: Sequence[Any], wanted: Sequence[bool], upstream: Any) -> list[Any]:
    """Return gradients nobody is known to want; a graph drops what nobody asks for."""
    unwanted = [each for each, want in zip(arguments, wanted, strict=True) if not want]
    with tf.GradientTape() as tape:
        tape.watch(unwanted)
        outputs = plain(*arguments)
    return list(tape.gradient(outputs, unwanted, upstream))


def _with_that_of_relays(
    unfolded: Callable[..., Any], given: Sequence[Any], place: int, count: int, found: list[Any], upstream: Any
) -> list[Any]:
    """Return the gradients of all that was given; those of what made the relays travel with that of the relays."""
    relays = given[-1]
    wide = tf.cast(relays, upstream.dtype)
    with tf.GradientTape() as tape:
        tape.watch(wide)
        outputs = unfolded(*given[:-1], wide)
    of_relays = tf.cast(tape.gradient(outputs, wide, upstream), relays.dtype)
    behind = [place, count + 1, count + 2]
    setattr(of_relays, _FOLDED, [None if found[n] is None else tf.cast(found[n], relays.dtype) for n in behind])
    return [*(None if number in behind else each for number, each in enumerate(found)), of_relays]
