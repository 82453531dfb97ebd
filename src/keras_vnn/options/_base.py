"""`Options`: values that declare every option once, with its type, default, bounds and a sentence of help.

In: classes whose fields are the options. Out: checked, frozen values; the parts of docstrings that list them.
Recipes nest these values, the command line is generated from them, and functions take them by name.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, Union, get_args, get_origin

from pydantic import AllowInfNan, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from keras_vnn.basics.errors import ConfigError, VNNError, did_you_mean
from keras_vnn.basics.remedies import option_named, option_set

Function = TypeVar("Function", bound=Callable[..., Any])


def _several(value: Any) -> Any:
    return (value,) if not isinstance(value, Iterable) or isinstance(value, str | bytes) else value


def _number(value: Any) -> Any:
    if isinstance(value, bool | str | bytes):
        raise PydanticCustomError("number", "not a number")
    return value


# A single value stands for a tuple of one.
as_tuple = BeforeValidator(_several)
# Numbers, as which neither texts nor true and false count.
Whole = Annotated[int, BeforeValidator(_number)]
Real = Annotated[float, BeforeValidator(_number), AllowInfNan(False)]
Positive = Annotated[Whole, Field(ge=1)]
NonNegative = Annotated[Real, Field(ge=0)]
Rate = Annotated[Real, Field(ge=0, lt=1)]

# Of a value that is longer, messages show so many letters.
_SHOWN = 100
_KINDS = {int: "an integer", float: "a number", bool: "true or false", str: "a text"}


def only_with(**others: tuple[str, ...]) -> dict[str, Any]:
    """Return what says that an option has an effect only with some values of others."""
    return {"applies": others}


class Options(BaseModel):
    """Base of all options: frozen, checked on construction, unknown names refused.

    A field is declared as ``name: type = Field(default, description="One sentence.")``, with pydantic's bounds. What
    one option says about another is checked by `check`; ``json_schema_extra=only_with(optimizer=("sgd",))`` says where
    an option has an effect, and it is refused elsewhere.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    error: ClassVar[type[VNNError]] = ConfigError
    what: ClassVar[str] = "option"
    heading: ClassVar[str] = "Options"

    def __init__(self, **values: Any) -> None:
        """Check names, types and bounds.

        Raises
        ------
        VNNError
            An option is unknown, or a value is impossible.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise self.error(worded(type(self), error.errors()[0])) from None
        self.check()

    # Nested in a recipe, options are a part of what is going to be put together, and checked when it is.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """List the options in the docstring, and with their plain types in the signature."""
        if cls.__doc__:
            # Python 3.13 takes the indentation off docstrings, earlier ones leave it.
            own = inspect.cleandoc(cls.__doc__)
            cls.__doc__ = f"{own}\n\nAttributes\n----------\n{_listed(cls.model_fields)}\n"
        cls.__signature__ = inspect.Signature(_parameters(cls.model_fields))

    def check(self) -> None:
        """Check what options say about each other.

        Raises
        ------
        VNNError
            Two of them exclude each other.
        """

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the options, in order."""
        return tuple(cls.model_fields)

    def changed(self, **changes: Any) -> Self:
        """Return the same with some options changed; ``None`` leaves an option that cannot be ``None`` as it is.

        Raises
        ------
        VNNError
            An option is unknown, has no effect with the others, or has an impossible value.
        """
        for name in changes:
            if name not in type(self).model_fields:
                raise self.error(unknown_name(type(self), name))
        given = {name: value for name, value in changes.items() if value is not None or self._may_be_none(name)}
        result = type(self)(**{**{name: getattr(self, name) for name in self.names()}, **given})
        for name in given:
            result._check_that_it_applies(name)
        return result

    @classmethod
    def _may_be_none(cls, name: str) -> bool:
        return type(None) in get_args(cls.model_fields[name].annotation)

    def _check_that_it_applies(self, name: str) -> None:
        field = type(self).model_fields[name]
        for other, values in extra_of(field).get("applies", {}).items():
            actual = getattr(self, other)
            if actual not in values and getattr(self, name) != field.default:
                allowed = " or ".join(option_set(other, value) for value in values)
                said = option_named(name)
                raise self.error(f"{said} goes with {allowed} only, got {option_set(other, actual)}. Leave {said} out.")

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return self.model_dump(mode="json")


def extra_of(field: FieldInfo) -> Mapping[str, Any]:
    """Return what a declaration says that pydantic does not know."""
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def unknown_name(kind: type[Options], name: str, *others: type[Options], also: Sequence[str] = ()) -> str:
    """Return what to say of a name that is not an option, of this kind or of others, nor ``also`` taken."""
    known = [option for one in (kind, *others) for option in one.names()]
    hint = did_you_mean(name, [*known, *also]) or f"Known: {', '.join(known)}."
    return f"Unknown {kind.what} {name!r}. {hint}"


