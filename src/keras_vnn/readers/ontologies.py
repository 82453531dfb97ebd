"""Ontologies, hierarchies, annotations and gene sets: a function each for all their formats.

In: a file of any known format. Out: an `Ontology`, which term lies under which; `Annotations`, which gene has which
term; both for a hierarchy that names its genes; `GeneSets`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np

from keras_vnn.basics.errors import ConfigError, ReadError, check_choice, counted, did_you_mean, sample
from keras_vnn.basics.provenance import Audit, AuditEntry
from keras_vnn.basics.remedies import by_place, option_named, remedy
from keras_vnn.priors import Annotations, GeneSets, Ontology
from keras_vnn.priors.genes import gene_list
from keras_vnn.priors.kinds import check_names
from keras_vnn.readers.pairs import bare_taxon, refuse_species
from keras_vnn.readers.registry import lists_formats, read_file
from keras_vnn.readers.tabular import Options, Table, of_each


@lists_formats("ontology")
def read_ontology(
    path: str | os.PathLike[str],
    *,
    format: str = "auto",
    relations: Sequence[str] | None = None,
    species: str | None = None,
    columns: Sequence[int | str] | None = None,
) -> Ontology:
    """Read which term lies under which.

    Parameters
    ----------
    path
        The file, compressed or not.
    format
        {formats}. Of a hierarchy only the terms are taken.
    relations
        Keep these relations only, e.g. ``("is_a", "part_of")``. By default all; wiring chooses as well.
    species
        For Reactome: three letters as in its ids, e.g. ``HSA``. By default all species.
    columns
        For ``edges``: child and parent column, by name or by number from 1; ``("child", "parent")`` by default.

    Returns
    -------
    Ontology
        Terms and edges from child to parent. Obsolete terms are set aside, parents that are not in the file are
        dropped; both are in the audit.

    Raises
    ------
    ReadError
        The file is missing, damaged, of no known format, or does not have what was asked for.
    ConfigError
        An option has an unknown value, or does not apply to the format.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> from keras_vnn.basics.bundled import data_path
    >>> go = vnn.read.ontology(data_path("go-basic.obo.gz"))
    >>> print(go)
    43,789 terms, 86,549 edges (go-basic.obo.gz)
    >>> go.current_id("GO:0006300"), go.find("mismatch repair")
    ('GO:0006298', 'GO:0006298')
    """
    chosen, found = read_file(path, "ontology", format, Options(columns, species=species))
    ontology: Ontology = found[0] if chosen.family == "hierarchy" else found
    return ontology if relations is None else ontology.selecting(relations=relations)


@lists_formats("hierarchy")
def read_hierarchy(path: str | os.PathLike[str], *, format: str = "auto") -> tuple[Ontology, Annotations]:
    """Read a hierarchy that names its genes.

    Parameters
    ----------
    path
        The file, compressed or not.
    format
        {formats}.

    Returns
    -------
    Ontology, Annotations
        The terms, and which gene belongs to which as the file has it. All edges are called ``is_a``.

    Raises
    ------
    ReadError
        The file is missing, damaged, or of no known format.
    ConfigError
        There is no such format.

    Warns
    -----
    VNNWarning
        Names look damaged by a spreadsheet.
    """
    _, (ontology, annotations) = read_file(path, "hierarchy", format)
    check_names(annotations.genes, path)
    return ontology, annotations


@lists_formats("gene-sets")
def read_gene_sets(path: str | os.PathLike[str], *, format: str = "auto", repeated_sets: str = "raise") -> GeneSets:
    """Read named sets of genes.

    Parameters
    ----------
    path
        The file, compressed or not.
    format
        {formats}.
    repeated_sets
        Of several sets of one name, ``"merge"`` their genes or ``"number"`` the sets (``DNA repair (2)``); by default
        they are an error.

    Returns
    -------
    GeneSets
        A mapping from name to genes.

    Raises
    ------
    ReadError
        The file is missing or damaged, two sets have the same name, or it is not clear whether the second column of a
        text is a description or a gene.
    ConfigError
        There is no such format.

    Warns
    -----
    VNNWarning
        Names look damaged by a spreadsheet.
    """
    sets: GeneSets
    _, sets = read_file(path, "gene-sets", format, Options(repeated_sets=repeated_sets))
    check_names(sets.genes, path)
    return sets


IDENTIFIERS = ("symbol", "accession", "synonym")
NOT_RULES = ("pair", "row")
# How files abbreviate them.
_ASPECTS = {
    "biological_process": ("P", "Process"),
    "molecular_function": ("F", "Function"),
    "cellular_component": ("C", "Component"),
}


@lists_formats("annotations")
def read_annotations(
    path: str | os.PathLike[str],
    *,
    format: str = "auto",
    id: str | None = None,
    genes: Iterable[str] | None = None,
    namespace: str | Sequence[str] | None = None,
    include_evidence: Iterable[str] | None = None,
    exclude_evidence: Iterable[str] = ("ND",),
    exclude_qualifiers: Iterable[str] = (),
    taxon: str | int | None = None,
    not_rule: str = "pair",
    malformed: str = "raise",
    columns: Sequence[int | str] | None = None,
) -> Annotations:
    """Read which gene is annotated with which term.

    Each (gene, term) comes once, however many rows assert it. Whatever is left out is counted in the audit.

    Parameters
    ----------
    path
        The file, compressed or not.
    format
        {formats}.
    id
        Name genes by ``symbol``, by ``accession`` (UniProt, GeneID …), or by ``synonym``: by symbol, and where a gene
        of ``genes`` is not a symbol in the file, by a synonym that belongs to one gene only. By default the symbol if
        the format has it.
    genes
        Keep the annotations of these genes only.
    namespace
        One or several of ``biological_process``, ``molecular_function``, ``cellular_component``.
    include_evidence, exclude_evidence
        Evidence codes to accept (``None``: all) and to refuse. By default ND, which says that nothing is known.
    exclude_qualifiers
        Refuse rows with these qualifiers, e.g. ``contributes_to``, ``colocalizes_with``.
    taxon
        Keep the rows of this species, as it stands in the file (``9606``); ``"all"`` for every one. A file of several
        species is refused when none is chosen. Of two taxa in a row the first counts.
    not_rule
        What a negated row (NOT) does. ``pair`` removes the gene and term it names even where other rows assert them
        (the denial wins, as the Gene Ontology intends it: it is a curator's correction); ``row`` only drops the row
        itself. With ``pair`` the denials stay known (`Annotations.denied`), for wiring to apply them to the
        descendants of the term as well.
    malformed
        ``raise``, or ``skip`` to count malformed rows and go on.
    columns
        For ``gene-term``: gene and term column, by name or by number from 1.

    Returns
    -------
    Annotations
        Direct annotations; nothing is propagated.

    Raises
    ------
    ReadError
        The file is missing, damaged or of no known format, a row is malformed, a choice needs a column the format
        does not have, the file holds several species and none was chosen, or nothing is left.
    ConfigError
        An option has an unknown value.

    Warns
    -----
    VNNWarning
        Names look damaged by a spreadsheet.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> from keras_vnn.basics.bundled import data_path
    >>> goa = vnn.read.annotations(data_path("goa_human_demo.gaf.gz"), namespace="biological_process")
    >>> print(goa)
    44,986 annotations of 5,568 genes with 8,099 terms (goa_human_demo.gaf.gz)
    """
    if id is not None:
        check_choice("id", id, IDENTIFIERS)
    check_choice("not_rule", not_rule, NOT_RULES)
    if id == "synonym" and genes is None:
        advice = by_place(f"leave out {option_named('id_map')}", "pass genes=…")
        raise ConfigError(f"{remedy('{id}', id='synonym')} needs to know which names to look for: {advice}")
    spaces = [namespace] if isinstance(namespace, str) else list(namespace or ())
    for space in spaces:
        check_choice("namespace", space, _ASPECTS)
    included = None if include_evidence is None else _codes(include_evidence, "include_evidence")
    excluded = _codes(exclude_evidence, "exclude_evidence")
    if included and included & excluded - {"ND"}:
        raise ConfigError(
            f"include_evidence and exclude_evidence both name {sample(included & excluded)}.\n"
            "Leave it out of one of them."
        )
    unwanted = _codes(exclude_qualifiers, "exclude_qualifiers")
    wanted = None if genes is None else tuple(gene_list(genes))
    _, table = read_file(path, "annotations", format, Options(columns, malformed=malformed))
    # NOT comes last, so that a negation counts only if its own row is wanted.
    table = _of_taxon(table, taxon)
    table = _with_evidence(table, included, excluded - (included or frozenset()))
    if namespace is not None:
        aspects = {aspect for space in spaces for aspect in (space, *_ASPECTS[space])}
        table = _keeping(table, "aspect", lambda word: word in aspects, "of another namespace")
    if unwanted:
        reason = f"qualifier not wanted ({sample(unwanted)})"
        table = _keeping(table, "qualifier", lambda word: not unwanted & set(word.split("|")), reason)
    table = _named(table, id, wanted)
    if not len(table.frame):
        raise ReadError(
            f"No annotation is left of {counted(table.records, 'row')}: {table.path.name}\n{table.left_out()}"
        )
    annotations = _annotations(table, keeps_negated=not_rule == "pair")
    check_names(annotations.genes, path, several_species=taxon == "all")
    return annotations


def _codes(words: Iterable[str], name: str) -> frozenset[str]:
    if isinstance(words, str):
        raise ConfigError(f"{name} takes several words, got the single string {words!r}.\nPass {{{words!r}}}.")
    return frozenset(words)


def _annotations(table: Table, *, keeps_negated: bool) -> Annotations:
    frame = table.frame
    negated = np.zeros(len(frame), bool)
    if "qualifier" in frame:
        negated = of_each(frame["qualifier"], lambda word: "NOT" in _parts(word.upper()), bool)
    entry = AuditEntry("read", "row", "negated (NOT)", int(negated.sum()))
    if not keeps_negated:
        frame, negated = frame[~negated], negated[~negated]
    return Annotations.from_pairs(
        frame["gene"],
        frame["term"].array,
        evidence=frame["evidence"].array if "evidence" in frame else None,
        qualifier=of_each(frame["qualifier"], _without_not) if "qualifier" in frame else None,
        line=frame.index.to_numpy(),
        denied=negated,
        term_names=table.term_names,
        sources=(table.source,),
        audit=Audit.of(*table.dropped, entry),
    )


def _without_not(qualifier: str) -> str:
    return "|".join(part for part in _parts(qualifier) if part.upper() != "NOT")


def _parts(qualifier: str) -> list[str]:
    return [part.strip() for part in qualifier.split("|")]


# ---- which rows ----------------------------------------------------------------------------------------------


def _title(table: Table) -> str:
    return f"{table.format} of {table.path.name}"


def _keeping(table: Table, column: str, test: Callable[[str], bool], reason: str) -> Table:
    """Return the rows whose word in a column passes a test; the others are counted."""
    if column not in table.frame:
        raise ReadError(f"{_title(table)} has no column of {column}.\nLeave out the option that needs it.")
    return table.keeping(of_each(table.frame[column], test, bool), "row", reason)


def _of_taxon(table: Table, taxon: str | int | None) -> Table:
    def first(word: object) -> str:
        """Return the taxon of the gene; a second one is that of a host or a symbiont."""
        return bare_taxon(str(word).split("|")[0])

    if taxon is None and "taxon" in table.frame:
        refuse_species([of_each(table.frame["taxon"], first)], "The annotations are", table.path.name)
    if taxon in (None, "all"):
        return table
    return _keeping(table, "taxon", lambda word: first(word) == first(taxon), "of another taxon")


def _with_evidence(table: Table, included: Collection[str] | None, excluded: Collection[str]) -> Table:
    has_evidence = "evidence" in table.frame
    if included is None and not (has_evidence and excluded):
        if set(excluded) - {"ND"}:
            raise ReadError(
                f"{_title(table)} has no column of evidence, so {sample(excluded)} cannot be excluded.\n"
                f"Leave out {option_named('exclude_evidence')}."
            )
        return table
    if has_evidence:
        _check_codes({*(included or ()), *excluded}, table)
    return _keeping(
        table,
        "evidence",
        lambda word: any((included is None or one in included) and one not in excluded for one in word.split("|")),
        f"evidence not wanted ({_in_words(included, excluded)})",
    )


def _check_codes(wanted: Collection[str], table: Table) -> None:
    """Raise for an evidence code that neither the file nor the Gene Ontology knows."""
    present = {code for word in table.frame["evidence"].unique() for code in word.split("|")}
    if set(wanted) <= present:
        return
    from goatools.evidence_codes import EvidenceCodes

    known = sorted(present | set(EvidenceCodes.code2nt))
    unknown = sorted(code for code in wanted if code not in known and not code.startswith("ECO:"))
    if unknown:
        hint = did_you_mean(unknown[0], known)
        raise ConfigError(
            f"{unknown[0]!r} is not an evidence code. {hint}".rstrip()
            + f"\n{_title(table)} has {sample(present - {''}, 30)}."
        )


def _in_words(included: Collection[str] | None, excluded: Collection[str]) -> str:
    parts = [] if included is None else [f"only {', '.join(sorted(included))}"]
    return "; ".join([*parts, *([f"without {', '.join(sorted(excluded))}"] if excluded else [])])


# ---- names --------------------------------------------------------------------------------------------------


def _named(table: Table, id: str | None, genes: Sequence[str] | None) -> Table:
    """Return the rows whose gene has a name and is wanted, with a column ``gene``."""
    frame = table.frame
    kind = id or ("symbol" if "symbol" in frame else "accession")
    column = "accession" if kind == "accession" else "symbol"
    if column not in frame:
        has = next(name for name in ("symbol", "accession") if name in frame)
        raise ReadError(f"{_title(table)} has no column of {column} names.\n{remedy('Pass {id}.', id=has)}")
    wanted = None if genes is None else set(genes)
    names = of_each(frame[column], lambda name: name if wanted is None or name in wanted else "")
    if kind == "synonym":
        by_synonym, entries = _by_synonym(table, genes or ())
        names = np.where(names == "", of_each(frame[column], lambda name: by_synonym.get(name, "")), names)
        table = replace(table, dropped=(*table.dropped, *entries))
    outside = "without a symbol" if wanted is None else "the gene is not in the gene list"
    return replace(table, frame=frame.assign(gene=names)).keeping(names != "", "row", outside)


def _by_synonym(table: Table, wanted: Sequence[str]) -> tuple[dict[str, str], list[AuditEntry]]:
    """Return the wanted name of each symbol that has it as a synonym, if it is one of this gene alone.

    A name that is the symbol of some gene is never taken for a synonym of another.
    """
    if "synonyms" not in table.frame:
        advice = remedy("Pass {id} or ", id="symbol") + remedy("{id}.", id="accession")
        raise ReadError(f"{_title(table)} has no column of synonyms.\n{advice}")
    pairs = table.frame[["symbol", "synonyms"]].drop_duplicates()
    absent = set(wanted) - set(pairs["symbol"])
    owners: dict[str, set[str]] = {}
    for symbol, joined in pairs.itertuples(index=False):
        for name in {part.strip() for part in joined.split("|")} & absent:
            owners.setdefault(name, set()).add(symbol)
    # The first in the list wins where two wanted names are synonyms of one gene.
    name_of: dict[str, str] = {}
    doubled = []
    for name in wanted:
        if len(owners.get(name, ())) != 1:
            continue
        (symbol,) = owners[name]
        if symbol in name_of or symbol in wanted:
            doubled.append(f"{name} = {symbol}")
        else:
            name_of[symbol] = name
    ambiguous = [name for name, symbols in owners.items() if len(symbols) > 1]
    return name_of, [
        AuditEntry.of(
            "match", "gene", "found by a synonym", [f"{name} = {symbol}" for symbol, name in name_of.items()]
        ),
        AuditEntry.of("match", "gene", "a synonym of several genes, not matched", ambiguous),
        AuditEntry.of("match", "gene", "a synonym of a gene that is in the list already, not matched", doubled),
    ]
