"""Networks as graph programs write them: GraphML, XGMML, GML, CX2 and CX, JSON and lists of Cytoscape and networkx.

In: one graph a file. Out: a `Table` of its edges, with the names, scores, types and effects that its nodes and edges
carry; or the `Network` itself, for a hierarchy in CX (`keras_vnn.readers.formats.hierarchies`). networkx reads what it
can read. Of XML nothing is read that declares entities.

### GraphML
`read.interactions`, `read.regulation`: nodes by `symbol`, `name`, `label` or the like, else by id; `id=` names the
attribute.

```text network.graphml
<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="d0" for="node" attr.name="name" attr.type="string"/>
  <key id="d1" for="edge" attr.name="weight" attr.type="double"/>
  <graph edgedefault="undirected">
    <node id="n0"><data key="d0">TP53</data></node>
    <node id="n1"><data key="d0">MDM2</data></node>
    <node id="n2"><data key="d0">ATM</data></node>
    <edge source="n0" target="n1"><data key="d1">0.9</data></edge>
    <edge source="n0" target="n2"><data key="d1">0.4</data></edge>
  </graph>
</graphml>
```

### XGMML
`read.interactions`, `read.regulation`: as Cytoscape writes it; nodes as in GraphML.

```text network.xgmml
<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<graph id="52" label="ppi" directed="1" xmlns:cy="http://www.cytoscape.org" xmlns="http://www.cs.rpi.edu/XGMML">
  <node id="62" label="TP53"><att name="name" value="TP53" type="string"/></node>
  <node id="63" label="MDM2"><att name="name" value="MDM2" type="string"/></node>
  <node id="64" label="CDKN1A"><att name="name" value="CDKN1A" type="string"/></node>
  <edge id="70" label="TP53 (pp) MDM2" source="62" target="63"><att name="interaction" value="pp"/></edge>
  <edge id="71" label="TP53 (pd) CDKN1A" source="62" target="64"><att name="interaction" value="pd"/></edge>
</graph>
```

### GML
`read.interactions`

```text network.gml
graph [
  directed 0
  node [ id 0 label "TP53" ]
  node [ id 1 label "MDM2" ]
  edge [ source 0 target 1 weight 0.9 ]
]
```

### Cytoscape JSON, node-link JSON
`read.interactions`: types as in SIF; `pd` and its kin are for `read.regulation`.

```text network.cyjs
{"elements": {
  "nodes": [{"data": {"id": "62", "name": "TP53"}},
            {"data": {"id": "63", "name": "MDM2"}},
            {"data": {"id": "64", "name": "CDKN1A"}}],
  "edges": [{"data": {"id": "70", "source": "62", "target": "63", "interaction": "pp"}},
            {"data": {"id": "71", "source": "62", "target": "64", "interaction": "pd"}}]}}
```

### Networks in CX2 and CX
`read.interactions`

```text network.cx2
[{"CXVersion": "2.0", "hasFragments": false},
 {"nodes": [{"id": 0, "v": {"name": "TP53"}}, {"id": 1, "v": {"name": "MDM2"}}]},
 {"edges": [{"id": 0, "s": 0, "t": 1, "v": {"interaction": "pp"}}]},
 {"status": [{"success": true}]}]
```

### Lists of networkx
`read.interactions`: adjacency lists, a node and its neighbours a line, and edge lists with attributes.

```text network.adjlist
# GMT Mon Nov 30 02:00:00 2020
TP53 MDM2 MDM4
MDM2 MDM4
BRCA1 BARD1
```
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from keras_vnn.basics.errors import ConfigError, ReadError, VNNError, counted, did_you_mean, sample
from keras_vnn.basics.files import read_lines
from keras_vnn.basics.remedies import reader_called
from keras_vnn.readers.formats import Format, for_families
from keras_vnn.readers.formats.interactions import INTERACTION_ROLES
from keras_vnn.readers.formats.regulation import REGULATION_ROLES
from keras_vnn.readers.formats.sif import without_types
from keras_vnn.readers.layout import Roles, as_number, is_number, normalized
from keras_vnn.readers.pairs import choose_rows
from keras_vnn.readers.tabular import Options, Table
from keras_vnn.readers.text import Preview, open_text, read_json_text

if TYPE_CHECKING:
    import networkx
    from numpy.typing import NDArray

ROLES = {"interactions": INTERACTION_ROLES, "regulation": REGULATION_ROLES}
CX_MEMBERS = "CD_MemberList"
_CX_MARKS = ("CXVersion", "numberVerification", "metaData", "ndexStatus", "nodeAttributes")
# The most telling first; a node without any is called by its id.
_NAMES = "symbol genesymbol hgncsymbol genename gene preferredname displayname name sharedname label represents".split()
_TYPES = ("interaction", "sharedinteraction", "interactiontype", "edgetype", "type", "relation")


@dataclass(frozen=True, slots=True)
class Network:
    """A graph: attributes of nodes by id; source, target and attributes of edges; what it was read from, in words."""

    title: str
    nodes: Mapping[Any, Mapping[str, Any]]
    edges: Sequence[tuple[Any, Any, Mapping[str, Any]]]
    is_directed: bool = True


# ---- reading networks ----------------------------------------------------------------------------------------


@contextmanager
def _parsing(path: Path, title: str) -> Iterator[None]:
    """Whatever a library raises of a file in the block is said of the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (VNNError, ImportError):  # a package that is missing is no fault of the file
        raise
    except Exception as error:
        raise ReadError(
            f"The file is not {title} as expected: {path} ({type(error).__name__}: {error})\n"
            "Was it cut short, or changed by hand? Write it again, or download it again."
        ) from error


