"""Reading the files that a recipe names: which of its fields are which options of the functions that read.

In: a family of priors and a file. Out: what its function returns, with messages in the words of who asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_vnn import readers
from keras_vnn.basics.remedies import options_called
from keras_vnn.readers import FAMILIES
from keras_vnn.recipes.schema import BuildRecipe

__all__ = ["read_family", "read_named"]

_TABLE = {"malformed": "malformed", "delimiter": "delimiter", "header": "header"}
_TERMS = {"malformed": "malformed", "taxon": "taxon"}
_FIELDS: Mapping[str, Mapping[str, str]] = {
    "genes": {
        "column": "gene_column",
        "duplicates": "duplicates",
        "orientation": "orientation",
        "malformed": "malformed",
    },
    "interactions": _TABLE
    | {
        "format": "interactions_format",
        "columns": "interactions_columns",
        "min_score": "min_score",
        "id": "interaction_id",
        "sif_types": "interaction_types",
        "taxon": "taxon",
    },
    "regulation": _TABLE
    | {
        "format": "regulation_format",
        "columns": "regulation_columns",
        "sif_types": "regulation_types",
        "drem_id": "drem_id",
    },
    "ontology": {"format": "ontology_format", "columns": "ontology_columns"},
    "annotations": _TERMS
    | {
        "format": "annotations_format",
        "columns": "annotations_columns",
        "id": "gene_id",
        "include_evidence": "include_evidence",
        "exclude_evidence": "exclude_evidence",
    },
    "hierarchy": {"format": "hierarchy_format"},
    "gene-sets": {"format": "gene_sets_format", "repeated_sets": "repeated_sets"},
    "id-map": {"format": "id_map_format", "columns": "id_map_columns", "taxon": "taxon"},
}


def read_family(family: str, path: Any, **options: Any) -> Any:
    """Read a file, or several, as one of a family."""
    with options_called(**_FIELDS[family]):
        return getattr(readers, FAMILIES[family].reader)(path, **options)


def read_named(family: str, path: Any, recipe: BuildRecipe, **options: Any) -> Any:
    """Read a file, or several, that a recipe names, as it says."""
    given = {option: getattr(recipe, field) for option, field in _FIELDS[family].items() if _is_said(recipe, field)}
    return read_family(family, path, **given, **options)


def _is_said(recipe: BuildRecipe, field: str) -> bool:
    """Say whether a list has a value; of what is left empty the function knows better."""
    value, default = getattr(recipe, field), BuildRecipe.model_fields[field].default
    return bool(value != () or default != ())
