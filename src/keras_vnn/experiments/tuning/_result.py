"""`Tuning`: the trials of a search, the best of them, and how it does on the test cells."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from keras_vnn.experiments._measures import is_better_when_smaller, named
from keras_vnn.experiments.tuning._trials import Failed, Finished, Outcome
from keras_vnn.recipes.schema import TrainingRecipe

__all__ = ["Tuning", "best_of", "trial_table", "valued"]

_SHOWN = 10


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """A finished search for hyper-parameters.

    Attributes
    ----------
    measure
        The score of the validation cells that trials are judged by.
    trials
        A row per trial, numbered from 1 in the order they were made: ``state`` (finished, pruned, failed), the measure,
        what was tried, the other scores of the validation cells (``validation …``), epochs, weights, seconds, and the
        ``reason`` of a failure.
    best
        Number of the best trial; of equal ones the first.
    values
        What it tried, by name of the field.
    recipe
        The recipe with these values.
    test
        Scores of the test cells, which had no part in the search, by the best recipe; ``None`` if there are none.
    about
        How it was made: ``seed``, ``version``, and ``first_is_recipe``, whether trial 1 is the recipe as it stands.
    """

    measure: str
    trials: pd.DataFrame
    best: int
    values: Mapping[str, Any]
    recipe: TrainingRecipe
    test: Mapping[str, float] | None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """The measure of the best trial."""
        return float(self.trials.loc[self.best, self.measure])

    def __str__(self) -> str:
        states = self.trials["state"].value_counts()
        counts = ", ".join(f"{states[state]} {state}" for state in ("finished", "pruned", "failed") if state in states)
        last = [name.rpartition(".")[2] for name in self.values]
        short = {name: end if last.count(end) == 1 else name for name, end in zip(self.values, last, strict=True)}
        order = self.trials[self.trials["state"] == "finished"].sort_values(
            self.measure, ascending=is_better_when_smaller(self.measure), kind="stable"
        )
        shown = order[[self.measure, *self.values, "epochs", "seconds"]].head(_SHOWN)
        shown = shown.astype({name: str for name in self.values} | {"seconds": float})
        texts = shown.rename(columns=short | {self.measure: named(self.measure)}).to_string(
            formatters={named(self.measure): "{:.4f}".format, "seconds": "{:.0f}".format}
        )
        heading = f"the best {_SHOWN} of {len(self.trials)} trials" if len(order) > _SHOWN else "all finished trials"
        first = self.trials.iloc[0]
        before = []
        if self.about.get("first_is_recipe") and first["state"] == "finished":
            before = [f"as it was     trial 1: {named(self.measure)} {first[self.measure]:.4f}"]
        lines = [
            f"{len(self.trials)} trials: {counts}; {heading}:",
            texts,
            "",
            *before,
            f"best          trial {self.best}: {', '.join(valued(self.values))}",
            f"validation    {named(self.measure)} {self.score:.4f}, the best of {len(order)}, so optimistically biased",
            f"test          {self._test_text()}",
        ]
        return "\n".join(lines)

    def _test_text(self) -> str:
        if self.test:
            return ", ".join(f"{named(name)} {value:.4f}" for name, value in self.test.items())
        is_embedding = self.recipe.train.objective != "prediction"
        return "embeddings are scored by vnn evaluate" if is_embedding else "no test cells were held out"

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "schema": "keras-vnn tuning 1",
            "measure": self.measure,
            "best": {"trial": self.best, "score": self.score, "values": dict(self.values)},
            "test": None if self.test is None else {name: _number(value) for name, value in self.test.items()},
            "about": dict(self.about),
            "trials": [
                {name: _plain(value) for name, value in row.items()}
                for row in self.trials.reset_index().to_dict("records")
            ],
        }


def best_of(outcomes: Sequence[Outcome], measure: str) -> tuple[int, Finished] | None:
    """Return the position of the best trial and the trial; of equal ones the first; ``None`` if none finished."""
    sign = -1 if is_better_when_smaller(measure) else 1
    finished = [(number, one) for number, one in enumerate(outcomes) if isinstance(one, Finished)]
    return max(finished, key=lambda pair: sign * pair[1].scores[measure], default=None)


def trial_table(outcomes: Sequence[Outcome], measure: str) -> pd.DataFrame:
    """Return the table of trials, numbered from 1."""
    scores = [one.scores if isinstance(one, Finished) else {} for one in outcomes]
    others = dict.fromkeys(name for found in scores for name in found if name != measure)
    rows = [
        {
            "state": one.state,
            measure: found.get(measure, math.nan),
            **{name: _cell(value) for name, value in one.values.items()},
            **{f"validation {name}": found.get(name, math.nan) for name in others},
            **one.model_dump(include={"epochs", "weights", "seconds"}),
            "reason": one.reason if isinstance(one, Failed) else "",
        }
        for one, found in zip(outcomes, scores, strict=True)
    ]
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="trial"))


def valued(values: Mapping[str, Any]) -> list[str]:
    """Return values as people read them, each with the name of its field."""
    return [f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in values.items()]


def _cell(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else json.dumps(value)


def _plain(value: Any) -> Any:
    return _number(value.item() if hasattr(value, "item") else value)


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
