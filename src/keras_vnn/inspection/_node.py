"""One node of a model: what it reads, what it feeds, when it is active, how much it matters; as a value and a page.

Names come from files and are not trusted: they are never read as rich markup, and control characters are shown.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from keras_vnn.architecture import Node, NodePosition, gene_counts
from keras_vnn.basics.csv_tables import plain
from keras_vnn.basics.errors import check_choice, check_count, readable
from keras_vnn.basics.keras_import import keras
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.basics.showing import Shown
from keras_vnn.data import Classes
from keras_vnn.inspection._cells import cells_of
from keras_vnn.inspection._findings import Findings, findings_of, turned_units, turned_weights
from keras_vnn.inspection._memory import recalled, recalled_tables
from keras_vnn.inspection._methods import IMPORTANCE_METHODS
from keras_vnn.inspection._node_table import FALSE_DISCOVERY_RATE, MIXED
from keras_vnn.inspection._node_table import measured as measured_table
from keras_vnn.inspection._record import to_numpy
from keras_vnn.models import Embedding, ModelView, edge_weights, view


@dataclass(frozen=True, slots=True)
class NodeImportance:
    """How much a node matters to the outputs; see `tl.rank_nodes`.

    Attributes
    ----------
    method
        How it was measured.
    score
        Mean absolute contribution.
    rank, of
        Place in its layer, from 1, among how many nodes.
    effects
        Signed contribution by output; NaN for a class without cells.
    """

    method: str
    score: float
    rank: int
    of: int
    effects: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NodeInspection(Shown):
    """What a model knows of one node; ``print`` shows a page.

    Attributes
    ----------
    node
        The node.
    layer
        Number of its layer; 0 is the genes.
    layers
        Number of the last layer.
    genes
        Number of genes upstream, on any path.
    inputs
        DataFrame, largest absolute weight first: ``source`` (id), ``label``, ``kind``, ``source_unit``, ``unit`` (of
        the node), ``weight``. Empty for a gene.
    outputs
        DataFrame, largest absolute weight first: ``target`` (id of a node, name of an output, or ``tail_1``),
        ``label``, ``kind`` (of the node; ``class``, ``number`` or ``tail``), ``unit`` (of the node), ``target_unit``,
        ``weight``.
    bias
        Of each of its units; empty for a gene.
    turned
        Its units that are shown with the other sign, their weights too, so that they rise with the mean of its genes;
        so are the units at the other ends. A unit has no sign of its own.
    dense_targets
        Number of units without a name that it feeds as well: dense units next to the nodes.
    activity
        DataFrame, a row per class and unit: ``class``, ``unit``, ``mean``, ``sd``, ``cells``, ``effect_size`` (Cohen's
        d of the class against all other cells). ``None`` without data.
    importance
        How much it matters; ``None`` without data, for a gene, and for an embedding.
    evidence
        Its row of the table of `tl.rank_nodes`, by column; ``low`` and ``high``, the 95 % interval of ``d`` or ``r``;
        ``place`` among ``of`` nodes; and how it was measured. ``None`` for a gene, and where nothing is known.
    namesakes
        Other nodes with the same name, such as ``PPI:STAT1`` and ``TF:STAT1`` of the gene ``STAT1``.
    top
        Rows of each table that the page shows.
    """

    node: Node
    layer: int
    layers: int
    genes: int
    inputs: pd.DataFrame
    outputs: pd.DataFrame
    bias: tuple[float, ...]
    turned: tuple[int, ...]
    dense_targets: int
    activity: pd.DataFrame | None
    importance: NodeImportance | None
    evidence: Mapping[str, Any] | None
    namesakes: tuple[NodePosition, ...]
    top: int

    def __str__(self) -> str:
        """Return the page as plain text."""
        return _page(self)

    def _shown_parts(self) -> Iterable[str | pd.DataFrame]:
        yield f"{self.node.label}   {self.node.id}\n{_facts(self)}"
        if self.evidence is not None:
            yield _evidence_lines(self.evidence)
        for what, table in (("Activity by class", self.activity), ("Reads", self.inputs), ("Feeds", self.outputs)):
            if table is not None and len(table):
                yield what
                yield table.set_index(table.columns[0])

    def __rich__(self) -> Any:
        """Return the page for a rich console."""
        return _renderable(self)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values; ``null`` where there is no finite number."""
        values = {
            "id": self.node.id,
            "label": self.node.label,
            "kind": self.node.kind,
            "layer": self.layer,
            "units": self.node.units,
            "names": self.node.names,
            "attributes": self.node.attributes,
            "genes": self.genes,
            "bias": self.bias,
            "turned": self.turned,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "dense_targets": self.dense_targets,
            "activity": self.activity,
            "importance": None if self.importance is None else asdict(self.importance),
            "evidence": None if self.evidence is None else dict(self.evidence),
            "namesakes": [position.node.id for position in self.namesakes],
        }
        return {name: plain(value) for name, value in values.items()}


