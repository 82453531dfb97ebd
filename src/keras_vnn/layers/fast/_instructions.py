"""Vector instructions for the compiled loops: each works on the connections of one output, one input or one node.

In: arrays and positions in them, as numba compiles them. Out: machine code that keeps its sums in registers.
The loops over outputs, inputs and tiles are in `_loops`.
"""

# Types of compiled functions are those of numba, which ordinary annotations cannot say.
# ruff: noqa: ANN001, ANN002, ANN202
# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disallow-untyped-calls=False

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_INT = ir.IntType(64)
_SHORT = ir.IntType(32)
_BYTES = ir.IntType(8).as_pointer()
# tanh(x) in single precision is x times a polynomial of its square over another, to some units of the last place.
_LARGEST = 7.90531110763549805
_ABOVE = (
    4.89352455891786e-3, 6.37261928875436e-4, 1.48572235717979e-5, 5.12229709037114e-8, -8.60467152213735e-11,
    2.00018790482477e-13, -2.76076847742355e-16,
)  # fmt: skip
_BELOW = (4.89352518554385e-3, 2.26843463243900e-3, 1.18534705686654e-4, 1.19825839466702e-6)
# Bits of a cache line: what the next block of inputs will read is fetched in time.
_LINE = 512


class _Vectors:
    """Vector instructions on arrays, for the body of an intrinsic."""

    def __init__(self, context: Any, builder: Any, lanes: int, number: Any) -> None:
        self.builder, self.lanes = builder, lanes
        self.number = context.get_data_type(number)
        self.bits = number.bitwidth
        self.vector = ir.VectorType(self.number, lanes)

    def loop(self, count: Any) -> AbstractContextManager[Any]:
        return cgutils.for_range(self.builder, count)  # type: ignore[no-any-return]

    def at(self, data: Any, *offsets: Any) -> Any:
        return self.builder.gep(data, [self.total(*offsets)])

    def total(self, *parts: Any) -> Any:
        return functools.reduce(self.builder.add, map(_integer, parts))

    def scaled(self, value: Any, factor: Any) -> Any:
        return self.builder.mul(_integer(value), _integer(factor))

    def scalar(self, data: Any, *offsets: Any) -> Any:
        return self.builder.load(self.at(data, *offsets))

    def index(self, data: Any, *offsets: Any) -> Any:
        return self.builder.sext(self.scalar(data, *offsets), _INT)

    def load(self, data: Any, *offsets: Any) -> Any:
        pointer = self.builder.bitcast(self.at(data, *offsets), self.vector.as_pointer())
        return self.builder.load(pointer, align=self.bits // 8)

    def store(self, value: Any, data: Any, *offsets: Any) -> None:
        pointer = self.builder.bitcast(self.at(data, *offsets), self.vector.as_pointer())
        self.builder.store(value, pointer, align=self.bits // 8)

    def set_or_add(self, value: Any, adds: int, data: Any, *offsets: Any) -> None:
        if adds:
            value = self.builder.fadd(value, self.scalar(data, *offsets))
        self.builder.store(value, self.at(data, *offsets))

    def repeated(self, value: Any, kind: Any = None) -> Any:
        nothing = ir.Constant(kind or self.vector, ir.Undefined)
        first = self.builder.insert_element(nothing, value, ir.Constant(_SHORT, 0))
        return self.builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_SHORT, self.lanes), None))

    def shuffled(self, first: Any, second: Any, order: list[int]) -> Any:
        return self.builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(_SHORT, self.lanes), order))

    def zero(self) -> Any:
        return ir.Constant(self.vector, None)

    def registers(self, count: int) -> list[Any]:
        """Return variables that start at zero; the compiler keeps them in registers."""
        variables = [cgutils.alloca_once(self.builder, self.vector) for _ in range(count)]
        for variable in variables:
            self.builder.store(self.zero(), variable)
        return variables

    def add_product(self, variable: Any, first: Any, second: Any) -> None:
        self.builder.store(self.multiply_add(first, second, self.builder.load(variable)), variable)

    def multiply_add(self, first: Any, second: Any, third: Any) -> Any:
        return self.call(f"llvm.fmuladd.v{self.lanes}f{self.bits}", self.vector, [first, second, third])

    def number_of(self, value: float) -> Any:
        rounded = float(np.float32(value)) if self.bits == 32 else value  # as LLVM wants to have it written
        return ir.Constant(self.vector, [rounded] * self.lanes)

    def polynomial(self, x: Any, coefficients: Sequence[float]) -> Any:
        found = self.number_of(coefficients[-1])
        for coefficient in coefficients[-2::-1]:
            found = self.multiply_add(found, x, self.number_of(coefficient))
        return found

    def limited(self, sign: str, x: Any, limit: float) -> Any:
        """Return the limit where x lies beyond it on the side of the sign; NaN stays."""
        bound = self.number_of(limit)
        return self.builder.select(self.builder.fcmp_ordered(sign, x, bound), bound, x)

    def masks(self, filled: Any, registers: int) -> list[Any]:
        """Return, for each register of a tile, which of its lanes are among the first ``filled`` of the tile."""
        numbers = ir.Constant(ir.VectorType(_INT, self.lanes), list(range(self.lanes)))
        found = []
        for r in range(registers):
            limit = self.repeated(
                self.builder.sub(_integer(filled), _integer(r * self.lanes)), ir.VectorType(_INT, self.lanes)
            )
            found.append(self.builder.icmp_signed("<", numbers, limit))
        return found

    def sum(self, vector: Any) -> Any:
        start = ir.Constant(self.number, -0.0)
        name = f"llvm.vector.reduce.fadd.v{self.lanes}f{self.bits}"
        return self.call(name, self.number, [start, vector], fastmath=("reassoc",))

    def fetch(self, data: Any, *offsets: Any) -> None:
        pointer = self.builder.bitcast(self.at(data, *offsets), _BYTES)
        hints = [ir.Constant(_SHORT, hint) for hint in (0, 3, 1)]  # to read, to keep, data
        self.call("llvm.prefetch.p0", ir.VoidType(), [pointer, *hints])

    def call(self, name: str, result: Any, arguments: list[Any], **options: Any) -> Any:
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, arguments, **options)


