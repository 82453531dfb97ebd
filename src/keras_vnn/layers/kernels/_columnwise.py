"""Compiled loops on batches as they lie, for work that is done unit by unit: batch normalisation, nodes in pairs.

In: numpy arrays ``(batch, units)`` and a range of work. Out: numbers written into arrays made by the caller. They pass
over the batch in columns few enough to stay in the cache.
"""

# Types of compiled functions are those of numba, which ordinary annotations cannot say.
# ruff: noqa: ANN001, ANN202
# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disallow-untyped-calls=False

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from keras_vnn.layers.kernels._loops import compiled

__all__ = ["COLUMNS", "normalization_loops", "pair_loops"]

# Units that are normalised together: a row of them is long enough to be fetched ahead.
COLUMNS = 256


@cache
def normalization_loops() -> tuple[Callable[..., None], Callable[..., None]]:
    """Return batch normalisation and its gradients, for a range of groups of `COLUMNS` units."""

    # Rows are cut out of the batch, and counted from 0, so that the compiler sees how to do several units at once.
    def normalize(x, gamma, beta, epsilon, y, mean, variance, start, stop):
        examples, units = x.shape
        shift, scale = np.empty(COLUMNS, x.dtype), np.empty(COLUMNS, x.dtype)
        for group in range(start, stop):
            first = group * COLUMNS
            last = min(first + COLUMNS, units)
            count = last - first
            centre, spread = mean[first:last], variance[first:last]
            shift[:] = 0
            scale[:] = 0
            # Deviations from the first example: their squares lose nothing to a mean far from zero.
            origin = x[0, first:last]
            for example in range(examples):
                row = x[example, first:last]
                for unit in range(count):
                    deviation = row[unit] - origin[unit]
                    shift[unit] += deviation
                    scale[unit] += deviation * deviation
            for unit in range(count):
                shift[unit] /= examples
                spread[unit] = max(scale[unit] / examples - shift[unit] * shift[unit], 0)
                centre[unit] = origin[unit] + shift[unit]
                scale[unit] = gamma[first + unit] / math.sqrt(spread[unit] + epsilon)
                shift[unit] = beta[first + unit]
            for example in range(examples):
                row, made = x[example, first:last], y[example, first:last]
                for unit in range(count):
                    made[unit] = (row[unit] - centre[unit]) * scale[unit] + shift[unit]

    def normalize_back(dy, x, mean, variance, gamma, epsilon, dx, of_gamma, of_beta, start, stop):
        examples, units = x.shape
        inverse, for_x, for_one = np.empty(COLUMNS, x.dtype), np.empty(COLUMNS, x.dtype), np.empty(COLUMNS, x.dtype)
        for group in range(start, stop):
            first = group * COLUMNS
            last = min(first + COLUMNS, units)
            count = last - first
            centre, products, sums = mean[first:last], of_gamma[first:last], of_beta[first:last]
            products[:] = 0
            sums[:] = 0
            for example in range(examples):
                row, upstream = x[example, first:last], dy[example, first:last]
                for unit in range(count):
                    sums[unit] += upstream[unit]
                    products[unit] += upstream[unit] * (row[unit] - centre[unit])
            for unit in range(count):
                inverse[unit] = 1 / math.sqrt(variance[first + unit] + epsilon)
                for_x[unit] = products[unit] * inverse[unit] * inverse[unit] / examples
                for_one[unit] = sums[unit] / examples
                products[unit] *= inverse[unit]
                inverse[unit] *= gamma[first + unit]
            for example in range(examples):
                row, upstream, made = x[example, first:last], dy[example, first:last], dx[example, first:last]
                for unit in range(count):
                    left = upstream[unit] - for_one[unit] - (row[unit] - centre[unit]) * for_x[unit]
                    made[unit] = left * inverse[unit]

    return compiled(normalize), compiled(normalize_back)


@cache
def pair_loops(read: int, made: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Return the products of nodes of ``made`` units that read one node of ``read`` units each, and their gradients.

    The first is for a range of examples, the second for a range of nodes.
    """

    def pair_products(x, weights, bias, outputs, start, stop):
        nodes = x.shape[1] // read
        for example in range(start, stop):
            row, made_row = x[example], outputs[example]
            for node in range(nodes):
                for unit in range(made):
                    total = bias[node * made + unit]
                    for number in range(read):
                        total += row[node * read + number] * weights[(node * made + unit) * read + number]
                    made_row[node * made + unit] = total

    def pairs_back(g, x, weights, dx, dw, sums, start, stop):
        parts, of_parts, of_units = weights[start * made * read :], dw[start * made * read :], sums[start * made :]
        for example in range(g.shape[0]):
            row, upstream, found = x[example, start * read :], g[example, start * made :], dx[example, start * read :]
            for node in range(stop - start):
                for number in range(read):
                    total = 0 * row[0]
                    value = row[node * read + number]
                    for unit in range(made):
                        place = node * made + unit
                        total += upstream[place] * parts[place * read + number]
                        of_parts[place * read + number] += upstream[place] * value
                    found[node * read + number] = total
                for unit in range(made):
                    of_units[node * made + unit] += upstream[node * made + unit]

    return compiled(pair_products), compiled(pairs_back)
