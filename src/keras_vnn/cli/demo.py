"""The main job from end to end on the bundled data: interferon-β in T cells, wired by one of two kinds of knowledge.

In: a folder to write to. Out: an architecture, a model, tables, figures and scores in it, and a `DemoResult`.
A thin recipe over the public functions: whatever it does, a user can do in the same few calls.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.architecture import Architecture
from keras_vnn.basics.bundled import config_path
from keras_vnn.basics.csv_tables import write_table
from keras_vnn.basics.errors import ConfigError, OutputError, check_choice
from keras_vnn.basics.files import made_folder, replacing
from keras_vnn.basics.progress import Say, log_debug, log_info
from keras_vnn.cli._console import directions, leading, verdict
from keras_vnn.readers import read_interactions
from keras_vnn.recipes.read import changed_section, read_recipe
from keras_vnn.recipes.run import build_architecture, read_training_data, train_model
from keras_vnn.recipes.schema import Recipe, TrainRecipe

if TYPE_CHECKING:
    import anndata

    from keras_vnn.data import Labels

STYLES: Mapping[str, str] = MappingProxyType({"interactions": "kang-ppi-tf", "ontology": "kang-go"})


@dataclass(frozen=True, eq=False)
class DemoResult:
    """What the demo found.

    Attributes
    ----------
    interactions, interacting_genes
        Of the interaction file, inside the genes of the data; 0 where the recipe names none.
    judgement
        How the model does on its test cells, next to plain methods, in sentences.
    scores
        A row per method: mean and standard deviation of the accuracy over five folds, parameters, and the accuracy in
        each fold; ``None`` if there were no folds.
    top_nodes
        The ten nodes with most evidence, of those that are folded under no better one.
    verdict
        What was found at a false discovery rate of 5 %, in a sentence, and which nodes are higher in which class.
    folder
        Where everything was written.
    """

    interactions: int
    interacting_genes: int
    judgement: str
    scores: pd.DataFrame | None
    top_nodes: pd.DataFrame
    verdict: str
    folder: Path


def run_demo(
    folder: str | os.PathLike[str],
    *,
    style: str = "interactions",
    recipe: Recipe | None = None,
    full: bool = False,
    overwrite: bool = False,
    progress: bool = True,
    say: Say = log_info,
) -> DemoResult:
    """Run the main job on the bundled data and write its results.

    Parameters
    ----------
    folder
        Created if need be.
    style
        ``interactions`` (proteins and their partners, regulators and their targets) or ``ontology`` (biological
        processes of the Gene Ontology).
    recipe
        What to run; the bundled recipe of the style by default.
    full
        Also train five folds, and a network with dense units, and compare them with baselines on the same folds.
    overwrite
        Replace results that are there already.
    progress
        Show a live line while models train.
    say
        Called with one sentence per step; by default they are logged.

    Raises
    ------
    ConfigError
        There is no such style, or the recipe lacks a section.
    OutputError
        The folder holds files already and ``overwrite`` is false, or cannot be written.
    """
    from keras_vnn.data import Labels
    from keras_vnn.export.report import write_report
    from keras_vnn.inspection import ranked_nodes
    from keras_vnn.models import save_model, view

    check_choice("style", style, STYLES)
    target = _folder(folder, overwrite=overwrite)
    chosen = recipe or read_recipe(config_path(STYLES[style]))
    build, train = chosen.build, chosen.train
    if build is None or train is None:
        raise ConfigError("The demo needs a recipe with a build and a train section.")
    arch = build_architecture(build, say=say)
    inside = read_interactions(list(build.interactions)).among(arch.genes) if build.interactions else None
    if inside is not None:
        say(f"inside        {len(inside):,} interactions on {len(inside.genes):,} genes of the data")
    data, labels = read_training_data(train, arch, say=say)
    if not isinstance(labels, Labels):
        raise ConfigError("The demo compares classifiers; its recipe must not ask for a regression.")
    scores = None
    if full:
        networks = {"named nodes alone": arch}
        if inside is not None:
            networks["named nodes and 100 dense units"] = build_architecture(
                changed_section(build, {"dense_units": 100}, "the demo"), say=log_debug
            )
        scores = _scores(networks, train, data, labels, progress=progress)
    result = train_model(train, arch, progress=progress, say=log_debug)
    save_model(result.model, target / "model.keras", overwrite=overwrite)
    arch.save(target / "architecture.vnn", overwrite=overwrite)
    ranking = ranked_nodes(result.model)
    found = (0, 0) if inside is None else (len(inside), len(inside.genes))
    judged = str(view(result.model).card.metadata["judgement"]["text"])
    said = "\n".join([verdict(ranking), *directions(ranking)])
    demo = DemoResult(*found, judged, scores, leading(ranking).head(10), said, target)
    _write(demo, result, data, labels, ranking, overwrite=overwrite)
    write_report(result.model, target / "report.html", title=chosen.title or None, overwrite=overwrite)
    return demo


def _scores(
    networks: Mapping[str, Architecture],
    recipe: TrainRecipe,
    data: anndata.AnnData,
    labels: Labels,
    *,
    progress: bool,
) -> pd.DataFrame:
    """Return mean and spread of the accuracy over the same five folds, for the networks and the baselines."""
    from keras_vnn.data import align, baseline_scores, fit_normalization, folds
    from keras_vnn.options import model_options
    from keras_vnn.training import cross_validate

    options, reads = recipe.training_options(), model_options(recipe.preset, recipe.model).reads
    rows: list[dict[str, Any]] = []
    genes = next(iter(networks.values()))
    for name, network in networks.items():
        table = cross_validate(
            network, data, labels, training=options, progress=progress, what=f"{name}, fold", **recipe.model
        )
        parameters = network.summary(outputs=len(labels.classes), reads=reads).parameters
        rows += [{"method": name, "accuracy": value, "parameters": parameters} for value in table["accuracy"]]
    for split in folds(labels, 5, seed=options.seed):
        fitted = fit_normalization(options.normalization, data, genes, cells=labels.cells[split.train])
        values = align(data, genes, normalization=fitted)[labels.cells]
        seen = np.concatenate([split.train, split.validation])
        baselines = baseline_scores(
            values[seen], labels.codes[seen], values[split.test], labels.codes[split.test], seed=options.seed
        )
        rows += [{"method": name, "accuracy": value} for name, value in baselines["accuracy"].items()]
    grouped = pd.DataFrame(rows).groupby("method", sort=False)
    by_fold = grouped["accuracy"].apply(list)
    return pd.DataFrame(
        {
            "accuracy": grouped["accuracy"].mean(),
            "sd": grouped["accuracy"].std(),
            "parameters": grouped["parameters"].first().astype("Int64"),
            **{f"fold_{k + 1}": by_fold.str[k] for k in range(5)},
        }
    )


def _write(demo: DemoResult, result: Any, data: Any, labels: Any, ranking: pd.DataFrame, *, overwrite: bool) -> None:
    from keras_vnn.export import export_summary

    folder, model = demo.folder, result.model
    for name in ("summary.txt", "summary.md", "summary.json", "network.graphml", "layers.png", "layers.svg"):
        export_summary(model, path=folder / name, overwrite=overwrite)
    export_summary(model, "csv", path=folder / "tables", overwrite=overwrite)
    if demo.scores is not None:
        write_table(demo.scores, folder / "scores.csv", overwrite=overwrite)
    write_table(ranking, folder / "nodes_ranked.csv", overwrite=overwrite)
    write_table(result.history, folder / "history.csv", overwrite=overwrite)
    _figures(demo, result, data, labels, ranking)
    found = {
        "interactions": demo.interactions,
        "interacting_genes": demo.interacting_genes,
        "five_folds": None if demo.scores is None else json.loads(demo.scores.to_json(orient="index")),
        "test": result.metrics.to_json(),
        "top_nodes": list(demo.top_nodes.index),
        "verdict": demo.verdict,
    }
    with replacing(folder / "results.json", overwrite=overwrite) as partial:
        partial.write_text(json.dumps(found, indent=2, ensure_ascii=False), encoding="utf-8")


def _figures(demo: DemoResult, result: Any, data: Any, labels: Any, ranking: pd.DataFrame) -> None:
    from keras_vnn.export import figures

    activities = _activities(result.model, data, labels, list(demo.top_nodes.index))
    for name, draw, shown in (
        ("training", figures.training_history, result.history),
        ("confusion", figures.confusion_matrix, result.metrics.confusion),
        ("top_nodes", figures.node_ranking, ranking),
        ("activities", figures.activity_heatmap, activities),
    ):
        draw(shown, show=False, save=demo.folder / f"{name}.png")


def _activities(model: Any, data: Any, labels: Any, nodes: list[str]) -> pd.DataFrame:
    """Return the mean activity by class of the units of some nodes, in the order of the nodes."""
    from keras_vnn.inspection import activities_by_class, node_activities

    activities = node_activities(model, data)
    shown = activities.var[activities.var["node"].isin(nodes)]
    units = shown.assign(position=shown["node"].map(nodes.index)).sort_values(["position", "unit"]).index
    return activities_by_class(activities, labels).loc[units]


def _folder(folder: str | os.PathLike[str], *, overwrite: bool) -> Path:
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise OutputError(f"Cannot make the folder {target}: a file has that name.")
    if target.is_dir() and any(target.iterdir()) and not overwrite:
        raise OutputError(
            f"The folder is not empty: {target}\nName another one, or add --force to replace its results."
        )
    return made_folder(target)
