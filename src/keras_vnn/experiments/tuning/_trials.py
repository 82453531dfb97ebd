"""One trial: a recipe with other values, trained on the training cells, judged by the validation cells.

In: a recipe, what is searched, values. Out: the changed recipe, or an error that says why it cannot be searched; an
`Outcome`. Test cells are not there.
"""

from __future__ import annotations

import math
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from pydantic import Field

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import ConfigError, DataError, VNNError, check_choice
from keras_vnn.basics.progress import Say, log_debug
from keras_vnn.basics.runs import Count, Kept
from keras_vnn.data.metrics import named, numbers_of
from keras_vnn.recipes.read import changed_section
from keras_vnn.recipes.run import network_of, trained_network
from keras_vnn.recipes.schema import Recipe, TrainingRecipe, TrainRecipe
from keras_vnn.recipes.space import Setting

if TYPE_CHECKING:
    import anndata

    from keras_vnn.data import Labels, Split, Targets
    from keras_vnn.training import TrainingResult


SomeRecipe = TypeVar("SomeRecipe", bound=Recipe)

# These change what the loss counts, so that losses of two trials are not of one kind.
_LOSS = ("l2", "model.l2", "model.loss")
_BY_TASK = {
    "classification": ("balanced_accuracy", "accuracy", "macro_f1", "log_loss", "loss"),
    "regression": ("r2", "pearson", "spearman", "mse", "loss"),
    "survival": ("c_index", "loss"),
}


def measure_of(recipe: TrainRecipe, measure: str | None) -> str:
    """Return the measure of a search: that asked for, else the one of the task.

    Raises
    ------
    ConfigError
        The task has no such measure.
    """
    known = ("loss",) if recipe.objective != "prediction" else _BY_TASK[recipe.task]
    of = recipe.task if recipe.objective == "prediction" else f"{recipe.objective} embeddings"
    check_choice(f"The measure of {of}", measure or known[0], known)
    return measure or known[0]


def changed_recipe(recipe: SomeRecipe, values: Mapping[str, Any]) -> SomeRecipe:
    """Return a recipe with other values in some fields.

    Parameters
    ----------
    recipe
        With a train section.
    values
        By name of the field: ``learning_rate`` of train, ``build.min_genes``, ``model.head`` and the like.

    Raises
    ------
    ConfigError
        A value is impossible.
    """
    sections: dict[str, dict[str, Any]] = {"build": {}, "train": {}}
    for name, value in values.items():
        group, _, field = name.rpartition(".")
        if group in ("", *sections):
            sections[group or "train"][field] = value
        else:
            sections["train"].setdefault(group, {})[field] = value
    changes = {
        name: changed_section(section, sections[name], "the search space")
        for name, section in recipe.commands.items()
        if sections.get(name)
    }
    return recipe.model_copy(update=changes)


def check_space(recipe: TrainingRecipe, space: Mapping[str, Setting]) -> None:
    """Check that fields of a recipe can be searched as asked.

    Raises
    ------
    ConfigError
        There is nothing to search, a field is named twice or is not there, or a value is impossible.
    """
    if not space:
        raise ConfigError(
            "There is nothing to search: the recipe names no fields.\nAdd to it, for example:\n"
            "    tune:\n      space:\n        learning_rate: {low: 0.003, high: 0.3, log: true}\n"
            "        dropout: [0, 0.2, 0.5]"
        )
    if recipe.train.validation == 0:
        raise ConfigError(
            "Trials are judged by validation cells, and the recipe has none: validation: 0.\n"
            "Give it some: validation: 0.15"
        )
    for name in space:
        group, _, field = name.rpartition(".")
        if group == "build" and (recipe.build is None or recipe.train.architecture is not None):
            raise ConfigError(
                f"{name} cannot be searched: the network is not built by this recipe.\n"
                "Put a build section in the place of architecture."
            )
        if group in ("model", "training") and field in space:
            raise ConfigError(f"{name} and {field} are the same option. Search one of them.")
    _check_examples(recipe, space, lambda changed: None)


