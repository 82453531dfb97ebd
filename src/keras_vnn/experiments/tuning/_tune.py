"""`tune`: all trials of a search, one after the other; `Tuning`: what came of it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from keras_vnn.basics.csv_tables import csv_text, plain
from keras_vnn.basics.errors import ConfigError, VNNError, counted
from keras_vnn.basics.files import made_folder
from keras_vnn.basics.keras_import import import_keras
from keras_vnn.basics.progress import Say, log_debug, log_info
from keras_vnn.basics.runs import alone_at, claim, write_text
from keras_vnn.basics.showing import Shown
from keras_vnn.data.metrics import is_better_when_smaller, named, numbers_of
from keras_vnn.experiments.tuning._optuna import DATABASE, Store, imported_optuna, next_values, open_store, pruner
from keras_vnn.experiments.tuning._trials import (
    Failed,
    Finished,
    Networks,
    Outcome,
    Pruned,
    changed_recipe,
    check_options,
    check_pruning,
    check_space,
    measure_of,
    own_values,
    run_trial,
    seen_cells,
)
from keras_vnn.recipes.read import content_of, make_section, read_recipe, recipe_text
from keras_vnn.recipes.run import network_of, read_training_data, split_of, train_model
from keras_vnn.recipes.schema import Recipe, TrainingRecipe, TuneRecipe
from keras_vnn.recipes.space import Setting

_SHOWN = 10


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tuning(Shown):
    """A finished search for hyper-parameters.

    Attributes
    ----------
    measure
        The score of the validation cells that trials are judged by.
    trials
        A row per trial, numbered from 1 in the order they were made: ``state`` (finished, pruned, failed), the measure,
        what was tried, the other scores of the validation cells (``validation …``), epochs, weights, seconds, and the
        ``reason`` of a failure.
    best
        Number of the best trial; of equal ones the first.
    values
        What it tried, by name of the field.
    recipe
        The recipe with these values.
    test
        Scores of the test cells, which had no part in the search, by the best recipe; ``None`` if there are none.
    about
        How it was made: ``seed``, ``version``, and ``first_is_recipe``, whether trial 1 is the recipe as it stands.
    """

    measure: str
    trials: pd.DataFrame
    best: int
    values: Mapping[str, Any]
    recipe: TrainingRecipe
    test: Mapping[str, float] | None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """The measure of the best trial."""
        return float(self.trials.loc[self.best, self.measure])

    def __str__(self) -> str:
        states = self.trials["state"].value_counts()
        counts = ", ".join(f"{states[state]} {state}" for state in ("finished", "pruned", "failed") if state in states)
        last = [name.rpartition(".")[2] for name in self.values]
        short = {name: end if last.count(end) == 1 else name for name, end in zip(self.values, last, strict=True)}
        order = self.trials[self.trials["state"] == "finished"].sort_values(
            self.measure, ascending=is_better_when_smaller(self.measure), kind="stable"
        )
        shown = order[[self.measure, *self.values, "epochs", "seconds"]].head(_SHOWN)
        shown = shown.astype({name: str for name in self.values} | {"seconds": float})
        texts = shown.rename(columns=short | {self.measure: named(self.measure)}).to_string(
            formatters={named(self.measure): "{:.4f}".format, "seconds": "{:.0f}".format}
        )
        heading = (
            f"the best {_SHOWN} of {counted(len(self.trials), 'trial')}"
            if len(order) > _SHOWN
            else "all finished trials"
        )
        first = self.trials.iloc[0]
        before = []
        if self.about.get("first_is_recipe") and first["state"] == "finished":
            before = [f"as it was     trial 1: {named(self.measure)} {first[self.measure]:.4f}"]
        lines = [
            f"{counted(len(self.trials), 'trial')}: {counts}; {heading}:",
            texts,
            "",
            *before,
            f"best          trial {self.best}: {', '.join(valued(self.values))}",
            f"validation    {named(self.measure)} {self.score:.4f}, the best of {len(order)}, so optimistically biased",
            f"test          {self._test_text()}",
        ]
        return "\n".join(lines)

    def _test_text(self) -> str:
        if self.test:
            return ", ".join(f"{named(name)} {value:.4f}" for name, value in self.test.items())
        is_embedding = self.recipe.train.objective != "prediction"
        return "embeddings are scored by vnn evaluate" if is_embedding else "no test cells were held out"

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "schema": "keras-vnn tuning 1",
            "measure": self.measure,
            "best": {"trial": self.best, "score": self.score, "values": dict(self.values)},
            "test": plain(self.test),
            "about": dict(self.about),
            "trials": plain(self.trials.reset_index()),
        }


def best_of(outcomes: Sequence[Outcome], measure: str) -> tuple[int, Finished] | None:
    """Return the position of the best trial and the trial; of equal ones the first; ``None`` if none finished."""
    sign = -1 if is_better_when_smaller(measure) else 1
    finished = [(number, one) for number, one in enumerate(outcomes) if isinstance(one, Finished)]
    return max(finished, key=lambda pair: sign * pair[1].scores[measure], default=None)


def trial_table(outcomes: Sequence[Outcome], measure: str) -> pd.DataFrame:
    """Return the table of trials, numbered from 1."""
    scores = [one.scores if isinstance(one, Finished) else {} for one in outcomes]
    others = dict.fromkeys(name for found in scores for name in found if name != measure)
    rows = [
        {
            "state": one.state,
            measure: found.get(measure, math.nan),
            **{name: _cell(value) for name, value in one.values.items()},
            **{f"validation {name}": found.get(name, math.nan) for name in others},
            **one.model_dump(include={"epochs", "weights", "seconds"}),
            "reason": one.reason if isinstance(one, Failed) else "",
        }
        for one, found in zip(outcomes, scores, strict=True)
    ]
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="trial"))


def valued(values: Mapping[str, Any]) -> list[str]:
    """Return values as people read them, each with the name of its field."""
    return [f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in values.items()]


def _cell(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else json.dumps(value)


_FILES = (DATABASE, "trials.csv", "best.yaml", "best.keras", "tuning.json", "search.html")


def _listed(setting: Setting, value: Any) -> Any:
    """Return a value as the setting lists it: choices are known by how they are written, 0 or 0.0."""
    return next((each for each in setting.values or () if each == value), value)


def tune(
    recipe: Recipe | str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    space: Mapping[str, Any] | None = None,
    trials: int | None = None,
    measure: str | None = None,
    pruning: str | None = None,
    seed: int | None = None,
    progress: bool = True,
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
        Show a live line, on a terminal or in a notebook.
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
        Another process is at the folder, or it cannot be written.
    VNNError
        The recipe as it stands cannot be built or its data cannot be read; or no trial finished.

    References
    ----------
    Akiba et al. 2019, Optuna, doi:10.1145/3292500.3330701; Bergstra et al. 2011, Algorithms for hyper-parameter
    optimization, NeurIPS 24.
    """
    given = recipe if isinstance(recipe, Recipe) else read_recipe(recipe)
    asked = {"space": space or None, "trials": trials, "measure": measure, "pruning": pruning, "seed": seed}
    options = make_section(TuneRecipe, given.tune, asked, "tune()")
    known = given.for_training("A search")
    settings: dict[str, Setting] = dict(options.space)
    check_space(known, settings)
    judged_by = measure_of(known.train, options.measure)
    if options.pruning != "none":
        check_pruning(settings)
    imported_optuna()
    search = {
        **content_of(known),
        "space": {name: setting.to_json() for name, setting in settings.items()},
        "measure": judged_by,
        "pruning": options.pruning,
        "seed": options.seed,
        "version": version("keras-vnn"),
    }
    place = made_folder(folder)
    with alone_at(place):
        import_keras()
        check_options(known, settings)
        claim(place, "search", search, _FILES)
        own = own_values(known, settings)
        outside = {name: value for name, value in own.items() if not settings[name].holds(value)}
        with open_store(place, settings, judged_by) as store:
            done = len(store.outcomes)
            if done:
                say(f"{done} of {counted(max(done, options.trials), 'trial')} were done before")
            if done < options.trials:
                if not done and outside:
                    tried = ", ".join(valued(outside))
                    say(f"the recipe as it stands is outside of the space and not tried: {tried}")
                first = None if outside else {name: _listed(settings[name], value) for name, value in own.items()}
                _search(known, options, store, first, progress=progress, say=say)
            outcomes = tuple(store.outcomes)
        table = trial_table(outcomes, judged_by)
        write_text(place / "trials.csv", csv_text(table))
        best = best_of(outcomes, judged_by)
        if best is None:
            reasons = [one.reason for one in outcomes if isinstance(one, Failed)]
            raise VNNError(
                f"All {counted(len(outcomes), 'trial')} failed. The first: {reasons[0]}\n"
                f"Look at the reasons in {place / 'trials.csv'}, and correct the recipe or its search space."
            )
        number, outcome = best
        chosen = changed_recipe(known, outcome.values)
        note = (
            f"Chosen by vnn tune: trial {number + 1} of {len(outcomes)}, {named(judged_by)} of the validation cells "
            f"{outcome.scores[judged_by]:.4f}."
        )
        write_text(place / "best.yaml", recipe_text(chosen, place, note=note))
        test = _test_scores(chosen, place, number + 1, progress=progress, say=say)
        about = {"seed": options.seed, "version": version("keras-vnn"), "first_is_recipe": not outside}
        found = Tuning(judged_by, table, number + 1, outcome.values, chosen, test, about)
        write_text(place / "tuning.json", json.dumps(found.to_json(), indent=1, ensure_ascii=False))
    return found


