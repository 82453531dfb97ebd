"""OmniPath: interactions that say by flags whether they have a direction, stimulate or inhibit.

In: the table of OmniPath's web service, its R or its Python client, as text or as a DataFrame. Out: a `Table` by
symbol, or by accession where that is asked for. Complexes are not genes: their rows are counted.

References
----------
Türei et al.: Integrated intra- and intercellular signaling knowledge for multicellular omics analysis. Molecular
Systems Biology 2021. doi:10.15252/msb.20209923

### OmniPath
`read.regulation`: directed rows, the effect from `is_stimulation` and `is_inhibition`; `read.interactions` takes all.

```text omnipath.tsv
source	target	source_genesymbol	target_genesymbol	is_directed	is_stimulation	is_inhibition	curation_effort
P04637	P38936	TP53	CDKN1A	1	1	0	21
Q00987	P04637	MDM2	TP53	1	0	1	12
P04637	Q00987	TP53	MDM2	1	1	1	3
COMPLEX:P01100_P05412	P38936	FOS_JUN	CDKN1A	1	1	0	2
P38398	Q99728	BRCA1	BARD1	0	0	0	5
```
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ReadError, check_choice
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.readers.formats import for_families
from keras_vnn.readers.layout import as_number, lay_out, normalized
from keras_vnn.readers.pairs import choose_rows
from keras_vnn.readers.tabular import IN_MEMORY, Options, Table, of_each, read_named
from keras_vnn.readers.text import Preview, shortened

_FLAGS = ("isdirected", "isstimulation", "isinhibition")
_SYMBOLS = ("sourcegenesymbol", "targetgenesymbol")
_TAXA = ("ncbitaxidsource", "ncbitaxidtarget")
_SCORES = ("curationeffort", "nreferences", "nresources")
_COMPLEX = "COMPLEX:"


def is_omnipath(words: Sequence[str]) -> bool:
    """Say whether normalized words head a table of OmniPath."""
    return {"source", "target", *_FLAGS[1:]} <= {*words}


def read_omnipath(start: Preview, options: Options, *, family: str) -> Table:
    """Read OmniPath's table.

    Raises
    ------
    ReadError
        The header is another one, a row has too many fields, or no row is left.
    ConfigError
        It does not have the names asked for.
    """
    layout = lay_out(start, delimiter=options.delimiter, header=True)
    words = layout.words
    if not is_omnipath(words):
        raise ReadError(
            f"The header does not name what OmniPath's does: {start.path}\n    {shortened(start.first)}\n"
            "Expected source, target, is_stimulation, is_inhibition. Name another format, or none."
        )
    wanted = ("source", "target", *_FLAGS, *_SYMBOLS, *_TAXA, *_SCORES)
    columns = {word: words.index(word) for word in wanted if word in words}
    return _rows(read_named(layout, columns, "OmniPath", options.malformed), options, family)


def omnipath_frame(frame: pd.DataFrame, options: Options, family: str) -> Table | None:
    """Read OmniPath's table from a DataFrame; ``None`` where it is none."""
    words = [normalized(str(column)) for column in frame.columns]
    if not is_omnipath(words):
        return None
    texts = frame.astype(object).where(frame.notna(), "").astype(str).set_axis(words, axis=1)
    texts = texts.loc[:, ~texts.columns.duplicated()].reset_index(drop=True)
    return _rows(Table(texts, IN_MEMORY, "OmniPath", len(texts)), options, family)


def _rows(table: Table, options: Options, family: str) -> Table:
    frame = table.frame
    has_symbols = {*_SYMBOLS} <= {*frame.columns}
    check_choice("id", options.id or "accession", ("symbol", "accession") if has_symbols else ("accession",))
    names = _SYMBOLS if has_symbols and options.id != "accession" else ("source", "target")
    sides: dict[str, Any] = {"first": frame[names[0]], "second": frame[names[1]]}
    is_complex = [of_each(frame[side], lambda name: name.startswith(_COMPLEX), bool) for side in ("source", "target")]
    complexes = {name for side, is_one in zip(names, is_complex, strict=True) for name in frame[side][is_one]}
    flag = {word: of_each(frame[word], _is_set, bool) for word in _FLAGS if word in frame}
    if family == "regulation":
        signs = flag["isstimulation"] + 2 * flag["isinhibition"].astype(int)
        sides["effect"] = np.array(["unknown", "activation", "repression", "both"], dtype=object)[signs]
    else:
        sides |= {f"taxon_{side}": frame[word] for side, word in zip("ab", _TAXA, strict=True) if word in frame}
        score = next((word for word in _SCORES if word in frame), None)
        sides |= {} if score is None else {"number": of_each(frame[score], as_number, float)}
    left = is_complex[0] | is_complex[1]
    wanted = ~left
    entries = [AuditEntry.of("read", "row", "a side is a complex, not a gene", complexes, int(left.sum()))]
    if family == "regulation" and "isdirected" in flag:
        entries.append(AuditEntry("read", "row", "without a direction", int((~flag["isdirected"] & wanted).sum())))
        wanted &= flag["isdirected"]
    kept = pd.DataFrame(sides, index=frame.index)[wanted]
    table = replace(table, frame=kept, dropped=(*table.dropped, *entries))
    return choose_rows(table, options, "gene symbol" if names is _SYMBOLS else "accession")


def _is_set(word: str) -> bool:
    return word.casefold() in ("1", "1.0", "true", "t")


# A table of signalling is told to be regulation, as its flags are effects.
OMNIPATH = for_families(
    "omnipath",
    "OmniPath",
    lambda start: is_omnipath(lay_out(start, is_header=is_omnipath).words),
    read_omnipath,
    {"regulation": (), "interactions": ("id", "taxon")},
    __doc__,
)
