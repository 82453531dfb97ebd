"""Where a layer is being called, and what kernels need of a backend and `keras.ops` lacks.

The surroundings of a call say what a kernel may be made of. Index arrays and arithmetic are as in `keras.ops`, but
double precision stays double: Keras's own promotion of types ends at float32 on any backend but TensorFlow; on PyTorch
its sums by segment are made in float32, and slowly, and its `take` is made of what cannot be exported to ONNX. Values
that are not finite stay with the units that read them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
elif keras.backend.backend() == "torch":
    import torch

# Modules whose code traces a model in order to write it to a file.
_TO_SAVED_MODEL = ("keras.src.export.saved_model", "tensorflow.python.saved_model.")
_TO_OTHERS = ("keras.src.export.", "tensorflow.lite.python.", "tf2onnx.")


def surroundings(*tensors: Any) -> str:
    """Return ``""``, or the reason why only some kernels may serve this call.

    ``xla``: the graph is compiled by XLA. ``saved_model``: it is being exported to TensorFlow. ``export``: it is
    being exported to another format; graphs of these two run where this package is not. ``devices``: JAX shares the
    batch out among several devices, and a call back into Python would be made on one. ``forward``: TensorFlow follows
    the derivative of one of the tensors forward, which it can only where every operation is its own.
    """
    backend = keras.backend.backend()
    if backend == "torch":
        return "export" if torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export() else ""
    if backend == "tensorflow":
        if not tf.executing_eagerly():  # exporters trace
            around = _exporter() or ("xla" if _is_compiled_by_xla() else "")
            if around:
                return around
        return "forward" if tensors and _has_tangent(tensors) else ""
    if backend == "jax":
        return _exporter() or ("devices" if keras.distribution.distribution() is not None else "")
    return ""


def _exporter() -> str:
    """Look for exporters among the callers: they trace the model again, and say so in no other way.

    Without this, a kernel of plain operations would have to serve every traced function: 9 times the time of a step of
    20,000 × 20,000 (``tf.sparse`` in docs/performance.md).
    """
    found = ""
    frame = inspect.currentframe()
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(_TO_SAVED_MODEL):
            found = "saved_model"
        elif module.startswith(_TO_OTHERS):
            return "export"
        frame = frame.f_back
    return found


def _is_compiled_by_xla() -> bool:
    try:  # no public name: without it, `tf.function(jit_compile=True)` fails with the kernels that XLA cannot compile
        from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext
    except ImportError:
        return False
    return bool(GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))


def _has_tangent(tensors: tuple[Any, ...]) -> bool:
    try:  # no public name: without it, `tf.autodiff.ForwardAccumulator` fails with all but plain operations
        from tensorflow.python.eager.forwardprop_util import pack_tangents
    except ImportError:
        return False
    return bool(pack_tangents([tf.convert_to_tensor(tensor) for tensor in tensors]).tangents)


def runs_on() -> str:
    """Return ``gpu`` when the default device of the backend is one, else ``cpu``."""
    backend = keras.backend.backend()
    if backend == "torch":
        return "gpu" if torch.cuda.is_available() else "cpu"
    if backend not in ("jax", "tensorflow"):
        return "cpu"
    # Asked for the devices of a kind that is not there, JAX raises; asked for all, it lists the default ones.
    names = keras.distribution.list_devices()
    return "gpu" if any(str(name).startswith(("gpu", "cuda", "rocm")) for name in names) else "cpu"


def constant(array: NDArray[Any]) -> Any:
    """Return the array as the backend reads it best.

    On TensorFlow it is a tensor made outside of any graph: graphs refer to it, where they would hold a copy each of
    an array. Torch gets a tensor on the device of its layers, JAX the array itself.
    """
    if keras.backend.backend() == "tensorflow":
        # Exporters other than TensorFlow's make an input of every tensor that a graph refers to and does not hold.
        if surroundings() == "export":
            return array
        with tf.init_scope():
            return tf.constant(array)
    if keras.backend.backend() == "torch":
        # The device by name: layers are also called under a device that holds shapes only.
        return torch.from_numpy(np.array(array)).to("cuda" if torch.cuda.is_available() else "cpu")
    return array


def matmul(first: Any, second: Any) -> Any:
    """Return the matrix product, of stacks of matrices too."""
    return first @ second if keras.backend.standardize_dtype(first.dtype) == "float64" else ops.matmul(first, second)


def rows_of(tensor: Any, indices: Any) -> Any:
    """Return the rows of a tensor in the shape of their indices."""
    if keras.backend.backend() != "torch":
        return ops.take(tensor, indices, axis=0)
    indices = indices.to(tensor.device)
    return tensor.index_select(0, indices.reshape(-1)).reshape(*indices.shape, *tensor.shape[1:])


def segment_sum(data: Any, segments: Any, count: int) -> Any:
    """Return the sums of the rows of each of `count` segments."""
    if keras.backend.backend() == "torch":
        zeros, segments = data.new_zeros((count, *data.shape[1:])), segments.to(data.device)
        if torch.onnx.is_in_onnx_export():  # which makes of `index_add` what adds one row to each segment
            return zeros.scatter_add(0, segments.reshape(-1, *[1] * (data.ndim - 1)).expand_as(data), data)
        return zeros.index_add(0, segments, data)
    return ops.segment_sum(data, segments, num_segments=count)


def along_connections(
    inputs: Any, product: Callable[[Any], Any], readers: Callable[[Any], Any], *, branches: bool = True
) -> Any:
    """Return ``product(inputs)``, with NaN for the units that read something that is not finite, and for no others.

    Parameters
    ----------
    inputs
        ``(batch, inputs)`` tensor.
    product
        The product of such a tensor with the weights.
    readers
        The same product with a one for each connection.
    branches
        Whether the second product may be left out where all is finite; graphs for export know no branches, and
        neither do the transforms of PyTorch.
    """
    is_finite = ops.isfinite(inputs)

    def kept_apart() -> Any:
        outputs = product(ops.where(is_finite, inputs, ops.zeros_like(inputs)))
        reached = readers(ops.cast(ops.logical_not(is_finite), inputs.dtype)) > 0
        return outputs + ops.cast(ops.where(reached, np.nan, 0.0), outputs.dtype)

    if not branches or _is_transformed_by_torch():
        return kept_apart()
    return ops.cond(ops.all(is_finite), lambda: product(inputs), kept_apart)


def _is_transformed_by_torch() -> bool:
    """Return whether `torch.func` is at work: under its `vmap` no value can decide what is done."""
    if keras.backend.backend() != "torch" or torch.compiler.is_compiling():
        return False
    try:  # no public name: without it, `vmap` fails with the kernel `dense`
        from torch._C._functorch import maybe_current_level
    except ImportError:
        return False
    return maybe_current_level() is not None
