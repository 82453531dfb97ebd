"""Reading files into gene lists and prior tables: one module per format, one function per family.

In: paths, or tables in memory. Out: `GeneList`, `Interactions`, `Regulation`, `Ontology`, `Annotations`, `GeneSets`.
Knows nothing of wiring, expression values or Keras. The formats are listed in `keras_vnn.readers.sniffing`,
those of ontologies and annotations in the module of their function.
"""

from __future__ import annotations

from keras_vnn.readers.annotations import ANNOTATION_FORMATS, read_annotations
from keras_vnn.readers.gene_sets import GENE_SET_FORMATS, read_gene_sets
from keras_vnn.readers.genes import read_genes
from keras_vnn.readers.identifier_map import IDENTIFIER_FORMATS, read_identifier_map
from keras_vnn.readers.interactions import read_interactions
from keras_vnn.readers.ontologies import HIERARCHY_FORMATS, ONTOLOGY_FORMATS, read_hierarchy, read_ontology
from keras_vnn.readers.regulation import read_regulation
from keras_vnn.readers.sniffing import INTERACTION_FORMATS, REGULATION_FORMATS, sniff_format

__all__ = [
    "ANNOTATION_FORMATS",
    "GENE_SET_FORMATS",
    "HIERARCHY_FORMATS",
    "IDENTIFIER_FORMATS",
    "INTERACTION_FORMATS",
    "ONTOLOGY_FORMATS",
    "REGULATION_FORMATS",
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
