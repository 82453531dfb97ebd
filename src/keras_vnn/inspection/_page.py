"""A `NodeInspection` as a page of text.

Names come from files and are not trusted: they are never read as rich markup, and control characters are shown.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pandas as pd
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from keras_vnn.basics.errors import readable

if TYPE_CHECKING:
    from keras_vnn.inspection._node import NodeImportance, NodeInspection

__all__ = ["page", "renderable"]

_BAR = 12
_NO_DATA = "For activity and importance, pass data: inspect_node(model, node, data, labels)"


def page(inspected: NodeInspection, width: int = 100) -> str:
    """Return the page as plain text."""
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None, force_jupyter=False, legacy_windows=False).print(
        renderable(inspected)
    )
    return "\n".join(line.rstrip() for line in stream.getvalue().rstrip().splitlines())


def renderable(inspected: NodeInspection) -> Group:
    """Return the page for a rich console."""
    node = inspected.node
    title = Text(readable(node.label), style="bold")
    if node.label != node.id:
        title.append(f"   {readable(node.id)}", style="not bold dim")
    parts: list[RenderableType] = [title, Text(_facts(inspected))]
    merged = [name for name in node.names if name != node.id]
    if merged:
        more = f" and {len(merged) - 5} more" if len(merged) > 5 else ""
        parts.append(Text(f"also known as {', '.join(map(readable, merged[:5]))}{more}: the same genes"))
    if inspected.namesakes:
        names = [f"{readable(p.node.id)} ({p.node.kind})" for p in inspected.namesakes]
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        parts.append(Text(f"see also {', '.join(names[:5])}{more}"))
    if inspected.importance is not None:
        parts += [Text(""), Text(_importance(inspected.importance))]
    if inspected.activity is not None:
        parts += [Text(""), Text("Activity by class" if inspected.layer else "Expression by class", style="bold")]
        parts.append(_activity_table(inspected))
    parts += _weight_section(inspected, inspected.inputs, "Reads", "source")
    parts += _weight_section(inspected, inspected.outputs, "Feeds", "target")
    if inspected.dense_targets:
        parts.append(Text(f"and all {inspected.dense_targets:,} dense units next to the nodes"))
    if inspected.activity is None:
        parts += [Text(""), Text(_NO_DATA)]
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


def _importance(importance: NodeImportance) -> str:
    lines = [
        f"importance {importance.score:.4g} ({importance.method}), "
        f"rank {importance.rank:,} of {importance.of:,} in its layer"
    ]
    shown = sorted(importance.effects.items(), key=lambda item: (item[1] != item[1], -abs(item[1]), item[0]))
    effects = [
        f"{readable(name)} {value:+.3g}" if value == value else f"{readable(name)}: no cell" for name, value in shown
    ]
    more = f" and {len(effects) - 8} more" if len(effects) > 8 else ""
    return "\n".join([*lines, f"effect on   {', '.join(effects[:8])}{more}"])


def _activity_table(inspected: NodeInspection) -> Table:
    table = _empty_table()
    activity = inspected.activity
    if activity is None:
        return table
    several = inspected.node.units > 1
    table.add_column("class")
    for name in [*(["unit"] if several else []), "mean", "sd", "cells", "effect size"]:
        table.add_column(name, justify="right")
    for row in activity.itertuples(index=False):
        table.add_row(
            Text(readable(row[0])),
            *([str(row.unit)] if several else []),
            _number(row.mean),
            _number(row.sd, sign=False),
            f"{row.cells:,}",
            _number(row.effect_size, digits=2),
        )
    return table


def _weight_section(inspected: NodeInspection, weights: pd.DataFrame, verb: str, side: str) -> list[RenderableType]:
    if weights.empty:
        if side == "source":
            return [] if inspected.layer == 0 else [Text(""), Text("Has no inputs", style="bold")]
        return [] if inspected.dense_targets else [Text(""), Text("Feeds nothing", style="bold")]
    shown = weights.head(inspected.top)
    several_own = inspected.node.units > 1
    several_other = bool((weights[f"{side}_unit"] > 0).any())
    of = f"{len(shown):,} of {len(weights):,} weights, largest first" if len(shown) < len(weights) else ""
    heading = Text(verb, style="bold")
    if of:
        heading.append(f"   {of}", style="not bold dim")
    kinds = set(weights["kind"])
    plain = len(kinds) == 1 and bool((weights["label"] == weights[side]).all())
    table = _empty_table()
    table.add_column(kinds.pop() if plain else "node", overflow="fold")
    if not plain:
        table.add_column("what", overflow="fold")
    if several_other:
        table.add_column("its unit", justify="right")
    if several_own:
        table.add_column("unit", justify="right")
    table.add_column("weight", justify="right")
    table.add_column("")
    largest = float(weights["weight"].abs().max())
    for _, row in shown.iterrows():
        what = str(row["kind"]) if row["label"] == row[side] else f"{readable(row['label'])} ({row['kind']})"
        weight = float(row["weight"])
        length = max(1, round(_BAR * abs(weight) / largest)) if largest > 0 and weight else 0
        table.add_row(
            Text(readable(row[side])),
            *([] if plain else [Text(what)]),
            *([str(row[f"{side}_unit"])] if several_other else []),
            *([str(row["unit"])] if several_own else []),
            _number(weight),
            Text(("+" if weight > 0 else "−") * length, style="red" if weight > 0 else "blue"),
        )
    return [Text(""), heading, table]


def _empty_table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)


def _number(value: float, *, digits: int = 3, sign: bool = True) -> str:
    return "–" if pd.isna(value) else f"{value:{'+' if sign else ''}.{digits}f}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
