"""The exceptions and the warning of the package, and the few helpers that word their messages.

In: names, counts, places. Out: exceptions whose text says what, where, expected, got and what to do.
Knows nothing of files, biology or Keras.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

__all__ = [
    "USUAL_NAMES",
    "ArchitectureError",
    "ConfigError",
    "DataError",
    "FetchError",
    "GeneError",
    "ModelError",
    "OutputError",
    "ReadError",
    "VNNError",
    "VNNWarning",
    "WiringError",
    "check_choice",
    "check_count",
    "check_kind",
    "counted",
    "did_you_mean",
    "readable",
    "sample",
]


# Of a line that is longer, so many letters of its beginning and of its end are said: files are named at the end.
_LONGEST_LINE, _BEGINNING, _END = 1000, 500, 400


# What options are called elsewhere, where the letters are too different to tell.
USUAL_NAMES = {
    "lr": "learning_rate",
    "n_epochs": "epochs",
    "max_epochs": "epochs",
    "max_iter": "epochs",
    "n_hidden": "tail",
    "hidden_layer_sizes": "tail",
    "training_options": "training",
    "model_options": "model",
    "verbose": "progress",
}


class VNNError(ValueError):
    """Base of every error this package raises on purpose; `readable`, and lines too long to be read are cut."""

    def __init__(self, message: object = "", *others: object) -> None:
        super().__init__("\n".join(map(_cut, readable(message, keep="\n\t").rstrip("\n").split("\n"))), *others)


class ReadError(VNNError):
    """A file is missing, unreadable, or not what it is said to be."""


class FetchError(VNNError):
    """A file of a provider cannot be had, or is not the one that was had before."""


class GeneError(VNNError):
    """Gene names are duplicated, unknown, or do not match each other."""


class WiringError(VNNError):
    """A prior cannot be turned into layers as asked."""


class ArchitectureError(VNNError):
    """An architecture is inconsistent, damaged, or not the one expected."""


class DataError(VNNError):
    """Expression values or labels cannot be used as they are."""


class ModelError(VNNError):
    """A model cannot be built, loaded, or asked what was asked of it."""


class ConfigError(VNNError):
    """A recipe or an option has an unknown name or an impossible value."""


class OutputError(VNNError):
    """A result cannot be written where it was to go."""


class VNNWarning(UserWarning):
    """Something is legal but probably not what the user meant; its text is `readable`."""

    def __init__(self, message: object = "", *others: object) -> None:
        super().__init__(readable(message, keep="\n\t"), *others)


def readable(text: object, *, keep: str = "") -> str:
    r"""Return a text that is safe to show: what a terminal would obey, or nobody would see, appears as its code.

    Names come from files that anybody may have written. Whatever people read goes through this function.

    Parameters
    ----------
    text
        A name, or a text with names in it.
    keep
        Letters that stay: line ends and tabs of texts with several lines.

    Examples
    --------
    >>> print(readable("\x1b[32mTP53\n"))
    \x1b[32mTP53\x0a
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(letter if letter.isprintable() or letter in keep else _code(letter) for letter in shown)


def _code(letter: str) -> str:
    number = ord(letter)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_BEGINNING]} … {line[-_END:]}"


def sample(names: Iterable[str], limit: int = 5) -> str:
    """Return at most ``limit`` sorted names, and how many were left out.

    Examples
    --------
    >>> sample(["TP53", "ATM"])
    'ATM, TP53'
    >>> sample([f"G{i}" for i in range(9)], limit=2)
    'G0, G1 and 7 more'
    """
    ordered = sorted(str(name) for name in names)
    text = ", ".join(ordered[:limit])
    return text if len(ordered) <= limit else f"{text} and {len(ordered) - limit} more"


def counted(number: Any, noun: str, nouns: str = "") -> str:
    """Return a number and what it counts: one of it, or several.

    ``nouns`` is what several are called, where English does not say so; a verb may follow the noun in both.

    Examples
    --------
    >>> counted(1, "gene"), counted(1234, "entry"), counted(0, "class"), counted(2, "epoch")
    ('1 gene', '1,234 entries', '0 classes', '2 epochs')
    >>> counted(2, "name matches", "names match")
    '2 names match'
    """
    if number == 1:
        return f"1 {noun}"
    if not nouns:
        if noun.endswith("y") and noun[-2:-1] not in "aeiou":
            nouns = f"{noun[:-1]}ies"
        else:
            hisses = noun.endswith(("s", "x", "ch")) and not noun.endswith("och")
            nouns = f"{noun}es" if hisses else f"{noun}s"
    return f"{number:,} {nouns}"


def did_you_mean(wrong: str, known: Sequence[str], limit: int = 3) -> str:
    """Return a sentence naming the known words closest to a wrong one, or an empty string.

    Examples
    --------
    >>> did_you_mean("cliqe", ["clique", "edge"])
    'Did you mean clique?'
    """
    usual = USUAL_NAMES.get(wrong.casefold())
    if usual in known:
        return f"Did you mean {usual}?"
    by_folded = {name.casefold(): name for name in reversed(known)}
    close = difflib.get_close_matches(wrong.casefold(), list(by_folded), n=limit, cutoff=0.6)
    return f"Did you mean {' or '.join(by_folded[name] for name in close)}?" if close else ""


def check_choice(name: str, value: object, allowed: Iterable[str], error: type[VNNError] = ConfigError) -> None:
    """Raise an error that names what is allowed, and what is closest, unless a value is allowed.

    Examples
    --------
    >>> check_choice("grouping", "cliqe", ["clique", "edge"])
    Traceback (most recent call last):
    keras_vnn.basics.errors.ConfigError: grouping must be one of clique, edge; got 'cliqe'. Did you mean clique?
    """
    known = list(allowed)
    if value not in known:
        hint = did_you_mean(str(value), known)
        raise error(f"{name} must be one of {', '.join(known)}; got {value!r}. {hint}".rstrip())


def check_count(name: str, value: object, error: type[VNNError] = ConfigError) -> None:
    """Raise an error unless a value is a whole number of at least 1.

    Examples
    --------
    >>> check_count("top", "all")
    Traceback (most recent call last):
    keras_vnn.basics.errors.ConfigError: top must be at least 1, got 'all'.
    """
    if not isinstance(value, Integral) or value < 1:
        raise error(f"{name} must be at least 1, got {value!r}.")


def check_kind(
    what: str, value: object, attributes: str, remedy: str, error: type[VNNError] = ConfigError, *, name: str = ""
) -> None:
    """Raise an error that says what was expected, unless a value has what is used of it.

    Parameters
    ----------
    what
        What was expected, with an article.
    value
        What was given.
    attributes
        Names of its attributes that are used.
    remedy
        How to get one, as code.
    error
        The class of the error.
    name
        Of the argument, where there are several.

    Examples
    --------
    >>> check_kind("a Split", 3, "train validation test", "Draw one: vnn.pp.split_cells(labels, seed=0)", name="split")
    Traceback (most recent call last):
    keras_vnn.basics.errors.ConfigError: split must be a Split, got int.
    Draw one: vnn.pp.split_cells(labels, seed=0)
    """
    if all(hasattr(value, attribute) for attribute in attributes.split()):
        return
    expected = f"{name} must be {what}" if name else f"Expected {what}"
    raise error(f"{expected}, got {type(value).__name__}.\n{remedy}")
