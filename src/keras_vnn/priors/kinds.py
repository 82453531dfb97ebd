"""What a name is, told from its look: the kind of identifier, its species, and damage done by spreadsheets.

In: names. Out: an `Identified` value that counts what they look like. Nothing is looked up and nothing is changed.
Knows nothing of files; a name may look like one thing and be another, so what is said here is a diagnosis.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice

from keras_vnn.basics.errors import GeneError, VNNWarning, counted, sample
from keras_vnn.basics.showing import Shown

UNIPROT = r"([OPQ]\d[A-Z\d]{3}\d|[A-NR-Z]\d([A-Z][A-Z\d]{2}\d){1,2})"
# The first that fits decides. A number alone is told last, for it may be anything.
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (title, re.compile(pattern))
    for title, pattern in (
        ("Ensembl genes", r"(\d+\.)?ENS[A-Z]{0,6}G\d{11}(\.\d+)?(_PAR_Y)?"),
        ("Ensembl proteins", r"(\d+\.)?ENS[A-Z]{0,6}P\d{11}(\.\d+)?"),
        ("Ensembl transcripts", r"(\d+\.)?ENS[A-Z]{0,6}T\d{11}(\.\d+)?"),
        ("yeast ORFs", r"(4932\.)?Y[A-P][LR]\d{3}[WC](-[A-H])?|Q0\d{3}"),
        ("FlyBase genes", r"FBgn\d{7}"),
        ("WormBase genes", r"WBGene\d{8}"),
        ("Arabidopsis loci", r"(AT|At|at)[1-5MCmc][Gg]\d{5}(\.\d+)?"),
        ("SGD ids", r"(SGD:)?S0000\d{5}"),
        ("HGNC ids", r"HGNC:\d+"),
        ("MGI ids", r"MGI:(MGI:)?\d+"),
        ("RGD ids", r"RGD:\d+"),
        ("ZFIN ids", r"ZDB-GENE-\d{6}-\d+"),
        ("RefSeq ids", r"[NX][MRP]_\d{6,9}(\.\d+)?"),
        # Of E. coli, M. tuberculosis, B. subtilis, and as GenBank writes them.
        ("bacterial locus tags", r"b\d{4}|Rv\d{4}[ABDc]?|BSU_?\d{5}|[A-Z][A-Z\d]{2,11}_(RS)?\d{4,6}"),
        ("GO terms", r"GO:\d{7}"),
        ("Reactome ids", r"R-[A-Z]{3}-\d+"),
        ("UniProt accessions", rf"(UniProtKB:)?{UNIPROT}(-\d+)?"),
        ("UniProt entry names", r"[A-Z0-9]{1,10}_(HUMAN|MOUSE|RAT|YEAST|DROME|CAEEL|DANRE|ARATH|BOVIN|CHICK|ECOLI)"),
        ("array probes", r"\d+(_[a-z])?_at|AFFX-.*|ILMN_\d+|A_\d+_P\d+"),
        ("ERCC spike-ins", r"ERCC-\d{5}"),
        ("Entrez genes", r"\d{1,9}"),
    )
)
# Of these, no sample, cell or factor has a name.
_OF_GENES = re.compile(
    "|".join(
        f"({pattern.pattern})"
        for title, pattern in _KINDS
        if title.endswith((" genes", " loci", " ORFs", " spike-ins", "HGNC ids", "MGI ids", "RGD ids", "ZFIN ids"))
        and not title.startswith("Entrez")
    )
)
_NUMBERED_SAMPLE = re.compile(r"([a-z]{1,8}[ _.-]?)(0|[1-9]\d*)")
SYMBOLS = "gene symbols"
OTHER = "other names"
_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9]*([-.@_/ ][A-Za-z0-9]+)*'?")

_DATABASE = re.compile(
    r"^(NCBIGene|GeneID|entrez gene/locuslink|Entrez|SGD|FB|WB|ZFIN|Ensembl|HGNC:HGNC|MGI:MGI|RGD:RGD):"
)
# What tells a species: the letters of its ids in Ensembl, those of its entries in UniProt, ids of its own, taxa.
_SPECIES: tuple[tuple[str, str | None, str | None, tuple[str, ...], tuple[str, ...]], ...] = (
    ("human", "", "HUMAN", ("HGNC ids",), ("9606",)),
    ("mouse", "MUS", "MOUSE", ("MGI ids",), ("10090",)),
    ("rat", "RNO", "RAT", ("RGD ids",), ("10116",)),
    ("zebrafish", "DAR", "DANRE", ("ZFIN ids",), ("7955",)),
    ("yeast", None, "YEAST", ("yeast ORFs", "SGD ids"), ("4932", "559292")),
    ("fly", None, "DROME", ("FlyBase genes",), ("7227",)),
    ("worm", None, "CAEEL", ("WormBase genes",), ("6239",)),
    ("thale cress", None, "ARATH", ("Arabidopsis loci",), ("3702",)),
    ("chicken", "GAL", None, (), ()),
    ("pig", "SSC", None, (), ()),
    ("cow", "BTA", None, (), ()),
    ("dog", "CAF", None, (), ()),
    ("macaque", "MMU", None, (), ()),
    ("chimpanzee", "PTR", None, (), ()),
    ("rabbit", "OCU", None, (), ()),
    ("frog", "XET", None, (), ()),
)
_OF_ENSEMBL = {letters: species for species, letters, *_ in _SPECIES if letters is not None}
_OF_ENTRY = {letters: species for species, _, letters, *_ in _SPECIES if letters}
_OF_KIND = {kind: species for species, _, _, kinds, _ in _SPECIES for kind in kinds}
_OF_TAXON = {taxon: species for species, *_, taxa in _SPECIES for taxon in taxa}
_ENSEMBL = re.compile(r"(?:\d+\.)?ENS([A-Z]{0,6}?)[GTP]\d{11}(?:\.\d+)?(?:_PAR_Y)?")
_PREFIXED = re.compile(r"(GRCh3[78]|hg19|hg38|GRCm3[89]|mm9|mm10|mm39|GRCz1[01]|Rnor_6\.0)_+(?=\w)")
_GENOMES = {"GRCh": "human", "hg": "human", "GRCm": "mouse", "mm": "mouse", "GRCz": "zebrafish", "Rnor": "rat"}
_ENTRY = re.compile(rf"[A-Z0-9]{{1,10}}_({'|'.join(_OF_ENTRY)})")

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_SPELLED = [*_MONTHS, "Sept", "Mrz", "Mär", "Mai", "Okt", "Dez"]
# Upper case only behind the day: OCT-1 is a protein.
_WRITTEN = "|".join([*_SPELLED, *map(str.lower, _SPELLED)])
_DAY_FIRST = re.compile(rf"(\d{{1,2}})[-. ]+({_WRITTEN}|{_WRITTEN.upper()})(?:[-. ]+\d{{2,4}})?")
_MONTH_FIRST = re.compile(rf"({_WRITTEN})[-. ]+(\d{{1,2}}|\d{{4}})")
_DATE = re.compile(r"\d{4}-(\d{2})-(\d{2})(?:[ T]00:00:00)?|(\d{1,2})/(\d{1,2})/\d{2,4}")
# Excel writes at least two digits behind a month; worms have oct-1, let-7 and many more of the form.
_WORM = re.compile(r"[a-z]{2,4}-\d+")
_NUMBERED = re.compile(r"(.+)-\d+")
_SUMMARY = re.compile(
    r"__(no_feature|ambiguous|too_low_aQual|not_aligned|alignment_not_unique)"
    r"|N_(unmapped|multimapping|noFeature|ambiguous)"
)
_SCIENTIFIC = re.compile(r"\d([.,]\d+)?E[+-]?\d+")
_SERIAL = re.compile(r"\d{5}")
# Days since 1900 of the years 1990 to 2049: what Excel shows of a date formatted as a number.
_SERIAL_DAYS = range(32874, 54789)
# What comes before the number in symbols that look like the month.
_OF_MONTH = {
    **{month: (month.upper(),) for month in ("Oct", "Nov", "Feb", "Apr", "Jun", "May")},
    **{"Sep": ("SEPT", "SEPTIN"), "Mar": ("MARCH", "MARC"), "Dec": ("DEC", "DELEC")},
}
# Genes of the data that are known while a prior is read.
_KNOWN: ContextVar[frozenset[str]] = ContextVar("_KNOWN", default=frozenset())
_GERMAN = {"Sept": "Sep", "Mrz": "Mar", "Mär": "Mar", "Mai": "May", "Okt": "Oct", "Dez": "Dec"}


@dataclass(frozen=True, slots=True, repr=False)
class Identified(Shown):
    """What many names look like.

    Attributes
    ----------
    names
        How many there are.
    counts
        How many look like what, the most frequent first.
    species
        How many name a species by their look, by species, the most frequent first.
    versioned, isoforms
        How many end in a version (``ENSG00000141510.16``) or an isoform (``P04637-2``).
    damaged
        Names a spreadsheet has turned into dates or numbers, sorted.
    letters
        Of gene symbols: ``upper`` (as in human), ``capitalised`` (as in mouse), ``lower`` (as in zebrafish), ``mixed``.
    """

    names: int
    counts: tuple[tuple[str, int], ...]
    species: tuple[tuple[str, int], ...] = ()
    versioned: int = 0
    isoforms: int = 0
    damaged: tuple[str, ...] = ()
    letters: str = ""

    @property
    def kind(self) -> str:
        """What most of the names look like."""
        return self.counts[0][0] if self.counts else OTHER

    @property
    def share(self) -> float:
        """The share of the names that look like it."""
        return self.counts[0][1] / self.names if self.names else 0.0

    def __str__(self) -> str:
        """Return one line: kind, species, share, and what is odd."""
        if not self.names:
            return "no names"
        title = self.kind
        if self.kind == SYMBOLS and self.letters in _LETTERS:
            title += f" ({_LETTERS[self.letters]})"
        known = {species for species, _ in self.species}
        if known:
            title += f" of {' and '.join(species for species, _ in self.species[:3])}"
        parts = [title if self.share == 1 else f"{title}, {_percent(self.share)} of {self.names:,}"]
        others = [f"{count:,} {kind}" for kind, count in self.counts[1:4]]
        if others:
            parts.append(f"also {', '.join(others)}")
        if self.versioned:
            parts.append(f"{self.versioned:,} with a version")
        if self.isoforms:
            parts.append(f"{counted(self.isoforms, 'isoform')}")
        if self.damaged:
            parts.append(f"{len(self.damaged):,} damaged by a spreadsheet ({sample(self.damaged, 3)})")
        return "; ".join(parts)


_LETTERS = {
    "upper": "upper case, as in human",
    "capitalised": "capitalised, as in mouse",
    "lower": "lower case, as in zebrafish",
}


def is_gene_id(name: str) -> bool:
    """Say whether a name is an identifier that only genes have.

    Examples
    --------
    >>> is_gene_id("YAL001C"), is_gene_id("AT1G01010"), is_gene_id("TP53")
    (True, True, False)
    """
    return _OF_GENES.fullmatch(name) is not None


def are_numbered(names: Sequence[str]) -> bool:
    """Say whether names are one word in lower case and numbers that follow each other, as samples are named.

    Examples
    --------
    >>> are_numbered(["c1", "c2", "c3"]), are_numbered(["b0001", "b0002"]), are_numbered(["let-7", "lin-4"])
    (True, False, False)
    """
    found = [_NUMBERED_SAMPLE.fullmatch(name) for name in names]
    if len(found) < 2 or not all(found):
        return False
    first = found[0]
    return all(one and (one[1], int(one[2])) == (first[1], int(first[2]) + at) for at, one in enumerate(found) if first)


def identify(names: Iterable[str]) -> Identified:
    """Say what names look like: which kind of identifier, of which species.

    Examples
    --------
    >>> print(identify(["ENSG00000141510.16", "ENSG00000149311.18"]))
    Ensembl genes of human; 2 with a version
    >>> print(identify(["TP53", "ATM", "Sep-07"]))
    gene symbols (upper case, as in human), 66.7 % of 3; also 1 other names; 1 damaged by a spreadsheet (Sep-07)
    """
    unique = list(dict.fromkeys(names))
    damaged = damaged_by_excel(unique)
    counts: Counter[str] = Counter()
    letters: Counter[str] = Counter()
    versioned = isoforms = 0
    spoiled = set(damaged)
    for name in unique:
        kind = OTHER if name in spoiled else _kind_of(name)
        counts[kind] += 1
        if kind == SYMBOLS:
            letters[_letters_of(_PREFIXED.sub("", name))] += 1
        elif kind.startswith("Ensembl"):
            versioned += re.search(r"\d{11}\.\d+", name) is not None
        elif kind == "UniProt accessions":
            isoforms += "-" in name
    species = Counter(found for name in unique if (found := _species_of(name)))
    most = max(letters, key=lambda one: (letters[one], one), default="")
    return Identified(
        len(unique),
        tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))),
        tuple(sorted(species.items(), key=lambda pair: (-pair[1], pair[0]))),
        versioned,
        isoforms,
        tuple(damaged),
        most if most and 2 * letters[most] > letters.total() else "mixed" if letters else "",
    )


def bare_name(name: str) -> str:
    """Return an identifier without database, taxon, version and isoform, where its kind has such.

    Examples
    --------
    >>> [bare_name(name) for name in ("9606.ENSP00000269305", "ENSG00000141510.16", "UniProtKB:P04637-2", "NKX2-1")]
    ['ENSP00000269305', 'ENSG00000141510', 'P04637', 'NKX2-1']
    """
    if _ENSEMBL.fullmatch(name):
        return re.sub(r"^\d+\.|\.\d+(_PAR_Y)?$", "", name)
    found = re.fullmatch(rf"(?:UniProtKB:)?({UNIPROT})(?:-\d+|[-:]PRO_\d+)?", name)
    if found:
        return found[1]
    if re.fullmatch(r"\d+\.[A-Za-z][\w.-]*", name):
        return name.partition(".")[2]
    return _DATABASE.sub(_kept_prefix, name)


def _kept_prefix(found: re.Match[str]) -> str:
    return f"{found[1].split(':')[0]}:" if ":" in found[1] else ""


def is_count_summary(name: str) -> bool:
    """Say whether a name is that of a row of HTSeq or STAR that is not a gene: ``__no_feature``, ``N_unmapped``."""
    return _SUMMARY.fullmatch(name) is not None


def made_unique(names: Iterable[str]) -> list[str]:
    """Return the names that ``var_names_make_unique`` of AnnData made of repeated ones, sorted.

    Examples
    --------
    >>> made_unique(["TP53", "TP53-1", "NKX2-1", "HLA-A"])
    ['TP53-1']
    """
    unique = set(names)
    return sorted(name for name in unique if (found := _NUMBERED.fullmatch(name)) and found[1] in unique)


def damaged_by_excel(names: Iterable[str]) -> list[str]:
    """Return the names a spreadsheet has turned into dates or numbers, sorted.

    A number of five digits, as Excel shows a date (``44075``), counts only next to names that are not numbers.

    References
    ----------
    Ziemann, Eren, El-Osta: Gene name errors are widespread in the scientific literature. Genome Biology 2016.
    doi:10.1186/s13059-016-1044-7

    Examples
    --------
    >>> damaged_by_excel(["Sep-07", "1-Dec", "2.31E+13", "44075", "HLA-A", "OCT-1", "TP53", "ATM", "MDM2", "CDK2"])
    ['1-Dec', '2.31E+13', '44075', 'Sep-07']
    """
    unique = set(names)
    patterns = (_DAY_FIRST, _MONTH_FIRST, _DATE, _SCIENTIFIC)
    found = {name for name in unique if any(pattern.fullmatch(name) for pattern in patterns)}
    worms = {name for name in unique if _WORM.fullmatch(name)}
    is_worm = 2 * len(worms - found) >= len(worms) and 20 * len(worms) > len(unique)
    found -= {name for name in worms if is_worm or re.fullmatch(r"[a-z]+-\d", name)}
    numbers = {name for name in unique if name.isdigit()}
    serials = {name for name in numbers if _SERIAL.fullmatch(name) and int(name) in _SERIAL_DAYS}
    # Symbols, but no other number among them: numbers in a list of numbers are Entrez genes.
    if serials == numbers and 4 * len(numbers) < len(unique):
        found |= serials
    return sorted(name for name in found if name[:1] not in "0" or not name.isdigit())


def undamaged(name: str) -> tuple[str, ...]:
    """Return the symbols a damaged name may have been, as they were called then; empty where it does not tell.

    Examples
    --------
    >>> undamaged("Sep-07"), undamaged("2-Mar"), undamaged("2.31E+13")
    (('SEPT7', 'SEPTIN7'), ('MARCH2', 'MARC2'), ())
    """
    found = _DAY_FIRST.fullmatch(name)
    month, number = (found[2], found[1]) if found else ("", "")
    if not found and (found := _MONTH_FIRST.fullmatch(name)):
        month, number = found[1], found[2]
    if not found and (found := _DATE.fullmatch(name)) and found[1]:
        month, number = (_MONTHS[int(found[1]) - 1] if 1 <= int(found[1]) <= 12 else ""), found[2]
    month = month.capitalize()
    month = _GERMAN.get(month, month)
    return tuple(f"{stem}{int(number)}" for stem in _OF_MONTH.get(month, ()) if number)


def refuse_mixed_species(names: Iterable[str], where: object) -> None:
    """Raise unless the names that tell a species by their look all tell the same.

    A few strays are not a species: at least two names, and one in a thousand, must tell of another.

    Raises
    ------
    GeneError
        The names are of several species.
    """
    told: dict[str, list[str]] = {}
    total = 0
    for name in names:
        total += 1
        species = _species_of(name)
        if species:
            told.setdefault(species, []).append(name)
    several = {species: found for species, found in told.items() if len(found) >= 2 and 1000 * len(found) >= total}
    if len(several) < 2:
        return
    ordered = sorted(several, key=lambda species: (-len(several[species]), species))
    by_species = ", ".join(
        f"{species} ({len(several[species]):,}, as {min(several[species])})" for species in ordered[:4]
    )
    raise GeneError(
        f"The names are of {len(several)} species: {by_species}: {where}\n"
        f"A network is of one species. Take out the others, for example: grep -v '{_stem(min(several[ordered[1]]))}'"
    )


@contextmanager
def genes_known(genes: Iterable[str]) -> Iterator[None]:
    """Take names that are genes of the data for what they are in the block, whatever they look like (``oct-12``)."""
    token = _KNOWN.set(frozenset(genes))
    try:
        yield
    finally:
        _KNOWN.reset(token)


def check_names(names: Collection[str], where: object, *, several_species: bool = False) -> None:
    """Warn, by name, of names a spreadsheet has damaged, which are kept as they are; refuse those of several species.

    Those that are genes of the data, where these are known (`genes_known`), are not damaged.

    Parameters
    ----------
    names
        The names.
    where
        The file, for messages.
    several_species
        The user wants several species, so they are not refused.

    Raises
    ------
    GeneError
        The names are of several species.
    """
    if not several_species:
        refuse_mixed_species(names, where)
    damaged = [name for name in damaged_by_excel(names) if name not in _KNOWN.get()]
    if damaged:
        verb = "name looks" if len(damaged) == 1 else "names look"
        were = {name: "/".join(undamaged(name)) for name in damaged}
        told = sample([f"{name} (was {were[name]})" if were[name] else name for name in damaged])
        warnings.warn(
            f"{len(damaged)} {verb} damaged by a spreadsheet: {told}, in {where}.\n"
            "Kept as written. Mend the file, unless your data have genes of these names.",
            VNNWarning,
            stacklevel=3,
        )


def _stem(name: str) -> str:
    found = re.match(r"(\d+\.)?[A-Za-z]+|\w+?_+", name)
    return found[0] if found else name


def _kind_of(name: str) -> str:
    bare = _PREFIXED.sub("", name)
    for title, pattern in _KINDS:
        if pattern.fullmatch(bare):
            return title
    return SYMBOLS if _SYMBOL.fullmatch(bare) else OTHER


def _letters_of(name: str) -> str:
    letters = "".join(islice((c for c in name if c.isalpha()), 12))
    # C1orf112 and its like are human, for all their lower case.
    if letters.isupper() or re.fullmatch(r"C[\dXY]+orf\d+", name):
        return "upper"
    return "lower" if letters.islower() else "capitalised" if letters[:1].isupper() else "mixed"


def _species_of(name: str) -> str:
    found = _PREFIXED.match(name)
    if found:
        return next(species for start, species in _GENOMES.items() if name.startswith(start))
    found = _ENSEMBL.fullmatch(name)
    if found:
        return _OF_ENSEMBL.get(found[1], f"ENS{found[1]}")
    found = re.match(r"(\d+)\.[A-Za-z]", name)
    if found:
        return _OF_TAXON.get(found[1], f"taxon {found[1]}")
    found = _ENTRY.fullmatch(name)
    if found:
        return _OF_ENTRY[found[1]]
    return next((_OF_KIND[kind] for kind, pattern in _KINDS if kind in _OF_KIND and pattern.fullmatch(name)), "")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.9995 else "almost all"
