"""STRING ``protein.links``: space-separated, a header, both directions of each pair, scores from 0 to 1000.

In: ``protein.links``, ``.detailed`` or ``.full`` of any release. Out: `Rows`; names keep their taxon prefix here.
Knows nothing of gene symbols: STRING names proteins.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import replace

from keras_vnn.basics.errors import VNNWarning
from keras_vnn.readers import interaction_table
from keras_vnn.readers.columns import normalized
from keras_vnn.readers.formats import Format
from keras_vnn.readers.options import Options
from keras_vnn.readers.rows import Rows
from keras_vnn.readers.text import Preview

__all__ = ["STRING_LINKS"]


def can_parse(start: Preview) -> bool:
    """Say whether the header begins ``protein1 protein2`` and names a ``combined_score``."""
    words = [normalized(word) for word in start.texts[0].split()] if start.lines else []
    return words[:2] == ["protein1", "protein2"] and "combinedscore" in words


def parse(start: Preview, options: Options) -> Rows:
    """Read STRING links; the release is taken from the file's name (``9606.protein.links.v12.0.txt.gz``)."""
    if options.at_least is not None and 0 < options.at_least <= 1:
        warnings.warn(
            f"STRING scores run from 0 to 1000, so min_score={options.at_least:g} keeps every interaction: "
            f"{start.path}\nDid you mean min_score={1000 * options.at_least:g}?",
            VNNWarning,
            stacklevel=2,
        )
    rows = interaction_table.parse(start, options)
    release = re.search(r"\.v(\d+(\.\d+)*)", start.path.name)
    return replace(rows, format=f"STRING links, {rows.format}", release=f"STRING {release[1]}" if release else "")


STRING_LINKS = Format("string", "STRING links", can_parse, parse)
