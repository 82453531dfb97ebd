"""Who takes part in a comparison: the real prior, its controls, dense networks, and methods without a network.

In: names. Out: an architecture to train, or a scikit-learn estimator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from keras_vnn.architecture import Architecture
from keras_vnn.basics.errors import check_choice
from keras_vnn.experiments.controls import CONTROL_METHODS, dense_like, randomize

__all__ = ["BASELINES", "CONTROLS", "REAL", "Contender", "baseline_estimator", "contenders_of", "network_of"]

REAL = "real prior"
_INPUT = "input"
_DENSE = {"dense width": "width", "dense weights": "weights"}

CONTROLS: Mapping[str, str] = MappingProxyType(
    {**CONTROL_METHODS, _INPUT: "the real prior trained on data in which all genes tell as much"}
)

BASELINES: Mapping[str, str] = MappingProxyType(
    {
        "dense width": "fully connected network of the same width",
        "dense weights": "fully connected network of the same number of weights",
        "linear": "logistic regression, or ridge regression",
        "forest": "random forest of 500 trees",
        "constant": "most frequent class, or the mean",
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
        return self.kind != "baseline" or self.name in _DENSE

    @property
    def is_judged(self) -> bool:
        """Whether its score can be compared: a control input is another task."""
        return self.kind != "input"

    @property
    def has_named_nodes(self) -> bool:
        """Whether its nodes are those of the real prior."""
        return self.kind != "baseline"


def contenders_of(controls: tuple[str, ...], baselines: tuple[str, ...]) -> tuple[Contender, ...]:
    """Return all that take part, the real prior first.

    Raises
    ------
    ConfigError
        A name is unknown.
    """
    found = [Contender(REAL, "prior", "the architecture as it was built")]
    for kind, names, known in (("control", controls, CONTROLS), ("baseline", baselines, BASELINES)):
        for name in dict.fromkeys(names):
            check_choice(f"A {kind}", name, known)
            found.append(Contender(name, "input" if kind == "control" and name == _INPUT else kind, known[name]))
    return tuple(found)


def network_of(contender: Contender, arch: Architecture, seed: int, expression: Any) -> Architecture:
    """Return the network of a contender; every seed draws a control of its own.

    Parameters
    ----------
    expression
        ``(training cells, genes)``, for controls that are drawn from it.
    """
    if contender.kind in ("prior", "input"):
        return arch
    if contender.kind == "control":
        return randomize(arch, contender.name, seed, expression=expression)
    return dense_like(arch, same=_DENSE[contender.name])


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
