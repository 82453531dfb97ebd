"""``vnn compare``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from keras_vnn.basics.errors import ConfigError
from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._inputs import recipe_of, section_of, training_recipe
from keras_vnn.cli._options import options_of
from keras_vnn.recipes.schema import CompareRecipe

__all__ = ["compare"]


@options_of(CompareRecipe)
def compare(
    recipe: Annotated[str, typer.Argument(help="A recipe with a train section (YAML file or bundled name).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    **given: Any,
) -> None:
    """Compare a network with random controls and with baselines, on the same splits, over several seeds.

    Writes tables (CSV, JSON) and a page, `comparison.html`. Runs are kept in the folder: the same command, repeated
    after it was stopped, resumes with those that are missing.

    **Examples**

    `vnn compare kang-go -o kang-comparison --seeds 5 --jobs 2`

    `vnn compare recipe.yaml -o comparison --controls swap --controls modules --baselines linear`
    """
    known = recipe_of(recipe).for_training("A comparison", recipe)
    options = section_of(CompareRecipe, known.compare, given)
    if options.output is None:
        raise ConfigError("Name the folder to write into: -o comparison")
    task = training_recipe(known, {})

    from keras_vnn.experiments.comparison import compare_networks

    found = compare_networks(task, options, options.output)
    if as_json:
        print_json(found.to_json())
    else:
        show(str(found))
    say(f"written       {options.output}\nnext          open {options.output / 'comparison.html'}")
