"""The application and its entry point."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextvars import copy_context
from typing import Annotated, Any

import typer

from keras_vnn.basics.errors import VNNError, VNNWarning
from keras_vnn.basics.remedies import on_command_line
from keras_vnn.cli._build import build, check, fetch, recipes
from keras_vnn.cli._console import open_closed_streams, report_error, say_warning, sentences_printed, show
from keras_vnn.cli._discover import identify, interactions
from keras_vnn.cli._export import export, report
from keras_vnn.cli._inputs import Command, Helped, HelpedGroup
from keras_vnn.cli._inspect import evaluate, explain, inspect
from keras_vnn.cli._options import with_verbosity
from keras_vnn.cli._predict import map_data, predict
from keras_vnn.cli._train import compare, demo, train, tune

app = typer.Typer(
    name="vnn",
    cls=HelpedGroup,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Visible neural networks: sparse layers wired by biological knowledge, with named nodes.",
    epilog="Start with `vnn demo`. Every command has a worked example: `vnn build --help`.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        show(f"keras-vnn {version('keras-vnn')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Visible neural networks: sparse layers wired by biological knowledge, with named nodes."""


# Of commands that are not called as their functions are, which would hide a function of Python.
_NAMES = {"map_data": "map"}


def _add(kind: type[Helped], *functions: Callable[..., None]) -> None:
    for function in functions:
        app.command(_NAMES.get(function.__name__), cls=kind)(with_verbosity(function))


_add(Helped, check)
_add(Command, build, train, predict, map_data, inspect, explain, interactions, identify, compare, tune)
app.add_typer(evaluate, name="evaluate")
_add(Command, export, report)
_add(Helped, demo, fetch, recipes)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; the process ends with exit code 0, 1 or 2."""
    given = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in given
    open_closed_streams()
    with warnings.catch_warnings(), sentences_printed():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", VNNWarning)
        warnings.showwarning = _show_once()
        try:
            copy_context().run(_run, given)
        except SystemExit as stop:
            if stop.code == 2 and sys.stderr is None:
                show("error: The command was not understood; standard error, which says why, is closed.")
            raise
        except (VNNError, OSError, MemoryError, ImportError) as error:
            report_error(_worded(error), as_json=as_json)
            raise SystemExit(1) from None


def _run(arguments: list[str]) -> None:
    on_command_line({})
    app(arguments)


def _worded(error: VNNError | OSError | MemoryError | ImportError) -> VNNError:
    """Return an error of ours for one of the system's that nothing else has put into words."""
    if isinstance(error, MemoryError):
        return VNNError(
            f"Not enough memory{f': {error}' if str(error) else '.'}\n"
            "Close other programs, or give fewer genes or cells; large .h5ad files can stay on disk: "
            "vnn train … --backed always"
        )
    if isinstance(error, ImportError):
        return VNNError(
            f"A package that keras-vnn needs is missing or does not work: {error}\n    pip install keras-vnn"
        )
    if isinstance(error, OSError):
        what = "" if error.filename is None else f": {str(error.filename)[:200]}"
        return VNNError(
            f"The operating system refused: {error.strerror or error}{what}\n"
            "Check the name of the file, its permissions and the space on the disk."
        )
    return error


def _show_once() -> Callable[..., None]:
    """Return what prints each warning the first time: each of many trainings may give the same."""
    shown = set()

    def show(message: Any, *_: Any, **__: Any) -> None:
        if str(message) not in shown:
            shown.add(str(message))
            say_warning(str(message))

    return show