def choices_of(annotation: Any) -> list[str]:
    """Return the words a type admits, in order."""
    found: list[str] = []
    for argument in get_args(annotation):
        found += [argument] if isinstance(argument, str) else choices_of(argument)
    return found


def described(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """Return what a type admits, in words: ``an integer of at least 1 or one of dcell-paper, dcell-code``."""
    if get_origin(annotation) is Annotated:
        inner, *entries = get_args(annotation)
        own = [part for entry in entries for part in getattr(entry, "metadata", [entry])]
        return described(inner, [*metadata, *own])
    if annotation in _KINDS:
        return f"{_KINDS[annotation]} {_bounds(metadata)}".rstrip()
    arguments = [argument for argument in get_args(annotation) if argument not in (type(None), ...)]
    if get_origin(annotation) is Literal:
        return ("one of " if len(arguments) > 1 else "") + ", ".join(map(str, arguments))
    if get_origin(annotation) is tuple:
        return f"{'two values' if len(arguments) > 1 else 'a list'}, each {described(arguments[0])}"
    if get_origin(annotation) in (Union, UnionType):
        *first, last = [described(argument, metadata) for argument in arguments]
        return f"{', '.join(first)}, or {last}" if first else last
    if get_origin(annotation) in (dict, Mapping):
        return "options by name"
    return "a function" if get_origin(annotation) is Callable else "another value"


def _bounds(metadata: Iterable[Any]) -> str:
    words = {"ge": "of at least", "gt": "above", "le": "of at most", "lt": "below"}
    limits = [
        f"{words[key]} {entry:g}"
        for part in metadata
        for key in words
        if (entry := getattr(part, key, None)) is not None
    ]
    return " and ".join(limits)


def worded(kind: type[BaseModel], problem: Mapping[str, Any]) -> str:
    """Return a problem that pydantic found with one option, in our words."""
    name = str(problem["loc"][0]) if problem["loc"] else ""
    if problem["type"] == "extra_forbidden" or (name not in kind.model_fields and problem["type"] != "value_error"):
        return unknown_name(kind, name) if issubclass(kind, Options) else f"Unknown option {name!r}."
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    field = kind.model_fields[name]
    value = problem["input"]
    choices = choices_of(field.annotation)
    hint = f" {did_you_mean(value, choices)}" if isinstance(value, str) else ""
    expected = described(field.annotation, field.metadata)
    return f"{name} must be {expected}{';' if choices else ','} got {shown(value)}.{hint}".rstrip()


def shown(value: Any) -> str:
    """Return a value as messages show it: what a stranger's recipe holds may be long."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        text = f"a {type(value).__name__}"
    return shortened(text)


def shortened(text: str) -> str:
    """Return the beginning of a text, as much as messages show of it."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def shown_default(field: FieldInfo) -> str:
    """Return a default as help texts and docstrings show it, or an empty text where there is none."""
    if field.is_required() or field.default in (None, (), ""):
        return ""
    if isinstance(field.default, tuple):
        return ", ".join(map(str, field.default))
    return str(field.default)


def documented(*kinds: type[Options]) -> Callable[[Function], Function]:
    """Give a function that takes options by name their signature, and the ``{options}`` of its docstring their texts.

    Parameters
    ----------
    *kinds
        The options it takes; of a name that several have the first counts.
    """
    fields: dict[str, FieldInfo] = {}
    for kind in kinds:
        for name, field in kind.model_fields.items():
            fields.setdefault(name, field)

    def decorated(function: Function) -> Function:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        further = [p for p in _parameters(fields) if p.name not in signature.parameters]
        function.__signature__ = signature.replace(parameters=[*own, *further])  # type: ignore[attr-defined]
        if function.__doc__:
            function.__doc__ = inspect.cleandoc(function.__doc__).replace("{options}", _listed(fields))
        return function

    return decorated


def _parameters(fields: Mapping[str, FieldInfo]) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=plain_type(field.annotation)
        )
        for name, field in fields.items()
    ]


def plain_type(annotation: Any) -> Any:
    """Return a type without what checks it."""
    if get_origin(annotation) is Annotated:
        return plain_type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return Union[tuple(map(plain_type, get_args(annotation)))]  # noqa: UP007  (there is no other way to make one)
    if get_origin(annotation) is tuple:
        return tuple[tuple(part if part is ... else plain_type(part) for part in get_args(annotation))]  # type: ignore[misc]
    return annotation


def _listed(fields: Mapping[str, FieldInfo]) -> str:
    """Return options as the entries of a section of a docstring."""
    lines: list[str] = []
    for name, field in fields.items():
        default = shown_default(field)
        text = f"{field.description} Default: {default}." if default else field.description or ""
        lines += [name, *textwrap.wrap(text, 104, initial_indent="    ", subsequent_indent="    ")]
    return "\n".join(lines)
