"""What to try next: Optuna's tree-structured Parzen estimator, seeded anew for every trial.

In: a search space and the trials so far. Out: values to try. The same trials give the same values, so a search that was
stopped goes on as if it had not been; Optuna's own sampler would begin again with the values it began with.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_vnn.experiments.tuning._measures import is_better_when_smaller
from keras_vnn.experiments.tuning._optuna import imported_optuna, quiet_optuna
from keras_vnn.experiments.tuning._trials import Outcome
from keras_vnn.recipes.space import Choices, Setting, grid

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

__all__ = ["direction_of", "frozen_trial", "next_values", "pruner"]

# So many draws may give what was tried before, then the rest is counted out.
_DRAWS = 16
_MOST_COUNTED = 100_000
_TAKEN_FOR = {"finished": "finished", "pruned": "pruned", "failed": "pruned"}
# Trials that are trained to their end, and epochs nobody is judged in.
_FIRST_TRIALS, _FIRST_EPOCHS = 5, 3


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
    tried = {_key(outcome.values) for outcome in outcomes}
    distributions = _distributions(space)
    # Optuna learns nothing from failures; as trials that were stopped before they began they are the worst there are.
    past = [frozen_trial(space, replace(outcome, state=_TAKEN_FOR[outcome.state]), measure) for outcome in outcomes]
    with quiet_optuna():
        for draw in range(_DRAWS):
            sampler = optuna.samplers.TPESampler(seed=_seed(seed, len(outcomes), draw))
            study = optuna.create_study(direction=direction_of(measure), sampler=sampler)
            study.add_trials(past)
            asked = study.ask(distributions).params
            values = {name: _settled(setting, asked[name]) for name, setting in space.items()}
            if _key(values) not in tried:
                return values
    sizes = [len(setting.values or ()) for setting in space.values()]
    everything = grid(space) if math.prod(sizes) <= _MOST_COUNTED else None
    if everything is None:
        return values
    rest = [chosen for chosen in everything if _key(chosen) not in tried]
    return rest[_seed(seed, len(outcomes), _DRAWS) % len(rest)] if rest else None


def _distributions(space: Mapping[str, Setting]) -> dict[str, BaseDistribution]:
    """Return a search space as Optuna knows it; a choice is known by its JSON, so that it may be anything."""
    kinds = imported_optuna().distributions
    found: dict[str, BaseDistribution] = {}
    for name, setting in space.items():
        if isinstance(setting, Choices):
            found[name] = kinds.CategoricalDistribution([_text(value) for value in setting.values])
        elif setting.is_whole:
            step = 1 if setting.step is None else int(setting.step)
            found[name] = kinds.IntDistribution(int(setting.low), int(setting.high), log=setting.log, step=step)
        else:
            found[name] = kinds.FloatDistribution(setting.low, setting.high, log=setting.log, step=setting.step)
    return found


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
    finished = [outcome for outcome in outcomes if outcome.state == "finished"]
    with quiet_optuna():
        rule = optuna.pruners.MedianPruner(n_startup_trials=_FIRST_TRIALS, n_warmup_steps=_FIRST_EPOCHS)
        study = optuna.create_study(direction="minimize", pruner=rule)
        for outcome in finished:
            losses = dict(enumerate(outcome.losses))
            study.add_trial(optuna.trial.create_trial(value=0.0, intermediate_values=losses))
        trial = study.ask()

    def is_hopeless(losses: Sequence[float]) -> bool:
        trial.report(losses[-1], len(losses) - 1)
        return bool(trial.should_prune())

    return is_hopeless


def direction_of(measure: str) -> str:
    """Return where Optuna is to go."""
    return "minimize" if is_better_when_smaller(measure) else "maximize"


def frozen_trial(space: Mapping[str, Setting], outcome: Outcome, measure: str, **facts: Any) -> FrozenTrial:
    """Return a trial as Optuna keeps it, with further facts."""
    optuna = imported_optuna()
    kinds = optuna.trial.TrialState
    states = {"finished": kinds.COMPLETE, "pruned": kinds.PRUNED, "failed": kinds.FAIL}
    # Optuna takes losses for values of what is searched, so they must be better in the same direction.
    sign = 1 if is_better_when_smaller(measure) else -1
    found: FrozenTrial = optuna.trial.create_trial(
        state=states[outcome.state],
        value=outcome.score if outcome.state == "finished" else None,
        params={
            name: _text(outcome.values[name]) if isinstance(kind, Choices) else outcome.values[name]
            for name, kind in space.items()
        },
        distributions=_distributions(space),
        intermediate_values={epoch: sign * loss for epoch, loss in enumerate(outcome.losses)},
        user_attrs=facts,
    )
    return found


def _settled(setting: Setting, asked: Any) -> Any:
    return json.loads(asked) if isinstance(setting, Choices) else setting.settled(asked)


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def _key(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values), sort_keys=True)


def _text(value: Any) -> str:
    return json.dumps(value)