def _search(
    recipe: TrainingRecipe,
    options: TuneRecipe,
    store: Store,
    first: Mapping[str, Any] | None,
    *,
    progress: bool,
    say: Say,
) -> None:
    """Make the trials that are missing, the first one with these values if there are any."""
    networks, measure = Networks(), store.measure
    data, labels = read_training_data(recipe.train, networks.of(recipe, say=say), say=say)
    if labels is None:
        raise ConfigError("A search splits cells by their labels: name the column with the labels, label, in train.")
    split = split_of(recipe.train, data, labels)
    if not split.validation.size:
        raise ConfigError(
            f"Trials are judged by validation cells, and of {counted(len(labels), 'cell')} there are none."
        )
    say(f"split         {split}\njudged by     {named(measure)} of the validation cells")
    seen = seen_cells(data, labels, split)
    for number in range(len(store.outcomes) + 1, options.trials + 1):
        if number == 1 and first is not None:
            say("trial 1 is the recipe as it stands")
            values: Mapping[str, Any] | None = first
        else:
            values = next_values(store.space, store.outcomes, measure=measure, seed=options.seed)
        if values is None:
            say(f"all {number - 1} settings that there are were tried")
            return
        is_hopeless = pruner(store.outcomes) if options.pruning == "median" else None
        what = f"trial {number}/{options.trials}"
        outcome = run_trial(
            recipe, values, seen, networks, measure, is_hopeless=is_hopeless, what=what, progress=progress
        )
        store.keep(outcome)
        best = best_of(store.outcomes, measure)
        say(_line(outcome, number, options.trials, measure, is_best=best is not None and best[1] is outcome))


