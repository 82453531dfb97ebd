"""The pages of the documentation that are written by a program: one of the API for each part of the package.

In: the stub of `keras_vnn`, which lists the public names by part. Out: Markdown in ``docs/api``, which is not kept
under version control.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_vnn

__all__ = ["parts", "write"]

TITLES = {
    "architecture": "Architectures",
    "basics.bundled": "Bundled data and recipes",
    "experiments.comparison": "Comparing with controls",
    "experiments.controls": "Controls",
    "experiments.evaluation": "Evaluating embeddings",
    "options": "Options",
    "priors.identifiers": "Identifiers",
    "priors.kinds": "Kinds of names",
    "recipes.checking": "Checking files",
    "basics.csv_tables": "Tables",
    "data": "Expression, labels, splits",
    "readers.downloads": "Downloads",
    "basics.errors": "Errors",
    "export": "Export",
    "export.figures": "Figures",
    "priors.genes": "Gene lists",
    "inspection": "Looking into a model",
    "layers": "The layer",
    "models": "Models",
    "priors": "Priors",
    "basics.provenance": "Provenance",
    "readers": "Reading files",
    "export.report": "The report",
    "training": "Training",
    "experiments.tuning": "Searching hyper-parameters",
    "architecture.wiring": "Wiring",
}
# In the order of work; a part that is not named here comes after these.
ORDER = (
    *(
        "readers.downloads",
        "readers",
        "priors.kinds",
        "priors.genes",
        "priors.identifiers",
        "priors",
        "architecture.wiring",
        "architecture",
        "models",
        "layers",
        "data",
        "training",
        "experiments.tuning",
    ),
    *(
        "inspection",
        "experiments.comparison",
        "experiments.controls",
        "export.report",
        "export.figures",
        "export",
        "basics.csv_tables",
        "basics.bundled",
        "basics.provenance",
        "basics.errors",
    ),
)


def parts() -> dict[str, tuple[str, ...]]:
    """Return the public names by part, in the order of their pages."""
    stub = ast.parse(Path(keras_vnn.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    by_part: dict[str, tuple[str, ...]] = {}
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            if (node.module, names) == ("export", ("figures",)):
                by_part["export.figures"] = tuple(keras_vnn.figures.__all__)
            else:
                by_part[str(node.module)] = (*by_part.get(str(node.module), ()), *names)
    known = [part for part in ORDER if part in by_part]
    return {part: by_part[part] for part in [*known, *sorted(set(by_part) - set(known))]}


def write(docs: Path) -> None:
    """Write the pages into ``docs/api``; pages of parts that are gone are removed."""
    folder = docs / "api"
    folder.mkdir(exist_ok=True)
    pages = {"index.md": _index(parts())}
    for part, names in parts().items():
        pages[f"{part}.md"] = _page(part, names)
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _index(by_part: dict[str, tuple[str, ...]]) -> str:
    rows = ["| part | names |", "|:--|:--|"]
    for part, names in by_part.items():
        listed = ", ".join(f"{{py:obj}}`{name} <{_path(part, name)}>`" for name in names)
        rows.append(f"| [{_title(part)}]({part}.md) | {listed} |")
    listing = "\n".join(by_part)
    return (
        "# API\n\n"
        "Every public name is imported from `keras_vnn`, on first use: `import keras_vnn as vnn`, then "
        "`vnn.read_genes(…)`. The names of `keras_vnn.export.figures` stand behind the name of that part.\n\n"
        + "\n".join(rows)
        + f"\n\n```{{toctree}}\n:hidden:\n\n{listing}\n```\n"
    )


def _page(part: str, names: tuple[str, ...]) -> str:
    doc = inspect.getdoc(importlib.import_module(f"keras_vnn.{part}")) or ""
    blocks = [f"# {_title(part)}", "```{py:currentmodule} keras_vnn\n```", _markdown(doc.split("\n\n")[0])]
    for name in names:
        blocks.append(f"## {name}")
        blocks.append(f"```{{eval-rst}}\n{_directive(part, name)}\n```")
    return "\n\n".join(blocks) + "\n"


def _directive(part: str, name: str) -> str:
    value: Any = getattr(importlib.import_module(f"keras_vnn.{part}"), name)
    path = _path(part, name)
    if inspect.isclass(value):
        return f".. autoclass:: {path}\n   :members:"
    if callable(value):
        return f".. autofunction:: {path}"
    if isinstance(value, Mapping):
        items = [f"``{key!r}``: {text}" for key, text in value.items()]
    else:
        items = [f"``{item!r}``" for item in value]
    return "\n".join([f".. py:data:: {path}", "", *(f"   * {item}" for item in items)])


def _path(part: str, name: str) -> str:
    return f"keras_vnn.figures.{name}" if part == "export.figures" else f"keras_vnn.{name}"


def _title(part: str) -> str:
    return TITLES.get(part, part.replace("_", " ").capitalize())


def _markdown(text: str) -> str:
    """Return the first paragraph of a docstring as Markdown."""
    return text.replace("``", "`")
