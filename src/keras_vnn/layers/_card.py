"""`ArchitectureCard`: carries the names, the classes and the normalisation of a model inside the model.

The digests next to the weights of a layer are here too: numbers alone fit whatever layer has as many of them.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import keras
import numpy as np

from keras_vnn.architecture import Architecture, architecture_from_bytes, architecture_to_bytes
from keras_vnn.basics.errors import ModelError

_NAME = "digest"


def save_digest(store: Any, digest: bytes) -> None:
    """Add a digest to the weights of a layer."""
    store[_NAME] = np.frombuffer(digest, np.uint8)


def without_digest(store: Any, digest: bytes, problem: str) -> dict[str, Any]:
    """Return the weights alone; files of release 0.1.0 have no digest.

    Raises
    ------
    ModelError
        There is another digest than that of the layer.
    """
    kept = {name: store[name] for name in store.keys()}
    found = kept.pop(_NAME, None)
    if found is not None and np.asarray(found).tobytes() != digest:
        raise ModelError(
            f"{problem} than those of this model, so none of them would be where it belongs.\n"
            "Build the model from the architecture it was trained with; "
            "bring weights in by name with vnn.tl.set_edge_weights."
        )
    return kept


@keras.saving.register_keras_serializable(package="keras_vnn")
class ArchitectureCard(keras.layers.Layer):
    """An identity layer behind the input that keeps the architecture and facts about the model.

    It has no weights and computes nothing; it is why a saved model knows the names of its nodes.

    Parameters
    ----------
    architecture
        An `Architecture`, or its bytes in base64 as `get_config` gives them.
    metadata
        JSON values: the outputs, the normalisation, the training record.
    **kwargs
        Further arguments of ``keras.layers.Layer``.
    """

    def __init__(
        self, architecture: Architecture | str, metadata: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._encoded = (
            architecture
            if isinstance(architecture, str)
            else base64.b64encode(architecture_to_bytes(architecture)).decode("ascii")
        )
        # Wrapped in a tuple: Keras would track a dict attribute and change its type.
        self._metadata = (dict(metadata or {}),)
        self.supports_masking = True

    @cached_property
    def architecture(self) -> Architecture:
        """The architecture the model was built from."""
        return architecture_from_bytes(base64.b64decode(self._encoded), "the model's own copy")

    @property
    def metadata(self) -> dict[str, Any]:
        """Facts about the model, as JSON values; a copy."""
        return dict(self._metadata[0])

    def remember(self, **facts: Any) -> None:
        """Add facts that are saved with the model; a fact of the same name is replaced."""
        self._metadata = ({**self._metadata[0], **facts},)

    def call(self, inputs: Any) -> Any:
        """Return the inputs."""
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the inputs."""
        return input_shape

    def save_own_variables(self, store: Any) -> None:
        """Write which architecture the weights of the model are for."""
        save_digest(store, bytes.fromhex(self.architecture.fingerprint))

    def load_own_variables(self, store: Any) -> None:
        """Raise a `ModelError` when the weights are those of a model with another architecture."""
        own = bytes.fromhex(self.architecture.fingerprint)
        super().load_own_variables(without_digest(store, own, "The weights are those of another architecture"))

    def get_config(self) -> dict[str, Any]:
        """Return a JSON value from which `from_config` makes the same layer."""
        return {**super().get_config(), "architecture": self._encoded, "metadata": self._metadata[0]}
