"""Reading files into gene lists and prior tables: modules of formats, a function per family.

In: paths, or tables in memory. Out: `GeneList`, `Interactions`, `Regulation`, `Ontology`, `Annotations`, `GeneSets`.
Knows nothing of wiring, expression values or Keras. The formats are listed in `keras_vnn.readers.registry`.
"""

from __future__ import annotations

from keras_vnn.readers.genes import read_genes, read_identifier_map
from keras_vnn.readers.interactions import read_interactions, read_regulation
from keras_vnn.readers.ontologies import read_annotations, read_gene_sets, read_hierarchy, read_ontology
from keras_vnn.readers.registry import FAMILIES, FORMATS, formats_of, sniff_format

__all__ = [
    "FAMILIES",
    "FORMATS",
    "formats_of",
    "read_annotations",
    "read_gene_sets",
    "read_genes",
    "read_hierarchy",
    "read_identifier_map",
    "read_interactions",
    "read_ontology",
    "read_regulation",
    "sniff_format",
]
