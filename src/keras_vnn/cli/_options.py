"""Options of the command line, made from the sections of recipes.

In: a section and a function that takes what was given by name. Out: the function with a signature that typer reads.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

import typer

from keras_vnn.options import choices_of, shown_default

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
    if _base(field.annotation) is bool:
        extra = field.json_schema_extra
        names = (
            str(extra["flags"])
            if isinstance(extra, dict) and "flags" in extra
            else f"{flag}/--no-{name.replace('_', '-')}",
        )
    choices = choices_of(field.annotation)
    text = field.description or ""
    reads_numbers = _base(field.annotation) is str and any(part in (int, float) for part in _parts(field.annotation))
    if choices and not all(choice in text for choice in choices):
        text = f"{text} One of: {', '.join(choices)}."
    if _base(field.annotation) is list:
        text = f"{text} May be repeated."
    if default := shown_default(field):
        text = f"{text} Default: {default}."
    return typer.Option(
        *names,
        help=text,
        rich_help_panel=panel,
        show_default=False,
        autocompletion=(lambda: choices) if choices else None,
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
    if base is list:
        inner = get_args(_without_none(field.annotation))
        element = _base(inner[0]) if inner else str
        return tuple[element, element] if len(inner) == 2 and inner[1] is not ... else list[element]  # type: ignore[valid-type]
    return base


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _without_none(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        return _without_none(parts[0]) if len(parts) == 1 else annotation
    return annotation


def _base(annotation: Any) -> Any:
    """Return the plainest type that holds all that is admitted."""
    annotation = _without_none(annotation)
    if annotation in (bool, int, float, Path):
        return annotation
    if get_origin(annotation) is tuple:
        return list
    return str
