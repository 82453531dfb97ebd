"""The first layer that Lin et al. (2017) published, built on the command line from a group file of its shape."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from keras_vnn.architecture import load_architecture
from keras_vnn.models import build_model

GENES, GROUPS, REPEATED = 9_437, 696, 73
CONNECTIONS, DISTINCT_CONNECTIONS = 56_549, 49_836
DENSE_UNITS, OUTPUTS = 100, 17


def _sizes(rng: np.random.Generator, groups: int, connections: int) -> np.ndarray:
    """Return sizes of groups that sum up to the connections, from 11 genes, the smallest of the paper, to hundreds."""
    return 11 + rng.multinomial(connections - 11 * groups, rng.dirichlet(np.ones(groups)))


@pytest.fixture
def groups(tmp_path: Path) -> dict[str, frozenset[str]]:
    """Write the gene list and the group file; return the groups."""
    rng = np.random.default_rng(2017)
    genes = np.array([f"Gene{i}" for i in range(GENES)])
    repeated = CONNECTIONS - DISTINCT_CONNECTIONS
    sizes = _sizes(rng, REPEATED, repeated), _sizes(rng, GROUPS - 2 * REPEATED, DISTINCT_CONNECTIONS - repeated)
    sets = [frozenset(rng.choice(genes, size, replace=False).tolist()) for size in np.concatenate(sizes)]
    sets += sets[:REPEATED]
    named = {f"{'ppi' if i % 2 else 'tf'}{i}": sets[i] for i in rng.permutation(GROUPS)}
    (tmp_path / "genes.txt").write_text("\n".join(genes) + "\n", encoding="utf-8")
    lines = ["\t".join([name, *sorted(members)]) for name, members in named.items()]
    (tmp_path / "groups.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return named


@pytest.mark.parametrize(
    ("options", "nodes", "connections", "parameters"),
    [
        (["--redundancy", "none"], 696, 56_549, 1_014_594),
        ([], 623, 49_836, 1_006_567),
    ],
)
def test_published_counts(
    groups: dict[str, frozenset[str]],
    vnn: Callable,
    tmp_path: Path,
    options: list[str],
    nodes: int,
    connections: int,
    parameters: int,
) -> None:
    kept = list(groups.values()) if options else list(set(groups.values()))
    assert (len(kept), sum(map(len, kept))) == (nodes, connections)
    genes, file, out = (tmp_path / name for name in ("genes.txt", "groups.txt", "lin.vnn"))
    built = vnn(
        "build", "--genes", genes, "--gene-sets", file, "--dense-units", DENSE_UNITS, *options, "-o", out,
    )  # fmt: skip
    assert built.code == 0, built.err
    arch = load_architecture(out)
    adjacency = arch.adjacency(0, 1)
    assert (adjacency.shape, adjacency.nnz) == ((GENES, nodes), connections)
    columns, genes_of = adjacency.tocsc(), np.array(arch.genes)
    for column, node in enumerate(arch.hidden_layers[0].nodes):
        rows = columns.indices[columns.indptr[column] : columns.indptr[column + 1]]
        assert frozenset(genes_of[rows].tolist()) == groups[node.id]
    # Sparse nodes, dense units and outputs, each with its bias.
    counted = connections + nodes + (GENES + 1) * DENSE_UNITS + (nodes + DENSE_UNITS + 1) * OUTPUTS
    assert counted == parameters
    model = build_model(arch, OUTPUTS, preset="lin2017")
    assert model.count_params() == parameters
