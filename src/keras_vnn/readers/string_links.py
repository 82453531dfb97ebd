"""STRING ``protein.links``: space-separated, a header, both directions of each pair, scores from 0 to 1000.

In: ``protein.links``, ``.detailed`` or ``.full`` of any release. Out: `Rows`; names keep their taxon prefix here.
Knows nothing of gene symbols: STRING names proteins.

### STRING links
`read_interactions`: also `.detailed`, `.full` and `physical.links`. Scores run to 1000; the taxon before the first dot is
taken off. Proteins become genes with `--id-map 9606.protein.info.v12.0.txt.gz`.

```text 9606.protein.links.v12.0.txt
protein1 protein2 combined_score
9606.ENSP00000269305 9606.ENSP00000258149 999
9606.ENSP00000258149 9606.ENSP00000269305 999
9606.ENSP00000269305 9606.ENSP00000350283 812
```

### STRING detailed links
`read_interactions`

```text 9606.protein.links.detailed.v12.0.txt
protein1 protein2 neighborhood fusion cooccurence coexpression experimental database textmining combined_score
9606.ENSP00000269305 9606.ENSP00000258149 0 0 0 64 995 900 998 999
9606.ENSP00000269305 9606.ENSP00000350283 0 0 0 0 567 0 512 812
```
"""  # noqa: E501

from __future__ import annotations

import warnings
from dataclasses import replace

from keras_vnn.basics.errors import VNNWarning
from keras_vnn.readers.columns import normalized
from keras_vnn.readers.formats import Format, release_in_name
from keras_vnn.readers.interaction_table import INTERACTION_ROLES
from keras_vnn.readers.rows import Options, Rows, read_pairs
from keras_vnn.readers.text import Preview

__all__ = ["STRING_LINKS"]


def can_parse(start: Preview) -> bool:
    """Say whether the header begins ``protein1 protein2`` and names a ``combined_score``."""
    words = [normalized(word) for word in start.first.split()] if start.lines else []
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
    rows = read_pairs(start, options, INTERACTION_ROLES, said="STRING links")
    return replace(rows, release=release_in_name(start, "STRING"))


STRING_LINKS = Format("string", "STRING links", "interactions", can_parse, parse, takes=("columns",), page=__doc__)
