"""`Roles`: what each Keras layer of a model is for, as the card of the model lists it.

In: what a builder wrote down. Out: the role of a part; `ModelView` finds the layer, whatever it is called today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keras_vnn.basics.keras_import import keras
from keras_vnn.models._axes import Axis, Run

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
