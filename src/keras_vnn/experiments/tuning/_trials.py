"""One trial: a recipe trained on the training cells, judged by the validation cells; test cells are not there."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import DataError, VNNError
from keras_vnn.experiments.tuning._measures import named, numbers_of
from keras_vnn.experiments.tuning._settings import changed_recipe
from keras_vnn.recipes.run import Say, architecture_of, build_architecture, labels_at, silent, trained_network
from keras_vnn.recipes.schema import Recipe, TrainRecipe

if TYPE_CHECKING:
    import anndata

    from keras_vnn.data import Labels, Split, Targets
    from keras_vnn.training import TrainingResult

__all__ = ["Networks", "Outcome", "Seen", "run_trial", "seen_cells"]

# Networks kept for trials that build the same; a network of the whole GO has some megabytes.
_KEPT_NETWORKS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a trial gave.

    Attributes
    ----------
    values
        What was tried, by name of the field.
    state
        ``finished``, ``pruned`` or ``failed``.
    score
        By the measure of the search; NaN unless it finished.
    scores
        All scores of the validation cells.
    epochs, weights, seconds
        How long it trained, how large the model is, how long it took.
    losses
        Of the validation cells, by epoch; kept where trials are pruned by them.
    reason
        Why it failed.
    """

    values: Mapping[str, Any]
    state: str
    score: float = math.nan
    scores: Mapping[str, float] = field(default_factory=dict)
    epochs: int = 0
    weights: int = 0
    seconds: float = 0.0
    losses: Sequence[float] = ()
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values, NaN as ``None``."""
        found = asdict(self)
        found["score"] = None if math.isnan(self.score) else self.score
        found["losses"] = list(self.losses)
        found["scores"] = {name: None if math.isnan(value) else value for name, value in self.scores.items()}
        return found

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Outcome:
        """Make an outcome from what `to_json` gave."""
        scores = {name: math.nan if value is None else value for name, value in fields["scores"].items()}
        score = math.nan if fields["score"] is None else fields["score"]
        return cls(**{**fields, "score": score, "scores": scores, "losses": tuple(fields["losses"])})


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
    from keras_vnn.data import Split

    kept = np.union1d(split.train, split.validation)
    own = Split(np.searchsorted(kept, split.train), np.searchsorted(kept, split.validation), [], split.seed)  # type: ignore[arg-type]
    return Seen(data, labels_at(labels, kept, data.n_obs), own)


class Networks:
    """The architectures that recipes name or build; built once where recipes build alike."""

    def __init__(self) -> None:
        self._known: dict[str, Architecture] = {}

    def of(self, recipe: Recipe, *, say: Say = silent) -> Architecture:
        """Return the architecture of a recipe.

        Raises
        ------
        VNNError
            It cannot be read or built.
        """
        build, train = recipe.build, recipe.train
        if build is None or (train is not None and train.architecture is not None):
            key = ""
        else:
            key = build.model_dump_json(exclude_unset=True)
        if key not in self._known:
            if len(self._known) == _KEPT_NETWORKS:
                del self._known[next(iter(self._known))]
            if key and build is not None:
                self._known[key] = build_architecture(build, say=say)
            elif train is not None:
                self._known[key] = architecture_of(train)
        return self._known[key]


def run_trial(
    recipe: Recipe,
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

    start = time.perf_counter()
    try:
        tried = changed_recipe(recipe, values)
        arch = networks.of(tried)
        if tried.train is None:
            raise VNNError("The recipe has no train section.")
        stops = _Stops(is_hopeless)
        result = trained_network(
            tried.train,
            arch,
            seen.data,
            seen.labels,
            seen.split,
            what=what,
            progress=progress,
            callbacks=stops.callbacks(),
        )
        facts: dict[str, Any] = {
            "values": dict(values),
            "epochs": len(result.history),
            "weights": int(result.model.count_params()),
            "losses": tuple(stops.losses),
        }
        if stops.is_stopped:
            return Outcome(state="pruned", seconds=_seconds(start), **facts)
        scores = validation_scores(tried.train, result, seen)
        if math.isnan(scores[measure]):
            raise DataError(f"The {named(measure)} of the validation cells is not a number: predictions do not vary.")
        return Outcome(state="finished", score=scores[measure], scores=scores, seconds=_seconds(start), **facts)
    except _failures() as error:
        return Outcome(values=dict(values), state="failed", seconds=_seconds(start), reason=_reason(error))
    finally:
        keras.backend.clear_session()


class _Stops:
    """The losses of a trial, epoch by epoch, and whether it was stopped for them."""

    def __init__(self, is_hopeless: Callable[[Sequence[float]], bool] | None) -> None:
        self.losses: list[float] = []
        self.is_stopped = False
        self._is_hopeless = is_hopeless

    def callbacks(self) -> list[Any]:
        """Return what Keras is to call."""
        import keras

        if self._is_hopeless is None:
            return []

        def after(epoch: int, logs: Mapping[str, float]) -> None:
            self.losses.append(float(logs["val_loss"]))
            if self._is_hopeless is not None and self._is_hopeless(self.losses):
                self.is_stopped = caller.model.stop_training = True

        caller = keras.callbacks.LambdaCallback(on_epoch_end=after)
        return [caller]


def validation_scores(recipe: TrainRecipe, result: TrainingResult, seen: Seen) -> dict[str, float]:
    """Return all scores of the validation cells.

    Raises
    ------
    DataError
        The predictions cannot be judged.
    """
    from keras_vnn.data import Labels, classification_metrics, regression_metrics
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
    if isinstance(labels, Labels):
        return numbers_of(classification_metrics(labels.codes[judged], predicted, labels.classes).to_json()) | loss
    truth = labels.values[judged]
    found = {
        name: regression_metrics(truth[:, column], predicted[:, column]).to_json()
        for column, name in enumerate(labels.names)
    }
    return numbers_of(found) | loss


def _failures() -> tuple[type[Exception], ...]:
    """Return what ends a trial but not the search: what cannot be built or trained, and want of memory."""
    import keras

    found: tuple[type[Exception], ...] = (ValueError, MemoryError, RuntimeError, ArithmeticError)
    if keras.backend.backend() == "tensorflow":
        from tensorflow.errors import OpError

        found = (*found, OpError)
    return found


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no reason given"
    kind = "" if isinstance(error, VNNError) else f"{type(error).__name__}: "
    return f"{kind}{text}"[:500]


def _seconds(start: float) -> float:
    return round(time.perf_counter() - start, 2)
