"""Reading files into gene lists and prior tables: one module per format, one function per family.

In: paths, or tables in memory. Out: `GeneList`, `Interactions`, `Regulation`, `Ontology`, `Annotations`, `GeneSets`.
Knows nothing of wiring, expression values or Keras. The formats are listed in `keras_vnn.readers.registry`.
"""

from __future__ import annotations

from keras_vnn.readers.annotations import read_annotations
from keras_vnn.readers.gene_sets import read_gene_sets
from keras_vnn.readers.genes import read_genes
from keras_vnn.readers.identifier_map import read_identifier_map
from keras_vnn.readers.interactions import read_interactions
from keras_vnn.readers.ontologies import read_hierarchy, read_ontology
from keras_vnn.readers.registry import FAMILIES, FORMATS, formats_of, sniff_format
from keras_vnn.readers.regulation import read_regulation

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
