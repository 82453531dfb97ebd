"""Who takes part in a comparison: the real prior, its controls, and the baselines that do what the networks do.

In: names. Out: `Contender` values; scikit-learn estimators. Knows nothing of data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from keras_vnn.basics.errors import check_choice
from keras_vnn.experiments.controls import CONTROL_METHODS

REAL = "real prior"
_INPUT = "input"
DENSE = {"dense width": "width", "dense weights": "weights"}

CONTROLS: Mapping[str, str] = MappingProxyType(
    {**CONTROL_METHODS, _INPUT: "the real prior trained on data in which all genes tell as much"}
)

BASELINES: Mapping[str, str] = MappingProxyType(
    {
        "dense width": "fully connected network of the same width",
        "dense weights": "fully connected network of the same number of weights",
        "linear": "logistic regression, or ridge regression (of survival on martingale residuals)",
        "forest": "random forest of 500 trees",
        "constant": "most frequent class, or the mean",
        "pca": "principal components of the genes, as many as the network has dimensions",
        "all genes": "the genes themselves",
    }
)


@dataclass(frozen=True, slots=True)
class Task:
    """What the networks of a comparison are trained for.

    Attributes
    ----------
    of
        In errors, whose baselines they are.
    baselines
        Those that do the same.
    metric
        The score they are compared by; of a prediction that depends on the labels.
    measure
        What nodes are ranked by.
    well
        What the real prior does, better or worse.
    """

    of: str
    baselines: tuple[str, ...]
    metric: str | None
    measure: str
    well: str


_EMBEDDING = Task(
    " of an embedding",
    (*DENSE, "pca", "all genes"),
    "average_precision",
    "learned",
    "tell types of cells apart",
)
TASKS: Mapping[str, Task] = MappingProxyType(
    {
        "prediction": Task("", (*DENSE, "linear", "forest", "constant"), None, "importance", "predict"),
        "siamese": _EMBEDDING,
        "triplet": _EMBEDDING,
        "autoencoder": Task(
            " of an autoencoder",
            (*DENSE, "pca", "constant"),
            "explained_variance",
            "learned",
            "restore expression",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Contender:
    """One that takes part.

    Attributes
    ----------
    name
        In tables.
    kind
        ``prior``, ``control``, ``input`` (the real prior on a control input) or ``baseline``.
    description
        For people.
    """

    name: str
    kind: str
    description: str

    @property
    def is_network(self) -> bool:
        """Whether a network is trained."""
        return self.kind != "baseline" or self.name in DENSE

    @property
    def is_judged(self) -> bool:
        """Whether its score can be compared: a control input is another task."""
        return self.kind != "input"

    @property
    def has_named_nodes(self) -> bool:
        """Whether its nodes are those of the real prior."""
        return self.kind != "baseline"


def contenders_of(
    controls: tuple[str, ...], baselines: tuple[str, ...] | None, task: Task = TASKS["prediction"]
) -> tuple[Contender, ...]:
    """Return all that take part, the real prior first; all baselines of the task if ``None``.

    Raises
    ------
    ConfigError
        A name is unknown, or a baseline does not do what the networks do.
    """
    found = [Contender(REAL, "prior", "the architecture as it was built")]
    for name in dict.fromkeys(controls):
        check_choice("A control", name, CONTROLS)
        found.append(Contender(name, "input" if name == _INPUT else "control", CONTROLS[name]))
    for name in dict.fromkeys(task.baselines if baselines is None else baselines):
        check_choice(f"A baseline{task.of}", name, task.baselines)
        found.append(Contender(name, "baseline", BASELINES[name]))
    return tuple(found)


def baseline_estimator(name: str, *, is_classification: bool, is_weighted: bool, seed: int) -> Any:
    """Return a scikit-learn estimator."""
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    weights = "balanced" if is_weighted else None
    if name == "forest":
        if is_classification:
            return RandomForestClassifier(500, class_weight=weights, random_state=seed, n_jobs=1)
        return RandomForestRegressor(500, random_state=seed, n_jobs=1)
    if name == "constant":
        return DummyClassifier(strategy="prior") if is_classification else DummyRegressor()
    ridge = RidgeCV([10.0**power for power in range(-2, 6)])
    logistic = LogisticRegression(max_iter=2000, class_weight=weights, random_state=seed)
    return make_pipeline(StandardScaler(), logistic if is_classification else ridge)
