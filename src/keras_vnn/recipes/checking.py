"""What a file is, before anything is built from it: format, records, names, species, what would be left out.

In: paths, and perhaps the genes of the data. Out: a `FileReport` each, and the command line that goes on from there.
Reads with the same functions as ``vnn build``; a file that cannot be read is reported, not raised.
"""

from __future__ import annotations

import inspect
import os
import shlex
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import chain
from pathlib import Path
from typing import Any

from keras_vnn import readers
from keras_vnn.basics.cell_matrices import is_ten_x
from keras_vnn.basics.errors import ReadError, VNNError, VNNWarning, sample
from keras_vnn.basics.files import existing_file
from keras_vnn.basics.provenance import Audit
from keras_vnn.basics.showing import Shown
from keras_vnn.basics.untrusted import refuse_damaged_hdf5
from keras_vnn.data._stores import contents_of, gene_names_of
from keras_vnn.priors.genes import gene_list
from keras_vnn.priors.identifiers import IdentifierTable, names_in
from keras_vnn.priors.kinds import OTHER, Identified, bare_name, genes_known, identify, made_unique
from keras_vnn.readers import FAMILIES, read_identifier_map
from keras_vnn.readers.registry import sniff, unrecognized
from keras_vnn.readers.text import preview
from keras_vnn.recipes.pairs_in_doubt import doubt_of_genes, family_of_pairs, pairs_of_genes
from keras_vnn.recipes.prior_fields import read_family

# A look is given to files that a build would refuse, so that the report says what is wrong with them.
_LENIENT = {"malformed": "skip", "duplicates": "first", "repeated_sets": "merge"}
# What is in the audit only because of that, and the options by which a build reads the file as well.
_FLAGS = {
    "a name is empty": "--malformed skip",
    "malformed": "--malformed skip",
    "more columns than": "--malformed skip",
    "no target": "--malformed skip",
    "is not a finite number": "--malformed skip",
    "the effect is not known": "--malformed skip",
    "repeated name": "--duplicates first",
    "two of one name": "--repeated-sets merge",
}
_REGULONS = "--regulation-format gmt"
_COULD_BE = (
    "If two of its columns are interactions: --interactions FILE --interactions-columns 1 --interactions-columns 2",
    "If one of them lists the genes: --genes FILE --gene-column 1",
    "If it describes cells: --cells FILE, of the commands that read data",
)


@dataclass(frozen=True, slots=True, repr=False)
class FileReport(Shown):
    """What one file is.

    Attributes
    ----------
    path
        The file.
    family
        The option of ``vnn build`` that takes it, e.g. ``interactions``; empty where none does.
    format
        The format and columns it was read as.
    summary
        What it holds, in words.
    records
        Data rows, before anything was left out.
    names
        What its gene names look like; ``None`` where it has none.
    audit
        What was left out or changed while reading.
    warnings
        What the reader warned of.
    overlap
        How many of its names are among the genes asked for, and how many would be ignoring case, or without version:
        ``{"names": …, "genes": …, "matched": …, "ignoring_case": …, "ignoring_version": …}``; empty without genes.
    advice
        What to do, a sentence each.
    options
        Options of ``vnn build`` that do it, a text each.
    matched_by
        How many of its names stand in each other column of the genes: those of ``--gene-column``.
    error
        Why it cannot be read; empty where it can.
    contents
        Of an ``.h5ad``: its ``cells`` and their columns, its ``values`` by layer and what they look like, and which
        column of ``var`` holds which names.
    """

    path: Path
    family: str = ""
    format: str = ""
    summary: str = ""
    records: int = 0
    names: Identified | None = None
    audit: Audit = field(default_factory=Audit)
    warnings: tuple[str, ...] = ()
    overlap: dict[str, int] = field(default_factory=dict)
    advice: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    matched_by: dict[str, int] = field(default_factory=dict)
    error: str = ""
    contents: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return a paragraph: the path, and a line for each thing there is to say."""
        if self.error:
            return "\n".join([f"{self.path}", *_indented("cannot", self.error.splitlines())])
        lines = [f"{self.path}", *_indented("is", [FAMILIES[self.family].what] if self.family else [])]
        lines += _indented("format", [self.format])
        lines += _indented("holds", [f"{self.summary}, {self.records:,} records" if self.records > 1 else self.summary])
        lines += _indented("names", [] if self.names is None else [str(self.names)])
        for word, text in self.contents.items():
            lines += _indented(word, [text])
        lines += _indented("left out", map(str, self.audit))
        lines += _indented("overlap", [_overlap_in_words(self.overlap)] if self.overlap else [])
        for warning in self.warnings:
            lines += _indented("warning", warning.splitlines())
        return "\n".join(lines + _indented("advice", self.advice))

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain JSON values."""
        names = self.names and {
            "count": self.names.names,
            "kinds": dict(self.names.counts),
            "species": dict(self.names.species),
            "versioned": self.names.versioned,
            "isoforms": self.names.isoforms,
            "damaged": list(self.names.damaged),
        }
        texts = {"path": str(self.path), "warnings": list(self.warnings), "advice": list(self.advice)}
        facts = {field.name: getattr(self, field.name) for field in fields(self)}
        return facts | texts | {"names": names, "audit": self.audit.to_json()}


