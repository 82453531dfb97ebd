"""``vnn evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keras_vnn.basics.quiet import import_keras
from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._inputs import CellTable, Command, LayerName

if TYPE_CHECKING:
    import anndata

__all__ = ["evaluate"]

evaluate = typer.Typer(
    no_args_is_help=True, help="Score the embedding of a model, its last hidden layer, as Lin et al. do."
)

Model = Annotated[Path, typer.Argument(help="A trained model, a .keras file.")]
Data = Annotated[Path, typer.Argument(help="Expression of cells the model has not seen: .h5ad, CSV or TSV.")]
Label = Annotated[str, typer.Option(help="Column with the cell types.")]
Missing = Annotated[str, typer.Option(help="How to treat genes missing from the data: raise, zero, mean.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")]


@evaluate.command("clustering", cls=Command)
def clustering(
    model: Model,
    data: Data,
    label: Label,
    cells: CellTable = None,
    layer: LayerName = "X",
    missing: Missing = "raise",
    seed: Annotated[int, typer.Option(help="Random seed of k-means.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Cluster cells by k-means, as many clusters as types, and compare clusters with types.

    **Example**

    `vnn evaluate clustering model.keras unseen.h5ad --label cell_type`
    """
    embedded = _embedded(model, data, cells, layer, missing)
    from keras_vnn.data import labels_of
    from keras_vnn.experiments.evaluation import clustering_scores

    scores = clustering_scores(embedded, labels_of(embedded, label).names, seed=seed)
    _report(scores, as_json)


@evaluate.command("retrieval", cls=Command)
def retrieval(
    model: Model,
    data: Data,
    label: Label,
    batch: Annotated[
        str | None, typer.Option(help="Column with the batch: cells are looked up in other batches only.")
    ] = None,
    top: Annotated[int, typer.Option(help="Number of nearest neighbours.")] = 100,
    cells: CellTable = None,
    layer: LayerName = "X",
    missing: Missing = "raise",
    as_json: AsJson = False,
) -> None:
    """Let each cell search the nearest of other data sets, and score them by type (mean average precision).

    **Example**

    `vnn evaluate retrieval model.keras cells.h5ad --label cell_type --batch study`
    """
    embedded = _embedded(model, data, cells, layer, missing)
    from keras_vnn.data import labels_of
    from keras_vnn.experiments.evaluation import retrieval_scores

    batches = None if batch is None else labels_of(embedded, batch).names
    _report(retrieval_scores(embedded, labels_of(embedded, label).names, batches=batches, top=top), as_json)


def _embedded(model: Path, data: Path, cells: Path | None, layer: str, missing: str) -> anndata.AnnData:
    from keras_vnn.data import read_expression

    import_keras()
    from keras_vnn.inspection import embed
    from keras_vnn.models import load_model, view

    network = load_model(model)
    found = read_expression(data, genes=view(network).architecture.genes, layer=layer, cells=cells)
    for note in ("read", "cells"):
        if note in found.uns["keras_vnn"]:
            say(f"data          {found.uns['keras_vnn'][note]}")
    return embed(network, found, missing=missing)


def _report(scores: Any, as_json: bool) -> None:
    if as_json:
        print_json(scores.to_json())
        return
    show(str(scores))
    if hasattr(scores, "by_type"):
        show(f"\n{scores.by_type.round(3).to_string()}")