def _of_networkx(graph: networkx.Graph, title: str) -> Network:
    return Network(title, dict(graph.nodes(data=True)), list(graph.edges(data=True)), graph.is_directed())


def _read_graphml(path: Path) -> Network:
    import networkx

    text = _xml_text(path, "GraphML")
    with _parsing(path, "GraphML"):
        return _of_networkx(networkx.parse_graphml(text, force_multigraph=True), "GraphML")


def _xml_text(path: Path, title: str) -> str:
    text = "\n".join(read_lines(path))
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ReadError(
            f"The {title} declares a document type or entities, which are not followed: {path}\n"
            "Take the declaration out, or write the graph again."
        )
    return text


def _read_xgmml(path: Path) -> Network:
    text = _xml_text(path, "XGMML")
    with _parsing(path, "XGMML"):
        # A declared encoding is that of the bytes; this is text.
        graph = ElementTree.fromstring(re.sub(r"^\s*<\?xml.*?\?>", "", text, count=1, flags=re.DOTALL))
        nodes = {node.attrib["id"]: _xgmml_facts(node) for node in graph.iterfind(".//{*}node") if "id" in node.attrib}
        edges = [
            (edge.attrib["source"], edge.attrib["target"], _xgmml_facts(edge))
            for edge in graph.iterfind(".//{*}edge")
            if "source" in edge.attrib  # else it refers to one that is written elsewhere
        ]
        return Network("XGMML", nodes, edges, graph.get("directed", "1") != "0")


def _xgmml_facts(element: ElementTree.Element) -> dict[str, str]:
    """Return the label and the attributes of a node or edge; lists of values are left out."""
    told = {att.get("name", ""): att.get("value", "") for att in element.iterfind("{*}att") if "value" in att.attrib}
    return {"label": element.get("label", "")} | told


def _read_gml(path: Path) -> Network:
    import networkx

    lines = read_lines(path)
    first = next((n for n, line in enumerate(lines) if re.match(r"\s*graph\b", line)), 0)
    opened = next((n for n in range(first, len(lines)) if "[" in lines[n]), first)
    # Without that, networkx refuses two edges between the same nodes.
    lines[opened] = lines[opened].replace("[", "[ multigraph 1 ", 1)
    with _parsing(path, "GML"):
        return _of_networkx(networkx.parse_gml(lines, label="id"), "GML")


def _read_list(path: Path, *, parse: str, title: str) -> Network:
    import networkx

    lines = read_lines(path)
    mark = "\t" if any("\t" in line for line in lines if not line.startswith("#")) else None
    with _parsing(path, title):
        graph = getattr(networkx, parse)(lines, delimiter=mark, create_using=networkx.MultiDiGraph)
        return _of_networkx(graph, title)


