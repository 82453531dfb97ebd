"""``vnn tune``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from keras_vnn.basics.errors import ConfigError
from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._inputs import recipe_of, section_of, take_inputs
from keras_vnn.cli._options import options_of
from keras_vnn.recipes.schema import TuneRecipe

__all__ = ["tune"]


@options_of(TuneRecipe, leave_out=("space",))
def tune(
    recipe: Annotated[
        str, typer.Argument(help="A recipe with a train and a tune section (YAML file or bundled name).")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    **given: Any,
) -> None:
    """Search hyper-parameters: try values for fields of a recipe, and keep those that do best on the validation cells.

    The search space is part of the recipe, a text file such as this:

        build:
          genes: cells.h5ad
          interactions: ppi.tsv
          regulation: tf.tsv
        train:
          data: cells.h5ad
          label: cell_type
        tune:
          space:
            learning_rate: {low: 0.0001, high: 0.01, log: true}
            dropout: [0, 0.2, 0.5]
            build.min_genes: {low: 5, high: 50, step: 5}

    Test cells have no part in the search: the best recipe is trained once more when it is over, and scored on them.
    The same command, repeated after it was stopped, resumes where it was. Needs Optuna: `pip install
    'keras-vnn[tune]'`.

    **Examples**

    `vnn tune kang-ppi-tf --trials 5 -o tuned`

    `vnn tune recipe.yaml --trials 30 -o tuned`

    `vnn train tuned/best.yaml -o model.keras`
    """
    known = recipe_of(recipe).for_training("A search", recipe)
    options = section_of(TuneRecipe, known.tune, given)
    if options.output is None:
        raise ConfigError("Name the folder to write into: -o tuned")
    for section in (known.build, known.train):
        take_inputs({} if section is None else dict(section))

    from keras_vnn.experiments.tuning import tune as search

    try:
        found = search(known.model_copy(update={"tune": options}), options.output, progress=True)
    except KeyboardInterrupt:
        say(f"the trials so far are kept in {options.output}; the same command resumes from them")
        raise
    if as_json:
        print_json(found.to_json())
    else:
        show(str(found))
    say(f"written       {options.output}: trials.csv, best.yaml, best.keras")
    say(f"next          vnn inspect {options.output / 'best.keras'}")