def _line(outcome: Outcome, number: int, trials: int, measure: str, *, is_best: bool) -> str:
    width = len(str(trials))
    start = f"trial {number:>{width}}/{trials}  "
    tried = ", ".join(valued(outcome.values))
    if isinstance(outcome, Finished):
        said = f"{named(measure)} {outcome.scores[measure]:.4f}{' *' if is_best else '  '}"
        return f"{start}{said}  {tried}  ({counted(outcome.epochs, 'epoch')}, {outcome.seconds:.0f} s)"
    if isinstance(outcome, Pruned):
        return f"{start}stopped after {counted(outcome.epochs, 'epoch')}: its loss is above the median  {tried}"
    return f"{start}failed: {outcome.reason}\n{'':>{len(start)}}with {tried}"


def _test_scores(
    recipe: TrainingRecipe, folder: Path, trial: int, *, progress: bool, say: Say
) -> Mapping[str, float] | None:
    """Train the best recipe once more, keep the model, and return its scores of the test cells.

    A search that is repeated and has the best trial it had does not train again.
    """
    from keras_vnn.models import save_model

    if (before := _scores_of_before(folder, trial)) is not None:
        return before
    say(f"trial {trial} is the best and trained once more, now for the test cells")
    unfinished = folder / "best.keras.unfinished"
    network = network_of(recipe, say=log_debug)
    result = train_model(recipe.train, network, progress=progress, checkpoint=unfinished, say=log_debug)
    save_model(result.model, folder / "best.keras", overwrite=True)
    unfinished.unlink(missing_ok=True)
    return None if result.metrics is None else numbers_of(result.metrics.to_json())


def _scores_of_before(folder: Path, trial: int) -> Mapping[str, float] | None:
    """Return the test scores in the folder, if they are of this trial and its model is there."""
    try:
        known = json.loads((folder / "tuning.json").read_text(encoding="utf-8"))
        is_same = known["best"]["trial"] == trial and (folder / "best.keras").exists()
        return numbers_of(known["test"]) if is_same and known["test"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
