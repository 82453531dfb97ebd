"""The named nodes and genes of a model by what they do to its outputs, over all cells and in every cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import gene_counts
from keras_vnn.basics.errors import ConfigError, ModelError, check_choice, did_you_mean
from keras_vnn.data import Classes
from keras_vnn.inspection._cells import cells_of
from keras_vnn.inspection._findings import ClassMoments, Findings, findings_of, recalled
from keras_vnn.inspection._importance import hidden_layers
from keras_vnn.inspection._methods import IMPORTANCE_METHODS, LayerView, Network, contributions_of
from keras_vnn.inspection._record import Recording, output_weights
from keras_vnn.models import ModelView, view

if TYPE_CHECKING:
    import anndata


def rank_nodes(
    model: keras.Model,
    data: Any = None,
    labels: Any = None,
    *,
    method: str | None = None,
    layers: Sequence[int] | None = None,
    top: int | None = None,
    missing: str = "raise",
    batch_size: int = 512,
    progress: bool = False,
) -> pd.DataFrame:
    """Return the named hidden nodes of a model, the most important first.

    The importance of a node is the mean, over all cells and outputs, of the absolute change of an output when the
    node is taken out. Outputs of a classifier are its logits less their mean over the classes (which the softmax does
    not see), those of a regression the numbers themselves; importance is in these units, and is not divided by the
    number of genes or connections of a node, so large nodes tend to rank high. The same model and data give the
    same table.

    Parameters
    ----------
    model
        A model of `build_model` that predicts classes or numbers.
    data
        AnnData or DataFrame (cells, genes), aligned by name and normalised as the model's training data were; or an
        aligned and normalised array ``(cells, input units)``. When ``None``, what the model remembers of the data
        given to `tl.remember_inspection`, as ``vnn train`` does.
    labels
        The class of each cell: a sequence, `Labels`, or the name of a column of ``data.obs``; for a regression the
        numbers. The model's own predictions when ``None``. They decide the signed columns, not the importance.
    method
        ``"knockout"``: exact; all units of the node are held at their means over the data; ``"knockout-zero"``: at
        zero. ``"gradient"``: the gradient times the distance from the mean, the same to first order;
        ``"gradient-zero"``: times the activity. ``"integrated-gradients"`` and ``"integrated-gradients-zero"``: the
        mean gradient on the way there; they add up over a layer. ``"conductance"`` and ``"conductance-zero"``: what
        flows through a node when the genes go from their means, or zero, to what they are. ``"epsilon"``: KPNN's node
        weight, the slope of the prediction, averaged over all cells with its sign. ``"rlipp"``: Spearman's ρ of the
        target (the labels or, without them, the model's scores) with a ridge on the units of the node, less that with
        one on its children; out of fold. When ``None``, knock-out for networks of up to three hidden layers and the
        gradient for deeper ones; without data, the method that was remembered.
    layers
        Numbers of the layers to rank; all hidden ones when ``None``.
    top
        Return only so many nodes.
    missing
        What to do about genes the data lack: ``"raise"``, ``"zero"`` or ``"mean"``; see `pp.align`.
    batch_size
        Rows in one call of the network.
    progress
        Show a live line on standard error.

    Returns
    -------
    pandas.DataFrame
        By id of the node: ``label``, ``kind``, ``layer``, ``genes`` (number of genes upstream, on any path),
        ``importance``, ``rank`` (within its layer, from 1). For a classifier also a column ``effect_CLASS`` per class:
        how much the node raises the output of that class in the cells of that class, compared to the node held at
        its mean, so that a positive number speaks for the class; ``most_active_in``: the class whose cells
        have the highest activity in comparison to the others; ``activity_difference``: by how much, in pooled
        standard deviations (Cohen's d; the unit with the largest where a node has several). For a regression
        ``effect_NAME``: mean change of the output per standard deviation of the target. ``attrs["method"]``: how
        importance was measured.

    Raises
    ------
    ConfigError
        The method is unknown, or ``top`` or ``batch_size`` is not positive.
    ModelError
        The model is an embedding, has no such layer, its units are not finite numbers, or there are no data and the
        model remembers nothing.
    DataError
        There are more or fewer labels than cells, or a label is not a class of the model.
    GeneError
        Genes of the model are missing from the data.
    """
    if method is not None:
        check_choice("method", method, IMPORTANCE_METHODS)
    if top is not None and top < 1:
        raise ConfigError(f"top must be at least 1, got {top}.")
    seen = view(model)
    arch = seen.architecture
    names = output_weights(seen).names
    numbers = hidden_layers(seen, layers)
    if data is None:
        found = _from_memory(seen, method)
    else:
        found = findings_of(
            seen, data, labels, method=method, layers=numbers, missing=missing, batch_size=batch_size, progress=progress
        )
    counts = gene_counts(arch)
    tables = [_table(seen, found, number, names, upstream=counts[number]) for number in numbers]
    return _sorted(pd.concat(tables), found.method, top)


def rank_genes(
    model: keras.Model,
    data: Any,
    labels: Any = None,
    *,
    method: str = "integrated-gradients",
    top: int | None = None,
    missing: str = "raise",
    batch_size: int = 512,
    progress: bool = False,
) -> pd.DataFrame:
    """Return the genes of a model, the most important first.

    A gene is treated as a node of layer 0; where it has several numbers, they are one gene. Everything said of
    importance and effects in `tl.rank_nodes` holds here.

    Parameters
    ----------
    model, data, labels, top, missing, batch_size, progress
        As in `tl.rank_nodes`.
    method
        As in `tl.rank_nodes`, but for ``"rlipp"``, which compares a node with its children. Integrated gradients of the
        genes add up to the difference of the outputs from those of a cell with mean expression.

    Returns
    -------
    pandas.DataFrame
        By gene: ``label``, ``importance``, ``rank``, ``effect_NAME`` per output; for a classifier ``most_active_in``
        and ``activity_difference`` of its (normalised) expression.

    Raises
    ------
    ConfigError, DataError, GeneError, ModelError
        As `tl.rank_nodes`.

    References
    ----------
    Sundararajan, Taly & Yan 2017, Axiomatic Attribution for Deep Networks, doi:10.48550/arXiv.1703.01365
    """
    check_choice("method", method, IMPORTANCE_METHODS)
    if top is not None and top < 1:
        raise ConfigError(f"top must be at least 1, got {top}.")
    seen = view(model)
    names = output_weights(seen).names
    found = findings_of(
        seen,
        data,
        labels,
        method=method,
        layers=[0],
        missing=missing,
        batch_size=batch_size,
        genes=True,
        progress=progress,
    )
    table = _table(seen, found, 0, names, upstream=None).drop(columns=["kind", "layer"])
    return _sorted(table, found.method, top)


def _table(
    seen: ModelView, found: Findings, number: int, names: Sequence[str], *, upstream: NDArray[np.int64] | None
) -> pd.DataFrame:
    layer, importance = seen.architecture.layers[number], found.importance[number]
    columns: dict[str, Any] = {
        "label": list(layer.labels),
        "kind": [node.kind for node in layer],
        "layer": number,
        **({} if upstream is None else {"genes": upstream}),
        "importance": importance.score,
        "rank": importance.ranks,
    }
    columns |= {f"effect_{name}": importance.effects[:, output] for output, name in enumerate(names)}
    if isinstance(seen.outputs, Classes):
        starts = np.cumsum(layer.units) - layer.units
        columns |= _activities(found, found.statistics[number].effect_size, starts)
    return pd.DataFrame(columns, index=pd.Index(layer.ids, name="id"))


def _sorted(table: pd.DataFrame, method: str, top: int | None) -> pd.DataFrame:
    order = (-table["importance"].to_numpy()).argsort(kind="stable")
    chosen = table.iloc[order[:top]]
    chosen.attrs["method"] = method
    return chosen


def _from_memory(seen: ModelView, method: str | None) -> Findings:
    found = recalled(seen)
    if found is None:
        raise ModelError(
            "The model remembers nothing of its nodes, or was trained further since.\n"
            "Pass data: vnn.tl.rank_nodes(model, data, labels), "
            "or vnn.tl.remember_inspection(model, data, labels) first."
        )
    if method is not None and found.method != method:
        raise ModelError(
            f"The model remembers importance by {found.method}, not by {method}.\n"
            f"Pass data to measure it: vnn.tl.rank_nodes(model, data, labels, method={method!r})"
        )
    return found


def _activities(found: Findings, effect_size: NDArray[np.float64], starts: NDArray[np.int64]) -> dict[str, Any]:
    """Return in which class the activity of each node is higher than in others, and by how much."""
    names = np.array(found.classes, dtype=object)
    effect = np.where(np.isnan(effect_size), -np.inf, effect_size)
    highest = np.maximum.reduceat(effect, starts, axis=1)
    known = np.isfinite(highest).any(axis=0)
    return {
        "most_active_in": np.where(known, names[highest.argmax(axis=0)], None),
        "activity_difference": np.where(known, highest.max(axis=0), np.nan),
    }


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
        As in `tl.rank_nodes`; means are those over all these cells.
    method
        As in `tl.rank_nodes`, but for ``"rlipp"``, which has no contributions of single cells.
    output
        The class or number it is about. When ``None``, in each cell the class that is predicted for it; of a
        regression the first number.
    layers
        Numbers of the layers; 0 is the genes. All hidden ones when ``None``.

    Returns
    -------
    anndata.AnnData
        ``X`` float32 ``(cells, nodes)``: signed contributions, in units of the outputs as in `tl.rank_nodes`. ``var``:
        ``label``, ``kind``, ``layer``; ``obs``: that of the data and ``output``, the output each row is about.

    Raises
    ------
    ConfigError
        The method is unknown or has no contributions of cells, or ``batch_size`` is not positive.
    ModelError
        There is no such output or layer, or the model is an embedding.
    DataError, GeneError
        As `tl.predict`.
    """
    import anndata

    contributions = contributions_of(method)
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
    recording = Recording(seen, cells, batch_size=batch_size)
    for _, done in recording:
        for number, moment in moments.items():
            moment.see(done.units[number], np.zeros(len(done.features), np.int32))
    network = Network(seen, {number: moment.means for number, moment in moments.items()}, batch_size)
    counts = [len(arch.layers[number]) for number in numbers]
    starts = dict(zip(numbers, np.cumsum([0, *counts[:-1]]), strict=True))
    values = np.zeros((len(cells), sum(counts)), np.float32)
    about = np.zeros(len(cells), np.intp)
    for rows, done in recording:
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
