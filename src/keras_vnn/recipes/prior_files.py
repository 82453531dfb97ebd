"""Reading the files that a recipe names: which of its fields are which options of the functions that read.

In: a family of priors and a file. Out: what its function returns, with messages in the words of who asked.
"""

from __future__ import annotations

from typing import Any

from keras_vnn import readers
from keras_vnn.basics.remedies import options_called
from keras_vnn.readers import FAMILIES
from keras_vnn.recipes.prior_fields import FIELDS_OF_FILES
from keras_vnn.recipes.schema import BuildRecipe


def read_family(family: str, path: Any, **options: Any) -> Any:
    """Read a file, or several, as one of a family."""
    with options_called(**FIELDS_OF_FILES[family]):
        return getattr(readers, FAMILIES[family].reader)(path, **options)


def read_named(family: str, path: Any, recipe: BuildRecipe, **options: Any) -> Any:
    """Read a file, or several, that a recipe names, as it says."""
    given = {
        option: getattr(recipe, field) for option, field in FIELDS_OF_FILES[family].items() if _is_said(recipe, field)
    }
    return read_family(family, path, **given, **options)


def _is_said(recipe: BuildRecipe, field: str) -> bool:
    """Say whether a list has a value; of what is left empty the function knows better."""
    value, default = getattr(recipe, field), BuildRecipe.model_fields[field].default
    return bool(value != () or default != ())
