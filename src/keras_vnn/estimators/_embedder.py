"""`VNNEmbedder`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_vnn.errors import ConfigError, did_you_mean
from keras_vnn.estimators._cells import Wiring
from keras_vnn.estimators._network import Network
from keras_vnn.estimators._predictors import _COLUMNS, _PARAMETERS, cells_and_labels
from keras_vnn.options import PretrainingOptions
from keras_vnn.training import train, train_embedding

__all__ = ["VNNEmbedder"]

OBJECTIVES = ("triplet", "siamese", "classifier")


class VNNEmbedder(Network):
    __doc__ = f"""A network that puts cells of one type close together, for scikit-learn.

    `transform` gives the last hidden layer by default, whose units are named nodes and the dense units beside them, or
    those of the tail.
{_PARAMETERS}
    objective
        ``triplet`` or ``siamese``, see `train_embedding`; ``classifier`` trains a head and takes it off.

    Attributes
    ----------
    model_
        The Keras model.
    architecture_
        Its architecture.
    history_
        A row of losses per epoch.
{_COLUMNS}
    """

    def __init__(
        self,
        architecture: Wiring = None,
        *,
        objective: str = "triplet",
        preset: str | None = None,
        normalization: str | None = None,
        tail: tuple[int, ...] | None = None,
        activation: str | None = None,
        dropout: float | None = None,
        l2: float | None = None,
        optimizer: str | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        patience: int | None = None,
        validation_fraction: float = 0.15,
        model_options: Mapping[str, Any] | None = None,
        training_options: Mapping[str, Any] | None = None,
        pretraining: PretrainingOptions | None = None,
        missing: str = "raise",
        output: str = "embedding",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            architecture,
            preset=preset,
            normalization=normalization,
            tail=tail,
            activation=activation,
            dropout=dropout,
            l2=l2,
            optimizer=optimizer,
            learning_rate=learning_rate,
            batch_size=batch_size,
            epochs=epochs,
            patience=patience,
            validation_fraction=validation_fraction,
            model_options=model_options,
            training_options=training_options,
            pretraining=pretraining,
            missing=missing,
            output=output,
            random_state=random_state,
            verbose=verbose,
        )
        self.objective = objective

    def fit(self, X: Any, y: Any = None) -> VNNEmbedder:
        """Build a network for the columns and train it.

        Parameters
        ----------
        X
            AnnData, DataFrame, array or scipy sparse matrix ``(cells, genes)``.
        y
            The type of each cell; for an AnnData also the name of a column of its ``obs``.

        Raises
        ------
        VNNError
            There is no architecture, the data do not fit it, or there is one type only.
        """
        if self.objective not in OBJECTIVES:
            hint = did_you_mean(str(self.objective), OBJECTIVES)
            raise ConfigError(f"objective must be {', '.join(OBJECTIVES)}; got {self.objective!r}. {hint}".rstrip())
        cells, _, known = cells_and_labels(self, X, y, "type")
        if self.objective == "classifier":
            self._fitted(train, cells, known)
        else:
            self._fitted(train_embedding, cells, known, objective=self.objective)
        return self

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn should know."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
