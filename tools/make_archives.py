"""Writes small files of every kind that a release can write, to be read by all later ones.

    python tools/make_archives.py

Run it once per release, before the version number moves on: it makes ``tests/archives/VERSION/`` and refuses to
change one that is there. `tests/test_archives.py` reads all of them. Beside the files stands ``expected.json``: the
fingerprints, names, edges, audit and weights that they must give, with cells and what the models predict for them.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

ARCHIVES = Path(__file__).parents[1] / "tests" / "archives"
GENES = [f"GENE{number}" for number in range(12)]
TERMS = {  # term: its parent, and the genes it is annotated with
    "GO:0000001": ("", []),
    "GO:0000002": ("GO:0000001", [0, 1]),
    "GO:0000003": ("GO:0000001", [8, 9, 10]),
    "GO:0000004": ("GO:0000002", [1, 2, 3]),
    "GO:0000005": ("GO:0000002", [3, 4, 5, 6]),
    "GO:0000006": ("GO:0000005", [5, 6, 7]),
}


def main() -> None:
    """Write the archive of the present version."""
    import keras_vnn as vnn

    folder = ARCHIVES / vnn.__version__
    if folder.exists():
        sys.exit(f"{folder} is there already: what a release has written does not change.")
    folder.mkdir(parents=True)
    write_archive(folder)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {size:,} bytes in {len(list(folder.iterdir()))} files")


def write_archive(folder: Path) -> None:
    """Write architectures, models, a training that was stopped, and what they must give."""
    import numpy as np
    import pandas as pd

    import keras_vnn as vnn

    random = np.random.default_rng(0)
    cells = pd.DataFrame(random.gamma(2.0, 1.0, (24, 12)).round(3), [f"cell{n}" for n in range(24)], GENES)
    cells.iloc[:12, 2:5] += 3
    types = pd.DataFrame({"type": ["T"] * 12 + ["B"] * 12}, index=cells.index)
    labels = vnn.pp.labels_of(types, "type")
    with tempfile.TemporaryDirectory() as inputs:
        architectures = {
            "interactions": _interaction_architecture(Path(inputs)),
            "ontology": _ontology_architecture(Path(inputs)),
        }
    expected: dict[str, Any] = {"cells": cells.to_dict("split"), "architectures": {}, "models": {}}
    for name, arch in architectures.items():
        arch.save(folder / f"{name}.vnn")
        expected["architectures"][f"{name}.vnn"] = architecture_facts(arch)
    kinds: dict[str, tuple[str, str | None, dict[str, Any]]] = {
        "feed-forward": ("interactions", None, {"tail": (3,), "dropout": 0.2}),
        "lin2017": ("interactions", "lin2017", {}),
        "hierarchical": ("ontology", "dcell-code", {"auxiliary_heads": "linear"}),
    }
    for name, (wiring, preset, options) in kinds.items():
        training = vnn.training_options(epochs=2, batch_size=8, normalization="zscore")
        stopped = folder / "stopped.unfinished" if name == "feed-forward" else None
        done = vnn.train(
            architectures[wiring], cells, labels, training=training, preset=preset, checkpoint=stopped, **options
        )
        vnn.tl.remember_inspection(done.model, cells, labels)
        vnn.save_model(done.model, folder / f"{name}.keras")
        expected["models"][f"{name}.keras"] = model_facts(done.model, cells)
    text = json.dumps(expected, indent=1)
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")


def architecture_facts(arch: Any) -> dict[str, Any]:
    """Return what a saved architecture must give."""
    sources = [[source.name, source.format, source.sha256, source.records] for source in arch.sources]
    return {
        "fingerprint": arch.fingerprint,
        "layers": [[[node.id, node.label, node.kind, node.units] for node in layer] for layer in arch.layers],
        "edges": sum(int(matrix.nnz) for matrix in arch.connections.values()),
        "sources": sources,
        "audit": arch.audit.to_json(),
    }


def model_facts(model: Any, cells: Any) -> dict[str, Any]:
    """Return what a saved model must give."""
    import keras_vnn as vnn

    predicted = vnn.tl.predict(model, cells)
    ranks = vnn.tl.rank_nodes(model, by=vnn.tl.view(model).card.metadata["inspection"]["method"])
    edges = vnn.tl.edge_weights(model)
    return {
        "fingerprint": vnn.tl.view(model).architecture.fingerprint,
        "outputs": [str(name) for name in predicted.columns],
        "predictions": predicted.to_numpy().tolist(),
        "ranks": {str(name): float(value) for name, value in ranks["importance"].items()},
        "weights": len(edges),
        "sum of weights": float(edges["weight"].abs().sum()),
        "label": vnn.tl.view(model).card.metadata["training"]["label"],
    }


def _interaction_architecture(folder: Path) -> Any:
    import pandas as pd

    import keras_vnn as vnn

    ring = pd.DataFrame({"gene_a": GENES[:10], "gene_b": [*GENES[1:10], GENES[0]]})
    ring.to_csv(folder / "ppi.tsv", sep="\t", index=False)
    edges = pd.DataFrame({"tf": ["STAT1"] * 4, "target": GENES[2:6], "effect": ["activation"] * 4})
    edges.to_csv(folder / "tf.tsv", sep="\t", index=False)
    ppi, tf = vnn.read.interactions(folder / "ppi.tsv"), vnn.read.regulation(folder / "tf.tsv")
    return vnn.wire.interactions(GENES, ppi, tf, dense_units=2)


def _ontology_architecture(folder: Path) -> Any:
    import keras_vnn as vnn

    stanzas = ["format-version: 1.2\ndata-version: releases/2026-11-22\n"]
    for term, (parent, _) in TERMS.items():
        is_a = f"is_a: {parent}\n" if parent else ""
        stanzas.append(f"[Term]\nid: {term}\nname: process {term[-1]}\nnamespace: biological_process\n{is_a}")
    (folder / "small.obo").write_text("\n".join(stanzas), encoding="utf-8")
    rows = [f"{GENES[gene]}\t{term}" for term, (_, genes) in TERMS.items() for gene in genes]
    (folder / "genes.tsv").write_text("\n".join(["gene\tterm", *rows]) + "\n", encoding="utf-8")
    go, annotations = vnn.read.ontology(folder / "small.obo"), vnn.read.annotations(folder / "genes.tsv")
    return vnn.wire.ontology(GENES, go, annotations, min_genes=2, root="one", units=2)


if __name__ == "__main__":
    main()
