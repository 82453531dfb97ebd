"""`SparselyConnected`: a dense layer without the connections that knowledge does not support."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.basics.errors import ArchitectureError, ModelError, VNNWarning
from keras_vnn.layers._anchored import SoftThreshold, check_regularizer, initial_weights, penalty_on
from keras_vnn.layers._card import save_digest, without_digest
from keras_vnn.layers._connections import Connections
from keras_vnn.layers.kernels import KERNELS, SparseKernel, choose_kernel, runs_on, stand_in, surroundings


class _AbsentError(ModelError, NotImplementedError):
    """What Keras offers of ``Dense`` and not here."""


@keras.saving.register_keras_serializable(package="keras_vnn")
class SparselyConnected(keras.layers.Layer):
    """A layer like ``Dense`` in which only given inputs feed given outputs.

    Computes ``activation((A∘W)ᵀ x + b)`` where ``A`` is the adjacency. The trainable kernel holds one number per
    connection, so gradients, optimizer state and checkpoints do too, and a missing connection cannot come to
    life. A unit without any input has a pre-activation of exactly 0: its bias does not act.

    Parameters
    ----------
    adjacency
        ``(inputs, outputs)`` numpy array, scipy sparse array or DataFrame; an entry that is not zero is a
        connection. Rows feed columns, as in the kernel of ``Dense``.
    units_per_node
        Units of each output column: one number, or one per column. All units of a column read the same inputs.
    inputs_per_node
        Units of each input row: one number, or one per row. A connection stands for all of its units.
    activation, use_bias
        As in ``keras.layers.Dense``.
    kernel_initializer, bias_initializer
        As in ``Dense``; initializers that scale by fan-in or fan-out use each unit's real ones.
    kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint
        As in ``Dense``, acting on the vector of weights; what is made for matrices (``orthogonal``) is refused.
    candidates
        ``(inputs, outputs)`` further connections, which no knowledge supports. Their weights start at 0, an L1 penalty
        keeps them exactly there until the data ask for them, and they count in no fan-in.
    candidate_penalty
        Factor of that penalty. Outside of a `SoftLinkModel`, ``layer.follow(optimizer)`` tells the learning rate.
    kernel
        How the product is computed: ``"auto"`` or one of ``dense``, ``filled``, ``native``, ``csr``, ``block``,
        ``portable``. The numbers do not depend on it.
    **kwargs
        Further arguments of ``keras.layers.Layer``: ``name``, ``dtype``, ``trainable``.

    Input shape
    -----------
    ``(batch, …, inputs)``, most often ``(batch, inputs)``; or a list of such tensors, read as if side by side.
    Integers and booleans are cast to the dtype the layer computes in.

    Output shape
    ------------
    ``(batch, …, outputs)``, where ``outputs`` counts units.

    Raises
    ------
    ArchitectureError
        The adjacency is not a matrix, or does not fit its input.
    ModelError
        ``kernel`` is unknown or cannot serve here; an initializer or a regularizer is for matrices.

    References
    ----------
    Alavi et al. 2018, Nature Communications 9:4768, doi:10.1038/s41467-018-07165-2 (the layer);
    Lin et al. 2017, Nucleic Acids Research 45:e156, doi:10.1093/nar/gkx681.

    Examples
    --------
    >>> import numpy as np
    >>> layer = SparselyConnected(np.array([[1, 0], [1, 0], [0, 1]]), activation="tanh")
    >>> layer(np.ones((4, 3))).shape[1], layer.count_params()
    (2, 5)
    """

    def __init__(
        self,
        adjacency: Any,
        units_per_node: int | Sequence[int] = 1,
        *,
        inputs_per_node: int | Sequence[int] = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        candidates: Any = None,
        candidate_penalty: float = 0.0,
        kernel: str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.connections = Connections.from_adjacency(
            adjacency, input_units=inputs_per_node, output_units=units_per_node, candidates=candidates
        )
        self.candidate_penalty = candidate_penalty
        self._output_names = tuple(map(str, adjacency.columns)) if isinstance(adjacency, pd.DataFrame) else ()
        # A layer made from its config was warned about when it was first built.
        self._warns_of_unfed = not isinstance(adjacency, Mapping)
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        check_regularizer(self.kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self._kernel_option = kernel
        self._kernel_choice = choose_kernel(
            self.connections, option=kernel, backend=keras.backend.backend(), device=runs_on()
        )
        self.supports_jit = KERNELS[self._kernel_choice.name].supports_jit
        # In tuples, which Keras does not track: the choice by size of batch; kernels, made when first called for.
        self._choices: tuple[dict[int, str]] = ({},)
        self._products: tuple[dict[str, SparseKernel]] = ({},)
        self._bias_mask: NDArray[np.float32] | None = None
        self.kernel: Any = None
        self.bias: Any = None
        self.supports_masking = True

    # ---- Keras's own contract -----------------------------------------------------------------------------

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights.

        Parameters
        ----------
        input_shape
            ``(batch, …, inputs)``, or a list of such shapes.

        Raises
        ------
        ArchitectureError
            The last axis is not the number of inputs of the adjacency.
        """
        shapes = _shapes(input_shape)
        widths = [shape[-1] for shape in shapes]
        self._check_input(sum(width for width in widths if width is not None) if all(widths) else None)
        connections = self.connections
        constraint = self.kernel_constraint
        if connections.candidates is not None:
            constraint = SoftThreshold(connections.is_candidate, self.candidate_penalty, constraint)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(connections.count,),
            initializer=lambda shape, dtype=None: initial_weights(self.kernel_initializer, connections, dtype),
            regularizer=penalty_on(self.kernel_regularizer, connections),
            constraint=constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(connections.outputs,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self._made(self._kernel_choice.name)
        fed = connections.fan_in > 0
        if not fed.all():
            self._bias_mask = fed.astype(np.float32)
            if self._warns_of_unfed:
                self._warn_of_unfed()
        spec = [keras.layers.InputSpec(min_ndim=2, axes={-1: width}) for width in widths]
        self.input_spec = spec if _is_list(input_shape) else spec[0]
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the activations of the output units.

        Parameters
        ----------
        inputs
            ``(batch, …, inputs)``, or a list of such tensors.
        """
        given = inputs if isinstance(inputs, list | tuple) else [inputs]
        # Keras casts what is a float; counts and flags are promoted as in ``Dense``, which reads sparse tensors too.
        parts = [ops.convert_to_tensor(part, self.compute_dtype, sparse=False) for part in given]
        leading = ops.shape(parts[0])[1:-1]
        if leading:
            parts = [ops.reshape(part, (-1, part.shape[-1])) for part in parts]
        weights = ops.convert_to_tensor(self.kernel)
        bias = None if self.bias is None else ops.convert_to_tensor(self.bias)
        if bias is not None and self._bias_mask is not None:
            bias = bias * ops.cast(self._bias_mask, bias.dtype)
        activation = None if self.activation is keras.activations.linear else self.activation
        late = activation if leading else None  # some act along an axis
        outputs = self._product(*parts, weights).of_layer(parts, weights, bias, None if leading else activation)
        if leading:
            outputs = ops.reshape(outputs, (-1, *leading, self.connections.outputs))
        return outputs if late is None else late(outputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return ``(batch, …, outputs)``."""
        return (*_shapes(input_shape)[0][:-1], self.connections.outputs)

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same layer; the adjacency is compressed."""
        candidates: dict[str, Any] = {}
        if (found := self.connections.candidates) is not None:
            encoded = Connections.from_adjacency(found).encode()
            candidates = {"candidates": encoded, "candidate_penalty": self.candidate_penalty}
        return {
            **super().get_config(),
            **candidates,
            "adjacency": self.connections.encode(),
            "units_per_node": _compact(self.connections.output_units),
            "inputs_per_node": _compact(self.connections.input_units),
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": keras.regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "bias_constraint": keras.constraints.serialize(self.bias_constraint),
            "kernel": self._kernel_option,
        }

    def save_own_variables(self, store: Any) -> None:
        """Write the weights, and a digest of which units each of them joins."""
        super().save_own_variables(store)
        save_digest(store, self.connections.digest)

    def load_own_variables(self, store: Any) -> None:
        """Read the weights.

        Raises
        ------
        ModelError
            They are those of other connections.
        """
        kept = without_digest(store, self.connections.digest, f"The weights of layer {self.name!r} join other units")
        super().load_own_variables(kept)

    def enable_lora(self, *_: Any, **__: Any) -> None:
        """Raise a `ModelError`: an update of low rank would join units that no connection joins."""
        raise _AbsentError(
            f"Layer {self.name!r} has no LoRA: a product of two small matrices keeps no connection absent.\n"
            "Its kernel has one number per connection, so train that further: layer.trainable = True, the others False."
        )

    def quantize(self, mode: Any = None, *_: Any, **__: Any) -> None:
        """Raise a `ModelError`, of which ``model.quantize`` makes a warning, and quantizes the other layers."""
        raise _AbsentError(
            f"Layer {self.name!r} has no quantized form, got mode {mode!r}: its kernel has one number per connection.\n"
            'Pass dtype="bfloat16" to the layer for half the memory, or quantize a file of '
            'model.export(path, format="onnx").'
        )

    # ---- for people ---------------------------------------------------------------------------------------

    @property
    def adjacency(self) -> sparse.csr_array:
        """``(input nodes, output nodes)`` of booleans, as it was given."""
        return sparse.csr_array(self.connections.prior.nodes)

    def follow(self, optimizer: Any) -> None:
        """Let the penalty of candidates, if there are any, act by the learning rate of the optimizer of the weights."""
        if self.built and isinstance(self.kernel.constraint, SoftThreshold):
            self.kernel.constraint.follow(optimizer, self.kernel)

    def kernel_matrix(self) -> sparse.csr_array:
        """Return the current weights as a scipy sparse ``(inputs, outputs)`` matrix."""
        return sparse.csr_array(self.connections.matrix(keras.ops.convert_to_numpy(self.kernel)))

    def kernel_report(self) -> dict[str, Any]:
        """Return which kernel computes the product of a batch of unknown size, why, and the sizes that decided it."""
        return {
            "kernel": self._kernel_choice.name,
            "reason": self._kernel_choice.reason,
            "milliseconds": dict(self._kernel_choice.milliseconds),
            "inputs": self.connections.inputs,
            "outputs": self.connections.outputs,
            "connections": self.connections.count,
            "density": self.connections.density,
        }

    def _product(self, *tensors: Any) -> SparseKernel:
        """Return the kernel for this call: the chosen one, or one that fits the graph that is being made."""
        name, around = self._chosen(tensors[0].shape[0]), surroundings(*tensors)
        if around and not KERNELS[name].is_portable:
            name = stand_in(self.connections, around)
        return self._made(name, around if around in ("export", "saved_model") else "")

    def _chosen(self, batch: int | None) -> str:
        """Return the kernel for batches of a size; on TensorFlow the one Keras was told about."""
        (choices,) = self._choices
        is_fixed = self._kernel_option != "auto" or keras.backend.backend() == "tensorflow"
        if is_fixed or not isinstance(batch, int):
            return self._kernel_choice.name
        if batch not in choices:
            choices[batch] = choose_kernel(
                self.connections, option="auto", backend=keras.backend.backend(), device=runs_on(), batch=batch
            ).name
        return choices[batch]

    def _made(self, name: str, exporter: str = "") -> SparseKernel:
        (products,) = self._products
        key = f"{name} {exporter}"
        if key not in products:
            products[key] = KERNELS[name](self.connections, is_exported=bool(exporter))
        return products[key]

    def _check_input(self, width: int | None) -> None:
        expected, outputs = self.connections.inputs, self.connections.outputs
        if width == expected:
            return
        hint = " It looks transposed." if width == outputs else ""
        raise ArchitectureError(
            f"adjacency must have shape (inputs, outputs) = ({width}, …), got ({expected}, {outputs}).{hint}"
        )

    def _warn_of_unfed(self) -> None:
        nodes = np.flatnonzero(np.diff(self.connections.nodes.indptr) == 0)
        names = [self._output_names[i] if self._output_names else f"column {i}" for i in nodes[:5]]
        more = f" and {len(nodes) - 5} more" if len(nodes) > 5 else ""
        warnings.warn(
            f"{len(nodes)} of {self.connections.nodes.shape[1]} output nodes have no input and stay at "
            f"activation(0): {', '.join(names)}{more}.",
            VNNWarning,
            stacklevel=4,
        )


def _is_list(shape: Any) -> bool:
    return bool(shape) and isinstance(shape[0], list | tuple)


def _shapes(shape: Any) -> list[Any]:
    """Return the shapes of the inputs, be they one or a list."""
    return list(shape) if _is_list(shape) else [shape]


def _compact(units: NDArray[np.int64]) -> int | list[int]:
    return int(units[0]) if (units == units[0]).all() else [int(count) for count in units]
