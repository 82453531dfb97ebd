"""The dense layers behind the named nodes, and which of their inputs is which node.

In: a `ModelView`. Out: the first dense layer that reads the nodes, and the place of every unit among its inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_vnn.inspection._record import to_numpy
from keras_vnn.models import LayerRole, ModelView

__all__ = ["Readout", "readout"]


@dataclass(frozen=True, slots=True, eq=False)
class Readout:
    """The first of the dense layers that read the named nodes: the tail's, or the head.

    Attributes
    ----------
    role
        Of the Keras layer.
    kernel, bias
        Its weights, ``(inputs, units)`` and ``(units,)``.
    rows
        By number of the layer, ``(units,)``: the input that each unit is, -1 when it is none.
    dense_rows
        By number of the layer, the input that each dense unit next to its nodes is.
    """

    role: LayerRole
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    rows: Mapping[int, NDArray[np.intp]]
    dense_rows: Mapping[int, NDArray[np.intp]]


def readout(seen: ModelView) -> Readout | None:
    """Return the first dense layer behind the named nodes; ``None`` for an embedding without a tail."""
    role = seen.first_dense
    if role is None:
        return None
    arch, layer = seen.architecture, seen.layer_with(role)
    rows = {number: np.full(int(arch.layers[number].units.sum()), -1) for number in range(1, len(arch.layers))}
    dense_rows = {}
    for run, place in role.inputs.places(arch):
        inputs = np.arange(place.start, place.stop)
        if run.kind == "dense":
            dense_rows[run.of] = inputs
        elif run.kind in ("nodes", "sinks"):
            rows[run.of][np.repeat(run.nodes(arch), arch.layers[run.of].units)] = inputs
    return Readout(role, to_numpy(layer.kernel), to_numpy(layer.bias), rows, dense_rows)
