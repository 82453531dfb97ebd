"""OBO: the format of the Gene Ontology and of most others.

In: an OBO 1.2 or 1.4 file. Out: an `Ontology` with every relation. goatools reads the same from files that are not packed,
have a blank line between stanzas and nothing wrong in them.

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
"""  # noqa: E501

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.priors import Ontology
from keras_vnn.readers.formats import Format
from keras_vnn.readers.tabular import Options
from keras_vnn.readers.text import Preview, at, open_text

# How many words are read of a tag of a stanza; of names the whole text is.
_WORDS = {"id": 1, "alt_id": 1, "is_a": 1, "relationship": 2, "is_obsolete": 1, "replaced_by": 1}
_TEXTS = ("name", "namespace")


def read_obo(start: Preview, _: Options) -> Ontology:
    """Read an OBO file.

    Raises
    ------
    ReadError
        A stanza has no id or two of them, a relationship has no target, or there is no term.
    """
    path = start.path
    header, stanzas = _stanzas(path)
    if not stanzas:
        raise ReadError(f"The file has no [Term] stanza: {path}\nIs it an OBO file?")
    terms = [(stanza["id"][0], "true" in stanza["is_obsolete"], stanza) for stanza in stanzas]
    live = {id for id, is_obsolete, _ in terms if not is_obsolete}
    gone = {id: "".join(stanza["replaced_by"][-1:]) for id, _, stanza in terms if id not in live}
    edges: list[tuple[str, str, str]] = []
    alternatives: dict[str, str] = {}
    dangling: dict[str, set[str]] = {}
    from_or_to_obsolete = set()
    for id, is_obsolete, stanza in terms:
        for relation in sorted({*(f"is_a {parent}" for parent in stanza["is_a"]), *stanza["relationship"]}):
            kind, parent = relation.split(" ")
            if is_obsolete or parent in gone:
                from_or_to_obsolete.add(f"{id} → {parent} ({kind})")
            elif parent in live:
                edges.append((id, parent, kind))
            else:
                dangling.setdefault(kind, set()).add(f"{id} → {parent}")
        if not is_obsolete:
            alternatives |= {other: id for other in stanza["alt_id"] if other not in live}
    audit = Audit.of(
        AuditEntry.of("read", "term", "obsolete, set aside", gone),
        AuditEntry.of("read", "ontology edge", "from or to an obsolete term, dropped", from_or_to_obsolete),
        *(
            AuditEntry.of("read", "ontology edge", f"{kind} a term that is not in the file, dropped", dangling[kind])
            for kind in sorted(dangling)
        ),
        AuditEntry("read", "term", "described in several stanzas, merged", len(terms) - len({*live, *gone})),
    )
    said, release = f"OBO {header.get('format-version', '')}".rstrip(), header.get("data-version", "")
    return Ontology.from_edges(
        [child for child, _, _ in edges],
        [parent for _, parent, _ in edges],
        relation=[kind for *_, kind in edges],
        terms=live,
        names={id: "".join(stanza["name"]) for id, _, stanza in reversed(terms)},
        namespaces={id: stanza["namespace"][-1] for id, _, stanza in reversed(terms) if stanza["namespace"]},
        alternatives=alternatives,
        obsolete=gone,
        sources=(Source.of_file(path, said, records=len(terms), release=release),),
        audit=audit,
    )


def _stanzas(path: Path) -> tuple[dict[str, str], list[dict[str, list[str]]]]:
    """Return what the header says, and of each ``[Term]``, in the order of the file, the values of each tag."""
    header: dict[str, str] = {}
    stanzas: dict[int, dict[str, list[str]]] = {}
    opened = 0
    with open_text(path) as text:
        for number, line in enumerate(text, 1):
            tag, _, value = line.partition(":")
            words = value.split()
            if line.startswith("["):
                opened = number
                if line.strip() == "[Term]":
                    known = [header["default-namespace"]] if "default-namespace" in header else []
                    stanzas[number] = defaultdict(list, namespace=known)
            elif not opened:
                header[tag] = value.strip()
            elif opened in stanzas and (tag in _WORDS or tag in _TEXTS):
                if tag in ("id", "name") and stanzas[opened][tag]:
                    raise ReadError(
                        f"The stanza has a second {tag}, the first [Term] is in line {opened}: {at(path, number)}"
                    )
                if len(words) < _WORDS.get(tag, 1):
                    raise ReadError(f"The {tag} line is incomplete: {at(path, number)}")
                stanzas[opened][tag].append(value.strip() if tag in _TEXTS else " ".join(words[: _WORDS[tag]]))
    for number, stanza in stanzas.items():
        if not stanza["id"]:
            raise ReadError(f"The [Term] stanza has no id: {at(path, number)}")
    return header, list(stanzas.values())


OBO = Format(
    "obo",
    "an ontology in OBO 1.2 or 1.4",
    "ontology",
    lambda start: "[Term]" in start.texts,
    read_obo,
    marks=("format-version:", "data-version:", "ontology:", "[Term]"),
    page=__doc__,
)
