"""``vnn explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from keras_vnn.basics.quiet import import_keras
from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._inputs import CellTable, LayerName, MaybeLabel, read_cells

__all__ = ["explain"]


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
