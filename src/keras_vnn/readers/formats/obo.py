"""OBO: the format of the Gene Ontology and of most others.

In: an OBO 1.2 or 1.4 file. Out: an `Ontology` with every relation. goatools reads the stanzas; here are what it leaves
to its caller: compression, a line number for what is wrong, parents that are not in the file.

### OBO
`read.ontology`: any ontology, 1.2 or 1.4. Obsolete terms are set aside (they are not roots), `alt_id` and `replaced_by` are
followed, `intersection_of`, `[Typedef]` and dangling parents are not parents; stanzas may be without namespace.

```text go-tiny.obo
format-version: 1.2
data-version: releases/2021-12-15
default-namespace: gene_ontology

[Term]
id: GO:0008150
name: biological_process
namespace: biological_process

[Term]
id: GO:0006281
name: DNA repair
namespace: biological_process
alt_id: GO:0099999
is_a: GO:0008150 ! biological_process
intersection_of: GO:0008150
relationship: part_of GO:0008150 ! biological_process

[Term]
id: GO:0000001
name: gone
namespace: biological_process
is_obsolete: true
replaced_by: GO:0006281

[Typedef]
id: part_of
name: part of
is_transitive: true
```

### Human Phenotype Ontology
`read.ontology`: no namespaces.

```text hp.obo
format-version: 1.2
data-version: hp/releases/2023-10-09
ontology: hp.obo

[Term]
id: HP:0000118
name: Phenotypic abnormality
def: "A phenotypic abnormality." [HPO:probinson]
comment: This is the root of the phenotypic abnormality subontology.
synonym: "Organ abnormality" EXACT []
xref: UMLS:C4021819

[Term]
id: HP:0000707
name: Abnormality of the nervous system
alt_id: HP:0001333
is_a: HP:0000118 ! Phenotypic abnormality
```

### Cell Ontology
`read.ontology`: terms of other ontologies that are named and not in the file are counted as dangling.

```text cl.obo
format-version: 1.2
data-version: cl/releases/2023-10-19
ontology: cl

[Term]
id: CL:0000000
name: cell
namespace: cell
is_a: CARO:0000003 ! connected anatomical structure

[Term]
id: CL:0000540
name: neuron
namespace: cell
is_a: CL:0000000 {is_inferred="true"} ! cell
relationship: part_of UBERON:0001016 {source="CL"} ! nervous system
property_value: skos:prefLabel "neuron" xsd:string

[Typedef]
id: part_of
name: part of
```

### Mondo
`read.ontology`

```text mondo.obo
format-version: 1.2
data-version: releases/2023-09-12
subsetdef: clingen "ClinGen" {http://purl.org/dc/terms/source="https://clinicalgenome.org/"}
ontology: mondo

[Term]
id: MONDO:0000001
name: disease
xref: DOID:4 {source="MONDO:equivalentTo"}

[Term]
id: MONDO:0004992
name: cancer
synonym: "cancer (disease)" EXACT [] {http://purl.org/dc/terms/conformsTo="https://x"}
is_a: MONDO:0000001 {source="DOID:162"} ! disease
```

### OWL
`read.ontology`, where pronto is installed (`pip install 'keras-vnn[owl]'`): RDF/XML as the OBO Foundry has it. Imports
are not followed.

### OBO graph
`read.ontology`, where pronto is installed: JSON, also by its bare relations (`BFO:0000050` is `part_of`).

```text go-graph.json
{"graphs": [{"id": "http://purl.obolibrary.org/obo/go.json",
 "nodes": [
  {"id": "http://purl.obolibrary.org/obo/GO_0008150", "lbl": "biological_process", "type": "CLASS"},
  {"id": "http://purl.obolibrary.org/obo/GO_0006281", "lbl": "DNA repair", "type": "CLASS"},
  {"id": "http://purl.obolibrary.org/obo/BFO_0000050", "lbl": "part of", "type": "PROPERTY"}],
 "edges": [
  {"sub": "http://purl.obolibrary.org/obo/GO_0006281", "pred": "http://purl.obolibrary.org/obo/BFO_0000050",
   "obj": "http://purl.obolibrary.org/obo/GO_0008150"}]}]}
```
"""  # noqa: E501

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.priors import Ontology
from keras_vnn.readers.formats import Format
from keras_vnn.readers.tabular import Options
from keras_vnn.readers.text import Preview, at, open_text

