"""Writes docs/recipes.md: every bundled recipe, its options, its counts, next to the numbers of its paper.

    python tools/recipes_page.py docs/recipes.md --data ../shared/data/more

Counts on the bundled data are computed. So are those next to the paper's, from the files of the original programs where
they are at hand (`--data`); without that folder those rows stay as they are on the page.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_vnn.architecture import Architecture, Layer, Node, gene_counts
from keras_vnn.architecture.wiring import hierarchy_architecture
from keras_vnn.basics.bundled import config_names, config_path
from keras_vnn.options import TrainingOptions, model_options
from keras_vnn.readers import read_hierarchy
from keras_vnn.recipes.read import read_recipe
from keras_vnn.recipes.run import build_architecture
from keras_vnn.recipes.schema import Recipe, TrainRecipe
from keras_vnn.recipes.space import Choices, Setting

Row = tuple[str, str, str, str]  # network, what, in the paper or its code, here

HEAD = """# Recipes

A recipe is a YAML file that holds all options of a run. Those below come with the package. They run as they are, on the
bundled data:

```text
vnn train kang-go -o model.keras
vnn build lin2017-ppi-tf -o lin.vnn
```

Copy one, put your own files in, and keep it with your results. Every option of the command line can be set in it; one
that is given on the command line wins. An unknown name is an error.

A recipe named after a paper follows its architecture and its training. It does not repeat the paper's experiment: the
data are others, and so are the counts of its nodes. What can be compared with the paper is in the next section.

This page is written by `tools/recipes_page.py`.

## The papers' numbers

"Here" is computed by this package, from the files that the original program was released with. For Lin et al., whose
groups are not published as a file, a network of the same sizes is counted.

"""


def main() -> None:
    """Write the page that the command line names."""
    parser = argparse.ArgumentParser(description="Write the page of the recipes.")
    parser.add_argument("page", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/more"), help="files of original programs")
    given = parser.parse_args()
    old = given.page.read_text(encoding="utf-8") if given.page.exists() else ""
    given.page.write_text(page(given.data, old), encoding="utf-8")


def page(data: Path, old: str) -> str:
    """Return the text of the page; rows that cannot be computed are taken from the old one."""
    rows = [*lin2017(), *(rows_of(data, old) if data.is_dir() else kept(old)), *unchecked()]
    lines = ["| network | what | paper or its code | here |", "|:--|:--|--:|--:|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    parts = [HEAD + "\n".join(lines) + "\n"]
    for name in config_names():
        parts.append(section(name.removesuffix(".yaml"), read_recipe(config_path(name))))
    return "\n".join(parts)


def lin2017() -> Iterator[Row]:
    """Yield the parameters of Lin et al. 2017, from a network of the same sizes."""
    genes, nodes, edges = 9_437, 696, 56_549
    matrix = np.zeros((genes, nodes), bool)
    matrix.flat[np.linspace(0, genes * nodes - 1, edges).astype(int)] = True
    layers = (
        Layer("genes", tuple(Node(f"g{i}", kind="gene") for i in range(genes))),
        Layer("groups", tuple(Node(f"n{i}", kind="interaction") for i in range(nodes)), dense_units=100),
    )
    arch = Architecture(layers, {(0, 1): matrix})
    yield row("Lin et al. 2017", "parameters, 17 classes", 1_014_594, arch.summary(outputs=17).parameters)
    yield row("", "the same with a second layer", 1_082_462, arch.summary(outputs=17, tail=(100,)).parameters)


def rows_of(data: Path, old: str) -> Iterator[Row]:
    """Yield what the files of DCell, DrugCell and NeST-VNN give."""
    known: dict[str, tuple[Path, Callable[[Path], Iterator[Row]]]] = {
        "DCell": (data / "dcell" / "GO_0006281_topology", dcell),
        "DrugCell": (data / "drugcell" / "drugcell_ont.txt.gz", drugcell),
        "NeST-VNN": (data / "nest" / "hierarchy.cx2", nest),
    }
    for name, (path, rows) in known.items():
        yield from rows(path) if path.exists() else kept(old, name)


def dcell(path: Path) -> Iterator[Row]:
    """Yield the counts of DCell's network of DNA repair."""
    terms, annotations = read_hierarchy(path)
    arch = hierarchy_architecture(None, terms, annotations, units="dcell-paper")
    hidden = sum(map(len, arch.hidden_layers))
    yield row("DCell, DNA repair", "terms", 21, hidden)
    yield row("", "genes", 162, len(arch.genes))
    between = sum(matrix.nnz for (source, _), matrix in arch.connections.items() if source)
    yield row("", "edges between terms", 25, between)
    yield row("", "annotations", 215, arch.edge_count - between)
    yield row("", "units, paper: max(20, ⌈0.3 n⌉)", 450, sum(layer.width for layer in arch.hidden_layers))
    code = hierarchy_architecture(None, terms, annotations, units="dcell-code")
    yield row("", "units, code: max(10, ⌊0.2 n⌋)", 235, sum(layer.width for layer in code.hidden_layers))


