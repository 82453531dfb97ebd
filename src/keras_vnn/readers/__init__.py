"""Reading files into gene lists and prior tables: one module per format, one function per family.

In: paths, or tables in memory. Out: `GeneList`, `Interactions`, `Regulation`.
Knows nothing of wiring, expression values or Keras. The formats are listed in `keras_vnn.readers.sniffing`.
"""

from __future__ import annotations

from keras_vnn.readers.genes import read_genes
from keras_vnn.readers.interactions import read_interactions
from keras_vnn.readers.regulation import read_regulation
from keras_vnn.readers.sniffing import INTERACTION_FORMATS, REGULATION_FORMATS, sniff_format

__all__ = [
    "INTERACTION_FORMATS",
    "REGULATION_FORMATS",
    "read_genes",
    "read_interactions",
    "read_regulation",
    "sniff_format",
]
