"""What a shell offers for a value when the tab key is pressed: recipes, presets, methods, and names in files.

In: what has been typed. Out: words. Says nothing of what cannot be read, and imports no Keras.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import typer

from keras_vnn.basics.bundled import config_names
from keras_vnn.options import AUTOENCODER_PRESETS, MODEL_PRESETS

if TYPE_CHECKING:
    from keras_vnn.models import ModelView

EDGE_TABLES = ("soft-links", "prior")
Words = Callable[[typer.Context, str], list[str]]


def _silent(find: Callable[[typer.Context, str], Iterable[str]]) -> Words:
    """Return the function that finds nothing where it cannot: a shell has no place for errors."""

    @wraps(find)
    def found(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            return [word for word in dict.fromkeys(find(ctx, incomplete)) if word.startswith(incomplete)]
        except Exception:  # noqa: BLE001
            return []

    return found


@_silent
def recipe_names(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Return the recipes of the package, and files that begin so: architectures, models and recipes."""
    yield from (name.removesuffix(".yaml") for name in config_names())
    folder, begun = Path(incomplete).parent, Path(f"{incomplete}*").name
    for path in sorted(folder.glob(begun)):
        if path.is_dir() or path.suffix in (".vnn", ".keras", ".yaml", ".yml"):
            yield f"{path}/" if path.is_dir() else str(path)


@_silent
def presets(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Return the presets of models and autoencoders."""
    yield from (*MODEL_PRESETS, *AUTOENCODER_PRESETS)


@_silent
def export_formats(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Return the formats of exports."""
    from keras_vnn.export import EXPORT_FORMATS

    yield from (*EXPORT_FORMATS, "recipe")


@_silent
def methods(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Return the methods of importance."""
    from keras_vnn.inspection import IMPORTANCE_METHODS

    yield from IMPORTANCE_METHODS


@_silent
def rankings(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Return what nodes are ranked by."""
    from keras_vnn.inspection import IMPORTANCE_METHODS

    yield from ("evidence", "q", "learned", "use", *IMPORTANCE_METHODS)


@_silent
def edge_tables(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Return the tables of edges."""
    yield from EDGE_TABLES


@_silent
def corrections(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Return the corrections of importance."""
    from keras_vnn.inspection import CORRECTIONS

    yield from CORRECTIONS


@_silent
def columns(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Return the columns of the cells in the files that have been named."""
    for path in _files(ctx):
        if path.suffix == ".h5ad":
            import h5py

            with h5py.File(path) as file:
                obs = file["obs"]
                # Before anndata 0.7 it was one table, the names of the cells its first column.
                yield from obs.attrs["column-order"] if "column-order" in obs.attrs else obs.dtype.names[1:]
    if ctx.params.get("cells"):
        with Path(ctx.params["cells"]).open(encoding="utf-8", newline="") as lines:
            first = lines.readline()
        yield from next(csv.reader([first], delimiter="\t" if "\t" in first else ","))[1:]


@_silent
def nodes(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Return ids of the nodes of the model that has been named; of genes when their first letters have been typed."""
    arch = _model(ctx).architecture
    for layer in arch.layers[0 if incomplete else 1 :]:
        yield from layer.ids


@_silent
def classes(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Return the classes of the model that has been named."""
    yield from getattr(_model(ctx).outputs, "names", ())


def _model(ctx: typer.Context) -> ModelView:
    """Return the first model that has been named, if it can be read without Keras."""
    from keras_vnn.models import view
    from keras_vnn.models._stored import stored_model

    return view(stored_model(next(path for path in _files(ctx) if path.suffix == ".keras")))


def _files(ctx: typer.Context) -> list[Path]:
    """Return the files that have been named; an option without its value leaves arguments unread, as words."""
    values: list[Any] = [*ctx.params.values(), *ctx.args]
    return [path for value in values if isinstance(value, str | Path) and (path := Path(value)).is_file()]


OF_OPTIONS: Mapping[str, Words] = MappingProxyType(
    {"preset": presets} | dict.fromkeys(("label", "time", "event", "group", "covariate"), columns)
)
