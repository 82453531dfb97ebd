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

# Units that are normalised together.
COLUMNS = 64


@cache
def normalization_loops() -> tuple[Callable[..., None], Callable[..., None]]:
    """Return batch normalisation and its gradients, for a range of groups of `COLUMNS` units."""

    def normalize(x, gamma, beta, epsilon, y, mean, variance, start, stop):
        examples, units = x.shape
        shift, scale = np.empty(COLUMNS, x.dtype), np.empty(COLUMNS, x.dtype)
        for group in range(start, stop):
            first = group * COLUMNS
            count = min(COLUMNS, units - first)
            shift[:] = 0
            scale[:] = 0
            # Deviations from the first example: their squares lose nothing to a mean far from zero.
            for example in range(examples):
                for unit in range(count):
                    deviation = x[example, first + unit] - x[0, first + unit]
                    shift[unit] += deviation
                    scale[unit] += deviation * deviation
            for unit in range(count):
                shift[unit] /= examples
                spread = max(scale[unit] / examples - shift[unit] * shift[unit], 0)
                variance[first + unit] = spread
                mean[first + unit] = x[0, first + unit] + shift[unit]
                scale[unit] = gamma[first + unit] / math.sqrt(spread + epsilon)
                shift[unit] = beta[first + unit]
            for example in range(examples):
                for unit in range(count):
                    y[example, first + unit] = (x[example, first + unit] - mean[first + unit]) * scale[unit] + shift[
                        unit
                    ]

    def normalize_back(dy, x, mean, variance, gamma, epsilon, dx, of_gamma, of_beta, start, stop):
        examples, units = x.shape
        inverse, for_x, for_one = np.empty(COLUMNS, x.dtype), np.empty(COLUMNS, x.dtype), np.empty(COLUMNS, x.dtype)
        centre, products, sums = np.empty(COLUMNS, x.dtype), np.empty(COLUMNS, x.dtype), np.empty(COLUMNS, x.dtype)
        for group in range(start, stop):
            first = group * COLUMNS
            count = min(COLUMNS, units - first)
            products[:] = 0
            sums[:] = 0
            for unit in range(count):
                inverse[unit] = 1 / math.sqrt(variance[first + unit] + epsilon)
                centre[unit] = mean[first + unit]
            for example in range(examples):
                for unit in range(count):
                    upstream = dy[example, first + unit]
                    sums[unit] += upstream
                    products[unit] += upstream * (x[example, first + unit] - centre[unit])
            for unit in range(count):
                of_beta[first + unit] = sums[unit]
                of_gamma[first + unit] = products[unit] * inverse[unit]
                for_x[unit] = products[unit] * inverse[unit] * inverse[unit] / examples
                for_one[unit] = sums[unit] / examples
                inverse[unit] *= gamma[first + unit]
            for example in range(examples):
                for unit in range(count):
                    deviation = x[example, first + unit] - centre[unit]
                    left = dy[example, first + unit] - for_one[unit] - deviation * for_x[unit]
                    dx[example, first + unit] = left * inverse[unit]

    return compiled(normalize), compiled(normalize_back)


@cache
def pair_loops(read: int, made: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Return the products of nodes of ``made`` units that read one node of ``read`` units each, and their gradients.

    The first is for a range of examples, the second for a range of nodes.
    """

    def pair_products(x, weights, bias, outputs, start, stop):
        nodes = x.shape[1] // read
        for example in range(start, stop):
            for node in range(nodes):
                for unit in range(made):
                    place = node * made + unit
                    total = bias[place]
                    for number in range(read):
                        total += x[example, node * read + number] * weights[place * read + number]
                    outputs[example, place] = total

    def pairs_back(g, x, weights, dx, dw, sums, start, stop):
        for example in range(g.shape[0]):
            for node in range(start, stop):
                for number in range(read):
                    dx[example, node * read + number] = 0
                for unit in range(made):
                    place = node * made + unit
                    upstream = g[example, place]
                    sums[place] += upstream
                    for number in range(read):
                        dx[example, node * read + number] += upstream * weights[place * read + number]
                        dw[place * read + number] += upstream * x[example, node * read + number]

    return compiled(pair_products), compiled(pairs_back)
