"""The trainings that users call: those of `keras_vnn.training`, whose models then keep what their nodes say.

In: an architecture, data, labels. Out: a `TrainingResult`, whose model answers without data once it is saved.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

import keras

from keras_vnn import training
from keras_vnn.architecture import Architecture, check_architecture_given
from keras_vnn.basics.progress import log_info
from keras_vnn.data import Labels, Split, Targets, labels_given
from keras_vnn.inspection import keep_inspection
from keras_vnn.training import TrainingResult

if TYPE_CHECKING:
    from keras_vnn.options import PretrainingOptions, TrainingOptions
    from keras_vnn.options._changes import PredictorChanges, RestorerChanges

    class OfTraining(TypedDict, total=False):
        training: TrainingOptions | Mapping[str, Any] | None
        split: Split | None
        group: str | None
        missing: str
        preset: str | None
        progress: bool
        what: str
        checkpoint: str | os.PathLike[str] | None
        logs: str | os.PathLike[str] | None
        say: Callable[[str], None] | None
        callbacks: Sequence[keras.callbacks.Callback]

    class OfPredictors(OfTraining, PredictorChanges, total=False):
        side: Any
        covariate: str | Sequence[str]
        sample_weight: Any
        pretraining: PretrainingOptions | None

    class OfEmbeddings(OfTraining, PredictorChanges, total=False):
        margin: float | None
        types_per_batch: int
        cells_per_type: int
        pretraining: PretrainingOptions | None

    class OfAutoencoders(OfTraining, RestorerChanges, total=False):
        center: bool
        warmup_epochs: int


Function = TypeVar("Function", bound=Callable[..., TrainingResult])

_REMEMBER = """\
remember
    Keep with the model what its nodes say of these cells, and how a classifier does next to plain methods, as ``vnn
    train`` does: saved, it then answers `tl.rank_nodes`, `pl.write_report` and ``vnn inspect`` without data. Of data
    on disk 20,000 cells are measured; an array ``side`` without a name is not found again, so nothing is kept.
"""


def like(plain: Callable[..., TrainingResult]) -> Callable[[Function], Function]:
    """Give a function the signature and the docstring of the training it calls, with ``remember``."""

    def decorated(function: Function) -> Function:
        own = inspect.signature(function).parameters["remember"]
        *first, options = inspect.signature(plain).parameters.values()
        signature = inspect.signature(plain).replace(parameters=[*first, own, options])
        function.__signature__ = signature  # type: ignore[attr-defined]
        function.__doc__ = inspect.cleandoc(plain.__doc__ or "").replace(
            "\n\nReturns\n", f"\n{_REMEMBER}\nReturns\n", 1
        )
        return function

    return decorated


@like(training.train)
def train(
    arch: Architecture,
    data: Any,
    labels: Labels | Targets | str | Sequence[Any],
    *,
    remember: bool = True,
    **options: Unpack[OfPredictors],
) -> TrainingResult:
    """Train as `training.train` does, and let the model keep what its nodes say."""
    return _trained(training.train, arch, data, labels, remember, options)


@like(training.train_embedding)
def train_embedding(
    arch: Architecture,
    data: Any,
    labels: Labels | str | Sequence[Any],
    *,
    objective: str = "triplet",
    remember: bool = True,
    **options: Unpack[OfEmbeddings],
) -> TrainingResult:
    """Train as `training.train_embedding` does, and let the model keep what its nodes say."""
    return _trained(partial(training.train_embedding, objective=objective), arch, data, labels, remember, options)


@like(training.train_autoencoder)
def train_autoencoder(
    arch: Architecture,
    data: Any,
    labels: Labels | Targets | str | Sequence[Any] | None = None,
    *,
    remember: bool = True,
    **options: Unpack[OfAutoencoders],
) -> TrainingResult:
    """Train as `training.train_autoencoder` does, and let the model keep what its nodes say."""
    return _trained(training.train_autoencoder, arch, data, labels, remember, options)


def _trained(
    plain: Callable[..., TrainingResult], arch: Architecture, data: Any, labels: Any, remember: bool, options: Any
) -> TrainingResult:
    check_architecture_given(arch)
    known = None if labels is None else labels_given(data, labels)
    result = plain(arch, data, known, **options)
    say = options.get("say") or log_info
    if remember and not isinstance(options.get("side"), str | None):
        say("inspection    not kept: the array next to the genes has no name; put it into data.obsm, side='drug'")
    elif remember:
        how = {name: options[name] for name in ("missing", "progress") if name in options}
        keep_inspection(result, data, known, say=say, **how)
    return result
