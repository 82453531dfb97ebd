"""`VNNAutoencoder`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_vnn.data import align
from keras_vnn.estimators._cells import Wiring, cells_and_targets
from keras_vnn.estimators._network import Network
from keras_vnn.estimators._predictors import _COLUMNS
from keras_vnn.inspection import predict
from keras_vnn.models import view
from keras_vnn.training import reconstruction_metrics, train_autoencoder

__all__ = ["VNNAutoencoder"]


class VNNAutoencoder(Network):
    __doc__ = f"""An autoencoder whose decoder is an architecture read backwards, for scikit-learn.

    It needs no labels, see `train_autoencoder`. `transform` gives the activities of all named nodes, or the latent
    values.

    Parameters
    ----------
    architecture
        As of `VNNClassifier`.
    preset
        ``vega`` or ``onto-vae``: options of model and training.
    normalization
        ``none``, ``log1p-cpm``, ``lin2017`` or ``zscore`` (the default without a preset), fitted on the training cells.
    encoder, activation, dropout, beta, model_options
        Of the model: those most often changed, and any other of `AutoencoderOptions` by name.
    warmup_epochs
        Epochs in which ``beta`` rises to its full weight.
    optimizer, learning_rate, batch_size, epochs, patience, training_options
        Of the training: those most often changed, and any other of `TrainingOptions` by name.
    validation_fraction
        Share of the cells of ``fit`` to stop early by; none are held out with ``patience=0``.
    missing
        What to do about genes that an AnnData lacks: ``raise``, ``zero`` or ``mean``.
    output
        What `transform` gives: ``nodes``, the activities of all named nodes, or ``embedding``, the latent values.
    random_state
        Of initial weights, noise, order of cells and split.
    verbose
        Show a line of progress.

    Attributes
    ----------
    model_
        The Keras model, for `autoencoder_activities`, `differential_activity` and the like.
    architecture_
        Its architecture.
    history_
        A row of losses per epoch.
{_COLUMNS}
    """

    _of_model = ("encoder", "activation", "dropout", "beta")

    def __init__(
        self,
        architecture: Wiring = None,
        *,
        preset: str | None = None,
        normalization: str | None = None,
        encoder: tuple[int | str, ...] | None = None,
        activation: str | None = None,
        dropout: float | None = None,
        beta: float | None = None,
        warmup_epochs: int = 0,
        optimizer: str | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        patience: int | None = None,
        validation_fraction: float = 0.15,
        model_options: Mapping[str, Any] | None = None,
        training_options: Mapping[str, Any] | None = None,
        missing: str = "raise",
        output: str = "nodes",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            architecture,
            preset=preset,
            normalization=normalization,
            activation=activation,
            dropout=dropout,
            optimizer=optimizer,
            learning_rate=learning_rate,
            batch_size=batch_size,
            epochs=epochs,
            patience=patience,
            validation_fraction=validation_fraction,
            model_options=model_options,
            training_options=training_options,
            missing=missing,
            output=output,
            random_state=random_state,
            verbose=verbose,
        )
        self.encoder = encoder
        self.beta = beta
        self.warmup_epochs = warmup_epochs

    def fit(self, X: Any, y: Any = None) -> VNNAutoencoder:
        """Build an autoencoder for the columns and train it.

        Parameters
        ----------
        X
            AnnData, DataFrame, array or scipy sparse matrix ``(cells, genes)``.
        y
            Not used.

        Raises
        ------
        VNNError
            There is no architecture, or the data do not fit it.
        """
        cells, _ = cells_and_targets(self, X, None)
        self._fitted(train_autoencoder, cells, None, warmup_epochs=self.warmup_epochs)
        return self

    def score(self, X: Any, y: Any = None) -> float:
        """Return the share of the variance over cells that is restored, all genes together: 1 is the best.

        Parameters
        ----------
        X
            As of `transform`.
        y
            Not used.
        """
        cells = self._cells(X)
        truth = align(cells, self.architecture_, normalization=view(self.model_).normalization, missing=self.missing)
        restored = predict(self.model_, cells, missing=self.missing).to_numpy()
        return reconstruction_metrics([(truth, restored)]).explained or 0.0
