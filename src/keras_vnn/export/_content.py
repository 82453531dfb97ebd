"""`Content`: what every format writes, gathered once from a model or an architecture.

In: an `Architecture` or a Keras model that carries one. Out: a `Content`: tables by node name, and facts.
Keras is imported only when a model is given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture, Summary, gene_counts
from keras_vnn.basics.errors import ArchitectureError, ModelError, check_count, check_kind, counted

if TYPE_CHECKING:
    from keras_vnn.models import ModelView

# Told apart by people who do not see red and green, and in print.
POSITIVE, NEGATIVE = "#b2382b", "#2f6fb0"

KIND_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "feature": "#eceff1",
        "gene": "#eceff1",
        "interaction": "#d6e8e4",
        "regulator": "#f7e3c4",
        "term": "#e2dcf0",
        "gene set": "#e2dcf0",
        "unannotated": "#f5f5f5",
        "passthrough": "#f5f5f5",
        "class": "#dcebd3",
        "number": "#dcebd3",
    }
)
# Of each node of a part, genes that are shown.
_GENES_EACH = 10
_EDGE_KEYS = ["source", "source_unit", "target", "target_unit"]


@dataclass(frozen=True, eq=False)
class Content:
    """What there is to export.

    Attributes
    ----------
    architecture
        The architecture.
    weights
        As `tl.edge_weights` gives them, of the named nodes, and ``to``: whether they lead to a ``node``, an ``output``
        or
        the ``tail``; ``None`` without a model.
    outputs
        Names of classes or numbers.
    output_kind
        ``class``, ``number``, or empty.
    tail
        Units of the dense layers between the nodes and the head.
    reads
        Which nodes these or the head read, as in `ModelOptions`.
    facts
        What else is known of the model: name, options, normalisation, training.
    ranking
        What `tl.rank_nodes` gave, if the model remembers it or the user passed it.
    """

    architecture: Architecture
    weights: pd.DataFrame | None = None
    outputs: tuple[str, ...] = ()
    output_kind: str = ""
    tail: tuple[int, ...] = ()
    reads: str = "all"
    facts: Mapping[str, Any] | None = None
    ranking: pd.DataFrame | None = None

    @cached_property
    def summary(self) -> Summary:
        """Sizes by layer."""
        return self.architecture.summary(outputs=len(self.outputs) or None, tail=self.tail, reads=self.reads)

    @cached_property
    def nodes(self) -> pd.DataFrame:
        """A row per node, genes included, by ``id``: label, kind, layer, units, inputs, outputs, names.

        With a model: ``bias`` (of nodes with one unit) and ``strength``, the sum of the absolute weights to what the
        node feeds. With a ranking: what it says of each.
        """
        table = self.architecture.node_table()
        if self.weights is not None:
            edges = self.weights[self.weights["source"].notna()]
            strength = edges["weight"].abs().astype(float).groupby(edges["source"]).sum()
            table["strength"] = strength.reindex(table.index).fillna(0.0)
            table["bias"] = single_biases(self.architecture, self.weights)
        if self.ranking is not None:
            kept = [name for name in self.ranking.columns if name not in table.columns]
            table = table.join(self.ranking[kept])
            if "rank" in table:
                table["rank"] = table["rank"].astype("Int64")
        return table

    @cached_property
    def edges(self) -> pd.DataFrame:
        """A row per edge, or per weight of a model: ``source``, ``target``, their units and layers, ``weight``.

        The last layer is that of the outputs, when a linear head reads the nodes. Biases stand with the nodes. With
        soft links also ``origin``, which tells those that the training took up; decoys are left out.
        """
        if self.weights is None:
            return self.architecture.edge_table()
        table = self.weights[self.weights["source"].notna() & (self.weights["to"] != "tail")]
        layer = self.architecture.node_table()["layer"]
        origin = {"origin": table["origin"]} if "origin" in table else {}
        return pd.DataFrame(
            {
                **{key: table[key] for key in _EDGE_KEYS},
                **origin,
                "source_layer": table["source"].map(layer).astype(int),
                "target_layer": table["target"]
                .map(layer)
                .where(table["to"] == "node", len(self.architecture.layers))
                .astype(int),
                "weight": table["weight"],
            }
        ).reset_index(drop=True)

    @cached_property
    def node_edges(self) -> pd.DataFrame:
        """A row per pair of nodes: ``source``, ``target``, their layers, ``weight``, ``strength``; 1 without a model.

        Where nodes have several units, the weight is the mean and the strength the root of the sum of squares. The
        source is the lower of both, as in the architecture, for the weights of a decoder too, which lead down.
        """
        if self.weights is None:
            return self.edges.assign(weight=1.0, strength=1.0)
        squared = self.edges.assign(weight=self.edges["weight"].astype(float))
        squared["strength"] = squared["weight"] ** 2
        keys = ["source", "target", "source_layer", "target_layer", *self.edges.columns.intersection(["origin"])]
        grouped = squared.groupby(keys, sort=False, as_index=False)
        table = grouped.agg({"weight": "mean", "strength": "sum"})
        table["strength"] = np.sqrt(table["strength"])
        leads_down = table["source_layer"] > table["target_layer"]
        ends = {"source": "target", "target": "source"}
        ends |= {f"{end}_layer": f"{other}_layer" for end, other in ends.items()}
        return pd.concat([table[~leads_down], table[leads_down].rename(columns=ends)], ignore_index=True)

    @cached_property
    def genes(self) -> pd.DataFrame:
        """A row per gene, by ``id``: number and ids of the ``nodes`` it ``feeds``, and why it feeds none."""
        edges = self.architecture.edge_table()
        fed = edges[edges["source_layer"] == 0].groupby("source", sort=False)["target"]
        genes = list(self.architecture.genes)
        feeds = fed.agg("; ".join).reindex(genes).fillna("")
        reasons: dict[str, str] = {}
        for entry in self.architecture.audit:
            if entry.subject == "gene":
                reasons.update(dict.fromkeys(entry.items, entry.reason))
        unconnected = set(self.architecture.unconnected_genes)
        return pd.DataFrame(
            {
                "nodes": fed.size().reindex(genes).fillna(0).astype(int),
                "feeds": feeds,
                "unconnected": [
                    reasons.get(gene, "no connection in the architecture") if gene in unconnected else ""
                    for gene in genes
                ],
            },
            index=pd.Index(genes, name="id"),
        )

    @cached_property
    def top_nodes(self) -> pd.DataFrame:
        """Hidden nodes, the first to mention first: by the ranking, else by strength, else by number of inputs."""
        hidden = self.nodes[self.nodes["layer"] > 0]
        order = -hidden[self.ordered_by].abs().fillna(-np.inf).to_numpy(float)
        return hidden.iloc[order.argsort(kind="stable")]

    @property
    def ordered_by(self) -> str:
        """The column of the nodes that decides which are mentioned first."""
        if self.ranking is not None:
            return measure_of(self.ranking)
        return "inputs" if self.weights is None else "strength"


def content_of(source: Any, ranking: pd.DataFrame | None = None) -> Content:
    """Gather what there is to export of a model or an architecture.

    Raises
    ------
    ArchitectureError
        The source is neither, or the ranking is not of its nodes.
    ModelError
        The model was not made by `build_model`.
    """
    content = _of_model(source, ranking) if is_model(source) else Content(source, ranking=ranking)
    if content.ranking is not None:
        check_ranking(content.architecture, content.ranking)
    return content


def part_of(content: Content, top: int) -> Content:
    """Return the ``top`` first nodes to mention, those they stand under up to the outputs, and what these read most.

    Of a ranking for one class, the outputs are that class. Layers keep their numbers and may be empty.
    """
    arch, ranking = content.architecture, content.ranking
    check_count("top", top)
    ids = [position.node.id for position in arch.nodes()]
    parents = tree_parents(arch, gene_counts(arch))
    shown = set(content.top_nodes.index[:top])
    for number, parent in enumerate(parents):  # a node stands under a later one
        if parent >= 0 and ids[number] in shown:
            shown.add(ids[parent])
    into = content.node_edges[content.node_edges["target"].isin(shown)]
    into = into[into["target_layer"] < len(arch.layers)].sort_values("strength", ascending=False, kind="stable")
    genes = into[into["source_layer"] == 0]
    shown |= set(genes.loc[genes.groupby("target").cumcount() < _GENES_EACH, "source"])
    group = None if ranking is None else ranking.attrs.get("group")
    outputs = (group,) if group in content.outputs else content.outputs
    weights = content.weights
    if weights is not None:
        ends = {"node": shown, "output": set(outputs), "tail": set(weights.loc[weights["to"] == "tail", "target"])}
        is_shown = np.array([b in ends[to] for b, to in zip(weights["target"], weights["to"], strict=True)], bool)
        weights = weights[is_shown & (weights["source"].isin(shown) | weights["source"].isna())]
    return replace(
        content,
        architecture=_with_nodes(arch, shown, range(len(arch.layers))),
        weights=weights,
        outputs=outputs,
        ranking=None if ranking is None else ranking[ranking.index.isin(shown)],
    )


def without_empty_layers(content: Content) -> Content:
    """Return the content with layers that have no node left out, to be drawn."""
    arch = content.architecture
    kept = [number for number, layer in enumerate(arch.layers) if number == 0 or layer.nodes or layer.dense_units]
    if len(kept) == len(arch.layers):
        return content
    return replace(content, architecture=_with_nodes(arch, {p.node.id for p in arch.nodes()}, kept))


def _with_nodes(arch: Architecture, shown: Collection[str], numbers: Sequence[int]) -> Architecture:
    """Return an architecture with some of the nodes, in some of the layers; dense units are not named nodes."""
    places = [[place for place, node in enumerate(layer) if node.id in shown] for layer in arch.layers]
    layers = [
        replace(arch.layers[number], nodes=tuple(arch.layers[number][place] for place in places[number]), dense_units=0)
        for number in numbers
    ]
    new = {number: place for place, number in enumerate(numbers)}
    connections = {
        (new[source], new[target]): matrix[places[source]][:, places[target]]
        for (source, target), matrix in arch.connections.items()
        if source in new and target in new
    }
    return replace(arch, layers=tuple(layers), connections=connections)


def is_model(source: Any) -> bool:
    """Return whether a source is a Keras model, or the result of training one, rather than an architecture.

    Raises
    ------
    ArchitectureError
        It is neither.
    """
    model = getattr(source, "model", source)  # of a result of training
    if not isinstance(source, Architecture) and not (hasattr(model, "layers") and hasattr(model, "outputs")):
        raise ArchitectureError(
            f"Expected a model or an Architecture, got {type(source).__name__}.\n"
            "Load one: vnn.read.architecture(path) or vnn.load_model(path)"
        )
    return not isinstance(source, Architecture)


def measure_of(ranking: pd.DataFrame) -> str:
    """Return the column that a ranking is by: evidence, or importance where there is none."""
    return "evidence" if "evidence" in ranking else "importance"


def check_ranking(arch: Architecture, ranking: pd.DataFrame) -> None:
    """Raise an `ArchitectureError` unless a ranking is of nodes of the architecture."""
    make = "Make it: vnn.tl.rank_nodes(model, data, labels)"
    check_kind("a DataFrame", ranking, "columns index", make, ArchitectureError, name="ranking")
    known = {node.id for layer in arch.hidden_layers for node in layer}
    strange = [name for name in ranking.index if name not in known]
    if strange or measure_of(ranking) not in ranking:
        raise ArchitectureError(
            f"The ranking is not of the nodes of this architecture: {len(strange)} of {counted(len(ranking), 'row')} "
            f"name none of them.\n{make}"
        )


def remembered_rankings(seen: ModelView, class_: str | None = None) -> list[pd.DataFrame]:
    """Return the tables of evidence and of importance that a model remembers; none if it was trained further since.

    What an earlier version kept is importance alone.

    Raises
    ------
    ConfigError
        The model has no such class.
    """
    from keras_vnn.inspection import ranked_nodes

    kept = seen.card.metadata.get("inspection") or {}
    tables = []
    for by in (["evidence"] if kept.get("nodes") else []) + ([kept["method"]] if kept.get("importance") else []):
        try:
            tables.append(ranked_nodes(seen.model, class_=class_ if by == "evidence" else None, by=by))
        except ModelError:
            continue
    return tables


def single_biases(arch: Architecture, weights: pd.DataFrame) -> pd.Series:
    """Return the bias of every node with one unit, by id; NaN for the others."""
    nodes = arch.node_table()
    single = nodes.index[(nodes["units"] == 1) & (nodes["layer"] > 0)]
    biases = weights[weights["source"].isna() & (weights["parameter"] == "bias") & weights["target"].isin(single)]
    return biases.drop_duplicates("target").set_index("target")["weight"].reindex(nodes.index)


def tree_parents(arch: Architecture, genes: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return for each node the one under which it stands: of those it feeds, the one with the fewest genes upstream.

    That is the most specific of its parents; of several, the first in order. Genes stand under none, and neither do
    nodes that feed no other. Nodes are numbered as `Architecture.nodes` gives them, -1 is none.
    """
    source, target = numbered_edges(arch)
    source, target = source[source >= len(arch.genes)], target[source >= len(arch.genes)]
    order = np.lexsort((target, np.concatenate(genes)[target], source))
    child, first = np.unique(source[order], return_index=True)
    parent = np.full(sum(map(len, arch.layers)), -1, np.int64)
    parent[child] = target[order][first]
    return parent


