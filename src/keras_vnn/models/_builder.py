"""`Builder`: adds Keras layer after layer, remembering what each is.

In: an architecture, options, what to predict. Out: symbolic inputs and prediction, and the role of every layer, from
which `ModelView` finds layers and `tl.edge_weights` names weights.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture import Architecture, decoy_edges
from keras_vnn.basics.errors import ModelError
from keras_vnn.data import Classes, Normalization
from keras_vnn.layers import (
    ArchitectureCard,
    AuxiliaryHeads,
    Connections,
    NodeDropout,
    SelectUnits,
    SparselyConnected,
)
from keras_vnn.layers._node_layers import BatchNormalization
from keras_vnn.models._anchor import center, check_signs, edge_signs, held, kernel_initializer, soft_candidates
from keras_vnn.models._outputs import Embedding, Outputs, output_names
from keras_vnn.models._roles import Axis, LayerRole
from keras_vnn.options import ModelOptions


class Builder:
    """Makes the layers of one model.

    Parameters
    ----------
    arch
        The architecture.
    options
        The choices.
    outputs
        What is predicted.

    Attributes
    ----------
    roles
        Of the layers made so far.
    features
        What the last hidden units are.
    """

    def __init__(self, arch: Architecture, options: ModelOptions, outputs: Outputs) -> None:
        self.arch = arch
        self.options = options
        self.outputs = outputs
        self._width = len(output_names(outputs))
        self.card = ArchitectureCard(arch, name="architecture")
        self.inputs: list[Any] = []
        self.roles: list[LayerRole] = []
        self.features = Axis()
        self._states: dict[int, Any] = {}
        self._axis = Axis()
        self._auxiliary: list[Any] = []
        self._level_units: list[tuple[int, Any, Axis]] = []
        self._candidates: dict[int, Any] = {}
        self._decoys: dict[int, Any] = {}
        if options.soft_links != "none":
            self._candidates = soft_candidates(arch, options)
        if options.decoy_edges:
            self._decoys = decoy_edges(arch)

    @property
    def has_soft_links(self) -> bool:
        """Whether there are edges outside the prior that training may take up."""
        return bool(self._candidates)

    @property
    def has_auxiliary_heads(self) -> bool:
        """Whether there are predictions that take part in training only."""
        return bool(self._auxiliary)

    def prediction(self) -> Any:
        """Return the tensor the model gives."""
        check_signs(self.arch, self.options)
        self._genes()
        units = self._tail(self._joined_with_side(self._hidden()))
        self.features = self._axis
        if isinstance(self.outputs, Embedding):
            return units
        prediction = self._head(units)
        return self._with_level_heads(prediction) if self.options.level_heads else self._with_auxiliary(prediction)

    # ---- from the genes up --------------------------------------------------------------------------------

    def _genes(self) -> None:
        features, units = self.options.gene_features, self.arch.layers[0].units
        if not features:
            self.inputs.append(keras.Input((int(units.sum()),), name="genes"))
            state = self.card(self.inputs[0])
        else:
            if (units != 1).any():
                raise ModelError("gene_features needs genes of one unit each in the architecture.")
            self.inputs.append(keras.Input((len(units), len(features)), name="genes"))
            flat = keras.layers.Reshape((len(units) * len(features),), name="gene_features")(self.card(self.inputs[0]))
            layer = self._sparsely(
                sparse.eye_array(len(units)), 1, len(features), "genes_joined", self.options.activation
            )
            inputs, own = Axis.of("nodes", 0, len(features)), Axis.of("nodes", 0)
            state = self._block(layer, flat, inputs, own, "genes")[1]
            self._level_units.append((0, state, own))
        self._record(state, "nodes", 0, "state")
        self._states[0] = self._dropped(state, 0, "genes_dropout", are_nodes=True)

    def _hidden(self) -> Any:
        """Return the units the tail or the head may read."""
        seen = []
        has_head = bool(self.options.tail) or not isinstance(self.outputs, Embedding)
        reads_all = self.options.reads == "all" and has_head and not self.options.level_heads
        for number, layer in enumerate(self.arch.layers[1:], start=1):
            self._states[number] = self._nodes(number)
            sinks = np.flatnonzero(np.repeat(self.arch.sink_nodes(number) | reads_all, layer.units)).tolist()
            if len(sinks) == int(layer.units.sum()):
                seen.append(self._states[number])
                self._axis += Axis.of("nodes", number)
            elif len(sinks):
                seen.append(SelectUnits(sinks, name=f"layer_{number}_to_head")(self._states[number]))
                self._axis += Axis.of("sinks", number)
            if layer.dense_units:
                seen.append(self._beside(number, layer.dense_units))
                self._axis += Axis.of("dense", number, layer.dense_units)
        return seen[0] if len(seen) == 1 else keras.layers.Concatenate(name="all_units")(seen)

    def _nodes(self, number: int) -> Any:
        """Return what the nodes of a layer give to later ones."""
        candidates = self._candidates.get(number)
        own_sources = [source for source, target in self.arch.connections if target == number]
        sources = sorted({*own_sources, *([] if candidates is None else [0])})
        layer = self.arch.layers[number]
        if not own_sources:
            raise ModelError(f"Layer {number} ({layer.name}) is connected to no earlier layer; it cannot learn.")
        inputs: list[Any] = []
        adjacency, units, axis = [], [], Axis()
        for source in sources:
            connection: Any = self.arch.adjacency(source, number)
            if source == 0 and number in self._decoys:
                connection = connection + self._decoys[number]
            if source == 0 and self.options.annotation_units:
                connection = self._annotation_units(number, connection, inputs)
                units.append(np.ones(connection.shape[0], np.int64))
                axis += Axis.of("pairs", number)
            else:
                inputs.append(self._states[source])
                units.append(self.arch.layers[source].units)
                axis += Axis.of("nodes", source)
            adjacency.append(connection)
        joined = inputs[0] if len(inputs) == 1 else inputs
        rate = self.options.dropout_rate(number) if self.options.dropout_of == "inputs" else 0
        if rate and len(inputs) > 1:
            joined = keras.layers.Concatenate(name=f"layer_{number}_inputs")(inputs)
        if rate:
            joined = keras.layers.Dropout(rate, name=f"layer_{number}_inputs_dropout")(joined)
        matrix, own_units, read_units = sparse.vstack(adjacency), layer.units.tolist(), np.concatenate(units).tolist()
        if candidates is not None:
            candidates = sparse.coo_array((candidates.data, candidates.nonzero()), shape=matrix.shape)
        genes = int(units[0].sum()) if sources[0] == 0 else 0
        signs = None
        if self.options.signs != "ignore" and genes:
            connections = Connections.from_adjacency(
                matrix, input_units=read_units, output_units=own_units, candidates=candidates
            )
            signs = edge_signs(self.arch, number, connections)
        sparsely = self._sparsely(
            matrix,
            own_units,
            read_units,
            f"layer_{number}",
            self.options.activation,
            candidates=candidates,
            candidate_penalty=self.options.soft_link_penalty,
            **held(self.options, layer.units, genes=genes, signs=signs),
        )
        own = Axis.of("nodes", number)
        before, after = self._block(sparsely, joined, axis, own, "nodes", number)
        center(sparsely, self.options, genes=genes)
        self._record(after, "nodes", number, "state")
        if self.options.auxiliary_heads != "none":
            self._node_heads(number, before if self.options.aux_reads == "before" else after)
        if number < len(self.arch.layers) - 1:
            self._level_units.append((number, after, own))
        if self.options.batch_normalization == "before":
            return after
        return self._dropped(after, number, f"layer_{number}_dropout", are_nodes=True)

    def _annotation_units(self, number: int, connection: Any, inputs: list[Any]) -> Any:
        """Add a linear unit per pair of gene and node; return which node reads which of them."""
        pairs = sparse.csc_array(connection).tocoo()
        count, genes = len(pairs.row), int(self.arch.layers[0].units.sum())
        if genes != len(self.arch.layers[0]):
            raise ModelError("annotation_units needs genes of one unit each in the architecture.")
        each = np.arange(count)
        ones = np.ones(count, bool)
        reads = sparse.coo_array((ones, (pairs.row, each)), shape=(genes, count))
        layer = self._sparsely(reads, 1, 1, f"layer_{number}_annotations", None)
        inputs.append(layer(self._states[0]))
        self._record(layer, "annotations", number, inputs=Axis.of("nodes", 0), outputs=Axis.of("pairs", number))
        return sparse.coo_array((ones, (each, pairs.col)), shape=(count, connection.shape[1]))

    def _beside(self, number: int, units: int) -> Any:
        name = f"layer_{number}_dense"
        layer = self._dense(name, units, self.options.dense_activation)
        own = Axis.of("dense", number, units)
        state = self._block(layer, self._states[0], Axis.of("nodes", 0), own, "dense", number)[1]
        return self._dropped(state, number, f"{name}_dropout")

    def _joined_with_side(self, units: Any) -> Any:
        if not self.options.side_features:
            return units
        side = keras.Input((self.options.side_features,), name="side")
        self.inputs.append(side)
        axis = Axis.of("units", "side", self.options.side_features)
        for position, width in enumerate(self.options.side_layers, start=1):
            name = f"side_{position}"
            own = Axis.of("units", name, width)
            layer = self._dense(name, width, self.options.activation)
            before, side = self._block(layer, side, axis, own, "side", position)
            axis = own
            if self.options.auxiliary_heads != "none":
                read = before if self.options.aux_reads == "before" else side
                self._auxiliary.append(
                    self._auxiliary_head(name, read, np.array([width]), own, "side auxiliary", position)
                )
        self._axis += axis
        return keras.layers.Concatenate(name="with_side")([units, side])

    # ---- what reads them ----------------------------------------------------------------------------------

    def _tail(self, units: Any) -> Any:
        for position, width in enumerate(self.options.tail, start=1):
            name = f"tail_{position}"
            layer = self._dense(name, width, self.options.tail_activation)
            own = Axis.of("units", name, width)
            units = self._block(layer, units, self._axis, own, "tail", position)[1]
            units = self._dropped(units, len(self.arch.layers) - 1, f"{name}_dropout")
            self._axis = own
        return units

    def _head(self, units: Any) -> Any:
        """Return the prediction, in single precision whatever the policy."""
        if self.options.head == "linear-tanh-linear":
            name = "head_hidden"
            layer = self._dense(name, self._width, "tanh", is_head=True)
            units = layer(units)
            own = Axis.of("units", name, self._width)
            self._record(layer, "tail", len(self.options.tail) + 1, inputs=self._axis, outputs=own)
            self._axis = own
        layer = self._dense("head", self._width, self._output_activation, is_head=True)
        self._record(layer, "head", inputs=self._axis, outputs=Axis.of("outputs"))
        return layer(units)

    def _with_level_heads(self, prediction: Any) -> Any:
        heads = []
        for number, state, axis in self._level_units:
            name = f"layer_{number}_head"
            layer = self._dense(name, self._width, self._output_activation, is_head=True)
            heads.append(layer(state))
            self._record(layer, "auxiliary", number, inputs=axis, outputs=Axis.of("outputs"))
        heads.append(prediction)
        weights = self.options.level_weights or (1.0,) * len(heads)
        if len(weights) != len(heads):
            raise ModelError(
                f"level_weights must be as many as there are level heads: expected {len(heads)}, got {len(weights)}."
            )
        if len(heads) == 1:
            raise ModelError("level_heads needs more than one layer to put a head on.")
        mean = keras.layers.Average(name="mean_of_heads", dtype=head_dtype())(heads)
        self._auxiliary = heads
        return AuxiliaryHeads(self._width, weights, prediction_weight=0, name="prediction", dtype=head_dtype())(
            [mean, *heads]
        )

    def _with_auxiliary(self, prediction: Any) -> Any:
        if not self._auxiliary:
            return prediction
        heads = sum(int(tensor.shape[-1]) for tensor in self._auxiliary) // self._width
        weight = self.options.aux_weight / (heads if self.options.aux_reduction == "mean" else 1)
        # tanh(linear) is a form of its own; the others end as the head of the model does.
        activation = None if self.options.auxiliary_heads == "linear-tanh" else self._output_activation
        return AuxiliaryHeads(
            self._width, [weight] * len(self._auxiliary), activation=activation, name="prediction", dtype=head_dtype()
        )([prediction, *self._auxiliary])

    def _node_heads(self, number: int, units: Any) -> None:
        """Add a head for each node of a layer, as one block-diagonal product."""
        own = Axis.of("nodes", number)
        counts = self.arch.layers[number].units
        if not self.options.aux_root:
            sinks = self.arch.sink_nodes(number)
            if sinks.all():
                return
            if sinks.any():
                read = np.flatnonzero(np.repeat(~sinks, counts)).tolist()
                units = SelectUnits(read, name=f"layer_{number}_to_auxiliary")(units)
                own, counts = Axis.of("inner", number), counts[~sinks]
        self._auxiliary.append(self._auxiliary_head(f"layer_{number}", units, counts, own, "auxiliary", number))

    def _auxiliary_head(
        self, name: str, units: Any, counts: NDArray[np.int64], axis: Axis, part: str, number: int
    ) -> Any:
        """Return ``(cells, heads × outputs)``, what a head per node predicts; a softmax or sigmoid is still to come."""
        form, width = self.options.auxiliary_heads, self._width
        identity = sparse.eye_array(len(counts))
        (run,) = axis.runs
        out = Axis.of(run.kind, run.of, width)
        if form == "linear-tanh-linear":
            hidden = self._sparsely(identity, width, counts.tolist(), f"{name}_auxiliary_hidden", "tanh", is_head=True)
            units = hidden(units)
            self._record(hidden, part, number, "hidden", inputs=axis, outputs=out)
            counts, axis = np.full(len(counts), width), out
        activation = "tanh" if form == "linear-tanh" else None
        layer = self._sparsely(identity, width, counts.tolist(), f"{name}_auxiliary", activation, is_head=True)
        self._record(layer, part, number, inputs=axis, outputs=out)
        return layer(units)

    # ---- one layer ----------------------------------------------------------------------------------------

    def _block(
        self, layer: Any, units: Any, inputs: Axis, outputs: Axis, part: str, number: int = 0
    ) -> tuple[Any, Any]:
        """Return the units before and after batch normalisation; dropout stands inside only where it comes first."""
        order = self.options.batch_normalization
        self._record(layer, part, number, inputs=inputs, outputs=outputs)
        if order == "none":
            result = layer(units)
            return result, result
        activation = layer.activation
        if order == "before":
            layer.activation = keras.activations.linear
        before = layer(units)
        # What else reads the units before it would have them computed twice.
        is_read = self.options.auxiliary_heads != "none" and self.options.aux_reads == "before"
        kind = keras.layers.BatchNormalization if is_read else BatchNormalization
        normalization = kind(
            momentum=self.options.batch_momentum,
            epsilon=self.options.batch_epsilon,
            gamma_initializer=keras.initializers.Constant(self.options.initial_gamma),
            name=f"{layer.name}_batch_normalization",
        )
        self._record(normalization, part, number, "normalization", outputs=outputs)
        after = normalization(before)
        if order == "before":
            if part == "nodes":
                after = self._dropped(after, number, f"{layer.name}_dropout", are_nodes=True)
            after = keras.layers.Activation(activation, name=f"{layer.name}_activation")(after)
            self._record(after, part, number, "activation")
        return before, after

    def _dropped(self, units: Any, number: int, name: str, *, are_nodes: bool = False) -> Any:
        rate = self.options.dropout_rate(number)
        if not rate or self.options.dropout_of == "inputs":
            return units
        if self.options.dropout_of == "nodes" and are_nodes:
            rates = _node_rates(self.arch, number, rate)
            return NodeDropout(rates.tolist(), self.arch.layers[number].units.tolist(), name=name)(units)
        return keras.layers.Dropout(rate, name=name)(units)

    def _sparsely(
        self, adjacency: Any, units: Any, inputs: Any, name: str, activation: Any, *, is_head: bool = False, **how: Any
    ) -> SparselyConnected:
        how = {**self._how(is_head), "kernel": self.options.kernel, **how}
        return SparselyConnected(adjacency, units, inputs_per_node=inputs, activation=activation, name=name, **how)

    def _dense(self, name: str, units: int, activation: str, *, is_head: bool = False) -> keras.layers.Dense:
        return keras.layers.Dense(units, activation=activation, name=name, **self._how(is_head))

    def _how(self, is_head: bool) -> dict[str, Any]:
        """Return what all layers have in common; heads have a precision of their own, and no penalty."""
        how = {"kernel_initializer": kernel_initializer(self.options)}
        if is_head:
            return {**how, "dtype": head_dtype()}
        return {**how, "kernel_regularizer": keras.regularizers.L2(self.options.l2) if self.options.l2 else None}

    @property
    def _output_activation(self) -> str:
        if isinstance(self.outputs, Classes):
            return "softmax"
        return "sigmoid" if self.options.loss == "binary_crossentropy" else "linear"

    def _record(self, what: Any, part: str, number: int = 0, step: str = "linear", **axes: Axis) -> None:
        """Write down the role of a layer, or of that which gives a symbolic tensor."""
        self.roles.append(LayerRole(name_of(what), part, number, step, **axes))


def name_of(what: Any) -> str:
    """Return the name of a layer, or of that which gives a symbolic tensor."""
    return str(what._keras_history.operation.name if isinstance(what, keras.KerasTensor) else what.name)


def head_dtype() -> str:
    """Return the precision of heads: single when the rest computes in half, double when all of it does."""
    return "float64" if keras.config.dtype_policy().compute_dtype == "float64" else "float32"


def check_normalization(arch: Architecture, normalization: Normalization | None) -> None:
    """Raise a `ModelError` when a normalisation was fitted for other genes than those of the architecture."""
    if normalization is not None and normalization.is_fitted and normalization.genes != arch.genes:
        raise ModelError("The normalization was fitted for other genes than those of the architecture; fit it again.")


def compile_model(model: keras.Model, optimizer: Any, **how: Any) -> None:
    """Compile a model, by Keras's Adam when no optimizer is given."""
    model.compile(optimizer=keras.optimizers.Adam() if optimizer is None else optimizer, **how)
    # An optimizer without its variables makes Keras warn when the untrained model is saved and loaded.
    model.optimizer.build(model.trainable_variables)


