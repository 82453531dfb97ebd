"""``vnn compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._recipes import build_options, compare_options, recipe_of, train_options

__all__ = ["compare"]


def compare(
    recipe: Annotated[str, typer.Argument(help="A recipe with a train section (YAML file or bundled name).")],
    controls: Annotated[
        list[str] | None,
        typer.Option(help="swap, genes, expression, modules, density, input. May be given again."),
    ] = None,
    baselines: Annotated[
        list[str] | None,
        typer.Option(help="dense width, dense weights, linear, forest, constant. May be given again."),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Number of seeds: of splits, weights and controls.")] = None,
    folds: Annotated[int | None, typer.Option(help="Folds per seed; 0 for one random split per seed.")] = None,
    metric: Annotated[str | None, typer.Option(help="Score of the test cells, e.g. balanced_accuracy, r2.")] = None,
    method: Annotated[str | None, typer.Option(help="How importance is measured: knockout, gradient.")] = None,
    measure: Annotated[
        str | None, typer.Option(help="What nodes are ranked by: importance, activity_difference.")
    ] = None,
    correction: Annotated[str | None, typer.Option(help="Of importance for hubs: none, pnet, binn, reach.")] = None,
    top: Annotated[int | None, typer.Option(help="Nodes whose overlap between runs is counted.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Runs at once, as processes; -1 for one a processor.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for tables, the page and the runs.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Compare a network with random controls and with baselines, on the same splits, over several seeds.

    Writes tables (CSV, JSON) and a page, `comparison.html`. Runs are kept in the folder: the same command, given again
    after it was stopped, goes on with those that are missing.

    **Examples**

    `vnn compare kang-go -o kang-comparison --seeds 5 --jobs 2`

    `vnn compare recipe.yaml -o comparison --controls swap --controls modules --baselines linear`
    """
    given = {name: value for name, value in locals().items() if name not in ("recipe", "as_json")}
    from keras_vnn.errors import ConfigError

    known = recipe_of(recipe)
    options = compare_options(known, given)
    if known is None or known.train is None:
        raise ConfigError(f"A comparison needs a recipe with a train section; {recipe} has none.")
    if options.output is None:
        raise ConfigError("Name the folder to write into: -o comparison")
    training = train_options(known, {})

    from keras_vnn.workflow import build_architecture, compare_networks

    arch = None
    if known.build is not None and training.architecture is None:
        arch = build_architecture(build_options(known, {}), say=say)
    found = compare_networks(training, options, options.output, arch, say=say)
    if as_json:
        print_json(found.to_json())
    else:
        show(str(found))
    say(f"written       {options.output}\nnext          open {options.output / 'comparison.html'}")
