"""What texts of the package tell people to do: commands, options and functions, and whether these exist.

In: the sources, or what a command printed. Out: sentences about what does not exist, or is in the words of the other
place: options of the command line in Python, keywords of Python on the command line. Tests go through both.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import keras_vnn

PACKAGE = Path(keras_vnn.__file__).parent
# Calls that word a text for where it is read.
_WORDED = {"by_place", "remedy", "called", "reader_called", "_with_data"}
# Of other programs, and options that the command line writes anew for each command.
_FOREIGN = re.compile(r"(?<![\w-])(pip|robot|zstd|7z|lz4|git|grep|iconv|gunzip|head|apt-get|curl) [^\n;]*")
_COMMAND = re.compile(r"(?<![\w./-])vnn ([a-z]+)(?: ([a-z]+))?([^\n;)`]*)")
_OPTION = re.compile(r"(?<![\w-])--[a-z](?:-?[a-z0-9])+(?![\w-])")
_FUNCTION = re.compile(r"(?<![\w-])vnn((?:\.[A-Za-z_]+)+)")
# A keyword with its value, or without; of pandas, R and others only behind their name.
_KEYWORD = re.compile(r"(?<![\w.<{?&/-])[a-z]+(?:_[a-z]+)*=(?=[\"'\d…({\[A-Z]|$|[ ,;.)])")
# The same, where the sources put both in.
_SET = re.compile(r"(?:[a-z_]|\{\})*\{\}=(?=\{\})")
_OTHERS = re.compile(
    r"(pandas|anndata|adata|table|frame|model|x)\.[a-z_]+[^\n]*|in R: [^\n]*|KERAS_BACKEND=\w+|export [A-Z_]+="
)


@dataclass(frozen=True)
class Text:
    """A text in the sources, with ``{}`` for what is put in: where it stands, and whether it is worded by place."""

    module: str
    function: str
    line: int
    content: str
    is_worded: bool


@cache
def commands() -> dict[str, frozenset[str]]:
    """Return the options of each command of ``vnn``, by its name; of a group of commands ``evaluate clustering``."""
    import typer

    from keras_vnn.cli._app import app

    def listed(group: Any, before: str = "") -> Iterator[tuple[str, frozenset[str]]]:
        for name, command in group.commands.items():
            flags = {flag for param in command.params for flag in (*param.opts, *param.secondary_opts)}
            yield f"{before}{name}", frozenset(flags) | {"--help"}
            if hasattr(command, "commands"):
                yield from listed(command, f"{name} ")

    return dict(listed(typer.main.get_command(app)))


def texts() -> Iterator[Text]:
    """Yield the texts of the package that are no docstrings."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                content = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                content = node.value
            else:
                continue
            above = list(_above(node, parents))
            if isinstance(above[0], ast.JoinedStr | ast.Expr):  # a part of one, or a docstring
                continue
            functions = [one.name for one in above if isinstance(one, ast.FunctionDef)]
            module = path.relative_to(PACKAGE).as_posix()
            yield Text(module, functions[0] if functions else "", node.lineno, content, any(map(_words, above)))


def _above(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    while node in parents:
        node = parents[node]
        yield node


def _words(node: ast.AST) -> bool:
    """Say whether what is below a node is worded for where it is read."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _WORDED
    return isinstance(node, ast.IfExp | ast.If) and "at_command_line()" in ast.unparse(node.test)


def not_there(content: str, command: str = "") -> list[str]:
    """Return which commands, options and functions that a text names do not exist.

    ``command`` is the one that printed it: options that are named alone are its own.
    """
    own = re.sub(_FOREIGN, "", content)
    found = []
    for first, second, rest in _COMMAND.findall(own):
        name = f"{first} {second}" if f"{first} {second}" in commands() else first
        if name not in commands():
            found.append(f"vnn {first}")
            continue
        found += [f"vnn {name} {option}" for option in _OPTION.findall(rest) if option not in commands()[name]]
    every = commands()[command] if command else frozenset().union(*commands().values())
    found += [option for option in _OPTION.findall(re.sub(_COMMAND, "", own)) if option not in every | {"--version"}]
    return found + [f"vnn{names}" for names in _FUNCTION.findall(own) if not _exists(names)]


def _exists(names: str) -> bool:
    found: Any = keras_vnn
    for name in names.strip(".").split("."):
        if not hasattr(found, name):
            return False
        found = getattr(found, name)
    return True


def words_of_python(content: str) -> list[str]:
    """Return the keywords and functions of Python in a text."""
    own = re.sub(_OTHERS, "", content)
    return [*_KEYWORD.findall(own), *_SET.findall(own), *(f"vnn{names}" for names in _FUNCTION.findall(own))]


def options_alone(content: str) -> list[str]:
    """Return the options in a text that stand in no command."""
    return _OPTION.findall(re.sub(_COMMAND, "", re.sub(_FOREIGN, "", content)))
