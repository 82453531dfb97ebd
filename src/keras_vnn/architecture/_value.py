"""`Architecture`: the value itself."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture._nodes import Layer, Node, check_unique_ids
from keras_vnn.basics.errors import ArchitectureError, OutputError, check_kind, counted, did_you_mean, sample
from keras_vnn.basics.files import replacing
from keras_vnn.basics.provenance import Audit, Source
from keras_vnn.basics.remedies import by_place
from keras_vnn.basics.showing import Shown

if TYPE_CHECKING:
    import networkx

    from keras_vnn.architecture._summary import Summary


class NodePosition(NamedTuple):
    """Where a node stands: its layer, its position within the layer, and the node itself."""

    layer: int
    position: int
    node: Node


@dataclass(frozen=True, eq=False, repr=False)
class Architecture(Shown):
    """Layers of named nodes and the sparse adjacency between them.

    Two architectures are equal when their fingerprints are: same nodes in the same order with the same units,
    and the same connections. Labels, provenance and audit do not count.

    Attributes
    ----------
    layers
        ``layers[0]`` is the genes; each later one reads earlier ones.
    connections
        ``{(source_layer, target_layer): adjacency}``, scipy CSR of booleans, shape ``(source nodes, target nodes)``.
        Pairs of layers without a connection are absent.
    sources
        The files the priors came from.
    parameters
        Every option the architecture was made with, as JSON values.
    audit
        What was dropped or changed on the way, and why.

    Raises
    ------
    ArchitectureError
        There are fewer than two layers, ids repeat, an adjacency has the wrong shape or points backwards.
    """

    layers: tuple[Layer, ...]
    connections: Mapping[tuple[int, int], sparse.csr_array]
    sources: tuple[Source, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    audit: Audit = field(default_factory=Audit)

    def __post_init__(self) -> None:
        """Check shapes and names once, and lock the arrays."""
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "sources", tuple(self.sources))
        if len(self.layers) < 2:
            raise ArchitectureError(
                f"An architecture needs genes and at least one layer, got {counted(len(self.layers), 'layer')}."
            )
        check_unique_ids(self.layers)
        canonical = {}
        for pair in sorted(self.connections):
            matrix = _canonical(self.connections[pair])
            self._check_connection(pair, matrix)
            if matrix.nnz:
                canonical[pair] = matrix
        object.__setattr__(self, "connections", MappingProxyType(canonical))
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    def _check_connection(self, pair: tuple[int, int], matrix: sparse.csr_array) -> None:
        source, target = pair
        if not 0 <= source < target < len(self.layers):
            raise ArchitectureError(
                f"A connection must lead from an earlier to a later of the {counted(len(self.layers), 'layer')}, got "
                f"{pair}."
            )
        expected = (len(self.layers[source]), len(self.layers[target]))
        if matrix.shape != expected:
            hint = " It looks transposed." if matrix.shape == expected[::-1] else ""
            raise ArchitectureError(
                f"The adjacency from layer {source} to layer {target} must have shape "
                f"(inputs, outputs) = {expected}, got {matrix.shape}.{hint}"
            )

    # ---- what it is made of -------------------------------------------------------------------------------

    @property
    def genes(self) -> tuple[str, ...]:
        """Ids of the input genes, in order."""
        return self.layers[0].ids

    @property
    def hidden_layers(self) -> tuple[Layer, ...]:
        """All layers but the genes."""
        return self.layers[1:]

    def nodes(self) -> Iterator[NodePosition]:
        """Iterate over all nodes, layer by layer."""
        for number, layer in enumerate(self.layers):
            for position, node in enumerate(layer):
                yield NodePosition(number, position, node)

    @overload
    def adjacency(
        self, source: int, target: int, *, labelled: Literal[False] = False, units: bool = False
    ) -> sparse.csr_array: ...
    @overload
    def adjacency(self, source: int, target: int, *, labelled: Literal[True], units: bool = False) -> pd.DataFrame: ...
    def adjacency(
        self, source: int, target: int, *, labelled: bool = False, units: bool = False
    ) -> sparse.csr_array | pd.DataFrame:
        """Return which nodes of one layer feed which nodes of a later one.

        Parameters
        ----------
        source, target
            Numbers of the layers; the genes are layer 0.
        labelled
            Return a DataFrame with node ids on both axes (sparse columns).
        units
            Repeat each node for each of its units.

        Returns
        -------
        scipy.sparse.csr_array or pandas.DataFrame
            ``(source nodes, target nodes)`` of 0 and 1 (float32); a new object at each call.

        Raises
        ------
        ArchitectureError
            There is no such pair of layers.
        """
        if not 0 <= source < target < len(self.layers):
            raise ArchitectureError(
                f"There is no adjacency from layer {source} to layer {target}: "
                f"layers are numbered 0 to {len(self.layers) - 1} and lead to later ones."
            )
        rows, columns = self.layers[source], self.layers[target]
        stored = self.connections.get((source, target))
        matrix = (
            sparse.csr_array((len(rows), len(columns)), dtype=np.float32)
            if stored is None
            else stored.astype(np.float32)
        )
        row_ids, column_ids = rows.ids, columns.ids
        if units:
            matrix = _expanded(matrix, rows.units, columns.units)
            row_ids, column_ids = rows.unit_table()[0], columns.unit_table()[0]
        if not labelled:
            return matrix
        return pd.DataFrame.sparse.from_spmatrix(
            sparse.csr_matrix(matrix), index=list(row_ids), columns=list(column_ids)
        )

    @cached_property
    def unconnected_genes(self) -> tuple[str, ...]:
        """Genes that feed no named node, in order."""
        return tuple(gene for gene, unfed in zip(self.genes, self.sink_nodes(0), strict=True) if unfed)

    @cached_property
    def sinks(self) -> tuple[str, ...]:
        """Ids of the hidden nodes that feed no other, whatever the layer."""
        layers = [(layer.ids, self.sink_nodes(number)) for number, layer in enumerate(self.layers) if number]
        return tuple(id for ids, is_sink in layers for id in itertools.compress(ids, is_sink))

    def sink_nodes(self, number: int) -> NDArray[np.bool_]:
        """Return ``(nodes,)`` whether each node of a layer feeds no other node; heads read those."""
        feeds = np.zeros(len(self.layers[number]), bool)
        for (source, _), matrix in self.connections.items():
            if source == number:
                feeds |= np.diff(matrix.indptr) > 0
        return ~feeds

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of nodes, order, units and connections, in hexadecimal."""
        digest = hashlib.sha256(b"keras-vnn architecture 1\n")
        for layer in self.layers:
            digest.update(f"layer {len(layer)} {layer.dense_units}\n".encode())
            for node in layer:
                digest.update(f"{node.id}\t{node.kind}\t{node.units}\n".encode())
        for (source, target), matrix in self.connections.items():
            digest.update(f"connection {source} {target} {matrix.nnz}\n".encode())
            digest.update(matrix.indptr.astype("<i8").tobytes())
            digest.update(matrix.indices.astype("<i8").tobytes())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        """Return whether nodes, order, units and connections are the same."""
        return isinstance(other, Architecture) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        """Return a hash of the fingerprint."""
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to make a copy, without what was computed."""
        return type(self), (self.layers, dict(self.connections), self.sources, dict(self.parameters), self.audit)

    def __str__(self) -> str:
        """Return the sizes of the layers and the beginning of the fingerprint."""
        sizes = " → ".join(
            f"{len(layer):,}" + (f"+{layer.dense_units:,}" if layer.dense_units else "") for layer in self.layers
        )
        return f"<Architecture {sizes} nodes, {counted(self.edge_count, 'edge')}, {self.fingerprint[:12]}>"

    def _shown_parts(self) -> Iterable[str | pd.DataFrame]:
        yield str(self)
        yield from self.summary()._shown_parts()

    @property
    def edge_count(self) -> int:
        """Number of edges between nodes."""
        return sum(matrix.nnz for matrix in self.connections.values())

    def with_units(self, units: Mapping[str, int] | int) -> Architecture:
        """Return the same architecture with other numbers of units in its hidden nodes.

        Parameters
        ----------
        units
            One number for every hidden node, or a number by node id (others keep theirs).
        """

        def changed(node: Node) -> Node:
            return replace(node, units=units if isinstance(units, int) else units.get(node.id, node.units))

        if not isinstance(units, int):
            known = {node.id for layer in self.hidden_layers for node in layer}
            unknown = [name for name in units if name not in known]
            if unknown:
                raise ArchitectureError(
                    f"{len(unknown)} of {counted(len(units), 'id')} are not hidden nodes: {sample(unknown)}."
                )
        layers = tuple(replace(layer, nodes=tuple(changed(node) for node in layer)) for layer in self.hidden_layers)
        return replace(self, layers=(self.layers[0], *layers))

    # ---- finding nodes ------------------------------------------------------------------------------------

    @cached_property
    def _positions(self) -> Mapping[str, NodePosition]:
        return {position.node.id: position for position in self.nodes()}

    def find(self, query: str) -> NodePosition:
        """Return the node with this id, label, merged name, or unique part of one.

        An exact id always wins. Labels and merged names come next, then the same ignoring case, then a part of
        them, hidden nodes before genes.

        Raises
        ------
        ArchitectureError
            No node, or several, answer to the query; with the candidates.
        """
        if query in self._positions:
            return self._positions[query]
        check_kind("the name of a node", query, "casefold", "For example: arch.find('TP53')", ArchitectureError)
        folded = query.casefold().strip()
        tests = (
            lambda name: name == query,
            lambda name: name.casefold() == folded,
            lambda name: bool(folded) and folded in name.casefold(),
        )
        for test in tests:
            for hidden in (True, False):
                matches = [p for p in self.nodes() if (p.layer > 0) == hidden and any(map(test, _names(p.node)))]
                if len(matches) == 1:
                    return matches[0]
                if matches:
                    raise ArchitectureError(_ambiguous(query, matches))
        raise ArchitectureError(self._unknown(query))

    def _unknown(self, query: str) -> str:
        known = [name for p in self.nodes() if p.layer > 0 for name in dict.fromkeys((p.node.label, p.node.id))]
        hint = did_you_mean(query, known) or did_you_mean(query, list(self.genes))
        count = sum(len(layer) for layer in self.hidden_layers)
        dropped = [str(entry.reason) for entry in self.audit if query in entry.items]
        hint = f"It was left out: {dropped[0]}." if dropped else hint
        return (
            f"No node is called {query!r}, among {counted(count, 'hidden node')} and "
            f"{counted(len(self.genes), 'gene')}."
            + (f" {hint}" if hint else "")
            + f"\nList them all: {by_place('vnn export FILE --format csv', 'arch.node_table()')}"
        )

    # ---- views --------------------------------------------------------------------------------------------

    def node_table(self) -> pd.DataFrame:
        """Return a row per node, with ``id`` as index: label, kind, layer, units, inputs, outputs, names."""
        return self._node_table.copy()

    @cached_property
    def _node_table(self) -> pd.DataFrame:
        fan_in = [np.zeros(len(layer), np.int64) for layer in self.layers]
        fan_out = [np.zeros(len(layer), np.int64) for layer in self.layers]
        for (source, target), matrix in self.connections.items():
            fan_out[source] += np.diff(matrix.indptr)
            fan_in[target] += np.bincount(matrix.indices, minlength=len(self.layers[target]))
        nodes = [place.node for place in self.nodes()]
        columns = {
            "id": [node.id for node in nodes],
            "label": [node.label for node in nodes],
            "kind": [node.kind for node in nodes],
            "layer": np.repeat(np.arange(len(self.layers)), [len(layer) for layer in self.layers]),
            "units": np.concatenate([layer.units for layer in self.layers]),
            "inputs": np.concatenate(fan_in),
            "outputs": np.concatenate(fan_out),
            "names": ["; ".join(node.names) for node in nodes],
        }
        return pd.DataFrame(columns).set_index("id")

    def edge_table(self) -> pd.DataFrame:
        """Return a row per edge between nodes: ``source``, ``target`` ids and their layers."""
        parts = []
        for (source, target), matrix in self.connections.items():
            coordinates = matrix.tocoo()
            parts.append(
                pd.DataFrame(
                    {
                        "source": np.array(self.layers[source].ids, dtype=object)[coordinates.row],
                        "target": np.array(self.layers[target].ids, dtype=object)[coordinates.col],
                        "source_layer": source,
                        "target_layer": target,
                    }
                )
            )
        columns = ["source", "target", "source_layer", "target_layer"]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)

    def to_networkx(self) -> networkx.DiGraph:
        """Return a directed graph, gene → … → last layer, with label, kind, layer and units on each node."""
        import networkx as nx

        graph = nx.DiGraph(fingerprint=self.fingerprint)
        for layer, _, node in self.nodes():
            graph.add_node(node.id, label=node.label, kind=node.kind, layer=layer, units=node.units)
        edges = self.edge_table()
        graph.add_edges_from(zip(edges["source"], edges["target"], strict=True))
        return graph

    def summary(self, *, outputs: int | None = None, tail: Sequence[int] = (), reads: str = "all") -> Summary:
        """Return the layers with nodes, units, edges, density and parameters, as a value that prints as a table.

        Parameters
        ----------
        outputs
            Number of outputs of a dense head to count too.
        tail
            Units of the dense layers between the last layer and the head, to count too.
        reads
            As in `ModelOptions`: whether the tail or the head reads ``all`` nodes, or the ``last``, as presets have it.
        """
        from keras_vnn.architecture._summary import summarize

        return summarize(self, outputs=outputs, tail=tuple(tail), reads=reads)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the architecture to one file, completely or not at all.

        Raises
        ------
        OutputError
            The file exists and ``overwrite`` is false, cannot be written, or is called as a model is.
        """
        from keras_vnn.architecture._archive import architecture_to_bytes

        if Path(path).suffix.lower() == ".keras":
            raise OutputError(f"The name is that of a model, not of an architecture: {path}\nSave it as net.vnn.")

        content = architecture_to_bytes(self)
        with replacing(path, overwrite=overwrite) as partial:
            partial.write_bytes(content)


