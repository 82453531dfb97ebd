"""The pages of the documentation that are written by a program: one of the API for each namespace, one of the commands.

In: the stubs of `keras_vnn`, which list the public names by module, and the application of the command line. Out:
Markdown in ``docs/api``, which is not kept under version control.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras_vnn
from keras_vnn.basics.public_names import names_in, place_of

__all__ = ["pages", "write"]

TITLES = {
    "keras_vnn": "The main path",
    "keras_vnn.read": "Reading files: `read`",
    "keras_vnn.pp": "Preparing data: `pp`",
    "keras_vnn.wire": "Wiring: `wire`",
    "keras_vnn.tl": "Tools for trained models: `tl`",
    "keras_vnn.pl": "Drawing and writing: `pl`",
}
# The parts of a page, by module, in the order of work; a module that is not named here comes after these.
PARTS = {
    "readers": "Priors and gene lists",
    "priors": "Priors as values",
    "priors.genes": "Gene lists",
    "readers.downloads": "Downloads",
    "recipes.checking": "Checking files",
    "priors.kinds": "Kinds of names",
    "priors.identifiers": "Identifiers",
    "architecture.wiring": "Wiring",
    "architecture": "Architectures",
    "models": "Models",
    "layers": "The layer",
    "options": "Options",
    "data": "Expression, labels, splits",
    "training": "Training",
    "estimators": "Estimators, AnnData",
    "inspection": "Looking into a model",
    "experiments.tuning": "Searching hyper-parameters",
    "experiments.comparison": "Comparing with controls",
    "experiments.controls": "Controls",
    "experiments.evaluation": "Evaluating embeddings",
    "export.figures": "Figures",
    "export.report": "The report",
    "export": "Export",
    "basics.csv_tables": "Tables",
    "basics.provenance": "Provenance",
    "basics.bundled": "Bundled data and recipes",
    "basics.progress": "What is said meanwhile",
    "basics.errors": "Errors",
}


def pages() -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the public names by page and by part, in the order they are shown."""
    return {module: _parts(module) for module in TITLES}


def _parts(module: str) -> dict[str, tuple[str, ...]]:
    by_part: dict[str, tuple[str, ...]] = {}
    for public, (source, own) in names_in(module).items():
        if own:
            part = source.removeprefix("keras_vnn.")
            by_part[part] = (*by_part.get(part, ()), public)
    known = [part for part in PARTS if part in by_part]
    return {part: by_part[part] for part in [*known, *sorted(set(by_part) - set(known))]}


def write(docs: Path) -> None:
    """Write the pages into ``docs/api``; pages that are gone are removed."""
    folder = docs / "api"
    folder.mkdir(exist_ok=True)
    texts = {f"{module}.md": _page(module, parts) for module, parts in pages().items()}
    texts |= {"index.md": _index(), "moved.md": _moved(), "commands.md": _commands()}
    for old in folder.glob("*.md"):
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _index() -> str:
    rows = ["| page | names |", "|:--|:--|"]
    rows.append("| [The command line](commands.md) | `vnn build`, `vnn train` and all the others, with every option |")
    for module, parts in pages().items():
        names = [name for part in parts.values() for name in part]
        listed = ", ".join(f"{{py:obj}}`{name} <{module}.{name}>`" for name in names)
        rows.append(f"| [{TITLES[module]}]({module}.md) | {listed} |")
    listing = "\n".join([*TITLES, "commands", "moved"])
    return (
        "# API\n\n"
        "With `import keras_vnn as vnn`, the steps of the main path are `vnn.train(…)` and the like; the rest is in "
        "five namespaces, `vnn.read.genes(…)`. A name is imported when it is first asked for. "
        "What a function was called before 0.2 is under [names that moved](moved.md).\n\n"
        + "\n".join(rows)
        + f"\n\n```{{toctree}}\n:hidden:\n\n{listing}\n```\n"
    )


def _moved() -> str:
    rows = ["| before 0.2 | now |", "|:--|:--|", "| `figures` | [`pl`](keras_vnn.pl.md) |"]
    for name in sorted(keras_vnn._MOVED - {"figures"}, key=str.casefold):
        place = place_of(name)
        rows.append(f"| `{name}` | {{py:obj}}`{place.removeprefix('keras_vnn.')} <{place}>` |")
    return (
        "# Names that moved\n\n"
        "The names on the left are found in `keras_vnn` until 0.4, with a warning; type checkers know the new ones "
        "only.\n\n" + "\n".join(rows) + "\n"
    )


