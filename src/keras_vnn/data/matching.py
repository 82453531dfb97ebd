"""Which genes of the data are the input genes of a network: by name, never by position.

In: named data and gene ids. Out: an `Alignment` that says what matches, and the columns of each gene.
Knows nothing of values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras_vnn.basics.errors import DataError, GeneError, check_choice, counted, sample
from keras_vnn.basics.provenance import Audit, AuditEntry
from keras_vnn.basics.remedies import at_command_line, by_place, remedy
from keras_vnn.basics.showing import Shown
from keras_vnn.data._matrix import Measured, Stored, named_matrix, texts_of
from keras_vnn.priors.genes import explain_mismatch, gene_list

MISSING_POLICIES = ("raise", "zero", "mean")
DUPLICATE_POLICIES = ("raise", "first", "sum", "mean")


@dataclass(frozen=True, slots=True, repr=False)
class Alignment(Shown):
    """How the genes of some data match the input genes of a network.

    Attributes
    ----------
    matched
        Input genes that the data have, in the order of the input genes.
    missing
        Input genes that the data lack, in the order of the input genes.
    extra
        Genes of the data that are not an input gene, in the order of the data, each once.
    duplicated
        Input genes that the data have more than once, in the order of the input genes.
    diagnosis
        What the mismatch looks like (case, version suffix, another kind of identifier, a transposed table);
        empty when nothing points to a cause.
    what
        What the inputs are: ``gene``, or ``feature`` of networks that lie on features.
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    duplicated: tuple[str, ...]
    diagnosis: str = ""
    what: str = "gene"

    def __str__(self) -> str:
        n = len(self.matched) + len(self.missing)
        lines = [f"{len(self.matched):,} of {counted(n, f'input {self.what}')} are in the data"]
        if self.missing:
            lines.append(f"{len(self.missing):,} missing: {sample(self.missing)}")
        if self.duplicated:
            lines.append(f"{len(self.duplicated):,} more than once: {sample(self.duplicated)}")
        if self.extra:
            extra = f"{counted(len(self.extra), self.what)} of the data not used"
            lines.append(f"{extra}: {sample(self.extra)}")
        return "\n".join([*lines, *self.diagnosis.splitlines()])

    @property
    def audit(self) -> Audit:
        """What aligning drops or changes, for the audit of a run."""
        return Audit.of(
            AuditEntry.of("align", self.what, "missing from the data", self.missing),
            AuditEntry.of("align", self.what, "more than once in the data", self.duplicated),
            AuditEntry.of("align", self.what, "of the data, no input of the model", self.extra),
        )


def alignment_report(data: Any, genes: Any) -> Alignment:
    """Compare the genes of data with the input genes of a network, and raise nothing.

    Parameters
    ----------
    data
        AnnData or DataFrame (cells, genes).
    genes
        Gene ids, or any object whose ``genes`` are ids, such as an `Architecture`.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame([[1, 2], [3, 4]], index=["c1", "c2"], columns=["tp53", "ATM"])
    >>> print(alignment_report(table, ["ATM", "TP53"]))
    1 of 2 input genes are in the data
    1 missing: TP53
    1 gene of the data not used: tp53
    1 of 2 input genes match the data; 2 match ignoring case.
    The input genes look like: ATM, TP53.
    The data looks like: ATM, tp53.
    """
    # Networks that read several features per gene need layers only.
    is_of_layers = hasattr(data, "obs_names") and data.X is None and data.layers
    table = named_matrix(data.to_df(next(iter(data.layers))) if is_of_layers else data)
    return match(data, table, gene_ids(genes), what=inputs_called(genes))


def gene_ids(genes: Any) -> tuple[str, ...]:
    """Return ordered, unique ids from a sequence of them or an object whose ``genes`` they are."""
    return gene_list(getattr(genes, "genes", genes)).ids


def inputs_called(genes: Any) -> str:
    """Return what the inputs of a network are, ``gene`` or ``feature``; of other things ``gene``."""
    layers = getattr(genes, "layers", ())
    # An AnnData has layers too, of another kind.
    inputs = layers[0] if isinstance(layers, tuple) and layers else ()
    return "feature" if {node.kind for node in inputs} == {"feature"} else "gene"


