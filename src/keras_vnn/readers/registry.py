"""The formats there are, in the order in which they are tried, and how a file's format is told.

In: the beginning of a file. Out: a `Format`, or an error that says what the file is and who reads it.
A new format is a module that declares itself, and a line in one of the three tuples below.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from keras_vnn.basics.errors import ConfigError, ReadError, VNNError, counted, did_you_mean
from keras_vnn.basics.remedies import option_named, reader_called, remedy
from keras_vnn.basics.unpacking import NOT_TEXT
from keras_vnn.readers.formats import Family, Format, graphs, identifiers, looks, unread
from keras_vnn.readers.formats.gene_ontology import GAF, GENE2GO, GPAD
from keras_vnn.readers.formats.gene_sets import (
    ENRICHMENT,
    GENE_SET_JSON,
    GENE_SET_TABLE,
    GMT,
    GMT_ANNOTATIONS,
    GMT_REGULATION,
    GMX,
    GROUPS,
    KEGG,
)
from keras_vnn.readers.formats.hierarchies import CX2, DCELL, DRUGCELL, GENNET, KPNN
from keras_vnn.readers.formats.interactions import (
    BIOGRID,
    HIPPIE,
    INTERACTION_HEADER,
    INTERACTION_TABLE,
    STRING_ACTIONS,
    STRING_LINKS,
)
from keras_vnn.readers.formats.joined import CYTOSCAPE, JOINED
from keras_vnn.readers.formats.matrices import ADJACENCY_MATRIX, REGULATION_MATRIX
from keras_vnn.readers.formats.mitab import MITAB
from keras_vnn.readers.formats.obo import OBO, OBO_GRAPH, OWL
from keras_vnn.readers.formats.omnipath import OMNIPATH
from keras_vnn.readers.formats.regulation import DREM, REGULATION_HEADER, REGULATION_TABLE, TRRUST
from keras_vnn.readers.formats.sif import SIF
from keras_vnn.readers.formats.terms import (
    BIOMART,
    EDGES,
    GENE_TERM,
    REACTOME_MEMBERS,
    REACTOME_RELATIONS,
    term_columns,
)
from keras_vnn.readers.tabular import Options
from keras_vnn.readers.text import Preview, preview, refuse_comments_alone, shortened

Function = TypeVar("Function", bound=Callable[..., Any])

FAMILIES = {
    family.name: family
    for family in (
        Family("genes", "a list of genes", "read_genes"),
        Family("interactions", "interactions", "read_interactions", wary=True),
        Family("regulation", "regulators and their targets", "read_regulation", wary=True),
        Family("ontology", "an ontology", "read_ontology", includes=("hierarchy",)),
        Family("annotations", "annotations of genes with terms", "read_annotations"),
        Family("hierarchy", "a hierarchy with its genes", "read_hierarchy"),
        Family("gene-sets", "gene sets", "read_gene_sets"),
        Family("id-map", "a table of identifiers", "read_identifier_map"),
    )
}

# Their look is beyond doubt: no other function takes such a file for its own.
SURE = (
    *graphs.SURE,
    *(OBO, OWL, OBO_GRAPH),
    *looks.SURE,
    *(REACTOME_RELATIONS, GAF, GPAD, REACTOME_MEMBERS, GENE2GO, BIOMART, DCELL, CX2, GENNET, KPNN, DRUGCELL),
    *identifiers.SURE,
    *(STRING_LINKS, STRING_ACTIONS, BIOGRID, MITAB, HIPPIE, DREM, *OMNIPATH, *CYTOSCAPE),
)
LIKELY = (
    *(TRRUST, *SIF, ADJACENCY_MATRIX, REGULATION_MATRIX),
    *(looks.JSON_RECORDS, GENE_SET_JSON, GMX, ENRICHMENT, GENE_SET_TABLE, KEGG),
    *looks.LIKELY,
    *(REGULATION_HEADER, INTERACTION_HEADER, JOINED),
)
# Two columns of anything are a table.
POSSIBLE = (
    *identifiers.POSSIBLE,
    *(looks.NAMES, INTERACTION_TABLE, GMT_REGULATION, REGULATION_TABLE),
    *(identifiers.IDENTIFIER_TABLE, GENE_TERM, EDGES, GMT, GMT_ANNOTATIONS, GROUPS),
)
FORMATS = (*SURE, *LIKELY, *POSSIBLE)

_OF_NUMBERS = (ADJACENCY_MATRIX, REGULATION_MATRIX)
_MOST_FIELDS = 200_000
_NOTHING = Options()


def formats_of(family: str) -> tuple[Format, ...]:
    """Return the formats that a family's function reads, in the order in which they are tried."""
    families = (family, *FAMILIES[family].includes)
    return tuple(format for format in FORMATS if format.family in families and format.read is not unread)


