"""``vnn compare``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._options import options_of
from keras_vnn.cli._recipes import build_options, compare_options, recipe_of, train_options
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
    from keras_vnn.basics.errors import ConfigError
    from keras_vnn.basics.files import alone_at, made_folder

    known = recipe_of(recipe)
    options = compare_options(known, given)
    if known is None or known.train is None:
        raise ConfigError(f"A comparison needs a recipe with a train section; {recipe} has none.")
    if options.output is None:
        raise ConfigError("Name the folder to write into: -o comparison")
    training = train_options(known, {})

    from keras_vnn.experiments.comparison import compare_networks
    from keras_vnn.recipes.run import build_architecture

    arch = None
    with alone_at(made_folder(options.output)):
        if known.build is not None and training.architecture is None:
            arch = build_architecture(build_options(known, {}))
        found = compare_networks(training, options, options.output, arch)
    if as_json:
        print_json(found.to_json())
    else:
        show(str(found))
    say(f"written       {options.output}\nnext          open {options.output / 'comparison.html'}")
