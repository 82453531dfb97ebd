"""CX2 and CX with a hierarchy of systems (HCX, as NeST and CDAPS write it): members in ``CD_MemberList``.

In: such a file. Out: an `Ontology` and its `Annotations`. Edges lead from a system to those inside it.

### CX2 (HCX, as NeST and CDAPS write it)
`read_hierarchy`

```text hierarchy.cx2
[{"CXVersion": "2.0", "hasFragments": false},
 {"nodes": [{"id": 0, "x": 0, "y": 0, "v": {"name": "root", "CD_MemberList": "TP53 ATM"}},
            {"id": 1, "x": 0, "y": 0, "v": {"name": "repair", "CD_MemberList": "ATM"}}]},
 {"edges": [{"id": 0, "s": 0, "t": 1}]},
 {"status": [{"success": true}]}]
```
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from keras_vnn.basics.errors import ReadError, sample
from keras_vnn.basics.provenance import Source
from keras_vnn.priors import Annotations, Ontology
from keras_vnn.readers.formats import Format
from keras_vnn.readers.text import Preview, read_json_text

__all__ = ["CX2", "read_cx2"]

_MEMBERS = "CD_MemberList"
_MARKS = ("CXVersion", "numberVerification", "metaData", "ndexStatus", "nodeAttributes")


def looks_like_cx2(start: Preview) -> bool:
    """Say whether a file looks like CX or CX2."""
    beginning = "".join(text.strip() for text in start.texts[:20])
    return beginning.startswith("[") and any(word in beginning for word in _MARKS)


def read_cx2(start: Preview) -> tuple[Ontology, Annotations]:
    """Read a hierarchy in CX2 or CX. A system's members are all its genes, those of systems inside it included.

    A system is called by what it represents where that is given and unique, else by its name, else by its number.

    Raises
    ------
    ReadError
        The file is not JSON, not CX, has no members, or an edge leads to a system that is not there.
    """
    path = start.path
    aspects = read_json_text(path)
    if not isinstance(aspects, list) or not all(isinstance(aspect, dict) for aspect in aspects):
        raise ReadError(
            f"The file is JSON but not CX, expected a list of aspects: {path}\n"
            "Is it the right file? Export the network as CX2."
        )
    try:
        version = next((str(aspect["CXVersion"]) for aspect in aspects if "CXVersion" in aspect), "1")
        nodes, edges = (_second if version.startswith("2") else _first)(aspects)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ReadError(
            f"The file is not CX as expected: {path} ({type(error).__name__}: {error})\nExport it again, as CX2."
        ) from error
    return _hierarchy(path, version, nodes, edges)


def _hierarchy(
    path: Path, version: str, nodes: Mapping[Any, Mapping[str, Any]], edges: list[tuple[Any, Any]]
) -> tuple[Ontology, Annotations]:
    if not any(_MEMBERS in node for node in nodes.values()):
        raise ReadError(f"No node has {_MEMBERS}, the genes of a system: {path}\nIs it a hierarchy, not a network?")
    absent = sorted({str(end) for edge in edges for end in edge if end not in nodes})
    if absent:
        raise ReadError(
            f"{len(absent)} edges lead to nodes that are not in the file: {sample(absent)}: {path}\n"
            "Was it cut short, or damaged? Download it again."
        )
    ids = _unique_ids(nodes)
    source = Source.of_file(path, f"CX {version} hierarchy", records=len(nodes))
    pairs = []
    for number, node in nodes.items():
        listed = node.get(_MEMBERS) or ""
        genes = listed.split() if isinstance(listed, str) else map(str, listed)
        pairs += [(gene, ids[number]) for gene in genes]
    ontology = Ontology.from_edges(
        [ids[target] for _, target in edges],
        [ids[source_] for source_, _ in edges],
        terms=ids.values(),
        names={ids[number]: str(node["name"]) for number, node in nodes.items() if node.get("name")},
        sources=(source,),
    )
    annotations = Annotations.from_pairs([gene for gene, _ in pairs], [term for _, term in pairs], sources=(source,))
    return ontology, annotations


def _unique_ids(nodes: Mapping[Any, Mapping[str, Any]]) -> dict[Any, str]:
    for attribute in ("represents", "name"):
        words = Counter(str(node.get(attribute) or "") for node in nodes.values())
        if "" not in words and max(words.values()) == 1:
            return {number: str(node[attribute]) for number, node in nodes.items()}
    return {number: f"system:{number}" for number in nodes}


def _aspect(aspects: Iterable[Mapping[str, Any]], name: str) -> list[Any]:
    return [entry for aspect in aspects for entry in aspect.get(name, ())]


def _second(aspects: list[Mapping[str, Any]]) -> tuple[dict[Any, dict[str, Any]], list[tuple[Any, Any]]]:
    """Return nodes with their attributes under full names, and edges, of CX2."""
    declared = _aspect(aspects, "attributeDeclarations")
    short = {
        facts["a"]: name
        for declaration in declared
        for name, facts in declaration.get("nodes", {}).items()
        if facts.get("a")
    }
    nodes = {
        node["id"]: {short.get(key, key): value for key, value in node.get("v", {}).items()}
        for node in _aspect(aspects, "nodes")
    }
    return nodes, [(edge["s"], edge["t"]) for edge in _aspect(aspects, "edges")]


def _first(aspects: list[Mapping[str, Any]]) -> tuple[dict[Any, dict[str, Any]], list[tuple[Any, Any]]]:
    """Return the same of CX version 1."""
    nodes = {
        node["@id"]: {key: node[short] for key, short in (("name", "n"), ("represents", "r")) if short in node}
        for node in _aspect(aspects, "nodes")
    }
    for attribute in _aspect(aspects, "nodeAttributes"):
        nodes[attribute["po"]][attribute["n"]] = attribute["v"]
    return nodes, [(edge["s"], edge["t"]) for edge in _aspect(aspects, "edges")]


CX2 = Format("cx2", "a hierarchy in CX2 or CX", "hierarchy", looks_like_cx2, read_cx2, page=__doc__)
