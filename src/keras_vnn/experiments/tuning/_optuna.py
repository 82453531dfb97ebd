"""Optuna, where it is installed, without what it would print."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from keras_vnn.basics.errors import ConfigError

__all__ = ["imported_optuna", "quiet_optuna"]


def imported_optuna() -> ModuleType:
    """Return Optuna.

    Raises
    ------
    ConfigError
        It is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise ConfigError(
            "Searching hyper-parameters needs Optuna, which is not installed.\n    pip install 'keras-vnn[tune]'"
        ) from error
    return optuna


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Let Optuna say no more than warnings meanwhile."""
    logging = imported_optuna().logging
    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(before)