def titles(family: str) -> str:
    """Return the formats of a family in words, for help texts."""
    return ", ".join(format.title for format in formats_of(family))


def lists_formats(family: str) -> Callable[[Function], Function]:
    """Write the formats of a family into the docstring of the function that reads it."""

    def decorated(function: Function) -> Function:
        names = ", ".join(f"``{format.name}`` ({format.title})" for format in formats_of(family))
        function.__doc__ = function.__doc__ and function.__doc__.replace("{formats}", f"``auto``, {names}")
        return function

    return decorated


def read_file(path: str | os.PathLike[str], family: str, named: str, options: Options = _NOTHING) -> tuple[Format, Any]:
    """Read a file as one of a family, and return the format it is in as well.

    Parameters
    ----------
    path
        The file.
    family
        A name in `FAMILIES`.
    named
        The name of a format of the family or, for the first that the file looks like, ``"auto"``.
    options
        What the user said. Who names columns need not have a file that looks like the family.

    Raises
    ------
    ConfigError
        There is no format of that name, or it does not take an option that is given.
    ReadError
        The file is of another family, or of no known format; or what its format raises.
    """
    start = preview(Path(path))
    known = formats_of(family)
    chosen = _named(start, family, named, known)
    with_columns = [format for format in known if "columns" in format.takes]
    if chosen is None and options.header is False and len(start.lines) == 1:
        # It looks like a header, and is none.
        chosen = with_columns[-1]
    if chosen is None and options.columns is not None:
        chosen = next((format for format in with_columns if format.matches(start)), with_columns[-1])
    chosen = chosen or _recognized(start, FAMILIES[family], known)
    for name in ("columns", "id", "sif_types", "species"):
        if getattr(options, name) not in (None, ()) and name not in chosen.takes:
            takers = " or ".join(repr(format.name) for format in known if name in format.takes)
            said, format = option_named(name), option_named("format")
            raise ConfigError(
                f"{said} applies to the {format} {takers}; {start.path} is read as {chosen.name!r}.\n"
                f"Leave out {said}, or name the format."
            )
    with _uncollected():
        return chosen, chosen.read(start, options)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python from looking for garbage among terms that stay, again and again: a third of an ontology's time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def is_sure(format: Format) -> bool:
    """Say whether the look of a format is beyond doubt."""
    return format in SURE


def sniff(start: Preview) -> Format | None:
    """Return the first format, of whatever family, that a file looks like."""
    title, advice = _not_text(start)
    if title:
        is_hdf5 = title == "HDF5"
        return Format("h5ad" if is_hdf5 else "binary", title, "genes" if is_hdf5 else "", advice=advice)
    # Filled up by a spreadsheet, a GMT looks like any table.
    by_name = (GMT,) if ".gmt" in start.path.name.casefold() else ()
    return next((format for format in (*SURE, *by_name, *LIKELY, *POSSIBLE) if format.matches(start)), None)


def sniff_format(path: str | os.PathLike[str]) -> str:
    """Return the name of the format a file looks like.

    The names are those that ``format=`` takes (``string``, ``biogrid``, ``mitab``, ``sif``, ``table``, ``trrust``,
    ``drem``, ``matrix``, ``obo``, ``gaf`` …), where a table whose header tells its family is called ``interactions`` or
    ``regulation``, a list of names ``names``, and what is read as a table of another family ``expression``,
    ``annotation-table``, ``ontology-table`` or ``identifiers``.

    Parameters
    ----------
    path
        A file, plain or gzip.

    Raises
    ------
    ReadError
        The file cannot be read, or looks like nothing known.

    Examples
    --------
    >>> from keras_vnn.basics.bundled import data_path
    >>> sniff_format(data_path("ppi_human_goa_ipi.tsv")), sniff_format(data_path("go-basic.obo.gz"))
    ('interactions', 'obo')
    """
    start = preview(Path(path))
    found = sniff(start)
    if found is None:
        raise unrecognized(start)
    return found.name


def unrecognized(start: Preview) -> ReadError:
    """Return the error about a file that looks like nothing known."""
    return ReadError(
        f"The format of the file is not recognised: {start.path}\n{_first_lines(start)}"
        + remedy(
            "Read it with the function for what it holds, and name the format with {format}",
            "Give it to the option for what it holds, and name its format: vnn build --help",
            format=...,
        )
    )


