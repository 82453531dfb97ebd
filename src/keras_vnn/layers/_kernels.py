"""The interface all kernels share, what they cost, and those that need no compiled loops.

In: `Connections`, a batch and one weight for each connection. Out: the product, differentiable in both. `dense` places
the weights in a matrix, `csr` uses TensorFlow's sparse matrices, `block` multiplies in batches of nodes of equal shape,
`portable` gathers and sums by segment in `keras.ops` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_vnn.layers._backend import along_connections, constant, matmul, rows_of, segment_sum
from keras_vnn.layers._connections import Connections

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


HALF = ("float16", "bfloat16")


class SparseKernel:
    """One way to compute ``inputs @ (A∘W)`` for the connections it was made for.

    Attributes
    ----------
    name
        What ``SparselyConnected(kernel=…)`` calls it.
    supports_jit
        Whether Keras may have XLA compile it.
    is_portable
        Whether it is made of `keras.ops` alone, so that every exporter and device knows it.
    """

    name: ClassVar[str]
    supports_jit: ClassVar[bool] = False
    is_portable: ClassVar[bool] = False

    def __init__(self, connections: Connections, *, is_exported: bool = False) -> None:
        """Prepare what the product needs of the connections; called once per layer.

        Parameters
        ----------
        connections
            The connections of the layer.
        is_exported
            Whether it becomes part of a file: then it must consist of plain operations, with no gradients of our own.
        """

    @classmethod
    def unavailable(cls, connections: Connections, *, backend: str, device: str) -> str:
        """Return why the kernel cannot serve here, or an empty string when it can."""
        return ""

    def __call__(self, inputs: Any, weights: Any) -> Any:
        """Return the product, differentiable in both arguments.

        Parameters
        ----------
        inputs
            ``(batch, inputs)`` tensor.
        weights
            ``(connections,)`` tensor of the same dtype.

        Returns
        -------
        tensor
            ``(batch, outputs)``, of the same dtype; half precision is summed in single precision.
        """
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        if dtype not in HALF:
            return self.product(inputs, weights)
        return ops.cast(self.product(ops.cast(inputs, "float32"), ops.cast(weights, "float32")), dtype)

    def product(self, inputs: Any, weights: Any) -> Any:
        """Return the product of tensors that are not of half precision."""
        raise NotImplementedError

    def of_layer(self, parts: Sequence[Any], weights: Any, bias: Any, activation: Any) -> Any:
        """Return what a layer gives.

        Parameters
        ----------
        parts
            Tensors ``(batch, …)``, read as if side by side.
        weights
            ``(connections,)`` tensor.
        bias
            ``(outputs,)`` tensor, or None.
        activation
            A function of Keras, or None.
        """
        outputs = self(parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1), weights)
        outputs = outputs if bias is None else outputs + bias
        return outputs if activation is None else activation(outputs)


@dataclass(frozen=True, slots=True)
class Costs:
    """What each kernel takes for a training step on one backend, in nanoseconds.

    Attributes
    ----------
    native_product, native_block_product, dense_product, csr_product, portable_product, block_product
        One connection (or cell of the dense matrix) and one example.
    native_unit
        One unit of the inputs or the outputs and one example, where arrays are copied on their way to the loops.
    dense_cell, dense_connection, filled_cell, csr_connection
        One cell of the dense matrix, one connection, whatever the batch.
    call, dense_call, portable_call
        One call of a kernel that leaves the graph, of the dense one, of the portable one with its small operations.
    pair_product
        The product of the portable kernel where nodes are in pairs.
    """

    native_product: float = 0.25
    native_block_product: float = 0.05
    native_unit: float = 0.0
    dense_product: float = 0.04
    csr_product: float = 0.9
    portable_product: float = 1.6
    block_product: float = 0.15
    dense_cell: float = 1.0
    dense_connection: float = 4.0
    filled_cell: float = 1.5
    csr_connection: float = 8.0
    call: float = 150_000.0
    dense_call: float = 0.0
    portable_call: float = 100_000.0
    pair_product: float = 0.4


# Fitted to times measured on a CPU, from 30 × 8 to 9,437 × 700, of any density: `benchmarks/choice.py`.
COSTS = {
    "tensorflow": Costs(),
    "torch": Costs(
        native_product=0.205, dense_connection=2.0, call=225_000.0, dense_call=100_000.0, portable_call=160_000.0
    ),
    "jax": Costs(
        native_product=0.27, native_block_product=0.12, native_unit=3.0, dense_product=0.075, dense_cell=4.0,
        dense_connection=1.5, portable_product=5.0, block_product=0.3, call=400_000.0, dense_call=300_000.0,
        portable_call=200_000.0,
    ),
}  # fmt: skip


class DenseKernel(SparseKernel):
    """Best for small or well filled layers, where a matrix product is at its fastest."""

    name = "dense"
    supports_jit = is_portable = True

    def __init__(self, connections: Connections, *, is_exported: bool = False) -> None:
        self._shape = (connections.outputs, connections.inputs)
        is_full = connections.count == connections.inputs * connections.outputs
        self._is_full, self._branches = is_full, not is_exported
        self._placed: Callable[[Any], Any] = (
            (lambda weights: weights) if is_full else _placement(connections, is_exported)
        )

    def __call__(self, inputs: Any, weights: Any) -> Any:
        """Return the product with the transpose of the ``(outputs, inputs)`` matrix, where weights lie in order."""
        times_matrix = self._times_matrix(weights)
        if self._is_full:
            return times_matrix(inputs)
        # Ones of their own would be a constant, which XLA places while it compiles: many seconds.
        return along_connections(
            inputs, times_matrix, lambda read: self._times_matrix(weights * 0 + 1)(read), branches=self._branches
        )

    def _times_matrix(self, weights: Any) -> Callable[[Any], Any]:
        matrix = ops.reshape(self._placed(weights), self._shape)
        return lambda inputs: times_transpose(inputs, matrix)


def times_transpose(inputs: Any, matrix: Any) -> Any:
    """Return ``inputs @ matrix.T`` for a ``(outputs, inputs)`` matrix."""
    if keras.backend.backend() != "tensorflow":
        return matmul(inputs, ops.transpose(matrix))
    return tf.matmul(inputs, matrix, transpose_b=True)


def _placement(connections: Connections, is_exported: bool) -> Callable[[Any], Any]:
    """Return a function that spreads weights over the cells of the matrix, zeros between them."""
    cells = connections.outputs * connections.inputs
    positions = connections.columns.astype(np.int64) * connections.inputs + connections.rows
    backend = keras.backend.backend()
    if backend == "torch":
        # Keras's scatter there is a loop of Python over the weights.
        indices = constant(positions)
        return lambda weights: segment_sum(weights, indices, cells)
    if cells < 2**31:
        positions = positions.astype(np.int32)
    if backend == "tensorflow" and not is_exported:
        return _tensorflow_placement(positions, cells)
    indices = constant(positions[:, None])
    return lambda weights: ops.scatter(indices, weights, (cells,))


def _tensorflow_placement(positions: Any, cells: int) -> Callable[[Any], Any]:
    """One pass over the weights, whose order is known, where TensorFlow's scatter is several times slower."""
    indices, shape = constant(positions[:, None]), np.array([cells], positions.dtype)

    @tf.custom_gradient
    def placed(weights: Any) -> Any:
        zero = tf.zeros((), weights.dtype)
        matrix = tf.raw_ops.SparseToDense(
            sparse_indices=indices,
            output_shape=shape,
            sparse_values=weights,
            default_value=zero,
            validate_indices=False,
        )
        return matrix, lambda upstream: taken(upstream)

    @tf.custom_gradient
    def taken(matrix: Any) -> Any:
        return tf.gather(matrix, tf.reshape(indices, (-1,))), lambda upstream: placed(upstream)

    return lambda weights: placed(tf.convert_to_tensor(weights))


