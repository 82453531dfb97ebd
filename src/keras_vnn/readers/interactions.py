"""Reading interactions and regulation: a function each for all their formats.

In: paths of files, a DataFrame or a networkx graph. Out: `Interactions`, `Regulation`.
Knows which options there are; formats are modules of `keras_vnn.readers.formats`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import starmap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ConfigError, ReadError
from keras_vnn.basics.provenance import Audit, AuditEntry
from keras_vnn.basics.remedies import remedy
from keras_vnn.priors import Interactions, Regulation
from keras_vnn.priors.kinds import check_names
from keras_vnn.readers.formats.graphs import ROLES
from keras_vnn.readers.formats.omnipath import omnipath_frame
from keras_vnn.readers.pairs import bare_taxon, frame_rows, without_taxon
from keras_vnn.readers.registry import lists_formats, read_file
from keras_vnn.readers.tabular import IN_MEMORY, Options, Table, least_score

if TYPE_CHECKING:
    import networkx
    from numpy.typing import NDArray


@lists_formats("interactions")
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
        A file, plain or packed; several files, whose interactions are united; a DataFrame, or a networkx
        graph whose edges may have a ``weight``.
    format
        {formats}.
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
        where the file has it. Elsewhere, see `pp.map_identifiers`.
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
    >>> import keras_vnn as vnn
    >>> from keras_vnn.basics.bundled import data_path
    >>> ppi = vnn.read.interactions(data_path("ppi_human_goa_ipi.tsv"), min_score=2)
    >>> print(ppi.sources[0].format)
    TSV gene_a, gene_b, score publications (ignored: references)
    >>> print(ppi.audit)  # doctest: +ELLIPSIS
    read   ... interactions: score below 2
    """
    if min_score is not None and not math.isfinite(min_score):
        raise ConfigError(f"min_score must be a finite number, got {min_score!r}.")
    options = Options(
        columns,
        delimiter,
        header,
        malformed,
        min_score,
        _words(sif_types),
        format_named=format != "auto",
        id=id,
        taxon=None if taxon is None else bare_taxon(taxon),
    )

    if _is_graph(source):
        return _at_least(Interactions.from_networkx(source), min_score)

    def made(table: Table, where: object, takes: tuple[str, ...] | None) -> Interactions:
        is_file = table.path is not IN_MEMORY
        if is_file and strip_taxon:
            table = without_taxon(table, None if "taxon" in (takes or ()) else options.taxon)
        found = _interactions(table)
        several_species = is_file and (options.taxon == "all" or not strip_taxon)
        check_names(found.genes, where, several_species=several_species)
        return _at_least(found, min_score) if takes is None else found

    tables = _tables(source, "interactions", format, options)
    return reduce(Interactions.union, starmap(made, tables))


