"""``vnn inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from keras_vnn.basics.quiet import import_keras
from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._inputs import CellTable, LayerName, MaybeLabel, SameArchitecture, read_cells

__all__ = ["inspect"]


def inspect(
    model: Annotated[Path, typer.Argument(help="A trained model, .keras.")],
    node: Annotated[
        str | None,
        typer.Argument(help="A node or gene: id, label, or a unique part of one. Without it, nodes are ranked."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Expression data to use instead of the statistics stored with the model."),
    ] = None,
    cells: CellTable = None,
    label: MaybeLabel = None,
    layer: LayerName = "X",
    method: Annotated[str | None, typer.Option(help="How importance is measured: knockout, gradient.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows to show.")] = 20,
    architecture: SameArchitecture = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what named nodes do in a trained model, or rank them.

    **Examples**

    `vnn inspect model.keras` – the most important nodes

    `vnn inspect model.keras TF:STAT1` – one node: its inputs with weights, what it feeds, activity per class

    `vnn inspect model.keras STAT1 --data other.h5ad --label cell_type`
    """
    from keras_vnn.architecture import load_architecture
    from keras_vnn.basics.files import existing_file

    existing_file(model, "model file")
    expected = None if architecture is None else load_architecture(architecture)
    import_keras()
    from keras_vnn.inspection import inspect_node, rank_nodes
    from keras_vnn.models import load_model

    network = load_model(model, architecture=expected)
    values, labels = (None, None) if data is None else read_cells(network, data, cells, label, layer)
    if node is not None:
        page = inspect_node(network, node, values, labels, top=top, method=method)
        if as_json:
            print_json(page.to_json())
        else:
            show(str(page))
        return
    ranking = rank_nodes(network, values, labels, method=method)
    shown = ranking.head(top)
    if as_json:
        print_json(shown.reset_index().to_dict(orient="records"))
        return
    columns = [name for name in shown.columns if not name.startswith("effect_") and name != "activity_difference"]
    show(shown[columns].round(4).to_string())
    say(f'{len(shown)} of {len(ranking):,} nodes; one of them: vnn inspect {model} "{shown.index[0]}"')
