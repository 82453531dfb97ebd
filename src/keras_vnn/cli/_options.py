"""Options of the command line, made from the sections of recipes.

In: a section and a function that takes what was given by name. Out: the function with a signature that typer reads.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, cast, get_args, get_origin

import typer

from keras_vnn.cli._complete import OF_OPTIONS
from keras_vnn.cli._console import print_less_or_more
from keras_vnn.options import choices_of, extra_of, plain_type, shown_default

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

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
    """Give a command the options to print less or more."""

    @wraps(function)
    def command(*, quiet: bool, verbose: bool, **given: Any) -> None:
        if quiet or verbose:
            print_less_or_more("warning" if quiet else "debug")
        function(**given)

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
    is_repeated = get_origin(base) is tuple
    reads_numbers = (base is str or (is_repeated and _element(base) is str)) and any(
        part in (int, float) for part in _parts(field.annotation)
    )
    if choices and not all(choice in text for choice in choices):
        text = f"{text} One of: {', '.join(choices)}."
    if is_repeated:
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
    element = _element(base)
    return list[element] if get_args(base)[1] is ... else tuple[element, element]  # type: ignore[valid-type]


def _element(several: Any) -> Any:
    return _base(get_args(several)[0])


def _base(annotation: Any) -> Any:
    """Return the type that is admitted, if there is one besides ``None`` that typer knows, else that of texts."""
    plain = plain_type(annotation)
    if get_origin(plain) is Union:
        kinds = [kind for kind in get_args(plain) if kind is not type(None)]
        plain = kinds[0] if len(kinds) == 1 else str
    return plain if plain in (bool, int, float, Path) or get_origin(plain) is tuple else str