def refuse_other(start: Preview, other: Format, what: str) -> NoReturn:
    """Raise the error about a file that is of another family than the one asked for."""
    family = FAMILIES.get(other.family)
    advice = other.advice.format(
        matrix=reader_called("regulation", "read.regulation", format="matrix"),
        **{one.name.replace("-", "_"): reader_called(one.name, one.public) for one in FAMILIES.values()},
    )
    if family is not None and not advice:
        advice = f"Read it with {reader_called(family.name, family.public)}."
    raise ReadError(f"The file is {other.title}, not {what}: {start.path}\n{_first_lines(start)}{advice}")


@contextmanager
def told_what_it_is(path: str | os.PathLike[str], what: str, *, holds_texts: bool = False) -> Iterator[None]:
    """Say of a file that cannot be read in the block what it is, where it has the look of a format.

    Parameters
    ----------
    path
        The file.
    what
        What it should have been, in words.
    holds_texts
        Whether that may hold texts, as many formats do: then only a look beyond doubt is believed.

    Raises
    ------
    ReadError
        The file is of another kind.
    """
    try:
        yield
    except VNNError as error:
        other = None
        with suppress(ReadError):
            start = preview(Path(path))
            formats = SURE if holds_texts else (*SURE, *LIKELY, *identifiers.POSSIBLE)
            known = (one for one in formats if one.family != "genes" and one not in _OF_NUMBERS)
            other = next((one for one in known if one.matches(start)), None)
        if other is None:
            raise
        try:
            refuse_other(start, other, what)
        except ReadError as said:
            raise said from error


def _first_lines(start: Preview) -> str:
    return "".join(f"    {shortened(text)}\n" for text in start.top[:3])


def _not_text(start: Preview) -> tuple[str, str]:
    """Return what a file is that is not text, and what to do about it."""
    return next((said for magic, said in NOT_TEXT.items() if start.magic.startswith(magic)), ("", ""))


def _named(start: Preview, family: str, named: str, known: tuple[Format, ...]) -> Format | None:
    """Return the format of a name, ``None`` for ``"auto"``; refuse what is read by no name."""
    names = [format.name for format in known]
    what = FAMILIES[family].what
    if named not in ("auto", *names):
        raise ConfigError(
            f"Unknown format {named!r} for {what}. {did_you_mean(named, names)}".rstrip()
            + f"\nExpected one of: auto, {', '.join(names)}."
        )
    title, advice = _not_text(start)
    if title:
        raise ReadError(f"The file is {title}, not a text file with {what}: {start.path}\n{advice}")
    refuse_comments_alone(start)
    return next((format for format in known if format.name == named), None)


def _recognized(start: Preview, family: Family, known: tuple[Format, ...]) -> Format:
    """Return the first format of a family that a file looks like, unless it looks more like one of another."""
    if family.wary:
        _refuse_wide(start)
    own = (family.name, *family.includes)
    other = None
    for formats, is_believed in ((SURE, True), (LIKELY, family.wary), (POSSIBLE, False)):
        for format in formats:
            if format in known:
                if format.matches(start):
                    return format
            elif other is None and formats is not POSSIBLE and format.family not in own and format.matches(start):
                other = format
        # Sets of genes in a table are neither terms nor a GMT.
        if other is not None and (is_believed or (other.family == "gene-sets" and other.read is not unread)):
            break
    if other is not None:
        refuse_other(start, other, family.what)
    number, text = start.lines[0]
    width = max(len(format.name) for format in known)
    takes = any("columns" in format.takes for format in known)
    listed = "\n".join(f"    {format.name:<{width}}  {format.title}" for format in known)
    columns = remedy("\nor the columns of a table: {columns}", columns=_columns_of(start, family)) if takes else ""
    raise ReadError(
        f"Cannot tell the format of the file with {family.what}: {start.path}:{number}\n"
        f"    {shortened(text)}\n"
        f"{remedy('Name it with {format}', 'The formats are', format=...)}:\n{listed}{columns}"
    )


def _columns_of(start: Preview, family: Family) -> tuple[int, int]:
    """Return the columns to name as an example: of annotations that of genes, and the first with ids of terms."""
    terms = term_columns(start) if family.name == "annotations" else []
    return (1, next((column for column in terms if column > 1), 2))


def _refuse_wide(start: Preview) -> None:
    """Raise for rows so wide that looking at their fields takes longer than reading any table of pairs."""
    for number, text in start.lines:
        fields = 1 + max(map(text.count, "\t,; "))
        if fields > _MOST_FIELDS:
            raise ReadError(
                f"A row has {counted(fields, 'field')}; no table of pairs has so many: {start.path}:{number}\n"
                f"    {shortened(text)}\nIf this is expression, name the file as data: vnn train ARCHITECTURE FILE"
            )
