"""``vnn build``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from keras_vnn.cli._console import print_json, say
from keras_vnn.cli._recipes import build_options, recipe_of

__all__ = ["build"]


def build(
    recipe: Annotated[
        str | None, typer.Argument(help="A recipe (YAML file or bundled name); options below replace what it says.")
    ] = None,
    genes: Annotated[Path | None, typer.Option(help="Gene list, or expression data whose genes are taken.")] = None,
    gene_column: Annotated[str | None, typer.Option(help="Column of the gene names, by name or number from 1.")] = None,
    duplicates: Annotated[str | None, typer.Option(help="Repeated gene names: raise, first.")] = None,
    interactions: Annotated[
        list[Path] | None, typer.Option(help="Protein interactions: TSV, CSV, SIF, STRING links. May be given again.")
    ] = None,
    interactions_format: Annotated[str | None, typer.Option(help="Format, if it is not recognised.")] = None,
    min_score: Annotated[float | None, typer.Option(help="Leave out interactions with a lower score.")] = None,
    regulation: Annotated[
        list[Path] | None,
        typer.Option(help="Regulators and targets: TRRUST, source/target tables. May be given again."),
    ] = None,
    regulation_format: Annotated[str | None, typer.Option(help="Format, if it is not recognised.")] = None,
    grouping: Annotated[str | None, typer.Option(help="A node per: edge, neighbourhood, clique, community.")] = None,
    min_genes: Annotated[int | None, typer.Option(help="Leave out groups with fewer genes of the list.")] = None,
    max_genes: Annotated[int | None, typer.Option(help="Leave out groups with more genes of the list.")] = None,
    min_targets: Annotated[int | None, typer.Option(help="Leave out regulators with fewer genes of the list.")] = None,
    max_targets: Annotated[int | None, typer.Option(help="Leave out regulators with more genes of the list.")] = None,
    include_regulator: Annotated[
        bool | None,
        typer.Option("--include-regulator/--exclude-regulator", help="A regulator's own gene joins its targets."),
    ] = None,
    dense_units: Annotated[int | None, typer.Option(help="Fully connected units beside the nodes.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the search for communities.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write the architecture.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be built, write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Turn genes and prior knowledge into an architecture: layers of named nodes.

    **Examples**

    `vnn build --genes cells.h5ad --interactions ppi.tsv --regulation trrust.tsv -o lin.vnn`

    `vnn build --genes genes.txt --interactions 9606.protein.links.txt.gz --min-score 700 --dry-run`

    `vnn build configs/lin2017-ppi-tf.yaml --grouping clique -o cliques.vnn`
    """
    given = {name: value for name, value in locals().items() if name not in ("recipe", "dry_run", "force", "as_json")}
    options = build_options(recipe_of(recipe), given)

    from keras_vnn.errors import ConfigError
    from keras_vnn.workflow import build_architecture, check_output

    if options.output is None and not dry_run:
        raise ConfigError("Name the file to write, -o lin.vnn, or look first with --dry-run.")
    if not dry_run:
        check_output(options.output, force=force)
    arch = build_architecture(options, say=say)
    if as_json:
        print_json({**arch.summary().to_json(), "output": None if dry_run else str(options.output)})
    else:
        typer.echo(str(arch.summary()))
    if dry_run or options.output is None:
        say("dry run: nothing was written")
        return
    arch.save(options.output, overwrite=force)
    say(f"written       {options.output}")