_TERM = {"id", "alt_id", "name", "namespace", "is_a", "relationship", "is_obsolete", "replaced_by"}
_ONCE = {"id": "item_id", "name": "name"}
_ONE_WORD = {"id", "alt_id", "is_obsolete"}


def read_obo(start: Preview, _: Options) -> Ontology:
    """Read an OBO file.

    Raises
    ------
    ReadError
        A stanza has no id or two of them, a relationship has no target, or there is no term.
    """
    with open_text(start.path) as lines:
        return ontology_of(lines, start.path, "OBO")


def ontology_of(lines: Iterable[str], path: Path, language: str) -> Ontology:
    """Return the ontology that OBO text describes, with the file it is from and the language of that.

    Raises
    ------
    ReadError
        As `read_obo`.
    """
    records, header = _records(lines, path)
    if not records:
        raise ReadError(
            f"The file has no {'[Term] stanza' if language == 'OBO' else 'terms'}: {path}\nIs it an {language} file?"
        )
    live = {record.item_id for record in records if not record.is_obsolete}
    gone = {
        record.item_id: _word(record.replaced_by)
        for record in records
        if record.is_obsolete and record.item_id not in live
    }
    edges = []
    dangling: dict[str, set[str]] = {}
    from_or_to_obsolete = set()
    for record in records:
        for kind, parent in _parents(record):
            named = f"{record.item_id} → {parent}"
            if record.is_obsolete or parent in gone:
                from_or_to_obsolete.add(f"{named} ({kind})")
            elif parent in live:
                edges.append((record.item_id, parent, kind))
            else:
                dangling.setdefault(kind, set()).add(named)
    audit = Audit.of(
        AuditEntry.of("read", "term", "obsolete, set aside", gone),
        AuditEntry.of("read", "ontology edge", "from or to an obsolete term, dropped", from_or_to_obsolete),
        *(
            AuditEntry.of("read", "ontology edge", f"{kind} a term that is not in the file, dropped", dangling[kind])
            for kind in sorted(dangling)
        ),
        AuditEntry("read", "term", "described in several stanzas, merged", len(records) - len({*live, *gone})),
    )
    alternatives = {
        _word(alternative): record.item_id
        for record in records
        for alternative in sorted(record.alt_ids)
        if not record.is_obsolete and _word(alternative) not in live
    }
    said = f"OBO {header.format_version or ''}".rstrip() if language == "OBO" else language
    return Ontology.from_edges(
        [child for child, _, _ in edges],
        [parent for _, parent, _ in edges],
        relation=[kind for *_, kind in edges],
        terms=live,
        names={record.item_id: record.name for record in reversed(records)},
        namespaces={r.item_id: r.namespace for r in reversed(records) if r.namespace != "default"},
        alternatives=alternatives,
        obsolete=gone,
        sources=(Source.of_file(path, said, records=len(records), release=header.data_version or ""),),
        audit=audit,
    )


