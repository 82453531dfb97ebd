"""Which way round a unit is: turned so that it rises with the mean of its genes, as a unit has no sign of its own.

In: what a network did on cells. Out: 1 or -1 for every unit; tables of weights that turn with their units. Turning a
unit and its weights gives the same network where the activation is odd; elsewhere it is a way of writing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from keras_vnn.architecture import Architecture, genes_upstream
from keras_vnn.inspection._cells import Cells
from keras_vnn.inspection._evidence import set_scores, standardised

Signs = NDArray[np.int8]


def orientation_of(
    arch: Architecture, cells: Cells, units_of: Callable[[slice], Mapping[int, NDArray[np.floating]]]
) -> dict[int, Signs]:
    """Return, by hidden layer, 1 for a unit that rises with the mean z-score of the genes of its node, else -1.

    Parameters
    ----------
    arch, cells
        The network and its input.
    units_of
        Returns the units ``(rows, units)`` of some rows of the cells, by number of the layer.
    """
    upstream = genes_upstream(arch)
    ends = np.cumsum([len(layer) for layer in arch.hidden_layers])
    products = [np.zeros(int(layer.units.sum())) for layer in arch.hidden_layers]
    totals = [np.zeros((2, int(layer.units.sum()))) for layer in arch.hidden_layers]
    for rows, z in standardised(cells):
        scores, activities = set_scores(upstream, z), units_of(rows)
        for number, layer in enumerate(arch.hidden_layers):
            own = scores[:, ends[number] - len(layer) : ends[number]].repeat(layer.units, axis=1).astype(np.float64)
            units = np.asarray(activities[number + 1], np.float64)
            products[number] += (own * units).sum(axis=0)
            totals[number] += [own.sum(axis=0), units.sum(axis=0)]
    cells_seen = len(cells)
    return {
        number: np.where(product - total[0] * total[1] / cells_seen < 0, -1, 1).astype(np.int8)
        for number, (product, total) in enumerate(zip(products, totals, strict=True), start=1)
    }


def turned_units(arch: Architecture, orientation: Mapping[int, Signs]) -> dict[tuple[str, int], int]:
    """Return -1 by id of the node and number of the unit, for those that are turned."""
    turned = {}
    for number, signs in orientation.items():
        ids, units = arch.layers[number].unit_table()
        turned.update({(ids[place], int(units[place])): -1 for place in np.flatnonzero(signs < 0)})
    return turned


def turned_weights(weights: pd.DataFrame, turned: Mapping[tuple[str, int], int]) -> pd.DataFrame:
    """Return a table of weights, as `tl.edge_weights` gives it, in which each turns with the units at its ends."""
    if not turned:
        return weights

    def signs(node: Any, unit: Any) -> NDArray[np.int64]:
        pairs = zip(node.to_numpy(object), unit.fillna(-1).astype(int), strict=True)
        return np.array([turned.get(pair, 1) for pair in pairs], np.int64)

    both = signs(weights["source"], weights["source_unit"]) * signs(weights["target"], weights["target_unit"])
    return weights.assign(weight=weights["weight"] * both)
