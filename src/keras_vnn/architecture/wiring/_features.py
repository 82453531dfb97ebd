"""Below the genes of a network what is measured of them: SNPs, peaks, proteins, probes; of several kinds at once.

In: an `Architecture` of genes, and which feature is of which gene. Out: one whose inputs are the features, and whose
first hidden layer are the genes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
from scipy import sparse

from keras_vnn.architecture import Architecture, Layer, Node
from keras_vnn.basics.errors import WiringError, counted, sample
from keras_vnn.basics.provenance import AuditEntry
from keras_vnn.priors import Annotations

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
            f"{len(alike):,} of {counted(len(nodes), 'feature')} are called as nodes of the network are: "
            f"{sample(alike)}.\n"
            'Name their kind, which their names then begin with: {"protein": features}'
        )
    without = np.flatnonzero(sum(part.sum(axis=0) for part in parts) == 0)
    if len(without):
        raise WiringError(
            f"{len(without):,} of {counted(len(arch.genes), 'gene')} of the network have no feature: "
            f"{sample([arch.genes[i] for i in without])}.\n"
            "Wire it for those that have one, for example features.terms, and lay the features below that."
        )
