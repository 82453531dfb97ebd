"""Make the simulated files of `data/` again, from the other files there and a seed.

In: expression, ontology and annotations of the bundled data. Out: `simulated_survival.csv`, for `cox-pathway`;
`simulated_genotypes.csv.gz`, `simulated_individuals.csv` and `simulated_topology.csv`, for `gennet-snp`;
`simulated_counts.csv.gz`, `simulated_batches.csv` and `simulated_programs.gmt`, for `expimap`.
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


CELLS, COUNTED, PROGRAMS, SIZE, TYPES, BATCHES = 1200, 200, 12, 15, 4, 3
# Programs that some cells have: of types 0 to 3, and one of any cell, which no set names.
ACTIVE, UNNAMED = range(TYPES), PROGRAMS
# Of the logarithms of shares: genes, what a batch does to genes; dispersion; of library sizes, mean and spread.
LEVELS, SHIFTS, DISPERSION, LIBRARY = 1.0, 0.7, 3.0, (7.0, 0.5)


def simulated_counts() -> dict[str, str]:
    """Return counts, type, batch and programs of cells, and the programs as gene sets."""
    random = np.random.default_rng(SEED)
    # The last genes are in no program: more of one is then not less of all others.
    members = np.array([random.choice(COUNTED - 40, SIZE, replace=False) for _ in range(PROGRAMS + 1)])
    weights = np.zeros((PROGRAMS + 1, COUNTED))
    np.put_along_axis(weights, members, random.uniform(0.4, 1, members.shape), axis=1)
    types, batches = random.integers(0, TYPES, CELLS), random.integers(0, BATCHES, CELLS)
    activity = np.zeros((CELLS, PROGRAMS + 1))
    activity[np.arange(CELLS), types] = 2
    activity[:, [*ACTIVE, UNNAMED]] += random.gamma(1, 0.5, (CELLS, TYPES + 1))
    shifts = random.normal(0, SHIFTS, (BATCHES, COUNTED))
    shares = np.exp(random.normal(0, LEVELS, COUNTED) + activity @ weights + shifts[batches])
    means = shares / shares.sum(axis=1, keepdims=True) * random.lognormal(*LIBRARY, (CELLS, 1))
    counts = random.negative_binomial(DISPERSION, DISPERSION / (DISPERSION + means))
    cells = pd.Index([f"cell{i}" for i in range(CELLS)], name="cell")
    genes = [f"GENE{i}" for i in range(COUNTED)]
    known = {f"program {i}": activity[:, i] for i in ACTIVE} | {"unnamed program": activity[:, UNNAMED]}
    table = pd.DataFrame({name: values.round(3) for name, values in known.items()}, index=cells)
    table.insert(0, "type", [f"type {i}" for i in types])
    table.insert(1, "batch", [f"batch {i}" for i in batches])
    sets = [[f"program {i}", "simulated", *(genes[j] for j in np.sort(members[i]))] for i in range(PROGRAMS)]
    return {
        "simulated_counts.csv.gz": pd.DataFrame(counts, index=cells, columns=genes).to_csv(lineterminator="\n"),
        "simulated_batches.csv": table.to_csv(lineterminator="\n"),
        "simulated_programs.gmt": "".join("\t".join(row) + "\n" for row in sets),
    }


def write() -> None:
    """Write all files."""
    tables = {"simulated_survival.csv": simulated_survival(), **simulated_genotypes()}
    texts = {name: table.to_csv(lineterminator="\n") for name, table in tables.items()}
    for name, text in {**texts, **simulated_counts()}.items():
        data = text.encode()
        (DATA / name).write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)


if __name__ == "__main__":
    write()
