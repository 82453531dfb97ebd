"""Kernels: ways to compute the product of a batch with a sparse matrix of trainable weights.

Every kernel is a module with a class that answers the same questions (`SparseKernel`); all give the same
numbers from the same weights, in the order of `keras_vnn.layers.Connections`.
"""

from keras_vnn.layers.kernels._choice import KERNELS, KernelChoice, choose_kernel, stand_in
from keras_vnn.layers.kernels._context import runs_on, surroundings
from keras_vnn.layers.kernels._interface import SparseKernel

__all__ = ["KERNELS", "KernelChoice", "SparseKernel", "choose_kernel", "runs_on", "stand_in", "surroundings"]
