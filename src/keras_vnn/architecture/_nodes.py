"""`Node` and `Layer`: what an architecture is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from keras_vnn.basics.errors import ArchitectureError, check_choice, counted, sample
from keras_vnn.basics.showing import Shown

NODE_KINDS = ("feature", "gene", "interaction", "regulator", "term", "gene set", "unannotated", "passthrough")

_NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Node:
    """A named node of an architecture.

    Attributes
    ----------
    id
        Unique in the whole architecture, e.g. ``GO:0006281`` or ``TF:STAT1``.
    label
        For people, e.g. ``DNA repair``; the id where nothing better is known.
    kind
        One of `NODE_KINDS`.
    units
        Number of neurons.
    names
        Every id this node stands for when several were merged (its own included); empty otherwise.
    attributes
        Further facts as JSON values, e.g. ``{"namespace": "biological_process"}``.
    """

    id: str
    label: str = ""
    kind: str = "term"
    units: int = 1
    names: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=lambda: _NO_ATTRIBUTES, hash=False)

    def __post_init__(self) -> None:
        """Check the fields and fill the label.

        Raises
        ------
        ArchitectureError
            The id is empty, the kind unknown, or the number of units not positive.
        """
        if not self.id:
            raise ArchitectureError("A node has an empty id; expected a unique name.")
        for text in (self.id, self.label, *self.names):
            if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
                raise ArchitectureError(
                    f"Node {self.id!a}: {text!a} holds half a character (a lone surrogate) and cannot be written "
                    "to a file.\nWas it read with the wrong encoding? Read it again as UTF-8."
                )
        check_choice(f"Node {self.id}: kind", self.kind, NODE_KINDS, ArchitectureError)
        if self.units < 1:
            raise ArchitectureError(f"Node {self.id}: units must be at least 1, got {self.units}.")
        if not self.label:
            object.__setattr__(self, "label", self.id)
        if self.attributes is not _NO_ATTRIBUTES and not isinstance(self.attributes, MappingProxyType):
            object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to make a copy: read-only mappings cannot be copied or sent to another process."""
        return type(self), (self.id, self.label, self.kind, self.units, self.names, dict(self.attributes))


@dataclass(frozen=True, repr=False)
class Layer(Shown, Sequence[Node]):
    """An ordered tuple of nodes at one position of the network, and the dense units next to them.

    Attributes
    ----------
    name
        What the layer is, e.g. ``genes``, ``interactions and regulators``, ``height 2``.
    nodes
        The named nodes, in order.
    dense_units
        Number of fully connected units next to the nodes. They have no name; they read all genes.
    """

    name: str
    nodes: tuple[Node, ...]
    dense_units: int = 0

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Node, ...]: ...
    def __getitem__(self, index: int | slice) -> Node | tuple[Node, ...]:
        """Return a node, or a tuple of them for a slice."""
        return self.nodes[index]

    def __str__(self) -> str:
        """Return the name, how many nodes there are, and the first few."""
        dense = f" and {counted(self.dense_units, 'dense unit')}" if self.dense_units else ""
        first = ", ".join(node.id for node in self.nodes[:5])
        return f"{self.name}: {counted(len(self), 'node')}{dense}: {first}{' …' if len(self) > 5 else ''}"

    def __iter__(self) -> Iterator[Node]:
        """Iterate over the nodes in order."""
        return iter(self.nodes)

    def __len__(self) -> int:
        """Return the number of named nodes."""
        return len(self.nodes)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Ids of the nodes, in order."""
        return tuple(node.id for node in self.nodes)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Labels of the nodes, in order."""
        return tuple(node.label for node in self.nodes)

    @cached_property
    def units(self) -> NDArray[np.int64]:
        """``(nodes,)`` number of units of each node."""
        units = np.array([node.units for node in self.nodes], np.int64)
        units.flags.writeable = False
        return units

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Position of each node by its id."""
        return MappingProxyType({node.id: i for i, node in enumerate(self.nodes)})

    @property
    def width(self) -> int:
        """Number of units of the layer, dense units included."""
        return int(self.units.sum()) + self.dense_units

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to make a copy, without what was computed."""
        return type(self), (self.name, self.nodes, self.dense_units)

    def unit_table(self) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        """Return, for each unit of the named nodes in order, its node's id and its number within the node."""
        repeats = np.repeat(np.arange(len(self)), self.units)
        starts = np.repeat(np.cumsum(self.units) - self.units, self.units)
        return tuple(self.ids[i] for i in repeats), np.arange(len(repeats)) - starts


def check_unique_ids(layers: Sequence[Layer]) -> None:
    """Raise unless every id occurs once in all layers together."""
    seen: set[str] = set()
    repeated = []
    for layer in layers:
        for node in layer:
            if node.id in seen:
                repeated.append(node.id)
            seen.add(node.id)
    if repeated:
        raise ArchitectureError(
            f"{counted(len(repeated), 'node id occurs', 'node ids occur')} more than once: {sample(repeated)}."
        )
