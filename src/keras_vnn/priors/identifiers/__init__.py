"""Translating names of one kind into names of another: Ensembl to symbols, symbols of yesterday to those of today.

In: a table of identifiers, the names of a prior, the names of the data. Out: an `IdentifierMap`, which says what
becomes of each name and what is ambiguous, and priors with other names. `keras_vnn.readers` reads the tables.
"""

from __future__ import annotations

from keras_vnn.priors.identifiers._apply import map_identifiers, names_in
from keras_vnn.priors.identifiers._map import ID_POLICIES, IdentifierMap, identifier_map
from keras_vnn.priors.identifiers._table import IdentifierTable

__all__ = ["ID_POLICIES", "IdentifierMap", "IdentifierTable", "identifier_map", "map_identifiers", "names_in"]
