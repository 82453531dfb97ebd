"""How an option is written where a message about it is read: in Python by name, on the command line as a flag.

In: the names options have in Python. Out: words for messages. The command line says which options the command has; what
calls a function with options of other names says so. Knows no option by itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# The flags of the command that runs, by the names the options have where the message is made; `None` in Python.
_FLAGS: ContextVar[dict[str, str] | None] = ContextVar("_FLAGS", default=None)


def at_command_line() -> bool:
    """Say whether messages are read on the command line."""
    return _FLAGS.get() is not None


def by_place(on_command_line: str, in_python: str) -> str:
    """Return the one of two texts that is for where it is read.

    Examples
    --------
    >>> by_place("vnn map MODEL DATA", "vnn.tl.map_data(model, data)")
    'vnn.tl.map_data(model, data)'
    """
    return on_command_line if at_command_line() else in_python


def on_command_line(flags: Mapping[str, str]) -> None:
    """Word what follows for a command with these flags, by the names of its options."""
    _FLAGS.set({**flags, **({"overwrite": flags["force"]} if "force" in flags else {})})


@contextmanager
def options_called(**names: str) -> Iterator[None]:
    """Word what is said in the block for a function whose options, by name, are these options of the command."""
    flags = _FLAGS.get()
    if flags is None:
        yield
        return
    token = _FLAGS.set(flags | {name: flags[option] for name, option in names.items() if option in flags})
    try:
        yield
    finally:
        _FLAGS.reset(token)


def remedy(sentence: str, otherwise: str = "", /, **options: Any) -> str:
    """Return a sentence with options in it as they are written where it is read.

    Parameters
    ----------
    sentence
        The text, with the name of each option in braces.
    otherwise
        What to say where there are no such options.
    **options
        A value for each; ``...`` for one that is not known.

    Examples
    --------
    >>> remedy("Pass {malformed} to count such rows.", malformed="skip")
    'Pass malformed="skip" to count such rows.'
    """
    flags = _FLAGS.get()
    if flags is None:
        return sentence.format(**{name: f"{name}={_in_python(value)}" for name, value in options.items()})
    if not options.keys() <= flags.keys():
        return otherwise
    return sentence.format(**{name: _as_flags(flags[name], value) for name, value in options.items()})


def option_named(name: str) -> str:
    """Return what an option is called where the message is read: ``min_score``, or ``--min-score``.

    Examples
    --------
    >>> option_named("min_score")
    'min_score'
    """
    return (_FLAGS.get() or {}).get(name, name)


def option_set(name: str, value: Any) -> str:
    """Return an option with its value, as it is written where the message is read.

    Examples
    --------
    >>> option_set("min_genes", 5)
    'min_genes=5'
    """
    flag = (_FLAGS.get() or {}).get(name)
    return f"{name}={value!r}" if flag is None else _as_flags(flag, value)


def reader_called(family: str, function: str, *, format: str = "") -> str:
    """Return what reads a family of files: an option of ``vnn build``, or a function; with the format, if it is named.

    Examples
    --------
    >>> reader_called("regulation", "read.regulation", format="matrix")
    'vnn.read.regulation with format="matrix"'
    """
    if at_command_line():
        return f"--{family}{format and f' with --{family}-format {format}'}"
    return f"vnn.{function}{format and f' with format={_in_python(format)}'}"


def called(function: str, /, **options: Any) -> str:
    """Return the call of a function of a path with options, on the command line the options alone.

    Examples
    --------
    >>> called("vnn.read.expression", layer="raw")
    'vnn.read.expression(path, layer="raw")'
    """
    words = remedy(", ".join(f"{{{name}}}" for name in options), **options)
    return words if at_command_line() else f"{function}(path, {words})"


def _in_python(value: Any) -> str:
    if value is ...:
        return "…"
    if isinstance(value, list):
        return f"[{', '.join(map(_in_python, value))}]"
    if isinstance(value, tuple) and len(value) > 1:
        return f"({', '.join(map(_in_python, value))})"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _as_flags(flag: str, value: Any) -> str:
    if isinstance(value, bool):
        return flag if value else flag.replace("--", "--no-", 1)
    values = value if isinstance(value, list | tuple) else (value,)
    return " ".join(f"{flag} {'…' if one is ... else shlex.quote(str(one))}" for one in values)