def numbered_edges(arch: Architecture) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return source and target of every edge, nodes numbered as `Architecture.nodes` gives them."""
    starts = np.cumsum([0, *map(len, arch.layers)])
    ends = [np.stack(matrix.nonzero()) + starts[list(pair)][:, None] for pair, matrix in arch.connections.items()]
    source, target = np.concatenate([np.zeros((2, 0), np.int64), *ends], axis=1)
    return source, target


def _of_model(model: Any, ranking: pd.DataFrame | None) -> Content:
    from keras_vnn.models import DECOY, edge_weights, view

    seen = view(model)
    arch = seen.architecture
    behind = seen.first_dense
    weights = edge_weights(model, dense=behind is not None).assign(to="node")
    named = {node.id for layer in arch.hidden_layers for node in layer}
    if behind is not None:
        sparse = [role.name for role in seen.roles.all("nodes")]
        is_read = (weights["block"] == behind.name) & weights["source"].isin(named)
        weights.loc[is_read, "to"] = "output" if behind.part == "head" else "tail"
        weights = weights[is_read | weights["block"].isin(sparse)]
    else:  # A decoder has dense units too.
        weights = weights[weights["source"].isna() | weights["source"].isin({*arch.genes, *named})]
    if "origin" in weights:
        weights = weights[weights["origin"] != DECOY]
    weights = weights.reset_index(drop=True)
    if ranking is None:
        ranking = next(iter(remembered_rankings(seen)), None)
    metadata: Mapping[str, Any] = seen.card.metadata
    facts = {
        "name": seen.model.name,
        "parameters": int(seen.model.count_params()),
        "normalization": None if seen.normalization is None else str(seen.normalization),
        **{name: metadata[name] for name in ("options", "training") if name in metadata},
    }
    kind, names = outputs_of(seen)
    tail = tuple(int(layer.units) for layer in seen.tail_layers)
    return Content(arch, weights, names, kind, tail, seen.reads, facts, ranking)


def outputs_of(seen: ModelView) -> tuple[str, tuple[str, ...]]:
    """Return whether a model predicts a ``class`` or each a ``number``, and their names; nothing for an embedding."""
    from keras_vnn.data import Classes
    from keras_vnn.models import Embedding

    if isinstance(seen.outputs, Embedding):
        return "", ()
    return "class" if isinstance(seen.outputs, Classes) else "number", seen.outputs.names
