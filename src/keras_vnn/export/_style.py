"""Colours of kinds of nodes, and of signs; one look for every picture and every file that carries a style."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["KIND_COLOURS", "NEGATIVE", "POSITIVE"]

# Told apart by people who do not see red and green, and in print.
POSITIVE, NEGATIVE = "#b2382b", "#2f6fb0"

KIND_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "gene": "#eceff1",
        "interaction": "#d6e8e4",
        "regulator": "#f7e3c4",
        "term": "#e2dcf0",
        "gene set": "#e2dcf0",
        "unannotated": "#f5f5f5",
        "passthrough": "#f5f5f5",
        "class": "#dcebd3",
        "number": "#dcebd3",
    }
)
