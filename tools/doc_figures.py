"""Draws the pictures of docs/howto/figures.md with the figures of the package, on the bundled data.

    python tools/doc_figures.py docs/images

Takes some minutes: the last comes from a comparison of networks over four seeds.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

import keras_vnn as vnn


def main() -> None:
    """Draw all pictures into the folder that the command line names."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    cells = vnn.read.expression(vnn.data_path("pbmc68k_reduced.h5ad"))
    for name, axes in {**hierarchy(cells), **comparison(cells)}.items():
        path = folder / f"figure-{name}.png"
        picture = Image.open(io.BytesIO(vnn.pl.picture_bytes(axes, "png"))).convert("RGB")
        picture.quantize(128).save(path, optimize=True)  # a fifth of the size, and looks the same
        print(f"{path}  {path.stat().st_size:,} bytes")


def hierarchy(cells: Any) -> dict[str, Any]:
    """Train a network of the Gene Ontology and draw it."""
    go = vnn.read.ontology(vnn.data_path("go-basic.obo.gz"))
    goa = vnn.read.annotations(
        vnn.data_path("goa_human_demo.gaf.gz"), genes=cells.var_names, exclude_evidence={"IEA", "ND"}
    )
    arch = vnn.wire.ontology(
        cells.var_names, go, goa, namespace="biological_process", min_genes=25, root="one", units=2
    )
    training = vnn.training_options(normalization="none", learning_rate=0.01, epochs=15, seed=0)
    result = vnn.train(arch, cells, "bulk_labels", training=training)
    ranking = vnn.tl.rank_nodes(result.model, cells, "bulk_labels")
    activities = vnn.tl.node_activities(result.model, cells)
    below = ranking.drop(index="GO:0008150")
    return {
        "layers": vnn.pl.draw_layers(result.model, ranking=ranking),
        "sunburst": vnn.pl.sunburst(result.model, ranking=ranking),
        "activities": vnn.pl.activity_heatmap(activities, by="bulk_labels", ranking=below, top=10),
        "training": vnn.pl.training_history(result.history),
        "ranking": vnn.pl.node_ranking(below, top=15),
    }


def comparison(cells: Any) -> dict[str, Any]:
    """Compare a network of protein interactions with random ones and baselines, and draw what was found."""
    ppi = vnn.read.interactions(vnn.data_path("ppi_human_goa_ipi.tsv"))
    arch = vnn.wire.interactions(cells.var_names, ppi)
    training = vnn.training_options(normalization="none", learning_rate=0.01, epochs=15)
    with tempfile.TemporaryDirectory() as runs:
        found = vnn.compare(
            arch,
            cells,
            vnn.pp.labels_of(cells, "bulk_labels"),
            runs,
            controls=["swap", "genes", "density"],
            baselines=["linear", "forest", "constant"],
            seeds=4,
            training=training,
        )
    print(found)
    return {"null": vnn.pl.real_against_null(found)}


if __name__ == "__main__":
    main()
