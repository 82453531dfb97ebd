"""``vnn build``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from keras_vnn.basics.errors import ConfigError
from keras_vnn.basics.files import check_target
from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._inputs import Force, recipe_of, section_of
from keras_vnn.cli._options import options_of
from keras_vnn.recipes.schema import BuildRecipe

__all__ = ["build"]


@options_of(BuildRecipe)
def build(
    recipe: Annotated[
        str | None, typer.Argument(help="A recipe (YAML file or bundled name); options below override it.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be built, write nothing.")] = False,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    **given: Any,
) -> None:
    """Turn genes and prior knowledge into an architecture: layers of named nodes.

    **Examples**

    `vnn build --genes cells.h5ad --interactions ppi.tsv --regulation trrust.tsv -o lin.vnn`

    `vnn build --genes genes.txt --interactions 9606.protein.links.txt.gz --min-score 700 --dry-run`

    `vnn build --genes cells.h5ad --ontology go-basic.obo.gz --annotations goa_human.gaf.gz -o go.vnn`

    `vnn build --genes cells.h5ad --interactions 9606.protein.links.txt.gz --id-map 9606.protein.info.txt.gz -o lin.vnn`

    `vnn build configs/lin2017-ppi-tf.yaml --grouping clique -o cliques.vnn`
    """
    options = section_of(BuildRecipe, None if recipe is None else recipe_of(recipe).build, given)

    from keras_vnn.recipes.run import build_architecture

    if options.output is None and not dry_run:
        raise ConfigError("Name the file to write, -o lin.vnn, or look first with --dry-run.")
    if not dry_run and options.output is not None:
        check_target(options.output, overwrite=force)
    arch = build_architecture(options)
    if as_json:
        print_json({**arch.summary().to_json(), "output": None if dry_run else str(options.output)})
    else:
        show(str(arch.summary()))
    if dry_run or options.output is None:
        say("dry run: nothing was written")
        return
    arch.save(options.output, overwrite=force)
    say(f"written       {options.output}")