def check_file(
    path: str | os.PathLike[str],
    *,
    genes: Iterable[str] = (),
    table: IdentifierTable | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
) -> FileReport:
    """Say what a file is, how many records it has, how its genes are named, and what would be left out.

    Parameters
    ----------
    path
        Any file that ``vnn build`` takes, or one it does not.
    genes
        The genes of the data: then the report says how many names match, and what would help.
    table
        A table of identifiers to look names up in.
    columns
        Other names of the genes, by the column of the data that holds them.

    Examples
    --------
    >>> from keras_vnn.basics.bundled import data_path
    >>> report = check_file(data_path("tf_target_human_goa.tsv"), genes=["STAT1", "IRF1", "TP53"])
    >>> report.family, report.records, report.overlap["matched"]
    ('regulation', 411, 2)
    """
    found = Path(path)
    try:
        return _checked(found if is_ten_x(found) else existing_file(found), tuple(genes), table, columns or {})
    except VNNError as error:
        return FileReport(found, error=str(error))


def check_files(paths: Sequence[str | os.PathLike[str]], *, genes: Any = None, table: Any = None) -> list[FileReport]:
    """Check several files; without ``genes``, those of the first gene list or expression data among them count.

    Parameters
    ----------
    paths
        The files.
    genes
        Names, or the ``.h5ad`` or other file that has them, or ``None``.
    table
        A table of identifiers; by default the first among the files.
    """
    first = [check_file(path) for path in paths]
    if genes is None:
        genes = next((one.path for one in first if one.family == "genes"), ())
    columns = {}
    if isinstance(genes, str | os.PathLike):
        found = Path(genes)
        genes = gene_list(_read_as("genes", found))
        columns = gene_names_of(found)
    if table is None:
        table = next((read_identifier_map(one.path) for one in first if one.family == "id-map"), None)
    genes = tuple(genes)
    if not genes:
        return first
    met = [one if one.error else check_file(one.path, genes=genes, table=table, columns=columns) for one in first]
    column = _best_column(met)
    return [_with_column(one, column) for one in met]


def _best_column(reports: Sequence[FileReport]) -> str:
    """Return the column of the genes that more names of all files together stand in than in what names them now."""
    totals: dict[str, int] = {}
    for report in reports:
        for column, count in report.matched_by.items():
            totals[column] = totals.get(column, 0) + count
    now = sum(report.overlap["matched"] for report in reports if report.matched_by)
    best = max(totals, key=lambda column: totals[column], default="")
    return best if totals.get(best, 0) > 1.1 * max(now, 1) else ""


def _with_column(report: FileReport, column: str) -> FileReport:
    """Return a report that says what naming the genes by this column, for all files, does for the file."""
    there, now = report.matched_by.get(column, 0), report.overlap.get("matched", 0)
    if not report.matched_by or not column or there == now:
        return report
    option = f"--gene-column {shlex.quote(column)}"
    said = f"{option}: {there:,} names match instead of {now:,}."
    if there < now:
        return replace(report, advice=(*report.advice, f"{said} Translate them with a table, --id-map FILE."))
    # Names that are found there need no other case and no translation.
    others = tuple(line for line in report.advice if not line.startswith("--ignore-") and "--id-map FILE" not in line)
    options = tuple(one for one in report.options if not one.startswith("--ignore-"))
    return replace(report, advice=(said, *others), options=(option, *options))