def _read_json(path: Path) -> Network:
    content = read_json_text(path)
    with _parsing(path, "a network in JSON"):
        if isinstance(content, dict) and {"source", "target"} <= content.keys():
            content = [content]
        elements = content["elements"] if isinstance(content, dict) and "elements" in content else content
        if "links" not in elements and "edges" not in elements and "adjacency" not in elements:
            # One list, as Cytoscape.js takes it as well, or one of edges alone.
            listed = [_data(one) for one in elements]
            elements = {"edges": [one for one in listed if "source" in one]}
            ends = [{"id": one[end]} for one in elements["edges"] for end in ("source", "target")]
            elements["nodes"] = [one for one in listed if "source" not in one] or ends
        nodes = {facts["id"]: facts for facts in map(_data, elements["nodes"])}
        rows = elements.get("links", elements.get("edges"))
        if rows is None:
            rows = [
                {**edge, "source": source, "target": edge["id"]}
                for source, edges in zip(nodes, elements["adjacency"], strict=True)
                for edge in edges
            ]
        edges = [(facts["source"], facts["target"], facts) for facts in map(_data, rows)]
        is_cytoscape = elements is not content
        title = "Cytoscape JSON" if is_cytoscape else "node-link JSON"
        return Network(title, nodes, edges, is_cytoscape or bool(elements.get("directed", True)))


def _data(element: Mapping[str, Any]) -> Mapping[str, Any]:
    data = element.get("data", element)
    return data if isinstance(data, dict) else element


def is_cx(start: Preview, *, with_members: bool) -> bool:
    """Say whether a file is CX, and its nodes have members, or have none."""
    beginning = "".join(text.strip() for text in start.texts[:20])
    if not beginning.startswith("[") or not any(word in beginning for word in _CX_MARKS):
        return False
    if any(CX_MEMBERS in text for text in start.texts):
        return with_members
    with open_text(start.path) as lines:
        return any(CX_MEMBERS in line for line in lines) == with_members


def read_cx(path: Path) -> Network:
    """Read a network or hierarchy in CX2 or CX.

    Raises
    ------
    ReadError
        The file is not JSON, not CX, or an edge leads to a node that is not there.
    """
    aspects = read_json_text(path)
    if not isinstance(aspects, list) or not all(isinstance(aspect, dict) for aspect in aspects):
        raise ReadError(
            f"The file is JSON but not CX, expected a list of aspects: {path}\n"
            "Is it the right file? Export the network as CX2."
        )
    try:
        version = next((str(aspect["CXVersion"]) for aspect in aspects if "CXVersion" in aspect), "1")
        return checked(Network(f"CX {version}", *(_second if version.startswith("2") else _first)(aspects)), path)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ReadError(
            f"The file is not CX as expected: {path} ({type(error).__name__}: {error})\nExport it again, as CX2."
        ) from error


def _aspect(aspects: Iterable[Mapping[str, Any]], name: str) -> list[Any]:
    return [entry for aspect in aspects for entry in aspect.get(name, ())]


def _second(aspects: list[Mapping[str, Any]]) -> tuple[dict[Any, dict[str, Any]], list[tuple[Any, Any, Any]]]:
    """Return nodes and edges of CX2 with their attributes under full names."""
    declared = _aspect(aspects, "attributeDeclarations")

    def facts(element: Mapping[str, Any], what: str) -> dict[str, Any]:
        return {short[what].get(key, key): value for key, value in element.get("v", {}).items()}

    short = {
        what: {
            said["a"]: name
            for declaration in declared
            for name, said in declaration.get(what, {}).items()
            if said.get("a")
        }
        for what in ("nodes", "edges")
    }
    nodes = {node["id"]: facts(node, "nodes") for node in _aspect(aspects, "nodes")}
    return nodes, [(edge["s"], edge["t"], facts(edge, "edges")) for edge in _aspect(aspects, "edges")]