def inspect_node(
    model: keras.Model,
    query: str,
    data: Any = None,
    labels: Any = None,
    *,
    top: int = 20,
    method: str | None = None,
    missing: str = "raise",
    batch_size: int = 512,
) -> NodeInspection:
    """Return what a model knows of one node: inputs, outputs, activity by class, importance.

    Parameters
    ----------
    model
        A model of `build_model`.
    query
        Id, label, merged name, or a unique part of one, of a hidden node or a gene.
    data
        AnnData, DataFrame or aligned array as in `tl.rank_nodes`. When ``None``, activity and importance are what the
        model remembers, if it does.
    labels
        The class of each cell, as in `tl.rank_nodes`; as the model predicts them when ``None``. A model without classes
        takes any names.
    top
        Rows of each table that the page shows; the tables are complete.
    method
        How importance is measured, as in `tl.rank_nodes`.
    missing, batch_size
        As in `tl.rank_nodes`.

    Returns
    -------
    NodeInspection
        Prints as a page.

    Raises
    ------
    ArchitectureError
        No node, or several, answer to the query; with the candidates.
    ConfigError
        The method is unknown, or ``top`` is below 1.
    DataError, GeneError, ModelError
        As `tl.rank_nodes`.
    """
    if method is not None:
        check_choice("method", method, IMPORTANCE_METHODS)
    check_count("top", top)
    seen = view(model)
    arch = seen.architecture
    found = arch.find(query)
    if data is None:
        measured, tables = recalled(seen), recalled_tables(seen)
    else:
        cells, ranked = cells_of(seen, data, labels, missing=missing), [found.layer] if found.layer else []
        measured = findings_of(
            seen, cells, [found.layer], ranked, method=method, batch_size=batch_size, orientation=True
        )
        is_told = ranked and (labels is not None or not isinstance(seen.outputs, Embedding))
        tables = [measured_table(seen, cells, batch_size=batch_size)] if is_told else []
    turned = {} if measured is None else turned_units(arch, measured.orientation)
    inputs, outputs, bias = _weights(seen, found, turned)
    return NodeInspection(
        node=found.node,
        layer=found.layer,
        layers=len(arch.layers) - 1,
        genes=int(gene_counts(arch)[found.layer][found.position]),
        inputs=inputs,
        outputs=outputs,
        bias=bias,
        turned=tuple(unit for unit in range(found.node.units) if (found.node.id, unit) in turned),
        dense_targets=0 if found.layer else sum(layer.dense_units for layer in arch.hidden_layers),
        activity=None if measured is None else _activity(seen, found, measured),
        importance=None if measured is None else _importance(found, measured, seen),
        evidence=tables[0].of_node(seen, found.node.id) if tables and found.layer else None,
        namesakes=_namesakes(seen, found),
        top=top,
    )


