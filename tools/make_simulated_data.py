"""Make the simulated files of `data/` again, from the other files there and a seed.

In: expression, ontology and annotations of the bundled data. Out: `simulated_survival.csv`, for `cox-pathway`;
`simulated_genotypes.csv.gz`, `simulated_individuals.csv` and `simulated_topology.csv`, for `gennet-snp`.
`data/SOURCES.md` says what each file is; a test compares them.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd

import keras_vnn as vnn
from keras_vnn.architecture import genes_upstream

DATA = Path(__file__).resolve().parents[1] / "data"
SEED = 13

# The log hazard per standard deviation of the mean z-score of the genes of a process.
PLANTED = {"GO:0006986": 1.0, "GO:0070126": -0.7}
# Weibull: half of the cells have the event by then; follow-up ends at random, and times are whole weeks.
MEDIAN, SHAPE, LONGEST = 100.0, 1.3, 250.0


def simulated_survival(seed: int = SEED) -> pd.DataFrame:
    """Return the follow-up of the cells of the bundled expression: weeks, event."""
    read = vnn.read
    expression = DATA / "kang_ifnb_cd4t_expression.csv.gz"
    annotations = read.annotations(DATA / "goa_human_demo.gaf.gz", exclude_evidence={"IEA", "ND"})
    ontology = read.ontology(DATA / "go-basic.obo.gz")
    arch = vnn.wire.ontology(
        read.genes(expression), ontology, annotations, namespace="biological_process", min_genes=10, root="one"
    )
    cells = read.expression(expression)
    values = pd.DataFrame(vnn.pp.align(cells, arch)).astype(np.float64)
    z = ((values - values.mean()) / values.std(ddof=0)).fillna(0.0).to_numpy()
    nodes = [node.id for layer in arch.hidden_layers for node in layer]
    upstream = genes_upstream(arch)[:, [nodes.index(term) for term in PLANTED]].toarray()
    scores = z @ (upstream / upstream.sum(axis=0))
    log_hazard = (scores / scores.std(axis=0)) @ np.array(list(PLANTED.values()))
    random = np.random.default_rng(seed)
    exponential = random.exponential(size=len(z)) / (np.log(2) * np.exp(log_hazard))
    to_event = MEDIAN * exponential ** (1 / SHAPE)
    to_end = random.uniform(0, LONGEST, len(z))
    return pd.DataFrame(
        {
            "weeks": np.ceil(np.minimum(to_event, to_end)).astype(int),
            "event": (to_event <= to_end).astype(int),
        },
        index=pd.Index(cells.obs_names, name="cell"),
    )


INDIVIDUALS, SNPS, GENES, PATHWAYS = 2000, 300, 90, 10
# The pathway whose SNPs, two thirds of them, make the trait, and how much of its variance they explain.
PLANTED_PATHWAY, HERITABILITY = 3, 0.7


def simulated_genotypes() -> dict[str, pd.DataFrame]:
    """Return genotypes, the trait of individuals, and SNPs, genes and pathways as GenNet's topology has them."""
    random = np.random.default_rng(SEED)
    of_gene = np.sort(random.integers(0, GENES, SNPS))
    of_pathway = random.permutation(GENES) % PATHWAYS
    frequency = random.uniform(0.05, 0.5, SNPS)
    counts = random.binomial(2, frequency, (INDIVIDUALS, SNPS))
    causal = (of_pathway[of_gene] == PLANTED_PATHWAY) & (random.random(SNPS) < 2 / 3)
    effects = np.where(causal, random.normal(size=SNPS), 0.0)
    genetic = (counts - 2 * frequency) / np.sqrt(2 * frequency * (1 - frequency)) @ effects
    liability = genetic / genetic.std() * np.sqrt(HERITABILITY)
    liability += random.normal(0, np.sqrt(1 - HERITABILITY), INDIVIDUALS)
    people = pd.Index([f"person{i}" for i in range(INDIVIDUALS)], name="individual")
    snps = [f"rs{i}" for i in range(SNPS)]
    trait = np.where(liability > np.median(liability), "case", "control")
    topology = {
        "layer0_node": range(SNPS),
        "layer0_name": snps,
        "layer1_node": of_gene,
        "layer1_name": [f"GENE{i}" for i in of_gene],
        "layer2_node": of_pathway[of_gene],
        "layer2_name": [f"pathway {i}" for i in of_pathway[of_gene]],
    }
    return {
        "simulated_genotypes.csv.gz": pd.DataFrame(counts, index=people, columns=snps),
        "simulated_individuals.csv": pd.DataFrame({"trait": trait}, index=people),
        "simulated_topology.csv": pd.DataFrame(topology).set_index("layer0_node"),
    }


def write() -> None:
    """Write all files."""
    for name, table in {"simulated_survival.csv": simulated_survival(), **simulated_genotypes()}.items():
        text = table.to_csv(lineterminator="\n").encode()
        (DATA / name).write_bytes(gzip.compress(text, mtime=0) if name.endswith(".gz") else text)


if __name__ == "__main__":
    write()
