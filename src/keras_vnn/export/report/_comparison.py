"""A comparison with controls, brought to the report: a `Comparison`, its JSON, or the folder `vnn compare` wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.files import existing_file

__all__ = ["comparison_values"]

_SCHEMA = "keras-vnn comparison "


def comparison_values(comparison: Any) -> dict[str, Any]:
    """Return what `Comparison.to_json` gives, of whatever names a comparison.

    Raises
    ------
    ReadError
        The folder or file holds no comparison.
    """
    if hasattr(comparison, "to_json"):
        values: Any = comparison.to_json()
    elif isinstance(comparison, Mapping):
        values = dict(comparison)
    else:
        values = _read(comparison)
    if not (isinstance(values, dict) and str(values.get("schema", "")).startswith(_SCHEMA)):
        raise ReadError(
            f"This is not a comparison: {_worded(comparison)}\n"
            "Make one: vnn compare recipe.yaml -o comparison, then --comparison comparison"
        )
    return values


def _read(comparison: str | os.PathLike[str]) -> Any:
    path = Path(comparison)
    found = existing_file(path / "comparison.json" if path.is_dir() else path, "comparison")
    try:
        return json.loads(found.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ReadError(f"The comparison is damaged: {found}\n{error}\nMake it again: vnn compare") from error


def _worded(comparison: Any) -> str:
    return str(comparison) if isinstance(comparison, str | os.PathLike) else type(comparison).__name__
