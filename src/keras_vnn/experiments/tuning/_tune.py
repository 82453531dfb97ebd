"""`tune`: all trials of a search, one after the other, and what becomes of the best."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from keras_vnn.basics.csv_tables import csv_text
from keras_vnn.basics.errors import ConfigError, VNNError
from keras_vnn.basics.files import alone_at, made_folder, replacing
from keras_vnn.basics.progress import Say, log_debug, log_info
from keras_vnn.basics.quiet import import_keras
from keras_vnn.experiments.tuning._measures import measure_of, named, numbers_of
from keras_vnn.experiments.tuning._optuna import imported_optuna
from keras_vnn.experiments.tuning._proposals import next_values, pruner
from keras_vnn.experiments.tuning._recipe import content_of, recipe_text
from keras_vnn.experiments.tuning._result import Tuning, best_of, trial_table, valued
from keras_vnn.experiments.tuning._settings import changed_recipe, check_options, check_pruning, check_space, own_values
from keras_vnn.experiments.tuning._store import Store, open_store
from keras_vnn.experiments.tuning._trials import Networks, Outcome, run_trial, seen_cells
from keras_vnn.recipes.read import make_section, read_recipe
from keras_vnn.recipes.run import read_training_data, split_of, train_model
from keras_vnn.recipes.schema import Recipe, TrainRecipe, TuneRecipe
from keras_vnn.recipes.space import Setting

__all__ = ["tune"]


def tune(
    recipe: Recipe | str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    space: Mapping[str, Any] | None = None,
    trials: int | None = None,
    measure: str | None = None,
    pruning: str | None = None,
    seed: int | None = None,
    progress: bool = False,
    say: Say = log_info,
) -> Tuning:
    """Search fields of a recipe for the values that do best on the validation cells.

    The first trial is the recipe as it stands, if its own values lie in the space. All trials have the split, the seed
    and the data of the recipe. Test cells have no part in them; the best recipe is
    trained once more when the search is over, as ``vnn train`` does, and scored on them. The same call, repeated after
    it was stopped, goes on with the trial it was at and gives what it would have given; with more trials it goes on
    from those that are there.

    Parameters
    ----------
    recipe
        A recipe with a train section, its path, or the name of one that comes with the package.
    folder
        Where trials are kept, and ``trials.csv``, ``best.yaml``, ``best.keras`` and ``tuning.json`` are written; made
        if it is not there.
    space
        By name of the field, ``{"low": 1e-4, "high": 1e-2, "log": True}`` or ``[0, 0.2, 0.5]``; ``None`` for the
        recipe's own, as for all that follows. Fields are those of train, ``build.FIELD``, ``model.OPTION``,
        ``training.OPTION``, ``embedding.OPTION`` and ``pretraining.OPTION``.
    trials
        Number of settings to try, those of an earlier run counted. When there are no more, the search ends.
    measure
        Of classes ``balanced_accuracy`` (the default), ``accuracy``, ``macro_f1``, ``log_loss``; of numbers ``r2`` (the
        default), ``pearson``, ``spearman``, ``mse``, their mean over the targets; of all, and of embeddings alone,
        ``loss``, that of the epoch whose weights are kept, the penalty of ``l2`` counted.
    pruning
        ``"median"`` stops a trial when its best loss of the validation cells is above the median of those that finished
        trials had at the same epoch: after five finished trials, from the fourth epoch on. ``"none"`` is the default.
    seed
        Of the search.
    progress
        Show a live line on standard error.
    say
        Called with a sentence when a trial is over; by default they are logged.

    Returns
    -------
    Tuning
        The trials, the best recipe, its test scores.

    Raises
    ------
    ConfigError
        A field, a value or the measure is impossible; Optuna is not installed; the folder holds another search.
    OutputError
        Another process searches in the same folder, or it cannot be written.
    VNNError
        The recipe as it stands cannot be built or its data cannot be read; or no trial finished.

    References
    ----------
    Akiba et al. 2019, Optuna, doi:10.1145/3292500.3330701; Bergstra et al. 2011, Algorithms for hyper-parameter
    optimization, NeurIPS 24.
    """
    known = recipe if isinstance(recipe, Recipe) else read_recipe(recipe)
    given = {"space": space or None, "trials": trials, "measure": measure, "pruning": pruning, "seed": seed}
    options = make_section(TuneRecipe, known.tune, given, "tune()")
    settings: dict[str, Setting] = dict(options.space)
    train = check_space(known, settings)
    judged_by = measure_of(train, options.measure)
    if options.pruning != "none":
        check_pruning(settings)
    imported_optuna()
    place = made_folder(folder)
    search = {
        **content_of(known),
        "space": {name: setting.to_json() for name, setting in settings.items()},
        "measure": judged_by,
        "pruning": options.pruning,
        "seed": options.seed,
        "version": version("keras-vnn"),
    }
    with alone_at(place):
        return _tuned(known, options, settings, judged_by, place, search, progress=progress, say=say)


def _tuned(
    known: Recipe,
    options: TuneRecipe,
    settings: dict[str, Setting],
    judged_by: str,
    place: Path,
    search: Mapping[str, Any],
    *,
    progress: bool,
    say: Say,
) -> Tuning:
    """Make the trials that are missing, train the best recipe once more, and write what was found."""
    with open_store(place, search, settings, judged_by) as store:
        done = len(store.outcomes)
        if done:
            say(f"{done} of {max(done, options.trials)} trials were done before")
        import_keras()
        check_options(known, settings)
        own = own_values(known, settings)
        outside = {name: value for name, value in own.items() if not settings[name].holds(value)}
        if done < options.trials:
            _search(known, settings, options, judged_by, store, own, outside, progress=progress, say=say)
        outcomes = tuple(store.outcomes)
    best = best_of(outcomes, judged_by)
    table = trial_table(outcomes, judged_by)
    _write(place / "trials.csv", csv_text(table))
    if best is None:
        raise VNNError(
            f"All {len(outcomes)} trials failed. The first: {outcomes[0].reason}\n"
            f"Look at the reasons in {place / 'trials.csv'}, and correct the recipe or its search space."
        )
    chosen = changed_recipe(known, outcomes[best].values)
    note = (
        f"Chosen by vnn tune: trial {best + 1} of {len(outcomes)}, {named(judged_by)} of the validation cells "
        f"{outcomes[best].score:.4f}."
    )
    _write(place / "best.yaml", recipe_text(chosen, place, note=note))
    test = _test_scores(chosen, place, best + 1, progress=progress, say=say)
    about = {"seed": options.seed, "version": version("keras-vnn"), "first_is_recipe": not outside}
    found = Tuning(judged_by, table, best + 1, outcomes[best].values, chosen, test, about)
    _write(place / "tuning.json", json.dumps(found.to_json(), indent=1, ensure_ascii=False))
    return found


def _search(
    recipe: Recipe,
    space: Mapping[str, Setting],
    options: TuneRecipe,
    measure: str,
    store: Store,
    own: Mapping[str, Any],
    outside: Mapping[str, Any],
    *,
    progress: bool,
    say: Say,
) -> None:
    """Make the trials that are missing."""
    networks = Networks()
    train = recipe.train or TrainRecipe.model_construct()
    data, labels = read_training_data(train, networks.of(recipe, say=say), say=say)
    split = split_of(train, labels)
    if not split.validation.size:
        raise ConfigError(f"Trials are judged by validation cells, and of {len(labels)} cells there are none.")
    say(f"split         {split}\njudged by     {named(measure)} of the validation cells")
    seen = seen_cells(data, labels, split)
    while len(store.outcomes) < options.trials:
        number = len(store.outcomes) + 1
        if number == 1 and outside:
            say(f"the recipe as it stands is outside of the space and not tried: {', '.join(valued(outside))}")
        if number == 1 and not outside:
            say("trial 1 is the recipe as it stands")
            values: dict[str, Any] | None = dict(own)
        else:
            values = next_values(space, store.outcomes, measure=measure, seed=options.seed)
        if values is None:
            say(f"all {number - 1} settings that there are were tried")
            return
        what = f"trial {number}/{options.trials}"
        outcome = run_trial(
            recipe,
            values,
            seen,
            networks,
            measure,
            is_hopeless=pruner(store.outcomes) if options.pruning == "median" else None,
            what=what,
            progress=progress,
        )
        is_best = best_of([*store.outcomes, outcome], measure) == number - 1
        store.keep(outcome)
        say(_line(outcome, number, options.trials, measure, is_best=is_best))


def _line(outcome: Outcome, number: int, trials: int, measure: str, *, is_best: bool) -> str:
    width = len(str(trials))
    tried = ", ".join(valued(outcome.values))
    if outcome.state == "failed":
        return f"trial {number:>{width}}/{trials}  failed: {outcome.reason}\n{'':>{2 * width + 9}}with {tried}"
    if outcome.state == "pruned":
        said = f"stopped after {outcome.epochs} epochs: its loss is above the median"
        return f"trial {number:>{width}}/{trials}  {said}  {tried}"
    said = f"{named(measure)} {outcome.score:.4f}{' *' if is_best else '  '}"
    return f"trial {number:>{width}}/{trials}  {said}  {tried}  ({outcome.epochs} epochs, {outcome.seconds:.0f} s)"


def _test_scores(recipe: Recipe, folder: Path, trial: int, *, progress: bool, say: Say) -> Mapping[str, float] | None:
    """Train the best recipe once more, keep the model, and return its scores of the test cells.

    A search that is repeated and has the best trial it had does not train again.
    """
    from keras_vnn.models import save_model

    if recipe.train is None or (before := _scores_of_before(folder, trial)) is not None:
        return before
    say(f"trial {trial} is the best and trained once more, now for the test cells")
    unfinished = folder / "best.keras.unfinished"
    result = train_model(recipe.train, Networks().of(recipe), progress=progress, checkpoint=unfinished, say=log_debug)
    save_model(result.model, folder / "best.keras", overwrite=True)
    unfinished.unlink(missing_ok=True)
    return None if result.metrics is None else numbers_of(result.metrics.to_json())


def _scores_of_before(folder: Path, trial: int) -> Mapping[str, float] | None:
    """Return the test scores in the folder, if they are of this trial and its model is there."""
    try:
        known = json.loads((folder / "tuning.json").read_text(encoding="utf-8"))
        is_same = known["best"]["trial"] == trial and (folder / "best.keras").exists()
        return dict(known["test"]) if is_same and known["test"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, text: str) -> None:
    with replacing(path, overwrite=True) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