def check_pruning(space: Mapping[str, Setting]) -> None:
    """Check that losses of trials can be compared.

    Raises
    ------
    ConfigError
        A field is searched that changes what the loss counts.
    """
    changing = [name for name in space if name in _LOSS or name.startswith("embedding.")]
    if changing:
        raise ConfigError(
            f"Trials are pruned by their losses, and {changing[0]} changes what the loss counts.\n"
            "Search without it, or without pruning: pruning: none"
        )


def check_options(recipe: TrainingRecipe, space: Mapping[str, Setting]) -> None:
    """Check the names and values that only the models and the training know; imports Keras.

    Raises
    ------
    ConfigError
        An option is unknown, or a value is impossible.
    """
    from keras_vnn.models import check_functions

    def check(train: TrainRecipe) -> None:
        train.check()
        train.pretraining_options()
        check_functions(train.model_options())

    _check_examples(recipe, {name: space[name] for name in space if not name.startswith("build.")}, check)


def _check_examples(recipe: TrainingRecipe, space: Mapping[str, Setting], check: Callable[[TrainRecipe], None]) -> None:
    for name, value in ((name, value) for name, setting in space.items() for value in setting.examples):
        try:
            check(changed_recipe(recipe, {name: value}).train)
        except (VNNError, TypeError) as error:
            why = textwrap.indent(str(error), "    ")
            raise ConfigError(f"The field {name} cannot have the value {value!r}:\n{why}") from error


def own_values(recipe: TrainingRecipe, space: Mapping[str, Setting]) -> dict[str, Any]:
    """Return the values that a recipe has where it is searched, be they within the space or not. Imports Keras."""
    train, build = recipe.train, recipe.build
    pretraining = train.pretraining_options()
    model, training = train.model_options().model_dump(), train.training_options().model_dump()
    own = {"preset": train.preset, "pretrain": train.pretrain, **model, **training}
    wiring = {} if build is None else build.applying("wiring")[0]().model_dump() | build.wiring
    of_group: dict[str, Mapping[str, Any]] = {
        "": own,
        "train": own,
        "build": {} if build is None else build.model_dump() | wiring,
        "model": model,
        "training": training,
        "pretraining": {} if pretraining is None else pretraining.model_dump(),
        "embedding": train.embedding,
    }
    found = {name: of_group[name.rpartition(".")[0]].get(name.rpartition(".")[2]) for name in space}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


# Networks kept for trials that build the same; a network of the whole GO has some megabytes.
_KEPT_NETWORKS = 8
_LONGEST_REASON = 500


class _Outcome(Kept):
    """What a trial gave.

    Attributes
    ----------
    values
        What was tried, by name of the field.
    epochs, weights, seconds
        How long it trained, how large the model is, how long it took.
    losses
        Of the validation cells, by epoch; kept where trials are pruned by them.
    """

    values: dict[str, Any]
    epochs: Count = 0
    weights: Count = 0
    seconds: float = 0.0
    losses: list[float] = Field(default=[])


class Finished(_Outcome):
    """A trial that was trained to its end, with all scores of the validation cells."""

    state: Literal["finished"] = "finished"
    scores: dict[str, float]


class Pruned(_Outcome):
    """A trial that was stopped for its losses."""

    state: Literal["pruned"] = "pruned"


class Failed(_Outcome):
    """A trial that could not be built, trained or judged."""

    state: Literal["failed"] = "failed"
    reason: str


Outcome = Finished | Pruned | Failed


@dataclass(frozen=True, eq=False)
class Seen:
    """What trials may see: the data, the labels of training and validation cells, and which are which.

    Attributes
    ----------
    data
        All cells; rows without a label here are not used.
    labels
        Of training and validation cells alone.
    split
        Of these; its test part is empty.
    """

    data: anndata.AnnData
    labels: Labels | Targets
    split: Split


def seen_cells(data: anndata.AnnData, labels: Labels | Targets, split: Split) -> Seen:
    """Return what trials may see of the cells a recipe splits in three."""
    from keras_vnn.data import Split, labels_at

    kept = np.union1d(split.train, split.validation)
    train, validation = (np.searchsorted(kept, part) for part in (split.train, split.validation))
    return Seen(data, labels_at(labels, kept, data.n_obs), Split(train, validation, kept[:0], split.seed))