def drugcell(path: Path) -> Iterator[Row]:
    """Yield the counts of DrugCell."""
    from keras_vnn.models import Regression, build_model

    terms, annotations = read_hierarchy(path)
    arch = hierarchy_architecture(None, terms, annotations, units=6)
    yield row("DrugCell", "terms", 2_086, sum(map(len, arch.hidden_layers)))
    yield row("", "genes", 3_008, len(arch.genes))
    levels = "/".join(str(len(layer)) for layer in arch.hidden_layers)
    yield ("", "terms by level", "1364/357/183/115/66/1", levels)
    model = build_model(arch, Regression(("AUC",)), preset="drugcell", seed=0)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    yield row("", "parameters that act, with the drug's branch", 859_190, trainable)
    yield ("", "parameters that are stored", "180,536,461", f"{model.count_params():,}")


def nest(path: Path) -> Iterator[Row]:
    """Yield the counts of NeST-VNN."""
    terms, annotations = read_hierarchy(path)
    arch = hierarchy_architecture(None, terms, annotations, units=4)
    yield row("NeST-VNN", "systems", 131, sum(map(len, arch.hidden_layers)))
    yield row("", "genes", 718, int((gene_counts(arch)[0] > 0).sum()))


def unchecked() -> Iterator[Row]:
    """Yield what cannot be computed here, and why."""
    yield (
        "P-NET",
        "nodes by layer",
        "27687-9229-1387-1066-447-147-26-1",
        "not computed: needs the paper's release of Reactome",
    )
    yield ("scQuery", "flat: terms next to 100 dense units", "300", "not computed: needs the paper's choice of terms")
    yield ("KPNN", "sizes", "by data set", "not computed")


def row(network: str, what: str, paper: int, here: int) -> Row:
    """Return a row of whole numbers."""
    return network, what, f"{paper:,}", f"{here:,}"


def kept(old: str, network: str = "") -> Iterator[Row]:
    """Yield the rows of the old page that stand between those that are always computed."""
    current, names = "", ("DCell", "DrugCell", "NeST-VNN")
    for line in old.splitlines():
        cells = [cell.strip() for cell in line.strip("| \n").split(" | ")] if line.startswith("|") else []
        if len(cells) == 3 and line.startswith("|  |"):
            cells = ["", *cells]
        if len(cells) != 4:
            continue
        current = cells[0] or current
        if current.startswith(network or names):
            yield cells[0], cells[1], cells[2], cells[3]


def section(name: str, recipe: Recipe) -> str:
    """Return what there is to say of one recipe."""
    lines = [f"## `{name}`", "", f"**{recipe.title}**", "", f"*{recipe.reference}*", "", recipe.notes.strip(), ""]
    lines += [counts(recipe), "", "| option | value |", "|:--|:--|"]
    lines += [f"| {option} | {value} |" for option, value in options(recipe)]
    return "\n".join(lines) + "\n"


