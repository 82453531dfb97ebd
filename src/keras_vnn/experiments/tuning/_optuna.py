"""Optuna: what to try next, which trials are hopeless, and the trials of a search on disk.

Its tree-structured Parzen estimator is seeded for every trial by the seed of the search and the number of trials there
are. The same trials give the same values, so a search that was stopped goes on as if it had not been; a sampler that
lives as long as the search would begin again with the values it began with. Trials lie in ``study.db``, a database that
Optuna's own programs open too. One is written when it is over, in one transaction, so a search that was killed has lost
the trial it was at and nothing else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, TypeAdapter

from keras_vnn.basics.errors import ConfigError, OutputError
from keras_vnn.data.metrics import is_better_when_smaller
from keras_vnn.experiments.tuning._trials import Failed, Finished, Outcome, Pruned
from keras_vnn.recipes.space import Choices, Setting, grid

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial

DATABASE = "study.db"
_NAME, _RECORD = "tune", "keras_vnn_trial"
_OUTCOMES: TypeAdapter[Outcome] = TypeAdapter(Annotated[Finished | Pruned | Failed, Field(discriminator="state")])
# So many draws may give what was tried before, then the rest is counted out.
_DRAWS = 16
_MOST_COUNTED = 100_000
# Trials that are trained to their end, and epochs nobody is judged in.
_FIRST_TRIALS, _FIRST_EPOCHS = 5, 3


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
def _quiet() -> Iterator[None]:
    """Let Optuna say no more than warnings meanwhile."""
    logging = imported_optuna().logging
    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(before)


@_quiet()
def next_values(
    space: Mapping[str, Setting], outcomes: Sequence[Outcome], *, measure: str, seed: int
) -> dict[str, Any] | None:
    """Return values that were not tried yet; ``None`` when all were.

    Parameters
    ----------
    space
        What there is to choose from.
    outcomes
        The trials so far.
    measure
        By which these are good or bad.
    seed
        The same seed and outcomes give the same values.
    """
    optuna = imported_optuna()
    tried = {_text(outcome.values) for outcome in outcomes}
    distributions = _distributions(space)
    # Optuna learns nothing from failures; as trials that were stopped before they began they are the worst there are.
    past = [_frozen(space, one, measure, "PRUNED" if one.state == "failed" else None) for one in outcomes]
    for draw in range(_DRAWS):
        sampler = optuna.samplers.TPESampler(seed=_seed(seed, len(outcomes), draw))
        study = optuna.create_study(direction=_direction(measure), sampler=sampler)
        study.add_trials(past)
        asked = study.ask(distributions).params
        values = {
            name: json.loads(asked[name]) if isinstance(setting, Choices) else setting.settled(asked[name])
            for name, setting in space.items()
        }
        if _text(values) not in tried:
            return values
    sizes = [len(setting.values or ()) for setting in space.values()]
    everything = grid(space) if math.prod(sizes) <= _MOST_COUNTED else None
    if everything is None:
        return values
    rest = [chosen for chosen in everything if _text(chosen) not in tried]
    return rest[_seed(seed, len(outcomes), _DRAWS) % len(rest)] if rest else None


@_quiet()
def pruner(outcomes: Sequence[Outcome]) -> Callable[[Sequence[float]], bool]:
    """Return what says of the losses of a trial, epoch by epoch, whether it is hopeless.

    That is when its best loss is above the median of the losses that finished trials had at the same epoch, by Optuna's
    median rule: after five finished trials, from the fourth epoch on.

    Parameters
    ----------
    outcomes
        The trials so far, with their losses.
    """
    optuna = imported_optuna()
    rule = optuna.pruners.MedianPruner(n_startup_trials=_FIRST_TRIALS, n_warmup_steps=_FIRST_EPOCHS)
    study = optuna.create_study(direction="minimize", pruner=rule)
    for outcome in outcomes:
        if isinstance(outcome, Finished):
            losses = dict(enumerate(outcome.losses))
            study.add_trial(optuna.trial.create_trial(value=0.0, intermediate_values=losses))
    trial = study.ask()

    def is_hopeless(losses: Sequence[float]) -> bool:
        trial.report(losses[-1], len(losses) - 1)
        return bool(trial.should_prune())

    return is_hopeless


class Store:
    """The trials of one search, in their order, kept as they come."""

    def __init__(self, study: Study, space: Mapping[str, Setting], measure: str, path: Path) -> None:
        self.space = space
        self.measure = measure
        self._study = study
        self._path = path
        kept = study.get_trials(deepcopy=False)
        self.outcomes = [_OUTCOMES.validate_python(trial.user_attrs[_RECORD]) for trial in kept]

    def keep(self, outcome: Outcome) -> None:
        """Write a trial down.

        Raises
        ------
        OutputError
            The disk is full.
        """
        with _as_our_errors(self._path):
            trial = _frozen(self.space, outcome, self.measure, None, **{_RECORD: outcome.model_dump()})
            self._study.add_trial(trial)
        self.outcomes.append(outcome)


@contextmanager
def open_store(folder: Path, space: Mapping[str, Setting], measure: str) -> Iterator[Store]:
    """Yield the trials that lie in a folder, those of an earlier run among them.

    Parameters
    ----------
    folder
        Of this search and held by it alone; see `keras_vnn.basics.runs`.
    space, measure
        What is searched, and by what it is judged.

    Raises
    ------
    OutputError
        The folder cannot be written, or its database is none.
    """
    optuna = imported_optuna()
    from sqlalchemy.pool import NullPool

    path = folder / DATABASE
    with _as_our_errors(path), _quiet():
        # No connection is kept for later: what fails as it is made gives nobody a storage to dispose of.
        storage = optuna.storages.RDBStorage(_address(path), engine_kwargs={"poolclass": NullPool})
    try:
        with _as_our_errors(path), _quiet():
            study = optuna.create_study(
                storage=storage, study_name=_NAME, direction=_direction(measure), load_if_exists=True
            )
            store = Store(study, space, measure, path)
        yield store
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
    """Say of which file it is what a database that cannot be written, or is damaged, makes Optuna raise."""
    from sqlalchemy.exc import SQLAlchemyError

    kinds = (RuntimeError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
    try:
        yield
    except (SQLAlchemyError, imported_optuna().exceptions.StorageInternalError, *kinds) as error:
        cause = str(getattr(error, "orig", None) or error.__cause__ or error).partition("\n")[0]
        raise OutputError(
            f"The database of trials cannot be used: {path}\n    {cause}\n"
            "If it is damaged, remove it, and the search starts from scratch; else name another folder."
        ) from error


def _direction(measure: str) -> str:
    return "minimize" if is_better_when_smaller(measure) else "maximize"


def _frozen(
    space: Mapping[str, Setting], outcome: Outcome, measure: str, state: str | None, **facts: Any
) -> FrozenTrial:
    """Return a trial as Optuna keeps it, in its own or another state, with further facts."""
    trial = imported_optuna().trial
    states = {"finished": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
    # Optuna takes losses for values of what is searched, so they must be better in the same direction.
    sign = 1 if is_better_when_smaller(measure) else -1
    made: FrozenTrial = trial.create_trial(
        state=trial.TrialState[state or states[outcome.state]],
        value=outcome.scores[measure] if isinstance(outcome, Finished) else None,
        params={
            name: _text(outcome.values[name]) if isinstance(kind, Choices) else outcome.values[name]
            for name, kind in space.items()
        },
        distributions=_distributions(space),
        intermediate_values={epoch: sign * loss for epoch, loss in enumerate(outcome.losses)},
        user_attrs=facts,
    )
    return made


def _distributions(space: Mapping[str, Setting]) -> dict[str, BaseDistribution]:
    """Return a search space as Optuna knows it; a choice is known by its JSON, so that it may be anything."""
    kinds: Any = imported_optuna().distributions

    def of(setting: Setting) -> Any:
        if isinstance(setting, Choices):
            return kinds.CategoricalDistribution([_text(value) for value in setting.values])
        if setting.is_whole:
            step = 1 if setting.step is None else int(setting.step)
            return kinds.IntDistribution(int(setting.low), int(setting.high), log=setting.log, step=step)
        return kinds.FloatDistribution(setting.low, setting.high, log=setting.log, step=setting.step)

    return {name: of(setting) for name, setting in space.items()}


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
