"""Choosing among the formats of a family: by name, or by looking at the beginning of the file.

In: a `Preview` and an explicit tuple of formats. Out: the one format to read it with, or an error that lists them.
Knows nothing of any format.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from keras_vnn.basics.errors import ConfigError, ReadError, did_you_mean
from keras_vnn.basics.unpacking import NOT_TEXT
from keras_vnn.readers.text import Preview, shortened

__all__ = ["Format", "choose_format"]


@dataclass(frozen=True, slots=True)
class Format:
    """One file format.

    Attributes
    ----------
    name
        What the user calls it in ``format=…``.
    title
        What messages and provenance call it.
    recognizes
        Says whether a file looks like it; never true for two formats of a family.
    read
        Reads a file, given its preview and the options of the family.
    """

    name: str
    title: str
    recognizes: Callable[[Preview], bool]
    read: Callable[..., Any]


def choose_format(
    start: Preview,
    formats: Sequence[Format],
    name: str,
    *,
    what: str,
    reader: str = "",
) -> Format:
    """Return the format of that name, or for ``"auto"`` the one the file looks like.

    Parameters
    ----------
    start
        The beginning of the file.
    formats
        Those of the family, the most telling first.
    name
        ``"auto"`` or the name of one.
    what
        What the family holds, for messages, e.g. ``an ontology``.
    reader
        The function that reads the family: a file that is beyond doubt another's is refused.

    Raises
    ------
    ConfigError
        There is no format of that name.
    ReadError
        The file looks like none of them.
    """
    names = [format.name for format in formats]
    if name not in ("auto", *names):
        raise ConfigError(
            f"Unknown format={name!r} for {what}. {did_you_mean(name, names)}".rstrip()
            + f"\nExpected one of: auto, {', '.join(names)}."
        )
    for magic, (kind, advice) in NOT_TEXT.items():
        if start.magic.startswith(magic):
            raise ReadError(f"The file is {kind}, not a text file with {what}: {start.path}\n{advice}")
    if not start.lines:
        raise ReadError(
            f"The file has comment lines and no rows: {start.path}\n    {shortened(start.comments[0][1])}\n"
            "Is the file truncated?"
        )
    # Imported late: what is foreign to one family is a format of another, which imports this module.
    from keras_vnn.readers.foreign import in_words

    if name == "auto" and (found := in_words(start, reader, sure=True)):
        raise ReadError(_is_other(start, found, what))
    for format in formats:
        if format.name == name or (name == "auto" and format.recognizes(start)):
            return format
    number, text = start.lines[0]
    if found := in_words(start, reader):
        raise ReadError(_is_other(start, found, what))
    known = "\n".join(f"    {format.name:<12} {format.title}" for format in formats)
    raise ReadError(
        f"Cannot tell the format of the file with {what}: {start.path}:{number}\n"
        f"    {shortened(text)}\n"
        f"Name it with format=…:\n{known}"
    )


def _is_other(start: Preview, found: tuple[str, str], what: str) -> str:
    number, text = start.lines[0]
    return f"The file is {found[0]}, not {what}: {start.path}:{number}\n    {shortened(text)}\n{found[1]}"
