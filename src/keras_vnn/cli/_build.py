"""``vnn check``, ``vnn fetch`` and ``vnn build``: from files to an architecture."""

from __future__ import annotations

import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keras_vnn.basics.errors import ConfigError, readable
from keras_vnn.basics.files import check_target
from keras_vnn.basics.remedies import on_command_line
from keras_vnn.cli._console import print_json, say, show
from keras_vnn.cli._inputs import Force, recipe_of, section_of
from keras_vnn.cli._options import options_of, recipe_names
from keras_vnn.recipes.schema import BuildRecipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from keras_vnn.readers.downloads import Fetched, RemoteFile


def recipes(as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False) -> None:
    """List the recipes that come with the package, and the presets of models.

    A recipe is a whole run on bundled data, and a beginning for your own; a preset is what a model of a paper is like.

    **Examples**

    `vnn train dcell-code -o model.keras` – a recipe as it is

    `vnn train lin.vnn cells.h5ad --label cell_type --preset lin2017 -o model.keras` – a preset
    """
    from keras_vnn.basics.bundled import config_names, config_path
    from keras_vnn.options import AUTOENCODER_PRESETS, MODEL_PRESETS
    from keras_vnn.recipes.read import read_recipe

    known = {name.removesuffix(".yaml"): read_recipe(config_path(name)) for name in config_names()}
    presets = {"presets": list(MODEL_PRESETS), "presets of autoencoders": list(AUTOENCODER_PRESETS)}
    if as_json:
        titles = {name: {"title": recipe.title, "reference": recipe.reference} for name, recipe in known.items()}
        print_json({"recipes": titles, **{what.replace(" ", "_"): names for what, names in presets.items()}})
        return
    width = max(map(len, known)) + 2
    room = max(30, min(shutil.get_terminal_size().columns, 110) - width - 2)
    lines = ["recipes, for vnn build, train, compare and tune"]
    for name, recipe in known.items():
        first, *rest = textwrap.wrap(recipe.title, room)
        lines += [f"  {name:<{width}}{first}", *(" " * (width + 2) + line for line in rest)]
    indented: dict[str, Any] = {"initial_indent": "  ", "subsequent_indent": "  ", "break_on_hyphens": False}
    for what, names in presets.items():
        lines += ["", f"{what}, for --preset", *textwrap.wrap(", ".join(names), room + width, **indented)]
    show("\n".join(lines))
    say(f"their files   {config_path(config_names()[0]).parent}")


