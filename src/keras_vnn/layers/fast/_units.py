"""Compiled loops over the units of a layer in tiles: what comes after the sums over its connections, and its gradients.

In: tiles as in `_loops`, and a range of units. Out: sums over the batch, tanh, batch normalisation. Sums go register by
register, whose number in a tile may follow the number of threads, so that they do not.
"""

# Types of compiled functions are those of numba, which ordinary annotations cannot say.
# ruff: noqa: ANN001, ANN202
# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from keras_vnn.basics import machine_code
from keras_vnn.layers.fast._instructions import (
    add_gradients,
    add_squares,
    add_units,
    back_through_scale,
    scale_units,
)

# Units worked on together: their examples of one tile are read from start to end.
_AT_ONCE = 64


@cache
def _digest() -> str:
    """Return what changes with any file that the machine code is made of."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first use; machine code that is kept is out of date when any of these files changes."""
    # numba looks at the file of the function alone.
    function.__qualname__ += f"_{_digest()}"
    return machine_code.compiled(function)


@njit(inline="always")
def total_of(values, start, count):
    """Return the sum of some numbers, one after the other."""
    total = values[start]
    for place in range(start + 1, start + count):
        total += values[place]
    return total


def unit_loops(registers: int, lanes: int) -> tuple[Callable[..., None], ...]:
    """Return ``bias_sums``, ``normalize``, ``back_through_normalization`` and ``back_through_tanh``, see `Loops`.

    Of the two about normalisation, ``numbers`` are the epsilon and the number of examples, as the arrays have them.
    """
    width = registers * lanes

    def bias_sums(g, outputs, sums, tiles, start, stop):
        lines = np.zeros(_AT_ONCE * lanes, g.dtype)
        for first in range(start, stop, _AT_ONCE):
            count = min(_AT_ONCE, stop - first)
            lines[:] = 0
            for tile in range(tiles):  # beyond the batch, gradients are 0
                add_units(g, (tile * outputs + first) * width, lines, count, width, registers, lanes)
            for unit in range(count):
                sums[first + unit] = total_of(lines, unit * lanes, lanes)

    def normalize(a, gamma, beta, numbers, out, mean, variance, outputs, tiles, batch, start, stop):
        lines = np.zeros(_AT_ONCE * lanes, a.dtype)
        scales, shifts = np.empty(_AT_ONCE, a.dtype), np.empty(_AT_ONCE, a.dtype)
        for first in range(start, stop, _AT_ONCE):
            count = min(_AT_ONCE, stop - first)
            means = mean[first : first + count]
            lines[:] = 0
            for tile in range(tiles):
                place, filled = (tile * outputs + first) * width, batch - tile * width
                add_units(a, place, lines, count, filled, registers, lanes)
            for unit in range(count):
                means[unit] = total_of(lines, unit * lanes, lanes) / numbers[1]
            lines[:] = 0
            for tile in range(tiles):
                place, filled = (tile * outputs + first) * width, batch - tile * width
                add_squares(a, place, means, lines, count, filled, registers, lanes)
            for unit in range(count):
                variance[first + unit] = total_of(lines, unit * lanes, lanes) / numbers[1]
                scales[unit] = gamma[first + unit] / np.sqrt(variance[first + unit] + numbers[0])
                shifts[unit] = beta[first + unit] - means[unit] * scales[unit]
            for tile in range(tiles):
                scale_units(a, (tile * outputs + first) * width, scales, shifts, out, count, registers, lanes)

    def back_through_normalization(
        g, a, gamma, mean, variance, numbers, of_gamma, of_beta, outputs, tiles, batch, start, stop
    ):
        lines, products = np.zeros(_AT_ONCE * lanes, g.dtype), np.zeros(_AT_ONCE * lanes, g.dtype)
        scales, levels, slopes = np.empty(_AT_ONCE, g.dtype), np.empty(_AT_ONCE, g.dtype), np.empty(_AT_ONCE, g.dtype)
        for first in range(start, stop, _AT_ONCE):
            count = min(_AT_ONCE, stop - first)
            means = mean[first : first + count]
            lines[:] = 0
            products[:] = 0
            for tile in range(tiles):
                place = (tile * outputs + first) * width
                add_gradients(g, a, place, means, lines, products, count, registers, lanes)
            for unit in range(count):
                total, product = total_of(lines, unit * lanes, lanes), total_of(products, unit * lanes, lanes)
                spread = variance[first + unit] + numbers[0]
                of_gamma[first + unit], of_beta[first + unit] = product / np.sqrt(spread), total
                scales[unit] = gamma[first + unit] / np.sqrt(spread)
                levels[unit], slopes[unit] = total / numbers[1], product / (numbers[1] * spread)
            for tile in range(tiles):
                place, filled = (tile * outputs + first) * width, batch - tile * width
                back_through_scale(g, a, place, means, scales, levels, slopes, count, filled, registers, lanes)

    def back_through_tanh(g, a, outputs, tiles, start, stop):
        for tile in range(tiles):
            for place in range((tile * outputs + start) * width, (tile * outputs + stop) * width):
                g[place] -= g[place] * a[place] * a[place]

    made = (bias_sums, normalize, back_through_normalization, back_through_tanh)
    return tuple(compiled(each) for each in made)
