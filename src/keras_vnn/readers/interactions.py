"""Reading interactions: one function for all their formats.

In: paths of files, a DataFrame or a networkx graph. Out: `Interactions`.
Knows which options there are; each format is a module of its own.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ConfigError, ReadError
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.priors import Interactions
from keras_vnn.readers.biogrid import BIOGRID
from keras_vnn.readers.frames import choose_frame_columns
from keras_vnn.readers.hippie import HIPPIE
from keras_vnn.readers.interaction_table import INTERACTION_ROLES
from keras_vnn.readers.mitab import MITAB
from keras_vnn.readers.names import check_names, without_taxon
from keras_vnn.readers.options import Options
from keras_vnn.readers.rows import Rows, check_malformed
from keras_vnn.readers.sniffing import INTERACTION_FORMATS, choose_edge_format
from keras_vnn.readers.text import preview

if TYPE_CHECKING:
    import networkx

__all__ = ["read_interactions"]

_WITH_IDS = (BIOGRID, MITAB, HIPPIE)
_WITH_TAXA = (BIOGRID, MITAB)


def read_interactions(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | pd.DataFrame | networkx.Graph,
    *,
    format: str = "auto",
    columns: Sequence[int | str] | None = None,
    min_score: float | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    malformed: str = "raise",
    strip_taxon: bool = True,
    sif_types: Sequence[str] = (),
    id: str | None = None,
    taxon: str | int | None = None,
) -> Interactions:
    """Read undirected interactions between genes or proteins.

    Each unordered pair is kept once, with its largest score and first line; interactions of a gene with itself and
    rows that are left out are counted in the audit. Which format and columns were taken is said in ``sources``.
    The order of the rows does not matter.

    Parameters
    ----------
    source
        A file, plain or gzip; several files, whose interactions are united; a DataFrame, or a networkx graph whose
        edges may have a ``weight``.
    format
        ``"auto"``, ``"string"`` (STRING links), ``"string-actions"``, ``"biogrid"`` (TAB2, TAB3), ``"mitab"``
        (PSI-MITAB 2.5 to 2.8: IntAct, HuRI, HIPPIE), ``"hippie"`` (its own table), ``"sif"`` or ``"table"`` (TSV, CSV
        or space-separated).
    columns
        Names, or numbers from 1, of the two columns of names and, if wanted, of the score:
        ``columns=(1, 2)`` or ``columns=("protein_a", "protein_b", "n_screens")``.
    min_score
        Leave out interactions with a smaller score, in the file's own units (STRING: 0 to 1000).
    header
        Whether the first row names the columns; by default that is told from the rows.
    delimiter
        Tab, comma, semicolon, or a space for any white space; by default told from the rows.
    malformed
        ``"raise"``, or ``"skip"`` to count rows with an empty name or an impossible score and go on.
    strip_taxon
        Remove a taxon prefix that all names carry (``9606.ENSP00000233``); it is said in ``sources``.
    sif_types
        Interaction types to take: of SIF by default ``pp`` and its kin of Pathway Commons; of BioGRID (``physical``,
        ``genetic``), PSI-MITAB (``physical association`` …) and STRING actions (``binding`` …) by default all.
    id
        Which names to take from BioGRID (``symbol``, ``entrez``, ``systematic``, ``swissprot``), PSI-MITAB (``symbol``,
        ``accession``, or a database such as ``ensembl``) and HIPPIE (``entrez``, ``accession``); by default the symbol
        where the file has it. Elsewhere, see `keras_vnn.map_identifiers`.
    taxon
        Keep interactions of which both sides are of this species (``9606``); ``"all"`` for every one. A file of several
        species is refused when none is chosen.

    Raises
    ------
    ReadError
        The file cannot be read, is of another kind, has no two columns of names, a row is malformed, or it
        holds several species and none was chosen.
    ConfigError
        An option has an unknown value.

    Warns
    -----
    VNNWarning
        Names were damaged by a spreadsheet, or ``min_score`` does not fit the scores.

    References
    ----------
    Szklarczyk et al.: The STRING database in 2023. Nucleic Acids Research 2023. doi:10.1093/nar/gkac1000

    Examples
    --------
    >>> from keras_vnn.basics.bundled import data_path
    >>> ppi = read_interactions(data_path("ppi_human_goa_ipi.tsv"), min_score=2)
    >>> print(ppi.sources[0].format)
    TSV gene_a, gene_b, score publications (ignored: references)
    >>> print(ppi.audit)  # doctest: +ELLIPSIS
    read   ... interactions: score below 2
    """
    if min_score is not None and not math.isfinite(min_score):
        raise ConfigError(f"min_score must be a finite number, got {min_score!r}.")
    if isinstance(sif_types, str):
        sif_types = (sif_types,)
    options = Options(
        columns,
        delimiter,
        header,
        malformed,
        min_score,
        tuple(sif_types),
        format_named=format != "auto",
        id=id,
        taxon=None if taxon is None else str(taxon),
    )
    check_malformed(malformed)
    if isinstance(source, str | os.PathLike):
        return _from_file(Path(source), format, options, strip_taxon=strip_taxon)
    if isinstance(source, pd.DataFrame):
        return _from_frame(source, options)
    if hasattr(source, "edges") and hasattr(source, "nodes"):
        return _at_least(Interactions.from_networkx(source), min_score)
    paths = [Path(path) for path in source]
    if not paths:
        raise ReadError("Expected a file of interactions, got an empty list.")
    tables = [_from_file(path, format, options, strip_taxon=strip_taxon) for path in paths]
    return reduce(Interactions.union, tables)


def _from_file(path: Path, format: str, options: Options, *, strip_taxon: bool) -> Interactions:
    start = preview(path)
    chosen = choose_edge_format(
        start, format, INTERACTION_FORMATS, "read_interactions", with_columns=options.columns is not None
    )
    if id_ := options.id if chosen not in _WITH_IDS else None:
        raise ConfigError(
            f"id={id_!r} applies to {', '.join(one.title for one in _WITH_IDS)}; {path} is read as {chosen.title}.\n"
            "Name its columns, columns=(1, 2), or translate the names with map_identifiers."
        )
    rows = chosen.read(start, options)
    if strip_taxon:
        rows = _of_one_taxon(rows, path, None if chosen in _WITH_TAXA else options.taxon)
    first, second, said = rows.first, rows.second, rows.format
    table = Interactions.from_pairs(
        first,
        second,
        score=rows.number,
        line=rows.line,
        sources=(Source.of_file(path, said, records=rows.records, release=rows.release),),
        audit=Audit.of(*rows.dropped),
    )
    check_names(table.genes, path, several_species=options.taxon == "all" or not strip_taxon)
    return table


def _of_one_taxon(rows: Rows, path: Path, taxon: str | None) -> Rows:
    """Return rows without the taxon prefix of their names, those of one taxon only."""
    first, second, prefix, kept = without_taxon(rows.first, rows.second, path, taxon=taxon)
    rows = replace(rows, first=first, second=second)
    if prefix:
        rows = replace(rows, format=f"{rows.format}, prefix {prefix} removed")
    if kept is None:
        return rows
    other = AuditEntry("read", "interaction", f"not both of taxon {taxon}", int((~kept).sum()))
    return replace(
        rows,
        first=first[kept],
        second=second[kept],
        line=rows.line[kept],
        number=None if rows.number is None else rows.number[kept],
        dropped=(*rows.dropped, other),
    )


def _from_frame(frame: pd.DataFrame, options: Options) -> Interactions:
    taken, chosen = choose_frame_columns(frame, INTERACTION_ROLES, options.columns)
    table = Interactions.from_frame(taken, chosen.first, chosen.second, chosen.number)
    check_names(table.genes, "the DataFrame")
    return _at_least(table, options.at_least)


def _at_least(table: Interactions, min_score: float | None) -> Interactions:
    if min_score is None:
        return table
    if np.isnan(table.score).all():
        raise ReadError(f"min_score={min_score:g} needs scores, and the table has none.\nName them: columns=(1, 2, 3)")
    frame = table.to_frame()
    kept = frame[frame["score"] >= min_score]
    below = AuditEntry("read", "interaction", f"score below {min_score:g}", len(frame) - len(kept))
    return Interactions.from_pairs(
        kept["a"],
        kept["b"],
        score=kept["score"],
        line=kept["line"],
        sources=table.sources,
        audit=table.audit + Audit.of(below),
    )
