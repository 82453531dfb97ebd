"""`VNNAutoencoder`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from keras_vnn.data import align, reconstruction_metrics
from keras_vnn.estimators._cells import cells_and_targets
from keras_vnn.estimators._network import Network
from keras_vnn.estimators._predictors import _COLUMNS
from keras_vnn.inspection import predict
from keras_vnn.models import view
from keras_vnn.options import AutoencoderOptions, AutoencoderTraining
from keras_vnn.training import train_autoencoder

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
    {{options}}
        Every option of `AutoencoderOptions` and `TrainingOptions`, and of the training of an autoencoder.
    model, training
        The same as mappings, of names that are chosen elsewhere.
    validation_fraction
        Validation fraction: share of the cells of ``fit`` held out for early stopping; none with ``patience=0``.
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
        The Keras model, for `tl.autoencoder_activities`, `tl.differential_activity` and the like.
    architecture_
        Its architecture.
    history_
        A row of losses per epoch.
{_COLUMNS}
    """

    _of_model = AutoencoderOptions
    _of_objective = AutoencoderTraining
    parameters: ClassVar[Mapping[str, Any]] = {
        name: default for name, default in Network.parameters.items() if name != "pretraining"
    }

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
        self._fitted(train_autoencoder, cells, None)
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
