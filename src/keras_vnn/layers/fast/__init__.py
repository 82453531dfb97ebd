"""Fast kernels: compiled loops over the connections, on the processors of this machine.

In: connections, and tensors that live in main memory. Out: what any `SparseKernel` gives, many times sooner. Only
`keras_vnn.layers.kernels` imports this, and does without where it is not: its names are those of the kernels.
"""

from keras_vnn.layers._kernels import SparseKernel
from keras_vnn.layers.fast.filled import FilledKernel
from keras_vnn.layers.fast.native import NativeKernel

__all__ = ["FAST"]

FAST: tuple[type[SparseKernel], ...] = (FilledKernel, NativeKernel)
