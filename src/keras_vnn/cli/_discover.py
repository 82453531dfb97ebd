"""``vnn interactions`` and ``vnn identify``: what only a network can find, and what of it another network would."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keras_vnn.basics.errors import readable
from keras_vnn.cli._console import cut, print_json, rows_of, say, show
from keras_vnn.cli._inputs import ClassName, Force, MaybeLabel, missing_policy, model_of, read_cells
from keras_vnn.cli._options import nodes, options_of
from keras_vnn.recipes.schema import CellsRecipe

if TYPE_CHECKING:
    import pandas as pd

_TOP = 20
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@options_of(CellsRecipe)
def interactions(
    model: Annotated[Path, typer.Argument(help="A trained model, .keras.")],
    data: Annotated[Path, typer.Argument(help="Expression: .h5ad, zarr, CSV or TSV.")],
    label: MaybeLabel = None,
    node: Annotated[
        list[str] | None,
        typer.Option(
            help="A node whose children are paired: id, label, or a unique part of one. May be repeated. By default "
            "nodes that know what no mean of genes shows, or the five that the model uses most.",
            autocompletion=nodes,
        ),
    ] = None,
    class_: ClassName = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="CSV for the table.")] = None,
    force: Force = False,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Say which children of a node tell more of the cells together than each by itself.

    `z` tests the product of the two in cells outside the training, and `q`, its false discovery rate, is also against
    pairs that no node brings together. `alike`: the class is likelier when both are high or both low. `non_additive`:
    what a knock-out of both changes, less what each does; this is of the model, not of biology.

    **Examples**

    `vnn interactions model.keras cells.h5ad --label condition`

    `vnn interactions model.keras cells.h5ad --label condition --node "DNA repair" -o pairs.csv`
    """
    _check(output, (".csv",), force)
    network = model_of(model, computes=True)
    from keras_vnn.inspection import interactions as pairs_of

    values, labels = read_cells(network, data, label, given)
    table = pairs_of(network, values, labels, node or None, class_, missing=missing_policy(given))
    facts = table.attrs
    if as_json:
        print_json({**facts, "table": rows_of(table)})
    else:
        show(_lines(table.drop(columns=["first", "second", "use_first", "use_second"]).head(_TOP)))
    if output is not None:
        _write_csv(table, output, force)
    where = "cells outside the training" if facts["held_out"] else "cells"
    say(
        f"{facts['found']:,} of {facts['pairs']:,} pairs say more together at a false discovery rate of 5 %, in "
        f"{facts['cells']:,} {where}, compared with {facts['compared_with']:,} pairs of different parents."
    )


@options_of(CellsRecipe)
def identify(
    model: Annotated[Path, typer.Argument(help="A trained model, .keras.")],
    data: Annotated[Path, typer.Argument(help="Expression of cells to learn from: .h5ad, zarr, CSV or TSV.")],
    students: Annotated[int, typer.Option(min=2, help="Networks to train, each with a seed of its own.")] = 5,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output", "-o", help="CSV for the table; or .keras for the model with the answer. May be repeated."
        ),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
    **given: Any,
) -> None:
    """Say which nodes another network that predicts the same would have too.

    Networks of the same wiring learn what the model says of the cells, from other seeds. A node is recovered where
    its activity is found again; up to sign, where its direction is not; else it is not identified, and what it does is
    of this one training.

    **Examples**

    `vnn identify model.keras cells.h5ad`

    `vnn identify model.keras cells.h5ad -o identified.csv -o identified.keras` – `vnn inspect` of that shows it
    """
    for path in output or ():
        _check(path, (".csv", ".keras"), force)
    network = model_of(model, computes=True)
    from keras_vnn.inspection import identify as identified_by
    from keras_vnn.models import save_model

    values, _ = read_cells(network, data, None, given)
    table = identified_by(network, values, students=students, missing=missing_policy(given), progress=True)
    if as_json:
        print_json({**table.attrs, "table": rows_of(table.reset_index())})
    else:
        show(_lines(table.drop(columns=["kind", "layer"]).sort_values("r", ascending=False, kind="stable").head(_TOP)))
    for path in output or ():
        if path.suffix == ".csv":
            _write_csv(table, path, force)
        else:
            save_model(network, path, overwrite=force)
            say(f"written       {path}\nnext          vnn inspect {path}")
    say(_answer(table))


def _answer(table: pd.DataFrame) -> str:
    """Return what became of the students, and what may be concluded, as sentences."""
    facts = table.attrs
    low, high = min(facts["r2"]), max(facts["r2"])
    fidelity = f"Of {facts['students']} students {facts['fit']} fit: R² is {low:.2f} to {high:.2f}, and 0.9 is needed"
    counts = table["identified"].value_counts()
    if not counts.sum():
        return f"{fidelity}. Nothing may be concluded of the nodes: train the model longer, or take more cells."
    said = ", ".join(f"{counts.get(word, 0):,} {word}" for word in ("recovered", "up to sign", "not identified"))
    at_start = int(((table["r_at_start"] >= 0.9) & (table["identified"] == "recovered")).sum())
    return f"{fidelity}.\nOf {len(table):,} nodes: {said}. {at_start:,} of the recovered are so before training."


def _lines(table: pd.DataFrame) -> str:
    texts = table.select_dtypes(exclude="number").columns
    shown = table.assign(**{name: [cut(readable(str(value)), 32) for value in table[name]] for name in texts})
    return shown.to_string(index=False, float_format=lambda value: f"{value:.3g}") if len(shown) else "no pair"


def _check(path: Path | None, endings: tuple[str, ...], force: bool) -> None:
    from keras_vnn.basics.files import check_target

    if path is not None:
        check_target(path, overwrite=force, endings=endings)


def _write_csv(table: pd.DataFrame, path: Path, force: bool) -> None:
    from keras_vnn.basics.csv_tables import write_table

    write_table(table, path, overwrite=force, index=table.index.name is not None)
    say(f"written       {path}")
