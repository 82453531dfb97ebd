"""What the command line says, and where: results on standard output, all else on standard error; the table of nodes.

Everything passes `readable`, as names come from files that anybody may have written.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from keras_vnn.basics.errors import OutputError, VNNError, readable
from keras_vnn.basics.progress import LOGGER

if TYPE_CHECKING:
    import pandas as pd

_LINES = "\n\t"


def show(text: object) -> None:
    """Print a result for people on standard output."""
    _print(readable(text, keep=_LINES))


def say(sentence: str) -> None:
    """Print one sentence for people on standard error."""
    _say(readable(sentence, keep=_LINES))


class _Sentences(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


@contextmanager
def sentences_printed() -> Iterator[None]:
    """Print in the block what is logged about steps on standard error."""
    handler, level = _Sentences(logging.INFO), LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.setLevel(level)
        LOGGER.removeHandler(handler)


def say_warning(sentence: str) -> None:
    """Print a warning on standard error."""
    _say(typer.style("warning: ", fg="yellow") + readable(sentence, keep=_LINES))


def print_json(value: Any) -> None:
    """Print a JSON value for machines on standard output."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    # Only inside of strings is there anything that cannot be printed.
    _print("".join(letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1] for letter in text))


def show_result(value: Any, *, as_json: bool) -> None:
    """Print a value that has both forms, for people or for machines."""
    if as_json:
        print_json(value.to_json())
    else:
        show(value)


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON values; ``None`` for what is missing."""
    rows: list[dict[str, Any]] = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    return rows


def report_error(error: VNNError, *, as_json: bool) -> None:
    """Print an error: a JSON object on standard output for machines, else text on standard error.

    When nothing can be said on standard error, people read it on standard output.
    """
    if as_json:
        print_json({"error": str(error), "kind": type(error).__name__})
    elif not _say(typer.style("error: ", fg="red") + str(error)):
        show(f"error: {error}")


def open_closed_streams() -> None:
    """Open what the shell has closed (``2>&-``), lest a file that is written later takes its place."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _print(text: str) -> None:
    try:
        typer.echo(text)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        # Python would try once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(
            f"Cannot print on standard output: {error.strerror}.\nSend the output to another place."
        ) from error


def _say(text: str) -> bool:
    """Print a text on standard error if that is possible; say whether it was."""
    try:
        typer.echo(text, err=True)
    except OSError:
        return False
    return sys.stderr is not None


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
    return f"{found:,} of {nodes:,} nodes have evidence{of} at a false discovery rate of 5 %{folded}{more}."


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