def _activity(seen: ModelView, found: NodePosition, measured: Findings) -> pd.DataFrame:
    """Return mean, deviation and effect size by class and unit."""
    statistics = measured.turned(found.layer)
    units = found.node.units
    first = int(seen.architecture.layers[found.layer].units[: found.position].sum())
    own = slice(first, first + units)
    return pd.DataFrame(
        {
            "class": np.repeat(np.array(measured.classes, dtype=object), units),
            "unit": np.tile(np.arange(units), len(measured.classes)),
            "mean": statistics.mean[:, own].ravel(),
            "sd": statistics.deviation[:, own].ravel(),
            "cells": np.repeat(statistics.cells, units),
            "effect_size": statistics.effect_size[:, own].ravel(),
        }
    )


def _importance(found: NodePosition, measured: Findings, seen: ModelView) -> NodeImportance | None:
    ranked = measured.importance.get(found.layer)
    if ranked is None or isinstance(seen.outputs, Embedding):
        return None
    effects = dict(zip(seen.outputs.names, ranked.effects[found.position].tolist(), strict=True))
    score, rank = float(ranked.score[found.position]), int(ranked.ranks[found.position])
    return NodeImportance(measured.method, score, rank, len(ranked.score), effects)


def _weights(
    seen: ModelView, found: NodePosition, turned: Mapping[tuple[str, int], int]
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[float, ...]]:
    """Return the tables of inputs and outputs, and the biases."""
    nodes = seen.architecture.node_table()[["label", "kind"]]
    edges = turned_weights(edge_weights(seen.model), turned)
    name = found.node.id
    own = edges[edges["target"] == name]
    bias = own[own["source"].isna()].sort_values("target_unit")["weight"]
    into = own[own["source"].notna()].join(nodes, on="source").rename(columns={"target_unit": "unit"})
    into = into.fillna({"label": into["source"], "kind": "unit"})
    out_of = edges[(edges["source"] == name).fillna(False)].join(nodes, on="target")
    out_of = out_of.rename(columns={"source_unit": "unit"})
    out_of = out_of[_FED]
    dense = _readout_weights(seen, found, turned)
    return (
        _by_size(into[["source", "label", "kind", "source_unit", "unit", "weight"]]),
        _by_size(out_of if dense.empty else dense if out_of.empty else pd.concat([out_of, dense])),
        tuple(float(value) for value in bias),
    )


def _readout_weights(seen: ModelView, found: NodePosition, turned: Mapping[tuple[str, int], int]) -> pd.DataFrame:
    """Return the weights from the node to the tail or, without one, to the outputs."""
    role = seen.first_dense
    if role is None:
        return pd.DataFrame(columns=_FED)
    ids, units = role.inputs.names(seen.architecture, seen.outputs)
    targets, target_units = role.outputs.names(seen.architecture, seen.outputs, are_targets=True)
    own = np.flatnonzero(ids == found.node.id)
    signs = np.array([turned.get((found.node.id, int(unit)), 1) for unit in units[own]], np.int64)
    weights = to_numpy(seen.layer_with(role).kernel)[own] * signs[:, None]
    unit, target = np.indices(weights.shape).reshape(2, -1)
    names, kind = targets[target], "tail"
    if role.part == "head":
        kind = "class" if isinstance(seen.outputs, Classes) else "number"
    values = [names, names, kind, units[own][unit], target_units[target], weights.ravel()]
    return pd.DataFrame(dict(zip(_FED, values, strict=True)))


def _by_size(table: pd.DataFrame) -> pd.DataFrame:
    """Sort by absolute weight, the largest first."""
    order = (-table["weight"].abs().to_numpy(float)).argsort(kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _namesakes(seen: ModelView, found: NodePosition) -> tuple[NodePosition, ...]:
    """Return the other nodes one of whose ids, less its prefix, is one of this node's."""
    own = _bare_names(found.node)
    return tuple(p for p in seen.architecture.nodes() if p.node.id != found.node.id and own & _bare_names(p.node))


def _bare_names(node: Node) -> set[str]:
    """Return the ids a node stands for without their prefixes: ``PPI:STAT1`` is ``STAT1``."""
    if node.kind == "term":
        return {node.id}
    return {name.partition(":")[2] or name for name in (node.id, *node.names)}


_FED = ["target", "label", "kind", "unit", "target_unit", "weight"]
_BAR = 12


def _page(inspected: NodeInspection, width: int = 100) -> str:
    """Return the page as plain text."""
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None, force_jupyter=False, legacy_windows=False).print(
        _renderable(inspected)
    )
    return "\n".join(line.rstrip() for line in stream.getvalue().rstrip().splitlines())


