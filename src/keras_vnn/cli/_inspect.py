"""``vnn inspect``, ``vnn explain`` and ``vnn evaluate``: tables about a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keras_vnn.basics.keras_import import import_keras
from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._inputs import CellTable, Command, LayerName, MaybeLabel, SameArchitecture, read_cells

if TYPE_CHECKING:
    import anndata


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


def explain(
    model: Annotated[Path, typer.Argument(help="A trained model, .keras.")],
    data: Annotated[Path, typer.Argument(help="Expression of the cells to explain.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the tables.")],
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="How importance is measured: knockout, knockout-zero, gradient, gradient-zero, integrated-gradients, "
            "integrated-gradients-zero, conductance, conductance-zero, epsilon, rlipp. May be repeated. "
            "When none is given: knockout, or gradient for deep networks."
        ),
    ] = None,
    gene_method: Annotated[str, typer.Option(help="Method for genes; any but rlipp.")] = "integrated-gradients",
    correction: Annotated[
        str, typer.Option(help="Correction of importance for hubs: none, pnet, binn, reach.")
    ] = "binn",
    cells: CellTable = None,
    label: MaybeLabel = None,
    layer: LayerName = "X",
    per_cell: Annotated[
        bool, typer.Option("--per-cell", help="Also write the contributions of nodes per cell, as .h5ad.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write tables of what nodes and genes do to the outputs of a model, by name.

    `nodes.csv`: importance, place in the layer, corrected importance and signed effects per class, by every method.
    `genes.csv`: the same for genes. With `--per-cell`, `cells.METHOD.h5ad`: contributions, cells × nodes, to the class
    predicted for the cell. Names in the tables are safe to open in a spreadsheet.

    **Examples**

    `vnn explain model.keras cells.h5ad --label cell_type -o explained`

    `vnn explain model.keras cells.h5ad --method conductance --method rlipp --per-cell -o explained`
    """
    from keras_vnn.basics.files import check_target, existing_file, made_folder, replacing

    existing_file(model, "model file")
    made_folder(output)
    for file in ("nodes.csv", "genes.csv"):
        check_target(output / file, overwrite=True)
    import_keras()
    from keras_vnn.basics.csv_tables import csv_text
    from keras_vnn.inspection import corrected_importance, node_contributions, rank_genes, rank_nodes
    from keras_vnn.models import load_model, view

    network = load_model(model)
    arch = view(network).architecture
    values, labels = read_cells(network, data, cells, label, layer)
    nodes: Any = None
    methods: list[str] = []
    for name in dict.fromkeys(method or [None]):  # type: ignore[list-item]
        table = rank_nodes(network, values, labels, method=name, progress=True)
        used = str(table.attrs["method"])
        say(f"nodes         {len(table):,} by {used}")
        measured = [name for name in table.columns if name in ("importance", "rank") or name.startswith("effect_")]
        own = table[measured].copy()
        own.insert(1, "corrected", corrected_importance(arch, table["importance"], correction))
        own = own.add_suffix(f" ({used})") if method and len(method) > 1 else own
        nodes = table.drop(columns=measured).join(own) if nodes is None else nodes.join(own)
        methods.append(used)
    genes = rank_genes(network, values, labels, method=gene_method, progress=True)
    say(f"genes         {len(genes):,} by {gene_method}")
    written = {"nodes.csv": nodes, "genes.csv": genes}
    for file, table in written.items():
        with replacing(output / file, overwrite=True) as partial:
            partial.write_text(csv_text(table), encoding="utf-8", newline="\n")
    files = list(written)
    if per_cell:
        for name in (name for name in methods if name != "rlipp"):
            file = f"cells.{name}.h5ad"
            with replacing(output / file, overwrite=True) as partial:
                node_contributions(network, values, method=name).write_h5ad(partial)
            files.append(file)
    facts = {"model": str(model), "nodes": methods, "genes": gene_method, "correction": correction, "files": files}
    if as_json:
        print_json(facts)
    else:
        shown = nodes.head(10)
        shown = shown[[name for name in shown.columns if not name.startswith(("effect_", "activity_difference"))]]
        show(shown.round(4).to_string())
    say(f"written       {output}: {', '.join(files)}\nnext          is it the wiring? vnn compare RECIPE -o comparison")


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