def suggested_command(reports: Sequence[FileReport], *, genes: Path | None = None, id_map: Path | None = None) -> str:
    """Return the ``vnn build`` that takes these files, or an empty string when they do not suffice."""
    by_family: dict[str, list[Path]] = {}
    for report in reports:
        if report.family and not report.error:
            by_family.setdefault(report.family, []).append(report.path)
    if genes is not None:
        by_family["genes"] = [genes]
    if id_map is not None:
        by_family["id-map"] = [id_map]
    priors = ("interactions", "regulation", "ontology", "annotations", "hierarchy", "gene-sets")
    if not any(one in by_family for one in priors):
        return ""
    by_family.setdefault("genes", [Path("GENES")])
    if "ontology" in by_family:
        by_family.setdefault("annotations", [Path("ANNOTATIONS")])
    elif "annotations" in by_family:
        by_family["ontology"] = [Path("ONTOLOGY")]
    words = ["vnn", "build"]
    for family in ("genes", *priors, "id-map"):
        # Only of interactions and regulators may there be several files.
        for path in by_family.get(family, ())[: None if family in ("interactions", "regulation") else 1]:
            words += [f"--{family}", shlex.quote(str(path))]
    options = dict.fromkeys(option for report in reports for option in report.options)
    if "id-map" in by_family:
        options = {option: None for option in options if not option.startswith("--ignore-")}
    words += options
    return " ".join([*words, "-o", "network.vnn"])


def _checked(
    path: Path, genes: tuple[str, ...], table: IdentifierTable | None, columns: Mapping[str, Sequence[str]]
) -> FileReport:
    if not path.is_dir():
        if (saved := _saved(path)) is not None:
            return saved
        refuse_damaged_hdf5(path)
    with warnings.catch_warnings(record=True) as caught, genes_known(genes):
        warnings.simplefilter("always", VNNWarning)
        family, value = _read(path)
    said = tuple(str(one.message) for one in caught if issubclass(one.category, VNNWarning))
    likely, doubt = family, ""
    if family == "interactions":
        likely, doubt = family_of_pairs(preview(path), (*genes, *chain.from_iterable(columns.values())))
    elif family == "genes" and not path.is_dir():
        doubt = doubt_of_genes(value)
    if likely != family and likely:
        family, value = likely, _read_as(likely, path)
    elif doubt:
        records = value.source.records if family == "genes" else value.sources[0].records
        return FileReport(path, "", "a table that is not recognised", doubt, records, advice=_COULD_BE)
    named_alike = set(genes).intersection(value) if family == "gene-sets" else set()
    if 2 * len(named_alike) > len(value if named_alike else ()):
        family, value = "regulation", read_family("regulation", path, format="gmt")
    parts = value if isinstance(value, tuple) else (value,)
    source = parts[0].source if family == "genes" else parts[0].sources[0]
    names = _names(family, parts)
    overlap: dict[str, int] = {}
    matched_by: dict[str, int] = {}
    advice: list[str] = []
    options: list[str] = []
    if genes and family != "genes" and names:
        overlap, advice, options = _overlap(names, genes, table)
        matched_by = {column: len(set(names).intersection(found)) for column, found in columns.items()}
    told = identify(names) if names else None
    if told is not None:
        strange = dict(told.counts).get(OTHER, 0)
        if 5 * strange > told.names:
            advice.append(
                f"{strange:,} of {told.names:,} names look like no identifier. Is it the right file or column?"
            )
        # A name that is a gene of the data was not damaged on the way.
        known = set(genes)
        told = replace(told, damaged=tuple(name for name in told.damaged if name not in known))
    pairs = pairs_of_genes(names, genes) if family == "genes" else 0
    if 2 * pairs > len(names):
        advice.append(
            f"{pairs:,} of {len(names):,} names are two genes, joined by a mark. If these are interactions: "
            "--interactions FILE --interactions-format pairs"
        )
    if copies := made_unique(names):
        advice.append(
            f"{len(copies):,} names are copies that var_names_make_unique has numbered ({sample(copies, 3)}): no prior "
            "knows them. Take the names before that, and say what to do with repeated ones."
        )
    if named_alike and family == "regulation":
        options.append(_REGULONS)
        advice.append(
            f"{_REGULONS}: its sets have names of genes, {sample(named_alike, 3)}: regulators and their targets."
        )
    elif named_alike:
        family = ""
        advice.append(
            f"{len(named_alike):,} of its sets have the name of a gene ({sample(named_alike, 3)}): rename these in the "
            f"file, for example to SET:{min(named_alike)}."
        )
    audit = sum((part.audit for part in parts[1:]), parts[0].audit)
    needed = dict.fromkeys(flag for entry in audit for reason, flag in _FLAGS.items() if reason in entry.reason)
    advice += [f"{flag}: such rows are left out, which is an error without it." for flag in needed]
    options += needed
    return FileReport(
        path,
        family,
        source.format,
        "; ".join(str(part) for part in parts),
        source.records,
        told,
        audit,
        said,
        overlap,
        tuple(advice),
        tuple(options),
        matched_by,
        contents=contents_of(path) if family == "genes" else {},
    )


