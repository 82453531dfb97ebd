"""``vnn check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from keras_vnn.cli._console import print_json, say, show

__all__ = ["check"]


def check(
    files: Annotated[list[Path], typer.Argument(help="Files that are to become a network.")],
    genes: Annotated[
        Path | None,
        typer.Option(help="Gene list or expression data to compare names with; by default one of the files."),
    ] = None,
    id_map: Annotated[Path | None, typer.Option(help="Table of identifiers to translate names with.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what files are, which names they use, what would be left out, and how to go on.

    **Examples**

    `vnn check string.links.txt.gz`

    `vnn check cells.h5ad go-basic.obo.gz goa_human.gaf.gz` – and the command line that builds a network of them

    `vnn check ppi.tsv --genes cells.h5ad --id-map hgnc_complete_set.txt`
    """
    from keras_vnn.readers import read_genes, read_identifier_map
    from keras_vnn.recipes.checking import check_files, suggested_command

    names = None if genes is None else read_genes(genes, duplicates="first").ids
    table = None if id_map is None else read_identifier_map(id_map)
    reports = check_files(files, genes=names, table=table)
    command = suggested_command(reports, genes=genes, id_map=id_map)
    if as_json:
        print_json({"files": [report.to_json() for report in reports], "command": command})
    else:
        show("\n\n".join(str(report) for report in reports))
        if command:
            say(f"\nBuild it: {command}")
    if any(report.error for report in reports):
        raise typer.Exit(1)
