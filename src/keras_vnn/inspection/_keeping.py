"""What a trained model keeps of the cells it was trained on, so that its file answers: the judgement, and its nodes.

In: a training result and its data. Out: the same model, which remembers. `vnn.train` and ``vnn train`` both end here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_vnn.basics.errors import ModelError
from keras_vnn.basics.progress import Say, log_info
from keras_vnn.data import Classes, Labels, Targets, is_on_disk, labels_at
from keras_vnn.inspection._judgement import judge
from keras_vnn.inspection._memory import remember_inspection
from keras_vnn.models import Survival, view
from keras_vnn.training import TrainingResult

MOST_INSPECTED = 20_000


def keep_inspection(
    result: TrainingResult,
    data: Any,
    labels: Labels | Targets | None,
    *,
    missing: str = "raise",
    progress: bool = True,
    say: Say = log_info,
) -> None:
    """Keep with a model what its nodes say of its cells, and how it does next to plain methods.

    Classifiers and models of survival that have test cells are judged; nodes of all models are measured. Where nodes
    cannot be followed one by one, that is said, and nothing is kept of them.

    Parameters
    ----------
    result
        Of a training; its model is changed.
    data, labels, missing
        What it was trained with.
    progress
        Show a live line, on a terminal or in a notebook.
    say
        Called with the judgement, a line at a time.

    Raises
    ------
    DataError
        The model reads an array next to the genes that has no name in the data.
    """
    model, split = result.model, result.split
    if result.metrics is not None and isinstance(view(model).outputs, Classes | Survival):
        for line in str(judge(model, data, labels, split=split, missing=missing)).split("\n"):
            say(f"judgement     {line}")
    count = len(split)
    asked = inspected_cells(count, data, most=MOST_INSPECTED)
    if len(asked) < count:
        say(f"inspection    of {len(asked):,} cells spread over the file")
        if labels is None:
            data = data[asked].to_memory()
        else:
            labels = labels_at(labels, asked, len(data))
    try:
        remember_inspection(model, data, labels, split=split.at(asked), missing=missing, progress=progress)
    except (
        ModelError
    ) as error:  # a network whose nodes cannot be taken out one by one is a trained network all the same
        say(f"inspection    not kept with the model. {str(error).splitlines()[0]}")


def inspected_cells(count: int, data: Any, *, most: int) -> NDArray[np.intp]:
    """Return positions of the cells that nodes are measured on: of data on disk so many, evenly spread.

    Taking out every node in every cell of a million would take longer than the training.
    """
    if count <= most or not is_on_disk(data):
        return np.arange(count)
    return np.arange(most) * count // most
