"""Makes the tutorials: runs the Markdown sources in docs/tutorials and writes notebooks with their outputs beside them.

    python tools/notebooks.py            # all of them
    python tools/notebooks.py --text     # only the text has changed: keep the outputs
    python tools/notebooks.py --check    # do the notebooks hold the code of their sources? Runs nothing

What a tutorial writes goes into a folder that is removed. What differs from run to run without meaning anything (times,
ids of cells) is not kept.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "docs" / "tutorials"


def main() -> None:
    """Make or check the notebooks."""
    parser = argparse.ArgumentParser(description="Make the notebooks of the tutorials.")
    parser.add_argument("--check", action="store_true", help="only compare the code with that of the sources")
    parser.add_argument("--text", action="store_true", help="take the text anew and keep the outputs")
    parser.add_argument("names", nargs="*", help="tutorials; all of them by default")
    given = parser.parse_args()
    sources = [path for path in sorted(FOLDER.glob("*.md")) if not given.names or path.stem in given.names]
    for source in sources:
        notebook = source.with_suffix(".ipynb")
        if given.check:
            if not notebook.exists() or cells_of(read(notebook)) != cells_of(converted(source)):
                sys.exit(f"{notebook.name} does not hold what {source.name} says; make it again: make notebooks")
        elif given.text:
            write(with_outputs(converted(source), read(notebook)), notebook)
        else:
            write(executed(converted(source)), notebook)
            print(f"{notebook}  {notebook.stat().st_size:,} bytes")


def converted(source: Path) -> Any:
    """Return a source as a notebook without outputs."""
    import jupytext

    return jupytext.reads(source.read_text(encoding="utf-8"), fmt="md")


def executed(notebook: Any) -> Any:
    """Return the notebook with the outputs of a run in a folder of its own."""
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(
            notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": folder}}
        ).execute()
    return notebook


def with_outputs(notebook: Any, old: Any) -> Any:
    """Return a notebook with the outputs of an old one, whose code must be the same."""
    code, run = ([cell for cell in one.cells if cell.cell_type == "code"] for one in (notebook, old))
    if [cell.source.strip() for cell in code] != [cell.source.strip() for cell in run]:
        sys.exit("The code has changed: run it, make notebooks")
    for cell, known in zip(code, run, strict=True):
        cell.outputs, cell.execution_count = known.outputs, known.execution_count
    return notebook


def read(path: Path) -> Any:
    """Return a notebook from its file."""
    import nbformat

    return nbformat.read(path, as_version=4)


def cells_of(notebook: Any) -> list[tuple[str, str]]:
    """Return kind and text of each cell."""
    return [(cell.cell_type, cell.source.strip()) for cell in notebook.cells]


def is_progress(output: Any) -> bool:
    """Say whether an output is the line that moves while one waits, such as ``training: 15 of 15``."""
    text = output.get("data", {}).get("text/plain", "")
    return output.output_type == "display_data" and bool(re.fullmatch(r"[\w ,]+: [\d,]+ of [\d,]+\s*", text))


def write(notebook: Any, path: Path) -> None:
    """Write a notebook without what changes from run to run, and without what programs say on standard error."""
    import nbformat

    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [kept for kept in cell.outputs if kept.get("name") != "stderr" and not is_progress(kept)]
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
