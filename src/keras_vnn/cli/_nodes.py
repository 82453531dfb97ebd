"""The table of named nodes as lines of a terminal, and one sentence of what it found."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from keras_vnn.basics.errors import counted, readable

if TYPE_CHECKING:
    import pandas as pd

_LABEL = 40
_READABLE = 32
_SHORTEST = 16
_SHOWN = (
    "label",
    "genes",
    "higher_in",
    "higher_with",
    "d",
    "r",
    "evidence",
    "q",
    "learned",
    "use",
    "identified",
    "importance",
    "rank",
)
_DIGITS = {"d": "+.2f", "r": "+.2f", "evidence": ".1f", "learned": ".1f", "use": ".2g", "importance": ".3g"}


def node_lines(table: pd.DataFrame, top: int) -> str:
    """Return the first nodes of a table of `tl.rank_nodes`; those folded under a better one are left out."""
    shown = leading(table).head(top)
    columns = {name: [_text(name, value) for value in shown[name]] for name in _SHOWN if name in shown}
    if "in_first_20" in shown:
        columns["in_first_20"] = [f"{count} of {table.attrs['runs']}" for count in shown["in_first_20"]]
    more = [""] * len(shown)
    if "similar" in shown:
        more = [f" +{count}" if count else "" for count in shown["similar"]]
    # What is left of the line is for names, which are told apart by their beginnings.
    for dropped in ("", "learned", "use", "identified"):
        columns.pop(dropped, None)
        rest = sum(2 + max(map(len, [name, *values])) for name, values in columns.items() if name != "label")
        room = max(_SHORTEST, shutil.get_terminal_size((100, 24)).columns - rest)
        if room >= _READABLE:
            break
    labels = zip(shown["label"], more, strict=True)
    columns["label"] = [cut(readable(label), min(_LABEL, room) - len(end)) + end for label, end in labels]
    rows = [[name.replace("_", " "), *values] for name, values in columns.items()]
    widths = [max(map(len, column)) for column in rows]
    lines = []
    for row in zip(*rows, strict=True):
        cells = [
            cell.ljust(width) if column[0] in ("label", "higher in", "higher with") else cell.rjust(width)
            for cell, width, column in zip(row, widths, rows, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def leading(table: pd.DataFrame) -> pd.DataFrame:
    """Return the nodes of a table that are folded under no other."""
    return table[table["similar"].notna()] if "similar" in table else table


def about(table: pd.DataFrame) -> str:
    """Return what a table of evidence does not say, as lines."""
    runs = table.attrs.get("runs", 1)
    use = (
        "Use is of this one training; another seed may use other nodes: --repeats 5."
        if runs == 1
        else f"Learned and use are means of {runs} trainings."
    )
    replicate = table.attrs.get("replicate")
    assumed = (
        f"Means over {readable(replicate)} were compared."
        if replicate
        else "Cells are compared as if independent; name donors or batches: --replicate."
    )
    return f"Evidence is an association, not a cause.\n{use}\n{assumed}"


def verdict(table: pd.DataFrame) -> str:
    """Return what a table of evidence found, in one sentence."""
    found, nodes = int((table["q"] < 0.05).sum()), len(table)
    groups = int((table["q"] < 0.05)[leading(table).index].sum())
    group = table.attrs.get("group")
    of = "" if group is None else f" for {readable(group)}"
    if not found:
        return f"No node of {nodes:,} has evidence{of} at a false discovery rate of 5 %."
    beyond = int(table["beyond_the_mean"].sum())
    more = f"; {beyond:,} more know what no mean of genes shows" if beyond else ""
    folded = f", {groups:,} of them unlike each other" if groups < found else ""
    return f"{found:,} of {counted(nodes, 'node')} have evidence{of} at a false discovery rate of 5 %{folded}{more}."


def directions(table: pd.DataFrame, most: int = 3) -> list[str]:
    """Return, for each class that nodes with evidence are higher in, a line with the first of them."""
    if "higher_in" not in table:
        return []
    found = leading(table)[lambda nodes: nodes["q"] < 0.05]
    lines = []
    for group in sorted(found["higher_in"].dropna().unique()):
        nodes = found.loc[found["higher_in"] == group, "label"]
        rest = len(nodes) - most
        more = f" and {rest:,} more" if rest > 0 else ""
        lines.append(f"Higher in {readable(group)}: {', '.join(map(readable, nodes[:most]))}{more}.")
    return lines


def _text(name: str, value: object) -> str:
    if value is None or value != value:
        return "–"
    if name in ("q", "learned_q") and isinstance(value, float):
        return "<.0001" if value < 1e-4 else f"{value:.4f}" if value < 0.1 else f"{value:.2f}"
    if name in _DIGITS:
        return format(value, _DIGITS[name])
    return cut(readable(str(value)), 16) if isinstance(value, str) else str(value)


def cut(text: str, width: int) -> str:
    """Return a text of at most so many letters, its end left out."""
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"
