"""GenNet: ``topology.csv``, a row per path from an input through named nodes, layer by layer.

In: such a file. Out: an `Ontology` of the nodes of layer 1 and beyond, and the `Annotations` of those of layer 0.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

from keras_vnn.basics.errors import ReadError
from keras_vnn.basics.files import read_lines
from keras_vnn.basics.provenance import Source
from keras_vnn.priors import Annotations, Ontology
from keras_vnn.readers.columns import split
from keras_vnn.readers.formats import Format
from keras_vnn.readers.text import Preview, at

__all__ = ["GENNET", "read_gennet"]

_NAME = re.compile(r"layer(\d+)_name")


def looks_like_gennet(start: Preview) -> bool:
    """Say whether the header names ``layer0_node``."""
    return "layer0_node" in start.texts[0]


def read_gennet(start: Preview) -> tuple[Ontology, Annotations]:
    """Read a GenNet topology. An edge that many paths share is one edge; the output node is not in the file.

    Nodes are called by name. A name that stands in several layers belongs to a node in each; then the id of those
    above layer 0 is the name behind the number of the layer, ``layer 1: APOE``.

    Raises
    ------
    ReadError
        A column of names is missing, a row is short, or one node of a layer has two names.
    """
    path = start.path
    lines = read_lines(path)
    header_line = start.lines[0][0]
    header = list(split(lines[header_line - 1], ",", quoted=True))
    places: dict[int, tuple[int, int]] = {}
    for column, word in enumerate(header):
        found = _NAME.fullmatch(word)
        if found and f"layer{found[1]}_node" in header:
            places[int(found[1])] = (header.index(f"layer{found[1]}_node"), column)
    depth = len(places)
    if depth < 2 or set(places) != set(range(depth)):
        raise ReadError(
            f"Expected columns layer0_node, layer0_name, layer1_node, layer1_name, …: {at(path, header_line)}"
        )
    name_of: dict[tuple[int, str], str] = {}
    paths: list[tuple[int, list[tuple[int, str]]]] = []
    for number, text in enumerate(lines[header_line:], header_line + 1):
        if not text.strip():
            continue
        fields = list(split(text, ",", quoted=True))
        if len(fields) != len(header):
            raise ReadError(f"The row has {len(fields)} columns, expected {len(header)}: {at(path, number)}")
        nodes = []
        for layer in range(depth):
            node, name = (fields[column] for column in places[layer])
            if not node or not name:
                raise ReadError(f"The node of layer {layer} has no number or no name: {at(path, number)}")
            if name_of.setdefault((layer, node), name) != name:
                known = name_of[layer, node]
                raise ReadError(
                    f"Node {node} of layer {layer} is called {name}, before it was {known}: {at(path, number)}"
                )
            nodes.append((layer, name))
        paths.append((number, nodes))
    if not paths:
        raise ReadError(f"The file has a header and no rows: {path}\nIs it truncated?")
    layers_of = Counter(name for _, name in {(layer, name) for (layer, _), name in name_of.items()})

    def id_of(layer: int, name: str) -> str:
        return f"layer {layer}: {name}" if layers_of[name] > 1 else name

    source = Source.of_file(path, "GenNet topology", records=len(paths))
    # Paths repeat their upper part once for every input below; that is no fault of the file to be counted.
    edges = sorted({(id_of(*a), id_of(*b)) for _, nodes in paths for a, b in pairwise(nodes[1:])})
    members: dict[tuple[str, str], int] = {}
    for number, nodes in paths:
        members.setdefault((nodes[0][1], id_of(*nodes[1])), number)
    ontology = Ontology.from_edges(
        [child for child, _ in edges],
        [parent for _, parent in edges],
        terms=sorted({id_of(*node) for _, nodes in paths for node in nodes[1:]}),
        names={id_of(layer, name): name for (layer, _), name in name_of.items() if layer},
        sources=(source,),
    )
    annotations = Annotations.from_pairs(
        [gene for gene, _ in members],
        [term for _, term in members],
        line=list(members.values()),
        sources=(source,),
    )
    return ontology, annotations


GENNET = Format("gennet", "GenNet topology.csv: layer0_node,layer0_name,…", looks_like_gennet, read_gennet)