def _first(aspects: list[Mapping[str, Any]]) -> tuple[dict[Any, dict[str, Any]], list[tuple[Any, Any, Any]]]:
    """Return the same of CX version 1."""
    nodes = {
        node["@id"]: {key: node[short] for key, short in (("name", "n"), ("represents", "r")) if short in node}
        for node in _aspect(aspects, "nodes")
    }
    for attribute in _aspect(aspects, "nodeAttributes"):
        nodes[attribute["po"]][attribute["n"]] = attribute["v"]
    edges = {
        edge.get("@id", number): (edge["s"], edge["t"], {"interaction": edge["i"]} if "i" in edge else {})
        for number, edge in enumerate(_aspect(aspects, "edges"))
    }
    for attribute in _aspect(aspects, "edgeAttributes"):
        edges[attribute["po"]][2][attribute["n"]] = attribute["v"]
    return nodes, list(edges.values())


def checked(network: Network, path: Path) -> Network:
    """Return a network; raise unless its edges lead to nodes that are there."""
    absent = {str(end) for source, target, _ in network.edges for end in (source, target) if end not in network.nodes}
    if absent:
        raise ReadError(
            f"{counted(len(absent), 'edge leads', 'edges lead')} to nodes that are not in the file: {sample(absent)}: "
            f"{path}\n"
            "Was it cut short, or damaged? Download it again."
        )
    return network


# ---- rows ----------------------------------------------------------------------------------------------------


def read_network(start: Preview, options: Options, *, parse: Callable[[Path], Network], family: str) -> Table:
    """Read the edges of a network, by the names of its nodes.

    Raises
    ------
    ReadError
        The file is not of its format, an edge leads to no node, regulation is asked of a graph without directions, or
        no edge is left.
    ConfigError
        No node has the attribute that is asked for.
    """
    path = start.path
    with _parsing(path, "a network"):
        network = checked(parse(path), path)
    roles = ROLES[family]
    if family == "regulation" and not network.is_directed:
        raise ReadError(
            f"The graph is undirected, and regulation leads from a regulator to a target: {path}\n"
            f"Read it with {reader_called('interactions', 'read.interactions')}."
        )
    attribute, name_of = _names(network, options.id, path)
    facts = [facts for *_, facts in network.edges]
    rows = {
        "first": [name_of[source] for source, _, _ in network.edges],
        "second": [name_of[target] for _, target, _ in network.edges],
        "number": next((found for word in roles.number if (found := _numbers(facts, word)) is not None), None),
        "kind": next((words for word in _TYPES if (words := _words(facts, word)) is not None), None),
        "effect": _effects(facts, roles),
    }
    known = {name: values for name, values in rows.items() if values is not None}
    frame = pd.DataFrame(known, index=np.zeros(len(facts), np.int64))
    table = without_types(Table(frame, path, network.title, len(frame)), options, family)
    return choose_rows(table, options, f"nodes by {attribute}")


def _names(network: Network, asked: str | None, path: Path) -> tuple[str, dict[Any, str]]:
    """Return which attribute names the nodes, and the name of each; empty where a node has none."""
    keys = {normalized(str(key)): key for facts in network.nodes.values() for key in facts}
    ids = {node: str(node).strip() for node in network.nodes}

    def names(key: Any) -> dict[Any, str]:
        return {node: _text(facts.get(key)) for node, facts in network.nodes.items()}

    if asked == "id":
        return "id", ids
    if asked is not None:
        known = sorted(str(key) for key in keys.values())
        if asked not in known:
            hint = did_you_mean(asked, known)
            raise ConfigError(
                f"No node has {asked!r}: {path}\nNodes have: {sample(['id', *known], 20)}. {hint}".rstrip()
            )
        return asked, names(asked)
    for word in _NAMES:
        found = names(keys[word]) if word in keys else {}
        filled = [name for name in found.values() if name]
        # A cluster, a type or a number is not a name.
        tells_apart = 2 * len(set(filled)) >= len(filled) and not all(map(is_number, filled))
        if tells_apart and 10 * len(filled) >= 9 * len(ids) > 0:
            return keys[word], found
    return "id", ids


