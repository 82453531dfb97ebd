"""STRING ``protein.actions``: tab-separated, a header, a kind of action and its direction for each pair.

In: ``9606.protein.actions.v11.0.txt.gz`` of any release that has it (to 11.0). Out: `Rows` of undirected interactions;
names keep their taxon prefix here. Knows nothing of gene symbols: STRING names proteins.

### STRING actions
`read_interactions`: all modes, or `sif_types=["binding"]`.

```text 9606.protein.actions.v11.0.txt
item_id_a	item_id_b	mode	action	is_directional	a_is_acting	score
9606.ENSP00000269305	9606.ENSP00000258149	binding		f	f	800
9606.ENSP00000269305	9606.ENSP00000344818	expression		t	t	900
9606.ENSP00000258149	9606.ENSP00000269305	ptmod		t	t	700
```
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from keras_vnn.readers.columns import normalized
from keras_vnn.readers.formats import Format, release_in_name
from keras_vnn.readers.molecules import Molecules, choose_rows
from keras_vnn.readers.rows import Options, Rows, refuse_narrow
from keras_vnn.readers.tab_columns import TabLayout, read_tab_columns
from keras_vnn.readers.text import Preview

__all__ = ["STRING_ACTIONS"]

_WORDS = ["itemida", "itemidb", "mode"]


def can_parse(start: Preview) -> bool:
    """Say whether the header begins ``item_id_a``, ``item_id_b``, ``mode``."""
    return bool(start.lines) and [normalized(word) for word in start.first.split("\t")][:3] == _WORDS


def parse(start: Preview, options: Options) -> Rows:
    """Read STRING actions. ``types`` are its modes: ``binding``, ``catalysis``, ``expression`` and others.

    Raises
    ------
    ReadError
        A row has other than as many columns as the header, or no score although one is asked for.
    """
    header = [normalized(word) for word in "".join(start.texts[:1]).split("\t")]
    refuse_narrow(start, len(header), len(_WORDS))
    columns = {"first": 0, "second": 1, "mode": 2}
    if "score" in header:
        columns["score"] = header.index("score")
    # The last columns are empty in some releases, and lost in some copies.
    layout = TabLayout("STRING actions row", columns, 3, len(header), ("first", "second"), comment="#")
    frame, records, dropped = read_tab_columns(start, layout, malformed=options.malformed)
    title = frame["first"].astype(str).map(normalized) == _WORDS[0]
    frame, records = frame[~title.to_numpy()], records - int(title.sum())
    score = None
    if "score" in frame:
        texts = frame["score"].astype(str).str.strip()
        score = texts.where(texts.str.fullmatch(r"\d{1,4}"), "nan").to_numpy().astype(np.float64)
    rows = choose_rows(
        Molecules(
            frame["first"].astype(str).str.strip().to_numpy(dtype=object),
            frame["second"].astype(str).str.strip().to_numpy(dtype=object),
            frame.index.to_numpy(dtype=np.int64),
            kind=frame["mode"].astype(str).str.strip().to_numpy(dtype=object),
            number=score,
        ),
        # The species is told from the prefix of the names, by the caller.
        replace(options, taxon=None),
        path=start.path,
        said="STRING actions",
        records=records,
        names="protein",
        dropped=dropped,
    )
    return replace(rows, release=release_in_name(start, "STRING"))


STRING_ACTIONS = Format(
    "string-actions", "STRING actions", "interactions", can_parse, parse, takes=("sif_types",), page=__doc__
)
