"""``vnn inspect``, ``vnn explain`` and ``vnn evaluate``: tables about a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keras_vnn.basics.errors import check_choice
from keras_vnn.cli._console import about, node_lines, print_json, rows_of, say, say_warning, show, show_result, verdict
from keras_vnn.cli._inputs import (
    ClassName,
    Command,
    HelpedGroup,
    MaybeLabel,
    SameArchitecture,
    missing_policy,
    model_of,
    read_cells,
)
from keras_vnn.cli._options import EDGE_TABLES, columns, corrections, edge_tables, methods, nodes, options_of, rankings
from keras_vnn.recipes.schema import CellsRecipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    import anndata

Replicate = Annotated[
    str | None,
    typer.Option(help="Column with the donor or batch: their means are compared, not cells.", autocompletion=columns),
]


@options_of(CellsRecipe)
def inspect(
    model: Annotated[Path, typer.Argument(help="A trained model, .keras.")],
    node: Annotated[
        str | None,
        typer.Argument(
            help="A node or gene: id, label, or a unique part of one. Without it, nodes are ranked.",
            autocompletion=nodes,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Expression data to use instead of the statistics stored with the model."),
    ] = None,
    label: MaybeLabel = None,
    class_: ClassName = None,
    by: Annotated[
        str,
        typer.Option(
            help="What nodes are ranked by: evidence, q, learned, use or another column; or a method of importance, as "
            "knockout, gradient, rlipp, which is of the model, not of biology.",
            autocompletion=rankings,
        ),
    ] = "evidence",
    replicate: Replicate = None,
    others: Annotated[
        list[Path] | None, typer.Option("--with", help="Another training of the same network. May be repeated.")
    ] = None,
    edges: Annotated[
        str | None,
        typer.Option(
            help="Show edges instead: soft-links, outside the prior, that the training took up; or prior, those of "
            "the prior by how they compare with decoys.",
            autocompletion=edge_tables,
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows to show.")] = 20,
    architecture: SameArchitecture = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    **given: Any,
) -> None:
    """Say what named nodes do in a trained model, or rank them.

    Nodes are ranked by evidence: how far their genes differ between the classes, above what as many genes of like
    expression do. `q` is its false discovery rate; `learned`: how well the trained node tells the cells apart that the
    model has not seen; `use`: how much this model needs it. `+4`: so many similar nodes are folded under one.

    **Examples**

    `vnn inspect model.keras` – the nodes with most evidence

    `vnn inspect model.keras --class "CD14+ Monocyte"` – those that are higher in one class

    `vnn inspect a.keras --with b.keras --with c.keras` – means and spread of three trainings

    `vnn inspect model.keras TF:STAT1` – one node: its inputs with weights, what it feeds, activity per class

    `vnn inspect model.keras STAT1 --data other.h5ad --label cell_type`

    `vnn inspect a.keras --with b.keras --edges soft-links` – edges that two trainings with soft links ask for
    """
    if edges is not None:
        _edges([model, *(others or ())], edges, top, as_json)
        return
    network = model_of(model, architecture, computes=data is not None)
    from keras_vnn.inspection import IMPORTANCE_METHODS, inspect_node, ranked_nodes, untrained_warning
    from keras_vnn.models import view

    missing = missing_policy(given)
    values, labels = (None, None) if data is None else read_cells(network, data, label, given)
    if node is not None:
        method = by if by in IMPORTANCE_METHODS else None
        page = inspect_node(network, node, values, labels, top=top, method=method, missing=missing)
        show_result(page, as_json=as_json)
        return
    if (untrained := untrained_warning(view(network))) is not None:
        say_warning(untrained)
    runs = [model_of(path, computes=data is not None) for path in others or ()]
    ranking = ranked_nodes(
        [network, *runs] if runs else network, values, labels, class_, by, replicate, missing=missing
    )
    if as_json:
        print_json(rows_of(ranking.head(top).reset_index()))
        return
    show(node_lines(ranking, top))
    if "evidence" in ranking:
        say(f"{verdict(ranking)}\n{about(ranking)}")
    say(f'one of them: vnn inspect {model} "{ranking.index[0]}"')


def _edges(models: list[Path], which: str, top: int, as_json: bool) -> None:
    """Print a table of edges of some trainings."""
    check_choice("edges", which, EDGE_TABLES)
    networks = [model_of(path, computes=False) for path in models]
    from keras_vnn.inspection import FALSE_DISCOVERY_RATE, prior_support, soft_links

    if which == "prior":
        table = prior_support(networks)
        found = int((table["q"] < FALSE_DISCOVERY_RATE).sum())
        verdict = f"{found:,} of {len(table):,} edges of the prior at FDR {FALSE_DISCOVERY_RATE:.0%}"
    else:
        table = soft_links(networks)
        often = int((table["found_in"] == len(networks)).sum())
        verdict = f"{len(table):,} edges taken up, {often:,} of them in all {len(networks):,} trainings"
    if as_json:
        print_json(rows_of(table.head(top)))
        return
    show(table.head(top).to_string(index=False, float_format="{:.3g}".format))
    say(f"edges         {verdict}")


@options_of(CellsRecipe)
def explain(
    model: Annotated[Path, typer.Argument(help="A trained model, .keras.")],
    data: Annotated[Path, typer.Argument(help="Expression of the cells to explain.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the tables.")],
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="How importance is measured: knockout, knockout-zero, gradient, gradient-zero, integrated-gradients, "
            "integrated-gradients-zero, conductance, conductance-zero, epsilon, rlipp. May be repeated. "
            "They are of the model, not of biology, which is what evidence is about. Knock-out when none is given.",
            autocompletion=methods,
        ),
    ] = None,
    class_: ClassName = None,
    replicate: Replicate = None,
    gene_method: Annotated[
        str, typer.Option(help="Method for genes; any but rlipp.", autocompletion=methods)
    ] = "integrated-gradients",
    correction: Annotated[
        str,
        typer.Option(help="Correction of importance for hubs: none, pnet, binn, reach.", autocompletion=corrections),
    ] = "binn",
    label: MaybeLabel = None,
    per_cell: Annotated[
        bool, typer.Option("--per-cell", help="Also write the contributions of nodes per cell, as .h5ad.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
    **given: Any,
) -> None:
    """Write tables of what nodes and genes do to the outputs of a model, by name.

    `nodes.csv`: what the genes of each node say (evidence, direction, false discovery rate), what it learned, its use;
    importance, place in the layer, corrected importance and signed effects per class, by every method. `genes.csv`:
    importance and effects of genes. With `--per-cell`, `cells.METHOD.h5ad`: contributions, cells × nodes, to the class
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
    network = model_of(model, computes=True)
    from keras_vnn.basics.csv_tables import write_table
    from keras_vnn.inspection import (
        IMPORTANCE_METHODS,
        corrected_importance,
        node_contributions,
        rank_genes,
        ranked_nodes,
        untrained_warning,
    )
    from keras_vnn.models import view

    arch = view(network).architecture
    values, labels = read_cells(network, data, label, given)
    how: dict[str, Any] = {"missing": missing_policy(given), "progress": True}
    methods = list(dict.fromkeys(method or ["knockout"]))
    for name in methods:
        check_choice("method", name, IMPORTANCE_METHODS)
    if (untrained := untrained_warning(view(network))) is not None:
        say_warning(untrained)
    nodes = ranked_nodes(network, values, labels, class_, replicate=replicate, **how)
    say(f"nodes         {verdict(nodes)}")
    for used in methods:
        table = ranked_nodes(network, values, labels, by=used, **how)
        say(f"nodes         {len(table):,} by {used}")
        measured = [name for name in table.columns if name in ("importance", "rank") or name.startswith("effect_")]
        own = table[measured].copy()
        own.insert(1, "corrected", corrected_importance(arch, table["importance"], correction))
        own = own.add_suffix(f" ({used})") if method and len(method) > 1 else own
        nodes = nodes.join(own)
    genes = rank_genes(network, values, labels, method=gene_method, **how)
    say(f"genes         {len(genes):,} by {gene_method}")
    written = {"nodes.csv": nodes, "genes.csv": genes}
    for file, table in written.items():
        write_table(table, output / file, overwrite=True)
    files = list(written)
    if per_cell:
        for name in (name for name in methods if name != "rlipp"):
            file = f"cells.{name}.h5ad"
            with replacing(output / file, overwrite=True) as partial:
                node_contributions(network, values, method=name, missing=how["missing"]).write_h5ad(partial)
            files.append(file)
    facts = {"model": str(model), "nodes": methods, "genes": gene_method, "correction": correction, "files": files}
    if as_json:
        print_json(facts)
    else:
        show(node_lines(nodes.drop(columns=["rank", "importance"], errors="ignore"), 10))
    say(f"written       {output}: {', '.join(files)}\nnext          is it the wiring? vnn compare RECIPE -o comparison")


