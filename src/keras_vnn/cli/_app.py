"""The application and its entry point."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated, Any

import typer

from keras_vnn.cli._build import build
from keras_vnn.cli._check import check
from keras_vnn.cli._compare import compare
from keras_vnn.cli._console import report_error, say_warning
from keras_vnn.cli._demo import demo
from keras_vnn.cli._evaluate import evaluate
from keras_vnn.cli._explain import explain
from keras_vnn.cli._export import export
from keras_vnn.cli._fetch import fetch
from keras_vnn.cli._inspect import inspect
from keras_vnn.cli._report import report
from keras_vnn.cli._train import train
from keras_vnn.cli._tune import tune
from keras_vnn.errors import VNNError, VNNWarning

__all__ = ["app", "main"]

app = typer.Typer(
    name="vnn",
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

        typer.echo(f"keras-vnn {version('keras-vnn')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Visible neural networks: sparse layers wired by biological knowledge, with named nodes."""


app.command("check")(check)
app.command("build")(build)
app.command("train")(train)
app.command("inspect")(inspect)
app.command("explain")(explain)
app.command("compare")(compare)
app.command("tune")(tune)
app.add_typer(evaluate, name="evaluate")
app.command("export")(export)
app.command("report")(report)
app.command("demo")(demo)
app.command("fetch")(fetch)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; the process ends with exit code 0, 1 or 2."""
    given = sys.argv[1:] if arguments is None else arguments
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", VNNWarning)
        warnings.showwarning = _show_warning
        try:
            app(given)
        except VNNError as error:
            report_error(error, as_json="--json" in given)
            raise SystemExit(1) from None
        except ImportError as error:
            text = f"A package that keras-vnn needs is missing or does not work: {error}\n    pip install keras-vnn"
            report_error(VNNError(text), as_json="--json" in given)
            raise SystemExit(1) from None
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)
            raise SystemExit(1) from None


def _show_warning(message: Any, *_: Any, **__: Any) -> None:
    say_warning(str(message))
