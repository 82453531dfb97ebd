"""The cells a command looks at: read for a model, with their labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from keras_vnn.cli._console import say

__all__ = ["read_cells"]


def read_cells(network: Any, data: Path, cells: Path | None, label: str | None, layer: str) -> tuple[Any, Any]:
    """Return the expression of the genes of a model, and labels or targets if a column of them is named."""
    from keras_vnn.data import Classes, labels_of, read_expression, targets_of
    from keras_vnn.models import Embedding, view

    seen = view(network)
    values = read_expression(data, genes=seen.architecture.genes, layer=layer, cells=cells)
    say(f"data          {values.uns['keras_vnn']['read']}")
    if label is None:
        return values, None
    if isinstance(seen.outputs, Classes):
        return values, labels_of(values, label, classes=seen.outputs)
    if isinstance(seen.outputs, Embedding):
        return values, labels_of(values, label)
    return values, targets_of(values, label)