def _renderable(inspected: NodeInspection) -> Group:
    """Return the page for a rich console."""
    node = inspected.node
    title = Text(readable(node.label), style="bold")
    if node.label != node.id:
        title.append(f"   {readable(node.id)}", style="not bold dim")
    parts: list[RenderableType] = [title, Text(_facts(inspected))]
    if merged := [readable(name) for name in node.names if name != node.id]:
        parts.append(Text(f"also known as {_first(merged, 5)}: the same genes"))
    if inspected.namesakes:
        names = [f"{readable(p.node.id)} ({p.node.kind})" for p in inspected.namesakes]
        parts.append(Text(f"see also {_first(names, 5)}"))
    if inspected.evidence is not None:
        parts += [Text(""), Text(_evidence_lines(inspected.evidence))]
    if inspected.importance is not None:
        parts += [Text(""), Text(_importance_lines(inspected.importance))]
    if inspected.activity is not None:
        parts += [Text(""), Text("Activity by class" if inspected.layer else "Expression by class", style="bold")]
        parts.append(_activity_table(inspected, inspected.activity))
        if inspected.turned:
            units = "" if inspected.node.units == 1 else f"Unit {', '.join(map(str, inspected.turned))}: "
            parts.append(Text(f"{units}turned, with its weights, to rise with the mean of its genes.", style="dim"))
    parts += _weight_section(inspected, inspected.inputs, "Reads", "source")
    parts += _weight_section(inspected, inspected.outputs, "Feeds", "target")
    if inspected.dense_targets:
        parts.append(Text(f"and all {inspected.dense_targets:,} dense units next to the nodes"))
    if inspected.activity is None:
        call = by_place(remedy("{data}", data=...), "vnn.tl.inspect_node(model, node, data, labels)")
        parts += [Text(""), Text(f"For activity and importance, pass data: {call}")]
    return Group(*parts)


def _facts(inspected: NodeInspection) -> str:
    node = inspected.node
    facts = [node.kind]
    if inspected.layer:
        facts.append(f"layer {inspected.layer} of {inspected.layers}")
        facts.append(_count(node.units, "unit"))
        facts.append(f"{_count(inspected.genes, 'gene')} upstream")
        if len(inspected.bias) == 1:
            facts.append(f"bias {inspected.bias[0]:+.3f}")
    else:
        facts.append("input")
    return " · ".join(facts)


def _evidence_lines(row: Mapping[str, Any]) -> str:
    is_number = "r" in row
    name, size = ("r", row["r"]) if is_number else ("d", row["d"])
    higher = row["higher_with" if is_number else "higher_in"]
    if row["evidence"] is None:
        return "evidence    none: too few cells of a class, or genes that do not vary"
    place = f"place {row['place']:,} of {row['of']:,}"
    found = "" if row["q"] < FALSE_DISCOVERY_RATE else ": no more than such genes show anyway"
    lines = [f"evidence    {row['evidence']:.2f}, false discovery rate {row['q']:.2g}, {place}{found}"]
    if higher == MIXED:
        lines.append("its genes   are higher in no class")
    elif higher is not None:
        where = f"with {readable(higher)}" if is_number else f"in {readable(higher)}"
        lines.append(
            f"its genes   are higher {where}: {name} {size:+.2f} (95 %: {row['low']:+.2f} to {row['high']:+.2f})"
        )
    beyond = ", beyond what a mean of its genes shows" if row["beyond_the_mean"] else ""
    where = "outside the training" if row["held_out"] else "of the other half"
    lines.append(f"learned     z {row['learned']:.2f} in cells {where}{beyond}")
    if row.get("identified"):
        lines.append(f"students    {row['identified']}, in networks that learned to predict what this one does")
    return "\n".join(lines)