def _canonical(matrix: Any) -> sparse.csr_array:
    """Return a sorted, duplicate-free boolean CSR copy with locked arrays."""
    result = sparse.csr_array(matrix, copy=True)
    result.sum_duplicates()
    result.eliminate_zeros()
    result.sort_indices()
    result.data = np.ones(result.nnz, bool)
    for array in (result.data, result.indices, result.indptr):
        array.flags.writeable = False
    return result


def _expanded(matrix: sparse.csr_array, row_units: NDArray[Any], column_units: NDArray[Any]) -> sparse.csr_array:
    """Repeat rows and columns by their numbers of units."""
    rows = np.repeat(np.arange(matrix.shape[0]), row_units)
    columns = np.repeat(np.arange(matrix.shape[1]), column_units)
    expanded = sparse.csr_array(sparse.csc_array(matrix[rows])[:, columns])
    expanded.sort_indices()
    return expanded


def _names(node: Node) -> tuple[str, ...]:
    return (node.id, node.label, *node.names)


def _ambiguous(query: str, matches: Sequence[NodePosition]) -> str:
    shown = [f"    {p.node.id}   {p.node.label} ({p.node.kind}, layer {p.layer})" for p in matches[:5]]
    more = [f"    and {len(matches) - 5} more"] if len(matches) > 5 else []
    return "\n".join([f"{counted(len(matches), 'node')} answer to {query!r}:", *shown, *more, "Name one by its id."])


def check_architecture_given(value: object) -> None:
    """Raise an error unless a value is an architecture, before anything is asked of it.

    Raises
    ------
    ArchitectureError
        It is something else, such as the data in its place or the name of a file.
    """
    order = "The architecture comes before the data: vnn.train(arch, data, labels)"
    read = "Read a saved one: vnn.read.architecture(path). Wire one: vnn.wire.interactions(genes, interactions)."
    is_data = hasattr(value, "obs_names") or hasattr(value, "columns")
    check_kind("an Architecture", value, "layers fingerprint", order if is_data else read, ArchitectureError)
