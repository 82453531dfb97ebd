"""Write `keras_vnn/options/_changes.pyi`: the options as type checkers and editors see them when passed by name.

A test holds the file equal to the options. Usage: python tools/option_types.py
"""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from keras_vnn import options
from keras_vnn.options import as_tuple

TARGET = Path(options.__file__).with_name("_changes.pyi")
NAMES = ("Interaction", "GeneSet", "Hierarchy", "Ontology", "Model", "Autoencoder", "Training")
# What functions that train are told by name.
TOGETHER = {"Predictor": ("Training", "Model"), "Restorer": ("Training", "Autoencoder")}


def stub() -> str:
    """Return the text of the file."""
    lines = [
        '"""Options by name, for type checkers. Written by tools/option_types.py from the options themselves."""',
        "",
        "from collections.abc import Callable, Sequence",
        "from typing import Literal, TypedDict",
    ]
    for name in NAMES:
        kind = getattr(options, f"{name}Options")
        lines += [
            "",
            f"class {name}Changes(TypedDict, total=False):",
            f'    """Any of the fields of `{kind.__name__}`."""',
            "",
        ]
        lines += [f"    {field}: {admitted(info)}" for field, info in kind.model_fields.items()]
    for name, parts in TOGETHER.items():
        bases = ", ".join(f"{part}Changes" for part in parts)
        kinds = " and ".join(f"`{part}Options`" for part in parts)
        lines += ["", f"class {name}Changes({bases}, total=False):", f'    """Any of the fields of {kinds}."""']
    return "\n".join(lines) + "\n"


def admitted(field: FieldInfo) -> str:
    """Return what may be passed for an option: a single value for a list of one, where it is taken for that."""
    if as_tuple in field.metadata:
        return f"{written(get_args(field.annotation)[0])} | {written(field.annotation)}"
    return written(field.annotation)


def written(annotation: Any) -> str:
    """Return a type as it is written, without what checks it."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return written(arguments[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(written(argument) for argument in arguments))
    if get_origin(annotation) is Literal:
        return f"Literal[{', '.join(repr(argument).replace(chr(39), chr(34)) for argument in arguments)}]"
    if get_origin(annotation) is tuple:
        several = written(arguments[0])
        return f"Sequence[{several}]" if arguments[1] is ... else f"tuple[{several}, {several}]"
    if get_origin(annotation) is Callable:
        return f"Callable[[{', '.join(map(written, arguments[0]))}], {written(arguments[1])}]"
    return "None" if annotation is types.NoneType else str(annotation.__name__)


if __name__ == "__main__":
    TARGET.write_text(stub(), encoding="utf-8")