@options_of(BuildRecipe)
def build(
    recipe: Annotated[
        str | None,
        typer.Argument(
            help="A recipe (YAML file or bundled name); options below override it.", autocompletion=recipe_names
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be built, write nothing.")] = False,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    **given: Any,
) -> None:
    """Turn genes and prior knowledge into an architecture: layers of named nodes.

    **Examples**

    `vnn build --genes cells.h5ad --interactions ppi.tsv --regulation trrust.tsv -o lin.vnn`

    `vnn build --genes genes.txt --interactions 9606.protein.links.txt.gz --min-score 700 --dry-run`

    `vnn build --genes cells.h5ad --ontology go-basic.obo.gz --annotations goa_human.gaf.gz -o go.vnn`

    `vnn build --genes cells.h5ad --interactions 9606.protein.links.txt.gz --id-map 9606.protein.info.txt.gz -o lin.vnn`

    `vnn build --genes cells.h5ad --regulation trrust.tsv --gene-sets h.all.gmt -o both.vnn` – one network of both

    `vnn build configs/lin2017-ppi-tf.yaml --grouping clique -o cliques.vnn`
    """
    options = section_of(BuildRecipe, None if recipe is None else recipe_of(recipe).build, given)

    from keras_vnn.recipes.run import build_architecture

    if options.output is None and not dry_run:
        raise ConfigError("Name the file to write, -o lin.vnn, or look first with --dry-run.")
    if not dry_run and options.output is not None:
        check_target(options.output, overwrite=force)
    arch = build_architecture(options)
    if as_json:
        print_json({**arch.summary().to_json(), "output": None if dry_run else str(options.output)})
    else:
        show(str(arch.summary()))
    if dry_run or options.output is None:
        say("dry run: nothing was written")
        return
    arch.save(options.output, overwrite=force)
    say(f"written       {options.output}\nnext          vnn train {options.output} CELLS --label COLUMN -o model.keras")


def check(
    files: Annotated[list[Path], typer.Argument(help="Files that are to become a network.")],
    genes: Annotated[
        Path | None,
        typer.Option(help="Gene list or expression data to compare names with; by default one of the files."),
    ] = None,
    id_map: Annotated[Path | None, typer.Option(help="Table of identifiers to translate names with.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what files are, which names they use, what would be left out, and how to go on.

    **Examples**

    `vnn check string.links.txt.gz`

    `vnn check cells.h5ad go-basic.obo.gz goa_human.gaf.gz` – and the command line that builds a network of them

    `vnn check ppi.tsv --genes cells.h5ad --id-map hgnc_complete_set.txt`
    """
    from keras_vnn.recipes.checking import check_files, suggested_command
    from keras_vnn.recipes.prior_fields import read_family

    # What is said of a file is for the command that builds of it.
    on_command_line({name: f"--{name.replace('_', '-')}" for name in BuildRecipe.option_names()})
    table = None if id_map is None else read_family("id-map", id_map)
    reports = check_files(files, genes=genes, table=table)
    command = suggested_command(reports, genes=genes, id_map=id_map)
    if as_json:
        print_json({"files": [report.to_json() for report in reports], "command": command})
    else:
        show("\n\n".join(str(report) for report in reports))
        if command:
            say(f"\nBuild it: {command}")
    if any(report.error for report in reports):
        raise typer.Exit(1)


def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="What to fetch, e.g. go-basic goa-human reactome.")] = None,
    list_files: Annotated[
        bool, typer.Option("--list", help="List what is available; further words filter the list.")
    ] = False,
    release: Annotated[str | None, typer.Option(help="A specific release, where the provider keeps them.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where to keep files; the user's cache folder by default.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Download again what is there already.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds without data after which an attempt is abandoned.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print paths, digests and terms as JSON.")] = False,
) -> None:
    """Download priors from their providers into the cache folder, and say what to cite.

    Prints the paths on standard output. What is there already is not downloaded again; a download that broke is resumed
    where it stopped. Only this command ever downloads anything.

    **Examples**

    `vnn fetch --list`

    `vnn fetch go-basic goa-human`

    `vnn fetch string-10090 --release 11.5 --folder priors`

    `vnn build --genes cells.h5ad --ontology $(vnn fetch go-basic) --annotations $(vnn fetch goa-human) -o go.vnn`
    """
    from keras_vnn.readers.downloads import fetch as fetch_file
    from keras_vnn.readers.downloads import file_names, remote_file, remote_files

    if list_files:
        _list(tuple(f for f in remote_files() if _is_asked_for(f, names or [])), as_json=as_json)
        return
    if not names:
        raise ConfigError("Name what to fetch, e.g. vnn fetch go-basic goa-human; list it with vnn fetch --list")
    wanted = [remote_file(one, release) for name in names for one in file_names(name)]
    fetched = []
    for file in wanted:
        fetched.append(fetch_file(file, folder=folder, again=again, timeout=timeout, progress=_progress(file.name)))
        if not as_json:
            _report(fetched[-1])
    if as_json:
        print_json([found.to_json() for found in fetched])


def _is_asked_for(file: RemoteFile, words: list[str]) -> bool:
    text = " ".join((file.name, file.what, file.species)).casefold()
    return all(word.casefold() in text for word in words)


def _list(files: tuple[RemoteFile, ...], *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        print_json([asdict(file) for file in files])
        return
    widths = [max((len(getattr(file, key)) for file in files), default=0) for key in ("name", "release", "licence")]
    width = max(40, shutil.get_terminal_size().columns - widths[0] - widths[1] - 6)
    for file in files:
        by_hand = f"; by hand: {file.why}" if not file.url else ""
        species = f" ({file.species})" if file.species and file.species not in file.what.casefold() else ""
        lines = textwrap.wrap(f"{file.what}{species}. {file.licence}{by_hand}", width)
        show(f"{file.name:<{widths[0]}}  {file.release:<{widths[1]}}  {lines[0]}")
        for line in lines[1:]:
            show(" " * (widths[0] + widths[1] + 4) + line)


def _progress(name: str) -> Callable[[int, int], None] | None:
    if not sys.stderr.isatty():
        return None

    def advance(here: int, whole: int) -> None:
        share = f"{here / whole:4.0%} of {whole / 1e6:,.1f} MB" if whole else f"{here / 1e6:,.1f} MB"
        typer.echo(f"\r{readable(name):<14}{share}", err=True, nl=here >= whole > 0)

    return advance


def _report(found: Fetched) -> None:
    file = found.file
    how = "downloaded" if found.is_new else f"there since {found.when}" if found.when else "put there by hand"
    say(f"{file.name:<14}{found.bytes / 1e6:,.1f} MB, {how}, release {file.release}, sha256 {found.sha256[:16]}…")
    say(f"  licence     {file.licence}; {file.terms}")
    say(f"  cite        {file.cite}, https://doi.org/{file.doi}")
    if file.option:
        say(f"  next        vnn build … {file.option} {found.path}")
    show(str(found.path))
