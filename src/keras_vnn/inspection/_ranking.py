"""The named nodes and genes of a model by what they do to its outputs, over all cells and in every cell."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.architecture import gene_counts
from keras_vnn.basics.errors import ConfigError, ModelError, VNNWarning, check_choice, check_count, did_you_mean
from keras_vnn.basics.keras_import import keras
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.data import Classes
from keras_vnn.inspection._cells import cells_of
from keras_vnn.inspection._findings import ClassMoments, Findings, findings_of
from keras_vnn.inspection._judgement import untrained_warning
from keras_vnn.inspection._memory import recalled, recalled_tables
from keras_vnn.inspection._methods import IMPORTANCE_METHODS, LayerView, Network, contributions_of, hidden_layers
from keras_vnn.inspection._node_table import NODE_COLUMNS, NodeTable, measured, of_several_runs
from keras_vnn.inspection._record import Recording, output_weights
from keras_vnn.models import ModelView, view

if TYPE_CHECKING:
    import anndata


def rank_nodes(
    model: keras.Model | Sequence[keras.Model],
    data: Any = None,
    labels: Any = None,
    class_: str | None = None,
    by: str = "evidence",
    replicate: Any = None,
    *,
    method: str | None = None,
    layers: Sequence[int] | None = None,
    top: int | None = None,
    missing: str = "raise",
    batch_size: int = 512,
    progress: bool = True,
) -> pd.DataFrame:
    """Return the named hidden nodes of a model, by what may be said of them.

    Three questions have three answers. *Evidence*: do the genes upstream of a node differ between the classes, more
    than such genes would anyway? Asked of the data, in all cells. *Learned*: does the trained node tell cells apart
    that the model did not see? Asked of the network, in the cells outside its training. *Use*: does this model need
    the node? Asked of the network, and true of this model alone: another seed uses others.

    Parameters
    ----------
    model
        A model of `build_model`. One without outputs needs labels, and has no use for a node. Or a sequence of models
        of one network, trained from several seeds.
    data
        AnnData or DataFrame (cells, genes), aligned by name and normalised as the model's training data were; or an
        aligned and normalised array ``(cells, input units)``. The cells of the training are told from the others if
        these are all the cells it was given, in their order; else none is thought to be of the training. When
        ``None``, what the model remembers of the data given to `tl.remember_inspection`, as ``vnn train`` does.
    labels
        The class of each cell: a sequence, `Labels`, or the name of a column of ``data.obs``; for a regression the
        numbers. The model's own predictions when ``None``.
    class_
        Compare this class with all others; of a regression one of its numbers. When ``None``, each node is described
        for the class that it has most evidence for.
    by
        What to sort by: a column of the table; or a method of importance, whose table is returned instead.
        ``"knockout"``: exact; all units of the node are held at their means over the data; ``"knockout-zero"``: at
        zero. ``"gradient"``: the gradient times the distance from the mean, the same to first order;
        ``"gradient-zero"``: times the activity. ``"integrated-gradients"`` and ``"integrated-gradients-zero"``: the
        mean gradient on the way there; they add up over a layer. ``"conductance"`` and ``"conductance-zero"``: what
        flows through a node when the genes go from their means, or zero, to what they are. ``"epsilon"``: KPNN's node
        weight, the slope of the prediction, averaged over all cells with its sign. ``"rlipp"``: Spearman's ρ of the
        target (the labels or, without them, the model's scores) with a ridge on the units of the node, less that with
        one on its children; out of fold. They are of the model, not of biology: on interferon-β none has one of 23
        expected processes among its first ten of 2,619.
    replicate
        The donor or batch of each cell, or the name of a column of ``data.obs``: means over the cells of each are
        compared. Cells of one donor are not independent, so without it q is too small where donors differ,
        which is said once; ``"cells"``: every cell is taken as one on purpose.
    method
        Deprecated: pass it as ``by``.
    layers
        Numbers of the layers to show; all hidden ones when ``None``.
    top
        Return only so many nodes.
    missing
        What to do about genes the data lack: ``"raise"``, ``"zero"`` or ``"mean"``; see `pp.align`.
    batch_size
        Rows in one call of the network.
    progress
        Show a live line, on a terminal or in a notebook.

    Returns
    -------
    pandas.DataFrame
        By id of the node. ``label``; ``genes`` upstream, on any path; ``higher_in``: the class in whose cells these
        have the highest mean z-score, ``mixed`` where no class differs, never from the sign of a unit; ``d``: by how
        much, Cohen's d of the mean z-score in that class (with ``class_`` in this) against all other cells.
        ``evidence``: Welch's t of it above that of 4,000 decoys (as many genes of like expression), in their standard
        deviations; with ``class_`` it is negative where the genes are lower. ``q``: its false discovery rate, Benjamini
        and Hochberg's within the class. ``learned``: Mann and Whitney's z of a shrunken discriminant of the units of
        the node, fitted on cells of the training, in the other cells; ``learned_q``: its false discovery rate, against
        none and against nodes of like size. ``beyond_the_mean``: learned at 5 %, without evidence for any class: what
        no mean of genes can show. ``use``: mean absolute change of an output when the node is held at its mean, in the
        cells outside the training; NaN without outputs. ``similar``: how many worse nodes share half of their genes
        with this one or have a mean z-score that correlates at 0.8; missing for these. ``kind``, ``layer``. A
        regression has ``higher_with``, the number, and ``r``, Pearson's correlation with it. Several runs, of a
        sequence of models or kept by ``vnn train --repeats``, give means (of false discovery rates medians), and add
        ``learned_sd``, ``use_sd`` and ``in_first_20``: in how many runs a node is among the first 20 by use. What
        `tl.identify` said of the model is in ``identified``. ``attrs``: ``nodes``, ``found`` (of them at a false
        discovery rate of 5 %), ``cells``, ``held_out`` (cells), ``replicate``, ``runs``.

        By a method of importance: ``label``, ``kind``, ``layer``, ``genes``, ``importance``, ``rank`` (within its
        layer, from 1); for a classifier a column ``effect_CLASS`` per class: how much the node raises the output of
        that class in the cells of that class, compared to the node held at its mean; for a regression ``effect_NAME``:
        mean change of the output per standard deviation of the target. Outputs are the logits less their mean over the
        classes, or the numbers. ``attrs["method"]``.

    Raises
    ------
    ConfigError
        There is no such column, method or class, or ``top`` or ``batch_size`` is not positive.
    ModelError
        The model has no such layer, its units are not finite numbers, there are no data and the model remembers
        nothing, or it has no outputs and there are no labels.
    DataError
        There are more or fewer labels than cells, a label is not a class of the model, or a cell has no replicate.
    GeneError
        Genes of the model are missing from the data.

    References
    ----------
    Squair et al. 2021, doi:10.1038/s41467-021-25960-2 (replicates); Benjamini & Hochberg 1995,
    doi:10.1111/j.2517-6161.1995.tb02031.x
    """
    if method is not None:
        warnings.warn(f"method={method!r} is now by={method!r}.", FutureWarning, stacklevel=2)
        by = method
    for one in model if isinstance(model, Sequence) else [model]:
        if (untrained := untrained_warning(view(one))) is not None:
            warnings.warn(untrained, VNNWarning, stacklevel=2)
    if by not in IMPORTANCE_METHODS and data is not None and labels is not None and replicate is None:
        _say_what_is_assumed(tuple(map(str, getattr(getattr(data, "obs", None), "columns", ()))))
    how: dict[str, Any] = {"missing": missing, "batch_size": batch_size, "progress": progress}
    return ranked_nodes(model, data, labels, class_, by, replicate, layers=layers, top=top, **how)


def ranked_nodes(
    model: keras.Model | Sequence[keras.Model],
    data: Any = None,
    labels: Any = None,
    class_: str | None = None,
    by: str = "evidence",
    replicate: Any = None,
    *,
    layers: Sequence[int] | None = None,
    top: int | None = None,
    missing: str = "raise",
    batch_size: int = 512,
    progress: bool = True,
) -> pd.DataFrame:
    """Return what `tl.rank_nodes` does, without a warning: for callers that say themselves what is assumed."""
    if top is not None:
        check_count("top", top)
    check_count("batch_size", batch_size)
    check_choice("by", by, [*NODE_COLUMNS, *IMPORTANCE_METHODS])
    if isinstance(model, Sequence) and not isinstance(model, str):
        options: dict[str, Any] = {"missing": missing, "batch_size": batch_size, "progress": progress}
        runs = [ranked_nodes(one, data, labels, class_, by, replicate, layers=layers, **options) for one in model]
        # Of one model, which teaches others; here each is another's peer.
        runs = [table.drop(columns="identified", errors="ignore") for table in runs]
        return _of_models(runs, by).head(top)
    seen = view(model)
    numbers = hidden_layers(seen, layers)
    each = None if isinstance(replicate, str) and replicate == "cells" else replicate
    if by in IMPORTANCE_METHODS:
        if class_ is not None or each is not None:
            option = "class_" if class_ is not None else "replicate"
            raise ConfigError(f"{option} is about evidence, not about importance by {by}.\nLeave {option} or by out.")
        output_weights(seen)  # Raises for an embedding.
        if data is None:
            return _by_importance(seen, _from_memory(seen, by), numbers).head(top)
        cells = cells_of(seen, data, labels, missing=missing)
        found = findings_of(seen, cells, numbers, numbers, method=by, batch_size=batch_size, progress=progress)
        return _by_importance(seen, found, numbers).head(top)
    tables = _tables(seen, data, labels, missing, replicate=each, batch_size=batch_size, progress=progress)
    frame = of_several_runs([table.frame(seen, class_, by) for table in tables], by)
    return frame[frame["layer"].isin(numbers)].head(len(frame) if top is None else top)


def nodes_by_class(
    model: keras.Model,
    data: Any = None,
    labels: Any = None,
    class_: str | None = None,
    *,
    missing: str = "raise",
    batch_size: int = 512,
) -> dict[str | None, pd.DataFrame]:
    """Return what `tl.rank_nodes` does for every class, or number of a regression; the best of each node is ``None``.

    The data are read and measured once; ``class_`` must be one of the classes.
    """
    seen = view(model)
    tables = _tables(seen, data, labels, missing, batch_size=batch_size)
    if class_ is not None:
        tables[0].position(class_)
    return {
        group: of_several_runs([table.frame(seen, group) for table in tables], "evidence")
        for group in (None, *tables[0].groups)
    }


def _tables(
    seen: ModelView, data: Any, labels: Any, missing: str, *, replicate: Any = None, **how: Any
) -> list[NodeTable]:
    """Return the tables of what is measured, or of what the model remembers where there are no data."""
    if data is not None:
        return [measured(seen, cells_of(seen, data, labels, missing=missing), replicate=replicate, **how)]
    if replicate is not None:
        raise ConfigError("Replicates are of cells: pass data and labels with them.")
    if not (tables := recalled_tables(seen)):
        raise _forgotten(seen)
    return tables


def _of_models(runs: Sequence[pd.DataFrame], by: str) -> pd.DataFrame:
    if not runs:
        raise ConfigError("There is no model to rank the nodes of.")
    if by in IMPORTANCE_METHODS:
        each = by_place(remedy("{by}", by=by), f"vnn.tl.rank_nodes(model, data, by={by!r})")
        raise ConfigError(f"Importance by {by} is of one model. Rank each by itself: {each}")
    if any(set(table.index) != set(runs[0].index) or list(table) != list(runs[0]) for table in runs):
        raise ConfigError("The models are not runs of one network: their nodes or outputs differ.")
    return of_several_runs(runs, by)


_SAID: list[str] = []
_REPLICATES = ("donor", "patient", "individual", "subject", "mouse", "animal", "sample", "replicate", "batch")


def _say_what_is_assumed(columns: Sequence[str]) -> None:
    """Say, once in a process, that cells are taken as independent, and which column seems to hold replicates."""
    if _SAID:
        return
    likely = [name for word in _REPLICATES for name in columns if word in name.lower()]
    _SAID.append(likely[0] if likely else "donor")
    warnings.warn(
        "Cells are compared as if independent; those of one donor or batch are not, and q is then too small.\n"
        + remedy("Where the data have several, name the column: {replicate}; ", replicate=_SAID[0])
        + remedy("to leave it so: {replicate}", replicate="cells"),
        VNNWarning,
        stacklevel=3,
    )


def rank_genes(
    model: keras.Model,
    data: Any,
    labels: Any = None,
    *,
    method: str = "integrated-gradients",
    top: int | None = None,
    missing: str = "raise",
    batch_size: int = 512,
    progress: bool = True,
) -> pd.DataFrame:
    """Return the genes of a model, the most important first.

    A gene is treated as a node of layer 0; where it has several numbers, they are one gene. Everything said of
    importance by a method in `tl.rank_nodes` holds here.

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
        By gene: ``label``, ``importance``, ``rank``, ``effect_NAME`` per output; for a classifier ``higher_in``, the
        class with the highest mean (normalised) expression, and ``d``, Cohen's d of it against all other cells.

    Raises
    ------
    ConfigError, DataError, GeneError, ModelError
        As `tl.rank_nodes`.

    References
    ----------
    Sundararajan, Taly & Yan 2017, Axiomatic Attribution for Deep Networks, doi:10.48550/arXiv.1703.01365
    """
    check_choice("method", method, IMPORTANCE_METHODS)
    if top is not None:
        check_count("top", top)
    seen = view(model)
    output_weights(seen)  # Raises for an embedding.
    cells = cells_of(seen, data, labels, missing=missing)
    found = findings_of(seen, cells, [0], [0], method=method, batch_size=batch_size, progress=progress)
    table = _by_importance(seen, found, [0]).drop(columns=["kind", "layer", "genes"])
    if isinstance(seen.outputs, Classes):
        table[["higher_in", "d"]] = _expression(found, seen.architecture.genes).loc[table.index].to_numpy()
    return table.head(top)


def _by_importance(seen: ModelView, found: Findings, numbers: Sequence[int]) -> pd.DataFrame:
    """Return the nodes of some layers by importance, the most important first."""
    parts = [found.importance[number] for number in numbers]
    counts = gene_counts(seen.architecture)
    nodes = seen.architecture.node_table()
    table = nodes.loc[nodes["layer"].isin(numbers), ["label", "kind", "layer"]].assign(
        genes=np.concatenate([counts[number] for number in numbers]),
        importance=np.concatenate([part.score for part in parts]),
        rank=np.concatenate([part.ranks for part in parts]),
    )
    effects = np.concatenate([part.effects for part in parts])
    table = table.assign(**{f"effect_{name}": effects[:, i] for i, name in enumerate(output_weights(seen).names)})
    table = table.iloc[(-table["importance"].to_numpy()).argsort(kind="stable")]
    table.attrs["method"] = found.method
    return table


def _expression(found: Findings, genes: Sequence[str]) -> pd.DataFrame:
    """Return in which class each gene is highest, and by how much; of the feature where that is most."""
    names = np.array(found.classes, dtype=object)
    effect = found.statistics[0].effect_size.reshape(len(names), len(genes), -1)
    mean = found.statistics[0].mean.reshape(len(names), len(genes), -1)
    feature = np.where(np.isfinite(effect), effect, -np.inf).max(axis=0).argmax(axis=1)
    each = np.arange(len(genes))
    effect, mean = effect[:, each, feature], mean[:, each, feature]
    best = np.where(np.isfinite(effect) & np.isfinite(mean), mean, -np.inf).argmax(axis=0)
    size = effect[best, each]
    return pd.DataFrame({"higher_in": np.where(np.isfinite(size), names[best], None), "d": size}, index=list(genes))


def _from_memory(seen: ModelView, method: str) -> Findings:
    found = recalled(seen)
    if found is None:
        raise _forgotten(seen)
    if found.method != method:
        raise ModelError(
            f"The model remembers importance by {found.method}, not by {method}.\n"
            f"Pass data to measure it: {_with_data(f'vnn.tl.rank_nodes(model, data, labels, by={method!r})')}"
        )
    return found


def _forgotten(seen: ModelView) -> ModelError:
    what = "nothing of its nodes, or was trained further since"
    if recalled(seen) is not None:
        why = "was given no labels" if "nodes" in seen.card.metadata["inspection"] else "comes from an earlier version"
        what = f"the importance of its nodes, but no evidence: it {why}"
    return ModelError(
        f"The model remembers {what}.\nPass data: {_with_data('vnn.tl.rank_nodes(model, data, labels)')}"
        + by_place("", "; or vnn.tl.remember_inspection(model, data, labels) first.")
    )


def _with_data(call: str) -> str:
    return by_place(remedy("{data}", "vnn inspect MODEL --data FILE", data=...), call)


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
            for place, own, block in contributions(LayerView(network, done, number)):
                chosen = about[rows][place]
                taken = block[:, chosen, np.arange(len(chosen))]
                values[rows.start + place.start : rows.start + place.stop, starts[number] + own] = taken.T
    nodes = arch.node_table()
    var = nodes.loc[nodes["layer"].isin(numbers), ["label", "kind", "layer"]].rename_axis(None)
    obs = cells.obs.assign(output=pd.Categorical.from_codes(about, categories=list(head.names)))
    facts = {"fingerprint": arch.fingerprint, "method": method}
    return anndata.AnnData(values, obs=obs, var=var, uns={"keras_vnn": facts})


def _outputs_of(scores: Any, names: Sequence[str], output: str | None, is_classifier: bool) -> Any:
    if output is None and is_classifier:
        return scores.argmax(axis=1)
    return np.full(len(scores), 0 if output is None else list(names).index(output))
