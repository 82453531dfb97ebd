"""`run_training`: what all trainings have in common, from data and an architecture to a model that knows its training.

In: what there is to learn, as the public functions say it. Out: a `TrainingResult`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import DataError, ModelError, check_kind, counted, sample
from keras_vnn.basics.progress import Say
from keras_vnn.basics.remedies import option_named, remedy
from keras_vnn.basics.showing import Shown
from keras_vnn.data import (
    Labels,
    Normalization,
    Split,
    SurvivalTimes,
    Targets,
    align_features,
    class_weights,
    fit_normalization,
    inputs_of,
    split_cells,
)
from keras_vnn.data.labels import column_of
from keras_vnn.data.metrics import Metrics
from keras_vnn.data.splits import PARTS, groups_in
from keras_vnn.models import view
from keras_vnn.options import (
    AutoencoderOptions,
    ModelOptions,
    PretrainingOptions,
    TrainingOptions,
    check_counts_are_read,
)
from keras_vnn.training._fit import checked_weights, fit_model, make_optimizer, precision, rows_of
from keras_vnn.training._order import CellOrder
from keras_vnn.training._pretraining import pretrain

# Events that a step of a training on survival sees, and cells among which they are compared, which take memory by their
# square.
_EVENTS, _MOST_AT_RISK = 64, 4096


@dataclass(frozen=True, eq=False, repr=False)
class TrainingResult(Shown):
    """A trained model and how it came out.

    Attributes
    ----------
    model
        The Keras model; it carries the architecture, the classes, the normalisation and this record.
    history
        A row per epoch: loss and accuracy on training and validation cells.
    metrics
        Scores on the test cells, which had no part in training; ``None`` where the split has none.
    split
        Which cells were used for what, as positions in the labels.
    """

    model: keras.Model
    history: pd.DataFrame
    metrics: Metrics | None
    split: Split

    def __str__(self) -> str:
        """Return how long it was trained, and how the test cells came out."""
        lines = [f"{counted(self.model.count_params(), 'weight')}, {counted(len(self.history), 'epoch')}; {self.split}"]
        if "val_loss" in self.history:
            best = self.history["val_loss"].to_numpy()
            lines.append(f"validation  loss {best.min():.4g} after epoch {int(best.argmin()) + 1}")
        if self.metrics is not None:
            lines.append(f"test        {self.metrics}")
        return "\n".join(lines)

    def _shown_parts(self) -> Iterable[str | pd.DataFrame]:
        yield str(self)
        if self.metrics is not None:
            yield from list(self.metrics._shown_parts())[1:]


def run_training(
    arch: Architecture,
    data: Any,
    labels: Labels | Targets | None,
    build: Callable[..., keras.Model],
    model_options: ModelOptions | AutoencoderOptions,
    *,
    targets: NDArray[Any] | None,
    objective: tuple[str, Any],
    training: TrainingOptions,
    split: Split | None,
    missing: str,
    group: str | None,
    progress: bool,
    say: Say | None,
    normalization: Normalization | None = None,
    inputs: Callable[[Any], Any] = lambda values: values,
    sampler: Callable[[NDArray[np.integer]], tuple[CellOrder, int]] | None = None,
    score: Callable[[keras.Model, Any, Any], Metrics] | None = None,
    sample_weight: Any = None,
    remember: Mapping[str, Any] | None = None,
    pretraining: PretrainingOptions | None = None,
    **fitting: Any,
) -> TrainingResult:
    """Split the cells, normalise and read them, build a model, fit it, score it, and let it remember all that.

    Parameters
    ----------
    arch, data, training, split, missing, pretraining, progress, say, **fitting
        As in `train` and `tl.fit_model`.
    labels
        Of the cells to use; all cells if ``None``.
    build
        Called with ``normalization``, ``optimizer`` and ``seed``; returns a compiled model.
    model_options
        What the model is built by.
    targets
        What is learned of each cell; its genes if ``None``.
    objective
        What is learned, and JSON values that it depends on.
    normalization
        That is known already; fitted to the training cells if ``None``.
    inputs
        From one value per gene to what the model reads.
    sampler
        From some cells the order in which to draw them, and the size of batches; else every cell once.
    score
        Called with the model, and inputs and targets of the test cells.
    group
        Column of the donor or batch, whose cells stay in one part of the split.
    sample_weight
        ``(cells of the data,)`` weight of each in the loss.
    remember
        Further JSON values that the record of the training has.
    """
    check_counts_are_read(training, model_options)
    if pretraining is not None:
        how = "For example: vnn.tl.PretrainingOptions(layers='all')"
        check_kind("PretrainingOptions", pretraining, "layers noise", how, ModelError, name="pretraining")
    cells = np.arange(len(data)) if labels is None else labels.cells
    parts = split_of(data, labels, split, group, training.seed)
    order, batch_size = (None, _batch_size(training, labels, parts)) if sampler is None else sampler(parts.train)
    values, normalization = _values(arch, data, cells, parts, training, model_options, missing, normalization)
    values = inputs(values)
    steps = -(-(len(parts.train) if order is None else order.cells) // batch_size)
    with precision(training):
        optimizer = make_optimizer(training, steps)
        model = build(normalization=normalization, optimizer=optimizer, seed=training.seed)
    x = rows_of(values, parts.train)
    if pretraining is not None:
        pretrain(model, x, options=pretraining, seed=training.seed, progress=progress, say=say)
    held_out = parts.validation
    if sampler is not None:
        # The same pairs or triplets of validation cells in every epoch; cells of one type make none.
        has_types = targets is not None and len(np.unique(targets[held_out])) > 1
        held_out = held_out[sampler(held_out)[0].current()] if has_types else held_out[:0]

    def known_of(read: Any, rows: Any) -> tuple[Any, Any]:
        genes = read[0] if isinstance(read, list) else read
        return read, genes if targets is None else targets[rows]

    history = fit_model(
        model,
        *known_of(x, parts.train),
        validation=known_of(rows_of(values, held_out), held_out) if held_out.size else None,
        training=training,
        class_weight=class_weights(labels, cells=parts.train)
        if sampler is None and training.class_weights == "balanced" and isinstance(labels, Labels)
        else None,
        sample_weight=None if sample_weight is None else checked_weights(sample_weight, len(data))[cells][parts.train],
        progress=progress,
        say=say,
        identity={
            "architecture": arch,
            "model_options": model_options.to_json(),
            "objective": objective,
            "pretraining": None if pretraining is None else pretraining.to_json(),
        },
        order=order,
        batch_size=batch_size,
        **fitting,
    )
    metrics = None
    if score is not None and parts.test.size:
        metrics = score(model, *known_of(rows_of(values, parts.test), parts.test))
    record: dict[str, Any] = {
        "options": training.to_json(),
        "cells": {name: len(getattr(parts, name)) for name in PARTS},
        "label": labels.name if isinstance(labels, Labels) else [] if labels is None else list(labels.names),
        "split": {"seed": parts.seed, "sha256": parts.digest},
        "history": history.astype(float).to_dict("list"),
        "metrics": None if metrics is None else metrics.to_json(),
        **({} if pretraining is None else {"pretraining": pretraining.to_json()}),
        **({} if objective[0] == "prediction" else {"objective": objective[0], "objective_options": objective[1]}),
        **(remember or {}),
    }
    if group is not None:
        names = column_of(data, group)[1].iloc[cells].astype(str)
        held = {name: sorted({*names.iloc[getattr(parts, name)]}) for name in ("validation", "test")}
        record["split"] |= {"group": group, **held}
    view(model).card.remember(training=record, judgement=None)
    return TrainingResult(model, history, metrics, parts)


def split_of(data: Any, labels: Labels | Targets | None, split: Split | None, group: str | None, seed: int) -> Split:
    """Return the split that is given, or one that is drawn, with whole groups if a column of them is named.

    Raises
    ------
    DataError
        The split is of other cells, or has cells of a group in several parts; or what `pp.split_cells` raises.
    """
    cells, noun = (np.arange(len(data)), "data") if labels is None else (labels.cells, "labels")
    groups = groups_in(data, group, cells)
    of = cells if labels is None else labels
    if split is not None:
        draw = "Draw one: vnn.pp.split_cells(labels, seed=0)"
        check_kind("a Split", split, "train validation test", draw, DataError, name="split")
    parts = split or split_cells(of, seed=seed, stratify=labels is not None, groups=groups)
    if len(parts) != len(cells):
        raise DataError(
            f"The split is of {counted(len(parts), 'cell')}, the {noun} of {len(cells):,}. Draw the split from these "
            "cells."
        )
    if groups is not None:
        parts_of = Counter(name for part in PARTS for name in {*map(str, groups[getattr(parts, part)])})
        shared = [name for name, count in parts_of.items() if count > 1]
        if shared:
            raise DataError(
                f"Cells of {counted(len(shared), 'group')} of {group!r} are in several parts of the split: "
                f"{sample(shared)}.\n"
                "Draw it with whole groups: vnn.pp.split_cells(labels, groups=…, seed=…)"
            )
    return parts


def _batch_size(training: TrainingOptions, labels: Labels | Targets | None, split: Split) -> int:
    """Return the number of cells per step: of survival, if nothing is said, so many that a step sees `_EVENTS`."""
    if training.batch_size is None and isinstance(labels, SurvivalTimes):
        share = max(float(labels.strata[split.train].mean()), 1 / _MOST_AT_RISK)
        return min(len(split.train), round(_EVENTS / share), _MOST_AT_RISK)
    return training.batch_of(len(split.train))


def _values(
    arch: Architecture,
    data: Any,
    cells: NDArray[Any],
    split: Split,
    training: TrainingOptions,
    options: ModelOptions | AutoencoderOptions,
    missing: str,
    known: Normalization | None,
) -> tuple[Any, Normalization | None]:
    """Return what the network reads of the cells, and the normalisation, known or fitted to those for training."""
    if isinstance(options, ModelOptions) and options.gene_features:
        if training.normalization != "none":
            raise DataError(
                f"Several features per gene are taken as they are, got {option_named('normalization')} "
                f"{training.normalization!r}.\n"
                + remedy("Pass {normalization}, and scale the layers of the data yourself.", normalization="none")
            )
        return align_features(data, arch, options.gene_features, missing=missing)[cells], None
    normalization = known or fit_normalization(
        training.normalization,
        data,
        arch,
        cells=cells[split.train],
        missing="raise" if missing == "raise" else "zero",
    )
    if isinstance(options, AutoencoderOptions) and options.restores_counts:
        normalization.check_counts()
    return inputs_of(data, arch, missing=missing, normalization=normalization)[cells], normalization