def _importance_lines(importance: NodeImportance) -> str:
    lines = [
        f"importance {importance.score:.4g} ({importance.method}), "
        f"rank {importance.rank:,} of {importance.of:,} in its layer"
    ]
    shown = sorted(importance.effects.items(), key=lambda item: (item[1] != item[1], -abs(item[1]), item[0]))
    effects = [
        f"{readable(name)} {value:+.3g}" if value == value else f"{readable(name)}: no cell" for name, value in shown
    ]
    return "\n".join([*lines, f"effect on   {_first(effects, 8)}"])


def _activity_table(inspected: NodeInspection, activity: pd.DataFrame) -> Table:
    several = inspected.node.units > 1
    return _table(
        [
            ("class", Text(readable(row[0]))),
            *([("unit", str(row.unit))] if several else []),
            ("mean", _number(row.mean)),
            ("sd", _number(row.sd, sign=False)),
            ("cells", f"{row.cells:,}"),
            ("effect size", _number(row.effect_size, digits=2)),
        ]
        for row in activity.itertuples(index=False)
    )


def _weight_section(inspected: NodeInspection, weights: pd.DataFrame, verb: str, side: str) -> list[RenderableType]:
    if weights.empty:
        if side == "source":
            return [] if inspected.layer == 0 else [Text(""), Text("Has no inputs", style="bold")]
        return [] if inspected.dense_targets else [Text(""), Text("Feeds nothing", style="bold")]
    shown = weights.head(inspected.top)
    heading = Text(verb, style="bold")
    if len(shown) < len(weights):
        heading.append(f"   {len(shown):,} of {len(weights):,} weights, largest first", style="not bold dim")
    kinds = set(weights["kind"])
    is_plain = len(kinds) == 1 and bool((weights["label"] == weights[side]).all())
    several_own = inspected.node.units > 1
    several_other = bool((weights[f"{side}_unit"] > 0).any())
    first = kinds.pop() if is_plain else "node"
    largest = float(weights["weight"].abs().max())

    def columns(row: Mapping[str, Any]) -> list[tuple[str, RenderableType]]:
        what = str(row["kind"]) if row["label"] == row[side] else f"{readable(row['label'])} ({row['kind']})"
        weight = float(row["weight"])
        length = max(1, round(_BAR * abs(weight) / largest)) if largest > 0 and weight else 0
        return [
            (first, Text(readable(row[side]), overflow="fold")),
            *([] if is_plain else [("what", Text(what, overflow="fold"))]),
            *([("its unit", str(row[f"{side}_unit"]))] if several_other else []),
            *([("unit", str(row["unit"]))] if several_own else []),
            ("weight", _number(weight)),
            ("", Text(("+" if weight > 0 else "−") * length, style="red" if weight > 0 else "blue")),
        ]

    return [Text(""), heading, _table(columns(row) for row in shown.to_dict("records"))]


def _table(rows: Iterable[Sequence[tuple[str, RenderableType]]]) -> Table:
    """Return a table of rows of names and cells, the same names in each; cells of plain text are numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for row in rows:
        if not table.columns:
            for name, cell in row:
                overflow = (cell.overflow if isinstance(cell, Text) else None) or "ellipsis"
                table.add_column(name, justify="right" if isinstance(cell, str) else "left", overflow=overflow)
        table.add_row(*(cell for _, cell in row))
    return table


def _number(value: float, *, digits: int = 3, sign: bool = True) -> str:
    return "–" if pd.isna(value) else f"{value:{'+' if sign else ''}.{digits}f}"


def _first(texts: Sequence[str], most: int) -> str:
    return f"{', '.join(texts[:most])}{f' and {len(texts) - most} more' if len(texts) > most else ''}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
