"""Edges outside an architecture: which are near, by plain counting; decoys of its edges."""

import numpy as np
import pytest
from scipy import sparse

from keras_vnn import VNNError
from keras_vnn.architecture import Architecture, Layer, Node, candidate_edges, decoy_edges


def layered() -> Architecture:
    """Twelve genes in four sets, and a node above two of them."""
    sets = {"P": "ABCD", "Q": "CDEF", "R": "FGH", "S": "IJ"}
    genes = Layer("genes", tuple(Node(name, kind="gene") for name in "ABCDEFGHIJKL"))
    reads = np.array([[gene in members for members in sets.values()] for gene in genes.ids])
    lower, upper = Layer("sets", tuple(Node(name) for name in sets)), Layer("root", (Node("ROOT"),))
    connections = {(0, 1): sparse.csr_array(reads), (1, 2): sparse.csr_array(np.array([[1], [1], [0], [0]]))}
    return Architecture((genes, lower, upper), connections)


def pairs(arch, found):
    return {
        (arch.genes[row], arch.layers[number].ids[column])
        for number, matrix in found.items()
        for row, column in zip(*matrix.nonzero(), strict=True)
    }


def by_counting(arch, near):
    """The same by loops: genes that share a node with those of the node, each such node by one over its size."""
    direct = {
        node: {g for g, has in zip(arch.genes, arch.adjacency(0, 1).toarray()[:, place] > 0, strict=True) if has}
        for place, node in enumerate(arch.layers[1].ids)
    }
    upstream = {**direct, "ROOT": direct["P"] | direct["Q"]}
    found = set()
    for node, own in upstream.items():
        scores = {
            gene: sum(len(members & own) / len(members) for members in direct.values() if gene in members)
            for gene in arch.genes
            if gene not in own
        }
        best = sorted((gene for gene in scores if scores[gene] > 0), key=lambda gene: (-scores[gene], gene))
        found |= {(gene, node) for gene in best[:near]}
    return found


@pytest.mark.parametrize("near", [1, 2, 50])
@pytest.mark.parametrize("block", [1, 64])
def test_near_genes_are_those_that_counting_finds(near, block):
    arch = layered()
    found = pairs(arch, candidate_edges(arch, near=near, block=block))
    assert found == by_counting(arch, near)
    assert {("E", "P"), ("F", "P")} & found, "C and D, of P, share Q with E and F"
    assert not any(gene in "KL" for gene, _ in found), "genes that feed nothing are near nothing"


def test_all_genes_are_all_that_are_not_upstream():
    arch = layered()
    found = pairs(arch, candidate_edges(arch, nodes={"ROOT", "S"}))
    assert found == {(g, "ROOT") for g in "GHIJKL"} | {(g, "S") for g in "ABCDEFGHKL"}


def test_too_many_are_refused():
    with pytest.raises(VNNError, match="All genes of 5 nodes are 60 candidate edges, expected at most 59"):
        candidate_edges(layered(), most=59)


def test_decoys_are_as_many_as_edges_and_none_of_them():
    arch = layered()
    found = decoy_edges(arch)
    assert set(found) == {1}
    own = arch.adjacency(0, 1).toarray() > 0
    assert not (found[1].toarray() & own).any()
    # S reads two genes; the decoys of P are of E, F, G, H, I, J, those that feed something.
    assert found[1].sum(axis=0).tolist() == own.sum(axis=0).tolist()
    assert not found[1].toarray()[-2:].any()
    assert (found[1] != decoy_edges(layered())[1]).nnz == 0, "the same for the same architecture"
