"""Options of the command line, made from the sections of recipes, and what a shell offers for their values.

In: a section and a function that takes what was given by name. Out: the function with a signature that typer reads.
When the tab key is pressed: recipes, presets, methods, and names in files; nothing of what cannot be read, and
without Keras.
"""

from __future__ import annotations

import csv
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, cast, get_args, get_origin

import typer

from keras_vnn.basics.bundled import config_names
from keras_vnn.cli._console import print_less_or_more, say
from keras_vnn.options import AUTOENCODER_PRESETS, MODEL_PRESETS, choices_of, extra_of, plain_type, shown_default

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from keras_vnn.models import ModelView

Function = TypeVar("Function", bound=Callable[..., Any])

_SHORT = {"output": ("--output", "-o")}


def options_of(section: type[Any], *, leave_out: tuple[str, ...] = ()) -> Callable[[Function], Function]:
    """Give a command an option for everything its section of a recipe can be told.

    Parameters
    ----------
    section
        A section of a recipe.
    leave_out
        Fields that are not options, as they are arguments of the command.
    """

    def decorated(function: Function) -> Function:
        signature = inspect.signature(function, eval_str=True)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        made = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[_type(field) | None, _option(name, field, panel)],
            )
            for name, field, panel in fields_of(section)
            if name not in leave_out
        ]
        parameters = sorted([*own, *made], key=lambda p: p.kind)
        function.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        function.__annotations__ = {p.name: p.annotation for p in parameters}
        return function

    return decorated


def with_verbosity(function: Function) -> Function:
    """Give a command the options to print less or more, and a word to end with when it is stopped."""

    @wraps(function)
    def command(*, quiet: bool, verbose: bool, **given: Any) -> None:
        if quiet or verbose:
            print_less_or_more("warning" if quiet else "debug")
        try:
            function(**given)
        except KeyboardInterrupt as stop:  # typer would end without a word
            if str(stop):
                say(f"stopped {stop}")
            raise SystemExit(130) from None  # as shells know it

    signature = inspect.signature(function, eval_str=True)
    texts = {
        "quiet": "Print results, warnings and errors only.",
        "verbose": "Print the steps within steps too.",
    }
    told = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False,
            annotation=Annotated[bool, typer.Option(f"--{name}", help=text)],
        )
        for name, text in texts.items()
    ]
    parameters = [*signature.parameters.values(), *told]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return cast(Function, command)


def fields_of(section: type[Any]) -> Iterator[tuple[str, FieldInfo, str | None]]:
    """Yield the name, the declaration and the heading of every option of a section, those of its groups included."""
    for name, field in section.model_fields.items():
        if name not in section.groups:
            yield name, field, section.headings.get(name)
    for group, kinds in section.groups.items():
        for flat in section.flat_names(group):
            _, name = section.place_of(flat)
            owners = [kind for kind in kinds if name in kind.model_fields]
            # Of options that several kinds of network have, the declaration that admits most.
            widest = max(owners, key=lambda kind: len(str(kind.model_fields[name].annotation)))
            yield flat, widest.model_fields[name], widest.heading if len(owners) < len(kinds) else group.capitalize()


def _option(name: str, field: FieldInfo, panel: str | None) -> Any:
    flag = f"--{name.replace('_', '-')}"
    names = _SHORT.get(name, (flag,))
    base = _base(field.annotation)
    if base is bool:
        names = (extra_of(field).get("flags", f"{flag}/--no-{flag[2:]}"),)
    choices = choices_of(field.annotation)
    text = field.description or ""
    element = _base(get_args(base)[0]) if get_origin(base) is tuple else base
    reads_numbers = element is str and any(part in (int, float) for part in _parts(field.annotation))
    if choices and not all(choice in text for choice in choices):
        text = f"{text} One of: {', '.join(choices)}."
    if get_origin(base) is tuple:
        text = f"{text} May be repeated."
    if default := shown_default(field):
        text = f"{text} Default: {default}."
    return typer.Option(
        *names,
        help=text,
        rich_help_panel=panel,
        show_default=False,
        autocompletion=(lambda: choices) if choices else OF_OPTIONS.get(name),
        parser=_word_or_numbers if reads_numbers else None,
        metavar="TEXT" if reads_numbers else None,
    )


def _word_or_numbers(text: str) -> Any:
    """Return numbers, several between commas, as such; and a word as it is."""
    try:
        numbers = tuple(float(part) if set(part) & {*".e"} else int(part) for part in text.split(","))
    except ValueError:
        return text
    return numbers[0] if len(numbers) == 1 else numbers


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield the types that make up a type."""
    yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def _type(field: FieldInfo) -> Any:
    """Return what typer should read: words are checked with the recipe, where errors say what is close."""
    base = _base(field.annotation)
    if get_origin(base) is not tuple:
        return base
    first, second = get_args(base)
    element = _base(first)
    return list[element] if second is ... else tuple[element, element]  # type: ignore[valid-type]


def _base(annotation: Any) -> Any:
    """Return the type that is admitted, if there is one besides ``None`` that typer knows, else that of texts."""
    plain = plain_type(annotation)
    if get_origin(plain) is Union:
        kinds = [kind for kind in get_args(plain) if kind is not type(None)]
        plain = kinds[0] if len(kinds) == 1 else str
    return plain if plain in (bool, int, float, Path) or get_origin(plain) is tuple else str


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
