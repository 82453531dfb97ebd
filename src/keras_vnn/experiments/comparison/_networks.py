"""A comparison as a recipe asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import ConfigError
from keras_vnn.experiments.comparison._compare import compare
from keras_vnn.experiments.comparison._result import Comparison
from keras_vnn.recipes.run import architecture_of, read_training_data
from keras_vnn.recipes.schema import CompareRecipe, TrainRecipe

__all__ = ["compare_networks"]

Say = Callable[[str], None]


def _silent(_: str) -> None:
    """Say nothing."""


def compare_networks(
    recipe: TrainRecipe,
    comparison: CompareRecipe,
    folder: Path,
    arch: Architecture | None = None,
    *,
    say: Say = _silent,
) -> Comparison:
    """Compare the network a recipe trains with controls and baselines, and write tables and a page.

    Parameters
    ----------
    recipe
        How the network is trained.
    comparison
        What it is compared with.
    folder
        For tables, the page and the runs; runs that are there already are not repeated.
    arch
        The architecture; read from the recipe's file when ``None``.
    say
        Called with one sentence per step.

    Raises
    ------
    VNNError
        A file cannot be read or written, or the data do not fit the architecture.
    """
    if recipe.objective != "prediction" or recipe.pretrain != "none":
        raise ConfigError(
            "A comparison is of networks that predict, without pretraining.\n"
            "Leave out objective and pretrain; embeddings are scored by vnn evaluate."
        )
    network = arch if arch is not None else architecture_of(recipe)
    data, labels = read_training_data(recipe, network, in_memory=True, say=say)
    found = compare(
        network,
        data,
        labels,
        folder,
        controls=comparison.controls,
        baselines=comparison.baselines,
        seeds=comparison.seeds,
        n_folds=comparison.folds,
        fractions=(1 - recipe.validation - recipe.test, recipe.validation, recipe.test),
        training=recipe.training_options(),
        preset=recipe.preset,
        missing=recipe.missing,
        metric=comparison.metric,
        method=comparison.method,
        measure=comparison.measure,
        correction=comparison.correction,
        top=comparison.top,
        jobs=comparison.jobs,
        say=say,
        **recipe.model,
    )
    found.save(folder)
    return found
