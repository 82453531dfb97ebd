"""What an autoencoder says of its nodes: their activity, how it differs between cells, and how genes change it.

In: a model of `build_autoencoder` and cells. Out: AnnData and tables by node. As the decoder is linear, the activity of
every node in a cell is normally distributed, with a mean and a variance that follow from those of the latent values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from keras_vnn.basics.errors import DataError, ModelError, check_count, counted, did_you_mean, sample
from keras_vnn.basics.keras_import import keras
from keras_vnn.basics.remedies import by_place
from keras_vnn.inspection._activities import embedding_units
from keras_vnn.inspection._cells import Cells, cells_of, class_labels
from keras_vnn.inspection._record import Segment, evaluate, hidden_tensor, values_of
from keras_vnn.models import ModelView, view

if TYPE_CHECKING:
    import anndata

# As in VEGA: keeps the logarithm of a probability of 0 finite.
_LEAST = 1e-12
_PAIRS_AT_ONCE = 1000


def autoencoder_activities(
    model: keras.Model, data: Any, *, missing: str = "raise", batch_size: int = 512
) -> anndata.AnnData:
    """Return how active each gene set or term is in each cell, as an autoencoder sees it.

    Activities are means: nothing is drawn, the same cells give the same numbers.

    Parameters
    ----------
    model
        A model of `build_autoencoder`.
    data, missing, batch_size
        As in `tl.predict`.

    Returns
    -------
    anndata.AnnData
        ``X`` float32 ``(cells, nodes)``, the mean over the units of each node; `tl.node_activities` gives the units.
        ``var`` by id of the node: ``label``, ``kind``, ``layer``, ``units``, ``is_latent``. ``obsm["latent"]`` and
        ``obsm["latent_variance"]`` ``(cells, latent values)``: their means and variances, named in
        ``uns["keras_vnn"]["latent"]``. ``obs`` is that of the data.

    Raises
    ------
    ModelError
        The model is not an autoencoder.
    GeneError, DataError
        As `tl.predict`.
    """
    import anndata

    seen = _autoencoder(model)
    cells = cells_of(seen, data, missing=missing)
    mean, variance = _latent(seen, cells, batch_size)
    nodes = _nodes(seen)
    found = anndata.AnnData(np.asarray(nodes.of(mean), np.float32), obs=cells.obs, var=nodes.table)
    found.obsm["latent"], found.obsm["latent_variance"] = mean, variance
    found.uns["keras_vnn"] = {
        "fingerprint": seen.architecture.fingerprint,
        "latent": embedding_units(model).index.to_numpy(str),
    }
    return found


def differential_activity(
    model: keras.Model,
    data: Any,
    labels: Any,
    group: str,
    reference: str | None = None,
    *,
    pairs: int = 10_000,
    seed: int = 0,
    missing: str = "raise",
    batch_size: int = 512,
) -> pd.DataFrame:
    """Return which nodes are more, or less, active in cells of one group than in those of another.

    Pairs of a cell of the group and one of the reference are drawn. For each pair, the probability that the node is
    more active in the first follows from the distributions of its activity in both; it is averaged over pairs. Cells
    are not independent observations of a treatment: read it as a ranking, as in VEGA, not as a test.

    Parameters
    ----------
    model, data, missing, batch_size
        As in `tl.autoencoder_activities`.
    labels
        The group of each cell, or the name of a column of ``data.obs``.
    group, reference
        Names of groups; all other cells are the reference when it is ``None``.
    pairs
        How many are drawn.
    seed
        Of the draw.

    Returns
    -------
    pandas.DataFrame
        A row per node, the largest absolute Bayes factor first: ``label``, ``kind``, ``layer``, ``is_latent``,
        ``probability`` (of being more active in the group), ``bayes_factor`` (natural logarithm of
        ``probability / (1 - probability)``), ``difference`` (of the means over cells).

    Raises
    ------
    DataError
        A group does not exist.
    ModelError
        The model is not an autoencoder.

    References
    ----------
    Lopez et al. 2018, Nature Methods 15:1053, doi:10.1038/s41592-018-0229-2; Seninge et al. 2021, Nature Communications
    12:5684, doi:10.1038/s41467-021-26017-0, which draws the activities too.
    """
    check_count("pairs", pairs)
    seen = _autoencoder(model)
    cells = cells_of(seen, data, labels, missing=missing)
    if labels is None:
        raise DataError(f"There are no groups for the {counted(len(cells), 'cell')}. Pass labels, one per cell.")
    of = class_labels(None, cells)
    first = of.codes == _code(of.classes.names, group)
    second = ~first if reference is None else of.codes == _code(of.classes.names, reference)
    if not second.any() or (first & second).any():
        raise DataError(f"The reference of {group!r} must be other cells, got {reference or 'none'!r}.")
    nodes = _nodes(seen)
    mean, variance = _latent(seen, cells, batch_size)
    activity, spread = nodes.of(mean), nodes.variance_of(variance)
    random = np.random.default_rng(seed)
    one, other = (random.choice(np.flatnonzero(each), pairs) for each in (first, second))
    probability = np.zeros(len(nodes.table))
    for start in range(0, pairs, _PAIRS_AT_ONCE):
        i, j = one[start : start + _PAIRS_AT_ONCE], other[start : start + _PAIRS_AT_ONCE]
        scale = np.sqrt(np.maximum(spread[i] + spread[j], _LEAST))
        probability += scipy.stats.norm.cdf((activity[i] - activity[j]) / scale).sum(axis=0)
    probability /= pairs
    table = nodes.table[["label", "kind", "layer", "is_latent"]].assign(
        probability=probability,
        bayes_factor=np.log(probability + _LEAST) - np.log(1 - probability + _LEAST),
        difference=activity[first].mean(axis=0) - activity[second].mean(axis=0),
    )
    return table.sort_values("bayes_factor", key=lambda values: -values.abs(), kind="stable")


def perturb_genes(
    model: keras.Model, data: Any, values: Mapping[str, float], *, missing: str = "raise", batch_size: int = 512
) -> pd.DataFrame:
    """Return how the activity of nodes changes when genes are set to given values in every cell.

    Parameters
    ----------
    model, data, missing, batch_size
        As in `tl.autoencoder_activities`.
    values
        What each gene is set to, as the network reads it: after normalisation; ``{"STAT1": 0.0}``.

    Returns
    -------
    pandas.DataFrame
        A row per node, the largest absolute effect size first: ``label``, ``kind``, ``layer``, ``is_latent``,
        ``before`` and ``after`` (mean over cells), ``change``, ``effect_size`` (change over the standard deviation of
        the activity over cells before; NaN where there is none), ``p_value`` (Wilcoxon's signed-rank test over cells,
        two-sided) and ``q_value`` (Benjamini and Hochberg). With many cells nearly every change is significant.

    Raises
    ------
    DataError
        A gene is not an input of the model, or there is none.
    ModelError
        The model is not an autoencoder.

    References
    ----------
    Doncevic & Herrmann 2023, Bioinformatics 39:btad387, doi:10.1093/bioinformatics/btad387.
    """
    seen = _autoencoder(model)
    genes = {gene: column for column, gene in enumerate(seen.architecture.genes)}
    unknown = [gene for gene in values if gene not in genes]
    if unknown or not values:
        hint = did_you_mean(unknown[0], list(genes)) if unknown else 'Name some: {"STAT1": 0.0}'
        raise DataError(
            f"{len(unknown)} of {counted(len(values), 'gene')} to change are not inputs of the model: "
            f"{sample(unknown)}. {hint}".rstrip()
        )
    cells = cells_of(seen, data, missing=missing)
    changed = np.array(cells.values, np.float32)
    for gene, value in values.items():
        changed[:, genes[gene]] = value
    nodes = _nodes(seen)
    before, after = (
        nodes.of(_latent(seen, each, batch_size)[0]) for each in (cells, Cells(changed, cells.obs, cells.side))
    )
    difference = after - before
    # Without any change there is nothing to rank, which scipy warns of.
    p_value = np.ones(len(nodes.table))
    moved = (difference != 0).any(axis=0)
    if moved.any():
        p_value[moved] = scipy.stats.wilcoxon(
            difference[:, moved], axis=0, method="asymptotic", zero_method="zsplit"
        ).pvalue
    change, spread = difference.mean(axis=0), before.std(axis=0)
    table = nodes.table[["label", "kind", "layer", "is_latent"]].assign(
        before=before.mean(axis=0),
        after=after.mean(axis=0),
        change=change,
        effect_size=np.divide(change, spread, out=np.full(len(change), np.nan), where=spread > 0),
        p_value=p_value,
        q_value=scipy.stats.false_discovery_control(p_value),
    )
    return table.sort_values("effect_size", key=lambda values: -values.abs(), kind="stable")


@dataclass(frozen=True, slots=True, eq=False)
class _Nodes:
    """How nodes follow from latent values.

    Attributes
    ----------
    table
        A row per node.
    weights
        float64 ``(latent values, nodes)``.
    offset
        float64 ``(nodes,)``.
    """

    table: pd.DataFrame
    weights: NDArray[np.float64]
    offset: NDArray[np.float64]

    def of(self, mean: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return ``(cells, nodes)`` activities."""
        return np.asarray(mean @ self.weights + self.offset)

    def variance_of(self, variance: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return ``(cells, nodes)`` variances; latent values are independent of each other."""
        return np.asarray(variance @ np.square(self.weights))


def _autoencoder(model: keras.Model) -> ModelView:
    seen = view(model)
    if seen.latent_layer is None:
        raise ModelError(
            f"The model {seen.model.name!r} is not an autoencoder.\n"
            + by_place(
                "Train one: vnn train … --objective autoencoder",
                "Train one: vnn.train_autoencoder(arch, data)\n"
                "The activities of other models: vnn.tl.node_activities(model, data)",
            )
        )
    return seen


def _latent(seen: ModelView, cells: Cells, batch_size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return means and variances ``(cells, latent values)``."""
    ends = [seen.layer(part).output for part in ("latent mean", "latent log variance")]
    mean, log_variance = values_of(seen, ends, cells, batch_size=batch_size)
    return mean, np.exp(log_variance)


def _nodes(seen: ModelView) -> _Nodes:
    """Return how the mean over the units of each hidden node follows from latent values."""
    arch = seen.architecture
    latent = seen.layer("latent", step="state").output
    count = int(latent.shape[-1])
    decoder = Segment([latent], [hidden_tensor(seen, number) for number in range(1, len(arch.layers))])
    # A linear function is known from what it makes of nothing and of one latent value at a time.
    probes = np.concatenate([np.zeros((1, count)), np.eye(count)]).astype(np.float32)
    units = np.concatenate(evaluate(decoder, [probes], batch_size=512), axis=1).astype(np.float64)
    widths = np.concatenate([layer.units for layer in arch.hidden_layers])
    starts = np.cumsum(widths) - widths
    means = np.add.reduceat(units, starts, axis=1) / widths
    nodes = arch.node_table()
    table = nodes.loc[nodes["layer"] > 0, ["label", "kind", "layer", "units"]].rename_axis(None)
    table["is_latent"] = np.concatenate([arch.sink_nodes(number) for number in range(1, len(arch.layers))])
    return _Nodes(table, means[1:] - means[0], means[0])


def _code(names: Sequence[str], name: str) -> int:
    if name not in names:
        raise DataError(
            f"There is no group {name!r}; there are {sample(names)}. {did_you_mean(name, list(names))}".rstrip()
        )
    return list(names).index(name)
