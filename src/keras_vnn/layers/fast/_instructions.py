"""Vector instructions for the compiled loops: each works on the connections of one output, one input or one node.

In: arrays and positions in them, as numba compiles them. Out: machine code that keeps its sums in registers.
The loops over outputs, inputs and tiles are in `_loops`.
"""

# Types of compiled functions are those of numba, which ordinary annotations cannot say.
# ruff: noqa: ANN001, ANN202
# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disallow-untyped-calls=False

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_INT = ir.IntType(64)
_SHORT = ir.IntType(32)
_BYTES = ir.IntType(8).as_pointer()
# Bits of a cache line: what the next block of inputs will read is fetched in time.
_LINE = 512


class _Vectors:
    """Vector instructions on arrays, for the body of an intrinsic."""

    def __init__(self, context: Any, builder: Any, lanes: int, number: Any) -> None:
        self.context, self.builder, self.lanes = context, builder, lanes
        self.number = context.get_data_type(number)
        self.bits = number.bitwidth
        self.vector = ir.VectorType(self.number, lanes)

    def data(self, kind: Any, array: Any) -> Any:
        return self.context.make_array(kind)(self.context, self.builder, array).data

    def at(self, data: Any, *offsets: Any) -> Any:
        total = offsets[0] if not isinstance(offsets[0], int) else ir.Constant(_INT, offsets[0])
        for offset in offsets[1:]:
            total = self.builder.add(total, ir.Constant(_INT, offset) if isinstance(offset, int) else offset)
        return self.builder.gep(data, [total])

    def scaled(self, value: Any, factor: int) -> Any:
        return self.builder.mul(value, ir.Constant(_INT, factor))

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

    def repeated(self, value: Any) -> Any:
        nothing = ir.Constant(self.vector, ir.Undefined)
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


def _unpack(vectors: _Vectors, signature: Any, arguments: Any) -> list[Any]:
    """Return the data pointer of each array among the arguments, and the other arguments as they are."""
    return [
        vectors.data(kind, value) if isinstance(kind, types.Array) else value
        for kind, value in zip(signature.args, arguments, strict=True)
    ]


