"""Reading regulation: one function for all its formats.

In: paths of files, a DataFrame or a directed networkx graph. Out: `Regulation`.
Knows which options there are; each format is a module of its own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ConfigError, ReadError
from keras_vnn.basics.provenance import Audit, Source
from keras_vnn.priors import Regulation
from keras_vnn.readers.drem import DREM_IDS
from keras_vnn.readers.frames import choose_frame_columns
from keras_vnn.readers.names import check_names
from keras_vnn.readers.options import Options
from keras_vnn.readers.regulation_table import REGULATION_ROLES, is_signed
from keras_vnn.readers.rows import Rows, check_malformed
from keras_vnn.readers.sniffing import REGULATION_FORMATS, choose_edge_format
from keras_vnn.readers.text import preview

if TYPE_CHECKING:
    import networkx
    from numpy.typing import NDArray

__all__ = ["read_regulation"]


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
        A file, plain or gzip; several files, whose edges are united; a DataFrame, or a directed networkx graph whose
        edges may have an ``effect`` and a ``weight``.
    format
        ``"auto"``, ``"trrust"``, ``"drem"``, ``"sif"``, ``"matrix"`` (targets × TFs) or ``"table"`` (a regulator and
        a target per row).
    columns
        Names, or numbers from 1, of the columns of regulator, target and, if wanted, of the effect or weight.
    header, delimiter, malformed
        As in `read_interactions`.
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
    >>> from keras_vnn.basics.bundled import data_path
    >>> tf = read_regulation(data_path("tf_target_human_goa.tsv"))
    >>> print(tf)
    411 edges from 171 regulators to 238 targets (tf_target_human_goa.tsv)
    >>> print(tf.sources[0].format)
    TSV tf, target, effect effect (ignored: references)
    """
    check_malformed(malformed)
    if drem_id not in DREM_IDS:
        raise ConfigError(f"Unknown drem_id={drem_id!r}.\nExpected one of: {', '.join(DREM_IDS)}.")
    options = Options(
        columns,
        delimiter,
        header,
        malformed,
        sif_types=tuple(sif_types),
        drem_id=drem_id,
        format_named=format != "auto",
    )
    if isinstance(source, str | os.PathLike):
        return _from_file(Path(source), format, options)
    if isinstance(source, pd.DataFrame):
        return _from_frame(source, columns)
    if hasattr(source, "edges") and hasattr(source, "nodes"):
        return Regulation.from_networkx(source)
    paths = [Path(path) for path in source]
    if not paths:
        raise ReadError("Expected a file of regulation, got an empty list.")
    return reduce(Regulation.union, [_from_file(path, format, options) for path in paths])


def _from_file(path: Path, format: str, options: Options) -> Regulation:
    start = preview(path)
    chosen = choose_edge_format(
        start, format, REGULATION_FORMATS, "read_regulation", with_columns=options.columns is not None
    )
    rows = chosen.read(start, options)
    table = Regulation.from_pairs(
        rows.first,
        rows.second,
        effect=_effects(rows),
        weight=rows.number,
        line=rows.line,
        sources=(Source.of_file(path, rows.format, records=rows.records, release=rows.release),),
        audit=Audit.of(*rows.dropped),
    )
    check_names({*table.regulators, *table.targets}, path)
    return table


def _effects(rows: Rows) -> NDArray[np.object_] | None:
    """Return the effects of the rows, or ``None`` where the sign of the number says them."""
    if rows.effect is not None:
        return rows.effect
    if rows.number is not None and (rows.signed or bool((rows.number < 0).any())):
        return None
    return np.full(len(rows.line), "unknown", dtype=object)


def _from_frame(frame: pd.DataFrame, columns: Sequence[int | str] | None) -> Regulation:
    taken, chosen = choose_frame_columns(frame, REGULATION_ROLES, columns)
    effect = chosen.effect
    if effect is None and chosen.number and not is_signed(chosen.number) and bool((taken[chosen.number] >= 0).all()):
        taken, effect = taken.assign(**{"": "unknown"}), ""
    table = Regulation.from_frame(taken, chosen.first, chosen.second, effect, chosen.number)
    check_names({*table.regulators, *table.targets}, "the DataFrame")
    return table
