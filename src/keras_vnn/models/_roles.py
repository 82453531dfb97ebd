"""What each Keras layer of a model is for, `Roles`, and what the rows and columns of its weights are, `Axis`.

In: runs of units, as a builder lays them side by side, and what it wrote down. Out: names and places of units, for an
architecture; the role of a part, as the card of the model lists it. `ModelView` finds the layer, whatever it is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture import Architecture
from keras_vnn.basics.keras_import import keras
from keras_vnn.models._outputs import Outputs, output_names

# Ids and numbers of units, one of each per unit.
Names = tuple[NDArray[np.object_], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Run:
    """Units side by side that are of one kind.

    Attributes
    ----------
    kind
        ``nodes``: of all nodes of a layer of the architecture; ``sinks``: of those that feed no other; ``inner``: of
        those that do; ``pairs``: annotation units of a layer, one per gene and node; ``dense``: dense units next to a
        layer; ``units``: others without a name of their own; ``outputs``: the outputs of the model.
    of
        Number of the layer of the architecture; of ``units`` what they are called.
    units
        How many; of nodes, how many each, ``None`` for their own number.
    """

    kind: str
    of: Any = None
    units: int | None = None

    def nodes(self, arch: Architecture) -> NDArray[np.bool_]:
        """Return which nodes of their layer the units are of."""
        if self.kind == "nodes":
            return np.ones(len(arch.layers[self.of]), bool)
        return np.asarray(arch.sink_nodes(self.of) == (self.kind == "sinks"))

    def counts(self, arch: Architecture) -> NDArray[np.int64]:
        """Return how many units each of these nodes has."""
        own = arch.layers[self.of].units
        return np.asarray(own if self.units is None else np.full(len(own), self.units))[self.nodes(arch)]

    def size(self, arch: Architecture) -> int:
        """Return the number of units."""
        if self.kind in ("dense", "units"):
            return int(self.units or 0)
        return int(arch.connections[0, self.of].nnz if self.kind == "pairs" else self.counts(arch).sum())

    def names(self, arch: Architecture, outputs: Outputs, *, are_targets: bool) -> Names:
        """Return the id, and the number within the node, of each unit."""
        if self.kind == "outputs":
            names = output_names(outputs)
            return np.array(names, dtype=object), np.zeros(len(names), np.int64)
        if self.kind in ("dense", "units"):
            name, count = f"layer_{self.of}_dense" if self.kind == "dense" else self.of, self.size(arch)
            return np.full(count, name, dtype=object), np.arange(count)
        if self.kind == "pairs":
            pairs = sparse.csc_array(arch.connections[0, self.of]).tocoo()
            ids = np.array(arch.layers[self.of if are_targets else 0].ids, dtype=object)
            return ids[pairs.col if are_targets else pairs.row], np.zeros(pairs.nnz, np.int64)
        counts = self.counts(arch)
        starts = np.repeat(np.cumsum(counts) - counts, counts)
        ids = np.array(arch.layers[self.of].ids, dtype=object)[self.nodes(arch)]
        return np.repeat(ids, counts), np.arange(len(starts)) - starts


@dataclass(frozen=True, slots=True)
class Axis:
    """What the rows, or the columns, of the weights of a layer are, run by run."""

    runs: tuple[Run, ...] = ()

    def __add__(self, other: Axis) -> Axis:
        """Return both, one after the other."""
        return Axis(self.runs + other.runs)

    def places(self, arch: Architecture) -> Iterator[tuple[Run, slice]]:
        """Yield every run and where it stands."""
        start = 0
        for run in self.runs:
            end = start + run.size(arch)
            yield run, slice(start, end)
            start = end

    def names(self, arch: Architecture, outputs: Outputs, *, are_targets: bool = False) -> Names:
        """Return the id, and the number within the node, of each unit.

        Parameters
        ----------
        arch, outputs
            Of the model.
        are_targets
            Name annotation units by their nodes, not by their genes.
        """
        parts = [run.names(arch, outputs, are_targets=are_targets) for run in self.runs]
        return np.concatenate([ids for ids, _ in parts]), np.concatenate([units for _, units in parts])

    def to_json(self) -> list[list[Any]]:
        """Return a JSON value."""
        return [[run.kind, run.of, run.units] for run in self.runs]

    @classmethod
    def from_json(cls, value: Sequence[Sequence[Any]]) -> Axis:
        """Return what `to_json` was given."""
        return cls(tuple(Run(*run) for run in value))

    @classmethod
    def of(cls, kind: str, of: Any = None, units: int | None = None) -> Axis:
        """Return an axis of one run."""
        return cls((Run(kind, of, units),))


_NONE = Axis()


@dataclass(frozen=True, slots=True)
class LayerRole:
    """What one Keras layer of a model is for.

    Attributes
    ----------
    name
        What tables of weights call it; the name the layer was built with.
    part
        ``nodes`` of a layer of the architecture, ``annotations`` between genes and nodes, ``dense`` units next to
        nodes, ``genes`` (several numbers each) joined, ``side`` branch, ``tail``, ``head``, ``auxiliary`` heads of
        nodes or of a layer, ``side auxiliary``; of an autoencoder ``encoder``, ``latent mean``, ``latent log variance``
        and ``latent``, and of some ``covariates`` and ``likelihood``.
    number
        The layer of the architecture; of a side branch, a tail or an encoder the place in it, from 1.
    step
        ``linear``: with weights; ``hidden``: a linear step before that; ``normalization``; ``activation``; ``state``:
        what gives the activities that others read.
    inputs, outputs
        What the rows and columns of its weights are; empty without weights.
    """

    name: str
    part: str
    number: int = 0
    step: str = "linear"
    inputs: Axis = _NONE
    outputs: Axis = _NONE


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of the layers of a model.

    Attributes
    ----------
    layers
        Names of all Keras layers in their order, as the model was built.
    roles
        Those with a role.
    features
        What the last hidden units are; ``None`` where release 0.1.0 did not write it down.
    """

    layers: tuple[str, ...]
    roles: tuple[LayerRole, ...]
    features: Axis | None

    @classmethod
    def of(cls, model: keras.Model, roles: Sequence[LayerRole], features: Axis) -> Roles:
        """Return the roles of a model that was just built."""
        return cls(tuple(layer.name for layer in model.layers), tuple(roles), features)

    def find(self, part: str, number: int = 0, step: str = "linear") -> LayerRole | None:
        """Return the role, if a layer has it."""
        return next((role for role in self.roles if (role.part, role.number, role.step) == (part, number, step)), None)

    def all(self, part: str) -> tuple[LayerRole, ...]:
        """Return the linear steps of a part, in order."""
        return tuple(role for role in self.roles if role.part == part and role.step == "linear")

    def to_json(self) -> dict[str, Any]:
        """Return a JSON value."""
        return {
            "layers": list(self.layers),
            "roles": [
                [role.name, role.part, role.number, role.step, role.inputs.to_json(), role.outputs.to_json()]
                for role in self.roles
            ],
            "features": None if self.features is None else self.features.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Roles:
        """Return what `to_json` was given."""
        roles = [
            LayerRole(name, part, number, step, Axis.from_json(inputs), Axis.from_json(outputs))
            for name, part, number, step, inputs, outputs in value["roles"]
        ]
        features = value["features"]
        return cls(tuple(value["layers"]), tuple(roles), None if features is None else Axis.from_json(features))

    @classmethod
    def from_parts(cls, model: keras.Model, parts: Mapping[str, Any]) -> Roles:
        """Return the roles of a model of release 0.1.0: its card lists names of layers, and these say the rest."""
        dense = {name: int(number) for number, name in parts["dense"].items()}
        known = {name: ("nodes", int(number)) for number, name in parts["sparse"].items()}
        known |= {f"{name}_annotations": ("annotations", number) for name, (_, number) in known.items()}
        known |= {name: ("dense", number) for name, number in dense.items()}
        known |= {name: ("auxiliary", int(number)) for number, name in parts["auxiliary"].items()}
        known |= {name: ("tail", place) for place, name in enumerate(parts["tail"], start=1)}
        known |= {parts["head"]: ("head", 0)}
        names = tuple(layer.name for layer in model.layers)

        def axis(value: Sequence[Sequence[Any]]) -> Axis:
            runs = Axis.from_json(value).runs
            return Axis(tuple(Run("dense", dense[run.of], run.units) if run.of in dense else run for run in runs))

        roles = []
        for block in parts["blocks"]:
            name = str(block["layer"])
            owner, ends, _ = name.partition("_batch_normalization")
            part, number = known.get(owner, ("other", 0))
            step = "normalization" if ends else "linear"
            roles.append(LayerRole(name, part, number, step, axis(block["inputs"]), axis(block["outputs"])))
            if not ends and f"{name}_activation" in names:
                roles.append(LayerRole(f"{name}_activation", part, number, "activation"))
        roles += [LayerRole(name, "nodes", int(number), "state") for number, name in parts["states"].items()]
        return cls(names, tuple(roles), None)
