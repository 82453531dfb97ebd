"""What a model predicts: classes, numbers, the hazard of an event, or nothing but an embedding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keras_vnn.basics.errors import ModelError
from keras_vnn.data import Classes


@dataclass(frozen=True, slots=True)
class Regression:
    """One or more numbers to predict.

    Attributes
    ----------
    names
        What they are called.
    """

    names: tuple[str, ...] = ("value",)

    def __post_init__(self) -> None:
        """Take one name as well as several.

        Raises
        ------
        ModelError
            There is no name, or names repeat.
        """
        names = (self.names,) if isinstance(self.names, str) else tuple(self.names)
        object.__setattr__(self, "names", names)
        if not names or len(set(names)) < len(names):
            raise ModelError(f"Regression needs one or more different names, got {list(names)}.")


@dataclass(frozen=True, slots=True)
class Survival(Regression):
    """The log hazard of a Cox model, learned from `SurvivalTimes` by the partial likelihood."""

    names: tuple[str, ...] = ("log_hazard",)

    def __post_init__(self) -> None:
        """Take one name.

        Raises
        ------
        ModelError
            There is no name, or several.
        """
        Regression.__post_init__(self)
        if len(self.names) != 1:
            raise ModelError(f"Survival has one output, the log hazard, got {list(self.names)}.")


@dataclass(frozen=True, slots=True)
class Embedding:
    """No head: the model returns the activities of its last layer."""


@dataclass(frozen=True, slots=True)
class Reconstruction(Embedding):
    """No head: the model returns the genes it read, restored from its latent values, which are the embedding."""


Outputs = Classes | Regression | Embedding


def as_outputs(outputs: Outputs | int) -> Outputs:
    """Return outputs; a number means that many classes called ``0``, ``1``, ….

    Raises
    ------
    ModelError
        It is none of what a model can predict.
    """
    if isinstance(outputs, bool) or not isinstance(outputs, int | Classes | Regression | Embedding):
        raise ModelError(
            "outputs must be classes, Regression, Survival, Embedding or a number of classes; got "
            f"{type(outputs).__name__}.\n"
            "For labels of any type: vnn.build_model(arch, outputs=vnn.pp.classes(labels))"
        )
    if isinstance(outputs, int):
        if outputs < 2:
            raise ModelError(f"A classification needs at least 2 classes, got {outputs}.")
        return Classes(tuple(str(i) for i in range(outputs)))
    return outputs


def output_names(outputs: Outputs) -> tuple[str, ...]:
    """Return the names of the outputs; none for an embedding."""
    return () if isinstance(outputs, Embedding) else outputs.names


def outputs_to_json(outputs: Outputs) -> dict[str, Any]:
    """Return outputs as JSON values."""
    if isinstance(outputs, Classes):
        return {"kind": "classes", **outputs.to_json()}
    if isinstance(outputs, Regression):
        return {"kind": "survival" if isinstance(outputs, Survival) else "regression", "names": list(outputs.names)}
    return {"kind": "reconstruction" if isinstance(outputs, Reconstruction) else "embedding"}


def outputs_from_json(value: Mapping[str, Any]) -> Outputs:
    """Return what `outputs_to_json` was given.

    Raises
    ------
    ModelError
        The kind is unknown, e.g. written by a newer release.
    """
    kind = value.get("kind")
    if kind == "classes":
        return Classes.from_json({name: part for name, part in value.items() if name != "kind"})
    if kind in ("regression", "survival"):
        return (Survival if kind == "survival" else Regression)(tuple(value["names"]))
    if kind == "embedding":
        return Embedding()
    if kind == "reconstruction":
        return Reconstruction()
    raise ModelError(f"Unknown kind of outputs {kind!r}; was the model saved by a newer release?")
