"""Hierarchies that name their genes, as other visible networks have them: DCell, DrugCell, KPNN, GenNet, CX2.

In: DCell's topology, three lines a term; DrugCell's and SparseGO's three columns, ``parent child default`` between
terms and ``term gene gene`` for members; KPNN's edges ``parent,child`` from the outputs down to genes; GenNet's
``topology.csv``, a row per path from an input through named nodes; CX2 and CX with a hierarchy of systems (HCX, as NeST
and CDAPS write it), whose members are in ``CD_MemberList``. Out: an `Ontology` and its `Annotations`.

### DCell
`read.hierarchy`: `TERMS:` may be empty.

```text topology
ROOT: GO:0006281 3
GENES: YKL067W YMR106C
TERMS: GO:0006298
ROOT: GO:0006298 1
GENES: YOL090W
TERMS:
```

### CX2 (HCX, as NeST and CDAPS write it)
`read.hierarchy`

```text hierarchy.cx2
[{"CXVersion": "2.0", "hasFragments": false},
 {"nodes": [{"id": 0, "x": 0, "y": 0, "v": {"name": "root", "CD_MemberList": "TP53 ATM"}},
            {"id": 1, "x": 0, "y": 0, "v": {"name": "repair", "CD_MemberList": "ATM"}}]},
 {"edges": [{"id": 0, "s": 0, "t": 1}]},
 {"status": [{"success": true}]}]
```

### GenNet
`read.hierarchy`

```text topology.csv
layer0_node,layer0_name,layer1_node,layer1_name,layer2_node,layer2_name
0,rs429358,0,APOE,0,lipid transport
1,rs7412,0,APOE,0,lipid transport
2,rs6511720,1,LDLR,0,lipid transport
```

### KPNN
`read.hierarchy`: what is never a parent is a gene.

```text kpnn_edges.csv
parent,child
TCR,ZAP70
ZAP70,LCK_gene
ZAP70,LAT_gene
TCR,FOS_gene
```

### DrugCell and SparseGO
`read.hierarchy`

```text drugcell_ont.txt
GO:0045834	GO:0045923	default
GO:0045834	GO:0043552	default
GO:0045923	AKT1	gene
GO:0043552	TP53	gene
```
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn

from keras_vnn.basics.errors import ReadError, counted
from keras_vnn.basics.files import read_lines
from keras_vnn.basics.provenance import Audit, AuditEntry, Source
from keras_vnn.priors import Annotations, Ontology
from keras_vnn.priors._columns import columns_of
from keras_vnn.readers.formats import Format
from keras_vnn.readers.formats.graphs import CX_MEMBERS, checked, is_cx, read_cx
from keras_vnn.readers.layout import Columns, lay_out, split
from keras_vnn.readers.pairs import read_rows
from keras_vnn.readers.tabular import Fixed, Options, joined, pieces_of, read_fixed
from keras_vnn.readers.text import Preview, at, texts_at


def _hierarchy(
    source: Source,
    edges: Sequence[tuple[str, str]],
    members: Sequence[tuple[str, str, int]],
    terms: Iterable[str],
    names: Mapping[str, str] | None = None,
    audit: Audit | None = None,
) -> tuple[Ontology, Annotations]:
    """Return terms with their edges (child, parent), and members (gene, term, line)."""
    child, parent = columns_of(edges)
    gene, term, line = columns_of(members, 3)
    ontology = Ontology.from_edges(child, parent, terms=terms, names=names or {}, sources=(source,))
    return ontology, Annotations.from_pairs(gene, term, line=line, sources=(source,), audit=audit)


# ---- DCell ---------------------------------------------------------------------------------------------------


def read_dcell(start: Preview, _: Options) -> tuple[Ontology, Annotations]:
    """Read a DCell topology. Genes are those annotated directly; the number after the id counts descendants' too.

    Raises
    ------
    ReadError
        A line begins with none of the three words, one of the three is missing or comes before its ROOT, or a child
        has no ROOT of its own.
    """
    path = start.path
    edges: list[tuple[str, str]] = []
    members: list[tuple[str, str, int]] = []
    line_of: dict[str, int] = {}
    child_line: dict[str, int] = {}
    term, missing = "", set[str]()
    for number, text in enumerate(read_lines(path), 1):
        if not text.strip():
            continue
        word, rest = (*text.split(":", 1), "")[:2]
        values = rest.split()
        if word == "ROOT":
            if missing:
                raise ReadError(f"The term {term} has no {' and no '.join(sorted(missing))} line: {at(path, number)}")
            if not values:
                raise ReadError(f"The ROOT line names no term: {at(path, number)}")
            term, missing = values[0], {"GENES", "TERMS"}
            if term in line_of:
                raise ReadError(
                    f"The term {term} is described twice, first in line {line_of[term]}: {at(path, number)}"
                )
            line_of[term] = number
        elif word in missing:
            missing.remove(word)
            if word == "GENES":
                members += [(gene, term, number) for gene in values]
            else:
                edges += [(child, term) for child in values]
                child_line |= {child: number for child in values if child not in child_line}
        else:
            raise ReadError(f"Expected three lines a term, ROOT: then GENES: and TERMS:, got: {at(path, number)}")
    if missing:
        raise ReadError(
            f"The term {term} has no {' and no '.join(sorted(missing))} line: {path}\nIs the file truncated?"
        )
    absent = sorted(child_line.keys() - line_of.keys())
    if absent:
        raise ReadError(
            f"{absent[0]} is a child of a term but has no ROOT line: {at(path, child_line[absent[0]])}\n"
            "Is the file truncated?"
        )
    source = Source.of_file(path, "DCell topology", records=len(line_of))
    return _hierarchy(source, edges, members, line_of)


DCELL = Format("dcell", "a DCell topology", "hierarchy", read=read_dcell, marks=("ROOT:",), page=__doc__)

# ---- DrugCell and SparseGO -----------------------------------------------------------------------------------

_DRUGCELL = Fixed(
    "DrugCell row", {"parent": 0, "child": 1, "kind": 2}, fewest=3, most=3, required=("parent", "child", "kind")
)
_GENE, _TERM = "gene", "default"


def read_drugcell(start: Preview, _: Options) -> tuple[Ontology, Annotations]:
    """Read a DrugCell hierarchy. Its ``default`` relation is read as ``is_a``.

    Raises
    ------
    ReadError
        A row has other than three columns, the third is neither ``default`` nor ``gene``, or no row is one of them.
    """
    table = read_fixed(start, _DRUGCELL, "DrugCell hierarchy")
    edges, members = [], []
    for line, parent, child, kind in table.frame.astype(object).itertuples(name=None):
        if kind == _GENE:
            members.append((child, parent, line))
        elif kind == _TERM:
            edges.append((child, parent))
        else:
            raise ReadError(f"The third column is {kind!r}, expected 'default' or 'gene': {at(start.path, line)}")
    if not members:
        raise ReadError(
            f"No row assigns a gene to a term (third column 'gene'): {start.path}\nIs it cut short? Download it again."
        )
    return _hierarchy(table.source, edges, members, sorted(set(table.frame["parent"])))


DRUGCELL = Format(
    "drugcell",
    "a DrugCell or SparseGO hierarchy",
    "hierarchy",
    lambda start: all(len(row) == 3 and row[2] in (_GENE, _TERM) for row in start.fields),
    read_drugcell,
)

# ---- KPNN ----------------------------------------------------------------------------------------------------

_SUFFIX = "_gene"


def _is_kpnn(start: Preview) -> bool:
    return [word.strip().strip('"').casefold() for word in start.first.split(",")[:2]] == ["parent", "child"]


def read_kpnn(start: Preview, _: Options) -> tuple[Ontology, Annotations]:
    """Read a KPNN edge list. The suffix ``_gene`` is removed where every gene carries it.

    Raises
    ------
    ReadError
        A row lacks a name, or everything is a parent, so that no gene is left.
    """
    table = read_rows(lay_out(start, header=True), Columns(0, 1, chosen=True))
    rows = list(table.frame.astype(object).itertuples(name=None))
    parents = {parent for _, parent, _ in rows}
    genes = {child for *_, child in rows} - parents
    if not genes:
        raise ReadError(f"Every child is a parent as well, so there is no gene: {start.path}\nThe edges form a cycle.")
    suffixed = all(name.endswith(_SUFFIX) and len(name) > len(_SUFFIX) for name in genes)
    renamed = AuditEntry("read", "gene", f"suffix {_SUFFIX} removed", len(genes) if suffixed else 0)
    suffix = _SUFFIX if suffixed else ""
    return _hierarchy(
        Source.of_file(start.path, "KPNN edge list", records=table.records),
        [(child, parent) for _, parent, child in rows if child in parents],
        [(child.removesuffix(suffix), parent, line) for line, parent, child in rows if child in genes],
        sorted(parents),
        audit=Audit.of(renamed),
    )


KPNN = Format("kpnn", "a KPNN edge list (parent, child)", "hierarchy", _is_kpnn, read_kpnn)

# ---- GenNet --------------------------------------------------------------------------------------------------

_NAME = re.compile(r"layer(\d+)_name")


def read_gennet(start: Preview, _: Options) -> tuple[Ontology, Annotations]:
    """Read a GenNet topology. An edge that many paths share is one edge; the output node is not in the file.

    Nodes are called by name. A name of nodes in several layers belongs to a node in each; then the id of those above
    layer 0 is the name behind the number of the layer, ``layer 1: APOE``.

    Raises
    ------
    ReadError
        A column of names is missing, a row is short or long, or one node of a layer has two names.
    """
    layout = lay_out(start, delimiter=",", header=True)
    titles = layout.titles
    names = {int(found[1]): column for column, word in enumerate(titles) if (found := _NAME.fullmatch(word))}
    nodes = {layer: titles.index(f"layer{layer}_node") for layer in names if f"layer{layer}_node" in titles}
    depth = len(nodes)
    if depth < 2 or set(nodes) != set(range(depth)):
        raise ReadError(
            "Expected columns layer0_node, layer0_name, layer1_node, layer1_name, …: "
            f"{at(start.path, start.lines[0][0])}"
        )
    if not titles[0] or not titles[-1]:
        width = len([title for title in titles if title])
        raise ReadError(
            f"The row has {counted(layout.width, 'column')}, expected {width}: {at(start.path, layout.rows[0][0])}"
        )
    frame = joined(pieces_of(layout, [*nodes.values(), *(names[layer] for layer in nodes)]))

    def refuse(line: int, what: str) -> NoReturn:
        fields = split(next(text for _, text in texts_at(start.path, (line,))), ",", quoted=True)
        if len(fields) != len(titles):
            what = f"The row has {counted(len(fields), 'column')}, expected {len(titles)}"
        raise ReadError(f"{what}: {at(start.path, line)}")

    for line in frame.index[frame[layout.width] != ""]:
        refuse(line, "The row is too long")
    layers_of: Counter[str] = Counter()
    for layer in range(depth):
        columns = frame[[nodes[layer], names[layer]]].astype(object)
        for line in frame.index[(columns == "").any(axis=1)]:
            refuse(line, f"The node of layer {layer} has no number or no name")
        unique = columns.drop_duplicates()
        for line, node, name in unique[unique[nodes[layer]].duplicated()].itertuples(name=None):
            known = unique[names[layer]][unique[nodes[layer]] == node].iloc[0]
            refuse(line, f"Node {node} of layer {layer} is called {name}, before it was {known}")
        layers_of.update(set(unique[names[layer]]))

    def id_of(layer: int, name: str) -> str:
        return f"layer {layer}: {name}" if layers_of[name] > 1 else name

    ids = {layer: [id_of(layer, name) for name in frame[names[layer]]] for layer in range(1, depth)}
    # Paths repeat their upper part once for every input below; that is no fault of the file to be counted.
    edges = sorted({edge for layer in range(1, depth - 1) for edge in zip(ids[layer], ids[layer + 1], strict=True)})
    members: dict[tuple[str, str], int] = {}
    for line, gene, term in zip(frame.index, frame[names[0]], ids[1], strict=True):
        members.setdefault((gene, term), line)
    return _hierarchy(
        Source.of_file(start.path, "GenNet topology", records=len(frame)),
        edges,
        [(gene, term, line) for (gene, term), line in members.items()],
        sorted({id for layer in ids.values() for id in layer}),
        {id: name for layer in ids for id, name in zip(ids[layer], frame[names[layer]], strict=True)},
    )


GENNET = Format("gennet", "a GenNet topology", "hierarchy", lambda start: "layer0_node" in start.first, read_gennet)

# ---- CX2 -----------------------------------------------------------------------------------------------------


def read_cx2(start: Preview, _: Options) -> tuple[Ontology, Annotations]:
    """Read a hierarchy in CX2 or CX. A system's members are all its genes, those of systems inside it included.

    Edges lead from a system to those inside it. A system is called by what it represents where that is given and
    unique, else by its name, else by its number.

    Raises
    ------
    ReadError
        The file is not JSON, not CX, has no members, or an edge leads to a system that is not there.
    """
    path = start.path
    network = read_cx(path)
    nodes = network.nodes
    if not any(CX_MEMBERS in node for node in nodes.values()):
        raise ReadError(f"No node has {CX_MEMBERS}, the genes of a system: {path}\nIs it a hierarchy, not a network?")
    checked(network, path)
    ids = _unique_ids(nodes)
    members = []
    for number, node in nodes.items():
        listed = node.get(CX_MEMBERS) or ""
        genes = listed.split() if isinstance(listed, str) else map(str, listed)
        members += [(gene, ids[number], 0) for gene in genes]
    return _hierarchy(
        Source.of_file(path, f"{network.title} hierarchy", records=len(nodes)),
        [(ids[target], ids[source]) for source, target, _ in network.edges],
        members,
        ids.values(),
        {ids[number]: str(node["name"]) for number, node in nodes.items() if node.get("name")},
    )


def _unique_ids(nodes: Mapping[Any, Mapping[str, Any]]) -> dict[Any, str]:
    for attribute in ("represents", "name"):
        words = Counter(str(node.get(attribute) or "") for node in nodes.values())
        if "" not in words and max(words.values()) == 1:
            return {number: str(node[attribute]) for number, node in nodes.items()}
    return {number: f"system:{number}" for number in nodes}


CX2 = Format("cx2", "a hierarchy in CX2 or CX", "hierarchy", partial(is_cx, with_members=True), read_cx2)
