"""``vnn map``: cells of a new batch on a trained autoencoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from keras_vnn.basics.errors import ConfigError, counted
from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._inputs import Force, missing_policy, model_of, read_cells
from keras_vnn.cli._options import options_of
from keras_vnn.recipes.schema import CellsRecipe


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
        show(f"trained {counted(len(result.history), 'epoch')}")
        if result.metrics is not None:
            show(f"test: {result.metrics}")
    say(f"written       {output}")
