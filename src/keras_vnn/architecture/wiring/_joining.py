"""Architectures are put together: several of the same genes side by side, and what is measured of genes below them.

In: `Architecture` values; which feature (SNP, peak, protein, probe) is of which gene. Out: one whose layers hold
those of all; or one whose inputs are the features, and whose first hidden layer are the genes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

import numpy as np
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import WiringError, sample
from keras_vnn.basics.provenance import Audit, AuditEntry
from keras_vnn.priors import Annotations

# Nodes of the layout are of every family.
_LAYOUT = ("unannotated", "passthrough")


def join_architectures(*architectures: Architecture) -> Architecture:
    """Join architectures of the same genes into one, such as one of interactions and one of an ontology.

    Each keeps its nodes and its edges: layers stand side by side, from the genes up, genes feed nodes of all, and no
    node of one reads a node of another. Heads read all. Nodes of different architectures with the same genes stay
    apart.

    Parameters
    ----------
    *architectures
        With the same genes in the same order, and different ids of hidden nodes.

    Returns
    -------
    Architecture
        As many layers as the largest has, each with the nodes in the order of the arguments and all dense units. Its
        audit says which kinds of node an entry is about; ``parameters["parts"]`` are those of each.

    Raises
    ------
    WiringError
        There is no architecture, something else was given, the genes differ, or two have a node of the same id.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> genes = ["ATM", "MDM2", "TP53"]
    >>> ppi = vnn.wire.interactions(genes, vnn.read.Interactions.from_pairs(["ATM"], ["TP53"]), grouping="edge")
    >>> sets = vnn.wire.gene_sets(genes, {"feedback": ["MDM2", "TP53"]})
    >>> arch = vnn.wire.join(ppi, sets)
    >>> arch.layers[1].ids
    ('PPI:ATM~TP53', 'feedback')
    >>> print(arch.audit)
    wire   1 gene: for interactions, no interaction in the prior: not connected (MDM2)
    wire   1 gene: for gene sets, in no gene set: not connected (ATM)
    """
    if not architectures:
        raise WiringError("There is nothing to join: no architecture was given.\nPass some: vnn.wire.join(ppi, go)")
    for one in architectures:
        if not isinstance(one, Architecture):
            raise WiringError(
                f"Expected Architecture, got {type(one).__name__}.\nWire the prior first: vnn.wire.interactions(…)"
            )
    first, *others = architectures
    for other in others:
        _check_genes(first.genes, other.genes)
    if not others:
        return first
    _check_ids(architectures)
    pairs = sorted({pair for one in architectures for pair in one.connections})
    kept = {name: value for name, value in first.parameters.items() if name == "gene_column"}
    return Architecture(
        (first.layers[0], *map(_side_by_side, zip_longest(*(one.hidden_layers for one in architectures)))),
        {pair: _connection(architectures, *pair) for pair in pairs},
        tuple(dict.fromkeys(source for one in architectures for source in one.sources)),
        {"wiring": "join_architectures", "parts": [dict(one.parameters) for one in architectures], **kept},
        Audit(tuple(_entries(architectures))),
    )


def _check_genes(genes: Sequence[str], others: Sequence[str]) -> None:
    if genes == others:
        return
    apart = sorted({*genes} ^ {*others})
    what = f"{len(apart):,} genes are in one of them only: {sample(apart)}" if apart else "they are in different orders"
    raise WiringError(
        f"Architectures of different genes cannot be joined: {what}.\n"
        "Wire both for one list: genes = vnn.read.gene_list(…)"
    )


def _check_ids(architectures: Sequence[Architecture]) -> None:
    counts = Counter(id for one in architectures for layer in one.hidden_layers for id in layer.ids)
    repeated = sorted(id for id, count in counts.items() if count > 1)
    if repeated:
        raise WiringError(
            f"{len(repeated):,} of {len(counts):,} nodes have the id of a node of another family: {sample(repeated)}.\n"
            "Give those of one of the priors other names, for example with a prefix."
        )


def _side_by_side(layers: Sequence[Layer | None]) -> Layer:
    present = [layer for layer in layers if layer is not None]
    return Layer(
        " and ".join(dict.fromkeys(layer.name for layer in present)),
        tuple(node for layer in present for node in layer),
        sum(layer.dense_units for layer in present),
    )


def _connection(architectures: Sequence[Architecture], source: int, target: int) -> sparse.csr_array:
    """Return which nodes of all feed which: genes are shared, other nodes are of one architecture each."""
    blocks = []
    for one in architectures:
        rows, columns = (len(one.layers[n]) if n < len(one.layers) else 0 for n in (source, target))
        blocks.append(one.connections.get((source, target), sparse.csr_array((rows, columns), dtype=bool)))
    return sparse.csr_array(sparse.block_diag(blocks) if source else sparse.hstack(blocks))


def _entries(architectures: Sequence[Architecture]) -> Iterator[AuditEntry]:
    """Yield what the audits say, with the kinds of node it is about; once what all of them say, as of the genes."""
    shared = [entry for entry in architectures[0].audit if all(entry in one.audit for one in architectures)]
    yield from shared
    for one in architectures:
        kinds = dict.fromkeys(p.node.kind for p in one.nodes() if p.layer and p.node.kind not in _LAYOUT)
        for entry in one.audit:
            if entry not in shared:
                yield replace(entry, reason=f"for {' and '.join(f'{kind}s' for kind in kinds)}, {entry.reason}")


Blocks = Mapping[str, Annotations | None]


def architecture_on_features(
    arch: Architecture, features: Annotations | Blocks, *, inputs: Collection[str] | None = None
) -> Architecture:
    """Return a network whose inputs are features of the genes of another, such as SNPs, peaks or proteins.

    Features feed their genes, which are the first hidden layer, and genes feed what they fed before. A feature may have
    several genes. Dense units, which have no name, read all features.

    Parameters
    ----------
    arch
        A network of genes.
    features
        Pairs of a feature and its gene, as `read.annotations` reads them from a table of two columns (the gene stands
        where terms do). Or several kinds by name, ``{"peaks": pairs, "rna": None}``: inputs are then called
        ``peaks:chr1:10-500`` and ``rna:TP53``, as `pp.modalities` calls the columns of data; ``None`` is a value of
        every gene itself.
    inputs
        Names of the features that were measured, as inputs are called; others are left out. All, if ``None``.

    Raises
    ------
    WiringError
        No feature is left, genes are without any, or a feature is called as a gene is.

    References
    ----------
    SNPs to genes to pathways: van Hilten et al. 2021, Communications Biology 4:1094, doi:10.1038/s42003-021-02622-z.

    Examples
    --------
    >>> import keras_vnn as vnn
    >>> pathways = vnn.wire.gene_sets(["ATM", "TP53"], {"repair": ["ATM", "TP53"]})
    >>> snps = vnn.read.Annotations.from_pairs(["rs1", "rs2", "rs3"], ["ATM", "ATM", "TP53"])
    >>> print(vnn.wire.on_features(pathways, snps))
    <Architecture 3 → 2 → 1 nodes, 5 edges, 91f094d38fd0>
    >>> vnn.wire.on_features(pathways, {"snps": snps, "rna": None}).genes
    ('snps:rs1', 'snps:rs2', 'snps:rs3', 'rna:ATM', 'rna:TP53')
    """
    blocks: Blocks = {"": features} if isinstance(features, Annotations) else features
    measured = None if inputs is None else set(inputs)
    nodes: list[Node] = []
    parts, entries = [], list(arch.audit.entries)
    for block, pairs in blocks.items():
        names, matrix = _matrix(arch, pairs)
        ids = [f"{block}:{name}" if block else name for name in names]
        feeds = np.diff(matrix.indptr) > 0
        is_measured = np.array([measured is None or id in measured for id in ids], bool)
        entries += _dropped(ids, ~feeds, "of no gene of the network")
        entries += _dropped(ids, feeds & ~is_measured, "not among the inputs")
        kept = np.flatnonzero(feeds & is_measured)
        nodes += [Node(ids[i], names[i], "feature", attributes={"block": block} if block else {}) for i in kept]
        parts.append(matrix[kept])
    _check(arch, nodes, parts)
    genes = Layer("genes", tuple(arch.layers[0]), arch.layers[0].dense_units)
    connections = {(source + 1, target + 1): matrix for (source, target), matrix in arch.connections.items()}
    connections[0, 1] = sparse.csr_array(sparse.vstack(parts))
    sources = [source for pairs in blocks.values() if pairs is not None for source in pairs.sources]
    return Architecture(
        (Layer("features", tuple(nodes)), genes, *arch.hidden_layers),
        connections,
        tuple(dict.fromkeys([*arch.sources, *sources])),
        {"wiring": "architecture_on_features", "blocks": list(blocks), "of_genes": dict(arch.parameters)},
        type(arch.audit)(tuple(entries)),
    )


def _matrix(arch: Architecture, pairs: Annotations | None) -> tuple[tuple[str, ...], sparse.csr_array]:
    """Return the features of a block, and which of them feeds which gene of the network."""
    if pairs is None:
        return arch.genes, sparse.csr_array(sparse.eye_array(len(arch.genes), dtype=bool))
    place = arch.layers[0].positions
    of_term = np.array([place.get(term, -1) for term in pairs.terms], np.int64)
    feature, gene = pairs.pairs[:, 0], of_term[pairs.pairs[:, 1]]
    known = gene >= 0
    entries = (np.ones(int(known.sum()), bool), (feature[known], gene[known]))
    return pairs.genes, sparse.csr_array(entries, shape=(len(pairs.genes), len(arch.genes)))


def _dropped(ids: list[str], is_dropped: np.ndarray, why: str) -> Iterator[AuditEntry]:
    if is_dropped.any():
        yield AuditEntry.of("wire", "feature", f"{why}: left out", [ids[i] for i in np.flatnonzero(is_dropped)])


def _check(arch: Architecture, nodes: list[Node], parts: list[sparse.csr_array]) -> None:
    """Raise unless every gene has a feature, called otherwise."""
    if not nodes:
        raise WiringError(
            "No feature is of a gene of the network and among the inputs.\n"
            f"The genes are called {sample(arch.genes)}: are those of the features?"
        )
    alike = sorted({node.id for node in nodes} & {node.id for layer in arch.layers for node in layer})
    if alike:
        raise WiringError(
            f"{len(alike):,} of {len(nodes):,} features are called as nodes of the network are: {sample(alike)}.\n"
            'Name their kind, which their names then begin with: {"protein": features}'
        )
    without = np.flatnonzero(sum(part.sum(axis=0) for part in parts) == 0)
    if len(without):
        raise WiringError(
            f"{len(without):,} of {len(arch.genes):,} genes of the network have no feature: "
            f"{sample([arch.genes[i] for i in without])}.\n"
            "Wire it for those that have one, for example features.terms, and lay the features below that."
        )