def match(data: Any, table: Measured | Stored, wanted: Sequence[str], *, what: str = "gene") -> Alignment:
    """Return the `Alignment` of data, and the named matrix made of them, with ``wanted``."""
    count = Counter(table.genes)
    inputs = set(wanted)
    matched = tuple(gene for gene in wanted if gene in count)
    missing = tuple(gene for gene in wanted if gene not in count)
    return Alignment(
        matched,
        missing,
        tuple(gene for gene in count if gene not in inputs),
        tuple(gene for gene in matched if count[gene] > 1),
        _diagnosis(data, table, wanted, len(matched), what) if missing else "",
        what,
    )


def positions(
    data: Any, table: Measured | Stored, wanted: Sequence[str], missing: str, duplicates: str, *, what: str = "gene"
) -> list[list[int]]:
    """Return for each wanted gene the columns of ``table`` that are it, after the policies have been applied.

    Raises
    ------
    DataError
        A policy has an unknown name.
    GeneError
        No gene matches, genes are missing and ``missing`` is ``"raise"``, or genes occur more than once and
        ``duplicates`` is ``"raise"``.
    """
    check_choice("missing", missing, MISSING_POLICIES, DataError)
    check_choice("duplicates", duplicates, DUPLICATE_POLICIES, DataError)
    found = match(data, table, wanted, what=what)
    if found.missing and (missing == "raise" or not found.matched):
        raise GeneError(_missing_text(found, len(wanted)))
    if found.duplicated and duplicates == "raise":
        raise GeneError(
            f"{len(found.duplicated):,} of {counted(len(wanted), f'input {what}')} occur more than once in the data: "
            f"{sample(found.duplicated)}.\n" + combine_duplicates()
        )
    columns: dict[str, list[int]] = {gene: [] for gene in wanted}
    for column, gene in enumerate(table.genes):
        if gene in columns:
            columns[gene].append(column)
    return list(columns.values())


def combine_duplicates() -> str:
    """Return what to do with genes that occur more than once."""
    first = remedy("keep the first with {duplicates}.", duplicates="first")
    return (
        remedy('Combine them with {duplicates} (counts) or "mean", or ', "Make the names unique.", duplicates="sum")
        + first
    )


def _missing_text(found: Alignment, n_wanted: int) -> str:
    lines = [
        f"{len(found.missing):,} of {counted(n_wanted, f'input {found.what}')} of the model are missing from the data: "
        f"{sample(found.missing)}."
    ]
    lines += found.diagnosis.splitlines()
    rebuild = "rebuild the architecture for these genes: vnn build --genes cells.h5ad …"
    if found.what == "feature":
        on_those = by_place("", ": vnn.wire.on_features(arch, features, inputs=…)")
        rebuild = f"lay the network on the features that were measured{on_those}"
    fill = remedy("Fill them with {missing}, or ", missing="zero") if found.matched else ""
    lines.append(f"{fill or 'Translate the names of the data, or '}{rebuild}")
    return "\n".join(lines)


def _diagnosis(data: Any, table: Measured | Stored, wanted: Sequence[str], n_matched: int, what: str) -> str:
    n = f"{len(wanted):,}"
    inputs = set(wanted)
    for column, names in _other_names(data):
        n_here = len(inputs.intersection(names))
        if n_here > n_matched:
            here = f"{n_here:,} of {n} are in the column {column!r} of the genes"
            if at_command_line():
                return f"{here}{remedy(': {gene_column}', gene_column=column)}"
            return f'{here}: adata.var_names = adata.var["{column}"]'
    n_cells = len(inputs.intersection(table.cells))
    if n_cells > n_matched:
        return f"{n_cells:,} of {n} are names of cells. The data look transposed: pass data.T."
    text = explain_mismatch(wanted, table.genes, wanted_what=f"input {what}s", known_what="the data")
    explains = n_matched == 0 or ";" in text.splitlines()[0]
    return text if explains else ""


def _other_names(data: Any) -> list[tuple[str, list[str]]]:
    """Return the text columns of ``adata.var``: gene names of another kind may stand there."""
    return texts_of(data.var) if hasattr(data, "var_names") else []