# Highest rate for a node whose parent reads so many nodes: an only child always stays.
_HIGHEST_RATES = {1: 0.0, 2: 0.1, 3: 0.3}


def _node_rates(arch: Architecture, number: int, rate: float) -> NDArray[np.float64]:
    """Return ``(nodes,)`` dropout rates of a layer: ``rate``, or less for nodes whose parents read few others.

    What a parent reads counts nodes of all layers and genes; the parent with the fewest decides. The head is the parent
    of all nodes that feed no other.

    References
    ----------
    Fortelny & Bock 2020, Genome Biology 21:190, doi:10.1186/s13059-020-02100-5.
    """
    children = [np.zeros(len(layer), np.int64) for layer in arch.layers]
    for (_, target), matrix in arch.connections.items():
        children[target] += np.bincount(matrix.indices, minlength=len(arch.layers[target]))
    read_by_head = sum(int(arch.sink_nodes(layer).sum()) for layer in range(1, len(arch.layers)))
    fewest = np.full(len(arch.layers[number]), np.iinfo(np.int64).max)
    fewest[arch.sink_nodes(number)] = read_by_head
    for (source, target), matrix in arch.connections.items():
        if source == number:
            edges = matrix.tocoo()
            np.minimum.at(fewest, edges.row, children[target][edges.col])
    rates = np.full(len(fewest), rate)
    for count, highest in _HIGHEST_RATES.items():
        rates[fewest == count] = min(rate, highest)
    return rates
