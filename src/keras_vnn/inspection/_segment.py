"""`Segment`: a part of a functional Keras model, from tensors in its middle to later ones.

In: symbolic tensors of a built model. Out: a function of arrays that runs the layers between them for inference.
The model and its layers are left as they are. ``keras.Function`` does this too, but only from Keras 3.14 on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from keras_vnn.basics.errors import ModelError

__all__ = ["Segment"]


class Segment:
    """The layers between some tensors of a model and later ones.

    Parameters
    ----------
    start
        Symbolic tensors whose values are given; those that nothing on the way to ``end`` reads are ignored.
    end
        Symbolic tensors to compute.

    Raises
    ------
    ModelError
        ``end`` depends on an input of the model that is not in ``start``.
    """

    def __init__(self, start: Sequence[Any], end: Sequence[Any]) -> None:
        self._start, self._end = tuple(start), tuple(end)
        self._steps: list[Any] = []
        self._given = {id(tensor) for tensor in start}
        self._read: set[int] = set()
        done: set[int] = set()
        for tensor in end:
            self._collect(tensor, done)
        self.is_read = tuple(id(tensor) in self._read for tensor in start)

    def _collect(self, tensor: Any, done: set[int]) -> None:
        """Append the steps that compute a tensor, each after those it needs."""
        if id(tensor) in self._given:
            self._read.add(id(tensor))
            return
        operation, index, _ = tensor._keras_history
        step = operation._inbound_nodes[index]
        if id(step) in done:
            return
        if step.is_input:
            raise ModelError(f"The input {tensor.name!r} of the model is not among the tensors to start from.")
        done.add(id(step))
        for needed in step.input_tensors:
            self._collect(needed, done)
        self._steps.append(step)

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Return the values of ``end`` for values of ``start``, as tensors of the backend."""
        known = {id(tensor): value for tensor, value in zip(self._start, values, strict=True)}
        for step in self._steps:
            arguments, keywords = step.arguments.fill_in(known)
            outputs = keras.tree.flatten(step.operation(*arguments, **keywords))
            known.update((id(tensor), value) for tensor, value in zip(step.outputs, outputs, strict=True))
        return [known[id(tensor)] for tensor in self._end]
