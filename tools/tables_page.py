"""Writes docs/tables.md: tables as biologists have them, what each is told to be, and what is built of it.

    python tools/tables_page.py

In: the list of `table_inputs`. Out: a line each, next to what was counted by hand; tests go through the same list.
"""

import contextlib
import io
import json
import re
import shlex
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

from keras_vnn import pp, read
from keras_vnn.basics.errors import VNNError, counted
from keras_vnn.cli import main
from keras_vnn.readers import FAMILIES
from table_dialects import DIALECTS
from table_inputs import REFUSED, TABLES, Table

PAGE = Path(__file__).parents[1] / "docs" / "tables.md"
HEAD = """\
# Tables of every kind

Small tables of every kind that users have brought, or been refused with: what `vnn check` says of each, what is built
or read of it, and the counts that a person finds in the file. A test compares both, for every line.

A file is shown by its first lines, `⇥` for a tab. Options are those of `vnn build`, whose other files are a list of
genes and a few interactions. So that each count can be checked by hand, every interaction is a node (`--grouping edge`)
and none are left out or merged (`--redundancy none`, `--min-genes 1`, `--min-targets 1`). `read.expression` is what
`vnn train`, `vnn predict` and the others read data with.

This page is written by `tools/tables_page.py`, from the lists in `tools/table_inputs.py` and `tools/table_dialects.py`.
"""
LISTED = {**TABLES, **DIALECTS}
# What is said of a network, so that nothing is left out or merged.
_KEPT = "--redundancy none --min-genes 1"
_PAIRS = f"--grouping edge --min-targets 1 {_KEPT}"


def vnn(*arguments: str) -> tuple[int, str, str]:
    """Run the command in this process; return how it ended, and what it printed on both streams."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([*arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
    return code, out.getvalue(), err.getvalue()


def checked(table: Table) -> tuple[str, str]:
    """Return the family ``vnn check`` finds a table to be of, and what it says first."""
    _, out, _ = vnn("check", table.name, "--json")
    (report,) = json.loads(out)["files"]
    if report["error"]:
        return "cannot", f"cannot be read: {report['error'].splitlines()[0]}"
    family = report["family"]
    return (
        family,
        f"{FAMILIES[family].what}: {report['format']}" if family else f"{report['format']}: {report['summary']}",
    )


def result(table: Table, how: str) -> str:
    """Return what a table gives when it is taken as `Table.taken` says."""
    if how.startswith("read.expression"):
        _, _, layer = how.partition(", layer ")
        try:
            data = read.expression(table.name, **({"layer": layer} if layer else {}))
            total = pp.align(data, [*data.var_names]).sum()
            return f"{counted(data.n_obs, 'cell')} × {counted(data.n_vars, 'gene')}, sum {total:g}"
        except VNNError as error:
            return f"{REFUSED}: {str(error).splitlines()[0]}"
    if how == "train":
        return _trained(table)
    return _built(table, how)


def _built(table: Table, how: str, *written: str) -> str:
    given = shlex.split(how.replace("{}", shlex.quote(table.name)))
    given = [*given, "--interactions", "ppi.tsv"] if "--genes" in given else ["--genes", "genes.txt", *given]
    rules = _PAIRS if {"--interactions", "--regulation"} & {*given} else _KEPT
    if "--redundancy" in given:
        rules = re.sub(r"--redundancy \S+", "", rules)
    code, out, err = vnn("build", *shlex.split(rules), *given, "--json", *(written or ("--dry-run",)))
    if code:
        return f"{REFUSED}: {json.loads(out)['error'].splitlines()[0]}"
    option = given[given.index(table.name) - 1].removeprefix("--")
    layers = json.loads(out)["layers"][1:]
    nodes, edges = (sum(layer[what] for layer in layers) for what in ("nodes", "edges"))
    said = _said(err, "identifiers" if option == "id-map" else option.replace("-", " "))
    return f"{re.sub(r' [(].*', '', said)}; {nodes} node{'s' * (nodes != 1)}, {edges} edges"


def _trained(table: Table) -> str:
    _built(table, next(iter(table.taken)), "-o", "net.vnn")
    code, _, err = vnn("train", "net.vnn", table.name, "--label", "type", "--epochs", "1", "-o", "model.keras")
    if code:
        return f"{REFUSED}: {_said(err, 'error:')}"
    return "; ".join(_said(err, word).partition(": ")[2] or _said(err, word) for word in ("data", "genes", "labels"))


def _said(err: str, word: str) -> str:
    """Return what follows a word at the start of a line."""
    return next((line[len(word) :].strip() for line in err.splitlines() if line.startswith(word)), err)


@contextlib.contextmanager
def at_hand(table: Table) -> Iterator[None]:
    """Write a table into a folder of its own, and be there."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        table.write(Path(folder))
        yield


def agrees(found: str, counted: str) -> bool:
    """Return whether a result is what was counted by hand."""
    return found.startswith(f"{REFUSED}: ") if counted == REFUSED else found == counted


def row(table: Table, said: str, found: Mapping[str, str]) -> str:
    """Return the line of a table."""
    start = table.content if isinstance(table.content, str) else ""
    lines = " / ".join(start.splitlines()).replace("\t", "⇥")
    shown = f"`{lines if len(lines) <= 90 else lines[:89] + '…'}`" if start else f"`{table.name}`"
    done = [f"`{how.replace('{}', 'FILE')}`: {result}" for how, result in found.items()]
    cells = f"{table.title}: {shown}", said, "<br>".join(done), "<br>".join(table.taken.values())
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def line_of(table: Table) -> str:
    """Return the line of a table, with what the commands say of it now."""
    with at_hand(table):
        return row(table, checked(table)[1], {how: result(table, how) for how in table.taken})


def page(lines: Mapping[Table, str]) -> str:
    """Return the page with these lines."""
    parts = [HEAD]
    for title, tables in LISTED.items():
        head = f"## {title}\n\n| file | `vnn check` | what is built or read | by hand |\n|:--|:--|:--|:--|\n"
        parts.append(head + "".join(f"{lines[table]}\n" for table in tables))
    return "\n".join(parts)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    PAGE.write_text(page({table: line_of(table) for tables in LISTED.values() for table in tables}), encoding="utf-8")