@lists_formats("regulation")
def read_regulation(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | pd.DataFrame | networkx.DiGraph,
    *,
    format: str = "auto",
    columns: Sequence[int | str] | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    malformed: str = "raise",
    drem_id: str = "symbol",
    sif_types: Sequence[str] = (),
) -> Regulation:
    """Read directed regulation: which regulator acts on which target, and how.

    Each (regulator, target) is kept once; rows that repeat it, disagree, or are left out are counted in the audit.
    Which format and columns were taken is said in ``sources``. The order of the rows does not matter. A number gives
    the effect by its sign where the file has negative numbers or says so (``mor``, ``sign``); otherwise it is a
    weight, and the effect is ``unknown``.

    Parameters
    ----------
    source
        A file, plain or packed; several files, whose edges are united; a DataFrame, or a directed networkx
        graph whose edges may have an ``effect`` and a ``weight``.
    format
        {formats}.
    columns
        Names, or numbers from 1, of the columns of regulator, target and, if wanted, of the effect or weight.
    header, delimiter, malformed
        As in `read.interactions`.
    drem_id
        Which part of DREM's ``SYMBOL;ENSEMBL`` names the target: ``"symbol"`` or ``"ensembl"``.
    sif_types
        Interaction types to take from SIF, by default ``pd`` and its kin of Pathway Commons.

    Raises
    ------
    ReadError
        The file cannot be read, is of another kind, has no two columns of names, or a row is malformed.
    ConfigError
        An option has an unknown value.

    Warns
    -----
    VNNWarning
        Names were damaged by a spreadsheet.

    References
    ----------
    Han et al.: TRRUST v2. Nucleic Acids Research 2018. doi:10.1093/nar/gkx1013

    Müller-Dott et al.: Expanding the coverage of regulons from high-confidence prior knowledge for accurate
    estimation of transcription factor activities. Nucleic Acids Research 2023. doi:10.1093/nar/gkad841

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> from keras_vnn.basics.bundled import data_path
    >>> tf = vnn.read.regulation(data_path("tf_target_human_goa.tsv"))
    >>> print(tf)
    411 edges from 171 regulators to 238 targets (tf_target_human_goa.tsv)
    >>> print(tf.sources[0].format)
    TSV tf, target, effect effect (ignored: references)
    """
    options = Options(
        columns,
        delimiter,
        header,
        malformed,
        sif_types=_words(sif_types),
        drem_id=drem_id,
        format_named=format != "auto",
    )

    if _is_graph(source):
        return Regulation.from_networkx(source)
    tables = _tables(source, "regulation", format, options)
    return reduce(Regulation.union, (_regulation(table, where) for table, where, _ in tables))


def _is_graph(source: Any) -> bool:
    # A table may have columns of these names.
    return not isinstance(source, pd.DataFrame) and hasattr(source, "edges") and hasattr(source, "nodes")


def _tables(
    source: Any, family: str, format: str, options: Options
) -> Iterator[tuple[Table, object, tuple[str, ...] | None]]:
    """Yield the rows of a DataFrame, or of each file, what to call it, what its format takes (`None`: columns)."""
    if isinstance(source, pd.DataFrame):
        yield _of_frame(source, family, options), IN_MEMORY, None
        return
    paths = [source] if isinstance(source, str | os.PathLike) else list(source)
    if not paths:
        raise ReadError(f"Expected a file of {family}, got an empty list.")
    for path in paths:
        chosen, table = read_file(path, family, format, options)
        yield table, path, chosen.takes


def _of_frame(frame: pd.DataFrame, family: str, options: Options) -> Table:
    table = omnipath_frame(frame, options, family) if options.columns is None else None
    return table or frame_rows(frame, ROLES[family], options.columns)


def _words(words: Sequence[str]) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words)


def _interactions(table: Table) -> Interactions:
    return Interactions.from_pairs(
        table.frame["first"],
        table.frame["second"],
        score=table.frame.get("number"),
        line=table.lines,
        sources=(table.source,),
        audit=Audit.of(*table.dropped),
    )


def _at_least(table: Interactions, min_score: float | None) -> Interactions:
    if min_score is None:
        return table
    if np.isnan(table.score).all():
        raise ReadError(
            f"{least_score(Options(at_least=min_score))} needs scores, and the table has none.\n"
            + remedy("Name them: {columns}", "Leave it out.", columns=(1, 2, 3))
        )
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


def _regulation(table: Table, where: object) -> Regulation:
    frame = table.frame
    effect: NDArray[np.object_] | pd.Series | None = frame.get("effect")
    # Where there is none, the sign of a number that may be negative is one.
    if effect is None and not ("number" in frame and bool((frame["number"] < 0).any())):
        effect = np.full(len(frame), "unknown", dtype=object)
    found = Regulation.from_pairs(
        frame["first"],
        frame["second"],
        effect=effect,
        weight=frame.get("number"),
        line=table.lines,
        sources=(table.source,),
        audit=Audit.of(*table.dropped),
    )
    check_names({*found.regulators, *found.targets}, where)
    return found
