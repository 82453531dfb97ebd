"""Keeps what is not a number to the units that read it, where a product with a matrix would give it to all of them.

In: a batch and a product with a matrix of zeros where there is no connection. Out: the product as the connections alone
would give it: 0 × NaN is not part of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

__all__ = ["along_connections"]


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
        Whether the second product may be left out where all is finite; graphs for export know no branches.
    """
    is_finite = ops.isfinite(inputs)

    def kept_apart() -> Any:
        outputs = product(ops.where(is_finite, inputs, ops.zeros_like(inputs)))
        reached = readers(ops.cast(ops.logical_not(is_finite), inputs.dtype)) > 0
        return outputs + ops.cast(ops.where(reached, np.nan, 0.0), outputs.dtype)

    return ops.cond(ops.all(is_finite), lambda: product(inputs), kept_apart) if branches else kept_apart()
