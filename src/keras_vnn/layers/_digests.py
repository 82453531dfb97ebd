"""Digests next to the weights of a layer: numbers alone fit whatever layer has as many of them.

In: what Keras gives a layer to write its weights to, or to read them from. Out: the same with a digest, or without it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_vnn.basics.errors import ModelError

__all__ = ["save_digest", "without_digest"]

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
