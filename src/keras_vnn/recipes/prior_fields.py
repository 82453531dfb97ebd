"""Which fields of a recipe are about the files of which family of priors, and where the command line lists them.

Knows nothing of what the fields are, which `keras_vnn.recipes.schema` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_vnn.basics.remedies import options_called

# Which fields say how the files of a family are read, by the options of the function that reads them.
_TABLE = {"malformed": "malformed", "delimiter": "delimiter", "header": "header"}
FIELDS_OF_FILES: Mapping[str, Mapping[str, str]] = {
    "genes": {
        "column": "gene_column",
        "duplicates": "duplicates",
        "orientation": "orientation",
        "malformed": "malformed",
    },
    "interactions": {
        "format": "interactions_format",
        "columns": "interactions_columns",
        "id": "interaction_id",
        "sif_types": "interaction_types",
        "min_score": "min_score",
        "taxon": "taxon",
        **_TABLE,
    },
    "regulation": {
        "format": "regulation_format",
        "columns": "regulation_columns",
        "sif_types": "regulation_types",
        "drem_id": "drem_id",
        **_TABLE,
    },
    "ontology": {"format": "ontology_format", "columns": "ontology_columns"},
    "annotations": {
        "format": "annotations_format",
        "columns": "annotations_columns",
        "id": "gene_id",
        "exclude_evidence": "exclude_evidence",
        "include_evidence": "include_evidence",
        "malformed": "malformed",
        "taxon": "taxon",
    },
    "hierarchy": {"format": "hierarchy_format"},
    "gene-sets": {"format": "gene_sets_format", "repeated_sets": "repeated_sets"},
    "id-map": {"format": "id_map_format", "columns": "id_map_columns", "taxon": "taxon"},
}
# Options of the wiring that each family of priors may have of its own, and the fields that name its files.
LIMITS = ("min_genes", "max_genes")
OWN_LIMITS: Mapping[str, tuple[str, ...]] = {
    "interactions": ("interactions", "regulation"),
    "ontology": ("ontology",),
    "hierarchy": ("hierarchy",),
    "gene_sets": ("gene_sets",),
}
# Where the command line lists what names a prior or a translation, and with it what has an effect only with that.
HEADINGS = {
    **dict.fromkeys(("interactions", "regulation"), "Interactions and regulators"),
    **dict.fromkeys(("ontology", "annotations", "hierarchy"), "Ontologies and hierarchies"),
    "gene_sets": "Gene sets",
    **dict.fromkeys(("id_map", "ignore_case", "ignore_version"), "Identifiers"),
}


def needed_by_fields() -> dict[str, tuple[str, ...]]:
    """Return, for each field about how files are read, the fields that name them; genes are always there."""
    needs: dict[str, tuple[str, ...]] = {}
    for family, fields in FIELDS_OF_FILES.items():
        for field in fields.values():
            needs[field] = (*needs.get(field, ()), family.replace("-", "_"))
    return {field: families for field, families in needs.items() if "genes" not in families}


def headings_by_need(needs: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the headings of fields that belong to one; what belongs to several is listed without."""
    found = {field: {HEADINGS[need] for need in others} for field, others in needs.items()}
    return {field: headings.pop() for field, headings in found.items() if len(headings) == 1}


def read_family(family: str, path: Any, **options: Any) -> Any:
    """Read a file, or several, as one of a family, with messages in the words of who asked."""
    from keras_vnn import readers

    with options_called(**FIELDS_OF_FILES[family]):
        return getattr(readers, readers.FAMILIES[family].reader)(path, **options)
