"""Rows of an annotation file become `Annotations`: the choices a biologist makes, in one place.

In: `AnnotationRows` from one of the formats, and the choices. Out: `Annotations` with an audit of what was left out.
Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ConfigError, ReadError, did_you_mean, sample
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.priors import Annotations
from keras_vnn.readers.molecules import refuse_species
from keras_vnn.readers.rows import of_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["IDENTIFIERS", "NOT_RULES", "AnnotationChoices", "AnnotationRows", "choose_annotations"]

IDENTIFIERS = ("symbol", "accession", "synonym")
NOT_RULES = ("pair", "row")
_ASPECTS = {
    "biological_process": ("P", "Process"),
    "molecular_function": ("F", "Function"),
    "cellular_component": ("C", "Component"),
}


@dataclass(frozen=True, slots=True, eq=False)
class AnnotationRows:
    """What a format found.

    Attributes
    ----------
    frame
        A row per annotation with its line number as index. Always a column ``term``, and at least one of ``symbol``
        and ``accession``; where the format has them ``synonyms`` (joined by ``|``), ``qualifier``, ``evidence``
        (codes, joined by ``|`` if several), ``aspect`` and ``taxon`` (``taxon:9606|taxon:562`` or a bare number).
    source
        The file.
    dropped
        What the format left out.
    term_names
        Names of terms by id, where the file has them.
    """

    frame: pd.DataFrame
    source: Source
    dropped: tuple[AuditEntry, ...] = ()
    term_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnnotationChoices:
    """The options of `keras_vnn.readers.read_annotations` that do not depend on the format; see there."""

    id: str | None = None
    genes: tuple[str, ...] | None = None
    namespace: tuple[str, ...] | None = None
    include_evidence: frozenset[str] | None = None
    exclude_evidence: frozenset[str] = frozenset({"ND"})
    exclude_qualifiers: frozenset[str] = frozenset()
    taxon: str | None = None
    not_rule: str = "pair"

    def __post_init__(self) -> None:
        """Check what can be checked without a file."""
        for name, value, known in (("id", self.id, IDENTIFIERS), ("not_rule", self.not_rule, NOT_RULES)):
            if value is not None and value not in known:
                hint = did_you_mean(str(value), known)
                raise ConfigError(f"{name} must be one of {', '.join(known)}; got {value!r}. {hint}".rstrip())
        if self.id == "synonym" and self.genes is None:
            raise ConfigError('id="synonym" needs to know which names to look for: pass genes=…')
        for space in self.namespace or ():
            if space not in _ASPECTS:
                hint = did_you_mean(space, tuple(_ASPECTS))
                raise ConfigError(f"namespace must be one of {', '.join(_ASPECTS)}; got {space!r}. {hint}".rstrip())
        if self.include_evidence is not None and self.include_evidence & self.exclude_evidence - {"ND"}:
            both = sample(self.include_evidence & self.exclude_evidence)
            raise ConfigError(f"include_evidence and exclude_evidence both name {both}.\nLeave it out of one of them.")


def choose_annotations(rows: AnnotationRows, choices: AnnotationChoices) -> Annotations:
    """Make annotations of the rows the user wants.

    The order is: taxon, evidence, namespace, qualifiers, identifier, and NOT last, so that a denial counts only if
    its own row is wanted.

    Raises
    ------
    ReadError
        A choice needs a column the format does not have, there are several species and none was chosen, or no row is
        left.
    """
    frame = rows.frame
    entries = list(rows.dropped)
    title = f"{rows.source.format} of {rows.source.name}"

    def keep(wanted: NDArray[np.bool_], reason: str) -> None:
        nonlocal frame
        entries.append(AuditEntry("read", "row", reason, int((~wanted).sum())))
        frame = frame[wanted]

    if choices.taxon == "all":
        pass
    elif choices.taxon is not None:
        wanted_taxon = choices.taxon.removeprefix("taxon:")
        keep(_matching(frame, "taxon", lambda word: _first_taxon(word) == wanted_taxon, title), "of another taxon")
    elif "taxon" in frame:
        refuse_species([of_each(frame["taxon"], _first_taxon)], "The annotations are", rows.source.name)
    codes = choices.include_evidence
    refused = choices.exclude_evidence - (codes or frozenset())
    if codes is not None or (refused and "evidence" in frame):
        _check_codes((codes or frozenset()) | refused, frame, title)
        keep(
            _matching(
                frame,
                "evidence",
                lambda word: any((codes is None or one in codes) and one not in refused for one in word.split("|")),
                title,
            ),
            f"evidence not wanted ({_in_words(codes, refused)})",
        )
    elif refused - {"ND"}:
        raise ReadError(
            f"{title} has no column of evidence, so {sample(refused)} cannot be excluded.\nLeave out exclude_evidence."
        )
    if choices.namespace is not None:
        aspects = {aspect for space in choices.namespace for aspect in _ASPECTS[space]}
        keep(_matching(frame, "aspect", lambda word: word in aspects, title), "of another namespace")
    if choices.exclude_qualifiers:
        unwanted = choices.exclude_qualifiers
        keep(
            _matching(frame, "qualifier", lambda word: not unwanted & set(word.split("|")), title),
            f"qualifier not wanted ({sample(unwanted)})",
        )
    names, named = _names(frame, choices, title)
    entries += named
    found = ~pd.isna(names)
    outside = "the gene is not in the gene list" if choices.genes is not None else "without a symbol"
    keep(found, outside)
    names = names[found]
    if not len(frame):
        reasons = "\n".join(f"    {entry}" for entry in entries if entry.count)
        raise ReadError(f"No annotation is left of {rows.source.records:,} rows: {rows.source.name}\n{reasons}")
    denied = _matching(frame, "qualifier", _denies, title) if "qualifier" in frame else np.zeros(len(frame), bool)
    entries.append(AuditEntry("read", "row", "says NOT", int(denied.sum())))
    if choices.not_rule == "row":
        frame, names, denied = frame[~denied], names[~denied], np.zeros(int((~denied).sum()), bool)
    return Annotations.from_pairs(
        names,
        frame["term"].array,
        evidence=frame["evidence"].array if "evidence" in frame else None,
        qualifier=_positive(frame["qualifier"]) if "qualifier" in frame else None,
        line=frame.index.to_numpy(),
        denied=denied,
        term_names=rows.term_names,
        sources=(rows.source,),
        audit=Audit.of(*entries),
    )


# ---- columns ------------------------------------------------------------------------------------------------


def _matching(frame: pd.DataFrame, column: str, test: Callable[[str], bool], title: str) -> NDArray[np.bool_]:
    """Return, for each row, whether its word in a column passes a test, which runs once per distinct word."""
    if column not in frame:
        raise ReadError(f"{title} has no column of {column}.\nLeave out the option that needs it.")
    return of_each(frame[column], test, bool)


def _denies(qualifier: str) -> bool:
    return "NOT" in qualifier.upper().split("|")


def _positive(column: pd.Series) -> Any:
    """Return the qualifiers as a categorical without NOT."""
    words = pd.Categorical(column)
    clean = ["|".join(part for part in str(word).split("|") if part.upper() != "NOT") for word in words.categories]
    return pd.Series(np.array([*clean, ""], dtype=object)[words.codes])


def _first_taxon(word: str) -> str:
    """Return the taxon of the gene; a second one is that of a host or a symbiont."""
    return word.split("|")[0].removeprefix("taxon:").strip()


def _check_codes(wanted: Collection[str], frame: pd.DataFrame, title: str) -> None:
    """Raise for an evidence code that neither the file nor the Gene Ontology knows."""
    if "evidence" not in frame:
        return
    _, words = pd.factorize(frame["evidence"])
    present = {code for word in words for code in str(word).split("|")}
    if set(wanted) <= present:
        return
    from goatools.evidence_codes import EvidenceCodes

    known = sorted(present | set(EvidenceCodes.code2nt))
    unknown = sorted(code for code in wanted if code not in known and not code.startswith("ECO:"))
    if unknown:
        hint = did_you_mean(unknown[0], known)
        raise ConfigError(
            f"{unknown[0]!r} is no evidence code. {hint}".rstrip() + f"\n{title} has {sample(present - {''}, 30)}."
        )


def _in_words(included: Collection[str] | None, excluded: Collection[str]) -> str:
    parts = [] if included is None else [f"only {', '.join(sorted(included))}"]
    return "; ".join([*parts, *([f"without {', '.join(sorted(excluded))}"] if excluded else [])])


# ---- names --------------------------------------------------------------------------------------------------


def _names(
    frame: pd.DataFrame, choices: AnnotationChoices, title: str
) -> tuple[NDArray[np.object_] | Any, list[AuditEntry]]:
    """Return the gene of each row (missing where it has none or is not wanted), and what to say about them."""
    kind = choices.id or ("symbol" if "symbol" in frame else "accession")
    column = "accession" if kind == "accession" else "symbol"
    if column not in frame:
        has = ", ".join(repr(name) for name in ("symbol", "accession") if name in frame)
        raise ReadError(f"{title} has no column of {column} names.\nPass id={has}.")
    codes, words = pd.factorize(frame[column])
    genes = np.array([str(word).strip() or None for word in words] or [None], dtype=object)
    entries: list[AuditEntry] = []
    if choices.genes is not None:
        wanted = set(choices.genes)
        if kind == "synonym":
            by_synonym, entries = _by_synonym(frame, genes, codes, choices.genes, title)
            names = np.array([gene if gene in wanted else None for gene in genes], dtype=object)[codes]
            return np.where(pd.isna(names), by_synonym, names), entries
        genes = np.array([gene if gene in wanted else None for gene in genes], dtype=object)
    return genes[codes], entries


def _by_synonym(
    frame: pd.DataFrame,
    symbols: NDArray[np.object_],
    codes: NDArray[np.int64],
    wanted: Iterable[str],
    title: str,
) -> tuple[NDArray[np.object_], list[AuditEntry]]:
    """Return, for each row, the wanted name that is a synonym of its gene, if it is one of this gene alone.

    A name that is the symbol of some gene is never taken for a synonym of another.
    """
    if "synonyms" not in frame:
        raise ReadError(f'{title} has no column of synonyms.\nPass id="symbol" or id="accession".')
    absent = set(wanted) - {symbol for symbol in symbols if symbol}
    pairs = pd.DataFrame({"symbol": codes, "synonyms": frame["synonyms"].to_numpy()}).drop_duplicates()
    owners: dict[str, set[int]] = {}
    for code, joined in pairs.itertuples(index=False):
        for name in str(joined).split("|"):
            if name.strip() in absent:
                owners.setdefault(name.strip(), set()).add(int(code))
    ambiguous = [name for name, found in owners.items() if len(found) > 1]
    # The first in the list wins where two wanted names are synonyms of one gene.
    name_of: dict[int, str] = {}
    doubled = []
    for name in wanted:
        if len(owners.get(name, ())) != 1:
            continue
        (code,) = owners[name]
        if code in name_of or symbols[code] in set(wanted):
            doubled.append(f"{name} = {symbols[code]}")
        else:
            name_of[code] = name
    translated = np.array([name_of.get(code) for code in range(len(symbols))], dtype=object)
    entries = [
        AuditEntry.of("match", "gene", "found by a synonym", [f"{n} = {symbols[c]}" for c, n in name_of.items()]),
        AuditEntry.of("match", "gene", "a synonym of several genes, not matched", ambiguous),
        AuditEntry.of("match", "gene", "a synonym of a gene that is in the list already, not matched", doubled),
    ]
    return translated[codes], entries
