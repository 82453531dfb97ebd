"""Options as the command line reads them: what Python accepts of each, given as text; each once, but for lists."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
from pydantic import TypeAdapter, ValidationError
from typer.main import get_command

from keras_vnn.basics.progress import LOGGER, settings
from keras_vnn.cli import app
from keras_vnn.cli._options import fields_of
from keras_vnn.recipes.schema import BuildRecipe, CellsRecipe, CompareRecipe, TrainRecipe, TuneRecipe

COMMANDS = get_command(app).commands
SECTIONS = {
    "build": BuildRecipe,
    "train": TrainRecipe,
    "compare": CompareRecipe,
    "tune": TuneRecipe,
    "predict": CellsRecipe,
}
DECLARED = {
    f"{name} {field}": (COMMANDS[name], field, declared)
    for name, section in SECTIONS.items()
    for field, declared, _ in fields_of(section)
    if any(param.name == field and param.param_type_name == "option" for param in COMMANDS[name].params)
}
NUMBERS = (1, 2, 3, 40, 0.25, 1.5, 0.0001)


def words_of(annotation: Any) -> Iterator[str]:
    """Yield the words that a type lists."""
    if get_origin(annotation) is Literal:
        yield from (word for word in get_args(annotation) if isinstance(word, str))
        return
    for part in get_args(annotation):
        yield from words_of(part)


def as_arguments(option: Any, value: Any) -> list[str]:
    """Return what a person types for a value."""
    if isinstance(value, bool):
        return [option.opts[0] if value else option.secondary_opts[0]]
    flag = max(option.opts, key=len)
    parts = [str(part) for part in value] if isinstance(value, tuple) else [str(value)]
    if option.multiple:
        return [word for part in parts for word in (flag, part)]
    return [flag, *parts] if option.nargs > 1 else [flag, ",".join(parts)]


@pytest.mark.parametrize("place", DECLARED)
def test_what_python_accepts_of_an_option_is_accepted_as_text(place: str) -> None:
    command, name, field = DECLARED[place]
    option = next(param for param in command.params if param.name == name)
    known = TypeAdapter(Annotated[field.annotation, field])
    alone = [True, False, *NUMBERS, *words_of(field.annotation), "word"]
    accepted = 0
    several = [(one,) for one in alone[2:] if option.multiple]
    for value in [*alone, *several, *((one, other) for one in NUMBERS for other in NUMBERS)]:
        if isinstance(value, bool) and not option.secondary_opts:
            continue
        try:
            expected = known.validate_python(value)
        except ValidationError:
            continue
        typed = command.make_context("vnn", as_arguments(option, value), resilient_parsing=True).params[name]
        assert known.validate_python(typed) == expected, (value, typed)
        accepted += 1
    assert accepted


@pytest.mark.parametrize("name", ["train", "predict", "inspect", "report", "compare", "check"])
def test_an_option_of_one_value_is_given_once(vnn: Callable, name: str) -> None:
    option = next(p for p in COMMANDS[name].params if p.param_type_name == "option" and not (p.multiple or p.is_flag))
    flag = option.opts[0]
    ran = vnn(name, "file", flag, "1", flag, "2")
    assert ran.code == 2
    assert f"'{flag}" in ran.err and "takes one value, and is given twice" in " ".join(ran.err.split())


def test_a_list_and_a_switch_may_be_given_again(vnn: Callable, job: Path) -> None:
    ran = vnn("build", "--genes", "expression.csv", "--interactions", "ppi.tsv", "--interactions", "ppi.tsv", "--json",
              "--json", "-o", "net.vnn")  # fmt: skip
    assert ran.code == 0, ran.err


def test_quiet_and_verbose(vnn: Callable, job: Path) -> None:
    before = LOGGER.level, settings.progress
    build = ("build", "--genes", "expression.csv", "--interactions", "ppi.tsv", "-o", "net.vnn", "--force")
    usual, quiet, verbose = vnn(*build), vnn(*build, "--quiet"), vnn(*build, "--verbose")
    assert usual.code == quiet.code == verbose.code == 0
    assert usual.err and not quiet.err and len(verbose.err) >= len(usual.err)
    assert usual.out == quiet.out == verbose.out
    assert (LOGGER.level, settings.progress) == before
    assert logging.getLogger("keras_vnn").level == before[0]
    failing = vnn("inspect", "none.keras", "--quiet")
    assert failing.code == 1 and failing.err.startswith("error: ")


def test_quiet_and_verbose_are_of_every_command(vnn: Callable) -> None:
    for name, command in [*COMMANDS.items(), *COMMANDS["evaluate"].commands.items()]:
        if name != "evaluate":
            assert {"--quiet", "--verbose"} <= {flag for param in command.params for flag in param.opts}, name
