"""Options, each declared once: name, type, default, bounds, one sentence of help.

Knows nothing of Keras, files or data. Functions take options by name, recipes nest them, the command line, docstrings
and the tables of the documentation are generated from them.
"""

from keras_vnn.options._base import Options, choices_of, documented, shown_default, unknown_name, worded
from keras_vnn.options._wiring import GeneSetOptions, HierarchyOptions, InteractionOptions, OntologyOptions

__all__ = [
    "GeneSetOptions",
    "HierarchyOptions",
    "InteractionOptions",
    "OntologyOptions",
    "Options",
    "choices_of",
    "documented",
    "shown_default",
    "unknown_name",
    "worded",
]
