"""One TensorFlow operation for all that a layer reads: tensors side by side, relays folded in, a bias added.

In: tensors. Out: a tensor whose gradient is one operation too. What the operation saves are copies: the tensors are
never joined, what a relay gives is never computed, and each is read only where it is connected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_vnn.layers._connections import Connections
from keras_vnn.layers.kernels._arrangement import Arrangement
from keras_vnn.layers.kernels._pairs import PairProducts
from keras_vnn.layers.kernels._products import Products

__all__ = ["Joined", "Relays", "mark_relays", "relays_of"]

_ATTRIBUTE = "_keras_vnn_relays"


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


def mark_relays(tensor: Any, relays: Relays) -> None:
    """Have a tensor say what made it, for the layers that read it."""
    setattr(tensor, _ATTRIBUTE, relays)


def relays_of(tensor: Any) -> Relays | None:
    """Return what made a tensor, if it consists of relays."""
    found: Relays | None = getattr(tensor, _ATTRIBUTE, None)
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
        self._made_for: dict[tuple[int, ...], Products | PairProducts] = {}

    def __call__(self, inputs: Sequence[Any], weights: Any, bias: Any) -> Any:
        """Return the product; half precision is computed in single precision."""
        import tensorflow as tf

        relays = [relays_of(each) for each in inputs]
        if sum(each is not None for each in relays) > 1:  # those of one tensor, the most there are, are folded
            relays = [None] * len(inputs)
        sources: list[Any] = []
        where = []
        for tensor, relay in zip(inputs, relays, strict=True):
            source = tensor if relay is None else relay.inputs
            known = [number for number, each in enumerate(sources) if each is source]
            where.append(known[0] if known else len(sources))
            sources += [] if known else [source]
        parameters = [weights]
        for relay in relays:
            parameters += [] if relay is None else [relay.weights, relay.bias]
        parameters += [] if bias is None else [bias]
        sizes = tuple(int(source.shape[-1]) for source in sources)
        key = (sizes, tuple(where), tuple(-1 if each is None else id(each.rows) for each in relays), bias is None)
        if key not in self._known:
            self._known[key] = self._made(sizes, where, relays, [int(each.shape[-1]) for each in inputs])
        # A variable would be read inside, where its gradient is not followed.
        arguments = [tf.convert_to_tensor(each) for each in (*sources, *parameters)]
        dtype = arguments[0].dtype
        is_half = dtype in (tf.float16, tf.bfloat16)
        found = self._known[key](*(tf.cast(each, tf.float32) if is_half else each for each in arguments))
        return tf.cast(found, dtype)

    def _made(
        self, sizes: tuple[int, ...], where: list[int], relays: Sequence[Relays | None], widths: list[int]
    ) -> Callable[..., Any]:
        starts = np.cumsum((0, *sizes))
        columns, numbers = [], []
        for source, relay, width in zip(where, relays, widths, strict=True):
            columns.append(starts[source] + (np.arange(width) if relay is None else relay.rows))
            numbers.append(np.full(width, -1) if relay is None else np.arange(width))
        arrangement = Arrangement(sizes, np.concatenate(columns), np.concatenate(numbers).astype(np.int32))
        rows = [None if relay is None else relay.rows for relay in relays]

        def plain(*arguments: Any) -> Any:
            """Compute the same from operations of TensorFlow and the product of one tensor."""
            import tensorflow as tf

            sources, parameters = arguments[: len(sizes)], list(arguments[len(sizes) :])
            weights, parts = parameters.pop(0), []
            for source, read in zip(where, rows, strict=True):
                part = sources[source]
                if read is not None:
                    part = tf.gather(part, read, axis=1) * parameters.pop(0) + parameters.pop(0)
                parts.append(part)
            found = self._product(parts[0] if len(parts) == 1 else tf.concat(parts, axis=-1), weights)
            return found + parameters[0] if parameters else found

        is_paired = self._connections.pair is not None and len(sizes) == 1 and not arrangement.has_relays
        made = PairProducts(self._connections) if is_paired else Products(self._connections, arrangement)
        self._made_for[sizes] = made
        return _operation(made, sizes, plain)


def _operation(
    products: Products | PairProducts, sizes: tuple[int, ...], plain: Callable[..., Any]
) -> Callable[..., Any]:
    """Return the product as a function of sources and parameters that TensorFlow can differentiate, twice."""
    import tensorflow as tf
    from tensorflow.python.eager import record

    count = len(sizes)

    def run(function: Callable[..., Any], inputs: Sequence[Any], results: int) -> list[Any]:
        if tf.executing_eagerly():
            return [tf.convert_to_tensor(array) for array in function(*map(np.asarray, inputs))]
        return list(tf.numpy_function(function, inputs, [inputs[0].dtype] * results, stateful=False))

    @tf.custom_gradient
    def product(*arguments: Any) -> Any:
        needs = [record.should_record_backprop([source]) for source in arguments[:count]]
        needs_parameters = record.should_record_backprop(list(arguments[count:]))
        if not (needs_parameters or any(needs)):
            # Nobody watches while a function is traced that is differentiated as a whole.
            needs, needs_parameters = [True] * count, True

        def forward(*arrays: Any) -> Any:
            return products.forward(arrays[:count], arrays[count:])

        outputs, tiles = run(forward, arguments, 2)
        outputs = tf.ensure_shape(outputs, (arguments[0].shape[0], products.outputs))

        def gradient(upstream: Any) -> Any:
            found = gradients(needs, needs_parameters, upstream, tf.ensure_shape(tiles, (None,)), *arguments)
            wanted = [*needs, *[needs_parameters] * (len(arguments) - count)]
            if all(wanted):
                return found
            given = iter(found)
            others = iter(() if tf.executing_eagerly() else _others(plain, arguments, wanted, upstream))
            return [next(given) if each else next(others, None) for each in wanted]

        return outputs, gradient

    def gradients(needs: list[bool], needs_parameters: bool, upstream: Any, tiles: Any, *arguments: Any) -> list[Any]:
        shapes = [(upstream.shape[0], size) for size, need in zip(sizes, needs, strict=True) if need]
        shapes += [tuple(each.shape) for each in arguments[count:]] if needs_parameters else []
        wanted = [*needs, *[needs_parameters] * (len(arguments) - count)]

        @tf.custom_gradient
        def together(upstream: Any, tiles: Any, *arguments: Any) -> Any:
            kept = [*(arguments[:count] if products.reads_sources else ()), *arguments[count:]]

            def backward(upstream: Any, tiles: Any, *arrays: Any) -> Any:
                parameters = arrays[len(kept) - len(arguments) + count :]
                return products.backward(
                    upstream, arrays[0] if products.reads_sources else tiles, parameters,
                    needs=needs, needs_parameters=needs_parameters,
                )  # fmt: skip

            results = run(backward, [upstream, tiles, *kept], len(shapes))
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
                return [of_upstream, None, *of_arguments]

            return results, gradient

        return list(together(upstream, tiles, *arguments))

    return product  # type: ignore[no-any-return]


def _others(plain: Callable[..., Any], arguments: Sequence[Any], wanted: Sequence[bool], upstream: Any) -> list[Any]:
    """Return gradients nobody is known to want; a graph drops what nobody asks for."""
    import tensorflow as tf

    unwanted = [each for each, want in zip(arguments, wanted, strict=True) if not want]
    with tf.GradientTape() as tape:
        tape.watch(unwanted)
        outputs = plain(*arguments)
    return list(tape.gradient(outputs, unwanted, upstream))
