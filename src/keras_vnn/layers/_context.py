"""Where a layer is being called: on what device, and what the surroundings allow a kernel to be made of."""

from __future__ import annotations

import inspect
from typing import Any

import keras

__all__ = ["runs_on", "surroundings"]

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
        import torch

        return "export" if torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export() else ""
    if backend == "tensorflow":
        import tensorflow as tf

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
    import tensorflow as tf

    try:  # no public name: without it, `tf.function(jit_compile=True)` fails with the kernels that XLA cannot compile
        from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext
    except ImportError:
        return False
    return bool(GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))


def _has_tangent(tensors: tuple[Any, ...]) -> bool:
    import tensorflow as tf

    try:  # no public name: without it, `tf.autodiff.ForwardAccumulator` fails with all but plain operations
        from tensorflow.python.eager.forwardprop_util import pack_tangents
    except ImportError:
        return False
    return bool(pack_tangents([tf.convert_to_tensor(tensor) for tensor in tensors]).tangents)


def runs_on() -> str:
    """Return ``gpu`` when the default device of the backend is one, else ``cpu``."""
    backend = keras.backend.backend()
    if backend == "torch":
        import torch

        return "gpu" if torch.cuda.is_available() else "cpu"
    if backend not in ("jax", "tensorflow"):
        return "cpu"
    # Asked for the devices of a kind that is not there, JAX raises; asked for all, it lists the default ones.
    names = keras.distribution.list_devices()
    return "gpu" if any(str(name).startswith(("gpu", "cuda", "rocm")) for name in names) else "cpu"
