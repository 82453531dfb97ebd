"""``vnn export`` and ``vnn report``: files for other programs, and a page to explore."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from keras_vnn.basics.errors import ConfigError
from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._inputs import ClassName, Force, MaybeLabel, SameArchitecture, missing_policy, model_of, read_cells
from keras_vnn.cli._options import export_formats, options_of
from keras_vnn.recipes.schema import CellsRecipe


def export(
    source: Annotated[Path, typer.Argument(help="A trained model (.keras) or a saved architecture.")],
    format: Annotated[
        str | None,
        typer.Option(
            help="text, markdown, card, json, csv, graphml, cx2, dot, jgf, edges, h5ad, png, svg, pdf, recipe; else by "
            "the name of the output.",
            autocompletion=export_formats,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write (a folder for csv); text goes to the terminal without it."),
    ] = None,
    class_: ClassName = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Only so many nodes, those with most evidence, those they stand under, and of each its ten strongest "
            "genes; with --class, for that class.",
        ),
    ] = None,
    architecture: SameArchitecture = None,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write what a model or an architecture holds, by the names of its nodes, for other programs.

    **Examples**

    `vnn export model.keras --format graphml -o model.graphml` – for Cytoscape, networkx

    `vnn export model.keras --format csv -o tables` – nodes, edges with weights, genes

    `vnn export model.keras -o model.cx2` – for Cytoscape and NDEx, with places and colours

    `vnn export model.keras -o monocytes.cx2 --top 30 --class "CD14+ Monocyte"` – what tells one class apart

    `vnn export model.keras -o model.card.md` – a model card

    `vnn export lin.vnn -o layers.svg`

    `vnn export model.keras -o recipe.yaml` – how it was trained, for vnn train, compare and tune
    """
    from keras_vnn.export import export_summary

    if format == "recipe" or (format is None and output is not None and output.suffix in (".yaml", ".yml")):
        _recipe(source, output, force=force, as_json=as_json)
        return
    found = _loaded(source, architecture, computes=False)
    written = export_summary(found, format, path=output, ranking=_of_class(found, class_), top=top, overwrite=force)
    if as_json:
        print_json({"written": str(written)} if output is not None else {"text": written})
    elif isinstance(written, str):
        # For other programs the text stays as it is.
        (show if sys.stdout.isatty() else typer.echo)(written)
    else:
        say(f"written       {written}")


def _recipe(source: Path, output: Path | None, *, force: bool, as_json: bool) -> None:
    """Write how a model was trained, as a recipe next to it."""
    from keras_vnn.basics.files import check_target, existing_file, replacing
    from keras_vnn.recipes.read import recipe_text
    from keras_vnn.recipes.run import recipe_of_model

    model = existing_file(source, "model file")
    target = None if output is None else check_target(output, overwrite=force)
    folder = Path.cwd() if target is None else target.absolute().parent
    text = recipe_text(
        recipe_of_model(model, folder / "cells.h5ad"),
        folder,
        note=f"How {model.name} was trained. A model does not keep where its data were: name them at data and cells.",
    )
    if target is not None:
        with replacing(target, overwrite=force) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")
    if as_json:
        print_json({"written": str(target)} if target else {"text": text})
    elif target is None:
        show(text)
    else:
        say(f"written       {target}\nnext          name your data in it, then vnn compare {target} -o comparison")


def _of_class(source: Any, class_: str | None) -> Any:
    """Return what a model remembers of its nodes for one class, if one is named."""
    if class_ is None:
        return None
    from keras_vnn.architecture import Architecture

    if isinstance(source, Architecture):
        raise ConfigError(f"An architecture knows no classes, so none called {class_!r}.\nExport a trained model.")
    from keras_vnn.inspection import ranked_nodes

    return ranked_nodes(source, class_=class_)


def _loaded(source: Path, architecture: Path | None = None, *, computes: bool) -> Any:
    from keras_vnn.architecture import load_architecture
    from keras_vnn.basics.files import existing_file

    found = existing_file(source, "model or architecture")
    if found.suffix != ".keras":
        return load_architecture(found)
    return model_of(found, architecture, computes=computes)


@options_of(CellsRecipe)
def report(
    source: Annotated[Path, typer.Argument(help="A trained model (.keras) or a saved architecture.")],
    data: Annotated[
        Path | None,
        typer.Argument(help="Expression data to use instead of the statistics stored with the model."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("report.html"),
    comparison: Annotated[Path | None, typer.Option(help="Folder written by `vnn compare`, to include.")] = None,
    search: Annotated[Path | None, typer.Option(help="Folder written by `vnn tune`, to include.")] = None,
    title: Annotated[str | None, typer.Option(help="Title of the page; by default the name of the file.")] = None,
    class_: ClassName = None,
    label: MaybeLabel = None,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
    **given: Any,
) -> None:
    """Write one HTML file about a network: what it was built from, what it found, every node to explore.

    The file opens in any browser, offline, on a phone; it loads nothing and can be sent to colleagues as it is.

    **Examples**

    `vnn report model.keras -o report.html`

    `vnn report model.keras other.h5ad --label cell_type -o other.html`

    `vnn report model.keras --comparison kang-comparison -o report.html`
    """
    from keras_vnn.basics.files import check_target
    from keras_vnn.export.report import write_report

    check_target(output, overwrite=force)
    network = _loaded(source, computes=data is not None)
    values, labels = data, None
    if data is not None and source.suffix == ".keras":
        values, labels = read_cells(network, data, label, given)
    written = write_report(
        network,
        output,
        values,
        labels,
        title=title or source.stem,
        class_=class_,
        comparison=comparison,
        search=search,
        overwrite=force,
        missing=missing_policy(given),
    )
    size = written.stat().st_size
    if as_json:
        print_json({"written": str(written), "bytes": size})
    else:
        say(f"written       {written} ({size / 1e6:.1f} MB)\nnext          open {written} in a browser")