def _saved(path: Path) -> FileReport | None:
    """Return what a saved architecture, model or recipe is."""
    if path.suffix in (".yaml", ".yml"):
        from keras_vnn.recipes.read import read_recipe

        recipe = read_recipe(path)
        sections = list(recipe.commands)
        say = f"Carry it out: vnn {sections[0]} {shlex.quote(str(path))}" if sections else ""
        return FileReport(path, "", "YAML recipe", f"a recipe with {', '.join(sections)}", 1, advice=(say,))
    if not zipfile.is_zipfile(path):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            members = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ReadError(f"The zip file {path} is damaged or ends early: {error}\nDownload it again.") from error
    if "architecture.json" in members:
        from keras_vnn.architecture import load_architecture

        arch = load_architecture(path)
        say = f"Train it: vnn train {shlex.quote(str(path))} cells.h5ad --label cell_type -o model.keras"
        return FileReport(path, "", "saved architecture", str(arch), len(arch.layers), advice=(say,))
    if "config.json" in members and "model.weights.h5" in members:
        say = f"Look at it: vnn inspect {shlex.quote(str(path))}"
        return FileReport(path, "", "saved Keras model", "a model with its architecture", 1, advice=(say,))
    return None


def _read(path: Path) -> tuple[str, Any]:
    """Return the family of a file and what its reader gives; a loose look is tried as what else it may be."""
    family = _family(path)
    try:
        return family, _read_as(family, path)
    except VNNError:
        if family != "interactions":
            raise
        for other in ("gene-sets", "genes"):
            try:
                return other, _read_as(other, path)
            except VNNError:
                continue
        raise


def _read_as(family: str, path: Path) -> Any:
    options = inspect.signature(getattr(readers, FAMILIES[family].reader)).parameters
    return read_family(family, path, **{name: value for name, value in _LENIENT.items() if name in options})


def _family(path: Path) -> str:
    """Return which option of ``vnn build`` takes a file."""
    if is_ten_x(path):
        return "genes"
    start = preview(path)
    found = sniff(start)
    if found is not None:
        # A file that nothing reads is refused by any reader, which says what it is.
        return found.family or "genes"
    for family in FAMILIES:
        try:
            _read_as(family, path)
        except VNNError:
            continue
        return family
    raise unrecognized(start)


def _names(family: str, parts: Sequence[Any]) -> tuple[str, ...]:
    return () if family in ("ontology", "id-map") else names_in(parts[-1])


def _overlap(
    names: Sequence[str], genes: tuple[str, ...], table: IdentifierTable | None
) -> tuple[dict[str, int], list[str], list[str]]:
    """Return how many names match the genes, what would make more match, and the options that do it."""
    known = set(genes)
    folded, plain = {gene.casefold() for gene in known}, {bare_name(gene) for gene in known}
    counts = {
        "names": len(names),
        "genes": len(known),
        "matched": sum(name in known for name in names),
        "ignoring_case": sum(name.casefold() in folded for name in names),
        "ignoring_version": sum(bare_name(name) in plain for name in names),
    }
    more_match = {f"--ignore-{part}": counts[f"ignoring_{part}"] for part in ("case", "version")}
    options = [option for option, more in more_match.items() if more > 1.1 * max(counts["matched"], 1)]
    advice = [f"{option}: {more_match[option]:,} names match instead of {counts['matched']:,}." for option in options]
    few = 20 * max(counts["matched"], counts["ignoring_case"], counts["ignoring_version"]) < min(len(names), len(known))
    if table is not None:
        from keras_vnn.priors.identifiers import identifier_map

        try:
            mapping = identifier_map(names, genes, table)
            met = {new for found in mapping.targets.values() if len(found) == 1 for new in found} & known
            counts["with_table"] = len(met)
            advice.append(f"With the table of identifiers {len(met):,} genes are met ({mapping.how}).")
        except VNNError as error:
            advice.append(str(error).splitlines()[0])
    elif few:
        advice.append(
            f"The names are {identify(names).kind}, the genes {identify(genes).kind}: translate them with a table, "
            "--id-map FILE."
        )
    return counts, advice, options


def _overlap_in_words(counts: dict[str, int]) -> str:
    text = f"{counts['matched']:,} of {counts['names']:,} names are among the {counts['genes']:,} genes"
    return text + (f"; {counts['with_table']:,} genes by the table" if "with_table" in counts else "")


def _indented(word: str, lines: Iterable[str]) -> list[str]:
    """Return lines behind a word of the margin."""
    return [f"    {'' if number else word:<10}{line}" for number, line in enumerate(lines)]
