"""``vnn predict``: what a model says of cells, as a table; ``vnn map``: cells of a new batch on an autoencoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from keras_vnn.basics.errors import ConfigError
from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._inputs import Force, missing_policy, model_of, read_cells
from keras_vnn.cli._options import options_of
from keras_vnn.recipes.schema import CellsRecipe


@options_of(CellsRecipe)
def predict(
    model: Annotated[Path, typer.Argument(help="A trained model, .keras.")],
    data: Annotated[Path, typer.Argument(help="Expression of the cells: .h5ad, zarr, 10x, CSV or TSV.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Table to write, CSV.")] = Path("predictions.csv"),
    activities: Annotated[
        Path | None, typer.Option(help="Also write the activities of all nodes, cells × nodes, as .h5ad.")
    ] = None,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
    **given: Any,
) -> None:
    """Predict cells with a trained model: a row per cell.

    Of a model of classes: the class predicted, and the probability of each. Otherwise the numbers predicted, or the
    embedding.

    **Examples**

    `vnn predict model.keras other.h5ad -o predictions.csv`

    `vnn predict model.keras other.csv --missing zero --activities nodes.h5ad -o predictions.csv`
    """
    from keras_vnn.basics.csv_tables import write_table
    from keras_vnn.basics.files import check_target, replacing

    check_target(output, overwrite=force, endings=(".csv",))
    if activities is not None:
        check_target(activities, overwrite=force, endings=(".h5ad",))
    missing = missing_policy(given)
    network = model_of(model, computes=True)
    from keras_vnn.data import Classes
    from keras_vnn.inspection import node_activities
    from keras_vnn.inspection import predict as predicted
    from keras_vnn.models import view

    values, _ = read_cells(network, data, None, given)
    table = predicted(network, values, missing=missing)
    if isinstance(view(network).outputs, Classes):
        table.insert(0, "predicted", table.idxmax(axis=1))
    table.index.name = "cell"
    write_table(table, output, overwrite=force)
    if activities is not None:
        with replacing(activities, overwrite=force) as partial:
            node_activities(network, values, missing=missing).write_h5ad(partial)
    written = [str(path) for path in (output, activities) if path is not None]
    if as_json:
        print_json({"written": written, "cells": len(table)})
    else:
        say(f"written       {' and '.join(written)}: {len(table):,} cells")


@options_of(CellsRecipe)
def map_data(
    model: Annotated[Path, typer.Argument(help="An autoencoder trained with a covariate, .keras.")],
    data: Annotated[Path, typer.Argument(help="Expression of the new cells: .h5ad, zarr, 10x, CSV or TSV.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write the model.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the new cells, at most.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Learning rate at the start.")] = None,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
    **given: Any,
) -> None:
    """Map a new data set onto a trained autoencoder: only what it knows of batches grows.

    The new cells need the columns that were covariates of the training, with new values. All other weights stay as they
    are, to the last bit, so that activities of old and new cells can be compared.

    **Examples**

    `vnn train sets.vnn first.h5ad --label type --objective autoencoder --preset expimap --covariate batch -o ref.keras`

    `vnn map ref.keras second.h5ad -o both.keras`
    """
    if output is None:
        raise ConfigError("Name the file to write: -o mapped.keras")
    from keras_vnn.basics.files import check_target

    check_target(output, overwrite=force)
    network = model_of(model, computes=True)
    from keras_vnn.models import save_model
    from keras_vnn.training import map_data as mapped

    values, _ = read_cells(network, data, None, given)
    changes: Any = {"epochs": epochs, "learning_rate": learning_rate}
    result = mapped(network, values, missing=missing_policy(given), say=say, **changes)
    save_model(result.model, output, overwrite=force)
    if as_json:
        test = None if result.metrics is None else result.metrics.to_json()
        print_json({"epochs": len(result.history), "test": test})
    else:
        show(f"trained {len(result.history)} epochs")
        if result.metrics is not None:
            show(f"test: {result.metrics}")
    say(f"written       {output}")