def _integer(value: Any) -> Any:
    return ir.Constant(_INT, value) if isinstance(value, int) else value


def vector_instruction(body: Callable[..., None]) -> Any:
    """Make an instruction for compiled loops of a function that writes its machine code.

    The loops call it without its first parameter, the `_Vectors` by which it writes. Arrays come as pointers to their
    data, constants as integers of Python. The first array holds numbers of the kind in a register; the last constant is
    how many.
    """

    @intrinsic(prefer_literal=True)
    @functools.wraps(body)
    def instruction(typing, *kinds):
        def written(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            vectors = _Vectors(context, builder, kinds[-1].literal_value, kinds[0].dtype)
            arguments = []
            for kind, value in zip(signature.args, values, strict=True):
                if isinstance(kind, types.Array):
                    arguments.append(context.make_array(kind)(context, builder, value).data)
                else:
                    arguments.append(kind.literal_value if isinstance(kind, types.Literal) else value)
            body(vectors, *arguments)
            return context.get_dummy_value()

        return types.void(*kinds), written

    return instruction


@vector_instruction
def tanh_in_place(v, values, start, count, lanes):
    """Set ``count`` registers of single precision, from ``start`` on, to their tanh."""
    with v.loop(count) as loop:
        place = v.total(start, v.scaled(loop.index, lanes))
        x = v.limited("<", v.limited(">", v.load(values, place), _LARGEST), -_LARGEST)
        square = v.builder.fmul(x, x)
        above = v.builder.fmul(x, v.polynomial(square, _ABOVE))
        v.store(v.builder.fdiv(above, v.polynomial(square, _BELOW)), values, place)


@vector_instruction
def weighted_sums(v, x, base, rows, start, count, weights, first, stride, out, place, units, registers, lanes):
    """Set ``units`` rows of ``out`` from ``place`` on to the sums of weighted rows of ``x``."""
    width = registers * lanes
    sums = v.registers(units * registers)
    firsts = [v.total(first, v.scaled(stride, unit)) for unit in range(units)]
    with v.loop(count) as loop:
        row = v.total(base, v.scaled(v.index(rows, start, loop.index), width))
        values = [v.load(x, row, r * lanes) for r in range(registers)]
        for unit in range(units):
            weight = v.repeated(v.scalar(weights, firsts[unit], loop.index))
            for r in range(registers):
                v.add_product(sums[unit * registers + r], weight, values[r])
    for position, total in enumerate(sums):
        v.store(v.builder.load(total), out, place, position * lanes)


@vector_instruction
def back_through_row(v, g, base, outs, weight_of, start, count, weights, x, place, dx, dw, adds, registers, lanes):
    """Set one row of ``dx`` to its sum, and ``dw`` of the row's connections: each row of ``g`` is read once."""
    values = [v.load(x, place, r * lanes) for r in range(registers)]
    sums = v.registers(registers)
    with v.loop(count) as loop:
        row = v.total(base, v.scaled(v.index(outs, start, loop.index), registers * lanes))
        position = v.index(weight_of, start, loop.index)
        weight = v.repeated(v.scalar(weights, position))
        product = v.zero()
        for r in range(registers):
            upstream = v.load(g, row, r * lanes)
            v.add_product(sums[r], weight, upstream)
            product = v.multiply_add(values[r], upstream, product)
        v.set_or_add(v.sum(product), adds, dw, position)
    for r, total in enumerate(sums):
        v.store(v.builder.load(total), dx, place, r * lanes)


@vector_instruction
def products_of_row(v, x, base, rows, start, count, g, place, dw, adds, registers, lanes):
    """Set ``dw`` of the connections of one output from its row of ``g``."""
    upstream = [v.load(g, place, r * lanes) for r in range(registers)]
    with v.loop(count) as loop:
        row = v.total(base, v.scaled(v.index(rows, start, loop.index), registers * lanes))
        product = v.zero()
        for r in range(registers):
            product = v.multiply_add(upstream[r], v.load(x, row, r * lanes), product)
        v.set_or_add(v.sum(product), adds, dw, start, loop.index)


@vector_instruction
def scattered_sums(v, g, place, units, weights, first, stride, rows, start, dx, base, inputs, registers, lanes):
    """Add to ``inputs`` rows of ``dx`` the weighted rows of ``g`` of all units of one node."""
    width = registers * lanes
    targets = [v.total(base, v.scaled(v.index(rows, start, position), width)) for position in range(inputs)]
    sums = v.registers(inputs * registers)
    for position, target in enumerate(targets):
        for r in range(registers):
            v.builder.store(v.load(dx, target, r * lanes), sums[position * registers + r])
    with v.loop(units) as loop:
        row = v.total(place, v.scaled(loop.index, width))
        upstream = [v.load(g, row, r * lanes) for r in range(registers)]
        line = v.total(first, v.scaled(stride, loop.index))
        v.fetch(weights, line, _LINE // v.bits)
        for position in range(inputs):
            weight = v.repeated(v.scalar(weights, line, position))
            for r in range(registers):
                v.add_product(sums[position * registers + r], weight, upstream[r])
    for position, target in enumerate(targets):
        for r in range(registers):
            v.store(v.builder.load(sums[position * registers + r]), dx, target, r * lanes)


@vector_instruction
def block_of_products(
    v, x, x_tile, rows, start, g, place, g_tile, tiles, dw, first, stride, units, inputs, registers, lanes
):
    """Set ``dw`` of ``units`` × ``inputs`` connections of one node, over all tiles of the batch."""
    width = registers * lanes
    sources = [v.scaled(v.index(rows, start, position), width) for position in range(inputs)]
    sums = v.registers(units * inputs)
    with v.loop(tiles) as loop:
        x_base = v.scaled(loop.index, x_tile)
        g_base = v.total(place, v.scaled(loop.index, g_tile))
        for r in range(registers):
            upstream = [v.load(g, g_base, unit * width + r * lanes) for unit in range(units)]
            for position in range(inputs):
                value = v.load(x, v.total(x_base, sources[position]), r * lanes)
                for unit in range(units):
                    v.add_product(sums[unit * inputs + position], upstream[unit], value)
    for unit in range(units):
        line = v.total(first, v.scaled(stride, unit))
        for position in range(inputs):
            v.set_or_add(v.sum(v.builder.load(sums[unit * inputs + position])), 0, dw, line, position)


@vector_instruction
def transpose(v, source, start, stride, target, place, target_stride, lanes):
    """Set a square of ``target`` to the transpose of a square of ``source``, each as wide as a register."""
    rows = [v.load(source, start, v.scaled(stride, row)) for row in range(lanes)]
    step = 1
    while step < lanes:
        # Swap the off-diagonal squares of side `step` of every square of twice that side.
        order = [i if not i & step else lanes + i - step for i in range(lanes)]
        for first in (row for row in range(lanes) if not row & step):
            upper, lower = rows[first], rows[first + step]
            rows[first] = v.shuffled(upper, lower, order)
            rows[first + step] = v.shuffled(upper, lower, [place + step for place in order])
        step *= 2
    for row, values in enumerate(rows):
        v.store(values, target, place, v.scaled(target_stride, row))


# Of units one after the other in a tile, from ``place`` on; what is known of each is in arrays of a number, or of a
# register of sums, per unit. Examples beyond the first ``filled`` of the tile do not count.


@vector_instruction
def add_units(v, a, place, sums, count, filled, registers, lanes):
    """Add the examples of each unit to its sums."""
    masks = v.masks(filled, registers)
    with v.loop(count) as loop:
        row, to = (v.scaled(loop.index, size) for size in (registers * lanes, lanes))
        total = v.load(sums, to)
        for r, mask in enumerate(masks):
            value = v.builder.select(mask, v.load(a, place, row, r * lanes), v.zero())
            total = v.builder.fadd(total, value)
        v.store(total, sums, to)


@vector_instruction
def add_squares(v, a, place, means, sums, count, filled, registers, lanes):
    """Add the squares of the examples of each unit, as far as they are from its mean, to its sums."""
    masks = v.masks(filled, registers)
    with v.loop(count) as loop:
        row, to = (v.scaled(loop.index, size) for size in (registers * lanes, lanes))
        total, mean = v.load(sums, to), v.repeated(v.scalar(means, loop.index))
        for r, mask in enumerate(masks):
            deviation = v.builder.fsub(v.load(a, place, row, r * lanes), mean)
            deviation = v.builder.select(mask, deviation, v.zero())
            total = v.multiply_add(deviation, deviation, total)
        v.store(total, sums, to)


@vector_instruction
def scale_units(v, a, place, scales, shifts, out, count, registers, lanes):
    """Set the same places of ``out`` to the examples of each unit times its scale plus its shift."""
    with v.loop(count) as loop:
        row = v.total(place, v.scaled(loop.index, registers * lanes))
        scale, shift = (v.repeated(v.scalar(each, loop.index)) for each in (scales, shifts))
        for r in range(registers):
            v.store(v.multiply_add(v.load(a, row, r * lanes), scale, shift), out, row, r * lanes)


@vector_instruction
def add_gradients(v, g, a, place, means, sums, products, count, registers, lanes):
    """Add the gradients of each unit to its sums, and times the distance of the unit from its mean to its products."""
    with v.loop(count) as loop:
        row, to = v.total(place, v.scaled(loop.index, registers * lanes)), v.scaled(loop.index, lanes)
        total, product, mean = v.load(sums, to), v.load(products, to), v.repeated(v.scalar(means, loop.index))
        for r in range(registers):
            upstream = v.load(g, row, r * lanes)
            total = v.builder.fadd(total, upstream)
            product = v.multiply_add(upstream, v.builder.fsub(v.load(a, row, r * lanes), mean), product)
        v.store(total, sums, to)
        v.store(product, products, to)


@vector_instruction
def back_through_scale(v, g, a, place, means, scales, levels, slopes, count, filled, registers, lanes):
    """Set the gradients of each unit to ``scale * (g - level - slope * (a - mean))``."""
    masks = v.masks(filled, registers)
    with v.loop(count) as loop:
        row = v.total(place, v.scaled(loop.index, registers * lanes))
        mean, scale, level, slope = (v.repeated(v.scalar(each, loop.index)) for each in (means, scales, levels, slopes))
        for r, mask in enumerate(masks):
            deviation = v.builder.fsub(v.load(a, row, r * lanes), mean)
            rest = v.builder.fsub(v.load(g, row, r * lanes), level)
            rest = v.builder.fsub(rest, v.builder.fmul(slope, deviation))
            v.store(v.builder.select(mask, v.builder.fmul(scale, rest), v.zero()), g, row, r * lanes)
