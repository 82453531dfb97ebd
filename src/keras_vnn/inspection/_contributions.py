"""What every node does to an output in every cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_vnn.basics.errors import ConfigError, ModelError, did_you_mean
from keras_vnn.data import Classes
from keras_vnn.inspection._cells import cells_of
from keras_vnn.inspection._layer_view import LayerView, Network
from keras_vnn.inspection._methods import IMPORTANCE_METHODS, check_method
from keras_vnn.inspection._record import output_weights, record
from keras_vnn.inspection._statistics import ClassMoments
from keras_vnn.models import view

if TYPE_CHECKING:
    import anndata

__all__ = ["node_contributions"]


def node_contributions(
    model: keras.Model,
    data: Any,
    *,
    method: str = "gradient",
    output: str | None = None,
    layers: Sequence[int] | None = None,
    missing: str = "raise",
    batch_size: int = 512,
) -> anndata.AnnData:
    """Return what each named node contributes to an output in each cell.

    Parameters
    ----------
    model
        A model of `build_model` that predicts classes or numbers.
    data, missing, batch_size
        As in `rank_nodes`; means are those over all these cells.
    method
        As in `rank_nodes`, but for ``"rlipp"``, which has no contributions of single cells.
    output
        The class or number it is about. When ``None``, in each cell the class that is predicted for it; of a
        regression the first number.
    layers
        Numbers of the layers; 0 is the genes. All hidden ones when ``None``.

    Returns
    -------
    anndata.AnnData
        ``X`` float32 ``(cells, nodes)``: signed contributions, in units of the outputs as in `rank_nodes`. ``var``:
        ``label``, ``kind``, ``layer``; ``obs``: that of the data and ``output``, the output each row is about.

    Raises
    ------
    ConfigError
        The method is unknown or has no contributions of cells, or ``batch_size`` is not positive.
    ModelError
        There is no such output or layer, or the model is an embedding.
    DataError, GeneError
        As `predict`.
    """
    import anndata
    import pandas as pd

    check_method(method, per_cell=True)
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1, got {batch_size}.")
    seen = view(model)
    arch = seen.architecture
    head = output_weights(seen)
    if output is not None and output not in head.names:
        raise ModelError(
            f"The model has no output {output!r}; it has {', '.join(head.names)}. "
            f"{did_you_mean(output, list(head.names))}".rstrip()
        )
    numbers = list(range(1, len(arch.layers))) if layers is None else sorted(set(layers))
    wrong = [number for number in numbers if not 0 <= number < len(arch.layers)]
    if wrong:
        raise ModelError(f"There is no layer {wrong[0]}: they are numbered 0 to {len(arch.layers) - 1}.")
    cells = cells_of(seen, data, missing=missing)
    moments = {number: ClassMoments(1) for number in {0, *numbers}}
    for _, part in cells.parts():
        done = record(seen, part, batch_size=batch_size)
        for number, moment in moments.items():
            moment.see(done.units[number], np.zeros(len(part), np.int32))
    network = Network(seen, {number: moment.means for number, moment in moments.items()}, batch_size)
    counts = [len(arch.layers[number]) for number in numbers]
    starts = dict(zip(numbers, np.cumsum([0, *counts[:-1]]), strict=True))
    values = np.zeros((len(cells), sum(counts)), np.float32)
    about = np.zeros(len(cells), np.intp)
    contributions = IMPORTANCE_METHODS[method].contributions
    if contributions is None:
        raise ConfigError(f"The method {method} has no contributions of single cells.")
    for rows, part in cells.parts():
        # What is in memory was one part, and is recorded already.
        done = done if len(part) == len(cells) else record(seen, part, batch_size=batch_size)
        about[rows] = _outputs_of(head.scores(done.features), head.names, output, isinstance(seen.outputs, Classes))
        for number in numbers:
            for place, nodes, block in contributions(LayerView(network, done, number)):
                chosen = about[rows][place]
                taken = block[:, chosen, np.arange(len(chosen))]
                values[rows.start + place.start : rows.start + place.stop, starts[number] + nodes] = taken.T
    var = pd.DataFrame(
        {
            "label": [node.label for number in numbers for node in arch.layers[number]],
            "kind": [node.kind for number in numbers for node in arch.layers[number]],
            "layer": np.repeat(numbers, counts),
        },
        index=pd.Index([node.id for number in numbers for node in arch.layers[number]]),
    )
    obs = cells.obs.assign(output=pd.Categorical.from_codes(about, categories=list(head.names)))
    facts = {"fingerprint": arch.fingerprint, "method": method}
    return anndata.AnnData(values, obs=obs, var=var, uns={"keras_vnn": facts})


def _outputs_of(scores: Any, names: Sequence[str], output: str | None, is_classifier: bool) -> Any:
    if output is None and is_classifier:
        return scores.argmax(axis=1)
    return np.full(len(scores), 0 if output is None else list(names).index(output))
