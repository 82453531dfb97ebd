"""``vnn export``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from keras_vnn.basics.quiet import import_keras
from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._inputs import Force, SameArchitecture

__all__ = ["export"]


def export(
    source: Annotated[Path, typer.Argument(help="A trained model (.keras) or a saved architecture.")],
    format: Annotated[
        str | None,
        typer.Option(
            help="text, markdown, card, json, csv, graphml, cx2, dot, jgf, edges, h5ad, png, svg, pdf; else by the "
            "name of the output."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write (a folder for csv); text goes to the terminal without it."),
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

    `vnn export model.keras -o model.card.md` – a model card

    `vnn export lin.vnn -o layers.svg`
    """
    from keras_vnn.export import export_summary

    written = export_summary(_loaded(source, architecture), format, path=output, overwrite=force)
    if as_json:
        print_json({"written": str(written)} if output is not None else {"text": written})
    elif isinstance(written, str):
        # For other programs the text stays as it is.
        (show if sys.stdout.isatty() else typer.echo)(written)
    else:
        say(f"written       {written}")


def _loaded(source: Path, architecture: Path | None) -> Any:
    from keras_vnn.architecture import load_architecture
    from keras_vnn.basics.files import existing_file

    found = existing_file(source, "model or architecture")
    if found.suffix != ".keras":
        return load_architecture(found)
    expected = None if architecture is None else load_architecture(architecture)
    import_keras()
    from keras_vnn.models import load_model

    return load_model(found, architecture=expected)
