"""Make the simulated files of `data/` again, from the other files there and a seed.

In: expression, ontology and annotations of the bundled data. Out: `simulated_survival.csv`, for the recipe
`cox-pathway`. `data/SOURCES.md` says what each file is; a test compares them.
"""

from __future__ import annotations

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


if __name__ == "__main__":
    (DATA / "simulated_survival.csv").write_text(
        simulated_survival().to_csv(lineterminator="\n"), encoding="utf-8", newline="\n"
    )