def counts(recipe: Recipe) -> str:
    """Return the sizes of the network that a recipe gives on the bundled data."""
    if recipe.build is None:
        return "It builds nothing."
    arch = build_architecture(recipe.build)
    hidden = arch.hidden_layers
    layers = f"{len(hidden)} layer{'s' * (len(hidden) > 1)}"
    dense = sum(layer.dense_units for layer in hidden)
    beside = f" next to {dense:,} dense units" if dense else ""
    train = recipe.train
    if train is not None and train.objective == "autoencoder":
        parameters = autoencoder(arch, train)
    else:
        reads = "all" if train is None else model_options(train.preset, train.model).reads
        parameters = (
            f"{arch.summary(outputs=2, reads=reads).parameters:,} parameters with a head of two classes (auxiliary "
            "heads and batch normalisation not counted)"
        )
    return (
        f"On the bundled data: {len(arch.genes) - len(arch.unconnected_genes):,} of {len(arch.genes):,} genes feed "
        f"{sum(map(len, hidden)):,} nodes in {layers}{beside}; {sum(map(lambda x: x.width, hidden)):,} units, "
        f"{arch.edge_count:,} edges, {parameters}."
    )


def autoencoder(arch: Architecture, recipe: TrainRecipe) -> str:
    """Return the sizes of an autoencoder."""
    from keras_vnn.models import build_autoencoder, view

    # How many weights covariates have is known with the data.
    alone = {name: value for name, value in recipe.model.items() if name != "dispersion"}
    model = build_autoencoder(arch, preset=recipe.preset, seed=0, **alone)
    seen = view(model)
    sparse = [seen.layer_with(role) for role in seen.roles.all("nodes")]
    decoder = sum(int(np.prod(weight.shape)) for layer in sparse for weight in layer.trainable_weights)
    everything = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    latent = int(model.get_layer("latent").output.shape[-1])
    besides = ", without those of covariates" if recipe.covariate else ""
    return f"{latent:,} latent values, {everything:,} parameters, {decoder:,} of them of the decoder{besides}"


def options(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Yield the options that a recipe sets, and those of training that its preset sets."""
    build = recipe.build.model_dump(exclude_unset=True) if recipe.build else {}
    wiring = build.pop("wiring", {})
    for name, value in {**build, **wiring}.items():
        yield f"build: {name}", shown(value)
    if recipe.train is None:
        return
    default = TrainingOptions().model_dump()
    for name, value in recipe.train.training_options().model_dump().items():
        if value != default.get(name):
            yield f"training: {name}", shown(value)
    if recipe.train.objective != "prediction":
        yield "training: objective", shown(recipe.train.objective)
    for name, value in recipe.train.embedding.items():
        yield f"embedding: {name}", shown(value)
    if recipe.train.pretrain != "none":
        yield "pretraining: layers", shown(recipe.train.pretrain)
    for name, value in recipe.train.pretraining.items():
        yield f"pretraining: {name}", shown(value)
    if recipe.train.preset:
        yield "model: preset", shown(recipe.train.preset)
    for name, value in recipe.train.model.items():
        if name != "preset":
            yield f"model: {name}", shown(value)
    for name, setting in recipe.tune.space.items() if recipe.tune else ():
        yield f"tune: {name}", searched(setting)


def searched(setting: Setting) -> str:
    """Return what `vnn tune` tries for a field, as text."""
    if isinstance(setting, Choices):
        return " or ".join(map(shown, setting.values))
    return f"`{setting.low}` to `{setting.high}`" + (", as a logarithm" if setting.log else "")


def shown(value: Any) -> str:
    """Return a value as text: of a file its name."""
    if isinstance(value, Path):
        return f"`{value.name}`"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value)) or "none"
    return f"`{value}`"


if __name__ == "__main__":
    main()
