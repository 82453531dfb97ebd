"""The compiled loops of the native kernel: products over connections in vector instructions, one thread each.

In: numpy arrays, index arrays and a range of work. Out: numbers written into arrays made by the caller. Knows
nothing of Keras, of threads, or of how the arrays came to be. Importing it imports numba.

A batch is held in *tiles*: ``(tiles, units, width)`` where ``width`` examples lie next to each other, one or more
vector registers of them. A connection then multiplies whole registers by one weight, and what it reads is
contiguous. `make_loops` compiles the loops for one shape of tile and keeps the machine code on disk.
"""

# Types of compiled functions are those of numba, which ordinary annotations cannot say.
# ruff: noqa: ANN001, ANN202
# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disallow-untyped-calls=False

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from keras_vnn.layers.fast._instructions import (
    back_through_row,
    block_of_products,
    products_of_row,
    scattered_sums,
    tanh_in_place,
    transpose,
    weighted_sums,
)
from keras_vnn.layers.fast._products import GROUP
from keras_vnn.layers.fast._units import compiled, unit_loops

# Inputs whose examples stay in the second level cache while all units of a node pass by.
_INPUTS_AT_ONCE = 64
# Units whose weights are read side by side, each row of weights from start to end.
_UNITS_AT_ONCE = 64


@dataclass(frozen=True)
class Loops:
    """The loops for one shape of tile; each takes a range of work last, so that threads can share it.

    Attributes
    ----------
    width
        Examples in a tile.
    to_tiles, from_tiles
        Between ``(batch, units)`` and ``(tiles, rows, width)``, for a range of groups of units; units that have no row
        are left out, and are zero on the way back.
    forward
        Products with a bias, and their tanh if that is wanted, for a range of output units.
    bias_sums
        The sum of each unit over the batch, for a range of units.
    normalize, back_through_normalization
        Batch normalisation of a range of units, and of a gradient, in place.
    back_through_tanh
        A gradient becomes that of what the tanh was taken of, in place, for a range of units.
    backward_rows
        Both gradients of a layer with one unit per node, for a range of inputs.
    weights_rows
        The gradient of the weights of such a layer alone, for a range of outputs.
    backward_inputs
        The gradient of the inputs, for a range of tiles; of each node, without that many of its first inputs.
    backward_weights
        The gradient of the weights, for a range of output units.
    """

    width: int
    to_tiles: Callable[..., None]
    from_tiles: Callable[..., None]
    forward: Callable[..., None]
    bias_sums: Callable[..., None]
    normalize: Callable[..., None]
    back_through_normalization: Callable[..., None]
    back_through_tanh: Callable[..., None]
    backward_rows: Callable[..., None]
    weights_rows: Callable[..., None]
    backward_inputs: Callable[..., None]
    backward_weights: Callable[..., None]