def _records(lines: Iterable[str], path: Path) -> tuple[list[Any], Any]:
    """Return goatools' term records, in the order of the text, and its reader, which knows the header."""
    # goatools imports requests and more, half a second's worth; only who reads an ontology shall wait for it.
    from goatools.obo_parser import GOTerm, OBOReader

    # It opens a path itself, never a packed one, in the encoding of the system, and takes stanzas without a blank line
    # between them for one: it is handed the lines instead.
    reader = OBOReader(__file__, optional_attrs={"relationship", "replaced_by"})
    stanzas: dict[int, Any] = {}
    record, opened, in_header = None, 0, True
    for number, line in enumerate(lines, 1):
        if line[:1] == "[":
            record, opened, in_header = None, number, False
            if line.strip() == "[Term]":
                record = GOTerm(reader.default_namespace)
                reader.optobj.init_datamembers(record)
                stanzas[number] = record
        elif in_header:
            reader._init_obo_hdr(line)
        elif record is not None:
            tag, _, value = line.partition(":")
            if tag in _TERM:
                words = value.split()
                # goatools asserts that an id and a name come once, so not under python -O.
                if tag in _ONCE and getattr(record, _ONCE[tag]):
                    raise ReadError(
                        f"The stanza has a second {tag}, the first [Term] is in line {opened}: {at(path, number)}"
                    )
                if not words or (tag == "relationship" and len(words) < 2):
                    raise ReadError(f"The {tag} line is incomplete: {at(path, number)}")
                reader._add_to_ref(record, f"{tag}: {words[0] if tag in _ONE_WORD else value.strip()}")
    for number, record in stanzas.items():
        if not record.item_id:
            raise ReadError(f"The [Term] stanza has no id: {at(path, number)}")
    return list(stanzas.values()), reader


def _parents(record: Any) -> Iterable[tuple[str, str]]:
    for parent in sorted(record._parents):
        yield "is_a", parent
    for kind in sorted(record.relationship):
        for parent in sorted(record.relationship[kind]):
            yield kind, parent


def _word(text: str) -> str:
    return text.split()[0] if text else ""


OBO = Format(
    "obo",
    "an ontology in OBO 1.2 or 1.4",
    "ontology",
    lambda start: "[Term]" in start.texts,
    read_obo,
    marks=("format-version:", "data-version:", "ontology:", "[Term]"),
    page=__doc__,
)

_RELATIONSHIP = re.compile(r"(relationship: )(\S+:\S+)(?= )")


def read_owl(start: Preview, _: Options, *, language: str = "OWL") -> Ontology:
    """Read an ontology in OWL, or in another language that pronto knows.

    Raises
    ------
    ReadError
        pronto is not installed, it cannot read the file, or there is no term.
    """
    try:
        import pronto
    except ImportError as error:
        raise ReadError(
            f"The file is an ontology that pronto reads, which is not installed: {start.path}\n"
            "Install it: pip install 'keras-vnn[owl]'; or download the .obo file of the ontology."
        ) from error
    try:
        with open_text(start.path) as lines, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of synonyms and annotations that OBO has no place for
            ontology = pronto.Ontology(io.BytesIO(lines.read().encode()), import_depth=0)
            text = io.BytesIO()
            ontology.dump(text, format="obo")
    except (ReadError, KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # its parsers raise whatever they like, panics of Rust among it
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ReadError(
            f"pronto cannot read the ontology: {start.path}\n    {reason}\n"
            "Is it RDF/XML, or a whole OBO graph? Download it again, or take its .obo file."
        ) from error
    called = {one.id: str(one.name or one.id).replace(" ", "_") for one in ontology.relationships()}
    written = text.getvalue().decode().splitlines(keepends=True)
    stanzas = (_RELATIONSHIP.sub(lambda found: found[1] + called.get(found[2], found[2]), line) for line in written)
    return ontology_of(stanzas, start.path, language)


def _is_owl(start: Preview) -> bool:
    return any("rdf:RDF" in text for text in start.top[:40])


def _is_obo_graph(start: Preview) -> bool:
    top = "".join(start.texts[:10]).replace(" ", "")
    return top.startswith("{") and '"graphs":[' in top


OWL = Format("owl", "an ontology in OWL (RDF/XML)", "ontology", _is_owl, read_owl)
OBO_GRAPH = Format(
    "obo-graph",
    "an ontology as OBO graph (JSON)",
    "ontology",
    _is_obo_graph,
    partial(read_owl, language="OBO graph"),
    page=None,
)
