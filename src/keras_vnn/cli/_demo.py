"""``vnn demo``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from keras_vnn.basics.quiet import import_keras
from keras_vnn.cli._console import show
from keras_vnn.cli._inputs import Force

__all__ = ["demo"]


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path("vnn-demo"),
    style: Annotated[str, typer.Option(help="What wires the network: interactions, ontology.")] = "interactions",
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Run the main job on bundled data: which proteins and regulators tell T cells under interferon-β apart.

    Reads 1,000 cells × 6,998 genes and either 29,916 interactions and 411 regulatory edges, or the Gene Ontology; wires
    and trains the networks (five folds), compares them with baselines, names the top nodes, and leaves the
    architecture, the model, tables, figures and a page to explore (report.html) in a folder. Takes one to three
    minutes.

    **Example**

    `vnn demo -o vnn-demo && vnn inspect vnn-demo/model.keras`

    `vnn demo --style ontology -o vnn-demo-go`
    """
    started = time.monotonic()
    import_keras()
    import pandas as pd

    from keras_vnn.cli.demo import run_demo

    result = run_demo(output, style=style, overwrite=force, progress=True)
    if as_json:
        show((result.folder / "results.json").read_text(encoding="utf-8"))
        return
    scores = result.scores[["accuracy", "sd", "parameters"]].assign(
        accuracy=result.scores["accuracy"].map("{:.3f}".format),
        sd=result.scores["sd"].map("{:.3f}".format),
        parameters=result.scores["parameters"].map(lambda n: "" if pd.isna(n) else f"{int(n):,}"),
    )
    inside = ""
    if result.interactions:
        inside = f"{result.interactions:,} interactions on {result.interacting_genes:,} genes inside the data\n\n"
    show(
        f"\n{inside}"
        f"held-out accuracy, mean and standard deviation of five folds\n{scores.to_string()}\n\n"
        f"top nodes of the final model\n"
        f"{result.top_nodes[['label', 'kind', 'genes', 'importance']].round(4).to_string()}\n\n"
        f"results       {result.folder.resolve()}\n"
        f"              {', '.join(sorted(path.name for path in result.folder.iterdir()))}\n"
        f"took          {time.monotonic() - started:.0f} s\n"
        f'next          vnn inspect {result.folder / "model.keras"} "{result.top_nodes.index[0]}"'
    )
