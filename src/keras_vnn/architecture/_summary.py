"""`Summary`: an architecture in numbers, printed like ``model.summary()``; and what is upstream of its nodes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.basics.errors import readable
from keras_vnn.basics.showing import Shown

if TYPE_CHECKING:
    from keras_vnn.architecture._value import Architecture

HEADINGS = ("layer", "what", "nodes", "units", "edges", "density", "parameters", "if dense")


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """One row of a summary.

    Attributes
    ----------
    layer
        Number of the layer, or ``dense`` / ``tail`` / ``head`` for fully connected parts.
    name
        What it is.
    nodes, units
        Numbers of named nodes and of units.
    edges
        Connections between nodes that enter the layer.
    density
        Unit connections present, of all that a dense layer on the same inputs would have.
    parameters
        Weights (one per unit connection) and biases.
    dense_parameters
        The same were the layer dense on the same inputs.
    """

    layer: str
    name: str
    nodes: int
    units: int
    edges: int
    density: float
    parameters: int
    dense_parameters: int

    def cells(self) -> tuple[str, ...]:
        """Return what a table shows, under the headings of `HEADINGS`; nothing for what the row does not have."""
        fed = self.parameters > 0
        return (
            self.layer,
            self.name,
            f"{self.nodes:,}" if self.nodes else "",
            f"{self.units:,}",
            f"{self.edges:,}" if self.edges else "",
            f"{100 * self.density:.3g} %" if fed else "",
            f"{self.parameters:,}" if fed else "",
            f"{self.dense_parameters:,}" if fed else "",
        )


@dataclass(frozen=True, slots=True, repr=False)
class Summary(Shown):
    """The layers of an architecture in numbers; ``print`` shows a table.

    Attributes
    ----------
    rows
        One entry per layer, then fully connected parts.
    unconnected_genes
        Number of genes that feed no named node.
    fingerprint
        Of the architecture.
    notes
        One line per entry of the audit.
    """

    rows: tuple[LayerSummary, ...]
    unconnected_genes: int
    fingerprint: str
    notes: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Number of trainable weights and biases."""
        return sum(row.parameters for row in self.rows)

    @property
    def dense_parameters(self) -> int:
        """The same if every layer were dense on the same inputs."""
        return sum(row.dense_parameters for row in self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Return a row per layer."""
        return pd.DataFrame([asdict(row) for row in self.rows]).set_index("layer")

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "layers": [asdict(row) for row in self.rows],
            "parameters": self.parameters,
            "dense_parameters": self.dense_parameters,
            "unconnected_genes": self.unconnected_genes,
            "fingerprint": self.fingerprint,
            "audit": list(self.notes),
        }

    def __str__(self) -> str:
        """Return the table, the totals and the audit as plain text."""
        from rich import box
        from rich.console import Console
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        first, second, *numbers = HEADINGS
        table.add_column(first)
        table.add_column(second, overflow="fold")
        for name in numbers:
            table.add_column(name, justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(*row.cells())
        stream = io.StringIO()
        Console(
            file=stream, width=100, color_system=None, force_jupyter=False, legacy_windows=False, markup=False
        ).print(table)
        lines = [line.rstrip() for line in stream.getvalue().rstrip().splitlines()]
        return readable("\n".join([*lines, "", *self._totals()]), keep="\n")

    def _totals(self) -> list[str]:
        share = self.parameters / self.dense_parameters if self.dense_parameters else 0.0
        lines = [
            f"parameters            {self.parameters:,} ({100 * share:.3g} % of {self.dense_parameters:,} if dense)",
            f"{self.rows[0].name + ' not connected':<21} {self.unconnected_genes:,}",
            f"fingerprint           {self.fingerprint[:16]}",
        ]
        if self.notes:
            lines += ["", "dropped or changed:", *(f"  {note}" for note in self.notes)]
        return lines

    def _shown_parts(self) -> Iterable[str | pd.DataFrame]:
        cells = [row.cells() for row in self.rows]
        yield pd.DataFrame(cells, columns=list(HEADINGS)).set_index(HEADINGS[0])
        yield "\n".join(self._totals())


def summarize(arch: Architecture, *, outputs: int | None, tail: tuple[int, ...], reads: str) -> Summary:
    """Count what an architecture, and the dense tail and head a model would add, hold."""
    genes = arch.layers[0]
    gene_units = int(genes.units.sum())
    rows = [LayerSummary("0", genes.name, len(genes), gene_units, 0, 0.0, 0, 0)]
    for number, layer in enumerate(arch.hidden_layers, start=1):
        rows.append(_sparse_row(arch, number))
        if layer.dense_units:
            rows.append(_dense_row("dense", f"dense units next to layer {number}", gene_units, layer.dense_units))
    # The tail or head reads the units of all nodes, or of those that feed no other, and all dense units.
    width = sum(
        int(layer.units[arch.sink_nodes(number) | (reads == "all")].sum()) + layer.dense_units
        for number, layer in enumerate(arch.layers)
        if number
    )
    for units in tail:
        rows.append(_dense_row("tail", "dense layer", width, units))
        width = units
    if outputs:
        rows.append(_dense_row("head", "outputs", width, outputs))
    return Summary(
        tuple(rows), len(arch.unconnected_genes), arch.fingerprint, tuple(str(entry) for entry in arch.audit)
    )


def _sparse_row(arch: Architecture, number: int) -> LayerSummary:
    layer = arch.layers[number]
    read = [(arch.layers[s].units, matrix) for (s, target), matrix in arch.connections.items() if target == number]
    edges, inputs = sum(matrix.nnz for _, matrix in read), sum(int(units.sum()) for units, _ in read)
    fan_in = sum((matrix.T @ units for units, matrix in read), np.zeros(len(layer), np.int64))
    width, weights, biases = int(layer.units.sum()), int(fan_in @ layer.units), int(layer.units[fan_in > 0].sum())
    possible = inputs * width
    return LayerSummary(
        layer=str(number),
        name=layer.name,
        nodes=len(layer),
        units=width,
        edges=edges,
        density=weights / possible if possible else 0.0,
        parameters=weights + biases,
        dense_parameters=possible + width,
    )


def _dense_row(layer: str, name: str, inputs: int, units: int) -> LayerSummary:
    parameters = inputs * units + units
    return LayerSummary(layer, name, 0, units, 0, 1.0, parameters, parameters)


def genes_upstream(arch: Architecture) -> sparse.csc_array:
    """Return the genes that reach each hidden node on any path, ``(genes, hidden nodes)`` of 1 and 0, by layer."""
    return sparse.csc_array(sparse.hstack(_upstream(arch, first_layers=1)[1:]))


def gene_counts(arch: Architecture) -> list[NDArray[np.int64]]:
    """Return, for each layer, the number of genes that reach each of its nodes; 1 for a gene itself."""
    upstream = _upstream(arch, first_layers=1)
    return [np.ones(len(arch.genes), np.int64), *(np.diff(matrix.indptr).astype(np.int64) for matrix in upstream[1:])]


def node_degrees(arch: Architecture) -> pd.DataFrame:
    """Return how well each hidden node is connected.

    Returns
    -------
    pandas.DataFrame
        By id: ``layer``, ``inputs``, ``outputs``, ``degree`` (their sum), ``upstream`` and ``downstream`` (nodes, genes
        among them, that reach it and that it reaches, on any path).
    """
    table = arch.node_table()[["layer", "inputs", "outputs"]].copy()
    table["degree"] = table["inputs"] + table["outputs"]
    everything = sparse.csc_array(sparse.hstack(_upstream(arch, first_layers=len(arch.layers))))
    table["upstream"] = np.diff(everything.indptr)
    table["downstream"] = np.asarray(everything.sum(axis=1), np.int64).ravel()
    return table[table["layer"] > 0]


def _upstream(arch: Architecture, *, first_layers: int) -> list[sparse.csc_array]:
    """Return, for each layer, ``(nodes of so many first layers, its nodes)``: 1 where the first is upstream."""
    sizes = [len(layer) for layer in arch.layers]
    starts = np.concatenate([[0], np.cumsum(sizes[:first_layers])])
    total = int(starts[-1])
    handed_on: list[sparse.csc_array] = []
    upstream = []
    for number, size in enumerate(sizes):
        found = sparse.csc_array((total, size), dtype=np.float32)
        for source, target in arch.connections:
            if target == number:
                found = found + handed_on[source] @ arch.adjacency(source, target)
        found = sparse.csc_array(found)
        found.data = np.ones_like(found.data)
        upstream.append(found)
        if number < first_layers:
            own = (np.arange(size) + starts[number], np.arange(size))
            found = found + sparse.coo_array((np.ones(size, np.float32), own), shape=(total, size)).tocsc()
        handed_on.append(found)
    return upstream