@intrinsic(prefer_literal=True)
def weighted_sums(typing, x, base, rows, start, count, weights, first, stride, out, place, units, registers, lanes):
    """Set ``units`` rows of ``out`` from ``place`` on to the sums of weighted rows of ``x``."""
    n_units, n_registers, n_lanes = (value.literal_value for value in (units, registers, lanes))
    signature = types.void(x, base, rows, start, count, weights, first, stride, out, place, units, registers, lanes)

    def body(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = _Vectors(context, builder, n_lanes, x.dtype)
        x_, base_, rows_, start_, count_, weights_, first_, stride_, out_, place_, *_ = _unpack(v, signature, arguments)
        width = n_registers * n_lanes
        sums = v.registers(n_units * n_registers)
        firsts = [builder.add(first_, v.scaled(stride_, unit)) for unit in range(n_units)]
        with cgutils.for_range(builder, count_) as loop:
            row = builder.add(base_, v.scaled(v.index(rows_, start_, loop.index), width))
            values = [v.load(x_, row, r * n_lanes) for r in range(n_registers)]
            for unit in range(n_units):
                weight = v.repeated(v.scalar(weights_, firsts[unit], loop.index))
                for r in range(n_registers):
                    v.add_product(sums[unit * n_registers + r], weight, values[r])
        for position, total in enumerate(sums):
            v.store(builder.load(total), out_, place_, position * n_lanes)
        return context.get_dummy_value()

    return signature, body


@intrinsic(prefer_literal=True)
def back_through_row(typing, g, base, outs, weight_of, start, count, weights, x, place, dx, dw, adds, registers, lanes):
    """Set one row of ``dx`` to its sum, and ``dw`` of the row's connections: each row of ``g`` is read once."""
    n_registers, n_lanes, is_adding = (value.literal_value for value in (registers, lanes, adds))
    signature = types.void(g, base, outs, weight_of, start, count, weights, x, place, dx, dw, adds, registers, lanes)

    def body(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = _Vectors(context, builder, n_lanes, g.dtype)
        g_, base_, outs_, weight_of_, start_, count_, weights_, x_, place_, dx_, dw_, *_ = _unpack(
            v, signature, arguments
        )
        width = n_registers * n_lanes
        values = [v.load(x_, place_, r * n_lanes) for r in range(n_registers)]
        sums = v.registers(n_registers)
        with cgutils.for_range(builder, count_) as loop:
            row = builder.add(base_, v.scaled(v.index(outs_, start_, loop.index), width))
            position = v.index(weight_of_, start_, loop.index)
            weight = v.repeated(v.scalar(weights_, position))
            product = v.zero()
            for r in range(n_registers):
                upstream = v.load(g_, row, r * n_lanes)
                v.add_product(sums[r], weight, upstream)
                product = v.multiply_add(values[r], upstream, product)
            total = v.sum(product)
            if is_adding:
                total = builder.fadd(total, v.scalar(dw_, position))
            builder.store(total, v.at(dw_, position))
        for r, total in enumerate(sums):
            v.store(builder.load(total), dx_, place_, r * n_lanes)
        return context.get_dummy_value()

    return signature, body


@intrinsic(prefer_literal=True)
def products_of_row(typing, x, base, rows, start, count, g, place, dw, adds, registers, lanes):
    """Set ``dw`` of the connections of one output from its row of ``g``."""
    n_registers, n_lanes, is_adding = (value.literal_value for value in (registers, lanes, adds))
    signature = types.void(x, base, rows, start, count, g, place, dw, adds, registers, lanes)

    def body(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = _Vectors(context, builder, n_lanes, g.dtype)
        x_, base_, rows_, start_, count_, g_, place_, dw_, *_ = _unpack(v, signature, arguments)
        width = n_registers * n_lanes
        upstream = [v.load(g_, place_, r * n_lanes) for r in range(n_registers)]
        with cgutils.for_range(builder, count_) as loop:
            row = builder.add(base_, v.scaled(v.index(rows_, start_, loop.index), width))
            product = v.zero()
            for r in range(n_registers):
                product = v.multiply_add(upstream[r], v.load(x_, row, r * n_lanes), product)
            total = v.sum(product)
            if is_adding:
                total = builder.fadd(total, v.scalar(dw_, start_, loop.index))
            builder.store(total, v.at(dw_, start_, loop.index))
        return context.get_dummy_value()

    return signature, body


@intrinsic(prefer_literal=True)
def scattered_sums(typing, g, place, units, weights, first, stride, rows, start, dx, base, inputs, registers, lanes):
    """Add to ``inputs`` rows of ``dx`` the weighted rows of ``g`` of all units of one node."""
    n_inputs, n_registers, n_lanes = (value.literal_value for value in (inputs, registers, lanes))
    signature = types.void(g, place, units, weights, first, stride, rows, start, dx, base, inputs, registers, lanes)

    def body(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = _Vectors(context, builder, n_lanes, g.dtype)
        g_, place_, units_, weights_, first_, stride_, rows_, start_, dx_, base_, *_ = _unpack(v, signature, arguments)
        width = n_registers * n_lanes
        targets = [
            builder.add(base_, v.scaled(v.index(rows_, start_, position), width)) for position in range(n_inputs)
        ]
        sums = v.registers(n_inputs * n_registers)
        for position, target in enumerate(targets):
            for r in range(n_registers):
                builder.store(v.load(dx_, target, r * n_lanes), sums[position * n_registers + r])
        with cgutils.for_range(builder, units_) as loop:
            row = builder.add(place_, v.scaled(loop.index, width))
            upstream = [v.load(g_, row, r * n_lanes) for r in range(n_registers)]
            line = builder.add(first_, builder.mul(stride_, loop.index))
            v.fetch(weights_, line, _LINE // v.bits)
            for position in range(n_inputs):
                weight = v.repeated(v.scalar(weights_, line, position))
                for r in range(n_registers):
                    v.add_product(sums[position * n_registers + r], weight, upstream[r])
        for position, target in enumerate(targets):
            for r in range(n_registers):
                v.store(builder.load(sums[position * n_registers + r]), dx_, target, r * n_lanes)
        return context.get_dummy_value()

    return signature, body


@intrinsic(prefer_literal=True)
def block_of_products(
    typing,
    x,
    x_tile,
    rows,
    start,
    g,
    place,
    g_tile,
    tiles,
    dw,
    first,
    stride,
    units,
    inputs,
    registers,
    lanes,
):
    """Set ``dw`` of ``units`` × ``inputs`` connections of one node, over all tiles of the batch."""
    n_units, n_inputs, n_registers, n_lanes = (value.literal_value for value in (units, inputs, registers, lanes))
    signature = types.void(
        x, x_tile, rows, start, g, place, g_tile, tiles, dw, first, stride, units, inputs, registers, lanes
    )

    def body(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = _Vectors(context, builder, n_lanes, g.dtype)
        x_, x_tile_, rows_, start_, g_, place_, g_tile_, tiles_, dw_, first_, stride_, *_ = _unpack(
            v, signature, arguments
        )
        width = n_registers * n_lanes
        sources = [v.scaled(v.index(rows_, start_, position), width) for position in range(n_inputs)]
        sums = v.registers(n_units * n_inputs)
        with cgutils.for_range(builder, tiles_) as loop:
            x_base = builder.mul(loop.index, x_tile_)
            g_base = builder.add(place_, builder.mul(loop.index, g_tile_))
            for r in range(n_registers):
                upstream = [v.load(g_, g_base, unit * width + r * n_lanes) for unit in range(n_units)]
                for position in range(n_inputs):
                    value = v.load(x_, builder.add(x_base, sources[position]), r * n_lanes)
                    for unit in range(n_units):
                        v.add_product(sums[unit * n_inputs + position], upstream[unit], value)
        for unit in range(n_units):
            line = builder.add(first_, v.scaled(stride_, unit))
            for position in range(n_inputs):
                total = v.sum(builder.load(sums[unit * n_inputs + position]))
                builder.store(total, v.at(dw_, line, position))
        return context.get_dummy_value()

    return signature, body


@intrinsic(prefer_literal=True)
def transpose(typing, source, start, stride, target, place, target_stride, lanes):
    """Set a square of ``target`` to the transpose of a square of ``source``, each as wide as a register."""
    n_lanes = lanes.literal_value
    signature = types.void(source, start, stride, target, place, target_stride, lanes)

    def body(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = _Vectors(context, builder, n_lanes, source.dtype)
        source_, start_, stride_, target_, place_, target_stride_, _ = _unpack(v, signature, arguments)
        rows = [v.load(source_, start_, v.scaled(stride_, row)) for row in range(n_lanes)]
        step = 1
        while step < n_lanes:
            # Swap the off-diagonal squares of side `step` of every square of twice that side.
            for first in (row for row in range(n_lanes) if not row & step):
                upper, lower = rows[first], rows[first + step]
                rows[first] = v.shuffled(
                    upper, lower, [i if not i & step else n_lanes + i - step for i in range(n_lanes)]
                )
                rows[first + step] = v.shuffled(
                    upper, lower, [i + step if not i & step else n_lanes + i for i in range(n_lanes)]
                )
            step *= 2
        for row, values in enumerate(rows):
            v.store(values, target_, place_, v.scaled(target_stride_, row))
        return context.get_dummy_value()

    return signature, body
