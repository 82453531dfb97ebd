"""What stands on the first page: what was built from which files, how it was trained, how to cite and repeat it.

In: an `Architecture`, and a model or none. Out: plain JSON values.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from keras_vnn.architecture import Architecture

if TYPE_CHECKING:
    from keras_vnn.models import ModelView

__all__ = ["architecture_facts", "model_facts"]

# Names of an entry of the audit that the page can unfold; the model file has them all.
_ITEMS = 100


def architecture_facts(arch: Architecture, model_view: ModelView | None) -> dict[str, Any]:
    """Return sizes, sources, parameters and audit."""
    outputs = None if model_view is None or model_view.head is None else int(model_view.head.units)
    tail = () if model_view is None else tuple(int(layer.units) for layer in model_view.tail_layers)
    summary = arch.summary(outputs=outputs, tail=tail).to_json()
    return {
        "fingerprint": arch.fingerprint,
        "layers": summary["layers"],
        "parameters": summary["parameters"],
        "dense_parameters": summary["dense_parameters"],
        "edges": arch.edge_count,
        "unconnected_genes": len(arch.unconnected_genes),
        "layer_names": [layer.name for layer in arch.layers],
        "dense_units": [layer.dense_units for layer in arch.layers],
        "sources": [source.to_json() for source in arch.sources],
        "options": _plain(dict(arch.parameters)),
        "audit": [
            {
                "stage": entry.stage,
                "subject": entry.subject,
                "reason": entry.reason,
                "count": entry.count,
                "items": list(entry.items[:_ITEMS]),
            }
            for entry in arch.audit
        ],
    }


def model_facts(model_view: ModelView) -> dict[str, Any]:
    """Return what the model predicts, its options, its normalisation and the record of its training."""
    from keras_vnn.data import Classes
    from keras_vnn.models import Embedding

    metadata = model_view.card.metadata
    outputs = model_view.outputs
    kind = "embedding" if isinstance(outputs, Embedding) else "class" if isinstance(outputs, Classes) else "number"
    training = metadata.get("training")
    return {
        "name": model_view.model.name,
        "parameters": int(model_view.model.count_params()),
        "outputs": {"kind": kind, "names": [] if isinstance(outputs, Embedding) else list(outputs.names)},
        "normalization": None if model_view.normalization is None else str(model_view.normalization),
        "options": _plain(metadata.get("options", {})),
        "training": None if training is None else _plain({k: v for k, v in training.items() if k != "split"}),
    }


def _plain(values: Any) -> Any:
    """Return JSON values, whatever else may be among them as text."""
    return json.loads(json.dumps(values, default=str), parse_constant=lambda _: None)