@cache
def make_loops(registers: int, lanes: int, block: int) -> Loops:
    """Return loops for tiles of ``registers * lanes`` examples.

    Parameters
    ----------
    registers, lanes
        Vector registers in a tile, numbers in a register.
    block
        Rows worked on at once; ``block * registers`` sums must fit the register file.
    """
    width = registers * lanes
    half, quarter = max(block // 2, 1), max(block // 4, 1)

    def to_tiles(batch, places, tiled, start, stop):
        examples, units = batch.shape
        rows = tiled.shape[1]
        for tile in range(tiled.shape[0]):
            for group in range(0, width, lanes):
                first = tile * width + group
                filled = min(lanes, examples - first)
                for number in range(start, stop):
                    if places[number] < 0:
                        continue
                    unit, row = number * GROUP, places[number]
                    end = min(unit + GROUP, units)
                    if filled == lanes:
                        while unit + lanes <= end:
                            place = (tile * rows + row) * width + group
                            transpose(batch, first * units + unit, units, tiled, place, width, lanes)
                            unit += lanes
                            row += lanes
                    for late in range(end - unit):
                        for example in range(filled):
                            tiled[tile, row + late, group + example] = batch[first + example, unit + late]
                        for example in range(max(filled, 0), lanes):
                            tiled[tile, row + late, group + example] = 0

    def from_tiles(tiled, places, batch, start, stop):
        examples, units = batch.shape
        rows = tiled.shape[1]
        for tile in range(tiled.shape[0]):
            for group in range(0, width, lanes):
                first = tile * width + group
                filled = min(lanes, examples - first)
                for number in range(start, stop):
                    unit, row = number * GROUP, places[number]
                    end = min(unit + GROUP, units)
                    if row < 0:
                        for example in range(filled):
                            batch[first + example, unit:end] = 0
                        continue
                    if filled == lanes:
                        while unit + lanes <= end:
                            place = (tile * rows + row) * width + group
                            transpose(tiled, place, width, batch, first * units + unit, units, lanes)
                            unit += lanes
                            row += lanes
                    for example in range(filled):
                        for late in range(end - unit):
                            batch[first + example, unit + late] = tiled[tile, row + late, group + example]

    def forward(
        x, inputs, rows, row_pointers, node_of, unit_of, weight_starts, weights, bias, has_tanh, out, outputs, tiles,
        start, stop,
    ):  # fmt: skip
        for tile in range(tiles):
            base = tile * inputs * width
            unit = start
            while unit < stop:
                node = node_of[unit]
                first, fan_in = row_pointers[node], row_pointers[node + 1] - row_pointers[node]
                last = min(unit_of[node + 1], stop)
                while unit < last:
                    place = (tile * outputs + unit) * width
                    weight = weight_starts[node] + (unit - unit_of[node]) * fan_in
                    left = last - unit
                    if left >= block:
                        weighted_sums(
                            x, base, rows, first, fan_in, weights, weight, fan_in, out, place, block, registers, lanes
                        )
                        unit += block
                    elif left >= half:
                        weighted_sums(
                            x, base, rows, first, fan_in, weights, weight, fan_in, out, place, half, registers, lanes
                        )
                        unit += half
                    elif left >= quarter:
                        weighted_sums(
                            x, base, rows, first, fan_in, weights, weight, fan_in, out, place, quarter, registers, lanes
                        )
                        unit += quarter
                    else:
                        weighted_sums(
                            x, base, rows, first, fan_in, weights, weight, fan_in, out, place, 1, registers, lanes
                        )
                        unit += 1
            for unit in range(start, stop):
                place, value = (tile * outputs + unit) * width, bias[unit]
                for example in range(width):
                    out[place + example] += value
            if has_tanh:
                place = (tile * outputs + start) * width
                if out.itemsize == 4:
                    tanh_in_place(out, place, (stop - start) * registers, lanes)
                else:
                    for late in range((stop - start) * width):
                        out[place + late] = math.tanh(out[place + late])

    def backward_rows(g, outputs, outs, weight_of, pointers, weights, x, dx, dw, inputs, tiles, start, stop):
        for tile in range(tiles):
            base = tile * outputs * width
            for row in range(start, stop):
                first, count, place = pointers[row], pointers[row + 1] - pointers[row], (tile * inputs + row) * width
                if tile == 0:
                    back_through_row(
                        g, base, outs, weight_of, first, count, weights, x, place, dx, dw, 0, registers, lanes
                    )
                else:
                    back_through_row(
                        g, base, outs, weight_of, first, count, weights, x, place, dx, dw, 1, registers, lanes
                    )

    def weights_rows(x, inputs, rows, pointers, g, outputs, dw, tiles, start, stop):
        for tile in range(tiles):
            base = tile * inputs * width
            for unit in range(start, stop):
                first, count = pointers[unit], pointers[unit + 1] - pointers[unit]
                place = (tile * outputs + unit) * width
                if tile == 0:
                    products_of_row(x, base, rows, first, count, g, place, dw, 0, registers, lanes)
                else:
                    products_of_row(x, base, rows, first, count, g, place, dw, 1, registers, lanes)

    def backward_inputs(
        g, outputs, rows, row_pointers, skipped, unit_of, weight_starts, weights, dx, inputs, start, stop
    ):
        for tile in range(start, stop):
            base = tile * inputs * width
            dx[base : base + inputs * width] = 0
            for node in range(len(unit_of) - 1):
                fan_in = row_pointers[node + 1] - row_pointers[node]
                for unit in range(unit_of[node], unit_of[node + 1], _UNITS_AT_ONCE):
                    place, units = (tile * outputs + unit) * width, min(_UNITS_AT_ONCE, unit_of[node + 1] - unit)
                    line = weight_starts[node] + (unit - unit_of[node]) * fan_in
                    done = skipped[node]
                    while done < fan_in:
                        row, weight = row_pointers[node] + done, line + done
                        left = fan_in - done
                        if left >= block:
                            scattered_sums(
                                g, place, units, weights, weight, fan_in, rows, row, dx, base, block, registers, lanes
                            )
                            done += block
                        elif left >= half:
                            scattered_sums(
                                g, place, units, weights, weight, fan_in, rows, row, dx, base, half, registers, lanes
                            )
                            done += half
                        else:
                            scattered_sums(
                                g, place, units, weights, weight, fan_in, rows, row, dx, base, 1, registers, lanes
                            )
                            done += 1

    def backward_weights(
        x, inputs, rows, row_pointers, node_of, unit_of, weight_starts, g, outputs, dw, tiles, start, stop
    ):
        x_tile, g_tile = inputs * width, outputs * width
        unit = start
        while unit < stop:
            node = node_of[unit]
            first, fan_in = row_pointers[node], row_pointers[node + 1] - row_pointers[node]
            last = min(unit_of[node + 1], stop)
            line = weight_starts[node] - unit_of[node] * fan_in
            for block_start in range(0, fan_in, _INPUTS_AT_ONCE):
                block_stop = min(block_start + _INPUTS_AT_ONCE, fan_in)
                now = unit
                while now < last:
                    at_once = 4 if last - now >= 4 else 1
                    k = block_start
                    while k < block_stop:
                        row, place, weight = first + k, now * width, line + now * fan_in + k
                        step = 4 if block_stop - k >= 4 else 1
                        if at_once == 4 and step == 4:
                            block_of_products(
                                x, x_tile, rows, row, g, place, g_tile, tiles, dw, weight, fan_in, 4, 4,
                                registers, lanes,
                            )  # fmt: skip
                        elif at_once == 4:
                            block_of_products(
                                x, x_tile, rows, row, g, place, g_tile, tiles, dw, weight, fan_in, 4, 1,
                                registers, lanes,
                            )  # fmt: skip
                        elif step == 4:
                            block_of_products(
                                x, x_tile, rows, row, g, place, g_tile, tiles, dw, weight, fan_in, 1, 4,
                                registers, lanes,
                            )  # fmt: skip
                        else:
                            block_of_products(
                                x, x_tile, rows, row, g, place, g_tile, tiles, dw, weight, fan_in, 1, 1,
                                registers, lanes,
                            )  # fmt: skip
                        k += step
                    now += at_once
            unit = last

    return Loops(
        width,
        compiled(to_tiles),
        compiled(from_tiles),
        compiled(forward),
        *unit_loops(registers, lanes),
        *(compiled(each) for each in (backward_rows, weights_rows, backward_inputs, backward_weights)),
    )


@cache
def folding_loops() -> tuple[Callable[..., None], Callable[..., None]]:
    """Return ``fold`` and ``unfold``.

    ``fold`` sets the weights of the sources themselves, and what the biases of the relays add to each unit:
    ``Σ w (s x + c) = Σ (w s) x + Σ w c``. ``unfold`` sets the gradients of weights, scales and biases of the relays
    from those of the folded weights and the units.
    """

    def fold(weights, scales, biases, relay_of, pointers, folded, added):
        for unit in range(len(pointers) - 1):
            total = 0 * weights[0] if len(weights) else 0
            for place in range(pointers[unit], pointers[unit + 1]):
                relay = relay_of[place]
                if relay < 0:
                    folded[place] = weights[place]
                else:
                    folded[place] = weights[place] * scales[relay]
                    total += weights[place] * biases[relay]
            added[unit] = total

    def unfold(of_folded, of_units, weights, scales, biases, relay_of, pointers, of_weights, of_scales, of_biases):
        of_scales[:] = 0
        of_biases[:] = 0
        for unit in range(len(pointers) - 1):
            upstream = of_units[unit]
            for place in range(pointers[unit], pointers[unit + 1]):
                relay = relay_of[place]
                if relay < 0:
                    of_weights[place] = of_folded[place]
                else:
                    of_weights[place] = of_folded[place] * scales[relay] + upstream * biases[relay]
                    of_scales[relay] += of_folded[place] * weights[place]
                    of_biases[relay] += upstream * weights[place]

    return compiled(fold), compiled(unfold)


@cache
def placement_loops() -> tuple[Callable[..., None], Callable[..., None]]:
    """Return loops that spread weights over a range of rows of a matrix, and that take them out."""

    def place(weights, rows, pointers, matrix, start, stop):
        for output in range(start, stop):
            matrix[output, :] = 0
            for position in range(pointers[output], pointers[output + 1]):
                matrix[output, rows[position]] = weights[position]

    def take(matrix, rows, pointers, weights, start, stop):
        for output in range(start, stop):
            for position in range(pointers[output], pointers[output + 1]):
                weights[position] = matrix[output, rows[position]]

    return compiled(place), compiled(take)
