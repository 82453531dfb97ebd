"""The trials of a search on disk: a database of Optuna, ``study.db``, that its own programs open too.

A trial is written when it is over, in one transaction, so a search that was killed has lost the trial it was at and
nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_vnn.basics.errors import ConfigError, OutputError
from keras_vnn.basics.files import check_target
from keras_vnn.experiments.tuning._optuna import imported_optuna, quiet_optuna
from keras_vnn.experiments.tuning._proposals import direction_of, frozen_trial
from keras_vnn.experiments.tuning._trials import Outcome
from keras_vnn.recipes.space import Setting

if TYPE_CHECKING:
    from optuna.study import Study

__all__ = ["RESULTS", "Store", "open_store"]

DATABASE = "study.db"
RESULTS = ("trials.csv", "best.yaml", "best.keras", "tuning.json")
_NAME, _RECORD, _SEARCH = "tune", "keras_vnn_trial", "keras_vnn_search"


class Store:
    """The finished and failed trials of one search, in their order."""

    def __init__(self, study: Study, space: Mapping[str, Setting], measure: str, path: Path) -> None:
        self._study = study
        self._space = space
        self._measure = measure
        self._path = path
        self.outcomes = [Outcome.from_json(trial.user_attrs[_RECORD]) for trial in study.get_trials(deepcopy=False)]

    def keep(self, outcome: Outcome) -> None:
        """Write a trial down.

        Raises
        ------
        OutputError
            Another process writes trials into the same folder, or the disk is full.
        """
        with _as_our_errors(self._path):
            if len(self._study.get_trials(deepcopy=False)) != len(self.outcomes):
                raise OutputError(
                    f"Another process searches in the same folder: {self._path.parent}\n"
                    "Wait for it, or name another folder."
                )
            self._study.add_trial(frozen_trial(self._space, outcome, self._measure, **{_RECORD: outcome.to_json()}))
        self.outcomes.append(outcome)


@contextmanager
def open_store(folder: Path, search: Mapping[str, Any], space: Mapping[str, Setting], measure: str) -> Iterator[Store]:
    """Yield the trials that lie in a folder, those of an earlier run among them.

    Parameters
    ----------
    folder
        It exists.
    search
        All that the trials depend on, as JSON values; only trials of the same are gone on with.
    space, measure
        What is searched, and by what it is judged.

    Raises
    ------
    ConfigError
        The folder holds the search of another recipe.
    OutputError
        The folder cannot be written, or its database is none.
    """
    optuna = imported_optuna()
    path, *_ = (check_target(folder / name, overwrite=True) for name in (DATABASE, *RESULTS))
    if not path.exists():
        there = [name for name in RESULTS if (folder / name).exists()]
        if there:
            raise OutputError(
                f"The folder holds files of these names, but no search: {folder / there[0]}\nName another folder."
            )
    with quiet_optuna(), _as_our_errors(path):
        storage = optuna.storages.RDBStorage(_address(path))
        try:
            study = optuna.create_study(
                storage=storage, study_name=_NAME, direction=direction_of(measure), load_if_exists=True
            )
            known = study.user_attrs.get(_SEARCH)
            if known is None:
                study.set_user_attr(_SEARCH, json.loads(json.dumps(search)))
            else:
                _check_same(folder, known, json.loads(json.dumps(search)))
            yield Store(study, space, measure, path)
        finally:
            storage.remove_session()
            storage.engine.dispose()


def _address(path: Path) -> str:
    from sqlalchemy import URL

    # Optuna fills in braces.
    address = URL.create("sqlite", database=str(path.resolve())).render_as_string()
    return address.replace("{", "{{").replace("}", "}}")


@contextmanager
def _as_our_errors(path: Path) -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError

    optuna = imported_optuna()
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError, RuntimeError) as error:
        cause = str(getattr(error, "orig", None) or error.__cause__ or error).splitlines()[0]
        raise OutputError(
            f"The database of trials cannot be used: {path}\n    {cause}\n"
            "If it is damaged, remove it, and the search begins anew; else name another folder."
        ) from error


def _check_same(folder: Path, known: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    before, now = dict(_flat(known)), dict(_flat(asked))
    differ = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    if not differ:
        return
    lines = [f"    {name}: {_shown(before.get(name))} there, {_shown(now.get(name))} here" for name in differ[:5]]
    more = [f"    and {len(differ) - 5} more"] if len(differ) > 5 else []
    text = "\n".join([*lines, *more])
    raise ConfigError(
        f"The folder holds another search, {len(differ)} {'differences' if len(differ) > 1 else 'difference'}: "
        f"{folder}\n{text}\nName another folder: vnn tune RECIPE -o another"
    )


def _flat(search: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, part in search.items():
        if isinstance(part, Mapping):
            yield from ((f"{section}.{name}", value) for name, value in part.items())
        else:
            yield section, part


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return text if len(text) <= 60 else f"{text[:60]}…"
