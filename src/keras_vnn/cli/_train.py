"""``vnn train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keras_vnn.basics.errors import ConfigError
from keras_vnn.basics.files import check_target
from keras_vnn.basics.runs import alone_at
from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._inputs import Force, is_recipe, recipe_of, training_recipe
from keras_vnn.cli._options import options_of
from keras_vnn.recipes.schema import TrainRecipe

if TYPE_CHECKING:
    import pandas as pd

    from keras_vnn.training import TrainingResult

__all__ = ["train"]


@options_of(TrainRecipe, leave_out=("architecture", "data"))
def train(
    architecture: Annotated[str, typer.Argument(help="A saved architecture, or a recipe (YAML file or bundled name).")],
    data: Annotated[Path | None, typer.Argument(help="Expression: .h5ad, zarr, CSV or TSV.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start from scratch, even if an unfinished training could be resumed.")
    ] = False,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
    **given: Any,
) -> None:
    """Train a model on labelled cells and score it on held-out ones.

    **Examples**

    `vnn train lin.vnn cells.h5ad --label cell_type -o model.keras`

    `vnn train lin.vnn counts.csv.gz --cells cells.csv --label condition --normalization log1p-cpm -o model.keras`

    `vnn train configs/lin2017-ppi-tf.yaml --epochs 20 -o model.keras`

    `vnn train lin.vnn cells.h5ad --label cell_type --objective triplet -o embedding.keras`

    `vnn train sets.vnn cells.h5ad --label condition --objective autoencoder --preset vega -o autoencoder.keras`

    A training that was stopped is resumed when the same command is repeated: its state is kept next to the
    model, in a file that ends in `.unfinished`, until the model is written.
    """
    recipe = recipe_of(architecture) if is_recipe(architecture) else None
    task = training_recipe(recipe, given | {"data": data} | ({} if recipe else {"architecture": architecture}))
    options = task.train
    options.check()

    from keras_vnn.recipes.run import network_of, train_model

    if options.output is None:
        raise ConfigError("Name the file to write: -o model.keras")
    if options.output.suffix != ".keras":
        raise ConfigError(f"The file name of a model must end in .keras, got {options.output.name!r}.")
    check_target(options.output, overwrite=force)
    unfinished = options.output.with_name(f"{options.output.name}.unfinished")
    check_target(unfinished, overwrite=True)
    with alone_at(options.output):
        if fresh:
            unfinished.unlink(missing_ok=True)
        result = train_model(options, network_of(task), progress=True, checkpoint=unfinished)
        from keras_vnn.models import save_model

        save_model(result.model, options.output, overwrite=force)
        unfinished.unlink(missing_ok=True)
    _report(result, as_json=as_json, is_embedding=options.objective != "prediction")
    further = "inspect" if options.objective == "prediction" else "evaluate clustering"
    arguments = "" if options.objective == "prediction" else " DATA --label COLUMN"
    say(f"written       {options.output}\nnext          vnn {further} {options.output}{arguments}")


def _report(result: TrainingResult, *, as_json: bool, is_embedding: bool) -> None:
    from keras_vnn.data import ClassificationMetrics

    metrics = result.metrics
    if as_json:
        print_json(
            {
                "epochs": len(result.history),
                "test": None if metrics is None else metrics.to_json(),
                "history": {name: [float(v) for v in result.history[name]] for name in result.history},
            }
        )
        return
    show(f"trained {len(result.history)} epochs")
    if is_embedding:
        show(f"embedding: {_embedding_width(result):,} dimensions")
    if is_embedding and metrics is None:
        return
    if metrics is None:
        show("no test cells were held out")
        return
    show(f"test: {metrics}")
    if isinstance(metrics, ClassificationMetrics):
        show(f"\n{metrics.per_class.round(3).to_string()}\n\nconfusion (rows: true, columns: predicted)")
        show(_numbered(metrics.confusion).to_string())


def _embedding_width(result: TrainingResult) -> int:
    from keras_vnn.models import view

    latent = view(result.model).latent_layer
    return int((result.model if latent is None else latent).output.shape[-1])


def _numbered(confusion: pd.DataFrame) -> pd.DataFrame:
    """Return the table with numbers for columns, so that long class names fit a terminal."""
    names = [str(name) for name in confusion.index]
    rows = [f"{number} {name}" for number, name in enumerate(names, start=1)]
    return confusion.set_axis(rows, axis=0).set_axis(range(1, len(names) + 1), axis=1)
