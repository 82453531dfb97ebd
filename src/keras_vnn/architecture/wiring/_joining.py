"""Architectures of the same genes, such as one for each family of priors, become one.

In: `Architecture` values. Out: one whose layers hold those of all side by side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest

from scipy import sparse

from keras_vnn.architecture import Architecture, Layer
from keras_vnn.basics.errors import WiringError, counted, sample
from keras_vnn.basics.provenance import Audit, AuditEntry

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
    what = (
        f"{counted(len(apart), 'gene is', 'genes are')} in one of them only: {sample(apart)}"
        if apart
        else "they are in different orders"
    )
    raise WiringError(
        f"Architectures of different genes cannot be joined: {what}.\n"
        "Wire both for one list: genes = vnn.read.gene_list(…)"
    )


def _check_ids(architectures: Sequence[Architecture]) -> None:
    counts = Counter(id for one in architectures for layer in one.hidden_layers for id in layer.ids)
    repeated = sorted(id for id, count in counts.items() if count > 1)
    if repeated:
        raise WiringError(
            f"{len(repeated):,} of {counted(len(counts), 'node')} have the id of a node of another family: "
            f"{sample(repeated)}.\n"
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
