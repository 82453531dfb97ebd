"""`ModelView`: a Keras model together with what its card says of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import ModelError, check_kind
from keras_vnn.basics.keras_import import keras
from keras_vnn.basics.remedies import by_place
from keras_vnn.data import Normalization
from keras_vnn.models._outputs import Outputs, outputs_from_json
from keras_vnn.models._roles import LayerRole, Roles

if TYPE_CHECKING:
    from keras_vnn.layers import ArchitectureCard, CountLikelihood, CovariateEffect, LatentSample, SparselyConnected


@dataclass(frozen=True)
class ModelView:
    """A model seen by the names of its nodes.

    Attributes
    ----------
    model
        The Keras model itself.
    card
        The layer that carries the architecture.
    """

    model: keras.Model
    card: ArchitectureCard

    @property
    def architecture(self) -> Architecture:
        """The architecture the model was built from."""
        return self.card.architecture

    @cached_property
    def outputs(self) -> Outputs:
        """What the model predicts."""
        return outputs_from_json(self.card.metadata["outputs"])

    @property
    def options(self) -> dict[str, Any]:
        """The fields of `ModelOptions` it was built with; models of release 0.1 had no anchor and one kind of head."""
        return {"anchor": "none", "reads": "last", **self.card.metadata["options"]}

    @cached_property
    def normalization(self) -> Normalization | None:
        """The normalisation fitted for the model's training data, if one was."""
        stored = self.card.metadata.get("normalization")
        return None if stored is None else Normalization.from_json(stored)

    @cached_property
    def roles(self) -> Roles:
        """What each Keras layer is for; of a card of release 0.1.0, told by names once and written down."""
        metadata = self.card.metadata
        if "roles" not in metadata:
            self.card.remember(roles=Roles.from_parts(self.model, metadata["parts"]).to_json())
        return Roles.from_json(self.card.metadata["roles"])

    def layer(self, part: str, number: int = 0, step: str = "linear") -> Any:
        """Return the Keras layer with a role, as `LayerRole` names it; ``None`` when the model has none."""
        role = self.roles.find(part, number, step)
        return None if role is None else self.layer_with(role)

    def layer_with(self, role: LayerRole) -> Any:
        """Return the Keras layer with a role.

        A model as it was built, loaded or cloned has its layers in one order, whatever they are called. Another, made
        of parts of it, has them by their names.

        Raises
        ------
        ModelError
            The model has no such layer.
        """
        built = self.roles.layers
        if len(self.model.layers) == len(built):
            return self.model.layers[built.index(role.name)]
        for layer in self.model.layers:
            if layer.name == role.name:
                return layer
        raise ModelError(
            f"The model {self.model.name!r} has no layer {role.name!r}: it is made of parts of another model.\n"
            "Pass the model that vnn.build_model or vnn.load_model gave."
        )

    def sparse_layer(self, number: int) -> SparselyConnected:
        """Return the Keras layer of the named nodes of one layer of the architecture."""
        layer: SparselyConnected = self.layer("nodes", number)
        return layer

    def state_layer(self, number: int) -> keras.layers.Layer:
        """Return the Keras layer that gives the nodes' activities, normalised where the model does so; 0: the genes."""
        return self.layer("nodes", number, "state")

    def auxiliary_layer(self, number: int) -> keras.layers.Layer | None:
        """Return the Keras layer of the last step of the auxiliary heads of a layer, or its level head, if any."""
        return self.layer("auxiliary", number)

    def dense_layer(self, number: int) -> keras.layers.Dense | None:
        """Return the Keras layer of the dense units next to a layer, if there are any."""
        return self.layer("dense", number)

    @property
    def latent_layer(self) -> LatentSample | None:
        """The layer that gives the latent values of an autoencoder; ``None`` for other models."""
        layer: LatentSample | None = self.layer("latent", step="state")
        return layer

    @property
    def likelihood_layer(self) -> CountLikelihood | None:
        """The layer that knows how likely counts are; ``None`` for models that do not restore counts."""
        layer: CountLikelihood | None = self.layer("likelihood", step="state")
        return layer

    @property
    def covariate_layers(self) -> tuple[CovariateEffect, ...]:
        """The layers by which an autoencoder reads covariates of cells."""
        return tuple(self.layer_with(role) for role in self.roles.all("covariates"))

    @property
    def tail_layers(self) -> tuple[keras.layers.Dense, ...]:
        """The dense layers between the last layer and the head."""
        return tuple(self.layer_with(role) for role in self.roles.all("tail"))

    @property
    def reads(self) -> str:
        """Which nodes the tail or the head reads: ``all``, or the ``last``, which feed no other."""
        role = self.first_dense
        whole = 0 if role is None else sum(run.kind == "nodes" for run in role.inputs.runs)
        return "all" if whole == len(self.architecture.hidden_layers) else "last"

    @property
    def head(self) -> keras.layers.Dense | None:
        """The layer that predicts, if there is one."""
        return self.layer("head")

    @property
    def first_dense(self) -> LayerRole | None:
        """The role of the first dense layer behind the named nodes; ``None`` for an embedding without a tail."""
        return next(iter([*self.roles.all("tail"), *self.roles.all("head")]), None)

    def check(self) -> None:
        """Raise unless the card holds what `build_model` writes, of layers that the model has.

        Raises
        ------
        ModelError
            Its architecture is damaged, or what it says of outputs, normalisation or roles.
        """
        try:
            _ = self.architecture, self.outputs, self.normalization, self.head, self.tail_layers
            for role in self.roles.roles:
                self.layer_with(role)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"The card with the names of its nodes is damaged: {error!s}") from error


def view(model: Any) -> ModelView:
    """Return a model, or that of a `TrainingResult`, together with the names of its nodes.

    Raises
    ------
    ModelError
        It is not a model, or carries no architecture, as it was not made by `build_model`.
    """
    model = model_in(model)
    check_kind(
        "a model",
        model,
        "layers outputs",
        "Open a file: vnn.load_model(path). Train one: vnn.train(arch, data, labels).",
        ModelError,
    )
    cards = [layer for layer in getattr(model, "layers", ()) if hasattr(layer, "remember")]
    if len(cards) != 1:
        raise ModelError(
            f"The model {model.name!r} carries no architecture, so its nodes have no names.\n"
            + by_place(
                "Train one: vnn train ARCHITECTURE DATA --label COLUMN -o model.keras",
                "Build it with vnn.build_model(arch, outputs=…).",
            )
        )
    return ModelView(model, cards[0])


def model_in(given: Any) -> Any:
    """Return the model of a `TrainingResult`, and anything else as it is."""
    return given if hasattr(given, "layers") else getattr(given, "model", given)