def _page(module: str, parts: Mapping[str, tuple[str, ...]]) -> str:
    doc = inspect.getdoc(importlib.import_module(module)) or ""
    blocks = [f"# {TITLES[module]}", f"```{{py:currentmodule}} {module}\n```", _markdown(doc), _names(module, parts)]
    for part, names in parts.items():
        blocks.append(f"## {PARTS.get(part, part.replace('_', ' ').capitalize())}")
        for name in names:
            blocks.append(f"### {name}")
            blocks.append(f"```{{eval-rst}}\n{_directive(module, name)}\n```")
    return "\n\n".join(blocks) + "\n"


def _names(module: str, parts: Mapping[str, tuple[str, ...]]) -> str:
    """Return a table of the names of a page, by part, with the first sentence of each."""
    rows = ["| name | |", "|:--|:--|"]
    for part, names in parts.items():
        rows.append(f"| **{PARTS.get(part, part)}** | |")
        for name in names:
            value = getattr(importlib.import_module(module), name)
            doc = "" if isinstance(value, Iterable) and not callable(value) else inspect.getdoc(value) or ""
            summary = _markdown(" ".join(doc.split("\n\n")[0].split())).replace("|", "\\|")
            rows.append(f"| {{py:obj}}`{name} <{module}.{name}>` | {summary} |")
    return "\n".join(rows)


def _directive(module: str, name: str) -> str:
    value: Any = getattr(importlib.import_module(module), name)
    path = f"{module}.{name}"
    if inspect.isclass(value):
        return f".. autoclass:: {path}\n   :members:"
    if callable(value):
        return f".. autofunction:: {path}"
    if not isinstance(value, Iterable):
        return f".. py:data:: {path}\n\n   {inspect.cleandoc(value.__doc__).splitlines()[0]}"
    if isinstance(value, Mapping):
        items = [f"``{key!r}``: {text}" for key, text in value.items()]
    else:
        items = [f"``{item!r}``" for item in value]
    return "\n".join([f".. py:data:: {path}", "", *(f"   * {item}" for item in items)])


def _commands() -> str:
    """Return the reference of the command line: what the help says, and every option."""
    from typer.main import get_command

    from keras_vnn.cli import app

    blocks = ["# The command line", "What `vnn --help` and `vnn COMMAND --help` say, on one page."]
    commands = dict(get_command(app).commands)  # type: ignore[attr-defined]
    evaluate = commands.pop("evaluate")
    commands |= {f"evaluate {name}": command for name, command in evaluate.commands.items()}
    for name, command in commands.items():
        command.describe(command.make_context(name, [], resilient_parsing=True))
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        words = [p.name.upper() if p.required else f"[{p.name.upper()}]" for p in arguments]
        blocks += [
            f"## vnn {name}",
            f"`{' '.join(['vnn', name, '[OPTIONS]', *words])}`",
            inspect.cleandoc(command.help),
        ]
        rows = [(f"`{p.name.upper()}`", p.help, None) for p in arguments]
        options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
        rows += [(_spelled(p), p.help, p.rich_help_panel) for p in options]
        for panel in dict.fromkeys(panel for *_, panel in rows):
            texts = [f"| {word} | {_cell(text or '')} |" for word, text, of in rows if of == panel]
            blocks.append("\n".join([f"| {panel or 'option'} | |", "|:--|:--|", *(row for row in texts)]))
    return "\n\n".join(blocks) + "\n"


def _cell(text: str) -> str:
    plain = " ".join(text.split()).replace("|", "\\|").replace("<", "\\<")
    return re.sub(r"(?<![\w`])(--[a-z][\w-]*)", r"`\1`", plain)


def _spelled(option: Any) -> str:
    return ", ".join(f"`{name} {option.metavar}`".replace(" `", "`") for name in option.opts)


def _markdown(doc: str) -> str:
    """Return the docstring of a module as Markdown."""
    return doc.replace("``", "`")
