"""The public names of the package and of its namespaces, imported from their modules when they are first asked for.

In: the stubs next to ``keras_vnn/__init__.py``, which list the names for type checkers and editors too. Out: what the
modules of these stubs need to give them, and where a name is that was asked for in the wrong place.
"""

from __future__ import annotations

import ast
import difflib
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from keras_vnn.basics.keras_import import missing_backend_worded, quiet_start

PACKAGE = "keras_vnn"
NAMESPACES = ("read", "pp", "wire", "tl", "pl")
_MODULES = (PACKAGE, *(f"{PACKAGE}.{namespace}" for namespace in NAMESPACES))


def public_names(module: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of the package or of a namespace, by what its stub lists."""
    names = names_in(module)
    return imported_on_use(module, names), lambda: sorted(names), sorted(names)


@cache
def names_in(module: str) -> Mapping[str, tuple[str, str]]:
    """Return the module of each public name and what it is called there; the latter is empty for a module itself.

    Examples
    --------
    >>> names_in("keras_vnn.read")["genes"]
    ('keras_vnn.readers', 'read_genes')
    """
    place = Path(__file__).parents[1].joinpath(*module.split(".")[1:])
    is_package = place.is_dir() and module != PACKAGE
    stub = ast.parse((place / "__init__.pyi" if place.is_dir() else place.with_suffix(".pyi")).read_text("utf-8"))
    base = module if is_package else PACKAGE
    return {
        alias.asname or alias.name: (f"{base}.{node.module}", alias.name)
        if node.module
        else (f"{base}.{alias.name}", "")
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def imported_on_use(module: str, names: Mapping[str, tuple[str, str]]) -> Callable[[str], Any]:
    """Return a ``__getattr__`` that imports a name from its module when it is first asked for, and keeps it."""

    def imported(name: str) -> Any:
        if name not in names:
            # Without an object, Python does not add a suggestion of its own.
            raise AttributeError(f"{module} has no name {name!r}{_closest(module, name, names)}", name=name, obj=None)
        source, own = names[name]
        with missing_backend_worded(), quiet_start():
            value = import_module(source)
        value = getattr(value, own) if own else value
        vars(sys.modules[module])[name] = value
        return value

    return imported


def place_of(own: str) -> str:
    """Return where something is public, by what it is called in its module; nothing if it is not.

    Examples
    --------
    >>> place_of("read_genes"), place_of("train")
    ('keras_vnn.read.genes', 'keras_vnn.train')
    """
    return {name: place for place, (_, name) in _places().items()}.get(own, "")


@cache
def _places() -> dict[str, tuple[str, str]]:
    """Return every public place with its last word, and what is there called in its module."""
    return {f"{module}.{public}": (public, own) for module in _MODULES for public, (_, own) in names_in(module).items()}


def _closest(module: str, name: str, names: Mapping[str, object]) -> str:
    """Say which public name is closest to a wrong one, and where it is."""
    places = {f"{module}.{own}": (own, own) for own in names} | _places()
    words = sorted({word for both in places.values() for word in both})
    close = difflib.get_close_matches(name, words, n=1, cutoff=0.7)
    found = [place for place, both in places.items() if close and close[0] in both]
    return f". Did you mean {' or '.join(found)}?" if found else ""
