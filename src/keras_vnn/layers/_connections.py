"""`Connections`: which input unit feeds which output unit, in the one order every kernel shares.

In: an adjacency in any form. Out: an immutable value of index arrays. Knows nothing of Keras.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.basics.errors import ArchitectureError, counted
from keras_vnn.basics.untrusted import check_compressed

# Beyond any model, and small enough that the units of all nodes, and their products, can be counted in 64 bits.
_MOST_UNITS = 1 << 20


@dataclass(frozen=True, eq=False)
class Connections:
    """The connections of one sparse layer, ordered by output unit, then by input unit.

    The order is that of the trainable weights: weight ``k`` joins input ``rows[k]`` to output ``columns[k]``.

    Attributes
    ----------
    nodes
        ``(input nodes, output nodes)`` scipy CSC of booleans, sorted.
    input_units, output_units
        Number of units of each input node, of each output node.
    candidates
        Those of ``nodes`` that no prior supports and training may take up, of the same shape; ``None`` for none.
    """

    nodes: sparse.csc_array
    input_units: NDArray[np.int64]
    output_units: NDArray[np.int64]
    candidates: sparse.csc_array | None = None

    @classmethod
    def from_adjacency(
        cls,
        adjacency: Any,
        *,
        input_units: int | Sequence[int] = 1,
        output_units: int | Sequence[int] = 1,
        candidates: Any = None,
        largest: float = math.inf,
    ) -> Connections:
        """Make connections from an adjacency of nodes and the units of each node.

        Parameters
        ----------
        adjacency
            ``(inputs, outputs)`` numpy array, scipy sparse array, DataFrame, or what `encode` gave.
            Any entry that is not zero is a connection.
        input_units, output_units
            One number for all nodes, or one per node.
        candidates
            Further connections, in any form and of the shape of ``adjacency``; what that has already is left out.
        largest
            Most nodes, and most connections, that an encoded adjacency may have.

        Raises
        ------
        ArchitectureError
            The adjacency is not a matrix, is empty, holds NaN, or the numbers of units do not fit it; or candidates
            have another shape.
        """
        if candidates is not None:
            prior = cls.from_adjacency(adjacency, input_units=input_units, output_units=output_units, largest=largest)
            more = cls.from_adjacency(candidates, largest=largest).nodes
            if more.shape != prior.nodes.shape:
                raise ArchitectureError(
                    f"candidates must have the shape of adjacency, {prior.nodes.shape}, got {more.shape}."
                )
            own = sparse.csc_array(more > prior.nodes)
            return cls(sparse.csc_array(prior.nodes + own), prior.input_units, prior.output_units, own)
        if isinstance(adjacency, Mapping):
            nodes = _decoded(adjacency, largest)
        elif isinstance(adjacency, pd.DataFrame):
            is_sparse = all(isinstance(dtype, pd.SparseDtype) for dtype in adjacency.dtypes)
            nodes = sparse.csc_array(adjacency.sparse.to_coo() if is_sparse else adjacency.to_numpy())
        else:
            if callable(getattr(adjacency, "adjacency", None)):
                raise ArchitectureError(
                    f"Expected an adjacency, got {type(adjacency).__name__}.\n"
                    "Take that between two of its layers: arch.adjacency(0, 1); or all of it: vnn.build_model(arch, 2)"
                )
            matrix = adjacency if sparse.issparse(adjacency) else np.asarray(adjacency)
            if matrix.ndim != 2:
                raise ArchitectureError(
                    "adjacency must be a matrix of shape (inputs, outputs), "
                    f"got {counted(matrix.ndim, 'dimension')}: {matrix.shape}."
                )
            nodes = _columns_of(matrix)
        if 0 in nodes.shape:
            raise ArchitectureError(f"adjacency must have at least one input and one output, got shape {nodes.shape}.")
        if nodes.dtype.kind == "f" and np.isnan(nodes.data).any():
            raise ArchitectureError(f"adjacency holds {int(np.isnan(nodes.data).sum())} NaN; expected 0 or 1.")
        # Made of booleans before duplicates are summed: 1 and -1 are two times the same connection, not none.
        present = sparse.csc_array((nodes.data != 0, nodes.indices, nodes.indptr), shape=nodes.shape, copy=True)
        present.eliminate_zeros()
        present.sum_duplicates()
        return cls(
            present,
            _unit_counts(input_units, nodes.shape[0], "input"),
            _unit_counts(output_units, nodes.shape[1], "output"),
        )

    @property
    def inputs(self) -> int:
        """Number of input units."""
        return int(self.input_units.sum())

    @property
    def outputs(self) -> int:
        """Number of output units."""
        return int(self.output_units.sum())

    @cached_property
    def count(self) -> int:
        """Number of connections between units: the length of the trainable kernel."""
        return int(self._node_fan_in @ self.output_units)

    @property
    def density(self) -> float:
        """Share of the connections a dense layer would have."""
        return self.count / (self.inputs * self.outputs)

    @cached_property
    def pair(self) -> tuple[int, int] | None:
        """Units of an input and an output node, if each output node reads the one input node in its place."""
        nodes = self.nodes.shape[1]
        if self.nodes.shape[0] != nodes or self.nodes.nnz != nodes or (self.nodes.indices != np.arange(nodes)).any():
            return None
        if (np.diff(self.nodes.indptr) != 1).any():
            return None
        units = np.unique(self.input_units), np.unique(self.output_units)
        return None if max(map(len, units)) > 1 else (int(units[0][0]), int(units[1][0]))

    @cached_property
    def node_pointers(self) -> NDArray[np.int64]:
        """``(output nodes + 1,)``: node ``j`` reads ``node_inputs[node_pointers[j]:node_pointers[j + 1]]``."""
        totals = np.concatenate([[0], np.cumsum(self.input_units[self.nodes.indices])])
        return _locked(totals[self.nodes.indptr])

    @cached_property
    def node_inputs(self) -> NDArray[np.int32]:
        """Input units of each output node, once for all units of it."""
        first_unit = np.cumsum(self.input_units) - self.input_units
        inputs = _ranges(first_unit[self.nodes.indices], self.input_units[self.nodes.indices])
        return _locked(inputs.astype(np.int32))

    @property
    def _node_fan_in(self) -> NDArray[np.int64]:
        """``(output nodes,)`` number of input units of each output node."""
        return np.diff(self.node_pointers)

    @cached_property
    def fan_in(self) -> NDArray[np.int64]:
        """``(outputs,)`` number of inputs of each output unit."""
        return _locked(np.repeat(self._node_fan_in, self.output_units))

    @cached_property
    def fan_out(self) -> NDArray[np.int64]:
        """``(inputs,)`` number of outputs of each input unit."""
        widths = np.repeat(self.output_units, np.diff(self.nodes.indptr))
        per_node = np.bincount(self.nodes.indices, widths, self.nodes.shape[0]).astype(np.int64)
        return _locked(np.repeat(per_node, self.input_units))

    @cached_property
    def pointers(self) -> NDArray[np.int64]:
        """``(outputs + 1,)``: the connections of output ``j`` are ``pointers[j]:pointers[j + 1]``."""
        return _locked(np.concatenate([[0], np.cumsum(self.fan_in)]))

    @cached_property
    def rows(self) -> NDArray[np.int32]:
        """``(connections,)`` input unit of each connection."""
        if (self.output_units == 1).all():
            return self.node_inputs
        starts = np.repeat(self.node_pointers[:-1], self.output_units)
        return _locked(self.node_inputs[_ranges(starts, self.fan_in)])

    @cached_property
    def columns(self) -> NDArray[np.int32]:
        """``(connections,)`` output unit of each connection, ascending."""
        return _locked(np.repeat(np.arange(self.outputs, dtype=np.int32), self.fan_in))

    @cached_property
    def is_candidate(self) -> NDArray[np.bool_]:
        """``(connections,)`` whether no prior supports it."""
        if self.candidates is None:
            return _locked(np.zeros(self.count, bool))
        places = [np.stack([matrix.tocoo().col, matrix.tocoo().row]) for matrix in (self.nodes, self.candidates)]
        keys = [columns.astype(np.int64) * self.nodes.shape[0] + rows for columns, rows in places]
        by_input = np.repeat(np.isin(keys[0], keys[1]), self.input_units[self.nodes.indices])
        starts = np.repeat(self.node_pointers[:-1], self.output_units)
        return _locked(by_input[_ranges(starts, self.fan_in)])

    @cached_property
    def prior(self) -> Connections:
        """The same without candidates."""
        if self.candidates is None:
            return self
        return Connections(sparse.csc_array(self.nodes > self.candidates), self.input_units, self.output_units)

    @cached_property
    def digest(self) -> bytes:
        """32 bytes that differ wherever the connections do."""
        parts = self.nodes.shape, self.nodes.indptr, self.nodes.indices, self.input_units, self.output_units
        return sha256(b"|".join(np.asarray(part, "<i8").tobytes() for part in parts)).digest()

    def matrix(self, values: NDArray[Any] | None = None) -> sparse.csc_array:
        """Return the ``(inputs, outputs)`` matrix of units, with ones or with the given value per connection."""
        data = np.ones(self.count, bool) if values is None else np.asarray(values)
        return sparse.csc_array((data, self.rows, self.pointers), shape=(self.inputs, self.outputs))

    def encode(self) -> dict[str, Any]:
        """Return the adjacency of nodes as a small JSON value: gaps between rows, compressed, base64.

        It has no candidates: those are ``Connections(candidates, …).encode()``.
        """
        if self.candidates is not None:
            return self.prior.encode()
        indices, indptr = self.nodes.indices.astype(np.int64), self.nodes.indptr
        gaps = np.diff(indices, prepend=0)
        starts = indptr[:-1][np.diff(indptr) > 0]
        gaps[starts] = indices[starts]
        return {
            "shape": [int(n) for n in self.nodes.shape],
            "counts": _packed(np.diff(indptr)),
            "gaps": _packed(gaps),
        }

    def __repr__(self) -> str:
        """Return the sizes."""
        return f"<Connections {self.inputs:,} × {self.outputs:,}, {self.count:,} present ({100 * self.density:.3g} %)>"


def _columns_of(matrix: Any) -> sparse.csc_array:
    """Return any matrix as CSC, entries listed twice kept apart."""
    if not sparse.issparse(matrix) or matrix.format == "csc":
        return sparse.csc_array(matrix)
    listed = matrix.tocoo()
    order = np.lexsort((listed.row, listed.col))
    pointers = np.concatenate([[0], np.cumsum(np.bincount(listed.col, minlength=matrix.shape[1]))])
    return sparse.csc_array((listed.data[order], listed.row[order], pointers), shape=matrix.shape)


def _decoded(encoded: Mapping[str, Any], largest: float) -> sparse.csc_array:
    try:
        rows, columns = (int(n) for n in encoded["shape"])
        if min(rows, columns) < 0 or rows + columns > largest:
            raise ValueError(f"it claims {rows:,} × {counted(columns, 'node')}, more than its file has weights for")
        counts = _unpacked(encoded["counts"], columns)
        if ((counts < 0) | (counts > rows)).any():
            raise ValueError("a column has more connections than there are rows")
        total = int(counts.sum())
        if total > largest:
            raise ValueError(f"it claims {counted(total, 'connection')}, more than its file has weights for")
        gaps = _unpacked(encoded["gaps"], total)
        indptr = np.concatenate([[0], np.cumsum(counts)])
        sums = np.concatenate([[0], np.cumsum(gaps)])
        indices = sums[1:] - np.repeat(sums[indptr[:-1]], counts)
        later = np.ones(len(gaps), bool)
        later[indptr[:-1][counts > 0]] = False
        if (gaps[later] == 0).any():
            raise ValueError("it lists a connection twice")
        matrix = sparse.csc_array((np.ones(len(indices), bool), indices, indptr), shape=(rows, columns))
        check_compressed(matrix)
    except (KeyError, ValueError, TypeError, zlib.error) as error:
        raise ArchitectureError(
            f"The encoded adjacency is damaged: {error}.\nExpected what SparselyConnected.get_config() gives."
        ) from error
    return matrix


def _packed(values: NDArray[Any]) -> str:
    smallest = np.min_scalar_type(int(values.max(initial=0)))
    content = smallest.str.encode() + b"\n" + values.astype(smallest.newbyteorder("<")).tobytes()
    return base64.b64encode(zlib.compress(content, 6)).decode("ascii")


def _unpacked(text: str, length: int) -> NDArray[np.int64]:
    """Return as many numbers as there must be; what would unpack to more is not unpacked further."""
    most = len("<u8\n") + 8 * length
    dtype, _, content = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), most).partition(b"\n")
    kind = dtype.decode("ascii")[1:]
    if kind not in ("u1", "u2", "u4", "u8"):
        raise ValueError(f"unknown number type {kind!r}")
    if len(content) != int(kind[1]) * length:
        raise ValueError("its parts do not fit each other")
    return np.frombuffer(content, "<" + kind).astype(np.int64)


def _unit_counts(units: int | Sequence[int], nodes: int, side: str) -> NDArray[np.int64]:
    counts = np.asarray(units)
    if counts.ndim == 0:
        counts = np.full(nodes, counts)
    if counts.shape != (nodes,):
        raise ArchitectureError(
            f"The units of the {side} nodes must be one number or one per node: "
            f"expected {nodes}, got {counts.shape[0]}."
        )
    if counts.dtype.kind not in "iu" or (counts < 1).any():
        raise ArchitectureError(f"The units of the {side} nodes must be integers of at least 1, got {counts.min()}.")
    if (counts > _MOST_UNITS).any():
        raise ArchitectureError(
            f"The units of a node must be at most {_MOST_UNITS:,}, got {counts.max():,} for an {side} node."
        )
    return _locked(counts.astype(np.int64))


def _ranges(starts: NDArray[Any], lengths: NDArray[Any]) -> NDArray[np.int64]:
    """Return ``start, start + 1, … start + length - 1`` of each pair, one after the other."""
    total = int(lengths.sum())
    offsets = np.cumsum(lengths) - lengths
    ranges: NDArray[np.int64] = np.arange(total) + np.repeat(starts - offsets, lengths)
    return ranges


def _locked(array: NDArray[Any]) -> NDArray[Any]:
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array