def _words(facts: Sequence[Mapping[str, Any]], word: str) -> list[str] | None:
    """Return an attribute of edges as texts, ``None`` where none has it."""
    key = next((key for one in facts for key in one if normalized(str(key)) == word), None)
    return None if key is None else [_text(one.get(key)) for one in facts]


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _numbers(facts: Sequence[Mapping[str, Any]], word: str) -> NDArray[np.float64] | None:
    """Return an attribute of edges as numbers, ``None`` where it holds anything else."""
    words = _words(facts, word)
    if words is None or not any(words) or not all(is_number(one) for one in words if one):
        return None
    found = np.array([as_number(one) for one in words])
    return None if np.isinf(found).any() else found


def _effects(facts: Sequence[Mapping[str, Any]], roles: Roles) -> list[str] | None:
    """Return the effects of edges, ``None`` where no attribute holds such."""
    for word in roles.effect:
        words = _words(facts, word) or []
        filled = [one for one in words if one]
        if filled and not all(map(is_number, filled)):
            known = [roles.effect_of(one) for one in words]
            if 2 * sum(one is not None for one, said in zip(known, words, strict=True) if said) >= len(filled):
                return [one or "unknown" for one in known]
    return None


# ---- formats -------------------------------------------------------------------------------------------------


def _is_graphml(start: Preview) -> bool:
    return any("<graphml" in text for text in start.texts[:40])


def _is_xgmml(start: Preview) -> bool:
    top = " ".join(start.texts[:40])
    return re.search(r"<graph\b[^>]*\bXGMML\b", top) is not None


def _is_gml(start: Preview) -> bool:
    top = "\n".join(start.texts[:40])
    return re.match(r"(\s*(Creator|Version|comment|label|directed)\b[^\n\[]*\n)*\s*graph\s*\[", top) is not None


def _is_json(start: Preview) -> bool:
    top = "\n".join(start.texts).lstrip()
    if re.match(r"\[\s*\{", top):
        is_edge = all(f'"{end}"' in top[: top.find("}")] for end in ("source", "target"))
        return is_edge or re.search(r'"data"\s*:\s*\{\s*"(id|source)"\s*:', top) is not None
    if not top.startswith("{") or '"graphs"' in top[:1000]:
        return False
    if all('"source"' in text and '"target"' in text and text.strip()[-1:] == "}" for text in start.texts[:20]):
        return True
    return re.search(r'"elements"\s*:\s*[\[{]|"nodes"\s*:\s*\[\s*\{', top) is not None


def _is_adjacency_list(start: Preview) -> bool:
    is_dated = any(re.match(r"# ?GMT \w{3} \w{3} ", text) for _, text in start.comments[:3])
    return start.path.name.casefold().removesuffix(".gz").endswith(".adjlist") or (
        is_dated and not _is_edge_list(start) and any(len(text.split()) > 2 for text in start.texts)
    )


def _is_edge_list(start: Preview) -> bool:
    rows = [re.fullmatch(r"\S+\s+\S+\s+\{.*\}", text.strip()) is not None for text in start.texts]
    return all(rows)


def _both(
    name: str, title: str, sniff: Callable[[Preview], bool], parse: Callable[[Path], Network]
) -> tuple[Format, ...]:
    """Return the formats of interactions and of regulation; a network is told to be the former."""
    takes = {"interactions": ("sif_types", "id"), "regulation": ("sif_types",)}
    return for_families(name, title, sniff, partial(read_network, parse=parse), takes, __doc__)


_read_adjacency_list = partial(_read_list, parse="parse_adjlist", title="adjacency list")
_read_edge_list = partial(_read_list, parse="parse_edgelist", title="edge list of networkx")
SURE = (
    *_both("graphml", "GraphML", _is_graphml, _read_graphml),
    *_both("xgmml", "XGMML", _is_xgmml, _read_xgmml),
    *_both("gml", "GML", _is_gml, _read_gml),
    *_both("cx2", "a network in CX2 or CX", partial(is_cx, with_members=False), read_cx),
    *_both("graph-json", "a network in JSON (Cytoscape, node-link)", _is_json, _read_json),
    _both("adjlist", "an adjacency list of networkx", _is_adjacency_list, _read_adjacency_list)[0],
    *_both("edgelist", "an edge list of networkx with attributes", _is_edge_list, _read_edge_list),
)