class Networks:
    """The networks of recipes; built once where recipes build alike."""

    def __init__(self) -> None:
        self._known: dict[str, Architecture] = {}

    def of(self, recipe: TrainingRecipe, *, say: Say = log_debug) -> Architecture:
        """Return the network of a recipe.

        Raises
        ------
        VNNError
            It cannot be read or built.
        """
        build = recipe.build if recipe.train.architecture is None else None
        key = "" if build is None else build.model_dump_json(exclude_unset=True)
        if key not in self._known:
            if len(self._known) == _KEPT_NETWORKS:
                del self._known[next(iter(self._known))]
            self._known[key] = network_of(recipe, say=say)
        return self._known[key]


def run_trial(
    recipe: TrainingRecipe,
    values: Mapping[str, Any],
    seen: Seen,
    networks: Networks,
    measure: str,
    *,
    is_hopeless: Callable[[Sequence[float]], bool] | None = None,
    what: str = "trial",
    progress: bool = False,
) -> Outcome:
    """Train the recipe with some values, and score it on the validation cells; a failure is an outcome too.

    Parameters
    ----------
    recipe, values
        What is trained.
    seen, networks
        What all trials share.
    measure
        What is judged by.
    is_hopeless
        Asked after every epoch, with the losses so far, whether to stop; ``None`` if no trial is pruned.
    what, progress
        As in `train`.
    """
    import keras

    losses: list[float] = []
    hopeless: list[int] = []
    callbacks: list[Any] = []
    if is_hopeless is not None:

        def judge(epoch: int, logs: Mapping[str, float]) -> None:
            losses.append(float(logs["val_loss"]))
            if is_hopeless(losses):
                hopeless.append(epoch)
                callbacks[0].model.stop_training = True

        callbacks.append(keras.callbacks.LambdaCallback(on_epoch_end=judge))
    start = time.perf_counter()

    def facts() -> dict[str, Any]:
        return {"values": dict(values), "seconds": round(time.perf_counter() - start, 2)}

    try:
        tried = changed_recipe(recipe, values)
        network = networks.of(tried)
        result = trained_network(
            tried.train,
            network,
            seen.data,
            seen.labels,
            seen.split,
            what=what,
            progress=progress,
            callbacks=callbacks,
            say=log_debug,
        )
        size = int(result.model.count_params())
        trained: dict[str, Any] = {"epochs": len(result.history), "weights": size, "losses": losses}
        if hopeless:
            return Pruned(**facts(), **trained)
        scores = _validation_scores(tried.train, result, seen)
        if math.isnan(scores[measure]):
            raise DataError(f"The {named(measure)} of the validation cells is not a number: predictions do not vary.")
        return Finished(**facts(), **trained, scores=scores)
    except _failures() as error:
        text = " ".join(str(error).split()) or "no reason given"
        kind = "" if isinstance(error, VNNError) else f"{type(error).__name__}: "
        return Failed(**facts(), reason=f"{kind}{text}"[:_LONGEST_REASON])
    finally:
        keras.backend.clear_session()


def _validation_scores(recipe: TrainRecipe, result: TrainingResult, seen: Seen) -> dict[str, float]:
    """Return all scores of the validation cells.

    Raises
    ------
    DataError
        The predictions cannot be judged.
    """
    from keras_vnn.data.metrics import scores
    from keras_vnn.inspection import predict

    if "val_loss" not in result.history:
        raise DataError("There is no loss of the validation cells: they are all of one type.")
    losses = result.history["val_loss"].to_numpy()
    # Early stopping goes back to the weights of the best epoch.
    loss = {"loss": float(np.nanmin(losses) if recipe.training_options().patience else losses[-1])}
    if recipe.objective != "prediction":
        return loss
    judged, labels = seen.split.validation, seen.labels
    predicted = predict(result.model, seen.data[labels.cells[judged]], missing=recipe.missing).to_numpy()
    return numbers_of(scores(labels, labels.truth[judged], predicted).to_json()) | loss


def _failures() -> tuple[type[Exception], ...]:
    """Return what ends a trial but not the search: what cannot be built or trained, and want of memory."""
    import keras

    kinds: tuple[type[Exception], ...] = (ValueError, MemoryError, RuntimeError, ArithmeticError)
    if keras.backend.backend() == "tensorflow":
        from tensorflow.errors import OpError

        kinds = (*kinds, OpError)
    return kinds
