"""Which named nodes a network's predictions determine: students of the same wiring learn from what a teacher says.

In: a trained model, cells. Out: a table by node: recovered, up to sign, not identified; kept with the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import genes_upstream
from keras_vnn.basics.errors import ConfigError, DataError
from keras_vnn.basics.keras_import import keras
from keras_vnn.data import Classes, split_cells
from keras_vnn.inspection._cells import Cells, cells_of, evenly
from keras_vnn.inspection._evidence import set_scores, standardised
from keras_vnn.inspection._record import output_weights, record, scores_of, without_outputs
from keras_vnn.models import Embedding, ModelView, Regression, view, weights_digest
from keras_vnn.options import ModelOptions, TrainingOptions

Doubles = NDArray[np.float64]
Places = NDArray[np.intp]

# A student that explains less of the teacher's scores than this says nothing of its nodes.
FITS = 0.9
# So much of the spread of a node's units, as a correlation, in so many of the students.
_HIGH, _NEARLY_ALL = 0.9, 0.8
_MOST_CELLS, _FEWEST_CELLS = 2_000, 40
_WORDS = {"r": "recovered", "s": "up to sign", "n": "not identified", "-": None}


def identify(
    model: keras.Model,
    data: Any,
    *,
    students: int = 5,
    training: TrainingOptions | None = None,
    missing: str = "raise",
    batch_size: int = 512,
    progress: bool = True,
) -> pd.DataFrame:
    """Return which nodes another network that predicts the same would have too, and keep that with the model.

    The model is the teacher: its scores of the cells, without noise, are what students learn, which have its wiring
    and options and other seeds. A node whose activity the students find again is determined by what the network
    predicts; of another, name and activity are of this one training. ``vnn inspect`` and the tables of `tl.rank_nodes`
    show the answer until the model is trained further.

    Parameters
    ----------
    model
        A trained model of `build_model` that predicts classes or numbers; it is changed.
    data, missing, batch_size
        As in `tl.rank_nodes`. Students learn from 70 % of the cells, and stop early by 15 %; in the last 15 % they are
        compared with the teacher.
    students
        How many, each with a seed of its own.
    training
        How they are trained; as the model was, when ``None``.
    progress
        Show a live line, on a terminal or in a notebook.

    Returns
    -------
    pandas.DataFrame
        By id of the node, in the order of the architecture: ``label``, ``kind``, ``layer``. ``identified``:
        *recovered* where in four of five students r is 0.9 or more and the sign is right; *up to sign* where r is; else
        *not identified*; ``None`` where fewer than half of the students, or only one, fit. ``r``, the median over
        students that fit: square root of the R² of the teacher's units from a linear regression on the student's,
        fitted to cells of their training; a layer above can read no more of them. ``same_sign``: fraction of students
        whose first principal component of the units rises with the teacher's, each turned to rise with the mean z-score
        of the node's genes, as it is shown elsewhere. ``r_at_start``: r of the students before training; where it is
        high, the wiring and the start alone give the node, and little is learned by its being recovered. ``attrs``:
        ``r2`` of each student's scores, ``agreement`` (fraction of cells given the teacher's class, of a classifier),
        ``students``, ``fit`` (of them, with R² of 0.9 or more), ``cells`` compared.

    Raises
    ------
    ConfigError
        There are fewer than two students.
    DataError
        There are fewer than 40 cells, or the model says the same of all.
    GeneError, ModelError
        As `tl.rank_nodes`; the model has no outputs.
    """
    from keras_vnn.training import fit_model

    if students < 2:
        raise ConfigError(f"One student cannot agree with another: students must be at least 2, got {students}.")
    seen = view(model)
    if seen.head is None or isinstance(seen.outputs, Embedding):
        raise without_outputs(seen)
    cells = cells_of(seen, data, missing=missing)
    if len(cells) < _FEWEST_CELLS:
        raise DataError(f"Students learn from cells: at least {_FEWEST_CELLS} are needed, got {len(cells)}.")
    scores = scores_of(seen, cells, batch_size)
    spread = scores.std(axis=0)
    if not (spread > 0).all():
        raise DataError("The model says the same of all cells: there is nothing for students to learn.")
    targets = np.asarray((scores - scores.mean(axis=0)) / spread, np.float32)
    parts = split_cells(np.arange(len(cells)), seed=0, stratify=False)
    fitted, tested = evenly(parts.train, _MOST_CELLS), evenly(parts.test, _MOST_CELLS)
    shown = cells.at(np.concatenate([fitted, tested]))
    where = np.arange(len(fitted)), np.arange(len(fitted), len(shown))
    genes = np.concatenate([set_scores(genes_upstream(seen.architecture), z) for _, z in standardised(shown)])
    own, told = _run(seen, shown, batch_size)
    kept = seen.card.metadata.get("training") or {}
    options = training or TrainingOptions(**kept.get("options", {}))
    # The teacher's own seed would begin where the teacher did.
    its_own = kept.get("options", {}).get("seed")
    seeds = [seed for seed in range(options.seed + 1, options.seed + students + 2) if seed != its_own][:students]
    mean, found, r2, agreement = scores.mean(axis=0), [], [], []
    for number, seed in enumerate(seeds, start=1):
        how = options.changed(seed=seed)
        student = student_of(seen, how, len(parts.train))
        start, _ = compared(own, _run(view(student), shown, batch_size)[0], genes, seen, *where)
        known = [(_inputs(cells, rows), targets[rows]) for rows in (parts.train, parts.validation)]
        what = f"student {number}/{students}"
        fit_model(student, *known[0], validation=known[1], training=how, progress=progress, what=what)
        units, said = _run(view(student), shown, batch_size)
        truth, guess = (told[where[1]] - mean) / spread, said[where[1]]
        r2.append(float(1 - ((guess - truth) ** 2).sum() / ((truth - truth.mean(axis=0)) ** 2).sum()))
        agreement.append(float(((guess * spread + mean).argmax(axis=1) == told[where[1]].argmax(axis=1)).mean()))
        found.append((start, *compared(own, units, genes, seen, *where)))
    fit = np.array(r2) >= FITS
    start, r, sign = (np.stack(values)[fit] for values in zip(*found, strict=True))
    answer = np.full(r.shape[1], "-")
    if fit.sum() >= max(2, students / 2):
        is_high = r >= _HIGH
        answer[:] = "n"
        answer[is_high.mean(axis=0) >= _NEARLY_ALL] = "s"
        answer[(is_high & (sign > 0)).mean(axis=0) >= _NEARLY_ALL] = "r"
    facts = {"r2": r2, "students": students, "fit": int(fit.sum()), "cells": len(tested)}
    facts |= {"agreement": agreement} if isinstance(seen.outputs, Classes) else {}
    seen.card.remember(identified={"weights": weights_digest(seen.model), "answer": "".join(answer), **facts})
    nodes = seen.architecture.node_table()
    table = nodes.loc[nodes["layer"] > 0, ["label", "kind", "layer"]].assign(
        identified=identified_nodes(seen),
        r=np.median(r, axis=0) if len(r) else np.nan,
        same_sign=(sign > 0).mean(axis=0) if len(r) else np.nan,
        r_at_start=np.median(start, axis=0) if len(r) else np.nan,
    )
    table.attrs.update(facts)
    return table


def identified_nodes(seen: ModelView) -> list[str | None] | None:
    """Return what `identify` said of each hidden node; ``None`` if it was not asked, or the weights changed since."""
    kept = seen.card.metadata.get("identified")
    if kept is None or kept["weights"] != weights_digest(seen.model):
        return None
    return [_WORDS.get(letter) for letter in kept["answer"]]


def compared(
    teacher: list[Doubles],
    student: list[Doubles],
    genes: NDArray[np.floating],
    seen: ModelView,
    fitted: Places,
    tested: Places,
) -> tuple[Doubles, Doubles]:
    """Return r, and correlations of first components, ``(nodes,)`` each, of all hidden nodes.

    Parameters
    ----------
    teacher, student
        ``(cells, units)`` by hidden layer.
    genes
        ``(cells, nodes)`` mean z-scores, by which components are turned.
    seen
        The model.
    fitted, tested
        Cells to fit regressions and components to, and to score them in.
    """
    r, sign, node = [], [], 0
    for ours, theirs, layer in zip(teacher, student, seen.architecture.hidden_layers, strict=True):
        for start, count in zip(np.cumsum(layer.units) - layer.units, layer.units, strict=True):
            units = [
                values[:, start : start + count] - values[fitted, start : start + count].mean(axis=0)
                for values in (ours, theirs)
            ]
            slopes = np.linalg.lstsq(units[1][fitted], units[0][fitted], rcond=1e-6)[0]
            truth = units[0][tested]
            left = ((truth - units[1][tested] @ slopes) ** 2).sum()
            total = ((truth - truth.mean(axis=0)) ** 2).sum()
            r.append(np.sqrt(max(1 - left / total, 0.0)) if total > 1e-9 * len(tested) else 0.0)
            first = [values @ np.linalg.eigh(values[fitted].T @ values[fitted])[1][:, -1] for values in units]
            turned = [values * np.sign(values[fitted] @ genes[fitted, node]) for values in first]
            one, other = (values[tested] - values[tested].mean() for values in turned)
            scale = np.sqrt((one**2).sum() * (other**2).sum())
            sign.append(one @ other / scale if scale > 0 else 0.0)
            node += 1
    return np.array(r), np.array(sign)


def student_of(seen: ModelView, training: TrainingOptions, cells: int) -> keras.Model:
    """Return an untrained model of the same wiring and options that predicts numbers, the scores of the teacher."""
    from keras_vnn.models import build_model
    from keras_vnn.training import make_optimizer

    outputs = Regression(output_weights(seen).names)
    optimizer = make_optimizer(training, -(-cells // training.batch_of(cells)))
    chosen: Any = ModelOptions(**{**seen.options, "loss": "auto"})
    return build_model(seen.architecture, outputs, optimizer=optimizer, seed=training.seed, **dict(chosen))


def _run(seen: ModelView, cells: Cells, batch_size: int) -> tuple[list[Doubles], Doubles]:
    """Return the units ``(cells, units)`` of each hidden layer, and the scores ``(cells, outputs)``."""
    done = record(seen, cells, batch_size=batch_size)
    units = [done.units[number].astype(np.float64) for number in range(1, len(seen.architecture.layers))]
    return units, output_weights(seen).scores(done.features).astype(np.float64)


def _inputs(cells: Cells, rows: Places) -> Any:
    return [part[rows] for part in (cells.values, *cells.side)] if cells.side else cells.values[rows]
