"""``vnn train``, and what trains many times: ``vnn compare``, ``vnn tune``, ``vnn demo``."""

from __future__ import annotations

import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keras_vnn.basics.errors import ConfigError
from keras_vnn.basics.files import check_target, existing_file, existing_path, read_lines
from keras_vnn.basics.keras_import import import_keras
from keras_vnn.basics.runs import alone_at
from keras_vnn.cli._console import print_json, say, show, show_result
from keras_vnn.cli._inputs import (
    CellTable,
    Force,
    MaybeLabel,
    is_recipe,
    model_of,
    recipe_of,
    section_of,
    take_inputs,
    training_recipe,
)
from keras_vnn.cli._options import options_of, recipe_names
from keras_vnn.recipes.schema import CompareRecipe, TrainRecipe, TuneRecipe

if TYPE_CHECKING:
    import pandas as pd

    from keras_vnn.training import TrainingResult


@options_of(TrainRecipe, leave_out=("architecture", "data"))
def train(
    architecture: Annotated[
        str,
        typer.Argument(
            help="A saved architecture, or a recipe (YAML file or bundled name).", autocompletion=recipe_names
        ),
    ],
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

    `vnn train lin.vnn cells.h5ad --label condition --covariate age --covariate sex --group donor -o model.keras`

    `vnn train lin.vnn cells.h5ad --label cell_type --objective triplet -o embedding.keras`

    `vnn train pathways.vnn patients.h5ad --task survival --time months --event died -o model.keras`

    `vnn train sets.vnn cells.h5ad --label condition --objective autoencoder --preset vega -o autoencoder.keras`

    A training that was stopped is resumed when the same command is repeated: its state is kept next to the
    model, in a file that ends in `.unfinished`, until the model is written.
    """
    recipe = recipe_of(architecture) if is_recipe(architecture) else None
    if recipe is None and data is None:
        raise ConfigError(f"Name the data to train on: vnn train {architecture} cells.h5ad --label COLUMN")
    is_labelled = given.get("label") or given.get("time") or given.get("objective") == "autoencoder"
    if recipe is None and data is not None and not is_labelled:
        raise ConfigError(
            f"Name the column with the labels: --label COLUMN\n{_columns(data, given.get('cells'))}".rstrip()
        )
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
    from keras_vnn.models import view

    metrics = result.metrics
    if as_json:
        print_json(
            {
                "epochs": len(result.history),
                "test": None if metrics is None else metrics.to_json(),
                "judgement": view(result.model).card.metadata.get("judgement"),
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


@options_of(CompareRecipe)
def compare(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe with a train section (YAML file or bundled name), or a trained model, .keras.",
            autocompletion=recipe_names,
        ),
    ],
    data: Annotated[Path | None, typer.Argument(help="Expression to train on; with a model.")] = None,
    cells: CellTable = None,
    label: MaybeLabel = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    **given: Any,
) -> None:
    """Compare a network with random controls and with baselines, on the same splits, over several seeds.

    Writes tables (CSV, JSON) and a page to explore, `comparison.html`. Runs are kept in the folder: the same command,
    repeated after it was stopped, resumes with those that are missing.

    **Examples**

    `vnn compare kang-go -o kang-comparison --seeds 5 --jobs 2`

    `vnn compare recipe.yaml -o comparison --controls swap --controls modules --baselines linear`

    `vnn compare model.keras cells.h5ad --label cell_type -o comparison` – trains again as the model was trained
    """
    is_model = Path(recipe).suffix == ".keras"
    if is_model != (data is not None) or (not is_model and (cells or label)):
        raise ConfigError(
            "A model needs the data to train on again: vnn compare model.keras cells.h5ad --label cell_type"
            if is_model
            else "A recipe names its data itself: leave out DATA, --cells and --label."
        )
    known = None if is_model else recipe_of(recipe).for_training("A comparison", recipe)
    options = section_of(CompareRecipe, None if known is None else known.compare, given)
    if options.output is None:
        raise ConfigError("Name the folder to write into: -o comparison")
    if known is not None:
        task = training_recipe(known, {})
    else:
        from keras_vnn.recipes.run import recipe_of_model

        model = existing_file(Path(recipe), "model file")
        take_inputs({"architecture": model, "data": data, "cells": cells})
        task = recipe_of_model(model, existing_file(Path(str(data)), "expression file"), cells=cells, label=label)

    from keras_vnn.experiments.comparison import compare_networks
    from keras_vnn.export.report import write_report

    network, found = compare_networks(task, options, options.output)
    show_result(found, as_json=as_json)
    page = options.output / "comparison.html"
    write_report(
        network, page, title=f"Comparison: {task.title or Path(recipe).stem}", comparison=found, overwrite=True
    )
    say(f"written       {options.output}\nnext          open {page} in a browser")


@options_of(TuneRecipe, leave_out=("space",))
def tune(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe with a train and a tune section (YAML file or bundled name).", autocompletion=recipe_names
        ),
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
            learning_rate: {low: 0.003, high: 0.3, log: true}
            dropout: [0, 0.2, 0.5]
            build.min_genes: {low: 5, high: 50, step: 5}

    Test cells have no part in the search: the best recipe is trained once more when it is over, and scored on them.
    `search.html` shows the trials and the best model. The same command, repeated after it was stopped, resumes where it
    was. Needs Optuna: `pip install 'keras-vnn[tune]'`.

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
    from keras_vnn.export.report import write_report

    try:
        found = search(known.model_copy(update={"tune": options}), options.output, progress=True)
    except KeyboardInterrupt:
        say(f"the trials so far are kept in {options.output}; the same command resumes from them")
        raise
    show_result(found, as_json=as_json)
    page, best = options.output / "search.html", options.output / "best.keras"
    title, model = known.title or Path(recipe).stem, model_of(best, computes=False)
    write_report(model, page, title=f"Search: {title}", search=found, overwrite=True)
    say(f"written       {options.output}: trials.csv, best.yaml, best.keras, search.html")
    say(f"next          open {page} in a browser\n              vnn inspect {best}")


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path("vnn-demo"),
    style: Annotated[
        str,
        typer.Option(
            help="What wires the network: interactions, ontology.", autocompletion=lambda: ["interactions", "ontology"]
        ),
    ] = "interactions",
    full: Annotated[
        bool, typer.Option("--full", help="Train five folds too, with and without dense units, next to baselines.")
    ] = False,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Run the main job on bundled data: which proteins and regulators tell T cells under interferon-β apart.

    Reads 1,000 cells × 6,998 genes and either 29,916 interactions and 411 regulatory edges, or the Gene Ontology; wires
    and trains a network, says how it does and which nodes have evidence, and leaves the architecture, the model,
    tables, figures and a page to explore (report.html) in a folder. Takes about a minute, with `--full` several.

    **Example**

    `vnn demo -o vnn-demo && vnn inspect vnn-demo/model.keras`

    `vnn demo --style ontology -o vnn-demo-go`
    """
    started = time.monotonic()
    import_keras()
    import pandas as pd

    from keras_vnn.cli._console import node_lines
    from keras_vnn.cli.demo import run_demo

    result = run_demo(output, style=style, full=full, overwrite=force, progress=True)
    if as_json:
        show((result.folder / "results.json").read_text(encoding="utf-8"))
        return
    folds = ""
    if result.scores is not None:
        scores = result.scores[["accuracy", "sd", "parameters"]].assign(
            accuracy=result.scores["accuracy"].map("{:.3f}".format),
            sd=result.scores["sd"].map("{:.3f}".format),
            parameters=result.scores["parameters"].map(lambda n: "" if pd.isna(n) else f"{int(n):,}"),
        )
        folds = f"held-out accuracy, mean and standard deviation of five folds\n{scores.to_string()}\n\n"
    inside = ""
    if result.interactions:
        inside = f"{result.interactions:,} interactions on {result.interacting_genes:,} genes inside the data\n\n"
    files = ", ".join(sorted(path.name for path in result.folder.iterdir()))
    show(
        f"\n{inside}{folds}{result.judgement}\n\n"
        f"the nodes with most evidence: how far their genes differ, above what such genes do\n"
        f"{node_lines(result.top_nodes, 10)}\n\n"
        f"results       {result.folder.resolve()}\n"
        f"{textwrap.fill(files, 80, initial_indent=' ' * 14, subsequent_indent=' ' * 14)}\n"
        f"took          {time.monotonic() - started:.0f} s\n\n"
        f"{result.verdict}\n"
        f"next          open {result.folder / 'report.html'} in a browser\n"
        f'              vnn inspect {result.folder / "model.keras"} "{result.top_nodes.index[0]}"'
    )


def _columns(data: Path, cells: Path | None) -> str:
    """Return what the table of cells has to offer, as far as it can be told at once."""
    from keras_vnn.data._stores import contents_of

    if cells is not None:
        first = read_lines(existing_file(cells, "table of cells"))[0]
        return f"{cells.name} begins with: {first[:200]}"
    known = contents_of(existing_path(data, "data file")).get("cells")
    return (
        f"The cells of {data.name}: {known}."
        if known
        else "Labels of cells in a text file are in a table of their own: --cells FILE"
    )