# Connections whose gradient is computed at once: bounds the memory to this number times the batch.
_AT_ONCE = 2**18


class CSRKernel(SparseKernel):
    """For sparse layers on a GPU, and in models exported to TensorFlow; needs nothing but TensorFlow."""

    name = "csr"

    def __init__(self, connections: Connections, *, is_exported: bool = False) -> None:
        self._count = connections.count
        self._shape = np.array([connections.outputs, connections.inputs], np.int64)
        self._indices = constant(np.stack([connections.columns, connections.rows], axis=1).astype(np.int64))
        self._run = self._forward if is_exported else tf.custom_gradient(self._with_gradient)

    @classmethod
    def unavailable(cls, connections: Connections, *, backend: str, device: str) -> str:
        """Return why TensorFlow's sparse matrices cannot serve here, if so."""
        return "" if backend == "tensorflow" else f"it is part of TensorFlow, and Keras runs on {backend}"

    def product(self, inputs: Any, weights: Any) -> Any:
        """Return the product."""
        return self._run(tf.convert_to_tensor(inputs), tf.convert_to_tensor(weights))

    def _matrix(self, weights: Any) -> Any:
        return tf.raw_ops.SparseTensorToCSRSparseMatrix(indices=self._indices, values=weights, dense_shape=self._shape)

    def _forward(self, inputs: Any, weights: Any, matrix: Any = None) -> Any:
        outputs = tf.raw_ops.SparseMatrixMatMul(
            a=self._matrix(weights) if matrix is None else matrix, b=inputs, transpose_b=True, transpose_output=True
        )
        return tf.ensure_shape(outputs, (inputs.shape[0], int(self._shape[0])))

    def _with_gradient(self, inputs: Any, weights: Any) -> Any:
        matrix = self._matrix(weights)
        outputs = self._forward(inputs, weights, matrix)

        def gradient(upstream: Any) -> Any:
            of_inputs = tf.raw_ops.SparseMatrixMatMul(
                a=matrix, b=upstream, transpose_a=True, transpose_b=True, transpose_output=True
            )
            return tf.ensure_shape(of_inputs, inputs.shape), self._of_weights(tf.transpose(upstream), inputs)

        return outputs, gradient

    def _of_weights(self, upstream: Any, inputs: Any) -> Any:
        examples = tf.transpose(inputs)

        def some(indices: Any) -> Any:
            return tf.reduce_sum(tf.gather(upstream, indices[:, 0]) * tf.gather(examples, indices[:, 1]), axis=1)

        if self._count <= 2 * _AT_ONCE:
            return some(self._indices)
        parts = -(-self._count // _AT_ONCE)
        padded = tf.pad(self._indices, [[0, parts * _AT_ONCE - self._count], [0, 0]])
        found = tf.map_fn(
            some, tf.reshape(padded, (parts, _AT_ONCE, 2)), fn_output_signature=inputs.dtype, parallel_iterations=1
        )
        return tf.reshape(found, (-1,))[: self._count]


# Nodes whose units and inputs round up to the same of these sizes share a bucket.
_SIZES = np.unique(np.concatenate([np.arange(1, 9), np.ceil(8 * 1.25 ** np.arange(1, 60))]).astype(np.int64))


class BlockKernel(SparseKernel):
    """Best for nodes of many units on a GPU; all units of a node read the same inputs, which are gathered once."""

    name = "block"
    supports_jit = is_portable = True

    def __init__(self, connections: Connections, *, is_exported: bool = False) -> None:
        self._inputs, self._count, self._outputs = connections.inputs, connections.count, connections.outputs
        units, pointers = connections.output_units, connections.pointers
        first_unit = np.cumsum(units) - units
        fan_in = connections.fan_in[first_unit]
        fed = np.flatnonzero(fan_in)
        shapes = np.stack([_rounded_up(units[fed]), _rounded_up(fan_in[fed])], axis=1)
        self._buckets = []
        # Outputs of the buckets, one after the other; position 0 holds the zeros of units without input.
        place, next_place = np.zeros(connections.outputs, np.int64), 1
        # Without connections, one bucket without nodes: what depends on nothing has no gradients.
        for shape in np.unique(shapes, axis=0) if len(fed) else np.ones((1, 2), np.int64):
            nodes = fed[(shapes == shape).all(axis=1)]
            unit, position = np.arange(shape[0])[:, None], np.arange(shape[1])
            is_weight = (unit < units[nodes, None, None]) & (position < fan_in[nodes, None, None])
            starts = pointers[first_unit[nodes]][:, None, None]
            weight = starts + unit * fan_in[nodes, None, None] + position
            # Weight `count` and input `inputs` are zeros that fill up what is smaller than its bucket.
            weights = np.where(is_weight, weight, self._count)
            is_input = position < fan_in[nodes, None]
            source = np.where(is_input, connections.node_pointers[nodes, None] + position, 0)
            rows = np.where(is_input, connections.node_inputs[source], self._inputs)
            self._buckets.append((constant(weights.astype(np.int32)), constant(rows.astype(np.int32))))
            unit_is_real = np.arange(shape[0]) < units[nodes, None]
            where = next_place + np.arange(len(nodes) * shape[0]).reshape(len(nodes), shape[0])
            outputs = first_unit[nodes, None] + np.arange(shape[0])
            place[outputs[unit_is_real]] = where[unit_is_real]
            next_place += len(nodes) * int(shape[0])
        self._place = constant(place.astype(np.int32))

    def product(self, inputs: Any, weights: Any) -> Any:
        """Return the product, bucket by bucket."""
        examples = ops.pad(ops.transpose(inputs), ((0, 1), (0, 0)))
        filled = ops.pad(weights, ((0, 1),))
        batch = ops.shape(examples)[1]
        found = [ops.zeros_like(examples[:1])]
        for weight, rows in self._buckets:
            products = matmul(rows_of(filled, weight), rows_of(examples, rows))
            found.append(ops.reshape(products, (int(np.prod(weight.shape[:2])), batch)))
        return ops.transpose(rows_of(ops.concatenate(found), self._place))


def _rounded_up(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    rounded: NDArray[np.int64] = _SIZES[np.searchsorted(_SIZES, sizes)]
    return rounded


class PortableKernel(SparseKernel):
    """Runs on every backend and device, and in exported models; needs ``connections × batch`` numbers of memory."""

    name = "portable"
    supports_jit = is_portable = True

    def __init__(self, connections: Connections, *, is_exported: bool = False) -> None:
        self._pair = connections.pair
        self._rows = constant(connections.rows)
        self._columns = constant(connections.columns)
        self._outputs = connections.outputs

    def product(self, inputs: Any, weights: Any) -> Any:
        """Return the product; the batch is the inner axis, so that each connection reads a contiguous row."""
        if self._pair is not None:
            return self._of_pairs(inputs, weights, *self._pair)
        products = rows_of(ops.transpose(inputs), self._rows) * ops.expand_dims(weights, 1)
        return ops.transpose(segment_sum(products, self._columns, self._outputs))

    def _of_pairs(self, inputs: Any, weights: Any, read: int, made: int) -> Any:
        """Return the product where each node reads one other: no index is needed."""
        if read == made == 1:
            return inputs * weights
        nodes = self._outputs // made
        products = ops.reshape(inputs, (-1, nodes, 1, read)) * ops.reshape(weights, (nodes, made, read))
        return ops.reshape(ops.sum(products, axis=-1), (-1, self._outputs))