evaluate = typer.Typer(
    cls=HelpedGroup,
    no_args_is_help=True,
    help="Score the embedding of a model, its last hidden layer, as Lin et al. do.",
)

Model = Annotated[Path, typer.Argument(help="A trained model, a .keras file.")]
Data = Annotated[Path, typer.Argument(help="Expression of cells the model has not seen: .h5ad, CSV or TSV.")]
Label = Annotated[str, typer.Option(help="Column with the cell types.", autocompletion=columns)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")]


@evaluate.command("clustering", cls=Command)
@options_of(CellsRecipe)
def clustering(
    model: Model,
    data: Data,
    label: Label,
    seed: Annotated[int, typer.Option(help="Random seed of k-means.")] = 0,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Cluster cells by k-means, as many clusters as types, and compare clusters with types.

    **Example**

    `vnn evaluate clustering model.keras unseen.h5ad --label cell_type`
    """
    embedded, types = _embedded(model, data, label, given)
    from keras_vnn.experiments.evaluation import clustering_scores

    _report(clustering_scores(embedded, types, seed=seed), as_json)


@evaluate.command("retrieval", cls=Command)
@options_of(CellsRecipe)
def retrieval(
    model: Model,
    data: Data,
    label: Label,
    batch: Annotated[
        str | None,
        typer.Option(help="Column with the batch: cells are looked up in other batches only.", autocompletion=columns),
    ] = None,
    top: Annotated[int, typer.Option(help="Number of nearest neighbours.")] = 100,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Let each cell search the nearest of other data sets, and score them by type (mean average precision).

    **Example**

    `vnn evaluate retrieval model.keras cells.h5ad --label cell_type --batch study`
    """
    embedded, types = _embedded(model, data, label, given)
    from keras_vnn.data import labels_of
    from keras_vnn.experiments.evaluation import retrieval_scores

    batches = None if batch is None else labels_of(embedded, batch).names
    _report(retrieval_scores(embedded, types, batches=batches, top=top), as_json)


def _embedded(model: Path, data: Path, label: str, options: Mapping[str, Any]) -> tuple[anndata.AnnData, Any]:
    """Return the embedding of cells, and their types by name."""
    network = model_of(model, computes=True)
    from keras_vnn.data import labels_of
    from keras_vnn.inspection import embed

    values, _ = read_cells(network, data, None, options)
    embedded = embed(network, values, missing=missing_policy(options))
    return embedded, labels_of(embedded, label).names


def _report(scores: Any, as_json: bool) -> None:
    show_result(scores, as_json=as_json)
    if hasattr(scores, "by_type") and not as_json:
        show(f"\n{scores.by_type.round(3).to_string()}")
